//! Where each setting came from, for the doctor. No key and no header's value is among them.

use std::fmt;

use reqwest::Url;

use super::setting::{Origin, Setting};
use crate::config::{
    Builder, DEFAULT_BATCH_REQUEST_TIMEOUT, DEFAULT_ENDPOINT, DEFAULT_ENVIRONMENT,
    DEFAULT_REQUEST_TIMEOUT, DEFAULT_SOURCE, DEFAULT_USER_AGENT,
};
use crate::wire::Wire;

/// What is shown of a value that is secret, or says something about a user.
const SET: &str = "set";
const NOT_SET: &str = "not set";

impl Builder {
    /// Lists the settings. One whose value in code is the default counts as the default.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let default = Self::default();
        let (key_variable, endpoint_variable) = match self.wire {
            Wire::Reo | Wire::ReoBatch => ("REO_API_KEY", "REO_CENSUS_MCP_ENDPOINT"),
            Wire::Mcpeye(_) => ("MCPEYE_INGEST_SECRET", "MCPEYE_INGEST_URL"),
        };
        let endpoint = match self.wire {
            Wire::Reo => DEFAULT_ENDPOINT,
            Wire::ReoBatch | Wire::Mcpeye(_) => NOT_SET,
        };
        let request_timeout = match self.wire {
            Wire::Reo => DEFAULT_REQUEST_TIMEOUT,
            Wire::ReoBatch | Wire::Mcpeye(_) => DEFAULT_BATCH_REQUEST_TIMEOUT,
        };
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| &**name).collect();
        let plain = |name, value: &dyn fmt::Debug, default: &dyn fmt::Debug| {
            let (value, default) = (format!("{value:?}"), format!("{default:?}"));
            let origin = if value == default {
                Origin::Default
            } else {
                Origin::Code
            };
            Setting {
                name,
                value,
                origin,
            }
        };
        let text = |name, code: &Option<String>, variable, default: &str| {
            self.text(name, code.as_deref(), variable, default)
        };
        let secret = |setting: Setting| Setting {
            value: match setting.origin {
                Origin::Default => NOT_SET,
                Origin::Code | Origin::Variable(_) => SET,
            }
            .to_owned(),
            ..setting
        };
        let mut endpoint = text(
            "endpoint",
            &self.endpoint,
            Some(endpoint_variable),
            endpoint,
        );
        if endpoint.value != NOT_SET {
            endpoint.value = without_secrets(&endpoint.value);
        }
        let whole = |path: &std::path::PathBuf| path.display().to_string();
        vec![
            plain("wire", &self.wire, &default.wire),
            secret(text("api_key", &self.api_key, Some(key_variable), NOT_SET)),
            endpoint,
            text("product_id", &self.product_id, None, NOT_SET),
            text(
                "source",
                &self.source,
                Some("REO_PRODUCT_USAGE_SOURCE"),
                DEFAULT_SOURCE,
            ),
            text(
                "environment",
                &self.environment,
                Some("REO_PRODUCT_USAGE_ENVIRONMENT"),
                DEFAULT_ENVIRONMENT,
            ),
            text(
                "user_agent",
                &self.user_agent,
                Some("REO_PRODUCT_USAGE_USER_AGENT"),
                DEFAULT_USER_AGENT,
            ),
            secret(text(
                "identity",
                &self.identity.as_ref().map(|_| SET.to_owned()),
                None,
                NOT_SET,
            )),
            secret(text("ip_addr", &self.ip_addr, None, NOT_SET)),
            plain(
                "max_queue_events",
                &self.max_queue_events,
                &default.max_queue_events,
            ),
            plain(
                "max_queue_bytes",
                &self.max_queue_bytes,
                &default.max_queue_bytes,
            ),
            plain("when_full", &self.when_full, &default.when_full),
            plain(
                "max_batch_events",
                &self.max_batch_events,
                &default.max_batch_events,
            ),
            plain(
                "max_batch_bytes",
                &self.max_batch_bytes,
                &default.max_batch_bytes,
            ),
            plain(
                "flush_interval",
                &self.flush_interval,
                &default.flush_interval,
            ),
            plain(
                "request_timeout",
                &self.request_timeout.unwrap_or(request_timeout),
                &request_timeout,
            ),
            plain("max_in_flight", &self.max_in_flight, &default.max_in_flight),
            plain(
                "initial_backoff",
                &self.initial_backoff,
                &default.initial_backoff,
            ),
            plain("max_backoff", &self.max_backoff, &default.max_backoff),
            plain(
                "max_retry_after",
                &self.max_retry_after,
                &default.max_retry_after,
            ),
            plain("max_event_age", &self.max_event_age, &default.max_event_age),
            text("pseudonyms", &self.pseudonyms_text(), None, NOT_SET),
            plain("headers", &headers, &Vec::<&str>::new()),
            plain("allow_insecure_http", &self.allow_insecure_http, &false),
            plain("gzip", &self.gzip, &false),
            plain("bundled_roots", &self.bundled_roots, &false),
            text("spool", &self.spool_text(), None, NOT_SET),
            text("dry_run", &self.dry_run.as_ref().map(whole), None, NOT_SET),
        ]
    }

    #[cfg(feature = "pseudonyms")]
    fn pseudonyms_text(&self) -> Option<String> {
        self.names.pseudonyms.as_ref().map(|_| SET.to_owned())
    }

    #[cfg(not(feature = "pseudonyms"))]
    fn pseudonyms_text(&self) -> Option<String> {
        None
    }

    #[cfg(feature = "spool")]
    fn spool_text(&self) -> Option<String> {
        let spool = self.spool.as_ref()?;
        Some(spool.path().display().to_string())
    }

    #[cfg(not(feature = "spool"))]
    fn spool_text(&self) -> Option<String> {
        None
    }

    fn text(
        &self,
        name: &'static str,
        code: Option<&str>,
        variable: Option<&'static str>,
        default: &str,
    ) -> Setting {
        let found = match code {
            Some(value) => Some((value.to_owned(), Origin::Code)),
            None => variable.and_then(|variable| {
                let value = self.env.get(variable)?;
                Some((value, Origin::Variable(variable)))
            }),
        };
        let (value, origin) = found.unwrap_or_else(|| (default.to_owned(), Origin::Default));
        Setting {
            name,
            value,
            origin,
        }
    }
}

/// An endpoint without what may be a secret: its query.
fn without_secrets(url: &str) -> String {
    let Ok(mut url) = Url::parse(url.trim()) else {
        return "not a URL".to_owned();
    };
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only where there is nobody to name.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}
