//! Questions that are asked side by side, put to a program in one call.

use std::cell::RefCell;
use std::fmt;

use tokio::sync::oneshot;

/// Where those who ask one program meet. Starting a program costs more than most answers.
pub(crate) struct Batch<Q, A>(RefCell<Vec<(Q, oneshot::Sender<A>)>>);

impl<Q, A> Batch<Q, A> {
    /// Puts `question` beside those that others ask now; one of them puts all of them by `call`, which
    /// answers in their order. `None` where nobody else asks, or where the call came to nothing: then it
    /// is to be asked alone, and what is wrong is told to whom it concerns.
    pub(crate) async fn ask(
        &self,
        question: Q,
        call: impl AsyncFnOnce(Vec<Q>) -> Option<Vec<A>>,
    ) -> Option<A> {
        let (answer, answered) = oneshot::channel();
        self.0.borrow_mut().push((question, answer));
        // until all who run beside this one have come to their own questions
        tokio::task::yield_now().await;
        // nothing is left where another was here before
        let (questions, askers): (Vec<Q>, Vec<_>) = self.0.take().into_iter().unzip();
        if askers.len() > 1
            && let Some(answers) = call(questions).await
        {
            for (asker, answer) in askers.into_iter().zip(answers) {
                // one that no longer waits is not told
                let _ = asker.send(answer);
            }
        } else {
            // this one is among them, and would wait for itself
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

    /// What each of those comes to who ask side by side, and what was asked in each call.
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
    fn what_is_asked_side_by_side_is_one_call() {
        let (answers, calls) = asked(&[1, 2, 3], false);
        assert_eq!(answers, [Some(2), Some(4), Some(6)]);
        assert_eq!(calls, [[1, 2, 3]]);
    }

    #[test]
    fn one_alone_and_those_whose_call_failed_ask_for_themselves() {
        assert_eq!(asked(&[1], false), (vec![None], Vec::new()));
        let (answers, calls) = asked(&[1, 2], true);
        assert_eq!(answers, [None, None]);
        assert_eq!(calls.len(), 1);
    }
}
