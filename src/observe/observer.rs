//! What the conversations of an integration share: the logger, the settings, the memory.

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

/// The most bytes of a message that are copied in order to read it.
pub(crate) const DEFAULT_MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Most tools whose intents are remembered, each as often as there are callers.
const MAX_TOOLS: usize = 131_072;

/// Most tools of one listing that are looked at.
pub(super) const MAX_TOOLS_LISTED: usize = 4_096;

/// The most callers for whom it is remembered that they were shown our property or tool.
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
    /// The argument that holds the intent; `None`: the one that a listing declares.
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
        /// Names the argument that holds the intent of a call, whatever tool lists say. It is passed to the tool, and left
        /// out of the captured arguments. Default: as the tool list says, see
        #[doc = concat!("the [module](crate::", $module, ").")]
        pub fn intent(self, name: impl Into<String>) -> Self {
            self.change(|settings| settings.intent = Some(name.into()))
        }

        /// Sets whether tool lists get a property that asks for the intent of a call, which is removed from the calls of
        /// those tools. Default: no; then not one byte changes.
        #[doc = concat!("See the [module](crate::", $module, "#with-intent).")]
        pub fn add_intent(self, on: bool) -> Self {
            self.change(|settings| settings.add_intent = on)
        }

        /// Sets whether the last page of a tool list gets a tool with which an agent can say what no tool offers, as on an
        /// instrumented server: `request_missing_capability`, on the mcpeye wire `mcpeye_request_capability`, on the
        /// PostHog wire `get_more_tools`. Default: no; then not one byte changes.
        ///
        /// Its calls are reported under its name. If the server has a tool of that name, the server's tool stays. For how
        /// calls are answered, see
        #[doc = concat!("the [module](crate::", $module, "#with-intent).")]
        pub fn missing_capability(self, on: bool) -> Self {
            self.change(|settings| settings.missing_capability = on)
        }

        /// Sets the most bytes of a message that are copied in order to read it. Default:
        #[doc = concat!("[`DEFAULT_MAX_MESSAGE_BYTES`](crate::", $module, "::DEFAULT_MAX_MESSAGE_BYTES).")]
        pub fn max_message_bytes(self, bytes: usize) -> Self {
            self.change(|settings| settings.max_message_bytes = bytes)
        }
    };
}

pub(crate) use observer_setters;

/// What is remembered from one conversation to the next, separately for each caller by its [`CallerKey`].
#[derive(Debug)]
pub(crate) struct ObserverMemory {
    pub(super) listings: ReportedListings,
    /// Where the arguments of tools hold an intent, by the caller who was shown them and their names: one logger may
    /// serve tenants whose tools share a name and no more.
    tools: Recent<ShownTool>,
    pub(super) rounds: Rounds,
    /// The callers who were shown our property or tool.
    pub(super) shown: Recent<()>,
    pub(super) offers: Recent<CapabilityOffer>,
    listed: Recent<CallerListings>,
}

/// A tool as a listing showed it.
#[derive(Debug, Clone)]
struct ShownTool {
    intent: ToolIntent,
    /// The listing, of those of the caller, and the first page that has it.
    listing: u64,
    page: u64,
}

/// The listings that a caller was shown, by their numbers.
#[derive(Debug, Clone, Copy, Default)]
struct CallerListings {
    latest: u64,
    /// Earlier listings are forgotten.
    first_kept: u64,
}

/// What the pages of a listing that were shown to a caller say of the tool for missing capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CapabilityOffer {
    /// Its name is free so far.
    NameIsFree,
    /// Its name is free so far, and the listing before has shown it.
    StillOffered,
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
            listed: Recent::new(MAX_CALLERS),
        }
    }
}

impl ObserverMemory {
    /// Returns what a caller was shown of a tool.
    pub(super) fn tool(&self, caller: CallerKey, name: &str) -> Option<ToolIntent> {
        let shown = self.tools.get((caller, name))?;
        let is_kept = shown.listing >= self.listings_of(caller).first_kept;
        is_kept.then_some(shown.intent)
    }

    fn listings_of(&self, caller: CallerKey) -> CallerListings {
        self.listed.get(caller).unwrap_or_default()
    }

    /// Starts a listing with its first page.
    pub(super) fn begin_listing(&self, caller: CallerKey) {
        let mut listings = self.listings_of(caller);
        listings.latest += 1;
        self.listed.put(caller, listings);
    }

    /// Returns the page of the same listing that had a tool of this name before this one.
    pub(super) fn earlier_page(&self, caller: CallerKey, name: &str, page: u64) -> Option<u64> {
        let latest = self.listings_of(caller).latest;
        let shown = self.tools.get((caller, name))?;
        (shown.listing == latest && shown.page != page).then_some(shown.page)
    }

    /// Forgets what a caller was shown before, because a page of tools passed unread.
    pub(super) fn forget_shown(&self, caller: CallerKey, is_first: bool) {
        if is_first {
            self.begin_listing(caller);
            self.shown.remove(caller);
            self.offers.remove(caller);
        }
        let mut listings = self.listings_of(caller);
        listings.first_kept = listings.latest;
        self.listed.put(caller, listings);
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

    /// Returns the pipeline of the logger; `None` if it is off.
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

    /// Whether the name of a header or an argument is sensitive.
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

    /// Remembers where the arguments of the tools on a page hold an intent. `is_only`: the listing has no other.
    /// `is_added` knows the tools that it shows with our property.
    pub(super) fn remember_tools(
        &self,
        tools: &[Value],
        caller: CallerKey,
        page: u64,
        is_only: bool,
        is_added: impl Fn(&str) -> bool,
    ) {
        let Some(intent_name) = self.intent_name() else {
            return;
        };
        let is_sensitive = |name: &str| self.is_sensitive(name);
        let listing = self.memory.listings_of(caller).latest;
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
            // A tool that has an intent no longer replaces what was remembered, and one of several pages may come on another,
            // too; the others take no room.
            let has_intent =
                property.is_added() || property == IntentProperty::Published || native.is_some();
            if has_intent || !is_only || self.memory.tools.get((caller, name)).is_some() {
                let earlier = self.memory.earlier_page(caller, name, page);
                let shown = ShownTool {
                    intent: ToolIntent { property, native },
                    listing,
                    page: earlier.unwrap_or(page),
                };
                self.memory.tools.put((caller, name), shown);
            }
        }
    }
}
