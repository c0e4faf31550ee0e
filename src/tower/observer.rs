//! What all exchanges of a layer have in common: its logger, its settings, its memory.

use std::sync::Arc;

use serde_json::Value;

use crate::base::recent::Recent;
use crate::logger::{Pipeline, UsageLogger};
use crate::mcp::caller_key::CallerKey;
use crate::mcp::intent::{self, ToolIntent};
use crate::mcp::listings::ReportedListings;
use crate::mcp::message::text;
use crate::mcp::ownership::IntentProperty;
use crate::mcp::rounds::Rounds;

/// How much of a message is kept to be read, in bytes.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Most sessions whose client and whose server are remembered.
const MAX_SESSIONS: usize = 10_000;

/// Most tools whose intents are remembered, each as often as there are callers.
const MAX_TOOLS: usize = 16_384;

/// Most tools of one listing that are looked at.
const MAX_TOOLS_LISTED: usize = 4_096;

#[derive(Debug, Clone)]
pub(super) struct Observer {
    pub(super) usage: UsageLogger,
    pub(super) settings: LayerSettings,
    pub(super) memory: Arc<LayerMemory>,
}

#[derive(Debug, Clone)]
pub(super) struct LayerSettings {
    pub(super) arguments: bool,
    pub(super) results: bool,
    /// The argument that holds the intent; `None`: the one that a listing shows.
    pub(super) intent: Option<String>,
    /// Headers that name a tenant, in small letters.
    pub(super) tenant_headers: Vec<String>,
    pub(super) auth_rejections: bool,
    pub(super) max_message_bytes: usize,
}

impl Default for LayerSettings {
    fn default() -> Self {
        Self {
            arguments: true,
            results: false,
            intent: None,
            tenant_headers: Vec::new(),
            auth_rejections: false,
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
        }
    }
}

/// What is remembered from one exchange to the next. Each caller has a memory of its own, told by a [`CallerKey`].
#[derive(Debug)]
pub(super) struct LayerMemory {
    pub(super) listings: ReportedListings,
    /// Where the arguments of tools hold an intent, by the caller who was shown them and their names: one logger may
    /// serve tenants whose tools share a name and no more.
    pub(super) tools: Recent<ToolIntent>,
    pub(super) rounds: Rounds,
    /// The names and versions of the clients of the older protocol's sessions, by the caller, cookies aside, and the
    /// session's id.
    pub(super) clients: Recent<(String, String)>,
    /// Those of the servers, likewise; without a session's id where there are no sessions.
    pub(super) servers: Recent<(String, String)>,
}

impl Default for LayerMemory {
    fn default() -> Self {
        Self {
            listings: ReportedListings::default(),
            tools: Recent::new(MAX_TOOLS),
            rounds: Rounds::default(),
            clients: Recent::new(MAX_SESSIONS),
            servers: Recent::new(MAX_SESSIONS),
        }
    }
}

impl Observer {
    pub(super) fn new(usage: UsageLogger) -> Self {
        Self {
            usage,
            settings: LayerSettings::default(),
            memory: Arc::default(),
        }
    }

    /// Returns the way of events into the logger; `None` when it is off.
    fn pipeline(&self) -> Option<&Pipeline> {
        Some(&self.usage.handle()?.pipeline)
    }

    /// Whether the wire takes more than tool calls.
    pub(super) fn takes_all_kinds(&self) -> bool {
        let pipeline = self.pipeline();
        pipeline.is_some_and(Pipeline::takes_all_kinds)
    }

    /// Returns the name of the property that asks for the intent, as servers publish it.
    pub(super) fn intent_name(&self) -> Option<&'static str> {
        Some(self.pipeline()?.profile().intent_property)
    }

    /// Whether the name of a header or of an argument says that it is sensitive.
    pub(super) fn is_sensitive(&self, name: &str) -> bool {
        let pipeline = self.pipeline();
        pipeline.is_some_and(|pipeline| pipeline.settings.policy.redactor.denies_name(name))
    }

    /// Whether a header names a tenant, as the user says.
    pub(super) fn is_tenants(&self, name: &str) -> bool {
        self.settings
            .tenant_headers
            .iter()
            .any(|header| header == name)
    }

    /// Remembers where the arguments of the tools of a listing hold an intent.
    pub(super) fn remember_tools(&self, tools: &[Value], caller: CallerKey) {
        let Some(intent_name) = self.intent_name() else {
            return;
        };
        let is_sensitive = |name: &str| self.is_sensitive(name);
        for tool in tools.iter().take(MAX_TOOLS_LISTED) {
            let Some(name) = text(tool, "name") else {
                continue;
            };
            let schema = tool.get("inputSchema").and_then(Value::as_object);
            let property = schema.map_or(IntentProperty::NoPlace, |schema| {
                IntentProperty::of(schema, intent_name, intent::DESCRIPTION)
            });
            let native = schema.and_then(|schema| intent::native(schema, None, is_sensitive));
            let native = native.map(Arc::from);
            // A tool that has an intent no longer replaces what was remembered; the others take no room.
            let has_intent = property == IntentProperty::Published || native.is_some();
            if has_intent || self.memory.tools.get((caller, name)).is_some() {
                let intent = ToolIntent { property, native };
                self.memory.tools.put((caller, name), intent);
            }
        }
    }
}
