//! Where a request comes from, as far as limits count by it.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::App;

/// Addresses that count as one: an IPv4 address, or a /64 of IPv6, which is what one host is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl Source {
    /// Returns the source of a request that came over a connection with `peer`.
    ///
    /// Anybody can send `X-Forwarded-For`, so it is read as far back as our own `proxies` have written it, each one
    /// address, and no further. Where they have written less than that, the peer is the source.
    #[must_use]
    pub fn of(peer: IpAddr, headers: &HeaderMap, proxies: usize) -> Self {
        let forwarded: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let written = proxies
            .checked_sub(1)
            .and_then(|nearer| forwarded.iter().rev().nth(nearer)?.trim().parse().ok());
        Self::from(written.unwrap_or(peer))
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from(network))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl<S> FromRequestParts<S> for Source
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // `serve` says it of every connection; what came without one is counted together.
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        let proxies = App::from_ref(state).config.proxies;
        Ok(Self::of(peer, &parts.headers, proxies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, forwarded: &[&str], proxies: usize) -> Source {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        Source::of(peer.parse().unwrap(), &headers, proxies)
    }

    fn source(address: &str) -> Source {
        Source::from(address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn a_header_counts_as_far_as_our_own_proxies_have_written_it() {
        let forged = "198.51.100.9, 198.51.100.8";
        for (forwarded, proxies, expected) in [
            (&[forged][..], 0, "192.0.2.1"),
            (&[forged], 1, "198.51.100.8"),
            (&[forged], 2, "198.51.100.9"),
            (&["198.51.100.9", " 198.51.100.8 "], 2, "198.51.100.9"),
            (&[forged], 3, "192.0.2.1"),
            (&[], 1, "192.0.2.1"),
            (&["unknown"], 1, "192.0.2.1"),
        ] {
            let found = of("192.0.2.1", forwarded, proxies);
            assert_eq!(found, source(expected), "{forwarded:?} {proxies}");
        }
    }

    #[test]
    fn a_host_with_many_addresses_is_one_source() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }
}
