//! What was found, as a list.

use std::fmt;

use crate::config::setting::Setting;

/// The result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It is as it should be.
    Good,
    /// It works, but deserves a look.
    Doubtful,
    /// It prevents events from being delivered.
    Bad,
    /// It was not checked; the detail says why.
    Skipped,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was checked.
    pub name: &'static str,
    /// The result.
    pub state: State,
    /// What was found.
    pub detail: String,
}

impl Finding {
    pub(super) fn new(name: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self {
            name,
            state,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.state {
            State::Good => "ok",
            State::Doubtful => "warn",
            State::Bad => "FAIL",
            State::Skipped => "-",
        };
        write!(f, "{mark:<5}{:<16}{}", self.name, self.detail)
    }
}

/// The result of [`UsageLogger::check`](crate::UsageLogger::check). Prints as a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The effective settings; none if the logger is off. Hooks, sampling and other settings that most loggers do without are
    /// listed only if they are set.
    pub settings: Vec<Setting>,
    /// What was checked, in order.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Returns whether nothing was found that prevents events from being delivered. A logger that is
    /// off delivers none.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|f| f.state != State::Bad)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Setting {
            name,
            value,
            origin,
        } in &self.settings
        {
            writeln!(f, "     {name:<20}{value} ({origin})")?;
        }
        for (n, finding) in self.findings.iter().enumerate() {
            let end = if n > 0 { "\n" } else { "" };
            write!(f, "{end}{finding}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_keeps_events_back_makes_a_report_unhealthy() {
        let report = |states: &[State]| Report {
            settings: Vec::new(),
            findings: states
                .iter()
                .map(|&state| Finding::new("endpoint", state, "d"))
                .collect(),
        };
        assert!(report(&[]).is_healthy());
        assert!(report(&[State::Good, State::Doubtful, State::Skipped]).is_healthy());
        assert!(!report(&[State::Good, State::Bad]).is_healthy());
        let printed = report(&[State::Bad, State::Skipped]).to_string();
        let (bad, skipped) = printed.split_once('\n').unwrap();
        assert!(
            bad.starts_with("FAIL ") && skipped.starts_with("-    "),
            "{printed}"
        );
        assert!(!printed.ends_with('\n'));
    }
}
