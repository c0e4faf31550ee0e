//! Instruments servers on the official Rust SDK, `rmcp`: one line, and every tool call is reported.
//!
//! ```no_run
//! use mcp_usage::UsageLogger;
//! use rmcp::{ServerHandler, ServiceExt};
//!
//! struct Shop;
//! impl ServerHandler for Shop {}
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! # let transport = tokio::io::duplex(1024).0;
//! let usage = UsageLogger::builder().product_id("shop").build()?;
//! let service = usage.instrument(Shop).serve(transport).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Over Streamable HTTP, `rmcp` creates a server for each session, and with the newer protocol one for each request. State
//! that must outlive them is shared through the logger, so the same line works inside the factory.
//! [`Instrumentation::factory`] does the same with settings that are made once.
//!
//! # What is captured
//!
//! A [`ToolCall`](crate::ToolCall) for each `tools/call`: tool, arguments, intent, duration, outcome, error text, size of
//! the result, refused arguments, request id, protocol version and era, transport and version of HTTP, client with its
//! product and its OAuth client, server, session, `traceparent`. The record ends when the call does: at once if the client
//! cancels it, as `panicked` if the tool panics, as `dropped` if the runtime or the logger shuts down first. Each call
//! makes exactly one event.
//!
//! An [`Init`](crate::Init) for each tool list that differs from the earlier ones in a name or a definition; tenants and
//! roles may have lists of their own. An [`IdentityCapture`](crate::IdentityCapture) for each new login. Results, sessions,
//! prompts and resources are captured if you enable them. A server that is instrumented more than once records a request
//! once for each logger.
//!
//! A gateway may pass a call on to an inner server that is instrumented, too, with the context of that call. This still
//! makes one event, under the name that the client called, because the client made one call. To give the inner server an
//! event of its own, call it with a context that has other `extensions`, or over a connection.
//!
//! # What a client sees of it
//!
//! One optional string property in each input schema that has a place for it, which
//! [asks for the intent](crate::mcp::intent) of the call. With [`intent(false)`](Instrumentation::intent) it is not added,
//! and nothing differs. A disabled logger changes nothing.
//!
//! # What a tool sees of it
//!
//! Nothing: if the argument of that name is ours, it is removed from the call; otherwise it stays. The tool's input schema
//! alone decides whose argument it is, neither the tool's name nor an earlier listing. So servers, tenants, roles and
//! replicas may share a logger, and a tool may change while the server runs.
//!
//! | the input schema (the first line that applies) | listed with the property | argument removed |
//! |---|---|---|
//! | is unknown | – | never |
//! | has, requires or shows in an example an argument of that name | no | never |
//! | is open: `additionalProperties` is `true` or a schema | no | never |
//! | says more about the arguments (`oneOf`, `$ref`, `if`, `patternProperties`, …), or a part of it refers to the whole | no | never |
//! | is closed with one or more properties, all required, as strict modes demand | no | never |
//! | is closed: `additionalProperties` is `false` | yes | always: nobody else can have sent it |
//! | does not say whether it is closed | yes | if it is a string |
//!
//! The schema is the one that `get_tool` returns, which the macros implement. A server without `get_tool` is asked to list
//! its tools, as its caller would see them, for each call that has an argument of that name, or one that may be an
//! [intent of its own](Instrumentation::native_intent). The call waits for the pages up to the one with the tool. If
//! listing takes time, implement `get_tool`.
//!
//! A listing asks `get_tool` for each tool that would get the property, and leaves the property out if the schema that calls
//! will see has no place for it. `get_tool` decides: if tenants have tools of the same name with different schemas, it must
//! know none of them, or a tenant's own argument may be taken for ours. If a server without `get_tool` has listed a tool,
//! and cannot list it again for the call (an error, a panic, a repeated cursor, more than 10 000 pages), the call keeps the
//! argument.
//!
//! # Who calls
//!
//! The caller is determined for each request, because a session is not bound to the user who opened it. It is the
//! [`Caller`](crate::Caller) or [`Identity`](crate::Identity) that an authentication layer has put into the HTTP request's
//! extensions, or the one that the closure of [`identify`](Instrumentation::identify) returns for the request; otherwise the
//! logger's identity; otherwise anonymous.
//!
//! ```
//! # use mcp_usage::Identity;
//! // In an authentication layer, once the credential is checked:
//! # let mut request = http::Request::new(());
//! request.extensions_mut().insert(Identity::email("rachel@example.com"));
//! ```
//!
//! A [`Caller`](crate::Caller) can add a project or a plan to the `meta` of its events. A tool adds what is known only
//! while it runs, such as the step that refused a call, through the [`CallMeta`] in its request's extensions.
//!
//! # Foreign types
//!
//! `rmcp`'s `ServerHandler` and `RequestContext`, and the `http` crate's `Parts` inside it: a new major version of `rmcp`
//! requires a new major version of this crate.

mod call;
mod call_meta;
mod handler;
mod instrumentation;
mod listing;
mod memory;
mod open_request;
mod pages;
mod recorded_by;
mod recorder;
mod request;
mod server_name;
mod settings;

pub use call_meta::CallMeta;
pub use instrumentation::{Instrumentation, Instrumented};
pub use settings::IntoCaller;
