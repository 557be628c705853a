//! Questions of several tasks, sent to one program in one call.

use std::cell::RefCell;
use std::fmt;

use tokio::sync::oneshot;

/// Collects the questions of tasks that need the same program: to start a program costs more than most answers.
pub(crate) struct Batch<Q, A>(RefCell<Vec<(Q, oneshot::Sender<A>)>>);

impl<Q, A> Batch<Q, A> {
    /// Adds `question` to those that other tasks ask at this moment. One of the tasks runs `call` for all of them;
    /// `call` must return the answers in the order of the questions. Returns `None` if no other task asks, or if the
    /// call failed. The caller must then ask alone, so that the step with the problem reports it.
    pub(crate) async fn ask(
        &self,
        question: Q,
        call: impl AsyncFnOnce(Vec<Q>) -> Option<Vec<A>>,
    ) -> Option<A> {
        let (answer, answered) = oneshot::channel();
        self.0.borrow_mut().push((question, answer));
        // let every other task reach its own question first
        tokio::task::yield_now().await;
        // empty if another task has already taken the questions
        let (questions, askers): (Vec<Q>, Vec<_>) = self.0.take().into_iter().unzip();
        if askers.len() > 1
            && let Some(answers) = call(questions).await
        {
            for (asker, answer) in askers.into_iter().zip(answers) {
                // the receiver is gone if its task no longer waits
                let _ = asker.send(answer);
            }
        } else {
            // this task's own sender is among `askers`: the `await` below would never end
            drop(askers);
        }
        answered.await.ok()
    }
}

impl<Q, A> Default for Batch<Q, A> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<Q, A> fmt::Debug for Batch<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batch")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    /// What each of several simultaneous `questions` got for an answer, and the questions of each call.
    fn asked(questions: &[u8], fails: bool) -> (Vec<Option<u8>>, Vec<Vec<u8>>) {
        let (batch, calls) = (Batch::default(), RefCell::new(Vec::new()));
        let all = questions.iter().map(|question| {
            batch.ask(*question, async |questions: Vec<u8>| {
                calls.borrow_mut().push(questions.clone());
                tokio::task::yield_now().await;
                (!fails).then(|| questions.iter().map(|question| question * 2).collect())
            })
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let answers = runtime.expect("a runtime").block_on(join_all(all));
        (answers, calls.take())
    }

    #[test]
    fn simultaneous_questions_are_one_call() {
        let (answers, calls) = asked(&[1, 2, 3], false);
        assert_eq!(answers, [Some(2), Some(4), Some(6)]);
        assert_eq!(calls, [[1, 2, 3]]);
    }

    #[test]
    fn a_single_question_and_the_questions_of_a_failed_call_get_no_answer() {
        assert_eq!(asked(&[1], false), (vec![None], Vec::new()));
        let (answers, calls) = asked(&[1, 2], true);
        assert_eq!(answers, [None, None]);
        assert_eq!(calls.len(), 1);
    }
}
