//! Requests that the client sends again because their answer was lost: the writes to Azure DevOps that test a revision or
//! delete. Nothing that writes to ClickUp is ever sent twice, nor is a create.
//!
//! Where the first attempt is in force the second one meets it and is refused. Whoever is told of that refusal knows as
//! little as without an answer, and so does the engine: the refusal is in doubt. Example: our step to `Active` made
//! revision 8, its answer was lost, and the same request, which still tests revision 7, is answered with 412.

use super::controls::Control;
use super::remote::{Remote, lock};
use super::script::{Fault, On};
use super::world::Request;
use boardsync::connector::{ConnectorError, ErrorKind};
use boardsync::model::Side;

/// The client's wait before it sends again.
const BACK_OFF_MS: i64 = 500;

impl Remote {
    /// The way to the service, as [`Remote::send`], for a request that the client repeats. `first` delivers an attempt that
    /// is in force and whose answer is lost; after it people act, and the next attempt is a call of its own. Returns what
    /// happens to the attempt that is answered, and whether it is a repeated one.
    pub async fn send_until_answered(
        &self,
        ons: &[On],
        mut first: impl FnMut() + Send,
    ) -> (Option<Fault>, bool) {
        let mut again = false;
        loop {
            let fault = self.send(ons).await;
            let Some(Fault::Repeated(in_force)) = fault else {
                return (fault, again);
            };
            if self.side == Side::ClickUp {
                return (None, again);
            }
            {
                let mut world = lock(&self.world);
                world.count(Fault::Repeated(in_force).word());
                world.say(|| format!("{}: no answer, so it is sent again", self.side));
            }
            if in_force {
                first();
            }
            let no_answer = self.error(ErrorKind::Ambiguous, "no answer");
            // Nobody but the client hears of it.
            let _ = self.back(ons, Err::<(), _>(no_answer)).await;
            lock(&self.world).tick(BACK_OFF_MS);
            again = true;
        }
    }

    /// What is told of a request by the answer to its last attempt. `again`: an earlier one had no answer. `request`: what
    /// the judge has to know of it.
    pub fn repeated<T>(
        &self,
        again: bool,
        request: impl FnOnce() -> Option<Request>,
        answer: Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        let mut error = match answer {
            Err(error) if again => error,
            answer => return answer,
        };
        let mut world = lock(&self.world);
        world.count("refused after a lost answer");
        let sent = request().map(|request| (self.side, request));
        world.told.unanswered.extend(sent);
        error.in_doubt = !self.is(Control::RepeatBelieved);
        Err(error)
    }
}
