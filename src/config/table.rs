//! The table of settings that are a number, a time or a policy of the queue: one row for each.
//!
//! A new setting is a row here, with a constant for its default, and a use of its value in
//! `resolve.rs`.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::setting::Setting;
use crate::error::BuildError;
use crate::queue::{self, WhenFull};
use crate::transport::http;
use crate::wire::DEFAULT_REQUEST_TIMEOUT;

/// The `source` of an event that names none.
pub const DEFAULT_SOURCE: &str = "PRODUCT_CLOUD";
/// The `environment` of an event that names none.
pub const DEFAULT_ENVIRONMENT: &str = "PRODUCTION";
/// The `user_agent` of an event that names none.
pub const DEFAULT_USER_AGENT: &str = http::USER_AGENT;
/// The most memory of pending events, in bytes: enough for more than 20 000 ordinary events, and little enough for a
/// small container.
pub const DEFAULT_MAX_QUEUE_BYTES: usize = 32 * 1024 * 1024;
/// The least that `max_queue_bytes` may be: room for two events of the largest size.
pub const MIN_QUEUE_BYTES: usize = queue::MIN_QUEUE_BYTES;
/// The most events of one request on the batch wires.
pub const DEFAULT_MAX_BATCH_EVENTS: usize = 500;
/// The most bytes of the events of one request on the batch wires. A larger event is sent alone.
pub const DEFAULT_MAX_BATCH_BYTES: usize = 512 * 1024;
/// How long a partly filled batch may wait.
pub const DEFAULT_FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// The most requests in flight at a time.
pub const DEFAULT_MAX_IN_FLIGHT: usize = 8;
/// The longest wait after a first failure; it doubles with each that follows.
pub const DEFAULT_INITIAL_BACKOFF: Duration = Duration::from_secs(1);
/// The longest wait after any failure, except for the breaker and `Retry-After`.
pub const DEFAULT_MAX_BACKOFF: Duration = Duration::from_secs(30);
/// The longest `Retry-After` that is honoured.
pub const DEFAULT_MAX_RETRY_AFTER: Duration = Duration::from_secs(5 * 60);
/// The age at which a pending event is dropped.
pub const DEFAULT_MAX_EVENT_AGE: Duration = Duration::from_secs(15 * 60);

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// How long a request may be allowed to take. Each destination has a value of its own, so no row of the table checks it.
pub(super) const REQUEST_TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(10 * 60);

/// The table: hands its rows to the macro `$make`.
///
/// A row is the documentation, name, parameter and type of the setter, the default, and the range,
/// which `at most` narrows to another setting. A row without a range is checked in `validate.rs`, or
/// needs no check. The order is that of the checks and of the doctor's list.
macro_rules! table {
    ($make:ident) => {
        $make! {
            /// Sets how much memory, in bytes, pending events (including those in flight) and open call guards
            /// may hold; guards hold at most a quarter of it.
            /// Default: [`DEFAULT_MAX_QUEUE_BYTES`](crate::config::DEFAULT_MAX_QUEUE_BYTES); at
            /// least [`MIN_QUEUE_BYTES`](crate::config::MIN_QUEUE_BYTES).
            ///
            /// Requests in flight hold a copy in addition: at most `max_in_flight` times
            /// `max_batch_bytes` for each destination, on the OTLP and PostHog wires several times as much.
            max_queue_bytes(bytes: usize) = DEFAULT_MAX_QUEUE_BYTES, in MIN_QUEUE_BYTES..=usize::MAX / 4;

            /// Sets what happens if the queue has no room for an event. Default:
            /// [`WhenFull::DropNewest`].
            when_full(policy: WhenFull) = WhenFull::DropNewest;

            /// Sets the most events of one request. Default:
            /// [`DEFAULT_MAX_BATCH_EVENTS`](crate::config::DEFAULT_MAX_BATCH_EVENTS); 1 to 100 000.
            /// On [`Wire::Reo`] it is always 1.
            max_batch_events(events: usize) = DEFAULT_MAX_BATCH_EVENTS, in 1..=100_000;

            /// Sets the most bytes of the events of one request. Default:
            /// [`DEFAULT_MAX_BATCH_BYTES`](crate::config::DEFAULT_MAX_BATCH_BYTES); 1 KiB to 64 MiB.
            /// On [`Wire::Otlp`] at most 4 MiB are used.
            max_batch_bytes(bytes: usize) = DEFAULT_MAX_BATCH_BYTES, in 1024..=64 * 1024 * 1024;

            /// Sets how long a partly filled batch may wait before it is sent.
            ///
            /// Default: [`DEFAULT_FLUSH_INTERVAL`](crate::config::DEFAULT_FLUSH_INTERVAL); 10 ms to
            /// 1 h. A shorter interval lowers latency and raises the number of requests; it does not
            /// change what is kept or dropped.
            flush_interval(interval: Duration) = DEFAULT_FLUSH_INTERVAL, in Duration::from_millis(10)..=HOUR;

            /// Sets how long a request may take, from connecting to the end of the answer. Default:
            /// [`DEFAULT_REQUEST_TIMEOUT`](crate::config::DEFAULT_REQUEST_TIMEOUT), on the batch wires
            /// [`DEFAULT_BATCH_REQUEST_TIMEOUT`](crate::config::DEFAULT_BATCH_REQUEST_TIMEOUT), on
            /// the OTLP wire `OTEL_EXPORTER_OTLP_TIMEOUT` before that; 10 ms to 10 min.
            request_timeout(timeout: Duration) = DEFAULT_REQUEST_TIMEOUT;

            /// Sets how many requests may be in flight at a time. Default:
            /// [`DEFAULT_MAX_IN_FLIGHT`](crate::config::DEFAULT_MAX_IN_FLIGHT); 1 to 256.
            max_in_flight(requests: usize) = DEFAULT_MAX_IN_FLIGHT, in 1..=256;

            /// Sets the longest wait after a first failure; the wait is random below it, and doubles
            /// with each failure that follows. Default:
            /// [`DEFAULT_INITIAL_BACKOFF`](crate::config::DEFAULT_INITIAL_BACKOFF); 1 ms to
            /// `max_backoff`.
            initial_backoff(wait: Duration) = DEFAULT_INITIAL_BACKOFF, in MILLISECOND..=HOUR, at most max_backoff;

            /// Sets the longest wait after any failure. Default:
            /// [`DEFAULT_MAX_BACKOFF`](crate::config::DEFAULT_MAX_BACKOFF); up to 1 h.
            max_backoff(wait: Duration) = DEFAULT_MAX_BACKOFF, in MILLISECOND..=HOUR;

            /// Sets the longest `Retry-After` that is honoured; a longer one is shortened to it. Default:
            /// [`DEFAULT_MAX_RETRY_AFTER`](crate::config::DEFAULT_MAX_RETRY_AFTER); up to 24 h.
            max_retry_after(wait: Duration) = DEFAULT_MAX_RETRY_AFTER, in Duration::ZERO..=24 * HOUR;

            /// Sets the age at which a pending event is dropped as
            /// [`Expired`](crate::DropReason::Expired), even if it is being retried. Default:
            /// [`DEFAULT_MAX_EVENT_AGE`](crate::config::DEFAULT_MAX_EVENT_AGE); 1 s to 30 days, and
            /// longer than `flush_interval`.
            max_event_age(age: Duration) = DEFAULT_MAX_EVENT_AGE;
        }
    };
}

pub(super) use table;

macro_rules! values {
    ($(
        $(#[$doc:meta])+
        $name:ident($param:ident: $type:ty) = $default:expr
        $(, in $range:expr $(, at most $most:ident)?)?;
    )+) => {
        /// The values that the table's setters were given; `None` stands for the default.
        #[derive(Debug, Clone, Copy, Default)]
        pub(super) struct Given {
            $(pub(super) $name: Option<$type>,)+
        }

        /// A value for each setting of the table.
        #[derive(Debug, Clone, Copy)]
        pub(super) struct Values {
            $(pub(super) $name: $type,)+
        }

        impl Given {
            pub(super) fn or(&self, defaults: Values) -> Values {
                Values {
                    $($name: self.$name.unwrap_or(defaults.$name),)+
                }
            }
        }

        impl Values {
            /// The defaults of [`Wire::Reo`](crate::Wire::Reo).
            pub(super) const DEFAULT: Self = Self {
                $($name: $default,)+
            };

            /// Returns what is wrong with each value that has a range, in the order of the table.
            pub(super) fn faults(&self) -> Vec<BuildError> {
                let mut faults = Vec::new();
                $($(
                    let range = Some($range);
                    let most: Option<&str> = None;
                    // A limit that is out of range itself is an error of its own row.
                    $(let range = range
                        .filter(|range| range.contains(&self.$most))
                        .map(|range| *range.start()..=self.$most);
                    let most = most.or(Some(stringify!($most)));)?
                    if let Some(range) = range {
                        let checked = check_range(stringify!($name), &self.$name, &range, most);
                        faults.extend(checked.err());
                    }
                )?)+
                faults
            }

            /// Lists the values for the doctor.
            pub(super) fn settings(&self, defaults: &Self) -> Vec<Setting> {
                vec![$(Setting::compared(stringify!($name), &self.$name, &defaults.$name),)+]
            }
        }
    };
}

table!(values);

/// Checks that a value is within a range.
pub(super) fn in_range<T: PartialOrd + fmt::Debug>(
    setting: &'static str,
    value: &T,
    range: &RangeInclusive<T>,
) -> Result<(), BuildError> {
    check_range(setting, value, range, None)
}

/// As [`in_range`], for a range whose end is the value of another setting, `limit`.
fn check_range<T: PartialOrd + fmt::Debug>(
    setting: &'static str,
    value: &T,
    range: &RangeInclusive<T>,
    limit: Option<&str>,
) -> Result<(), BuildError> {
    if range.contains(value) {
        return Ok(());
    }
    let (least, most) = (range.start(), range.end());
    let most = match limit {
        Some(limit) => format!("{limit} ({most:?})"),
        None => format!("{most:?}"),
    };
    let fault = format!("is {value:?}, which is not within {least:?} to {most}");
    Err(BuildError::invalid(setting, fault))
}

/// Checks how old an event may get, which has to outlive the wait for its batch.
pub(super) fn check_age(
    setting: &'static str,
    age: Duration,
    values: &Values,
) -> Result<(), BuildError> {
    if age <= values.flush_interval {
        let fault = format!(
            "is {age:?}, which is not longer than flush_interval ({:?})",
            values.flush_interval
        );
        return Err(BuildError::invalid(setting, fault));
    }
    in_range(setting, &age, &(Duration::from_secs(1)..=30 * 24 * HOUR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::setting::Origin;

    fn faults(change: impl FnOnce(&mut Values)) -> Vec<String> {
        let mut values = Values::DEFAULT;
        change(&mut values);
        let faults = values.faults().into_iter();
        faults.map(|error| error.to_string()).collect()
    }

    fn fault(change: impl FnOnce(&mut Values)) -> Option<String> {
        faults(change).into_iter().next()
    }

    #[test]
    fn the_defaults_are_within_their_ranges() {
        assert_eq!(fault(|_| {}), None);
    }

    #[test]
    fn both_ends_of_a_range_are_allowed_and_nothing_beyond() {
        for (requests, is_allowed) in [(0, false), (1, true), (256, true), (257, false)] {
            let fault = fault(|v| v.max_in_flight = requests);
            assert_eq!(fault.is_none(), is_allowed, "{requests}: {fault:?}");
        }
        assert_eq!(
            fault(|v| v.max_in_flight = 257).unwrap(),
            "max_in_flight is 257, which is not within 1 to 256"
        );
    }

    #[test]
    fn an_initial_backoff_is_at_most_the_longest_and_a_bad_longest_is_named_instead() {
        let initial = |wait, most| {
            fault(|v| {
                v.initial_backoff = wait;
                v.max_backoff = most;
            })
        };
        assert_eq!(initial(2 * MILLISECOND, 2 * MILLISECOND), None);
        assert_eq!(
            initial(3 * MILLISECOND, 2 * MILLISECOND).unwrap(),
            "initial_backoff is 3ms, which is not within 1ms to max_backoff (2ms)"
        );
        for wait in [Duration::ZERO, MILLISECOND] {
            assert_eq!(
                initial(wait, Duration::ZERO).unwrap(),
                "max_backoff is 0ns, which is not within 1ms to 3600s"
            );
        }
    }

    #[test]
    fn every_fault_is_named_in_the_order_of_the_table() {
        let faults = faults(|v| {
            v.max_retry_after = 25 * HOUR;
            v.max_queue_bytes = 0;
            v.flush_interval = Duration::ZERO;
        });
        let named = |fault: &String| fault.split(' ').next().unwrap().to_owned();
        let named: Vec<_> = faults.iter().map(named).collect();
        assert_eq!(
            named,
            ["max_queue_bytes", "flush_interval", "max_retry_after"]
        );
    }

    #[test]
    fn what_was_given_wins_over_the_default() {
        let given = Given {
            max_in_flight: Some(3),
            ..Given::default()
        };
        let values = given.or(Values::DEFAULT);
        let listed = values.settings(&Values::DEFAULT);
        for setting in listed {
            let is_given = setting.name == "max_in_flight";
            let expected = if is_given {
                Origin::Code
            } else {
                Origin::Default
            };
            assert_eq!(setting.origin, expected, "{}", setting.name);
        }
        assert_eq!(values.max_in_flight, 3);
        assert_eq!(values.max_batch_events, DEFAULT_MAX_BATCH_EVENTS);
    }

    #[test]
    fn an_age_is_longer_than_the_wait_for_a_batch() {
        let fault = |age| {
            let values = Values::DEFAULT;
            check_age("max_event_age", age, &values)
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(
            fault(Duration::ZERO).unwrap(),
            "max_event_age is 0ns, which is not longer than flush_interval (1s)"
        );
        assert_eq!(fault(Duration::from_millis(1_001)), None);
        assert_eq!(fault(30 * 24 * HOUR), None);
        assert_eq!(
            fault(31 * 24 * HOUR).unwrap(),
            "max_event_age is 2678400s, which is not within 1s to 2592000s"
        );
    }
}
