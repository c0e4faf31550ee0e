//! The HTTP client in use, which can be replaced by a new one that has no connections yet.

use std::fmt;
use std::sync::Mutex;

use reqwest::Client;

use crate::base::lock::lock;
use crate::base::log;
use crate::base::panics::{self, Panicked};

type Make = Box<dyn Fn() -> Result<Client, ClientError> + Send + Sync>;

/// Why no client could be built.
#[derive(Debug)]
pub(crate) enum ClientError {
    /// The system has no TLS roots.
    NoRoots(reqwest::Error),
    Other(reqwest::Error),
}

/// A client and how it is made.
pub(crate) struct HttpClient {
    current: Mutex<Client>,
    make: Make,
}

impl HttpClient {
    pub(crate) fn new(
        make: impl Fn() -> Result<Client, ClientError> + Send + Sync + 'static,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            current: Mutex::new(make()?),
            make: Box::new(make),
        })
    }

    pub(super) fn get(&self) -> Client {
        lock(&self.current).clone()
    }

    /// Drops the idle connections, so that the next request makes its own. If no other client
    /// can be built, the present one stays.
    pub(super) fn renew(&self) {
        // The host's hook is called, and may panic.
        match panics::catch(|| (self.make)()) {
            Ok(Ok(client)) => *lock(&self.current) = client,
            Ok(Err(_)) | Err(Panicked) => {
                let _ = log::warn(format_args!(
                    "the HTTP client could not be rebuilt after a pause, so old connections stay in use: the \
                     `http_client` hook must succeed each time it is called"
                ));
            }
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpClient").field(&self.get()).finish()
    }
}
