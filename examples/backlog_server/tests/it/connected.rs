//! The page of connected apps: how to connect one, how much of the day is used, what each is called, and its end.

use backlog_server::scope::Scope;
use backlog_server::store::grants::TokenRefused;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::agent::Era;
use crate::support::{Browser, Server};

const OWNER: &str = "olga@example.com";

async fn signed_in<'a>(server: &'a Server, email: &str) -> Browser<'a> {
    let browser = Browser::new(server);
    browser.sign_in(email).await;
    browser
}

#[tokio::test]
async fn each_project_has_its_address_and_what_agents_read_of_it() {
    let server = Server::start().await;
    let page = signed_in(&server, "max@example.com")
        .await
        .get("/apps")
        .await;
    for project in ["demo", "other"] {
        let address = server.resource(project);
        assert_eq!(page.text_of(&format!("address-{project}")), address);
        let name = format!("backlog-{project}");
        for (number, list, settings) in [
            (1, "mcpServers", json!({"type": "http", "url": address})),
            (2, "mcpServers", json!({"url": address})),
            (3, "servers", json!({"type": "http", "url": address})),
            (4, "mcpServers", json!({"serverUrl": address})),
            (5, "mcpServers", json!({"httpUrl": address})),
        ] {
            let shown = page.text_of(&format!("json-{project}-{number}"));
            let shown: Value = serde_json::from_str(&shown).unwrap();
            assert_eq!(shown, json!({list: {&*name: settings}}), "{number}");
        }
    }
    assert!(!page.html.contains("/p/hobby/mcp"));
    // Without the script there is no button that does nothing.
    let buttons: Vec<_> = page.html.split("data-copy=\"").skip(1).collect();
    assert_eq!(buttons.len(), 2 * (1 + 5));
    for button in buttons {
        let (id, rest) = button.split_once('"').unwrap();
        assert!(rest.starts_with(" hidden>"), "{id}");
        assert!(!page.text_of(id).is_empty(), "{id}");
    }
}

#[tokio::test]
async fn the_script_that_copies_is_the_only_one_and_no_part_of_the_page() {
    let server = Server::start().await;
    let page = signed_in(&server, OWNER).await.get("/apps").await;
    assert_eq!(page.html.matches("<script").count(), 1);
    assert!(
        page.html
            .contains("<script src=\"/copy.js\" defer></script>")
    );
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self';"), "{policy}");
    let script = Browser::new(&server).get("/copy.js").await;
    assert_eq!(
        script.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
    assert!(script.html.contains("navigator.clipboard"));
}

#[tokio::test]
async fn the_days_use_of_the_quota_is_on_the_page() {
    let server = Server::start().await;
    let agent = server.agent("max", "demo", &[Scope::BacklogRead]).await;
    for _ in 0..3 {
        agent.ask("list_features", json!({})).await;
    }
    let next_day = server.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
    let next_day = next_day
        .tomorrow()
        .unwrap()
        .strftime("%-d %b %Y, 00:00 UTC");
    for (email, said) in [
        (OWNER, "on your pro plan for all your projects"),
        (
            "max@example.com",
            "on its owner’s pro plan for all of the owner’s projects",
        ),
    ] {
        let page = signed_in(&server, email).await.get("/apps").await;
        let expected = format!("3 of 300 calls today, {said}. The quota resets on {next_day}.");
        assert_eq!(page.text_of("usage-demo"), expected);
        assert!(
            page.html
                .contains("max=\"300\" high=\"270\" optimum=\"0\" value=\"3\"")
        );
    }
    let page = signed_in(&server, "fred@example.com")
        .await
        .get("/apps")
        .await;
    assert!(
        page.text_of("usage-hobby")
            .starts_with("0 of 25 calls today")
    );
}

#[tokio::test]
async fn revoking_asks_back_once_and_says_what_it_did() {
    let server = Server::start().await;
    let connected = server.connect(OWNER, "demo", "backlog:read").await;
    let grant = server.store.grant_of(&connected.access).await;
    let grant = grant.unwrap().unwrap();
    let browser = signed_in(&server, OWNER).await;
    let apps = browser.get("/apps").await;
    let link = format!("/apps/revoke?grant_id={}", grant.id);
    assert!(
        apps.html.contains(&format!("href=\"{link}\"")),
        "{}",
        apps.html
    );

    // The question alone changes nothing, and a link to its answer cannot claim what is not so.
    let ask = browser.get(&link).await;
    assert_eq!(ask.status, StatusCode::OK);
    for said in [
        "127.0.0.1",
        &connected.client_id,
        "its next call is refused",
        "Keep it",
    ] {
        assert!(ask.html.contains(said), "{said} in {}", ask.html);
    }
    let answer_link = format!("/apps?revoked={}", grant.id);
    let claimed = browser.get(&answer_link).await;
    assert!(!claimed.html.contains("cannot use"), "{}", claimed.html);
    let works = server.store.grant_of(&connected.access).await.unwrap();
    assert!(works.is_ok());

    let answer = browser.submit(&ask, "/apps/revoke", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location.as_deref(), Some(&*answer_link));
    let refused = server.store.grant_of(&connected.access).await.unwrap();
    assert_eq!(refused, Err(TokenRefused::Revoked));
    let page = browser.get(&answer_link).await;
    let (_, done) = page.html.split_once("role=\"status\"").unwrap();
    for said in [
        "<strong>127.0.0.1</strong> cannot use Demo any more",
        "Its tokens stopped working on ",
        "its next call is refused",
        &connected.client_id,
    ] {
        assert!(done.contains(said), "{said} in {done}");
    }
    assert!(page.html.contains("No program has access"));
    // Asked for again, it is done already.
    let again = browser.get(&link).await;
    assert_eq!(again.location.as_deref(), Some(&*answer_link));
}

#[tokio::test]
async fn of_anothers_grant_a_page_says_nothing() {
    let server = Server::start().await;
    let theirs = server
        .connect("vera@example.com", "demo", "backlog:read")
        .await;
    let grant = server.store.grant_of(&theirs.access).await;
    let id = grant.unwrap().unwrap().id;
    let browser = signed_in(&server, OWNER).await;
    let ask = browser.get(&format!("/apps/revoke?grant_id={id}")).await;
    assert_eq!(ask.status, StatusCode::NOT_FOUND);
    assert!(!ask.html.contains(&theirs.client_id));
    let of_vera = signed_in(&server, "vera@example.com").await;
    let ask = of_vera.get(&format!("/apps/revoke?grant_id={id}")).await;
    of_vera.submit(&ask, "/apps/revoke", &[]).await;
    let page = browser.get(&format!("/apps?revoked={id}")).await;
    assert!(!page.html.contains("cannot use"), "{}", page.html);
    let out = Browser::new(&server)
        .get(&format!("/apps/revoke?grant_id={id}"))
        .await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
}

/// A client's own name is in its registration, and in `initialize`; a page shows neither.
#[tokio::test]
async fn a_grant_is_named_later_by_its_person_alone() {
    let server = Server::start().await;
    let connected = server.connect(OWNER, "demo", "backlog:read").await;
    let agent = server.agent_with("demo", &connected.access);
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "Totally Trustworthy", "version": "1.0"},
    });
    agent.in_era(Era::Legacy).send("initialize", hello).await;
    let browser = signed_in(&server, OWNER).await;
    let page = browser.get("/apps").await;
    assert!(page.html.contains(">127.0.0.1 <span"), "{}", page.html);

    let named = [("name", "Laptop & desk")];
    let answer = browser.submit(&page, "/apps/name", &named).await;
    assert_eq!(answer.location.as_deref(), Some("/apps"));
    let page = browser.get("/apps").await;
    let (_, app) = page.html.split_once("class=\"app\"").unwrap();
    for said in [
        ">Laptop &#38; desk <span",
        "127.0.0.1",
        &connected.client_id,
    ] {
        assert!(app.contains(said), "{said} in {app}");
    }
    assert!(!page.html.contains("Trustworthy"));
    let long = "x".repeat(61);
    let answer = browser
        .submit(&page, "/apps/name", &[("name", &long)])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);

    // By somebody else it is not.
    let grant = server.store.grant_of(&connected.access).await;
    let id = grant.unwrap().unwrap().id;
    let of_vera = signed_in(&server, "vera@example.com").await;
    server
        .connect("vera@example.com", "demo", "backlog:read")
        .await;
    let page = of_vera.get("/apps").await;
    let forged = [("grant_id", &*id), ("name", "Mine")];
    of_vera.submit(&page, "/apps/name", &forged).await;
    let page = browser.get("/apps").await;
    assert!(page.html.contains(">Laptop &#38; desk <span"));
    // And the name is taken away again.
    browser.submit(&page, "/apps/name", &[("name", " ")]).await;
    assert!(!browser.get("/apps").await.html.contains("Laptop"));
}
