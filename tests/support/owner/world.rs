//! Worlds: a server of somebody else, and what happens on it.

use nix::errno::Errno;

use super::foreign::Foreign;
use crate::dice::Dice;
use crate::machine::{Death, Trouble};

/// The server before other people put things on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    /// A freshly installed Debian.
    Bare,
    /// A Debian with PostgreSQL and nginx.
    Served,
    /// A Debian with the usual site.
    Installed,
    /// A Debian with that site behind nginx.
    Proxied,
}

/// The site of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    /// The usual site.
    Usual,
    /// The usual site behind nginx.
    Proxy,
    /// The usual site at a later commit.
    Later,
    /// The usual site with another database.
    OtherDatabase,
    /// The usual site with another module.
    More,
    /// A second site on the same server.
    Second,
}

/// The command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `install --yes`.
    Install,
    /// `install --dry-run`.
    DryRun,
    /// `audit`.
    Audit,
    /// `status`.
    Status,
    /// `rollback --yes`.
    Rollback,
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Without a kill or fault.
    Well,
    /// Killed at that effect.
    Killed(usize, Death),
    /// That file call fails.
    File(usize, Errno),
    /// That call of a program is in trouble.
    Program(usize, Trouble),
}

/// One event in a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Somebody types a command.
    Typed(Verb, Site, End),
    /// Somebody does something else.
    Owner(Foreign),
}

/// A server, and what happens on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// The server at the start.
    pub start: Start,
    /// The things of others on it.
    pub foreign: Vec<Foreign>,
    /// The events, in order.
    pub moves: Vec<Move>,
}

impl World {
    /// Draws the world of a seed.
    pub fn draw(seed: u64) -> Self {
        // dice with neighbouring seeds begin with similar numbers
        let mut dice = Dice::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.below(2);
        let starts = [
            Start::Bare,
            Start::Bare,
            Start::Served,
            Start::Served,
            Start::Installed,
            Start::Installed,
            Start::Proxied,
        ];
        let start = *dice.pick(&starts);
        let foreign = (0..=dice.below(4)).map(|_| Foreign::draw(&mut dice));
        let foreign = foreign.collect();
        let mut moves = vec![Move::Typed(Verb::Install, site(&mut dice), end(&mut dice))];
        if start >= Start::Installed && dice.below(3) == 0 {
            moves.clear();
        }
        for _ in 0..=dice.below(3) {
            moves.push(next(&mut dice));
        }
        Self {
            start,
            foreign,
            moves,
        }
    }

    /// Worlds with one thing less, to find the smallest world that still fails.
    pub fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for at in 0..self.moves.len() {
            let mut less = self.clone();
            less.moves.remove(at);
            all.push(less);
        }
        for at in 0..self.foreign.len() {
            let mut less = self.clone();
            less.foreign.remove(at);
            all.push(less);
        }
        for at in 0..self.moves.len() {
            let Move::Typed(verb, site, end) = self.moves[at] else {
                continue;
            };
            let plain = [
                (verb, Site::Usual, end),
                (verb, site, End::Well),
                (Verb::Install, site, end),
            ];
            let plain = plain
                .into_iter()
                .filter(|plain| *plain != (verb, site, end));
            for (verb, site, end) in plain {
                let mut less = self.clone();
                less.moves[at] = Move::Typed(verb, site, end);
                all.push(less);
            }
        }
        all
    }
}

fn next(dice: &mut Dice) -> Move {
    let verb = match dice.below(20) {
        0..=6 => return Move::Owner(Foreign::draw(dice)),
        7..=11 => Verb::Install,
        12..=16 => Verb::Rollback,
        17 => Verb::DryRun,
        18 => Verb::Audit,
        _ => Verb::Status,
    };
    let acts = [Verb::Install, Verb::Rollback].contains(&verb);
    let end = if acts { end(dice) } else { End::Well };
    Move::Typed(verb, site(dice), end)
}

fn site(dice: &mut Dice) -> Site {
    let sites = [
        Site::Usual,
        Site::Usual,
        Site::Usual,
        Site::Usual,
        Site::Proxy,
        Site::Proxy,
        Site::Later,
        Site::OtherDatabase,
        Site::More,
        Site::Second,
    ];
    *dice.pick(&sites)
}

fn end(dice: &mut Dice) -> End {
    let limit = *dice.pick(&[30, 120, 450]);
    let number = 1 + dice.below(limit);
    match dice.below(12) {
        0..=5 => End::Well,
        6 | 7 => End::Killed(number, *dice.pick(&[Death::Before, Death::Torn])),
        8 => End::Killed(number, *dice.pick(&[Death::PowerCut, Death::PartialCut(1)])),
        9 => End::File(number * 3, *dice.pick(&[Errno::ENOSPC, Errno::EIO])),
        _ => {
            let troubles = [Trouble::Fails, Trouble::Halves, Trouble::Killed];
            End::Program(1 + number / 3, *dice.pick(&troubles))
        }
    }
}
