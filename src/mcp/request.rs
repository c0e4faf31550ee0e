//! The facts of a request: what its `_meta`, its headers and the session's `initialize` say.
//!
//! Read in the same way for every integration, transport and SDK.

use std::net::SocketAddr;

use http::{HeaderName, header};
use serde_json::{Map, Value};

use crate::capture::Content;
use crate::event::{Caller, ClientClass, Era, Facts, Identity, Links, Session};

/// Where the newer protocol keeps what `initialize` said in the older one.
const META_CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
const META_PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
#[cfg(any(feature = "stdio", feature = "tower"))]
const META_SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
const META_CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Keys of `_meta` in which agents echo the conversation they are in.
const META_CONVERSATION: [&str; 4] = [
    "conversation_id",
    "conversationId",
    "gen_ai.conversation.id",
    "openai/session",
];

/// Names the session of a request over HTTP. The headers have names that are parsed: to look one up by its text parses the
/// text each time, which is 700 instructions more of a call.
pub(crate) static SESSION_HEADER: HeaderName = HeaderName::from_static("mcp-session-id");

pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
pub(crate) static USER_AGENT_HEADER: HeaderName = header::USER_AGENT;

/// Names the vendor's product that a client belongs to. Only clients of that vendor send it.
pub(crate) static VENDOR_CLIENT_HEADER: HeaderName = HeaderName::from_static("x-anthropic-client");

/// The name and version of a client or a server, as it gives them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PeerInfo<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
}

impl<'a> PeerInfo<'a> {
    /// Reads a `clientInfo` or a `serverInfo`.
    pub(crate) fn read(info: &'a Value) -> Self {
        let text = |name| info.get(name)?.as_str();
        Self {
            name: text("name"),
            version: text("version"),
        }
    }

    /// Returns the client that the host has stored with its caller.
    fn of_caller(caller: &'a Caller) -> Self {
        let (name, version) = caller.client();
        Self { name, version }
    }
}

/// Spells a version of HTTP as OpenTelemetry does.
pub(crate) const fn http_version(version: http::Version) -> Option<&'static str> {
    match version {
        http::Version::HTTP_09 => Some("0.9"),
        http::Version::HTTP_10 => Some("1.0"),
        http::Version::HTTP_11 => Some("1.1"),
        http::Version::HTTP_2 => Some("2"),
        http::Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

/// Puts an address into the facts of an event.
pub(crate) fn set_address(facts: &mut Facts<'_>, address: Option<SocketAddr>) {
    if let Some(address) = address {
        // A socket for both protocols shows an IPv4 address as an IPv6 one.
        facts.ip_addr = Some(address.ip().to_canonical().to_string().into());
        facts.client_port = Some(address.port()).filter(|port| *port > 0);
    }
}

/// Returns the server that an answer's `_meta` names, as in the newer protocol.
#[cfg(any(feature = "stdio", feature = "tower"))]
pub(crate) fn server_of(result: &Value) -> Option<PeerInfo<'_>> {
    result
        .get("_meta")?
        .get(META_SERVER_INFO)
        .map(PeerInfo::read)
}

/// The `_meta` of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestMeta<'a> {
    /// `None` when it says nothing beyond what the protocol asks for, as most requests do: then
    /// nothing else is looked up in it.
    more: Option<&'a Map<String, Value>>,
    pub(crate) client: Option<PeerInfo<'a>>,
    pub(crate) protocol_version: Option<&'a str>,
}

impl<'a> RequestMeta<'a> {
    pub(crate) fn read(meta: Option<&'a Map<String, Value>>) -> Self {
        let (mut more, mut client, mut protocol_version) = (None, None, None);
        for (name, value) in meta.into_iter().flatten() {
            match &**name {
                META_CLIENT_INFO => client = Some(PeerInfo::read(value)),
                META_PROTOCOL_VERSION => protocol_version = value.as_str(),
                META_CLIENT_CAPABILITIES => {}
                _ => more = meta,
            }
        }
        Self {
            more,
            client,
            protocol_version,
        }
    }

    /// Returns the conversation that the agent says it is in.
    pub(crate) fn conversation_id(&self) -> Option<&'a str> {
        let more = self.more?;
        META_CONVERSATION
            .iter()
            .find_map(|key| more.get(*key)?.as_str())
    }
}

/// The transport of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum McpTransport<'a> {
    /// HTTP, where a header names the session, in the older protocol alone.
    Http {
        /// Whether what is known of the session's client is that of the named session.
        is_bound: bool,
    },
    /// A connection that is one session, as stdio.
    Connection { session_id: &'a str, name: &'a str },
}

/// All sources of facts about a request.
pub(crate) struct RequestFacts<'a, H> {
    pub(crate) meta: RequestMeta<'a>,
    /// Looks a header up.
    pub(crate) header: H,
    pub(crate) transport: McpTransport<'a>,
    /// The session's client, for a request that does not name one.
    pub(crate) client: Option<PeerInfo<'a>>,
    /// The protocol's version, for a request that does not say it.
    pub(crate) protocol_version: Option<&'a str>,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) conversation_id: Option<&'a str>,
    /// The server's name and version, as far as they are known when the request arrives.
    pub(crate) server: PeerInfo<'a>,
    /// The version of HTTP.
    pub(crate) http_version: Option<&'static str>,
    pub(crate) client_address: Option<SocketAddr>,
    pub(crate) identity: Option<&'a Identity<'static>>,
    pub(crate) caller: Option<&'a Caller>,
}

impl<'a, H: Fn(&HeaderName) -> Option<&'a str>> RequestFacts<'a, H> {
    /// Returns the facts that all events of the request share.
    pub(crate) fn into_facts(
        self,
        class_of: impl FnOnce(Option<&str>, Option<&str>) -> ClientClass,
    ) -> Facts<'a> {
        let protocol_version = self.meta.protocol_version.or(self.protocol_version);
        let era = protocol_version.map(Era::of);
        let (transport, session_id, is_named) = match self.transport {
            McpTransport::Connection { session_id, name } => (name, Some(session_id), true),
            McpTransport::Http { is_bound } => {
                let session_id = (self.header)(&SESSION_HEADER).filter(|_| is_bound);
                // The newer protocol has no sessions over HTTP, whatever a header says.
                let own = session_id.filter(|_| era != Some(Era::Modern));
                ("http", own, session_id.is_some())
            }
        };
        // A stateless server makes up the client of an older protocol's request, so over HTTP only
        // a request that names its session is the session's client's.
        let client = self.meta.client.or(self.client.filter(|_| is_named));
        let client = client
            .or_else(|| self.caller.map(PeerInfo::of_caller))
            .unwrap_or_default();
        let user_agent = (self.header)(&USER_AGENT_HEADER);
        let meta = self.meta.more;
        let in_meta = |name: &HeaderName| meta.and_then(|meta| meta.get(name.as_str())?.as_str());
        let (own, outer) = (in_meta(&TRACEPARENT), (self.header)(&TRACEPARENT));
        // The HTTP request's context, where it is another than the request's own.
        let linked = outer.filter(|outer| own.is_some_and(|own| own != *outer));
        // A state belongs to the context it came with.
        let outer_state = || (self.header)(&TRACESTATE);
        let tracestate = match own {
            Some(_) => in_meta(&TRACESTATE),
            None => outer.and_then(|_| outer_state()),
        };
        let own_meta = self.caller.into_iter().flat_map(Caller::own_meta);
        let mut facts = Facts {
            identity: self.identity.map(Identity::from),
            // In the order of the table of facts.
            session: Session::from_texts([
                session_id,
                self.conversation_id,
                client.name,
                client.version,
                protocol_version,
                Some(transport),
                self.request_id,
                (self.header)(&VENDOR_CLIENT_HEADER),
                self.caller.and_then(Caller::client_id),
                self.server.name,
                self.server.version,
            ]),
            era,
            client_class: Some(class_of(client.name, user_agent)),
            user_agent: user_agent.map(Into::into),
            traceparent: own.or(outer).map(Into::into),
            links: Some(Links {
                http_version: self.http_version.map(Into::into),
                tracestate: tracestate.map(Into::into),
                http_traceparent: linked.map(Into::into),
                http_tracestate: linked.and_then(|_| outer_state()).map(Into::into),
            }),
            meta: Some(
                own_meta
                    .map(|(key, value)| (key.into(), value as Content<'_>))
                    .collect(),
            ),
            ..Facts::default()
        };
        set_address(&mut facts, self.client_address);
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SESSION_CLIENT: PeerInfo<'static> = PeerInfo {
        name: Some("session-client"),
        version: None,
    };

    /// Reads a request without a caller: its `_meta`, its headers, and its transport.
    fn facts<'a>(
        meta: &'a Value,
        headers: &'a [(&'a HeaderName, &'a str)],
        transport: McpTransport<'a>,
        protocol_version: Option<&'a str>,
    ) -> Facts<'a> {
        facts_of(meta, headers, transport, protocol_version, None)
    }

    fn facts_of<'a>(
        meta: &'a Value,
        headers: &'a [(&'a HeaderName, &'a str)],
        transport: McpTransport<'a>,
        protocol_version: Option<&'a str>,
        caller: Option<&'a Caller>,
    ) -> Facts<'a> {
        let meta = RequestMeta::read(meta.as_object());
        let header = |name: &HeaderName| {
            let mut headers = headers.iter();
            headers
                .find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        };
        let facts = RequestFacts {
            meta,
            header,
            transport,
            client: Some(SESSION_CLIENT),
            protocol_version,
            request_id: Some("7"),
            conversation_id: meta.conversation_id(),
            server: PeerInfo {
                name: Some("shop"),
                version: None,
            },
            http_version: Some("2"),
            client_address: None,
            identity: None,
            caller,
        };
        facts.into_facts(ClientClass::of)
    }

    #[test]
    fn an_address_has_the_form_of_its_own_protocol() {
        for (address, ip, port) in [
            ("203.0.113.9:5", "203.0.113.9", Some(5)),
            ("[::ffff:203.0.113.9]:5", "203.0.113.9", Some(5)),
            ("[2001:db8::1]:0", "2001:db8::1", None),
        ] {
            let mut facts = Facts::default();
            set_address(&mut facts, address.parse().ok());
            let found = (facts.ip_addr.as_deref(), facts.client_port);
            assert_eq!(found, (Some(ip), port), "{address}");
        }
        let mut facts = Facts::default();
        set_address(&mut facts, None);
        assert_eq!((facts.ip_addr, facts.client_port), (None, None));
    }

    #[test]
    fn a_request_of_the_newer_protocol_says_all_itself_and_has_no_session() {
        let meta = json!({
            META_CLIENT_INFO: {"name": "claude-code", "version": "2.1"},
            META_PROTOCOL_VERSION: "2026-07-28",
            META_CLIENT_CAPABILITIES: {},
        });
        let headers = [
            (&SESSION_HEADER, "s1"),
            (&USER_AGENT_HEADER, "node"),
            (&VENDOR_CLIENT_HEADER, "ClaudeCode"),
            (&TRACEPARENT, "00-1-2-01"),
            (&TRACESTATE, "a=1"),
        ];
        let facts = facts(&meta, &headers, McpTransport::Http { is_bound: true }, None);
        let session = Session::new()
            .client_name("claude-code")
            .client_version("2.1")
            .protocol_version("2026-07-28")
            .transport("http")
            .request_id("7")
            .vendor_client("ClaudeCode")
            .server_name("shop");
        assert!(facts.session == session);
        assert_eq!(facts.era, Some(Era::Modern));
        assert_eq!(facts.client_class, Some(ClientClass::Agent));
        assert_eq!(facts.user_agent.as_deref(), Some("node"));
        assert_eq!(facts.traceparent.as_deref(), Some("00-1-2-01"));
        let links = facts.links.unwrap();
        assert_eq!(links.http_version.as_deref(), Some("2"));
        assert_eq!(links.tracestate.as_deref(), Some("a=1"));
        assert_eq!(links.http_traceparent, None);
    }

    #[test]
    fn over_http_the_header_names_the_session_whose_client_it_is() {
        let header = [(&SESSION_HEADER, "s1")];
        let bound = McpTransport::Http { is_bound: true };
        for (headers, transport, is_named) in [
            (&header[..], bound, true),
            (&[], bound, false),
            (&header, McpTransport::Http { is_bound: false }, false),
        ] {
            let facts = facts(&Value::Null, headers, transport, Some("2025-11-25"));
            let mut session = Session::new()
                .protocol_version("2025-11-25")
                .transport("http")
                .request_id("7")
                .server_name("shop");
            if is_named {
                session = session.session_id("s1").client_name("session-client");
            }
            assert!(facts.session == session, "{is_named} {:?}", facts.session);
            assert_eq!(facts.era, Some(Era::Legacy));
        }
    }

    #[test]
    fn a_caller_names_the_client_where_the_request_and_its_session_do_not() {
        let caller = Caller::new(Identity::new("u1", "INTERNAL"))
            .client_name("kept-client")
            .client_version("3");
        let header = [(&SESSION_HEADER, "s1")];
        let modern = json!({META_CLIENT_INFO: {"name": "own-client"}});
        for (meta, headers, name, version) in [
            (&Value::Null, &[][..], "kept-client", Some("3")),
            (&Value::Null, &header, "session-client", None),
            (&modern, &[], "own-client", None),
        ] {
            let http = McpTransport::Http { is_bound: true };
            let facts = facts_of(meta, headers, http, Some("2025-11-25"), Some(&caller));
            assert_eq!(facts.session.get("client_name"), Some(name));
            assert_eq!(facts.session.get("client_version"), version, "{name}");
            assert_eq!(facts.client_class, Some(ClientClass::of(Some(name), None)));
        }
    }

    #[test]
    fn a_connection_is_one_session_in_either_protocol() {
        let transport = McpTransport::Connection {
            session_id: "c1",
            name: "stdio",
        };
        for version in ["2025-11-25", "2026-07-28"] {
            let facts = facts(&Value::Null, &[], transport, Some(version));
            let session = Session::new()
                .session_id("c1")
                .client_name("session-client")
                .protocol_version(version)
                .transport("stdio")
                .request_id("7")
                .server_name("shop");
            assert!(facts.session == session, "{:?}", facts.session);
        }
    }

    #[test]
    fn a_conversation_and_a_trace_are_read_from_what_meta_says_beyond_the_protocol() {
        for key in META_CONVERSATION {
            let meta = json!({
                META_PROTOCOL_VERSION: "2026-07-28",
                key: "talk",
                (TRACEPARENT.as_str()): "00-3-4-01",
                (TRACESTATE.as_str()): "own=1",
            });
            let headers = [(&TRACEPARENT, "00-1-2-01"), (&TRACESTATE, "outer=1")];
            let facts = facts(&meta, &headers, McpTransport::Http { is_bound: true }, None);
            assert_eq!(facts.session.get("conversation_id"), Some("talk"), "{key}");
            assert_eq!(facts.traceparent.as_deref(), Some("00-3-4-01"));
            let links = facts.links.unwrap();
            assert_eq!(links.tracestate.as_deref(), Some("own=1"));
            assert_eq!(links.http_traceparent.as_deref(), Some("00-1-2-01"));
            assert_eq!(links.http_tracestate.as_deref(), Some("outer=1"));
        }
        let meta = json!({(TRACEPARENT.as_str()): "00-1-2-01"});
        let headers = [(&TRACEPARENT, "00-1-2-01"), (&TRACESTATE, "outer=1")];
        let same = facts(&meta, &headers, McpTransport::Http { is_bound: true }, None);
        let links = same.links.unwrap();
        assert_eq!(links.http_traceparent, None, "it says nothing more");
        assert_eq!(links.http_tracestate, None, "it belongs to no link");

        let meta = json!({META_PROTOCOL_VERSION: 5, "conversationId": 7});
        let meta = RequestMeta::read(meta.as_object());
        assert_eq!(
            (meta.protocol_version, meta.conversation_id()),
            (None, None)
        );
    }

    #[test]
    fn a_client_that_meta_names_is_not_the_sessions_whatever_it_leaves_out() {
        let meta = json!({META_CLIENT_INFO: {"version": "1"}});
        let headers = [(&SESSION_HEADER, "s1")];
        let facts = facts(&meta, &headers, McpTransport::Http { is_bound: true }, None);
        assert_eq!(facts.session.get("client_name"), None);
        assert_eq!(facts.session.get("client_version"), Some("1"));
    }
}
