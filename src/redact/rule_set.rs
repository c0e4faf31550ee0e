//! The rules of one redactor: which classes are on, the user's names, patterns and closure.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use crate::redact::catalogue::patterns::Pattern;
use crate::redact::class::{self, Class, Label};
use crate::redact::judge::name;
use crate::redact::kind::Kind;
use crate::redact::read::bytes;

/// A closure of the user.
type Custom = dyn Fn(&str) -> Cow<'_, str> + Send + Sync;

/// Everything a redaction needs to know.
pub(crate) struct RuleSet {
    /// Tells these rules from all others of the process, for what threads remember of them.
    pub(crate) id: u32,
    /// Replaces all other rules.
    pub(crate) custom: Option<Box<Custom>>,
    /// A bit for each built-in class.
    pub(crate) on: u32,
    /// Names in lower case, letters and digits only.
    pub(crate) deny: Vec<String>,
    pub(crate) allow: Vec<String>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) labels: Vec<Label>,
    /// The same rules but for personal data, made when they are needed.
    secrets: OnceLock<Arc<Self>>,
    #[cfg(feature = "pseudonyms")]
    pub(crate) pseudonyms: Option<crate::pseudonym::Pseudonyms>,
}

impl Default for RuleSet {
    fn default() -> Self {
        let mut on = 0;
        for class in Class::ALL {
            if !matches!(class, Class::Ip | Class::Wallet) {
                on |= 1 << class.tag().0;
            }
        }
        let labels = Class::ALL
            .iter()
            .map(|class| Label {
                name: class.name().into(),
                mark: class.mark().into(),
            })
            .collect();
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            custom: None,
            on,
            deny: Vec::new(),
            allow: Vec::new(),
            patterns: Vec::new(),
            labels,
            secrets: OnceLock::new(),
            #[cfg(feature = "pseudonyms")]
            pseudonyms: None,
        }
    }
}

impl RuleSet {
    /// A closure in place of all rules.
    pub(crate) fn custom(custom: Box<Custom>) -> Self {
        let mut rules = Self {
            custom: Some(custom),
            on: 0,
            ..Self::default()
        };
        rules.labels = vec![Label {
            name: "custom".into(),
            mark: "[REDACTED_CUSTOM]".into(),
        }];
        rules
    }

    /// The rules for keys and tokens, and the user's own: all but those for personal data.
    pub(crate) fn of_secrets(self: &Arc<Self>) -> Arc<Self> {
        if self.custom.is_some() {
            return Arc::clone(self);
        }
        let secrets = self.secrets.get_or_init(|| {
            let personal = Class::ALL.iter().filter(|class| class.is_personal());
            Arc::new(Self {
                on: personal.fold(self.on, |on, class| on & !(1 << class.tag().0)),
                deny: self.deny.clone(),
                allow: self.allow.clone(),
                patterns: self.patterns.clone(),
                labels: self.labels.clone(),
                ..Self::default()
            })
        });
        Arc::clone(secrets)
    }

    /// Whether code or patterns of the user run, which may panic.
    pub(crate) fn is_users(&self) -> bool {
        self.custom.is_some() || !self.patterns.is_empty()
    }

    pub(crate) fn is_on(&self, class: Class) -> bool {
        self.on >> class.tag().0 & 1 == 1
    }

    /// Whether any built-in class is on.
    pub(crate) fn has_builtin(&self) -> bool {
        self.on != 0
    }

    /// What a field name says about its value, after the user's own names.
    #[inline]
    pub(crate) fn judge(&self, name: &[u8]) -> Kind {
        if !self.deny.is_empty() || !self.allow.is_empty() {
            let plain = normalized(name);
            if has(&self.allow, &plain) {
                return Kind::Plain;
            }
            if has(&self.deny, &plain) {
                return Kind::Secret;
            }
        }
        let kind = if self.is_on(Class::Field) {
            name::judge(name)
        } else {
            Kind::Plain
        };
        // A name with a mark in it was no plain name before; what stands under it was judged then.
        if kind != Kind::Plain
            && name.len() >= class::MARK_START.len()
            && bytes::find(name, class::MARK_START).is_some()
        {
            return Kind::Plain;
        }
        kind
    }

    /// Whether the user said that everything under this name goes.
    pub(crate) fn denies(&self, name: &[u8]) -> bool {
        !self.deny.is_empty() && has(&self.deny, &normalized(name))
    }
}

/// Whether a normalized name is one of the user's.
fn has(names: &[String], plain: &[u8]) -> bool {
    names.iter().any(|name| name.as_bytes() == plain)
}

/// A name in lower case without separators, so that `customer_ref`, `customerRef` and `Customer-Ref` are one.
pub(crate) fn normalized(name: &[u8]) -> Vec<u8> {
    name.iter()
        .filter(|b| b.is_ascii_alphanumeric() || **b >= 0x80)
        .map(u8::to_ascii_lowercase)
        .collect()
}

/// A rule of the user panicked: what it should have judged must not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a redaction rule of the user panicked")]
pub(crate) struct RuleFailed;

/// Runs rules of the user, which may panic; the built-in ones do not.
pub(crate) fn guarded<R>(rules: &RuleSet, f: impl FnOnce() -> R) -> Result<R, RuleFailed> {
    if rules.is_users() {
        catch_unwind(AssertUnwindSafe(f)).map_err(|_| RuleFailed)
    } else {
        Ok(f())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_user_come_first() {
        let rules = RuleSet {
            deny: vec!["customerref".to_owned()],
            allow: vec!["apikey".to_owned()],
            ..RuleSet::default()
        };
        for name in ["customer_ref", "customerRef", "Customer-Ref"] {
            assert_eq!(rules.judge(name.as_bytes()), Kind::Secret, "{name}");
        }
        assert_eq!(rules.judge(b"api_key"), Kind::Plain);
        assert_eq!(rules.judge(b"password"), Kind::Secret);
        assert_eq!(
            rules.judge(b"[REDACTED_EMAIL] password"),
            Kind::Plain,
            "judged before"
        );
    }

    #[test]
    fn rules_for_secrets_alone_are_made_once() {
        let rules = Arc::new(RuleSet::default());
        let secrets = rules.of_secrets();
        assert!(rules.is_on(Class::Email) && !secrets.is_on(Class::Email));
        assert!(secrets.is_on(Class::Key));
        assert!(Arc::ptr_eq(&secrets, &rules.of_secrets()));
        assert!(!rules.is_on(Class::Ip) && rules.has_builtin() && !rules.is_users());
    }

    #[test]
    fn a_rule_of_the_user_that_panics_is_an_error() {
        let rules = RuleSet::custom(Box::new(|text| text.into()));
        assert_eq!(
            guarded(&rules, || -> u8 { panic!("a rule") }),
            Err(RuleFailed)
        );
        assert_eq!(guarded(&rules, || 7), Ok(7));
    }
}
