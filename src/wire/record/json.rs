//! A value as it stands in JSON text.

use std::borrow::Cow;
use std::str::FromStr;

use crate::capture::escape;

/// What a value is, by its first byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum JsonKind {
    /// There is none.
    #[default]
    Absent,
    Null,
    False,
    True,
    Number,
    /// A text that is spelled as it is.
    Text,
    /// A text that has escapes.
    Escaped,
    List,
    Object,
}

/// A value, or none, as it stands in JSON text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Json<'j> {
    json: &'j str,
    pub(crate) kind: JsonKind,
}

/// A part of a text: it stands there as it is, or as an escape.
pub(crate) enum Piece<'j> {
    Plain(&'j str),
    Escaped(char),
}

impl Piece<'_> {
    /// How many bytes it has as text.
    pub(crate) const fn bytes(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Escaped(character) => character.len_utf8(),
        }
    }
}

impl<'j> Json<'j> {
    pub(crate) const ABSENT: Self = Self {
        json: "",
        kind: JsonKind::Absent,
    };

    pub(super) const fn new(json: &'j str, kind: JsonKind) -> Self {
        Self { json, kind }
    }

    /// The JSON that it is, if there is a value.
    pub(crate) fn get(self) -> Option<&'j str> {
        (self.kind != JsonKind::Absent).then_some(self.json)
    }

    /// As [`get`](Self::get), and nothing where there is none.
    pub(crate) const fn as_str(self) -> &'j str {
        self.json
    }

    /// This value, where it is there, else another.
    pub(crate) fn or(self, other: Self) -> Self {
        match self.kind {
            JsonKind::Absent => other,
            _ => self,
        }
    }

    /// This value, where it is there and `keeps` is true.
    pub(crate) const fn only_if(self, keeps: bool) -> Self {
        match keeps {
            true => self,
            false => Self::ABSENT,
        }
    }

    pub(crate) const fn is_text(self) -> bool {
        matches!(self.kind, JsonKind::Text | JsonKind::Escaped)
    }

    pub(crate) fn is_true(self) -> bool {
        self.kind == JsonKind::True
    }

    /// What stands between the quotes of a text that is spelled as it is.
    #[inline]
    pub(crate) fn plain(self) -> Option<&'j str> {
        match self.kind {
            JsonKind::Text => Some(self.between_quotes()),
            _ => None,
        }
    }

    /// As [`plain`](Self::plain), in bytes.
    #[inline(always)]
    pub(crate) fn plain_bytes(self) -> Option<&'j [u8]> {
        let end = self.json.len().saturating_sub(1);
        let bytes = self.json.as_bytes().get(1..end);
        bytes.filter(|_| self.kind == JsonKind::Text)
    }

    #[inline]
    fn between_quotes(self) -> &'j str {
        let end = self.json.len().saturating_sub(1);
        self.json.get(1..end).unwrap_or_default()
    }

    /// The text that it is, if it is one.
    pub(crate) fn text(self) -> Option<Cow<'j, str>> {
        match self.kind {
            JsonKind::Text => Some(Cow::Borrowed(self.between_quotes())),
            JsonKind::Escaped => self.unescaped().map(Cow::Owned),
            _ => None,
        }
    }

    /// The text that it is, if that is not empty.
    pub(crate) fn present(self) -> Option<Cow<'j, str>> {
        self.text().filter(|text| !text.is_empty())
    }

    /// Whether it is this text.
    pub(crate) fn is(self, text: &str) -> bool {
        match self.kind {
            JsonKind::Text => self.plain_bytes() == Some(text.as_bytes()),
            JsonKind::Escaped => self.unescaped().as_deref() == Some(text),
            _ => false,
        }
    }

    /// The number that it is, if it is one of such.
    pub(crate) fn number<N: FromStr>(self) -> Option<N> {
        match self.kind {
            JsonKind::Number => self.json.parse().ok(),
            _ => None,
        }
    }

    #[cold]
    fn unescaped(self) -> Option<String> {
        let mut text = String::with_capacity(self.json.len());
        for piece in self.pieces() {
            match piece? {
                Piece::Plain(plain) => text.push_str(plain),
                Piece::Escaped(character) => text.push(character),
            }
        }
        Some(text)
    }

    /// The parts of a text; `None` for half of a surrogate pair, which is none.
    pub(crate) fn pieces(self) -> impl Iterator<Item = Option<Piece<'j>>> {
        let mut rest = match self.is_text() {
            true => self.between_quotes(),
            false => "",
        };
        std::iter::from_fn(move || {
            let (piece, behind) = match rest.strip_prefix('\\') {
                Some(spelled) => {
                    let escape = escape(spelled)?;
                    let piece = escape.character.map(Piece::Escaped);
                    (piece, spelled.get(escape.bytes..))
                }
                None if rest.is_empty() => return None,
                None => {
                    let end = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
                    (rest.get(..end).map(Piece::Plain), rest.get(end..))
                }
            };
            rest = behind.unwrap_or_default();
            Some(piece)
        })
    }
}
