//! What a layer knows: its logger, its settings, its memory.

use std::sync::Arc;

use serde_json::Value;

use super::memory::{LayerMemory, MAX_TOOLS};
use super::settings::LayerSettings;
use crate::logger::UsageLogger;
use crate::mcp::intent::{self, IntentProperty, ToolIntent};
use crate::mcp::message::text;
use crate::wire::Wire;

#[derive(Debug, Clone)]
pub(super) struct Observer {
    pub(super) usage: UsageLogger,
    pub(super) settings: LayerSettings,
    pub(super) memory: Arc<LayerMemory>,
}

impl Observer {
    pub(super) fn new(usage: UsageLogger) -> Self {
        Self {
            usage,
            settings: LayerSettings::default(),
            memory: Arc::default(),
        }
    }

    /// Whether the wire takes more than tool calls.
    pub(super) fn takes_all_kinds(&self) -> bool {
        let core = self.usage.core();
        core.is_some_and(|core| !matches!(core.config.wire, Wire::Mcpeye(_)))
    }

    /// Returns the name of the property that asks for the intent, as servers publish it.
    pub(super) fn intent_name(&self) -> Option<&'static str> {
        Some(intent::name_on(&self.usage.core()?.config.wire))
    }

    /// Whether an argument's name says that it is sensitive.
    fn is_sensitive(&self, name: &str) -> bool {
        let core = self.usage.core();
        core.is_some_and(|core| core.config.rules.redactor.denies_name(name))
    }

    /// Remembers where the arguments of the tools of a listing hold an intent.
    pub(super) fn remember_tools(&self, tools: &[Value]) {
        let Some(intent_name) = self.intent_name() else {
            return;
        };
        for tool in tools.iter().take(MAX_TOOLS) {
            let Some(name) = text(tool, "name") else {
                continue;
            };
            let schema = tool.get("inputSchema").and_then(Value::as_object);
            let property = schema.map_or(IntentProperty::NoPlace, |schema| {
                IntentProperty::of(schema, intent_name, intent::DESCRIPTION)
            });
            let is_sensitive = |name: &str| self.is_sensitive(name);
            let native = schema.and_then(|schema| intent::native(schema, None, is_sensitive));
            let native = native.map(Arc::from);
            self.memory.tools.put(name, ToolIntent { property, native });
        }
    }
}
