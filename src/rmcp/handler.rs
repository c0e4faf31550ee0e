//! The server around the server: every method passes through, and some leave a record.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Instant;

use ::rmcp::model::*;
use ::rmcp::service::{MaybeSendFuture, NotificationContext, RequestContext, SubscriptionContext};
use ::rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::call_meta::CallMeta;
use crate::base::panics;
use crate::base::random;
use crate::base::text::cut_at_char;
use crate::capture::Captured;
use crate::capture::Content;
use crate::event::Identity;
use crate::event::{Call, CallOutcome, Event, Facts, IntentSource, Kind, Text, ToolCall};
use crate::limits::CUT_MARGIN_BYTES;
use crate::logger::CallGuard;
use crate::logger::login;
use crate::logger::pipeline::Core;
use crate::logger::record;
use crate::mcp::answers::says_unknown;
use crate::mcp::intent::{self, Arguments, Owner, is_said};
use crate::wire::Wire;

use super::Instrumented;
use super::context::{self, Held, Who};
use super::state::Tool as Known;

/// Most pages of tools that are asked for to find one.
const MAX_PAGES: usize = 32;

/// Methods that pass through as they are. Not `async fn`: nothing is added to their futures.
macro_rules! pass_through {
    ($($method:ident($($argument:ident: $type:ty),*) -> $output:ty;)+) => {$(
        fn $method(
            &self,
            $($argument: $type),*
        ) -> impl Future<Output = $output> + MaybeSendFuture + '_ {
            self.inner.$method($($argument),*)
        }
    )+};
}

// A method added to the trait would otherwise silently answer "method not found" in the server's
// place.
#[deny(clippy::missing_trait_methods)]
#[expect(
    deprecated,
    reason = "a wrapper passes on what its server still offers"
)]
impl<H: ServerHandler> ServerHandler for Instrumented<H> {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match self.core() {
            Some(core) => self.record_call(core, request, context).await,
            None => {
                let mut context = context;
                context.extensions.insert(CallMeta::default());
                self.inner.call_tool(request, context).await
            }
        }
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let Some(core) = self.core() else {
            return self.inner.list_tools(request, context).await;
        };
        // The context is needed once the server has consumed it.
        let asked = context.clone();
        let mut result = self.inner.list_tools(request, context).await?;
        let held = Held::of(&asked);
        let who = Who::of(&asked, &self.by.settings, core);
        let facts = self.facts(&asked, &held, &who);
        let now = core.config.clock.now();
        self.log_login(core, &who, &facts, now, || self.facts(&asked, &held, &who));
        self.listed(core, &mut result, facts);
        Ok(result)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let Some(core) = self.core() else {
            return self.inner.get_tool(name);
        };
        match self.inner.get_tool(name) {
            Some(mut tool) => {
                self.augment(core, &mut tool);
                Some(tool)
            }
            None => self
                .own_tool(core, name)
                .then(|| self.capability_tool(core)),
        }
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let Some(core) = self.core() else {
            return self.inner.initialize(request, context).await;
        };
        let settings = &self.by.settings;
        if !((settings.sessions || settings.logins) && self.takes_all_kinds(core)) {
            let result = self.inner.initialize(request, context).await;
            self.initialized.store(result.is_ok(), Relaxed);
            return result;
        }
        let asked = context.clone();
        let client = request.client_info.clone();
        let result = self.inner.initialize(request, context).await?;
        self.initialized.store(true, Relaxed);
        self.greeted(core, &asked, &client, &result);
        Ok(result)
    }

    async fn discover(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        let core = self
            .core()
            .filter(|core| self.by.settings.logins && self.takes_all_kinds(core));
        if let Some(core) = core {
            let held = Held::of(&context);
            let who = Who::of(&context, &self.by.settings, core);
            let facts = self.facts(&context, &held, &who);
            let now = core.config.clock.now();
            self.log_login(core, &who, &facts, now, || {
                self.facts(&context, &held, &who)
            });
        }
        self.inner.discover(context).await
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let core = self
            .core()
            .filter(|core| self.by.settings.prompts && self.takes_all_kinds(core));
        let Some(core) = core else {
            return self.inner.get_prompt(request, context).await;
        };
        let look = self.look(
            core,
            "MCP_PROMPT_GET",
            ("prompt_name", request.name.clone()),
            &context,
        );
        let result = self.inner.get_prompt(request, context).await;
        look.end(result.as_ref().map(|_| ()));
        result
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let core = self
            .core()
            .filter(|core| self.by.settings.resources && self.takes_all_kinds(core));
        let Some(core) = core else {
            return self.inner.read_resource(request, context).await;
        };
        let look = self.look(
            core,
            "MCP_RESOURCE_READ",
            ("resource_uri", request.uri.clone()),
            &context,
        );
        let result = self.inner.read_resource(request, context).await;
        look.end(result.as_ref().map(|_| ()));
        result
    }

    fn negotiate_initialize(
        &self,
        request: &InitializeRequestParams,
    ) -> Result<InitializeResult, ErrorData> {
        self.inner.negotiate_initialize(request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.inner.supported_protocol_versions()
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.inner.accepted_subscription_filter(requested)
    }

    fn get_info(&self) -> ServerConfig {
        self.inner.get_info()
    }

    pass_through! {
        ping(context: RequestContext<RoleServer>) -> Result<(), ErrorData>;
        complete(request: CompleteRequestParams, context: RequestContext<RoleServer>)
            -> Result<CompleteResult, ErrorData>;
        set_level(request: SetLevelRequestParams, context: RequestContext<RoleServer>)
            -> Result<(), ErrorData>;
        list_prompts(request: Option<PaginatedRequestParams>, context: RequestContext<RoleServer>)
            -> Result<ListPromptsResult, ErrorData>;
        list_resources(request: Option<PaginatedRequestParams>, context: RequestContext<RoleServer>)
            -> Result<ListResourcesResult, ErrorData>;
        list_resource_templates(
            request: Option<PaginatedRequestParams>,
            context: RequestContext<RoleServer>
        ) -> Result<ListResourceTemplatesResult, ErrorData>;
        listen(context: SubscriptionContext) -> Result<(), ErrorData>;
        subscribe(request: SubscribeRequestParams, context: RequestContext<RoleServer>)
            -> Result<(), ErrorData>;
        unsubscribe(request: UnsubscribeRequestParams, context: RequestContext<RoleServer>)
            -> Result<(), ErrorData>;
        on_custom_request(request: CustomRequest, context: RequestContext<RoleServer>)
            -> Result<CustomResult, ErrorData>;
        on_cancelled(
            notification: CancelledNotificationParam,
            context: NotificationContext<RoleServer>
        ) -> ();
        on_progress(
            notification: ProgressNotificationParam,
            context: NotificationContext<RoleServer>
        ) -> ();
        on_initialized(context: NotificationContext<RoleServer>) -> ();
        on_roots_list_changed(context: NotificationContext<RoleServer>) -> ();
        on_custom_notification(
            notification: CustomNotification,
            context: NotificationContext<RoleServer>
        ) -> ();
        get_task(request: GetTaskParams, context: RequestContext<RoleServer>)
            -> Result<GetTaskResult, ErrorData>;
        update_task(request: UpdateTaskParams, context: RequestContext<RoleServer>)
            -> Result<(), ErrorData>;
        cancel_task(request: CancelTaskParams, context: RequestContext<RoleServer>)
            -> Result<(), ErrorData>;
        list_skills(request: Option<PaginatedRequestParams>, context: RequestContext<RoleServer>)
            -> Result<ListSkillsResult, ErrorData>;
        get_skill(request: GetSkillRequestParams, context: RequestContext<RoleServer>)
            -> Result<GetSkillResult, ErrorData>;
        read_resource_directory(
            request: ReadResourceDirectoryRequestParams,
            context: RequestContext<RoleServer>
        ) -> Result<ReadResourceDirectoryResult, ErrorData>;
    }
}

impl<H: ServerHandler> Instrumented<H> {
    /// What events go through; `None` when the logger is off.
    fn core(&self) -> Option<&Arc<Core>> {
        self.by.usage.core()
    }

    /// Whether the wire takes more than tool calls.
    fn takes_all_kinds(&self, core: &Core) -> bool {
        !matches!(core.config.wire, Wire::Mcpeye(_))
    }

    fn facts<'a>(
        &'a self,
        context: &'a RequestContext<RoleServer>,
        held: &'a Held<'a>,
        who: &'a Who<'_>,
    ) -> Facts<'a> {
        let connection = || {
            let id = self
                .connection
                .get_or_init(|| format!("{:016x}", random::seed()));
            id.as_str()
        };
        let is_bound = self.initialized.load(Relaxed);
        context::facts(context, held, who, &self.by, connection, is_bound)
    }

    /// The name of the property that asks for the intent.
    fn property<'a>(&'a self, core: &'a Core) -> &'a str {
        let name = self.by.settings.intent_name.as_deref();
        name.unwrap_or_else(|| intent::name_on(&core.config.wire))
    }

    fn log<'a>(&self, kind: Kind<'a>, facts: Facts<'a>) {
        self.by.usage.log_usage(Event { kind, facts });
    }

    /// Reports who it is, if nobody has yet; `again` makes the facts of that event.
    fn log_login<'a>(
        &self,
        core: &Core,
        who: &Who<'_>,
        facts: &Facts<'_>,
        now: Instant,
        again: impl FnOnce() -> Facts<'a>,
    ) {
        if !self.by.settings.logins || !who.is_known() {
            return;
        }
        let Some(identity) = who.identity() else {
            return;
        };
        let names = &core.config.defaults.names;
        let session_id = facts.session.get("session_id");
        let login = login::login_of(names, identity, who.caller(), session_id);
        self.by.usage.log_once(login, now, || Event {
            kind: Kind::IdentityCapture,
            facts: again(),
        });
    }

    /// Reports a session that has begun, and who it is, if nobody has yet.
    fn greeted(
        &self,
        core: &Core,
        asked: &RequestContext<RoleServer>,
        client: &Implementation,
        result: &InitializeResult,
    ) {
        let held = Held::of(asked);
        let who = Who::of(asked, &self.by.settings, core);
        let described = || {
            let mut facts = self.facts(asked, &held, &who);
            let user_agent = facts.user_agent.as_deref();
            facts.client_class = Some(self.by.state.class_of(Some(&client.name), user_agent));
            facts.session = std::mem::take(&mut facts.session)
                .client_name(&*client.name)
                .client_version(&*client.version)
                .protocol_version(result.protocol_version.as_str());
            facts.era = Some(crate::event::Era::of(result.protocol_version.as_str()));
            facts
        };
        let mut facts = described();
        // Over HTTP the session is not known yet, so that what stands for it could not be told from
        // what its next request says.
        let knows_session = facts.session.get("session_id").is_some();
        if knows_session || who.names_credential() {
            self.log_login(core, &who, &facts, core.config.clock.now(), described);
        }
        if self.by.settings.sessions {
            name_somebody(core, &mut facts);
            self.log(Kind::Custom("MCP_SESSION_START".into()), facts);
        }
    }

    /// Runs a call of a tool, and records it however it ends.
    async fn record_call(
        &self,
        core: &Arc<Core>,
        mut request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let round = if request.request_state.is_some() || request.input_responses.is_some() {
            self.by.state.rounds.of(request.request_state.as_deref())
        } else {
            0
        };
        let mut record = {
            let held = Held::of(&context);
            let who = Who::of(&context, &self.by.settings, core);
            let facts = self.facts(&context, &held, &who);
            let now = core.config.clock.now();
            self.log_login(core, &who, &facts, now, || {
                self.facts(&context, &held, &who)
            });
            let call = Call {
                tool: Cow::Borrowed(&request.name),
                round: (round > 0).then_some(round),
                ..Call::default()
            };
            CallGuard::start(&self.by.usage, &ToolCall { facts, call }, now)
        };
        if self.own_tool(core, &request.name) {
            return Ok(self.note_capability(record, &request).into());
        }
        let tool = self.known(core, &request, &context).await;
        self.take_arguments(core, &mut record, &mut request, tool.as_ref());

        context.extensions.insert(record.meta());
        let name = tool.is_none().then(|| request.name.clone());
        let cancelled = context.ct.clone();
        let mut record = Some(record);
        let response = {
            let mut runs = pin!(self.inner.call_tool(request, context));
            let mut cancels = pin!(cancelled.cancelled());
            poll_fn(|cx| {
                if let Poll::Ready(response) = runs.as_mut().poll(cx) {
                    return Poll::Ready(response);
                }
                // rmcp lets a cancelled handler run on; the call has ended all the same.
                if record.is_some() && cancels.as_mut().poll(cx).is_ready() {
                    finish(&mut record, CallOutcome::Cancelled);
                }
                Poll::Pending
            })
            .await
        };
        if cancelled.is_cancelled() {
            finish(&mut record, CallOutcome::Cancelled);
        }
        if let Some(record) = record {
            let is_unknown =
                |error: &ErrorData| name.is_some_and(|name| self.is_unknown(&name, error));
            self.settle(core, record, &response, round, is_unknown);
        }
        response
    }

    /// What is known of a tool. A server that cannot look tools up by name is asked to list them,
    /// once in a while, and only when the answer matters.
    async fn known(
        &self,
        core: &Core,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Option<Known> {
        let server = &self.server;
        if let Some(tool) = server.tool(&request.name) {
            return Some(tool);
        }
        if let Some(tool) = self.inner.get_tool(&request.name) {
            let tool = self.judge(core, &tool);
            server.learn(&request.name, tool.clone());
            return Some(tool);
        }
        let native = self.by.settings.native_intent.as_deref();
        let matters = request.arguments.as_ref().is_some_and(|arguments| {
            (self.by.settings.intent && arguments.contains_key(self.property(core)))
                || arguments.contains_key(native.unwrap_or(intent::NATIVE_NAME))
        });
        if matters && server.ask(core.config.clock.now()) {
            self.learn_all(core, context).await;
        }
        server.tool(&request.name)
    }

    /// Asks the server for all its tools. A panic of its listing is the listing's own.
    async fn learn_all(&self, core: &Core, context: &RequestContext<RoleServer>) {
        let mut page = None;
        for _ in 0..MAX_PAGES {
            let mut lists = pin!(self.inner.list_tools(page.take(), context.clone()));
            let listed = poll_fn(|cx| match panics::catch(|| lists.as_mut().poll(cx)) {
                Ok(Poll::Ready(listed)) => Poll::Ready(listed.ok()),
                Ok(Poll::Pending) => Poll::Pending,
                Err(panics::Panicked) => Poll::Ready(None),
            })
            .await;
            let Some(listed) = listed else {
                return;
            };
            for tool in &listed.tools {
                self.server.learn(&tool.name, self.judge(core, tool));
            }
            let Some(next) = listed.next_cursor else {
                return;
            };
            page = Some(PaginatedRequestParams::default().with_cursor(Some(next)));
        }
    }

    /// Reads from a tool's schema what its arguments may hold for us.
    fn judge(&self, core: &Core, tool: &Tool) -> Known {
        let settings = &self.by.settings;
        let name = self.property(core);
        let redactor = &core.config.rules.redactor;
        let owner = match intent::owner(&tool.input_schema, name, &settings.intent_description) {
            Owner::Ours if !settings.intent => Owner::NoPlace,
            owner => owner,
        };
        let native = intent::native(
            &tool.input_schema,
            settings.native_intent.as_deref(),
            |name| redactor.denies_name(name),
        );
        Known {
            owner,
            native: native.map(Arc::from),
        }
    }

    /// Takes our property out of the arguments, and captures the rest, before the tool gets them.
    fn take_arguments(
        &self,
        core: &Core,
        record: &mut CallGuard,
        request: &mut CallToolRequestParams,
        tool: Option<&Known>,
    ) {
        let Some(arguments) = &mut request.arguments else {
            return;
        };
        let name = self.property(core);
        let mut hidden = None;
        let mut intent = None;
        match tool.map(|tool| tool.owner) {
            Some(Owner::Ours) => intent = take(arguments, name),
            Some(Owner::Published) => {
                intent = arguments.get(name).cloned();
                hidden = Some(name);
            }
            Some(Owner::Theirs | Owner::NoPlace) | None => {}
        }
        let mut source = IntentSource::Parameter;
        if !is_said(intent.as_ref()) {
            let native = tool.and_then(|tool| tool.native.as_deref());
            let found = native.and_then(|native| arguments.get(native));
            if is_said(found) {
                intent = found.cloned();
                // The intent is told once.
                (hidden, source) = (native, IntentSource::Native);
            }
        }
        if let Some(Value::String(intent)) = intent.filter(|intent| is_said(Some(intent))) {
            record.set_prompt(intent);
            record.set_intent_source(source);
        }
        if self.by.settings.arguments {
            record.set_arguments(&Arguments {
                arguments,
                hidden,
                allowed: self.by.settings.allowed.get(&*request.name),
            });
        }
    }

    /// Whether an error says that there is no such tool.
    fn is_unknown(&self, name: &str, error: &ErrorData) -> bool {
        if self.server.knows(name) || self.inner.get_tool(name).is_some() {
            return false;
        }
        says_unknown(error.code.0.into(), &error.message)
    }

    /// Records how a call ended.
    fn settle(
        &self,
        core: &Core,
        mut record: CallGuard,
        response: &Result<CallToolResponse, ErrorData>,
        round: u32,
        is_unknown: impl FnOnce(&ErrorData) -> bool,
    ) {
        let outcome = match response {
            Ok(CallToolResponse::Complete(result)) => {
                let is_error = result.is_error == Some(true);
                if is_error {
                    let most = core.config.rules.limits.error_chars * 4 + CUT_MARGIN_BYTES;
                    record.set_error(text_of(result, most));
                }
                if self.by.settings.results {
                    record.set_result(&Answer(result));
                }
                if is_error {
                    CallOutcome::ToolError
                } else {
                    CallOutcome::Ok
                }
            }
            Ok(CallToolResponse::InputRequired(asks)) => {
                if let Some(state) = &asks.request_state {
                    self.by.state.rounds.expect(state, round + 1);
                }
                CallOutcome::InputRequired
            }
            Ok(CallToolResponse::Task(_)) => CallOutcome::Task,
            Ok(_) => CallOutcome::Ok,
            Err(error) => {
                record.set_error(&error.message);
                if is_unknown(error) {
                    record.set_unknown_tool();
                }
                CallOutcome::ProtocolError
            }
        };
        record.finish(outcome);
    }

    /// Notes what a listing shows, and adds what is ours to it.
    fn listed(&self, core: &Core, result: &mut ListToolsResult, facts: Facts<'_>) {
        let is_last = result.next_cursor.is_none();
        let page = result
            .tools
            .iter()
            .map(|tool| (tool.name.clone().into_owned(), self.judge(core, tool)));
        let all = self.server.list(page, is_last);
        if let Some(names) = all
            && self.by.settings.tools_list
            && self.takes_all_kinds(core)
        {
            let names = names.into_iter().map(Cow::Owned);
            self.log(Kind::Init(names.collect()), facts);
        }
        for tool in &mut result.tools {
            self.augment(core, tool);
        }
        let own = intent::capability_tool_on(&core.config.wire);
        if is_last && self.own_tool(core, own) {
            result.tools.push(self.capability_tool(core));
        }
    }

    /// Adds the property that asks for the intent.
    fn augment(&self, core: &Core, tool: &mut Tool) {
        let settings = &self.by.settings;
        let name = self.property(core);
        let description = &settings.intent_description;
        if settings.intent && intent::owner(&tool.input_schema, name, description) == Owner::Ours {
            intent::inject(Arc::make_mut(&mut tool.input_schema), name, description);
        }
    }

    /// Whether a name is that of the tool for missing capabilities, and ours to answer.
    fn own_tool(&self, core: &Core, name: &str) -> bool {
        self.by.settings.missing_capability
            && name == intent::capability_tool_on(&core.config.wire)
            && !self.server.knows(name)
            && self.inner.get_tool(name).is_none()
            && self.inner.get_info().capabilities.tools.is_some()
    }

    fn capability_tool(&self, core: &Core) -> Tool {
        Tool::new(
            intent::capability_tool_on(&core.config.wire),
            intent::CAPABILITY_DESCRIPTION,
            intent::capability_schema(),
        )
    }

    /// Answers a call of the tool for missing capabilities.
    fn note_capability(
        &self,
        mut record: CallGuard,
        request: &CallToolRequestParams,
    ) -> CallToolResult {
        let arguments = request.arguments.as_ref();
        if let Some(arguments) = arguments {
            record.set_arguments(arguments);
        }
        let capability = arguments.and_then(|arguments| arguments.get("capability")?.as_str());
        let is_said = capability.is_some_and(|text| !text.trim().is_empty());
        let (result, outcome) = if is_said {
            let answer = ContentBlock::text(intent::CAPABILITY_ANSWER);
            (CallToolResult::success(vec![answer]), CallOutcome::Ok)
        } else {
            record.set_error(intent::CAPABILITY_MISSING);
            let answer = ContentBlock::text(intent::CAPABILITY_MISSING);
            (CallToolResult::error(vec![answer]), CallOutcome::ToolError)
        };
        if self.by.settings.results {
            record.set_result(&Answer(&result));
        }
        record.finish(outcome);
        result
    }

    /// Begins the record of something other than a tool call.
    fn look<'a>(
        &'a self,
        core: &'a Arc<Core>,
        kind: &'static str,
        what: (&'static str, String),
        context: &RequestContext<RoleServer>,
    ) -> Look<'a> {
        let held = Held::of(context);
        let who = Who::of(context, &self.by.settings, core);
        let facts = self.facts(context, &held, &who);
        let started = core.config.clock.now();
        self.log_login(core, &who, &facts, started, || {
            self.facts(context, &held, &who)
        });
        let value = |value| record::captured(core, value, false);
        let meta = facts.meta.iter();
        let mut meta: Vec<_> = meta
            .map(|(key, content)| (Cow::Owned(key.to_string()), value(*content)))
            .collect();
        let (name, content) = what;
        meta.push((Cow::Borrowed(name), value(&content)));
        let mut facts = owned(facts);
        name_somebody(core, &mut facts);
        Look {
            core,
            started,
            kind,
            record: Some((facts, meta)),
        }
    }
}

/// An event of a kind of ours must say whom it is about.
fn name_somebody(core: &Core, facts: &mut Facts<'_>) {
    if core.config.defaults.identity.is_none() {
        facts.identity.get_or_insert(Identity::anonymous());
    }
}

/// Copies the facts of a request, but for `meta`.
fn owned(facts: Facts<'_>) -> Facts<'static> {
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

/// The record of a request other than a tool call: one event when it ends, however it ends.
struct Look<'a> {
    core: &'a Arc<Core>,
    started: Instant,
    kind: &'static str,
    /// The facts, and the keys of `meta` with their values.
    record: Option<(Facts<'static>, Vec<(Text<'static>, Captured)>)>,
}

impl Look<'_> {
    fn end(mut self, result: Result<(), &ErrorData>) {
        match result {
            Ok(()) => self.log(CallOutcome::Ok, None),
            Err(error) => self.log(CallOutcome::ProtocolError, Some(&error.message)),
        }
    }

    fn log(&mut self, outcome: CallOutcome, error: Option<&str>) {
        let Some((facts, meta)) = self.record.take() else {
            return;
        };
        let now = self.core.config.clock.now();
        let elapsed = now.saturating_duration_since(self.started);
        let milliseconds = (elapsed.as_secs_f64() * 100_000.0).round() / 100.0;
        let outcome = outcome.as_str();
        let mut facts = facts;
        let held = meta.iter();
        facts.meta = held
            .map(|(key, value)| (Cow::Borrowed(&**key), value as Content<'_>))
            .collect();
        facts.meta.push(("outcome".into(), &outcome));
        facts.meta.push(("duration_ms".into(), &milliseconds));
        if let Some(error) = &error {
            facts.meta.push(("error".into(), error));
        }
        let kind = Kind::Custom(self.kind.into());
        self.core.log(&Event { kind, facts }, None);
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        let outcome = if std::thread::panicking() {
            CallOutcome::Panicked
        } else {
            CallOutcome::Dropped
        };
        self.log(outcome, None);
    }
}

/// Ends a record, if it is still open.
fn finish(record: &mut Option<CallGuard>, outcome: CallOutcome) {
    if let Some(record) = record.take() {
        record.finish(outcome);
    }
}

/// Takes an argument out; the others keep their order.
fn take(arguments: &mut JsonObject, name: &str) -> Option<Value> {
    if !arguments.contains_key(name) {
        return None;
    }
    // With `serde_json`'s `preserve_order`, `remove` would move the last argument to its place.
    let mut taken = None;
    let kept = std::mem::take(arguments)
        .into_iter()
        .filter_map(|(key, value)| {
            if key == name {
                taken = Some(value);
                return None;
            }
            Some((key, value))
        });
    *arguments = kept.collect();
    taken
}

/// The text of a failed call's answer, as much as is looked at.
fn text_of(result: &CallToolResult, most: usize) -> String {
    let mut text = String::new();
    for block in &result.content {
        let Some(block) = block.as_text() else {
            continue;
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(cut_at_char(&block.text, most.saturating_sub(text.len())));
        if text.len() >= most {
            break;
        }
    }
    text
}

/// What is captured of a result: what the agent gets to read.
struct Answer<'a>(&'a CallToolResult);

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("content", &self.0.content)?;
        if let Some(structured) = &self.0.structured_content {
            map.serialize_entry("structuredContent", structured)?;
        }
        if let Some(is_error) = self.0.is_error {
            map.serialize_entry("isError", &is_error)?;
        }
        map.end()
    }
}
