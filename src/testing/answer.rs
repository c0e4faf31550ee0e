//! What the mock ingest answers: one [`Answer`] per request, good, bad or none at all.

use std::collections::BTreeSet;
use std::time::Duration;

/// One scripted answer of [`MockIngest`](super::MockIngest), or one fault in place of an answer.
///
/// A constructor says what happens; the methods change details of it. An answer that carries a status in 200 to 299
/// stands for "the ingest takes this request", so it is given only to a request that passes the checks; see the order in
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
    pub(super) how: How,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) rejection: Option<Rejection>,
    pub(super) delay: Duration,
    pub(super) held: bool,
    pub(super) close: bool,
    /// What a check of the ingest found wrong with the request, when this is its refusal.
    pub(super) refusal: Option<String>,
}

/// How an answer goes out, or which fault stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    Whole,
    Truncated,
    Trickle(Duration),
    Raw(Vec<u8>),
    ResetBeforeBody,
    ResetInBody,
    ResetAfterBody,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// What an ingest of the request's wire would say.
    Fitting,
    Bytes(Vec<u8>),
    /// So many spaces: JSON may hold them anywhere, so a reader cannot tell early that nothing follows.
    Filler(u64),
}

/// Which events of a batch are turned down although the answer is a 2xx.
#[derive(Clone, Debug)]
pub(super) struct Rejection {
    pub(super) ids: BTreeSet<i64>,
    pub(super) first: usize,
    pub(super) retry: bool,
}

impl Answer {
    fn new(how: How, status: u16) -> Self {
        Self {
            how,
            status,
            headers: Vec::new(),
            body: Body::Fitting,
            rejection: None,
            delay: Duration::ZERO,
            held: false,
            close: false,
            refusal: None,
        }
    }

    /// Answers with a status; the body is a fitting short JSON object.
    ///
    /// No check keeps the status within HTTP's own range: a lying ingest is one of the uses. 204 and 304 go out without a
    /// body.
    pub fn status(status: u16) -> Self {
        Self::new(How::Whole, status)
    }

    /// Accepts the request with 200 and what an ingest of its wire says then.
    pub fn ok() -> Self {
        Self::status(200)
    }

    /// Gives no answer until [`release`](super::MockIngest::release), and then accepts the request.
    ///
    /// Ends as well when the client leaves; the events then count as not accepted.
    pub fn hang() -> Self {
        Self::ok().held()
    }

    /// Resets the connection when the request's head is read, before any of its body is.
    pub fn reset_before_body() -> Self {
        Self::new(How::ResetBeforeBody, 200)
    }

    /// Resets the connection when about half of the request's body is read.
    pub fn reset_in_body() -> Self {
        Self::new(How::ResetInBody, 200)
    }

    /// Resets the connection when the whole request is read, without an answer.
    ///
    /// The client cannot know whether its events were taken. This ingest has not: they count as not accepted.
    pub fn reset_after_body() -> Self {
        Self::new(How::ResetAfterBody, 200)
    }

    /// Answers with something that is not HTTP, and closes the connection.
    ///
    /// For an answer that is HTTP but not JSON, use `Answer::ok().body("{not json")`.
    pub fn malformed() -> Self {
        Self::raw("HTTP/9 two hundred\r\nthis is : not an answer\r\n\r\n")
    }

    /// Answers with these bytes as they are, in place of an HTTP answer, and closes the connection.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(How::Raw(bytes.into()), 0)
    }

    /// Accepts the request with a body of so many bytes (spaces).
    ///
    /// The events count as accepted, however little of the body the client reads.
    pub fn huge(bytes: u64) -> Self {
        Self {
            body: Body::Filler(bytes),
            ..Self::ok()
        }
    }

    /// Accepts the request, announces a body, and closes the connection in the middle of it.
    ///
    /// The status arrived, so the events count as accepted.
    pub fn truncated() -> Self {
        Self::new(How::Truncated, 200)
    }

    /// Accepts the request at once, and then sends a body of so many bytes one at a time, each after a pause.
    ///
    /// The status arrived, so the events count as accepted, also when the client leaves before the end.
    pub fn trickle(bytes: u64, pause: Duration) -> Self {
        Self {
            body: Body::Filler(bytes),
            ..Self::new(How::Trickle(pause), 200)
        }
    }

    /// Answers with a redirect (301, 302, 303, 307, 308) to a location.
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::status(status).header("Location", location)
    }

    /// Accepts a batch but for the events with these ids, which it turns down for good or (`retry`) for now.
    ///
    /// The partial success of the batched Reo wire. The answer lists those of the ids that are in the request. On the
    /// other wires, which have no such thing, and on an ingest that is [unchecked](super::MockIngestBuilder::unchecked), it is
    /// [`ok`](Self::ok).
    pub fn reject(event_ids: impl IntoIterator<Item = i64>, retry: bool) -> Self {
        let ids = event_ids.into_iter().collect();
        Self {
            rejection: Some(Rejection {
                ids,
                first: 0,
                retry,
            }),
            ..Self::ok()
        }
    }

    /// Like [`reject`](Self::reject), for the first `count` events of the request, whatever their ids.
    pub fn reject_first(count: usize, retry: bool) -> Self {
        let ids = BTreeSet::new();
        Self {
            rejection: Some(Rejection {
                ids,
                first: count,
                retry,
            }),
            ..Self::ok()
        }
    }

    /// Adds a header, sent as given. A `Content-Length` replaces the true one.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds `Retry-After`: seconds, an HTTP date, or nonsense.
    pub fn retry_after(self, value: impl Into<String>) -> Self {
        self.header("Retry-After", value)
    }

    /// Replaces the body. Sent as `application/json` unless a `Content-Type` is given.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(body.into());
        self
    }

    /// Waits this long between the whole request and the answer (or the fault that follows it).
    ///
    /// A client that leaves meanwhile gets nothing, and its events count as not accepted.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits for [`release`](super::MockIngest::release) between the whole request and the answer.
    ///
    /// `Answer::status(503).held()` is a server that fails late, at a moment the test chooses.
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }

    /// Closes the connection after the answer, and says so in it.
    pub fn close(mut self) -> Self {
        self.close = true;
        self
    }

    /// The ingest's own answer to a request it does not take.
    pub(super) fn refusal(status: u16, reason: impl Into<String>) -> Self {
        Self {
            refusal: Some(reason.into()),
            ..Self::status(status)
        }
    }

    /// Whether the answer, once sent, means that the request was taken.
    pub(super) fn accepts(&self) -> bool {
        match self.how {
            How::Whole | How::Truncated | How::Trickle(_) => (200..300).contains(&self.status),
            How::Raw(_) | How::ResetBeforeBody | How::ResetInBody | How::ResetAfterBody => false,
        }
    }

    /// Whether the checks of a request (key, size, contract) have a say before this answer.
    ///
    /// They have none before a fault or a refusal: those stand for a server that does not get as far as checking.
    pub(super) fn yields_to_checks(&self) -> bool {
        self.accepts()
    }

    /// Whether nothing lies between a request and its answer.
    pub(super) fn is_immediate(&self) -> bool {
        self.delay.is_zero() && !self.held
    }
}
