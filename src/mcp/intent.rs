//! The intent of a call: the property that asks an agent for it, and how a server's own property is recognized.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::ownership::{IntentProperty, take_argument};
use crate::base::text::cut_at_char;
use crate::wire;

/// What the property tells an agent, unless the server says it in words of its own.
pub const DESCRIPTION: &str = "Optional. One or two sentences on the goal behind this call: what \
the user is after, and what has got in the way so far. If no tool offers what is needed, say what \
is missing. Leave out names, contact details, passwords and keys. Helps to improve this server; the \
answer does not depend on it.";

/// The property's name on the Reo wires.
pub const REO_NAME: &str = wire::REO.intent_property;

/// The property's name on the mcpeye wire.
pub const MCPEYE_NAME: &str = wire::MCPEYE.intent_property;

/// The property's name on the PostHog wire.
pub const POSTHOG_NAME: &str = wire::POSTHOG.intent_property;

/// The name of a server's own property that may hold an intent, if its description says so.
pub const NATIVE_NAME: &str = "intent";

/// Returns the property's schema, for servers that publish it themselves: an optional string with
/// our [`DESCRIPTION`]. Put it into `properties` of a tool's input schema, under the wire's name,
/// and never into `required`.
///
/// A property with exactly this description is read, and stays in the arguments.
///
/// ```
/// let mut schema = serde_json::json!({"type": "object", "properties": {}});
/// schema["properties"][mcp_usage::intent::REO_NAME] = mcp_usage::intent::schema();
/// ```
#[must_use]
pub fn schema() -> Value {
    schema_with(DESCRIPTION)
}

/// Removes the intent from the arguments of a call and returns it, for servers that publish the property themselves.
/// `schema` is the input schema of the call's tool.
///
/// The schema alone decides whose the argument is, as it does for an instrumented server. If the schema has a property with
/// our [`DESCRIPTION`], under any name, it declares that property for the tool: the argument is read, and stays. Otherwise
/// the name is [`REO_NAME`], and the argument is removed if nobody else can have sent it: the schema is closed and has no
/// such property, or it does not say whether it is closed and the argument is a string. In all other cases the argument is
/// the tool's own, and stays.
///
/// Returns `None` if the argument is not ours, not a string, or blank. For a property of another name, see [`take_named`].
///
/// ```
/// use mcp_usage::intent;
/// use serde_json::json;
///
/// let schema = json!({"type": "object", "properties": {"query": {"type": "string"}}});
/// let mut arguments = json!({"query": "rails", "prompt": "to compare frameworks"});
/// # let (Some(schema), Some(arguments)) = (schema.as_object(), arguments.as_object_mut()) else { return };
/// let intent = intent::take(arguments, schema);
/// assert_eq!(intent.as_deref(), Some("to compare frameworks"));
/// assert!(!arguments.contains_key(intent::REO_NAME));
/// ```
#[must_use = "the intent is no longer among the arguments"]
pub fn take(arguments: &mut Map<String, Value>, schema: &Map<String, Value>) -> Option<String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let published = properties.and_then(|properties| {
        let mut ours = properties.iter().filter(|(_, property)| {
            let description = property.get("description");
            description.is_some_and(|description| description == DESCRIPTION)
        });
        Some(ours.next()?.0.as_str())
    });
    take_named(arguments, schema, published.unwrap_or(REO_NAME))
}

/// [`take`] for a property of this name, such as [`MCPEYE_NAME`] or [`POSTHOG_NAME`].
#[must_use = "the intent is no longer among the arguments"]
pub fn take_named(
    arguments: &mut Map<String, Value>,
    schema: &Map<String, Value>,
    name: &str,
) -> Option<String> {
    let property = IntentProperty::of(schema, name, DESCRIPTION);
    let taken;
    let argument = match arguments.get(name) {
        Some(argument) if property.claims(argument) => {
            taken = take_argument(arguments, name);
            taken.as_ref()
        }
        argument => argument.filter(|_| property == IntentProperty::Published),
    };
    nonempty_text(argument).map(str::to_owned)
}

pub(crate) fn schema_with(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

/// Which argument of a tool holds the intent of a call.
#[derive(Debug, Clone)]
pub(crate) struct ToolIntent {
    pub(crate) property: IntentProperty,
    /// The name of the tool's own property that holds an intent.
    pub(crate) native: Option<Arc<str>>,
}

/// Adds the property to a schema that has a place for it.
pub(crate) fn inject(schema: &mut Map<String, Value>, name: &str, description: &str) {
    schema
        .entry("type")
        .or_insert_with(|| Value::from("object"));
    let properties = schema
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(properties) = properties {
        properties.insert(name.to_owned(), schema_with(description));
    }
}

/// A description of an intent contains one of these, which ask for a reason.
const PURPOSE: &str = "why|reason|intent|purpose|trying to|accomplish|in their own words";

/// It also contains one of these, which say that the server's makers ask.
const ANALYTICS: &str = "analytics|tracking|workflow|product|user intent|blocker|unmet|capability";

/// It contains none of these words, which name a thing, a choice or a secret.
const NEGATIVE_WORDS: &str =
    "id|identifier|uuid|secret|token|status|enum|classification|routing|route|key";

/// It contains none of these phrases either: payments have intents of another kind.
const NEGATIVE_PHRASES: &str = "paymentintent|payment intent|client_secret|client secret";

/// How much of a description is looked at, in bytes.
const MAX_DESCRIPTION: usize = 4 * 1024;

/// Whether a description asks an agent for the intent of its call, by the rule of the mcpeye SDKs.
fn asks_for_intent(description: &str) -> bool {
    let text = cut_at_char(description, MAX_DESCRIPTION).to_lowercase();
    let has = |cues: &str| cues.split('|').any(|cue| text.contains(cue));
    let is_negative = |word: &str| NEGATIVE_WORDS.split('|').any(|negative| negative == word);
    has(PURPOSE)
        && has(ANALYTICS)
        && !has(NEGATIVE_PHRASES)
        && !text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .any(is_negative)
}

/// Returns the name of a tool's own property that holds the intent: the one the host named, if it
/// is a string; else the one of the usual name, if its description asks for an intent. A property
/// whose name is sensitive is never read.
pub(crate) fn native<'a>(
    schema: &Map<String, Value>,
    named: Option<&'a str>,
    is_sensitive: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    let properties = schema.get("properties")?.as_object()?;
    let (name, gated) = named.map_or((NATIVE_NAME, true), |name| (name, false));
    let property = properties.get(name)?;
    if property.get("type")? != "string" {
        return None;
    }
    let description = property.get("description").and_then(Value::as_str);
    let admitted = !gated || description.is_some_and(asks_for_intent);
    (admitted && !is_sensitive(name)).then_some(name)
}

/// Returns an argument that is a text, unless it is blank.
pub(crate) fn nonempty_text(argument: Option<&Value>) -> Option<&str> {
    let text = argument?.as_str()?;
    (!text.trim().is_empty()).then_some(text)
}

/// The description of the tool for missing capabilities.
pub(crate) const CAPABILITY_DESCRIPTION: &str = "Call this when the user needs something that none \
of the tools here offers, or offers only in part. It takes a note for the makers of this server and \
does nothing else: go on with the tools there are.";

/// The answer of the capability tool.
const CAPABILITY_ANSWER: &str =
    "Noted for the makers of this server. Nothing else was done; go on with the other tools.";

/// The answer of the capability tool to a call without a capability.
const CAPABILITY_MISSING: &str = "`capability` is missing: say in a sentence what the user needs.";

/// Returns what the capability tool answers to what it is asked for, or what is wrong with the call.
pub(crate) fn capability_answer(capability: Option<&Value>) -> Result<&'static str, &'static str> {
    match nonempty_text(capability) {
        Some(_) => Ok(CAPABILITY_ANSWER),
        None => Err(CAPABILITY_MISSING),
    }
}

/// The input schema of the capability tool.
pub(crate) fn capability_schema() -> Map<String, Value> {
    let schema = json!({
        "type": "object",
        "properties": {
            "capability": {
                "type": "string",
                "description": "What the user needs and no tool offers, in a sentence.",
            },
            "context": {
                "type": "string",
                "description": "What it is needed for. Optional.",
            },
        },
        "required": ["capability"],
    });
    serde_json::from_value(schema).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_schema_is_extended_and_nothing_is_required() {
        for schema in [
            json!({}),
            json!({"type": "object"}),
            json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}),
            json!({"properties": {}, "additionalProperties": false}),
        ] {
            let mut schema = map(schema);
            let before = schema.clone();
            assert!(IntentProperty::of(&schema, "prompt", DESCRIPTION).is_added());
            inject(&mut schema, "prompt", DESCRIPTION);
            assert_eq!(schema["type"], "object");
            assert_eq!(schema["properties"]["prompt"], super::schema());
            assert_eq!(schema.get("required"), before.get("required"));
            assert_eq!(
                IntentProperty::of(&schema, "prompt", DESCRIPTION),
                IntentProperty::Published
            );
        }
    }

    /// The README and the setters say what this costs a listing, at about four bytes a token.
    #[test]
    fn the_property_and_the_tool_cost_as_many_tokens_as_the_docs_say() {
        let tokens = |listed: &Value| listed.to_string().len() / 4;
        let property = tokens(&json!({"prompt": super::schema()}));
        assert!((80..=100).contains(&property), "about 90: {property}");
        let tool = json!({
            "name": wire::REO.capability_tool,
            "description": CAPABILITY_DESCRIPTION,
            "inputSchema": capability_schema(),
        });
        let tool = tokens(&tool);
        assert!((115..=145).contains(&tool), "about 130: {tool}");
    }

    #[test]
    fn an_intent_of_the_servers_own_is_known_by_its_description() {
        for (description, admitted) in [
            ("Why you call this, for product analytics", true),
            ("What the user is trying to do; used for tracking", true),
            ("The reason, and any blocker", true),
            ("Why you call this", false),
            ("For analytics", false),
            ("Intent id of the workflow", false),
            ("The intent classification label of the product", false),
            ("Why: a PaymentIntent of the product", false),
            ("The purpose, and the product's key", false),
            ("The reason you provide, for product decisions", true),
            ("", false),
        ] {
            let schema = map(json!({"properties": {
                "intent": {"type": "string", "description": description}
            }}));
            let found = native(&schema, None, |_| false).is_some();
            assert_eq!(found, admitted, "{description}");
        }
    }

    #[test]
    fn a_named_intent_needs_no_description_but_must_be_a_string_of_no_secret() {
        let schema = map(json!({"properties": {
            "goal": {"type": "string"}, "count": {"type": "integer"}, "token": {"type": "string"}
        }}));
        let sensitive = |name: &str| name == "token";
        assert_eq!(native(&schema, Some("goal"), sensitive), Some("goal"));
        assert_eq!(native(&schema, Some("count"), sensitive), None);
        assert_eq!(native(&schema, Some("token"), sensitive), None);
        assert_eq!(native(&schema, Some("absent"), sensitive), None);
    }
}
