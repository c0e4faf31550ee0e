//! What the mock ingest answers: one [`Answer`] for each request, a success, a failure or a fault.

use std::collections::BTreeSet;
use std::time::Duration;

/// One scripted answer of [`MockIngest`](super::MockIngest), or one fault in place of an answer.
///
/// A constructor says what happens, and the methods change details. An answer with a status from 200 to 299 means that the
/// ingest accepts the request, so it is given only to a request that passes the checks; see the order in
/// [`MockIngest`](super::MockIngest#what-decides-an-answer).
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use mcp_usage::testing::Answer;
///
/// let script = [
///     Answer::status(429).retry_after("2"),
///     Answer::ok().delay(Duration::from_millis(100)),
///     Answer::status(200).header("Content-Type", "text/plain").body("not what you expect"),
///     Answer::reset_after_body(),
/// ];
/// # let _ = script;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Answer {
    pub(super) action: Action,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: AnswerBody,
    pub(super) rejection: Option<Rejection>,
    pub(super) delay: Duration,
    pub(super) held: bool,
    pub(super) close: bool,
    /// What a check of the ingest found wrong with the request, when this is its refusal.
    pub(super) refusal: Option<String>,
}

/// How an answer is sent, or which fault takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Send,
    SendTruncated,
    /// Sends the body a byte at a time, each after a pause.
    SendSlowly(Duration),
    SendRaw(Vec<u8>),
    ResetBeforeBody,
    ResetInBody,
    ResetAfterBody,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub(super) enum AnswerBody {
    /// What an ingest of the request's wire answers with this status.
    Standard,
    Bytes(Vec<u8>),
    /// So many spaces: JSON may hold them anywhere, so a reader cannot tell early that nothing follows.
    Filler(u64),
}

impl AnswerBody {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Filler(length) => *length,
            _ => self.bytes().len() as u64,
        }
    }

    /// The bytes of the body; none of a filler, which is not held in memory.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Standard | Self::Filler(_) => &[],
        }
    }
}

/// Which events of a batch are rejected although the answer is a 2xx.
#[derive(Clone, Debug)]
pub(super) struct Rejection {
    ids: BTreeSet<i64>,
    first: usize,
    pub(super) retry: bool,
}

impl Rejection {
    /// Whether the event with this index and id is rejected.
    pub(super) fn covers(&self, index: usize, id: Option<i64>) -> bool {
        index < self.first || id.is_some_and(|id| self.ids.contains(&id))
    }
}

impl Answer {
    fn new(action: Action, status: u16) -> Self {
        Self {
            action,
            status,
            headers: Vec::new(),
            body: AnswerBody::Standard,
            rejection: None,
            delay: Duration::ZERO,
            held: false,
            close: false,
            refusal: None,
        }
    }

    /// Answers with a status; the body is a short JSON object, as an ingest of the request's wire would send.
    ///
    /// The status is not checked, so that a test can use one outside HTTP's range. 204 and 304 are sent without a body.
    pub fn status(status: u16) -> Self {
        Self::new(Action::Send, status)
    }

    /// Accepts the request with 200 and what an ingest of its wire says then.
    pub fn ok() -> Self {
        Self::status(200)
    }

    /// Gives no answer until [`release`](super::MockIngest::release) is called, and then accepts the request.
    ///
    /// If the client disconnects first, the events count as not accepted.
    pub fn hang() -> Self {
        Self::ok().held()
    }

    /// Resets the connection after reading the request's head, before reading any of its body.
    pub fn reset_before_body() -> Self {
        Self::new(Action::ResetBeforeBody, 200)
    }

    /// Resets the connection after reading about half of the request's body.
    pub fn reset_in_body() -> Self {
        Self::new(Action::ResetInBody, 200)
    }

    /// Resets the connection after reading the whole request, without an answer.
    ///
    /// The client cannot know whether its events were accepted. This ingest counts them as not accepted.
    pub fn reset_after_body() -> Self {
        Self::new(Action::ResetAfterBody, 200)
    }

    /// Answers with something that is not HTTP, and closes the connection.
    ///
    /// For an answer that is HTTP but not JSON, use `Answer::ok().body("{not json")`.
    pub fn malformed() -> Self {
        Self::raw("HTTP/9 two hundred\r\nthis is : not an answer\r\n\r\n")
    }

    /// Answers with these bytes as they are, in place of an HTTP answer, and closes the connection.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Action::SendRaw(bytes.into()), 0)
    }

    /// Accepts the request with a body of this many spaces.
    ///
    /// The events count as accepted, however little of the body the client reads.
    pub fn huge(bytes: u64) -> Self {
        Self {
            body: AnswerBody::Filler(bytes),
            ..Self::ok()
        }
    }

    /// Accepts the request, announces a body, and closes the connection in the middle of it.
    ///
    /// The status arrived, so the events count as accepted.
    pub fn truncated() -> Self {
        Self::new(Action::SendTruncated, 200)
    }

    /// Accepts the request at once, and then sends a body of this many bytes one at a time, each after a pause.
    ///
    /// The status has arrived, so the events count as accepted, even if the client disconnects before the end.
    pub fn trickle(bytes: u64, pause: Duration) -> Self {
        Self {
            body: AnswerBody::Filler(bytes),
            ..Self::new(Action::SendSlowly(pause), 200)
        }
    }

    /// Answers with a redirect (301, 302, 303, 307, 308) to a location.
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::status(status).header("Location", location)
    }

    /// Accepts a batch except for the events with these ids, which it rejects permanently or (`retry`) for now.
    ///
    /// This is the partial success of the batched Reo wire. The answer lists those ids that are in the request. On the
    /// other wires, which have no partial success, and on an [unchecked](super::MockIngestBuilder::unchecked) ingest, it is
    /// the same as [`ok`](Self::ok).
    pub fn reject(event_ids: impl IntoIterator<Item = i64>, retry: bool) -> Self {
        Self::rejecting(event_ids.into_iter().collect(), 0, retry)
    }

    /// Like [`reject`](Self::reject), for the first `count` events of the request, whatever their ids.
    pub fn reject_first(count: usize, retry: bool) -> Self {
        Self::rejecting(BTreeSet::new(), count, retry)
    }

    fn rejecting(ids: BTreeSet<i64>, first: usize, retry: bool) -> Self {
        Self {
            rejection: Some(Rejection { ids, first, retry }),
            ..Self::ok()
        }
    }

    /// Adds a header, sent as given. A `Content-Length` replaces the true one.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds `Retry-After`: seconds, an HTTP date, or any other text.
    pub fn retry_after(self, value: impl Into<String>) -> Self {
        self.header("Retry-After", value)
    }

    /// Replaces the body. Sent as `application/json` unless a `Content-Type` is given.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = AnswerBody::Bytes(body.into());
        self
    }

    /// Waits this long between the whole request and the answer (or the fault that follows it).
    ///
    /// If the client disconnects meanwhile, it gets nothing, and its events count as not accepted.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits for [`release`](super::MockIngest::release) between the whole request and the answer.
    ///
    /// `Answer::status(503).held()` is a server that fails late, when the test chooses.
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }

    /// Closes the connection after the answer, and says so in it.
    pub fn close(mut self) -> Self {
        self.close = true;
        self
    }

    /// The ingest's own answer to a request that one of its checks refuses.
    pub(super) fn refusal(status: u16, reason: impl Into<String>) -> Self {
        Self {
            refusal: Some(reason.into()),
            ..Self::status(status)
        }
    }

    /// The status that the client gets to read; none where a fault takes the place of the answer.
    pub(super) fn status_sent(&self) -> Option<u16> {
        let sends = matches!(
            self.action,
            Action::Send | Action::SendTruncated | Action::SendSlowly(_)
        );
        sends.then_some(self.status)
    }

    /// Whether the answer, once sent, means that the request was accepted.
    ///
    /// Only such an answer gives way to a failed check (key, size, contract) of the request. A fault and a scripted
    /// refusal stand for a server that does not get as far as checking.
    pub(super) fn accepts(&self) -> bool {
        self.status_sent()
            .is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the answer is sent as soon as the request is read.
    pub(super) fn is_immediate(&self) -> bool {
        self.delay.is_zero() && !self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_accepts_only_with_a_2xx_that_the_client_gets_to_read() {
        let pause = Duration::from_millis(1);
        for (answer, status, accepts) in [
            (Answer::ok(), Some(200), true),
            (Answer::status(299).delay(pause), Some(299), true),
            (Answer::status(199), Some(199), false),
            (Answer::status(300), Some(300), false),
            (Answer::redirect(307, "/x"), Some(307), false),
            (Answer::hang(), Some(200), true),
            (Answer::huge(9), Some(200), true),
            (Answer::truncated(), Some(200), true),
            (Answer::trickle(3, pause), Some(200), true),
            (Answer::refusal(401, "no key"), Some(401), false),
            (Answer::malformed(), None, false),
            (Answer::reset_before_body(), None, false),
            (Answer::reset_in_body(), None, false),
            (Answer::reset_after_body(), None, false),
        ] {
            assert_eq!(answer.status_sent(), status, "{answer:?}");
            assert_eq!(answer.accepts(), accepts, "{answer:?}");
        }
    }

    #[test]
    fn an_answer_is_immediate_unless_it_waits_for_time_or_for_a_release() {
        assert!(Answer::ok().is_immediate());
        assert!(Answer::trickle(3, Duration::from_secs(1)).is_immediate());
        assert!(!Answer::ok().delay(Duration::from_nanos(1)).is_immediate());
        assert!(!Answer::status(503).held().is_immediate());
    }

    #[test]
    fn a_rejection_covers_events_by_their_place_or_their_id() {
        let covered = |answer: Answer| {
            let rejection = answer.rejection.unwrap();
            [(0, Some(7)), (1, Some(8)), (2, None)].map(|(index, id)| rejection.covers(index, id))
        };
        assert_eq!(covered(Answer::reject([8, 9], true)), [false, true, false]);
        assert_eq!(covered(Answer::reject_first(2, false)), [true, true, false]);
    }
}
