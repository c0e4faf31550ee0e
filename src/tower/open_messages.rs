//! The messages of a request that are not answered yet.

use std::hash::BuildHasher;

use crate::base::random::Keyed;
use crate::event::Session;
use crate::logger::CallGuard;
use crate::mcp::message::{MessageId, RpcResponse};

/// What one exchange waits for.
#[derive(Default)]
pub(super) struct OpenMessages {
    /// Each under a hash of its id, which a client may have made as long as a message.
    awaited: Vec<(u64, Awaited)>,
    /// The client of an `initialize`: its name and its version.
    pub(super) client: Option<(String, String)>,
    /// The session that the answer to an `initialize` opens.
    pub(super) session_id: Option<String>,
    /// A server within records the request itself.
    gave_way: bool,
}

/// A request that is not answered yet.
pub(super) enum Awaited {
    Call(OpenedCall),
    Listing(Box<OpenedListing>),
    /// What the answer says of the server.
    ServerInfo,
}

/// A call that is not answered yet.
pub(super) struct OpenedCall {
    pub(super) record: CallGuard,
    pub(super) round: u32,
}

/// A request to list tools that is not answered yet.
#[derive(Default)]
pub(super) struct OpenedListing {
    /// It asks for the first page.
    pub(super) is_first: bool,
    pub(super) session: Session<'static>,
}

impl OpenMessages {
    /// Whether the messages are somebody else's to record.
    pub(super) const fn gave_way(&self) -> bool {
        self.gave_way
    }

    /// Whether nothing is waited for.
    pub(super) fn is_empty(&self) -> bool {
        self.awaited.is_empty()
    }

    /// Leaves the messages, those that come included, to somebody else.
    pub(super) fn give_way(&mut self) {
        self.gave_way = true;
        self.take_calls().for_each(|call| call.record.discard());
    }

    pub(super) fn push(&mut self, id: &MessageId, awaited: Awaited) {
        self.awaited.push((hash(id), awaited));
    }

    /// Takes out what an answer answers.
    pub(super) fn take(&mut self, id: &MessageId, answer: &RpcResponse<'_>) -> Option<Awaited> {
        let answered = hash(id);
        let at = self.awaited.iter().position(|(id, _)| *id == answered);
        // A server that could not read the request does not know its id.
        let is_only = *id == MessageId::Absent
            && matches!(answer, RpcResponse::Error { .. })
            && self.awaited.len() == 1;
        let at = at.or(is_only.then_some(0))?;
        Some(self.awaited.remove(at).1)
    }

    /// Takes out the calls without an answer.
    pub(super) fn take_calls(&mut self) -> impl Iterator<Item = OpenedCall> + use<> {
        let awaited = std::mem::take(&mut self.awaited).into_iter();
        awaited.filter_map(|(_, awaited)| match awaited {
            Awaited::Call(call) => Some(call),
            Awaited::Listing(_) | Awaited::ServerInfo => None,
        })
    }
}

fn hash(id: &MessageId) -> u64 {
    Keyed::default().hash_one(id)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const RESULT: RpcResponse<'_> = RpcResponse::Result(&Value::Null);
    const ERROR: RpcResponse<'_> = RpcResponse::Error {
        code: -32700,
        message: "parse error",
    };

    fn number(n: u64) -> MessageId {
        MessageId::Number(n.to_string())
    }

    /// Listings under these ids.
    fn open(ids: impl IntoIterator<Item = MessageId>) -> OpenMessages {
        let mut open = OpenMessages::default();
        for id in ids {
            open.push(&id, Awaited::Listing(Box::default()));
        }
        open
    }

    #[test]
    fn an_answer_takes_out_what_has_its_id_and_once() {
        let mut open = open([number(1), MessageId::Text("1".to_owned()), number(2)]);
        assert!(open.take(&number(7), &RESULT).is_none());
        assert!(open.take(&number(1), &RESULT).is_some());
        assert!(
            open.take(&number(1), &ERROR).is_none(),
            "the text is another id"
        );
        assert!(open.take(&number(2), &ERROR).is_some());
        assert!(!open.is_empty());
        assert!(
            open.take(&MessageId::Text("1".to_owned()), &RESULT)
                .is_some()
        );
        assert!(open.is_empty());
    }

    #[test]
    fn an_error_without_an_id_answers_the_only_request() {
        let mut one = open([number(1)]);
        assert!(one.take(&MessageId::Absent, &RESULT).is_none());
        assert!(one.take(&MessageId::Absent, &ERROR).is_some());
        let mut two = open([number(1), number(2)]);
        assert!(two.take(&MessageId::Absent, &ERROR).is_none());
    }

    #[test]
    fn what_another_records_is_left_to_it() {
        let mut open = open([number(1)]);
        assert!(!open.gave_way());
        open.give_way();
        assert!(open.gave_way() && open.is_empty());
        open.push(&number(2), Awaited::Listing(Box::default()));
        assert_eq!(open.take_calls().count(), 0, "a listing is no call");
        assert!(open.is_empty());
    }
}
