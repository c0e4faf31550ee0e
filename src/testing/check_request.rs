//! The checks of one request: which wire it is, which events it holds, what is wrong with it, and the answer it gets.
//! Pure: no sockets, no state.

use std::borrow::Cow;
use std::time::Instant;

use memchr::memmem;
use serde_json::{Value, json};

use super::answer::{Answer, AnswerBody};
use super::contract::{self, ReceivedWire, Violation};
use super::hidden_key::{self, BODY_KEY};
use super::received::{ReceivedEvent, ReceivedRequest};

/// What the ingest asks of a request.
#[derive(Clone, Default)]
pub(super) struct IngestRules {
    pub(super) api_key: Option<String>,
    pub(super) max_body_bytes: Option<usize>,
    pub(super) max_body_events: Option<usize>,
    pub(super) unchecked: bool,
}

/// The status of a refusal, and its reason.
pub(super) type HttpError = (u16, String);

/// What the checks of a request found.
#[derive(Debug, Default)]
pub(super) struct CheckedRequest {
    pub(super) wire: Option<ReceivedWire>,
    /// The events of the body, none where they are only counted.
    pub(super) events: Vec<ReceivedEvent>,
    pub(super) event_count: usize,
    pub(super) violation: Option<Violation>,
    pub(super) refusal: Option<HttpError>,
}

impl IngestRules {
    /// Checks a request whose body has been read.
    pub(super) fn check_request(&self, request: &ReceivedRequest, body: &[u8]) -> CheckedRequest {
        if request.method != "POST" {
            // Not meant as events, so the contract does not apply.
            return CheckedRequest::refused((405, String::from("method: is not POST")));
        }
        let body = match decoded(request, body) {
            Ok(body) => body,
            Err(refusal) => {
                let by_key = self.key_refusal(request, wire_of_path(request));
                return CheckedRequest::refused(by_key.unwrap_or(refusal));
            }
        };
        let mut checked = if self.unchecked {
            count_events(request, &body)
        } else {
            read_events(request, &body)
        };
        let wire = checked.wire.unwrap_or_else(|| wire_of_path(request));
        let by_contract = |violation: &Violation| (400, violation.to_string());
        let by_key = match wire {
            ReceivedWire::PostHog => self.key_refusal_of_body(&body),
            _ => self.key_refusal(request, wire),
        };
        checked.refusal = by_key
            .or_else(|| self.size_refusal(body.len(), checked.event_count))
            .or_else(|| checked.violation.as_ref().map(by_contract));
        checked
    }

    fn key_refusal(&self, request: &ReceivedRequest, wire: ReceivedWire) -> Option<HttpError> {
        let expected = self.api_key.as_deref()?;
        let (name, prefix) = key_header(wire)?;
        match request.header(name) {
            Some(given) if given.strip_prefix(prefix) == Some(expected) => None,
            // The reason travels back to the sender and into its logs, so it holds neither key.
            Some(_) => Some((401, format!("{name}: is not the key of this ingest"))),
            None => Some((401, format!("{name}: is missing"))),
        }
    }

    /// As [`key_refusal`](Self::key_refusal), where the key is a member of the body, which has to have one.
    fn key_refusal_of_body(&self, body: &[u8]) -> Option<HttpError> {
        let name = BODY_KEY;
        match (hidden_key::find(body), self.api_key.as_deref()) {
            (None, _) => Some((401, format!("{name}: is missing"))),
            (Some(given), Some(expected)) if given != expected => {
                Some((401, format!("{name}: is not the key of this ingest")))
            }
            (Some(_), _) => None,
        }
    }

    /// The refusal of a body with this many bytes and events.
    pub(super) fn size_refusal(&self, bytes: usize, events: usize) -> Option<HttpError> {
        for (size, limit, unit) in [
            (bytes, self.max_body_bytes, "bytes"),
            (events, self.max_body_events, "events"),
        ] {
            if let Some(limit) = limit.filter(|limit| size > *limit) {
                return Some((413, format!("body: has {size} {unit}, more than {limit}")));
            }
        }
        None
    }
}

impl CheckedRequest {
    fn refused(refusal: HttpError) -> Self {
        Self {
            refusal: Some(refusal),
            ..Self::default()
        }
    }

    /// The answer to this request and its body, given the answer that was scripted for it.
    ///
    /// A refusal replaces what is sent, and not when: a slow server is also slow to refuse.
    pub(super) fn answer(&self, scripted: Answer) -> Answer {
        let mut answer = match &self.refusal {
            Some((status, reason)) if scripted.accepts() => Answer {
                delay: scripted.delay,
                held: scripted.held,
                close: scripted.close,
                ..Answer::refusal(*status, reason)
            },
            _ => scripted,
        };
        if let AnswerBody::Standard = answer.body {
            let is_otlp = self.wire == Some(ReceivedWire::Otlp) && answer.accepts();
            let body = if is_otlp {
                answer = answer.header("Content-Type", "application/x-protobuf");
                self.partial_success(&answer)
            } else {
                self.standard_body(&answer).to_string().into_bytes()
            };
            answer.body = AnswerBody::Bytes(body);
        }
        answer
    }

    /// What a receiver of OTLP answers: nothing, or how many spans it has rejected, and a message.
    fn partial_success(&self, answer: &Answer) -> Vec<u8> {
        let accepted = self.accepted(answer);
        let rejected = accepted.iter().filter(|accepted| !**accepted).count();
        if rejected == 0 {
            return Vec::new();
        }
        let mut success = vec![0x08];
        let mut left = rejected;
        while left >= 0x80 {
            success.push(left as u8 | 0x80);
            left >>= 7;
        }
        success.push(left as u8);
        success.extend_from_slice(b"\x12\x08scripted");
        [&[0x0a, success.len() as u8], &*success].concat()
    }

    fn standard_body(&self, answer: &Answer) -> Value {
        if !answer.accepts() {
            return json!({ "error": answer.refusal.as_deref().unwrap_or("scripted") });
        }
        match self.wire {
            Some(ReceivedWire::ReoBatch) => {
                let retry = answer.rejection.as_ref().map(|rejection| rejection.retry);
                let rejected: Vec<_> = self
                    .events
                    .iter()
                    .zip(self.accepted(answer))
                    .filter(|(_, accepted)| !accepted)
                    .map(|(event, _)| {
                        let id = event.json.get("event_id");
                        json!({ "event_id": id, "reason": "scripted", "retry": retry })
                    })
                    .collect();
                json!({ "accepted": self.event_count - rejected.len(), "rejected": rejected })
            }
            Some(ReceivedWire::Mcpeye) => json!({ "accepted": self.event_count }),
            Some(ReceivedWire::PostHog) => json!({ "status": 1 }),
            Some(ReceivedWire::Reo | ReceivedWire::Otlp) | None => json!({}),
        }
    }

    /// For each event, whether the answer accepts it.
    pub(super) fn accepted(&self, answer: &Answer) -> Vec<bool> {
        let is_batch = matches!(self.wire, Some(ReceivedWire::ReoBatch | ReceivedWire::Otlp));
        let rejection = answer.rejection.as_ref().filter(|_| is_batch);
        let accepts = |(index, event): (usize, &ReceivedEvent)| {
            let id = event.id.parse().ok();
            answer.accepts() && !rejection.is_some_and(|rejection| rejection.covers(index, id))
        };
        self.events.iter().enumerate().map(accepts).collect()
    }
}

/// Parses and checks a body, and takes the events out of it.
fn read_events(request: &ReceivedRequest, body: &[u8]) -> CheckedRequest {
    let parsed = if is_protobuf(request) {
        contract::parse_protobuf(body)
    } else {
        contract::parse(body)
    };
    let wire = parsed.as_ref().ok().and_then(ReceivedWire::of);
    let checked = check_head(request, wire).and_then(|()| {
        let value = parsed.as_ref().map_err(Violation::clone)?;
        let unknown = "is of no known wire: it has neither payload nor projectId";
        let wire = wire.ok_or_else(|| Violation::new("body", unknown))?;
        contract::check_size(body.len(), wire)?;
        contract::check_value(value, wire)
    });
    let events = match (parsed, wire) {
        (Ok(value), Some(wire)) => events_of(value, wire),
        _ => Vec::new(),
    };
    CheckedRequest {
        wire,
        event_count: events.len(),
        events,
        violation: checked.err(),
        refusal: None,
    }
}

/// Counts the events of a body without parsing it.
fn count_events(request: &ReceivedRequest, body: &[u8]) -> CheckedRequest {
    // The quotes are part of what is searched for: inside a string they would be escaped, so only a key matches.
    let (wire, event_count) = if is_protobuf(request) {
        let count = memmem::find_iter(body, b"mcp_usage.event_id").count();
        (ReceivedWire::Otlp, count)
    } else if wire_of_path(request) == ReceivedWire::Mcpeye {
        let count = memmem::find_iter(body, br#""callId":"#).count();
        (ReceivedWire::Mcpeye, count)
    } else if wire_of_path(request) == ReceivedWire::PostHog {
        let count = memmem::find_iter(body, br#""mcp_usage_event_id":"#).count();
        (ReceivedWire::PostHog, count)
    } else if body.starts_with(br#"{"payload":["#) {
        let count = memmem::find_iter(body, br#""event_id":"#).count();
        (ReceivedWire::ReoBatch, count)
    } else {
        (ReceivedWire::Reo, 1)
    };
    CheckedRequest {
        wire: Some(wire),
        event_count,
        ..CheckedRequest::default()
    }
}

fn check_head(request: &ReceivedRequest, wire: Option<ReceivedWire>) -> Result<(), Violation> {
    if !is_protobuf(request) && media_type(request) != "application/json" {
        return Err(Violation::new("content-type", "is not application/json"));
    }
    let Some(wire) = wire else {
        return Ok(());
    };
    let of_path = wire_of_path(request);
    if wire == ReceivedWire::Mcpeye && of_path != wire {
        let reason = "does not end in /ingest, as the mcpeye wire's does";
        return Err(Violation::new("path", reason));
    }
    if wire == ReceivedWire::Otlp && of_path != wire {
        return Err(Violation::new("path", "does not end in /v1/traces"));
    }
    if wire == ReceivedWire::PostHog {
        check_posthog_head(request)?;
    }
    let own_key = key_header(wire).map(|(name, _)| name);
    let foreign_keys = ["x-api-key", "x-mcpeye-secret"].into_iter();
    for foreign_key in
        foreign_keys.filter(|name| Some(*name) != own_key && wire != ReceivedWire::Otlp)
    {
        if request.header(foreign_key).is_some() {
            return Err(Violation::new(foreign_key, "is the key of another wire"));
        }
    }
    Ok(())
}

/// The path, and what the query says of a compressed body.
fn check_posthog_head(request: &ReceivedRequest) -> Result<(), Violation> {
    if wire_of_path(request) != ReceivedWire::PostHog {
        return Err(Violation::new("path", "does not end in /batch/"));
    }
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let says_gzip = query.split('&').any(|said| said == "compression=gzip");
    if says_gzip != request.header("content-encoding").is_some() {
        return Err(Violation::new(
            "query",
            "says another coding than the header",
        ));
    }
    Ok(())
}

/// The header that carries the key, and what stands before the key in it; `None` where the body has the key.
fn key_header(wire: ReceivedWire) -> Option<(&'static str, &'static str)> {
    match wire {
        ReceivedWire::Reo | ReceivedWire::ReoBatch => Some(("x-api-key", "")),
        ReceivedWire::Mcpeye => Some(("x-mcpeye-secret", "")),
        ReceivedWire::Otlp => Some(("authorization", "Bearer ")),
        ReceivedWire::PostHog => None,
    }
}

fn media_type(request: &ReceivedRequest) -> String {
    let content_type = request.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}

fn is_protobuf(request: &ReceivedRequest) -> bool {
    media_type(request) == "application/x-protobuf"
}

/// The wire that a request seems to be of, whatever its body.
fn wire_of_path(request: &ReceivedRequest) -> ReceivedWire {
    let path = request.path.split('?').next().unwrap_or_default();
    if path.ends_with("/ingest") {
        ReceivedWire::Mcpeye
    } else if path.ends_with("/v1/traces") {
        ReceivedWire::Otlp
    } else if path.ends_with("/batch/") {
        ReceivedWire::PostHog
    } else {
        ReceivedWire::Reo
    }
}

fn events_of(mut body: Value, wire: ReceivedWire) -> Vec<ReceivedEvent> {
    let (list, id_key) = match wire {
        ReceivedWire::Reo | ReceivedWire::ReoBatch => ("payload", "event_id"),
        ReceivedWire::Mcpeye => ("events", "callId"),
        ReceivedWire::Otlp => ("spans", "mcp_usage.event_id"),
        ReceivedWire::PostHog => ("batch", "mcp_usage_event_id"),
    };
    if wire == ReceivedWire::Otlp {
        let spans = contract::spans(body.get("resourceSpans"))
            .cloned()
            .collect();
        body = json!({ "spans": Value::Array(spans) });
    }
    let items = match body.get_mut(list).map(Value::take) {
        Some(Value::Array(items)) => items,
        Some(item) => vec![item],
        None => Vec::new(),
    };
    let at = Instant::now();
    let event = |json: Value| ReceivedEvent {
        wire,
        id: match ReceivedEvent::facts_of(&json).get(id_key) {
            Some(Value::String(id)) => id.clone(),
            Some(id) => id.to_string(),
            None => String::new(),
        },
        json,
        accepted: false,
        at,
        identity: body.get("identity").cloned(),
    };
    items.into_iter().map(event).collect()
}

/// A body as it is kept: without the key, where the wire has it there.
pub(super) fn without_key(request: &ReceivedRequest, body: Vec<u8>) -> Vec<u8> {
    if wire_of_path(request) != ReceivedWire::PostHog {
        return body;
    }
    let mut body = match decoded(request, &body) {
        Ok(Cow::Borrowed(_)) => body,
        Ok(Cow::Owned(decoded)) => decoded,
        // The key is somewhere in what cannot be decoded.
        Err(_) => return Vec::new(),
    };
    hidden_key::hide(&mut body);
    body
}

/// Removes the coding from a body, or refuses it.
fn decoded<'b>(request: &ReceivedRequest, body: &'b [u8]) -> Result<Cow<'b, [u8]>, HttpError> {
    let coding = request.header("content-encoding").unwrap_or("identity");
    let coding = coding.trim();
    if coding.eq_ignore_ascii_case("identity") {
        return Ok(Cow::Borrowed(body));
    }
    #[cfg(feature = "gzip")]
    if coding.eq_ignore_ascii_case("gzip") {
        return gunzip(body).map(Cow::Owned);
    }
    Err((415, format!("content-encoding: {coding} is not supported")))
}

#[cfg(feature = "gzip")]
fn gunzip(body: &[u8]) -> Result<Vec<u8>, HttpError> {
    use std::io::Read;

    let mut decoded = Vec::new();
    flate2::read::MultiGzDecoder::new(body)
        .take(super::head::MAX_READ_BYTES as u64)
        .read_to_end(&mut decoded)
        .map(|_| decoded)
        .map_err(|_| (400, "content-encoding: the body is not gzip".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const REO: &str = "/api/product/usage";

    fn request(path: &str, headers: &[(&str, &str)]) -> ReceivedRequest {
        let headers = [("Content-Type", "application/json")]
            .iter()
            .chain(headers)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        ReceivedRequest::new("POST", path, headers)
    }

    fn event(id: i64) -> Value {
        json!({
            "activity_type": "LOGIN_ACTIVITY", "user_id": "u", "user_id_type": "ID", "product_id": "p",
            "source": "PRODUCT_CLOUD", "environment": "PRODUCTION", "user_agent": "test/1.0",
            "event_id": id, "event_at": 1_731_000_000,
        })
    }

    fn batch() -> String {
        let sdk = json!({"name": "mcp-usage", "version": "0.1.0", "instance": "a", "sequence": 0});
        json!({"payload": [event(7), event(8), event(9)], "sdk": sdk}).to_string()
    }

    fn mcpeye() -> String {
        json!({
            "projectId": "p", "identity": {"userId": "u"}, "events": [{
                "callId": "f9e078a0-519b-4af2-b6c2-1896a6d21d1b", "toolName": "t", "arguments": {"a": "\"callId\":"},
                "isError": false, "timestamp": 1_795_246_992_700_i64, "durationMs": 3,
            }],
        })
        .to_string()
    }

    fn status(rules: &IngestRules, request: &ReceivedRequest, body: &str) -> u16 {
        let checked = rules.check_request(request, body.as_bytes());
        checked.answer(Answer::ok()).status
    }

    #[test]
    fn the_first_check_that_fails_decides_the_status() {
        let rules = IngestRules {
            api_key: Some("k".to_owned()),
            max_body_bytes: Some(2_000),
            max_body_events: Some(2),
            unchecked: false,
        };
        let single = json!({ "payload": event(7) }).to_string();
        let (long, coded) = (" ".repeat(2_001), [("Content-Encoding", "br")]);
        let keyed = [("X-Api-Key", "k")];
        let coded_and_keyed = [coded[0], keyed[0]];
        for (headers, body, wanted) in [
            (&coded[..], &single, 401),
            (&coded_and_keyed, &single, 415),
            (&[], &long, 401),
            (&keyed, &long, 413),
            (&keyed, &batch(), 413),
            (&keyed, &"{}".to_owned(), 400),
            (&keyed, &single, 200),
        ] {
            let found = status(&rules, &request(REO, headers), body);
            assert_eq!(found, wanted, "{headers:?} {body:.20}");
        }
        let mut get = request(REO, &[]);
        get.method = "GET".to_owned();
        let checked = rules.check_request(&get, b"{");
        assert_eq!(checked.answer(Answer::ok()).status, 405);
        assert_eq!(checked.violation, None, "it is not meant as events");
    }

    #[test]
    fn the_key_is_looked_for_in_the_header_of_the_wire_else_of_the_path() {
        let rules = IngestRules {
            api_key: Some("k".to_owned()),
            ..IngestRules::default()
        };
        let [reo, eye] = ["X-API-KEY", "X-Mcpeye-Secret"].map(|name| [(name, "k")]);
        for (path, headers, body, wanted) in [
            ("/ingest?x=1", &eye, mcpeye(), 200),
            ("/ingest", &reo, mcpeye(), 401),
            ("/ingest", &eye, "{".to_owned(), 400),
            ("/ingest", &reo, "{".to_owned(), 401),
            (REO, &reo, "{".to_owned(), 400),
            (REO, &eye, batch(), 401),
        ] {
            let found = status(&rules, &request(path, headers), &body);
            assert_eq!(found, wanted, "{path} {headers:?}");
        }
    }

    #[test]
    fn the_events_of_a_body_are_taken_out_with_their_ids() {
        let rules = IngestRules::default();
        let ids = |path, body: String| {
            let checked = rules.check_request(&request(path, &[]), body.as_bytes());
            assert_eq!(checked.events.len(), checked.event_count);
            let ids = checked.events.into_iter().map(|event| event.id);
            (checked.wire, ids.collect::<Vec<_>>().join(" "))
        };
        let reo_batch = Some(ReceivedWire::ReoBatch);
        assert_eq!(ids(REO, batch()), (reo_batch, "7 8 9".to_owned()));
        let call_id = "f9e078a0-519b-4af2-b6c2-1896a6d21d1b".to_owned();
        assert_eq!(
            ids("/ingest", mcpeye()),
            (Some(ReceivedWire::Mcpeye), call_id)
        );
        let no_id = json!({ "payload": "text" }).to_string();
        assert_eq!(ids(REO, no_id), (Some(ReceivedWire::Reo), String::new()));
        assert_eq!(ids(REO, "[]".to_owned()), (None, String::new()));
    }

    #[test]
    fn an_unchecked_ingest_counts_keys_and_not_texts_that_look_like_one() {
        let rules = IngestRules {
            unchecked: true,
            ..IngestRules::default()
        };
        for (path, body, wire, count) in [
            (REO, batch(), ReceivedWire::ReoBatch, 3),
            (REO, "not JSON".to_owned(), ReceivedWire::Reo, 1),
            ("/ingest", mcpeye(), ReceivedWire::Mcpeye, 1),
        ] {
            let checked = rules.check_request(&request(path, &[]), body.as_bytes());
            assert_eq!((checked.wire, checked.event_count), (Some(wire), count));
            assert!(checked.events.is_empty() && checked.violation.is_none());
        }
    }

    #[test]
    fn a_refusal_replaces_a_2xx_and_keeps_its_timing() {
        let refused = IngestRules::default().check_request(&request(REO, &[]), b"{}");
        let delay = Duration::from_secs(3);
        let answer = refused.answer(Answer::status(202).delay(delay).held().close());
        assert_eq!((answer.status, answer.delay), (400, delay));
        assert!(answer.held && answer.close && answer.refusal.is_some());
        let scripted = refused.answer(Answer::status(503));
        assert_eq!((scripted.status, scripted.refusal), (503, None));
        let fault = refused.answer(Answer::reset_after_body());
        assert_eq!(fault.status_sent(), None);
    }

    #[test]
    fn a_standard_body_is_what_an_ingest_of_the_wire_says() {
        let checked = |path, body: &str| {
            IngestRules::default().check_request(&request(path, &[]), body.as_bytes())
        };
        let body = |checked: &CheckedRequest, scripted| -> Value {
            let answer = checked.answer(scripted);
            serde_json::from_slice(answer.body.bytes()).unwrap()
        };
        let (single, eye) = (json!({ "payload": event(7) }).to_string(), mcpeye());
        assert_eq!(body(&checked(REO, &single), Answer::ok()), json!({}));
        assert_eq!(
            body(&checked("/ingest", &eye), Answer::ok()),
            json!({"accepted": 1})
        );
        let scripted = body(&checked(REO, &single), Answer::status(503));
        assert_eq!(scripted, json!({"error": "scripted"}));
        let wrong = body(&checked(REO, "{\"payload\":{}}"), Answer::ok());
        assert_eq!(wrong, json!({"error": "payload.activity_type: is missing"}));

        let three = checked(REO, &batch());
        assert_eq!(
            body(&three, Answer::ok()),
            json!({"accepted": 3, "rejected": []})
        );
        let rejected = json!({"event_id": 8, "reason": "scripted", "retry": true});
        assert_eq!(
            body(&three, Answer::reject([8, 1], true)),
            json!({"accepted": 2, "rejected": [rejected]})
        );
        assert_eq!(
            three.accepted(&Answer::reject([8, 1], true)),
            [true, false, true]
        );
        assert_eq!(
            three.accepted(&Answer::reject_first(2, false)),
            [false, false, true]
        );
        assert_eq!(three.accepted(&Answer::status(503)), [false; 3]);
        assert_eq!(
            checked(REO, &single).accepted(&Answer::reject([7], true)),
            [true]
        );
    }
}
