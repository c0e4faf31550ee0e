//! Listings of tools: what they show is remembered, and what is ours is added.

use std::borrow::Cow;
use std::sync::Arc;

use ::rmcp::ServerHandler;
use ::rmcp::model::{ListToolsResult, Tool};

use super::recorder::Recorder;
use crate::event::{Facts, Kind};
use crate::mcp::intent::{self, IntentProperty, ToolIntent};

impl<H: ServerHandler> Recorder<'_, H> {
    /// Remembers what a page of the tools shows, and adds what is ours to it.
    pub(super) fn on_listing(&self, page: &mut ListToolsResult, facts: Facts<'_>) {
        let is_last = page.next_cursor.is_none();
        let tools = page.tools.iter();
        let tools = tools.map(|tool| (tool.name.clone().into_owned(), self.inspect_tool(tool)));
        let names = self.server.tools.remember_page(tools, is_last);
        if let Some(names) = names
            && self.settings().tools_list
            && self.profile().takes_all_kinds
        {
            let names = names.into_iter().map(Cow::Owned);
            self.log(Kind::Init(names.collect()), facts);
        }
        for tool in &mut page.tools {
            self.add_intent(tool);
        }
        if is_last && self.is_capability_tool(self.profile().capability_tool) {
            page.tools.push(self.capability_tool());
        }
    }

    /// Returns a tool as a listing shows it.
    pub(super) fn shown_tool(&self, name: &str) -> Option<Tool> {
        match self.server.inner.get_tool(name) {
            Some(mut tool) => {
                self.add_intent(&mut tool);
                Some(tool)
            }
            None => self
                .is_capability_tool(name)
                .then(|| self.capability_tool()),
        }
    }

    /// Reads from a tool's schema where its arguments hold the intent of a call.
    pub(super) fn inspect_tool(&self, tool: &Tool) -> ToolIntent {
        let native = intent::native(
            &tool.input_schema,
            self.settings().native_intent.as_deref(),
            |name| self.is_sensitive(name),
        );
        ToolIntent {
            property: match self.intent_property(tool) {
                IntentProperty::Ours if !self.settings().intent => IntentProperty::NoPlace,
                property => property,
            },
            native: native.map(Arc::from),
        }
    }

    /// Adds the property that asks for the intent.
    fn add_intent(&self, tool: &mut Tool) {
        if self.settings().intent && self.intent_property(tool) == IntentProperty::Ours {
            let schema = Arc::make_mut(&mut tool.input_schema);
            let description = &self.settings().intent_description;
            intent::inject(schema, self.intent_name(), description);
        }
    }

    fn intent_property(&self, tool: &Tool) -> IntentProperty {
        let description = &self.settings().intent_description;
        IntentProperty::of(&tool.input_schema, self.intent_name(), description)
    }

    /// Whether a name is that of the tool for missing capabilities, and ours to answer.
    pub(super) fn is_capability_tool(&self, name: &str) -> bool {
        self.settings().missing_capability
            && name == self.profile().capability_tool
            && !self.server.tools.has(name)
            && self.server.inner.get_tool(name).is_none()
            && self.server.inner.get_info().capabilities.tools.is_some()
    }

    fn capability_tool(&self) -> Tool {
        Tool::new(
            self.profile().capability_tool,
            intent::CAPABILITY_DESCRIPTION,
            intent::capability_schema(),
        )
    }
}
