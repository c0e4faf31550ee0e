//! Our changes of messages: the property and the tool that are added to listings, and the argument and the calls that
//! are kept from the server.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::{Value, json};

use super::answer_text::AnswerText;
use super::conversation::Conversation;
use super::observer::{CapabilityOffer, MAX_TOOLS_LISTED};
use super::open_messages::{CapabilityAnswer, OpenedCall, OpenedListing};
use super::surroundings::Surroundings;
use crate::base::lock::lock;
use crate::event::CallOutcome;
use crate::mcp::framing::Frame;
use crate::mcp::intent;
use crate::mcp::message::{MessageId, Messages, RpcRequest, text};
use crate::mcp::ownership::IntentProperty;
use crate::mcp::splice::{self, Splices};

/// The largest listing, in bytes, that is changed.
pub(crate) const MAX_LISTING_BYTES: usize = 1024 * 1024;

/// The largest call, in bytes, that is changed.
pub(crate) const MAX_CALL_BYTES: usize = 16 * 1024 * 1024;

/// What happens to a text of the client.
#[derive(Debug)]
pub(crate) enum RewrittenRequests {
    AsTheyAre,
    /// The server gets the text with these changes.
    Spliced(Splices),
    /// The server gets nothing; the client gets this message.
    Answered(Vec<u8>),
}

impl<S: Surroundings> Conversation<S> {
    /// Whether one of the next answers may be changed.
    pub(crate) fn may_rewrite_answers(&self) -> bool {
        self.rewrites() && lock(&self.open).awaits_changed()
    }

    /// Whether the next requests may be changed: the caller was shown our property or tool.
    pub(crate) fn may_rewrite_requests(&self) -> bool {
        let shown = &self.observer.memory.shown;
        self.rewrites() && shown.get(self.around.caller_key()).is_some()
    }

    /// Whether anything may be changed.
    pub(crate) fn rewrites(&self) -> bool {
        self.observer.settings.add_intent || self.offers_capability_tool()
    }

    /// Whether calls of the tool for missing capabilities may be answered here.
    fn offers_capability_tool(&self) -> bool {
        self.observer.settings.missing_capability
    }

    /// Takes answers, as [`on_answers`](Self::on_answers), and returns what changes in them, too.
    pub(crate) fn rewrite_answers(&self, json: &[u8]) -> (Splices, u64) {
        let mut splices = Splices::default();
        let Some(places) = splice::messages(json) else {
            return (splices, self.on_answers(Frame::Whole(json)));
        };
        let Messages { read, unread } = Messages::read(json);
        if read.len() < places.len() {
            // What is ours in some of a long list alone would come back in calls that are not looked at.
            for message in &read {
                self.on_answer(message, false, None);
            }
            self.on_unreadable_answer();
            return (splices, unread);
        }
        for (message, place) in read.iter().zip(places) {
            let text_of = AnswerText {
                json,
                message: place,
                splices: &mut splices,
            };
            self.on_answer(message, false, Some(text_of));
        }
        (splices, unread)
    }

    /// Adds our property and tool to a page of tools; returns the names of the tools that got the property.
    pub(super) fn add_to_listing(
        &self,
        tools: &[Value],
        listing: &OpenedListing,
        is_last: bool,
        text_of: Option<AnswerText<'_>>,
    ) -> HashSet<String> {
        let mut added = HashSet::new();
        let offers = self.offers_capability(tools, listing.is_first, is_last);
        let Some(text_of) = text_of else {
            return added;
        };
        let AnswerText {
            json,
            message,
            splices,
        } = text_of;
        let Some(list) = splice::within(json, &message, ["result", "tools"]) else {
            return added;
        };
        if self.observer.settings.add_intent {
            self.add_properties(json, &list, listing.page, splices, &mut added);
        }
        let caller_key = self.around.caller_key();
        let memory = &self.observer.memory;
        if is_last
            && offers
            && let Some(tool) = self.capability_tool()
            && splice::push_item(json, &list, &tool, splices).is_some()
        {
            memory.offers.put(caller_key, CapabilityOffer::Offered);
        }
        if !splices.is_empty() {
            memory.shown.put(caller_key, ());
        }
        added
    }

    fn add_properties(
        &self,
        json: &[u8],
        list: &Range<usize>,
        page: u64,
        splices: &mut Splices,
        added: &mut HashSet<String>,
    ) {
        let Some(name) = self.observer.intent_name() else {
            return;
        };
        let member = format!("{}:{}", json!(name), intent::schema());
        let tools = splice::items(json, list).unwrap_or_default();
        // Of two tools of one name the client may call either.
        let mut names = HashSet::new();
        let is_twice: HashSet<_> = tools
            .iter()
            .filter_map(|tool| tool_name(json, tool))
            .filter(|name| !names.insert(name.clone()))
            .collect();
        let caller_key = self.around.caller_key();
        let memory = &self.observer.memory;
        for tool in tools.iter().take(MAX_TOOLS_LISTED) {
            if let Some(tool_name) = tool_name(json, tool)
                && !is_twice.contains(&tool_name)
                && memory.earlier_page(caller_key, &tool_name, page).is_none()
                && add_property(json, tool, name, &member, splices).is_some()
            {
                added.insert(tool_name);
            }
        }
    }

    /// Whether the tool for missing capabilities may stand on a page, if it is the last: no page has its name. Until then a
    /// client that was shown it may call it.
    fn offers_capability(&self, tools: &[Value], is_first: bool, is_last: bool) -> bool {
        let Some(capability) = self.capability_name() else {
            return false;
        };
        let (offers, caller) = (&self.observer.memory.offers, self.around.caller_key());
        let before = offers.get(caller);
        let was_free = is_first || before.is_some_and(|offer| offer != CapabilityOffer::Taken);
        let is_free = was_free
            && !tools
                .iter()
                .any(|tool| text(tool, "name") == Some(capability));
        let offer = match before {
            _ if !is_free => CapabilityOffer::Taken,
            Some(CapabilityOffer::Offered | CapabilityOffer::StillOffered) if !is_last => {
                CapabilityOffer::StillOffered
            }
            _ => CapabilityOffer::NameIsFree,
        };
        offers.put(caller, offer);
        is_free
    }

    /// Returns the name of the tool for missing capabilities, if it is offered.
    fn capability_name(&self) -> Option<&'static str> {
        let observer = &self.observer;
        let pipeline = observer.pipeline();
        let pipeline = pipeline.filter(|_| observer.settings.missing_capability);
        Some(pipeline?.profile().capability_tool)
    }

    /// Returns the tool for missing capabilities, as JSON.
    fn capability_tool(&self) -> Option<String> {
        let tool = json!({
            "name": self.capability_name()?,
            "description": intent::CAPABILITY_DESCRIPTION,
            "inputSchema": intent::capability_schema(),
        });
        Some(tool.to_string())
    }

    /// Returns what becomes of requests. They are recorded by [`on_requests`](Self::on_requests), unless they are
    /// answered here, which they are on streams.
    pub(crate) fn rewrite_requests(&self, json: &[u8]) -> RewrittenRequests {
        if lock(&self.open).gave_way() {
            return RewrittenRequests::AsTheyAre;
        }
        let Some(places) = splice::messages(json) else {
            return RewrittenRequests::AsTheyAre;
        };
        let messages = Messages::read(json).read;
        if messages.len() < places.len() {
            return RewrittenRequests::AsTheyAre;
        }
        if !S::IS_ONE_REQUEST
            && let ([message], [place]) = (&*messages, &*places)
            && let Some(answer) = self.answer_capability(json, message, place)
        {
            return RewrittenRequests::Answered(answer);
        }
        let mut splices = Splices::default();
        for (message, place) in messages.iter().zip(&places) {
            self.take_argument(json, message, place, &mut splices);
        }
        if splices.is_empty() {
            RewrittenRequests::AsTheyAre
        } else {
            RewrittenRequests::Spliced(splices)
        }
    }

    /// Takes our argument out of a call of a tool that was listed with our property.
    fn take_argument(
        &self,
        json: &[u8],
        message: &Value,
        place: &Range<usize>,
        splices: &mut Splices,
    ) -> Option<()> {
        let name = self.observer.intent_name()?;
        let RpcRequest { method, params, .. } = RpcRequest::read(message)?;
        if method != "tools/call" {
            return None;
        }
        let called = text(params, "name")?;
        let memory = &self.observer.memory;
        let property = memory.tool(self.around.caller_key(), called)?.property;
        splice::within(json, place, ["params", "name"])?;
        let arguments = splice::within(json, place, ["params", "arguments"])?;
        let members = splice::members(json, &arguments)?;
        let is_ours = |value: &Range<usize>| {
            let value = serde_json::from_slice::<Value>(json.get(value.clone())?).ok()?;
            Some(property.claims(&value))
        };
        let mut named = members.iter().filter(|member| member.name == name);
        if named.all(|member| is_ours(&member.value) == Some(true)) {
            splice::remove_members(&members, name, splices);
        }
        Some(())
    }

    /// Returns what the tool for missing capabilities answers to a call, if it is one, and the caller was shown the tool.
    pub(super) fn capability_answer(&self, params: &Value) -> Option<CapabilityAnswer> {
        let capability = self.capability_name()?;
        let is_called = text(params, "name") == Some(capability);
        let offer = || self.observer.memory.offers.get(self.around.caller_key());
        let is_offered = |offer| {
            matches!(
                offer,
                CapabilityOffer::Offered | CapabilityOffer::StillOffered
            )
        };
        let is_ours = is_called && offer().is_some_and(is_offered);
        let arguments = params.get("arguments");
        let asked = arguments.and_then(|arguments| arguments.get("capability"));
        is_ours.then(|| intent::capability_answer(asked))
    }

    /// Records and answers a call of the tool for missing capabilities, if the caller was shown it.
    fn answer_capability(
        &self,
        json: &[u8],
        message: &Value,
        place: &Range<usize>,
    ) -> Option<Vec<u8>> {
        let RpcRequest { id, method, params } = RpcRequest::read(message)?;
        if method != "tools/call" || id == MessageId::Absent {
            return None;
        }
        let answer = self.capability_answer(params)?;
        let id_as_written = json.get(splice::within(json, place, ["id"])?)?;
        let call = self.open_call(&id, params);
        let answer = self.note_capability(call, answer, id_as_written);
        Some(answer.into_bytes())
    }

    /// Puts the answer of the tool for missing capabilities in the place of the server's.
    pub(super) fn replace_answer(
        &self,
        call: OpenedCall,
        answer: CapabilityAnswer,
        text_of: AnswerText<'_>,
    ) {
        let AnswerText {
            json,
            message,
            splices,
        } = text_of;
        let id = splice::within(json, &message, ["id"]).and_then(|place| json.get(place));
        let answer = self.note_capability(call, answer, id.unwrap_or(b"null"));
        splices.replace(message, answer);
    }

    /// Records a call of the tool for missing capabilities, and returns its answer.
    fn note_capability(&self, call: OpenedCall, answer: CapabilityAnswer, id: &[u8]) -> String {
        let mut record = call.record;
        record.mark_missing_capability();
        let (text, outcome) = match answer {
            Ok(text) => (text, CallOutcome::Ok),
            Err(text) => {
                record.set_error(text);
                (text, CallOutcome::ToolError)
            }
        };
        let result = json!({
            "content": [{"type": "text", "text": text}],
            "isError": outcome.is_error(),
        });
        if self.observer.settings.results {
            record.set_result(&result);
        }
        record.finish(outcome);
        let id = String::from_utf8_lossy(id);
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}")
    }
}

/// Returns the name of a tool that has one, once.
fn tool_name(json: &[u8], tool: &Range<usize>) -> Option<String> {
    let name = splice::within(json, tool, ["name"])?;
    serde_json::from_slice(json.get(name)?).ok()
}

/// Adds the property to a tool whose schema has a place for it.
fn add_property(
    json: &[u8],
    tool: &Range<usize>,
    name: &str,
    member: &str,
    splices: &mut Splices,
) -> Option<()> {
    let schema = splice::within(json, tool, ["inputSchema"])?;
    let value: Value = serde_json::from_slice(json.get(schema.clone())?).ok()?;
    let property = IntentProperty::of(value.as_object()?, name, intent::DESCRIPTION);
    if !property.is_added() {
        return None;
    }
    let members = splice::members(json, &schema)?;
    // A keyword that comes twice may say two things.
    let mut keywords = HashSet::new();
    if !members.iter().all(|member| keywords.insert(&member.name)) {
        return None;
    }
    match splice::only(&members, "properties") {
        Some(properties) => splice::push_member(json, &properties, member, splices),
        None => {
            let properties = format!("\"properties\":{{{member}}}");
            splice::push_member(json, &schema, &properties, splices)
        }
    }
}
