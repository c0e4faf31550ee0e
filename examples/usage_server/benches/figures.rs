//! What the server carries: events a second, bytes on the disk, memory, and what each page costs.
//!
//! ```text
//! EVENTS=10000000 cargo bench -p usage_server --bench figures
//! ```
//!
//! It starts the program itself, sends it calls of thirty days as batches of 500 (20 000 people, redaction on, about
//! 1 KB an event), signs in, and looks at each page: first with nothing else going on, then while 2 000 events a second
//! come in; then it forgets somebody. CPU time is the program's own, as the kernel counts it, so Linux alone has these
//! figures. `KEEP=DIR` leaves the database in a directory and goes on with it the next time, also where the filling was
//! interrupted: a full one is measured at once. `DURABLE=1` starts the program with `--durable`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench fails loudly, and prints what it has found"
)]

#[path = "../tests/it/program.rs"]
mod program;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use program::Program;

const BATCH: u64 = 500;
/// Connections that send.
const SENDERS: u64 = 4;
const PEOPLE: u64 = 20_000;
const DAYS: u64 = 30;
const DAY: u64 = 86_400;

const RANGES: [&str; 4] = ["24h", "7d", "28d", "91d"];
const PAGES: [&str; 16] = [
    "",
    "live",
    "people",
    "person?id=user-17@company-17.example.com",
    "company?domain=company-17.example.com",
    "tools",
    "tool?name=tool_3",
    "sessions",
    "session?id=SESSION",
    "intents",
    "logins",
    "clients",
    "calls",
    "calls?outcome=failed",
    "quality",
    "settings",
];

fn main() {
    // A test run of all targets is none of a bench.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let events: u64 = std::env::var("EVENTS").map_or(1_000_000, |events| events.parse().unwrap());
    let kept = std::env::var_os("KEEP").map(PathBuf::from);
    let directory = kept.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("usage-figures-{}", std::process::id()))
    });
    std::fs::create_dir_all(&directory).unwrap();
    let data = directory.join("usage.db");
    let key_file = directory.join("key");
    let is_durable = std::env::var_os("DURABLE").is_some();
    let arguments: &[&str] = if is_durable { &["--durable"] } else { &[] };
    let program = Program::start(&data, "", arguments);
    let key = match program.key() {
        Some(key) => {
            std::fs::write(&key_file, &key).unwrap();
            key
        }
        None => std::fs::read_to_string(&key_file).unwrap(),
    };
    let sender = Arc::new(Sender {
        http: reqwest::Client::new(),
        url: format!("{}/api/product/usage", program.origin),
        key,
        next: AtomicU64::new(0),
        began: unix_seconds() - DAYS * DAY + 60,
        of: events,
    });
    let count_file = directory.join("sent");
    fill(&program, &sender, &data, events, &count_file).await;

    let browser = program.browser().await;
    let session = format!("session-{}", events / 2 / 8);
    println!(
        "\n{:<44} {:>6} {:>9} {:>9} {:>8}",
        "page", "range", "CPU ms", "wall ms", "status"
    );
    for page in PAGES {
        for range in RANGES {
            look(
                &program,
                &browser,
                &page.replace("SESSION", &session),
                range,
            )
            .await;
        }
    }
    println!("memory: {} MB at most", program.peak_kb() / 1_024);

    println!("\nfirst byte while 2 000 events a second come in (ms, the slowest of ten)");
    println!(
        "{:<44} {}",
        "page",
        RANGES.map(|range| format!("{range:>9}")).join(" ")
    );
    let sending = tokio::spawn(steady(Arc::clone(&sender)));
    for page in PAGES {
        let page = page.replace("SESSION", &session);
        print!("{page:<44}");
        for range in RANGES {
            let mut slowest = Duration::ZERO;
            for _ in 0..10 {
                slowest = slowest.max(first_byte(&program, &browser, &page, range).await.0);
            }
            print!(" {:>9.1}", slowest.as_secs_f64() * 1e3);
        }
        println!();
    }
    sending.abort();
    forget(&program, &sender).await;
    println!("memory: {} MB at most", program.peak_kb() / 1_024);
    std::fs::write(&count_file, sender.next.load(Ordering::Relaxed).to_string()).unwrap();
    drop(program);
    if kept.is_none() {
        let _ = std::fs::remove_dir_all(&directory);
    }
}

async fn fill(
    program: &Program,
    sender: &Arc<Sender>,
    data: &Path,
    events: u64,
    count_file: &Path,
) {
    let before = std::fs::read_to_string(count_file).map_or(0, |sent| sent.parse().unwrap());
    sender.next.store(before, Ordering::Relaxed);
    if before >= events {
        println!("{before} events are there already");
        return;
    }
    let (began, cpu) = (Instant::now(), program.cpu());
    let bytes = Arc::new(AtomicU64::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (sender, bytes) = (Arc::clone(sender), Arc::clone(&bytes));
        let count_file = count_file.to_owned();
        senders.spawn(async move {
            loop {
                let first = sender.next.fetch_add(BATCH, Ordering::Relaxed);
                if first >= events {
                    sender.next.fetch_sub(BATCH, Ordering::Relaxed);
                    return;
                }
                bytes.fetch_add(sender.send(first, BATCH).await, Ordering::Relaxed);
                if first % 100_000 == 0 {
                    // What others are about to send is sent once more after an end, and counts once.
                    let sent = first.saturating_sub(2 * SENDERS * BATCH);
                    std::fs::write(&count_file, sent.to_string()).unwrap();
                }
                if first % 1_000_000 == 0 && first > 0 {
                    println!("{first} events after {} s", began.elapsed().as_secs());
                }
            }
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
    std::fs::write(count_file, events.to_string()).unwrap();
    let (sent, wall) = (events - before, began.elapsed().as_secs_f64());
    let cpu = program.cpu() - cpu;
    let on_disk = std::fs::metadata(data).unwrap().len();
    println!(
        "{sent} events of {} bytes in {wall:.1} s",
        bytes.load(Ordering::Relaxed) / sent
    );
    println!(
        "{:.1} us of CPU an event: {:.0} events a second on one core",
        cpu / sent as f64 * 1e6,
        sent as f64 / cpu
    );
    println!(
        "{:.2} KB on the disk an event",
        on_disk as f64 / events as f64 / 1e3
    );
    println!("memory: {} MB at most", program.peak_kb() / 1_024);
}

/// Sends 2 000 events a second.
async fn steady(sender: Arc<Sender>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        let first = sender.next.fetch_add(100, Ordering::Relaxed);
        sender.send(first, 100).await;
    }
}

/// Forgets somebody, another person each time.
async fn forget(program: &Program, sender: &Sender) {
    let n = sender.next.fetch_add(1, Ordering::Relaxed);
    let person = mix(n) % PEOPLE;
    let body = format!(
        "{{\"payload\":[{{\"activity_type\":\"MCP_FORGET_USER\",\"user_id\":\"user-{person}@company-{}.example.com\",\
        \"user_id_type\":\"EMAIL\",\"event_id\":{n},\"event_at\":{}}}]}}",
        person % 2_000,
        unix_seconds()
    );
    let (began, cpu) = (Instant::now(), program.cpu());
    let request = sender
        .http
        .post(&sender.url)
        .header("x-api-key", &sender.key);
    let request = request
        .header("content-type", "application/json")
        .body(body);
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    println!(
        "\nforgetting a person: {:.0} ms of CPU, {:.0} ms until it is answered",
        (program.cpu() - cpu) * 1e3,
        began.elapsed().as_secs_f64() * 1e3
    );
}

async fn look(program: &Program, browser: &reqwest::Client, page: &str, range: &str) {
    let cpu = program.cpu();
    let (wall, status) = first_byte(program, browser, page, range).await;
    let cpu = (program.cpu() - cpu) * 1e3;
    let wall = wall.as_secs_f64() * 1e3;
    println!("{page:<44} {range:>6} {cpu:>9.0} {wall:>9.1} {status:>8}");
}

async fn first_byte(
    program: &Program,
    browser: &reqwest::Client,
    page: &str,
    range: &str,
) -> (Duration, u16) {
    let mark = if page.contains('?') { '&' } else { '?' };
    let url = format!("{}/p/1/{page}{mark}range={range}", program.origin);
    let began = Instant::now();
    let answer = browser.get(url).send().await.unwrap();
    let status = answer.status().as_u16();
    let taken = began.elapsed();
    answer.bytes().await.unwrap();
    (taken, status)
}

struct Sender {
    http: reqwest::Client,
    url: String,
    key: String,
    next: AtomicU64,
    began: u64,
    /// How many events the days have.
    of: u64,
}

impl Sender {
    /// Sends events; returns how many bytes they had.
    async fn send(&self, first: u64, count: u64) -> u64 {
        let mut body = String::with_capacity(usize::try_from(count).unwrap() * 1_100);
        body.push_str("{\"payload\":[");
        for n in first..first + count {
            if n > first {
                body.push(',');
            }
            self.write(n, &mut body);
        }
        body.push_str("],\"sdk\":{\"name\":\"mcp-usage\",\"version\":\"0.1.0\",\"instance\":\"00000000000000a1\",\"sequence\":1}}");
        let bytes = body.len() as u64;
        loop {
            let request = self.http.post(&self.url).header("x-api-key", &self.key);
            let request = request.header("content-type", "application/json");
            let answer = request.body(body.clone()).send().await.unwrap();
            match answer.status().as_u16() {
                200 => return bytes,
                503 => tokio::time::sleep(Duration::from_millis(100)).await,
                status => panic!("{status} {}", answer.text().await.unwrap()),
            }
        }
    }

    fn write(&self, n: u64, body: &mut String) {
        // Events lie in the order of time, and eight of a person make a session.
        let session = n / 8 / 64 * 64 + n % 64;
        let noise = mix(n);
        let person = mix(session) % PEOPLE;
        let at = self.began + n.min(self.of - 1) * (DAYS * DAY - 120) / self.of;
        let (outcome, error) = match noise % 100 {
            0..=3 => ("tool_error", ",\"error\":\"no order 4711 in 'boots'\""),
            4 => ("timeout", ""),
            5 => ("input_required", ""),
            _ => ("ok", ""),
        };
        let prompt = match (noise >> 8) % 10 {
            0..=2 => format!(
                ",\"prompt\":\"find {} that {} for the customer\"",
                ["boots", "tents", "stoves", "ropes", "maps"][(noise >> 12) as usize % 5],
                [
                    "are cheap",
                    "are in stock",
                    "were returned",
                    "sell well",
                    "are late"
                ][(noise >> 16) as usize % 5],
            ),
            _ => String::new(),
        };
        let client = ["claude-code", "cursor", "chatgpt", "vscode"][(session % 4) as usize];
        let _ = write!(
            body,
            "{{\"activity_type\":\"MCP_TOOL_CALL\",\"source\":\"PRODUCT_CLOUD\",\"environment\":\"PRODUCTION\",\
            \"user_id\":\"user-{person}@company-{}.example.com\",\"user_id_type\":\"EMAIL\",\"product_id\":\"shop\",\
            \"ip_addr\":\"203.0.113.9\",\"meta\":{{\"tool\":\"tool_{}\",\"duration_ms\":{}.{:02},\
            \"outcome\":\"{outcome}\"{error}{prompt},\"result_bytes\":{},\"session_id\":\"session-{session}\",\
            \"client_name\":\"{client}\",\"client_version\":\"{}.1\",\"protocol_version\":\"2025-11-25\",\
            \"transport\":\"http\",\"request_id\":\"{n}\",\"server_name\":\"shop\",\"server_version\":\"4.{}.0\",\
            \"client_class\":\"agent\",\"instance\":\"00000000000000a{}\",\"sequence\":{},\
            \"tool_arguments\":{{\"query\":\"SELECT name, price FROM goods WHERE kind = 'boots' ORDER BY price LIMIT 20\",\
            \"limit\":20,\"page\":{},\"filter\":{{\"in_stock\":true,\"shop\":\"north\"}}}},\
            \"result\":{{\"rows\":[{{\"name\":\"a pair of winter boots\",\"price\":129.5}},{{\"name\":\"rubber boots\",\
            \"price\":39}}],\"note\":\"two of the goods that were asked for are in stock in the shop\"}}}},\
            \"event_id\":{},\"event_at\":{at},\"user_agent\":\"mcp-usage/0.1.0\"}}",
            person % 2_000,
            (noise >> 20) % 20,
            (noise >> 24) % 2_000,
            (noise >> 32) % 100,
            200 + (noise >> 36) % 4_000,
            session % 3,
            n * 5 / self.of.max(1),
            n % 4,
            n / 4 + 1,
            noise % 50,
            n + 1,
        );
    }
}

/// A number that looks random.
fn mix(n: u64) -> u64 {
    let mut n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn unix_seconds() -> u64 {
    u64::try_from(usage_server::app::system_now_ms()).unwrap() / 1_000
}

impl Program {
    /// The CPU time that it has used, in seconds.
    fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name in parentheses may have spaces.
        let fields: Vec<_> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        let ticks: f64 = [11, 12]
            .iter()
            .map(|n| fields[*n].parse::<f64>().unwrap())
            .sum();
        ticks / 100.0
    }

    /// The most memory that it has had, in KB.
    fn peak_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }
}
