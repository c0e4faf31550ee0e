//! The inbox: conversations with end users.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::resource::Reference;
use crate::access::{Acting, Effect, Needs};
use crate::scope::Scope;
use crate::store::users::Role;
use crate::store::words::words;
use crate::tools::text::{Text, Untrusted};
use crate::tools::{Broken, Tool};

const READS: Needs = Needs {
    scope: Scope::InboxRead,
    role: Role::Viewer,
    effect: Effect::Reads,
};

const WRITES: Needs = Needs {
    scope: Scope::InboxWrite,
    role: Role::Member,
    effect: Effect::Writes,
};

words! {
    /// Whether somebody still waits for an answer.
    ConversationStatus {
        Open = "open",
        Closed = "closed",
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListConversations {
    /// Only those of this status.
    status: Option<ConversationStatus>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Conversations {
    /// The newest first.
    conversations: Vec<ConversationLine>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ConversationLine {
    conversation_id: i64,
    /// As the end user calls themselves.
    person: Untrusted,
    subject: Untrusted,
    status: ConversationStatus,
}

impl Tool for ListConversations {
    const NAME: &'static str = "list_conversations";
    const TITLE: &'static str = "List conversations";
    const DESCRIPTION: &'static str =
        "Lists conversations with end users, the newest first, at most 50.";
    const NEEDS: Needs = READS;
    type Output = Conversations;

    fn run(self, acting: &Acting<'_>) -> Result<Conversations, Broken> {
        let mut select = acting.db.prepare_cached(
            "SELECT id, person, subject, status FROM conversations
             WHERE project_id = ?1 AND (?2 IS NULL OR status = ?2) ORDER BY id DESC LIMIT 50",
        )?;
        let rows = select.query_map((acting.project_id, self.status), |row| {
            Ok(ConversationLine {
                conversation_id: row.get(0)?,
                person: row.get(1)?,
                subject: row.get(2)?,
                status: row.get(3)?,
            })
        })?;
        let conversations = rows.collect::<Result<_, _>>()?;
        Ok(Conversations { conversations })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetConversation {
    conversation_id: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Conversation {
    conversation_id: i64,
    person: Untrusted,
    subject: Untrusted,
    status: ConversationStatus,
    /// Oldest first.
    messages: Vec<Message>,
}

/// Who wrote it can be told from the key of the text.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum Message {
    OfEndUser { from_end_user: Untrusted },
    OfTeam { author_id: String, text: String },
}

impl Tool for GetConversation {
    const NAME: &'static str = "get_conversation";
    const TITLE: &'static str = "Read a conversation";
    const DESCRIPTION: &'static str = "Reads a conversation whole.";
    const NEEDS: Needs = READS;
    type Output = Conversation;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Conversation(self.conversation_id)]
    }

    fn run(self, acting: &Acting<'_>) -> Result<Conversation, Broken> {
        let mut select = acting.db.prepare_cached(
            "SELECT author_id, text FROM messages WHERE conversation_id = ?1 ORDER BY id",
        )?;
        let messages = select.query_map([self.conversation_id], |row| {
            Ok(match row.get(0)? {
                Some(author_id) => Message::OfTeam {
                    author_id,
                    text: row.get(1)?,
                },
                None => Message::OfEndUser {
                    from_end_user: row.get(1)?,
                },
            })
        })?;
        let messages = messages.collect::<Result<_, _>>()?;
        let conversation = acting
            .db
            .prepare_cached(
                "SELECT id, person, subject, status FROM conversations
                 WHERE project_id = ?1 AND id = ?2",
            )?
            .query_row((acting.project_id, self.conversation_id), |row| {
                Ok(Conversation {
                    conversation_id: row.get(0)?,
                    person: row.get(1)?,
                    subject: row.get(2)?,
                    status: row.get(3)?,
                    messages,
                })
            })?;
        Ok(conversation)
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    conversation_id: i64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyToConversation {
    conversation_id: i64,
    text: Text<5_000>,
}

impl Tool for ReplyToConversation {
    const NAME: &'static str = "reply_to_conversation";
    const TITLE: &'static str = "Reply to an end user";
    const DESCRIPTION: &'static str =
        "Sends a reply to the end user of a conversation, in the name of the user.";
    const NEEDS: Needs = WRITES;
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Conversation(self.conversation_id)]
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        acting
            .db
            .prepare_cached(
                "INSERT INTO messages (conversation_id, author_id, text, created_at)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((self.conversation_id, acting.user_id, &self.text, acting.now))?;
        Ok(Changed {
            conversation_id: self.conversation_id,
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetConversationStatus {
    conversation_id: i64,
    status: ConversationStatus,
}

impl Tool for SetConversationStatus {
    const NAME: &'static str = "set_conversation_status";
    const TITLE: &'static str = "Close or reopen a conversation";
    const DESCRIPTION: &'static str = "Closes a conversation, or opens it again.";
    const NEEDS: Needs = WRITES;
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Conversation(self.conversation_id)]
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        acting
            .db
            .prepare_cached(
                "UPDATE conversations SET status = ?3 WHERE project_id = ?1 AND id = ?2",
            )?
            .execute((acting.project_id, self.conversation_id, self.status))?;
        Ok(Changed {
            conversation_id: self.conversation_id,
        })
    }
}
