//! The files that pages need, within the program.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

const FILES: [(&str, &str, &str); 3] = [
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("../../assets/style.css"),
    ),
    (
        "app.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/app.js"),
    ),
    (
        "icon.svg",
        "image/svg+xml",
        include_str!("../../assets/icon.svg"),
    ),
];

/// The hash of each file, as its entity tag.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|(_, _, text)| {
            let hash = Sha256::digest(text.as_bytes());
            let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            format!("\"{hex}\"")
        })
        .collect()
});

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{file}", get(asset))
}

/// A file is asked for again with every page, and answered with nothing while it is the same: its address has no
/// version in it, and a browser must not keep the old look after an update.
async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let found = FILES.iter().zip(TAGS.iter()).find(|((name, ..), _)| *name == file);
    let Some(((_, kind, text), tag)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let keep = [(CACHE_CONTROL, "public, no-cache"), (ETAG, tag.as_str())];
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok());
    let is_known = known.is_some_and(|known| {
        known
            .split(',')
            .any(|one| one.trim().trim_start_matches("W/") == tag)
    });
    match is_known {
        true => (StatusCode::NOT_MODIFIED, keep).into_response(),
        false => (keep, [(CONTENT_TYPE, *kind)], *text).into_response(),
    }
}
