//! What is read is judged, not where it stands: directories, files and records that are not ours.

use super::damage::{file, orphan, slot};
use std::sync::LazyLock;

use mcp_usage::testing::MemoryTransport;
use mcp_usage::testing::contract::check;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::fields::{change, put, received};
use crate::support::{mcpeye, otlp, posthog};

/// A logger that takes over what is in `dir`, and its flush.
fn adopt(dir: &TempDir, wire: &Wire) -> (UsageLogger, MockIngest) {
    let ingest = ingest();
    let usage = builder_for(&ingest, wire)
        .spool(dir.spool())
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    (usage, ingest)
}

const LOG: &str = "1800000000000-000001.log";

#[cfg(unix)]
fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Gives a file to another user than it has.
#[cfg(unix)]
fn give_away(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let user = fs::metadata(path)?.uid();
    chown(path, Some(user ^ 1), None)
}

/// Each of these would be read by its name alone: it would hold the thread for good, or have somebody
/// else's bytes sent.
#[cfg(unix)]
#[test]
fn what_is_no_file_of_ours_is_left_alone_and_counted_once() {
    on_wires(&FORMS, is_left_alone_and_counted_once);
}

#[cfg(unix)]
fn is_left_alone_and_counted_once(wire_name: &str, wire: &Wire) {
    use std::os::unix::fs::symlink;

    /// Meets the slot, in the directory.
    type Fault = (&'static str, fn(&Path, &TempDir));
    let faults: [Fault; 8] = [
        ("a file that is a pipe", |slot, _| {
            fs::remove_file(slot.join(LOG)).unwrap();
            fifo(&slot.join(LOG));
        }),
        ("a lock that is a pipe", |slot, _| {
            fs::remove_file(slot.join("lock")).unwrap();
            fifo(&slot.join("lock"));
        }),
        ("a file that is a directory", |slot, _| {
            fs::remove_file(slot.join(LOG)).unwrap();
            fs::create_dir(slot.join(LOG)).unwrap();
        }),
        ("a file that is a link", |slot, dir| {
            let log = slot.join(LOG);
            fs::rename(&log, dir.0.join("elsewhere")).unwrap();
            symlink(dir.0.join("elsewhere"), log).unwrap();
        }),
        ("a slot that is a link", |slot, dir| {
            fs::rename(slot, dir.0.join("elsewhere")).unwrap();
            symlink(dir.0.join("elsewhere"), slot).unwrap();
        }),
        ("a slot that is a file", |slot, _| {
            fs::remove_dir_all(slot).unwrap();
            fs::write(slot, "").unwrap();
        }),
        ("a slot that everybody can write", |slot, _| {
            set_mode(slot, 0o777);
        }),
        ("a file that everybody can write", |slot, _| {
            set_mode(&slot.join(LOG), 0o666);
        }),
    ];
    let mut faults = faults.to_vec();
    if give_away(&TempDir::new().0).is_ok() {
        faults.push(("a slot of another user", |slot, _| {
            give_away(slot).unwrap();
        }));
        faults.push(("a file of another user", |slot, _| {
            give_away(&slot.join(LOG)).unwrap();
        }));
    } else {
        eprintln!("skipped: only root can give files to another user");
    }
    let (log, _) = file(wire_name);
    for (name, fault) in faults {
        let dir = TempDir::new();
        fs::create_dir(dir.root()).unwrap();
        let [good, bad] = [1, 2].map(|n| {
            orphan(&dir.root(), wire_name, n, &log);
            slot(&dir.root(), wire_name, n)
        });
        fault(&bad, &dir);
        let name = format!("{wire_name}: {name}");
        let (usage, ingest) = adopt(&dir, wire);
        assert_eq!(taken(&ingest), [0, 1, 2], "{name}");
        assert_eq!(ingest.duplicates(), Vec::<String>::new(), "{name}");
        let stats = end(&usage, &ingest);
        assert_eq!((stats.recovered, stats.spool_faults), (3, 1), "{name}");
        assert!(bad.symlink_metadata().is_ok(), "{name}");
        assert!(!good.exists(), "{name}");
    }
}

#[test]
fn a_slot_whose_lock_was_removed_is_taken_over() {
    on_wires(&FORMS, |name, wire| {
        let dir = TempDir::new();
        let (log, _) = file(name);
        fs::create_dir(dir.root()).unwrap();
        orphan(&dir.root(), name, 1, &log);
        fs::remove_file(slot(&dir.root(), name, 1).join("lock")).unwrap();
        let (usage, ingest) = adopt(&dir, wire);
        assert_eq!(taken(&ingest), [0, 1, 2], "{name}");
        assert_eq!(end(&usage, &ingest).spool_faults, 0, "{name}");
        dir.assert_empty();
    });
}

/// Volumes of a cluster get their group's write permission at each start of a pod.
#[cfg(unix)]
#[test]
fn what_our_group_can_write_is_still_ours() {
    on_wires(&FORMS, |name, wire| {
        let dir = TempDir::new();
        let (log, _) = file(name);
        fs::create_dir(dir.root()).unwrap();
        orphan(&dir.root(), name, 1, &log);
        let slot = slot(&dir.root(), name, 1);
        set_mode(&slot, 0o2770);
        set_mode(&slot.join(LOG), 0o660);
        let (usage, ingest) = adopt(&dir, wire);
        assert_eq!(taken(&ingest), [0, 1, 2], "{name}");
        assert_eq!(end(&usage, &ingest).spool_faults, 0, "{name}");
        dir.assert_empty();
    });
}

/// As in a container whose volume has the mode 0777: one warning, and the spool is used.
#[cfg(unix)]
#[test]
fn a_directory_that_others_can_write_is_used_with_one_warning() {
    let lines = Lines::default();
    let (dir, ingest) = (TempDir::new(), ingest());
    fs::create_dir(dir.root()).unwrap();
    set_mode(&dir.root(), 0o777);
    let usage = tracing::subscriber::with_default(lines.subscriber(), || {
        builder(&ingest).spool(dir.spool()).build().unwrap()
    });
    let warned = lines.with("is world-writable");
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains("WARN"), "{warned:?}");
    ingest.answer_always(Answer::status(503));
    usage.log_usage(event(1));
    assert_eq!(usage.flush_to_disk_blocking(PATIENCE), Ok(()));
    let stats = usage.shutdown_blocking(MOMENT).stats;
    assert_eq!((stats.spooled, stats.spool_faults), (1, 0));
}

/// Lines of a log.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Lines {
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + 'static {
        let lines = self.clone();
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || lines.clone())
            .finish()
    }

    fn with(&self, text: &str) -> Vec<String> {
        let all = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = all.lines().filter(|line| line.contains(text));
        lines.map(str::to_owned).collect()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Lets a logger take over what is in a spool, and time pass until it is `done`.
fn take_over(
    name: &str,
    dir: &TempDir,
    (ingest, wire): (&MockIngest, &Wire),
    clock: &ManualClock,
    done: impl Fn(&Stats) -> bool,
) -> UsageLogger {
    let usage = builder_for(ingest, wire)
        .clock(clock)
        .spool(dir.spool())
        .build()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !done(&usage.stats()) {
        assert!(Instant::now() < deadline, "{name}: {}", usage.stats());
        clock.advance(Duration::from_millis(10));
        std::thread::yield_now();
    }
    usage
}

/// The clock was slow when the events were written, and is right now.
#[test]
fn the_age_of_what_is_read_back_counts_once_the_ingest_has_answered() {
    // One after another: each drives its clock without a pause.
    FORMS
        .iter()
        .for_each(|name| age_counts_once_there_was_an_answer(&wire_named(name)));
}

fn age_counts_once_there_was_an_answer(wire: &Wire) {
    for (name, fault, status, delivered) in [
        ("up", None, 200, 20),
        ("down", None, 503, 0),
        (
            "without a network",
            Some(Answer::reset_before_body()),
            200,
            20,
        ),
        ("silent", Some(Answer::hang()), 200, 20),
        (
            "without a network, then down",
            Some(Answer::reset_before_body()),
            503,
            0,
        ),
    ] {
        let (dir, ingest, clock) = (TempDir::new(), ingest(), ManualClock::new());
        leave(&dir, wire, 20);
        let faults = fault.map(|fault| vec![fault; 3]);
        ingest.answer_always(Answer::status(status));
        ingest.script(faults.unwrap_or_default());
        clock.set_forward(10 * DAY);
        let usage = take_over(name, &dir, (&ingest, wire), &clock, |stats| {
            stats.pending + stats.spooled == 0 && stats.recovered > 0
        });
        let stats = end(&usage, &ingest);
        assert_eq!(
            (stats.recovered, stats.delivered),
            (20, delivered),
            "{name}"
        );
        let expired = stats.dropped.get(DropReason::Expired);
        assert_eq!(expired, 20 - delivered, "{name}");
        let sent: std::collections::BTreeSet<_> =
            ingest.events().iter().map(|e| e.id.clone()).collect();
        assert_eq!(sent.len(), 20, "{name}");
        dir.assert_empty();
    }
}

#[test]
fn an_event_read_back_within_its_age_outlasts_a_request_that_fails() {
    // One after another: each drives its clock without a pause.
    FORMS
        .iter()
        .for_each(|name| outlasts_a_request_that_fails(&wire_named(name)));
}

fn outlasts_a_request_that_fails(wire: &Wire) {
    let (dir, ingest, clock) = (TempDir::new(), ingest(), ManualClock::new());
    leave(&dir, wire, 20);
    ingest.script([Answer::status(503)]);
    clock.set_forward(6 * DAY);
    let usage = take_over("a failure", &dir, (&ingest, wire), &clock, |stats| {
        stats.delivered + stats.dropped.total() >= 20
    });
    let stats = end(&usage, &ingest);
    assert_eq!((stats.recovered, stats.delivered), (20, 20), "{stats}");
    assert!(stats.retries > 0, "{stats}");
    dir.assert_empty();
}

/// What a running logger keeps only on disk has the age of its own clock, which nobody sets.
#[test]
fn a_clock_that_is_set_forward_costs_nothing_that_is_on_disk_alone() {
    // One after another: each drives its clock without a pause.
    FORMS
        .iter()
        .for_each(|name| clock_costs_nothing_on_disk_alone(&wire_named(name)));
}

fn clock_costs_nothing_on_disk_alone(wire: &Wire) {
    let (dir, ingest, clock) = (TempDir::new(), ingest(), ManualClock::new());
    ingest.answer_always(Answer::status(503));
    let usage = builder_for(&ingest, wire)
        .clock(&clock)
        .max_queue_events(100)
        .spool(dir.spool())
        .build()
        .unwrap();
    for n in 0..500 {
        while usage.stats().pending >= 90 {
            clock.advance(Duration::from_millis(1));
            std::thread::yield_now();
        }
        assert_eq!(usage.log_usage(event(n)), Outcome::Queued);
    }
    clock.set_forward(10 * DAY);
    ingest.answer_always(Answer::ok());
    let deadline = Instant::now() + PATIENCE;
    while usage.stats().delivered + usage.stats().dropped.total() < 500 {
        assert!(Instant::now() < deadline, "{}", usage.stats());
        // Slowly, so that no request outlasts its time.
        clock.advance(Duration::from_millis(20));
        std::thread::sleep(Duration::from_millis(2));
    }
    let stats = end(&usage, &ingest);
    // What had failed before has been sent once.
    let expired = stats.dropped.get(DropReason::Expired);
    assert!(expired <= 100, "{stats}");
    assert_eq!(stats.delivered, 500 - expired, "{stats}");
}

/// The checksum of a record (IEEE 802.3), as anybody can compute it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
    !bytes.iter().fold(!0_u32, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| step(sum))
    })
}

/// A record as another's hand may write it: `like` is the first one of a file.
fn forged(like: &[u8], ordinal: u32, json: &[u8]) -> Vec<u8> {
    let mut record = like[..36].to_vec();
    record[8..12].copy_from_slice(&(json.len() as u32).to_le_bytes());
    record[16..20].copy_from_slice(&ordinal.to_le_bytes());
    record.extend_from_slice(json);
    let sum = crc32(&record[8..]);
    record[4..8].copy_from_slice(&sum.to_le_bytes());
    record
}

/// Each has its checksum, and would break the request that it is sent in, or take a secret along.
#[test]
fn a_record_from_another_hand_is_checked_and_redacted() {
    on_wires(&FORMS, is_checked_and_redacted);
}

fn is_checked_and_redacted(name: &str, wire: &Wire) {
    let (log, ends) = file(name);
    let event = str::from_utf8(&log[36..ends[0]]).unwrap();
    let github = secret::github();
    let leaking = event.replacen(r#""count""#, &format!(r#""count","note":"{github}""#), 1);
    assert!(leaking.contains(&github));
    let (id, another) = ("1000000", 1_000_007);
    let jsons = [
        "[]".to_owned(),
        "\"text\"".to_owned(),
        "{".to_owned(),
        format!("{event},{event}"),
        format!("{event}],\"x\":[{{}}"),
        leaking.replacen(id, &another.to_string(), 1),
    ];
    let dir = TempDir::new();
    fs::create_dir(dir.root()).unwrap();
    let mut bytes = log.clone();
    for (n, json) in (3..).zip(&jsons) {
        bytes.extend(forged(&log, n, json.as_bytes()));
    }
    orphan(&dir.root(), name, 1, &bytes);
    let (usage, ingest) = adopt(&dir, wire);
    assert_eq!(taken(&ingest), [0, 1, 2, 7]);
    let stats = end(&usage, &ingest);
    assert_eq!((stats.recovered, stats.delivered), (9, 4));
    assert_eq!(stats.dropped.get(DropReason::SpoolFull), 5);
    let sent = ingest.delivered();
    let leaking = sent.iter().find(|event| id_of(event) == another);
    let leaking = leaking.unwrap();
    let text = leaking.json.to_string();
    assert!(
        text.contains("REDACTED") && !text.contains(&github),
        "{text}"
    );
    dir.assert_empty();
}

/// A record with this id in its head, whose event may say another.
fn with_id(mut record: Vec<u8>, id: i64) -> Vec<u8> {
    record[20..28].copy_from_slice(&id.to_le_bytes());
    let sum = crc32(&record[8..]);
    record[4..8].copy_from_slice(&sum.to_le_bytes());
    record
}

/// Whatever their head says, records of equal ids share no request; one below 1 is no event's.
#[test]
fn an_id_is_what_the_event_says_and_never_twice_in_a_request() {
    for wire in [Wire::ReoBatch, mcpeye(), otlp(), posthog()] {
        let (dir, ingest) = (TempDir::new(), ingest());
        leave(&dir, &wire, 3);
        let path = dir.logs().remove(0);
        let log = fs::read(&path).unwrap();
        let length = u32::from_le_bytes(log[8..12].try_into().unwrap()) as usize;
        let event = str::from_utf8(&log[36..36 + length]).unwrap();
        let mut bytes = log.clone();
        for (ordinal, id) in (3..).zip([0, -1, i64::MIN, 5, 1_000_000]) {
            bytes.extend(with_id(forged(&log, ordinal, event.as_bytes()), id));
        }
        for (ordinal, said) in (8..).zip(["0", "-7", "\"7\"", "1e3"]) {
            let other = event.replacen(r#""event_id":1000000"#, &format!("\"event_id\":{said}"), 1);
            let other = other.replacen(r#""callId":""#, r#""callId":"x"#, 1);
            assert_ne!(event, other);
            bytes.extend(forged(&log, ordinal, other.as_bytes()));
        }
        fs::write(&path, bytes).unwrap();
        let builder = builder_for(&ingest, &wire).spool(dir.spool());
        let usage = builder.build().unwrap();
        assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
        let stats = end(&usage, &ingest);
        assert_eq!(stats.delivered, 8, "{wire:?}: {stats}");
        assert_eq!(stats.dropped.get(DropReason::SpoolFull), 4, "{wire:?}");
        dir.assert_empty();
    }
}

/// The file of one event on each wire, and where it stands.
static FILES: LazyLock<Vec<(Wire, PathBuf, Vec<u8>)>> = LazyLock::new(|| {
    let wires = [Wire::Reo, Wire::ReoBatch, mcpeye(), otlp(), posthog()];
    let file = |wire: Wire| {
        let dir = TempDir::new();
        leave(&dir, &wire, 1);
        let path = dir.logs().remove(0);
        let place = path.strip_prefix(&dir.0).unwrap().to_owned();
        (wire, place, fs::read(&path).unwrap())
    };
    wires.map(file).into()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_record_says_the_contract_accepts_what_is_sent(
        records in vec((vec(change(), 1..4), any::<i64>()), 1..8),
    ) {
        for (wire, place, log) in FILES.iter() {
            let mut bytes = log.clone();
            for (ordinal, (changes, id)) in (1..).zip(&records) {
                let mut event: Value = serde_json::from_slice(&log[36..]).unwrap();
                let call_id = format!("00000000-0000-4000-8000-{ordinal:012x}");
                let own = match wire {
                    Wire::Mcpeye(_) => ("/callId", json!(call_id)),
                    _ => ("/event_id", json!(7 + ordinal)),
                };
                put(&mut event, own.0, Some(own.1));
                for (place, value) in changes {
                    put(&mut event, place, value.clone());
                }
                let record = forged(log, ordinal, event.to_string().as_bytes());
                bytes.extend(with_id(record, *id));
            }
            let dir = TempDir::new();
            let path = dir.0.join(place);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path.with_file_name("lock"), "").unwrap();
            fs::write(path, bytes).unwrap();
            let sent = MemoryTransport::new();
            let builder = UsageLogger::builder().env(|_| None).wire(wire.clone());
            let usage = builder
                .memory_transport(&sent)
                .product_id("p")
                .flush_interval(Duration::from_millis(100))
                .spool(dir.spool())
                .build()
                .unwrap();
            prop_assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
            let stats = usage.shutdown_blocking(PATIENCE).stats;
            prop_assert!(stats.balances() && stats.delivered > 0, "{}", stats);
            for body in sent.bodies() {
                let checked = check(&body, received(wire));
                prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
            }
        }
    }
}

/// A value that is not of its form costs itself, as one of a caller's does.
#[test]
fn a_record_from_another_hand_is_checked_field_by_field() {
    on_wires(&FORMS, is_checked_field_by_field);
}

fn is_checked_field_by_field(name: &str, wire: &Wire) {
    let (log, ends) = file(name);
    let event = str::from_utf8(&log[36..ends[0]]).unwrap();
    let meta = |members: &str| event.replacen(r#""meta":{"#, &format!(r#""meta":{{{members},"#), 1);
    let at = event.split(r#""event_at":"#).nth(1).unwrap();
    let at = at.split(',').next().unwrap();
    let jsons = [
        meta(r#""traceparent":"00-1-2-01""#),
        meta(r#""duration_ms":-1"#),
        meta(r#""outcome":null,"error":7"#),
        event.replacen(at, "7", 1),
        event.replacen('{', r#"{"plan":"free","#, 1),
        event.replacen(r#""meta":{"#, r#""ip_addr":"","meta":{"#, 1),
    ];
    let refused = [
        meta(r#""tool":"t""#),
        event.replacen(r#""source":""#, r#""source":"","also":""#, 1),
        event.replacen(r#""activity_type""#, r#""activity""#, 1),
        "{}".to_owned(),
    ];
    let dir = TempDir::new();
    fs::create_dir(dir.root()).unwrap();
    let mut bytes = log.clone();
    for (n, json) in (0..).zip(jsons.iter().chain(&refused)) {
        assert_ne!(event, json);
        let json = json.replacen("1000000", &(1_000_003 + n).to_string(), 1);
        bytes.extend(forged(&log, 3 + n, json.as_bytes()));
    }
    orphan(&dir.root(), name, 1, &bytes);
    let (usage, ingest) = adopt(&dir, wire);
    let stats = end(&usage, &ingest);
    assert_eq!(stats.delivered, 3 + jsons.len() as u64, "{stats}");
    assert_eq!(
        stats.dropped.get(DropReason::SpoolFull),
        refused.len() as u64
    );
    assert_eq!(stats.fields_left_out, 7);
    let sent = ingest.delivered();
    let restored = sent.iter().find(|event| id_of(event) == 1_000_006).unwrap();
    let at = restored.json["event_at"].as_u64();
    // The others say the time of their head.
    assert!(at.map_or(name != "reo batch", |at| at > 1_700_000_000));
    dir.assert_empty();
}

/// A rule that was added because something leaked holds for what is in the spool, too.
#[test]
fn what_is_read_back_obeys_the_rules_of_today() {
    on_wires(&FORMS, |_, wire| obeys_the_rules_of_today(wire));
}

fn obeys_the_rules_of_today(wire: &Wire) {
    let dir = TempDir::new();
    let (down, up) = (ingest(), ingest());
    down.answer_always(Answer::status(503));
    let builder = |ingest| builder_for(ingest, wire).spool(dir.spool());
    let usage = builder(&down).build().unwrap();
    usage.log_usage(event(1).prompt("about project zaphod"));
    usage.log_usage(event(2).prompt("about nothing"));
    usage.shutdown_blocking(MOMENT);
    let before: Vec<_> = dir
        .logs()
        .iter()
        .map(|log| fs::read(log).unwrap())
        .collect();
    assert!(contains(&before.concat(), b"zaphod"));

    let redactor = mcp_usage::Redactor::builder()
        .pattern("plan", "zaphod")
        .build()
        .unwrap();
    let usage = builder(&up).redactor(redactor).build().unwrap();
    up.wait_for_delivered(2, PATIENCE).unwrap();
    end(&usage, &up);
    for event in up.delivered() {
        let text = event.json.to_string();
        assert!(!text.contains("zaphod"), "{text}");
        assert!(id_of(&event) != 1_000_002 || text.contains("about nothing"));
    }
}
