//! Passwords, and what opens private repositories.

pub mod access;
pub mod password;
