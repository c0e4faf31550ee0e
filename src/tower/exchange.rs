//! One HTTP request and its answer, and their calls.

use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use http::{Method, StatusCode, header, request, response};

use super::http_request::{HttpRequest, KeptHeaders};
use super::observer::HttpObserver;
use crate::event::{AuthRejected, AuthRejection, CallOutcome, Caller, Event, Identity, Session};
use crate::logger::{GivesWay, OuterRecords};
use crate::mcp::caller_key::CallerKey;
use crate::mcp::request::{USER_AGENT_HEADER, VENDOR_CLIENT_HEADER, http_version, set_address};
use crate::observe::{Conversation, gone};

/// A request and its answer.
pub(super) struct Exchange {
    observer: Arc<HttpObserver>,
    pub(super) conversation: Conversation<HttpRequest>,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All of it has passed.
    Whole,
    /// Its sender failed.
    Broken,
    /// Its receiver disconnected.
    Dropped,
}

impl HttpObserver {
    /// Begins to read a request, if it may hold messages.
    pub(super) fn open(self: &Arc<Self>, parts: &mut request::Parts) -> Option<Arc<Exchange>> {
        let observer = &self.observer;
        let handle = observer.usage.handle()?;
        if parts.method != Method::POST {
            return None;
        }
        let client_address = self.client_address.of(parts);
        let extensions = &mut parts.extensions;
        let caller = extensions.get::<Caller>().cloned();
        let identity = || extensions.get::<Identity<'static>>().cloned();
        let caller = caller.or_else(|| identity().map(Caller::from));
        let identity = caller.as_ref().map(Caller::identity);
        let is_sensitive = |name: &str| observer.is_sensitive(name);
        let is_tenants = |name: &str| self.is_tenants(name);
        let (uri, given) = (&parts.uri, &parts.headers);
        let caller_key = CallerKey::of_request(uri, given, identity, is_sensitive, is_tenants);
        let session_key = if given.contains_key(header::COOKIE) {
            let others = given.iter().filter(|(name, _)| **name != header::COOKIE);
            CallerKey::of_request(uri, others, identity, is_sensitive, is_tenants)
        } else {
            caller_key
        };
        let mut headers = KeptHeaders::of(&parts.headers);
        let mut held = handle.pipeline.shared.queue.reserve();
        if !held.grow(size_of::<Exchange>() + headers.bytes()) {
            headers.strip();
            // Where this fails too, what is left is small, and stays.
            held.grow(size_of::<Exchange>() + headers.bytes());
        }
        let request = HttpRequest {
            sessions: Arc::clone(&self.sessions),
            caller,
            caller_key,
            session_key,
            headers,
            http_version: http_version(parts.version),
            client_address,
            is_authorized: parts.headers.contains_key(header::AUTHORIZATION),
            opens: Mutex::default(),
        };
        let exchange = Arc::new(Exchange {
            observer: Arc::clone(self),
            conversation: Conversation::new(Arc::clone(observer), request, held),
        });
        let outer = extensions.get_or_insert_default::<OuterRecords>();
        outer.take_over(handle);
        let record: Weak<Exchange> = Arc::downgrade(&exchange);
        outer.push(handle, record);
        Some(exchange)
    }
}

impl Exchange {
    /// Reads the head of the answer.
    pub(super) fn on_head(&self, parts: &response::Parts) {
        self.conversation.around.on_head(&parts.headers);
        if self.observer.auth_rejections {
            self.log_rejection(parts.status);
        }
    }

    /// Reports an answer that refuses the login.
    fn log_rejection(&self, status: StatusCode) {
        let request = &self.conversation.around;
        let reason = match status {
            StatusCode::UNAUTHORIZED if request.is_authorized => AuthRejection::Invalid,
            StatusCode::UNAUTHORIZED => AuthRejection::Missing,
            StatusCode::FORBIDDEN => AuthRejection::Forbidden,
            StatusCode::TOO_MANY_REQUESTS => AuthRejection::RateLimited,
            _ => return,
        };
        let observer = &self.observer.observer;
        if !observer.takes_all_kinds() {
            return;
        }
        let mut session = Session::new().transport("http");
        if let Some(client) = request.headers.get(&VENDOR_CLIENT_HEADER) {
            session = session.vendor_client(client);
        }
        let mut event = AuthRejected::new(reason).session(session);
        if let Some(agent) = request.headers.get(&USER_AGENT_HEADER) {
            event = event.user_agent(agent);
        }
        let mut event = Event::from(event);
        set_address(&mut event.facts, request.client_address);
        observer.usage.log_usage(event);
    }

    /// The answer has ended: records the calls that it has not answered.
    pub(super) fn on_end(&self, status: StatusCode, end: End) {
        let is_refusal = status.is_client_error() || status.is_server_error();
        if !is_refusal && end != End::Dropped {
            // What is not answered here may be by a stream that the client opens next.
            self.conversation.on_unreadable_answer();
        }
        let status = format!("HTTP {}", status.as_u16());
        let (outcome, error) = match end {
            _ if is_refusal => (CallOutcome::ProtocolError, Some(&*status)),
            End::Whole | End::Broken => (CallOutcome::Unknown, None),
            End::Dropped => (gone(), None),
        };
        self.conversation.end_calls(outcome, error);
    }

    /// There is no answer: the inner service failed.
    pub(super) fn on_failure(&self) {
        let failed = "the service failed";
        self.conversation
            .end_calls(CallOutcome::ProtocolError, Some(failed));
    }
}

impl GivesWay for Exchange {
    fn give_way(&self) {
        self.conversation.give_way();
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

#[cfg(test)]
mod tests {
    use super::super::http_request::PROTOCOL_VERSION_HEADER;
    use super::*;
    use crate::logger::UsageLogger;
    use crate::mcp::request::{SESSION_HEADER, TRACEPARENT};

    /// The headers of a request that are kept, with their long values only while the logger has memory.
    fn kept(has_memory: bool) -> KeptHeaders {
        let builder = UsageLogger::builder().env(|_| None);
        let builder = builder.api_key("test-key-1").product_id("demo");
        let usage = builder.endpoint("http://127.0.0.1:9/").build().unwrap();
        let shared = &usage.handle().unwrap().pipeline.shared;
        let mut others = shared.queue.reserve();
        let mut bytes = usize::MAX / 2;
        while !has_memory && bytes > 0 {
            if !others.grow(bytes) {
                bytes /= 2;
            }
        }
        let long = "x".repeat(300_000);
        let (mut parts, ()) = http::Request::post("/")
            .header(&SESSION_HEADER, &long)
            .header(&USER_AGENT_HEADER, &long)
            .header(&TRACEPARENT, &long)
            .header(&PROTOCOL_VERSION_HEADER, "2025-11-25")
            .body(())
            .unwrap()
            .into_parts();
        let observer = Arc::new(HttpObserver::new(usage.clone()));
        let exchange = observer.open(&mut parts).unwrap();
        KeptHeaders(exchange.conversation.around.headers.0.clone())
    }

    #[test]
    fn headers_that_there_is_no_memory_for_are_kept_as_their_sizes() {
        let whole = kept(true);
        assert!(whole.bytes() > 900_000, "{}", whole.bytes());
        let stripped = kept(false);
        assert!(stripped.bytes() < 8 * 1024, "{}", stripped.bytes());
        for (name, value) in [
            (&USER_AGENT_HEADER, "[300000 bytes]"),
            (&PROTOCOL_VERSION_HEADER, "2025-11-25"),
        ] {
            assert_eq!(stripped.get(name), Some(value), "{name}");
        }
        let session = stripped.get(&SESSION_HEADER).unwrap();
        assert!((4_096..300_000).contains(&session.len()));
    }
}
