//! The token is known, unexpired and unrevoked; looked up anew for each request.

use crate::store::grants::{Grant, TokenRefused};
use crate::store::{Store, StoreError};

/// The token does not work. The client does not learn which of the three it was: an honest client does not need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is unknown, expired or revoked")]
pub struct Dead(pub TokenRefused);

/// # Errors
///
/// When the token does not work; the outer error is the database's.
pub async fn check(store: &Store, token: &str) -> Result<Result<Grant, Dead>, StoreError> {
    Ok(store.grant_of(token).await?.map_err(Dead))
}
