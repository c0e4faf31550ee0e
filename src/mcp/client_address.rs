//! Where a request over HTTP comes from, as the host says.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::request::Parts;

use crate::base::panics;

type AddressOf = dyn Fn(&Parts) -> Option<SocketAddr> + Send + Sync;

/// Says where a request comes from: a layer and a server do not see the connection.
#[derive(Clone, Default)]
pub(crate) struct ClientAddress {
    of: Option<Arc<AddressOf>>,
}

/// The setter, which the integrations over HTTP have alike. `$change` hands over settings with a `client_address`; the
/// tokens behind it are the example's.
macro_rules! client_address_setter {
    ($change:ident, $make:literal) => {
        /// Sets a closure that returns the client's address. Wire keys: `ip_addr`, on OTLP `client.address` and
        /// `client.port`, on PostHog `$ip`. Default: none, and no event has an address.
        ///
        /// The closure receives the head of the request, with its extensions. That is where a server keeps the address of
        /// the connection: hyper gives it to the code that accepts the connection, and axum stores it as `ConnectInfo`. If
        /// the closure returns `None` or panics, the event has no address.
        ///
        /// **Behind a proxy or a load balancer the connection's peer is the proxy.** A header such as `Forwarded` or
        /// `X-Forwarded-For` names the client only if your own proxy overwrites it, because any client can send one. An
        /// address is personal data in many jurisdictions, and a destination may derive a location from it.
        ///
        /// ```
        /// # use mcp_usage::UsageLogger;
        /// # let usage = UsageLogger::disabled();
        /// use std::net::SocketAddr;
        ///
        /// use axum::extract::ConnectInfo;
        ///
        /// // The app is served by `app.into_make_service_with_connect_info::<SocketAddr>()`.
        #[doc = concat!("let _ = ", $make)]
        ///     .client_address(|request| {
        ///         let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        ///         peer.map(|peer| peer.0)
        ///     });
        /// ```
        pub fn client_address(
            self,
            of: impl Fn(&http::request::Parts) -> Option<std::net::SocketAddr>
            + Send
            + Sync
            + 'static,
        ) -> Self {
            self.$change(|settings| {
                settings.client_address = $crate::mcp::client_address::ClientAddress::by(of);
            })
        }
    };
}

pub(crate) use client_address_setter;

impl ClientAddress {
    pub(crate) fn by(of: impl Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static) -> Self {
        Self {
            of: Some(Arc::new(of)),
        }
    }

    /// Asks the host's closure, if there is one.
    pub(crate) fn of(&self, request: &Parts) -> Option<SocketAddr> {
        let of = self.of.as_ref()?;
        panics::catch(|| of(request)).ok().flatten()
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAddress")
            .field("is_set", &self.of.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_that_panics_says_nothing() {
        let (request, ()) = http::Request::new(()).into_parts();
        let panics = ClientAddress::by(|_| panic!("a closure of the test's"));
        assert_eq!(panics.of(&request), None);
        assert_eq!(ClientAddress::default().of(&request), None);
    }
}
