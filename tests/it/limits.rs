//! How much of an event is kept, and that a huge one costs no more than a large one.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use mcp_usage::limits::Limits;
use mcp_usage::{CallOutcome, ToolCall, Wire};
use serde::Serialize;
use serde::ser::SerializeSeq;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::support::{arrival, arrivals, mcpeye, said, wires};

/// What is sent of a value that is given as arguments: as a tree, as text, and by a guard.
fn sent(value: &Value) -> Value {
    let raw: Box<RawValue> = serde_json::value::to_raw_value(value).unwrap();
    let tree = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("t").arguments(value));
        },
    );
    let text = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("t").arguments(&raw));
        },
    );
    let guard = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage
                .start_tool_call(ToolCall::new("t").arguments(value))
                .finish(CallOutcome::Ok);
        },
    );
    for other in [&text, &guard] {
        for key in [
            "tool_arguments",
            "tool_argument_keys",
            "tool_argument_key_count",
        ] {
            assert_eq!(tree["meta"].get(key), other["meta"].get(key), "{key}");
        }
    }
    tree["meta"].clone()
}

fn arguments(value: &Value) -> Value {
    sent(value)["tool_arguments"].clone()
}

/// Nested objects, so many of them within one another.
fn nest(levels: usize, key: &str) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!({key: inner}))
}

#[test]
fn strings_are_cut_to_their_limits() {
    let x = |n: usize| "é ".repeat(n / 2 + 1).chars().take(n).collect::<String>();
    let cut = |n: usize| format!("{}...", x(n - 3));
    let meta = sent(&json!({
        "fits": x(4_000), "long": x(4_001), "query": x(1_201), "fitting": {"query": x(1_200)},
        "nested": {"query": x(5_000)}, "list": [x(4_001)],
    }));
    assert_eq!(
        meta["tool_arguments"],
        json!({
            "fits": x(4_000), "long": cut(4_000), "query": cut(1_200), "fitting": {"query": x(1_200)},
            "nested": {"query": cut(1_200)}, "list": [cut(4_000)],
        })
    );
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(
                ToolCall::new(x(300))
                    .prompt(x(6_001))
                    .error(x(2_001))
                    .client_name(x(257))
                    .result(&json!({"query": x(1_300)}))
                    .user_agent(x(300)),
            );
        },
    );
    let meta = &event["meta"];
    assert_eq!(meta["tool"], cut(256));
    assert_eq!(meta["prompt"], cut(6_000));
    assert_eq!(meta["error"], cut(2_000));
    assert_eq!(meta["client_name"], cut(256));
    assert_eq!(event["user_agent"], cut(256));
    assert_eq!(
        meta["result"]["query"],
        x(1_300),
        "the limit of queries is for arguments"
    );
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new(x(256)).prompt(x(6_000)).error(x(2_000)));
        },
    );
    assert_eq!(event["meta"]["prompt"], x(6_000));
    assert_eq!(event["meta"]["error"], x(2_000));
    assert_eq!(event["meta"]["tool"], x(256));
}

#[test]
fn lists_and_objects_keep_their_first_entries() {
    let object = |keys: usize| -> Value {
        (0..keys)
            .map(|n| (format!("k{n}"), json!(n)))
            .collect::<Map<_, _>>()
            .into()
    };
    let with = |mut object: Value, omitted: usize| {
        object["_truncated_keys"] = omitted.into();
        object
    };
    assert_eq!(arguments(&object(80)), object(80));
    assert_eq!(arguments(&object(81)), with(object(80), 1));
    assert_eq!(arguments(&object(102)), with(object(80), 22));
    assert_eq!(
        arguments(&json!({"n": object(200)})),
        json!({"n": object(200)})
    );
    assert_eq!(
        arguments(&json!({"n": object(201)})),
        json!({"n": with(object(200), 1)})
    );
    let list: Vec<usize> = (0..60).collect();
    assert_eq!(arguments(&json!({"l": list})), json!({"l": list[..50]}));
    assert_eq!(
        arguments(&json!({"l": list[..50]})),
        json!({"l": list[..50]})
    );
    assert_eq!(
        arguments(&json!({"l": [list, list]})),
        json!({"l": [list[..50], list[..50]]})
    );
    assert_eq!(
        arguments(&json!({"e": [], "o": {}, "s": ""})),
        json!({"e": [], "o": {}, "s": ""})
    );
    // An object with its own key of that name is not damaged.
    let own = json!({"_truncated_keys": "mine", "a": 1});
    assert_eq!(arguments(&own), own);
}

#[test]
fn a_key_given_by_the_user_that_is_ours_too_does_not_make_two() {
    let mut object: Map<String, Value> = (0..100).map(|n| (format!("k{n}"), json!(n))).collect();
    object.shift_insert(0, "_truncated_keys".to_owned(), json!("mine"));
    // The mock refuses a key that stands twice in one object.
    arguments(&Value::from(object));
}

#[test]
fn what_is_too_deep_is_a_mark() {
    // The arguments themselves are level 0; six more fit, as in the Python SDK's count.
    assert_eq!(arguments(&nest(7, "k")), nest(7, "k"));
    let mut expected = json!("[max depth]");
    for _ in 0..7 {
        expected = json!({"k": expected});
    }
    for levels in [8, 20, 100] {
        assert_eq!(arguments(&nest(levels, "k")), expected, "{levels}");
    }
    let lists = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let sent = arguments(&json!({"l": lists})).to_string();
    assert!(sent.contains("[max depth]"), "{sent}");
    assert_eq!(sent.matches('[').count(), 7, "{sent}");
}

#[test]
fn a_depth_beyond_any_stack_is_passed_over() {
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            // Not through serde_json's parser, which has a limit of its own.
            let raw = Text { text: deep.clone() };
            usage.log_usage(ToolCall::new("t").result(&raw));
        },
    );
    let sent = event["meta"]["result"].to_string();
    assert!(sent.contains("[max depth]"), "{sent}");
}

/// Text that serde_json's private convention presents as JSON.
#[derive(Serialize)]
#[serde(rename = "$serde_json::private::RawValue")]
struct Text {
    #[serde(rename = "$serde_json::private::RawValue")]
    text: String,
}

#[test]
fn an_overlong_meta_loses_the_result_first_then_the_arguments_then_their_names() {
    let words = |bytes: usize| "some words ".repeat(bytes / 11);
    let fields = |count: usize, bytes: usize| -> Value {
        (0..count)
            .map(|n| (format!("field_{n}"), json!(words(bytes))))
            .collect::<Map<_, _>>()
            .into()
    };
    let meta = |arguments: &Value, result: &Value| {
        let event = arrival(
            &Wire::Reo,
            |b| b,
            |usage| {
                usage.log_usage(
                    ToolCall::new("t")
                        .prompt("p")
                        .arguments(arguments)
                        .result(result),
                );
            },
        );
        said(&event)
    };
    // Both fit.
    let (small, large) = (fields(3, 3_000), fields(8, 3_900));
    assert_eq!(
        meta(&small, &small),
        json!({"tool": "t", "prompt": "p", "tool_arguments": small, "result": small})
    );
    // The result goes first.
    let sent = meta(&small, &large);
    assert_eq!(sent["tool_arguments"], small);
    assert_eq!(sent["result"], "[truncated]");
    // Then the arguments become their names.
    let sent = meta(&large, &json!("small"));
    assert_eq!(sent.get("tool_arguments"), None);
    let names: Vec<String> = (0..8).map(|n| format!("field_{n}")).collect();
    assert_eq!(sent["tool_argument_keys"], json!(names));
    assert_eq!(sent["result"], "small");
    // Then their number.
    let long_names: Value = (0..150)
        .map(|n| (format!("{n:0>200}"), json!(words(200))))
        .collect::<Map<_, _>>()
        .into();
    let sent = meta(&long_names, &large);
    assert_eq!(sent.get("tool_argument_keys"), None);
    assert_eq!(sent["tool_argument_key_count"], 150);
    assert_eq!((&sent["tool"], &sent["prompt"]), (&json!("t"), &json!("p")));
    for sent in [
        meta(&small, &small),
        meta(&large, &large),
        meta(&long_names, &large),
    ] {
        assert!(
            sent.to_string().len() <= 24_000,
            "{}",
            sent.to_string().len()
        );
    }
}

#[test]
fn overlong_arguments_become_their_names_on_mcpeye_too() {
    let words = "some words ".repeat(350);
    let large: Value = (0..8)
        .map(|n| (format!("field_{n}"), json!(words)))
        .collect::<Map<_, _>>()
        .into();
    let event = arrival(
        &mcpeye(),
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("t").arguments(&large).result(&large));
        },
    );
    let names: Vec<String> = (0..8).map(|n| format!("field_{n}")).collect();
    assert_eq!(event["arguments"], json!({"tool_argument_keys": names}));
    assert_eq!(event["result"], "[truncated]");
}

#[test]
fn texts_stay_within_their_limits_when_marks_are_longer_than_what_they_hide() {
    let mails = "a@b.co ".repeat(2_000);
    for (name, wire) in wires() {
        let event = arrival(
            &wire,
            |b| b,
            |usage| {
                usage.log_usage(ToolCall::new("t").prompt(&*mails).error(&*mails));
            },
        );
        assert!(!event.to_string().contains("a@b"), "{name}");
    }
}

#[test]
fn arguments_that_are_no_object_are_sent_within_one() {
    for value in [json!([1, 2]), json!("text"), json!(7), json!(true)] {
        for wire in [Wire::Reo, Wire::ReoBatch, mcpeye()] {
            let events = arrivals(
                &wire,
                |b| b,
                |usage| {
                    usage.log_usage(ToolCall::new("t").arguments(&value));
                },
            );
            assert_eq!(
                events[0].arguments().unwrap(),
                &json!({"value": value}),
                "{wire:?}"
            );
        }
    }
}

#[test]
fn binary_content_is_named_and_not_sent() {
    let png = format!("iVBORw0KGgo{}", "QUJD".repeat(2_000));
    let plain = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo1Njc4".repeat(50);
    let value = json!({
        "content": [
            {"type": "image", "data": png, "mimeType": "image/png"},
            {"type": "audio", "data": plain},
            {"type": "resource", "resource": {"uri": "file:///x", "blob": plain}},
        ],
        "url": format!("data:image/webp;base64,{}", "QUJD".repeat(2_000)),
        "text": "iVBORw0KGgo is how they begin",
        "data": "short",
    });
    let sent = arguments(&value);
    assert_eq!(sent["content"][0]["data"], "[image/png, 6006 bytes]");
    assert_eq!(
        sent["content"][1]["data"],
        format!("[binary, {} bytes]", plain.len() / 4 * 3)
    );
    assert_eq!(
        sent["content"][2]["resource"]["blob"],
        sent["content"][1]["data"]
    );
    assert_eq!(sent["url"], "[image/webp, 6000 bytes]");
    assert_eq!(
        (&sent["text"], &sent["data"]),
        (&value["text"], &value["data"])
    );
    // What serde is told are bytes.
    struct Bytes(Vec<u8>);
    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }
    let event = arrival(
        &Wire::Reo,
        |b| b,
        |usage| {
            usage.log_usage(ToolCall::new("t").result(&Bytes(vec![0; 70_000])));
        },
    );
    assert_eq!(event["meta"]["result"], "[binary, 70000 bytes]");
}

#[test]
fn limits_may_be_changed() {
    let limits = Limits::default()
        .max_prompt_chars(20)
        .max_query_chars(30)
        .max_string_chars(40)
        .max_error_chars(50)
        .max_list_items(2)
        .max_top_keys(3)
        .max_nested_keys(4)
        .max_depth(2);
    let words = "w ".repeat(100);
    let object = |keys: usize| -> Value {
        (0..keys)
            .map(|n| (format!("k{n}"), json!(n)))
            .collect::<Map<_, _>>()
            .into()
    };
    let value = json!({"query": words, "list": [words, 2, 3], "nested": {"o": object(9), "d": {"e": {"f": 1}}}, "x": 1});
    let event = arrival(
        &Wire::Reo,
        |b| b.limits(limits),
        |usage| {
            usage.log_usage(
                ToolCall::new("t")
                    .prompt(&*words)
                    .error(&*words)
                    .arguments(&value),
            );
        },
    );
    let meta = &event["meta"];
    let length = |value: &Value| value.as_str().unwrap().len();
    assert_eq!((length(&meta["prompt"]), length(&meta["error"])), (20, 50));
    let sent = &meta["tool_arguments"];
    assert_eq!((length(&sent["query"]), length(&sent["list"][0])), (30, 40));
    assert_eq!(sent["list"].as_array().unwrap().len(), 2);
    assert_eq!(sent["_truncated_keys"], 1);
    assert_eq!(sent["nested"]["o"]["_truncated_keys"], 5);
    assert_eq!(sent["nested"]["d"], json!({"e": "[max depth]"}));
}

// ---- bounded work ----

/// A list of rows that counts how many of its values anybody looked at.
struct Rows<'a> {
    rows: usize,
    visited: &'a AtomicUsize,
}

struct Row<'a>(usize, &'a AtomicUsize);

impl Serialize for Rows<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.rows))?;
        for n in 0..self.rows {
            // Also counts rows that are offered and not looked at.
            self.visited.fetch_add(1, Relaxed);
            seq.serialize_element(&Row(n, self.visited))?;
        }
        seq.end()
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(8))?;
        for n in 0..8 {
            self.1.fetch_add(1, Relaxed);
            seq.serialize_element(&format!("row {} column {n}", self.0))?;
        }
        seq.end()
    }
}

#[test]
fn a_ten_megabyte_result_is_visited_no_more_than_three_times_as_much_as_a_small_one() {
    let visits = |rows: usize| {
        let visited = AtomicUsize::new(0);
        let value = Rows {
            rows,
            visited: &visited,
        };
        let event = arrival(
            &Wire::Reo,
            |b| b,
            |usage| {
                usage.log_usage(ToolCall::new("t").result(&value));
            },
        );
        assert_eq!(
            event["meta"]["result"].as_array().unwrap().len(),
            rows.min(50)
        );
        visited.into_inner()
    };
    // About 160 bytes a row.
    let (small, huge) = (visits(150), visits(65_000));
    assert!(
        huge <= 3 * small,
        "{huge} visits of 10 MB, {small} of 24 KB"
    );
}

#[test]
fn huge_texts_are_left_when_their_limits_are_reached() {
    // The time it takes is a matter of a bench; here: one text of each shape, and what is kept.
    let huge = 10 * 1024 * 1024;
    for (text, kept) in [
        (format!("[\"{}\"]", "x".repeat(huge)), "..."),
        (format!("[[{}1]]", "1,".repeat(huge / 2)), "[1,1"),
        (format!("{{\"a\":1,\"b\":{}}}", "9".repeat(huge)), ""),
        (format!("[1{}]", " ".repeat(huge)), ""),
        (format!("[\"{}\"]", "\\u0041".repeat(huge / 6)), "AAA"),
    ] {
        let raw = Text { text };
        let event = arrival(
            &Wire::Reo,
            |b| b,
            |usage| {
                usage.log_usage(ToolCall::new("t").result(&raw));
            },
        );
        let sent = event["meta"]["result"].to_string();
        assert!(sent.contains(kept) && sent.len() < 30_000, "{sent:.200}");
    }
}

#[test]
fn a_huge_object_is_left_when_its_limits_are_reached() {
    struct Keys<'a>(usize, &'a AtomicUsize);
    impl Serialize for Keys<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            for n in 0..self.0 {
                self.1.fetch_add(1, Relaxed);
                map.serialize_entry(&format!("key {n}"), &n)?;
            }
            map.end()
        }
    }
    for wire in [Wire::Reo, mcpeye()] {
        let visited = AtomicUsize::new(0);
        let value = Keys(1_000_000, &visited);
        arrival(
            &wire,
            |b| b,
            |usage| {
                usage.log_usage(ToolCall::new("t").arguments(&value));
            },
        );
        assert!(visited.load(Relaxed) < 2_000, "{visited:?}");
    }
}
