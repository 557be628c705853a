//! `useradd`, `usermod`, `userdel`.

use super::{Answer, Disk, Model};

impl Model {
    /// The numbers of a user and its group.
    pub(super) fn account(&self, name: &str) -> Option<(u32, u32)> {
        account(&self.disk, name)
    }

    pub(super) fn useradd(&self, args: &[&str]) -> Answer {
        let [
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            home,
            "--shell",
            shell,
            "--",
            name,
        ] = args
        else {
            panic!("no model of useradd {args:?}");
        };
        if self.account(name).is_some() {
            return Err((9, format!("useradd: user '{name}' already exists")));
        }
        if group(&self.disk, name).is_some() {
            return Err((9, format!("useradd: group {name} exists")));
        }
        self.fuse.effect(|| {
            keep_copies(&self.disk);
            add(&self.disk, name, home, shell, (1..1000).rev());
        });
        Ok(String::new())
    }

    pub(super) fn usermod(&self, args: &[&str]) -> Answer {
        let ["--shell", shell, "--groups", groups, "--", name] = args else {
            panic!("no model of usermod {args:?}");
        };
        if self.account(name).is_none() {
            return Err((6, format!("usermod: user '{name}' does not exist")));
        }
        let wanted: Vec<&str> = groups.split(',').filter(|g| !g.is_empty()).collect();
        if let Some(unknown) = wanted.iter().find(|g| group(&self.disk, g).is_none()) {
            return Err((6, format!("usermod: group '{unknown}' does not exist")));
        }
        self.fuse.effect(|| {
            keep_copies(&self.disk);
            edit(&self.disk, "/etc/passwd", |field| {
                if field[0] == *name {
                    (*shell).clone_into(&mut field[6]);
                }
            });
            edit(&self.disk, "/etc/group", |field| {
                let mut members: Vec<String> = field[3]
                    .split(',')
                    .filter(|m| !m.is_empty() && m != name)
                    .map(str::to_owned)
                    .collect();
                if wanted.contains(&field[0].as_str()) {
                    members.push((*name).to_owned());
                }
                field[3] = members.join(",");
            });
        });
        Ok(String::new())
    }

    pub(super) fn userdel(&self, args: &[&str]) -> Answer {
        let ["--", name] = args else {
            panic!("no model of userdel {args:?}");
        };
        if self.account(name).is_none() {
            return Err((6, format!("userdel: user '{name}' does not exist")));
        }
        if self.runs_something(name) {
            return Err((
                8,
                format!("userdel: user {name} is currently used by process 1000"),
            ));
        }
        self.fuse.effect(|| {
            keep_copies(&self.disk);
            for path in ["/etc/passwd", "/etc/group"] {
                let kept: String = self
                    .disk
                    .text(path)
                    .lines()
                    .filter(|line| line.split(':').next() != Some(name))
                    .map(|line| format!("{line}\n"))
                    .collect();
                self.disk.put(path, kept);
            }
        });
        Ok(String::new())
    }
}

/// The numbers of a user and its group.
pub(super) fn account(disk: &Disk, name: &str) -> Option<(u32, u32)> {
    let text = disk.text("/etc/passwd");
    let field: Vec<&str> = text
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|field| field[0] == name)?;
    Some((field[2].parse().ok()?, field[3].parse().ok()?))
}

/// Adds a user with a group of its name and the first number of `numbers` that is free.
pub(super) fn add(
    disk: &Disk,
    name: &str,
    home: &str,
    shell: &str,
    mut numbers: impl Iterator<Item = u32>,
) {
    let (mut passwd, mut groups) = (disk.text("/etc/passwd"), disk.text("/etc/group"));
    let taken = |text: &str, number: u32| {
        text.lines()
            .any(|line| line.split(':').nth(2) == Some(&number.to_string()))
    };
    let number = numbers
        .find(|number| !taken(&passwd, *number) && !taken(&groups, *number))
        .unwrap();
    passwd += &format!("{name}:x:{number}:{number}::{home}:{shell}\n");
    groups += &format!("{name}:x:{number}:\n");
    disk.put("/etc/passwd", passwd);
    disk.put("/etc/group", groups);
}

fn group(disk: &Disk, name: &str) -> Option<u32> {
    let text = disk.text("/etc/group");
    let line = text
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

fn edit(disk: &Disk, path: &str, change: impl Fn(&mut Vec<String>)) {
    let lines = disk.text(path);
    let changed: String = lines
        .lines()
        .map(|line| {
            let mut field: Vec<String> = line.split(':').map(str::to_owned).collect();
            change(&mut field);
            field.join(":") + "\n"
        })
        .collect();
    disk.put(path, changed);
}

/// The backups that the real programs make before every change.
fn keep_copies(disk: &Disk) {
    for path in ["/etc/passwd", "/etc/group"] {
        disk.put(&format!("{path}-"), disk.text(path));
    }
}
