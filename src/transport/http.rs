//! HTTP by way of reqwest: the one file that knows it.

use std::sync::{Arc, PoisonError, RwLock};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Response, Url};

use super::{Answer, MAX_ANSWER_BYTES, Request, SendError, SendFuture, Transport};
use crate::secret::ApiKey;

/// The user's own changes to the HTTP client.
pub(crate) type ClientHook = Box<dyn FnOnce(ClientBuilder) -> ClientBuilder>;

/// POSTs to one endpoint with one key.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    endpoint: Url,
    headers: HeaderMap,
    key_header: HeaderName,
    key: Arc<KeyCell>,
}

/// The key in force; it may be replaced while the logger runs.
#[derive(Debug, Default)]
pub(crate) struct KeyCell(RwLock<Option<ApiKey>>);

impl KeyCell {
    pub(crate) fn new(key: Option<ApiKey>) -> Self {
        Self(RwLock::new(key))
    }

    pub(crate) fn set(&self, key: ApiKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    fn header(&self) -> Option<HeaderValue> {
        let key = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut value = HeaderValue::from_str(key.as_ref()?.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// What an HTTP transport is made from.
pub(crate) struct Settings {
    pub(crate) endpoint: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) key_header: &'static str,
    pub(crate) key: Arc<KeyCell>,
    pub(crate) max_in_flight: usize,
    pub(crate) hook: Option<ClientHook>,
}

impl Http {
    /// Builds the client. Fails when TLS cannot be set up, or the user's hook made it impossible.
    pub(crate) fn new(settings: Settings) -> Result<Self, reqwest::Error> {
        let mut builder = Client::builder()
            .pool_max_idle_per_host(settings.max_in_flight)
            .user_agent(USER_AGENT);
        if let Some(hook) = settings.hook {
            builder = hook(builder);
        }
        // After the hook: these are promises. A redirect would carry the key to another origin, and
        // a proxy has no business with an address on this machine.
        builder = builder
            .redirect(reqwest::redirect::Policy::none())
            // It would log each request as it is sent, the key included.
            .connection_verbose(false);
        if is_loopback(&settings.endpoint) {
            builder = builder.no_proxy();
        }
        Ok(Self {
            client: builder.build()?,
            endpoint: settings.endpoint,
            headers: settings.headers,
            key_header: HeaderName::from_static(settings.key_header),
            key: settings.key,
        })
    }
}

/// Names this crate to the ingest, in the HTTP header.
pub(crate) const USER_AGENT: &str = concat!("mcp-usage/", env!("CARGO_PKG_VERSION"));

/// Whether `url` names this machine: 127.0.0.0/8, `::1` or `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

impl Transport for Http {
    fn send(&self, request: Request) -> SendFuture {
        let mut http = self
            .client
            .post(self.endpoint.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(request.body);
        if let Some(key) = self.key.header() {
            http = http.header(self.key_header.clone(), key);
        }
        Box::pin(async move {
            let response = http.send().await.map_err(error)?;
            let retry_after = response.headers().get(RETRY_AFTER);
            Ok(Answer {
                status: response.status().as_u16(),
                retry_after: retry_after
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned),
                body: Box::pin(read(response)),
            })
        })
    }
}

/// Reads a body to its end, within bounds, so that the connection can be used again.
async fn read(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < MAX_ANSWER_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        let room = MAX_ANSWER_BYTES - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
    }
    body
}

/// Tells an error with its causes and without its URL, which may hold what nobody should read.
fn error(error: reqwest::Error) -> SendError {
    if error.is_timeout() {
        return SendError::Timeout;
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    SendError::Network(text)
}
