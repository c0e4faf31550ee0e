//! Where the pages are: which hosts a request may name, whether it came over TLS, and what paths begin with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::header::{FORWARDED, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Uri};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The addresses that the pages answer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    public: Option<Public>,
    listen: SocketAddr,
    /// Whether `X-Forwarded-Host` and `X-Forwarded-Proto` come from a proxy of ours.
    trusts_proxy: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Public {
    is_https: bool,
    /// Host and, unless it is the scheme's, port.
    authority: String,
    base: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    #[error("--public-url {0}: it has to begin with http:// or https://")]
    Scheme(String),
    #[error("--public-url {0}: it names no host")]
    Host(String),
    #[error(
        "--public-url {0}: it has a user, a query or a fragment, or an unusual character in its path"
    )]
    Part(String),
}

/// The request was not meant for this server, or not sent by a page of its.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    #[error(
        "the Host header names another server; --public-url says under which name this one is reached"
    )]
    Host,
    #[error("the request was sent by a page of another site")]
    Origin,
}

impl Site {
    /// # Errors
    ///
    /// When the public URL is none that pages can have.
    pub fn new(
        listen: SocketAddr,
        public_url: Option<&str>,
        trusts_proxy: bool,
    ) -> Result<Self, PublicUrlError> {
        Ok(Self {
            public: public_url.map(Public::parse).transpose()?,
            listen,
            trusts_proxy,
        })
    }

    /// What paths begin with behind a proxy: `` or `/usage`.
    pub fn base(&self) -> &str {
        self.public.as_ref().map_or("", |public| &public.base)
    }

    /// The name of the cookie that holds a browser's secret. Behind TLS a browser takes it from this host alone.
    pub fn cookie(&self, is_https: bool) -> String {
        match (is_https, self.base()) {
            (true, "") => "__Host-usage".to_owned(),
            (true, _) => "__Secure-usage".to_owned(),
            // Cookies are the same for all ports of a host.
            (false, _) => format!("usage-{}", self.listen.port()),
        }
    }

    /// Where a link that signs in leads.
    pub fn link(&self, secret: &str) -> String {
        format!("{}/sign-in?link={secret}", self.url())
    }

    /// Where a browser reaches the pages, without a slash at its end.
    pub fn url(&self) -> String {
        match &self.public {
            Some(Public {
                is_https,
                authority,
                base,
            }) => format!(
                "http{}://{authority}{base}",
                if *is_https { "s" } else { "" }
            ),
            None => format!("http://{}", reachable(self.listen)),
        }
    }

    /// Where a browser says that it is.
    ///
    /// # Errors
    ///
    /// When that is somebody else's name: a page of another site can have its name resolve to this machine (DNS
    /// rebinding), and its requests then carry that name. An IP address in place of a name cannot be rebound.
    pub fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Foreign> {
        let mut named: Vec<&str> = uri.authority().map(|a| a.as_str()).into_iter().collect();
        let mut hosts = headers.get_all(HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => named.push(host.to_str().map_err(|_| Foreign::Host)?),
            _ => return Err(Foreign::Host),
        }
        if let Some(host) = self.forwarded(headers, &FORWARDED_HOST) {
            // The proxy's own connection may name this server as it likes.
            named = vec![host];
        }
        match named.iter().all(|host| self.is_ours(host)) {
            true => Ok(()),
            false => Err(Foreign::Host),
        }
    }

    /// Whether a request came through a proxy, as far as can be known: it says so, or names the public host, unless that
    /// is an address, which this machine may have itself.
    pub fn is_from_outside(&self, headers: &HeaderMap) -> bool {
        let signs = [FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO];
        if signs.iter().any(|sign| headers.contains_key(sign)) {
            return true;
        }
        let named = headers.get(HOST).and_then(|host| host.to_str().ok());
        let named = named.unwrap_or_default().to_ascii_lowercase();
        let is_named = split(&named).is_some_and(|(host, _)| !is_address(host));
        is_named && self.is_public(&named)
    }

    /// Whether the browser's connection is encrypted, as far as can be known.
    pub fn is_https(&self, headers: &HeaderMap) -> bool {
        match self.forwarded(headers, &FORWARDED_PROTO) {
            Some(proto) => proto.eq_ignore_ascii_case("https"),
            None => self.public.as_ref().is_some_and(|public| public.is_https),
        }
    }

    /// Checks that a request which changes something comes from a page of this server.
    ///
    /// # Errors
    ///
    /// When the browser says otherwise. A client that is no browser says nothing.
    pub fn check_origin(&self, headers: &HeaderMap) -> Result<(), Foreign> {
        for site in headers.get_all(FETCH_SITE) {
            if site != "same-origin" {
                return Err(Foreign::Origin);
            }
        }
        for origin in headers.get_all(ORIGIN) {
            let origin = origin.to_str().map_err(|_| Foreign::Origin)?;
            let host = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"));
            let same_scheme = origin.starts_with("https://") == self.is_https(headers);
            if !same_scheme || !host.is_some_and(|host| self.is_ours(host)) {
                return Err(Foreign::Origin);
            }
        }
        Ok(())
    }

    /// Whether that is the public host, or an address of the machine itself with the port that is listened on.
    fn is_ours(&self, authority: &str) -> bool {
        let authority = authority.to_ascii_lowercase();
        if self.is_public(&authority) {
            return true;
        }
        let Some((host, port)) = split(&authority) else {
            return false;
        };
        is_address(host) && port.unwrap_or(80) == self.listen.port()
    }

    fn is_public(&self, authority: &str) -> bool {
        self.public.as_ref().is_some_and(|public| {
            without_default_port(authority, public.is_https) == public.authority
        })
    }

    fn forwarded<'h>(&self, headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
        let value = headers.get(name).filter(|_| self.trusts_proxy)?;
        // A chain of proxies appends: the first one is what the browser asked.
        value.to_str().ok()?.split(',').next().map(str::trim)
    }
}

/// The address under which this machine reaches what listens there: loopback, where that is on all addresses.
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

impl Public {
    fn parse(url: &str) -> Result<Self, PublicUrlError> {
        let (is_https, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(PublicUrlError::Scheme(url.to_owned())),
        };
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        let authority = without_default_port(&authority.to_ascii_lowercase(), is_https).to_owned();
        if authority.contains('@') {
            return Err(PublicUrlError::Part(url.to_owned()));
        }
        if split(&authority).is_none_or(|(host, _)| host.is_empty()) {
            return Err(PublicUrlError::Host(url.to_owned()));
        }
        let base = path.trim_end_matches('/');
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
        let has_odd_part =
            base.contains("//") || base.split('/').any(|part| part == ".." || part == ".");
        if !base.bytes().all(is_plain) || has_odd_part {
            return Err(PublicUrlError::Part(url.to_owned()));
        }
        Ok(Self {
            is_https,
            authority,
            base: base.to_owned(),
        })
    }
}

/// Whether a host is an address of this machine, or may be.
fn is_address(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok()
}

fn without_default_port(authority: &str, is_https: bool) -> &str {
    let port = if is_https { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

/// Host and port; nothing for what is neither.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let is_plain = |host: &str| {
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        host.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    let end = authority.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match authority.get(end..)?.find(':') {
        Some(colon) => {
            let (host, port) = authority.split_at(end + colon);
            let port = port.get(1..)?;
            // A number may have a sign, and a port has none.
            let is_plain = port.bytes().all(|byte| byte.is_ascii_digit());
            (host, Some(port.parse().ok().filter(|_| is_plain)?))
        }
        None => (authority, None),
    };
    (is_plain(host) && (end > 0 || !host.contains(':'))).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(public_url: Option<&str>, trusts_proxy: bool) -> Site {
        Site::new("127.0.0.1:8787".parse().unwrap(), public_url, trusts_proxy).unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    fn answers(site: &Site, host: &str) -> bool {
        let headers = headers(&[("host", host)]);
        site.check_host(&Uri::from_static("/"), &headers).is_ok()
    }

    #[test]
    fn a_host_is_an_address_with_our_port_or_the_public_name() {
        let local = site(None, false);
        for host in [
            "127.0.0.1:8787",
            "localhost:8787",
            "LOCALHOST:8787",
            "[::1]:8787",
            "192.0.2.7:8787",
        ] {
            assert!(answers(&local, host), "{host}");
        }
        for host in [
            "evil.example:8787",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:8787@evil.example",
            "127.0.0.1.evil.example:8787",
            "localhost.evil.example:8787",
            "localhost:8787:8787",
            "localhost:+8787",
            "[::1]evil:8787",
            "",
            ":8787",
        ] {
            assert!(!answers(&local, host), "{host}");
        }
        let public = site(Some("https://usage.example.com/team/usage/"), false);
        assert_eq!(public.base(), "/team/usage");
        assert_eq!(public.url(), "https://usage.example.com/team/usage");
        assert!(answers(&public, "usage.example.com"));
        assert!(answers(&public, "Usage.Example.com:443"));
        assert!(answers(&public, "127.0.0.1:8787"));
        assert!(!answers(&public, "usage.example.com:80"));
        assert!(!answers(&public, "example.com"));
    }

    #[test]
    fn the_address_is_the_one_that_is_listened_on() {
        for (listen, url) in [
            ("127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("192.0.2.7:80", "http://192.0.2.7:80"),
            ("[::1]:8787", "http://[::1]:8787"),
            ("0.0.0.0:8787", "http://127.0.0.1:8787"),
            ("[::]:8787", "http://[::1]:8787"),
        ] {
            let site = Site::new(listen.parse().unwrap(), None, false).unwrap();
            assert_eq!(site.url(), url);
        }
    }

    #[test]
    fn two_hosts_none_or_another_one_in_the_request_line_are_refused() {
        let local = site(None, false);
        let ours = ("host", "localhost:8787");
        let root = Uri::from_static("/");
        assert!(local.check_host(&root, &headers(&[])).is_err());
        assert!(local.check_host(&root, &headers(&[ours, ours])).is_err());
        let other = Uri::from_static("http://evil.example/p/1/");
        assert!(local.check_host(&other, &headers(&[ours])).is_err());
    }

    #[test]
    fn a_proxy_is_believed_when_it_is_trusted_alone() {
        let forwarded = headers(&[
            ("host", "127.0.0.1:8787"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
        ]);
        let root = Uri::from_static("/");
        assert!(site(None, false).check_host(&root, &forwarded).is_ok());
        assert!(!site(None, false).is_https(&forwarded));
        assert!(site(None, true).check_host(&root, &forwarded).is_err());
        assert!(site(None, true).is_https(&forwarded));
        let inside = headers(&[
            ("host", "usage-server:8787"),
            ("x-forwarded-host", "usage.example.com, inner"),
        ]);
        let public = Some("https://usage.example.com");
        assert!(site(public, true).check_host(&root, &inside).is_ok());
        assert!(site(public, false).check_host(&root, &inside).is_err());
    }

    #[test]
    fn a_form_of_another_site_is_refused() {
        let local = site(None, false);
        let from = |pairs: &[(&'static str, &str)]| local.check_origin(&headers(pairs));
        assert!(from(&[]).is_ok());
        assert!(
            from(&[
                ("origin", "http://127.0.0.1:8787"),
                ("sec-fetch-site", "same-origin")
            ])
            .is_ok()
        );
        for foreign in [
            "http://evil.example",
            "null",
            "https://127.0.0.1:8787",
            "http://127.0.0.1:8788",
        ] {
            assert!(from(&[("origin", foreign)]).is_err(), "{foreign}");
        }
        for site in ["cross-site", "same-site", "none"] {
            assert!(from(&[("sec-fetch-site", site)]).is_err(), "{site}");
        }
    }

    #[test]
    fn a_public_url_that_pages_cannot_have_says_why() {
        let parse = |url| Site::new("0.0.0.0:1".parse().unwrap(), Some(url), false).unwrap_err();
        assert!(matches!(
            parse("usage.example.com"),
            PublicUrlError::Scheme(_)
        ));
        assert!(matches!(parse("https:///usage"), PublicUrlError::Host(_)));
        for url in [
            "https://me@usage.example.com",
            "https://usage.example.com/?a",
            "https://usage.example.com/a b",
            "https://usage.example.com/a//b",
            "https://usage.example.com/../b",
            "https://usage.example.com/{a}",
        ] {
            assert!(matches!(parse(url), PublicUrlError::Part(_)), "{url}");
        }
    }
}
