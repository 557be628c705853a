//! The law of the owner: servers of others, commands in any order and with any ending, and what is there after.

mod foreign;
mod law;
mod named;
mod said;
mod things;
mod world;

pub use law::{Ground, Played};
pub use world::World;
