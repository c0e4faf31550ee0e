//! What all conversations of an integration have in common: the logger, the settings, the memory.

use std::sync::Arc;

use serde_json::Value;

use crate::base::recent::Recent;
use crate::logger::{Pipeline, UsageLogger};
use crate::mcp::arguments::ArgumentSettings;
use crate::mcp::caller_key::CallerKey;
use crate::mcp::intent::{self, ToolIntent};
use crate::mcp::listings::ReportedListings;
use crate::mcp::message::text;
use crate::mcp::ownership::IntentProperty;
use crate::mcp::rounds::Rounds;

/// How much of a message is kept to be read, in bytes.
pub(crate) const DEFAULT_MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Most tools whose intents are remembered, each as often as there are callers.
const MAX_TOOLS: usize = 131_072;

/// Most tools of one listing that are looked at.
pub(super) const MAX_TOOLS_LISTED: usize = 4_096;

/// Most callers of whom it is remembered whether they were shown what is ours.
const MAX_CALLERS: usize = 16_384;

#[derive(Debug, Clone)]
pub(crate) struct Observer {
    pub(crate) usage: UsageLogger,
    pub(crate) settings: ObserverSettings,
    pub(crate) memory: Arc<ObserverMemory>,
}

#[derive(Debug, Clone)]
pub(crate) struct ObserverSettings {
    pub(crate) arguments: ArgumentSettings,
    pub(crate) results: bool,
    /// The argument that holds the intent; `None`: the one that a listing shows.
    pub(crate) intent: Option<String>,
    /// Whether listings get the property that asks for the intent, and calls lose its argument.
    pub(crate) add_intent: bool,
    /// Whether listings get the tool for missing capabilities.
    pub(crate) missing_capability: bool,
    pub(crate) max_message_bytes: usize,
}

impl Default for ObserverSettings {
    fn default() -> Self {
        Self {
            arguments: ArgumentSettings::default(),
            results: false,
            intent: None,
            add_intent: false,
            missing_capability: false,
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
        }
    }
}

/// The setters that all settings of observers have alike, those of a module whose page has a section on intent. `change`
/// hands over [`ObserverSettings`].
macro_rules! observer_setters {
    ($module:literal) => {
        /// Names the argument that holds the intent of a call, whatever listings show; it stays in place for the tool, and
        /// out of the captured ones. Default: what a listing shows, see
        #[doc = concat!("the [module](crate::", $module, ").")]
        pub fn intent(self, name: impl Into<String>) -> Self {
            self.change(|settings| settings.intent = Some(name.into()))
        }

        /// Sets whether the lists of tools that pass get a property that asks for the intent of a call, and calls of those
        /// tools lose its argument. Default: no; then not one byte changes.
        #[doc = concat!("See the [module](crate::", $module, "#with-intent).")]
        pub fn add_intent(self, on: bool) -> Self {
            self.change(|settings| settings.add_intent = on)
        }

        /// Sets whether the last page of the tools that passes gets a tool that an agent can call to say what no tool
        /// offers, as an instrumented server's: `request_missing_capability`, on the mcpeye wire
        /// `mcpeye_request_capability`, on the PostHog wire `get_more_tools`. Default: no; then not one byte changes.
        ///
        /// A call is reported as one of that name. A server that has a tool of that name keeps it. How it is answered says
        #[doc = concat!("the [module](crate::", $module, "#with-intent).")]
        pub fn missing_capability(self, on: bool) -> Self {
            self.change(|settings| settings.missing_capability = on)
        }

        /// Sets how much of a message is kept to be read. Default:
        #[doc = concat!("[`DEFAULT_MAX_MESSAGE_BYTES`](crate::", $module, "::DEFAULT_MAX_MESSAGE_BYTES).")]
        pub fn max_message_bytes(self, bytes: usize) -> Self {
            self.change(|settings| settings.max_message_bytes = bytes)
        }
    };
}

pub(crate) use observer_setters;

/// What is remembered from one conversation to the next. Each caller has a memory of its own, told by a [`CallerKey`].
#[derive(Debug)]
pub(crate) struct ObserverMemory {
    pub(super) listings: ReportedListings,
    /// Where the arguments of tools hold an intent, by the caller who was shown them and their names: one logger may
    /// serve tenants whose tools share a name and no more.
    pub(super) tools: Recent<ToolIntent>,
    pub(super) rounds: Rounds,
    /// The callers who were shown what is ours.
    pub(super) shown: Recent<()>,
    pub(super) offers: Recent<CapabilityOffer>,
}

/// What the pages of a listing that were shown to a caller say of the tool for missing capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CapabilityOffer {
    /// Its name is free so far.
    NameIsFree,
    /// The last page has shown it.
    Offered,
    /// The server has a tool of that name.
    Taken,
}

impl Default for ObserverMemory {
    fn default() -> Self {
        Self {
            listings: ReportedListings::default(),
            tools: Recent::new(MAX_TOOLS),
            rounds: Rounds::default(),
            shown: Recent::new(MAX_CALLERS),
            offers: Recent::new(MAX_CALLERS),
        }
    }
}

impl Observer {
    pub(crate) fn new(usage: UsageLogger) -> Self {
        Self {
            usage,
            settings: ObserverSettings::default(),
            memory: Arc::default(),
        }
    }

    /// Returns the way of events into the logger; `None` when it is off.
    pub(super) fn pipeline(&self) -> Option<&Pipeline> {
        Some(&self.usage.handle()?.pipeline)
    }

    /// Whether the wire takes more than tool calls.
    pub(crate) fn takes_all_kinds(&self) -> bool {
        let pipeline = self.pipeline();
        pipeline.is_some_and(Pipeline::takes_all_kinds)
    }

    /// Returns the name of the property that asks for the intent, as servers publish it.
    pub(super) fn intent_name(&self) -> Option<&'static str> {
        Some(self.pipeline()?.profile().intent_property)
    }

    /// Whether the name of a header or of an argument says that it is sensitive.
    pub(crate) fn is_sensitive(&self, name: &str) -> bool {
        let pipeline = self.pipeline();
        pipeline.is_some_and(|pipeline| pipeline.settings.policy.redactor.denies_name(name))
    }

    /// Counts messages of requests that were not read.
    pub(crate) fn count_unread(&self, messages: u64) {
        if let Some(pipeline) = self.pipeline() {
            pipeline.shared.ledger.unread(messages);
        }
    }

    /// Remembers where the arguments of the tools of a listing hold an intent. `is_added` knows the tools that the
    /// listing shows with our property.
    pub(super) fn remember_tools(
        &self,
        tools: &[Value],
        caller: CallerKey,
        is_added: impl Fn(&str) -> bool,
    ) {
        let Some(intent_name) = self.intent_name() else {
            return;
        };
        let is_sensitive = |name: &str| self.is_sensitive(name);
        for tool in tools.iter().take(MAX_TOOLS_LISTED) {
            let Some(name) = text(tool, "name") else {
                continue;
            };
            let schema = tool.get("inputSchema").and_then(Value::as_object);
            let property =
                schema.map_or(IntentProperty::NoPlace, |schema| {
                    match IntentProperty::of(schema, intent_name, intent::DESCRIPTION) {
                        property if property.is_added() && !is_added(name) => {
                            IntentProperty::NoPlace
                        }
                        property => property,
                    }
                });
            let native = schema.and_then(|schema| intent::native(schema, None, is_sensitive));
            let native = native.map(Arc::from);
            // A tool that has an intent no longer replaces what was remembered; the others take no room.
            let has_intent =
                property.is_added() || property == IntentProperty::Published || native.is_some();
            if has_intent || self.memory.tools.get((caller, name)).is_some() {
                let intent = ToolIntent { property, native };
                self.memory.tools.put((caller, name), intent);
            }
        }
    }
}
