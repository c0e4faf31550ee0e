//! The table of the facts that any event may say.

use std::borrow::Cow;

/// A text that is borrowed until `log_usage` returns, or owned.
pub(crate) type Text<'a> = Cow<'a, str>;

/// The table: hands its rows to the macro `$make`, behind the other tokens it is called with.
///
/// A row is the documentation and the name of a fact. The name is that of the setter, on each kind
/// of event and for the facts of a session on [`Session`](crate::Session) too.
///
/// A fact under `session`, `meta_texts` or `meta_words` stands in `meta`, under its name as the wire
/// key, which is added to the documentation. Its row is all it takes to be set, written and
/// reserved. The facts under `values`, `texts` and `links` stand where the formats in `wire/` put them.
macro_rules! facts {
    ($make:ident $($tokens:tt)*) => {
        $make! {
            $($tokens)*
            values {
                /// Sets the id. Wire key `event_id`; on mcpeye `callId`, a UUID made from it.
                ///
                /// Default: an id that is unique across threads, restarts and replicas, made from the
                /// logger's `instance` and the event's `sequence`, which are in `meta` on the Reo
                /// wires. It does not grow with time. Set your own, at least 1, so that the ingest recognizes
                /// an event that is logged twice; an id below 1 is ignored.
                event_id(id: i64);

                /// Sets when it happened. Wire key `event_at`: Unix seconds (`timestamp`, Unix
                /// milliseconds, on mcpeye). Default: now, also for a time outside of 2020 to 2100.
                event_at(at: SystemTime);

                /// Sets the code of the JSON-RPC error that the request was answered with. Only the OTLP and
                /// PostHog wires have a place for it: `rpc.response.status_code`, `mcp_usage_error_code`.
                error_code(code: i64);

                /// Sets the port that the client sent the request from, at least 1. Only the OTLP wire has a place for
                /// it: `client.port`. The integrations over HTTP set it if you tell them, with `client_address`, where a
                /// request comes from.
                client_port(port: u16);
            }
            texts {
                /// Sets an e-mail address beside an opaque id. Wire key `userEmail` on mcpeye, `user.email` on
                /// OTLP, `$set.email` on PostHog; the Reo wires have no place for it.
                email(address);

                /// Sets the product. Wire key `product_id`, required on the Reo wires. Default: the
                /// logger's.
                product_id(id);

                /// Sets the source. Wire key `source`. Default: the logger's.
                source(source);

                /// Sets the environment. Wire key `environment`. Default: the logger's.
                environment(environment);

                /// Sets the user agent of the client. Wire key `user_agent`. Default: the logger's.
                user_agent(user_agent);

                /// Sets the client's address. Wire key `ip_addr`. Default: the logger's, else absent.
                ip_addr(address);
            }
            links {
                /// Sets the HTTP version of the request, such as `1.1` or `2`. The integrations over HTTP read it
                /// from the request. Only the OTLP wire has a place for it: `network.protocol.version`. A version of
                /// more than 8 bytes, or with characters other than digits and dots, is left out.
                http_version(version);

                /// Sets the W3C trace state that belongs to [`traceparent`](Self::traceparent). Only the OTLP wire has a
                /// place for it. A trace state of more than 512 bytes, or with characters other than printable ASCII,
                /// is left out.
                tracestate(tracestate);

                /// Sets the W3C trace context of the HTTP request, if the MCP request has a
                /// [`traceparent`](Self::traceparent) of its own. Only the OTLP wire has a place for it: a link of
                /// the span. A malformed one is left out.
                http_traceparent(traceparent);

                /// Sets the W3C trace state that belongs to [`http_traceparent`](Self::http_traceparent), within the same
                /// bounds as [`tracestate`](Self::tracestate). Only the OTLP wire has a place for it: the link.
                http_tracestate(tracestate);
            }
            session {
                /// Sets the id of the MCP session, sent as a hash unless
                /// [`Builder::session_ids`](crate::Builder::session_ids) says otherwise.
                session_id;
                /// Sets the id of the agent's conversation.
                conversation_id;
                /// Sets the MCP client's name.
                client_name;
                /// Sets the MCP client's version.
                client_version;
                /// Sets the MCP protocol version.
                protocol_version;
                /// Sets the transport, such as `stdio` or `http`.
                transport;
                /// Sets the JSON-RPC request id.
                request_id;
                /// Sets the vendor's product that the client belongs to. The integrations over HTTP read it from the
                /// header `X-Anthropic-Client`, which distinguishes `ClaudeAI`, `ClaudeCode` and `Cowork` even if they
                /// share a name and a user agent.
                vendor_client;
                /// Sets the id of the OAuth client that the token was issued to. The integrations read it from
                /// [`Caller::oauth_client_id`](crate::Caller::oauth_client_id).
                oauth_client_id;
                /// Sets the name of the MCP server. The integrations read it from the server's own information; to set it
                /// for all events of a logger, use [`Builder::session`](crate::Builder::session).
                server_name;
                /// Sets the version of the MCP server, which the integrations read like the name.
                server_version;
            }
            meta_texts {
                /// Sets the W3C trace context of the request. A malformed one is left out.
                traceparent(traceparent);
            }
            meta_words {
                /// Sets which of MCP's two lifecycles the request belongs to.
                era(era: Era);
                /// Sets the kind of client.
                client_class(class: ClientClass);
            }
        }
    };
}

pub(crate) use facts;

/// The names that `meta` reserves for facts.
macro_rules! names {
    (
        values $values:tt
        texts $texts:tt
        links $links:tt
        session { $($(#[$session_doc:meta])+ $session:ident;)+ }
        meta_texts { $($(#[$text_doc:meta])+ $text:ident($text_param:ident);)+ }
        meta_words { $($(#[$word_doc:meta])+ $word:ident($word_param:ident: $word_type:ty);)+ }
    ) => {
        /// The wire keys in `meta` of all the facts that stand there.
        pub(crate) const META_FACTS: &[&str] = &[
            $(stringify!($session),)+
            $(stringify!($text),)+
            $(stringify!($word),)+
        ];
    };
}

facts!(names);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_of_meta_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = META_FACTS.iter().collect();
        assert_eq!(names.len(), META_FACTS.len());
        for name in ["session_id", "traceparent", "client_class"] {
            assert!(names.contains(&name), "{name}");
        }
        assert!(!names.contains(&"product_id"), "it stands beside `meta`");
    }
}
