//! Who says no is not reported: asked once for each event about somebody, on the thread that logs it.

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use mcp_usage::{
    AuthRejected, AuthRejection, Builder, CallOutcome, Caller, ConfirmError, Custom, Destination,
    DropReason, Event, Identity, IdentityCapture, Init, Outcome, Session, ToolCall, UsageLogger,
    WhenFull, Wire,
};
use serde::{Serialize, Serializer};

use crate::support::{KEY, PATIENCE, arrivals, builder, builder_for, end, ingest, mcpeye, wires};

const REFUSED: Outcome = Outcome::Dropped(DropReason::NoConsent);

fn sam() -> Identity<'static> {
    Identity::new("sam", "INTERNAL").with_email("sam@example.com")
}

fn rachel() -> Identity<'static> {
    Identity::new("rachel", "INTERNAL")
}

/// Who was asked about, and on which thread.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(String, ThreadId)>>>);

impl Asked {
    /// Lets the host note each question, and say no to Sam.
    fn by(&self, builder: Builder) -> Builder {
        let asked = self.clone();
        builder.consent(move |identity| {
            let who = (identity.id().to_owned(), thread::current().id());
            asked.0.lock().unwrap().push(who);
            identity.id() != "sam"
        })
    }

    /// Who was asked about since the last time, on this thread alone.
    fn take(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.0.lock().unwrap()).into_iter();
        let here = thread::current().id();
        asked
            .map(|(who, on)| {
                assert_eq!(on, here, "{who}");
                who
            })
            .collect()
    }
}

/// One event of each kind about somebody.
fn of_each_kind<'e>(identity: &'e Identity<'_>) -> [Event<'e>; 5] {
    let refused = AuthRejected::new(AuthRejection::Expired);
    [
        ToolCall::new("search").identity(identity).into(),
        IdentityCapture::new(identity).into(),
        Init::new(["search"]).identity(identity).into(),
        Custom::new("LOGIN_ACTIVITY").identity(identity).into(),
        refused.identity(identity).into(),
    ]
}

#[test]
fn each_event_about_somebody_is_asked_about_once_and_none_of_who_says_no_is_sent() {
    for (name, wire) in wires() {
        let (ingest, asked) = (ingest(), Asked::default());
        let usage = asked.by(builder_for(&ingest, &wire)).build().unwrap();
        for identity in [sam(), rachel()] {
            for event in of_each_kind(&identity) {
                let outcome = usage.log_usage(event);
                assert_eq!(outcome == REFUSED, identity.id() == "sam", "{name}");
                assert_eq!(asked.take(), [identity.id()], "{name}");
            }
        }
        let stats = end(&usage, &ingest);
        assert_eq!(stats.dropped.get(DropReason::NoConsent), 5, "{name}");
        assert_eq!(stats.offered, 10, "{name}");
        for request in ingest.requests() {
            let body = String::from_utf8_lossy(&request.body);
            assert!(!body.contains("sam"), "{name}: {body}");
        }
    }
}

#[test]
fn nobody_is_not_asked_about_and_the_loggers_own_identity_is() {
    let (ingest, asked) = (ingest(), Asked::default());
    let usage = asked.by(builder(&ingest)).build().unwrap();
    for call in [
        ToolCall::new("search"),
        ToolCall::new("search").identity(Identity::anonymous()),
    ] {
        assert_eq!(usage.log_usage(call), Outcome::Queued);
    }
    let refused = AuthRejected::new(AuthRejection::Missing);
    assert_eq!(usage.log_usage(refused), Outcome::Queued);
    drop(usage.start_tool_call(ToolCall::new("search")));
    assert!(asked.take().is_empty());
    assert_eq!(end(&usage, &ingest).delivered, 4);

    let usage = asked.by(builder(&ingest)).identity(sam()).build().unwrap();
    assert_eq!(usage.log_usage(ToolCall::new("search")), REFUSED);
    assert_eq!(asked.take(), ["sam"]);
    end(&usage, &ingest);
}

#[test]
fn an_address_is_asked_about_with_its_identity_or_alone() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let sees = Arc::clone(&seen);
    let events = arrivals(
        &mcpeye(),
        |builder| {
            builder.consent(move |identity| {
                let kind = identity.id_type();
                sees.lock()
                    .unwrap()
                    .push(format!("{kind} {}", identity.id()));
                identity.id() != "sam@example.com"
            })
        },
        |usage| {
            let call = ToolCall::new("search").email("sam@example.com");
            assert_eq!(usage.log_usage(call), REFUSED);
            let call = ToolCall::new("search").email("sam@example.com");
            let call = call.identity(rachel());
            assert_eq!(usage.log_usage(call), Outcome::Queued);
        },
    );
    assert_eq!(events.len(), 1);
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, ["EMAIL sam@example.com", "INTERNAL rachel"]);
}

#[cfg(feature = "pseudonyms")]
#[test]
fn the_host_is_asked_by_the_name_that_it_knows() {
    let key = b"0123456789abcdef";
    let pseudonyms = mcp_usage::pseudonym::Pseudonyms::new(key).unwrap();
    let (ingest, asked) = (ingest(), Asked::default());
    let builder = asked.by(builder(&ingest)).pseudonyms(pseudonyms);
    let usage = builder.build().unwrap();
    usage.log_usage(ToolCall::new("search").identity(rachel()));
    assert_eq!(
        usage.log_usage(ToolCall::new("search").identity(sam())),
        REFUSED
    );
    assert_eq!(asked.take(), ["rachel", "sam"]);
    assert_eq!(end(&usage, &ingest).delivered, 1);
}

/// A value that says when it is read.
struct Watched<'w>(&'w Mutex<bool>);

impl Serialize for Watched<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        *self.0.lock().unwrap() = true;
        serializer.serialize_str("read")
    }
}

#[test]
fn nothing_of_an_event_is_read_before_the_host_is_asked() {
    let read = Mutex::new(false);
    let value = Watched(&read);
    let (ingest, asked) = (ingest(), Asked::default());
    let usage = asked.by(builder(&ingest)).build().unwrap();
    for (identity, is_read) in [(sam(), false), (rachel(), true)] {
        usage.log_usage(ToolCall::new("search").identity(identity).arguments(&value));
        assert_eq!(*read.lock().unwrap(), is_read);
    }
    end(&usage, &ingest);
}

#[test]
fn a_panic_is_no_and_the_logger_goes_on() {
    let ingest = ingest();
    let usage = builder(&ingest)
        .consent(|identity| match identity.id() {
            "sam" => std::panic::resume_unwind(Box::new("a fault of the host's")),
            _ => true,
        })
        .build()
        .unwrap();
    let call = |identity| ToolCall::new("search").identity(identity);
    assert_eq!(usage.log_usage(call(sam())), REFUSED);
    assert_eq!(usage.log_usage(call(rachel())), Outcome::Queued);
    drop(usage.start_tool_call(call(sam())));
    let stats = end(&usage, &ingest);
    assert_eq!((stats.panics, stats.delivered, stats.offered), (2, 1, 3));
}

#[test]
fn an_identity_that_a_guard_gets_later_is_asked_about_when_it_ends() {
    for (first, later, outcome) in [
        (None, sam(), REFUSED),
        (None, rachel(), Outcome::Queued),
        (Some(rachel()), sam(), REFUSED),
        (Some(sam()), rachel(), Outcome::Queued),
    ] {
        let (ingest, asked) = (ingest(), Asked::default());
        let builder = asked.by(builder_for(&ingest, &mcpeye()));
        let usage = builder.build().unwrap();
        let call = ToolCall::new("search");
        let mut guard = usage.start_tool_call(match first {
            Some(first) => call.identity(first),
            None => call,
        });
        guard.set_prompt("what somebody wants");
        guard.set_identity(&later);
        assert!(asked.take().is_empty());
        let before = usage.stats();
        assert_eq!((before.offered, before.pending), (0, 0));
        assert_eq!(guard.finish(CallOutcome::Ok), outcome);
        assert_eq!(asked.take(), [later.id()]);
        let stats = end(&usage, &ingest);
        assert_eq!(
            (stats.offered, stats.queue_bytes),
            (1, 0),
            "nothing is kept"
        );
        let sent = ingest.delivered();
        let who: Vec<_> = sent.iter().map(|event| event.user_id()).collect();
        let expected = (outcome == Outcome::Queued).then_some(Some("rachel"));
        assert_eq!(who, expected.into_iter().collect::<Vec<_>>());
        let addresses = sent.iter().map(|event| event.json.get("userEmail"));
        assert!(addresses.flatten().next().is_none(), "Sam's is replaced");
    }
}

#[test]
fn calls_that_a_shutdown_ends_and_guards_that_are_dropped_are_asked_about() {
    let (ingest, asked) = (ingest(), Asked::default());
    let usage = asked.by(builder(&ingest)).build().unwrap();
    let start = |identity| usage.start_tool_call(ToolCall::new("search").identity(identity));
    drop((start(sam()), start(rachel())));
    let sorted = |mut asked: Vec<String>| {
        asked.sort();
        asked
    };
    assert_eq!(sorted(asked.take()), ["rachel", "sam"]);
    let open = [start(sam()), start(rachel())];
    let stats = end(&usage, &ingest);
    assert_eq!(sorted(asked.take()), ["rachel", "sam"]);
    assert_eq!(stats.dropped.get(DropReason::NoConsent), 2);
    assert_eq!((stats.offered, stats.delivered), (4, 2));
    drop(open);
    assert!(asked.take().is_empty(), "once");
}

#[test]
fn who_waits_hears_of_the_no_and_a_login_is_new_again_after_it() {
    let ingest = ingest();
    let says: Arc<Mutex<bool>> = Arc::default();
    let said = Arc::clone(&says);
    let usage = builder(&ingest)
        .consent(move |_| *said.lock().unwrap())
        .build()
        .unwrap();
    let call = ToolCall::new("search").identity(sam());
    let answer = usage.log_usage_confirmed_blocking(call, PATIENCE);
    assert_eq!(answer, Err(ConfirmError::Dropped(DropReason::NoConsent)));
    let login = || usage.log_login(&Caller::new(sam()).credential("one"), &Session::new());
    assert_eq!(login(), Some(REFUSED));
    *says.lock().unwrap() = true;
    assert_eq!(login(), Some(Outcome::Queued));
    assert_eq!(login(), None);
    assert_eq!(end(&usage, &ingest).delivered, 1);
}

#[test]
fn each_destination_counts_a_refused_event_that_it_should_have_got() {
    let (first, second) = (ingest(), ingest());
    let also = Destination::new(mcpeye()).endpoint(second.mcpeye_url());
    let usage = Asked::default()
        .by(builder_for(&first, &Wire::ReoBatch))
        .also(also.api_key(KEY))
        .build()
        .unwrap();
    for identity in [sam(), rachel()] {
        usage.log_usage(ToolCall::new("search").identity(&identity));
        usage.log_usage(IdentityCapture::new(&identity));
    }
    end(&usage, &first);
    let dropped = usage.destinations().into_iter().map(|destination| {
        let stats = destination.stats();
        crate::support::assert_ledger(&stats);
        let of = |reason| stats.dropped.get(reason);
        let refused = (of(DropReason::NoConsent), of(DropReason::UnsupportedByWire));
        (stats.offered, refused, stats.delivered)
    });
    let dropped: Vec<_> = dropped.collect();
    assert_eq!(dropped, [(4, (2, 0), 2), (4, (1, 2), 1)]);
}

#[test]
fn who_says_no_counts_in_no_sample_and_what_is_refused_anyway_is_not_asked_about() {
    let (ingest, asked) = (ingest(), Asked::default());
    let usage = asked.by(builder(&ingest)).rate_cap(1).build().unwrap();
    let call = |identity| ToolCall::new("search").identity(identity);
    for _ in 0..3 {
        assert_eq!(usage.log_usage(call(sam())), REFUSED);
    }
    assert_eq!(usage.log_usage(call(rachel())), Outcome::Queued);
    let capped = Outcome::Dropped(DropReason::RateCapped);
    assert_eq!(usage.log_usage(call(rachel())), capped);
    assert_eq!(asked.take().len(), 5);
    end(&usage, &ingest);
    let closed = Outcome::Dropped(DropReason::Closed);
    assert_eq!(usage.log_usage(call(sam())), closed);
    assert!(asked.take().is_empty());

    ingest.answer_always(mcp_usage::testing::Answer::hang());
    let full = asked.by(builder(&ingest)).max_queue_events(1);
    let full = full.when_full(WhenFull::DropNewest).build().unwrap();
    full.log_usage(call(rachel()));
    assert_eq!(asked.take(), ["rachel"]);
    // The first refusal finds out that the queue is full, the next ones know.
    full.log_usage(call(rachel()));
    asked.take();
    assert_eq!(
        full.log_usage(call(sam())),
        Outcome::Dropped(DropReason::QueueFull)
    );
    assert!(asked.take().is_empty());
    full.shutdown_blocking(Duration::ZERO);
}

#[test]
fn a_disabled_logger_asks_nobody() {
    let usage = UsageLogger::builder()
        .env(|_| None)
        .enabled(false)
        .consent(|_| panic!("nobody is asked"))
        .build()
        .unwrap();
    let call = ToolCall::new("search").identity(sam());
    assert_eq!(usage.log_usage(call), Outcome::Disabled);
}
