//! Records requests other than tool calls: prompts and resources.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ::rmcp::service::RequestContext;
use ::rmcp::{ErrorData, RoleServer, ServerHandler};

use super::recorder::Recorder;
use crate::base::lock::lock;
use crate::capture::HostName;
use crate::event::{Call, CallOutcome, Event, EventKind, ToolCall};
use crate::logger::{EndsAtShutdown, Handle, KeptRecord};
use crate::mcp::answers::denies;

/// A request in progress: one event when it ends, however it ends.
pub(super) struct OpenRequest {
    /// Its place among the open calls, if it has one.
    place: Option<usize>,
    request: Arc<Request>,
}

struct Request {
    handle: Arc<Handle>,
    started: Instant,
    kind: &'static str,
    is_prompt: bool,
    /// Kept as that of a call, whose tool is the prompt. `None` once it is recorded.
    record: Mutex<Option<KeptRecord>>,
}

/// What a request is for.
#[derive(Clone, Copy)]
pub(super) enum Asked<'r> {
    Prompt(&'r str),
    /// The URI may be made from a template, with a client's text in it.
    Resource(&'r str),
}

impl<'a, H: ServerHandler> Recorder<'a, H> {
    /// Begins the record of a request for a prompt or a resource.
    pub(super) fn open_request(
        self,
        asked: Asked<'_>,
        context: &RequestContext<RoleServer>,
    ) -> OpenRequest {
        let request = self.read(context);
        let mut facts = request.facts();
        let started = self.now();
        self.log_login(&request, &facts, started);
        self.name_somebody(&mut facts);
        let (kind, prompt) = match &asked {
            Asked::Prompt(name) => ("MCP_PROMPT_GET", Some(*name)),
            Asked::Resource(uri) => {
                facts
                    .meta
                    .get_or_insert_default()
                    .push((Cow::Borrowed("resource_uri"), uri));
                ("MCP_RESOURCE_READ", None)
            }
        };
        let call = Call {
            tool: prompt.unwrap_or_default().into(),
            ..Call::default()
        };
        let request = Arc::new(Request {
            handle: Arc::clone(self.handle),
            started,
            kind,
            is_prompt: prompt.is_some(),
            record: Mutex::new(Some(self.keep(&ToolCall { facts, call }))),
        });
        let ends = Arc::clone(&request) as Arc<dyn EndsAtShutdown>;
        OpenRequest {
            place: self.handle.open_calls.add(ends),
            request,
        }
    }
}

impl OpenRequest {
    /// Records how a request ended, if it is recorded.
    pub(super) fn end<T>(open: Option<Self>, result: &Result<T, ErrorData>) {
        match (open, result) {
            (Some(mut open), Ok(_)) => open.log(CallOutcome::Ok, None),
            (Some(mut open), Err(error)) => {
                open.log(CallOutcome::ProtocolError, Some(error));
            }
            (None, _) => {}
        }
    }

    fn log(&mut self, outcome: CallOutcome, error: Option<&ErrorData>) {
        let open_calls = &self.request.handle.open_calls;
        let place = self.place.take();
        let _ending = open_calls.begin_end(place, &self.request);
        self.request.log(outcome, error);
    }
}

impl EndsAtShutdown for Request {
    fn end(&self) {
        self.log(CallOutcome::Dropped, None);
    }
}

impl Request {
    /// Logs the record, unless it is logged.
    fn log(&self, outcome: CallOutcome, error: Option<&ErrorData>) {
        let Some(kept) = lock(&self.record).take() else {
            return;
        };
        let pipeline = &self.handle.pipeline;
        let elapsed = pipeline
            .clock()
            .now()
            .saturating_duration_since(self.started);
        let milliseconds = (elapsed.as_secs_f64() * 100_000.0).round() / 100.0;
        let name = kept.record().tool();
        let prompt = self.is_prompt.then(|| HostName {
            name,
            is_unknown: error
                .is_some_and(|error| denies("prompt", name, error.code.0.into(), &error.message)),
        });
        let mut facts = kept.record().event(outcome, elapsed).facts;
        let outcome = outcome.as_str();
        if let Some(prompt) = &prompt {
            facts
                .meta
                .get_or_insert_default()
                .push(("prompt_name".into(), prompt));
        }
        facts
            .meta
            .get_or_insert_default()
            .push(("outcome".into(), &outcome));
        facts
            .meta
            .get_or_insert_default()
            .push(("duration_ms".into(), &milliseconds));
        if let Some(error) = error {
            facts.error_code = Some(error.code.0.into());
            facts
                .meta
                .get_or_insert_default()
                .push(("error".into(), &error.message));
        }
        let kind = EventKind::Custom(self.kind.into());
        pipeline.log(&mut Event { kind, facts }, None);
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let outcome = if std::thread::panicking() {
            CallOutcome::Panicked
        } else {
            CallOutcome::Dropped
        };
        self.log(outcome, None);
    }
}
