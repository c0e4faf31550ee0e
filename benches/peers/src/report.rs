//! Medians, ratios within a repetition, tables, and targets with met or not met.

use crate::contenders::Contender;
use crate::number::number;
use crate::plot::Plot;
use crate::run::Row;
use std::fmt::Write;

/// What a scenario has to say.
#[derive(Debug, Default)]
pub struct Report {
    pub text: String,
    pub targets: Vec<Target>,
    pub plots: Vec<Plot>,
}

/// A figure that this crate is held to.
#[derive(Debug)]
pub struct Target {
    pub what: String,
    pub unit: &'static str,
    pub limit: Limit,
    pub value: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
pub enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    pub fn at_most(
        what: impl Into<String>,
        unit: &'static str,
        limit: f64,
        value: Option<f64>,
    ) -> Self {
        Self {
            what: what.into(),
            unit,
            limit: Limit::AtMost(limit),
            value,
        }
    }

    pub fn at_least(
        what: impl Into<String>,
        unit: &'static str,
        limit: f64,
        value: Option<f64>,
    ) -> Self {
        Self {
            what: what.into(),
            unit,
            limit: Limit::AtLeast(limit),
            value,
        }
    }

    pub fn met(&self) -> Option<bool> {
        self.value.map(|value| match self.limit {
            Limit::AtMost(limit) => value <= limit,
            Limit::AtLeast(limit) => value >= limit,
        })
    }
}

pub fn targets(targets: &[Target]) -> String {
    let mut table = Table::new(["what", "target", "measured", ""]);
    for target in targets {
        let limit = match target.limit {
            Limit::AtMost(limit) => format!("at most {}{}", number(limit), target.unit),
            Limit::AtLeast(limit) => format!("at least {}{}", number(limit), target.unit),
        };
        let value = target
            .value
            .map_or("–".to_owned(), |value| number(value) + target.unit);
        let met = match target.met() {
            Some(true) => "met",
            Some(false) => "**not met**",
            None => "not measured",
        };
        table.row([target.what.clone(), limit, value, met.to_owned()]);
    }
    table.markdown()
}

/// The rows of one scenario.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a>(pub &'a [Row]);

impl Rows<'_> {
    fn of(&self, line: &str, contender: Contender) -> impl Iterator<Item = &Row> {
        self.0
            .iter()
            .filter(move |row| row.line == line && row.contender == contender && !row.gave_up)
    }

    /// How often it did not end in time.
    pub fn gave_up(&self, line: &str, contender: Contender) -> usize {
        let rows = self.0.iter().filter(|row| row.line == line);
        rows.filter(|row| row.contender == contender && row.gave_up)
            .count()
    }

    /// The contenders of a line, in their usual order.
    pub fn contenders(&self, line: &str) -> Vec<Contender> {
        let rows = self.0.iter().filter(|row| row.line == line);
        let mut contenders: Vec<Contender> = rows.map(|row| row.contender).collect();
        contenders.sort();
        contenders.dedup();
        contenders
    }

    /// A figure of each repetition.
    pub fn each(
        &self,
        line: &str,
        contender: Contender,
        figure: impl Fn(&Row) -> Option<f64>,
    ) -> Vec<f64> {
        self.of(line, contender).filter_map(figure).collect()
    }

    pub fn median(
        &self,
        line: &str,
        contender: Contender,
        figure: impl Fn(&Row) -> Option<f64>,
    ) -> Option<f64> {
        median(self.each(line, contender, figure))
    }

    /// The largest of all repetitions, for what must never happen.
    pub fn worst(
        &self,
        line: &str,
        contender: Contender,
        figure: impl Fn(&Row) -> Option<f64>,
    ) -> Option<f64> {
        self.of(line, contender)
            .filter_map(figure)
            .max_by(f64::total_cmp)
    }

    /// The median of the ratios within a repetition: this contender's figure over another's, which may stand on
    /// another line.
    pub fn ratio(
        &self,
        this: (&str, Contender),
        base: (&str, Contender),
        figure: impl Fn(&Row) -> Option<f64>,
    ) -> Option<f64> {
        self.within(this, base, figure, |this, base| this / base)
    }

    /// The median, within a repetition, of what one contender's figure is more than another's.
    pub fn more(
        &self,
        this: (&str, Contender),
        base: (&str, Contender),
        figure: impl Fn(&Row) -> Option<f64>,
    ) -> Option<f64> {
        self.within(this, base, figure, |this, base| this - base)
    }

    fn within(
        &self,
        (line, contender): (&str, Contender),
        (base_line, base): (&str, Contender),
        figure: impl Fn(&Row) -> Option<f64>,
        compare: impl Fn(f64, f64) -> f64,
    ) -> Option<f64> {
        let compared = self.of(line, contender).filter_map(|row| {
            let mut bases = self.of(base_line, base);
            let base = bases.find(|base| base.repetition == row.repetition)?;
            Some(compare(figure(row)?, figure(base)?)).filter(|value| value.is_finite())
        });
        median(compared.collect())
    }

    /// This contender's figure over OpenTelemetry's of the same line.
    pub fn to_opentelemetry(
        &self,
        line: &str,
        contender: Contender,
        figure: impl Fn(&Row) -> Option<f64>,
    ) -> Option<f64> {
        self.ratio((line, contender), (line, Contender::Opentelemetry), figure)
    }
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

pub fn maybe(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), number)
}

/// A Markdown table.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<T: Into<String>>(head: impl IntoIterator<Item = T>) -> Self {
        Self {
            rows: vec![head.into_iter().map(Into::into).collect()],
        }
    }

    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub fn markdown(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for (n, row) in self.rows.iter().enumerate() {
            for (column, width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                let space = " ".repeat(width - cell.chars().count());
                // Names to the left, figures to the right.
                let _ = if column == 0 {
                    write!(text, "| {cell}{space} ")
                } else {
                    write!(text, "| {space}{cell} ")
                };
            }
            text.push_str("|\n");
            if n == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let line = "-".repeat(*width);
                    let _ = if column == 0 {
                        write!(text, "|-{line}-")
                    } else {
                        write!(text, "|-{line}:")
                    };
                }
                text.push_str("|\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_of_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }
}
