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
//! each request. What has to outlive them is shared through the logger, so the same line does
//! inside the factory; [`Instrumentation::factory`] is the same with settings made once.
//!
//! # What is captured
//!
//! A [`ToolCall`](crate::ToolCall) for each `tools/call`: tool, arguments, intent, duration, outcome,
//! error text, request id, protocol version and era, transport, client, session, `traceparent`. The
//! record ends when the call does: at once when the client cancels it, as `panicked` when the tool
//! panics, as `dropped` when the runtime or the logger shuts down first; exactly one event each time.
//! An [`Init`](crate::Init) when the tools are listed for the first time, an
//! [`IdentityCapture`](crate::IdentityCapture) for each new login. Results, sessions, prompts and
//! resources are captured where a setter says so.
//!
//! # What a client sees of it
//!
//! One optional string property in every tool's input schema, [asking for the intent](crate::mcp::intent)
//! of the call; the tool never sees it. [`intent(false)`](Instrumentation::intent) leaves it out, and
//! then nothing differs. A logger that is switched off leaves everything as it is.
//!
//! # Who calls
//!
//! Asked anew for each request, since a session is not bound to whoever opened it: a
//! [`Caller`](crate::Caller) or an [`Identity`](crate::Identity) that an authentication layer has put
//! into the HTTP request's extensions, or what the closure of [`identify`](Instrumentation::identify)
//! makes of the request. Else the logger's identity, else somebody anonymous.
//!
//! ```
//! # use mcp_usage::Identity;
//! // In an authentication layer, once the credential is checked:
//! # let mut request = http::Request::new(());
//! request.extensions_mut().insert(Identity::email("rachel@example.com"));
//! ```
//!
//! A [`Caller`](crate::Caller) may bring a project or a plan along for the `meta` of its events. What is
//! known only once a tool runs, such as the step that refused a call, the tool adds by the
//! [`CallMeta`] in its request's extensions.
//!
//! # Foreign types
//!
//! `rmcp`'s `ServerHandler` and `RequestContext`, and the `http` crate's `Parts` within it: a new
//! major version of `rmcp` is one of this crate's.

mod call_meta;
mod context;
mod handler;
mod settings;
mod state;

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use ::rmcp::service::RequestContext;
use ::rmcp::{RoleServer, ServerHandler};

use crate::logger::UsageLogger;

pub use call_meta::CallMeta;
pub use settings::IntoCaller;
use settings::Settings;
use state::{Server, State};

/// How servers are instrumented: settings, and what the instances of a server share.
///
/// Made by [`UsageLogger::instrumentation`]; clones share everything.
///
/// ```
/// # use mcp_usage::UsageLogger;
/// # let usage = UsageLogger::disabled();
/// let instrumentation = usage
///     .instrumentation()
///     .results(true)
///     .arguments_of("run_query", ["database", "timeout"]);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Instrumentation {
    usage: UsageLogger,
    settings: Arc<Settings>,
    state: Arc<State>,
}

/// A server whose use is reported. Made by [`UsageLogger::instrument`].
///
/// To the client it is the server within, but for the property that asks for intents.
#[must_use = "a server does nothing until it is served"]
pub struct Instrumented<H> {
    inner: H,
    by: Instrumentation,
    /// What is known of servers of its type.
    server: Arc<Server>,
    /// Stands for the session where the transport has none, as stdio.
    connection: OnceLock<String>,
    /// Whether this instance has answered `initialize`: only then it is bound to a session.
    initialized: AtomicBool,
}

impl UsageLogger {
    /// Instruments a server with the default settings.
    ///
    /// What instances have to share (which logins were reported, which tools were listed) is kept
    /// by this logger, for each type of server.
    pub fn instrument<H: ServerHandler>(&self, server: H) -> Instrumented<H> {
        let state = self.handle().and_then(|core| {
            let shared = core.integration.get_or_init(|| {
                let state: Arc<dyn Any + Send + Sync> = Arc::new(State::default());
                state
            });
            Arc::clone(shared).downcast::<State>().ok()
        });
        let instrumentation = Instrumentation {
            usage: self.clone(),
            settings: Settings::shared_default(),
            state: state.unwrap_or_default(),
        };
        instrumentation.instrument(server)
    }

    /// Begins to configure how servers are instrumented.
    pub fn instrumentation(&self) -> Instrumentation {
        Instrumentation {
            usage: self.clone(),
            settings: Settings::shared_default(),
            state: Arc::default(),
        }
    }
}

impl Instrumentation {
    /// Instruments a server.
    pub fn instrument<H: ServerHandler>(&self, server: H) -> Instrumented<H> {
        Instrumented {
            inner: server,
            by: self.clone(),
            server: self.state.server::<H>(),
            connection: OnceLock::new(),
            initialized: AtomicBool::new(false),
        }
    }

    /// Instruments every server a factory makes, as `StreamableHttpService` wants it.
    ///
    /// ```
    /// use mcp_usage::UsageLogger;
    /// use rmcp::ServerHandler;
    /// use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
    /// use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
    ///
    /// struct Shop;
    /// impl ServerHandler for Shop {}
    ///
    /// let usage = UsageLogger::disabled();
    /// let factory = usage.instrumentation().factory(|| Ok(Shop));
    /// let sessions = std::sync::Arc::<LocalSessionManager>::default();
    /// let service =
    ///     StreamableHttpService::new(factory, sessions, StreamableHttpServerConfig::default());
    /// ```
    pub fn factory<H: ServerHandler>(
        &self,
        make: impl Fn() -> io::Result<H> + Send + Sync + 'static,
    ) -> impl Fn() -> io::Result<Instrumented<H>> + Clone + Send + Sync + 'static {
        let by = self.clone();
        let make = Arc::new(make);
        move || make().map(|server| by.instrument(server))
    }
}

impl<H> Instrumented<H> {
    /// Returns the server within.
    pub const fn inner(&self) -> &H {
        &self.inner
    }

    /// Returns the server within, and ends the instrumentation.
    pub fn into_inner(self) -> H {
        self.inner
    }

    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.by.settings));
        self
    }
}

impl Instrumentation {
    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

/// The setters, which an instrumentation and an instrumented server have alike.
macro_rules! setters {
    ($($for:tt)+) => {
        $($for)+ {
            /// Sets whether tools ask for the intent of a call. Default: yes.
            ///
            /// With `false` the tools are listed as they are, and no argument is taken out; an
            /// intent-like property of the server's own is still read, see
            /// [`native_intent`](Self::native_intent).
            pub fn intent(self, on: bool) -> Self {
                self.change(|settings| settings.intent = on)
            }

            /// Sets the name of the property that asks for the intent. Default: the wire's,
            /// [`REO_NAME`](crate::mcp::intent::REO_NAME) or [`MCPEYE_NAME`](crate::mcp::intent::MCPEYE_NAME).
            ///
            /// A tool that has a property of that name keeps it for itself.
            pub fn intent_name(self, name: impl Into<String>) -> Self {
                self.change(|settings| settings.intent_name = Some(name.into()))
            }

            /// Sets what the property tells an agent. Default:
            /// [`DESCRIPTION`](crate::mcp::intent::DESCRIPTION).
            pub fn intent_description(self, description: impl Into<String>) -> Self {
                self.change(|settings| settings.intent_description = description.into().into())
            }

            /// Names the property of the server's own tools that holds an intent, read where ours
            /// is empty; it is left in place for the tool, and out of the captured arguments.
            ///
            /// Default: the property `intent`, where its description asks for one. A property
            /// whose name is sensitive is never read.
            pub fn native_intent(self, name: impl Into<String>) -> Self {
                self.change(|settings| settings.native_intent = Some(name.into()))
            }

            /// Sets whether arguments are captured. Default: yes, redacted and within the limits.
            pub fn arguments(self, on: bool) -> Self {
                self.change(|settings| settings.arguments = on)
            }

            /// Lists the arguments of a tool that are captured; its others are not. Default: all.
            pub fn arguments_of<N: Into<String>>(
                self,
                tool: impl Into<String>,
                names: impl IntoIterator<Item = N>,
            ) -> Self {
                let names = names.into_iter().map(Into::into).collect();
                self.change(|settings| {
                    settings.allowed.insert(tool.into(), names);
                })
            }

            /// Sets whether results are captured: content and structured content. Default: no.
            pub fn results(self, on: bool) -> Self {
                self.change(|settings| settings.results = on)
            }

            /// Sets whether the first listing of the tools is reported, as
            /// [`Init`](crate::Init). Default: yes; the mcpeye wire has no place for it.
            pub fn tools_list(self, on: bool) -> Self {
                self.change(|settings| settings.tools_list = on)
            }

            /// Sets whether each `initialize` is reported, as a custom event `MCP_SESSION_START`
            /// with the client's name, version and protocol. Default: no; the newer protocol has
            /// no sessions, and the mcpeye wire no place for it.
            pub fn sessions(self, on: bool) -> Self {
                self.change(|settings| settings.sessions = on)
            }

            /// Sets whether `prompts/get` is reported, as a custom event `MCP_PROMPT_GET` with
            /// `prompt_name`, `outcome` and `duration_ms`. Default: no. The mcpeye wire has no
            /// place for it.
            pub fn prompts(self, on: bool) -> Self {
                self.change(|settings| settings.prompts = on)
            }

            /// Sets whether `resources/read` is reported, as a custom event `MCP_RESOURCE_READ`
            /// with `resource_uri`, `outcome` and `duration_ms`. Default: no. The mcpeye wire has
            /// no place for it.
            pub fn resources(self, on: bool) -> Self {
                self.change(|settings| settings.resources = on)
            }

            /// Sets whether logins are reported: an [`IdentityCapture`](crate::IdentityCapture)
            /// with the first request of each login, see
            /// [`log_login`](crate::UsageLogger::log_login). Default: yes; the mcpeye wire has no
            /// place for it.
            pub fn logins(self, on: bool) -> Self {
                self.change(|settings| settings.logins = on)
            }

            /// Sets whether a tool is added that an agent can call to say what no tool offers:
            /// `request_missing_capability`, on the mcpeye wire `mcpeye_request_capability`.
            /// Default: no.
            ///
            /// It is answered here and reported as a call of that name. A server that has a tool
            /// of that name keeps it, and one without tools gets none. It costs every
            /// conversation about 130 tokens for its description, and each call a turn.
            pub fn missing_capability(self, on: bool) -> Self {
                self.change(|settings| settings.missing_capability = on)
            }

            /// Sets the transport that requests without HTTP parts come over. Wire key
            /// `transport`. Default: `stdio`.
            pub fn transport(self, name: impl Into<String>) -> Self {
                self.change(|settings| settings.transport = name.into().into())
            }

            /// Sets who makes a request, asked for each anew. The closure may return an
            /// [`Identity`](crate::Identity) or a [`Caller`](crate::Caller), in an `Option` or in
            /// a `Result` of one.
            ///
            /// Default: what an authentication layer has put into the request's extensions. When
            /// the closure fails or panics the event is anonymous, and counted in
            /// [`Stats::identity_failures`](crate::Stats::identity_failures).
            pub fn identify<F, C>(self, identify: F) -> Self
            where
                F: Fn(&RequestContext<RoleServer>) -> C + Send + Sync + 'static,
                C: IntoCaller,
            {
                self.change(|settings| settings.identify(identify))
            }
        }
    };
}

setters!(impl Instrumentation);
setters!(impl<H> Instrumented<H>);

impl<H: Clone> Clone for Instrumented<H> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            by: self.by.clone(),
            server: Arc::clone(&self.server),
            connection: OnceLock::new(),
            initialized: AtomicBool::new(false),
        }
    }
}

impl fmt::Debug for Instrumentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumentation")
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

impl<H> fmt::Debug for Instrumented<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumented")
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}
