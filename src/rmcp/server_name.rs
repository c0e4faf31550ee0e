//! The name and version that a server gives itself.

use ::rmcp::ServerHandler;
use ::rmcp::model::Implementation;

use crate::base::panics;
use crate::mcp::request::PeerInfo;

/// The name and the version of a server, as far as it gives them.
#[derive(Debug, Default)]
pub(super) struct ServerName(Option<(String, String)>);

impl ServerName {
    /// Asks a server. A panic of the server is caught, and does not end the request.
    pub(super) fn ask(server: &impl ServerHandler) -> Self {
        panics::catch(|| Self::of(server.get_info().server_info)).unwrap_or_default()
    }

    fn of(info: Implementation) -> Self {
        // A server that says nothing is called as the SDK is.
        let sdk = Implementation::from_build_env();
        let is_own = (&info.name, &info.version) != (&sdk.name, &sdk.version);
        Self(is_own.then_some((info.name, info.version)))
    }

    pub(super) fn info(&self) -> PeerInfo<'_> {
        let (name, version) = self
            .0
            .as_ref()
            .map(|(name, version)| (&**name, &**version))
            .unzip();
        PeerInfo { name, version }
    }
}
