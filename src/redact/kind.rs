//! What a name says about the value under it, and what a member is for in its object.

/// What a field name says about its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    #[default]
    Plain,
    /// The value is a secret.
    Secret,
    /// A plural such as `cookies`: secrets, or the number of them.
    Secrets,
    /// The value is a secret if it looks like one: `auth`, `session`, `pass`.
    Maybe,
    /// The value is a secret if it looks like one and is no id: `session_id`.
    Handle,
    /// The value is a secret if it is a short number.
    Pin,
    /// `PWD`: the value is a secret unless it is the path of a directory.
    Pwd,
    /// The value is a secret if it is a row of a dozen words.
    Phrase,
    /// A key of something: the value is a secret if it could be nothing else: `acme_key`.
    Opaque,
    /// The value is a phone number if it has enough digits.
    Phone,
    /// The value is the name of a thing and no card, whatever its digits: `order_id`, `isbn`.
    Id,
}

impl Kind {
    /// Whether strings under the name go, whatever they look like.
    #[inline]
    pub(crate) fn hides(self) -> bool {
        matches!(self, Self::Secret | Self::Secrets)
    }
}

/// What a member is for in an object like `{"name": …, "value": …}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    #[default]
    Other,
    Label,
    Value,
    /// Where something was typed: `"element": "Password field"`, `"selector": "#password"`.
    Element,
    /// What was typed there: a value if it is one word.
    Typed,
    /// `type`, which only `password` makes a label of.
    Type,
    /// `op` and `path` of a JSON Patch.
    Operation,
    Path,
    /// An object of texts about fields, named like them: `errors`, `labels`.
    About,
    /// `kind` of a Kubernetes object.
    Kind,
    /// `data` of a Kubernetes secret.
    Data,
    Schema,
    /// The names of columns, whose rows follow.
    Columns,
    /// An array under the plural of a sensitive name, whose elements are secrets if they look like some.
    Items,
    /// Names and their values, one after another.
    Turns,
    /// `kty` of a JSON Web Key, and a private number of one.
    KeyType,
    KeyPart,
    /// A key, where it stands beside what it is given out with.
    Issued,
    /// A code, which the template of a message may tell to one person.
    Code,
}

/// Whether the walk through an event has an interest in a member for its name. Without it, each is kept for the walk: a
/// typical event takes 4 160 instructions more (of 21 900).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Interest {
    /// None: the name says nothing, of its value or to its neighbours.
    #[default]
    None,
    /// In the company of others alone: the `op` of a patch.
    Beside,
    /// Its value may say what another is: a `name` that stands beside a `value`.
    Label,
    /// Another may say what its value is.
    Labelled,
    Always,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_sure_hides_whatever_stands_there() {
        assert!(Kind::Secret.hides() && Kind::Secrets.hides());
        for kind in [
            Kind::Plain,
            Kind::Maybe,
            Kind::Handle,
            Kind::Pin,
            Kind::Pwd,
            Kind::Phrase,
            Kind::Opaque,
            Kind::Phone,
            Kind::Id,
        ] {
            assert!(!kind.hides(), "{kind:?}");
        }
        assert_eq!(
            (Kind::default(), Role::default()),
            (Kind::Plain, Role::Other)
        );
    }
}
