//! The settings of streams, and the streams that they make of others.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::answers::{AnswerWriter, Answers, Outlet};
use super::requests::{RequestReader, Requests};
use super::session::StreamSession;
use super::taps::{AnswerTap, RequestTap};
use super::user;
use crate::event::Caller;
use crate::logger::UsageLogger;
use crate::mcp::arguments::capture_setters;
use crate::observe::{Conversation, Observer, ObserverSettings, observer_setters};

/// The settings with which pairs of streams are read. See the [module](crate::stdio).
///
/// ```
/// use mcp_usage::{Arguments, Identity, stdio::UsageStreams};
///
/// # let usage = mcp_usage::UsageLogger::disabled();
/// # let (client, server) = tokio::io::duplex(64);
/// # let (from_client, to_client) = tokio::io::split(server);
/// let streams = UsageStreams::new(&usage)
///     .identify(Identity::email("rachel@example.com"))
///     .arguments_by(|tool| match tool {
///         "upload" => Arguments::None,
///         _ => Arguments::All,
///     });
/// let (stdin, stdout) = streams.wrap(from_client, to_client);
/// ```
#[derive(Clone)]
#[must_use = "settings do nothing until they are put around streams"]
pub struct UsageStreams {
    observer: Arc<Observer>,
    caller: Option<Caller>,
    operating_system_user: bool,
    transport: Cow<'static, str>,
}

impl UsageLogger {
    /// Reports the tool calls that pass over a pair of streams, with the default settings: one to read requests from, such
    /// as `tokio::io::stdin()`, and one to write answers to. See [`UsageStreams`] for others.
    ///
    /// Each pair is a session. Give both streams to the server in place of the inner ones.
    pub fn stdio<R, W>(&self, requests: R, answers: W) -> (RequestReader<R, W>, AnswerWriter<W>) {
        UsageStreams::new(self).wrap(requests, answers)
    }
}

impl UsageStreams {
    /// Begins to configure how streams are read.
    pub fn new(usage: &UsageLogger) -> Self {
        Self {
            observer: Arc::new(Observer::new(usage.clone())),
            caller: None,
            operating_system_user: false,
            transport: Cow::Borrowed("stdio"),
        }
    }

    /// Wraps a pair of streams: one to read requests from, and one to write answers to. Each pair is a session.
    ///
    /// With a disabled logger, everything passes unchanged.
    pub fn wrap<R, W>(&self, requests: R, answers: W) -> (RequestReader<R, W>, AnswerWriter<W>) {
        let (look_at_requests, look_at_answers) = self.begin();
        let outlet = Arc::new(Outlet::new(answers, look_at_answers));
        (
            RequestReader::new(requests, look_at_requests, Arc::clone(&outlet)),
            AnswerWriter::new(outlet),
        )
    }

    /// Begins a session for a caller that moves the bytes itself, such as a threaded proxy. Give each piece to a tap
    /// before the other end gets it, and pass on what the tap returns.
    ///
    /// [`missing_capability`](Self::missing_capability) has no effect on taps, because its answer would have to be inserted
    /// between two lines of the server.
    pub fn taps(&self) -> (RequestTap, AnswerTap) {
        let streams = self.clone().missing_capability(false);
        let (requests, answers) = streams.begin();
        (RequestTap(requests), AnswerTap(answers))
    }

    /// Begins a session; of a logger that is off there is none.
    fn begin(&self) -> (Option<Requests>, Option<Answers>) {
        let Some(handle) = self.observer.usage.handle() else {
            return (None, None);
        };
        let user = || user::of_process().filter(|_| self.operating_system_user);
        let caller = self.caller.clone().or_else(|| user().map(Caller::from));
        let session = StreamSession::new(caller, self.transport.clone());
        let held = handle.pipeline.shared.queue.reserve();
        let conversation = Conversation::new(Arc::clone(&self.observer), session, held);
        let conversation = Arc::new(conversation);
        let requests = Requests::new(Arc::clone(&conversation));
        (Some(requests), Some(Answers::new(conversation)))
    }

    fn change(mut self, change: impl FnOnce(&mut ObserverSettings)) -> Self {
        change(&mut Arc::make_mut(&mut self.observer).settings);
        self
    }

    /// Sets the user of the streams, an [`Identity`](crate::Identity) or a [`Caller`]. Default: the logger's identity,
    /// otherwise anonymous.
    pub fn identify(mut self, caller: impl Into<Caller>) -> Self {
        self.caller = Some(caller.into());
        self
    }

    /// Sets whether the operating system's user is the user of the streams, if [`identify`](Self::identify) names none: the
    /// name in `USER`, `LOGNAME` or `USERNAME` when the streams are wrapped, as an identity of the kind `OS_USER`. Default:
    /// no, since the name may be a person's.
    pub fn operating_system_user(mut self, on: bool) -> Self {
        self.operating_system_user = on;
        self
    }

    /// Sets the name of the transport. Wire key `transport`. Default: `stdio`.
    pub fn transport(mut self, name: impl Into<String>) -> Self {
        self.transport = Cow::Owned(name.into());
        self
    }

    capture_setters!();
    observer_setters!("stdio");
}

impl fmt::Debug for UsageStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsageStreams")
            .field("usage", &self.observer.usage)
            .finish_non_exhaustive()
    }
}
