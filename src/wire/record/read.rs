//! A record as a format reads it: once, from its first byte to its last.

use std::borrow::Cow;

use super::json::Json;
use super::names::{Head, HeadName, MetaName, MetaValues, Payload, PayloadName};
use super::scan::{Place, Scanner};
use crate::base::id::{Ids, Instance, uuid};
use crate::event::PLAUSIBLE_MILLIS;
use crate::wire::reo;
use crate::wire::session_ids::is_hash;

/// The members of `meta` that a request for a prompt or a resource has beside those of every event.
const REQUEST_NAMES: [&str; 5] = [
    "duration_ms",
    "error",
    "outcome",
    "prompt_name",
    "resource_uri",
];

/// What an event says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ToolCall,
    PromptGet,
    ResourceRead,
    Init,
    /// A login, a refused login, or whatever the host reports.
    Other,
}

impl Kind {
    fn of(activity: &str, meta: &MetaValues<'_>) -> Self {
        let names = |name| meta.get(name).present().is_some();
        match activity {
            // The host may report its own events by these words, and `before_send` takes a name out.
            "MCP_TOOL_CALL" if names(MetaName::Tool) => Self::ToolCall,
            "MCP_PROMPT_GET" if names(MetaName::PromptName) => Self::PromptGet,
            "MCP_RESOURCE_READ" if names(MetaName::ResourceUri) => Self::ResourceRead,
            "MCP_INIT" => Self::Init,
            _ => Self::Other,
        }
    }

    /// The method of a request.
    pub(crate) const fn method(self) -> Option<&'static str> {
        match self {
            Self::ToolCall => Some("tools/call"),
            Self::PromptGet => Some("prompts/get"),
            Self::ResourceRead => Some("resources/read"),
            Self::Init | Self::Other => None,
        }
    }

    /// Whether a name in `meta` is ours in an event of this kind, and none of the caller's.
    fn is_own_name(self, name: &str) -> bool {
        match self {
            Self::ToolCall | Self::Init => reo::is_own_name(name),
            Self::PromptGet | Self::ResourceRead => {
                reo::is_common_name(name) || REQUEST_NAMES.contains(&name)
            }
            Self::Other => reo::is_common_name(name),
        }
    }
}

/// A member of `meta`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MetaMember<'e> {
    /// The name, where formats ask for it.
    known: Option<MetaName>,
    name: Json<'e>,
    pub(crate) value: Json<'e>,
}

/// Whose name a member of `meta` has.
pub(crate) enum Owner<'e> {
    /// It is one of ours that formats ask for.
    Known(MetaName),
    /// It is another of ours.
    Own(Cow<'e, str>),
    Caller(Cow<'e, str>),
}

impl<'e> MetaMember<'e> {
    /// Whose name it is in an event of a kind.
    #[inline]
    pub(crate) fn owner(self, kind: Kind) -> Owner<'e> {
        if let Some(known) = self.known {
            let is_of_request = matches!(known, MetaName::PromptName | MetaName::ResourceUri);
            // All names that formats ask for are those of calls, but two.
            if kind == Kind::ToolCall && !is_of_request {
                return Owner::Known(known);
            }
        }
        let name = self.name.text().unwrap_or_default();
        match (kind.is_own_name(&name), self.known) {
            (false, _) => Owner::Caller(name),
            (true, Some(known)) => Owner::Known(known),
            (true, None) => Owner::Own(name),
        }
    }
}

/// An event, read from its record.
#[derive(Debug)]
pub(crate) struct Record<'e> {
    pub(crate) activity: Cow<'e, str>,
    pub(crate) kind: Kind,
    event: Payload<'e>,
    meta: MetaValues<'e>,
    meta_members: Vec<MetaMember<'e>>,
    head: Head<'e>,
    /// How a request ended, as one of [`CallOutcome`](crate::event::CallOutcome)'s words.
    pub(crate) outcome: Option<Cow<'e, str>>,
    /// What a request failed with, if that is not empty.
    pub(crate) error: Json<'e>,
}

impl<'e> Record<'e> {
    fn empty() -> Self {
        Self {
            activity: Cow::Borrowed(""),
            kind: Kind::Other,
            event: Payload::default(),
            meta: MetaValues::default(),
            meta_members: Vec::new(),
            head: Head::default(),
            outcome: None,
            error: Json::ABSENT,
        }
    }

    /// Reads an event alone. What is no record has no members.
    pub(crate) fn read(event: &'e [u8]) -> Self {
        let mut only = Self::empty();
        let mut scanner = Scanner::of(event);
        let is_read = only.read_next(&mut scanner).is_some();
        match is_read && scanner.next_byte().is_none() {
            true => only,
            false => Self::empty(),
        }
    }

    /// Reads the events of a batch's parts, in which a comma follows each, up to what is none. `read` gets the event's JSON,
    /// too.
    pub(crate) fn each(parts: &[&'e [u8]], mut read: impl FnMut(&Self, &'e str)) {
        let mut record = Self::empty();
        for part in parts {
            let mut scanner = Scanner::of(part);
            let mut start = scanner.clone();
            while record.read_next(&mut scanner).is_some() {
                read(&record, scanner.since(&start));
                if !scanner.takes(b',') {
                    break;
                }
                start = scanner.clone();
            }
        }
    }

    /// Reads the next event in place of the one before.
    fn read_next(&mut self, scanner: &mut Scanner<'e>) -> Option<()> {
        self.event = Payload::default();
        self.meta = MetaValues::default();
        self.head = Head::default();
        self.meta_members.clear();
        self.read_members(scanner)?;
        self.activity = self
            .event(PayloadName::ActivityType)
            .text()
            .unwrap_or_default();
        self.kind = Kind::of(&self.activity, &self.meta);
        let is_request = self.kind.method().is_some();
        let [outcome, error] = [MetaName::Outcome, MetaName::Error].map(|name| self.meta(name));
        self.outcome = outcome.text().filter(|_| is_request);
        self.error = error.only_if(is_request && error.present().is_some());
        Some(())
    }

    fn read_members(&mut self, scanner: &mut Scanner<'e>) -> Option<()> {
        let mut next = 0;
        let [mut has_meta, mut has_head] = [false; 2];
        scanner.members(|scanner, name| {
            match found(scanner, name, |word| PayloadName::find(word, &mut next)) {
                Some(PayloadName::Meta) if !std::mem::replace(&mut has_meta, true) => {
                    self.read_meta(scanner)
                }
                Some(PayloadName::Head) if !std::mem::replace(&mut has_head, true) => {
                    self.read_head(scanner)
                }
                name => {
                    let value = scanner.value()?;
                    if let Some(name) = name {
                        self.event.set(name, value);
                    }
                    Some(())
                }
            }
        })
    }

    fn read_meta(&mut self, scanner: &mut Scanner<'e>) -> Option<()> {
        let mut next = 0;
        scanner.members(|scanner, name| {
            let known = found(scanner, name, |word| MetaName::find(word, &mut next));
            let value = scanner.value()?;
            if let Some(known) = known {
                self.meta.set(known, value);
            }
            let name = scanner.json(name);
            self.meta_members.push(MetaMember { known, name, value });
            Some(())
        })
    }

    fn read_head(&mut self, scanner: &mut Scanner<'e>) -> Option<()> {
        let mut next = 0;
        scanner.members(|scanner, name| {
            let known = found(scanner, name, |word| HeadName::find(word, &mut next));
            let value = scanner.value()?;
            if let Some(known) = known {
                self.head.set(known, value);
            }
            Some(())
        })
    }

    /// The value under a name of its own.
    pub(crate) fn event(&self, name: PayloadName) -> Json<'e> {
        self.event.get(name)
    }

    /// The value under a name in `meta`.
    pub(crate) fn meta(&self, name: MetaName) -> Json<'e> {
        self.meta.get(name)
    }

    /// The value under a name in its head.
    pub(crate) fn head(&self, name: HeadName) -> Json<'e> {
        self.head.get(name)
    }

    /// All members of `meta`, as they stand one behind another.
    pub(crate) fn meta_members(&self) -> impl Iterator<Item = MetaMember<'e>> {
        self.meta_members.iter().copied()
    }

    /// The id of the user, unless that is nobody: what an anonymous event has tells sessions apart, and no people.
    pub(crate) fn user_id(&self) -> Option<Cow<'e, str>> {
        let id = self.event(PayloadName::UserId).text()?;
        let is_nobody = self.event(PayloadName::UserIdType).is("ANONYMOUS")
            && (id == "anonymous" || id.strip_prefix("anonymous-").is_some_and(is_hash));
        (!is_nobody).then_some(id)
    }

    /// The JSON-RPC code that the request was answered with.
    pub(crate) fn code(&self) -> Option<i64> {
        self.head(HeadName::Code).number()
    }

    /// The event's id as a UUID, which follows from the event alone, so that it is the same however often it is sent.
    pub(crate) fn uuid(&self) -> [u8; 36] {
        let id = self.event(PayloadName::EventId).number();
        let id = id.unwrap_or_default();
        let instance = self.meta(MetaName::Instance).text();
        let instance = instance.and_then(|digits| Instance::parse(&digits));
        let sequence = self.meta(MetaName::Sequence).number();
        // An id that the caller chose has the same UUID wherever it is logged.
        let made_by = instance.zip(sequence).and_then(|(instance, sequence)| {
            (Ids::new(instance).id(sequence) == id).then_some(instance)
        });
        uuid(id, made_by)
    }

    /// How long a request took, in nanoseconds: what `meta` says, which `before_send` may have changed. The head has it
    /// without the rounding.
    pub(crate) fn duration(&self) -> u64 {
        const MILLISECOND: f64 = 1_000_000.0;
        // Half of a hundredth of a millisecond, and what a double of a hundred years is short of.
        const ROUNDING: u64 = 6_000;
        let in_meta = self.meta(MetaName::DurationMs).number::<f64>();
        let in_meta = in_meta.filter(|millis| *millis >= 0.0 && millis.is_finite());
        let in_meta = in_meta.map(|millis| (millis * MILLISECOND) as u64);
        let exact = self.head(HeadName::Duration).number::<u64>();
        match (in_meta, exact) {
            (Some(said), Some(exact)) if said.abs_diff(exact) > ROUNDING => said,
            (said, exact) => exact.or(said).unwrap_or_default(),
        }
    }

    /// Start and end in nanoseconds since 1970.
    pub(crate) fn times(&self) -> [u64; 2] {
        const MILLISECOND: u64 = 1_000_000;
        const SECOND: u64 = 1_000_000_000;
        let duration = match self.kind.method() {
            Some(_) => self.duration(),
            None => 0,
        };
        // No receiver takes a call for one that began before there were any, however long it took.
        let [first, last] = [PLAUSIBLE_MILLIS.start(), PLAUSIBLE_MILLIS.end()]
            .map(|millis| (*millis as u64).saturating_mul(MILLISECOND));
        if let Some(end) = self.head(HeadName::End).number::<u64>() {
            let start = end.saturating_sub(duration);
            return [start.max(first).min(end), end];
        }
        let start = self.head(HeadName::Start).number();
        let start = start.unwrap_or_else(|| {
            let seconds = self.event(PayloadName::EventAt).number::<u64>();
            seconds.unwrap_or_default().saturating_mul(SECOND)
        });
        let end = start.saturating_add(duration);
        [start, end.min(last).max(start)]
    }
}

/// What `find` finds under a name as it stands in JSON; one that is no text counts as empty.
#[inline(always)]
fn found<N>(
    scanner: &Scanner<'_>,
    name: Place,
    mut find: impl FnMut(&[u8]) -> Option<N>,
) -> Option<N> {
    match scanner.plain(name) {
        Some(word) => find(word),
        None => {
            let name = scanner.json(name).text();
            find(name.unwrap_or_default().as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(parts: &[&[u8]]) -> Vec<String> {
        let mut sources = Vec::new();
        Record::each(parts, |record, _| {
            let source = record.event(PayloadName::Source).text();
            sources.push(source.unwrap_or_default().into_owned());
        });
        sources
    }

    #[test]
    fn the_events_of_parts_are_told_from_one_another() {
        let part = br#"{"source":"},{"},{"b":[{}],"source":"x"}, {"meta":{"source":1}} ,"#;
        assert_eq!(
            sources(&[part, br#"{"source":"y"}"#]),
            ["},{", "x", "", "y"]
        );
        assert_eq!(sources(&[b"", b","]), [""; 0]);
    }

    #[test]
    fn what_is_no_event_ends_its_part() {
        for (part, read) in [
            (
                &br#"{"source":"a"},{"source":"b","c":},{"source":"d"},"#[..],
                1,
            ),
            (b"{\"source\":\"a\"},{\"source\":\"\xff\"},", 1),
            (br#"{"source":"a"};{"source":"b"},"#, 1),
            (br#"{"source":"a"}{"source":"b"},"#, 1),
            (br#"{"source":"a"},7,{"source":"b"},"#, 3),
        ] {
            assert_eq!(sources(&[part]).len(), read, "{}", part.escape_ascii());
        }
    }

    #[test]
    fn members_are_read_in_any_order_and_the_first_of_a_name_counts() {
        let record = Record::read(
            br#" { "head" : {"code": -7, "end":1,"code":8}, "meta" : {"outcome":"ok", "own":2,
            "t\u006fol":"t", "tool":"u"}, "meta":{"error":"e"}, "activity_type":"MCP_TOOL_CALL" , "user_id":3 } "#,
        );
        assert!(record.kind == Kind::ToolCall && record.code() == Some(-7));
        assert_eq!(record.outcome.as_deref(), Some("ok"));
        assert!(record.meta(MetaName::Tool).is("t") && record.error == Json::ABSENT);
        assert_eq!(record.event(PayloadName::UserId).as_str(), "3");
        let values = record.meta_members().map(|member| member.value.as_str());
        assert_eq!(
            values.collect::<Vec<_>>(),
            ["\"ok\"", "2", "\"t\"", "\"u\""]
        );
    }

    #[test]
    fn what_is_no_record_has_no_members() {
        for text in [
            "",
            "7",
            "[]",
            r#"{"source":"x"}}"#,
            r#"{"source":"x",}"#,
            r#"{"meta":[],"head":7}"#,
        ] {
            let record = Record::read(text.as_bytes());
            assert_eq!(record.event(PayloadName::Source), Json::ABSENT, "{text}");
            assert!(record.kind == Kind::Other && record.meta_members().next().is_none());
        }
    }

    #[test]
    fn a_name_is_ours_by_the_kind_of_its_event() {
        let kinds = [
            ("MCP_TOOL_CALL", Kind::ToolCall),
            ("MCP_PROMPT_GET", Kind::PromptGet),
            ("MCP_RESOURCE_READ", Kind::ResourceRead),
            ("MCP_INIT", Kind::Init),
            ("LOGIN", Kind::Other),
        ];
        for (activity, kind) in kinds {
            let names = MetaName::ALL.iter().map(|name| name.as_str());
            let names: Vec<_> = names.chain(["round", "mine"]).collect();
            let meta: Vec<_> = names
                .iter()
                .map(|name| format!("\"{name}\":\"x\""))
                .collect();
            let meta = meta.join(",");
            let record = format!(r#"{{"activity_type":"{activity}","meta":{{{meta}}}}}"#);
            let record = Record::read(record.as_bytes());
            assert_eq!(record.kind, kind);
            for (member, name) in record.meta_members().zip(names) {
                let own = match member.owner(kind) {
                    Owner::Known(known) => Some(known.as_str().to_owned()),
                    Owner::Own(own) => Some(own.into_owned()),
                    Owner::Caller(given) => {
                        assert_eq!(given, name);
                        None
                    }
                };
                assert_eq!(
                    own.as_deref(),
                    kind.is_own_name(name).then_some(name),
                    "{activity}"
                );
            }
        }
    }
}
