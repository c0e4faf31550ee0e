//! What a finding is called: its class, its mark, and the count that travels with the event.

use std::borrow::Cow;
use std::fmt;

/// What kind of secret or personal data a rule looks for.
///
/// Each class has a mark that takes the place of what was found, for example
/// `[REDACTED_EMAIL]`, and a lower-case name under which findings are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// An e-mail address.
    Email,
    /// A provider's key or token, and the credentials of an `Authorization` scheme.
    Key,
    /// A JSON Web Token, complete or truncated.
    Jwt,
    /// A private key in PEM or a similar armour.
    PrivateKey,
    /// A password inside a URL.
    Password,
    /// A value under a sensitive name, in JSON or as an assignment in text.
    Field,
    /// A payment card number.
    Card,
    /// A phone number.
    Phone,
    /// An international bank account number.
    Iban,
    /// A social security number of the United States or Switzerland, or the digits behind `PESEL` or `TCKN`.
    Ssn,
    /// A national insurance number of the United Kingdom.
    Nino,
    /// An IP address. Off by default.
    Ip,
    /// The address of a crypto wallet. Off by default.
    Wallet,
}

impl Class {
    /// Every class, in the order in which counts are reported.
    pub const ALL: &'static [Self] = &[
        Self::Email,
        Self::Key,
        Self::Jwt,
        Self::PrivateKey,
        Self::Password,
        Self::Field,
        Self::Card,
        Self::Phone,
        Self::Iban,
        Self::Ssn,
        Self::Nino,
        Self::Ip,
        Self::Wallet,
    ];

    /// Returns the name under which findings of this class are counted.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Key => "key",
            Self::Jwt => "jwt",
            Self::PrivateKey => "private_key",
            Self::Password => "password",
            Self::Field => "field",
            Self::Card => "card",
            Self::Phone => "phone",
            Self::Iban => "iban",
            Self::Ssn => "ssn",
            Self::Nino => "nino",
            Self::Ip => "ip",
            Self::Wallet => "wallet",
        }
    }

    /// Returns the mark that takes the place of a finding of this class.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Email => "[REDACTED_EMAIL]",
            Self::Key => "[REDACTED_KEY]",
            Self::Jwt => "[REDACTED_JWT]",
            Self::PrivateKey => "[REDACTED_PRIVATE_KEY]",
            Self::Password => "[REDACTED_PASSWORD]",
            Self::Field => "[REDACTED_FIELD]",
            Self::Card => "[REDACTED_CARD]",
            Self::Phone => "[REDACTED_PHONE]",
            Self::Iban => "[REDACTED_IBAN]",
            Self::Ssn => "[REDACTED_SSN]",
            Self::Nino => "[REDACTED_NINO]",
            Self::Ip => "[REDACTED_IP]",
            Self::Wallet => "[REDACTED_WALLET]",
        }
    }

    /// Whether it is about a person, and not what gives access to something.
    pub(crate) const fn is_personal(self) -> bool {
        match self {
            Self::Key | Self::Jwt | Self::PrivateKey | Self::Password | Self::Field => false,
            Self::Email
            | Self::Card
            | Self::Phone
            | Self::Iban
            | Self::Ssn
            | Self::Nino
            | Self::Ip
            | Self::Wallet => true,
        }
    }

    pub(crate) const fn tag(self) -> Tag {
        Tag(self as u8)
    }
}

/// A class by number: the built-in ones first, then the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(pub(crate) u8);

/// How the member begins that counts what was found in an event, behind its other members.
pub(crate) const COUNTS: &[u8] = br#","redactions":{"#;

/// What every mark begins with. A value that begins with it was redacted before and stays.
pub(crate) const MARK_START: &[u8] = b"[REDACTED_";

/// What the word in a mark begins with.
pub(crate) const MARK_WORD: &[u8] = MARK_START.split_at(1).1;

/// How many classes there can be, so that counting needs no allocation.
pub(crate) const MAX_CLASSES: usize = 64;

/// So many secrets of one event are looked for at other places.
pub(crate) const MOST_NAMED: usize = 8;

/// Findings per class, and the secrets that were found under a name in a text that was cut: they go wherever else they
/// stand in the event.
#[derive(Clone)]
pub(crate) struct Counts {
    findings: [u32; MAX_CLASSES],
    named: Vec<Box<[u8]>>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            findings: [0; MAX_CLASSES],
            named: Vec::new(),
        }
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts")
            .field("named", &self.named.len())
            .finish_non_exhaustive()
    }
}

impl Counts {
    pub(crate) fn add(&mut self, tag: Option<Tag>) {
        if let Some(count) = tag.and_then(|tag| self.findings.get_mut(usize::from(tag.0))) {
            *count = count.saturating_add(1);
        }
    }

    /// Whether there is any.
    pub(crate) fn any(&self) -> bool {
        self.findings.iter().any(|count| *count > 0)
    }

    /// Adds what was found elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.findings.iter_mut().zip(&other.findings) {
            *count = count.saturating_add(*more);
        }
        for secret in &other.named {
            self.remember(secret);
        }
    }

    /// Remembers a secret that was found under a name.
    pub(crate) fn remember(&mut self, secret: &[u8]) {
        if self.named.len() < MOST_NAMED && !self.named.iter().any(|known| **known == *secret) {
            self.named.push(secret.into());
        }
    }

    pub(crate) fn named(&self) -> &[Box<[u8]>] {
        &self.named
    }

    /// The counts, by the numbers of the classes.
    pub(crate) fn all(&self) -> &[u32] {
        &self.findings
    }
}

/// The name and the mark of a class, built in or the user's.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) name: Cow<'static, str>,
    pub(crate) mark: Cow<'static, str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_name_and_a_mark_of_its_own() {
        for (index, class) in Class::ALL.iter().enumerate() {
            assert_eq!(usize::from(class.tag().0), index);
            let mark = format!("[REDACTED_{}]", class.name().to_uppercase());
            assert_eq!(class.mark(), mark);
            assert!(class.mark().as_bytes().starts_with(MARK_START));
        }
    }

    #[test]
    fn counts_are_of_classes_and_add_up() {
        let (mut counts, mut more) = (Counts::default(), Counts::default());
        assert!(!counts.any());
        counts.add(Some(Class::Key.tag()));
        counts.add(None);
        more.add(Some(Class::Key.tag()));
        counts.merge(&more);
        assert_eq!(counts.all().get(usize::from(Class::Key.tag().0)), Some(&2));
        assert_eq!(counts.all().iter().sum::<u32>(), 2);
    }
}
