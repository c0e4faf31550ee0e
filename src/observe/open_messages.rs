//! The requests of a conversation that are not answered yet.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use crate::base::random::Keyed;
use crate::event::{CallOutcome, Session};
use crate::logger::CallGuard;
use crate::mcp::message::{MessageId, RpcResponse};
use crate::queue::Reservation;

/// The most requests that wait for an answer; beyond that the oldest is dropped. A client may send any number.
const MAX_AWAITED: usize = 4_096;

/// What one conversation waits for.
#[derive(Default)]
pub(super) struct OpenMessages {
    /// Each under a hash of its id, which a client may have made as long as a message.
    awaited: VecDeque<(u64, Awaited)>,
    /// An inner server records the request itself.
    gave_way: bool,
}

/// A request without an answer so far.
pub(super) enum Awaited {
    Call(OpenedCall),
    /// A call of the tool for missing capabilities, which the server does not have: the client gets our answer in place of
    /// the server's.
    Capability(OpenedCall, CapabilityAnswer),
    Listing(Box<OpenedListing>),
    /// The answer describes the server.
    ServerInfo,
}

/// What the tool for missing capabilities answers, or what is wrong with the call.
pub(super) type CapabilityAnswer = Result<&'static str, &'static str>;

impl Awaited {
    pub(super) fn into_call(self) -> Option<OpenedCall> {
        match self {
            Self::Call(call) | Self::Capability(call, _) => Some(call),
            Self::Listing(_) | Self::ServerInfo => None,
        }
    }

    /// Ends it without an answer. How a call ends is not known then.
    pub(super) fn end_unknown(self) {
        if let Some(call) = self.into_call() {
            call.record.finish(CallOutcome::Unknown);
        }
    }
}

/// A call without an answer so far.
pub(super) struct OpenedCall {
    pub(super) record: CallGuard,
    pub(super) round: u32,
}

/// A request to list tools, without an answer so far.
pub(super) struct OpenedListing {
    /// It asks for the first page.
    pub(super) is_first: bool,
    /// Which page it asks for: a hash of the cursor.
    pub(super) page: u64,
    pub(super) session: Session<'static>,
    /// The session's memory.
    pub(super) _held: Reservation,
}

impl OpenMessages {
    /// Whether another integration records the messages.
    pub(super) const fn gave_way(&self) -> bool {
        self.gave_way
    }

    /// Whether no request waits for an answer.
    pub(super) fn is_empty(&self) -> bool {
        self.awaited.is_empty()
    }

    /// Leaves all messages, including later ones, to another integration.
    pub(super) fn give_way(&mut self) {
        self.gave_way = true;
        self.take_calls().for_each(|call| call.record.discard());
    }

    /// Adds a request that waits for an answer; returns the one that is dropped because there are too many.
    pub(super) fn push(&mut self, id: &MessageId, awaited: Awaited) -> Option<Awaited> {
        self.awaited.push_back((hash(id), awaited));
        let beyond = self.awaited.len() > MAX_AWAITED;
        let (_, oldest) = beyond.then(|| self.awaited.pop_front())??;
        Some(oldest)
    }

    /// Whether an answer that may be changed is awaited.
    pub(super) fn awaits_changed(&self) -> bool {
        let mut awaited = self.awaited.iter();
        awaited.any(|(_, awaited)| matches!(awaited, Awaited::Listing(_) | Awaited::Capability(..)))
    }

    /// Whether a page of the tools is waited for, and if so, whether one is the first.
    pub(super) fn awaited_page(&self) -> Option<bool> {
        let pages = self
            .awaited
            .iter()
            .filter_map(|(_, awaited)| match awaited {
                Awaited::Listing(listing) => Some(listing.is_first),
                _ => None,
            });
        pages.reduce(|one, other| one || other)
    }

    /// Takes out what a client cancels, and returns it where it is a call. A server that is cancelled may never answer; what
    /// its answer says of itself is taken all the same.
    pub(super) fn cancel(&mut self, id: &MessageId) -> Option<OpenedCall> {
        let cancelled = hash(id);
        let at = self.awaited.iter().position(|(id, awaited)| {
            *id == cancelled && !matches!(awaited, Awaited::ServerInfo)
        })?;
        self.awaited.remove(at)?.1.into_call()
    }

    /// Takes out what an answer answers. `may_lack_id`: an error without an id is to the one request that is waited for.
    pub(super) fn take(
        &mut self,
        id: &MessageId,
        answer: &RpcResponse<'_>,
        may_lack_id: bool,
    ) -> Option<Awaited> {
        let answered = hash(id);
        let at = self.awaited.iter().position(|(id, _)| *id == answered);
        // A server that could not read the request does not know its id.
        let is_only = may_lack_id
            && *id == MessageId::Absent
            && matches!(answer, RpcResponse::Error { .. })
            && self.awaited.len() == 1;
        let at = at.or(is_only.then_some(0))?;
        Some(self.awaited.remove(at)?.1)
    }

    /// Takes out the calls without an answer.
    pub(super) fn take_calls(&mut self) -> impl Iterator<Item = OpenedCall> + use<> {
        let awaited = std::mem::take(&mut self.awaited).into_iter();
        awaited.filter_map(|(_, awaited)| awaited.into_call())
    }
}

fn hash(id: &MessageId) -> u64 {
    Keyed::default().hash_one(id)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::queue::{Bounds, Ledgers, MIN_QUEUE_BYTES, bounded};

    const RESULT: RpcResponse<'_> = RpcResponse::Result(&Value::Null);
    const ERROR: RpcResponse<'_> = RpcResponse::Error {
        code: -32700,
        message: "parse error",
    };

    fn number(n: u64) -> MessageId {
        MessageId::Number(n.to_string())
    }

    fn call() -> Awaited {
        Awaited::Call(OpenedCall {
            record: CallGuard::disabled(),
            round: 0,
        })
    }

    /// Requests of these ids.
    fn open(ids: impl IntoIterator<Item = MessageId>) -> OpenMessages {
        let mut open = OpenMessages::default();
        for id in ids {
            open.push(&id, Awaited::ServerInfo);
        }
        open
    }

    #[test]
    fn an_answer_takes_out_what_has_its_id_and_once() {
        let mut open = open([number(1), MessageId::Text("1".to_owned()), number(2)]);
        assert!(open.take(&number(7), &RESULT, true).is_none());
        assert!(open.take(&number(1), &RESULT, true).is_some());
        assert!(
            open.take(&number(1), &ERROR, true).is_none(),
            "the text is another id"
        );
        assert!(open.take(&number(2), &ERROR, true).is_some());
        assert!(!open.is_empty());
        assert!(
            open.take(&MessageId::Text("1".to_owned()), &RESULT, true)
                .is_some()
        );
        assert!(open.is_empty());
    }

    #[test]
    fn an_error_without_an_id_answers_the_only_request() {
        let mut one = open([number(1)]);
        assert!(one.take(&MessageId::Absent, &RESULT, true).is_none());
        assert!(one.take(&MessageId::Absent, &ERROR, true).is_some());
        let mut two = open([number(1), number(2)]);
        assert!(two.take(&MessageId::Absent, &ERROR, true).is_none());
    }

    #[test]
    fn a_client_cancels_a_call_or_a_list_and_nothing_else() {
        let mut open = open([number(1)]);
        let bounds = Bounds::for_tests(MIN_QUEUE_BYTES);
        let listing = OpenedListing {
            is_first: true,
            page: 0,
            session: Session::default(),
            _held: bounded(bounds, Ledgers::of_one(Arc::default())).0.reserve(),
        };
        open.push(&number(4), Awaited::Listing(Box::new(listing)));
        assert!(open.awaits_changed());
        assert!(open.cancel(&number(4)).is_none(), "it is no call");
        assert!(!open.awaits_changed());
        open.push(&number(2), call());
        assert!(open.cancel(&number(1)).is_none(), "it is no call");
        assert!(open.cancel(&number(3)).is_none());
        assert!(open.cancel(&number(2)).is_some());
        assert!(open.take(&number(2), &RESULT, false).is_none());
        assert!(open.take(&number(1), &RESULT, false).is_some());
    }

    #[test]
    fn the_oldest_is_given_up_where_too_many_are_waited_for() {
        let mut open = OpenMessages::default();
        for n in 0..MAX_AWAITED as u64 {
            assert!(open.push(&number(n), call()).is_none());
        }
        assert!(open.push(&number(u64::MAX), call()).is_some());
        assert!(open.take(&number(0), &RESULT, false).is_none());
        assert!(open.take(&number(1), &RESULT, false).is_some());
    }

    #[test]
    fn what_another_records_is_left_to_it() {
        let mut open = open([number(1)]);
        assert!(!open.gave_way());
        open.give_way();
        assert!(open.gave_way() && open.is_empty());
        open.push(&number(2), Awaited::ServerInfo);
        assert_eq!(open.take_calls().count(), 0, "it is no call");
        assert!(open.is_empty());
    }
}
