//! What a tool answers when it has not done what was asked: a code that programs can act on, and a sentence.

use std::sync::Arc;

use rmcp::handler::server::tool::schema_for_output;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::access::Refusal;
use crate::store::users::Role;
use crate::tools::Conflict;

/// An error, as it stands under `error` in the structured content.
#[derive(Debug, Serialize)]
pub struct Failure {
    /// A word of capitals, which never changes.
    code: &'static str,
    /// For a person, or a model, to read.
    message: String,
    /// Of FORBIDDEN_SCOPE: the scope that would be needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    /// Of FORBIDDEN_ROLE: the role that would be needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// Of QUOTA_EXCEEDED: the calls that there are in a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_per_day: Option<i64>,
    /// Of QUOTA_EXCEEDED: when there are calls again, in UTC, as in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<String>,
}

impl Failure {
    fn new(code: &'static str, message: impl ToString) -> Self {
        Self {
            code,
            message: message.to_string(),
            scope: None,
            role: None,
            calls_per_day: None,
            resets_at: None,
        }
    }

    /// Makes the result of the call. The text begins with the code, for clients that show no structure.
    #[must_use]
    pub fn into_result(self) -> CallToolResult {
        let text = format!("{}: {}", self.code, self.message);
        let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
        result.structured_content = Some(json!({"error": self}));
        result
    }
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        let mut failure = Self::new(refusal.code(), refusal);
        match refusal {
            Refusal::Scope(missing) => failure.scope = Some(missing.0.as_str()),
            Refusal::Role(too_low) => failure.role = Some(too_low.needed),
            Refusal::Quota(used_up) => {
                failure.calls_per_day = Some(used_up.calls_per_day());
                failure.resets_at = Some(used_up.resets_at.to_string());
            }
            Refusal::Membership(_)
            | Refusal::Plan(_)
            | Refusal::Arguments(_)
            | Refusal::Resource(_)
            | Refusal::Confirm(_) => {}
        }
        failure
    }
}

impl From<Conflict> for Failure {
    fn from(conflict: Conflict) -> Self {
        Self::new("CONFLICT", conflict)
    }
}

/// Returns the schema of a tool's structured content: what it answers, or else an error.
///
/// Clients on the TypeScript SDK check errors by it as well, and would show their user a complaint about the schema in
/// place of an error that it does not have.
pub(super) fn output_schema<T: JsonSchema + 'static>() -> Arc<JsonObject> {
    let mut schema = Arc::unwrap_or_clone(schema_for_output::<T>());
    let answer = schema.remove("required").unwrap_or_else(|| json!([]));
    // Written out: what is left out where it says nothing is never null, and clients that know one type for each
    // property understand it so.
    let error = json!({
        "type": "object",
        "description": "Instead of an answer: why there is none.",
        "properties": {
            "code": {"type": "string", "description": "A word of capitals, which never changes."},
            "message": {"type": "string"},
            "scope": {"type": "string", "description": "The scope that is needed."},
            "role": {"type": "string", "description": "The role that is needed."},
            "calls_per_day": {"type": "integer"},
            "resets_at": {"type": "string", "description": "When there are calls again, in UTC."},
        },
        "required": ["code", "message"],
    });
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("error".to_owned(), error);
    }
    let either = json!([{"required": answer}, {"required": ["error"]}]);
    schema.insert("anyOf".to_owned(), either);
    Arc::new(schema)
}
