//! Reports the tool calls that pass over a pair of byte streams, such as stdio: for servers on any SDK, or on none.
//!
//! The streams read newline-delimited JSON-RPC in both directions while it passes. They neither delay nor change it unless
//! [a setting](#with-intent) says so. They copy each message, up to
//! [`max_message_bytes`](UsageStreams::max_message_bytes).
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
//! [`UsageStreams`] has the settings. A proxy in front of another process wraps its own stdin and stdout in the same way,
//! and copies between them and those of the process; one that moves the bytes itself passes them to
//! [taps](UsageStreams::taps).
//!
//! # What is captured
//!
//! Of each tool call: tool, arguments, outcome, error text, duration, size of the
//! result, refused arguments, request id, protocol, client, server, session, conversation, round, and `traceparent`. Also
//! each tool list that differs from the earlier ones. A pair of streams is one session, with an id of its own. The server's
//! requests to the client (sampling, elicitation, roots) and their answers are ignored, whatever their ids.
//!
//! The user is the one that [`identify`](UsageStreams::identify) names, or that of the [operating
//! system](UsageStreams::operating_system_user) if you choose so, and otherwise the logger's.
//! [`guide::captured`](crate::guide::captured) compares all this with the other integrations.
//!
//! # How calls end
//!
//! | what happens | outcome |
//! |---|---|
//! | an answer | that of the answer: `ok`, `tool_error`, `protocol_error`, `input_required`, `task` |
//! | the client sends `notifications/cancelled` | `cancelled`, at once; a later answer is passed on and not recorded |
//! | the client closes its stream, or its stream fails | the calls stay open, because the client may still read; those without an answer when the server closes its stream are `cancelled` |
//! | the server closes its stream, or drops it | `dropped`, or `panicked` if its thread panics |
//! | more than 4 096 requests wait for an answer | the oldest is `unknown` |
//! | the call has no id, so it cannot be answered | `unknown`, at once |
//!
//! # What is passed on
//!
//! Every byte, in order: partial lines, `\r\n`, batches, lines of any size, text that is not JSON, NUL bytes, bytes that
//! are not UTF-8. Reads and writes reach the inner streams as they were made, so the caller sees their back-pressure.
//! Requests that cannot be read are not recorded, and are counted in
//! [`Stats::unread_messages`](crate::Stats::unread_messages).
//!
//! Messages that are being read are charged to the memory of open calls, a quarter of
//! [`max_queue_bytes`](crate::Builder::max_queue_bytes). If a message is larger than `max_message_bytes`, or there is no
//! memory for it, only an outline of at most 16 KiB is kept, and the call is counted in
//! [`Stats::calls_without_content`](crate::Stats::calls_without_content).
//!
//! # With intent
//!
//! [`add_intent`](UsageStreams::add_intent) changes two kinds of messages and nothing else: tool lists get one optional
//! property, which [asks for the intent](crate::mcp::intent), and calls of those tools lose its argument. The rest of the
//! text stays byte for byte: numbers, white space, the order of members, and escapes. The tool's schema alone decides
//! whether an argument is ours; see the table in the module `rmcp`.
//!
//! The server's lines are held until they are complete while a tool list is awaited, and the client's lines once it was shown
//! our property or tool. A list passes unchanged if it is larger than 1 MiB, is not valid JSON, is one of more than 100
//! messages on a line, or contains a name twice, even on two pages; calls of its tools then pass unchanged, too. So does a
//! call of more than 16 MiB, or among more than 100 messages. The held part of a call counts against no bound, because
//! passing it on early would give our argument to the tool. What a server has written without a flush is passed on while
//! requests are read. Shut the stream down at its end: a [dropped](AnswerWriter) one writes only what the inner stream
//! accepts at once.
//!
//! Calls of the tool for [missing capabilities](UsageStreams::missing_capability) are answered here, between two lines of the
//! server, and the server never sees them. The client's next requests wait until the answer is written. A call within a
//! batch, which the protocol of 2025-03-26 alone has, reaches the server; the client gets our answer in place of the server's.
//!
//! Do not wrap the streams of an [instrumented](crate::UsageLogger::instrument) server: each of its calls would have two
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

/// The most bytes of a message that are copied in order to read it.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = crate::observe::DEFAULT_MAX_MESSAGE_BYTES;
