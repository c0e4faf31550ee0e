//! Records requests other than tool calls: prompts and resources.

use std::borrow::Cow;
use std::time::Instant;

use ::rmcp::service::RequestContext;
use ::rmcp::{ErrorData, RoleServer};

use super::recorder::Recorder;
use crate::base::text::cut_at_char;
use crate::capture::{Captured, Content, HostName};
use crate::event::{CallOutcome, EventKind, Facts, Identity, Text};
use crate::limits;
use crate::mcp::answers::denies;

/// A request under way: one event when it ends, however it ends.
pub(super) struct OpenRequest<'a, H> {
    recorder: Recorder<'a, H>,
    started: Instant,
    kind: &'static str,
    /// The prompt's name, which is the host's.
    prompt: Option<String>,
    /// `None` once it is recorded.
    record: Option<RequestRecord>,
}

/// The facts of a request, and the keys of `meta` with their values.
type RequestRecord = (Facts<'static>, Vec<(Text<'static>, Captured)>);

/// What a request is for.
#[derive(Clone, Copy)]
pub(super) enum Asked<'r> {
    Prompt(&'r str),
    /// The URI may be made from a template, with a client's text in it.
    Resource(&'r str),
}

/// How much of a prompt's name is kept, in bytes: as much as is sent, and as the redactor looks beyond that.
const MAX_NAME_BYTES: usize = 4 * limits::MAX_NAME_CHARS + limits::CUT_MARGIN_BYTES;

impl<'a, H> Recorder<'a, H> {
    /// Begins the record of a request for a prompt or a resource.
    pub(super) fn open_request(
        self,
        asked: Asked<'_>,
        context: &RequestContext<RoleServer>,
    ) -> OpenRequest<'a, H> {
        let request = self.read(context);
        let facts = request.facts();
        let started = self.now();
        self.log_login(&request, &facts, started);
        let meta = facts.meta.iter();
        let mut meta: Vec<_> = meta
            .map(|(key, content)| (Cow::Owned(key.to_string()), self.capture(*content)))
            .collect();
        let (kind, prompt) = match asked {
            Asked::Prompt(name) => {
                let name = cut_at_char(name, MAX_NAME_BYTES);
                ("MCP_PROMPT_GET", Some(name.to_owned()))
            }
            Asked::Resource(uri) => {
                meta.push((Cow::Borrowed("resource_uri"), self.capture(&uri)));
                ("MCP_RESOURCE_READ", None)
            }
        };
        let mut facts = without_meta(facts);
        self.name_somebody(&mut facts);
        OpenRequest {
            recorder: self,
            started,
            kind,
            prompt,
            record: Some((facts, meta)),
        }
    }
}

/// Copies the facts of a request, but for `meta`.
fn without_meta(facts: Facts<'_>) -> Facts<'static> {
    let text = |text: Option<Text<'_>>| text.map(|text| Text::Owned(text.into_owned()));
    Facts {
        identity: facts.identity.map(Identity::into_owned),
        session: facts.session.into_owned(),
        era: facts.era,
        client_class: facts.client_class,
        user_agent: text(facts.user_agent),
        traceparent: text(facts.traceparent),
        ..Facts::default()
    }
}

impl<H> OpenRequest<'_, H> {
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
        let Some((mut facts, meta)) = self.record.take() else {
            return;
        };
        let elapsed = self.recorder.now().saturating_duration_since(self.started);
        let milliseconds = (elapsed.as_secs_f64() * 100_000.0).round() / 100.0;
        let outcome = outcome.as_str();
        let captured = meta.iter();
        facts.meta = captured
            .map(|(key, value)| (Cow::Borrowed(&**key), value as Content<'_>))
            .collect();
        let prompt = self.prompt.take();
        let prompt = prompt.as_deref().map(|name| HostName {
            name,
            is_unknown: error
                .is_some_and(|error| denies("prompt", name, error.code.0.into(), &error.message)),
        });
        if let Some(prompt) = &prompt {
            facts.meta.push(("prompt_name".into(), prompt));
        }
        facts.meta.push(("outcome".into(), &outcome));
        facts.meta.push(("duration_ms".into(), &milliseconds));
        if let Some(error) = error {
            facts.meta.push(("error".into(), &error.message));
        }
        self.recorder
            .log(EventKind::Custom(self.kind.into()), facts);
    }
}

impl<H> Drop for OpenRequest<'_, H> {
    fn drop(&mut self) {
        let outcome = if std::thread::panicking() {
            CallOutcome::Panicked
        } else {
            CallOutcome::Dropped
        };
        self.log(outcome, None);
    }
}
