//! `rehearse`.

use crate::cli::Rehearse;
use crate::command::Ending;
use crate::command::session::refused;
use crate::event::Events;

/// To come in the next commit.
pub(super) async fn rehearse(_events: &Events, _asked: &Rehearse) -> Result<Ending, Ending> {
    Err(refused("not here yet"))
}
