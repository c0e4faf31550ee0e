//! Pure: where a browser may be sent back to.

use url::Url;

use crate::config::is_loopback;

/// Most characters of a redirect address.
pub const MAX_LENGTH: usize = 1_000;

/// Schemes of programs that do not name theirs after a domain, as RFC 8252 wants it.
const KNOWN_PROGRAMS: [&str; 4] = ["cursor", "vscode", "vscode-insiders", "windsurf"];

/// Why an address cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRedirect {
    #[error("is not an absolute URL")]
    NoUrl,
    #[error("is longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error("has a fragment or a user")]
    HasMore,
    #[error(
        "is neither https, nor http on 127.0.0.1, [::1] or localhost, nor a program's own scheme"
    )]
    Scheme,
    #[error("has a host with invalid characters")]
    Host,
}

/// Says whether a client may register an address.
///
/// # Errors
///
/// When it could carry a code over the open network, or to what is no client.
pub fn check(uri: &str) -> Result<(), BadRedirect> {
    if uri.len() > MAX_LENGTH {
        return Err(BadRedirect::TooLong);
    }
    // The browser is sent the address as it was registered, so it has to be written as one.
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BadRedirect::NoUrl);
    }
    let url = Url::parse(uri).map_err(|_| BadRedirect::NoUrl)?;
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(BadRedirect::HasMore);
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(BadRedirect::Scheme),
        own if own.contains('.') || KNOWN_PROGRAMS.contains(&own) => {}
        _ => return Err(BadRedirect::Scheme),
    }
    // A host ends up in a Content-Security-Policy, where a semicolon would begin another directive.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if !url.host_str().unwrap_or_default().bytes().all(plain) {
        return Err(BadRedirect::Host);
    }
    Ok(())
}

/// Says whether an address is the registered one: to the letter, but for the port on this machine,
/// which a program is given anew at each start (RFC 8252, 7.3).
#[must_use]
pub fn matches(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    match (without_port(registered), without_port(asked)) {
        (Some(registered), Some(asked)) => registered == asked,
        _ => false,
    }
}

fn without_port(uri: &str) -> Option<Url> {
    // What `check` refuses is refused here too: it would be normalized away.
    check(uri).ok()?;
    let mut url = Url::parse(uri).ok()?;
    if url.scheme() != "http" || !is_loopback(&url) {
        return None;
    }
    url.set_port(None).ok()?;
    Some(url)
}

/// Returns what a person is shown of an address: its host, or the scheme of a program's own.
#[must_use]
pub fn host_of(uri: &str) -> String {
    let Ok(url) = Url::parse(uri) else {
        return String::from("an unreadable address");
    };
    match (url.scheme(), url.host_str(), url.port()) {
        ("http" | "https", Some(host), Some(port)) => format!("{host}:{port}"),
        ("http" | "https", Some(host), None) => host.to_owned(),
        (scheme, ..) => format!("{scheme}:"),
    }
}

/// Says whether an address is of a program that runs where the browser does.
#[must_use]
pub fn is_on_this_computer(uri: &str) -> bool {
    Url::parse(uri)
        .is_ok_and(|url| url.scheme() != "https" && (url.scheme() != "http" || is_loopback(&url)))
}

/// Returns what a Content-Security-Policy calls the target of an address.
#[must_use]
pub fn csp_source(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url.origin().ascii_serialization(),
        Ok(url) => format!("{}:", url.scheme()),
        Err(_) => String::from("'none'"),
    }
}

/// Adds an answer to an address.
///
/// # Errors
///
/// When it is no address; a registered one is.
pub fn with_answer(uri: &str, answer: &[(&str, &str)]) -> Result<String, url::ParseError> {
    let mut url = Url::parse(uri)?;
    url.query_pairs_mut().extend_pairs(answer);
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_registered() {
        for good in [
            "https://client.example.com/callback",
            "https://client.example.com/callback?tenant=1",
            "http://127.0.0.1/callback",
            "http://[::1]:4000/callback",
            "http://localhost:6274/oauth/callback",
            "com.example.app:/callback",
            "cursor://anysphere.cursor-mcp/oauth/callback",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("/callback", BadRedirect::NoUrl),
            ("https://client.example.com/a b", BadRedirect::NoUrl),
            ("https://client.example.com/\r\nx", BadRedirect::NoUrl),
            ("https://client.example.com/#x", BadRedirect::HasMore),
            ("https://good@evil.example.com/", BadRedirect::HasMore),
            ("http://client.example.com/", BadRedirect::Scheme),
            ("http://127.0.0.1.evil.example.com/", BadRedirect::Scheme),
            ("http://localhost.evil.example.com/", BadRedirect::Scheme),
            ("javascript:alert(1)", BadRedirect::Scheme),
            ("data:text/html,x", BadRedirect::Scheme),
            ("file:///etc/passwd", BadRedirect::Scheme),
            ("https://a;b.example.com/", BadRedirect::Host),
        ] {
            assert_eq!(check(bad), Err(why), "{bad}");
        }
        let long = format!("https://client.example.com/{}", "x".repeat(MAX_LENGTH));
        assert_eq!(check(&long), Err(BadRedirect::TooLong));
    }

    #[test]
    fn only_the_port_on_this_machine_may_differ() {
        let client = "https://client.example.com/callback";
        assert!(matches(client, client));
        for other in [
            "https://client.example.com/callback/",
            "https://client.example.com/callback?x=1",
            "https://client.example.com:444/callback",
            "https://client.example.com/callback/../evil",
            "https://CLIENT.example.com/callback",
            "http://client.example.com/callback",
        ] {
            assert!(!matches(client, other), "{other}");
        }
        let native = "http://127.0.0.1/callback";
        assert!(matches(native, "http://127.0.0.1:51004/callback"));
        for other in [
            "http://127.0.0.1:51004/other",
            "http://127.0.0.1:51004/callback?x=1",
            "http://localhost:51004/callback",
            "http://127.0.0.2:51004/callback",
            "https://127.0.0.1:51004/callback",
            "http://user@127.0.0.1:51004/callback",
            "http://127.0.0.1:51004@evil.example.com/callback",
        ] {
            assert!(!matches(native, other), "{other}");
        }
    }

    #[test]
    fn an_answer_is_added_to_what_is_there() {
        let answered = with_answer("https://a.example.com/cb?t=1", &[("code", "x&y")]);
        assert_eq!(
            answered.as_deref(),
            Ok("https://a.example.com/cb?t=1&code=x%26y")
        );
    }
}
