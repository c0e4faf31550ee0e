//! What a server says it is.

use ::rmcp::ServerHandler;
use ::rmcp::model::Implementation;

use super::instrumentation::Instrumented;
use crate::base::panics;
use crate::mcp::request::PeerInfo;

/// The name and the version of a server, as far as it says them.
#[derive(Debug, Default)]
pub(super) struct ServerName(Option<(String, String)>);

impl ServerName {
    fn of(info: Implementation) -> Self {
        // A server that says nothing is called as the SDK is.
        let sdk = Implementation::from_build_env();
        let is_own = (&info.name, &info.version) != (&sdk.name, &sdk.version);
        Self(is_own.then_some((info.name, info.version)))
    }

    fn info(&self) -> PeerInfo<'_> {
        let (name, version) = self
            .0
            .as_ref()
            .map(|(name, version)| (&**name, &**version))
            .unzip();
        PeerInfo { name, version }
    }
}

impl<H: ServerHandler> Instrumented<H> {
    /// Returns what the server within says it is. A panic in there is not the request's.
    pub(super) fn server_info(&self) -> PeerInfo<'_> {
        let ask = || panics::catch(|| ServerName::of(self.inner.get_info().server_info));
        self.server.get_or_init(|| ask().unwrap_or_default()).info()
    }
}
