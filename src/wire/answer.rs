//! What an answer means for its batch.

use std::time::{Duration, SystemTime};

use crate::ledger::DropReason;

/// What happens to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Delivered,
    /// Sent again; `after` is what the ingest asked for.
    Retry {
        after: Option<Duration>,
    },
    /// Too large for the ingest: sent again in halves.
    Split,
    /// An event of it may be malformed: looked for by sending parts of the batch.
    Search,
    /// As [`Search`](Self::Search) where the ingest has accepted others since: a firewall, say, has taken offence at an
    /// event's text. Else the request is at fault, and its events are dropped.
    SearchOrDrop(DropReason),
    Drop(DropReason),
}

/// What the body of a 2xx answer says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    /// The batch was taken.
    Taken,
    /// The status says so; the body is JSON that the wire does not know.
    Unknown,
    /// So many events of it were taken.
    Count(u64),
    /// So many events of it were refused; it does not say which.
    Rejected(u64),
    /// The batch was taken, and the body warns of something.
    Warning,
    /// All of it but these.
    Refused(Vec<Refusal>),
}

impl Receipt {
    /// Whether all of so many events were taken.
    pub(crate) fn takes_all(&self, events: u64) -> bool {
        match self {
            Self::Taken | Self::Unknown | Self::Warning => true,
            Self::Rejected(count) => *count == 0,
            Self::Count(count) => *count >= events,
            Self::Refused(refused) => refused.is_empty(),
        }
    }
}

/// An event that the ingest refused out of a batch that it took.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `None` where the answer has none that can be read.
    pub(crate) event_id: Option<i64>,
    pub(crate) retry: bool,
}

/// Returns whether a body is a web page, which no ingest answers, but a proxy or a portal on the way.
pub(crate) fn is_page(body: &[u8]) -> bool {
    const LOOKED_AT: usize = 64;
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let start = body.get(..LOOKED_AT).unwrap_or(body).trim_ascii_start();
    [&b"<!doctype html"[..], b"<html"].iter().any(|mark| {
        let start = start.get(..mark.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(mark))
    })
}

/// Says what an answer means for its batch, by its status. `retry_after` is the header's value.
pub(crate) fn classify_answer(status: u16, retry_after: Option<&str>, now: SystemTime) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        // It speaks of the key alone.
        401 => Verdict::Drop(DropReason::Unauthorized),
        413 => Verdict::Split,
        400 | 422 => Verdict::Search,
        408 | 425 | 429 | 500..=599 => Verdict::Retry {
            after: retry_after.and_then(|value| parse_retry_after(value, now)),
        },
        // All events have the same address, method and headers, so an ingest that takes others means the event.
        403 => Verdict::SearchOrDrop(DropReason::Unauthorized),
        // A redirect is not followed, since it would carry the key along. A firewall may answer an event with one.
        300..=399 | 402..=499 => Verdict::SearchOrDrop(DropReason::Rejected),
        // What is not HTTP will be answered the same next time.
        _ => Verdict::Drop(DropReason::Rejected),
    }
}

/// Reads a `Retry-After`: seconds, with or without a fraction, or a date. `None` if it is neither.
///
/// A date in the past is a wait of nothing.
pub(crate) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    // More digits than a u64 holds: longer than any clamp.
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::MAX);
    }
    if value.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        // Of digits and a point, only too many are an error.
        let seconds = value.parse().ok()?;
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn every_status_has_a_verdict() {
        let verdict = |status| classify_answer(status, Some("3"), SystemTime::now());
        for status in 0..=u16::MAX {
            let expected = match status {
                200..=299 => Verdict::Delivered,
                401 => Verdict::Drop(DropReason::Unauthorized),
                403 => Verdict::SearchOrDrop(DropReason::Unauthorized),
                413 => Verdict::Split,
                400 | 422 => Verdict::Search,
                408 | 425 | 429 | 500..=599 => Verdict::Retry {
                    after: Some(3 * SECOND),
                },
                300..=399 | 402..=499 => Verdict::SearchOrDrop(DropReason::Rejected),
                _ => Verdict::Drop(DropReason::Rejected),
            };
            assert_eq!(verdict(status), expected, "{status}");
        }
    }

    #[test]
    fn a_page_is_told_from_every_other_body() {
        let late = format!("{}<html>", " ".repeat(60));
        for (body, expected) in [
            ("<!DOCTYPE html><title>Sign in</title>", true),
            (" \r\n\t<HTML lang=en>", true),
            ("<html>", true),
            ("\u{feff}<html>", true),
            ("<!doctype HTML", true),
            (&late, false),
            ("", false),
            ("OK", false),
            ("{}", false),
            ("\"<html>\"", false),
            ("<?xml version=\"1.0\"?><html>", false),
            ("<!doctype", false),
            ("<ok/>", false),
        ] {
            assert_eq!(is_page(body.as_bytes()), expected, "{body:?}");
        }
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_717);
        for (value, expected) in [
            ("0", Some(Duration::ZERO)),
            ("120", Some(120 * SECOND)),
            (" 7 ", Some(7 * SECOND)),
            ("1.5", Some(Duration::from_millis(1_500))),
            ("0.000", Some(Duration::ZERO)),
            ("99999999999999999999", Some(Duration::MAX)),
            ("99999999999999999999.5", Some(Duration::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(60 * SECOND)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(60 * SECOND)),
            ("Sun Nov  6 08:49:37 1994", Some(60 * SECOND)),
            ("Sun, 06 Nov 1994 08:47:37 GMT", Some(Duration::ZERO)),
            ("", None),
            (" ", None),
            (".", None),
            ("1.2.3", None),
            ("-1", None),
            ("1e9", None),
            ("soon", None),
            ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ] {
            assert_eq!(parse_retry_after(value, now), expected, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn no_retry_after_panics(value in "\\PC{0,40}") {
            let _ = parse_retry_after(&value, SystemTime::now());
        }

        #[test]
        fn digits_and_dots_never_panic(value in "[0-9.]{0,60}") {
            let _ = parse_retry_after(&value, SystemTime::now());
        }
    }
}
