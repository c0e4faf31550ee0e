//! HTTP by way of reqwest.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, ClientBuilder, Method, Response, Url};

use super::api_key::{KeyCell, KeyPlace};
use super::exchange::{
    IncomingResponse, MAX_ANSWER_BYTES, ProbeAnswer, ProbeFuture, Request, SendError, SendFuture,
    Transport,
};
use super::http_client::{ClientError, HttpClient};
use super::names::SystemNames;
use crate::base::causes::WithCauses;
use crate::hooks::ClientHook;

/// A connection that was not used for so long is not used again: a peer, or something on the way, may have
/// dropped it without a word.
const MAX_IDLE: Duration = Duration::from_secs(20);

/// POSTs to one endpoint with one key.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) client: HttpClient,
    pub(crate) endpoint: Url,
    pub(crate) headers: HeaderMap,
    /// The type of a request's body.
    pub(crate) content_type: &'static str,
    pub(crate) key_place: KeyPlace,
    pub(crate) key: Arc<KeyCell>,
    pub(crate) gzip: bool,
    /// What the query says of a compressed body, beside the header.
    pub(crate) gzip_query: Option<&'static str>,
}

/// By which authorities a receiver's certificate is checked.
#[derive(Debug)]
pub(crate) enum Roots {
    System,
    Bundled,
    Given(Vec<Certificate>),
}

/// Builds the client for an endpoint. Fails when TLS cannot be set up, or the user's hook made it
/// impossible.
pub(crate) fn client(
    endpoint: &Url,
    max_in_flight: usize,
    roots: &Roots,
    hook: Option<&ClientHook>,
) -> Result<Client, ClientError> {
    let mut builder = Client::builder()
        .pool_max_idle_per_host(max_in_flight)
        .pool_idle_timeout(MAX_IDLE)
        .dns_resolver(SystemNames)
        .user_agent(USER_AGENT);
    if endpoint.scheme() == "http" {
        // No redirect leads to https, so roots would check nothing; and there may be none.
        builder = builder.tls_certs_only([]);
    } else {
        builder = match roots {
            Roots::System => builder,
            Roots::Bundled => with_bundled_roots(builder).map_err(ClientError::Other)?,
            Roots::Given(certificates) => builder.tls_certs_only(certificates.iter().cloned()),
        };
    }
    if let Some(hook) = hook {
        builder = hook(builder);
    }
    // After the hook, which must not undo them: a redirect would carry the key to another origin, and
    // a proxy would see requests to an address on this machine.
    builder = builder
        .redirect(reqwest::redirect::Policy::none())
        // Verbose connections log each request with its key.
        .connection_verbose(false);
    if is_loopback(endpoint) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| {
        let error = error.without_url();
        if endpoint.scheme() == "https" && matches!(roots, Roots::System) && lacks_roots() {
            ClientError::NoRoots(error)
        } else {
            ClientError::Other(error)
        }
    })
}

/// Whether a client cannot be built for want of roots alone. An error does not say so in a way that
/// code can rely on.
fn lacks_roots() -> bool {
    let without = Client::builder().tls_certs_only([]).build();
    Client::builder().build().is_err() && without.is_ok()
}

#[cfg(feature = "bundled-roots")]
fn with_bundled_roots(builder: ClientBuilder) -> Result<ClientBuilder, reqwest::Error> {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    let roots: Result<Vec<_>, _> = roots
        .map(|root| reqwest::Certificate::from_der(root))
        .collect();
    Ok(builder.tls_certs_only(roots?))
}

#[cfg(not(feature = "bundled-roots"))]
fn with_bundled_roots(builder: ClientBuilder) -> Result<ClientBuilder, reqwest::Error> {
    Ok(builder)
}

/// Compresses a body; `None` where that is off, or does not make it smaller.
#[cfg(feature = "gzip")]
fn compressed(body: &[u8], on: bool) -> Option<Vec<u8>> {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    if !on {
        return None;
    }
    // The fastest level: events repeat their field names, which any level finds.
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder
        .finish()
        .ok()
        .filter(|small| small.len() < body.len())
}

#[cfg(not(feature = "gzip"))]
fn compressed(_: &[u8], _: bool) -> Option<Vec<u8>> {
    None
}

/// Names this crate to the ingest, in the HTTP header.
pub(crate) const USER_AGENT: &str = concat!("mcp-usage/", env!("CARGO_PKG_VERSION"));

/// Returns whether `url` names this machine: 127.0.0.0/8, `::1` or `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match host(url) {
        Some(Host::Address(address)) => address.is_loopback(),
        Some(Host::Name(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// Returns whether `url` names a host of the same network, as clusters name theirs: a name without a dot or under one
/// of the domains of such networks, or a private address.
pub(crate) fn is_nearby(url: &Url) -> bool {
    const DOMAINS: [&str; 3] = [".svc", ".local", ".internal"];
    match host(url) {
        Some(Host::Address(IpAddr::V4(address))) => address.is_private(),
        Some(Host::Address(IpAddr::V6(address))) => address.is_unique_local(),
        Some(Host::Name(name)) => {
            !name.contains('.') || DOMAINS.iter().any(|domain| name.ends_with(domain))
        }
        None => false,
    }
}

enum Host<'u> {
    Address(IpAddr),
    Name(&'u str),
}

fn host(url: &Url) -> Option<Host<'_>> {
    let host = url.host_str()?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    Some(address.map_or(Host::Name(host), Host::Address))
}

impl Http {
    fn url(&self, is_compressed: bool) -> Url {
        let mut url = self.endpoint.clone();
        if let Some(said) = self.gzip_query.filter(|_| is_compressed) {
            let query = match url.query() {
                Some(query) if !query.is_empty() => format!("{query}&{said}"),
                _ => said.to_owned(),
            };
            url.set_query(Some(&query));
        }
        url
    }
}

impl Transport for Http {
    fn send(&self, request: Request) -> SendFuture {
        if request.needs_new_connection {
            self.client.renew();
        }
        let body = match self.key_place {
            KeyPlace::Header(..) => request.body,
            KeyPlace::Member(name) => self.key.put_into(request.body, name),
        };
        let compressed = compressed(&body, self.gzip);
        let mut http = self
            .client
            .get()
            .post(self.url(compressed.is_some()))
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        http = match compressed {
            Some(body) => http
                .header(CONTENT_ENCODING, HeaderValue::from_static("gzip"))
                .body(body),
            None => http.body(body),
        };
        if let KeyPlace::Header(name, prefix) = self.key_place
            && let Some(key) = self.key.header(prefix)
        {
            http = http.header(name, key);
        }
        Box::pin(async move {
            let response = http.send().await.map_err(error)?;
            let text = |name| {
                response
                    .headers()
                    .get(name)?
                    .to_str()
                    .ok()
                    .map(str::to_owned)
            };
            Ok(IncomingResponse {
                status: response.status().as_u16(),
                retry_after: text(RETRY_AFTER),
                content_type: text(CONTENT_TYPE),
                body: Box::pin(read(response)),
            })
        })
    }

    /// Sends `OPTIONS`, which changes nothing; any answer shows that the endpoint can be reached.
    fn probe(&self) -> Option<ProbeFuture> {
        let client = self.client.get();
        let request = client.request(Method::OPTIONS, self.endpoint.clone());
        Some(Box::pin(async move {
            let response = request.send().await.map_err(error)?;
            let date = response.headers().get(DATE);
            Ok(ProbeAnswer {
                status: response.status().as_u16(),
                date: date
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned),
            })
        }))
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

/// Describes an error with its causes, without its URL, which may hold a secret.
fn error(error: reqwest::Error) -> SendError {
    if error.is_timeout() {
        return SendError::Timeout;
    }
    SendError::Network(WithCauses(&error.without_url()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearby_is_what_a_cluster_or_a_private_network_names() {
        for (url, expected) in [
            ("http://otel-collector:4318", true),
            ("http://collector.observability.svc/", true),
            ("http://collector.observability.svc.cluster.local/", true),
            ("http://Collector.INTERNAL/", true),
            ("http://10.1.2.3/", true),
            ("http://172.16.0.1/", true),
            ("http://192.168.7.9:4318/", true),
            ("http://[fd00::1]/", true),
            ("http://collector.example.com/", false),
            ("http://internal.example/", false),
            ("http://svc.example/", false),
            ("http://8.8.8.8/", false),
            ("http://172.32.0.1/", false),
            ("http://[2001:db8::1]/", false),
            ("http://[::ffff:8.8.8.8]/", false),
            ("http://example.com./", false),
        ] {
            assert_eq!(is_nearby(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn loopback_is_what_stays_on_this_machine() {
        for (url, expected) in [
            ("http://127.0.0.1/", true),
            ("http://127.255.0.1:80/", true),
            ("http://[::1]:9/", true),
            ("http://localhost/", true),
            ("http://LocalHost:1/", true),
            ("http://127.1/", true),
            ("http://2130706433/", true),
            ("http://128.0.0.1/", false),
            ("http://[::2]/", false),
            ("http://0.0.0.0/", false),
            ("http://localhost.example/", false),
            ("http://127.0.0.1.example/", false),
            ("http://example/127.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
