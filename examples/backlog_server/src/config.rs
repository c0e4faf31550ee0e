//! What the server is told at its start.

use std::num::NonZeroU32;
use std::time::Duration;

use url::Url;

/// Enough for an office behind one address on the day it tries the server out.
const REGISTRATIONS_PER_ADDRESS: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// The settings, with defaults that are right for production.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients reach the server: `MCP_PUBLIC_URL`. All addresses and audiences come from it,
    /// never from a request's headers.
    pub public_url: PublicUrl,
    /// How long a client has to redeem a code.
    pub code_lifetime: Duration,
    /// How long an access token works.
    pub access_lifetime: Duration,
    /// How long a refresh token works; each use gives another.
    pub refresh_lifetime: Duration,
    /// How long somebody stays signed in.
    pub session_lifetime: Duration,
    /// How many of our own proxies are in front, each of which adds an address to `X-Forwarded-For`:
    /// `MCP_PROXIES`. Without proxies, limits count the peer address.
    pub proxies: usize,
    /// Clients that one address may register at once, and an hour.
    pub registrations_per_address: NonZeroU32,
    /// How long a request's head may take, and a connection may wait for it.
    pub head_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
}

impl Config {
    #[must_use]
    pub const fn new(public_url: PublicUrl) -> Self {
        Self {
            public_url,
            code_lifetime: Duration::from_secs(60),
            access_lifetime: Duration::from_secs(60 * 60),
            refresh_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
            session_lifetime: Duration::from_secs(12 * 60 * 60),
            proxies: 0,
            registrations_per_address: REGISTRATIONS_PER_ADDRESS,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(15),
        }
    }
}

/// An origin: scheme, host and port, no path.
#[derive(Clone, Debug)]
pub struct PublicUrl {
    origin: String,
    https: bool,
}

/// Why an address cannot be the public one.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum BadPublicUrl {
    #[error("MCP_PUBLIC_URL is not a URL: {0}")]
    NoUrl(#[from] url::ParseError),
    #[error("MCP_PUBLIC_URL must be https, or http on this machine")]
    Insecure,
    #[error("MCP_PUBLIC_URL must be an origin: no path, no query, no user")]
    NotAnOrigin,
}

impl PublicUrl {
    /// Reads the address that clients are told.
    ///
    /// # Errors
    ///
    /// When it is no origin, or plain http to another machine: tokens would travel in the clear.
    pub fn parse(text: &str) -> Result<Self, BadPublicUrl> {
        let url = Url::parse(text)?;
        let https = match url.scheme() {
            "https" => true,
            "http" if is_loopback(&url) => false,
            _ => return Err(BadPublicUrl::Insecure),
        };
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(BadPublicUrl::NotAnOrigin);
        }
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            https,
        })
    }

    /// Returns the origin, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.https
    }

    /// Says whether only this machine reaches the server under it.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        Url::parse(&self.origin).is_ok_and(|url| is_loopback(&url))
    }

    /// Returns a project's resource: the address of its MCP endpoint, and the audience of its tokens.
    #[must_use]
    pub fn resource_of(&self, project_id: &str) -> String {
        format!("{}/p/{project_id}/mcp", self.origin)
    }

    /// Returns the project that a resource is of.
    #[must_use]
    pub fn project_of<'a>(&self, resource: &'a str) -> Option<&'a str> {
        let path = resource.strip_prefix(&self.origin)?;
        let id = path.strip_prefix("/p/")?.strip_suffix("/mcp")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (!id.is_empty() && id.bytes().all(plain)).then_some(id)
    }
}

/// Says whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
