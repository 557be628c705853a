//! How the connections of a PostgreSQL server are shared out.

use serde::Serialize;

use super::Sizing;

/// What is kept back of all connections: three are PostgreSQL's own, for superusers, and five are for
/// a backup, a console and whoever watches the server.
const KEPT: u32 = 8;

/// What a site holds beside its pools: its first process, and the one that listens for jobs.
const BESIDE: u32 = 3;

/// The most connections of each process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pools {
    /// Of a process that answers requests or runs scheduled actions.
    pub process: u32,
    /// Of the one for websockets.
    pub gevent: u32,
}

/// What may be chosen, the most first. Steps, and not a share of what is left: what a site has
/// chosen it must choose again when another one has taken its own.
const STEPS: [Pools; 5] = [
    pools(8, 16),
    pools(6, 12),
    pools(4, 8),
    pools(3, 6),
    pools(2, 6),
];

/// The same where one process with threads does it all: half of them answer requests at a time.
const THREADED: [Pools; 4] = [pools(32, 32), pools(24, 24), pools(16, 16), pools(8, 8)];

const fn pools(process: u32, gevent: u32) -> Pools {
    Pools { process, gevent }
}

impl Pools {
    /// The most of `max_connections` that this site may have beside others that may hold `taken`.
    /// `None` where there is not enough for it.
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

    /// What a site may hold at the most.
    fn demand(self, workers: u32, cron_threads: u32) -> u32 {
        let pools = match workers {
            0 => self.process,
            _ => (workers + cron_threads) * self.process + self.gevent,
        };
        pools + BESIDE
    }
}

/// What the site of an `odoo.conf` may hold of the connections of the server at `host`, `None` being
/// the one over the socket. Odoo's own numbers hold where it gives none.
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
    fn a_site_takes_what_is_left_and_no_more() {
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

    /// Else the second site would restart the first one.
    #[test]
    fn however_many_sites_come_the_earlier_ones_stay_as_they_are() {
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
    fn a_site_of_another_server_takes_nothing_here() {
        let text = conf(&site(4), pools(8, 16)) + "db_host = db.example.org\n";
        assert_eq!(demand(&text, None), 0);
        assert_eq!(demand(&text, Some("db.example.org")), 59);
        assert_eq!(demand("[options]\ndb_host = False\n", None), 67);
    }
}
