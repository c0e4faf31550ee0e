//! A `tower` layer for MCP servers over HTTP that are built on any SDK, or on none.
//!
//! It reads the JSON-RPC messages as the bodies pass, requests and answers, plain JSON and SSE alike.
//! Nothing is held back or changed unless [a setting](#with-intent) says so: each piece goes on as it came, and of each
//! message a copy is kept up to [`max_message_bytes`](UsageLayer::max_message_bytes).
//!
//! ```no_run
//! # use axum::Router;
//! # let mcp: Router = Router::new();
//! use mcp_usage::{UsageLogger, tower::UsageLayer};
//!
//! let usage = UsageLogger::builder().product_id("shop").build()?;
//! let app = mcp.layer(UsageLayer::new(&usage));
//! # Ok::<(), mcp_usage::BuildError>(())
//! ```
//!
//! It captures what the `rmcp` feature captures of a tool call: tool, arguments, outcome, error text,
//! duration, size of the result, refused arguments, request id, protocol, client, server, session, conversation,
//! round, `traceparent`,
//! and each list of the tools that differs from those before it, by a name or by a definition. The server is the one that
//! answers `initialize` or `server/discover` names. The user is a [`Caller`](crate::Caller) or an [`Identity`](crate::Identity) in the request's
//! extensions, so put the layer inside your authentication. Where a request comes from says a closure of yours:
//! [`client_address`](UsageLayer::client_address).
//!
//! By itself it adds nothing to the tools. An intent is read where a server asks for one itself: in the argument
//! that [`intent`](UsageLayer::intent) names; else, once the caller has listed the tools, in the
//! property of a tool that has [`intent::schema`](crate::mcp::intent::schema) under the wire's name, or in its
//! property `intent` whose description asks for one. The argument stays in place for the tool, and out
//! of the captured ones.
//!
//! What is remembered of a caller holds for the same caller: what a listing shows, the client of a session, the round
//! of a call. Tenants behind one layer may have other tools of the same name. A caller is told by the host, path and
//! query, by headers that name a tenant, a role or a host (with such a word in their names, or given to
//! [`tenant_header`](UsageLayer::tenant_header)), and by the user; where there is no user, by all headers that
//! hold a credential: `authorization`, `cookie`, `x-api-key` and others with such words in their names, or with a name
//! that the logger's redactor takes for a sensitive one. Of all that a keyed hash is kept. Tools that have an intent
//! are remembered, the latest 131 072 of them, each once for each caller.
//!
//! A call whose error says that there is no tool of its name, in the words of an SDK, is marked as one of an unknown
//! tool. An error that something else was not found is the tool's own.
//!
//! Messages are read leniently, in any spelling that some JSON reader takes. A call whose client goes
//! away first is recorded as cancelled; one whose answer is not understood, or does not come on the
//! answer to its own request, as [unknown](crate::CallOutcome::Unknown): so put the layer inside of one
//! that compresses. Requests that cannot be read leave no record, and are counted:
//! [`Stats::unread_messages`](crate::Stats::unread_messages).
//!
//! Messages under way are charged to the memory of open calls, a quarter of
//! [`max_queue_bytes`](crate::Builder::max_queue_bytes). Of a message that is larger than the bound, or that there is no
//! memory for, an outline of at most 16 KiB is kept: the call is recorded, with its outcome and without content, and
//! counted: [`Stats::calls_without_content`](crate::Stats::calls_without_content).
//!
//! # With intent
//!
//! [`add_intent`](UsageLayer::add_intent) changes two kinds of messages, and nothing else: the lists of the tools get one
//! optional property, [asking for the intent](crate::mcp::intent), and calls of those tools lose its argument. Changes are
//! put into the text as it came: numbers, blanks, the order of members and escapes stay byte for byte, and so do the fields
//! and lines of events. Whose an argument is follows from the tool's schema alone, see the table of the module `rmcp`.
//!
//! A list is held until it is whole, and so is a request of a caller who was shown what is ours; their heads lose
//! `content-length`. A list passes as it is where it is compressed, has a digest or an `etag`, is larger than 1 MiB, is no JSON
//! by the letter, stands in several events, or says a name twice; then calls of its tools do so, too. So does a call of more
//! than 16 MiB, and one whose request is compressed, or has a digest or a signature. A list that the answer to its request ends
//! without takes back what was shown: it may come by a stream that the client opens next, which is not read.
//!
//! The server gets a call of the tool for [missing capabilities](UsageLayer::missing_capability), and its answer, which is that
//! it has no such tool, is replaced by ours where the status is a success.
//!
//! A caller is told as [above](self): where the layer stands outside of the authentication, and no user is in the extensions,
//! a renewed token or cookie makes another caller of the same, whose list has not passed yet. So let it stand inside.
//!
//! What was shown to whom is known to this process alone, for the latest 131 072 tools, each counted once for each caller, and
//! the latest 16 384 callers; what is in use is forgotten last. Where several replicas serve a client, or a client keeps its list over a restart of the server,
//! a call may come whose list has not passed here: it keeps the argument. Let a client stay with a replica, or leave the
//! setting off.
//!
//! # Around others
//!
//! Around a server that the feature `rmcp` has instrumented with the same logger, or around another such
//! layer, the inner one records and the outer one does not: each logger has one event of a call.

mod body;
mod exchange;
mod http_request;
mod layer;
mod observer;

pub use body::{RequestBody, ResponseBody};
pub use layer::{ResponseFuture, UsageLayer, UsageService};

/// How much of a message is kept to be read, in bytes.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = crate::observe::DEFAULT_MAX_MESSAGE_BYTES;
