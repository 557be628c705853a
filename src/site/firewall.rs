//! The section `[firewall]`.

use super::section::section;

section! {
    /// A table of nftables that closes three ports to other hosts. The table decides on nothing else: other rules stay,
    /// also those of ufw and firewalld, and SSH is never touched. If another program empties the kernel's rules, the
    /// next run restores the table.
    pub struct Firewall from Written in "[firewall]" {
        /// If `true`, `port`, `gevent_port` and PostgreSQL's 5432 are closed to other hosts. A site is refused if that
        /// would close a port on which a program other than PostgreSQL serves other hosts.
        enabled: bool = false,
    }
}
