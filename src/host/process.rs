//! Processes and listening sockets of the machine, read from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::host::command::MARK;
use crate::host::{Error, Host, Result};

/// The kernel's table of file locks and the processes that hold them.
pub const LOCKS: &str = "/proc/locks";

/// How long to wait for killed processes to disappear.
const PATIENCE: Duration = Duration::from_secs(10);

/// The time between two scans of the processes.
const PAUSE: Duration = Duration::from_millis(20);

/// One running process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its process ID.
    pub pid: i32,
    /// Its command line, cut after 80 characters.
    pub command: String,
}

/// One listening TCP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The address it listens on.
    pub address: IpAddr,
    /// The port it listens on.
    pub port: u16,
    /// The inode of the socket; it identifies the process that holds the socket.
    inode: u64,
}

impl Host {
    /// The process `pid`, if it runs.
    #[must_use]
    pub fn process(&self, pid: i32) -> Option<Process> {
        let bytes = fs::read(self.path(Path::new(&format!("/proc/{pid}/cmdline")))).ok()?;
        // drop control characters: any user could use them to move the cursor of the terminal that shows this line
        let line = String::from_utf8_lossy(&bytes).replace(char::is_control, " ");
        Some(Process {
            pid,
            command: line.trim().chars().take(80).collect(),
        })
    }

    /// The IDs of all processes.
    ///
    /// # Errors
    /// If `/proc` cannot be listed.
    pub fn processes(&self) -> Result<Vec<i32>> {
        Ok(self
            .list(Path::new("/proc"))?
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect())
    }

    /// All listening TCP sockets.
    ///
    /// # Errors
    /// If the kernel's table cannot be read.
    pub fn listeners(&self) -> Result<Vec<Listener>> {
        let mut all = Vec::new();
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let text = self.read_text(Path::new(table))?.unwrap_or_default();
            all.extend(text.lines().skip(1).filter_map(parse_listener));
        }
        Ok(all)
    }

    /// The process that holds a listening socket, if it can be seen.
    #[must_use]
    pub fn holder(&self, listener: &Listener) -> Option<Process> {
        self.holder_of(listener.inode)
    }

    /// The process that listens on the Unix socket at the path `name`: `None` if no process listens there,
    /// `Some(None)` if the process cannot be seen.
    ///
    /// # Errors
    /// If the kernel's table cannot be read.
    pub fn socket_holder(&self, name: &str) -> Result<Option<Option<Process>>> {
        let table = self.read_text(Path::new("/proc/net/unix"))?;
        let inode = table.and_then(|table| table.lines().find_map(|l| parse_socket(l, name)));
        Ok(inode.map(|inode| self.holder_of(inode)))
    }

    fn holder_of(&self, inode: u64) -> Option<Process> {
        let wanted = format!("socket:[{inode}]");
        self.processes().ok()?.into_iter().find_map(|pid| {
            let folder = self.path(Path::new(&format!("/proc/{pid}/fd")));
            let mut open = fs::read_dir(folder)
                .ok()?
                .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
            open.any(|target| target.to_str() == Some(&wanted))
                .then(|| self.process(pid))
                .flatten()
        })
    }

    /// The process that holds a record lock on the file at `path`, if there is one.
    ///
    /// Reads `/proc/locks`, which names the holder without touching the lock.
    ///
    /// # Errors
    /// If the kernel's table cannot be read.
    pub fn lock_holder(&self, path: &Path) -> Result<Option<Process>> {
        let Ok(meta) = fs::metadata(self.path(path)) else {
            return Ok(None);
        };
        let table = self.path(Path::new(LOCKS));
        let table = lock_table(&table).map_err(Error::file("read", Path::new(LOCKS)))?;
        Ok(lock_owner(&table, meta.ino()).map(|pid| {
            self.process(pid).unwrap_or(Process {
                pid,
                command: "a process of another container".into(),
            })
        }))
    }

    /// The processes with the mark `value`, except this one.
    ///
    /// # Errors
    /// If `/proc` cannot be listed.
    pub fn marked(&self, value: &str) -> Result<Vec<Process>> {
        Ok(self.look(value)?.marked)
    }

    fn look(&self, value: &str) -> Result<Look> {
        let mark = format!("{MARK}={value}");
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let mut look = Look::default();
        for pid in self.processes()?.into_iter().filter(|pid| *pid != own) {
            let of = |file: &str| {
                let path = self.path(Path::new(&format!("/proc/{pid}/{file}")));
                fs::read(path).unwrap_or_default()
            };
            let environ = of("environ");
            let mut entries = environ.split(|byte| *byte == 0);
            if entries.any(|entry| entry == mark.as_bytes()) {
                look.marked.extend(self.process(pid));
            } else if environ.is_empty() && !of("statm").starts_with(b"0 ") {
                look.unclear.insert(pid, of("cmdline").is_empty());
            }
        }
        Ok(look)
    }

    /// Kills the processes that a killed run of `site` left behind: every process with the site's mark, and those
    /// that these processes start meanwhile. Returns the killed processes.
    ///
    /// # Errors
    /// If `/proc` cannot be listed.
    pub async fn end_stragglers(&self, site: &str) -> Result<Vec<Process>> {
        let mut ended: Vec<Process> = Vec::new();
        let mut earlier = Look::default();
        // a killed process may go on writing for a moment, until it has disappeared
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            let look = self.look(site)?;
            if look.marked.is_empty() && look.is_clear_after(&earlier) {
                break;
            }
            for process in &look.marked {
                let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
                if !ended.contains(process) {
                    ended.push(process.clone());
                }
            }
            earlier = look;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(ended)
    }
}

/// The result of one scan of all processes for a mark.
#[derive(Default)]
struct Look {
    /// The processes with the mark.
    marked: Vec<Process>,
    /// The processes that show no environment, and whether they show no command line either. During `execve` neither
    /// can be read: the kernel has dropped the old memory, and with it the lock of the odoo-deploy that started the
    /// process, before it says where environment and command line are in the new memory.
    unclear: BTreeMap<i32, bool>,
}

impl Look {
    /// Whether no process that hid its environment can have the mark. A process with a command line has finished
    /// `execve`; if it still shows no environment at the next scan, it has none.
    fn is_clear_after(&self, earlier: &Self) -> bool {
        let mut unclear = self.unclear.iter();
        unclear.all(|(pid, starting)| !starting && earlier.unclear.get(pid) == Some(&false))
    }
}

/// Parses a line of `/proc/net/tcp` or `tcp6`; `None` if it is not a listening socket (state `0A`).
fn parse_listener(line: &str) -> Option<Listener> {
    let field: Vec<&str> = line.split_whitespace().collect();
    if *field.get(3)? != "0A" {
        return None;
    }
    let (address, port) = field.get(1)?.split_once(':')?;
    Some(Listener {
        address: parse_address(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
        inode: field.get(9)?.parse().ok()?,
    })
}

/// Parses a line of `/proc/net/unix` into the inode of the socket; `None` if it is another socket than `name`, or no
/// process listens on it (`__SO_ACCEPTCON`).
fn parse_socket(line: &str, name: &str) -> Option<u64> {
    let field: Vec<&str> = line.split_whitespace().collect();
    let listens = field.get(3)? == &"00010000" && field.get(7)? == &name;
    listens.then(|| field.get(6)?.parse().ok()).flatten()
}

/// Parses an address. The kernel prints it as 32-bit words in the machine's byte order.
fn parse_address(hex: &str) -> Option<IpAddr> {
    let words: Option<Vec<[u8; 4]>> = (0..hex.len() / 8)
        .map(|i| {
            u32::from_str_radix(hex.get(i * 8..i * 8 + 8)?, 16)
                .ok()
                .map(u32::to_ne_bytes)
        })
        .collect();
    let bytes = words?.concat();
    match bytes.len() {
        4 => Some(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?))),
        16 => Some(IpAddr::V6(Ipv6Addr::from(
            <[u8; 16]>::try_from(bytes).ok()?,
        ))),
        _ => None,
    }
}

/// Reads the kernel's table of locks; empty if this machine has none. Reads it in as few pieces as possible: if a
/// lock is released between two pieces, the entries after it move up and one of them is missed.
///
/// # Errors
/// If the table cannot be read.
pub fn lock_table(path: &Path) -> io::Result<String> {
    let mut file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        file => file?,
    };
    let mut bytes = Vec::with_capacity(64 * 1024);
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The process that holds a lock on the file with `inode`, according to the text of `/proc/locks`.
#[must_use]
pub fn lock_owner(table: &str, inode: u64) -> Option<i32> {
    table.lines().find_map(|line| parse_lock(line, inode))
}

/// Parses a line of `/proc/locks`: the holder of a record lock or file lock on `inode`. A line with `->` is a process
/// that waits for the lock.
fn parse_lock(line: &str, inode: u64) -> Option<i32> {
    let field: Vec<&str> = line.split_whitespace().collect();
    if field.get(1) == Some(&"->") {
        return None;
    }
    let of = field.get(5)?.rsplit(':').next()?.parse::<u64>().ok()?;
    (of == inode).then(|| field.get(4)?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn control_characters_in_a_command_line_are_removed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("proc/7")).unwrap();
        let line = "perl\0-e\0one\ntwo\u{1b}[2J\u{9b}1m\0";
        fs::write(root.path().join("proc/7/cmdline"), line).unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        let process = host.process(7).unwrap();
        assert_eq!(process.command, "perl -e one two [2J 1m");
    }

    #[test]
    fn listening_sockets_are_parsed_and_connections_are_skipped() {
        let listening = "   1: 0100007F:1F85 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 4711 1";
        let found = parse_listener(listening).unwrap();
        assert_eq!(
            (found.address, found.port, found.inode),
            (Ipv4Addr::LOCALHOST.into(), 8069, 4711)
        );
        assert_eq!(parse_listener(&listening.replace(" 0A ", " 01 ")), None);
        assert_eq!(parse_listener("sl local_address"), None);
        let v6 = "   0: 00000000000000000000000001000000:1F85 0:0 0A 0:0 0:0 0 999 0 9 1";
        assert_eq!(parse_listener(v6).unwrap().address, Ipv6Addr::LOCALHOST);
    }

    #[test]
    fn only_unix_sockets_that_listen_are_parsed() {
        let name = "/run/postgresql/.s.PGSQL.5432";
        let line = |flags: &str| format!("0000: 00000002 00000000 {flags} 0001 01 4711 {name}");
        assert_eq!(parse_socket(&line("00010000"), name), Some(4711));
        assert_eq!(parse_socket(&line("00000000"), name), None);
        assert_eq!(parse_socket(&line("00010000"), "/run/other"), None);
        assert_eq!(parse_socket("Num RefCount Protocol", name), None);
    }

    #[test]
    fn lock_holders_are_parsed_and_waiting_processes_are_skipped() {
        let held = "4: POSIX  ADVISORY  WRITE 812 fe:00:131 0 EOF";
        assert_eq!(parse_lock(held, 131), Some(812));
        assert_eq!(parse_lock(held, 132), None);
        assert_eq!(
            parse_lock("4: -> POSIX  ADVISORY  WRITE 813 fe:00:131 0 EOF", 131),
            None
        );
    }

    #[test]
    fn a_process_in_execve_is_scanned_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("proc/7");
        fs::create_dir_all(&folder).unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        let look = |environ: &str, cmdline: &str, statm: &str| {
            for (name, text) in [("environ", environ), ("cmdline", cmdline), ("statm", statm)] {
                fs::write(folder.join(name), text).unwrap();
            }
            host.look("main").unwrap()
        };
        let nothing = Look::default();
        let starting = look("", "", "90 1 1 1 0 1 0");
        assert!(!starting.is_clear_after(&nothing) && !starting.is_clear_after(&starting));
        let bare = look("", "sleep\0", "90 1 1 1 0 1 0");
        assert!(!bare.is_clear_after(&nothing) && !bare.is_clear_after(&starting));
        assert!(bare.is_clear_after(&bare));
        // zombies and kernel threads
        assert!(look("", "", "0 0 0 0 0 0 0").is_clear_after(&nothing));
        let marked = look("A=1\0ODOO_DEPLOY_SITE=main\0", "sleep\0", "90 1 1 1 0 1 0");
        assert_eq!(marked.marked.len(), 1);
    }

    #[test]
    fn only_marked_processes_of_the_same_site_are_killed() {
        let site = format!("test-{}", std::process::id());
        let start = |site: &str| {
            let mut sleep = std::process::Command::new("sleep");
            sleep.arg("20").env(MARK, site).spawn().unwrap()
        };
        let (mut straggler, mut other) = (start(&site), start(&format!("{site}-two")));
        let host = Host::this(crate::event::Events::silent());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        // a killed child stays a zombie until its parent, this process, waits for it
        let reaper = std::thread::spawn(move || straggler.wait().unwrap());
        let ended = runtime.block_on(host.end_stragglers(&site)).unwrap();
        let alive = other.try_wait().unwrap().is_none();
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(ended.len(), 1, "{ended:?}");
        assert!(!reaper.join().unwrap().success());
        assert!(alive, "it was another site's");
    }
}
