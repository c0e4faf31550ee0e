//! There is a token, in the `Authorization` header: OAuth 2.1 allows no other place for it.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// There is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    #[error("a bearer token is required")]
    Missing,
    #[error("the Authorization header contains no bearer token")]
    Malformed,
}

/// # Errors
///
/// When the request carries no bearer token.
pub fn check(headers: &HeaderMap) -> Result<&str, NoToken> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(NoToken::Missing)?;
    let text = value.to_str().map_err(|_| NoToken::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(NoToken::Malformed)?;
    let is_token = !token.is_empty() && !token.contains(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || !is_token || values.next().is_some() {
        return Err(NoToken::Malformed);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_token_passes() {
        let check = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            super::check(&headers).map(str::to_owned)
        };
        assert_eq!(check(&["Bearer abc"]), Ok("abc".to_owned()));
        assert_eq!(check(&["bearer abc"]), Ok("abc".to_owned()));
        assert_eq!(check(&[]), Err(NoToken::Missing));
        for values in [
            &["abc"][..],
            &["Bearer "],
            &["Bearer a b"],
            &["Basic abc"],
            &["Bearer a", "Bearer b"],
        ] {
            assert_eq!(check(values), Err(NoToken::Malformed), "{values:?}");
        }
    }
}
