//! Files that are torn or damaged: good records are never thrown away with bad ones.

use super::*;

/// The wires, of the Reo ones that with one event per request.
const WIRES: [&str; 3] = ["reo", "otlp", "posthog"];

/// The sub-directory of an owner with this number.
pub(super) fn slot(root: &Path, wire: &str, n: usize) -> PathBuf {
    let tag = wire.split(' ').next().unwrap();
    root.join(format!("{tag}-{n:016x}"))
}

/// A sub-directory with one file, as an owner leaves it that has ended.
pub(super) fn orphan(root: &Path, wire: &str, n: usize, log: &[u8]) {
    let dir = slot(root, wire, n);
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("lock"), "").unwrap();
    fs::write(dir.join("1800000000000-000001.log"), log).unwrap();
}

/// Three events as they stand in a file, and where each ends.
pub(super) fn file(wire: &str) -> (Vec<u8>, Vec<usize>) {
    let dir = TempDir::new();
    leave(&dir, &wire_named(wire), 3);
    let log = fs::read(&dir.logs()[0]).unwrap();
    let starts = log.windows(4).enumerate();
    let mut ends: Vec<usize> = starts
        .filter(|(_, bytes)| bytes == b"\xffmu\x01")
        .map(|(at, _)| at)
        .skip(1)
        .collect();
    ends.push(log.len());
    assert_eq!(ends.len(), 3);
    (log, ends)
}

/// Delivers what orphans hold; returns how often each event arrived.
fn deliver(dir: &TempDir, wire: &Wire) -> ([usize; 3], Stats) {
    let ingest = MockIngest::builder().api_key(KEY).start().unwrap();
    let usage = builder_for(&ingest, wire)
        .spool(dir.spool().max_age(Duration::from_secs(30 * 24 * 60 * 60)))
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    let mut counts = [0; 3];
    for event in ingest.delivered() {
        counts[(id_of(&event) - 1_000_000) as usize] += 1;
    }
    dir.assert_empty();
    (counts, stats)
}

#[test]
fn a_file_torn_at_any_byte_of_its_last_record_loses_that_record_alone() {
    on_wires(&WIRES, |name, wire| {
        let (log, ends) = file(name);
        let dir = TempDir::new();
        fs::create_dir(dir.root()).unwrap();
        for at in ends[1]..ends[2] {
            orphan(&dir.root(), name, at, &log[..at]);
        }
        let torn = ends[2] - ends[1];
        let (counts, stats) = deliver(&dir, wire);
        assert_eq!(counts, [torn, torn, 0], "{name}");
        assert_eq!(stats.recovered, 2 * torn as u64, "{name}");
        // The first is torn off whole, which nobody can see.
        assert_eq!(stats.spool_faults, torn as u64 - 1, "{name}");
    });
}

#[test]
fn a_damaged_byte_in_the_middle_loses_its_record_alone() {
    on_wires(&WIRES, |name, wire| {
        let (log, ends) = file(name);
        let dir = TempDir::new();
        fs::create_dir(dir.root()).unwrap();
        for at in ends[0]..ends[1] {
            let mut damaged = log.clone();
            damaged[at] ^= 0x55;
            orphan(&dir.root(), name, at, &damaged);
        }
        let files = ends[1] - ends[0];
        let (counts, stats) = deliver(&dir, wire);
        assert_eq!(counts, [files, 0, files], "{name}");
        assert_eq!(stats.spool_faults, files as u64, "{name}");
    });
}

#[test]
fn files_that_are_no_logs_cost_nothing() {
    on_wires(&WIRES, |name, wire| {
        let (log, _) = file(name);
        let dir = TempDir::new();
        fs::create_dir(dir.root()).unwrap();
        orphan(&dir.root(), name, 1, &log);
        orphan(&dir.root(), name, 2, b"");
        orphan(&dir.root(), name, 3, &[0; 4096]);
        orphan(&dir.root(), name, 4, &b"\xffmu\x01".repeat(1000));
        // The list of another file, and one that is torn.
        let done = slot(&dir.root(), name, 1).join("1800000000000-000001.done");
        fs::write(done, [7; 40]).unwrap();
        let (counts, stats) = deliver(&dir, wire);
        assert_eq!(counts, [1, 1, 1], "{name}");
        assert_eq!((stats.recovered, stats.spool_faults), (3, 2), "{name}");
    });
}

/// More than a logger writes to a file, of what nobody can read.
fn junk() -> Vec<u8> {
    vec![b'j'; 12 << 20]
}

#[test]
fn events_behind_megabytes_of_damage_are_found() {
    on_wires(&WIRES, |name, wire| {
        let (log, _) = file(name);
        let dir = TempDir::new();
        fs::create_dir(dir.root()).unwrap();
        orphan(&dir.root(), name, 1, &[junk(), log].concat());
        let (counts, stats) = deliver(&dir, wire);
        assert_eq!(counts, [1, 1, 1], "{name}");
        assert_eq!((stats.recovered, stats.spool_faults), (3, 1), "{name}");
    });
}

#[test]
fn a_file_beyond_the_bound_is_read_up_to_it_or_left_alone() {
    on_wires(&WIRES, |name, wire| {
        let (log, _) = file(name);
        for (place, bytes, recovered, faults, is_left) in [
            ("behind", [junk(), log.clone()].concat(), 0, 1, true),
            ("in front", [log, junk()].concat(), 3, 2, false),
        ] {
            let (dir, ingest) = (TempDir::new(), ingest());
            fs::create_dir(dir.root()).unwrap();
            orphan(&dir.root(), name, 1, &bytes);
            let usage = builder_for(&ingest, wire)
                .spool(dir.spool().max_bytes(10 << 20))
                .build()
                .unwrap();
            let case = format!("{name}, events {place}");
            assert_eq!(usage.flush_blocking(PATIENCE), Ok(()), "{case}");
            let stats = end(&usage, &ingest);
            assert_balance(&stats);
            let counts = (stats.recovered, stats.delivered, stats.spool_faults);
            assert_eq!(counts, (recovered, recovered, faults), "{case}");
            assert_eq!(dir.logs().len(), usize::from(is_left), "{case}");
        }
    });
}

/// What cannot be read back while the logger runs is counted, and the rest goes on.
#[test]
fn a_file_that_is_damaged_under_a_running_logger_loses_what_was_hit() {
    on_wires(&FORMS, |_, wire| damaged_under_a_running_logger(wire));
}

fn damaged_under_a_running_logger(wire: &Wire) {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, wire)
        .max_queue_events(100)
        .spool(dir.spool())
        .build()
        .unwrap();
    log_paced(&usage, 90, (0..1_000).map(event));
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    let log = &dir.logs()[0];
    let mut bytes = fs::read(log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    // In place, as a failing disk would have it.
    fs::write(log, &bytes).unwrap();
    ingest.answer_always(Answer::ok());
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    assert_eq!(stats.dropped.get(DropReason::SpoolFull), 1);
    assert_eq!((stats.delivered, stats.spool_faults), (999, 1));
}

#[test]
fn a_directory_that_is_removed_under_a_running_logger_costs_what_was_there_alone() {
    on_wires(&FORMS, |_, wire| removed_under_a_running_logger(wire));
}

fn removed_under_a_running_logger(wire: &Wire) {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, wire)
        .max_queue_events(100)
        .spool(dir.spool())
        .build()
        .unwrap();
    log_paced(&usage, 90, (0..500).map(event));
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    let spooled = usage.stats().spooled;
    fs::remove_dir_all(dir.root()).unwrap();
    ingest.answer_always(Answer::ok());
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = usage.stats();
    assert_balance(&stats);
    assert_eq!(stats.dropped.total(), spooled);
    assert!(stats.spool_faults > 0);
    // It finds a place again.
    ingest.answer_always(Answer::status(503));
    usage.log_usage(event(500));
    wait_until(|| usage.flush_to_disk_blocking(PATIENCE) == Ok(()) && !dir.logs().is_empty());
    let report = usage.shutdown_blocking(MOMENT);
    assert_balance(&report.stats);
    assert_eq!(report.stats.spooled, 1);
}
