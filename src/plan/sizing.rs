//! How much of a machine Odoo and PostgreSQL may use. Pure functions, tested with tables.
//!
//! Everything is computed from the memory in whole GiB. A new kernel that reserves a few MiB more must not change a
//! configuration, because each change restarts a service.

mod connections;
mod postgresql;

pub use connections::{Pools, demand};
pub use postgresql::settings;

/// The resources of a machine, and its expected use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// The number of usable cores.
    pub cores: u32,
    /// The memory, in MiB.
    pub memory: u64,
    /// How many people are expected to use Odoo at once.
    pub users: Option<u32>,
    /// The number of worker processes that the owner has asked for. If `None`, it is computed.
    pub workers: Option<u32>,
    /// The fewest workers, however small the machine is.
    pub least: u32,
}

/// The average memory of an Odoo process, in MiB: four light requests of 150 MB for each heavy one of 1 GB. Source:
/// Odoo's documentation, *Deploying Odoo*, memory size calculation.
const PROCESS: u64 = 325;

/// The memory left for PostgreSQL and the system, in MiB.
const SYSTEM: u64 = 1024;

/// The users that one worker serves. Source: Odoo's documentation, *Deploying Odoo*.
const USERS: u32 = 6;

/// The most workers that are chosen by default. Together with the cron workers they get along with the 100
/// connections that PostgreSQL allows by default.
const MOST: u32 = 36;

/// The processes of a site and their memory limits.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sizing {
    /// Processes that answer requests. 0 is one process with threads. Never 1: such an Odoo cannot print reports, as
    /// wkhtmltopdf needs a second worker for images and styles.
    pub workers: u32,
    /// Processes, or threads, for scheduled actions.
    pub cron_threads: u32,
    /// The virtual memory in bytes beyond which a process ends after its present request.
    pub memory_soft: u64,
    /// The most virtual memory in bytes that a process can get.
    pub memory_hard: u64,
    /// The reason for this number of workers, in words for the owner.
    pub because: String,
}

impl Sizing {
    /// Computes the processes by Odoo's own rule: two for each core and one more, but no more than one for six users,
    /// and no more than fit into the memory.
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

/// The memory rounded to whole GiB.
fn gibibytes(memory: u64) -> u64 {
    (memory + 512) / 1024
}

/// How many processes fit into the memory.
fn carried(memory: u64) -> u32 {
    let left = (gibibytes(memory) * 1024).saturating_sub(SYSTEM);
    u32::try_from(left / PROCESS).unwrap_or(u32::MAX)
}

/// The soft limit of a process in MiB: its share of the memory, between Odoo's default limit and twice as much. The
/// limit is on virtual memory, of which a process has two or three times what it uses: an idle worker has 265 MB and
/// uses 100. It also applies to the programs that a process starts (rtlcss wants 1.6 GB).
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
            // the example in Odoo's documentation: 4 cores with 8 threads, 60 users
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
    fn the_number_of_workers_that_the_owner_asks_for_is_used() {
        for workers in [0, 2, 64] {
            assert_eq!(sizing(1, 1024, Some(9), Some(workers)).workers, workers);
        }
    }

    #[test]
    fn memory_limits_allow_a_report_and_grow_with_the_memory() {
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
