//! The intent of a call: asked for, read, and taken out before the tool sees it.

use mcp_usage::{Destination, intent};
use rmcp::model::Tool;
use serde_json::{Value, json};

use super::server::*;
use crate::support::{
    KEY, PATIENCE, builder, builder_for, endpoint_of, ingest, mcpeye, otlp, posthog,
};

async fn listed<H: rmcp::ServerHandler>(server: H) -> Vec<Tool> {
    let (client, _serving) = over_stream(server, modern()).await;
    client.list_all_tools().await.unwrap()
}

#[tokio::test]
async fn a_listing_differs_by_the_property_alone() {
    let kept = Kept::new();
    let plain = listed(Shop::new()).await;
    let off = listed(kept.usage.instrument(Shop::new()).intent(false)).await;
    assert_eq!(off, plain);

    let on = listed(kept.usage.instrument(Shop::new())).await;
    assert_eq!(on.len(), plain.len());
    for (on, plain) in on.iter().zip(&plain) {
        let mut on = serde_json::to_value(on).unwrap();
        let plain = serde_json::to_value(plain).unwrap();
        let properties = on["inputSchema"]["properties"].as_object_mut().unwrap();
        if !["draw", "strict"].contains(&plain["name"].as_str().unwrap()) {
            let ours = properties.shift_remove("prompt");
            assert_eq!(ours, Some(intent::schema()), "{plain}");
        }
        if plain["inputSchema"].get("properties").is_none() {
            assert!(properties.is_empty());
            on["inputSchema"]
                .as_object_mut()
                .unwrap()
                .shift_remove("properties");
        }
        assert_eq!(on, plain);
    }
}

#[tokio::test]
async fn an_intent_is_read_and_a_closed_tool_never_sees_it() {
    for (wire, name) in [(mcp_usage::Wire::Reo, "prompt"), (mcpeye(), "mcpeyeIntent")] {
        let kept = Kept::on(wire);
        let (client, _serving) = over_stream(kept.usage.instrument(Shop::new()), legacy()).await;
        let mut arguments = json!({"text": "hi"});
        arguments[name] = json!("to greet rachel@example.com");
        assert_eq!(call(&client, "closed", arguments).await, "hi");
        let calls = kept.calls().await;
        let (told, captured) = match name {
            "prompt" => (
                &calls[0]["meta"]["prompt"],
                &calls[0]["meta"]["tool_arguments"],
            ),
            _ => (&calls[0]["intent"], &calls[0]["arguments"]),
        };
        assert_eq!(told, "to greet [REDACTED_EMAIL]");
        assert_eq!(captured, &json!({"text": "hi"}));
    }
}

/// The others get the intent, too, each in its own place.
#[tokio::test]
async fn the_first_of_several_destinations_names_the_argument() {
    use mcp_usage::Wire;
    for (first, second, name) in [
        (Wire::Reo, mcpeye(), "prompt"),
        (mcpeye(), Wire::Reo, "mcpeyeIntent"),
        (posthog(), otlp(), "context"),
        (otlp(), posthog(), "prompt"),
    ] {
        let ingests = [ingest(), ingest()];
        let also = mcp_usage::Destination::new(second.clone()).api_key(KEY);
        let also = also.endpoint(endpoint_of(&ingests[1], &second));
        let usage = builder_for(&ingests[0], &first).also(also).build().unwrap();
        let (client, _serving) = over_stream(usage.instrument(Shop::new()), legacy()).await;
        let mut arguments = json!({"text": "hi"});
        arguments[name] = json!("to greet rachel@example.com");
        assert_eq!(call(&client, "closed", arguments).await, "hi");
        usage.flush(PATIENCE).await.unwrap();
        for ingest in &ingests {
            let delivered = ingest.delivered().into_iter();
            let calls: Vec<_> = delivered.filter(|event| event.tool().is_some()).collect();
            assert_eq!(calls.len(), 1, "{first:?}");
            let told = calls[0].json.to_string();
            assert!(
                told.contains("to greet [REDACTED_EMAIL]"),
                "{first:?}: {told}"
            );
            // It is none of the tool's arguments.
            let arguments = calls[0].arguments().map(ToString::to_string);
            assert!(
                !arguments.unwrap().contains("to greet"),
                "{first:?}: {told}"
            );
        }
    }
}

#[tokio::test]
async fn a_tool_keeps_a_property_of_that_name() {
    let kept = Kept::new();
    let (client, _serving) = over_stream(kept.usage.instrument(Shop::new()), legacy()).await;
    assert_eq!(
        call(&client, "draw", json!({"prompt": "a cat"})).await,
        "a cat"
    );
    let calls = kept.calls().await;
    let meta = kept.only(&calls);
    assert_eq!(meta.get("prompt"), None);
    assert_eq!(meta["tool_arguments"], json!({"prompt": "a cat"}));
}

#[tokio::test]
async fn a_server_that_cannot_look_tools_up_is_asked_for_their_list() {
    let kept = Kept::new();
    let own = json!({"type": "object", "properties": {"prompt": {"type": "string"}}});
    let mut server = ByHand::new([("plain", json!({"type": "object"})), ("own", own)]);
    server.first_page = 1;
    let instrumented = kept.usage.instrument(server);
    let (client, _serving) = over_stream(instrumented, legacy()).await;
    let arguments = || json!({"prompt": "why", "a": 1});
    assert_eq!(call(&client, "plain", arguments()).await, r#"{"a":1}"#);
    let kept_as_is = r#"{"prompt":"why","a":1}"#;
    assert_eq!(call(&client, "own", arguments()).await, kept_as_is);
    // One that is in no list was given no property.
    assert_eq!(call(&client, "hidden", arguments()).await, kept_as_is);
    let calls = kept.calls().await;
    let prompts: Vec<_> = calls
        .iter()
        .map(|call| call["meta"].get("prompt"))
        .collect();
    assert_eq!(prompts, [Some(&json!("why")), None, None]);
}

#[tokio::test]
async fn an_intent_of_the_servers_own_is_read_and_left_to_it() {
    let kept = Kept::new();
    let (client, _serving) = over_stream(kept.usage.instrument(Shop::new()), legacy()).await;
    let arguments = json!({"q": "x", "intent": "wanted csv export"});
    assert_eq!(
        call(&client, "native", arguments).await,
        "x wanted csv export"
    );
    let arguments = json!({"q": "x", "intent": "theirs", "prompt": "ours"});
    assert_eq!(call(&client, "native", arguments).await, "x theirs");
    let calls = kept.calls().await;
    let meta = &calls[0]["meta"];
    assert_eq!(meta["prompt"], "wanted csv export");
    assert_eq!(meta["intent_source"], "native");
    assert_eq!(meta["tool_arguments"], json!({"q": "x"}));
    let meta = &calls[1]["meta"];
    assert_eq!(meta["prompt"], "ours");
    assert_eq!(meta["intent_source"], "mcpeye");
    assert_eq!(
        meta["tool_arguments"],
        json!({"q": "x", "intent": "theirs"})
    );
}

#[tokio::test]
async fn a_native_intent_may_be_named_but_not_a_sensitive_one() {
    let schema = json!({"type": "object", "properties": {
        "goal": {"type": "string"}, "api_key": {"type": "string"},
    }});
    for (name, told) in [("goal", Some("sell more")), ("api_key", None)] {
        let kept = Kept::new();
        let server = ByHand::new([("plan", schema.clone())]);
        let server = kept.usage.instrument(server).native_intent(name);
        let (client, _serving) = over_stream(server, legacy()).await;
        let arguments = json!({"goal": "sell more", "api_key": "not for you"});
        call(&client, "plan", arguments).await;
        let calls = kept.calls().await;
        let prompt = kept.only(&calls).get("prompt").and_then(Value::as_str);
        assert_eq!(prompt, told);
        assert!(!calls[0].to_string().contains("not for you"));
    }
}

#[tokio::test]
async fn a_property_that_the_server_publishes_itself_is_read_and_left_to_it() {
    let kept = Kept::new();
    let mut schema = json!({"type": "object", "properties": {}});
    schema["properties"]["prompt"] = intent::schema();
    let server = kept.usage.instrument(ByHand::new([("tool", schema)]));
    let (client, _serving) = over_stream(server, legacy()).await;
    let echoed = call(&client, "tool", json!({"prompt": "why", "a": 1})).await;
    assert_eq!(echoed, r#"{"prompt":"why","a":1}"#);
    let calls = kept.calls().await;
    assert_eq!(kept.only(&calls)["prompt"], "why");
    assert_eq!(kept.only(&calls)["tool_arguments"], json!({"a": 1}));
}

#[tokio::test]
async fn a_missing_capability_is_noted_and_answered_here() {
    let kept = Kept::new();
    let mut server = ByHand::new(["a", "b"].map(|name| (name, json!({"type": "object"}))));
    server.first_page = 1;
    let server = kept.usage.instrument(server).missing_capability(true);
    let (client, _serving) = over_stream(server, legacy()).await;
    let tools = client.list_all_tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
    // Once, and on the last page.
    assert_eq!(names, ["a", "b", "request_missing_capability"]);
    let asks = json!({"capability": "export as PDF", "context": "monthly report"});
    let answer = call(&client, "request_missing_capability", asks.clone()).await;
    assert!(answer.starts_with("Noted"), "{answer}");
    call(&client, "request_missing_capability", empty_object()).await;
    let calls = kept.calls().await;
    assert_eq!(calls[0]["meta"]["tool_arguments"], asks);
    assert_eq!(calls[0]["meta"]["outcome"], "ok");
    assert_eq!(calls[1]["meta"]["outcome"], "tool_error");
    for call in calls {
        assert_eq!(call["meta"]["missing_capability"], true);
    }
}

#[tokio::test]
async fn intents_and_missing_capabilities_have_posthogs_names_on_its_wire() {
    let kept = Kept::on(posthog());
    let server = ByHand::new([("tool", json!({"type": "object", "properties": {"a": {}}}))]);
    let server = kept.usage.instrument(server).missing_capability(true);
    let (client, _serving) = over_stream(server, legacy()).await;
    let tools = client.list_all_tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(names, ["tool", "get_more_tools"]);
    let properties = &tools[0].input_schema["properties"];
    assert_eq!(properties[intent::POSTHOG_NAME], intent::schema());
    let echoed = call(&client, "tool", json!({"context": "why", "a": 1})).await;
    assert_eq!(echoed, r#"{"a":1}"#);
    let asks = json!({"capability": "export as PDF", "context": "monthly report"});
    call(&client, "get_more_tools", asks).await;

    let events = kept.events().await;
    let said = |name: &str| {
        let mut events = events.iter();
        let found = events.find(|event| event["event"] == name);
        found.unwrap_or_else(|| panic!("{name}"))["properties"].clone()
    };
    let tool = said("$mcp_tool_call");
    assert_eq!(tool["$mcp_intent"], "why");
    assert_eq!(tool["$mcp_intent_source"], "context_parameter");
    let arguments = &tool["$mcp_parameters"]["request"]["params"]["arguments"];
    assert_eq!(arguments, &json!({"a": 1}));
    let missing = said("$mcp_missing_capability");
    for (name, value) in [
        ("$mcp_intent", json!("export as PDF\n\nmonthly report")),
        ("$mcp_intent_source", json!("context_parameter")),
        ("$mcp_resource_name", json!("get_more_tools")),
        ("$mcp_is_error", json!(false)),
    ] {
        assert_eq!(missing[name], value, "{name}");
    }
    for name in [
        "$mcp_parameters",
        "$mcp_tool_name",
        "mcp_usage_missing_capability",
    ] {
        assert_eq!(missing.get(name), None, "{name}");
    }
}

/// The first destination's wire names the tool; on PostHog a call of it is no call of a tool of the server's.
#[tokio::test]
async fn a_missing_capability_is_told_from_a_tool_of_the_same_name_at_every_destination() {
    let [first, second, third] = [(); 3].map(|()| ingest());
    let posthog = Destination::new(posthog())
        .endpoint(second.posthog_url())
        .api_key(KEY);
    let spans = Destination::new(otlp())
        .endpoint(third.otlp_url())
        .api_key(KEY);
    let usage = builder(&first).also(posthog).also(spans).build().unwrap();
    let schema = || json!({"type": "object"});
    let server = ByHand::new([("get_more_tools", schema())]);
    let server = usage.instrument(server).missing_capability(true);
    let (client, _serving) = over_stream(server, legacy()).await;
    client.list_all_tools().await.unwrap();
    let asks = json!({"capability": "export as PDF"});
    call(&client, "get_more_tools", asks.clone()).await;
    call(&client, "request_missing_capability", asks.clone()).await;
    usage.shutdown(PATIENCE).await;

    let payloads = first.delivered().into_iter().map(|event| event.json);
    let marks = payloads.filter(|event| event["activity_type"] == "MCP_TOOL_CALL");
    let marks = marks.map(|event| event["meta"].get("missing_capability").cloned());
    assert_eq!(marks.collect::<Vec<_>>(), [None, Some(json!(true))]);
    let events = second.delivered().into_iter().map(|event| event.json);
    let calls = events.filter(|event| event["properties"].get("$mcp_resource_name").is_some());
    let calls: Vec<_> = calls.collect();
    let names = calls.iter().map(|event| event["event"].as_str().unwrap());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["$mcp_tool_call", "$mcp_missing_capability"]
    );
    let arguments = &calls[0]["properties"]["$mcp_parameters"]["request"]["params"]["arguments"];
    assert_eq!(arguments, &asks);
    assert_eq!(calls[1]["properties"]["$mcp_intent"], "export as PDF");
    let spans = third.delivered();
    let calls = spans.iter().filter(|span| span.tool().is_some());
    let marks = calls.map(|span| span.meta("missing_capability").cloned());
    assert_eq!(marks.collect::<Vec<_>>(), [None, Some(json!(true))]);
}

#[tokio::test]
async fn a_server_keeps_its_own_tool_for_missing_capabilities() {
    let kept = Kept::on(mcpeye());
    let schema = json!({"type": "object"});
    let server = ByHand::new([("mcpeye_request_capability", schema)]);
    let server = kept.usage.instrument(server).missing_capability(true);
    let (client, _serving) = over_stream(server, legacy()).await;
    assert_eq!(client.list_all_tools().await.unwrap().len(), 1);
    let answer = call(
        &client,
        "mcpeye_request_capability",
        json!({"capability": "x"}),
    )
    .await;
    assert_eq!(answer, r#"{"capability":"x"}"#);
}
