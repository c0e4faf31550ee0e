//! What the pages are put together from.

use maud::{Markup, html};

use crate::record::{Group, Outcome};

use super::frame::{Frame, Page};
use super::text::{self, Link};

/// A shape of the document's sprite.
pub fn icon(name: &str) -> Markup {
    html! { svg class={ "i i-" (name) } aria-hidden="true" { use href={ "#i-" (name) } {} } }
}

/// A card; `class` adds to its look, `note` stands beside its title, `more` at the other end.
#[derive(Debug, Default)]
pub struct Card<'a> {
    pub title: &'a str,
    pub note: &'a str,
    pub more: Option<(Link, &'a str)>,
    pub class: &'a str,
    pub id: Option<&'a str>,
}

impl<'a> Card<'a> {
    pub fn new(title: &'a str) -> Self {
        Self {
            title,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn note(self, note: &'a str) -> Self {
        Self { note, ..self }
    }

    #[must_use]
    pub fn more(self, link: Link, text: &'a str) -> Self {
        Self {
            more: Some((link, text)),
            ..self
        }
    }

    #[must_use]
    pub fn class(self, class: &'a str) -> Self {
        Self { class, ..self }
    }

    #[must_use]
    pub fn id(self, id: &'a str) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    pub fn with(self, body: &Markup) -> Markup {
        html! {
            section class={ "card " (self.class) } id=[self.id] {
                header {
                    h2 { (self.title) }
                    @if !self.note.is_empty() { p { (self.note) } }
                    @if let Some((link, text)) = &self.more { div.more { a href=(link) { (text) } } }
                }
                (body)
            }
        }
    }
}

/// A column of a table. `class`: `num` is right-aligned, `main` the row's name, `grow` takes the room, `sp` is not on a
/// phone, `hide-m` not on a narrow window.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub head: &'static str,
    pub class: &'static str,
    /// The word by which rows are sorted: `?sort=p95`, and `-p95` the other way round.
    pub sort: Option<&'static str>,
}

impl Column {
    pub const fn new(head: &'static str, class: &'static str) -> Self {
        Self {
            head,
            class,
            sort: None,
        }
    }

    pub const fn sorted(head: &'static str, class: &'static str, sort: &'static str) -> Self {
        Self {
            head,
            class,
            sort: Some(sort),
        }
    }
}

/// How a table is sorted: `p95` with the largest first, `-p95` with the smallest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    pub by: &'static str,
    pub descending: bool,
}

impl Sort {
    /// What the address says, among the columns that can be sorted by; else the first of them.
    pub fn of(asked: Option<&str>, columns: &[Column]) -> Self {
        let asked = asked.unwrap_or_default();
        let (word, descending) = match asked.strip_prefix('-') {
            Some(word) => (word, false),
            None => (asked, true),
        };
        let known = |word: &str| {
            columns
                .iter()
                .filter_map(|column| column.sort)
                .find(|by| *by == word)
        };
        match known(word) {
            Some(by) => Self { by, descending },
            None => Self {
                by: columns
                    .iter()
                    .find_map(|column| column.sort)
                    .unwrap_or_default(),
                descending: true,
            },
        }
    }

    fn toward(&self, column: &'static str) -> String {
        if self.by == column && self.descending {
            format!("-{column}")
        } else {
            column.to_owned()
        }
    }
}

/// A table whose rows become cards on a phone where its class is `stack`. Roles are explicit, since a table that is
/// laid out as a grid is none for a reader otherwise.
#[derive(Debug)]
pub struct Table<'a> {
    pub caption: &'a str,
    pub class: &'a str,
    pub columns: &'a [Column],
    /// The order of the rows, and the page's address without it.
    pub sort: Option<(&'a Sort, &'a Link)>,
}

impl<'a> Table<'a> {
    pub const fn new(caption: &'a str, class: &'a str, columns: &'a [Column]) -> Self {
        Self {
            caption,
            class,
            columns,
            sort: None,
        }
    }

    #[must_use]
    pub const fn sorted(self, sort: &'a Sort, page: &'a Link) -> Self {
        Self {
            sort: Some((sort, page)),
            ..self
        }
    }

    pub fn with(&self, rows: impl IntoIterator<Item = Row>) -> Markup {
        html! {
            table class={ "t " (self.class) } role="table" {
                caption.vh { (self.caption) }
                thead role="rowgroup" { tr role="row" { @for column in self.columns { (self.head(column)) } } }
                tbody role="rowgroup" {
                    @for row in rows { (self.row(&row)) }
                }
            }
        }
    }

    /// One row alone, for a table that is there already.
    pub fn row(&self, row: &Row) -> Markup {
        html! {
            tr role="row" id=[row.id.as_deref()] {
                @for (cell, column) in row.cells.iter().zip(self.columns) {
                    td role="cell" class=(column.class) data-l=(column.head) { (cell) }
                }
            }
        }
    }

    fn head(&self, column: &Column) -> Markup {
        let sorted = self.sort.zip(column.sort);
        let direction = sorted.and_then(|((sort, _), by)| {
            (sort.by == by).then_some(if sort.descending {
                "descending"
            } else {
                "ascending"
            })
        });
        html! {
            th role="columnheader" scope="col" class=(column.class) aria-sort=[direction] {
                @if let Some(((sort, page), by)) = sorted {
                    a href=(page.clone().with("sort", sort.toward(by))) { (column.head) }
                } @else if column.head.is_empty() {
                    span.vh { "Share" }
                } @else {
                    (column.head)
                }
            }
        }
    }
}

#[derive(Debug)]
pub struct Row {
    pub id: Option<String>,
    pub cells: Vec<Markup>,
}

impl From<Vec<Markup>> for Row {
    fn from(cells: Vec<Markup>) -> Self {
        Self { id: None, cells }
    }
}

/// A key number, against what it was.
#[derive(Debug)]
pub struct Kpi {
    pub label: &'static str,
    pub value: String,
    pub change: Markup,
    pub was: String,
    /// Nothing, or its course.
    pub spark: Markup,
    /// The rows behind it, and how many they are where their page says so.
    pub rows: Link,
    pub counted: Option<f64>,
}

/// A row of key numbers.
pub fn kpis(kpis: &[Kpi]) -> Markup {
    html! {
        section class={ "kpis k" (kpis.len()) } aria-label="Key numbers" {
            @for kpi in kpis {
                a.kpi href=(kpi.rows) data-rows=[kpi.counted.map(|rows| rows.round() as i64)] {
                    span.l { (kpi.label) }
                    span.v { (kpi.value) }
                    span.c { (kpi.change) small { "was " (kpi.was) } }
                    (kpi.spark)
                }
            }
        }
    }
}

/// Which direction of a change is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Good {
    Up,
    Down,
    /// Volume alone is neither good nor bad.
    Neither,
}

/// The change of a number against the time before, coloured beyond a tenth.
pub fn delta(now: f64, before: f64, good: Good) -> Markup {
    if before <= 0.0 {
        return html! { span.d { @if now > 0.0 { "new" } @else { "±0" } } };
    }
    let change = 100.0 * (now - before) / before;
    change_of(change, 0, "%", change.abs() >= 10.0, good)
}

/// The change of a share in points, coloured where it is beyond chance: two standard errors of the difference.
pub fn delta_share(now: Share, before: Share, good: Good) -> Markup {
    match (now.value(), before.value()) {
        (Some(a), Some(b)) => change_of(100.0 * (a - b), 1, "pt", now.differs_from(before), good),
        _ => html! { span.d { "–" } },
    }
}

fn change_of(change: f64, decimals: usize, unit: &str, matters: bool, good: Good) -> Markup {
    let shown = format!("{:.decimals$}", change.abs());
    let is_nothing = shown.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let (sign, arrow) = match change {
        _ if is_nothing => ("±", None),
        change if change > 0.0 => ("+", Some("up")),
        _ => ("−", Some("down")),
    };
    let class = match good {
        Good::Neither => "",
        _ if !matters || is_nothing => "",
        _ if (change > 0.0) == (good == Good::Up) => "good",
        _ => "bad",
    };
    html! {
        span class={ "d " (class) } {
            @if let Some(arrow) = arrow { (icon(arrow)) }
            (sign) (shown) "\u{202f}" (unit)
        }
    }
}

/// So many of so many: a rate that knows what chance does to it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Share {
    pub part: f64,
    pub whole: f64,
}

impl Share {
    /// Fewer than this have no rate.
    pub const FEWEST: f64 = 5.0;

    pub const fn new(part: f64, whole: f64) -> Self {
        Self { part, whole }
    }

    /// `None` where there are too few to say.
    pub fn value(self) -> Option<f64> {
        (self.whole >= Self::FEWEST).then(|| self.part / self.whole)
    }

    /// Whether two shares are further apart than two standard errors of their difference.
    pub fn differs_from(self, other: Self) -> bool {
        let (Some(a), Some(b)) = (self.value(), other.value()) else {
            return false;
        };
        let pooled = (self.part + other.part) / (self.whole + other.whole);
        let error = (pooled * (1.0 - pooled) * (1.0 / self.whole + 1.0 / other.whole)).sqrt();
        error > 0.0 && (a - b).abs() > 2.0 * error
    }

    /// Whether it is above the other beyond chance.
    pub fn is_above(self, other: Self) -> bool {
        self.differs_from(other) && self.value() > other.value()
    }
}

/// A share of failed calls that leads to them. `usual` is the share that it would have by chance.
pub fn failed(share: Share, usual: Share, rows: &Link) -> Markup {
    let hot = if share.is_above(usual) {
        "er hot"
    } else {
        "er"
    };
    html! {
        span class=(hot) {
            @if share.whole < Share::FEWEST {
                @if share.part > 0.0 {
                    (text::share(share.part, &format!("{} of {}", text::weight(share.part), text::weight(share.whole)), rows))
                } @else { span.dim { "–" } }
            } @else {
                (text::share(share.part, &text::percent(share.part, share.whole, 1), rows))
            }
        }
    }
}

/// A part of a whole as a bar. `class`: `mfail`, `mok` or nothing.
pub fn meter(part: f64, whole: f64, class: &str) -> Markup {
    const WIDTH: f64 = 64.0;
    let share = if whole > 0.0 {
        (part / whole).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let width = if part > 0.0 {
        (WIDTH * share).max(1.5)
    } else {
        0.0
    };
    html! {
        svg class={ "meter " (class) } viewBox="0 0 64 6" preserveAspectRatio="none" aria-hidden="true" {
            rect.t width="64" height="6" rx="3" {}
            rect.v width=(format!("{width:.1}")) height="6" rx="3" {}
        }
    }
}

/// The class and shape of a group of outcomes.
pub const fn group(group: Group) -> &'static str {
    match group {
        Group::Ok => "ok",
        Group::Waiting => "wait",
        Group::GivenUp => "stop",
        Group::Failed => "fail",
    }
}

/// An outcome: a shape, a word and a colour.
pub fn outcome(outcome: Outcome) -> Markup {
    let class = group(outcome.group());
    let shape = if outcome == Outcome::Unknown {
        "unknown"
    } else {
        class
    };
    html! { span class={ "o o-" (class) } { (icon(shape)) (outcome.word().replace('_', " ")) } }
}

/// A word with the look of a group of outcomes.
pub fn state(of: Group, words: &str) -> Markup {
    let class = group(of);
    html! { span class={ "o o-" (class) } { (icon(class)) (words) } }
}

/// A session as marks in order, failures taller.
pub fn strip(outcomes: &[Outcome], calls: i64, failed: i64) -> Markup {
    let label = format!("{}, {failed} failed", text::plural(calls, "call"));
    let width = (outcomes.len() * 7).max(10);
    html! {
        svg.strip viewBox={ "0 0 " (width) " 12" } role="img" aria-label=(label) preserveAspectRatio="xMinYMid meet" {
            @for (place, outcome) in outcomes.iter().enumerate() {
                @let (y, height) = if outcome.is_bad() { ("0", "12") } else { ("3", "6") };
                rect class={ (group(outcome.group())) "b" } x=(place * 7) y=(y) width="5" height=(height) rx="1" {}
            }
        }
    }
}

/// A person, who leads to their page; nobody is said to be not known.
pub fn who(frame: &Frame, id: Option<&str>) -> Markup {
    let Some(id) = id else {
        return html! { i.dim { "not known" } };
    };
    let shown = text::visible(id);
    let link = frame.link(Page::Person).with("id", id);
    html! {
        a.who href=(link) title=(shown) {
            @match shown.split_once('@') {
                Some((local, domain)) => bdi { b { (local) } span { "@" (domain) } },
                None => bdi { b { (shown) } },
            }
        }
    }
}

/// A tool, which leads to its page.
pub fn tool(frame: &Frame, name: &str) -> Markup {
    let link = frame.link(Page::Tool).with("name", name);
    html! { a.code href=(link) title=(text::visible(name)) { (text::text(name)) } }
}

/// A client with its version, which leads to the page of clients.
pub fn client(frame: &Frame, name: &str, version: &str) -> Markup {
    if name.is_empty() {
        return html! { i.dim { "not known" } };
    }
    let link = frame.link(Page::Clients).with("client", name);
    html! {
        a.cl href=(link) title={ (text::visible(name)) " " (text::visible(version)) } {
            (text::text(name))
            @if !version.is_empty() { span { " " (text::text(version)) } }
        }
    }
}

/// What a call was for.
pub fn intent(intent: Option<&str>) -> Markup {
    html! {
        @match intent {
            Some(intent) => span.ask { (text::short(intent)) },
            None => i.ask.dim { "none given" },
        }
    }
}

/// One of the ways to look at a page, with how many rows it has.
#[derive(Debug)]
pub struct Segment {
    pub label: &'static str,
    pub rows: i64,
    pub link: Link,
    pub is_current: bool,
}

pub fn segments(label: &str, segments: &[Segment]) -> Markup {
    html! {
        nav.seg aria-label=(label) {
            @for segment in segments {
                a href=(segment.link) aria-current=[segment.is_current.then_some("true")] {
                    (segment.label) " " b { (text::count(segment.rows)) }
                }
            }
        }
    }
}

/// What a link brought along: `("user", "maya@example.com", the address without it)`.
pub fn chips(chips: &[(&str, String, Link)]) -> Markup {
    html! {
        @if !chips.is_empty() {
            ul.chips aria-label="Filters" {
                @for (key, value, without) in chips {
                    li {
                        a.chip href=(without) aria-label={ "Take off: " (key) " " (text::visible(value)) } {
                            (key) " " (text::text(value)) " ×"
                        }
                    }
                }
            }
        }
    }
}

/// A drop-down list of a form: `("", "any")` and so on, with the chosen one.
pub fn select(
    id: &str,
    name: &str,
    label: &str,
    options: &[(String, String)],
    chosen: &str,
) -> Markup {
    html! {
        label for=(id) {
            (label) " "
            select id=(id) name=(name) {
                @for (value, shown) in options {
                    option value=(value) selected[value == chosen] { (text::visible(shown)) }
                }
            }
        }
    }
}

/// The field to search a page by.
pub fn search(id: &str, label: &str, asked: &str) -> Markup {
    html! {
        label.vh for=(id) { (label) }
        input id=(id) name="q" type="search" placeholder=(label) value=(asked) autocomplete="off";
    }
}

/// One finding with one link.
pub fn callout(of: Group, finding: &Markup, link: Option<(&Link, &str)>) -> Markup {
    let class = group(of);
    html! {
        p class={ "callout c-" (class) } {
            (icon(class))
            span { (finding) }
            @if let Some((link, text)) = link { a href=(link) { (text) } }
        }
    }
}

/// How many rows a page is about: what each link to it that is a number says. Of sampled events there are more than are
/// recorded.
pub fn total(number: f64, recorded: Option<i64>, shown: &str) -> Markup {
    let number = number.round() as i64;
    html! { span.count role="status" data-total=(number) data-recorded=[recorded] { (shown) } }
}

/// A part of a page that has nothing to show: the period, when the newest event was, and where there is more.
pub fn empty(frame: &Frame, nothing: &str) -> Markup {
    html! {
        p.empty {
            (nothing) " "
            @match frame.last_event_ms {
                None => { a href=(frame.plain_link(Page::Connect)) { "Connect a server" } },
                Some(last) => { "The last event was on " (text::clock(last, "%a %-d %b, %H:%M")) "." },
            }
        }
    }
}

/// A part whose query was stopped.
pub fn too_slow(again: &Link) -> Markup {
    let finding = html! { b { "This part took too long" } " and was stopped after 5 s. The rest of the page is complete." };
    callout(Group::GivenUp, &finding, Some((again, "Try again")))
}

/// What follows a table that shows a part of its rows.
pub fn pager(shown: &str, newer: Option<&Link>, older: Option<&Link>) -> Markup {
    html! {
        nav.pager aria-label="Pages" {
            span { (shown) }
            @if let Some(link) = newer { a.btn href=(link) rel="prev" { "Back" } }
            @if let Some(link) = older { a.btn href=(link) rel="next" { "More" } }
        }
    }
}

/// A text to copy. `id` is the element's, for the button.
pub fn copyable(id: &str, text: &str) -> Markup {
    html! {
        div.cb {
            pre id=(id) tabindex="0" { (text) }
            button.btn.js type="button" data-copy=(id) { "Copy" }
        }
    }
}
