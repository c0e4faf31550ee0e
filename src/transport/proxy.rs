//! The proxy that the environment names for an endpoint, by the rules of the HTTP library. It reads the variables itself, and
//! connects directly if it cannot use a value.

use http::Uri;
use http::uri::Authority;
use reqwest::Url;

use super::http::is_loopback;

/// What a variable says of a proxy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) variable: &'static str,
    /// The proxy's address, without a user name and a password, or why there is none.
    pub(crate) address: Result<String, &'static str>,
}

/// Returns the proxy for an endpoint. The builder's own look-up has no part in it: the HTTP library reads the process's
/// environment.
pub(crate) fn proxy_of(endpoint: &Url) -> Option<Named> {
    // What is not Unicode is no address, but is not absent either.
    find(endpoint, |name| {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    })
}

fn find(endpoint: &Url, lookup: impl Fn(&str) -> Option<String>) -> Option<Named> {
    // A CGI program gets `HTTP_PROXY` from whoever sends it a header `Proxy`.
    if is_loopback(endpoint) || lookup("REQUEST_METHOD").is_some() {
        return None;
    }
    let of_scheme = match endpoint.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy"],
        _ => ["HTTP_PROXY", "http_proxy"],
    };
    // The spelling in small letters counts where the other is absent, even if that is empty.
    let first = |names: [&'static str; 2]| {
        let mut found = names
            .into_iter()
            .filter_map(|name| Some((name, lookup(name)?)));
        found.next().filter(|(_, value)| !value.trim().is_empty())
    };
    let (variable, value) = first(of_scheme).or_else(|| first(["ALL_PROXY", "all_proxy"]))?;
    Some(Named {
        variable,
        address: address(&value),
    })
}

/// Reads a value as the HTTP library does.
fn address(value: &str) -> Result<String, &'static str> {
    const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    const NO_ADDRESS: &str =
        "is not the address of a proxy: write http://host:port, or take the variable away";
    let uri: Uri = value.parse().map_err(|_| NO_ADDRESS)?;
    let scheme = uri.scheme_str().unwrap_or("http");
    if !SCHEMES.contains(&scheme) {
        return Err(
            "has a scheme that no proxy has: write http://host:port, or take the variable away",
        );
    }
    let authority = uri.authority().ok_or(NO_ADDRESS)?.as_str();
    let place = authority
        .split_once('@')
        .map_or(authority, |(_, place)| place);
    let place: Authority = place.parse().map_err(|_| NO_ADDRESS)?;
    Ok(format!("{scheme}://{place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(endpoint: &str, variables: &[(&str, &str)]) -> Option<Named> {
        find(&Url::parse(endpoint).unwrap(), |name| {
            let mut known = variables.iter().filter(|(known, _)| *known == name);
            known.next().map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_variable_for_the_scheme_comes_first_and_the_spelling_in_capitals() {
        const SECURE: &str = "https://example.com/";
        let all = [
            ("ALL_PROXY", "all.example:1"),
            ("http_proxy", "http.example:1"),
            ("https_proxy", "small.example:1"),
            ("HTTPS_PROXY", "large.example:1"),
        ];
        for (endpoint, variables, expected) in [
            (SECURE, &all[..], Some("HTTPS_PROXY")),
            (SECURE, &all[..3], Some("https_proxy")),
            (SECURE, &all[..2], Some("ALL_PROXY")),
            (SECURE, &all[1..2], None),
            (SECURE, &[("HTTPS_PROXY", ""), ("https_proxy", "a:1")], None),
            (
                SECURE,
                &[("HTTPS_PROXY", "a:1"), ("REQUEST_METHOD", "GET")],
                None,
            ),
            ("http://example.com/", &all[..], Some("http_proxy")),
            ("http://127.0.0.1/", &all[..], None),
        ] {
            let variable = found(endpoint, variables).map(|named| named.variable);
            assert_eq!(variable, expected, "{endpoint} {variables:?}");
        }
    }

    #[test]
    fn a_proxy_is_shown_without_credentials_and_a_fault_is_told() {
        for (value, shown) in [
            (
                "http://proxy.example:3128",
                Some("http://proxy.example:3128"),
            ),
            ("proxy.example:3128", Some("http://proxy.example:3128")),
            (
                "https://user:word@proxy.example/path",
                Some("https://proxy.example"),
            ),
            ("user:word@proxy.example:1", Some("http://proxy.example:1")),
            (
                "socks5h://proxy.example:1080",
                Some("socks5h://proxy.example:1080"),
            ),
            ("http://[::1]:3128", Some("http://[::1]:3128")),
            ("::bad::", None),
            ("ftp://proxy.example", None),
            ("http://", None),
            ("/path", None),
            ("two words", None),
            (" http://proxy.example:3128", None),
        ] {
            let address = address(value);
            assert_eq!(address.as_deref().ok(), shown, "{value}");
        }
    }
}
