//! The request was meant for this server: a page of another site that has its name resolve to this
//! machine (DNS rebinding) sends that site's `Host` and `Origin`.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

use crate::App;
use crate::access::door::drain;
use crate::config::PublicUrl;
use crate::usage;

/// The request names another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    #[error("the Host header names another server")]
    Host,
    #[error("the Origin header names another site")]
    Origin,
}

impl Foreign {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "request:forged_host",
            Self::Origin => "request:foreign_origin",
        }
    }
}

/// Refuses what names another server than the public one.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    match check(request.headers(), &app.config.public_url) {
        Ok(()) => next.run(request).await,
        Err(foreign) => {
            usage::refused(&app.usage, None, foreign.as_str());
            drain(request).await;
            (StatusCode::FORBIDDEN, foreign.to_string()).into_response()
        }
    }
}

/// # Errors
///
/// When `Host` or `Origin` is not that of the public URL.
pub fn check(headers: &HeaderMap, public: &PublicUrl) -> Result<(), Foreign> {
    let scheme = if public.is_https() { "https" } else { "http" };
    let hosts: Vec<_> = headers.get_all(HOST).iter().collect();
    let [host] = hosts.as_slice() else {
        return Err(Foreign::Host);
    };
    let host = host.to_str().map_err(|_| Foreign::Host)?;
    if !is_origin(&format!("{scheme}://{host}"), public) {
        return Err(Foreign::Host);
    }
    for origin in headers.get_all(ORIGIN) {
        if !origin
            .to_str()
            .is_ok_and(|origin| is_origin(origin, public))
        {
            return Err(Foreign::Origin);
        }
    }
    Ok(())
}

/// Whether it is the public origin, which may be written with its scheme's port or without.
fn is_origin(text: &str, public: &PublicUrl) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_bare = is_bare && url.username().is_empty() && url.password().is_none();
        is_bare && url.origin().ascii_serialization() == public.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_public_host_and_origin_alone_pass() {
        let public = PublicUrl::parse("https://mcp.example.com").unwrap();
        for host in ["mcp.example.com", "mcp.example.com:443", "MCP.example.com"] {
            assert_eq!(check(&headers(host, None), &public), Ok(()), "{host}");
        }
        for host in [
            "evil.example.net",
            "mcp.example.com.evil.example.net",
            "mcp.example.com:8443",
            "mcp.example.com@evil.example.net",
            "user@mcp.example.com",
            "mcp.example.com/p",
            "",
        ] {
            let foreign = Err(Foreign::Host);
            assert_eq!(check(&headers(host, None), &public), foreign, "{host}");
        }
        let check = |origin| check(&headers("mcp.example.com", Some(origin)), &public);
        assert_eq!(check("https://mcp.example.com"), Ok(()));
        for origin in ["https://evil.example.net", "http://mcp.example.com", "null"] {
            assert_eq!(check(origin), Err(Foreign::Origin), "{origin}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let public = PublicUrl::parse("https://mcp.example.com").unwrap();
        let mut headers = headers("mcp.example.com", None);
        headers.append(HOST, "mcp.example.com".parse().unwrap());
        assert_eq!(check(&headers, &public), Err(Foreign::Host));
        headers.remove(HOST);
        assert_eq!(check(&headers, &public), Err(Foreign::Host));
    }
}
