use std::collections::HashMap;

use super::frame::{Frame, Page, Project};
use super::{
    calls, check, clients, connect, intents, logins, overview, people, person, quality, session,
    sessions, tool, tools,
};
use crate::query::fixture::{DAY, Fixture, MINUTE, NOW, PROJECT, call, event, failed};
use crate::query::{self, Period, Range};
use crate::record::{Class, Kind, Outcome, Record, User};

const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)//@evil.example",
    "\u{202e}gnp.exe\u{2066}@evil.example",
    "nul\0 bell\u{7}\u{200b}@evil.example",
    "</td></table><h1>Owned</h1>@evil.example",
    "=HYPERLINK(\"http://evil.example\")",
    "-->]]>{{7*7}}&lt;&#0;&amp;",
];

fn frame(page: Page, period: Period) -> Frame {
    let project = Project {
        segment: "1".to_owned(),
        name: HOSTILE[0].to_owned(),
    };
    let other = Project {
        segment: "2".to_owned(),
        name: HOSTILE[4].to_owned(),
    };
    Frame {
        base: "/usage".to_owned(),
        projects: vec![project.clone(), other],
        project,
        page,
        period,
        may_change: true,
        csrf: "token".to_owned(),
        last_event_ms: Some(NOW - MINUTE),
        lost: 51,
        left_out: 7,
        raw_days: 90,
    }
}

/// Every page of a database, as it is without an address's filter and with one of each.
fn pages(fixture: &Fixture, range: Range, of: &str, has_events: bool) -> Vec<(String, String)> {
    let period = range.until(NOW);
    let db = &fixture.db;
    let frame = |page| Frame {
        last_event_ms: has_events.then_some(NOW - MINUTE),
        ..frame(page, period)
    };
    let mut shown = Vec::new();
    let mut show =
        |name: &str, page: maud::Markup| shown.push((name.to_owned(), page.into_string()));
    let data = query::overview::overview(db, PROJECT, &period).unwrap();
    show(
        "overview",
        overview::overview(&frame(Page::Overview), &data),
    );
    show(
        "overview, stopped",
        overview::too_slow(&frame(Page::Overview)),
    );
    let asked = |pairs: &[(&str, &str)]| -> HashMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    for query in [
        vec![],
        vec![("q", of)],
        vec![("show", "gone"), ("domain", of)],
        vec![
            ("tool", of),
            ("outcome", "failed"),
            ("client", of),
            ("cluster", "1"),
        ],
    ] {
        let filter = query::people::Filter::of_query(&asked(&query));
        let data = query::people::people(db, PROJECT, &period, &filter).unwrap();
        show(
            "people",
            people::people(&frame(Page::People), &filter, &data),
        );
    }
    for query in [
        vec![],
        vec![("q", of)],
        vec![("user", of), ("client", of), ("show", "ended")],
    ] {
        let filter = query::sessions::Filter::of_query(&asked(&query));
        let data = query::sessions::sessions(db, PROJECT, &period, &filter).unwrap();
        show(
            "sessions",
            sessions::sessions(&frame(Page::Sessions), &filter, &data),
        );
    }
    for query in [
        vec![],
        vec![("q", of)],
        vec![
            ("user", of),
            ("tool", of),
            ("session", of),
            ("intent", of),
            ("since", "1"),
            ("until", "2"),
            ("min", "3"),
        ],
        vec![
            ("kind", "refused"),
            ("reason", of),
            ("client", of),
            ("version", of),
            ("release", of),
        ],
        vec![("kind", "missing")],
        vec![
            ("kind", "custom"),
            ("include", "all"),
            ("protocol", of),
            ("error", of),
            ("outcome", "dropped"),
        ],
    ] {
        let filter = query::calls::Filter::of_query(&asked(&query));
        let data = query::calls::calls(db, PROJECT, &period, &filter, None).unwrap();
        let key = query::calls::Key::of_text("5,5");
        show(
            "calls",
            calls::calls(&frame(Page::Calls), &filter, None, &data),
        );
        show(
            "calls, later",
            calls::calls(&frame(Page::Calls), &filter, key, &data),
        );
    }
    let kinds = person::Kinds::of_query(&asked(&[("kinds", "1"), ("call", "1")]));
    let all = person::Kinds::of_query(&asked(&[]));
    if let Some(data) = query::person::person(db, PROJECT, &period, of, None).unwrap() {
        for kinds in [&kinds, &all] {
            show(
                "person",
                person::person(&frame(Page::Person), kinds, None, &data),
            );
        }
    }
    show("nobody", person::missing(&frame(Page::Person), of));
    let domain = of.rsplit_once('@').map_or(of, |(_, domain)| domain);
    if let Some(data) = query::person::company(db, PROJECT, &period, domain, None).unwrap() {
        show(
            "company",
            person::company(&frame(Page::Company), &all, None, &data),
        );
    }
    let read = |at| query::session::session(db, PROJECT, of, at).unwrap();
    for step in 0..9 {
        if let Some(data) = read(query::session::At::Step(step)) {
            show("session", session::session(&frame(Page::Session), &data));
        }
    }
    show("no session", session::missing(&frame(Page::Session), of));
    let data = query::tools::tools(db, PROJECT, &period).unwrap();
    let never = query::tools::never_called(db, PROJECT, NOW).unwrap();
    show(
        "tools",
        tools::tools(&frame(Page::Tools), Some(&data), Some(&never), Some("-p95")),
    );
    let data = query::tool::tool(db, PROJECT, of, &period).unwrap();
    let looked = query::tool::look(db, PROJECT, of, &period).unwrap();
    show(
        "tool",
        tool::tool(&frame(Page::Tool), of, data.as_ref(), Some(&looked)),
    );
    show("no tool", tool::no_tool(&frame(Page::Tool), of));
    let filter = query::logins::Filter {
        reason: Some(of.to_owned()),
        ..query::logins::Filter::default()
    };
    let data = query::logins::logins(db, PROJECT, &period).unwrap();
    let newest = query::logins::newest_refusals(db, PROJECT, &period, &filter).unwrap();
    show(
        "logins",
        logins::logins(&frame(Page::Logins), Some(&data), Some(&newest), &filter),
    );
    let data = query::clients::clients(db, PROJECT, &period, true).unwrap();
    let left_out = query::clients::left_out(db, PROJECT, &period).unwrap();
    show(
        "clients",
        clients::clients(&frame(Page::Clients), Some(&data), Some(&left_out), true),
    );
    let data = query::quality::quality(db, PROJECT, &period).unwrap();
    show(
        "quality",
        quality::quality(&frame(Page::Quality), Some(&data)),
    );
    for cluster in [None, Some(1)] {
        let data = query::intents::intents(db, PROJECT, &period, cluster).unwrap();
        show(
            "intents",
            intents::intents(&frame(Page::Intents), Some(&data), cluster),
        );
    }
    let lights = query::connect::lights(db, PROJECT).unwrap();
    let url = "http://127.0.0.1:8787";
    show(
        "connect",
        connect::connect(&frame(Page::Connect), url, None, None, &lights),
    );
    shown
}

/// Of every kind, with the text in every field.
fn hostile(text: &str) -> Vec<Record> {
    let long = format!("{text}{}", "long ".repeat(2_000));
    let of = |record: Record| Record {
        user: Some(User {
            id: text.to_owned(),
            kind: text.to_owned(),
            email: Some(text.to_owned()).filter(|text| text.contains('@')),
        }),
        session: Some(text.to_owned()),
        instance: Some(text.to_owned()),
        client: Some(text.to_owned()),
        client_version: Some(text.to_owned()),
        class: Class::Unknown,
        release: Some(text.to_owned()),
        protocol: Some(text.to_owned()),
        tool: Some(text.to_owned()),
        error: Some(format!("{text} [REDACTED_EMAIL] [REDACTED_<b>]")),
        intent: Some(long.clone()),
        body: serde_json::json!({
            "arguments": { text: { text: [text, long] } },
            "result": text,
            "meta": { text: text },
            text: text,
        })
        .as_object()
        .unwrap()
        .clone(),
        ..record
    };
    let mut records = vec![of(failed(0, ""))];
    records.extend((0..6).map(|n| of(call(8 * DAY + n * MINUTE))));
    for kind in [
        Kind::Login,
        Kind::Identity,
        Kind::Refused,
        Kind::Listing,
        Kind::SessionStart,
        Kind::PromptGet,
        Kind::ResourceRead,
        Kind::Missing,
        Kind::Custom,
    ] {
        records.push(of(event(kind, MINUTE)));
        // As many as make a change.
        if matches!(kind, Kind::Refused | Kind::Missing) {
            records.extend((0..11).map(|n| of(event(kind, n * MINUTE))));
        }
    }
    for outcome in Outcome::ALL {
        records.push(Record {
            outcome,
            ..of(call(MINUTE))
        });
    }
    records
}

#[test]
fn a_page_names_one_tool_and_requests_as_people_do() {
    let wanted = |ago| Record {
        intent: Some("Sales by campaign".to_owned()),
        user: call(0).user,
        class: Class::Agent,
        ..event(Kind::Missing, ago)
    };
    let mut fixture = Fixture::with((1..13).map(|n| wanted(n * MINUTE)));
    fixture.take([call(MINUTE)]);
    let pages = pages(&fixture, Range::Week, "maya@example.com", true);
    for (name, html) in &pages {
        for bad in [
            "All 1 ",
            "All 0 ",
            " asks</a>",
            "failed asks",
            "Failed asks",
            "Asks<",
            "First ask",
            "first ask",
        ] {
            assert!(!html.contains(bad), "{bad} on {name}");
        }
    }
    let (_, overview) = &pages[0];
    for good in [
        "The one tool",
        "Latest failed requests",
        "12 requests</a>: <b>",
    ] {
        assert!(overview.contains(good), "{good}");
    }
}

#[test]
fn hostile_texts_are_texts_wherever_they_stand() {
    for text in HOSTILE {
        let fixture = Fixture::with(hostile(text));
        fixture
            .db
            .execute_batch(
                "INSERT INTO intent_cluster SELECT 1, 1, 1, text, 0 FROM intent LIMIT 1;
                 UPDATE intent SET cluster = 1 WHERE missing = 1;
                 INSERT INTO lost_day SELECT 1, 20784, id, text, 51 FROM instance;",
            )
            .unwrap();
        let pages = pages(&fixture, Range::Week, text, true);
        assert!(pages.iter().any(|(name, _)| name == "person"));
        assert!(pages.iter().any(|(name, _)| name == "session"));
        for (name, page) in pages {
            let elements = check::page(&page);
            assert!(elements.len() > 60, "{name}");
        }
    }
}

#[test]
fn an_empty_project_and_a_single_event_have_every_page() {
    let single = Fixture::with([call(MINUTE)]);
    for range in Range::ALL {
        for (name, page) in pages(&Fixture::new(), range, "s-1", false) {
            check::page(&page);
            assert!(
                name.starts_with("no")
                    || name.contains("stopped")
                    || page.contains("/usage/p/1/connect"),
                "{name}"
            );
        }
        for of in ["s-1", "maya@example.com"] {
            for (_, page) in pages(&single, range, of, true) {
                check::page(&page);
            }
        }
    }
}

#[test]
fn sampled_events_are_said_to_be() {
    let fixture = Fixture::with([Record {
        weight: 10.0,
        ..call(MINUTE)
    }]);
    let pages = pages(&fixture, Range::Week, "s-1", true);
    let said = |of: &str, words: &str| {
        assert!(
            pages
                .iter()
                .any(|(name, page)| name == of && page.contains(words)),
            "{of}: {words}"
        );
    };
    said("overview", "<span class=\"v\">10</span>");
    said("calls", "10 calls, 1 of them recorded");
    said("people", ">10</a>");
    said("session", "10 calls");
}

#[test]
fn what_is_missing_is_said_beside_the_sum() {
    let numbered = |n: i64| Record {
        instance: Some("i1".to_owned()),
        sequence: n.try_into().ok(),
        ..call(n * MINUTE)
    };
    let fixture = Fixture::with([1, 3, 4].map(numbered));
    let period = Range::Week.until(NOW);
    let data = query::quality::quality(&fixture.db, PROJECT, &period).unwrap();
    let page = quality::quality(&frame(Page::Quality, period), Some(&data)).into_string();
    assert!(
        page.contains("1 event is missing or still queued"),
        "{page}"
    );
    assert!(page.contains("<b>100"), "{page}");
}

#[test]
fn a_page_is_read_by_keyboard_and_without_a_script() {
    let fixture = Fixture::with([call(MINUTE), failed(2 * MINUTE, "no")]);
    for (name, page) in pages(&fixture, Range::Week, "s-1", true) {
        let elements = check::page(&page);
        let has = |name: &str, attribute: &str| {
            elements
                .iter()
                .any(|element| element.name == name && element.attributes.contains_key(attribute))
        };
        assert_eq!(
            elements
                .iter()
                .find(|element| element.name == "a")
                .unwrap()
                .attributes["href"],
            "#main",
            "{name}"
        );
        assert!(
            has("nav", "aria-label") && has("summary", "class") || page.contains("<summary>"),
            "{name}"
        );
        // A button outside of a form does nothing without the script, and is not there then.
        for button in elements.iter().filter(|element| element.name == "button") {
            let is_script = button
                .attributes
                .get("type")
                .is_some_and(|kind| kind == "button");
            let class = button.attributes.get("class").cloned().unwrap_or_default();
            assert_eq!(
                is_script,
                class.split(' ').any(|class| class == "js"),
                "{name}: {button:?}"
            );
        }
    }
}

#[test]
fn the_page_s_range_and_filter_are_in_its_links() {
    let period = Range::FourWeeks.until(NOW);
    let frame = frame(Page::Calls, period);
    assert_eq!(
        frame.link(Page::Tool).with("name", "x").to_string(),
        "/usage/p/1/tool?range=28d&name=x"
    );
    let filter = query::calls::Filter {
        tool: Some("a&b".to_owned()),
        ..query::calls::Filter::default()
    };
    let data = query::calls::Calls::default();
    let page = calls::calls(&frame, &filter, None, &data).into_string();
    assert!(
        page.contains("href=\"/usage/p/1/calls?tool=a%26b\">7 days"),
        "{page}"
    );
    assert!(page.contains("href=\"/usage/p/1/people?range=28d\""));
    assert!(page.contains("7 calls</a>"), "what is left out is said");
}
