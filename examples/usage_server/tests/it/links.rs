//! Every number of every page is as large as what its link leads to: the demo's month, page by page, over sockets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use reqwest::StatusCode;
use usage_server::demo::Demo;

use crate::browser::{Browser, Pages};

/// Pages whose rows links count.
const ROWS: [&str; 3] = ["calls", "people", "sessions"];
/// Requests under way at a time.
const AT_ONCE: usize = 4;

/// A number on a page, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    address: String,
    number: i64,
    /// Whether rows are counted, whatever each stands for.
    is_recorded: bool,
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
        let (number, is_recorded) = if let Some(number) = said("data-recorded") {
            (Some(number), true)
        } else if let Some(number) = said("data-rows") {
            (Some(number), false)
        } else if is("n") {
            (leading(&text(inner)), false)
        } else if is("bar") {
            let tip = attribute(tag, "data-tip").unwrap_or_default();
            let calls = tip.split('|').nth(1).unwrap_or_default();
            (leading(calls).filter(|_| calls.contains("call")), false)
        } else if class.is_empty() && inner.ends_with("</b>") {
            // One of the ways to look at a page.
            let count = inner
                .rsplit_once("<b>")
                .map(|(_, count)| count.trim_end_matches("</b>"));
            (count.and_then(leading), false)
        } else {
            (None, false)
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
                is_recorded,
                shown: text(inner),
            });
        }
    }
    found
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
    for range in ["7d", "24h", "28d"] {
        for page in [
            "", "people", "tools", "sessions", "intents", "logins", "calls", "clients", "quality",
        ] {
            first.push(at(page, range));
        }
    }
    let mut shown: BTreeMap<String, String> = read(&browser, first).await.into_iter().collect();
    // One of each page about something.
    let about: BTreeSet<String> = ["person", "company", "tool", "session", "intents"]
        .iter()
        .filter_map(|page| first_to(&shown, page))
        .collect();
    assert_eq!(about.len(), 5, "{about:?}");
    shown.extend(read(&browser, about.into_iter().collect()).await);

    let mut all: BTreeMap<String, Vec<(String, Number)>> = BTreeMap::new();
    for (page, html) in &shown {
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
    assert!(of_rows.len() > 300, "{} addresses of rows", of_rows.len());
    let targets = read(&browser, of_rows).await;
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
            let there = if number.is_recorded {
                recorded
            } else {
                Some(total)
            };
            if there != Some(number.number) {
                wrong.push(format!(
                    "{} on {page} ({:?}): {there:?} at {address}",
                    number.number, number.shown
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {checked} numbers:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(checked > 1_000, "{checked} numbers");
}
