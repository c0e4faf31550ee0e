//! Disks that are full or cannot be written: delivery goes on from memory.

use std::process::Command;

use mcp_usage::doctor::State;

use super::*;

/// A file system of its own, which only root can have.
struct Mount(TempDir);

impl Mount {
    fn new(bytes: &str) -> Option<Self> {
        let dir = TempDir::new();
        let size = format!("size={bytes}");
        let mounted = run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs"], &dir.0);
        if let Err(why) = mounted {
            eprintln!("skipped: a small file system cannot be mounted here: {why}");
            return None;
        }
        Some(Self(dir))
    }

    fn remount(&self, option: &str) {
        let option = format!("remount,{option}");
        run("mount", &["-o", &option], &self.0.0).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = run("umount", &["-l"], &self.0.0);
    }
}

fn run(program: &str, arguments: &[&str], dir: &Path) -> Result<(), String> {
    let output = Command::new(program).args(arguments).arg(dir).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What the doctor says of the spool.
fn spool_state(usage: &UsageLogger) -> State {
    let report = usage.check_blocking();
    let finding = report.findings.iter().find(|f| f.name == "spool");
    finding.unwrap_or_else(|| panic!("{report}")).state
}

#[test]
fn on_a_full_disk_delivery_goes_on_from_memory() {
    on_wires(&FORMS, |_, wire| goes_on_on_a_full_disk(wire));
}

fn goes_on_on_a_full_disk(wire: &Wire) {
    let Some(mount) = Mount::new("256k") else {
        return;
    };
    let ingest = ingest();
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, wire)
        .spool(mount.0.spool())
        .build()
        .unwrap();
    for n in 0..2_000 {
        assert_eq!(usage.log_usage(event(n)), Outcome::Queued);
    }
    let flushed = usage.flush_to_disk_blocking(PATIENCE);
    let Err(SpoolError::NotWritten { events }) = flushed else {
        panic!("{flushed:?}");
    };
    assert!((1..2_000).contains(&events), "{events}");
    assert!(usage.stats().spool_faults > 0);
    assert_balance(&usage.stats());
    // When there is room again, so is the spool.
    mount.remount("size=16m");
    wait_until(|| usage.flush_to_disk_blocking(PATIENCE) == Ok(()));
    ingest.answer_always(Answer::ok());
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    assert_eq!((stats.delivered, stats.dropped.total()), (2_000, 0));
    assert_eq!(taken(&ingest), (0..2_000).collect::<Vec<_>>());
}

#[test]
fn what_a_full_disk_has_taken_survives_the_end() {
    on_wires(&FORMS, |_, wire| survives_on_a_full_disk(wire));
}

fn survives_on_a_full_disk(wire: &Wire) {
    let Some(mount) = Mount::new("256k") else {
        return;
    };
    let (down, up) = (ingest(), ingest());
    down.answer_always(Answer::status(503));
    let usage = builder_for(&down, wire)
        .spool(mount.0.spool())
        .build()
        .unwrap();
    for n in 0..2_000 {
        usage.log_usage(event(n));
    }
    assert!(usage.flush_to_disk_blocking(PATIENCE).is_err());
    let report = usage.shutdown_blocking(MOMENT);
    let stats = usage.stats();
    assert_balance(&stats);
    assert!(report.pending > 0 && stats.spooled > 0, "{stats}");
    let lost = stats.dropped.get(DropReason::ShutdownTimeout);
    assert_eq!((stats.pending, lost), (0, report.pending));

    let usage = builder_for(&up, wire)
        .spool(mount.0.spool())
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let after = end(&usage, &up);
    assert_eq!(
        (after.recovered, after.delivered),
        (stats.spooled, stats.spooled)
    );
}

#[test]
fn on_a_read_only_directory_delivery_goes_on_from_memory() {
    on_wires(&FORMS, |_, wire| goes_on_in_a_read_only_directory(wire));
}

fn goes_on_in_a_read_only_directory(wire: &Wire) {
    let Some(mount) = Mount::new("1m") else {
        return;
    };
    mount.remount("ro");
    let ingest = ingest();
    let usage = builder_for(&ingest, wire)
        .spool(mount.0.spool())
        .build()
        .unwrap();
    for n in 0..20 {
        assert_eq!(usage.log_usage(event(n)), Outcome::Queued);
    }
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    ingest.answer_always(Answer::status(503));
    usage.log_usage(event(20));
    assert_eq!(
        usage.flush_to_disk_blocking(PATIENCE),
        Err(SpoolError::NotWritten { events: 1 })
    );
    assert!(usage.stats().spool_faults > 0);
    assert_eq!(spool_state(&usage), State::Doubtful);
    // A directory that can be had later is had.
    mount.remount("rw");
    wait_until(|| usage.flush_to_disk_blocking(PATIENCE) == Ok(()));
    assert_eq!(spool_state(&usage), State::Good);
    let report = usage.shutdown_blocking(MOMENT);
    assert_balance(&report.stats);
    assert_eq!((report.stats.delivered, report.stats.spooled), (20, 1));
}

/// What is gone is written again; when there is no room for it, that is said.
#[test]
fn on_a_full_disk_what_was_removed_is_said_to_be_in_memory_alone() {
    on_wires(&FORMS, |_, wire| is_said_to_be_in_memory_alone(wire));
}

fn is_said_to_be_in_memory_alone(wire: &Wire) {
    let Some(mount) = Mount::new("1m") else {
        return;
    };
    let ingest = ingest();
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, wire)
        .spool(mount.0.spool())
        .build()
        .unwrap();
    for n in 0..200 {
        usage.log_usage(event(n));
    }
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    let junk = mount.0.0.join("junk");
    fs::write(&junk, vec![1; 2 << 20]).unwrap_err();
    // Moved away, the directory goes on to take its room.
    fs::rename(mount.0.root(), mount.0.0.join("moved")).unwrap();
    assert_eq!(
        usage.flush_to_disk_blocking(PATIENCE),
        Err(SpoolError::NotWritten { events: 200 })
    );
    fs::remove_file(junk).unwrap();
    wait_until(|| usage.flush_to_disk_blocking(PATIENCE) == Ok(()));
    let stats = usage.shutdown_blocking(MOMENT).stats;
    assert_balance(&stats);
    assert_eq!((stats.spooled, stats.dropped.total()), (200, 0));
}

/// Perhaps it is what was left that fills the disk.
#[test]
fn without_room_for_a_new_directory_what_was_left_is_delivered_from_its_own() {
    on_wires(&FORMS, |_, wire| is_delivered_from_its_own_directory(wire));
}

fn is_delivered_from_its_own_directory(wire: &Wire) {
    let Some(mount) = Mount::new("1m") else {
        return;
    };
    leave(&mount.0, wire, 20);
    mount.remount("nr_inodes=20");
    let fill = |n: u32| fs::write(mount.0.0.join(n.to_string()), "");
    assert!((0..100).any(|n| fill(n).is_err()));
    let ingest = ingest();
    let usage = builder_for(&ingest, wire)
        .spool(mount.0.spool())
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    assert_eq!(taken(&ingest), (0..20).collect::<Vec<_>>());
    let stats = end(&usage, &ingest);
    assert_eq!((stats.recovered, stats.delivered), (20, 20));
    mount.0.assert_empty();
}

/// A disk that hangs, by way of a file system that can be frozen.
struct Freezer(TempDir);

impl Freezer {
    fn new() -> Option<Self> {
        let dir = TempDir::new();
        let image = dir.0.join("image");
        let place = dir.0.join("mounted");
        fs::create_dir(&place).unwrap();
        fs::write(&image, vec![0; 16 << 20]).unwrap();
        let source = image.to_str().unwrap();
        let mounted = run("mkfs.ext4", &["-q", "-F"], &image)
            .and_then(|()| run("mount", &["-o", "loop", source], &place));
        if let Err(why) = mounted {
            eprintln!("skipped: a file system that freezes cannot be mounted here: {why}");
            return None;
        }
        Some(Self(dir))
    }

    fn place(&self) -> PathBuf {
        self.0.0.join("mounted")
    }

    fn freeze(&self) {
        run("fsfreeze", &["-f"], &self.place()).unwrap();
    }

    fn thaw(&self) {
        run("fsfreeze", &["-u"], &self.place()).unwrap();
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _ = run("fsfreeze", &["-u"], &self.place());
        let _ = run("umount", &["-l"], &self.place());
    }
}

#[test]
fn a_disk_that_hangs_holds_up_neither_callers_nor_sending_nor_the_end() {
    on_wires(&FORMS, |_, wire| holds_up_nothing(wire));
}

fn holds_up_nothing(wire: &Wire) {
    let Some(freezer) = Freezer::new() else {
        return;
    };
    let root = freezer.place().join("spool");
    let ingest = ingest();
    let usage = builder_for(&ingest, wire)
        .spool(Spool::dir(&root))
        .build()
        .unwrap();
    usage.log_usage(event(0));
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));

    freezer.freeze();
    let started = Instant::now();
    for n in 1..2_000 {
        assert_eq!(usage.log_usage(event(n)), Outcome::Queued);
    }
    assert!(started.elapsed() < PATIENCE / 10);
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    assert_eq!(usage.stats().delivered, 2_000);
    ingest.answer_always(Answer::status(503));
    usage.log_usage(event(2_000));
    assert_eq!(
        usage.flush_to_disk_blocking(MOMENT),
        Err(SpoolError::TimedOut(MOMENT))
    );
    // Not known to be on disk, so not promised.
    let started = Instant::now();
    let report = usage.shutdown_blocking(MOMENT);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!((report.pending, report.stats.spooled), (1, 0));
    assert_balance(&report.stats);
    assert_balance(&usage.stats());

    freezer.thaw();
    wait_until(|| fs::read_dir(&root).unwrap().count() <= 1);
    ingest.answer_always(Answer::ok());
    let usage = builder_for(&ingest, wire)
        .spool(Spool::dir(&root))
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    end(&usage, &ingest);
}
