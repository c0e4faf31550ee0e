//! Reports the tool calls that pass over a pair of byte streams, as stdio is one: for servers on any SDK, or on none.
//!
//! Newline-delimited JSON-RPC is read as it passes, from the client and to it. Nothing is held back or changed: each
//! byte goes on as it came, and of each message a copy is kept up to [`max_message_bytes`](UsageStreams::max_message_bytes).
//!
//! ```no_run
//! use mcp_usage::UsageLogger;
//!
//! # fn serve(stdin: impl tokio::io::AsyncRead, stdout: impl tokio::io::AsyncWrite) {}
//! # let (client, server) = tokio::io::duplex(64);
//! # let (from_client, to_client) = tokio::io::split(server);
//! let usage = UsageLogger::builder().product_id("shop").build()?;
//! // `tokio::io::stdin()` and `tokio::io::stdout()`, or any other pair.
//! let (stdin, stdout) = usage.stdio(from_client, to_client);
//! serve(stdin, stdout);
//! # Ok::<(), mcp_usage::BuildError>(())
//! ```
//!
//! [`UsageStreams`] has the settings. A proxy in front of another process does the same with its own stdin and stdout, and
//! copies between them and the process's; one that moves the bytes itself hands them to [taps](UsageStreams::taps).
//!
//! # What is captured
//!
//! What the `tower` feature captures: of each call tool, arguments, outcome, error text, duration, size of the result,
//! refused arguments, request id, protocol, client, server, session, round, `traceparent`, conversation; and each list of the
//! tools that differs from those before it. A pair of streams is one session, with an id of its own. Requests of the server's
//! to the client (sampling, elicitation, roots) and their answers are passed over, whatever their ids.
//!
//! Who it is says [`identify`](UsageStreams::identify), or by choice the [operating
//! system](UsageStreams::operating_system_user); else the logger.
//!
//! # How calls end
//!
//! | what happens | outcome |
//! |---|---|
//! | an answer | what it says: `ok`, `tool_error`, `protocol_error`, `input_required`, `task` |
//! | the client sends `notifications/cancelled` | `cancelled`, at once; an answer that comes after it is passed on and tells nothing |
//! | the client closes its stream, or its stream fails | the calls are still waited for, since it may read on; those without an answer when the server closes its own are `cancelled` |
//! | the server closes its stream, or drops it | `dropped`; `panicked` where its thread panics |
//! | more than 4 096 requests wait for an answer | the oldest is `unknown` |
//! | the call has no id, so that nothing can answer it | `unknown`, at once |
//!
//! # What is passed on
//!
//! Every byte, in its order: partial lines, `\r\n`, batches, lines of any size, text that is no JSON, NUL bytes, bytes that
//! are no UTF-8. Reads and writes reach the streams within as they were made, so their back-pressure is the caller's.
//! Requests that cannot be read leave no record, and are counted: [`Stats::unread_messages`](crate::Stats::unread_messages).
//! What is kept of messages under way is charged to the memory of open calls, a quarter of
//! [`max_queue_bytes`](crate::Builder::max_queue_bytes). Of a message that is larger than the bound, or that there is no
//! memory for, an outline of at most 16 KiB is kept, and the call is counted:
//! [`Stats::calls_without_content`](crate::Stats::calls_without_content).
//!
//! # With intent
//!
//! [`add_intent`](UsageStreams::add_intent) changes two kinds of messages, and nothing else: the lists of the tools get one
//! optional property, [asking for the intent](crate::mcp::intent), and calls of those tools lose its argument. Changes are
//! put into the text as it came: numbers, blanks, the order of members and escapes stay byte for byte. Whose an argument is
//! follows from the tool's schema alone, see the table of the module `rmcp`.
//!
//! Lines are held until they are whole while a list of the tools is waited for, and from the client once it was shown what is
//! ours. A list passes as it is where it is larger than 1 MiB, is no JSON by the letter, stands among more than 100 messages of
//! one line, or says a name twice, be it on two pages; then calls of its tools do so, too. So does a call of more than 16 MiB, or
//! among more than 100 messages; what is held of a call is charged to no bound, since it would reach its tool with what is ours.
//! What a server has written and not flushed goes on while requests are read; shut the stream
//! down at its end, since one that is [dropped](AnswerWriter) writes no more than is taken at once.
//!
//! A call of the tool for [missing capabilities](UsageStreams::missing_capability) is answered here, between two lines of the
//! server's, and the server never sees it; the client's next requests wait until the answer is written.
//!
//! An [instrumented](crate::UsageLogger::instrument) server needs no such streams around it: each of its calls would have two
//! events.

mod answers;
mod requests;
mod session;
mod streams;
mod taps;
mod user;

pub use answers::AnswerWriter;
pub use requests::RequestReader;
pub use streams::UsageStreams;
pub use taps::{AnswerTap, RequestTap};

/// How much of a message is kept to be read, in bytes.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = crate::observe::DEFAULT_MAX_MESSAGE_BYTES;
