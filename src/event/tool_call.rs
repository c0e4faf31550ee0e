//! A tool call: what was called, with what, and how it ended.

use std::time::Duration;

use super::common::Facts;
use super::facts::Text;
use crate::capture::Content;

/// Most characters of a tool's description that are sent.
pub(crate) const MAX_DESCRIPTION_CHARS: usize = 2_048;

/// What a tool call carries beyond any event.
#[derive(Default)]
pub(crate) struct Call<'a> {
    pub(crate) tool: Text<'a>,
    pub(crate) tool_description: Option<Text<'a>>,
    pub(crate) arguments: Option<Content<'a>>,
    pub(crate) prompt: Option<Text<'a>>,
    pub(crate) intent_source: Option<IntentSource>,
    pub(crate) result: Option<Content<'a>>,
    pub(crate) result_bytes: Option<u64>,
    /// A list of names.
    pub(crate) refused_arguments: Option<Content<'a>>,
    /// Likewise.
    pub(crate) input_request_methods: Option<Content<'a>>,
    pub(crate) error: Option<Text<'a>>,
    pub(crate) duration: Option<Duration>,
    pub(crate) outcome: Option<CallOutcome>,
    pub(crate) round: Option<u32>,
    pub(crate) unknown_tool: bool,
    /// It is a call of an integration's own tool, which asks for what no tool of the server's can do.
    pub(crate) missing_capability: bool,
}

impl Call<'_> {
    /// How the call ended, if it is known: as the caller said, or from the error text.
    pub(crate) fn outcome(&self) -> Option<CallOutcome> {
        self.outcome
            .or_else(|| self.error.is_some().then_some(CallOutcome::ToolError))
    }
}

/// How a tool call ended. Wire key `outcome` in `meta`; on the mcpeye wire `isError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallOutcome {
    /// The tool answered.
    Ok,
    /// The tool answered with `isError`.
    ToolError,
    /// The call was answered with a JSON-RPC error.
    ProtocolError,
    /// The tool asked for more input.
    InputRequired,
    /// The call goes on as a task.
    Task,
    /// The client cancelled the call or went away.
    Cancelled,
    /// The server cancelled the call after its own time limit.
    Timeout,
    /// The tool panicked.
    Panicked,
    /// The call's guard was dropped, or the logger shut down, before the call ended.
    Dropped,
    /// How the call ended is not known: the answer was not understood, the HTTP exchange ended without one, the call had no
    /// id, or, on streams, too many requests are waiting for an answer.
    Unknown,
}

impl CallOutcome {
    const ALL: [Self; 10] = [
        Self::Ok,
        Self::ToolError,
        Self::ProtocolError,
        Self::InputRequired,
        Self::Task,
        Self::Cancelled,
        Self::Timeout,
        Self::Panicked,
        Self::Dropped,
        Self::Unknown,
    ];

    /// The words for all of them.
    pub(crate) const WORDS: [&str; 10] = [
        Self::Ok.as_str(),
        Self::ToolError.as_str(),
        Self::ProtocolError.as_str(),
        Self::InputRequired.as_str(),
        Self::Task.as_str(),
        Self::Cancelled.as_str(),
        Self::Timeout.as_str(),
        Self::Panicked.as_str(),
        Self::Dropped.as_str(),
        Self::Unknown.as_str(),
    ];

    /// Whether this is the word of an outcome that is an error.
    pub(crate) fn is_error_word(word: &str) -> bool {
        Self::ALL
            .iter()
            .any(|outcome| outcome.is_error() && outcome.as_str() == word)
    }

    /// Returns the outcome as it goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::ProtocolError => "protocol_error",
            Self::InputRequired => "input_required",
            Self::Task => "task",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Panicked => "panicked",
            Self::Dropped => "dropped",
            Self::Unknown => "unknown",
        }
    }

    /// Returns whether the call is known to have failed: it did not end with an answer, a request for input or a task.
    #[must_use]
    pub const fn is_error(self) -> bool {
        !matches!(
            self,
            Self::Ok | Self::InputRequired | Self::Task | Self::Unknown
        )
    }
}

/// Where the intent was read from. Wire key `intent_source` (`intentSource` on mcpeye).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IntentSource {
    /// A property that was added to the tool's schema for this purpose. Sent as `mcpeye`, which both receivers know.
    Parameter,
    /// A property of the tool's own. Sent as `native`.
    Native,
}

impl IntentSource {
    /// The words for all of them.
    pub(crate) const WORDS: [&str; 2] = [Self::Parameter.as_str(), Self::Native.as_str()];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Parameter => "mcpeye",
            Self::Native => "native",
        }
    }
}

/// Records a tool call: the tool, the user, and how it ended.
///
/// Reo: `MCP_TOOL_CALL`, with its fields in `meta`. PostHog: `$mcp_tool_call`, or `$mcp_unknown_tool`, `$mcp_input_required`
/// or `mcp_usage_task` if the tool has not given a final answer. A call without an identity, here or on the logger, is sent
/// as anonymous.
///
/// ```
/// # use mcp_usage::{Identity, ToolCall, UsageLogger};
/// # use std::time::Duration;
/// # let usage = UsageLogger::disabled();
/// usage.log_usage(
///     ToolCall::new("search")
///         .identity(Identity::email("rachel@example.com"))
///         .arguments(&serde_json::json!({"query": "ruby on rails"}))
///         .duration(Duration::from_millis(12)),
/// );
/// ```
#[must_use = "an event does nothing until it is given to `log_usage`"]
pub struct ToolCall<'a> {
    pub(crate) facts: Facts<'a>,
    pub(crate) call: Call<'a>,
}

impl<'a> ToolCall<'a> {
    /// Creates the event for a call of `tool`. Wire key `tool` (`toolName` on mcpeye), at most
    /// [`MAX_NAME_CHARS`](crate::limits::MAX_NAME_CHARS) characters; an empty name is dropped as
    /// [`MissingField`](crate::DropReason::MissingField). It is not redacted, unless the call is one of
    /// an [unknown tool](Self::unknown_tool).
    #[inline(always)]
    pub fn new(tool: impl Into<Text<'a>>) -> Self {
        Self {
            facts: Facts::default(),
            call: Call {
                tool: tool.into(),
                ..Call::default()
            },
        }
    }

    /// Sets the tool's description. Only the PostHog wire has a place for it: `$mcp_tool_description`, at most 2 048
    /// characters, redacted. If PostHog is a destination, an instrumented server fills it from `get_tool`.
    #[inline(always)]
    pub fn tool_description(mut self, description: impl Into<Text<'a>>) -> Self {
        self.call.tool_description = Some(description.into());
        self
    }

    /// Sets the arguments, serialized within the [limits](crate::limits) and redacted before
    /// `log_usage` returns. Wire key `tool_arguments` (`arguments` on mcpeye, where anything but
    /// an object is put under the key `value`).
    ///
    /// A `&serde_json::value::RawValue` (or anything that holds one) is read as JSON
    /// text, which costs less than a parsed value.
    #[inline(always)]
    pub fn arguments<T: serde::Serialize + Sync>(mut self, arguments: &'a T) -> Self {
        self.call.arguments = Some(arguments);
        self
    }

    /// Sets what the user wanted, in the user's words. Wire key `prompt` (`intent` on mcpeye), at
    /// most [`MAX_PROMPT_CHARS`](crate::limits::MAX_PROMPT_CHARS) characters.
    #[inline(always)]
    pub fn prompt(mut self, prompt: impl Into<Text<'a>>) -> Self {
        self.call.prompt = Some(prompt.into());
        self
    }

    /// Sets where the prompt was read from. Sent only together with a prompt.
    #[inline(always)]
    pub const fn intent_source(mut self, source: IntentSource) -> Self {
        self.call.intent_source = Some(source);
        self
    }

    /// Sets the result, serialized within the [limits](crate::limits) and redacted before
    /// `log_usage` returns. Wire key `result`; not sent if it is `null`, nor for a failed call on mcpeye.
    ///
    /// Results are the first thing to go when an event is too large.
    #[inline(always)]
    pub fn result<T: serde::Serialize + Sync>(mut self, result: &'a T) -> Self {
        self.call.result = Some(result);
        self
    }

    /// Sets the size of the result in bytes, before any shortening, whether the result itself is sent or not. Wire key
    /// `result_bytes`; the mcpeye wire has no place for it. The integrations count the texts and the data of the
    /// result's content, and its structured content as JSON, without escapes. The size is absent if they have not seen the
    /// whole result.
    #[inline(always)]
    pub const fn result_bytes(mut self, bytes: u64) -> Self {
        self.call.result_bytes = Some(bytes);
        self
    }

    /// Sets the names of the arguments for which the call was refused: unknown, missing, or with a value that the tool
    /// does not accept. Wire key `refused_arguments`, redacted like a value; the mcpeye wire
    /// has no place for it. The integrations read the names from the error of a call that failed on its arguments.
    ///
    /// `names` is a list of texts, such as `&["limit"]`; anything else is left out.
    #[inline(always)]
    pub fn refused_arguments<T: serde::Serialize + Sync>(mut self, names: &'a T) -> Self {
        self.call.refused_arguments = Some(names);
        self
    }

    /// Sets the methods of the requests that the tool makes to the client, such as `elicitation/create`, for a call that
    /// ends as [`InputRequired`](CallOutcome::InputRequired). Wire key `input_request_methods`, redacted like a value; on
    /// the PostHog wire `$mcp_input_request_methods`. The mcpeye wire has no place for it. The integrations read the methods
    /// from the answer, in the order of its keys; they are absent if a round only asks to be called again.
    ///
    /// `methods` is a list of texts; anything else is left out.
    #[inline(always)]
    pub fn input_request_methods<T: serde::Serialize + Sync>(mut self, methods: &'a T) -> Self {
        self.call.input_request_methods = Some(methods);
        self
    }

    /// Sets the error text. Wire key `error` (`errorMessage` on mcpeye), at most
    /// [`MAX_ERROR_CHARS`](crate::limits::MAX_ERROR_CHARS) characters.
    ///
    /// Without an [`outcome`](Self::outcome) the call counts as [`CallOutcome::ToolError`].
    #[inline(always)]
    pub fn error(mut self, error: impl Into<Text<'a>>) -> Self {
        self.call.error = Some(error.into());
        self
    }

    /// Sets how long the call took. Wire key `duration_ms`: milliseconds with two decimals
    /// (`durationMs`, whole milliseconds, on mcpeye). More than a hundred years is left out.
    #[inline(always)]
    pub const fn duration(mut self, duration: Duration) -> Self {
        self.call.duration = Some(duration);
        self
    }

    /// Sets how the call ended. Wire key `outcome`; absent when neither this nor an error is set.
    #[inline(always)]
    pub const fn outcome(mut self, outcome: CallOutcome) -> Self {
        self.call.outcome = Some(outcome);
        self
    }

    /// Sets the number of the round, for a call whose tool asks for input: 0 for the first.
    /// Wire key `round`; absent for the first round, which is the last of most calls.
    #[inline(always)]
    pub const fn round(mut self, round: u32) -> Self {
        self.call.round = if round == 0 { None } else { Some(round) };
        self
    }

    /// Marks a call of a tool that does not exist. Wire key `unknown_tool`, sent if true. Because the name then comes from
    /// the client, keys and tokens in it are hidden; personal data is not.
    #[inline(always)]
    pub const fn unknown_tool(mut self, unknown: bool) -> Self {
        self.call.unknown_tool = unknown;
        self
    }
}

impl<'a> From<&'a str> for ToolCall<'a> {
    fn from(tool: &'a str) -> Self {
        Self::new(tool)
    }
}

impl From<String> for ToolCall<'_> {
    fn from(tool: String) -> Self {
        Self::new(tool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_text_makes_an_error_of_a_call_that_does_not_say_how_it_ended() {
        let outcome = |call: ToolCall<'_>| call.call.outcome();
        assert_eq!(outcome(ToolCall::new("search")), None);
        let failed = ToolCall::new("search").error("no such index");
        assert_eq!(outcome(failed), Some(CallOutcome::ToolError));
        let said = ToolCall::new("search").error("too late");
        let said = said.outcome(CallOutcome::Timeout);
        assert_eq!(outcome(said), Some(CallOutcome::Timeout));
    }
}
