//! What was confirmed is there: what somebody has removed, moved, cut or replaced under a running logger is
//! written again, or said to be lost.

use mcp_usage::DeliveryError;

use super::*;

/// What the next process would deliver, if this one were killed now.
fn after_a_kill(dir: &TempDir, wire: &Wire) -> Vec<i64> {
    let (copy, ingest) = (TempDir::new(), ingest());
    copy_files(&dir.root(), &copy.root());
    let builder = builder_for(&ingest, wire).spool(copy.spool());
    let usage = builder.build().unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    end(&usage, &ingest);
    taken(&ingest)
}

/// Copies directories and files, and leaves links out.
fn copy_files(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, to) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy_files(&entry.path(), &to);
        } else if kind.is_file() {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// How many events are confirmed.
const EVENTS: usize = 150;

/// A logger whose ingest is down, with events in memory and on disk, in several files.
fn confirmed(dir: &TempDir, ingest: &MockIngest, wire: &Wire) -> UsageLogger {
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(ingest, wire)
        .spool(dir.spool().max_bytes(MIN_MAX_BYTES))
        .build()
        .unwrap();
    let text = "lorem ipsum ".repeat(480);
    for n in 0..EVENTS as i64 {
        assert_eq!(
            usage.log_usage(event(n).prompt(text.as_str())),
            Outcome::Queued
        );
    }
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    assert!(dir.logs().len() > 1, "{:?}", dir.logs());
    assert_eq!(usage.stats().spooled, 0, "all are in memory, too");
    usage
}

fn slot(dir: &TempDir) -> PathBuf {
    let slots = fs::read_dir(dir.root()).unwrap();
    let mut slots = slots.map(|slot| slot.unwrap().path());
    let slot = slots.next().unwrap();
    assert_eq!(slots.next(), None);
    slot
}

fn oldest(dir: &TempDir) -> PathBuf {
    dir.logs().into_iter().min().unwrap()
}

fn newest(dir: &TempDir) -> PathBuf {
    dir.logs().into_iter().max().unwrap()
}

fn cut(file: &Path, bytes: u64) {
    let file = fs::File::options().write(true).open(file).unwrap();
    file.set_len(bytes).unwrap();
}

/// Puts a copy in a file's place.
fn replace(file: &Path) {
    let copy = file.with_extension("copy");
    fs::copy(file, &copy).unwrap();
    cut(&copy, 10);
    fs::rename(copy, file).unwrap();
}

type Fault = (&'static str, fn(&TempDir));

const FAULTS: &[Fault] = &[
    ("the directory is removed", |dir| {
        fs::remove_dir_all(dir.root()).unwrap();
    }),
    ("the slot is removed", |dir| {
        fs::remove_dir_all(slot(dir)).unwrap();
    }),
    ("the slot is moved away", |dir| {
        fs::rename(slot(dir), dir.0.join("moved")).unwrap();
    }),
    ("the slot is another directory", |dir| {
        let slot = slot(dir);
        fs::rename(&slot, dir.0.join("moved")).unwrap();
        fs::create_dir(slot).unwrap();
    }),
    #[cfg(unix)]
    ("the slot is a link", |dir| {
        let slot = slot(dir);
        fs::rename(&slot, dir.0.join("moved")).unwrap();
        std::os::unix::fs::symlink(dir.0.join("moved"), slot).unwrap();
    }),
    ("the oldest file is removed", |dir| {
        fs::remove_file(oldest(dir)).unwrap();
    }),
    ("the newest file is removed", |dir| {
        fs::remove_file(newest(dir)).unwrap();
    }),
    ("all files are removed", |dir| {
        for file in dir.files() {
            fs::remove_file(file).unwrap();
        }
    }),
    ("a file is renamed", |dir| {
        fs::rename(oldest(dir), oldest(dir).with_extension("old")).unwrap();
    }),
    ("a file is emptied", |dir| cut(&oldest(dir), 0)),
    ("a file is cut in the middle", |dir| {
        cut(&oldest(dir), 99_999)
    }),
    ("the file that is written to is cut", |dir| {
        cut(&newest(dir), 1)
    }),
    ("a file is replaced", |dir| replace(&oldest(dir))),
    ("the file that is written to is replaced", |dir| {
        replace(&newest(dir));
    }),
];

#[test]
fn what_is_confirmed_is_there_whatever_was_removed_before() {
    on_wires(&FORMS, |_, wire| is_there_after_each_fault(wire));
}

fn is_there_after_each_fault(wire: &Wire) {
    for (name, fault) in FAULTS {
        let (dir, ingest) = (TempDir::new(), ingest());
        let usage = confirmed(&dir, &ingest, wire);
        fault(&dir);
        assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()), "{name}");
        let arrived = after_a_kill(&dir, wire);
        assert_eq!(arrived.len(), EVENTS, "{name}");
        let stats = usage.stats();
        assert!(stats.spool_faults > 0, "{name}");
        assert_eq!(stats.dropped.total(), 0, "{name}: {stats}");
        // The events arrive once all the same.
        ingest.answer_always(Answer::ok());
        assert_eq!(usage.flush_blocking(PATIENCE), Ok(()), "{name}");
        assert_eq!(end(&usage, &ingest).delivered, EVENTS as u64, "{name}");
        assert_eq!(ingest.duplicates(), Vec::<String>::new(), "{name}");
    }
}

/// Without a flush the worker looks once a second.
#[test]
fn what_was_removed_is_written_anew_without_being_asked_for() {
    on_wires(&FORMS, |_, wire| is_written_anew_unasked(wire));
}

fn is_written_anew_unasked(wire: &Wire) {
    let (dir, ingest) = (TempDir::new(), ingest());
    let usage = confirmed(&dir, &ingest, wire);
    fs::remove_dir_all(dir.root()).unwrap();
    wait_until(|| dir.root().exists() && after_a_kill(&dir, wire).len() == EVENTS);
    usage.shutdown_blocking(MOMENT);
}

#[test]
fn what_is_left_at_the_end_is_there_whatever_was_removed_before() {
    on_wires(&FORMS, |_, wire| is_left_after_each_fault(wire));
}

fn is_left_after_each_fault(wire: &Wire) {
    for (name, fault) in FAULTS {
        let (dir, down, up) = (TempDir::new(), ingest(), ingest());
        let usage = confirmed(&dir, &down, wire);
        fault(&dir);
        let stats = usage.shutdown_blocking(MOMENT).stats;
        assert_balance(&stats);
        let builder = builder_for(&up, wire).spool(dir.spool());
        let usage = builder.build().unwrap();
        assert_eq!(usage.flush_blocking(PATIENCE), Ok(()), "{name}");
        end(&usage, &up);
        assert_eq!(stats.spooled, EVENTS as u64, "{name}: {stats}");
        assert_eq!(taken(&up).len(), EVENTS, "{name}");
    }
}

/// What is only on disk cannot be written again.
#[test]
fn a_flush_says_how_many_events_are_gone_for_good() {
    on_wires(&FORMS, |_, wire| is_said_to_be_gone(wire));
}

fn is_said_to_be_gone(wire: &Wire) {
    let faults: [Fault; 3] = [
        ("the directory is removed", |dir| {
            fs::remove_dir_all(dir.root()).unwrap();
        }),
        ("the oldest file is removed", |dir| {
            fs::remove_file(oldest(dir)).unwrap();
        }),
        ("the oldest file is cut", |dir| cut(&oldest(dir), 5_000)),
    ];
    for (name, fault) in faults {
        let (dir, ingest) = (TempDir::new(), ingest());
        ingest.answer_always(Answer::status(503));
        let (builder, errors) = errors(builder_for(&ingest, wire));
        let usage = builder
            .max_queue_events(100)
            .spool(dir.spool())
            .build()
            .unwrap();
        log_paced(&usage, 90, (0..500).map(event));
        assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
        assert!(usage.stats().spooled > 300, "{name}");
        fault(&dir);
        let flushed = usage.flush_to_disk_blocking(PATIENCE);
        let stats = usage.stats();
        let lost = stats.dropped.get(DropReason::SpoolFull);
        assert!(lost > 300, "{name}: {stats}");
        assert_eq!(flushed, Err(SpoolError::Lost { events: lost }), "{name}");
        assert_balance(&stats);
        let told = errors.try_iter().filter_map(|error| match error {
            DeliveryError::Dropped { events, .. } => Some(events),
            _ => None,
        });
        assert_eq!(told.sum::<u64>(), lost, "{name}");
        // Said once; the rest is there.
        assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()), "{name}");
        assert_eq!(after_a_kill(&dir, wire).len() as u64, 500 - lost, "{name}");
        let report = usage.shutdown_blocking(MOMENT);
        assert_balance(&report.stats);
    }
}

/// Events that were read back are in memory again, and are written again like all others.
#[test]
fn what_was_read_back_and_then_removed_is_written_anew() {
    on_wires(&FORMS, |_, wire| is_written_anew_though_read_back(wire));
}

fn is_written_anew_though_read_back(wire: &Wire) {
    let (dir, ingest) = (TempDir::new(), ingest());
    leave(&dir, wire, 50);
    ingest.answer_always(Answer::hang());
    let usage = builder_for(&ingest, wire)
        .spool(dir.spool())
        .build()
        .unwrap();
    ingest.wait_for_requests(1, PATIENCE).unwrap();
    wait_until(|| usage.stats().pending == 50);
    fs::remove_dir_all(dir.root()).unwrap();
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    assert_eq!(after_a_kill(&dir, wire), (0..50).collect::<Vec<_>>());
    let stats = usage.shutdown_blocking(MOMENT).stats;
    assert_balance(&stats);
    assert_eq!(stats.dropped.total(), 0, "{stats}");
}
