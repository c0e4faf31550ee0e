//! The logger of an instrumented server.

use std::sync::Arc;
use std::time::Instant;

use ::rmcp::model::{Implementation, InitializeResult};
use ::rmcp::service::RequestContext;
use ::rmcp::{RoleServer, ServerHandler};

use super::instrumentation::Instrumented;
use super::recorded_by::RecordedBy;
use super::request::{IncomingRequest, http_parts};
use super::settings::InstrumentationSettings;
use crate::config::resolve::PipelineSettings;
use crate::event::{Event, EventKind, Facts, Identity, ToolCall};
use crate::ledger::Outcome;
use crate::limits::CUT_MARGIN_BYTES;
use crate::logger::{CallGuard, CallRecord, Handle, KeptRecord, OuterRecords, login_of};
use crate::wire::Profile;

/// Records the use of a server whose logger is on.
pub(super) struct Recorder<'a, H> {
    pub(super) server: &'a Instrumented<H>,
    pub(super) handle: &'a Arc<Handle>,
}

impl<H> Clone for Recorder<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Recorder<'_, H> {}

impl<H> Instrumented<H> {
    /// Returns what records the use of this server; `None` when the logger is off.
    pub(super) fn recorder(&self) -> Option<Recorder<'_, H>> {
        let handle = self.by.usage.handle()?;
        Some(Recorder {
            server: self,
            handle,
        })
    }

    /// Returns what records other events than tool calls: `None` also where they are not wanted, the
    /// wire has no place for them, or the request is recorded already.
    pub(super) fn recorder_if(
        &self,
        context: &mut RequestContext<RoleServer>,
        is_wanted: impl FnOnce(&InstrumentationSettings) -> bool,
    ) -> Option<Recorder<'_, H>> {
        self.recorder().filter(|recorder| {
            is_wanted(recorder.settings())
                && recorder.takes_all_kinds()
                && recorder.begin_record(context)
        })
    }
}

impl<'a, H> Recorder<'a, H> {
    /// Whether this logger records a request. It does so once, however often the server is
    /// instrumented.
    pub(super) fn begin_record(&self, context: &mut RequestContext<RoleServer>) -> bool {
        RecordedBy::note(context, self.handle)
    }

    pub(super) fn settings(&self) -> &'a InstrumentationSettings {
        &self.server.by.settings
    }

    fn logger_settings(&self) -> &'a PipelineSettings {
        &self.handle.pipeline.settings
    }

    pub(super) fn now(&self) -> Instant {
        self.handle.pipeline.clock().now()
    }

    pub(super) fn takes_all_kinds(&self) -> bool {
        self.handle.pipeline.takes_all_kinds()
    }

    pub(super) fn takes_descriptions(&self) -> bool {
        self.handle.pipeline.takes_descriptions()
    }

    pub(super) fn profile(&self) -> &'static Profile {
        self.handle.pipeline.profile()
    }

    /// Returns the name of the property that asks for the intent.
    pub(super) fn intent_name(&self) -> &'a str {
        let name = self.settings().intent_name.as_deref();
        name.unwrap_or_else(|| self.profile().intent_property)
    }

    /// Whether an argument's name says that it is sensitive.
    pub(super) fn is_sensitive(&self, name: &str) -> bool {
        self.logger_settings().policy.redactor.denies_name(name)
    }

    /// Returns how much of an error's text is looked at.
    pub(super) fn max_error_bytes(&self) -> usize {
        self.logger_settings().policy.limits.error_chars * 4 + CUT_MARGIN_BYTES
    }

    /// Copies a request for the time until it ends. The copy is charged to the queue.
    pub(super) fn keep(&self, request: &ToolCall<'_>) -> KeptRecord {
        let pipeline = &self.handle.pipeline;
        KeptRecord::new(CallRecord::of(request, pipeline), pipeline)
    }

    pub(super) fn start_call(&self, call: &ToolCall<'_>, started: Instant) -> CallGuard {
        CallGuard::start(self.handle, call, started)
    }

    pub(super) fn log<'e>(&self, kind: EventKind<'e>, facts: Facts<'e>) -> Outcome {
        self.server.by.usage.log_usage(Event { kind, facts })
    }

    /// Reports the user of a request, unless it was reported before.
    pub(super) fn log_login(&self, request: &IncomingRequest<'_>, facts: &Facts<'_>, now: Instant) {
        let identity = request.caller.identity();
        let Some(identity) = identity.filter(|identity| !identity.is_anonymous()) else {
            return;
        };
        if !self.settings().logins {
            return;
        }
        let names = &self.logger_settings().defaults.identity_policy;
        let session_id = facts.session.own_id();
        let login = login_of(names, identity, request.caller.caller(), session_id);
        self.server.by.usage.log_once(login, now, || Event {
            kind: EventKind::IdentityCapture,
            facts: request.facts(),
        });
    }

    /// Sets the anonymous identity where there is none: an event that is no tool call needs one.
    pub(super) fn name_somebody(&self, facts: &mut Facts<'_>) {
        if self.logger_settings().defaults.identity.is_none() {
            facts.identity.get_or_insert(Identity::anonymous());
        }
    }
}

impl<'a, H: ServerHandler> Recorder<'a, H> {
    pub(super) fn read(&self, context: &'a RequestContext<RoleServer>) -> IncomingRequest<'a> {
        let http = http_parts(context);
        if let Some(http) = http
            && let Some(outer) = http.extensions.get::<OuterRecords>()
        {
            outer.take_over(self.handle);
        }
        let ledger = &self.handle.pipeline.shared.ledger;
        IncomingRequest::read(context, http, self.server, || ledger.identity_failure())
    }

    /// Reports the start of a session, and its user, unless they were reported before.
    pub(super) fn on_initialize(
        &self,
        context: &RequestContext<RoleServer>,
        client: &Implementation,
        result: &InitializeResult,
    ) {
        let version = result.protocol_version.as_str();
        let incoming = self.read(context).initialize(client, version);
        let mut facts = incoming.facts();
        // Over HTTP the session's id is not known yet: a login told by its absence would be reported
        // again with the session's next request.
        let knows_session = facts.session.own_id().is_some();
        if knows_session || incoming.caller.names_credential() {
            self.log_login(&incoming, &facts, self.now());
        }
        if self.settings().sessions {
            self.name_somebody(&mut facts);
            self.log(EventKind::Custom("MCP_SESSION_START".into()), facts);
        }
    }
}
