//! What clients are told and given, and what is refused to those who are none.

use std::collections::BTreeSet;
use std::time::Duration;

use backlog_server::scope::Scope;
use backlog_server::store::grants::TokenRefused;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Ask, Browser, REDIRECT, Server, parameter};

async fn json_at(server: &Server, path: &str) -> Value {
    let url = format!("{}{path}", server.origin);
    server
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

fn refused(answer: &(StatusCode, Value), error: &str) {
    assert_eq!(answer.0, StatusCode::BAD_REQUEST, "{}", answer.1);
    assert_eq!(answer.1["error"], error, "{}", answer.1);
}

#[tokio::test]
async fn the_metadata_lead_from_the_resource_to_every_endpoint() {
    let server = Server::start().await;
    let resource = json_at(&server, "/.well-known/oauth-protected-resource/p/demo/mcp").await;
    assert_eq!(resource["resource"], server.resource("demo"));
    assert_eq!(resource["authorization_servers"], json!([server.origin]));
    let metadata = json_at(&server, "/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata["issuer"], server.origin);
    assert_eq!(
        metadata["code_challenge_methods_supported"],
        json!(["S256"])
    );
    assert_eq!(
        metadata["authorization_response_iss_parameter_supported"],
        true
    );
    for (name, path) in [
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("registration_endpoint", "/register"),
        ("revocation_endpoint", "/revoke"),
    ] {
        assert_eq!(metadata[name], format!("{}{path}", server.origin));
    }
}

#[tokio::test]
async fn a_code_gives_tokens_for_what_was_approved_and_for_nothing_else() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    let asked = "backlog:read backlog:write";
    // A program is given a port at each start.
    let ask = Ask::new(&server, &client_id, "demo", asked)
        .with("redirect_uri", Some("http://127.0.0.1:51004/callback"));
    let there = ask.decided(&browser, "approve").await;
    assert!(
        there
            .as_str()
            .starts_with("http://127.0.0.1:51004/callback?")
    );
    assert_eq!(parameter(&there, "state").as_deref(), Some("the state"));
    assert_eq!(parameter(&there, "iss"), Some(server.origin.clone()));
    let code = ask.approved(&browser).await;
    let (status, tokens) = server.redeem(&code).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], asked);
    assert_eq!(tokens["expires_in"], 3600);
    let access = tokens["access_token"].as_str().unwrap();
    let grant = server.store.grant_of(access).await.unwrap().unwrap();
    assert_eq!(grant.user_id, "olga");
    assert_eq!(grant.client_id, client_id);
    assert_eq!(grant.project_id, "demo");
    assert_eq!(grant.resource, server.resource("demo"));
    assert_eq!(
        grant.scopes,
        BTreeSet::from([Scope::BacklogRead, Scope::BacklogWrite])
    );
    // A refresh token is no access token.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let refused = server.store.grant_of(refresh).await.unwrap();
    assert_eq!(refused, Err(TokenRefused::Unknown));
}

#[tokio::test]
async fn nothing_that_works_is_in_the_database() {
    let server = Server::start().await;
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read")
        .await;
    let bytes = server
        .store
        .run(|db| Ok(db.serialize("main")?.to_vec()))
        .await
        .unwrap();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds(&connected.client_id));
    for secret in [&connected.access, &connected.refresh, &connected.code.code] {
        assert!(!holds(secret));
    }
}

#[tokio::test]
async fn a_code_works_once_and_its_second_use_revokes_what_it_gave() {
    let server = Server::start().await;
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read")
        .await;
    assert!(
        server
            .store
            .grant_of(&connected.access)
            .await
            .unwrap()
            .is_ok()
    );
    refused(&server.redeem(&connected.code).await, "invalid_grant");
    let access = server.store.grant_of(&connected.access).await.unwrap();
    assert_eq!(access, Err(TokenRefused::Revoked));
    refused(
        &server
            .refresh(&connected.client_id, &connected.refresh)
            .await,
        "invalid_grant",
    );
}

#[tokio::test]
async fn a_code_redeemed_twice_at_once_gives_tokens_once() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    let ask = Ask::new(&server, &client_id, "demo", "backlog:read");
    let code = ask.approved(&browser).await;
    let (first, second) = tokio::join!(server.redeem(&code), server.redeem(&code));
    let given = [&first, &second]
        .into_iter()
        .filter(|answer| answer.0 == StatusCode::OK);
    assert_eq!(given.count(), 1, "{first:?} {second:?}");
}

#[tokio::test]
async fn a_stolen_code_is_worth_nothing_without_the_verifier() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    let thief = server
        .register(&["https://thief.example.com/callback"])
        .await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    let code = Ask::new(&server, &client_id, "demo", "backlog:read")
        .approved(&browser)
        .await;

    let wrong = "x".repeat(43);
    let other = server.resource("other");
    for (name, value, error) in [
        ("code_verifier", wrong.as_str(), "invalid_grant"),
        ("code_verifier", "short", "invalid_request"),
        ("client_id", &thief, "invalid_grant"),
        ("redirect_uri", "http://127.0.0.1/other", "invalid_grant"),
        ("resource", &other, "invalid_target"),
        ("code", "unknown", "invalid_grant"),
        ("grant_type", "password", "unsupported_grant_type"),
    ] {
        let mut form = code.form();
        form.iter_mut().find(|(known, _)| *known == name).unwrap().1 = value;
        refused(&server.post("/token", &form).await, error);
    }
    let form = code.form();
    for missing in ["grant_type", "client_id", "code", "code_verifier"] {
        let form: Vec<_> = form
            .iter()
            .copied()
            .filter(|(name, _)| *name != missing)
            .collect();
        refused(&server.post("/token", &form).await, "invalid_request");
    }
    // Its owner's try was not spent by the thief's.
    assert_eq!(server.redeem(&code).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_code_expires() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    let code = Ask::new(&server, &client_id, "demo", "backlog:read")
        .approved(&browser)
        .await;
    server.clock.advance(61);
    refused(&server.redeem(&code).await, "invalid_grant");
}

#[tokio::test]
async fn an_access_token_expires_and_a_refresh_gives_another() {
    let server = Server::start().await;
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read inbox:read")
        .await;
    server.clock.advance(3601);
    let expired = server.store.grant_of(&connected.access).await.unwrap();
    assert_eq!(expired, Err(TokenRefused::Expired));
    let (status, tokens) = server
        .refresh(&connected.client_id, &connected.refresh)
        .await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let access = tokens["access_token"].as_str().unwrap();
    let grant = server.store.grant_of(access).await.unwrap().unwrap();
    assert_eq!(
        grant.scopes,
        BTreeSet::from([Scope::BacklogRead, Scope::InboxRead])
    );
    // The refresh token itself ends too.
    server.clock.advance(31 * 24 * 60 * 60);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    refused(
        &server.refresh(&connected.client_id, refresh).await,
        "invalid_grant",
    );
}

#[tokio::test]
async fn a_refresh_token_used_twice_revokes_the_grant_for_both() {
    let server = Server::start().await;
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read")
        .await;
    let (_, second) = server
        .refresh(&connected.client_id, &connected.refresh)
        .await;
    let newer = second["access_token"].as_str().unwrap();
    assert!(server.store.grant_of(newer).await.unwrap().is_ok());
    refused(
        &server
            .refresh(&connected.client_id, &connected.refresh)
            .await,
        "invalid_grant",
    );
    for access in [&connected.access, newer] {
        let grant = server.store.grant_of(access).await.unwrap();
        assert_eq!(grant, Err(TokenRefused::Revoked));
    }
    let newest = second["refresh_token"].as_str().unwrap();
    refused(
        &server.refresh(&connected.client_id, newest).await,
        "invalid_grant",
    );
}

#[tokio::test]
async fn reuse_is_noticed_after_what_has_expired_was_removed() {
    let server = Server::start().await;
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read")
        .await;
    let (_, second) = server
        .refresh(&connected.client_id, &connected.refresh)
        .await;
    server.clock.advance(3601);
    server
        .store
        .prune(server.config.refresh_lifetime)
        .await
        .unwrap();
    let newest = second["refresh_token"].as_str().unwrap();
    let (status, third) = server.refresh(&connected.client_id, newest).await;
    assert_eq!(status, StatusCode::OK);
    refused(&server.redeem(&connected.code).await, "invalid_grant");
    let access = third["access_token"].as_str().unwrap();
    let grant = server.store.grant_of(access).await.unwrap();
    assert_eq!(grant, Err(TokenRefused::Revoked));
}

#[tokio::test]
async fn a_refresh_may_narrow_the_scopes_and_never_widen_them() {
    let server = Server::start().await;
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read inbox:read")
        .await;
    let ask = |token: String, scope: &'static str| {
        let (server, client_id) = (&server, &connected.client_id);
        async move {
            let form = [
                ("grant_type", "refresh_token"),
                ("client_id", client_id.as_str()),
                ("refresh_token", token.as_str()),
                ("scope", scope),
            ];
            server.post("/token", &form).await
        }
    };
    refused(
        &ask(connected.refresh.clone(), "backlog:read team:write").await,
        "invalid_scope",
    );
    refused(
        &ask(connected.refresh.clone(), "everything").await,
        "invalid_scope",
    );
    let (_, narrow) = ask(connected.refresh.clone(), "backlog:read").await;
    let access = narrow["access_token"].as_str().unwrap();
    let grant = server.store.grant_of(access).await.unwrap().unwrap();
    assert_eq!(grant.scopes, BTreeSet::from([Scope::BacklogRead]));
    // The refresh token still stands for all that was granted.
    let refresh = narrow["refresh_token"].as_str().unwrap();
    let (_, wide) = server.refresh(&connected.client_id, refresh).await;
    assert_eq!(wide["scope"], "backlog:read inbox:read");
}

#[tokio::test]
async fn a_refresh_token_is_its_clients_alone() {
    let server = Server::start().await;
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read")
        .await;
    let thief = server
        .register(&["https://thief.example.com/callback"])
        .await;
    refused(
        &server.refresh(&thief, &connected.refresh).await,
        "invalid_grant",
    );
    let form = [("token", connected.refresh.as_str()), ("client_id", &thief)];
    refused(&server.post("/revoke", &form).await, "invalid_grant");
    let other = server.resource("other");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &connected.client_id),
        ("refresh_token", &connected.refresh),
        ("resource", &other),
    ];
    refused(&server.post("/token", &form).await, "invalid_target");
    assert!(
        server
            .store
            .grant_of(&connected.access)
            .await
            .unwrap()
            .is_ok()
    );
}

#[tokio::test]
async fn a_client_can_give_its_grant_back() {
    let server = Server::start().await;
    for which in ["access", "refresh"] {
        let connected = server
            .connect("olga@example.com", "demo", "backlog:read")
            .await;
        let token = if which == "access" {
            &connected.access
        } else {
            &connected.refresh
        };
        let form = [
            ("token", token.as_str()),
            ("client_id", &connected.client_id),
        ];
        assert_eq!(server.post("/revoke", &form).await.0, StatusCode::OK);
        let grant = server.store.grant_of(&connected.access).await.unwrap();
        assert_eq!(grant, Err(TokenRefused::Revoked), "{which}");
        let unknown = [("token", "unknown"), ("client_id", &connected.client_id)];
        assert_eq!(server.post("/revoke", &unknown).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn only_addresses_that_can_be_trusted_with_a_code_are_registered() {
    let server = Server::start().await;
    let url = format!("{}/register", server.origin);
    for body in [
        json!({}),
        json!({"redirect_uris": []}),
        json!({"redirect_uris": ["http://client.example.com/callback"]}),
        json!({"redirect_uris": ["https://fine.example.com/", "javascript:alert(1)"]}),
        json!({"redirect_uris": vec!["https://fine.example.com/"; 11]}),
    ] {
        let answer = server.http.post(&url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["error"], "invalid_redirect_uri", "{body}");
    }
    let no_json = server
        .http
        .post(&url)
        .body("no")
        .header("content-type", "application/json");
    let answer: Value = no_json.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["error"], "invalid_client_metadata");
}

#[tokio::test]
async fn oversized_bodies_are_refused() {
    let server = Server::start().await;
    let long = "x".repeat(20_000);
    let url = format!("{}/register", server.origin);
    let body = json!({"redirect_uris": ["https://a.example.com/"], "client_name": long});
    let answer = server.http.post(&url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "c"),
        ("code", &long),
    ];
    refused(&server.post("/token", &form).await, "invalid_request");
}

#[tokio::test]
async fn whoever_asks_twice_for_a_parameter_is_refused() {
    let server = Server::start().await;
    let form = [
        ("grant_type", "refresh_token"),
        ("grant_type", "authorization_code"),
    ];
    refused(&server.post("/token", &form).await, "invalid_request");
}

#[tokio::test]
async fn registrations_that_nobody_uses_are_removed() {
    const DAY: i64 = 24 * 60 * 60;
    let server = Server::start().await;
    let unused = server.register(&[REDIRECT]).await;
    let used = server
        .connect("olga@example.com", "demo", "backlog:read")
        .await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    let approved = server.register(&[REDIRECT]).await;
    let ask = Ask::new(&server, &approved, "demo", "backlog:read");
    let code = ask.approved(&browser).await;
    let is_kept = async |client_id: &str| {
        server
            .store
            .prune(server.config.refresh_lifetime)
            .await
            .unwrap();
        let found = server.store.redirect_uris(client_id).await.unwrap();
        found.is_some()
    };
    server.clock.advance(DAY - 60);
    assert!(is_kept(&unused).await);
    server.clock.advance(61);
    assert!(!is_kept(&unused).await);
    // Both were used, and could ask again with the id that they have.
    assert!(is_kept(&used.client_id).await && is_kept(&approved).await);
    refused(&server.redeem(&code).await, "invalid_grant");
    server.clock.advance(28 * DAY);
    let (status, _) = server.refresh(&used.client_id, &used.refresh).await;
    assert_eq!(status, StatusCode::OK);
    server.clock.advance(62 * DAY);
    assert!(!is_kept(&approved).await, "for 91 days");
    assert!(is_kept(&used.client_id).await, "it refreshed 62 days ago");
    server.clock.advance(29 * DAY);
    assert!(!is_kept(&used.client_id).await);
}

#[tokio::test]
async fn a_client_with_a_grant_that_works_is_kept() {
    let server = Server::start().await;
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read")
        .await;
    server
        .sql("UPDATE clients SET used_at = 0; DELETE FROM codes")
        .await;
    server
        .store
        .prune(server.config.refresh_lifetime)
        .await
        .unwrap();
    let (status, _) = server
        .refresh(&connected.client_id, &connected.refresh)
        .await;
    assert_eq!(status, StatusCode::OK);
}

/// Python's client sends head and body apart; the connection was closed with the body unread.
#[tokio::test]
async fn a_refusal_leaves_the_connection_for_the_next_request() {
    let server = Server::start().await;
    let host = server.origin.trim_start_matches("http://");
    for host_named in [host, "evil.example.com"] {
        let mut connection = BufReader::new(TcpStream::connect(host).await.unwrap());
        let head =
            format!("POST /p/demo/mcp HTTP/1.1\r\nHost: {host_named}\r\nContent-Length: 7\r\n\r\n");
        connection.write_all(head.as_bytes()).await.unwrap();
        // Time for an early refusal. There is none, and if this were too short the test would still pass.
        let _ = timeout(Duration::from_millis(50), connection.fill_buf()).await;
        connection.write_all(b"{\"a\":1}").await.unwrap();
        let mut status = String::new();
        connection.read_line(&mut status).await.unwrap();
        assert!(status.starts_with("HTTP/1.1 40"), "{status}");
        let mut length = 0;
        loop {
            let mut line = String::new();
            connection.read_line(&mut line).await.unwrap();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await.unwrap();

        let next = format!("GET /style.css HTTP/1.1\r\nHost: {host}\r\n\r\n");
        connection.write_all(next.as_bytes()).await.unwrap();
        let mut status = String::new();
        connection.read_line(&mut status).await.unwrap();
        assert_eq!(status, "HTTP/1.1 200 OK\r\n");
    }
}
