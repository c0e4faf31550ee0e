//! What all exchanges of a layer have in common: its logger, its settings, its memory.

use std::sync::Arc;

use http::{HeaderValue, Uri};
use serde_json::Value;

use crate::base::recent::Recent;
use crate::logger::{Pipeline, UsageLogger};
use crate::mcp::intent::{self, ToolIntent};
use crate::mcp::listings::ReportedListings;
use crate::mcp::message::text;
use crate::mcp::ownership::IntentProperty;
use crate::mcp::rounds::Rounds;

/// How much of a message is kept to be read, in bytes.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Most sessions whose client is remembered.
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
    pub(super) auth_rejections: bool,
    pub(super) max_message_bytes: usize,
}

impl Default for LayerSettings {
    fn default() -> Self {
        Self {
            arguments: true,
            results: false,
            intent: None,
            auth_rejections: false,
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
        }
    }
}

/// What is remembered from one exchange to the next.
#[derive(Debug)]
pub(super) struct LayerMemory {
    pub(super) listings: ReportedListings,
    /// Where the arguments of tools hold an intent, by [`ToolKey`].
    pub(super) tools: Recent<ToolIntent>,
    pub(super) rounds: Rounds,
    /// The names and versions of the clients of the older protocol's sessions, by the session's id.
    pub(super) clients: Recent<(String, String)>,
}

/// A tool as a listing has shown it: one logger may serve tenants whose tools share a name and no more. The memory keeps
/// a keyed hash of it, and neither the credential nor who it is.
#[derive(Hash)]
pub(super) struct ToolKey<'a> {
    /// A path, a query or a host may name the tenant.
    pub(super) uri: &'a Uri,
    pub(super) host: Option<&'a HeaderValue>,
    /// The caller's id and its kind, unless the caller is anonymous.
    pub(super) identity: Option<(&'a str, &'a str)>,
    /// The credential of a caller without an identity. Beside an identity it does not count: it is renewed, and the
    /// tools stay.
    pub(super) credential: Option<&'a HeaderValue>,
    pub(super) name: &'a str,
}

impl Default for LayerMemory {
    fn default() -> Self {
        Self {
            listings: ReportedListings::default(),
            tools: Recent::new(MAX_TOOLS),
            rounds: Rounds::default(),
            clients: Recent::new(MAX_SESSIONS),
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
        pipeline.is_some_and(|pipeline| pipeline.profile().takes_all_kinds)
    }

    /// Returns the name of the property that asks for the intent, as servers publish it.
    pub(super) fn intent_name(&self) -> Option<&'static str> {
        Some(self.pipeline()?.profile().intent_property)
    }

    /// Remembers where the arguments of the tools of a listing hold an intent.
    pub(super) fn remember_tools<'a>(
        &self,
        tools: &'a [Value],
        key: impl Fn(&'a str) -> ToolKey<'a>,
    ) {
        let Some(pipeline) = self.pipeline() else {
            return;
        };
        let intent_name = pipeline.profile().intent_property;
        let is_sensitive = |name: &str| pipeline.settings.policy.redactor.denies_name(name);
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
            if has_intent || self.memory.tools.get(key(name)).is_some() {
                let intent = ToolIntent { property, native };
                self.memory.tools.put(key(name), intent);
            }
        }
    }
}
