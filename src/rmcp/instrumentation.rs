//! The settings of an instrumentation, and the server around a server that they make.

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use ::rmcp::service::RequestContext;
use ::rmcp::{RoleServer, ServerHandler};

use super::memory::InstrumentationMemory;
use super::server_name::ServerName;
use super::settings::{InstrumentationSettings, IntoCaller};
use crate::logger::UsageLogger;
use crate::mcp::arguments::capture_setters;
use crate::mcp::client_address::client_address_setter;
use crate::mcp::request::PeerInfo;

/// The settings with which servers are instrumented, and the state that the instances of a server share.
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
    pub(super) usage: UsageLogger,
    pub(super) settings: Arc<InstrumentationSettings>,
    pub(super) memory: Arc<InstrumentationMemory>,
}

/// An instrumented server, whose use is reported. Made by [`UsageLogger::instrument`].
///
/// The client sees the inner server, and the property that asks for intents. A tool sees no difference; see the
/// [module](crate::rmcp#what-a-tool-sees-of-it).
#[must_use = "a server does nothing until it is served"]
pub struct Instrumented<H> {
    pub(super) inner: H,
    pub(super) by: Instrumentation,
    /// Stands for the session where the transport has none, as stdio.
    pub(super) connection: OnceLock<String>,
    /// Whether this instance has answered `initialize`: only then it is bound to a session.
    pub(super) initialized: AtomicBool,
    /// What the server says it is; asked for once.
    pub(super) server: OnceLock<ServerName>,
}

impl<H: ServerHandler> Instrumented<H> {
    /// Returns what the server within says it is.
    pub(super) fn server_info(&self) -> PeerInfo<'_> {
        let asked = self.server.get_or_init(|| ServerName::ask(&self.inner));
        asked.info()
    }
}

impl UsageLogger {
    /// Instruments a server with the default settings.
    ///
    /// This logger keeps the state that instances share: which logins and which tool lists were reported.
    pub fn instrument<H: ServerHandler>(&self, server: H) -> Instrumented<H> {
        let memory = memory_of(self).unwrap_or_default();
        Instrumentation::new(self, memory).instrument(server)
    }

    /// Begins to configure how servers are instrumented.
    pub fn instrumentation(&self) -> Instrumentation {
        Instrumentation::new(self, Arc::default())
    }
}

/// Returns what the logger keeps for the servers that it instruments with the default settings.
fn memory_of(usage: &UsageLogger) -> Option<Arc<InstrumentationMemory>> {
    let shared = usage.handle()?.integration.get_or_init(|| {
        let memory: Arc<dyn Any + Send + Sync> = Arc::<InstrumentationMemory>::default();
        memory
    });
    Arc::clone(shared).downcast().ok()
}

impl Instrumentation {
    fn new(usage: &UsageLogger, memory: Arc<InstrumentationMemory>) -> Self {
        Self {
            usage: usage.clone(),
            settings: InstrumentationSettings::shared_default(),
            memory,
        }
    }

    /// Instruments a server.
    pub fn instrument<H: ServerHandler>(&self, server: H) -> Instrumented<H> {
        Instrumented {
            inner: server,
            by: self.clone(),
            connection: OnceLock::new(),
            initialized: AtomicBool::new(false),
            server: OnceLock::new(),
        }
    }

    /// Instruments every server that a factory creates, in the form that `StreamableHttpService` takes.
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
    /// Returns the inner server.
    pub const fn inner(&self) -> &H {
        &self.inner
    }

    /// Returns the inner server, and ends the instrumentation.
    pub fn into_inner(self) -> H {
        self.inner
    }

    fn change(mut self, change: impl FnOnce(&mut InstrumentationSettings)) -> Self {
        change(Arc::make_mut(&mut self.by.settings));
        self
    }
}

impl Instrumentation {
    fn change(mut self, change: impl FnOnce(&mut InstrumentationSettings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

/// The setters, which an instrumentation and an instrumented server have alike.
macro_rules! setters {
    ($($for:tt)+) => {
        $($for)+ {
            /// Sets whether tools ask for the intent of a call, if their schemas
            /// [have a place](crate::rmcp#what-a-tool-sees-of-it) for it. Default: yes.
            ///
            /// With `false` the tools are listed unchanged, and no argument is removed; the server's own intent property
            /// is still read, see [`native_intent`](Self::native_intent).
            pub fn intent(self, on: bool) -> Self {
                self.change(|settings| settings.intent = on)
            }

            /// Sets the name of the property that asks for the intent. Default: the wire's,
            /// [`REO_NAME`](crate::mcp::intent::REO_NAME), [`MCPEYE_NAME`](crate::mcp::intent::MCPEYE_NAME) or
            /// [`POSTHOG_NAME`](crate::mcp::intent::POSTHOG_NAME).
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

            /// Names the property in which the server's own tools take an intent. It is read if ours is empty, passed to
            /// the tool, and left out of the captured arguments.
            ///
            /// Default: the property `intent`, if its description asks for one. A property
            /// with a sensitive name is never read.
            pub fn native_intent(self, name: impl Into<String>) -> Self {
                self.change(|settings| settings.native_intent = Some(name.into()))
            }

            capture_setters!();

            /// Sets whether tool lists are reported, as [`Init`](crate::Init): each list once, and a list of several
            /// pages as a whole, for which the server is asked for all pages again. Default: yes; the mcpeye wire has no
            /// place for it.
            pub fn tools_list(self, on: bool) -> Self {
                self.change(|settings| settings.tools_list = on)
            }

            /// Sets whether each `initialize` is reported, as a custom event `MCP_SESSION_START` with the client's name,
            /// version and protocol, or on the PostHog wire as `$mcp_initialize`, which its dashboards need to count
            /// clients. Default: no; the newer protocol has no sessions, and the mcpeye wire has no place for it.
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

            /// Sets whether a tool is added with which an agent can say what no tool offers:
            /// `request_missing_capability`, on the mcpeye wire `mcpeye_request_capability`, on the PostHog
            /// wire `get_more_tools`. Default: no.
            ///
            /// Its calls are answered here and reported under its name. If the server has a tool of that name, the
            /// server's tool stays; a server without tools gets none. The description costs every conversation about
            /// 130 tokens, and each call costs a turn.
            pub fn missing_capability(self, on: bool) -> Self {
                self.change(|settings| settings.missing_capability = on)
            }

            /// Sets the transport of requests without HTTP parts. Wire key `transport`. Default: `stdio`.
            pub fn transport(self, name: impl Into<String>) -> Self {
                self.change(|settings| settings.transport = name.into().into())
            }

            client_address_setter!(change, "usage.instrumentation()");

            /// Sets a closure that names the user of each request. It may return an
            /// [`Identity`](crate::Identity) or a [`Caller`](crate::Caller), in an `Option` or in
            /// a `Result` of one.
            ///
            /// Default: what an authentication layer has put into the request's extensions. If
            /// the closure fails or panics, the event is anonymous, and counted in
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
            connection: OnceLock::new(),
            initialized: AtomicBool::new(false),
            server: OnceLock::new(),
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
