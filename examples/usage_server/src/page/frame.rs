//! The document around a page: rail, phone bar, header with the range, footer, keys.

use maud::{DOCTYPE, Markup, html};

use crate::query::{Period, Range};

use super::asset;
use super::part::icon;
use super::text::{self, Link};

/// What all pages of one answer share.
#[derive(Debug, Clone)]
pub struct Frame {
    /// What the server's paths begin with behind a proxy: `` or `/usage`.
    pub base: String,
    pub project: Project,
    /// All projects that whoever looks may see, this one among them.
    pub projects: Vec<Project>,
    pub page: Page,
    pub period: Period,
    /// Whether whoever looks may change settings and forget people.
    pub may_change: bool,
    /// Goes into each form that changes something.
    pub csrf: String,
    /// When the newest event happened; `None` leads every page to the one that connects a server.
    pub last_event_ms: Option<i64>,
    /// Events that senders lost in the period.
    pub lost: i64,
    /// Calls of crawlers and probes in the period, which the pages leave out.
    pub left_out: i64,
    pub raw_days: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// How addresses name it: one segment of a path, already encoded.
    pub segment: String,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Overview,
    Live,
    People,
    Person,
    Company,
    Logins,
    Clients,
    Tools,
    Tool,
    Sessions,
    Session,
    Intents,
    Calls,
    Quality,
    Connect,
    Settings,
}

/// The head of a page.
#[derive(Debug)]
pub struct Head {
    /// Of the window: plain text, from outside where it must be.
    pub title: String,
    pub heading: Markup,
    /// The question that the page answers, or what is said first of its subject.
    pub lead: Markup,
    /// What is beside the heading.
    pub tools: Markup,
    /// Whether the page is about a period.
    pub ranged: bool,
    /// The filter that the links of other ranges keep.
    pub kept: Vec<(&'static str, String)>,
}

impl Head {
    /// The head of a page whose title and question do not come from outside.
    pub fn new(title: &str, question: &str) -> Self {
        Self {
            title: title.to_owned(),
            heading: html! { (title) },
            lead: html! { (question) },
            tools: html! {},
            ranged: true,
            kept: Vec::new(),
        }
    }

    /// The head of a page about something whose name comes from outside.
    pub fn about(name: &str, lead: Markup) -> Self {
        Self {
            title: text::visible(&text::cut(name, 80)),
            heading: text::text(name),
            lead,
            tools: html! {},
            ranged: true,
            kept: Vec::new(),
        }
    }

    #[must_use]
    pub fn with_tools(self, tools: Markup) -> Self {
        Self { tools, ..self }
    }

    /// Of a page that is not about a period.
    #[must_use]
    pub fn timeless(self) -> Self {
        Self {
            ranged: false,
            ..self
        }
    }

    #[must_use]
    pub fn keeping(mut self, key: &'static str, value: Option<impl ToString>) -> Self {
        self.kept
            .extend(value.map(|value| (key, value.to_string())));
        self
    }
}

impl Page {
    /// The end of its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Live => "live",
            Self::People => "people",
            Self::Person => "person",
            Self::Company => "company",
            Self::Logins => "logins",
            Self::Clients => "clients",
            Self::Tools => "tools",
            Self::Tool => "tool",
            Self::Sessions => "sessions",
            Self::Session => "session",
            Self::Intents => "intents",
            Self::Calls => "calls",
            Self::Quality => "quality",
            Self::Connect => "connect",
            Self::Settings => "settings",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Live => "Live",
            Self::People | Self::Person | Self::Company => "People",
            Self::Logins => "Logins",
            Self::Clients => "Clients",
            Self::Tools | Self::Tool => "Tools",
            Self::Sessions | Self::Session => "Sessions",
            Self::Intents => "Intents",
            Self::Calls => "Calls",
            Self::Quality => "Data quality",
            Self::Connect => "Connect a server",
            Self::Settings => "Settings",
        }
    }

    const fn icon(self) -> &'static str {
        match self {
            Self::Overview => "home",
            Self::Live => "live",
            Self::People | Self::Person | Self::Company => "people",
            Self::Logins => "key",
            Self::Clients => "plug",
            Self::Tools | Self::Tool => "tool",
            Self::Sessions | Self::Session => "play",
            Self::Intents => "ask",
            Self::Calls => "rows",
            Self::Quality => "check",
            Self::Connect => "plus",
            Self::Settings => "gear",
        }
    }

    /// The page of the rail that it belongs to.
    const fn listed(self) -> Self {
        match self {
            Self::Person | Self::Company => Self::People,
            Self::Tool => Self::Tools,
            Self::Session => Self::Sessions,
            page => page,
        }
    }
}

const RAIL: [(&str, &[Page]); 4] = [
    ("", &[Page::Overview, Page::Live]),
    ("Who", &[Page::People, Page::Logins, Page::Clients]),
    (
        "What",
        &[Page::Tools, Page::Sessions, Page::Intents, Page::Calls],
    ),
    ("Trust", &[Page::Quality, Page::Connect, Page::Settings]),
];
const BAR: [Page; 4] = [Page::Overview, Page::Live, Page::People, Page::Tools];

impl Frame {
    /// The address of a page of this project, with the range that this one has.
    pub fn link(&self, page: Page) -> Link {
        let range = self.period.range;
        let range = (range != Range::default()).then(|| range.word());
        self.plain_link(page).with_some("range", range)
    }

    /// The address of a page of this project without a range.
    pub fn plain_link(&self, page: Page) -> Link {
        Link::new(format!(
            "{}/p/{}/{}",
            self.base,
            self.project.segment,
            page.path()
        ))
    }

    /// The rows of an address in the period before.
    pub fn rows_before(&self, rows: &Link) -> Link {
        rows.clone()
            .with("since", self.period.before_from / 1000)
            .with("until", self.period.before_until / 1000)
    }

    /// The calls of a session, whatever the period.
    pub fn session_calls(&self, session: &str, first_ms: i64, last_ms: i64) -> Link {
        self.link(Page::Calls)
            .with("session", session)
            .with("since", first_ms / 1000)
            .with("until", last_ms / 1000 + 1)
    }

    /// The address of what belongs to no project: `frame.own("assets/style.css")`.
    pub fn own(&self, path: &str) -> Link {
        Link::new(format!("{}/{path}", self.base))
    }

    /// Where a form to change something of this project goes.
    pub fn action(&self, path: &str) -> Link {
        Link::new(format!("{}/p/{}/{path}", self.base, self.project.segment))
    }

    /// The hidden field without which no form that changes something is taken.
    pub fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name="csrf" value=(self.csrf); }
    }

    /// The field that keeps the range of a form that searches.
    pub fn range_field(&self) -> Markup {
        let range = self.period.range;
        html! { @if range != Range::default() { input type="hidden" name="range" value=(range.word()); } }
    }

    /// The whole document.
    pub fn document(&self, head: &Head, body: &Markup) -> Markup {
        let parent = (self.page.listed() != self.page).then(|| self.page.listed());
        html! {
            (DOCTYPE)
            html lang="en" {
                (html_head(&self.base, &head.title))
                body data-page=(self.page.path()) {
                    (SPRITE)
                    a.skip href="#main" { "Skip to content" }
                    (self.rail())
                    div.wrap {
                        header.top {
                            div {
                                @if let Some(parent) = parent {
                                    p.crumb { a href=(self.link(parent)) { (parent.title()) } }
                                }
                                h1 { (head.heading) }
                                p.sub { (head.lead) }
                            }
                            div.ctl {
                                (head.tools)
                                @if head.ranged { (self.ranges(head)) }
                            }
                        }
                        main #main tabindex="-1" { (body) }
                        footer.foot { p { (self.foot(head.ranged)) } }
                    }
                    (self.bar())
                    (keys())
                }
            }
        }
    }

    fn rail(&self) -> Markup {
        html! {
            aside.side aria-label="Project and pages" {
                div.brand { b { "mcp-usage" } }
                (self.project_menu())
                form.find action=(self.plain_link(Page::People)) role="search" {
                    (icon("search"))
                    label.vh for="find" { "Find a person by id or e-mail" }
                    input #find name="q" type="search" placeholder="Find a person…" autocomplete="off";
                    (self.range_field())
                    kbd aria-hidden="true" { "/" }
                }
                nav aria-label="Main" { (self.pages()) }
                footer { (self.controls("out-1")) }
            }
        }
    }

    fn project_menu(&self) -> Markup {
        html! {
            @if self.projects.len() < 2 {
                a.proj href=(self.plain_link(Page::Settings)) { b { (text::text(&self.project.name)) } }
            } @else {
                details.proj {
                    summary { b { (text::text(&self.project.name)) } }
                    ul {
                        @for project in &self.projects {
                            li {
                                a href=(self.own(&format!("p/{}/", project.segment)))
                                    aria-current=[(*project == self.project).then_some("true")] {
                                    (text::text(&project.name))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn pages(&self) -> Markup {
        html! {
            @for (group, pages) in RAIL {
                @if !group.is_empty() { p.navh { (group) } }
                ul {
                    @for page in pages {
                        li {
                            a href=(self.link(*page)) aria-current=[self.current(*page)] {
                                (icon(page.icon()))
                                (page.title())
                                @if *page == Page::Quality && self.lost > 0 {
                                    em.badge { (text::count(self.lost)) " lost" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn current(&self, page: Page) -> Option<&'static str> {
        (self.page.listed() == page).then_some("page")
    }

    fn controls(&self, id: &str) -> Markup {
        html! {
            button.plain.js type="button" data-theme-toggle { (icon("moon")) span { "Theme" } }
            button.plain.js type="button" data-help { kbd { "?" } " Keys" }
            form #(id) method="post" action=(self.own("sign-out")) {
                (self.csrf_field())
                button.plain { "Sign out" }
            }
        }
    }

    fn bar(&self) -> Markup {
        html! {
            nav.tabs aria-label="Main, short" {
                @for page in BAR {
                    a href=(self.link(page)) aria-current=[self.current(page)] { (icon(page.icon())) (page.title()) }
                }
                details {
                    summary { (icon("menu")) "More" }
                    div.sheet { (self.pages()) (self.controls("out-2")) }
                }
            }
        }
    }

    fn ranges(&self, head: &Head) -> Markup {
        let link = |range: Range| {
            let mut link = self.plain_link(self.page);
            if range != Range::default() {
                link = link.with("range", range.word());
            }
            head.kept
                .iter()
                .fold(link, |link, (key, value)| link.with(key, value))
        };
        html! {
            nav.range aria-label="Time range" {
                @for range in Range::ALL {
                    a href=(link(range)) aria-current=[(range == self.period.range).then_some("true")] { (label(range)) }
                }
            }
            p.period { (self.period_line()) }
        }
    }

    fn period_line(&self) -> Markup {
        let Period {
            now, from, range, ..
        } = self.period;
        html! {
            (text::clock(from, "%-d %b %H:%M")) " – " (text::clock(now, "%-d %b %H:%M")) " UTC, against the "
            (before(range))
        }
    }

    /// What the time before is called: `7 days before`.
    pub fn before(&self) -> &'static str {
        before(self.period.range)
    }

    fn foot(&self, ranged: bool) -> Markup {
        html! {
            "Times are UTC. "
            @if ranged && self.left_out > 0 {
                "Crawlers and probes are left out: "
                a href=(self.link(Page::Clients).at("left-out")) { (text::plural(self.left_out, "call")) }
                ". "
            }
            "Raw rows are kept for " (text::plural(self.raw_days, "day")) "."
        }
    }

    /// How long ago the newest event was.
    pub fn freshness(&self) -> Markup {
        html! {
            @if let Some(last) = self.last_event_ms {
                p.fresh { span.dot {} "Last event " (text::when(self.period.now, last)) }
            }
        }
    }
}

/// A document without a project: signing in, errors.
pub fn bare(base: &str, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (html_head(base, title))
            body.signin { (SPRITE) main #main { (body) } }
        }
    }
}

fn html_head(base: &str, title: &str) -> Markup {
    let asset = |name: &str| asset::address(base, name);
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width,initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · mcp-usage" }
            link rel="icon" href=(asset("icon.svg"));
            link rel="stylesheet" href=(asset("style.css"));
            script src=(asset("app.js")) {}
        }
    }
}

const fn label(range: Range) -> &'static str {
    match range {
        Range::Day => "24 h",
        Range::Week => "7 days",
        Range::FourWeeks => "4 weeks",
        Range::Quarter => "13 weeks",
    }
}

const fn before(range: Range) -> &'static str {
    match range {
        Range::Day => "same hours a week before",
        Range::Week => "7 days before",
        Range::FourWeeks => "4 weeks before",
        Range::Quarter => "13 weeks before",
    }
}

fn keys() -> Markup {
    html! {
        dialog #help aria-labelledby="help-h" {
            h2 #help-h { "Keys" }
            dl {
                dt { kbd { "/" } } dd { "find" }
                dt { kbd { "p" } } dd { "pause or go on (Live)" }
                dt { kbd { "j" } " " kbd { "k" } } dd { "next, previous step (a session)" }
                dt { kbd { "?" } } dd { "this list" }
            }
            label.chk { input #keys-off type="checkbox"; " Switch single-key shortcuts off" }
            form method="dialog" { button.btn { "Close" } }
        }
    }
}

/// The shapes that `icon` shows, by name: lines on a square of 16, those of outcomes and arrows on one of 12.
struct Sprite;
const SPRITE: Sprite = Sprite;

const SHAPES: [(&str, u8, &str); 27] = [
    ("home", 16, "M2 7.5 8 2l6 5.5V14H2z"),
    ("live", 16, "M1 8h3l2-5 4 10 2-5h3"),
    (
        "people",
        16,
        "M6 8a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM1.5 14c0-3 2-4.5 4.5-4.5s4.5 1.5 4.5 4.5M10.5 3a2.5 2.5 0 0 1 0 4.8M12 9.8c1.8.6 2.7 2 2.7 4.2",
    ),
    (
        "key",
        16,
        "M10.5 2a3.5 3.5 0 1 0-3 5.3L2 12.8V14h2v-1.5h1.5V11H7l1.8-1.8",
    ),
    (
        "plug",
        16,
        "M5 1.5v4m6-4v4M3.5 5.5h9V8a4.5 4.5 0 0 1-9 0zM8 12.5v2.5",
    ),
    (
        "tool",
        16,
        "M14 4.5 11.5 7 9 4.5 11.5 2A4 4 0 0 0 6.3 7L2 11.5 4.5 14 9 9.7a4 4 0 0 0 5-5.2z",
    ),
    ("play", 16, "M4 2.5v11l9-5.5z"),
    ("ask", 16, "M2 3h12v8H8l-3.5 3v-3H2z"),
    ("rows", 16, "M2 4h12M2 8h12M2 12h12"),
    (
        "check",
        16,
        "M8 1.5 13.5 4v4c0 3.5-2.5 5.5-5.5 6.5C5 13.5 2.5 11.5 2.5 8V4zM5.5 8l2 2 3-3.5",
    ),
    ("plus", 16, "M8 2.5v11M2.5 8h11"),
    (
        "gear",
        16,
        "M2 4.5h7m4 0h1M2 11.5h1m4 0h7M11 2.7a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6M5 9.7a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6",
    ),
    (
        "search",
        16,
        "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM11 11l3.5 3.5",
    ),
    ("menu", 16, "M2 4h12M2 8h12M2 12h12"),
    (
        "moon",
        16,
        "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
    ),
    ("login", 16, "M6 2.5h7v11H6M1.5 8H9M6.5 5 9.5 8l-3 3"),
    ("off", 16, "M4 4l8 8M12 4l-8 8"),
    (
        "list",
        16,
        "M6 4h8M6 8h8M6 12h8M2.5 4h.5M2.5 8h.5M2.5 12h.5",
    ),
    ("doc", 16, "M4 1.5h5.5L12.5 5v9.5h-8.5zM9 1.5V5h3.5"),
    (
        "first",
        16,
        "M8 2l1.8 4 4.2.4-3.2 2.9 1 4.2L8 11.3l-3.8 2.2 1-4.2L2 6.4 6.2 6z",
    ),
    ("ok", 12, "M2.5 6.5 5 9l4.5-6"),
    ("fail", 12, "M3 3l6 6M9 3l-6 6"),
    ("stop", 12, "M2 6h8"),
    (
        "wait",
        12,
        "M6 1.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6M6 3.5V6l1.7 1",
    ),
    (
        "unknown",
        12,
        "M3.5 4a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.8-1.1 1.5M6 10v.2",
    ),
    ("up", 12, "M2.5 8 6 3.5 9.5 8"),
    ("down", 12, "M2.5 4 6 8.5 9.5 4"),
];

impl maud::Render for Sprite {
    fn render_to(&self, buffer: &mut String) {
        html! {
            svg.sprite aria-hidden="true" {
                @for (name, side, path) in SHAPES {
                    symbol id={ "i-" (name) } viewBox={ "0 0 " (side) " " (side) } { path d=(path) {} }
                }
            }
        }
        .render_to(buffer);
    }
}
