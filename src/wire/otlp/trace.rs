//! The ids of a span, and where it stands in a trace.

use std::borrow::Cow;

use super::protobuf::Message;
use crate::base::id::read;
use crate::base::siphash::siphash128;
use crate::event::{is_traceparent, is_tracestate};
use crate::wire::record::{HeadName, Json, MetaName, Record};

/// The flag of a span that is kept, as a `traceparent` has it.
const SAMPLED: u32 = 1;
/// It is known whether the parent is in another process, and it is.
const KNOWS_PARENT: u32 = 0x100;
const PARENT_IS_REMOTE: u32 = 0x200;

/// The ids of a span.
pub(super) struct Ids<'e> {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    pub(super) state: Option<Cow<'e, str>>,
    pub(super) flags: u32,
    /// The HTTP request, where the MCP request has another parent.
    pub(super) link: Option<Link<'e>>,
}

/// What a `traceparent` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Context {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

impl Context {
    fn parse(text: &str) -> Option<Self> {
        if !is_traceparent(text) {
            return None;
        }
        let mut parts = text.split('-').skip(1);
        let mut part = || parts.next().unwrap_or_default();
        let [trace, span, flags] = [part(), part(), part()];
        Some(Self {
            trace: read(trace)?,
            span: read(span)?,
            flags: u8::from_be_bytes(read(flags)?),
        })
    }
}

/// Another request that a span belongs to.
pub(super) struct Link<'e> {
    context: Context,
    state: Option<Cow<'e, str>>,
}

impl Link<'_> {
    pub(super) fn write(&self, link: &mut Message<'_>) {
        let context = &self.context;
        link.bytes(1, &context.trace);
        link.bytes(2, &context.span);
        if let Some(state) = &self.state {
            link.bytes(3, state.as_bytes());
        }
        link.fixed32(
            6,
            u32::from(context.flags) | KNOWS_PARENT | PARENT_IS_REMOTE,
        );
    }
}

impl<'e> Ids<'e> {
    pub(super) fn of(record: &Record<'e>) -> Self {
        let context = |text: Json<'_>| Context::parse(&text.text()?);
        let (trace, span) = own_ids(record);
        let state = |name| {
            record
                .head(name)
                .text()
                .filter(|state| is_tracestate(state))
        };
        let link = context(record.head(HeadName::Link)).map(|context| Link {
            context,
            state: state(HeadName::LinkState),
        });
        let Some(parent) = context(record.meta(MetaName::Traceparent)) else {
            return Self {
                trace,
                span,
                parent: None,
                state: None,
                flags: SAMPLED | KNOWS_PARENT,
                link,
            };
        };
        Self {
            trace: parent.trace,
            span,
            parent: Some(parent.span),
            state: state(HeadName::Tracestate),
            flags: u32::from(parent.flags) | KNOWS_PARENT | PARENT_IS_REMOTE,
            link,
        }
    }
}

/// The ids of an event follow from its UUID, so that they are the same however often it is sent. Whatever a record says of
/// its logger and its sequence, two events of other ids have other spans: only those of equal ids are kept apart.
fn own_ids(record: &Record<'_>) -> ([u8; 16], [u8; 8]) {
    let trace = siphash128([0; 16], &record.uuid());
    let span = siphash128(trace, b"span");
    let [first, ..] = span.as_chunks().0 else {
        return (trace, [1; 8]);
    };
    // All zeros are no id.
    let trace = u128::from_be_bytes(trace).max(1).to_be_bytes();
    (trace, u64::from_be_bytes(*first).max(1).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::base::id::{Ids as LoggerIds, Instance};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    fn ids_of<R>(id: i64, meta: &str, head: &str, see: impl FnOnce(Ids<'_>) -> R) -> R {
        let record = format!(r#"{{"event_id":{id},"meta":{meta},"head":{head}}}"#);
        see(Ids::of(&Record::read(record.as_bytes())))
    }

    fn ids<R>(meta: &str, head: &str, see: impl FnOnce(Ids<'_>) -> R) -> R {
        ids_of(7, meta, head, see)
    }

    #[test]
    fn ids_follow_from_the_logger_and_its_sequence_else_from_the_id_alone() {
        let of = |instance: char, sequence: u64, id: Option<i64>| {
            let instance = instance.to_string().repeat(16);
            let made = LoggerIds::new(Instance::parse(&instance).unwrap()).id(sequence);
            let meta = format!(r#"{{"instance":"{instance}","sequence":{sequence}}}"#);
            let id = id.unwrap_or(made);
            ids_of(id, &meta, "{}", |ids| (ids.trace, ids.span))
        };
        let all = (1..1_000).flat_map(|n| ['a', 'b'].map(|instance| of(instance, n, None)));
        let (traces, spans): (HashSet<_>, HashSet<_>) = all.unzip();
        assert_eq!((traces.len(), spans.len()), (1_998, 1_998));
        assert_eq!(of('a', 1, None), of('a', 1, None));
        // One that the caller has chosen is the same event wherever it is logged, and another id is another event.
        assert_eq!(of('a', 1, Some(7)), of('b', 2, Some(7)));
        assert_ne!(of('a', 1, Some(7)), of('a', 1, Some(8)));
    }

    #[test]
    fn a_parent_gives_its_trace_its_flags_and_its_state() {
        let meta = format!(r#"{{"traceparent":"{PARENT}"}}"#);
        let other = PARENT.replace("b7ad6b7169203331-00", "00000000000000ff-01");
        let head = format!(r#"{{"tracestate":"a=1","link":"{other}","link_state":"b=2"}}"#);
        ids(&meta, &head, |ids| {
            let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128;
            assert_eq!(ids.trace, trace.to_be_bytes());
            assert_eq!(ids.parent, Some(0xb7ad_6b71_6920_3331_u64.to_be_bytes()));
            assert_eq!((ids.flags, ids.state.as_deref()), (0x300, Some("a=1")));
            let Link { context, state } = ids.link.unwrap();
            assert_eq!((context.span, context.flags), (0xff_u64.to_be_bytes(), 1));
            assert_eq!(state.as_deref(), Some("b=2"));
        });
    }

    #[test]
    fn what_is_no_parent_leaves_a_span_of_its_own_that_keeps_its_link() {
        for meta in ["{}", r#"{"traceparent":"x"}"#, r#"{"traceparent":7}"#] {
            let head = format!(r#"{{"tracestate":"a=1","link":"{PARENT}"}}"#);
            ids(meta, &head, |ids| {
                assert!(ids.parent.is_none() && ids.state.is_none());
                assert_eq!(
                    ids.link.unwrap().context.span,
                    0xb7ad_6b71_6920_3331_u64.to_be_bytes()
                );
                assert_eq!(ids.flags, 0x101);
            });
        }
    }
}
