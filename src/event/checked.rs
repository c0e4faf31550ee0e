//! Checks the values of fields that have a format, once for all wires.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use super::kind::{Event, EventKind};

/// 2020 to 2100 in Unix milliseconds. What lies outside is a mistake of units, or a clock that was never set.
pub(crate) const PLAUSIBLE_MILLIS: RangeInclusive<u128> = 1_577_836_800_000..=4_102_444_800_000;

/// A hundred years: a call cannot have taken longer.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Event<'_> {
    /// Takes out the values that are not well formed, and returns how many they were. What has a default gets it then:
    /// the id one of the logger's, the time the time of the call. While the logger's own clock, `now`, is outside of
    /// the plausible itself, no time is judged.
    pub(crate) fn leave_out_malformed(&mut self, now: SystemTime) -> u64 {
        let facts = &mut self.facts;
        let mut left_out = 0;
        left_out += leave_out(&mut facts.event_id, |id| *id >= 1);
        left_out += leave_out(&mut facts.event_at, |at| {
            is_plausible(*at) || !is_plausible(now)
        });
        left_out += leave_out(&mut facts.traceparent, |text| is_traceparent(text));
        if let Some(links) = &mut facts.links {
            left_out += leave_out(&mut links.http_traceparent, |text| is_traceparent(text));
            left_out += leave_out(&mut links.tracestate, |text| is_tracestate(text));
            left_out += leave_out(&mut links.http_tracestate, |text| is_tracestate(text));
            left_out += leave_out(&mut links.http_version, |text| is_http_version(text));
        }
        left_out += leave_out(&mut facts.client_port, |port| *port >= 1);
        match &mut self.kind {
            EventKind::ToolCall(call) => {
                left_out += leave_out(&mut call.duration, |duration| *duration <= MAX_DURATION);
                left_out += leave_out(&mut call.result_bytes, |bytes| {
                    i64::try_from(*bytes).is_ok()
                });
            }
            EventKind::Init(tools) => {
                let given = tools.len();
                tools.retain(|tool| !tool.name.is_empty());
                left_out += (given - tools.len()) as u64;
            }
            EventKind::IdentityCapture | EventKind::Custom(_) => {}
        }
        left_out
    }
}

fn leave_out<T>(field: &mut Option<T>, is_well_formed: impl FnOnce(&T) -> bool) -> u64 {
    u64::from(field.take_if(|value| !is_well_formed(value)).is_some())
}

fn is_plausible(at: SystemTime) -> bool {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .is_ok_and(|since| PLAUSIBLE_MILLIS.contains(&since.as_millis()))
}

/// Whether a text is a `traceparent` of four parts, as <https://www.w3.org/TR/trace-context/> has it.
pub(crate) fn is_traceparent(text: &str) -> bool {
    /// Where the hyphens stand.
    const HYPHENS: [usize; 3] = [2, 35, 52];
    let bytes = text.as_bytes();
    let is_zero = |range| {
        let digits = bytes.get::<std::ops::Range<usize>>(range);
        digits.is_none_or(|digits| digits.iter().all(|&digit| digit == b'0'))
    };
    bytes.len() == 55
        && bytes.iter().enumerate().all(|(at, byte)| match byte {
            b'-' => HYPHENS.contains(&at),
            b'0'..=b'9' | b'a'..=b'f' => !HYPHENS.contains(&at),
            _ => false,
        })
        && !text.starts_with("ff")
        && !is_zero(3..35)
        && !is_zero(36..52)
}

/// Whether a text may be a `tracestate`. What stands in it is its vendors' affair.
pub(crate) fn is_tracestate(text: &str) -> bool {
    (1..=MAX_TRACESTATE_BYTES).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a text is a version of HTTP, such as `1.1`.
pub(crate) fn is_http_version(text: &str) -> bool {
    (1..=8).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte == b'.' || byte.is_ascii_digit())
}

/// How much of a `tracestate` every participant of a trace has to pass on; this crate passes on no more.
pub(crate) const MAX_TRACESTATE_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Custom, Init, ToolCall};

    const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn what_is_well_formed_stays() {
        for (id, seconds, duration) in [
            (1, 1_577_836_800, Duration::ZERO),
            (i64::MAX, 4_102_444_800, MAX_DURATION),
        ] {
            let call = ToolCall::new("t").event_id(id).event_at(at(seconds));
            let call = call
                .tracestate("rojo=00f067aa0ba902b7,congo=t61")
                .duration(duration);
            let mut event = Event::from(call.traceparent(TRACEPARENT));
            assert_eq!(event.leave_out_malformed(at(NOW)), 0);
            assert_eq!(event.facts.event_id, Some(id));
            assert_eq!(event.facts.event_at, Some(at(seconds)));
            assert_eq!(event.facts.traceparent.as_deref(), Some(TRACEPARENT));
            assert!(event.facts.links.unwrap().tracestate.is_some());
        }
    }

    #[test]
    fn each_malformed_value_is_taken_out_and_counted() {
        let call = || ToolCall::new("t");
        let year_1900 = SystemTime::UNIX_EPOCH - Duration::from_secs(70 * 365 * 86_400);
        for (call, left_out) in [
            (call(), 0),
            (call().event_id(0), 1),
            (call().event_id(i64::MIN).event_at(at(NOW)), 1),
            (call().event_at(at(0)), 1),
            (call().event_at(year_1900), 1),
            (call().event_at(at(1_577_836_799)), 1),
            (
                call().event_at(at(4_102_444_800) + Duration::from_millis(1)),
                1,
            ),
            (call().event_at(at(NOW * 1_000)), 1),
            (call().duration(Duration::MAX), 1),
            (call().traceparent(""), 1),
            (call().http_traceparent("x").tracestate(""), 2),
            (call().tracestate("a=\n").http_tracestate("b=\n"), 2),
            (call().http_version("HTTP/2").client_port(0), 2),
            (call().http_version("").result_bytes(u64::MAX), 2),
            (call().http_version("1.1").client_port(1).result_bytes(0), 0),
            (call().tracestate("x".repeat(MAX_TRACESTATE_BYTES + 1)), 1),
            (
                call().traceparent("x").event_id(-1).duration(Duration::MAX),
                3,
            ),
        ] {
            let mut event = Event::from(call);
            assert_eq!(event.leave_out_malformed(at(NOW)), left_out);
            assert_eq!(event.leave_out_malformed(at(NOW)), 0, "all are gone");
        }
        let mut init = Event::from(Init::new(["", "search", ""]));
        assert_eq!(init.leave_out_malformed(at(NOW)), 2);
        let mut custom = Event::from(Custom::new(""));
        assert_eq!(custom.leave_out_malformed(at(NOW)), 0, "it is required");
    }

    #[test]
    fn a_clock_that_was_never_set_judges_no_time() {
        let mut event = Event::from(ToolCall::new("t").event_at(at(100)));
        assert_eq!(event.leave_out_malformed(at(7)), 0);
    }

    #[test]
    fn a_traceparent_has_four_parts_of_small_digits_and_names_a_trace_and_a_parent() {
        assert!(is_traceparent(TRACEPARENT));
        assert!(is_traceparent(&TRACEPARENT.replacen("00", "cc", 1)));
        for malformed in [
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "000af7651916cd43dd8448eb211c80319c--b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
            "",
        ] {
            assert!(!is_traceparent(malformed), "{malformed}");
        }
    }
}
