//! The types of the closures that a host gives to a builder.

use std::sync::Arc;

use reqwest::ClientBuilder;
use serde_json::Value;

use crate::error::DeliveryError;

/// Changes or drops a finished event before it is sent.
pub(crate) type BeforeSend = Arc<dyn Fn(Value) -> Option<Value> + Send + Sync>;

/// Is called for each failed delivery.
pub(crate) type OnError = Arc<dyn Fn(&DeliveryError) + Send + Sync>;

/// Changes the HTTP client before it is built.
pub(crate) type ClientHook = Box<dyn Fn(ClientBuilder) -> ClientBuilder + Send + Sync>;
