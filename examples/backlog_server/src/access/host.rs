//! The request was meant for this server: a page of another site that has its name resolve to this
//! machine (DNS rebinding) sends that site's `Host` and `Origin`.
//!
//! `Host` is checked on every route. `Origin` is checked here for the MCP endpoints; the pages check it with each form,
//! and answer with a page.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
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
    let checked = check_host(&request, &app.config.public_url);
    pass(&app, checked, request, next).await
}

/// Refuses what a page of another site sends.
pub(crate) async fn guard_origin(State(app): State<App>, request: Request, next: Next) -> Response {
    let checked = check_origin(request.headers(), &app.config.public_url);
    pass(&app, checked, request, next).await
}

async fn pass(app: &App, checked: Result<(), Foreign>, request: Request, next: Next) -> Response {
    match checked {
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
/// When `Host`, or an absolute address in its place, is not that of the public URL.
pub fn check_host<B>(request: &http::Request<B>, public: &PublicUrl) -> Result<(), Foreign> {
    let scheme = if public.is_https() { "https" } else { "http" };
    let is_ours = |host: &str| is_origin(&format!("{scheme}://{host}"), public);
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Foreign::Host);
    };
    let named = host.to_str().map_err(|_| Foreign::Host)?;
    let addressed = request.uri().authority();
    if is_ours(named) && addressed.is_none_or(|authority| is_ours(authority.as_str())) {
        Ok(())
    } else {
        Err(Foreign::Host)
    }
}

/// # Errors
///
/// When an `Origin` is not the public URL.
pub fn check_origin(headers: &HeaderMap, public: &PublicUrl) -> Result<(), Foreign> {
    let is_ours = |origin: &HeaderValue| {
        let origin = origin.to_str();
        origin.is_ok_and(|origin| is_origin(origin, public))
    };
    if headers.get_all(ORIGIN).iter().all(is_ours) {
        Ok(())
    } else {
        Err(Foreign::Origin)
    }
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

    fn request(host: &str) -> http::Request<()> {
        let request = http::Request::builder().header(HOST, host);
        request.body(()).unwrap()
    }

    #[test]
    fn the_public_host_alone_passes() {
        let public = PublicUrl::parse("https://mcp.example.com").unwrap();
        for host in ["mcp.example.com", "mcp.example.com:443", "MCP.example.com"] {
            assert_eq!(check_host(&request(host), &public), Ok(()), "{host}");
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
            assert_eq!(check_host(&request(host), &public), foreign, "{host}");
        }
    }

    #[test]
    fn an_absolute_address_is_no_way_around_the_header() {
        let public = PublicUrl::parse("https://mcp.example.com").unwrap();
        let mut request = request("mcp.example.com");
        *request.uri_mut() = "http://mcp.example.com/p".parse().unwrap();
        assert_eq!(check_host(&request, &public), Ok(()));
        *request.uri_mut() = "http://evil.example.net/p".parse().unwrap();
        assert_eq!(check_host(&request, &public), Err(Foreign::Host));
    }

    #[test]
    fn the_public_origin_alone_passes() {
        let public = PublicUrl::parse("https://mcp.example.com").unwrap();
        let check = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, origin.parse().unwrap());
            check_origin(&headers, &public)
        };
        assert_eq!(check_origin(&HeaderMap::new(), &public), Ok(()));
        assert_eq!(check("https://mcp.example.com"), Ok(()));
        for origin in ["https://evil.example.net", "http://mcp.example.com", "null"] {
            assert_eq!(check(origin), Err(Foreign::Origin), "{origin}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let public = PublicUrl::parse("https://mcp.example.com").unwrap();
        let mut request = request("mcp.example.com");
        let headers = request.headers_mut();
        headers.append(HOST, "mcp.example.com".parse().unwrap());
        assert_eq!(check_host(&request, &public), Err(Foreign::Host));
        request.headers_mut().remove(HOST);
        assert_eq!(check_host(&request, &public), Err(Foreign::Host));
    }
}
