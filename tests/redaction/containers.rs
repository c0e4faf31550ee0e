//! The texts that secrets turn up in.

use serde_json::{Value, json};

use crate::random::Random;
use crate::secrets::base64;

/// A text with a secret in it, and what stands beside the secret and must stay.
pub(crate) struct Case {
    pub(crate) container: &'static str,
    pub(crate) input: Value,
    pub(crate) neighbours: Vec<String>,
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

fn unicode(text: &str) -> String {
    text.encode_utf16().map(|u| format!("\\u{u:04x}")).collect()
}

/// Containers for what can be told by its own form.
pub(crate) fn around(secret: &str, random: &mut Random) -> Vec<Case> {
    let left = format!("north{}", random.below(100));
    let right = format!("harbour{}", random.below(100));
    let mut cases = Vec::new();
    let multi = secret.contains('\n');
    let mut case = |container, input: Value| {
        cases.push(Case {
            container,
            input,
            neighbours: vec![left.clone(), right.clone()],
        });
    };
    let (l, r, s) = (&left, &right, secret);
    case(
        "sentence",
        json!(format!("Please use {s} for {l} and {r}.")),
    );
    case("json value", json!({"note": s, "where": l, "when": r}));
    case("json array", json!([l, s, r, 7]));
    case(
        "nested json",
        json!({"a": {"b": [{"c": s}], "d": l}, "e": r}),
    );
    case("parentheses", json!(format!("{l} ({s}) {r}")));
    case("double quotes", json!(format!("{l} \"{s}\" {r}")));
    case("single quotes", json!(format!("{l} '{s}' {r}")));
    case("backticks", json!(format!("{l} `{s}` {r}")));
    case(
        "log line",
        json!(format!(
            "2024-05-01T12:00:00.123Z INFO [{l}] accepted {s} in 12ms {r}"
        )),
    );
    case(
        "json in string",
        json!({"body": json!({"x": s, "l": l}).to_string(), "r": r}),
    );
    case(
        "json in json in string",
        json!({"body": json!({"x": json!({"y": s, "l": l}).to_string()}).to_string(), "r": r}),
    );
    case(
        "json with spaces",
        json!({"body": serde_json::to_string_pretty(&json!({"x": s, "l": l})).expect("value"), "r": r}),
    );
    case("lines", json!(format!("{l}\n{s}\n{r}\n")));
    case("windows lines", json!(format!("{l}\r\n{s}\r\n{r}\r\n")));
    case("end of sentence", json!(format!("{l} {r} uses {s}.")));
    case(
        "error",
        json!(format!("Error: request for {l} failed: {s}: 401 {r}")),
    );
    case("angle brackets", json!(format!("{l} <{s}> {r}")));
    case(
        "xml",
        json!(format!("<a><l>{l}</l><v>{s}</v><r>{r}</r></a>")),
    );
    case("tab separated", json!(format!("{l}\t{s}\t{r}")));
    case(
        "yaml list",
        json!(format!("items:\n  - {l}\n  - {s}\n  - {r}\n")),
    );
    case("markdown table", json!(format!("| {l} | {s} | {r} |")));
    case("markdown bold", json!(format!("{l} **{s}** {r}")));
    case(
        "html attribute",
        json!(format!("<input id=\"{l}\" value=\"{s}\"> {r}")),
    );
    if !multi {
        case("comma list", json!(format!("{l},{s},{r}")));
        case("json key", json!({s: 1, l.as_str(): r}));
        case("literal newline", json!(format!("{l}\\n{s}\\n{r}")));
        case(
            "shell",
            json!(format!(
                "curl -H 'X-Thing: {s}' https://api.example.com/{l}?q={r}"
            )),
        );
        case("assignment", json!(format!("{l} thing={s} {r}")));
        case(
            "unicode escapes in text",
            json!(format!("{{\"v\":\"{}\",\"l\":\"{l}\"}} {r}", unicode(s))),
        );
    }
    if !s.contains("://") && !s.contains(' ') && s.is_ascii() {
        case(
            "percent-encoded",
            json!(format!(
                "https://example.com/cb?l={l}&v={}&r={r}",
                percent(s)
            )),
        );
    }
    case(
        "base64 of a sentence",
        json!(format!(
            "{l} {} {r}",
            base64(&format!("the value is {s} ok"))
        )),
    );
    cases
}

/// Containers for what only its name tells.
pub(crate) fn assigned(name: &str, value: &str, random: &mut Random) -> Vec<Case> {
    let left = format!("north{}", random.below(100));
    let right = format!("harbour{}", random.below(100));
    let (l, r, n, v) = (&left, &right, name, value);
    let mut cases = Vec::new();
    let mut case = |container, input: Value| {
        cases.push(Case {
            container,
            input,
            neighbours: vec![left.clone(), right.clone()],
        });
    };
    case("json", json!({"l": l, n: v, "r": r}));
    case("json nested", json!({"l": l, "config": {n: v, "r": r}}));
    case(
        "json under name: object",
        json!({"l": l, n: {"value": v}, "r": r}),
    );
    case("json under name: array", json!({"l": l, n: [v], "r": r}));
    case(
        "json in string",
        json!({"body": json!({"l": l, n: v, "r": r}).to_string()}),
    );
    case(
        "json twice in string",
        json!({"a": json!({"b": json!({"l": l, n: v}).to_string()}).to_string(), "r": r}),
    );
    case(
        "escaped json in text",
        json!(format!(
            "payload {} {r}",
            json!(json!({"l": l, n: v}).to_string())
        )),
    );
    case(
        "json in text",
        json!(format!("sent {} to {r}", json!({"l": l, n: v, "z": 1}))),
    );
    case(
        "cut json",
        json!(format!("{{\"l\":\"{l}\",\"r\":\"{r}\",\"{n}\":\"{v}")),
    );
    case(
        "pair",
        json!({"l": l, "env": [{"name": n, "value": v}, {"name": "REGION", "value": r}]}),
    );
    case(
        "pair, value first",
        json!({"l": l, "env": [{"value": v, "name": n}, {"value": r, "name": "REGION"}]}),
    );
    case(
        "key and value",
        json!({"l": l, "tags": [{"Key": n, "Value": v}], "r": r}),
    );
    case(
        "list of pairs",
        json!({"l": l, "headers": [[n, v], ["Accept", r]]}),
    );
    case("argv", json!({"l": l, "args": [format!("--{n}"), v, r]}));
    case(
        "argv with equals",
        json!({"l": l, "args": [format!("--{n}={v}"), r]}),
    );
    case(
        "env file",
        json!(format!("REGION={l}\n{n}={v}\nCOLOR={r}\n")),
    );
    case(
        "env file, quoted",
        json!(format!("REGION={l}\n{n}=\"{v}\"\nCOLOR={r}\n")),
    );
    case("export", json!(format!("export {n}='{v}' # {l}\necho {r}")));
    case(
        "yaml",
        json!(format!("region: {l}\n{n}: {v}\ncolor: {r}\n")),
    );
    case(
        "yaml, quoted",
        json!(format!("region: {l}\nsub:\n  {n}: \"{v}\"\n  color: {r}\n")),
    );
    case(
        "yaml env list",
        json!(format!(
            "env:\n  - name: {n}\n    value: {v}\n  - name: REGION\n    value: {l}\n# {r}\n"
        )),
    );
    case("ini", json!(format!("[{l}]\n{n} = {v}\ncolor = {r}\n")));
    case(
        "toml",
        json!(format!(
            "region = \"{l}\"\n{n} = \"{v}\"\ncolor = \"{r}\"\n"
        )),
    );
    case(
        "python",
        json!(format!(
            "def f():\n    {n} = \"{v}\"\n    print('{l}')  # {r}"
        )),
    );
    case(
        "python dict",
        json!(format!("{{'region': '{l}', '{n}': '{v}', 'color': '{r}'}}")),
    );
    case(
        "python call",
        json!(format!("connect(host='{l}', {n}='{v}', color='{r}')")),
    );
    case(
        "javascript",
        json!(format!(
            "const c = {{ region: '{l}', '{n}': '{v}', color: \"{r}\" }};"
        )),
    );
    case(
        "rust",
        json!(format!(
            "let c = C {{ region: \"{l}\".into(), {}: \"{v}\".to_string() }}; // {r}",
            n.replace('-', "_")
        )),
    );
    case(
        "php",
        json!(format!(
            "['region' => '{l}', '{n}' => '{v}', 'color' => '{r}']"
        )),
    );
    case(
        "xml element",
        json!(format!("<c><l>{l}</l><{n}>{v}</{n}><r>{r}</r></c>")),
    );
    case(
        "xml attribute",
        json!(format!("<c l=\"{l}\" {n}=\"{v}\" r=\"{r}\"/>")),
    );
    case(
        "xml key and value",
        json!(format!(
            "<add key=\"{n}\" value=\"{v}\" /><add key=\"l\" value=\"{l}\" /> {r}"
        )),
    );
    case(
        "flag",
        json!(format!("run --region {l} --{n} {v} --color {r}")),
    );
    case(
        "flag with equals",
        json!(format!("run --region={l} --{n}={v} --color={r}")),
    );
    case(
        "docker",
        json!(format!("docker run -e {n}={v} -e REGION={l} {r}")),
    );
    case("command prefix", json!(format!("{n}={v} run {l} {r}")));
    case(
        "connection string",
        json!(format!("Server={l};{n}={v};Color={r}")),
    );
    case(
        "log",
        json!(format!("connecting region={l} {n}={v} color={r}")),
    );
    case(
        "log with commas",
        json!(format!("connecting region={l}, {n}={v}, color={r}")),
    );
    case(
        "sentence",
        json!(format!(
            "The {} is: {v}\nRegion {l}, {r}.",
            n.replace(['_', '-'], " ")
        )),
    );
    case(
        "header",
        json!(format!(
            "GET /{l} HTTP/1.1\r\n{n}: {v}\r\nAccept: {r}\r\n\r\n"
        )),
    );
    case(
        "curl header",
        json!(format!("curl -H '{n}: {v}' https://example.com/{l}?q={r}")),
    );
    case(
        "quoted json in shell",
        json!(format!("curl -d '{{\"{n}\":\"{v}\",\"l\":\"{l}\"}}' {r}")),
    );
    if v.chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    {
        case(
            "query",
            json!(format!(
                "https://example.com/x?region={l}&{n}={v}&color={r}"
            )),
        );
        case("form", json!(format!("region={l}&{n}={v}&color={r}")));
        case(
            "form with brackets",
            json!(format!("user[region]={l}&user[{n}]={v}&color={r}")),
        );
    }
    case(
        "percent-encoded json",
        json!(format!(
            "q={}&r={r}",
            percent(&json!({"l": l, n: v}).to_string())
        )),
    );
    case(
        "html entities",
        json!(format!(
            "data='{}' {r}",
            json!({"l": l, n: v}).to_string().replace('"', "&quot;")
        )),
    );
    case(
        "go",
        json!(format!(
            "cfg := Config{{Region: \"{l}\", {}: \"{v}\"}} // {r}",
            n.replace('-', "_")
        )),
    );
    case(
        "multipart",
        json!(format!(
            "--x\r\nContent-Disposition: form-data; name=\"{n}\"\r\n\r\n{v}\r\n--x\r\nContent-Disposition: form-data; name=\"l\"\r\n\r\n{l}\r\n--x-- {r}"
        )),
    );
    case("csv", json!(format!("region,{n},color\n{l},{v},{r}\n")));
    cases
}
