//! Questions that are asked side by side, put to a program in one call.

use std::cell::RefCell;
use std::fmt;

use tokio::sync::oneshot;

/// Where those who ask one program meet. Starting a program costs more than most answers.
pub(crate) struct Together<Q, A>(RefCell<Vec<(Q, oneshot::Sender<A>)>>);

impl<Q, A> Together<Q, A> {
    /// Puts `question` beside those that others ask now; whoever was first puts all of them by `call`,
    /// which answers in their order. `None` where nobody else asks, or where the call came to nothing:
    /// then it is to be asked alone, and what is wrong is told to whom it concerns.
    pub(crate) async fn ask(
        &self,
        question: Q,
        call: impl AsyncFnOnce(Vec<Q>) -> Option<Vec<A>>,
    ) -> Option<A> {
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut waiting = self.0.borrow_mut();
            waiting.push((question, answer));
            waiting.len() == 1
        };
        if is_first {
            // until all who run beside this one have come to their own questions
            tokio::task::yield_now().await;
            let (questions, askers): (Vec<Q>, Vec<_>) = self.0.take().into_iter().unzip();
            if askers.len() > 1
                && let Some(answers) = call(questions).await
            {
                for (asker, answer) in askers.into_iter().zip(answers) {
                    // one that no longer waits is not told
                    let _ = asker.send(answer);
                }
            }
        }
        answered.await.ok()
    }
}

impl<Q, A> Default for Together<Q, A> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<Q, A> fmt::Debug for Together<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Together")
    }
}
