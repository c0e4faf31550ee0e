//! What an ingest may answer, or do in place of an answer. Each row is played on each wire.

use std::time::Duration;

use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{DropReason, Wire};

use super::{End, Scene};
use crate::support::{KEY, PATIENCE, builder_for, ingest, wires};

/// The events that are logged before a row's fault.
const EVENTS: u64 = 3;

struct Row {
    name: &'static str,
    /// The answers to the first requests; later ones are taken.
    answers: Vec<Answer>,
    request_timeout: Duration,
    end: End,
}

fn row(name: &'static str, answer: Answer, end: End) -> Row {
    burst(name, vec![answer], end)
}

fn burst(name: &'static str, answers: Vec<Answer>, end: End) -> Row {
    Row {
        name,
        answers,
        request_timeout: PATIENCE,
        end,
    }
}

/// A row whose fault lasts until the request's time is up.
fn hang(name: &'static str, answer: Answer, end: End) -> Row {
    Row {
        request_timeout: Duration::from_millis(300),
        ..row(name, answer, end)
    }
}

fn rows() -> Vec<Row> {
    use End::{Claimed, Delivered, Dropped, Searched, Twice};
    let rejected = Dropped(DropReason::Rejected);
    let unauthorized = Dropped(DropReason::Unauthorized);
    let ok = || Answer::status(200);
    let hour = Duration::from_secs(3600);
    let elsewhere = "http://198.51.100.1/elsewhere";
    vec![
        // The connection.
        row(
            "reset before the body",
            Answer::reset_before_body(),
            Delivered,
        ),
        row("reset in the body", Answer::reset_in_body(), Delivered),
        row("reset after the body", Answer::reset_after_body(), Twice),
        row("closed without an answer", Answer::raw(""), Twice),
        row("closed after each answer", ok().close(), Delivered),
        hang("hang before the answer", Answer::hang(), Twice),
        hang("hang before a failure", Answer::status(503).held(), Twice),
        hang(
            "hang in the answer's body",
            Answer::trickle(64, hour),
            Delivered,
        ),
        row(
            "slow trickle of the body",
            Answer::trickle(9, Duration::from_millis(1)),
            Delivered,
        ),
        row(
            "slow answer",
            ok().delay(Duration::from_millis(20)),
            Delivered,
        ),
        // Redirects.
        row("300", Answer::redirect(300, elsewhere), rejected),
        row("301", Answer::redirect(301, elsewhere), rejected),
        row("302", Answer::redirect(302, elsewhere), rejected),
        row("303", Answer::redirect(303, elsewhere), rejected),
        row("304", Answer::status(304), rejected),
        row("307", Answer::redirect(307, elsewhere), rejected),
        row("308", Answer::redirect(308, elsewhere), rejected),
        row("302 to nowhere", Answer::status(302), rejected),
        // 4xx.
        row("400", Answer::status(400), Searched),
        row("401", Answer::status(401), unauthorized),
        row("402", Answer::status(402), rejected),
        row("403", Answer::status(403), unauthorized),
        row("404", Answer::status(404), rejected),
        row("405", Answer::status(405), rejected),
        row("407", Answer::status(407), rejected),
        row("408", Answer::status(408), Twice),
        row("409", Answer::status(409), rejected),
        row("410", Answer::status(410), rejected),
        row("415", Answer::status(415), rejected),
        row("422", Answer::status(422), Searched),
        row("425", Answer::status(425), Twice),
        row("451", Answer::status(451), rejected),
        row("499", Answer::status(499), rejected),
        // 429 with all that may stand in `Retry-After`.
        row("429", Answer::status(429), Twice),
        row("429, 0", Answer::status(429).retry_after("0"), Twice),
        row("429, seconds", Answer::status(429).retry_after("1"), Twice),
        row(
            "429, a fraction",
            Answer::status(429).retry_after("0.5"),
            Twice,
        ),
        row(
            "429, a year",
            Answer::status(429).retry_after("31536000"),
            Twice,
        ),
        row(
            "429, more than a u64",
            Answer::status(429).retry_after("99999999999999999999999"),
            Twice,
        ),
        row(
            "429, more with a fraction",
            Answer::status(429).retry_after("9".repeat(400) + ".5"),
            Twice,
        ),
        row(
            "429, negative",
            Answer::status(429).retry_after("-5"),
            Twice,
        ),
        row(
            "429, an exponent",
            Answer::status(429).retry_after("1e9"),
            Twice,
        ),
        row(
            "429, infinite",
            Answer::status(429).retry_after("inf"),
            Twice,
        ),
        row(
            "429, no number",
            Answer::status(429).retry_after("NaN"),
            Twice,
        ),
        row(
            "429, a date in the future",
            Answer::status(429).retry_after("Fri, 31 Dec 2100 23:59:59 GMT"),
            Twice,
        ),
        row(
            "429, a date in the past",
            Answer::status(429).retry_after("Sun, 06 Nov 1994 08:49:37 GMT"),
            Twice,
        ),
        row(
            "429, an old form of date",
            Answer::status(429).retry_after("Sunday, 06-Nov-94 08:49:37 GMT"),
            Twice,
        ),
        row(
            "429, no date",
            Answer::status(429).retry_after("Sun, 99 Nov 9999 99:99:99 GMT"),
            Twice,
        ),
        row(
            "429, words",
            Answer::status(429).retry_after("in a moment"),
            Twice,
        ),
        row("429, empty", Answer::status(429).retry_after(""), Twice),
        row(
            "429, long",
            Answer::status(429).retry_after("7".repeat(30_000)),
            Twice,
        ),
        row(
            "429, not ASCII",
            Answer::status(429).retry_after("fünf"),
            Twice,
        ),
        row(
            "429, two of them",
            Answer::status(429).retry_after("1").retry_after("x"),
            Twice,
        ),
        // 5xx.
        row("500", Answer::status(500), Twice),
        row("501", Answer::status(501), Twice),
        row(
            "502",
            Answer::status(502).body("<html>bad gateway</html>"),
            Twice,
        ),
        row("503", Answer::status(503), Twice),
        row(
            "503 with a time",
            Answer::status(503).retry_after("1"),
            Twice,
        ),
        row("504", Answer::status(504), Twice),
        row("599", Answer::status(599), Twice),
        burst(
            "a burst of four 5xx",
            [500, 502, 503, 504].map(Answer::status).to_vec(),
            Twice,
        ),
        burst(
            "a different fault each time",
            vec![
                Answer::status(503),
                Answer::reset_after_body(),
                Answer::status(429),
                Answer::malformed(),
            ],
            Twice,
        ),
        // Statuses beyond HTTP's.
        row("600", Answer::status(600), rejected),
        row("999", Answer::status(999), rejected),
        // 2xx of all kinds.
        row("204", Answer::status(204), Delivered),
        row("202", Answer::status(202), Delivered),
        row("299", Answer::status(299), Delivered),
        row(
            "200 after 100",
            Answer::raw(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            ),
            Claimed,
        ),
        row(
            "200 after 103",
            Answer::raw(
                "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            ),
            Claimed,
        ),
        row(
            "HTTP/1.0",
            Answer::raw("HTTP/1.0 200 OK\r\n\r\nfine"),
            Claimed,
        ),
        row("a huge answer", Answer::huge(64 * 1024 * 1024), Delivered),
        row("a truncated answer", Answer::truncated(), Delivered),
        row(
            "an answer that is not JSON",
            ok().body("{not json"),
            Delivered,
        ),
        row(
            "an answer of another type",
            ok().header("Content-Type", "image/png").body([0xff; 40]),
            Delivered,
        ),
        row("a JSON bomb", ok().body("[".repeat(60_000)), Delivered),
        row(
            "a lying encoding",
            ok().header("Content-Encoding", "gzip").body("not gzip"),
            Delivered,
        ),
        row(
            "refusals of nobody",
            ok().body(r#"{"accepted":3,"rejected":[{"event_id":1,"reason":"x","retry":false}]}"#),
            Delivered,
        ),
        row(
            "refusals of wrong types",
            ok().body(r#"{"accepted":"x","rejected":{"event_id":null}}"#),
            Delivered,
        ),
        row("OK", ok().body("OK"), Delivered),
        row("XML", ok().body("<?xml version=\"1.0\"?><ok/>"), Delivered),
        row(
            "unknown JSON",
            ok().body("{\"status\":\"done\"}"),
            Delivered,
        ),
        row(
            "the page of a proxy",
            ok().body("\r\n <!DOCTYPE html><title>Please sign in</title>"),
            Twice,
        ),
        row(
            "a page that is said to be JSON",
            ok().header("Content-Type", "application/json")
                .body("<HTML><body>Blocked"),
            Twice,
        ),
        row(
            "a cookie",
            ok().header("Set-Cookie", "a=b; Path=/"),
            Delivered,
        ),
        // Wrong lengths.
        row(
            "more body than announced",
            ok().header("Content-Length", "1")
                .body("{} and more")
                .close(),
            Delivered,
        ),
        row(
            "less body than announced",
            ok().header("Content-Length", "9000").body("{}").close(),
            Delivered,
        ),
        row(
            "a length that is no number",
            Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n0123456789"),
            Twice,
        ),
        row(
            "a negative length",
            Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
            Twice,
        ),
        row(
            "two lengths",
            Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            Twice,
        ),
        row(
            "a broken chunk",
            Answer::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            Claimed,
        ),
        // Not HTTP.
        row("not HTTP", Answer::malformed(), Twice),
        row("half a status line", Answer::raw("HTTP/1.1 2"), Twice),
        row(
            "half a head",
            Answer::raw("HTTP/1.1 200 OK\r\nContent-Le"),
            Twice,
        ),
        row(
            "a status that is no number",
            Answer::raw("HTTP/1.1 abc OK\r\n\r\n"),
            Twice,
        ),
        row(
            "the greeting of SSH",
            Answer::raw("SSH-2.0-OpenSSH_9.9\r\n"),
            Twice,
        ),
        row(
            "an alert of TLS",
            Answer::raw([0x15, 3, 3, 0, 2, 2, 40]),
            Twice,
        ),
        row(
            "a frame of HTTP/2",
            Answer::raw([0, 0, 0, 4, 0, 0, 0, 0, 0]),
            Twice,
        ),
        row("HTTP/0.9", Answer::raw("<html>fine</html>"), Twice),
        row(
            "a header without an end",
            Answer::raw(format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(2_000_000))),
            Twice,
        ),
        row(
            "a thousand headers",
            Answer::raw(format!(
                "HTTP/1.1 200 OK\r\n{}\r\n",
                "X: y\r\n".repeat(1_000)
            )),
            Twice,
        ),
        row(
            "a null in the head",
            Answer::raw("HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"),
            Twice,
        ),
    ]
}

#[test]
fn every_answer_is_survived_on_every_wire() {
    let rows = rows();
    assert!(rows.len() >= 40, "{} kinds", rows.len());
    for (wire_name, wire) in wires() {
        for row in &rows {
            play(&format!("{} ({wire_name})", row.name), &wire, row);
        }
    }
}

/// What the other wires send again, and OTLP does not.
const DROPPED_BY_OTLP: [&str; 5] = ["408", "422", "425", "501", "599"];
/// As these, though this ingest plays such a 2xx after it has taken the events.
const PAGES: [&str; 2] = ["the page of a proxy", "a page that is said to be JSON"];

fn play(name: &str, wire: &Wire, row: &Row) {
    let is_page = PAGES.contains(&row.name);
    let end = match (row.end, wire) {
        (_, Wire::Otlp(_)) if is_page || DROPPED_BY_OTLP.contains(&row.name) => {
            End::Dropped(DropReason::Rejected)
        }
        (End::Searched, Wire::Reo) => End::Dropped(DropReason::Rejected),
        (End::Searched, _) => End::Twice,
        (end, _) => end,
    };
    let ingest = ingest();
    ingest.script(row.answers.iter().cloned());
    let builder = builder_for(&ingest, wire)
        .flush_interval(Duration::from_secs(3600))
        .max_event_age(Duration::from_secs(7200))
        .request_timeout(row.request_timeout)
        .max_in_flight(1)
        .max_backoff(Duration::from_millis(2))
        .max_retry_after(Duration::from_millis(2));
    let mut scene = Scene::new(name, ingest, builder);
    scene.log(EVENTS);
    scene.flush();
    assert_eq!(scene.ingest.script_left(), 0, "{name}");

    // The request that met the fault held one event on the Reo wire, all on the others.
    let met = if *wire == Wire::Reo { 1 } else { EVENTS };
    let arrived = scene.ingest.events().len() as u64;
    let late = (scene.errors.try_iter()).any(|error| error.to_string().contains("timed out"));
    let stats = scene.usage.stats();
    let lost = match end {
        End::Dropped(reason) => stats.dropped.get(reason),
        End::Delivered | End::Twice | End::Claimed | End::Searched => 0,
    };
    assert_eq!(stats.dropped.total(), lost, "{name}: {stats:?}");
    match end {
        End::Searched => unreachable!(),
        End::Dropped(_) => assert_eq!(lost, met, "{name}: {stats:?}"),
        // On a machine so slow that an answer came too late, an event may have been sent again.
        End::Delivered | End::Claimed if late => assert!(arrived >= EVENTS, "{name}"),
        End::Delivered | End::Claimed => assert_eq!(arrived, EVENTS, "{name}"),
        End::Twice => assert!(arrived >= EVENTS + met, "{name}: {arrived} events arrived"),
    }
    if end == End::Claimed || (is_page && lost > 0) {
        let stats = scene.close(PATIENCE);
        assert_eq!(stats.delivered, EVENTS - lost, "{name}: {stats:?}");
    } else {
        scene.recover();
    }
}

/// An ingest that refuses bodies by their size, and how many events arrive of 40 on the batch wires.
#[test]
fn a_413_by_bytes_by_count_and_for_everything() {
    type Limit = fn() -> MockIngest;
    let rows: [(&str, Limit, u64); 3] = [
        (
            "by bytes",
            || {
                MockIngest::builder()
                    .api_key(KEY)
                    .max_body_bytes(2_000)
                    .start()
                    .unwrap()
            },
            40,
        ),
        (
            "by count",
            || {
                MockIngest::builder()
                    .api_key(KEY)
                    .max_body_events(3)
                    .start()
                    .unwrap()
            },
            40,
        ),
        (
            "for everything",
            || {
                MockIngest::builder()
                    .api_key(KEY)
                    .max_body_bytes(1)
                    .start()
                    .unwrap()
            },
            0,
        ),
    ];
    for (wire_name, wire) in wires() {
        for (limit, start, delivered) in rows {
            let name = format!("413 {limit} ({wire_name})");
            let ingest = start();
            let builder = builder_for(&ingest, &wire)
                .flush_interval(Duration::from_secs(3600))
                .max_event_age(Duration::from_secs(7200));
            let mut scene = Scene::new(&name, ingest, builder);
            scene.log(40);
            scene.flush();
            let requests = scene.ingest.counts().requests;
            assert!(requests < 80, "{name}: {requests} requests");
            let stats = scene.end();
            assert_eq!(stats.delivered, delivered, "{name}");
            assert_eq!(
                stats.dropped.get(DropReason::TooLarge),
                40 - delivered,
                "{name}"
            );
        }
    }
}

/// Single events of a batch that is otherwise taken.
#[test]
fn partial_success_is_honoured() {
    let rows = [
        ("some refused", Answer::reject_first(2, false), 2),
        ("all refused", Answer::reject_first(9, false), EVENTS),
        ("some to be sent again", Answer::reject_first(2, true), 0),
        ("all to be sent again", Answer::reject_first(9, true), 0),
    ];
    for (name, answer, rejected) in rows {
        let ingest = ingest();
        ingest.script([answer]);
        let builder =
            builder_for(&ingest, &Wire::ReoBatch).flush_interval(Duration::from_secs(600));
        let mut scene = Scene::new(name, ingest, builder);
        scene.log(EVENTS);
        scene.flush();
        let stats = scene.recover();
        assert_eq!(stats.dropped.get(DropReason::Rejected), rejected, "{name}");
        assert_eq!(stats.dropped.total(), rejected, "{name}");
    }
}
