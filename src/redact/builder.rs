//! Choosing the rules.

use std::sync::Arc;

use crate::base::causes::debug_with_causes;
use crate::redact::catalogue::patterns::Pattern;
use crate::redact::class::{Class, Label, MAX_CLASSES, Tag};
use crate::redact::redactor::{Mode, Redactor};
use crate::redact::rule_set::{RuleSet, normalized};

/// Chooses the rules of a [`Redactor`]: starts from the built-in ones.
///
/// # Examples
///
/// ```
/// use mcp_usage::redact::{Class, Redactor};
///
/// let redactor = Redactor::builder()
///     .deny_name("customer_ref")
///     .allow_name("design_token")
///     .pattern("employee_id", r"\bEMP-\d{6}\b")
///     .enable(Class::Ip)
///     .disable(Class::Phone)
///     .build()?;
/// assert_eq!(redactor.redact_str("EMP-123456 from 203.0.113.7"), "[REDACTED_EMPLOYEE_ID] from [REDACTED_IP]");
/// # Ok::<(), mcp_usage::redact::RedactorError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RedactorBuilder {
    deny: Vec<String>,
    allow: Vec<String>,
    patterns: Vec<(String, String, String)>,
    switches: Vec<(Class, bool)>,
    #[cfg(feature = "pseudonyms")]
    pseudonyms: Option<crate::pseudonym::Pseudonyms>,
}

debug_with_causes!(RedactorError);

/// Why a redactor could not be built.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RedactorError {
    /// A name given to `deny_name` or `allow_name` has no letter or digit.
    #[error("`{setting}`: the name {name:?} has no letter or digit")]
    EmptyName {
        /// The setting.
        setting: &'static str,
        /// The name as given.
        name: String,
    },
    /// A name is in both lists.
    #[error("`deny_name` and `allow_name`: {name:?} is in both")]
    DeniedAndAllowed {
        /// The name as given to `allow_name`.
        name: String,
    },
    /// The class name of a pattern is not a lower-case word such as `employee_id`, or is that of a built-in class.
    #[error("`pattern`: the class name {name:?} {fault}")]
    ClassName {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A pattern is not a regular expression of the `regex` crate.
    #[error("`pattern`: the expression for {name:?} cannot be used")]
    Pattern {
        /// The class name of the pattern.
        name: String,
        /// What is wrong with the expression.
        #[source]
        source: Box<regex::Error>,
    },
    /// A pattern matches the empty text, and so would match everywhere.
    #[error("`pattern`: the expression for {name:?} matches the empty text")]
    MatchesEmpty {
        /// The class name of the pattern.
        name: String,
    },
    /// There are more classes of your own than can be counted.
    #[error("`pattern`: more than {limit} classes")]
    TooManyClasses {
        /// How many there may be.
        limit: usize,
    },
}

impl RedactorBuilder {
    /// Hides every value under this name, in JSON and in assignments.
    ///
    /// Case and separators do not matter: `customer_ref` is also `customerRef` and `Customer-Ref`. Denied names
    /// are hidden whatever the built-in rules say, even if [`Class::Field`] is off.
    pub fn deny_name(mut self, name: impl Into<String>) -> Self {
        self.deny.push(name.into());
        self
    }

    /// Keeps the value under this name, although the built-in rules call the name sensitive.
    ///
    /// The value is still searched for keys, e-mail addresses and the like.
    pub fn allow_name(mut self, name: impl Into<String>) -> Self {
        self.allow.push(name.into());
        self
    }

    /// Replaces every match of the regular expression with the mark of a class of your own.
    ///
    /// `employee_id` is counted under this name, and its mark is `[REDACTED_EMPLOYEE_ID]`. The expression is
    /// matched against one string at a time (field names and values, escapes decoded), never across strings. Prefix
    /// it with `(?-u)` where ASCII is enough: it compiles about a hundred times faster.
    pub fn pattern(self, class_name: impl Into<String>, regex: impl Into<String>) -> Self {
        self.pattern_with_anchor(class_name, "", regex)
    }

    /// As [`pattern`](Self::pattern), for an expression whose every match contains this text.
    ///
    /// A string without the anchor is not searched. This saves time if an expression begins with something common, for
    /// example `(?-u)\b[A-Z0-9]{8}@ACME\b` with the anchor `@ACME`.
    pub fn pattern_with_anchor(
        mut self,
        class_name: impl Into<String>,
        anchor: impl Into<String>,
        regex: impl Into<String>,
    ) -> Self {
        self.patterns
            .push((class_name.into(), anchor.into(), regex.into()));
        self
    }

    /// Switches a class on.
    pub fn enable(mut self, class: Class) -> Self {
        self.switches.push((class, true));
        self
    }

    /// Switches a class off.
    pub fn disable(mut self, class: Class) -> Self {
        self.switches.push((class, false));
        self
    }

    /// Replaces e-mail addresses by keyed hashes, so that you can still count people.
    #[cfg(feature = "pseudonyms")]
    pub fn pseudonyms(mut self, pseudonyms: crate::pseudonym::Pseudonyms) -> Self {
        self.pseudonyms = Some(pseudonyms);
        self
    }

    /// Checks the settings and builds the redactor.
    ///
    /// # Errors
    ///
    /// [`RedactorError`] names the setting and what is wrong with it.
    pub fn build(self) -> Result<Redactor, RedactorError> {
        let mut rules = RuleSet::default();
        for (class, on) in self.switches {
            let bit = 1 << class.tag().0;
            rules.on = if on { rules.on | bit } else { rules.on & !bit };
        }
        rules.deny = names("deny_name", self.deny)?;
        for name in &self.allow {
            if rules
                .deny
                .iter()
                .any(|denied| denied.as_bytes() == normalized(name.as_bytes()))
            {
                return Err(RedactorError::DeniedAndAllowed { name: name.clone() });
            }
        }
        rules.allow = names("allow_name", self.allow)?;
        for (name, anchor, expression) in self.patterns {
            let tag = class(&mut rules.labels, &name)?;
            let regex =
                regex::bytes::Regex::new(&expression).map_err(|source| RedactorError::Pattern {
                    name: name.clone(),
                    source: Box::new(source),
                })?;
            if regex.is_match(b"") {
                return Err(RedactorError::MatchesEmpty { name });
            }
            rules.patterns.push(Pattern::new(&anchor, regex, tag));
        }
        #[cfg(feature = "pseudonyms")]
        {
            rules.pseudonyms = self.pseudonyms;
        }
        Ok(Redactor {
            mode: Mode::RuleSet(Arc::new(rules)),
        })
    }
}

fn names(setting: &'static str, names: Vec<String>) -> Result<Vec<String>, RedactorError> {
    names
        .into_iter()
        .map(
            |name| match String::from_utf8(normalized(name.as_bytes())) {
                Ok(plain) if !plain.is_empty() => Ok(plain),
                _ => Err(RedactorError::EmptyName { setting, name }),
            },
        )
        .collect()
}

/// The number of the user's class, which two patterns may share.
fn class(labels: &mut Vec<Label>, name: &str) -> Result<Tag, RedactorError> {
    let fault = |fault| RedactorError::ClassName {
        name: name.to_owned(),
        fault,
    };
    if name.is_empty() || name.len() > 40 {
        return Err(fault("must have 1 to 40 characters"));
    }
    if !name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    {
        return Err(fault("must consist of lower-case letters, digits and `_`"));
    }
    if Class::ALL.iter().any(|class| class.name() == name) {
        return Err(fault("is the name of a built-in class"));
    }
    let index = match labels.iter().position(|label| label.name == name) {
        Some(index) => index,
        None => {
            if labels.len() == MAX_CLASSES {
                return Err(RedactorError::TooManyClasses {
                    limit: MAX_CLASSES - Class::ALL.len(),
                });
            }
            let mark = format!("[REDACTED_{}]", name.to_ascii_uppercase());
            labels.push(Label {
                name: name.to_owned().into(),
                mark: mark.into(),
            });
            labels.len() - 1
        }
    };
    Ok(Tag(index as u8))
}

impl Redactor {
    /// Starts from the built-in rules.
    pub fn builder() -> RedactorBuilder {
        RedactorBuilder::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(builder: RedactorBuilder) -> String {
        builder.build().expect_err("a fault").to_string()
    }

    #[test]
    fn a_name_needs_a_letter_and_stands_in_one_list() {
        assert!(fault(Redactor::builder().deny_name("--")).contains("`deny_name`"));
        assert!(fault(Redactor::builder().allow_name("")).contains("`allow_name`"));
        let both = Redactor::builder()
            .deny_name("customerRef")
            .allow_name("customer_ref");
        assert!(fault(both).contains("\"customer_ref\" is in both"));
    }

    #[test]
    fn a_class_is_a_small_word_of_the_users_own() {
        for (name, what) in [
            ("", "1 to 40"),
            ("Employee", "lower-case"),
            ("email", "built-in"),
        ] {
            assert!(fault(Redactor::builder().pattern(name, "x")).contains(what));
        }
        let many = (0..MAX_CLASSES).fold(Redactor::builder(), |builder, n| {
            builder.pattern(format!("class_{n}"), "(?-u)x")
        });
        assert!(fault(many).contains("more than"));
    }

    #[test]
    fn an_expression_is_one_that_matches_something() {
        assert!(fault(Redactor::builder().pattern("a", "(")).contains("cannot be used"));
        assert!(fault(Redactor::builder().pattern("a", "x*")).contains("the empty text"));
    }

    #[test]
    fn an_expression_with_an_anchor_is_searched_where_that_stands() {
        let redactor = Redactor::builder()
            .pattern_with_anchor("part", "@ACME", r"(?-u)\b[A-Z0-9]{4}(@ACME)?\b")
            .build()
            .unwrap();
        let redacted = redactor.redact_str("AB12@ACME, CD34");
        assert_eq!(redacted, "[REDACTED_PART], [REDACTED_PART]");
        assert_eq!(redactor.redact_str("AB12, CD34"), "AB12, CD34");
    }

    #[test]
    fn two_expressions_may_share_a_class() {
        let many = (0..MAX_CLASSES).fold(Redactor::builder(), |builder, n| {
            builder.pattern("part", format!("(?-u)P{n}-[0-9]+"))
        });
        let redacted = many.build().unwrap().redact_str("P0-1, P1-2").into_owned();
        assert_eq!(redacted, "[REDACTED_PART], [REDACTED_PART]");
    }
}
