//! The law of ownership over schemas of every kind: what reaches a tool of an instrumented server equals what reaches
//! it without, except for an argument that is ours by the rule. All servers share a logger.

use std::collections::BTreeMap;

use mcp_usage::{UsageLogger, intent};
use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::{CallToolRequestParams, CallToolResponse, JsonObject, NumberOrString, Tool};
use rmcp::schemars::JsonSchema;
use rmcp::service::{RequestContext, serve_directly};
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Map, Value, json};

use super::ownership::{Echo, made};
use super::server::*;

/// Cases of each entry of [`KINDS`].
const CASES: usize = 500;

/// Tools of one server.
const TOOLS: usize = 14;

type Context = RequestContext<RoleServer>;

/// What becomes of a `prompt`, known from how the schema was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    Left,
    TakenIfText,
    Taken,
}

impl Prompt {
    pub(crate) fn is_taken(self, prompt: &Value) -> bool {
        match self {
            Self::Left => false,
            Self::TakenIfText => prompt.is_string(),
            Self::Taken => true,
        }
    }
}

/// Makes schemas of one kind.
type Make = fn(&mut Random) -> (Value, Prompt);

/// The two kinds of which something is taken are there twice.
pub(crate) const KINDS: [(&str, Make); 14] = [
    ("plain", |r| (plain(r), Prompt::TakenIfText)),
    ("closed", |r| (closed(r), Prompt::Taken)),
    ("plain", |r| (plain(r), Prompt::TakenIfText)),
    ("closed", |r| (closed(r), Prompt::Taken)),
    ("strict", |r| (strict(r), Prompt::Left)),
    ("owning", |r| (owning(r), Prompt::Left)),
    ("composed", |r| (composed(r), Prompt::Left)),
    ("open", |r| (open(r), Prompt::Left)),
    ("recursive", |r| (recursive(r), Prompt::Left)),
    ("by hand", |r| (by_hand(r), Prompt::Left)),
    ("tagged", |r| r.pick(tagged())),
    ("flattened", |r| r.pick(flattened())),
    ("options", |r| r.pick(options())),
    // Neither listed nor looked up.
    ("hidden", |r| (closed(r), Prompt::Left)),
];

/// A small generator, so that a failure comes again.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T>(&mut self, from: Vec<T>) -> T {
        let at = self.below(from.len());
        from.into_iter().nth(at).unwrap()
    }
}

const NAMES: [&str; 6] = ["a", "query", "limit", "promptly", "Prompt", "intent"];

/// The schema of one argument. Some have inside what would matter at the root.
fn argument(r: &mut Random) -> Value {
    r.pick(vec![
        json!({"type": "string"}),
        json!({"type": "integer", "description": "how many"}),
        json!(true),
        json!({"oneOf": [{"type": "string"}, {"type": "null"}]}),
        json!({"type": "object", "additionalProperties": true}),
        json!({"type": "object", "properties": {"prompt": {"type": "string"}}}),
        json!({"type": "array", "items": {"$ref": "#/$defs/Part"}}),
    ])
}

/// A root whose properties are all that it says.
fn plain(r: &mut Random) -> Value {
    let mut root = Map::new();
    let mut properties = Map::new();
    for name in NAMES {
        if r.chance(30) {
            properties.insert(name.to_owned(), argument(r));
        }
    }
    if r.chance(40) {
        let required: Vec<_> = properties.keys().filter(|_| r.chance(50)).collect();
        root.insert("required".to_owned(), json!(required));
    }
    if r.chance(80) {
        root.insert("type".to_owned(), json!("object"));
    }
    if r.chance(80) || !properties.is_empty() {
        root.insert("properties".to_owned(), properties.into());
    }
    for (keyword, note) in [
        ("title", json!("T")),
        ("description", json!("of a tool")),
        (
            "$schema",
            json!("https://json-schema.org/draft/2020-12/schema"),
        ),
        ("$defs", json!({"Part": {"properties": {"prompt": {}}}})),
        ("examples", json!([{"a": "prompt"}])),
        ("x-vendor", json!({"prompt": 1})),
    ] {
        if r.chance(25) {
            root.insert(keyword.to_owned(), note);
        }
    }
    root.into()
}

fn closed(r: &mut Random) -> Value {
    let mut root = plain(r);
    root["additionalProperties"] = json!(false);
    let optional = NAMES[r.below(NAMES.len())];
    if root["properties"]
        .as_object()
        .is_some_and(|all| !all.is_empty())
    {
        root["properties"][optional] = argument(r);
        if let Some(required) = root.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|name| name != optional);
        }
    }
    root
}

fn strict(r: &mut Random) -> Value {
    let mut root = closed(r);
    root["properties"]["a"] = argument(r);
    let mut required: Vec<_> = root["properties"].as_object().unwrap().keys().collect();
    if r.chance(50) {
        required.reverse();
    }
    root["required"] = json!(required);
    root
}

/// Plain, closed or strict.
fn any_root(r: &mut Random) -> Value {
    r.pick::<fn(&mut Random) -> Value>(vec![plain, closed, strict])(r)
}

fn owning(r: &mut Random) -> Value {
    let mut root = any_root(r);
    let shown = json!({"prompt": "a cat"});
    match r.below(4) {
        0 => root["required"] = json!(["prompt"]),
        1 => root["examples"] = json!([shown]),
        _ => root["properties"]["prompt"] = argument(r),
    }
    root
}

fn composed(r: &mut Random) -> Value {
    let mut root = any_root(r);
    let own = json!({"properties": {"prompt": {"type": "string"}}});
    let (keyword, value) = r.pick(vec![
        ("oneOf", json!([own])),
        ("anyOf", json!([{}, own])),
        ("allOf", json!([{"$ref": "#/$defs/Own"}])),
        ("$ref", json!("#/$defs/Own")),
        ("$dynamicRef", json!("#own")),
        ("if", own.clone()),
        ("then", own.clone()),
        ("else", own.clone()),
        ("not", json!({"required": ["a"]})),
        ("dependentSchemas", json!({"a": own})),
        ("dependentRequired", json!({"a": ["prompt"]})),
        ("patternProperties", json!({"^p": {}})),
        ("propertyNames", json!({"maxLength": 9})),
        ("unevaluatedProperties", json!(false)),
        ("maxProperties", json!(1)),
        ("const", json!({"prompt": "a cat"})),
    ]);
    root[keyword] = value;
    root
}

fn open(r: &mut Random) -> Value {
    let mut root = any_root(r);
    root["additionalProperties"] = r.pick(vec![json!(true), json!({}), json!({"type": "string"})]);
    root
}

fn recursive(r: &mut Random) -> Value {
    let mut root = any_root(r);
    let whole = json!({"$ref": r.pick(vec!["#", "", "whole.json"])});
    let part = r.pick(vec![
        whole.clone(),
        json!({"type": "array", "items": whole}),
        json!({"anyOf": [{"type": "null"}, {"additionalProperties": whole}]}),
    ]);
    let place = r.pick(vec!["properties", "$defs"]);
    root[place]["children"] = part;
    root
}

fn by_hand(r: &mut Random) -> Value {
    let mut root = any_root(r);
    let (keyword, value) = r.pick(vec![
        ("type", json!(["object"])),
        ("type", json!("array")),
        ("properties", json!([])),
        ("properties", json!(true)),
        ("required", json!(true)),
        ("additionalProperties", json!(null)),
        ("ofTomorrow", json!({"prompt": true})),
    ]);
    root[keyword] = value;
    root
}

fn of<T: JsonSchema + 'static>(prompt: Prompt) -> (Value, Prompt) {
    (json!(*schema_for_type::<T>()), prompt)
}

mod types {
    #![expect(dead_code, reason = "only their schemas are of interest")]

    use std::collections::BTreeMap;

    use rmcp::schemars::{self, JsonSchema};
    use serde_json::{Map, Value};

    #[derive(JsonSchema)]
    #[serde(tag = "kind")]
    pub(super) enum Drawing {
        Picture { prompt: String },
        Blank,
    }

    #[derive(JsonSchema)]
    #[serde(tag = "kind", content = "of")]
    pub(super) enum Adjacent {
        Picture(String),
        Blank,
    }

    #[derive(JsonSchema)]
    #[serde(untagged)]
    pub(super) enum Untagged {
        Picture { prompt: String },
        Number { n: u8 },
    }

    #[derive(JsonSchema)]
    pub(super) enum External {
        Picture(String),
        Number(u8),
    }

    #[derive(JsonSchema)]
    pub(super) struct Labels {
        id: u8,
        #[serde(flatten)]
        labels: BTreeMap<String, String>,
    }

    #[derive(JsonSchema)]
    pub(super) struct Rest {
        #[serde(flatten)]
        rest: Map<String, Value>,
    }

    #[derive(JsonSchema)]
    pub(super) struct WithKind {
        id: u8,
        #[serde(flatten)]
        kind: Drawing,
    }

    #[derive(JsonSchema)]
    pub(super) struct WithMaybe {
        id: u8,
        #[serde(flatten)]
        more: Option<Maybe>,
    }

    #[derive(JsonSchema)]
    pub(super) struct Maybe {
        a: Option<u8>,
        b: Option<Part>,
    }

    #[derive(JsonSchema)]
    pub(super) struct Part {
        prompt: Option<String>,
    }

    #[derive(JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub(super) struct ClosedMaybe {
        a: Option<u8>,
        #[serde(default)]
        parts: Vec<Part>,
    }

    #[derive(JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub(super) struct ClosedAll {
        a: u8,
        part: Part,
    }

    #[derive(JsonSchema)]
    pub(super) struct Tree {
        #[serde(default)]
        children: Vec<Self>,
    }

    #[derive(JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub(super) struct ClosedTree {
        next: Option<Box<Self>>,
    }
}

fn tagged() -> Vec<(Value, Prompt)> {
    vec![
        of::<types::Drawing>(Prompt::Left),
        of::<types::Adjacent>(Prompt::Left),
        of::<types::Untagged>(Prompt::Left),
        of::<types::External>(Prompt::Left),
    ]
}

fn flattened() -> Vec<(Value, Prompt)> {
    vec![
        of::<types::Labels>(Prompt::Left),
        of::<types::Rest>(Prompt::Left),
        of::<types::WithKind>(Prompt::Left),
        of::<types::WithMaybe>(Prompt::TakenIfText),
    ]
}

fn options() -> Vec<(Value, Prompt)> {
    vec![
        of::<types::Maybe>(Prompt::TakenIfText),
        of::<types::Part>(Prompt::Left),
        of::<types::ClosedMaybe>(Prompt::Taken),
        of::<types::ClosedAll>(Prompt::Left),
        of::<types::Tree>(Prompt::Left),
        of::<types::ClosedTree>(Prompt::Left),
    ]
}

/// Arguments of a call: some that a schema may know, and mostly a `prompt`, at any place.
fn arguments(r: &mut Random) -> JsonObject {
    let mut names: Vec<_> = NAMES.into_iter().filter(|_| r.chance(30)).collect();
    if r.chance(90) {
        names.insert(r.below(names.len() + 1), "prompt");
    }
    let value = |r: &mut Random| {
        r.pick(vec![
            json!("to see"),
            json!("to compare"),
            json!(""),
            json!(7),
            json!(null),
            json!(true),
            json!(["why"]),
            json!({"prompt": "why"}),
        ])
    };
    names
        .into_iter()
        .map(|name| (name.to_owned(), value(r)))
        .collect()
}

/// How often a `prompt` was taken out, and how often one was left.
#[derive(Debug, Default)]
struct Coverage {
    cases: BTreeMap<&'static str, usize>,
    taken: usize,
    left: usize,
}

pub(crate) struct Case {
    pub(crate) kind: &'static str,
    pub(crate) tool: Tool,
    pub(crate) prompt: Prompt,
    pub(crate) arguments: JsonObject,
}

pub(crate) fn case(n: usize, r: &mut Random) -> Case {
    let (kind, make) = KINDS[n % KINDS.len()];
    let (schema, prompt) = make(r);
    Case {
        kind,
        tool: made(format!("tool-{n}"), &schema),
        prompt,
        arguments: arguments(r),
    }
}

/// A context as a transport makes it, of a connection that lives as long as the runtime.
fn context() -> Context {
    let (ours, theirs) = tokio::io::duplex(1024);
    let running = serve_directly(Echo::of(Vec::new()), ours, None);
    let peer = running.peer().clone();
    tokio::spawn(async move { (running.waiting().await, theirs) });
    Context::new(NumberOrString::Number(7), peer)
}

async fn ask(server: &impl ServerHandler, case: &Case, context: &Context) -> Value {
    let request = CallToolRequestParams::new(case.tool.name.clone());
    let request = request.with_arguments(case.arguments.clone());
    let answer = server.call_tool(request, context.clone()).await.unwrap();
    let CallToolResponse::Complete(result) = answer else {
        panic!("{answer:?}");
    };
    serde_json::from_str(&result.content[0].as_text().unwrap().text).unwrap()
}

/// A tool as a listing of an instrumented server shows it.
fn shown(case: &Case) -> Tool {
    let mut tool = case.tool.clone();
    if case.prompt != Prompt::Left {
        let mut schema = json!(*tool.input_schema);
        schema["type"] = json!("object");
        schema["properties"]["prompt"] = intent::schema();
        tool = made(tool.name, &schema);
    }
    tool
}

/// Serves the tools of some cases with and without instrumentation, and compares what reaches them.
async fn compare(
    usage: &UsageLogger,
    cases: &[Case],
    (looks_up, context): (bool, &Context),
    coverage: &mut Coverage,
) {
    let listed: Vec<_> = cases.iter().filter(|case| case.kind != "hidden").collect();
    let tools = listed.iter().map(|case| case.tool.clone()).collect();
    let plain = Echo::of(tools).looking_up(looks_up).answering_all();
    let instrumented = usage.instrument(plain.clone());
    let expected: Vec<_> = listed.into_iter().map(shown).collect();
    let page = instrumented.list_tools(None, context.clone()).await;
    assert_eq!(page.unwrap().tools, expected);
    for case in cases {
        let what = format!("{}: {}", case.kind, json!(*case.tool.input_schema));
        let mut expected = ask(&plain, case, context).await;
        assert_eq!(expected, json!(case.arguments), "{what}");
        if let Some(prompt) = case.arguments.get("prompt") {
            if case.prompt.is_taken(prompt) {
                expected.as_object_mut().unwrap().shift_remove("prompt");
                coverage.taken += 1;
            } else {
                coverage.left += 1;
            }
        }
        // As texts: the order counts too.
        let seen = ask(&instrumented, case, context).await;
        assert_eq!(seen.to_string(), expected.to_string(), "{what}");
        *coverage.cases.entry(case.kind).or_default() += 1;
    }
}

#[tokio::test]
async fn a_tool_gets_what_it_would_without_instrumentation_but_for_what_is_ours() {
    let mut random = Random(0x5eed);
    let cases: Vec<_> = (0..CASES * KINDS.len())
        .map(|n| case(n, &mut random))
        .collect();
    let kept = Kept::new();
    let context = context();
    let mut coverage = Coverage::default();
    for (n, cases) in cases.chunks(TOOLS).enumerate() {
        let by = (n % 2 == 0, &context);
        compare(&kept.usage, cases, by, &mut coverage).await;
    }
    assert_eq!(coverage.cases.len(), KINDS.len() - 2);
    assert!(
        coverage.cases.values().all(|&cases| cases >= 500),
        "{coverage:?}"
    );
    assert!(
        coverage.taken >= 1_000 && coverage.left >= 1_000,
        "{coverage:?}"
    );
    let calls = kept.calls().await.len();
    assert_eq!(calls, cases.len());
}
