//! Charts as SVG: the same with and without script, in both schemes and on paper.

use maud::{Markup, html};

use crate::query::Period;

use super::frame::{Frame, Page};
use super::part::icon;
use super::text::{self, Link};

/// A bucket of a chart of bars.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bar {
    pub calls: f64,
    pub failed: f64,
    /// As many as there were in the same bucket of the time before.
    pub before: f64,
}

/// Where a dotted line says that something began.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub at_ms: i64,
    pub name: String,
    pub rows: Link,
}

const BARS: (f64, f64) = (520.0, 262.0);
const LEFT: f64 = 42.0;
const TOP: f64 = 14.0;
const GROUND: f64 = 236.0;

/// Calls per bucket of the period: failed ones below, the time before as ticks, the running bucket dashed. Every bar
/// leads to its rows; `rows` adds the page's filter to their address.
pub fn bars(frame: &Frame, bars: &[Bar], marks: &[Mark], rows: impl Fn(Link) -> Link) -> Markup {
    let period = &frame.period;
    let (width, height) = BARS;
    let highest = bars
        .iter()
        .fold(1.0_f64, |most, bar| most.max(bar.calls).max(bar.before));
    let top = rounded_up(highest);
    let y = |value: f64| TOP + (GROUND - TOP) * (1.0 - value / top);
    let step = (width - LEFT - 2.0) / bars.len().max(1) as f64;
    let gap = (step * 0.18).min(6.0);
    let every = bars.len().div_ceil(7).max(1);
    let label = format!(
        "Calls per {} by outcome; the table below has the same numbers",
        bucket_word(period)
    );
    html! {
        svg.bars viewBox={ "0 0 " (width) " " (height) } role="group" aria-label=(label) {
            @for line in [0.0, 0.5, 1.0] {
                line.grid x1="36" x2=(width) y1=(tenth(y(top * line))) y2=(tenth(y(top * line))) {}
                @if top * line == (top * line).round() {
                    text.ax x="30" y=(tenth(y(top * line) + 4.0)) text-anchor="end" { (text::weight(top * line)) }
                }
            }
            @for (place, bar) in bars.iter().enumerate() {
                @let x = LEFT + place as f64 * step;
                @let running = is_running(period, place);
                a class=(if running { "bar part" } else { "bar" }) href=(rows(bucket_rows(frame, place)))
                    data-tip=(tip(period, place, bar)) aria-label=(tip(period, place, bar).replace('|', ", ")) {
                    rect.hit x=(tenth(x)) y="4" width=(tenth(step)) height=(tenth(GROUND - 4.0)) {}
                    rect.okb x=(tenth(x + gap)) width=(tenth(step - 2.0 * gap)) y=(tenth(y(bar.calls)))
                        height=(tenth((y(bar.failed) - y(bar.calls)).max(0.0))) {}
                    rect.failb x=(tenth(x + gap)) width=(tenth(step - 2.0 * gap)) y=(tenth(y(bar.failed)))
                        height=(tenth((y(0.0) - y(bar.failed)).max(0.0))) {}
                    line.was x1=(tenth(x + gap / 2.0)) x2=(tenth(x + step - gap / 2.0))
                        y1=(tenth(y(bar.before))) y2=(tenth(y(bar.before))) {}
                }
                @if place % every == 0 {
                    text.ax x=(tenth(x + step / 2.0)) y=(tenth(height - 6.0)) text-anchor="middle" {
                        (axis(period, place))
                    }
                }
            }
            @for mark in marks.iter().filter(|mark| period.from < mark.at_ms && mark.at_ms < period.until) {
                @let x = LEFT + (mark.at_ms - period.from) as f64 / period.bucket_ms as f64 * step;
                a.rel href=(mark.rows)
                    aria-label={ "Release " (text::visible(&mark.name)) ", " (text::date(mark.at_ms, "%a %-d %b, %H:%M")) } {
                    line x1=(tenth(x)) x2=(tenth(x)) y1="0" y2=(tenth(GROUND)) {}
                    text.ax x=(tenth(x - 4.0)) y="8" text-anchor="end" { (text::visible(&text::cut(&mark.name, 16))) }
                }
            }
        }
        p.legend {
            span.lk { span."k okb" {} "answered" }
            span.lk { span."k failb" {} "failed or given up" }
            span.lk { span."k wask" {} (frame.before()) }
            span.lk { span."k part" {} "not over yet" }
        }
        (as_table(frame, bars, rows))
    }
}

fn as_table(frame: &Frame, bars: &[Bar], rows: impl Fn(Link) -> Link) -> Markup {
    let period = &frame.period;
    html! {
        details.as-table {
            summary { "As a table" }
            table.mini {
                caption.vh { "Calls per " (bucket_word(period)) }
                thead {
                    tr { th scope="col" { "From" } th scope="col" { "Calls" } th scope="col" { "Failed" } th scope="col" { "Before" } }
                }
                tbody {
                    @for (place, bar) in bars.iter().enumerate() {
                        tr {
                            th scope="row" { (full(period, place)) @if is_running(period, place) { " (so far)" } }
                            td { (text::number(text::weight(bar.calls), &rows(bucket_rows(frame, place)))) }
                            td {
                                (text::number(
                                    text::weight(bar.failed),
                                    &rows(bucket_rows(frame, place)).with("outcome", "failed"),
                                ))
                            }
                            td { (text::number(text::weight(bar.before), &rows(bucket_before(frame, place)))) }
                        }
                    }
                }
            }
        }
    }
}

/// What a bucket's calls are found by: whole seconds, the first and the one after the last.
fn bucket_rows(frame: &Frame, place: usize) -> Link {
    let since = frame.period.bucket_start(place);
    let until = (since + frame.period.bucket_ms).min(frame.period.until);
    frame
        .link(Page::Calls)
        .with("since", since / 1000)
        .with("until", until / 1000)
}

/// The same in the period before, which ends within the running bucket's.
fn bucket_before(frame: &Frame, place: usize) -> Link {
    let period = &frame.period;
    let since = period.bucket_start(place) - (period.from - period.before_from);
    let until = (since + period.bucket_ms).min(period.before_until);
    frame
        .link(Page::Calls)
        .with("since", since / 1000)
        .with("until", until / 1000)
}

/// `hour` or `day`.
pub fn bucket_word(period: &Period) -> &'static str {
    if period.bucket_ms < 86_400_000 {
        "hour"
    } else {
        "day"
    }
}

fn is_running(period: &Period, place: usize) -> bool {
    period.bucket_start(place) + period.bucket_ms > period.now
}

fn axis(period: &Period, place: usize) -> String {
    let form = match (bucket_word(period), period.buckets()) {
        ("hour", _) => "%H:%M",
        (_, ..8) => "%a %-d",
        _ => "%-d %b",
    };
    text::date(period.bucket_start(place), form)
}

fn full(period: &Period, place: usize) -> String {
    let form = if bucket_word(period) == "hour" {
        "%a %-d %b, %H:%M"
    } else {
        "%a %-d %b"
    };
    text::date(period.bucket_start(place), form)
}

fn tip(period: &Period, place: usize, bar: &Bar) -> String {
    let so_far = if is_running(period, place) {
        " so far"
    } else {
        ""
    };
    format!(
        "{}{so_far}|{} calls, {} failed|before: {}",
        full(period, place),
        text::weight(bar.calls),
        text::weight(bar.failed),
        text::weight(bar.before)
    )
}

/// The next number that is good on an axis.
fn rounded_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|top| *top >= value)
        .unwrap_or(value)
}

fn tenth(value: f64) -> String {
    format!("{value:.1}")
}

/// The course of a number over the period's buckets, with that of the time before in grey. A bucket of `None` is a gap.
#[derive(Debug, Clone, Copy)]
pub struct Spark<'a> {
    pub values: &'a [Option<f64>],
    pub before: &'a [Option<f64>],
    /// Whether the last bucket is not over.
    pub is_running: bool,
    /// Whether the smallest value is at the bottom, and not zero.
    pub is_zoomed: bool,
    /// `(120, 28)` and so on: its own measure, which the style sheet stretches.
    pub size: (u16, u16),
}

impl<'a> Spark<'a> {
    pub const fn new(values: &'a [Option<f64>]) -> Self {
        Self {
            values,
            before: &[],
            is_running: true,
            is_zoomed: false,
            size: (90, 20),
        }
    }

    pub fn draw(&self) -> Markup {
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        let known = || self.values.iter().chain(self.before).flatten().copied();
        let top = known().fold(1e-9, f64::max);
        let bottom = if self.is_zoomed {
            known().fold(top, f64::min)
        } else {
            0.0
        };
        let room = if top > bottom { top - bottom } else { 1.0 };
        let last = self.values.len().saturating_sub(1);
        let x = |place: usize| 2.0 + place as f64 * (width - 4.0) / last.max(1) as f64;
        let y = |value: f64| height - 3.0 - (value - bottom) / room * (height - 6.0);
        let lines = |values: &[Option<f64>], first: usize, class: &str| {
            html! {
                @for run in runs(values) {
                    polyline class=(class) points=(run.iter().map(|(place, value)| {
                        format!("{:.1},{:.1} ", x(place + first), y(*value))
                    }).collect::<String>().trim_end()) {}
                }
            }
        };
        let whole = if self.is_running {
            self.values.len().saturating_sub(1)
        } else {
            self.values.len()
        };
        let tail = self.values.len().saturating_sub(2);
        html! {
            svg.spark viewBox={ "0 0 " (width) " " (height) } preserveAspectRatio="none" aria-hidden="true" {
                (lines(self.before, 0, "prev"))
                (lines(self.values.get(..whole).unwrap_or_default(), 0, "line"))
                @if self.is_running { (lines(self.values.get(tail..).unwrap_or_default(), tail, "line part")) }
            }
        }
    }
}

/// The stretches without a gap. One bucket alone is there twice, so that its line has round ends and is a dot.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut runs: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut open = false;
    for (place, value) in values.iter().enumerate() {
        let Some(value) = *value else {
            open = false;
            continue;
        };
        match runs.last_mut() {
            Some(run) if open => run.push((place, value)),
            _ => runs.push(vec![(place, value)]),
        }
        open = true;
    }
    for run in &mut runs {
        if let [only] = run[..] {
            run.push(only);
        }
    }
    runs
}

/// A slot of a histogram: `[from, until)` in the measure's unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    pub from: f64,
    pub until: f64,
    pub weight: f64,
    /// In the time before, scaled to as many in all.
    pub before: f64,
    /// Leads to its rows, where they can be found.
    pub rows: Option<Link>,
}

/// Slots of equal width on a logarithmic axis, the time before as an outline, and quantiles: `("p95", 30_000.0)`.
pub fn histogram(
    label: &str,
    slots: &[Slot],
    quantiles: &[(&str, f64)],
    unit: impl Fn(f64) -> String,
) -> Markup {
    const WIDTH: f64 = 560.0;
    const BASE: f64 = 170.0;
    const START: f64 = 36.0;
    let step = (WIDTH - START - 4.0) / slots.len().max(1) as f64;
    let most = slots.iter().fold(1e-9_f64, |most, slot| {
        most.max(slot.weight).max(slot.before)
    });
    let y = |value: f64| BASE - 140.0 * value / most;
    // Where a value lies: within its slot by the logarithm.
    let x_of = |value: f64| {
        slots
            .iter()
            .position(|slot| slot.from <= value && value < slot.until)
            .and_then(|place| Some((place, slots.get(place)?)))
            .map(|(place, slot)| {
                let from = slot.from.max(1.0);
                let within = ((value.max(1.0) / from).ln()
                    / (slot.until.max(from + 1.0) / from).ln())
                .clamp(0.0, 1.0);
                START + (place as f64 + within) * step
            })
    };
    let outline: String = slots
        .iter()
        .enumerate()
        .map(|(place, slot)| {
            let x = START + place as f64 * step;
            format!(
                "L{x:.1},{y:.1} L{:.1},{y:.1} ",
                x + step,
                y = y(slot.before)
            )
        })
        .collect();
    let every = slots.len().div_ceil(6).max(1);
    html! {
        svg.bars.hist viewBox="0 0 560 200" role="group" aria-label=(label) {
            @for (place, slot) in slots.iter().enumerate() {
                @let x = START + place as f64 * step;
                @let tip = format!(
                    "{} to {}|{} calls|before: {}",
                    unit(slot.from), unit(slot.until), text::weight(slot.weight), text::weight(slot.before)
                );
                a.bar href=[slot.rows.as_ref()] data-tip=(tip) aria-label=(tip.replace('|', ", ")) {
                    rect.hit x=(tenth(x)) y="10" width=(tenth(step)) height="160" {}
                    rect.okb x=(tenth(x + 1.0)) y=(tenth(y(slot.weight))) width=(tenth((step - 2.0).max(0.5)))
                        height=(tenth(BASE - y(slot.weight))) {}
                }
                @if place % every == 0 {
                    text.ax x=(tenth(x)) y="188" text-anchor="middle" { (unit(slot.from)) }
                }
            }
            @if slots.iter().any(|slot| slot.before > 0.0) {
                path.wasp d={ "M36,170 " (outline) } {}
            }
            @for (row, (name, value)) in quantiles.iter().enumerate() {
                @if let Some(x) = x_of(*value) {
                    line.pm x1=(tenth(x)) x2=(tenth(x)) y1=(8 + 14 * row) y2="170" {}
                    text.pl x=(tenth(x - 4.0)) y=(16 + 14 * row) text-anchor="end" { (name) " " (unit(*value)) }
                }
            }
        }
    }
}

/// A step's place in a waterfall: shares of the whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    pub from: f64,
    pub length: f64,
}

/// Where each step lies when pauses are cut to `longest_pause`: `(start, duration)` in one unit, in order.
pub fn waterfall(steps: &[(f64, f64)], longest_pause: f64) -> Vec<Span> {
    let mut placed = Vec::with_capacity(steps.len());
    let (mut at, mut end_before): (f64, Option<(f64, f64)>) = (0.0, None);
    for (start, duration) in steps {
        if let Some((end, placed_end)) = end_before {
            // A step that begins while another runs lies beside it.
            at = if *start >= end {
                placed_end + (start - end).min(longest_pause)
            } else {
                (placed_end - (end - start)).max(0.0)
            };
        }
        placed.push((at, *duration));
        let end = start + duration;
        if end_before.is_none_or(|(before, _)| end >= before) {
            end_before = Some((end, at + duration));
        }
    }
    let whole = end_before.map_or(1.0, |(_, end)| end).max(1e-9);
    placed
        .into_iter()
        .map(|(from, length)| Span {
            from: (from / whole).clamp(0.0, 1.0),
            length: (length / whole).clamp(0.0, 1.0),
        })
        .collect()
}

/// A step of a waterfall.
pub fn span(span: Span, class: &str) -> Markup {
    const WIDTH: f64 = 220.0;
    let length = (WIDTH * span.length).max(2.5);
    let from = (WIDTH * span.from).min(WIDTH - length);
    html! {
        svg.wf viewBox="0 0 220 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.bg x="0" y="4.5" width="220" height="1" {}
            rect class={ (class) "b" } x=(tenth(from)) y="1" width=(tenth(length)) height="8" rx="1.5" {}
        }
    }
}

/// A line of changes: a shape, a sentence and why.
pub fn change(shape: &str, sentence: &Markup, why: &Markup) -> Markup {
    let class = match shape {
        "fail" | "stop" => shape,
        _ => "info",
    };
    html! { li class={ "c-" (class) } { (icon(shape)) div { p { (sentence) } p.why { (why) } } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_above_the_highest() {
        assert_eq!(rounded_up(0.0), 1.0);
        assert_eq!(rounded_up(7.0), 8.0);
        assert_eq!(rounded_up(441.0), 500.0);
        assert_eq!(rounded_up(1_001.0), 1_200.0);
    }

    #[test]
    fn a_bucket_without_a_value_is_a_gap_and_one_alone_is_a_dot() {
        let values = [Some(1.0), None, Some(2.0), Some(3.0)];
        assert_eq!(
            runs(&values),
            [vec![(0, 1.0), (0, 1.0)], vec![(2, 2.0), (3, 3.0)]]
        );
        let drawn = Spark::new(&values).draw().into_string();
        assert_eq!(drawn.matches("<polyline").count(), 3, "{drawn}");
    }

    #[test]
    fn pauses_are_cut_and_what_runs_at_once_lies_side_by_side() {
        let spans = waterfall(&[(0.0, 1.0), (61.0, 1.0)], 2.0);
        assert_eq!(
            spans,
            [
                Span {
                    from: 0.0,
                    length: 0.25
                },
                Span {
                    from: 0.75,
                    length: 0.25
                }
            ]
        );
        let spans = waterfall(&[(0.0, 10.0), (4.0, 1.0), (10.0, 10.0)], 2.0);
        assert_eq!(
            spans[1],
            Span {
                from: 0.2,
                length: 0.05
            }
        );
        assert_eq!(
            spans[2],
            Span {
                from: 0.5,
                length: 0.5
            }
        );
        assert_eq!(waterfall(&[], 2.0), []);
    }
}
