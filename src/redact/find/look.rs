//! What a rule is given: the part of a text, what the redactor's own rules say of names, and where findings go.

use std::cell::Cell;
use std::ops::Deref;

use crate::redact::class::Class;
use crate::redact::find::tools::Tools;
use crate::redact::kind::Kind;
use crate::redact::read::scope::{Found, Scope};
use crate::redact::rule_set::RuleSet;

/// A scope, and the redactor that looks at it.
pub(crate) struct Look<'a> {
    scope: Scope<'a>,
    rules: &'a RuleSet,
    tools: &'a Cell<Tools>,
    hidden: &'a mut Vec<Found>,
}

impl<'a> Deref for Look<'a> {
    type Target = Scope<'a>;

    #[inline(always)]
    fn deref(&self) -> &Scope<'a> {
        &self.scope
    }
}

impl<'a> Look<'a> {
    #[inline]
    pub(crate) fn new(
        scope: Scope<'a>,
        rules: &'a RuleSet,
        tools: &'a Cell<Tools>,
        hidden: &'a mut Vec<Found>,
    ) -> Self {
        Self {
            scope,
            rules,
            tools,
            hidden,
        }
    }

    /// What a field name says about its value.
    pub(crate) fn judge(&self, name: &[u8]) -> Kind {
        self.rules.judge(name)
    }

    /// Whether a tool that takes a password is named near before `to`, where a word begins.
    pub(crate) fn is_near_tool(&self, to: usize) -> bool {
        let mut tools = self.tools.get();
        let near = tools.are_near(&self.scope, to);
        self.tools.set(tools);
        near
    }

    /// Reports that bytes `from..to` are a secret of this class. For rules that find several at one place.
    pub(crate) fn hide(&mut self, from: usize, to: usize, class: Class) {
        self.hidden.push(Found::new(from, to, class));
    }

    /// Reports what another rule found, if anything.
    pub(crate) fn report(&mut self, found: impl Into<Option<Found>>) {
        self.hidden.extend(found.into());
    }
}
