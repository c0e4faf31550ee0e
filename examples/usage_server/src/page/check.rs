//! Reads a page as a browser would, and says what should not be in it.

use std::collections::{BTreeMap, BTreeSet};

/// An element's start: its name and attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The text right behind it.
    pub(crate) text: String,
}

const ELEMENTS: &str = "a aside article b bdi body br button caption circle dd details dialog div dl dt em fieldset \
    footer form h1 h2 h3 h4 head header html i input kbd label legend li line link main mark meta nav ol option p path \
    polyline pre rect script section select small span strong summary svg symbol table tbody td text textarea th thead \
    time title tr ul use";
const ATTRIBUTES: &str = "action autocomplete checked class cx cy d data-among data-conn data-copy data-count data-detail \
    data-done data-help data-js data-k data-kind data-kinds data-l data-light data-lights data-live data-newer \
    data-none data-page data-pause data-recorded data-rows data-step data-submit data-theme-toggle data-tip data-total \
    data-words datetime disabled download fill for height hidden href id lang max maxlength method min minlength name \
    open pattern placeholder points preserveAspectRatio r rel required role rows rx scope selected src stroke tabindex \
    text-anchor title type value viewBox width x x1 x2 y y1 y2 charset content autofocus colspan readonly";
const VOID: [&str; 5] = ["br", "input", "link", "meta", "hr"];

/// The elements of a page, in order. Panics where it is not the HTML that these pages write: closed, quoted, and of
/// elements and attributes that they have.
pub(crate) fn elements(page: &str) -> Vec<Element> {
    let known: BTreeSet<&str> = ELEMENTS.split_whitespace().collect();
    let attributes: BTreeSet<&str> = ATTRIBUTES.split_whitespace().collect();
    let mut rest = page
        .strip_prefix("<!DOCTYPE html>")
        .unwrap_or_else(|| panic!("{page}"));
    let (mut found, mut open): (Vec<Element>, Vec<String>) = (Vec::new(), Vec::new());
    while let Some((text, after)) = rest.split_once('<') {
        if let Some(last) = found.last_mut() {
            last.text.push_str(text);
        }
        assert!(!text.contains('>'), "a bare > in {text:?}");
        let (tag, after) = split_tag(after);
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(
                open.pop().as_deref(),
                Some(name),
                "closed out of order in {page}"
            );
            continue;
        }
        let element = element(tag);
        assert!(
            known.contains(element.name.as_str()),
            "<{}> is no element of the pages",
            element.name
        );
        for (name, value) in &element.attributes {
            let is_known = attributes.contains(name.as_str()) || name.starts_with("aria-");
            assert!(is_known, "{name} is no attribute of the pages: {element:?}");
            if matches!(name.as_str(), "href" | "src" | "action") {
                assert!(is_own(value), "{name}={value:?} leads elsewhere");
            }
        }
        if !VOID.contains(&element.name.as_str()) {
            open.push(element.name.clone());
        }
        found.push(element);
    }
    assert!(open.is_empty(), "left open: {open:?}");
    found
}

fn is_own(address: &str) -> bool {
    (address.starts_with('/') && !address.starts_with("//"))
        || address.starts_with('#')
        || address.is_empty()
}

/// Up to the `>` that is not within quotes.
fn split_tag(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, char) in text.char_indices() {
        match char {
            '"' => quoted = !quoted,
            '>' if !quoted => return (&text[..at], &text[at + 1..]),
            '<' => assert!(!text[..at].is_empty(), "a bare < before {text:.40}"),
            _ => {}
        }
    }
    panic!("a tag that does not end: {text:.80}");
}

fn element(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    let mut attributes = BTreeMap::new();
    while !rest.trim().is_empty() {
        let trimmed = rest.trim_start();
        let end = trimmed.find(['=', ' ']).unwrap_or(trimmed.len());
        let (name, after) = trimmed.split_at(end);
        let value = match after.strip_prefix("=\"") {
            Some(after) => {
                let (value, after) = after.split_once('"').unwrap();
                rest = after;
                assert!(!value.contains('<'), "a bare < in {name}={value:?}");
                unescaped(value)
            }
            None => {
                rest = after;
                String::new()
            }
        };
        assert!(
            attributes.insert(name.to_owned(), value).is_none(),
            "{name} is there twice in <{tag}>"
        );
    }
    Element {
        name: name.to_owned(),
        attributes,
        text: String::new(),
    }
}

pub(crate) fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// What holds for every page. Gives its elements.
pub(crate) fn page(html: &str) -> Vec<Element> {
    let found = elements(html);
    let named = |name: &str| {
        found
            .iter()
            .filter(|element| element.name == name)
            .collect::<Vec<_>>()
    };
    assert_eq!(named("h1").len(), 1, "one h1");
    assert_eq!(named("main").len(), 1);
    let levels = found.iter().filter_map(|element| {
        let level = element.name.strip_prefix('h')?;
        level.parse::<u32>().ok()
    });
    let mut before = 0;
    // The dialog of keys is a document of its own.
    for level in levels {
        assert!(level <= before + 1, "h{level} after h{before}");
        before = level;
    }
    for script in named("script") {
        assert!(
            script.attributes.contains_key("src") && script.text.is_empty(),
            "a script within the page"
        );
    }
    assert!(
        !found
            .iter()
            .any(|element| element.attributes.contains_key("style"))
    );
    assert!(!found.iter().any(|element| element.name == "style"));
    let mut ids = BTreeSet::new();
    for id in found
        .iter()
        .filter_map(|element| element.attributes.get("id"))
    {
        assert!(ids.insert(id.clone()), "the id {id} is there twice");
    }
    labels(&found, html, &ids);
    for element in &found {
        // What a form sends back is as it came.
        let said = element
            .attributes
            .iter()
            .filter(|(name, _)| *name != "value");
        for text in said.map(|(_, value)| value).chain([&element.text]) {
            let hidden = text.chars().find(|char| {
                matches!(char, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{200b}'..='\u{200f}'
                    | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
            });
            assert_eq!(hidden, None, "{element:?}");
        }
    }
    found
}

/// Each field has a label: by `for`, around it, or said for it.
fn labels(found: &[Element], html: &str, ids: &BTreeSet<String>) {
    let labelled: BTreeSet<&String> = found
        .iter()
        .filter(|element| element.name == "label")
        .filter_map(|element| element.attributes.get("for"))
        .collect();
    for id in &labelled {
        assert!(ids.contains(*id), "a label for {id}, which is not there");
    }
    for field in found
        .iter()
        .filter(|element| matches!(element.name.as_str(), "input" | "select" | "textarea"))
    {
        let is = |name: &str, value: &str| field.attributes.get(name).is_some_and(|is| is == value);
        if is("type", "hidden") {
            continue;
        }
        let is_labelled = field
            .attributes
            .get("id")
            .is_some_and(|id| labelled.contains(id))
            || field.attributes.contains_key("aria-label")
            || is_within_label(html, field);
        assert!(is_labelled, "no label for {field:?}");
    }
}

fn is_within_label(html: &str, field: &Element) -> bool {
    let name = field.attributes.get("name").or(field.attributes.get("id"));
    let key = if field.attributes.contains_key("name") {
        "name"
    } else {
        "id"
    };
    name.is_some_and(|name| {
        html.match_indices(&format!("{key}=\"{name}\""))
            .any(|(at, _)| {
                let before = &html[..at];
                before.rfind("<label") > before.rfind("</label")
            })
    })
}
