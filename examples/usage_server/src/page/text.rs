//! Texts from outside, numbers, times and links, as every page shows them.

use std::fmt::{Display, Write as _};

use jiff::{Timestamp, tz::TimeZone};
use maud::{Escaper, Markup, PreEscaped, Render, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Between a number and its unit, and between thousands.
const THIN: char = '\u{202f}';
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A text from outside: apart from the direction of what is around it, and with nothing in it that is not seen.
pub fn text(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// The beginning of a text that may be long, with more of it in the title.
pub fn short(text: &str) -> Markup {
    let title = (text.chars().count() > 60).then(|| visible(&cut(text, 1_000)));
    html! { bdi title=[title] { (visible(&cut(text, 300))) } }
}

/// The text with each character that hides or reorders others shown by its number. Not escaped: for attributes and
/// titles, which maud escapes.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_hidden(char) {
            let _ = write!(shown, "‹U+{:04X}›", u32::from(char));
        } else {
            shown.push(char);
        }
    }
    shown
}

/// Controls but for tab and line feed, and what Unicode gives no width or a direction.
const fn is_hidden(char: char) -> bool {
    matches!(char,
        '\0'..='\u{8}'
        | '\u{b}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// The first characters of a text, with a mark where more follow.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// A whole number with thin spaces between thousands.
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut shown = String::from(if number < 0 { "−" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(THIN);
        }
        shown.push(digit);
    }
    shown
}

/// How many events a sum of weights stands for.
pub fn weight(weight: f64) -> String {
    count(weight.round() as i64)
}

/// `1 call`, `2 calls`.
pub fn plural(number: i64, one: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {one}{s}", count(number))
}

/// `1 person`, `2 people`.
pub fn people(number: i64) -> String {
    match number {
        1 => "1 person".to_owned(),
        _ => format!("{} people", count(number)),
    }
}

/// What leads to all of something: `All 3 tools`, `The one tool`.
pub fn all(number: i64, one: &str, many: &str) -> String {
    match number {
        0 => format!("All {many}"),
        1 => format!("The one {one}"),
        _ => format!("All {} {many}", count(number)),
    }
}

/// A duration in its best unit.
pub fn ms(ms: f64) -> String {
    if ms < 1.0 {
        format!("<1{THIN}ms")
    } else if ms < 999.5 {
        format!("{ms:.0}{THIN}ms")
    } else if ms < 59_950.0 {
        format!("{:.1}{THIN}s", ms / 1e3)
    } else if ms < 3_570_000.0 {
        format!("{:.1}{THIN}min", ms / 6e4)
    } else {
        format!("{:.1}{THIN}h", ms / 36e5)
    }
}

/// A duration of microseconds.
pub fn us(us: f64) -> String {
    ms(us / 1e3)
}

pub fn bytes(bytes: f64) -> String {
    if bytes < 999.5 {
        format!("{bytes:.0}{THIN}B")
    } else if bytes < 999_500.0 {
        format!("{:.1}{THIN}kB", bytes / 1e3)
    } else {
        format!("{:.1}{THIN}MB", bytes / 1e6)
    }
}

/// A share of a whole with so many decimals; a dash where there is no whole.
pub fn percent(part: f64, whole: f64, decimals: usize) -> String {
    if whole > 0.0 {
        format!("{:.decimals$}{THIN}%", 100.0 * part / whole)
    } else {
        "–".to_owned()
    }
}

/// How long ago that is.
pub fn ago(now: i64, time: i64) -> String {
    let passed = now - time;
    if passed < 5_000 {
        "now".to_owned()
    } else if passed < MINUTE_MS {
        format!("{}{THIN}s ago", passed / 1000)
    } else if passed < HOUR_MS {
        format!("{}{THIN}min ago", passed / MINUTE_MS)
    } else if passed < 36 * HOUR_MS {
        format!("{}{THIN}h ago", passed / HOUR_MS)
    } else {
        format!("{}{THIN}d ago", passed / DAY_MS)
    }
}

/// A time in a form of `jiff`'s `strftime`, UTC.
pub fn date(time: i64, form: &str) -> String {
    let time = Timestamp::from_millisecond(time).unwrap_or_default();
    time.to_zoned(TimeZone::UTC).strftime(form).to_string()
}

/// How long ago, with the exact time in the title.
pub fn when(now: i64, time: i64) -> Markup {
    html! { time datetime=(machine(time)) title=(exact(time)) { (ago(now, time)) } }
}

/// A time of day, or what else the form says, with the exact time in the title.
pub fn clock(time: i64, form: &str) -> Markup {
    html! { time datetime=(machine(time)) title=(exact(time)) { (date(time, form)) } }
}

fn machine(time: i64) -> String {
    date(time, "%Y-%m-%dT%H:%M:%SZ")
}

/// A time to the second, for titles.
pub fn exact(time: i64) -> String {
    date(time, "%a %d %b %Y, %H:%M:%S UTC")
}

/// The address of a page with its filter: the one place where addresses are put together.
///
/// A value of `None` is left out. Every key and value is percent-encoded, so that nothing from outside can end the
/// address, add to it or make it one of another scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    address: String,
    has_query: bool,
    fragment: String,
}

impl Link {
    /// `path` is the server's own.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            address: path.into(),
            has_query: false,
            fragment: String::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Display) -> Self {
        self.address.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        let value = value.to_string();
        let value = utf8_percent_encode(&value, UNRESERVED);
        let _ = write!(
            self.address,
            "{}={value}",
            utf8_percent_encode(key, UNRESERVED)
        );
        self
    }

    #[must_use]
    pub fn with_some(self, key: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Adds what a filter says.
    #[must_use]
    pub fn with_all<'p, V: Display + 'p>(
        self,
        pairs: impl IntoIterator<Item = &'p (&'static str, V)>,
    ) -> Self {
        pairs
            .into_iter()
            .fold(self, |link, (key, value)| link.with(key, value))
    }

    /// Leads to the element of this id.
    #[must_use]
    pub fn at(mut self, id: &str) -> Self {
        self.fragment = format!("#{}", utf8_percent_encode(id, UNRESERVED));
        self
    }
}

impl Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.address, self.fragment)
    }
}

impl Render for Link {
    fn render_to(&self, buffer: &mut String) {
        let _ = write!(Escaper::new(buffer), "{self}");
    }
}

/// A number, or what stands for one, that leads to the rows it counts.
pub fn number(shown: impl Display, rows: &Link) -> Markup {
    html! { a.n href=(rows) { (shown.to_string()) } }
}

/// A number that leads to the rows of something named; rows of what has no name cannot be asked for.
pub fn number_of(name: &str, shown: impl Display, rows: &Link) -> Markup {
    match name {
        "" => html! { (shown.to_string()) },
        _ => number(shown, rows),
    }
}

/// A number of those whose rows they are, of people say: each may have several.
pub fn among(shown: impl Display, rows: &Link) -> Markup {
    html! { a.n href=(rows) data-among { (shown.to_string()) } }
}

/// A number of recorded rows, whatever each stands for, that leads to them.
pub fn recorded(rows: i64, link: &Link) -> Markup {
    recorded_as(rows, count(rows), link)
}

/// The same in words.
pub fn recorded_as(rows: i64, shown: impl Display, link: &Link) -> Markup {
    html! { a.n href=(link) data-recorded=(rows) { (shown.to_string()) } }
}

/// A share that leads to the rows of its part.
pub fn share(part: f64, shown: &str, rows: &Link) -> Markup {
    html! { a.n href=(rows) data-rows=(part.round() as i64) { (shown) } }
}

/// Marks that redaction left (`[REDACTED_EMAIL]`) as their class in a box; all else as text.
pub fn marked(text: &str) -> Markup {
    const OPEN: &str = "[REDACTED_";
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        match after.split_once(']') {
            Some((class, left))
                if !class.is_empty()
                    && class.len() <= 40
                    && class
                        .bytes()
                        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') =>
            {
                visible(before).render_to(&mut out);
                html! { mark title="redacted before it was stored" { (class) } }
                    .render_to(&mut out);
                rest = left;
            }
            _ => {
                visible(before).render_to(&mut out);
                OPEN.render_to(&mut out);
                rest = after;
            }
        }
    }
    visible(rest).render_to(&mut out);
    PreEscaped(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_is_shown_by_its_number() {
        assert_eq!(visible("a\u{202e}gnp.exe"), "a‹U+202E›gnp.exe");
        assert_eq!(
            visible("nul\0 bell\u{7} zero\u{200b}width"),
            "nul‹U+0000› bell‹U+0007› zero‹U+200B›width"
        );
        assert_eq!(visible("tag\u{e0041}"), "tag‹U+E0041›");
        assert_eq!(visible("שלום, naïve\n日本"), "שלום, naïve\n日本");
    }

    #[test]
    fn a_text_is_escaped_and_set_apart() {
        let shown = text("<img src=x onerror=alert(1)> & \"you\"").into_string();
        assert_eq!(
            shown,
            "<bdi>&lt;img src=x onerror=alert(1)&gt; &amp; &quot;you&quot;</bdi>"
        );
    }

    #[test]
    fn a_link_holds_its_values_whatever_they_are() {
        let link = Link::new("/p/1/calls")
            .with("user", "a&b=\"c'<d>#e?/\u{202e}%00 javascript:")
            .with_some("tool", None::<&str>)
            .at("s 1");
        let shown = html! { a href=(link) {} }.into_string();
        assert_eq!(
            shown,
            "<a href=\"/p/1/calls?user=a%26b%3D%22c%27%3Cd%3E%23e%3F%2F%E2%80%AE%2500%20javascript%3A#s%201\"></a>"
        );
        let two = Link::new("/").with("a", 1).with("b", 2);
        assert_eq!(
            html! { a href=(two) {} }.into_string(),
            "<a href=\"/?a=1&amp;b=2\"></a>"
        );
    }

    #[test]
    fn numbers_have_units_and_thin_spaces() {
        assert_eq!(count(2_226), "2\u{202f}226");
        assert_eq!(count(-1_234_567), "−1\u{202f}234\u{202f}567");
        assert_eq!(count(100), "100");
        assert_eq!(weight(99.6), "100");
        assert_eq!(ms(0.4), "<1\u{202f}ms");
        assert_eq!(ms(999.6), "1.0\u{202f}s");
        assert_eq!(us(30_000_000.0), "30.0\u{202f}s");
        assert_eq!(ms(410_000.0), "6.8\u{202f}min");
        assert_eq!(bytes(1_500.0), "1.5\u{202f}kB");
        assert_eq!(percent(1.0, 3.0, 1), "33.3\u{202f}%");
        assert_eq!(percent(0.0, 0.0, 1), "–");
        assert_eq!(plural(1, "call"), "1 call");
        assert_eq!(plural(0, "call"), "0 calls");
        assert_eq!(people(1), "1 person");
        let tools = |number| all(number, "tool", "tools");
        assert_eq!(
            [tools(0), tools(1), tools(2)],
            ["All tools", "The one tool", "All 2 tools"]
        );
    }

    #[test]
    fn times_are_relative_and_exact_in_the_title() {
        let shown = when(1_795_794_067_000, 1_795_794_007_000).into_string();
        assert_eq!(
            shown,
            "<time datetime=\"2026-11-27T15:40:07Z\" title=\"Fri 27 Nov 2026, 15:40:07 UTC\">1\u{202f}min ago</time>"
        );
        assert_eq!(ago(0, 1_000), "now");
        assert_eq!(ago(40 * HOUR_MS, 0), "1\u{202f}d ago");
    }

    #[test]
    fn marks_of_redaction_are_boxes_and_nothing_else_is() {
        let shown = marked("to [REDACTED_EMAIL] <b> [REDACTED_<i>] [REDACTED_").into_string();
        assert_eq!(
            shown,
            "to <mark title=\"redacted before it was stored\">EMAIL</mark> &lt;b&gt; [REDACTED_&lt;i&gt;] [REDACTED_"
        );
    }

    #[test]
    fn a_cut_is_marked() {
        assert_eq!(cut("äbc", 3), "äbc");
        assert_eq!(cut("äbcd", 3), "äbc…");
    }
}
