//! The section `[fail2ban]`.

use super::section::section;
use super::setting::number;

section! {
    /// A jail of fail2ban that bans addresses that try passwords. With `[proxy]`, nginx refuses the banned addresses
    /// (403), also behind another proxy, and fail2ban reads nginx's log too: twenty wrong keys at `/json/2`, wrong
    /// second factors or refused requests lead to a ban.
    pub struct Fail2ban from Written in "[fail2ban]" {
        /// Whether the jail exists.
        enabled: bool = false,
        /// How many failed logins in Odoo's log within ten minutes lead to a ban.
        attempts: Count = Count(5),
        /// How long a ban lasts, in minutes.
        minutes: Count = Count(15),
    }
}

number! {
    /// A small whole number.
    Count, "a number", 1 to 10_000, "is out of range"
}
