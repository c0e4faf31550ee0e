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
//! Over Streamable HTTP `rmcp` makes a server for each session, and on the newer protocol one for
//! each request. What has to outlive them is shared through the logger, so the same line works
//! inside the factory; [`Instrumentation::factory`] does the same with settings made once.
//!
//! # What is captured
//!
//! A [`ToolCall`](crate::ToolCall) for each `tools/call`: tool, arguments, intent, duration, outcome,
//! error text, the size of the result, the arguments for which it was refused, request id, protocol version and era,
//! transport and version of HTTP, client with its product and its OAuth client, server, session, `traceparent`. The
//! record ends when the call does: at once when the client cancels it, as `panicked` when the tool
//! panics, as `dropped` when the runtime or the logger shuts down first; exactly one event each time.
//! An [`Init`](crate::Init) for each list of tools that differs from those before it, by a name or by a definition,
//! which tenants and roles may have of their own, and an [`IdentityCapture`](crate::IdentityCapture) for each new login.
//! Results, sessions, prompts and resources are captured where a setter says so. A server that is
//! instrumented more than once records a request once for each logger.
//!
//! A gateway that hands a call on to an instrumented server within, with the context of that call, makes one event,
//! too, under the name that the client has called: the client made one call. Where the server within is to have an
//! event of its own, call it with a context that has other `extensions`, or over a connection.
//!
//! # What a client sees of it
//!
//! One optional string property in the input schemas that have a place for it,
//! [asking for the intent](crate::mcp::intent) of the call. [`intent(false)`](Instrumentation::intent)
//! leaves it out, and then nothing differs. A logger that is switched off leaves everything as it is.
//!
//! # What a tool sees of it
//!
//! Nothing: a call loses the argument of that name where it is ours, and keeps it everywhere else.
//! Whose it is follows from the tool's input schema and from nothing else, neither from the tool's name
//! nor from an earlier listing, so that servers, tenants, roles and replicas may share a logger and a
//! tool may change while the server runs.
//!
//! | the input schema (the first line that fits) | listed with the property | argument taken out |
//! |---|---|---|
//! | is not to be had | – | never |
//! | has, requires or shows in an example an argument of that name | no | never |
//! | is open: `additionalProperties` is `true` or a schema | no | never |
//! | says more of the arguments (`oneOf`, `$ref`, `if`, `patternProperties`, …), or a part of it refers to the whole | no | never |
//! | is closed with one or more properties, all required, as strict modes ask for | no | never |
//! | is closed: `additionalProperties` is `false` | yes | always: nobody else can have sent it |
//! | does not say whether it is closed | yes | if it is a string |
//!
//! The schema is what `get_tool` returns, which the macros implement. A server without `get_tool` is
//! asked to list its tools, as its caller would be answered, for each call that has an argument of that
//! name, or one that may be an [intent of its own](Instrumentation::native_intent). The call waits for
//! the pages up to the one that shows the tool. Implement `get_tool` where listing takes time.
//!
//! A listing asks `get_tool` for each tool that would get the property, and leaves it out where the call's
//! schema is another one without a place for it. What `get_tool` returns decides: where tenants have tools of
//! one name with other schemas, it must know none of them, or a tenant's own argument may be taken for ours. If a server
//! without `get_tool` has listed a tool, and fails to list it again when the call asks (an error, a panic,
//! a cursor that comes again, more than 10 000 pages), the call goes on with the argument in it.
//!
//! # Who calls
//!
//! Determined for each request, since a session is not bound to the user who opened it: a
//! [`Caller`](crate::Caller) or an [`Identity`](crate::Identity) that an authentication layer has put
//! into the HTTP request's extensions, or what the closure of [`identify`](Instrumentation::identify)
//! makes of the request. Otherwise it is the logger's identity, and without one it is anonymous.
//!
//! ```
//! # use mcp_usage::Identity;
//! // In an authentication layer, once the credential is checked:
//! # let mut request = http::Request::new(());
//! request.extensions_mut().insert(Identity::email("rachel@example.com"));
//! ```
//!
//! A [`Caller`](crate::Caller) may bring a project or a plan along for the `meta` of its events. A tool
//! adds what is known only once it runs, such as the step that refused a call, by the [`CallMeta`] in
//! its request's extensions.
//!
//! # Foreign types
//!
//! `rmcp`'s `ServerHandler` and `RequestContext`, and the `http` crate's `Parts` within it: a new
//! major version of `rmcp` is one of this crate's.

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
