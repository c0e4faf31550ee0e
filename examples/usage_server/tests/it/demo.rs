//! `--demo` of the program itself: its pages are soon there, every one has something to tell, and it stays busy.

#![cfg(unix)]

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use usage_server::app::system_now_ms;

use crate::program::Program;
use crate::support::Directory;

/// How soon a page with data is there. A start that other programs slow down is not held against it: the time counts for
/// which it did not wait for a processor, of the best of some starts.
const SOON: Duration = Duration::from_secs(3);
const STARTS: usize = 5;
/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(180);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A row each four seconds, and that for a minute.
const BUSY: (i64, Duration) = (15, Duration::from_secs(60));

fn one(data: &Path, sql: &str) -> i64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(data, flags).unwrap();
    db.busy_timeout(PATIENCE).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// How long the threads of a process have waited for a processor, as far as the system counts it.
fn waited(process: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
    let waits = tasks.into_iter().flatten().filter_map(|task| {
        let counted = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        counted.split(' ').nth(1)?.parse::<u64>().ok()
    });
    Duration::from_nanos(waits.sum())
}

/// Looks again and again until there is something.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// The calls of the last seven days, as the overview says them; `None` while it leads elsewhere, or has none.
async fn calls(browser: &reqwest::Client, origin: &str) -> Option<i64> {
    let answer = browser.get(format!("{origin}/p/1/")).send().await.unwrap();
    if answer.status() != reqwest::StatusCode::OK {
        return None;
    }
    let page = answer.text().await.unwrap();
    let (_, after) = page.split_once(">Calls<").unwrap();
    let (_, number) = after.split_once("class=\"v\">").unwrap();
    let number = number.split('<').next().unwrap();
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|calls| *calls > 0)
}

#[tokio::test]
async fn a_page_with_data_is_there_within_three_seconds() {
    let mut taken = Vec::new();
    for _ in 0..STARTS {
        let directory = Directory::new();
        let begin = Instant::now();
        let program = Program::start(&directory.database(), "", &["--demo"]);
        let browser = program.browser().await;
        let origin = &program.origin;
        until("a page with data", async || calls(&browser, origin).await).await;
        let (took, waited) = (begin.elapsed(), waited(program.child.id()));
        if took.saturating_sub(waited) <= SOON {
            return;
        }
        taken.push((took, waited));
    }
    panic!("{taken:?}");
}

#[tokio::test]
async fn the_month_has_all_that_is_told_of_and_the_shop_stays_busy() {
    let directory = Directory::new();
    let data = directory.database();
    let began = system_now_ms();
    let program = Program::start(&data, "", &["--demo"]);
    // What happened in the month came then; what comes now is the shop's.
    let of_shop = format!("SELECT count(*) FROM event WHERE received_ms >= {began}");
    let at_least = async |events: i64| {
        until("live traffic", async || {
            Some(one(&data, &of_shop)).filter(|count| *count >= events)
        })
        .await
    };
    let first = at_least(1).await;
    let begin = Instant::now();
    at_least(first + BUSY.0).await;
    assert!(begin.elapsed() <= BUSY.1, "{:?}", begin.elapsed());
    let browser = program.browser().await;
    let live = browser.get(format!("{}/p/1/live", program.origin));
    let live = live.send().await.unwrap().text().await.unwrap();
    assert!(live.matches("<tr").count() > BUSY.0 as usize);

    let month = format!("FROM event WHERE received_ms < {began}");
    let bad_mornings = format!(
        "SELECT count(*) FROM (SELECT 1 {month} AND kind = 1 AND class < 2 GROUP BY time_ms / 10800000
            HAVING count(*) >= 40 AND sum(outcome IN (1, 2, 5, 6, 7, 8)) > 0.3 * count(*))"
    );
    for (what, sql, expected) in [
        ("people", "SELECT count(*) FROM user".to_owned(), 200..),
        (
            "clients",
            "SELECT count(DISTINCT text) FROM name WHERE kind = 2".to_owned(),
            12..,
        ),
        (
            "tools that are called",
            format!("SELECT count(DISTINCT tool) {month} AND kind = 1 AND outcome = 0"),
            20..,
        ),
        (
            "tools that never are",
            "SELECT count(*) FROM tool_listed WHERE tool NOT IN (SELECT tool FROM roll_day)"
                .to_owned(),
            3..,
        ),
        ("bad mornings", bad_mornings, 2..),
        (
            "timeouts of the newest release",
            format!(
                "SELECT count(*) {month} AND outcome = 6 AND release = (SELECT id FROM name WHERE kind = 3 AND text = '2.8.0')"
            ),
            10..,
        ),
        (
            "missing capabilities",
            "SELECT count(*) FROM intent_cluster WHERE missing = 1".to_owned(),
            3..,
        ),
        (
            "asks for them",
            format!("SELECT count(*) {month} AND kind = 9"),
            30..,
        ),
        (
            "refused logins",
            format!("SELECT count(*) {month} AND kind = 4"),
            100..,
        ),
        (
            "lost events",
            "SELECT sum(events) FROM lost_day".to_owned(),
            1..,
        ),
        ("events", format!("SELECT count(*) {month}"), 24_000..),
    ] {
        let found = one(&data, &sql);
        assert!(expected.contains(&found), "{what}: {found}");
    }
    let events = one(&data, &format!("SELECT count(*) {month}"));
    assert!(events <= usage_server::demo::MOST_EVENTS as i64, "{events}");
}
