//! Listings of tools: each different list is reported, and our property and tool are added.

use std::sync::Arc;
use std::time::Duration;

use ::rmcp::model::{ListToolsResult, Tool};
use ::rmcp::service::RequestContext;
use ::rmcp::{RoleServer, ServerHandler};

use super::pages::{Incomplete, Pages};
use super::recorder::Recorder;
use crate::base::panics;
use crate::event::{EventKind, ListedTool};
use crate::mcp::intent::{self, ToolIntent};
use crate::mcp::ownership::IntentProperty;

/// The longest that a page waits for the names of the others.
const PATIENCE: Duration = Duration::from_millis(500);

/// How a client asked for a page of the tools.
#[derive(Debug, Clone, Copy)]
pub(super) struct AskedPage {
    /// It is the first page.
    pub(super) is_first: bool,
    /// Its listing is this logger's to record.
    pub(super) is_recorded: bool,
}

impl<H: ServerHandler> Recorder<'_, H> {
    /// Records that a page of the tools was listed, and adds what is ours to it.
    pub(super) async fn on_listing(
        &self,
        page: &mut ListToolsResult,
        asked: AskedPage,
        context: &RequestContext<RoleServer>,
    ) {
        let listed = self.listed_at_end(page, asked, context).await;
        let has_capability = listed.as_ref().map(|tools| {
            let capability = self.profile().capability_tool;
            tools.iter().any(|tool| tool.name == capability)
        });
        if asked.is_recorded {
            self.log_listing(listed, context);
        }
        for tool in &mut page.tools {
            if self.is_taken_out(tool) {
                self.add_intent(tool);
            }
        }
        let capability = self.profile().capability_tool;
        if has_capability == Some(false) && self.may_offer_capability(capability) {
            page.tools.push(self.capability_tool());
        }
    }

    /// Returns all tools with the last page, if they matter. The pages before it may have gone to
    /// another replica, or to somebody who is shown other tools: the server is asked for all of them again.
    async fn listed_at_end(
        &self,
        page: &ListToolsResult,
        asked: AskedPage,
        context: &RequestContext<RoleServer>,
    ) -> Option<Vec<ListedTool<'static>>> {
        let matter = asked.is_recorded && self.reports_listings()
            || self.may_offer_capability(self.profile().capability_tool);
        if page.next_cursor.is_some() || !matter {
            return None;
        }
        let listed = |tools: &[Tool]| {
            let listed = tools.iter();
            listed
                .map(|tool| ListedTool::defined(tool.name.clone(), tool))
                .collect()
        };
        if asked.is_first {
            return Some(listed(&page.tools));
        }
        let all = async {
            let mut pages = Pages::new(&self.server.inner, context);
            let mut all: Vec<_> = Vec::new();
            while let Some(tools) = pages.next().await.ok()? {
                let mut page: Vec<_> = listed(&tools);
                all.append(&mut page);
            }
            Some(all)
        };
        // Who lists waits no longer for what is only reported. A runtime may have no clock.
        match panics::catch(|| tokio::time::sleep(PATIENCE)) {
            Ok(patience) => tokio::select! {
                biased;
                all = all => all,
                () = patience => None,
            },
            Err(panics::Panicked) => all.await,
        }
    }

    fn reports_listings(&self) -> bool {
        self.settings().tools_list && self.takes_all_kinds()
    }

    /// Reports a tool list and its caller, if the list was not reported before.
    fn log_listing(
        &self,
        tools: Option<Vec<ListedTool<'static>>>,
        context: &RequestContext<RoleServer>,
    ) {
        let incoming = self.read(context);
        let facts = incoming.facts();
        self.log_login(&incoming, &facts, self.now());
        if let Some(tools) = tools
            && self.reports_listings()
        {
            let listings = &self.server.by.memory.listings;
            listings.report(tools, |tools| self.log(EventKind::Init(tools), facts));
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
                .may_offer_capability(name)
                .then(|| self.capability_tool()),
        }
    }

    /// Looks a tool up, if the server can. A panic of the server is caught, and does not end the call.
    pub(super) fn look_up(&self, name: &str) -> Option<Tool> {
        panics::catch(|| self.server.inner.get_tool(name))
            .ok()
            .flatten()
    }

    /// Finds a tool among those that the server shows to a caller.
    pub(super) async fn find_listed(
        &self,
        name: &str,
        context: &RequestContext<RoleServer>,
    ) -> Result<Option<Tool>, Incomplete> {
        let mut pages = Pages::new(&self.server.inner, context);
        while let Some(tools) = pages.next().await? {
            let found = tools.into_iter().find(|tool| tool.name == name);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Reads from a tool's schema where its arguments hold the intent of a call.
    pub(super) fn inspect_tool(&self, tool: &Tool) -> ToolIntent {
        let native = intent::native(
            &tool.input_schema,
            self.settings().native_intent.as_deref(),
            |name| self.is_sensitive(name),
        );
        ToolIntent {
            property: self.intent_property(tool),
            native: native.map(Arc::from),
        }
    }

    /// Whether a call of a tool that was listed would lose the argument of our property: calls ask the server for the
    /// tool first, and it may have a tool of another schema by that name. Asked for once a tool that would get the
    /// property.
    fn is_taken_out(&self, listed: &Tool) -> bool {
        self.intent_property(listed).is_added()
            && self.look_up(&listed.name).is_none_or(|tool| {
                Arc::ptr_eq(&tool.input_schema, &listed.input_schema)
                    || self.intent_property(&tool).is_added()
            })
    }

    /// Adds the property that asks for the intent.
    fn add_intent(&self, tool: &mut Tool) {
        if self.intent_property(tool).is_added() {
            let schema = Arc::make_mut(&mut tool.input_schema);
            let description = &self.settings().intent_description;
            intent::inject(schema, self.intent_name(), description);
        }
    }

    /// Returns who owns the argument with the name of the intent property, for listings and calls.
    fn intent_property(&self, tool: &Tool) -> IntentProperty {
        let description = &self.settings().intent_description;
        match IntentProperty::of(&tool.input_schema, self.intent_name(), description) {
            property if property.is_added() && !self.settings().intent => IntentProperty::NoPlace,
            property => property,
        }
    }

    /// Whether a name is that of the tool for missing capabilities, which is ours where the server lists none.
    pub(super) fn may_offer_capability(&self, name: &str) -> bool {
        self.settings().missing_capability
            && name == self.profile().capability_tool
            && self.look_up(name).is_none()
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
