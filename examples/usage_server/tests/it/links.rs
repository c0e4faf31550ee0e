//! Every number of every page is as large as what its link leads to: the demo's month, page by page, over sockets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use reqwest::StatusCode;
use usage_server::demo::Demo;
use usage_server::record::{Class, Kind, Record, User};

use crate::browser::{Browser, Pages, event};

/// Pages whose rows links count.
const ROWS: [&str; 3] = ["calls", "people", "sessions"];
/// Requests under way at a time.
const AT_ONCE: usize = 4;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Counts {
    /// What the rows stand for.
    Weight,
    /// The rows, whatever each stands for.
    Recorded,
    /// Those whose rows they are.
    Among,
}

/// A number on a page, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    address: String,
    number: i64,
    counts: Counts,
    /// What is read.
    shown: String,
}

/// The value of an attribute within a tag.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    after.split_once('"').map(|(value, _)| value)
}

/// What is read of a piece of HTML.
fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((text, after)) = rest.split_once('<') {
        out.push_str(text);
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// The whole number that a text begins with; `None` for another kind of number.
fn leading(text: &str) -> Option<i64> {
    let digits = |char: &char| char.is_ascii_digit() || *char == '\u{202f}';
    let number: String = text.chars().take_while(digits).collect();
    let rest = text.get(number.len()..)?;
    // A thin space is between thousands, and before a unit.
    let is_whole = rest.is_empty() || rest.starts_with(' ');
    let number: String = number.chars().filter(char::is_ascii_digit).collect();
    number.parse().ok().filter(|_| is_whole)
}

/// The numbers of a page that are links.
fn numbers(page: &str) -> Vec<Number> {
    let mut found = Vec::new();
    for (at, _) in page.match_indices("<a ") {
        let Some((tag, after)) = page[at..].split_once('>') else {
            continue;
        };
        let Some((inner, _)) = after.split_once("</a>") else {
            continue;
        };
        let Some(address) = attribute(tag, "href") else {
            continue;
        };
        let class = attribute(tag, "class").unwrap_or_default();
        let is = |name: &str| class.split(' ').any(|class| class == name);
        let said = |name: &str| attribute(tag, name).and_then(|number| number.parse().ok());
        let (number, counts) = if let Some(number) = said("data-recorded") {
            (Some(number), Counts::Recorded)
        } else if let Some(number) = said("data-rows") {
            (Some(number), Counts::Weight)
        } else if tag.ends_with(" data-among") {
            (leading(&text(inner)), Counts::Among)
        } else if is("n") {
            (leading(&text(inner)), Counts::Weight)
        } else if is("bar") {
            let tip = attribute(tag, "data-tip").unwrap_or_default();
            let calls = tip.split('|').nth(1).unwrap_or_default();
            (
                leading(calls).filter(|_| calls.contains("call")),
                Counts::Weight,
            )
        } else if class.is_empty() && inner.ends_with("</b>") {
            // One of the ways to look at a page.
            let count = inner
                .rsplit_once("<b>")
                .map(|(_, count)| count.trim_end_matches("</b>"));
            (count.and_then(leading), Counts::Weight)
        } else {
            (None, Counts::Weight)
        };
        if let Some(number) = number {
            let address = address
                .split('#')
                .next()
                .unwrap_or_default()
                .replace("&amp;", "&");
            found.push(Number {
                address,
                number,
                counts,
                shown: text(inner),
            });
        }
    }
    found
}

/// Elements that have no end.
const VOID: [&str; 4] = ["input", "br", "meta", "link"];
/// What is within these is no count: names and times, drawings, what is not shown, and what is chosen from.
const NO_COUNT: [&str; 9] = [
    "a", "time", "bdi", "code", "svg", "option", "button", "title", "kbd",
];
/// What is counted, in the words of the pages.
const COUNTED: [&str; 23] = [
    "call", "ask", "asks", "calls", "person", "people", "session", "sessions", "event", "events",
    "request", "requests", "login", "logins", "failed", "refused", "refusal", "refusals", "other",
    "more", "wordings", "groups", "tools",
];

/// Counts that are no links, by their page and the elements around them.
const UNLINKED: [&str; 11] = [
    // Of rows that are on the page itself.
    "calls span.count <",
    "people span.count <",
    "sessions span.count <",
    "people span. < nav.pager",
    "sessions span. < nav.pager",
    "tools p. < header.",
    "person b. < label. < form.kinds",
    // Of groups, the first of which are on the page.
    "intents span. < p.pager",
    // Of events of all kinds, which no list has together, and of people without a company.
    "clients span.dim < td.num",
    "people span.dim < td.num",
    // What senders say of themselves, what never came, and marks that redaction left.
    "quality ",
];

/// Counts that are no links, each with the elements around it: `td.num`, say.
fn unlinked(page: &str) -> Vec<(String, String)> {
    let (_, main) = page.split_once("<main").unwrap();
    let main = main.split("</main>").next().unwrap();
    let mut around: Vec<(&str, String)> = Vec::new();
    let mut found = Vec::new();
    for piece in main.split('<').skip(1) {
        let (tag, after) = piece.split_once('>').unwrap_or((piece, ""));
        let name = tag
            .split([' ', '/'])
            .find(|name| !name.is_empty())
            .unwrap_or_default();
        if tag.starts_with('/') {
            while around.pop().is_some_and(|(open, _)| open != name) {}
        } else if !VOID.contains(&name) && !tag.ends_with('/') {
            let class = attribute(tag, "class").unwrap_or_default();
            around.push((name, format!("{name}.{class}")));
        }
        let is_count = counts(after) && !around.iter().any(|(name, _)| NO_COUNT.contains(name));
        if is_count {
            let inner: Vec<_> = around
                .iter()
                .rev()
                .take(3)
                .map(|(_, one)| one.as_str())
                .collect();
            found.push((inner.join(" < "), after.trim().to_owned()));
        }
    }
    found
}

/// Whether a text is a whole number, or has one before what is counted.
fn counts(text: &str) -> bool {
    let text = text.trim();
    // Not at the narrow spaces within numbers.
    let words: Vec<&str> = text
        .split([' ', '\n'])
        .filter(|word| !word.is_empty())
        .collect();
    let is_number = |word: &str| leading(word).is_some() && leading(word) != Some(0);
    let is_counted = |word: &str| COUNTED.contains(&word.trim_end_matches([',', '.', ';']));
    match words.as_slice() {
        [alone] => is_number(alone),
        words => (1..words.len()).any(|place| {
            // "1 in 5 failed" is a share.
            let is_share = place > 1 && words[place - 2] == "in";
            let was = words[place - 1] == "was" && is_number(words[place]);
            is_number(words[place - 1]) && is_counted(words[place]) && !is_share || was
        }),
    }
}

/// What a page of rows says of itself: what they stand for, and how many they are where it knows.
fn total(page: &str) -> Option<(i64, Option<i64>)> {
    let (_, after) = page.split_once("data-total=\"")?;
    let (total, after) = after.split_once('"')?;
    let recorded = attribute(after.split_once('>')?.0, "data-recorded");
    Some((
        total.parse().ok()?,
        recorded.and_then(|rows| rows.parse().ok()),
    ))
}

/// The page of an address: `people` of `/p/1/people?q=x`.
fn page_of(address: &str) -> &str {
    let path = address.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// The first address of a page that leads to another one.
fn first_to(pages: &BTreeMap<String, String>, page: &str) -> Option<String> {
    let mut addresses = pages.values().flat_map(|html| {
        html.match_indices("href=\"").filter_map(|(at, start)| {
            let (address, _) = html[at + start.len()..].split_once('"')?;
            Some(address.replace("&amp;", "&"))
        })
    });
    addresses.find(|address| {
        page_of(address) == page && address.contains('?') && address.contains("name=")
            || page_of(address) == page
                && (address.contains("id=")
                    || address.contains("domain=")
                    || address.contains("cluster="))
    })
}

async fn read(browser: &Browser, addresses: Vec<String>) -> HashMap<String, String> {
    let mut read = HashMap::new();
    for part in addresses.chunks(AT_ONCE) {
        let mut tasks = Vec::new();
        for address in part {
            let (browser, address) = (browser.clone(), address.clone());
            tasks.push(tokio::spawn(async move {
                let answer = browser.get(&address).await;
                assert_eq!(answer.status, StatusCode::OK, "{address}");
                (address, answer.text)
            }));
        }
        for task in tasks {
            let (address, text) = task.await.unwrap();
            read.insert(address, text);
        }
    }
    read
}

/// How many numbers of these pages were compared with what their links lead to, and which are wrong.
async fn compare(browser: &Browser, shown: &BTreeMap<String, String>) -> (usize, Vec<String>) {
    let mut all: BTreeMap<String, Vec<(String, Number)>> = BTreeMap::new();
    for (page, html) in shown {
        for number in numbers(html) {
            all.entry(number.address.clone())
                .or_default()
                .push((page.clone(), number));
        }
    }
    let of_rows: Vec<String> = all
        .keys()
        .filter(|address| ROWS.contains(&page_of(address)))
        .cloned()
        .collect();
    let targets = read(browser, of_rows).await;
    let (mut checked, mut wrong) = (0, Vec::new());
    for (address, numbers) in &all {
        let Some(target) = targets.get(address) else {
            continue;
        };
        let Some((total, recorded)) = total(target) else {
            wrong.push(format!("{address} says no total"));
            continue;
        };
        for (page, number) in numbers {
            checked += 1;
            let there = match number.counts {
                Counts::Recorded => recorded,
                Counts::Weight | Counts::Among => Some(total),
            };
            let is_right = match number.counts {
                Counts::Among => number.number > 0 && number.number <= total,
                _ => there == Some(number.number),
            };
            if !is_right {
                wrong.push(format!(
                    "{} on {page} ({:?}): {there:?} at {address}",
                    number.number, number.shown
                ));
            }
        }
    }
    (checked, wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_number_is_as_large_as_what_its_link_leads_to() {
    let mut pages = Pages::start().await;
    let demo = Demo::prepare(&Arc::clone(&pages.app)).await.unwrap();
    demo.fill(&pages.app).await.unwrap();
    pages.project = demo.project;
    let browser = pages.admin().await;
    let at = |page: &str, range: &str| {
        let range = if range == "7d" {
            String::new()
        } else {
            format!("?range={range}")
        };
        format!("/p/{}/{page}{range}", demo.project)
    };
    let mut first = Vec::new();
    for range in ["7d", "24h", "28d", "91d"] {
        for page in [
            "", "people", "tools", "sessions", "intents", "logins", "calls", "clients", "quality",
        ] {
            first.push(at(page, range));
        }
    }
    for show in ["new", "back", "gone"] {
        first.push(format!("/p/{}/people?show={show}", demo.project));
    }
    let mut shown: BTreeMap<String, String> = read(&browser, first).await.into_iter().collect();
    // One of each page about something.
    let about: BTreeSet<String> = ["person", "company", "tool", "session", "intents"]
        .iter()
        .filter_map(|page| first_to(&shown, page))
        .collect();
    assert_eq!(about.len(), 5, "{about:?}");
    shown.extend(read(&browser, about.into_iter().collect()).await);

    let mut bare: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (page, html) in &shown {
        for (around, text) in unlinked(html) {
            let place = format!("{} {around}", page_of(page));
            bare.entry(place).or_default().push(text);
        }
    }
    bare.retain(|place, _| !UNLINKED.iter().any(|known| place.starts_with(known)));
    assert!(bare.is_empty(), "counts without their rows: {bare:#?}");

    let (checked, wrong) = compare(&browser, &shown).await;
    assert!(
        wrong.is_empty(),
        "{} of {checked} numbers:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(checked > 1_000, "{checked} numbers");
}

/// Servers that send identity captures alone, as the integrations do, and one that sends login activities, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_number_of_logins_is_as_large_as_its_rows_whatever_records_them() {
    const HOUR: i64 = 3_600_000;
    let of = |kind, ago, user: &str| Record {
        user: Some(User {
            id: user.to_owned(),
            kind: "EMAIL".to_owned(),
            email: Some(user.to_owned()),
        }),
        class: Class::Agent,
        ..event(kind, ago)
    };
    let captures = || {
        vec![
            of(Kind::Identity, 0, "maya@example.com"),
            of(Kind::Identity, HOUR, "noor@example.com"),
            of(Kind::Identity, 50 * HOUR, "maya@example.com"),
            of(Kind::Refused, HOUR, "noor@example.com"),
        ]
    };
    let both = || {
        let activity = of(Kind::Login, 2 * HOUR, "maya@example.com");
        captures().into_iter().chain([activity]).collect()
    };
    for (records, logins, has_both) in [(captures(), ["2", "3"], false), (both(), ["3", "4"], true)]
    {
        let pages = Pages::start().await;
        pages.take(records).await;
        let browser = pages.admin().await;
        let of_range = |range: &str| format!("/p/{}/logins?range={range}", pages.project);
        let addresses = vec![of_range("24h"), of_range("7d")];
        let shown: BTreeMap<_, _> = read(&browser, addresses).await.into_iter().collect();
        let (checked, wrong) = compare(&browser, &shown).await;
        assert!(wrong.is_empty(), "{checked} numbers: {wrong:#?}");
        assert!(checked >= 4, "{checked} numbers");
        for (html, logins) in shown.values().zip(logins) {
            for (label, number) in [("Logged in", logins), ("People who logged in", "2")] {
                let tile =
                    format!("<span class=\"l\">{label}</span><span class=\"v\">{number}</span>");
                assert!(html.contains(&tile), "{tile}");
            }
            // What sends both for one login is counted twice, so a page with both says so.
            assert_eq!(html.contains("identity captures"), has_both);
        }
        // One word for both, wherever a row of either is shown.
        for page in ["live", "calls?kind=login", "person?id=maya@example.com"] {
            let shown = browser.page(page).await.text;
            let shown = shown.split_once("<main").unwrap().1.to_lowercase();
            let is_named = shown.contains("logged in") || shown.contains(">login<");
            assert!(is_named, "{page}");
            for other in [">identity<", "recognised"] {
                assert!(!shown.contains(other), "{other} on {page}");
            }
        }
    }
}
