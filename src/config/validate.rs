//! The checks of single values.

use std::fmt;

use reqwest::Url;

use crate::error::{BuildError, invalid};
use crate::transport::http;

/// Checks an endpoint. The errors do not repeat it: it may hold a secret.
pub(crate) fn parse_endpoint(
    setting: &'static str,
    text: &str,
    allow_insecure_http: bool,
) -> Result<Url, BuildError> {
    let mut url = Url::parse(text.trim())
        .map_err(|error| invalid(setting, format!("is not a URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(
            setting,
            "holds a user name or a password; give the key by api_key",
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(invalid(setting, "names no host"));
    }
    match url.scheme() {
        "https" => {}
        "http" if allow_insecure_http || http::is_loopback(&url) => {}
        "http" => {
            return Err(invalid(
                setting,
                "uses http, which would send the key in the clear; use https, or allow_insecure_http(true)",
            ));
        }
        other => {
            return Err(invalid(
                setting,
                format!("has the scheme {other}; it must be https or http"),
            ));
        }
    }
    url.set_fragment(None);
    Ok(url)
}

pub(crate) fn in_range<T: PartialOrd + fmt::Debug>(
    setting: &'static str,
    value: T,
    least: T,
    most: T,
) -> Result<(), BuildError> {
    if least <= value && value <= most {
        return Ok(());
    }
    Err(invalid(
        setting,
        format!("is {value:?}, which is not within {least:?} to {most:?}"),
    ))
}
