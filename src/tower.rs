//! A `tower` layer for MCP servers over HTTP that are built on any SDK, or on none.
//!
//! The layer reads the JSON-RPC messages of requests and answers, in plain JSON or SSE, while their bodies pass through it.
//! It neither delays nor changes them unless [a setting](#with-intent) says so. It copies each message, up to
//! [`max_message_bytes`](UsageLayer::max_message_bytes).
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
//! # What is captured
//!
//! Of each tool call: tool, arguments, outcome, error text, duration, size of the
//! result, refused arguments, request id, protocol, client, server, session, conversation, round, and `traceparent`. Also
//! each tool list that differs from the earlier ones in a name or a definition. The server's name comes from its answer to
//! `initialize` or `server/discover`. The user is a [`Caller`](crate::Caller) or an [`Identity`](crate::Identity) in the
//! request's extensions, so put the layer inside your authentication. A closure of yours tells where a request
//! comes from: [`client_address`](UsageLayer::client_address). [`guide::captured`](crate::guide::captured) compares this with
//! the other integrations.
//!
//! By default the layer adds nothing to the tools. It reads an intent if the server asks for one itself: from the
//! argument that [`intent`](UsageLayer::intent) names. Without that setting, and once the caller has listed the tools, it
//! reads the intent from the property that has [`intent::schema`](crate::mcp::intent::schema) under the wire's name, or
//! from a property `intent` whose description asks for one. The argument is passed to the tool, and is left out of the
//! captured arguments.
//!
//! If the error of a call says, in the words of an SDK, that there is no tool of that name, the call is marked as one of an
//! unknown tool. An error about anything else that was not found is the tool's own.
//!
//! # How calls are read
//!
//! Messages are read leniently, in any spelling that some JSON reader accepts. If the client disconnects before the
//! answer, the call is recorded as cancelled. If the answer is not understood, or is not the answer to the call's own HTTP
//! request, the call is [unknown](crate::CallOutcome::Unknown); therefore put the layer inside one that compresses.
//! Requests that cannot be read are not recorded, and are counted in
//! [`Stats::unread_messages`](crate::Stats::unread_messages).
//!
//! Messages that are being read are charged to the memory of open calls, a quarter of
//! [`max_queue_bytes`](crate::Builder::max_queue_bytes). If a message is larger than `max_message_bytes`, or there is no
//! memory for it, only an outline of at most 16 KiB is kept: the call is recorded with its outcome and without content, and
//! counted in [`Stats::calls_without_content`](crate::Stats::calls_without_content).
//!
//! # Callers
//!
//! The layer remembers three things, separately for each caller: what a tool list contains, the client of a session, and
//! the round of a call. Tenants behind one layer may thus have different tools of the same name. A caller is identified by
//! the host, path and query, by the headers that name a tenant, a role or a host (those with such a word in their names, and
//! those given to [`tenant_header`](UsageLayer::tenant_header)), and by the user. Without a user, all headers that hold a
//! credential take the user's place: `authorization`, `cookie`, `x-api-key` and others with such words in their names, and
//! those with a name that the logger's redactor considers sensitive. Only a keyed hash of all this is kept. The layer
//! remembers the last 131 072 tools with an intent, counted once per caller.
//!
//! # With intent
//!
//! [`add_intent`](UsageLayer::add_intent) changes two kinds of messages and nothing else: tool lists get one optional
//! property, which [asks for the intent](crate::mcp::intent), and calls of those tools lose its argument. The rest of the
//! text stays byte for byte: numbers, white space, the order of members, escapes, and the fields and lines of SSE events.
//! The tool's schema alone decides whether an argument is ours; see the table in the module `rmcp`.
//!
//! A tool list is held until it is complete, and so is a request from a caller who was shown our property or tool; both lose
//! their `content-length`. A list passes unchanged if it is compressed, has a digest or an `etag`, is larger than 1 MiB, is
//! not valid JSON, is spread over several SSE events, or contains a name twice; calls of its tools then pass unchanged, too.
//! So does a call of more than 16 MiB, and one whose request is compressed or has a digest or a signature. If the answer to
//! a `tools/list` request ends without a list, the layer forgets what it had shown before, because the list may arrive on a
//! stream that the client opens next, which the layer does not read.
//!
//! The server receives calls of the tool for [missing capabilities](UsageLayer::missing_capability). It answers that it has
//! no such tool; if the status is a success, the layer replaces that answer by its own.
//!
//! If the layer is outside the authentication, so that no user is in the extensions, a renewed token or cookie makes the
//! same client a new [caller](#callers), who has not listed the tools yet. Therefore put the layer inside.
//!
//! Only this process knows what was shown to whom: the last 131 072 tools, counted once per caller, and the last 16 384
//! callers. What is in use is forgotten last. If several replicas serve a client, or a client keeps its tool list over a
//! restart of the server, a call may arrive whose list has not passed here; it keeps the argument. Route each client to one
//! replica, or leave the setting off.
//!
//! # Around others
//!
//! A layer may wrap a server that the feature `rmcp` has instrumented with the same logger, or another such layer. The
//! inner one then records the call and the outer one does not, so each logger has one event per call.

mod body;
mod exchange;
mod http_request;
mod layer;
mod observer;

pub use body::{RequestBody, ResponseBody};
pub use layer::{ResponseFuture, UsageLayer, UsageService};

/// The most bytes of a message that are copied in order to read it.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = crate::observe::DEFAULT_MAX_MESSAGE_BYTES;
