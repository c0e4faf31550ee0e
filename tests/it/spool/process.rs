//! Processes that are killed, and several at a time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use super::*;
use crate::support::endpoint_of;

const ROLE: &str = "USAGE_TEST_SPOOL_ROLE";

/// Starts this binary again as a process that logs into a spool.
pub(super) fn start(role: &str, dir: &TempDir, ingest: &MockIngest, first: i64) -> Child {
    start_on("reo batch", role, dir, ingest, first)
}

fn start_on(wire: &str, role: &str, dir: &TempDir, ingest: &MockIngest, first: i64) -> Child {
    let program = std::env::current_exe().unwrap();
    start_as(Command::new(program), wire, role, dir, ingest, first)
}

fn start_as(
    mut command: Command,
    wire: &str,
    role: &str,
    dir: &TempDir,
    ingest: &MockIngest,
    first: i64,
) -> Child {
    command
        .args(["--exact", "spool::process::role", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .env(ROLE, role)
        .env("USAGE_TEST_DIR", dir.root())
        .env("USAGE_TEST_WIRE", wire)
        .env(
            "USAGE_TEST_ENDPOINT",
            endpoint_of(ingest, &wire_named(wire)),
        )
        .env("USAGE_TEST_FIRST", first.to_string())
        .spawn()
        .unwrap()
}

/// What a started process does; without a role this test has nothing to do.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let variable = |name: &str| std::env::var(name).unwrap();
    let usage = UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(variable("USAGE_TEST_ENDPOINT"))
        .product_id("reoWebApp")
        .wire(wire_named(&variable("USAGE_TEST_WIRE")))
        .flush_interval(MOMENT)
        .initial_backoff(Duration::from_millis(1))
        .spool(Spool::dir(variable("USAGE_TEST_DIR")))
        .build()
        .unwrap();
    let first: i64 = variable("USAGE_TEST_FIRST").parse().unwrap();
    match role.as_str() {
        "steady" => steady(&usage, first, true),
        "unconfirmed" => steady(&usage, first, false),
        "leaves" => leaves(&usage, first),
        "forgets" => super::forget::forgets(&usage, first),
        #[cfg(unix)]
        "forks" => forks(&usage, first),
        "takes over" => takes_over(&usage),
        other => panic!("no such role: {other}"),
    }
}

pub(super) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{line}").unwrap();
    out.flush().unwrap();
}

fn millis() -> u128 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap().as_millis()
}

/// Logs until it is killed; tells of each event when it was taken, and if it asks for it, now and then that all so
/// far is on disk.
fn steady(usage: &UsageLogger, first: i64, is_confirmed: bool) {
    for n in first.. {
        assert_eq!(usage.log_usage(event(n)), Outcome::Queued);
        say(&format!("logged {n} {}", millis()));
        if is_confirmed && n % 16 == 7 {
            usage.flush_to_disk_blocking(PATIENCE).unwrap();
            say(&format!("on-disk {n}"));
        }
        if n % 3 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Logs ten events, has them written, and waits to be killed.
fn leaves(usage: &UsageLogger, first: i64) {
    for n in first..first + 10 {
        usage.log_usage(event(n));
    }
    usage.flush_to_disk_blocking(PATIENCE).unwrap();
    say("ready");
    wait_for_a_line();
}

/// Waits for the process that has started this one, or to be killed.
pub(super) fn wait_for_a_line() {
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
}

/// As [`leaves`], with a forked child that does nothing and lives on.
#[cfg(unix)]
fn forks(usage: &UsageLogger, first: i64) {
    for n in first..first + 10 {
        usage.log_usage(event(n));
    }
    usage.flush_to_disk_blocking(PATIENCE).unwrap();
    if let fork::Fork::Parent(child) = fork::fork().unwrap() {
        say(&format!("child {child}"));
    }
    // Ends with the input, which both have.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    std::process::exit(0);
}

/// Delivers what it finds, and tells how many events that were, how many descriptors are open, and the most memory it
/// had.
fn takes_over(usage: &UsageLogger) {
    usage.flush_blocking(PATIENCE).unwrap();
    let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find(|line| line.starts_with("VmHWM:"));
    let most = most.and_then(|line| line.split_whitespace().nth(1));
    let stats = usage.shutdown_blocking(PATIENCE).stats;
    assert_balance(&stats);
    say(&format!(
        "delivered {} {open} {}",
        stats.delivered,
        most.unwrap_or("0")
    ));
}

/// What a process says that takes over what is in `dir`: events, open descriptors, most KiB of memory.
fn numbers_of_a_takeover(dir: &TempDir, ingest: &MockIngest, limits: &str) -> [u64; 3] {
    let mut command = Command::new("sh");
    let program = std::env::current_exe().unwrap();
    command.args(["-c", &format!("{limits} exec \"$0\" \"$@\"")]);
    command.arg(program);
    let mut child = start_as(command, "reo", "takes over", dir, ingest, 0);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    let line = lines.find(|line| line.starts_with("delivered ")).unwrap();
    child.wait().unwrap();
    let mut numbers = line.split(' ').skip(1).map(|word| word.parse().unwrap());
    std::array::from_fn(|_| numbers.next().unwrap())
}

/// What a killed process had said.
#[derive(Default)]
struct Said {
    logged: Vec<(i64, u128)>,
    on_disk: Option<i64>,
}

fn hear(child: &mut Child) -> Said {
    let mut said = Said::default();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The last line may be cut.
        let Ok(line) = line else { break };
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("logged"), Some(n), Some(at)) => {
                if let (Ok(n), Ok(at)) = (n.parse(), at.parse()) {
                    said.logged.push((n, at));
                }
            }
            (Some("on-disk"), Some(n), None) => said.on_disk = n.parse().ok().or(said.on_disk),
            _ => {}
        }
    }
    said
}

/// 20 kills, or as many as `USAGE_KILLS` says, on one wire after another. In every other one the ingest works, so that the
/// kills also fall between deliveries and their record. In every fourth nobody asks for what is on disk, and the
/// process lives longer than the age of what may be lost.
#[test]
fn a_kill_at_any_moment_costs_at_most_the_last_100_ms() {
    // A machine under load may hold up the writing thread.
    const SLACK: u128 = 900;
    let kills = std::env::var("USAGE_KILLS").map_or(20, |n| n.parse::<u64>().unwrap());
    let mut moments = mcp_usage_test_moments();
    let (mut lost, mut confirmed, mut logged, mut repeated) = (0, 0, 0, 0);
    let mut oldest_lost = 0;
    for kill in 0..kills {
        let (dir, ingest) = (TempDir::new(), ingest());
        if kill % 2 == 0 {
            ingest.answer_always(Answer::status(503));
        }
        let (role, least) = if kill % 4 == 0 {
            ("unconfirmed", 1_300)
        } else {
            ("steady", 20)
        };
        let wire = FORMS[kill as usize % FORMS.len()];
        let mut child = start_on(wire, role, &dir, &ingest, 0);
        std::thread::sleep(Duration::from_millis(least + moments() % 400));
        let killed_at = millis();
        child.kill().unwrap();
        let said = hear(&mut child);
        child.wait().unwrap();

        ingest.answer_always(Answer::ok());
        let usage = builder_for(&ingest, &wire_named(wire))
            .spool(dir.spool())
            .build()
            .unwrap();
        assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
        let stats = end(&usage, &ingest);
        assert_balance(&stats);
        // The slot may be empty; what was in it is delivered.
        dir.assert_empty();
        let arrived = taken(&ingest);
        for (n, at) in &said.logged {
            if arrived.binary_search(n).is_ok() {
                continue;
            }
            lost += 1;
            assert!(
                said.on_disk.is_none_or(|last| *n > last),
                "kill {kill} on {wire}: {n}"
            );
            let age = killed_at.saturating_sub(*at);
            oldest_lost = oldest_lost.max(age);
            assert!(
                age <= 100 + SLACK,
                "kill {kill} on {wire}: {n} is lost at {age} ms"
            );
        }
        logged += said.logged.len();
        confirmed += said.on_disk.map_or(0, |last| last + 1);
        repeated += ingest.duplicates().len();
    }
    eprintln!(
        "{kills} kills: {logged} events logged, {confirmed} confirmed on disk, all of those arrived; \
         {lost} others lost, the oldest {oldest_lost} ms before its kill; {repeated} arrived twice"
    );
}

/// Random numbers, seeded by the system.
fn mcp_usage_test_moments() -> impl FnMut() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    let (state, mut n) = (RandomState::new(), 0_u64);
    move || {
        n += 1;
        state.hash_one(n)
    }
}

#[test]
fn processes_that_are_killed_leave_their_events_to_the_next() {
    on_wires(&FORMS, leave_their_events_to_the_next);
}

fn leave_their_events_to_the_next(name: &str, wire: &Wire) {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let mut children: Vec<Child> = (0..3)
        .map(|n| start_on(name, "leaves", &dir, &ingest, 10 * n))
        .collect();
    for child in &mut children {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "ready"));
    }
    // Each has a sub-directory of its own, and nobody takes it while they live.
    assert_eq!(fs::read_dir(dir.root()).unwrap().count(), 3);
    let clock = ManualClock::new();
    let usage = builder_for(&ingest, wire)
        .clock(&clock)
        .spool(dir.spool())
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    assert_eq!(usage.stats().recovered, 0);
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    ingest.answer_always(Answer::ok());
    wait_until(|| {
        clock.advance(Duration::from_secs(1));
        usage.stats().recovered == 30
    });
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    let stats = end(&usage, &ingest);
    assert_balance(&stats);
    assert_eq!(taken(&ingest), (0..30).collect::<Vec<_>>());
    dir.assert_empty();
}

/// The lock ends with the process that took it, whoever has its descriptors.
#[cfg(unix)]
#[test]
fn a_forked_child_does_not_keep_what_its_parent_has_left() {
    let (dir, ingest) = (TempDir::new(), ingest());
    ingest.answer_always(Answer::status(503));
    let mut parent = start("forks", &dir, &ingest, 0);
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let said = lines
        .map(Result::unwrap)
        .find(|line| line.starts_with("child "));
    let child = said.unwrap()["child ".len()..].to_owned();
    // While the parent lives, its slot is its own.
    let clock = ManualClock::new();
    let usage = builder(&ingest)
        .clock(&clock)
        .spool(dir.spool())
        .build()
        .unwrap();
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    assert_eq!(usage.stats().recovered, 0);

    parent.kill().unwrap();
    let input = parent.stdin.take();
    parent.wait().unwrap();
    ingest.answer_always(Answer::ok());
    wait_until(|| {
        clock.advance(Duration::from_secs(1));
        usage.stats().recovered == 10
    });
    let lives = Command::new("kill").args(["-0", &child]).status();
    assert!(lives.unwrap().success(), "the child has ended");
    drop(input);
    assert_eq!(usage.flush_blocking(PATIENCE), Ok(()));
    end(&usage, &ingest);
    assert_eq!(taken(&ingest), (0..10).collect::<Vec<_>>());
    dir.assert_empty();
}

/// As a server leaves them that was killed again and again. The host needs its descriptors itself.
#[cfg(unix)]
#[test]
fn many_slots_cost_few_descriptors() {
    const SLOTS: usize = 300;
    let (dir, ingest) = (TempDir::new(), ingest());
    let (log, _) = super::damage::file("reo");
    fs::create_dir(dir.root()).unwrap();
    for n in 0..SLOTS {
        super::damage::orphan(&dir.root(), "reo", n, &log);
    }
    let [delivered, open, _] = numbers_of_a_takeover(&dir, &ingest, "ulimit -n 64;");
    assert_eq!(delivered, 3 * SLOTS as u64);
    assert!(open < 40, "{open} descriptors");
    assert_eq!(taken(&ingest), [0, 1, 2]);
    dir.assert_empty();
}

/// A hole of 4 GiB behind the events, in a file that has one of our names.
#[test]
fn a_file_of_gigabytes_is_not_read_whole() {
    let (dir, ingest) = (TempDir::new(), ingest());
    let (log, _) = super::damage::file("reo");
    fs::create_dir(dir.root()).unwrap();
    super::damage::orphan(&dir.root(), "reo", 0, &log);
    let [_, _, before] = numbers_of_a_takeover(&dir, &ingest, "");
    for n in 1..4 {
        super::damage::orphan(&dir.root(), "reo", n, &log);
    }
    for log in dir.logs().into_iter().skip(1) {
        let file = fs::File::options().write(true).open(log).unwrap();
        file.set_len(4 << 30).unwrap();
    }
    // A process with less memory than the file has bytes.
    let [delivered, _, after] = numbers_of_a_takeover(&dir, &ingest, "ulimit -v 3000000;");
    assert_eq!(delivered, 9, "those of the large files, too");
    if before == 0 {
        eprintln!("only the events are checked: memory is read from /proc");
    }
    assert!(
        after < before + 32 * 1024,
        "{before} KiB, and {after} KiB with the large files"
    );
    dir.assert_empty();
}
