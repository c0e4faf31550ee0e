//! The two directions of a session, for callers that move the bytes themselves, such as a proxy with its own threads.

use std::borrow::Cow;

use super::answers::Answers;
use super::requests::{Requests, Rewritten};

/// Reads what a client sends. Made by [`UsageStreams::taps`](super::UsageStreams::taps).
#[derive(Debug)]
pub struct RequestTap(pub(super) Option<Requests>);

impl RequestTap {
    /// Takes the next bytes from the client, and returns those that go on to the server: the same, unless
    /// [`add_intent`](super::UsageStreams::add_intent) holds a line until it is whole.
    #[must_use = "they are what the server gets"]
    pub fn requests<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let Some(requests) = &mut self.0 else {
            return Cow::Borrowed(bytes);
        };
        if !requests.may_rewrite() {
            requests.pass(bytes);
            return Cow::Borrowed(bytes);
        }
        let mut rewritten = Rewritten::default();
        requests.rewrite(bytes, &mut rewritten);
        Cow::Owned(rewritten.to_server)
    }

    /// Notes that the client has closed its stream, and returns the held bytes that go on to the server. Dropping the tap
    /// does not do this.
    #[must_use = "it goes on to the server"]
    pub fn end(self) -> Vec<u8> {
        self.0
            .map(|mut requests| requests.end().to_server)
            .unwrap_or_default()
    }
}

/// Reads what a server sends. Made by [`UsageStreams::taps`](super::UsageStreams::taps).
#[derive(Debug)]
pub struct AnswerTap(pub(super) Option<Answers>);

impl AnswerTap {
    /// Takes the next bytes from the server, and returns those that go on to the client: the same, unless
    /// [`add_intent`](super::UsageStreams::add_intent) holds a line until it is whole.
    #[must_use = "they are what the client gets"]
    pub fn answers<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let Some(answers) = &mut self.0 else {
            return Cow::Borrowed(bytes);
        };
        if !answers.may_rewrite() {
            answers.pass(bytes);
            return Cow::Borrowed(bytes);
        }
        let mut to_client = Vec::new();
        answers.rewrite(bytes, &mut to_client);
        Cow::Owned(to_client)
    }

    /// Notes that nothing reaches the client any more: calls without an answer are recorded as cancelled.
    pub fn client_gone(&self) {
        if let Some(answers) = &self.0 {
            answers.note_client_gone();
        }
    }

    /// Notes that the server has closed its stream, so that no call is answered any more, and returns the held bytes.
    /// Dropping the tap also ends the calls.
    #[must_use = "it goes on to the client"]
    pub fn end(mut self) -> Vec<u8> {
        let mut to_client = Vec::new();
        if let Some(answers) = &mut self.0 {
            answers.release(&mut to_client);
        }
        to_client
    }
}

impl Drop for AnswerTap {
    fn drop(&mut self) {
        if let Some(answers) = &mut self.0 {
            answers.end();
        }
    }
}
