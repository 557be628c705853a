//! Questions to the user, and signals from the user.

use crate::command::ending::{Ending, Refused, refused};
use crate::event::{Event, Events};
use crate::host::Host;
use crate::host::stop::Stop;
use crate::report::Report;

/// Runs `work`. At the first signal, reports what will happen now.
pub(super) async fn stoppable<T>(stop: &Stop, events: &Events, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = stop.requested() => (),
    }
    let text =
        "stopping when what is under way is done; a second signal kills what runs".to_owned();
    events.tell(Event::Note { text });
    work.await
}

/// Asks for agreement before anything is changed. A signal counts as a no, and so does a missing terminal. Then the
/// error suggests `agreed`, the command with `--yes`.
pub(super) async fn agree(
    host: &Host,
    report: &Report,
    question: &str,
    agreed: String,
) -> Result<(), Refused> {
    let answer = tokio::select! {
        answer = report.confirm(question) => answer,
        () = host.stop().requested() => Some(false),
    };
    let text = "not confirmed; nothing was touched";
    match (host.stop().check(), answer) {
        (Err(stopped), _) => Err(Ending::stopped(stopped).because(text)),
        (Ok(()), Some(true)) => Ok(()),
        (Ok(()), Some(false)) => Err(refused(text)),
        (Ok(()), None) => Err(refused(
            "there is no terminal on which to ask, and `--yes` was not given; nothing was touched",
        )
        .then(agreed)),
    }
}
