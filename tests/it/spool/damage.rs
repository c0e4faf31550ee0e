//! Files that are torn or damaged: good records are never thrown away with bad ones.

use super::*;

/// A sub-directory with one file, as an owner leaves it that has ended.
pub(super) fn orphan(root: &Path, n: usize, log: &[u8]) {
    let dir = root.join(format!("reo-{n:016x}"));
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("lock"), "").unwrap();
    fs::write(dir.join("1800000000000-000001.log"), log).unwrap();
}

/// Three events as they stand in a file, and where each ends.
pub(super) fn file() -> (Vec<u8>, Vec<usize>) {
    let dir = TempDir::new();
    leave(&dir, &Wire::Reo, 3);
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
fn deliver(dir: &TempDir) -> ([usize; 3], Stats) {
    let ingest = MockIngest::builder().api_key(KEY).start().unwrap();
    // One event per request: the copies of an event would be refused in one batch.
    let usage = builder(&ingest)
        .spool(dir.spool().max_age(Duration::from_secs(30 * 24 * 60 * 60)))
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    let mut counts = [0; 3];
    for event in ingest.delivered() {
        counts[(event.id.parse::<usize>().unwrap()) - 1_000_000] += 1;
    }
    dir.assert_empty();
    (counts, stats)
}

#[test]
fn a_file_torn_at_any_byte_of_its_last_record_loses_that_record_alone() {
    let (log, ends) = file();
    let dir = TempDir::new();
    fs::create_dir(dir.root()).unwrap();
    for at in ends[1]..ends[2] {
        orphan(&dir.root(), at, &log[..at]);
    }
    let torn = ends[2] - ends[1];
    let (counts, stats) = deliver(&dir);
    assert_eq!(counts, [torn, torn, 0]);
    assert_eq!(stats.recovered, 2 * torn as u64);
    // The first is torn off whole, which nobody can see.
    assert_eq!(stats.spool_faults, torn as u64 - 1);
}

#[test]
fn a_damaged_byte_in_the_middle_loses_its_record_alone() {
    let (log, ends) = file();
    let dir = TempDir::new();
    fs::create_dir(dir.root()).unwrap();
    for at in ends[0]..ends[1] {
        let mut damaged = log.clone();
        damaged[at] ^= 0x55;
        orphan(&dir.root(), at, &damaged);
    }
    let files = ends[1] - ends[0];
    let (counts, stats) = deliver(&dir);
    assert_eq!(counts, [files, 0, files]);
    assert_eq!(stats.spool_faults, files as u64);
}

#[test]
fn files_that_are_no_logs_cost_nothing() {
    let (log, _) = file();
    let dir = TempDir::new();
    fs::create_dir(dir.root()).unwrap();
    orphan(&dir.root(), 1, &log);
    orphan(&dir.root(), 2, b"");
    orphan(&dir.root(), 3, &[0; 4096]);
    orphan(&dir.root(), 4, &b"\xffmu\x01".repeat(1000));
    // The list of another file, and one that is torn.
    let done = "1800000000000-000001.done";
    fs::write(dir.root().join("reo-0000000000000001").join(done), [7; 40]).unwrap();
    let (counts, stats) = deliver(&dir);
    assert_eq!(counts, [1, 1, 1]);
    assert_eq!((stats.recovered, stats.spool_faults), (3, 2));
}

/// More than a logger writes to a file, of what nobody can read.
fn junk() -> Vec<u8> {
    vec![b'j'; 12 << 20]
}

#[test]
fn events_behind_megabytes_of_damage_are_found() {
    let (log, _) = file();
    let dir = TempDir::new();
    fs::create_dir(dir.root()).unwrap();
    orphan(&dir.root(), 1, &[junk(), log].concat());
    let (counts, stats) = deliver(&dir);
    assert_eq!(counts, [1, 1, 1]);
    assert_eq!((stats.recovered, stats.spool_faults), (3, 1));
}

#[test]
fn a_file_beyond_the_bound_is_read_up_to_it_or_left_alone() {
    let (log, _) = file();
    for (name, bytes, recovered, faults, is_left) in [
        ("events behind", [junk(), log.clone()].concat(), 0, 1, true),
        ("events in front", [log, junk()].concat(), 3, 2, false),
    ] {
        let (dir, ingest) = (TempDir::new(), ingest());
        fs::create_dir(dir.root()).unwrap();
        orphan(&dir.root(), 1, &bytes);
        let usage = builder(&ingest)
            .spool(dir.spool().max_bytes(10 << 20))
            .build()
            .unwrap();
        assert_eq!(usage.flush_blocking(PATIENCE), Ok(()), "{name}");
        let stats = end(&usage, &ingest);
        assert_balance(&stats);
        let counts = (stats.recovered, stats.delivered, stats.spool_faults);
        assert_eq!(counts, (recovered, recovered, faults), "{name}");
        assert_eq!(dir.logs().len(), usize::from(is_left), "{name}");
    }
}

/// What cannot be read back while the logger runs is counted, and the rest goes on.
#[test]
fn a_file_that_is_damaged_under_a_running_logger_loses_what_was_hit() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, &Wire::ReoBatch)
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
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, &Wire::ReoBatch)
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
