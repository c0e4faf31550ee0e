//! The spool: what is on disk is delivered, whatever becomes of the process, the ingest and the disk.

mod damage;
mod disk;
mod foreign;
mod forget;
mod process;
mod removed;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mcp_usage::spool::{MIN_MAX_BYTES, Spool};
use mcp_usage::testing::{Answer, ManualClock, MockIngest, ReceivedEvent};
use mcp_usage::{
    BuildError, Builder, ConfirmError, DropReason, Outcome, SpoolError, Stats, ToolCall,
    UsageLogger, WhenFull, Wire,
};
use serde_json::json;

use crate::support::{
    KEY, PATIENCE, builder, builder_for, call, end, errors, files, ingest, on_wires, secret,
    still_pending, wire_named, wires,
};

/// The wires whose events have forms of their own, where a request may hold several.
const FORMS: [&str; 3] = ["reo batch", "otlp", "posthog"];

const MOMENT: Duration = Duration::from_millis(50);

/// A directory that goes away with the test.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "mcp-usage-test-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.0.join("spool")
    }

    pub(crate) fn spool(&self) -> Spool {
        Spool::dir(self.root())
    }

    /// All files below the root.
    fn files(&self) -> Vec<PathBuf> {
        files(&self.root())
    }

    fn logs(&self) -> Vec<PathBuf> {
        let logs = self.files().into_iter();
        logs.filter(|path| path.extension().is_some_and(|e| e == "log"))
            .collect()
    }

    /// Bytes on disk.
    fn bytes(&self) -> u64 {
        let sizes = self.files().into_iter();
        sizes
            .filter_map(|path| fs::metadata(path).ok())
            .map(|meta| meta.len())
            .sum()
    }

    /// What the spool has left: nothing, once all is delivered.
    #[track_caller]
    fn assert_empty(&self) {
        let left: Vec<_> = fs::read_dir(self.root()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An event with an id that a test knows.
fn event<'a>(n: i64) -> ToolCall<'a> {
    call(n as u64).event_id(1_000_000 + n)
}

/// The id that an event was given, but on mcpeye, where it has another form.
fn id_of(event: &ReceivedEvent) -> i64 {
    let id = event.json.get("event_id").or(event.meta("event_id"));
    let id = id.unwrap_or_else(|| panic!("{event:?}"));
    id.as_i64()
        .unwrap_or_else(|| id.as_str().unwrap().parse().unwrap())
}

/// The numbers of `event(n)` that the ingest took, sorted and each once.
fn taken(ingest: &MockIngest) -> Vec<i64> {
    let mut ids: Vec<i64> = (ingest.delivered().iter())
        .map(|event| id_of(event) - 1_000_000)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[track_caller]
fn assert_balance(stats: &Stats) {
    assert!(stats.balances(), "{stats}: {stats:?}");
}

/// Waits for something that happens.
#[track_caller]
pub(crate) fn wait_until(done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Logs `events`, each as soon as there is room in memory for it.
fn log_paced<'a>(usage: &UsageLogger, room: u64, events: impl Iterator<Item = ToolCall<'a>>) {
    for event in events {
        wait_until(|| usage.stats().pending < room);
        assert_eq!(usage.log_usage(event), Outcome::Queued);
    }
}

/// Leaves `events` in a spool, as a process does that ends during an outage.
#[track_caller]
fn leave(dir: &TempDir, wire: &Wire, events: i64) {
    let ingest = ingest();
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, wire)
        .spool(dir.spool())
        .build()
        .unwrap();
    for n in 0..events {
        assert_eq!(usage.log_usage(event(n)), Outcome::Queued);
    }
    let report = usage.shutdown_blocking(MOMENT);
    assert_balance(&report.stats);
    assert_eq!((report.pending, report.stats.spooled), (0, events as u64));
    assert_eq!(report.stats.dropped.total(), 0);
}

#[test]
fn a_restart_delivers_what_was_left_with_the_same_ids() {
    for (name, wire) in wires() {
        let (dir, ingest) = (TempDir::new(), ingest());
        ingest.answer_always(Answer::status(503));
        let usage = builder_for(&ingest, &wire)
            .spool(dir.spool())
            .build()
            .unwrap();
        for n in 0..50 {
            assert_eq!(usage.log_usage(call(n)), Outcome::Queued);
        }
        ingest.wait_for_requests(1, PATIENCE).unwrap();
        let report = usage.shutdown_blocking(MOMENT);
        assert_balance(&report.stats);
        assert_eq!((report.pending, report.stats.spooled), (0, 50), "{name}");
        assert_eq!(usage.stats(), report.stats, "{name}");
        let tried: Vec<String> = ingest.events().into_iter().map(|e| e.id).collect();

        ingest.clear();
        ingest.answer_always(Answer::ok());
        let usage = builder_for(&ingest, &wire)
            .spool(dir.spool())
            .build()
            .unwrap();
        // No event is needed for it.
        ingest.wait_for_delivered(50, PATIENCE).unwrap();
        let stats = end(&usage, &ingest);
        assert_balance(&stats);
        assert_eq!((stats.offered, stats.recovered), (0, 50), "{name}");
        assert_eq!((stats.delivered, stats.spooled), (50, 0), "{name}");
        let ids: Vec<String> = ingest.delivered().into_iter().map(|e| e.id).collect();
        assert_eq!(ids.len(), 50, "{name}");
        assert!(tried.iter().all(|id| ids.contains(id)), "{name}");
        assert_eq!(ingest.duplicates(), Vec::<String>::new(), "{name}");
        dir.assert_empty();
    }
}

#[test]
fn what_was_delivered_is_not_delivered_again_after_a_restart() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.script((0..30).map(|_| Answer::ok()));
    ingest.answer_always(Answer::status(503));
    let usage = builder(&ingest).spool(dir.spool()).build().unwrap();
    for n in 0..100 {
        usage.log_usage(event(n));
    }
    ingest.wait_for_delivered(30, PATIENCE).unwrap();
    let report = usage.shutdown_blocking(MOMENT);
    assert_balance(&report.stats);
    assert_eq!((report.stats.delivered, report.stats.spooled), (30, 70));

    ingest.answer_always(Answer::ok());
    let usage = builder(&ingest).spool(dir.spool()).build().unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    assert_eq!((stats.recovered, stats.delivered), (70, 70));
    assert_eq!(taken(&ingest), (0..100).collect::<Vec<_>>());
    assert_eq!(ingest.duplicates(), Vec::<String>::new());
    dir.assert_empty();
}

#[test]
fn what_is_delivered_at_once_leaves_nothing_on_disk() {
    let (dir, ingest) = (TempDir::new(), ingest());
    let usage = builder(&ingest).spool(dir.spool()).build().unwrap();
    for n in 0..500 {
        usage.log_usage(event(n));
    }
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    wait_until(|| dir.logs().is_empty());
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    assert_eq!((stats.delivered, stats.spool_faults), (500, 0));
    dir.assert_empty();
}

/// Memory for 200 events, and an outage of 5 000.
#[test]
fn during_a_long_outage_the_disk_takes_what_memory_has_no_room_for() {
    for (name, wire) in wires() {
        let (dir, ingest) = (TempDir::new(), ingest());
        ingest.answer_always(Answer::status(503));
        let usage = builder_for(&ingest, &wire)
            .max_queue_events(200)
            .spool(dir.spool())
            .build()
            .unwrap();
        log_paced(&usage, 190, (0..5_000).map(event));
        let stats = usage.stats();
        assert!(stats.pending <= 200, "{name}: {stats}");
        assert!(stats.spooled >= 4_800, "{name}: {stats}");

        ingest.answer_always(Answer::ok());
        assert_eq!(usage.flush_blocking(PATIENCE), Ok(()), "{name}");
        let stats = end(&usage, &ingest);
        assert_balance(&stats);
        assert_eq!((stats.delivered, stats.dropped.total()), (5_000, 0));
        assert_eq!(ingest.delivered().len(), 5_000, "{name}");
        assert_eq!(ingest.duplicates(), Vec::<String>::new(), "{name}");
        dir.assert_empty();
    }
}

/// Without a bound on their number, as many events as two rounds of requests hold would come at once.
#[test]
fn what_is_read_back_has_room_in_memory() {
    const ROOM: usize = 1024 * 1024;
    const EVENTS: i64 = 2_000;
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .max_queue_bytes(ROOM)
        .spool(dir.spool())
        .build()
        .unwrap();
    let text = "lorem ipsum ".repeat(300);
    let events = (0..EVENTS).map(|n| event(n).prompt(text.as_str()));
    log_paced(&usage, 150, events);
    assert!(usage.stats().spooled > 1_500, "{}", usage.stats());

    ingest.answer_always(Answer::ok());
    // The breaker may be open; a flush sends a probe.
    let _ = usage.flush_blocking(Duration::ZERO);
    let most = AtomicU64::new(0);
    wait_until(|| {
        let stats = usage.stats();
        most.fetch_max(stats.queue_bytes, Ordering::Relaxed);
        stats.delivered == EVENTS as u64
    });
    let most = most.into_inner();
    assert!(most <= ROOM as u64, "{most}");
    end(&usage, &ingest);
}

#[test]
fn the_disk_is_bounded_in_bytes_and_the_oldest_make_room() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .max_queue_events(400)
        .spool(dir.spool().max_bytes(MIN_MAX_BYTES))
        .build()
        .unwrap();
    let text = "lorem ipsum ".repeat(300);
    let mut most = 0;
    for n in 0..3_000 {
        log_paced(&usage, 380, std::iter::once(event(n).prompt(text.as_str())));
        if n % 50 == 0 {
            most = most.max(dir.bytes());
        }
    }
    // The oldest, some of which are still in memory, have made room too.
    let flushed = usage.flush_to_disk_blocking(PATIENCE);
    assert!(
        matches!(flushed, Ok(()) | Err(SpoolError::NotWritten { .. })),
        "{flushed:?}"
    );
    let report = usage.shutdown_blocking(MOMENT);
    let stats = report.stats;
    assert_balance(&stats);
    assert_eq!(report.pending, 0);
    most = most.max(dir.bytes());
    assert!(most <= MIN_MAX_BYTES, "{most} bytes on disk");
    assert!(most > MIN_MAX_BYTES / 2, "{most} bytes on disk");
    assert!(stats.dropped.get(DropReason::SpoolFull) > 1_000, "{stats}");
    assert_eq!(
        stats.dropped.total(),
        stats.dropped.get(DropReason::SpoolFull)
    );

    ingest.answer_always(Answer::ok());
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .spool(dir.spool())
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let after = end(&usage, &ingest);
    assert_balance(&after);
    assert_eq!(after.recovered, stats.spooled);
    // The newest are kept.
    assert_eq!(taken(&ingest).last(), Some(&2_999));
    let kept = taken(&ingest).len() as u64;
    assert_eq!(kept, after.delivered);
}

#[test]
fn an_event_that_grows_too_old_on_disk_or_in_memory_is_dropped_and_counted() {
    let (dir, ingest, clock) = (TempDir::new(), ingest(), ManualClock::new());
    ingest.answer_always(Answer::status(503));
    let usage = builder(&ingest)
        .clock(&clock)
        .max_queue_events(100)
        .spool(dir.spool().max_age(Duration::from_secs(60)))
        .build()
        .unwrap();
    for n in 0..300 {
        while usage.stats().pending >= 90 {
            clock.advance(Duration::from_millis(1));
            std::thread::yield_now();
        }
        assert_eq!(usage.log_usage(event(n)), Outcome::Queued);
    }
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    assert!(usage.stats().spooled >= 200, "{}", usage.stats());
    // Far less than the 15 minutes of `max_event_age`.
    for _ in 0..65 {
        clock.advance(Duration::from_secs(1));
        std::thread::sleep(Duration::from_millis(2));
    }
    wait_until(|| {
        clock.advance(Duration::from_secs(1));
        usage.stats().dropped.get(DropReason::Expired) == 300
    });
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    dir.assert_empty();
}

#[test]
fn flush_to_disk_tells_what_is_so() {
    let (dir, ingest) = (TempDir::new(), ingest());
    assert_eq!(
        UsageLogger::disabled().flush_to_disk_blocking(PATIENCE),
        Ok(())
    );
    let usage = builder(&ingest).build().unwrap();
    usage.log_usage(event(0));
    assert_eq!(
        usage.flush_to_disk_blocking(PATIENCE),
        Err(SpoolError::NoSpool)
    );
    end(&usage, &ingest);

    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest).spool(dir.spool()).build().unwrap();
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    usage.log_usage(event(1));
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    assert_eq!(dir.logs().len(), 1);
    let flush = usage.flush_blocking(Duration::ZERO);
    assert_eq!(still_pending(flush), 1);
    let report = usage.shutdown_blocking(MOMENT);
    assert_eq!((report.pending, report.stats.spooled), (0, 1));
    assert_eq!(
        usage.flush_to_disk_blocking(PATIENCE),
        Err(SpoolError::Closed)
    );
    assert_eq!(
        usage.log_usage(event(2)),
        Outcome::Dropped(DropReason::Closed)
    );
}

#[test]
fn who_waits_for_an_event_that_stays_in_the_spool_hears_that_it_is_not_known() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest).spool(dir.spool()).build().unwrap();
    let confirmation = usage.log_usage_confirmed(event(1), PATIENCE);
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    let report = usage.shutdown_blocking(MOMENT);
    assert_eq!((report.pending, report.stats.spooled), (0, 1));
    let result = crate::support::block_on(confirmation);
    assert_eq!(result, Err(ConfirmError::Unknown(PATIENCE)));
}

#[test]
fn the_hook_has_seen_what_is_on_disk_and_does_not_see_it_again() {
    let dir = TempDir::new();
    let (down, up) = (ingest(), ingest());
    down.answer_always(Answer::status(503));
    let mark = |mut event: serde_json::Value| {
        let seen = event["meta"]["seen"].as_u64().unwrap_or(0);
        event["meta"]["seen"] = json!(seen + 1);
        event["meta"]["secret_plan"] = json!(null);
        Some(event)
    };
    let usage = builder(&down)
        .before_send(mark)
        .spool(dir.spool())
        .build()
        .unwrap();
    usage.log_usage(event(1).meta("secret_plan", &"zaphod"));
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    let on_disk = fs::read(&dir.logs()[0]).unwrap();
    assert!(!contains(&on_disk, b"zaphod"));
    usage.shutdown_blocking(MOMENT);

    let usage = builder(&up)
        .before_send(mark)
        .spool(dir.spool())
        .build()
        .unwrap();
    up.wait_for_delivered(1, PATIENCE).unwrap();
    end(&usage, &up);
    assert_eq!(up.delivered()[0].meta("seen"), Some(&json!(1)));
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn no_key_and_no_raw_secret_is_in_the_files() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let usage = builder(&ingest).spool(dir.spool()).build().unwrap();
    let secrets = [
        secret::github(),
        secret::aws(),
        secret::openai(),
        secret::jwt(),
        "hunter2".to_owned(),
    ];
    usage.log_usage(
        event(1)
            .prompt(format!("use {} and {}", secrets[0], secrets[1]))
            .error(format!("denied: {}", secrets[2]))
            .arguments(&json!({"token": secrets[3], "password": secrets[4]})),
    );
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    let mut all = Vec::new();
    for file in dir.files() {
        all.extend(file.to_string_lossy().into_owned().into_bytes());
        all.extend(fs::read(file).unwrap());
    }
    assert!(contains(&all, b"REDACTED"));
    for secret in secrets.iter().map(String::as_str).chain([KEY]) {
        assert!(!contains(&all, secret.as_bytes()), "{secret}");
    }
    usage.shutdown_blocking(MOMENT);
}

#[cfg(unix)]
#[test]
fn the_files_are_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.script((0..5).map(|_| Answer::ok()));
    ingest.answer_always(Answer::hang());
    let usage = builder(&ingest).spool(dir.spool()).build().unwrap();
    for n in 0..20 {
        usage.log_usage(event(n));
    }
    ingest.wait_for_delivered(5, PATIENCE).unwrap();
    let lists = |path: &PathBuf| path.extension().is_some_and(|e| e == "done");
    wait_until(|| dir.files().iter().any(lists));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in dir.files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        assert_eq!(mode(file.parent().unwrap()), 0o700, "{}", file.display());
    }
    assert_eq!(mode(&dir.root()), 0o700);
    usage.shutdown_blocking(MOMENT);
}

#[test]
fn loggers_that_share_a_directory_keep_apart() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let loggers: Vec<_> = (0..3)
        .map(|_| builder(&ingest).spool(dir.spool()).build().unwrap())
        .collect();
    for (n, usage) in loggers.iter().enumerate() {
        for m in 0..10 {
            usage.log_usage(event(10 * n as i64 + m));
        }
        assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    }
    assert_eq!(fs::read_dir(dir.root()).unwrap().count(), 3);
    for usage in &loggers {
        let report = usage.shutdown_blocking(MOMENT);
        assert_balance(&report.stats);
        assert_eq!((report.stats.recovered, report.stats.spooled), (0, 10));
    }
    // One logger takes over what three have left.
    ingest.answer_always(Answer::ok());
    let usage = builder(&ingest).spool(dir.spool()).build().unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = end(&usage, &ingest);
    assert_eq!((stats.recovered, stats.delivered), (30, 30));
    assert_eq!(taken(&ingest), (0..30).collect::<Vec<_>>());
    dir.assert_empty();
}

#[test]
fn events_wait_for_a_logger_that_speaks_their_wire() {
    let (dir, ingest) = (TempDir::new(), ingest());
    leave(&dir, &Wire::Reo, 5);
    let mcpeye = crate::support::mcpeye();
    let usage = builder_for(&ingest, &mcpeye)
        .spool(dir.spool())
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = end(&usage, &ingest);
    assert_eq!((stats.recovered, stats.delivered), (0, 0));
    // The two Reo wires have the same events.
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .spool(dir.spool())
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = end(&usage, &ingest);
    assert_eq!((stats.recovered, stats.delivered), (5, 5));
}

#[test]
fn a_running_logger_takes_over_what_another_leaves() {
    let (dir, ingest, clock) = (TempDir::new(), ingest(), ManualClock::new());
    let usage = builder(&ingest)
        .clock(&clock)
        .spool(dir.spool())
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    leave(&dir, &Wire::Reo, 10);
    wait_until(|| {
        clock.advance(Duration::from_secs(1));
        usage.stats().delivered == 10
    });
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    assert_eq!((stats.offered, stats.recovered), (0, 10));
    assert_eq!(taken(&ingest), (0..10).collect::<Vec<_>>());
    dir.assert_empty();
}

#[test]
fn a_spool_that_cannot_be_is_an_error_that_says_so() {
    let (dir, ingest) = (TempDir::new(), ingest());
    let file = dir.0.join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = builder(&ingest).spool(Spool::dir(&path)).build();
        let error = error.unwrap_err();
        assert!(
            matches!(&error, BuildError::Spool { path: its, .. } if *its == path),
            "{error:?}"
        );
        let text = format!("the spool {} is no directory", path.display());
        assert_eq!(error.to_string(), text);
    }
    let wrong: [fn(Builder, Spool) -> Builder; 4] = [
        |builder, spool| builder.spool(spool.max_bytes(MIN_MAX_BYTES - 1)),
        |builder, spool| builder.spool(spool.max_age(Duration::from_secs(31 * 24 * 60 * 60))),
        |builder, spool| builder.spool(spool.max_age(Duration::from_millis(10))),
        |builder, _| builder.spool(Spool::dir("")),
    ];
    for change in wrong {
        let error = change(builder(&ingest), dir.spool()).build().unwrap_err();
        assert!(error.to_string().starts_with("spool"), "{error}");
    }
    // Nothing is left of a logger that was not built.
    assert!(!dir.root().exists());
}

#[test]
fn a_logger_that_is_off_touches_no_disk() {
    let (dir, ingest) = (TempDir::new(), ingest());
    let usage = builder(&ingest)
        .spool(dir.spool())
        .enabled(false)
        .build()
        .unwrap();
    assert_eq!(usage.log_usage(event(1)), Outcome::Disabled);
    assert!(!dir.root().exists());
}

#[test]
fn a_queue_that_drops_the_oldest_goes_to_disk_first() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .max_queue_events(200)
        .when_full(WhenFull::DropOldest)
        .spool(dir.spool())
        .build()
        .unwrap();
    log_paced(&usage, 150, (0..2_000).map(event));
    let report = usage.shutdown_blocking(MOMENT);
    assert_balance(&report.stats);
    assert_eq!(report.stats.dropped.total(), 0, "{}", report.stats);
    assert_eq!(report.stats.spooled, 2_000);
}

#[test]
fn refused_events_leave_the_disk_too() {
    let (dir, ingest) = (TempDir::new(), ingest());
    leave(&dir, &Wire::Reo, 10);
    ingest.answer_always(Answer::status(400));
    let (builder, _errors) = errors(builder(&ingest));
    let usage = builder.spool(dir.spool()).build().unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = usage.shutdown_blocking(PATIENCE).stats;
    assert_balance(&stats);
    assert_eq!(stats.dropped.get(DropReason::Rejected), 10);
    dir.assert_empty();
}

/// Numbers that a seed decides.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % most
    }
}

/// What one process leaves the next one finds, and nothing is counted twice or not at all. As many
/// seeds as `USAGE_SPOOL_SEEDS` says.
#[test]
fn the_ledgers_of_processes_in_a_row_fit_together() {
    let seeds = std::env::var("USAGE_SPOOL_SEEDS").map_or(4, |n| n.parse::<u64>().unwrap());
    for seed in 0..seeds {
        let mut random = Random(seed);
        let dir = TempDir::new();
        let (mut left, mut logged) = (0, 0);
        let (mut delivered, mut dropped) = (0, 0);
        let mut arrived = std::collections::BTreeSet::new();
        for process in 0..6 {
            let (last, ingest) = (process == 5, ingest());
            let statuses = (0..random.below(60))
                .map(|_| [200, 200, 503, 429, 413, 400, 408][random.below(7) as usize]);
            let statuses: Vec<u16> = statuses.collect();
            // An ingest that fails too often is left alone for half a minute, so the last does not.
            if !last {
                ingest.script(statuses.into_iter().map(Answer::status));
                if random.below(2) == 0 {
                    ingest.answer_always(Answer::status(503));
                }
            }
            let wire = [Wire::Reo, Wire::ReoBatch][random.below(2) as usize].clone();
            let room = 60 + random.below(400);
            let usage = builder_for(&ingest, &wire)
                .max_queue_events(room as usize)
                .max_batch_events(1 + random.below(40) as usize)
                .max_retry_after(Duration::ZERO)
                .spool(dir.spool())
                .build()
                .unwrap();
            let events = random.below(600) as i64;
            for n in logged..logged + events {
                let text = "x".repeat(random.below(3_000) as usize);
                log_paced(
                    &usage,
                    room / 2 + 20,
                    std::iter::once(event(n).prompt(text)),
                );
            }
            logged += events;
            if random.below(3) == 0 {
                assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
            }
            let time = if last {
                PATIENCE
            } else {
                Duration::from_millis(random.below(80))
            };
            let stats = usage.shutdown_blocking(time).stats;
            assert_balance(&stats);
            let context = format!("seed {seed}, process {process}: {stats}");
            assert_eq!(
                (stats.recovered, stats.offered),
                (left, events as u64),
                "{context}"
            );
            assert_eq!((stats.pending, stats.spool_faults), (0, 0), "{context}");
            delivered += stats.delivered;
            dropped += stats.dropped.total();
            left = stats.spooled;
            arrived.extend(taken(&ingest));
        }
        assert_eq!(
            (left, delivered + dropped),
            (0, logged as u64),
            "seed {seed}"
        );
        // A request that was under way at an end may have arrived, and came again.
        let arrived = arrived.len() as u64;
        assert!(
            (delivered..=delivered + dropped).contains(&arrived),
            "seed {seed}: {arrived}"
        );
        dir.assert_empty();
    }
}
