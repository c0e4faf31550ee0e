//! Captures a tool call: its arguments, its intent, and how it ends.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use ::rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, InputRequest,
    ResourceContents, Tool,
};
use ::rmcp::service::{MaybeSendFuture, RequestContext};
use ::rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::call_meta::CallMeta;
use super::instrumentation::Instrumented;
use super::recorder::Recorder;
use crate::base::text::cut_at_char;
use crate::event::{Call, CallOutcome, IntentSource, ToolCall};
use crate::logger::CallGuard;
use crate::mcp::answers::denies;
use crate::mcp::arguments::CapturedArguments;
use crate::mcp::caller_key::CallerKey;
use crate::mcp::intent::{self, ToolIntent, nonempty_text};
use crate::mcp::ownership::{IntentProperty, take_argument};
use crate::mcp::result_size::json_bytes;

/// The round of a call that is recorded.
#[derive(Clone, Copy)]
struct Round {
    caller: CallerKey,
    number: u32,
}

impl<H: ServerHandler> Instrumented<H> {
    /// Runs a call of a tool, and records it however it ends.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` copies its arguments into its future once more"
    )]
    pub(super) fn record_call(
        &self,
        mut request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<CallToolResponse, ErrorData>> + MaybeSendFuture + '_ {
        async move {
            let Some(recorder) = self.recorder() else {
                context.extensions.insert(CallMeta::of_no_call());
                return self.inner.call_tool(request, context).await;
            };
            let (mut record, round) = if recorder.begin_record(&mut context) {
                let (record, round) = recorder.start_record(&request, &context);
                context.extensions.insert(CallMeta::of(&record));
                (record, Some(round))
            } else {
                (CallGuard::disabled(), None)
            };
            let cancelled = context.ct.clone();
            let mut cancels = pin!(cancelled.cancelled());
            if let Some(ours) = recorder.asks_for_capability(&request.name, &context)
                && until_cancelled(&mut record, cancels.as_mut(), pin!(ours)).await
            {
                return Ok(recorder.note_capability(record, &request).into());
            }
            let known = recorder.describe(&mut record, &request.name);
            let tool = match recorder.find_tool(&request, known, &context) {
                Some(tool) => until_cancelled(&mut record, cancels.as_mut(), pin!(tool)).await,
                None => None,
            };
            recorder.take_arguments(&mut record, &mut request, tool.as_ref());

            let runs = self.inner.call_tool(request, context);
            let response = until_cancelled(&mut record, cancels, pin!(runs)).await;
            if cancelled.is_cancelled() {
                record.finish(CallOutcome::Cancelled);
            } else {
                recorder.record_end(record, &response, round);
            }
            response
        }
    }
}

impl<H: ServerHandler> Recorder<'_, H> {
    fn start_record(
        &self,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> (CallGuard, Round) {
        let incoming = self.read(context);
        let caller = incoming.caller_key(|name| self.is_sensitive(name));
        let number = if request.request_state.is_some() || request.input_responses.is_some() {
            let rounds = &self.server.by.memory.rounds;
            rounds.of(caller, request.request_state.as_deref())
        } else {
            0
        };
        let facts = incoming.facts();
        let now = self.now();
        self.log_login(&incoming, &facts, now);
        let call = Call {
            tool: Cow::Borrowed(&request.name),
            round: (number > 0).then_some(number),
            ..Call::default()
        };
        let record = self.start_call(&ToolCall { facts, call }, now);
        (record, Round { caller, number })
    }

    /// Adds the description of the tool's definition to the record, if a destination has a place for it. Returns the
    /// tool.
    fn describe(&self, record: &mut CallGuard, name: &str) -> Option<Tool> {
        if !record.is_open() || !self.takes_descriptions() {
            return None;
        }
        let tool = self.look_up(name)?;
        if let Some(description) = &tool.description {
            record.set_tool_description(description);
        }
        Some(tool)
    }

    /// Finds which argument of a call may hold its intent; `None` also if no schema is available, and at once if none may.
    /// `known` is the tool, if it was looked up.
    ///
    /// A server that cannot look its tools up is asked to list them, each time and as the caller
    /// would be answered: what it has shown to others, or before, need not be so for this call.
    fn find_tool(
        self,
        request: &CallToolRequestParams,
        known: Option<Tool>,
        context: &RequestContext<RoleServer>,
    ) -> Option<impl Future<Output = Option<ToolIntent>>> {
        let arguments = request.arguments.as_ref()?;
        let settings = self.settings();
        let native = settings.native_intent.as_deref();
        let has_native = arguments.contains_key(native.unwrap_or(intent::NATIVE_NAME));
        let may_hold = has_native || arguments.contains_key(self.intent_name());
        may_hold.then_some(async move {
            let tool = match known.or_else(|| self.look_up(&request.name)) {
                Some(tool) => tool,
                None if has_native || settings.intent => {
                    Box::pin(self.find_listed(&request.name, context))
                        .await
                        .ok()??
                }
                None => return None,
            };
            Some(self.inspect_tool(&tool))
        })
    }

    /// Takes our property out of the arguments, and captures the rest, before the tool gets them.
    fn take_arguments(
        &self,
        record: &mut CallGuard,
        request: &mut CallToolRequestParams,
        tool: Option<&ToolIntent>,
    ) {
        let Some(arguments) = &mut request.arguments else {
            return;
        };
        let name = self.intent_name();
        let property = tool.map_or(IntentProperty::NoPlace, |tool| tool.property);
        let taken;
        let (parameter, mut hidden) = match arguments.get(name) {
            Some(argument) if property.claims(argument) => {
                taken = take_argument(arguments, name);
                (taken.as_ref(), None)
            }
            argument if property == IntentProperty::Published => (argument, Some(name)),
            _ => (None, None),
        };
        if let Some(intent) = nonempty_text(parameter) {
            record.set_prompt(intent);
            record.set_intent_source(IntentSource::Parameter);
        } else if let Some(native) = tool.and_then(|tool| tool.native.as_deref())
            && let Some(intent) = nonempty_text(arguments.get(native))
        {
            record.set_prompt(intent);
            record.set_intent_source(IntentSource::Native);
            hidden = Some(native);
        }
        if let Some(allowed) = self.settings().arguments.of(&request.name) {
            record.set_arguments(&CapturedArguments {
                arguments,
                hidden: [hidden, None],
                allowed: &allowed,
            });
        }
    }

    /// Records how a call ended.
    fn record_end(
        &self,
        mut record: CallGuard,
        response: &Result<CallToolResponse, ErrorData>,
        round: Option<Round>,
    ) {
        let outcome = match response {
            Ok(CallToolResponse::Complete(result)) => {
                if self.settings().results {
                    record.set_result(&CapturedResult(result));
                }
                if let Some(bytes) = result_bytes(result) {
                    record.set_result_bytes(bytes);
                }
                if result.is_error == Some(true) {
                    let error = text_of(result, self.max_error_bytes());
                    record.note_refused(None, &error);
                    record.set_error(error);
                    CallOutcome::ToolError
                } else {
                    CallOutcome::Ok
                }
            }
            Ok(CallToolResponse::InputRequired(asks)) => {
                if let (Some(round), Some(state)) = (round, &asks.request_state) {
                    let rounds = &self.server.by.memory.rounds;
                    rounds.expect(round.caller, state, round.number + 1);
                }
                let methods = asks.input_requests.iter().flatten();
                let methods = methods.filter_map(|(_, ask)| method(ask));
                record.note_input_requests(methods);
                CallOutcome::InputRequired
            }
            Ok(CallToolResponse::Task(_)) => CallOutcome::Task,
            Ok(_) => CallOutcome::Ok,
            Err(error) => {
                record.set_error(&error.message);
                record.set_error_code(error.code.0.into());
                if self.is_unknown(&record.tool(), error) {
                    record.set_unknown_tool();
                } else {
                    record.note_refused(Some(error.code.0.into()), &error.message);
                }
                CallOutcome::ProtocolError
            }
        };
        record.finish(outcome);
    }

    /// Whether an error says that there is no tool of this name, and the server cannot look one up.
    fn is_unknown(&self, name: &str, error: &ErrorData) -> bool {
        denies("tool", name, error.code.0.into(), &error.message) && self.look_up(name).is_none()
    }

    /// Finds whether a call is for the tool for missing capabilities, and is answered here; `None` if it cannot be.
    fn asks_for_capability(
        self,
        name: &str,
        context: &RequestContext<RoleServer>,
    ) -> Option<impl Future<Output = bool>> {
        let may_be = self.may_offer_capability(name);
        may_be.then_some(async move {
            matches!(Box::pin(self.find_listed(name, context)).await, Ok(None))
        })
    }

    /// Answers a call of the tool for missing capabilities.
    fn note_capability(
        &self,
        mut record: CallGuard,
        request: &CallToolRequestParams,
    ) -> CallToolResult {
        record.mark_missing_capability();
        let arguments = request.arguments.as_ref();
        if let Some(arguments) = arguments {
            record.set_arguments(arguments);
        }
        let asked = arguments.and_then(|arguments| arguments.get("capability"));
        let (text, outcome) = match intent::capability_answer(asked) {
            Ok(text) => (text, CallOutcome::Ok),
            Err(text) => {
                record.set_error(text);
                (text, CallOutcome::ToolError)
            }
        };
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        result.is_error = Some(outcome.is_error());
        if self.settings().results {
            record.set_result(&CapturedResult(&result));
        }
        record.finish(outcome);
        result
    }
}

/// Runs a part of a call. The record ends if the call is cancelled meanwhile: rmcp lets a cancelled
/// handler run on, although the call has ended. The parts share one `cancelled`, and are pinned, not moved, since they may
/// have some KiB.
fn until_cancelled<F: Future>(
    record: &mut CallGuard,
    mut cancelled: Pin<&mut impl Future>,
    mut part: Pin<&mut F>,
) -> impl Future<Output = F::Output> {
    poll_fn(move |cx| {
        if let Poll::Ready(output) = part.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        if record.is_open() && cancelled.as_mut().poll(cx).is_ready() {
            let record = std::mem::replace(record, CallGuard::disabled());
            record.finish(CallOutcome::Cancelled);
        }
        Poll::Pending
    })
}

/// Returns the method of what a round asks for.
const fn method(ask: &InputRequest) -> Option<&'static str> {
    match ask {
        InputRequest::CreateMessage(_) => Some("sampling/createMessage"),
        InputRequest::Elicitation(_) => Some("elicitation/create"),
        InputRequest::ListRoots(_) => Some("roots/list"),
        _ => None,
    }
}

/// Returns the text of a failed call's answer, as much as is looked at.
fn text_of(result: &CallToolResult, max_bytes: usize) -> String {
    let mut text = String::new();
    for block in result.content.iter().filter_map(ContentBlock::as_text) {
        if !text.is_empty() {
            text.push('\n');
        }
        let room = max_bytes.saturating_sub(text.len());
        text.push_str(cut_at_char(&block.text, room));
        if text.len() >= max_bytes {
            break;
        }
    }
    text
}

/// Returns the size of a result: of the texts and the data of its content, and of its structured content.
fn result_bytes(result: &CallToolResult) -> Option<u64> {
    let blocks = result.content.iter().map(|block| match block {
        ContentBlock::Text(text) => text.text.len(),
        ContentBlock::Image(image) => image.data.len(),
        ContentBlock::Audio(audio) => audio.data.len(),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { text, .. } => text.len(),
            ResourceContents::BlobResourceContents { blob, .. } => blob.len(),
            _ => 0,
        },
        _ => 0,
    });
    let structured = result.structured_content.as_ref();
    let structured = structured.map_or(Some(0), json_bytes)?;
    Some((blocks.sum::<usize>() + structured) as u64)
}

/// The part of a result that is captured: what the agent reads.
struct CapturedResult<'a>(&'a CallToolResult);

impl Serialize for CapturedResult<'_> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_text_of_an_error_is_bounded() {
        let blocks = ["\u{e9}\u{e9}", "b", "c"].map(ContentBlock::text);
        let result = CallToolResult::error(blocks.to_vec());
        assert_eq!(text_of(&result, 100), "\u{e9}\u{e9}\nb\nc");
        assert_eq!(text_of(&result, 6), "\u{e9}\u{e9}\nb");
        assert_eq!(text_of(&result, 4), "\u{e9}\u{e9}");
    }

    #[test]
    fn of_a_result_only_what_the_agent_reads_is_captured() {
        let mut result = CallToolResult::structured(json!({"hits": 1}));
        result.meta = Some(Default::default());
        let captured = serde_json::to_value(CapturedResult(&result)).unwrap();
        let names: Vec<_> = captured.as_object().unwrap().keys().collect();
        assert_eq!(names, ["content", "structuredContent", "isError"]);
    }
}
