//! Who is forgotten is erased from the disk, whatever becomes of the process.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Write};
use std::sync::{Arc, Mutex, mpsc};

use mcp_usage::{Destination, FORGET_TIMEOUT, Forgotten, Identity, Redactor};

use super::process::{say, start, wait_for_a_line};
use super::*;
use crate::support::otlp;

fn sam() -> Identity<'static> {
    Identity::new("sam-1", "INTERNAL").with_email("sam@example.com")
}

fn rachel() -> Identity<'static> {
    Identity::new("rachel-1", "INTERNAL").with_email("rachel@example.com")
}

fn found(forgotten: &Forgotten) -> (u64, u64, u64) {
    assert!(forgotten.complete, "{forgotten:?}");
    (forgotten.queued, forgotten.spooled, forgotten.in_flight)
}

/// Logs events in turn of Sam and of Rachel.
fn log_both(usage: &UsageLogger, numbers: std::ops::Range<i64>) {
    for n in numbers {
        let who = if n % 2 == 0 { sam() } else { rachel() };
        assert_eq!(usage.log_usage(event(n).identity(who)), Outcome::Queued);
    }
}

impl TempDir {
    /// How often a text stands in the files.
    fn holds(&self, text: &str) -> usize {
        let files = self
            .files()
            .into_iter()
            .filter_map(|path| fs::read(path).ok());
        let text = text.as_bytes();
        files
            .map(|bytes| {
                bytes
                    .windows(text.len())
                    .filter(|part| *part == text)
                    .count()
            })
            .sum()
    }
}

#[test]
fn nothing_of_somebody_forgotten_is_left_on_disk_and_a_kill_brings_nothing_back() {
    let (dir, down) = (TempDir::new(), ingest());
    down.answer_always(Answer::status(503));
    let mut child = start("forgets", &dir, &down, 0);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut says = |start: &str| {
        let line = lines.find(|line| line.as_ref().unwrap().starts_with(start));
        line.unwrap().unwrap()
    };
    says("ready");
    assert!(dir.holds("sam-1") >= 5 && dir.holds("rachel-1") >= 5);
    child
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"forget\n")
        .unwrap();
    assert_eq!(says("forgotten "), "forgotten 5");
    assert_eq!((dir.holds("sam"), dir.holds("rachel-1")), (0, 5));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(dir.holds("sam"), 0);

    let up = ingest();
    let usage = builder_for(&up, &Wire::ReoBatch)
        .spool(dir.spool())
        .build()
        .unwrap();
    up.wait_for_delivered(5, PATIENCE).unwrap();
    usage.flush_blocking(PATIENCE).unwrap();
    let stats = end(&usage, &up);
    assert_eq!(
        (stats.recovered, stats.delivered, stats.spool_faults),
        (5, 5, 0)
    );
    assert_eq!(taken(&up), [1, 3, 5, 7, 9]);
    dir.assert_empty();
}

/// What the process of that test does.
pub(super) fn forgets(usage: &UsageLogger, first: i64) {
    log_both(usage, first..first + 10);
    usage.flush_to_disk_blocking(PATIENCE).unwrap();
    say("ready");
    wait_for_a_line();
    let forgotten = usage.forget_blocking(&sam());
    assert!(forgotten.complete, "{forgotten:?}");
    let all = forgotten.queued + forgotten.spooled + forgotten.in_flight;
    say(&format!("forgotten {all}"));
    wait_for_a_line();
}

#[test]
fn what_an_earlier_process_left_and_what_was_delivered_is_erased_on_every_wire() {
    for (name, wire) in wires() {
        let (dir, ingest) = (TempDir::new(), ingest());
        ingest.answer_always(Answer::status(503));
        let usage = builder_for(&ingest, &wire)
            .spool(dir.spool())
            .build()
            .unwrap();
        log_both(&usage, 0..20);
        usage.shutdown_blocking(MOMENT);
        assert!(dir.holds("sam") > 0, "{name}");

        // The gate is closed, so that they stay on disk.
        let usage = builder_for(&ingest, &wire).spool(dir.spool());
        let usage = usage.max_in_flight(1).build().unwrap();
        wait_until(|| usage.stats().recovered == 20);
        let forgotten = usage.forget_blocking(&sam());
        let (queued, spooled, in_flight) = found(&forgotten);
        assert_eq!(queued + spooled + in_flight, 10, "{name}: {forgotten:?}");
        assert_eq!(dir.holds("sam"), 0, "{name}");
        wait_until(|| usage.stats().dropped.get(DropReason::Forgotten) == 10);
        assert_balance(&usage.stats());
        ingest.clear();
        ingest.answer_always(Answer::ok());
        usage.flush_blocking(PATIENCE).unwrap();
        let stats = end(&usage, &ingest);
        assert_balance(&stats);
        assert_eq!((stats.delivered, stats.spool_faults), (10, 0), "{name}");
        for request in ingest.requests() {
            assert!(
                !String::from_utf8_lossy(&request.body).contains("sam"),
                "{name}"
            );
        }
        dir.assert_empty();
    }
}

#[test]
fn what_is_left_by_an_owner_that_ended_meanwhile_is_erased() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let build = || {
        let usage = builder_for(&ingest, &Wire::ReoBatch).spool(dir.spool());
        usage.build().unwrap()
    };
    let usage = build();
    log_both(&usage, 0..2);
    // By its answer the directory has been looked through.
    usage.flush_to_disk_blocking(PATIENCE).unwrap();
    let other = build();
    log_both(&other, 2..12);
    other.shutdown_blocking(MOMENT);
    assert_eq!(other.stats().spooled, 10);
    assert!(dir.holds("sam") > 0);

    let (queued, spooled, in_flight) = found(&usage.forget_blocking(&sam()));
    assert_eq!((queued + in_flight, spooled), (1, 5));
    assert_eq!(dir.holds("sam"), 0);
    ingest.clear();
    ingest.answer_always(Answer::ok());
    usage.flush_blocking(PATIENCE).unwrap();
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    assert_eq!((stats.recovered, stats.delivered), (10, 6), "{stats}");
    assert!(taken(&ingest).iter().all(|n| n % 2 == 1));
    dir.assert_empty();
}

#[test]
fn what_is_left_alone_and_what_is_not_there_may_hold_events() {
    let (dir, ingest) = (TempDir::new(), ingest());
    let usage = builder_for(&ingest, &Wire::ReoBatch).spool(dir.spool());
    let usage = usage.build().unwrap();
    assert_eq!(
        usage.log_usage(event(1).identity(rachel())),
        Outcome::Queued
    );
    usage.flush_blocking(PATIENCE).unwrap();
    assert!(usage.forget_blocking(&sam()).complete);
    // A file of an ended owner that is none, and the same in this owner's directory.
    let slot = fs::read_dir(dir.root()).unwrap().next().unwrap();
    let slot = slot.unwrap().path();
    let (tag, _) = slot.to_str().unwrap().rsplit_once('-').unwrap();
    for place in [PathBuf::from(format!("{tag}-0")), slot] {
        let file = place.join("0000000000001-000001.log");
        fs::create_dir_all(&file).unwrap();
        for _ in 0..2 {
            assert!(!usage.forget_blocking(&sam()).complete, "{place:?}");
        }
        fs::remove_dir(&file).unwrap();
        assert!(usage.forget_blocking(&sam()).complete, "{place:?}");
    }
    fs::remove_dir_all(dir.root()).unwrap();
    fs::write(dir.root(), "").unwrap();
    assert!(!usage.forget_blocking(&sam()).complete);
    end(&usage, &ingest);
}

#[test]
fn an_event_that_was_delivered_leaves_the_file_that_others_keep() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.script([Answer::ok()]);
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, &Wire::ReoBatch).spool(dir.spool());
    let usage = usage.max_batch_events(1).max_in_flight(1).build().unwrap();
    // In one segment, which is written before the first of it is delivered.
    log_both(&usage, 0..2);
    ingest.wait_for_delivered(1, PATIENCE).unwrap();
    usage.flush_to_disk_blocking(PATIENCE).unwrap();
    let forgotten = usage.forget_blocking(&sam());
    assert_eq!(found(&forgotten), (0, 0, 0));
    assert_eq!((dir.holds("sam"), dir.holds("rachel-1") > 0), (0, true));
    ingest.answer_always(Answer::ok());
    usage.flush_blocking(PATIENCE).unwrap();
    assert_eq!(end(&usage, &ingest).delivered, 2);
}

#[test]
fn what_memory_has_no_room_for_is_erased_on_disk_and_is_never_read_back() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .spool(dir.spool())
        .max_queue_events(200)
        .build()
        .unwrap();
    for n in 0..1_000 {
        wait_until(|| usage.stats().pending < 200);
        log_both(&usage, n..n + 1);
    }
    wait_until(|| usage.stats().spooled > 500);
    let forgotten = usage.forget_blocking(&sam());
    let (queued, spooled, in_flight) = found(&forgotten);
    assert!(spooled > 200, "{forgotten:?}");
    assert_eq!(queued + spooled + in_flight, 500, "{forgotten:?}");
    assert_eq!(dir.holds("sam"), 0);
    assert_balance(&usage.stats());
    ingest.clear();
    ingest.answer_always(Answer::ok());
    usage.flush_blocking(PATIENCE).unwrap();
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    let forgotten = stats.dropped.get(DropReason::Forgotten);
    assert_eq!((stats.delivered, forgotten), (500, 500), "{stats}");
    assert!(taken(&ingest).iter().all(|n| n % 2 == 1));
    dir.assert_empty();
}

#[test]
fn a_shutdown_leaves_nothing_of_somebody_forgotten_that_is_under_way() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::hang());
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .spool(dir.spool())
        .build()
        .unwrap();
    log_both(&usage, 0..4);
    usage.flush_to_disk_blocking(PATIENCE).unwrap();
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    let (queued, spooled, in_flight) = found(&usage.forget_blocking(&sam()));
    assert_eq!((queued + in_flight, spooled, dir.holds("sam")), (2, 0, 0));
    let report = usage.shutdown_blocking(MOMENT);
    let stats = usage.stats();
    assert_balance(&stats);
    assert_eq!((report.pending, stats.spooled), (0, 2), "{stats}");
    assert_eq!(dir.holds("sam"), 0);
    assert!(!usage.forget_blocking(&rachel()).complete, "it is on disk");
    let up = ingest_of(&dir);
    assert_eq!(taken(&up), [1, 3]);
}

/// Delivers what is in a directory.
fn ingest_of(dir: &TempDir) -> MockIngest {
    let up = ingest();
    let usage = builder_for(&up, &Wire::ReoBatch)
        .spool(dir.spool())
        .build()
        .unwrap();
    usage.flush_blocking(PATIENCE).unwrap();
    end(&usage, &up);
    up
}

#[test]
fn each_of_several_destinations_erases_its_own_directory() {
    let (dir, other_dir, ingest) = (TempDir::new(), TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let other = Destination::new(otlp())
        .endpoint(ingest.otlp_url())
        .spool(other_dir.spool());
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .spool(dir.spool())
        .also(other);
    let usage = usage.build().unwrap();
    log_both(&usage, 0..10);
    usage.flush_to_disk_blocking(PATIENCE).unwrap();
    assert!(dir.holds("sam") > 0 && other_dir.holds("sam") > 0);
    let (queued, spooled, in_flight) = found(&usage.forget_blocking(&sam()));
    assert_eq!(queued + spooled + in_flight, 10);
    assert_eq!((dir.holds("sam"), other_dir.holds("sam")), (0, 0));
    usage.shutdown_blocking(MOMENT);
    for destination in usage.destinations() {
        let stats = destination.stats();
        assert_balance(&stats);
        let forgotten = stats.dropped.get(DropReason::Forgotten);
        assert_eq!((forgotten, stats.spooled), (5, 5), "{stats}");
    }
    assert_eq!((dir.holds("sam"), other_dir.holds("sam")), (0, 0));
}

#[test]
fn a_disk_that_does_not_answer_is_waited_for_so_long_and_nothing_of_it_is_sent_later() {
    let (dir, down) = (TempDir::new(), ingest());
    down.answer_always(Answer::status(503));
    let usage = builder_for(&down, &Wire::ReoBatch)
        .spool(dir.spool())
        .build()
        .unwrap();
    for n in 0..6 {
        let who = if n % 2 == 0 { sam() } else { rachel() };
        usage.log_usage(event(n).identity(who).prompt("words"));
    }
    usage.shutdown_blocking(MOMENT);

    // What is read back passes the redactor on the disk's thread, which this one holds up.
    let (clock, up) = (ManualClock::new(), ingest());
    let (held, reads) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let redactor = Redactor::custom(move |text| {
        if std::thread::current().name() == Some("mcp-usage-spool") {
            let _ = held.send(());
            let _ = released.lock().map(|released| released.recv());
        }
        Cow::Borrowed(text)
    });
    let usage = builder_for(&up, &Wire::ReoBatch)
        .spool(dir.spool())
        .clock(&clock)
        .redactor(redactor)
        .build()
        .unwrap();
    reads.recv_timeout(PATIENCE).unwrap();
    let wait = std::thread::scope(|scope| {
        let wait = scope.spawn(|| usage.forget_blocking(&sam()));
        wait_until(|| {
            clock.advance(FORGET_TIMEOUT / 10);
            wait.is_finished()
        });
        wait.join().unwrap()
    });
    assert!(!wait.complete, "{wait:?}");
    drop(release);
    usage.flush_blocking(PATIENCE).unwrap();
    wait_until(|| dir.holds("sam") == 0);
    let stats = end(&usage, &up);
    assert_balance(&stats);
    let forgotten = stats.dropped.get(DropReason::Forgotten);
    assert_eq!((stats.delivered, forgotten), (3, 3), "{stats}");
    assert_eq!(taken(&up), [1, 3, 5]);
}
