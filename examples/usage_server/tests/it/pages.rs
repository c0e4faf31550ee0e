//! What the pages say.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use usage_server::record::{Kind, Listed, Outcome, Record, User};
use usage_server::web::session::Role;

use crate::browser::{MINUTE, NOW, Pages, call, event};
use crate::security::PAGES;

const DAY: i64 = 24 * 60 * MINUTE;

fn user(id: &str) -> Option<User> {
    Some(User {
        id: id.to_owned(),
        kind: "EMAIL".to_owned(),
        email: Some(id.to_owned()).filter(|id| id.contains('@')),
    })
}

#[tokio::test]
async fn each_page_of_an_empty_project_leads_to_the_first_event() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    for page in PAGES {
        let answer = admin.page(page).await;
        let name = page.split('?').next().unwrap();
        match name {
            "connect" | "settings" | "live" | "quality" => {
                assert_eq!(answer.status, StatusCode::OK, "{page}")
            }
            _ => assert_eq!(
                (answer.status, answer.location()),
                (StatusCode::SEE_OTHER, "/p/1/connect"),
                "{page}"
            ),
        }
    }
    let connect = admin.page("connect").await.text;
    let url = pages.site.url();
    for line in [
        format!("REO_CENSUS_MCP_ENDPOINT={url}/api/product/usage"),
        format!("MCPEYE_INGEST_URL={url}"),
        format!("{url}/v1/traces"),
        "Nothing arrives?".to_owned(),
        "Make a write key".to_owned(),
    ] {
        assert!(connect.contains(&line), "{line}");
    }
    assert_eq!(connect.matches("class=\"on\"").count(), 0);
    let made = admin.change("keys/new", &[("then", "connect")]).await.text;
    let (_, key) = made.split_once("REO_API_KEY=mu_").unwrap();
    assert!(made.contains(&format!("X-API-KEY: mu_{}", key.get(..48).unwrap())));
    pages.take(vec![call(0)]).await;
    assert_eq!(admin.page("").await.status, StatusCode::OK);
    assert_eq!(
        admin
            .page("connect")
            .await
            .text
            .matches("class=\"on\"")
            .count(),
        1
    );
}

#[tokio::test]
async fn what_is_not_there_is_said_within_the_frame() {
    let pages = Pages::start().await;
    pages.take(vec![call(0)]).await;
    let admin = pages.admin().await;
    let answer = admin.page("nothing").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(
        answer.text.contains("There is no such page")
            && answer.text.contains("aria-label=\"Main\"")
    );
    let answer = admin.page("forget").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(
        answer.text.contains("cannot be used that way")
            && answer.text.contains("aria-label=\"Main\"")
    );
    for page in ["person?id=nobody", "tool?name=nothing", "session?id=none"] {
        let answer = admin.page(page).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{page}");
        assert!(answer.text.contains("aria-label=\"Main\""), "{page}");
    }
    pages.run("DROP TABLE tool_def").await;
    let answer = admin.page("tools").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        answer.text.contains("Something went wrong") && answer.text.contains("aria-label=\"Main\"")
    );
    assert!(!answer.text.contains("tool_def"));
}

#[tokio::test]
async fn a_base_path_is_in_every_address_with_and_without_a_proxy_that_takes_it_off() {
    let pages = Pages::start_as(Some("http://usage.example.com/team"), false).await;
    pages.take(vec![call(0)]).await;
    let admin = pages.admin().await;
    for prefix in ["", "/team"] {
        for page in PAGES {
            let answer = admin.get(&format!("{prefix}/p/1/{page}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{prefix} {page}");
            for attribute in ["href=\"/", "action=\"/", "src=\"/"] {
                let bare = answer.text.match_indices(attribute).find(|(at, _)| {
                    let rest = answer.text.get(at + attribute.len()..).unwrap();
                    !rest.starts_with("team/")
                });
                assert_eq!(bare, None, "{prefix} {page}");
            }
        }
    }
    let home = admin.with("host", "usage.example.com").get("/team/").await;
    assert_eq!(
        (home.status, home.location()),
        (StatusCode::SEE_OTHER, "/team/p/1/")
    );
}

#[tokio::test]
async fn assets_are_kept_under_their_version() {
    let pages = Pages::start().await;
    let shown = pages.stranger().get("/sign-in").await.text;
    for name in ["style.css", "app.js", "icon.svg"] {
        let (_, rest) = shown.split_once(&format!("/assets/{name}")).unwrap();
        let address = format!("/assets/{name}{}", rest.split('"').next().unwrap());
        let kept = pages.stranger().get(&address).await;
        assert_eq!(
            kept.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(kept.header("x-content-type-options"), "nosniff");
        let plain = pages.stranger().get(&format!("/assets/{name}?v=old")).await;
        assert_eq!(plain.header("cache-control"), "public, no-cache");
        let tag = plain.header("etag");
        let same = pages
            .stranger()
            .with("if-none-match", tag)
            .get(&address)
            .await;
        assert_eq!(
            (same.status, same.text.as_str()),
            (StatusCode::NOT_MODIFIED, "")
        );
    }
}

#[tokio::test]
async fn live_shows_what_came_and_streams_what_comes() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    let named = |name: &str| Record {
        tool: Some(name.to_owned()),
        ..call(0)
    };
    pages
        .take(vec![
            named("first"),
            Record {
                outcome: Outcome::Timeout,
                ..named("second")
            },
        ])
        .await;
    let page = admin.page("live").await.text;
    // Newest first, without script.
    assert!(page.find(">second<").unwrap() < page.find(">first<").unwrap());
    let failed = admin.page("live?outcome=failed").await.text;
    assert!(failed.contains(">second<") && !failed.contains(">first<"));
    let none = admin.page("live?q=nothing").await.text;
    assert!(!none.contains(">second<"));
    let (_, address) = page.split_once("data-live=\"").unwrap();
    let address = address.split('"').next().unwrap().replace("&amp;", "&");
    let mut stream = admin.open(&address).await;
    pages.take(vec![named("third")]).await;
    let seen = until(&mut stream, ">third<").await;
    assert!(
        !seen.contains(">first<") && !seen.contains(">second<"),
        "{seen}"
    );
    let id = seen
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap()
        .to_owned();
    drop(stream);
    // What came while nobody was connected comes with the next connection, and nothing twice.
    pages.take(vec![named("fourth"), named("fifth")]).await;
    let mut stream = admin.with("last-event-id", &id).open(&address).await;
    let seen = until(&mut stream, ">fifth<").await;
    assert!(
        seen.contains(">fourth<") && !seen.contains(">third<"),
        "{seen}"
    );
    // After a start of the server ids begin anew: all that came since is new.
    let mut stream = admin
        .with("last-event-id", "00000000-900")
        .open(&address)
        .await;
    until(&mut stream, ">first<").await;
    // The filter is the server's.
    let mut stream = admin.open("/p/1/live/events?outcome=failed").await;
    let seen = until(&mut stream, ">second<").await;
    assert!(!seen.contains(">first<"), "{seen}");
}

#[tokio::test]
async fn the_lights_come_on_one_by_one() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    let mut stream = admin.open("/p/1/connect/events").await;
    pages
        .take(vec![Record {
            instance: Some("web-1".to_owned()),
            sequence: Some(1),
            ..call(0)
        }])
        .await;
    let seen = until(&mut stream, "\"call\"").await;
    assert!(
        seen.contains("\"light\":\"server\"") && seen.contains("web-1"),
        "{seen}"
    );
    assert!(
        !seen.contains("\"listing\"") && !seen.contains("\"done\""),
        "{seen}"
    );
    let listed = Listed {
        tool: "search".to_owned(),
        definition: None,
    };
    let listing = Record {
        listed: vec![listed],
        ..event(Kind::Listing, 0)
    };
    pages
        .take(vec![
            listing,
            Record {
                user: user("maya@example.com"),
                ..event(Kind::Login, 0)
            },
        ])
        .await;
    let seen = until(&mut stream, "\"done\":true").await;
    assert!(
        seen.contains("\"listing\"") && seen.contains("\"login\""),
        "{seen}"
    );
    assert!(!seen.contains("\"server\""), "{seen}");
}

/// Reads a stream until it has said this.
async fn until(stream: &mut reqwest::Response, said: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(said) {
        let chunk = tokio::time::timeout(Duration::from_secs(20), stream.chunk()).await;
        let chunk = chunk.unwrap().unwrap().unwrap();
        seen.push_str(&String::from_utf8_lossy(&chunk));
    }
    seen
}

#[tokio::test]
async fn exports_have_every_row_once_and_no_formula() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    let evil = Record {
        tool: Some("=cmd|' /C calc'!A0".to_owned()),
        intent: Some("@SUM(1), \"x\"\n+1".to_owned()),
        ..call(MINUTE)
    };
    let many = (0..1_200).map(|n| Record {
        session: Some(format!("s-{}", n % 7)),
        ..call(n % 11 * MINUTE)
    });
    pages.take(many.chain([evil]).collect()).await;
    let csv = admin.page("calls?format=csv").await;
    assert_eq!(
        csv.header("content-disposition"),
        "attachment; filename=\"calls.csv\""
    );
    assert_eq!(
        csv.text
            .split("\r\n")
            .filter(|line| !line.is_empty())
            .count(),
        1_202
    );
    assert!(
        csv.text.contains("\"'=cmd|' /C calc'!A0\"")
            && csv.text.contains("\"'@SUM(1), \"\"x\"\"\n+1\"")
    );
    let lines = admin
        .change(
            "export",
            &[("format", "jsonl"), ("range", "28d"), ("user", "")],
        )
        .await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let rows: Vec<Value> = lines
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 1_201);
    assert!(rows.iter().any(|row| row["tool"] == "=cmd|' /C calc'!A0"));
    let all = admin
        .change("export", &[("format", "csv"), ("range", "7d")])
        .await;
    assert_eq!(
        all.text
            .split("\r\n")
            .filter(|line| !line.is_empty())
            .count(),
        1_202
    );
    assert!(all.text.contains("\"'=cmd|' /C calc'!A0\""));
    let of_nobody = admin
        .change(
            "export",
            &[("format", "jsonl"), ("range", "7d"), ("user", "nobody")],
        )
        .await;
    assert_eq!(of_nobody.text, "");
    let people = admin.page("people?format=csv").await;
    assert_eq!(people.text.lines().count(), 2);
    for form in [
        [("format", "xml"), ("range", "7d")],
        [("format", "csv"), ("range", "1y")],
    ] {
        assert_eq!(
            admin.change("export", &form).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let actions: i64 = pages
        .one("SELECT count(*) FROM audit WHERE action LIKE 'exported%' AND who LIKE 'admin %'")
        .await;
    assert_eq!(actions, 5);
}

#[tokio::test]
async fn all_rows_of_a_person_are_exported_however_old_they_are() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    let old = [MINUTE, 50 * DAY, 200 * DAY, 3_000 * DAY];
    pages.take(old.map(call).to_vec()).await;
    let person = admin.page("person?id=maya@example.com").await.text;
    assert!(person.contains("name=\"range\" value=\"all\""));
    for (range, rows) in [("28d", 1), ("91d", 2), ("all", 4)] {
        for user in ["maya@example.com", ""] {
            let form = [("format", "jsonl"), ("range", range), ("user", user)];
            let export = admin.change("export", &form).await;
            assert_eq!(export.text.lines().count(), rows, "{range} {user}");
        }
    }
    let action = "SELECT action FROM audit ORDER BY id DESC LIMIT 1";
    assert_eq!(pages.one::<String>(action).await, "exported events of all");
}

#[tokio::test]
async fn who_looks_a_person_up_is_written_down() {
    let pages = Pages::start().await;
    pages.take(vec![call(0)]).await;
    let reader = pages.signed_in(Role::Reader).await;
    reader.page("person?id=maya@example.com").await;
    reader.page("session?id=s-1&step=1").await;
    reader.page("company?domain=example.com").await;
    reader.page("calls?user=maya@example.com").await;
    reader.page("sessions?user=maya@example.com").await;
    reader.page("people?q=maya").await;
    reader.page("tools").await;
    let subjects: String = pages
        .one("SELECT group_concat(action || ' ' || subject, ', ') FROM audit WHERE who LIKE 'reader %' AND action LIKE 'looked%'")
        .await;
    assert_eq!(
        subjects,
        "looked up maya@example.com, looked up a session of maya@example.com, looked up @example.com, \
         looked up calls of maya@example.com, looked up sessions of maya@example.com, looked up maya@example.com"
    );
    // What a page's script fetches belongs to the page; without one it is a look of its own.
    let script = reader.with("x-usage-step", "1");
    script.page("session?id=s-1&step=1").await;
    const SESSIONS: &str = "SELECT count(*) FROM audit WHERE who LIKE 'reader %' AND action = 'looked up a session of'";
    assert_eq!(pages.one::<i64>(SESSIONS).await, 1);
    let other = pages.signed_in(Role::Reader).await;
    let script = other.with("x-usage-step", "1");
    script.page("session?id=s-1&step=1").await;
    assert_eq!(pages.one::<i64>(SESSIONS).await, 2);
    let shown = pages.admin().await.page("settings").await.text;
    assert!(shown.contains("looked up a session of") && shown.contains("signed in"));
}

#[tokio::test]
async fn each_address_that_shows_somebody_writes_down_whom() {
    let pages = Pages::start().await;
    let of = |id: &str, session: &str| Record {
        user: user(id),
        session: Some(session.to_owned()),
        ..call(0)
    };
    let all = vec![
        call(0),
        of("noor@example.com", "s-2"),
        of("sam@example.org", "s-3"),
    ];
    pages.take(all).await;
    let admin = pages.admin().await;
    let one = "SELECT coalesce(group_concat(action || '|' || subject, ', '), '') FROM audit
        WHERE action NOT IN ('signed in')";
    for (page, line) in [
        ("people?q=noor", "looked up|noor@example.com"),
        ("people?q=%40example.com", "looked up|@example.com"),
        ("people?domain=example.org", "looked up|@example.org"),
        ("people?q=example", "searched people|"),
        ("people?user=noor@example.com", ""),
        (
            "sessions?q=NOOR@example.com",
            "looked up sessions of|noor@example.com",
        ),
        (
            "sessions?q=@example.com",
            "looked up sessions of|@example.com",
        ),
        (
            "sessions?domain=example.org",
            "looked up sessions of|@example.org",
        ),
        (
            "sessions?user=sam@example.org",
            "looked up sessions of|sam@example.org",
        ),
        ("sessions?q=dark", ""),
        ("sessions?q=example", "searched sessions|"),
        ("calls?q=noor", "looked up calls of|noor@example.com"),
        ("calls?session=s-2", "looked up calls of|noor@example.com"),
        (
            "calls?domain=Example.com",
            "looked up calls of|@example.com",
        ),
        ("calls?q=@example.com", "looked up calls of|@example.com"),
        (
            "calls?user=sam@example.org&q=noor",
            "looked up calls of|sam@example.org",
        ),
        ("calls?q=search", ""),
        // What was typed is not kept: it may be a part of an address.
        ("calls?user=nobody@example.net", ""),
        (
            "calls?format=csv&q=noor",
            "exported calls of 7d|noor@example.com",
        ),
        (
            "people?format=csv&q=noor",
            "exported people of 7d|noor@example.com",
        ),
        ("tools?format=csv", "exported tools of 7d|"),
        ("live", ""),
        ("live?q=search", ""),
        (
            "live?q=Noor@example",
            "looked up live events of|noor@example.com",
        ),
        ("live?q=example", "searched live events|"),
    ] {
        pages.run("DELETE FROM audit").await;
        assert_eq!(admin.page(page).await.status, StatusCode::OK, "{page}");
        assert_eq!(pages.one::<String>(one).await, line, "{page}");
    }
    // A stream writes down whom it shows once it does, and not again what its page has written.
    pages.run("DELETE FROM audit").await;
    let mut stream = admin.open("/p/1/live/events?q=noor").await;
    until(&mut stream, "id=s-2").await;
    admin.page("live?q=noor").await;
    let mut same = admin.open("/p/1/live/events?q=noor").await;
    until(&mut same, "id=s-2").await;
    let mut new = admin.open("/p/1/live/events?q=ada").await;
    pages.take(vec![of("ada@example.com", "s-4")]).await;
    until(&mut new, "id=s-4").await;
    assert_eq!(
        pages.one::<String>(one).await,
        "looked up live events of|noor@example.com, looked up live events of|noor@example.com, \
         looked up live events of|ada@example.com"
    );
    pages.run("DELETE FROM audit").await;
    admin.change("intents", &[]).await;
    admin
        .change("forget", &[("user", "noor@example.com")])
        .await;
    assert_eq!(
        pages.one::<String>(one).await,
        "grouped intents anew|, looked up|noor@example.com"
    );
}

#[tokio::test]
async fn settings_are_changed_and_checked() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    let sound = [
        ("name", "store"),
        ("raw_days", "30"),
        ("rollup_days", "365"),
    ];
    let saved = admin.change("settings", &sound).await;
    assert_eq!(
        (saved.status, saved.location()),
        (StatusCode::SEE_OTHER, "/p/1/settings?done=saved")
    );
    let kept: String = pages
        .one("SELECT name || raw_days || ' ' || rollup_days || ' ' || redact FROM project")
        .await;
    assert_eq!(kept, "store30 365 0");
    for (form, problem) in [
        (
            [("name", "store"), ("raw_days", "0"), ("rollup_days", "365")],
            "whole numbers from 1 to 3650",
        ),
        (
            [("name", "store"), ("raw_days", "x"), ("rollup_days", "365")],
            "whole numbers from 1 to 3650",
        ),
        (
            [("name", "store"), ("raw_days", "90"), ("rollup_days", "30")],
            "at least as long as events",
        ),
        (
            [("name", "  "), ("raw_days", "90"), ("rollup_days", "90")],
            "That name cannot be had",
        ),
    ] {
        let answer = admin.change("settings", &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(problem), "{problem}");
    }
    assert_eq!(pages.one::<i64>("SELECT raw_days FROM project").await, 30);
    for _ in 0..2 {
        assert_eq!(admin.change("keys/new", &[]).await.status, StatusCode::OK);
    }
    let third = admin.change("keys/new", &[]).await;
    assert_eq!(third.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(third.text.contains("Two keys are valid already"));
    assert_eq!(
        admin.change("keys/revoke", &[("key", "1")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        admin.change("keys/revoke", &[("key", "1")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(admin.change("keys/new", &[]).await.status, StatusCode::OK);
    let actions: String = pages
        .one("SELECT group_concat(action, ', ') FROM audit WHERE action <> 'signed in' ORDER BY id")
        .await;
    assert_eq!(
        actions,
        "changed settings, made a key, made a key, revoked a key, made a key"
    );
    let _ = NOW;
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_said_in_its_place() {
    use usage_server::page::frame::{Frame, Page, Project};
    use usage_server::query::{Range, tools::Tools};

    let project = Project {
        segment: "1".to_owned(),
        name: "shop".to_owned(),
    };
    let frame = Frame {
        base: String::new(),
        projects: vec![project.clone()],
        project,
        page: Page::Tools,
        period: Range::Week.until(NOW),
        may_change: false,
        csrf: String::new(),
        last_event_ms: Some(NOW),
        lost: 0,
        left_out: 0,
        raw_days: 90,
    };
    let never = (0, Vec::new());
    let page = usage_server::page::tools::tools(&frame, None, Some(&never), None).into_string();
    assert_eq!(page.matches("This part took too long").count(), 1);
    assert!(page.contains("Every tool that servers list has been called"));
    let page =
        usage_server::page::tools::tools(&frame, Some(&Tools::default()), None, None).into_string();
    assert_eq!(page.matches("This part took too long").count(), 1);
    assert!(page.contains("Nothing was called that is not there"));
}

#[tokio::test]
async fn a_person_is_forgotten_after_it_was_asked_once_more() {
    let pages = Pages::start().await;
    let noor = Record {
        user: user("noor@example.com"),
        session: Some("s-2".to_owned()),
        intent: Some("a wish of noor's".to_owned()),
        ..call(MINUTE)
    };
    pages.take(vec![call(0), noor]).await;
    let admin = pages.admin().await;
    admin.page("person?id=noor@example.com").await;
    admin.page("session?id=s-2").await;
    let export = [
        ("format", "csv"),
        ("range", "7d"),
        ("user", "noor@example.com"),
    ];
    admin.change("export", &export).await;
    admin.page("calls?format=csv&user=noor@example.com").await;
    let calls = admin.page("calls").await.text;
    assert!(calls.contains("data-total=\"2\""));

    let asked = admin
        .change("forget", &[("user", "Noor@Example.com")])
        .await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.text.contains("1 event") && asked.text.contains("name=\"sure\""));
    assert_eq!(
        admin.page("person?id=noor@example.com").await.status,
        StatusCode::OK
    );

    let sure = [("user", "noor@example.com"), ("sure", "yes")];
    let done = admin.change("forget", &sure).await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/p/1/settings?done=forgotten")
    );
    for page in PAGES {
        let shown = admin.page(page).await.text;
        assert!(!shown.contains("noor") && !shown.contains("s-2"), "{page}");
    }
    assert_eq!(
        admin.page("person?id=noor@example.com").await.status,
        StatusCode::NOT_FOUND
    );
    // What was counted stays right.
    assert!(admin.page("calls").await.text.contains("data-total=\"2\""));
    let left: i64 = pages
        .one("SELECT count(*) FROM audit WHERE subject LIKE '%noor%' OR action LIKE '%noor%'")
        .await;
    assert_eq!(left, 0);
    let unsaid = admin
        .change("forget", &[("user", " "), ("sure", "yes")])
        .await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn somebody_who_is_not_here_yet_can_be_forgotten_too() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    let asked = admin
        .change("forget", &[("user", "noor@example.com")])
        .await;
    assert!(asked.text.contains("Nobody here has that") && asked.text.contains("name=\"sure\""));
    let sure = [("user", "noor@example.com"), ("sure", "yes")];
    let done = admin.change("forget", &sure).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let late = Record {
        user: user("noor@example.com"),
        ..call(MINUTE)
    };
    pages.take(vec![late]).await;
    assert_eq!(pages.one::<i64>("SELECT count(*) FROM user").await, 0);
    let named = "SELECT count(*) FROM audit WHERE subject LIKE '%noor%'";
    assert_eq!(pages.one::<i64>(named).await, 0);
}

#[tokio::test]
async fn a_key_opens_the_ingest_from_the_page_that_made_it_to_the_one_that_revokes_it() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    let made = admin.change("keys/new", &[]).await.text;
    let (_, rest) = made.split_once("mu_").unwrap();
    let key: String = rest
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let body = serde_json::json!({ "payload": [crate::support::call(1)] });
    let send = || {
        let request = pages
            .http
            .post(format!("{}/api/product/usage", pages.origin));
        request
            .header("x-api-key", format!("mu_{key}"))
            .json(&body)
            .send()
    };
    assert_eq!(send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(
        admin.change("keys/revoke", &[("key", "1")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    // The page says which key was used last.
    assert!(admin.page("settings").await.text.contains("revoked"));
}

#[tokio::test]
async fn what_has_no_name_has_no_link_that_asks_for_everything() {
    let pages = Pages::start().await;
    let nameless = |kind| Record {
        user: user("maya@example.com"),
        tool: Some("search".to_owned()),
        ..event(kind, 0)
    };
    pages
        .take(vec![nameless(Kind::Call), nameless(Kind::Refused), call(0)])
        .await;
    let admin = pages.admin().await;
    for page in ["clients", "logins"] {
        let shown = admin.page(page).await.text;
        assert!(shown.contains("not known"), "{page}");
        for key in ["client", "version", "protocol", "reason"] {
            for end in ["\"", "&amp;"] {
                let empty = format!("{key}={end}");
                assert!(!shown.contains(&empty), "{page}: {empty}");
            }
        }
    }
}
