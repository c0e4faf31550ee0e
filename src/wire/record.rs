//! The neutral record of an event: the members of the Reo wires, with a member `head` for what they have no place for.
//!
//! It is what the wires queue whose format is made when a request is framed, so that redaction, `before_send`, the
//! checks and a spool are those of the other wires. A format reads it as a [`Record`].

mod json;
mod names;
mod read;
mod rules;
mod scan;

pub(super) use json::{Json, JsonKind, Piece};
pub(super) use names::{HeadName, MetaName, PayloadName};
pub(super) use read::{Kind, Owner, Record};
pub(super) use rules::{HEAD, check};
pub(super) use scan::{Place, Scanner, Step, is_plain};

use super::defaults::Defaults;
use super::parts::Stamp;
use super::reo;
use super::subject::email;
use crate::base::clock::unix_nanos;
use crate::capture::{EventWriter, key};
use crate::event::{Event, EventKind, MAX_DESCRIPTION_CHARS, MAX_TRACESTATE_BYTES};
use crate::ledger::DropReason;

/// Whether a record names a product.
pub(super) fn has_product(record: &[u8]) -> bool {
    let product = Record::read(record).event(PayloadName::ProductId);
    product.get().is_some()
}

/// Whether a record names a tool.
pub(super) fn has_tool(record: &[u8]) -> bool {
    let tool = Record::read(record).meta(MetaName::Tool);
    tool.present().is_some()
}

/// Writes the payloads of the Reo wires that records hold, each followed by a comma.
pub(super) fn write_payloads(records: &[u8], out: &mut Vec<u8>) {
    let mut scanner = Scanner::of(records);
    loop {
        let start = out.len();
        out.push(b'{');
        let payload = scanner.members(|scanner, name| {
            let value = scanner.value()?;
            let name = scanner.json(name);
            if !name.is(HEAD) {
                out.extend_from_slice(name.as_str().as_bytes());
                out.push(b':');
                out.extend_from_slice(value.as_str().as_bytes());
                out.push(b',');
            }
            Some(())
        });
        if payload.is_none() {
            out.truncate(start);
            return;
        }
        close_object(out);
        out.push(b',');
        if !scanner.takes(b',') {
            return;
        }
    }
}

/// Writes a member, with a comma behind it. The name has nothing to escape.
pub(super) fn write_member(name: &str, json: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(json.as_bytes());
    out.push(b',');
}

/// Ends an object, whose last member has a comma behind it.
pub(super) fn close_object(out: &mut Vec<u8>) {
    out.pop_if(|last| *last == b',');
    out.push(b'}');
}

/// Writes a record: the members of the Reo wires, then its head.
pub(super) fn write_event(
    event: &Event<'_>,
    defaults: &Defaults,
    stamp: &Stamp,
    w: &mut EventWriter<'_>,
) -> Result<(), DropReason> {
    let start = w.len();
    let identity = reo::write_members(event, defaults, stamp, w)?;
    w.key(key!("head"));
    let head = w.len();
    let facts = &event.facts;
    // What is reported with a time has begun then, and what is not has ended now.
    let nanos = unix_nanos(stamp.at);
    match facts.event_at {
        Some(_) => w.integer(key!("start"), nanos),
        None => w.integer(key!("end"), nanos),
    }
    if let EventKind::ToolCall(call) = &event.kind {
        if let Some(duration) = call.duration {
            // It is no more than a hundred years.
            w.integer(key!("duration"), duration.as_nanos() as u64);
        }
        if let Some(description) = &call.tool_description {
            w.text(key!("description"), description, MAX_DESCRIPTION_CHARS);
        }
    }
    if let Some(code) = facts.error_code {
        w.integer(key!("code"), code);
    }
    if defaults.identity_policy.has_pseudonyms() {
        w.flag(key!("pseudonym"), true);
    } else if let Some(email) = email(event, defaults, &identity) {
        w.exact(key!("email"), &email);
    }
    if let Some(links) = &facts.links {
        if let Some(state) = &links.tracestate {
            w.text(key!("tracestate"), state, MAX_TRACESTATE_BYTES);
        }
        if let Some(link) = &links.http_traceparent {
            w.exact(key!("link"), link);
        }
        if let Some(state) = &links.http_tracestate {
            w.text(key!("link_state"), state, MAX_TRACESTATE_BYTES);
        }
        if let Some(version) = &links.http_version {
            w.exact(key!("http_version"), version);
        }
    }
    if let Some(port) = facts.client_port {
        w.integer(key!("client_port"), port);
    }
    w.close_object(head);
    w.close_object(start);
    Ok(())
}
