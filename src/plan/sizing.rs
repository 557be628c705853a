//! How much of a machine Odoo and PostgreSQL are given. Pure: tables say what comes of what.
//!
//! All of it goes by the memory in whole GiB. A new kernel that keeps a few MiB more for itself must
//! not change a configuration, for each change restarts a service.

mod connections;
mod postgresql;

pub use connections::{Pools, demand};
pub use postgresql::settings;

/// What is there, and what is known of who will use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// The cores that can be used.
    pub cores: u32,
    /// The memory, in MiB.
    pub memory: u64,
    /// How many people are expected to work with it at once.
    pub users: Option<u32>,
    /// How many worker processes its owner has asked for; `None` leaves it to us.
    pub workers: Option<u32>,
    /// The fewest that will do, however small the machine.
    pub least: u32,
}

/// What a process of Odoo takes on the average: four light requests of 150 MB to a heavy one of
/// 1 GB. Source: Odoo's documentation, *Deploying Odoo*, memory size calculation.
const PROCESS: u64 = 325;

/// What PostgreSQL and the system are left, in MiB.
const SYSTEM: u64 = 1024;

/// The users that one worker serves. Source: Odoo's documentation, *Deploying Odoo*.
const USERS: u32 = 6;

/// The most workers that are chosen unasked: with those for cron they get along with the 100
/// connections that PostgreSQL allows by itself.
const MOST: u32 = 36;

/// The processes of a site and what each may take.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sizing {
    /// Processes that answer requests; 0 is one process with threads. Never 1, which prints no reports.
    pub workers: u32,
    /// Processes, or threads, for scheduled actions.
    pub cron_threads: u32,
    /// The virtual memory, in bytes, beyond which a process ends after its request.
    pub memory_soft: u64,
    /// The virtual memory, in bytes, that a process never gets more of.
    pub memory_hard: u64,
    /// Why, in words for the owner.
    pub because: String,
}

impl Sizing {
    /// Divides the ground by Odoo's own rule: two processes a core and one more, one for six users,
    /// and no more than the memory carries.
    #[must_use]
    pub fn of(ground: Capacity) -> Self {
        let cron_threads = if ground.cores > 4 { 2 } else { 1 };
        let (by_cores, by_memory) = (ground.cores * 2 + 1, carried(ground.memory));
        let processes = by_cores.min(by_memory).saturating_sub(cron_threads);
        let by_users = ground.users.map(|users| users.div_ceil(USERS).max(2));
        let chosen = processes.min(by_users.unwrap_or(MOST)).min(MOST);
        let workers = ground
            .workers
            .unwrap_or(if chosen < 2 { ground.least } else { chosen });
        let because = match (ground.workers, ground.users) {
            (Some(_), _) => "as the site asks".to_owned(),
            (None, users) => {
                let users = users.map_or_else(String::new, |users| {
                    format!(", {users} users ask for {}", users.div_ceil(USERS))
                });
                format!(
                    "{} cores carry {by_cores} processes, {} GiB of memory {by_memory}, with {cron_threads} for \
                     scheduled actions{users}",
                    ground.cores,
                    gibibytes(ground.memory)
                )
            }
        };
        let soft = soft(ground.memory, workers + cron_threads);
        Self {
            workers,
            cron_threads,
            memory_soft: soft << 20,
            memory_hard: (soft * 5 / 4) << 20,
            because,
        }
    }
}

/// The memory in whole GiB, to the nearest.
fn gibibytes(memory: u64) -> u64 {
    (memory + 512) / 1024
}

/// How many processes the memory carries.
fn carried(memory: u64) -> u32 {
    let left = (gibibytes(memory) * 1024).saturating_sub(SYSTEM);
    u32::try_from(left / PROCESS).unwrap_or(u32::MAX)
}

/// A process's share of the memory in MiB, between Odoo's own limit and twice as much. It is
/// virtual memory, of which a process has two or three times what it uses: an idle worker has
/// 265 MB and uses 100, and the programs it starts (rtlcss wants 1.6 GB) are under the limit too.
fn soft(memory: u64, processes: u32) -> u64 {
    let left = (gibibytes(memory) * 1024).saturating_sub(SYSTEM);
    let share = left / u64::from(processes.max(1));
    (share / 256 * 256).clamp(2048, 4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizing(cores: u32, memory: u64, users: Option<u32>, workers: Option<u32>) -> Sizing {
        Sizing::of(Capacity {
            cores,
            memory,
            users,
            workers,
            least: 0,
        })
    }

    #[test]
    fn workers_follow_the_scarcest_of_cores_memory_and_users_and_are_never_one() {
        for (cores, memory, users, expected) in [
            (2, 24000, None, 4),
            (1, 1024, None, 0),
            (1, 1500, None, 0),
            (1, 2048, None, 2),
            (8, 4096, None, 7),
            (64, 999_999, None, 36),
            // the example of Odoo's documentation: 4 cores with 8 threads, 60 users
            (4, 16000, Some(60), 8),
            (4, 16000, Some(25), 5),
            (4, 16000, Some(3), 2),
            (1, 1024, Some(60), 0),
        ] {
            let workers = sizing(cores, memory, users, None).workers;
            assert_eq!(workers, expected, "{cores} cores, {memory} MiB, {users:?}");
        }
        for cores in 1..80 {
            for memory in (500..40_000).step_by(97) {
                for users in [None, Some(1), Some(7), Some(300)] {
                    assert_ne!(sizing(cores, memory, users, None).workers, 1);
                }
            }
        }
    }

    #[test]
    fn what_the_owner_asks_for_is_done() {
        for workers in [0, 2, 64] {
            assert_eq!(sizing(1, 1024, Some(9), Some(workers)).workers, workers);
        }
    }

    #[test]
    fn limits_hold_what_a_report_needs_and_follow_the_memory() {
        for (cores, memory, expected) in [(2, 2048, 2048), (2, 16000, 3072), (4, 64000, 4096)] {
            let sizing = sizing(cores, memory, None, None);
            assert_eq!(sizing.memory_soft >> 20, expected, "{memory} MiB");
            assert_eq!(sizing.memory_hard >> 20, expected * 5 / 4);
        }
    }

    #[test]
    fn a_few_mebibytes_change_nothing() {
        for memory in [1985, 3915, 7937, 15990] {
            assert_eq!(
                sizing(4, memory, None, None),
                sizing(4, memory + 20, None, None)
            );
        }
    }
}
