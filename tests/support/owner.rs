//! The law of the owner: on a server with things of other people, commands may come in any order and end in any
//! way, and those things must still be there afterwards.

mod foreign;
mod law;
mod named;
mod said;
mod things;
mod world;

pub use law::{Ground, Played};
pub use world::World;
