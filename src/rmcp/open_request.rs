//! Records requests other than tool calls: prompts and resources.

use std::borrow::Cow;
use std::time::Instant;

use ::rmcp::service::RequestContext;
use ::rmcp::{ErrorData, RoleServer};

use super::recorder::Recorder;
use crate::capture::{Captured, Content};
use crate::event::{CallOutcome, EventKind, Facts, Identity, Text};

/// A request under way: one event when it ends, however it ends.
pub(super) struct OpenRequest<'a, H> {
    recorder: Recorder<'a, H>,
    started: Instant,
    kind: &'static str,
    /// `None` once it is recorded.
    record: Option<RequestRecord>,
}

/// The facts of a request, and the keys of `meta` with their values.
type RequestRecord = (Facts<'static>, Vec<(Text<'static>, Captured)>);

impl<'a, H> Recorder<'a, H> {
    /// Begins the record of a request for the prompt or resource of this name.
    pub(super) fn open_request(
        self,
        kind: &'static str,
        (key, name): (&'static str, &str),
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
        meta.push((Cow::Borrowed(key), self.capture(&name)));
        let mut facts = without_meta(facts);
        self.name_somebody(&mut facts);
        OpenRequest {
            recorder: self,
            started,
            kind,
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
                open.log(CallOutcome::ProtocolError, Some(&error.message));
            }
            (None, _) => {}
        }
    }

    fn log(&mut self, outcome: CallOutcome, error: Option<&str>) {
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
        facts.meta.push(("outcome".into(), &outcome));
        facts.meta.push(("duration_ms".into(), &milliseconds));
        if let Some(error) = &error {
            facts.meta.push(("error".into(), error));
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
