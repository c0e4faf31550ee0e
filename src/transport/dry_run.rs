//! A transport that writes requests to a file instead of sending them.

use std::fs::{File, OpenOptions};
use std::future::ready;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use super::exchange::{IncomingResponse, ProbeFuture, Request, SendError, SendFuture, Transport};
use crate::base::lock::lock;

/// Appends each request's body to a file, one a line, and answers that it was delivered.
#[derive(Debug)]
pub(crate) struct DryRun {
    file: Mutex<File>,
}

impl DryRun {
    /// Opens the file. On Unix only its owner may read a new one; an existing one keeps its mode.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = Mutex::new(options.open(path)?);
        Ok(Self { file })
    }
}

impl Transport for DryRun {
    // It blocks, which only delays delivery: the worker has a thread of its own.
    fn send(&self, request: Request) -> SendFuture {
        let mut line = request.body;
        // Within JSON a raw line break can only be white space.
        for byte in &mut line {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        line.push(b'\n');
        let mut file = lock(&self.file);
        let written = file.write_all(&line).and_then(|()| file.flush());
        Box::pin(ready(match written {
            Ok(()) => Ok(IncomingResponse {
                status: 200,
                retry_after: None,
                content_type: None,
                body: Box::pin(ready(Vec::new())),
            }),
            Err(error) => Err(SendError::Network(format!("dry run: {error}"))),
        }))
    }

    fn probe(&self) -> Option<ProbeFuture> {
        None
    }
}
