//! The settings of a PostgreSQL server that shares its host with Odoo.

use std::collections::BTreeMap;

use super::gibibytes;

/// The settings for a machine, in the form in which PostgreSQL itself shows them.
///
/// PostgreSQL and Odoo share one machine, so PostgreSQL gets two fifths of the memory, and a quarter of that for
/// `shared_buffers`, as its documentation advises. `max_connections` grows with the cores, as Odoo's workers do. The
/// last settings are for solid state disks.
///
/// The settings depend only on the machine and on the `max_connections` that an administrator has set (`least`), so
/// that all sites of a host ask for the same settings.
#[must_use]
pub fn settings(cores: u32, memory: u64, least: Option<u32>) -> BTreeMap<String, String> {
    let budget = gibibytes(memory).max(1) * 1024 * 2 / 5;
    let connections = connections(cores).max(least.unwrap_or(0));
    let shared = rounded(budget / 4).clamp(128, 16 * 1024);
    let work = (budget - budget / 4) / (3 * u64::from(connections));
    let wal = if memory < 8 * 1024 { 2048 } else { 4096 };
    let settings = [
        ("max_connections", connections.to_string()),
        ("shared_buffers", size(shared)),
        (
            "effective_cache_size",
            size(rounded(budget * 3 / 4).max(256)),
        ),
        (
            "maintenance_work_mem",
            size(rounded(budget / 16).clamp(64, 2048)),
        ),
        ("work_mem", size(work.clamp(4, 64))),
        ("max_wal_size", size(wal)),
        ("random_page_cost", "1.1".to_owned()),
        ("effective_io_concurrency", "200".to_owned()),
    ];
    settings
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

/// PostgreSQL's default of 100, and more on a machine with more than four cores.
fn connections(cores: u32) -> u32 {
    (cores * 25).clamp(100, 500)
}

/// Rounds down to a multiple of 16 MB.
fn rounded(megabytes: u64) -> u64 {
    megabytes / 16 * 16
}

/// A size as PostgreSQL shows it: in the largest unit that needs no fraction.
fn size(megabytes: u64) -> String {
    if megabytes.is_multiple_of(1024) {
        format!("{}GB", megabytes / 1024)
    } else {
        format!("{megabytes}MB")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_follow_memory_and_cores() {
        for (cores, memory, expected) in [
            (1, 1024, ["100", "128MB", "304MB", "64MB", "4MB", "2GB"]),
            (2, 3915, ["100", "400MB", "1216MB", "96MB", "4MB", "2GB"]),
            (
                4,
                15990,
                ["100", "1632MB", "4912MB", "400MB", "16MB", "4GB"],
            ),
            (
                16,
                64000,
                ["400", "6448MB", "19344MB", "1600MB", "16MB", "4GB"],
            ),
            (
                64,
                999_999,
                ["500", "16GB", "300128MB", "2GB", "64MB", "4GB"],
            ),
        ] {
            let found = settings(cores, memory, None);
            let names = [
                "max_connections",
                "shared_buffers",
                "effective_cache_size",
                "maintenance_work_mem",
                "work_mem",
                "max_wal_size",
            ];
            let found = names.map(|name| found[name].as_str());
            assert_eq!(found, expected, "{cores} cores, {memory} MiB");
        }
    }

    #[test]
    fn max_connections_is_never_below_the_value_of_the_administrator() {
        for (least, expected) in [(None, "100"), (Some(50), "100"), (Some(300), "300")] {
            let found = settings(2, 4096, least);
            assert_eq!(found["max_connections"], expected, "{least:?}");
        }
    }
}
