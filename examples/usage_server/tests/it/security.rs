//! Who gets in, what they may do, and what others cannot make them do.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use usage_server::record::Record;
use usage_server::server;
use usage_server::web::session::{IDLE_MS, Role};

use crate::browser::{Browser, NOW, Pages, call};
use crate::support::{Server, limits};

/// How long an answer may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every page of a project.
pub(crate) const PAGES: [&str; 16] = [
    "",
    "live",
    "people",
    "person?id=maya@example.com",
    "company?domain=example.com",
    "logins",
    "clients",
    "tools",
    "tool?name=search",
    "sessions",
    "session?id=s-1",
    "intents",
    "calls",
    "quality",
    "connect",
    "settings",
];

/// What changes something, and what goes out in bulk.
const CHANGES: [&str; 8] = [
    "settings",
    "keys/new",
    "keys/revoke",
    "projects/new",
    "forget",
    "export",
    "intents",
    "export?range=7d",
];

#[tokio::test]
async fn a_link_signs_in_once_and_looking_at_it_does_not_use_it_up() {
    let pages = Pages::start().await;
    let link = pages.link(Role::Admin).await;
    let link = link.strip_prefix(&pages.origin).unwrap();
    let stranger = pages.stranger();
    for _ in 0..3 {
        let shown = stranger.get(link).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(
            shown
                .text
                .contains("<button class=\"btn primary\">Sign in</button>")
        );
        assert_eq!(shown.header("set-cookie"), "");
    }
    let (_, secret) = link.split_once("link=").unwrap();
    let in_ = stranger.post("/sign-in", &[("link", secret)]).await;
    assert_eq!((in_.status, in_.location()), (StatusCode::SEE_OTHER, "/"));
    let again = stranger.post("/sign-in", &[("link", secret)]).await;
    assert_eq!(again.status, StatusCode::GONE);
    assert_eq!(again.header("set-cookie"), "");
    let shown = stranger.get(link).await;
    assert!(shown.text.contains("does not work any more"));
}

#[tokio::test]
async fn a_link_expires() {
    let pages = Pages::start().await;
    let link = pages.link(Role::Admin).await;
    pages.run("UPDATE sign_in_link SET expires_ms = 1").await;
    let (_, secret) = link.split_once("link=").unwrap();
    let late = pages.stranger().post("/sign-in", &[("link", secret)]).await;
    assert_eq!(late.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_cookie_is_for_this_server_alone() {
    for (public_url, name, path, is_secure) in [
        (None, "usage-", "/", false),
        (Some("https://usage.example.com"), "__Host-usage", "/", true),
        (
            Some("https://usage.example.com/team"),
            "__Secure-usage",
            "/team",
            true,
        ),
    ] {
        let pages = Pages::start_as(public_url, false).await;
        let link = pages.link(Role::Admin).await;
        let (_, secret) = link.split_once("link=").unwrap();
        let answer = pages.stranger().post("/sign-in", &[("link", secret)]).await;
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with(name), "{cookie}");
        let parts: Vec<&str> = cookie.split("; ").collect();
        assert!(
            parts.contains(&"HttpOnly") && parts.contains(&"SameSite=Lax"),
            "{cookie}"
        );
        assert!(parts.contains(&format!("Path={path}").as_str()), "{cookie}");
        assert_eq!(parts.contains(&"Secure"), is_secure, "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
        let has_hsts = !answer.header("strict-transport-security").is_empty();
        assert_eq!(has_hsts, is_secure);
    }
}

#[tokio::test]
async fn who_signs_out_is_out_on_the_server() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    let token = admin.token().await;
    let without = admin.post("/sign-out", &[]).await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    let out = admin.post("/sign-out", &[("csrf", &token)]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    // The cookie as it was, which somebody may have kept.
    assert_eq!(
        admin.page("settings").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    assert_eq!(IDLE_MS, 12 * 3_600_000);
    pages
        .run("UPDATE browser_session SET used_ms = used_ms - 12 * 3600000 + 1000")
        .await;
    assert_eq!(admin.page("settings").await.status, StatusCode::OK);
    // That use was written down.
    assert_eq!(
        pages
            .one::<i64>("SELECT used_ms FROM browser_session")
            .await,
        NOW
    );
    pages
        .run("UPDATE browser_session SET used_ms = used_ms - 12 * 3600000")
        .await;
    assert_eq!(
        admin.page("settings").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn signing_in_anew_ends_the_session_before() {
    let pages = Pages::start().await;
    let first = pages.admin().await;
    let link = pages.link(Role::Admin).await;
    let (_, secret) = link.split_once("link=").unwrap();
    let second = first.post("/sign-in", &[("link", secret)]).await;
    assert_ne!(Some(second.cookie()), first.cookie);
    assert_eq!(
        first.page("settings").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_stranger_sees_no_page_and_is_not_told_what_there_is() {
    let pages = Pages::start().await;
    pages.take(vec![call(0)]).await;
    let stranger = pages.stranger();
    let mut strangers = vec![stranger.clone()];
    for cookie in ["usage-1=x", "usage=", "a; b=c; =;;", "__Host-usage=x"] {
        let mut other = stranger.clone();
        other.cookie = Some(cookie.to_owned());
        strangers.push(other);
    }
    for stranger in &strangers {
        for page in PAGES
            .into_iter()
            .chain(["live/events", "connect/events", "calls?format=csv"])
        {
            let answer = stranger.page(page).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{page}");
            assert!(
                !answer.text.contains("shop") && !answer.text.contains("maya"),
                "{page}"
            );
        }
    }
    for path in ["/", "/p/2/", "/p/999/tools"] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for action in CHANGES {
        let answer = stranger.post(&format!("/p/1/{action}"), &[]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{action}");
    }
}

#[tokio::test]
async fn a_form_of_another_session_or_site_changes_nothing() {
    let pages = Pages::start().await;
    let (admin, other) = (pages.admin().await, pages.admin().await);
    let (token, foreign) = (admin.token().await, other.token().await);
    let path = "/p/1/projects/new";
    let cross = |name, value| admin.with(name, value);
    let attempts: [(&Browser, &str); 9] = [
        (&admin, ""),
        (&admin, &foreign),
        (&admin, &token[1..]),
        (&cross("origin", "https://evil.example"), &token),
        (&cross("origin", "null"), &token),
        (&cross("origin", "http://127.0.0.1:1"), &token),
        (&cross("sec-fetch-site", "cross-site"), &token),
        (&cross("sec-fetch-site", "same-site"), &token),
        (&cross("sec-fetch-site", "none"), &token),
    ];
    for (browser, token) in attempts {
        let answer = browser
            .post(path, &[("name", "evil"), ("csrf", token)])
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    // The token belongs into the form, and not into an address that somebody else can make.
    let in_query = format!("{path}?csrf={token}");
    assert_eq!(
        admin.post(&in_query, &[("name", "evil")]).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(pages.one::<i64>("SELECT count(*) FROM project").await, 1);
    let honest = admin
        .with("origin", &pages.origin)
        .with("sec-fetch-site", "same-origin");
    let made = honest
        .post(path, &[("name", "fine"), ("csrf", &token)])
        .await;
    assert_eq!(made.status, StatusCode::SEE_OTHER);
    assert_eq!(pages.one::<i64>("SELECT count(*) FROM project").await, 2);
}

#[tokio::test]
async fn nothing_changes_by_looking() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    for action in [
        "keys/new",
        "keys/revoke",
        "projects/new",
        "forget",
        "export",
    ] {
        let answer = admin.page(action).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{action}");
        assert_eq!(answer.header("allow"), "POST", "{action}");
    }
}

#[tokio::test]
async fn a_reader_sees_and_changes_nothing() {
    let pages = Pages::start().await;
    pages.take(vec![call(0)]).await;
    let reader = pages.signed_in(Role::Reader).await;
    for page in PAGES {
        let answer = reader.page(page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        for form in answer.text.split("<form").skip(1) {
            let head = form.split('>').next().unwrap();
            let is_change =
                head.contains("post") && !head.contains("/sign-out") && !head.contains("settings");
            assert!(!is_change, "{page}: {head}");
        }
        assert!(
            !answer.text.contains("format=csv") || page == "tools",
            "{page}"
        );
    }
    let token = reader.token().await;
    for action in CHANGES {
        let form = [
            ("csrf", token.as_str()),
            ("name", "x"),
            ("user", "maya@example.com"),
            ("sure", "yes"),
        ];
        let answer = reader.post(&format!("/p/1/{action}"), &form).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{action}");
    }
    for export in ["calls?format=csv", "people?format=csv"] {
        assert_eq!(
            reader.page(export).await.status,
            StatusCode::FORBIDDEN,
            "{export}"
        );
    }
}

#[tokio::test]
async fn every_answer_keeps_others_out() {
    let pages = Pages::start().await;
    pages.take(vec![call(0)]).await;
    let admin = pages.admin().await;
    let mut answers = Vec::new();
    for page in PAGES {
        answers.push((page, admin.page(page).await));
    }
    answers.push(("404", admin.page("nothing").await));
    answers.push(("401", pages.stranger().page("").await));
    answers.push(("421", admin.with("host", "evil.example").page("").await));
    answers.push(("export", admin.page("calls?format=csv").await));
    for (page, answer) in answers {
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"),
            "{page}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{page}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{page}: {name}");
        }
        assert_eq!(answer.header("access-control-allow-origin"), "", "{page}");
        // What the policy forbids is not there.
        let text = answer.text.to_lowercase();
        for inline in [
            " style=",
            "<style",
            "<script>",
            "javascript:",
            " onclick=",
            " onload=",
            " onerror=",
        ] {
            assert!(!text.contains(inline), "{page}: {inline}");
        }
    }
}

#[tokio::test]
async fn a_host_of_somebody_elses_gets_nothing() {
    let pages = Pages::start().await;
    pages.take(vec![call(0)]).await;
    let admin = pages.admin().await;
    let port = pages.origin.rsplit(':').next().unwrap();
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "127.0.0.1",
        "localhost",
    ] {
        let answer = admin.with("host", host).page("people").await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(!answer.text.contains("maya"), "{host}");
    }
    let local = admin.with("host", &format!("localhost:{port}"));
    assert_eq!(local.page("people").await.status, StatusCode::OK);
    // Nobody said that a proxy is to be believed.
    let forwarded = admin
        .with("x-forwarded-host", "evil.example")
        .with("x-forwarded-proto", "https");
    assert_eq!(forwarded.page("people").await.status, StatusCode::OK);
    assert!(!forwarded.page("people").await.text.contains("evil.example"));
}

#[tokio::test]
async fn a_path_leads_to_a_page_or_nowhere() {
    let pages = Pages::start().await;
    pages.take(vec![call(0)]).await;
    let admin = pages.admin().await;
    for path in [
        "/p/2/",
        "/p/-1/",
        "/p/1e0/",
        "/p/%31%30/",
        "/p/1%2f2/",
        "/p/1'/",
        "/p/99999999999999999999/",
        "/p/%00/",
        "/p/%ff/",
        "/p//",
        "/p/1/nothing",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e/style.css",
        "/assets/",
        "//evil.example/p/1/",
        "/.env",
    ] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let to = admin.get("/p/1").await;
    assert_eq!((to.status, to.location()), (StatusCode::SEE_OTHER, "/p/1/"));
}

#[tokio::test]
async fn what_an_address_says_is_a_value_and_no_sql() {
    let pages = Pages::start().await;
    pages.take(vec![call(0)]).await;
    let admin = pages.admin().await;
    let keys = [
        "q", "id", "name", "user", "domain", "tool", "client", "version", "release", "protocol",
        "reason", "error", "intent", "cluster", "session", "outcome", "kind", "show", "sort",
        "before", "since", "until", "min", "max", "from", "row", "column", "step", "event",
        "range", "include", "format", "after", "done", "with",
    ];
    let values = [
        "'; DROP TABLE event; --",
        "\" OR 1=1 --",
        "%27%25_\\",
        "-9223372036854775808",
        "9223372036854775807",
        "9223372036854775807,1",
        "-9223372036854775808,1",
        "18446744073709551615",
        "\u{0}",
        "[]",
    ];
    let long = "_".repeat(20_000);
    for page in PAGES {
        let page = page.split('?').next().unwrap();
        let answer = admin.page(&format!("{page}?q={long}{long}{long}")).await;
        assert!(!answer.status.is_server_error(), "{page}: a long text");
        for value in values {
            let value: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let query: Vec<_> = keys.iter().map(|key| format!("{key}={value}")).collect();
            let answer = admin.page(&format!("{page}?{}", query.join("&"))).await;
            let status = answer.status;
            assert!(
                !status.is_server_error(),
                "{page} {value}: {status} {}",
                answer.text
            );
            // One by one, so that none hides behind another.
            for key in ["before", "since", "until", "from", "row", "column", "step"] {
                let answer = admin.page(&format!("{page}?{key}={value}")).await;
                assert!(!answer.status.is_server_error(), "{page}?{key}={value}");
            }
            if value == values[0] {
                for key in keys {
                    let answer = admin.page(&format!("{page}?{key}={value}")).await;
                    assert!(!answer.status.is_server_error(), "{page}?{key}={value}");
                }
            }
        }
    }
    assert_eq!(pages.one::<i64>("SELECT count(*) FROM event").await, 1);
}

#[tokio::test]
async fn a_project_is_not_reached_through_another() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    pages.take(vec![call(0)]).await;
    assert_eq!(
        admin
            .change("projects/new", &[("name", "other")])
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    let made = admin.change("keys/new", &[]).await;
    assert_eq!(made.status, StatusCode::OK);
    let token = admin.token().await;
    let revoked = admin
        .post("/p/2/keys/revoke", &[("csrf", &token), ("key", "1")])
        .await;
    assert_eq!(revoked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        pages
            .one::<Option<i64>>("SELECT revoked_ms FROM write_key")
            .await,
        None
    );
    let forgotten = admin
        .post(
            "/p/2/forget",
            &[
                ("csrf", &token),
                ("user", "maya@example.com"),
                ("sure", "yes"),
            ],
        )
        .await;
    // Who is nobody there, and stays who they are here.
    assert_eq!(forgotten.status, StatusCode::SEE_OTHER);
    let here = "SELECT count(*) FROM user WHERE project = 1 AND text = 'maya@example.com'";
    assert_eq!(pages.one::<i64>(here).await, 1);
    let late = "SELECT count(*) FROM forgotten WHERE project = 1";
    assert_eq!(pages.one::<i64>(late).await, 0);
    let mut other = admin.clone();
    other.project = 2;
    for page in [
        "person?id=maya@example.com",
        "session?id=s-1",
        "tool?name=search",
    ] {
        // An empty project leads to the page that connects a server.
        assert_eq!(
            other.page(page).await.status,
            StatusCode::SEE_OTHER,
            "{page}"
        );
        let of_other = call(0);
        pages
            .take_into(
                2,
                vec![usage_server::record::Record {
                    user: None,
                    session: None,
                    tool: None,
                    ..of_other
                }],
            )
            .await;
        assert_eq!(
            other.page(page).await.status,
            StatusCode::NOT_FOUND,
            "{page}"
        );
        pages.run("DELETE FROM event WHERE project = 2").await;
        pages.run("DELETE FROM roll_day WHERE project = 2").await;
    }
}

#[tokio::test]
async fn no_secret_is_in_the_database() {
    let pages = Pages::start().await;
    let admin = pages.admin().await;
    let unused = pages.link(Role::Admin).await;
    let shown = admin.change("keys/new", &[]).await;
    let (_, rest) = shown.text.split_once("mu_").unwrap();
    let key: String = rest
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    assert!(key.len() >= 40, "{key}");
    let (_, link) = unused.split_once("link=").unwrap();
    let session = admin.cookie.clone().unwrap();
    let (_, session) = session.split_once('=').unwrap();
    // Also not in the log that is written ahead.
    for file in std::fs::read_dir(&pages.directory).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [key.as_str(), link, session] {
            // A part of it is too much.
            let part = secret.as_bytes().get(..16).unwrap();
            let found = bytes.windows(part.len()).any(|window| window == part);
            assert!(!found);
        }
    }
    // A key is shown once.
    assert!(!admin.page("settings").await.text.contains(&key));
    assert!(!admin.page("connect").await.text.contains(&key));
}

#[tokio::test]
async fn a_form_has_its_bound() {
    let pages = Pages::start().await;
    pages.take(vec![call(0)]).await;
    let admin = pages.admin().await;
    let large = "x".repeat(70_000);
    let answer = admin.change("projects/new", &[("name", &large)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let sign_in = pages.stranger().post("/sign-in", &[("link", &large)]).await;
    assert_eq!(sign_in.status, StatusCode::PAYLOAD_TOO_LARGE);
    let long = admin.page(&format!("people?q={}", "y".repeat(8_000))).await;
    assert_eq!(long.status, StatusCode::OK);
}

#[tokio::test]
async fn streams_are_bounded_and_end_with_their_session_and_the_server() {
    let pages = Pages::start().await;
    pages.take(vec![call(0)]).await;
    let (admin, other) = (pages.admin().await, pages.admin().await);
    let mut mine = admin.open("/p/1/live/events").await;
    let mut theirs = other.open("/p/1/live/events").await;
    assert_eq!(mine.status(), StatusCode::OK);
    assert_eq!(
        mine.headers().get("content-type").unwrap(),
        "text/event-stream"
    );
    let mut more = Vec::new();
    let refused = loop {
        let stream = other.open("/p/1/live/events").await;
        if stream.status() != StatusCode::OK {
            break stream.status();
        }
        more.push(stream);
        assert!(more.len() < 1_000);
    };
    assert_eq!(
        (refused, more.len()),
        (StatusCode::SERVICE_UNAVAILABLE, 126)
    );
    let token = admin.token().await;
    admin.post("/sign-out", &[("csrf", &token)]).await;
    ends(&mut mine).await;
    // Its place is free again, for who is still signed in.
    assert_eq!(
        other.open("/p/1/live/events").await.status(),
        StatusCode::OK
    );
    pages.app.end();
    ends(&mut theirs).await;
}

#[tokio::test]
async fn a_wrong_link_costs_the_writer_nothing() {
    let pages = Pages::start().await;
    let (busy, is_busy) = oneshot::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let store = pages.app.store.clone();
    let holding = tokio::spawn(async move {
        let held = store.write(move |_| {
            busy.send(()).unwrap();
            let _ = may_go_on.recv();
            Ok(())
        });
        held.await.unwrap();
    });
    is_busy.await.unwrap();
    let stranger = pages.stranger();
    let wrong = stranger.post("/sign-in", &[("link", "made up")]);
    let answer = tokio::time::timeout(PATIENCE, wrong).await;
    assert_eq!(answer.expect("it waits").status, StatusCode::GONE);
    drop(go_on);
    holding.await.unwrap();
}

/// A call with 100 KiB of arguments.
fn large() -> Record {
    let mut record = call(0);
    let text = "x".repeat(100 << 10);
    record.body.insert("tool_arguments".to_owned(), text.into());
    record
}

#[tokio::test]
async fn four_exports_go_out_at_a_time_and_one_that_nobody_takes_is_ended() {
    let limits = server::Limits {
        write_timeout: Duration::from_millis(500),
        ..server::Limits::default()
    };
    for (limits, is_ended) in [(server::Limits::default(), false), (limits, true)] {
        let pages = Pages::start_within(None, false, limits).await;
        // More than two ends of a connection hold.
        pages.take(vec![large(); 200]).await;
        let admin = pages.admin().await;
        let token = admin.token().await;
        let form = [("format", "jsonl"), ("range", "7d"), ("csrf", &token)];
        let mut exports = Vec::new();
        for _ in 0..4 {
            let export = admin.open_form("/p/1/export", &form).await;
            assert_eq!(export.status(), StatusCode::OK);
            exports.push(export);
        }
        let next = async || admin.open_form("/p/1/export", &form).await.status();
        if !is_ended {
            assert_eq!(next().await, StatusCode::SERVICE_UNAVAILABLE);
            exports.pop();
        }
        let ended = async {
            while next().await != StatusCode::OK {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("the turn does not end");
        if is_ended {
            // Which of them was ended first is open.
            let mut was_cut = false;
            for export in exports {
                was_cut |= export.bytes().await.is_err();
            }
            assert!(was_cut, "all are taken for whole");
        }
    }
}

#[tokio::test]
async fn a_form_that_does_not_come_is_not_waited_for() {
    let setup = limits(|limits| limits.body_timeout = Duration::from_millis(100));
    let server = Server::start_as(setup).await;
    let host = server.origin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: 100\r\nconnection: close\r\n\r\nlink="
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    let ended = tokio::time::timeout(Duration::from_secs(20), read).await;
    ended.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

/// Reads until a stream has ended.
async fn ends(stream: &mut reqwest::Response) {
    let rest = async { while let Ok(Some(_)) = stream.chunk().await {} };
    let ended = tokio::time::timeout(Duration::from_secs(20), rest).await;
    assert!(ended.is_ok(), "the stream goes on");
}
