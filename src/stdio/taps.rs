//! Streams that are only looked at, for a proxy that moves the bytes itself.

use super::answers::Answers;
use super::requests::Requests;

/// Looks at what a client sends. Made by [`UsageStreams::taps`](super::UsageStreams::taps).
#[derive(Debug)]
pub struct RequestTap(pub(super) Option<Requests>);

impl RequestTap {
    /// Looks at the next bytes from the client, before the server gets them.
    pub fn requests(&mut self, bytes: &[u8]) {
        if let Some(requests) = &mut self.0 {
            requests.look(bytes);
        }
    }

    /// Says that the client has closed its stream. A tap that is dropped says nothing.
    pub fn end(mut self) {
        if let Some(requests) = &mut self.0 {
            requests.end();
        }
    }
}

/// Looks at what a server sends. Made by [`UsageStreams::taps`](super::UsageStreams::taps).
#[derive(Debug)]
pub struct AnswerTap(pub(super) Option<Answers>);

impl AnswerTap {
    /// Looks at the next bytes from the server.
    pub fn answers(&mut self, bytes: &[u8]) {
        if let Some(answers) = &mut self.0 {
            answers.look(bytes);
        }
    }

    /// Says that the server has closed its stream, as dropping the tap does: no call is answered any more.
    pub fn end(self) {
        drop(self);
    }
}

impl Drop for AnswerTap {
    fn drop(&mut self) {
        if let Some(answers) = &mut self.0 {
            answers.end();
        }
    }
}
