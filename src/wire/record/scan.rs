//! Steps over JSON text, once and without recursion, as far as it is JSON.

use smallvec::SmallVec;

use super::json::{Json, JsonKind};
use crate::capture::{escape, escapes};

/// A place in a text. What is no JSON is stepped over by none of the methods, which then return `None`.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'j> {
    text: &'j str,
    at: usize,
}

/// Where a name or a value stands in a text, and what it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    start: usize,
    end: usize,
    pub(crate) kind: JsonKind,
}

/// What a value consists of, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A list or an object begins.
    Open,
    /// The innermost of them ends.
    Close,
    Name(Place),
    /// A value that is neither.
    Scalar(Place),
}

impl Place {
    /// How many bytes it has.
    pub(crate) const fn bytes(self) -> usize {
        self.end - self.start
    }

    /// What stands there.
    #[inline(always)]
    pub(crate) fn of(self, text: &str) -> Option<Json<'_>> {
        Some(Json::new(text.get(self.start..self.end)?, self.kind))
    }
}

impl<'j> Scanner<'j> {
    pub(crate) const fn new(text: &'j str) -> Self {
        Self { text, at: 0 }
    }

    /// Reads bytes as far as they are UTF-8.
    pub(crate) fn of(bytes: &'j [u8]) -> Self {
        let text = str::from_utf8(bytes).or_else(|fault| {
            let sound = bytes.get(..fault.valid_up_to()).unwrap_or_default();
            str::from_utf8(sound)
        });
        Self::new(text.unwrap_or_default())
    }

    /// What stands at a place of its text.
    pub(crate) fn json(&self, place: Place) -> Json<'j> {
        place.of(self.text).unwrap_or_default()
    }

    /// The bytes of a text that is spelled as it is.
    #[inline(always)]
    pub(super) fn plain(&self, place: Place) -> Option<&'j [u8]> {
        let is_plain = place.kind == JsonKind::Text;
        let bytes = self.text.as_bytes().get(place.start + 1..place.end - 1);
        bytes.filter(|_| is_plain)
    }

    /// What was stepped over since this one stood elsewhere in the same text.
    pub(super) fn since(&self, before: &Self) -> &'j str {
        self.text.get(before.at..self.at).unwrap_or_default()
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over white space; the byte behind it.
    #[inline(always)]
    pub(crate) fn next_byte(&mut self) -> Option<u8> {
        match self.peek()? {
            byte if byte > b' ' => Some(byte),
            _ => self.next_behind_space(),
        }
    }

    #[cold]
    fn next_behind_space(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Steps over a byte, and white space in front of it, if it is the next.
    #[inline(always)]
    pub(crate) fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.next_byte() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Steps over a value.
    #[inline(always)]
    pub(crate) fn value(&mut self) -> Option<Json<'j>> {
        let first = self.next_byte()?;
        let place = match first {
            b'{' | b'[' => self.container(first)?,
            _ => self.scalar(first)?,
        };
        place.of(self.text)
    }

    #[inline(never)]
    fn container(&mut self, first: u8) -> Option<Place> {
        let kind = match first {
            b'{' => JsonKind::Object,
            _ => JsonKind::List,
        };
        let start = self.at;
        self.walk(&mut |_| Some(()))?;
        let end = self.at;
        Some(Place { start, end, kind })
    }

    /// Steps over a value; where that is an object, `read` steps over the value of each of its members.
    #[inline(always)]
    pub(crate) fn members(
        &mut self,
        mut read: impl FnMut(&mut Self, Place) -> Option<()>,
    ) -> Option<()> {
        if !self.takes(b'{') {
            return self.value().map(drop);
        }
        if self.takes(b'}') {
            return Some(());
        }
        loop {
            let name = self.name()?;
            read(self, name)?;
            let byte = self.next_byte()?;
            self.at += 1;
            match byte {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Steps over a value, and tells of each of its parts. `None`, too, where `see` returns that.
    #[inline(always)]
    pub(crate) fn walk(&mut self, see: &mut impl FnMut(Step) -> Option<()>) -> Option<()> {
        // The last bytes of the containers that are open: of the innermost, and of those around it.
        let (mut end, mut outer) = (0, SmallVec::<[u8; 32]>::new());
        loop {
            let first = self.next_byte()?;
            if matches!(first, b'{' | b'[') {
                self.at += 1;
                see(Step::Open)?;
                outer.push(end);
                end = if first == b'{' { b'}' } else { b']' };
                if self.next_byte()? != end {
                    if end == b'}' {
                        see(Step::Name(self.name()?))?;
                    }
                    continue;
                }
            } else {
                see(Step::Scalar(self.scalar(first)?))?;
            }
            loop {
                if outer.is_empty() {
                    return Some(());
                }
                let byte = self.next_byte()?;
                self.at += 1;
                if byte == b',' {
                    if end == b'}' {
                        see(Step::Name(self.name()?))?;
                    }
                    break;
                }
                if byte != end {
                    return None;
                }
                see(Step::Close)?;
                end = outer.pop()?;
            }
        }
    }

    /// Steps over a name and the colon behind it.
    #[inline(always)]
    fn name(&mut self) -> Option<Place> {
        let name = match self.next_byte()? {
            b'"' => self.string()?,
            _ => return None,
        };
        self.takes(b':').then_some(name)
    }

    #[inline(always)]
    fn scalar(&mut self, first: u8) -> Option<Place> {
        match first {
            b'"' => self.string(),
            b't' => self.word("true", JsonKind::True),
            b'f' => self.word("false", JsonKind::False),
            b'n' => self.word("null", JsonKind::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, kind: JsonKind) -> Option<Place> {
        let (start, end) = (self.at, self.at + word.len());
        let is_it = self.text.as_bytes().get(start..end)? == word.as_bytes();
        self.at = end;
        is_it.then_some(Place { start, end, kind })
    }

    /// Steps over a string, whose opening quote is next.
    #[inline(always)]
    fn string(&mut self) -> Option<Place> {
        let start = self.at;
        let end = start + 1 + plain(self.text.as_bytes().get(start + 1..)?);
        let kind = JsonKind::Text;
        if self.text.as_bytes().get(end) == Some(&b'"') {
            let end = end + 1;
            self.at = end;
            return Some(Place { start, end, kind });
        }
        self.escaped_string(end)
    }

    /// Steps over a string up to whose byte `at` nothing is escaped.
    #[cold]
    fn escaped_string(&mut self, at: usize) -> Option<Place> {
        let start = std::mem::replace(&mut self.at, at);
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    let (end, kind) = (self.at, JsonKind::Escaped);
                    return Some(Place { start, end, kind });
                }
                b'\\' => self.at += 1 + escape(self.text.get(self.at + 1..)?)?.bytes,
                _ => return None,
            }
            self.at += plain(self.text.as_bytes().get(self.at..)?);
        }
    }

    #[inline(never)]
    fn number(&mut self) -> Option<Place> {
        let start = self.at;
        let bytes = self.text.as_bytes().get(start..)?;
        let mut at = usize::from(bytes.first() == Some(&b'-'));
        // No other digit stands behind a zero in front.
        at = match bytes.get(at)? {
            b'0' => at + 1,
            _ => digits(bytes, at)?,
        };
        if bytes.get(at) == Some(&b'.') {
            at = digits(bytes, at + 1)?;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            let is_signed = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
            at = digits(bytes, at + 1 + usize::from(is_signed))?;
        }
        let (end, kind) = (start + at, JsonKind::Number);
        self.at = end;
        Some(Place { start, end, kind })
    }
}

/// The end of one digit or more.
#[inline(always)]
fn digits(bytes: &[u8], start: usize) -> Option<usize> {
    let digits = bytes.get(start..)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit());
    let count = end.unwrap_or(digits.len());
    (count > 0).then_some(start + count)
}

impl<'j> Json<'j> {
    /// Reads a text that is one value and nothing else.
    #[cfg(test)]
    pub(crate) fn read(text: &'j str) -> Self {
        let mut scanner = Scanner::new(text);
        let value = scanner.value().filter(|_| scanner.next_byte().is_none());
        value.unwrap_or_default()
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> {
        let mut scanner = Scanner::new(self.as_str());
        let mut has_more = self.kind == JsonKind::List && scanner.takes(b'[');
        std::iter::from_fn(move || {
            // An empty list has no value where its first item would be.
            let item = has_more.then(|| scanner.value()).flatten();
            has_more = item.is_some() && scanner.takes(b',');
            item
        })
    }

    /// The members of an object, each with its name; none of anything else.
    pub(crate) fn members(self) -> impl Iterator<Item = (Self, Self)> {
        let mut scanner = Scanner::new(self.as_str());
        let mut has_more = self.kind == JsonKind::Object && scanner.takes(b'{');
        std::iter::from_fn(move || {
            let member = || Some((scanner.name()?.of(scanner.text)?, scanner.value()?));
            let member = has_more.then(member).flatten();
            has_more = member.is_some() && scanner.takes(b',');
            member
        })
    }
}

/// Whether a text has nothing to escape.
#[inline]
pub(crate) fn is_plain(text: &str) -> bool {
    plain(text.as_bytes()) == text.len()
}

/// How many bytes stand in front of a quote, an escape or a control character.
#[inline(always)]
fn plain(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((sixteen, more)) = rest.split_first_chunk() {
        let found = escapes(sixteen);
        if found != 0 {
            return bytes.len() - rest.len() + found.trailing_zeros() as usize;
        }
        rest = more;
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    bytes.len() - rest.len() + rest.iter().position(ends).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
    use serde_json::value::RawValue;

    use super::*;

    /// The members of an object as `serde_json` reads them, each as the JSON that it is.
    struct Members<'j>(Vec<(&'j str, &'j str)>);

    impl<'j> Deserialize<'j> for Members<'j> {
        fn deserialize<D: Deserializer<'j>>(json: D) -> Result<Self, D::Error> {
            struct Read;
            impl<'j> Visitor<'j> for Read {
                type Value = Members<'j>;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'j>>(self, mut read: A) -> Result<Members<'j>, A::Error> {
                    let mut members = Vec::new();
                    while let Some((name, value)) = read.next_entry::<&RawValue, &RawValue>()? {
                        members.push((name.get(), value.get()));
                    }
                    Ok(Members(members))
                }
            }
            json.deserialize_map(Read)
        }
    }

    /// Holds a text against what `serde_json` makes of it.
    fn agrees(text: &str) -> Result<(), TestCaseError> {
        let read = serde_json::from_str::<&RawValue>(text).ok();
        let json = Json::read(text);
        prop_assert_eq!(json.get(), read.map(RawValue::get), "{}", text);
        let members = serde_json::from_str::<Members<'_>>(text).map(|read| read.0);
        let own = json
            .members()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        prop_assert_eq!(own.collect::<Vec<_>>(), members.unwrap_or_default());
        let items = serde_json::from_str::<Vec<&RawValue>>(text).unwrap_or_default();
        let items: Vec<_> = items.into_iter().map(RawValue::get).collect();
        let own = json.items().map(Json::as_str);
        prop_assert_eq!(own.collect::<Vec<_>>(), items);
        for (name, value) in json.members() {
            for text in [name, value] {
                let read = serde_json::from_str::<String>(text.as_str()).ok();
                prop_assert_eq!(text.text().map(|text| text.into_owned()), read.clone());
                prop_assert_eq!(text.is(read.as_deref().unwrap_or("x")), read.is_some());
            }
            agrees(value.as_str())?;
        }
        json.items().try_for_each(|item| agrees(item.as_str()))
    }

    fn json() -> impl Strategy<Value = String> {
        const SPACE: &str = "[ \n\t\r]{0,2}";
        let spelled = prop::sample::select(vec![
            r#""""#,
            r#""\u0041""#,
            r#""\ud83d\ude00""#,
            r#""\ud83d""#,
            r#""\ude00x""#,
            r#""\/\b\f\\""#,
            r#""\"""#,
            r#""\x""#,
            r#""\u12""#,
            "\"\u{7f}é\"",
            "\"\n\"",
            "tru",
            "null",
            "true",
            "false",
            "nul1",
            "-0",
            "01",
            "1.",
            "1.5e-3",
            "1E400",
            "-",
            ".5",
            "123456789012345678901234567890",
        ]);
        let text = "[ -~é😀]{0,40}".prop_map(|text| serde_json::to_string(&text).unwrap());
        let scalar = prop_oneof![
            spelled.prop_map(str::to_owned),
            text.clone(),
            any::<f64>().prop_map(|n| n.to_string())
        ];
        let name = prop_oneof![4 => text, 1 => "\"[ab]\"", 1 => Just(r#""\u0061""#.to_owned())];
        let part = |value: BoxedStrategy<String>| {
            (SPACE, value, SPACE).prop_map(|(before, value, behind)| before + &value + &behind)
        };
        scalar.prop_recursive(5, 60, 6, move |inner| {
            let items = proptest::collection::vec(part(inner.clone().boxed()), 0..6);
            let member = (part(name.clone().boxed()), part(inner.boxed()));
            let members = proptest::collection::vec(member, 0..6);
            prop_oneof![
                items.prop_map(|items| format!("[{}]", items.join(","))),
                members.prop_map(|members| {
                    let members = members
                        .iter()
                        .map(|(name, value)| format!("{name}:{value}"));
                    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_is_read_as_serde_json_reads_it(
            json in json(),
            at: prop::sample::Index,
            other in prop::sample::select(r#"{}[]:,"\ 0-e.tu"#.chars().collect::<Vec<_>>()),
        ) {
            agrees(&json)?;
            // One character is another, or the end.
            let at = at.index(json.chars().count());
            let changed = json.chars().enumerate();
            let changed: String = changed.map(|(n, char)| if n == at { other } else { char }).collect();
            agrees(&changed)?;
            agrees(&json.chars().take(at).collect::<String>())?;
        }
    }

    #[test]
    fn no_depth_is_too_deep() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(Json::read(&deep(100_000)).get(), Some(&*deep(100_000)));
        assert_eq!(Json::read(&deep(100_000)[1..]), Json::ABSENT);
    }
}
