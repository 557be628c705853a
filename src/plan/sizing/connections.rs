//! How the connections of a PostgreSQL server are shared among sites.

use serde::Serialize;

use super::Sizing;

/// The connections that no site gets: three are reserved by PostgreSQL for superusers, five are for backups, consoles
/// and monitoring.
const KEPT: u32 = 8;

/// The connections that a site uses in addition to its pools: those of its first process, and the one that listens
/// for jobs.
const BESIDE: u32 = 3;

/// The most connections that each process may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pools {
    /// For a process that answers requests or runs scheduled actions.
    pub process: u32,
    /// For the process that serves websockets.
    pub gevent: u32,
}

/// The possible pool sizes, largest first. They are fixed sizes, not a share of the remaining connections, so that a
/// further site never changes the sizes of an earlier one.
const STEPS: [Pools; 5] = [
    pools(8, 16),
    pools(6, 12),
    pools(4, 8),
    pools(3, 6),
    pools(2, 6),
];

/// The possible pool sizes of a single process with threads: half of its threads answer requests at a time.
const THREADED: [Pools; 4] = [pools(32, 32), pools(24, 24), pools(16, 16), pools(8, 8)];

const fn pools(process: u32, gevent: u32) -> Pools {
    Pools { process, gevent }
}

impl Pools {
    /// The largest pools for which `max_connections` suffices, if other sites may use `taken` connections. `None` if
    /// there are not enough connections for even the smallest pools.
    #[must_use]
    pub fn of(sizing: &Sizing, max_connections: u32, taken: u32) -> Option<Self> {
        let left = max_connections.saturating_sub(KEPT + taken);
        let steps = if sizing.workers == 0 {
            &THREADED[..]
        } else {
            &STEPS[..]
        };
        let fits = |pools: &&Self| pools.demand(sizing.workers, sizing.cron_threads) <= left;
        steps.iter().find(fits).copied()
    }

    /// The most connections that a site with these pools may use.
    fn demand(self, workers: u32, cron_threads: u32) -> u32 {
        let pools = match workers {
            0 => self.process,
            _ => (workers + cron_threads) * self.process + self.gevent,
        };
        pools + BESIDE
    }
}

/// The most connections that the Odoo with the configuration `conf` may open to the PostgreSQL server at `host`;
/// `None` is the local server. Options that are missing in `conf` have Odoo's defaults.
#[must_use]
pub fn demand(conf: &str, host: Option<&str>) -> u32 {
    let value = |key: &str| {
        let pairs = conf.lines().filter_map(|line| line.split_once('='));
        let mut values = pairs
            .filter(|(k, _)| k.trim() == key)
            .map(|(_, v)| v.trim());
        values.next_back()
    };
    let number = |key: &str, default: u32| {
        value(key)
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    };
    if value("db_host").filter(|host| !["", "False"].contains(host)) != host {
        return 0;
    }
    let process = number("db_maxconn", 64);
    let gevent = number("db_maxconn_gevent", process);
    pools(process, gevent).demand(number("workers", 0), number("max_cron_threads", 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sizing::Capacity;

    fn site(workers: u32) -> Sizing {
        Sizing::of(Capacity {
            cores: 2,
            memory: 8192,
            users: None,
            workers: Some(workers),
            least: 0,
        })
    }

    fn conf(sizing: &Sizing, pools: Pools) -> String {
        format!(
            "[options]\ndb_maxconn = {}\ndb_maxconn_gevent = {}\nmax_cron_threads = {}\nworkers = {}\n",
            pools.process, pools.gevent, sizing.cron_threads, sizing.workers
        )
    }

    #[test]
    fn a_site_gets_the_largest_pools_that_fit() {
        for (workers, connections, taken, expected) in [
            (4, 100, 0, Some(pools(8, 16))),
            (4, 100, 59, Some(pools(4, 8))),
            (8, 100, 0, Some(pools(8, 16))),
            (36, 100, 0, Some(pools(2, 6))),
            (64, 100, 0, None),
            (64, 400, 0, Some(pools(4, 8))),
            (0, 100, 0, Some(pools(32, 32))),
            (0, 100, 80, Some(pools(8, 8))),
            (0, 100, 92, None),
        ] {
            let found = Pools::of(&site(workers), connections, taken);
            assert_eq!(found, expected, "{workers} of {connections} less {taken}");
        }
    }

    /// Otherwise the install of a second site would restart the first one.
    #[test]
    fn a_further_site_never_changes_the_pools_of_earlier_ones() {
        for workers in [0, 2, 4, 8] {
            for connections in [100, 200, 500] {
                let mut sites: Vec<Pools> = Vec::new();
                let taken = |sites: &[Pools], but: usize| -> u32 {
                    let others = sites.iter().enumerate().filter(|(at, _)| *at != but);
                    others
                        .map(|(_, pools)| demand(&conf(&site(workers), *pools), None))
                        .sum()
                };
                while let Some(pools) =
                    Pools::of(&site(workers), connections, taken(&sites, sites.len()))
                {
                    sites.push(pools);
                    for (at, pools) in sites.iter().enumerate() {
                        let again = Pools::of(&site(workers), connections, taken(&sites, at));
                        assert_eq!(again, Some(*pools), "{workers} workers, {connections}");
                    }
                }
                assert!(taken(&sites, sites.len()) + KEPT <= connections);
                assert!(!sites.is_empty());
            }
        }
    }

    #[test]
    fn a_site_with_another_database_server_uses_no_connections_here() {
        let text = conf(&site(4), pools(8, 16)) + "db_host = db.example.org\n";
        assert_eq!(demand(&text, None), 0);
        assert_eq!(demand(&text, Some("db.example.org")), 59);
        assert_eq!(demand("[options]\ndb_host = False\n", None), 67);
    }
}
