//! The types of the host's closures.

use std::sync::Arc;

use reqwest::ClientBuilder;
use serde_json::Value;

use crate::error::DeliveryError;

/// A hook over a finished event, before it is sent.
pub(crate) type BeforeSend = Arc<dyn Fn(Value) -> Option<Value> + Send + Sync>;

/// A callback for failed deliveries.
pub(crate) type OnError = Arc<dyn Fn(&DeliveryError) + Send + Sync>;

/// The user's own changes to the HTTP client.
pub(crate) type ClientHook = Box<dyn FnOnce(ClientBuilder) -> ClientBuilder>;
