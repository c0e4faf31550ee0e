//! The files of the pages.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Failure, Web};
use crate::page::asset;

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/assets/{file}", get(file))
}

/// Kept for good under the address that has its version, and asked for again under any other.
async fn file(
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let asset = asset::find(&name).ok_or_else(Failure::not_found)?;
    let tag = format!("\"{}\"", asset.version);
    let keep = match query.get("v") == Some(&asset.version) {
        true => "public, max-age=31536000, immutable",
        false => "public, no-cache",
    };
    let keep = [(CACHE_CONTROL, keep), (ETAG, tag.as_str())];
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok());
    let is_known = known.is_some_and(|known| {
        known
            .split(',')
            .any(|one| one.trim().trim_start_matches("W/") == tag)
    });
    Ok(match is_known {
        true => (StatusCode::NOT_MODIFIED, keep).into_response(),
        false => (keep, [(CONTENT_TYPE, asset.kind)], asset.text).into_response(),
    })
}
