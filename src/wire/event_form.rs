//! What is queued of an event: the format of its wire, or a record that several formats are made from.

use super::defaults::Defaults;
use super::parts::Stamp;
use super::reo_rules::{self, Product};
use super::rules::{Changes, Check, Members, leave_out_numbers};
use super::{mcpeye, mcpeye_rules, record, reo};
#[cfg(feature = "spool")]
use crate::base::id::stable_hash;
use crate::capture::EventWriter;
use crate::event::Event;
use crate::ledger::DropReason;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventForm {
    /// The payload of the Reo wires.
    Reo,
    /// An event of the mcpeye wire.
    Mcpeye,
    /// That payload, with a head of what other formats have besides.
    Record,
}

/// What the members of an event are, by their names.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The members that `before_send` may not change: ids, times, and the identity that
    /// the caller chose to send.
    pub(crate) fixed_members: &'static [&'static str],
    /// The other members whose names the format gives.
    pub(crate) own_members: &'static [&'static str],
    /// The members of `meta` that it may not change either.
    pub(crate) fixed_meta_members: &'static [&'static str],
    /// The members that hold names of tools and prompts, which stay as they are.
    pub(crate) tool_members: &'static [&'static str],
    /// Returns whether the format gives this name to a member of `meta`.
    pub(crate) is_own_meta_name: fn(&str) -> bool,
}

const REO: Layout = Layout {
    fixed_members: &[
        "event_id",
        "event_at",
        "user_id",
        "user_id_type",
        "activity_type",
    ],
    own_members: &[
        "source",
        "environment",
        "product_id",
        "ip_addr",
        "user_agent",
    ],
    fixed_meta_members: &["redactions", "instance", "sequence"],
    tool_members: &["tool", "tools", "tool_definitions", "prompt_name"],
    is_own_meta_name: reo::is_own_name,
};

const MCPEYE: Layout = Layout {
    fixed_members: &["callId", "timestamp", "userId", "userEmail"],
    own_members: mcpeye::NAMES,
    fixed_meta_members: &[],
    tool_members: &["toolName"],
    is_own_meta_name: |_| false,
};

const RECORD: Layout = Layout {
    fixed_members: &[
        "event_id",
        "event_at",
        "user_id",
        "user_id_type",
        "activity_type",
        record::HEAD,
    ],
    ..REO
};

impl EventForm {
    pub(crate) const fn layout(self) -> &'static Layout {
        match self {
            Self::Reo => &REO,
            Self::Mcpeye => &MCPEYE,
            Self::Record => &RECORD,
        }
    }

    /// The form of events that destinations of two forms have in common.
    pub(crate) fn common(self, other: Self) -> Self {
        if self == other { self } else { Self::Record }
    }

    pub(crate) fn write_event(
        self,
        event: &Event<'_>,
        defaults: &Defaults,
        stamp: &Stamp,
        writer: &mut EventWriter<'_>,
    ) -> Result<(), DropReason> {
        match self {
            Self::Reo => reo::write_event(event, defaults, stamp, writer),
            Self::Mcpeye => mcpeye::write_event(event, defaults, stamp, writer),
            Self::Record => record::write_event(event, defaults, stamp, writer),
        }
    }

    /// Checks a finished event by the format's rules, and leaves out or cuts what is not as they have it. The error is
    /// the reason to drop it: something is missing that is required.
    pub(crate) fn check(
        self,
        event: &mut Members,
        check: &Check<'_>,
    ) -> Result<Changes, DropReason> {
        let mut changes = match self {
            Self::Reo => check_payload(event, check),
            Self::Mcpeye => mcpeye_rules::check(event, check),
            Self::Record => record::check(event, check),
        }?;
        changes += leave_out_numbers(event);
        Ok(changes)
    }

    /// Returns a number by which the receiver tells a finished event from others.
    #[cfg(feature = "spool")]
    pub(crate) fn id_of(self, event: &Members) -> Option<i64> {
        match self {
            Self::Reo | Self::Record => event.get("event_id")?.as_i64(),
            Self::Mcpeye => Some(stable_hash(event.get("callId")?.as_str()?) as i64),
        }
    }
}

/// Checks a payload; what is left of a record, which a spool may hold, is no value of the event's.
fn check_payload(event: &mut Members, check: &Check<'_>) -> Result<Changes, DropReason> {
    let was_record = event.remove(record::HEAD).is_some();
    let mut changes = reo_rules::check(event, check, Product::Required)?;
    changes.cut += u64::from(was_record);
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_forms_have_in_common_is_the_form_itself_or_a_record() {
        let [reo, mcpeye, record] = [EventForm::Reo, EventForm::Mcpeye, EventForm::Record];
        for form in [reo, mcpeye, record] {
            assert_eq!(form.common(form), form);
        }
        assert_eq!(
            [
                reo.common(mcpeye),
                mcpeye.common(record),
                record.common(reo)
            ],
            [record; 3]
        );
    }
}
