//! Why an event was dropped as incomplete, in words.

use super::defaults::Defaults;
use super::subject::{identity, present};
use crate::event::{Event, EventKind};

/// What an event lacks that its wire requires, and where to give it; `None` when it is complete.
pub(super) fn missing_field(
    event: &Event<'_>,
    defaults: &Defaults,
    requires_product: bool,
) -> Option<&'static str> {
    let product_id = event.facts.product_id.as_deref().and_then(present);
    let has_no_tool = match &event.kind {
        EventKind::ToolCall(call) => present(&call.tool).is_none(),
        _ => false,
    };
    if present(event.kind.activity_type()).is_none() {
        Some("activity_type is empty: give it to `Custom::new`")
    } else if requires_product && product_id.is_none() && defaults.product_id.is_none() {
        Some(
            "product_id is missing: give it to `Builder::product_id`, or to each event's `product_id`",
        )
    } else if identity(event, defaults).is_none() {
        Some(
            "user_id is missing: give an identity to `Builder::identity`, or to each event's `identity`",
        )
    } else if has_no_tool {
        Some("tool is empty: give its name to `ToolCall::new`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Custom, Identity, ToolCall};

    #[test]
    fn the_missing_field_is_named_with_its_setter() {
        let defaults = Defaults::for_tests();
        let missing = |event: Event<'_>, product| missing_field(&event, &defaults, product);
        let rachel = Identity::email("rachel@example.com");
        for (event, product, setter) in [
            (Custom::new("").into(), false, "`Custom::new`"),
            (ToolCall::new("t").into(), true, "`Builder::product_id`"),
            (Custom::new("LOGIN").into(), false, "`Builder::identity`"),
            (ToolCall::new("").into(), false, "`ToolCall::new`"),
            (
                ToolCall::new("").product_id("p").into(),
                true,
                "`ToolCall::new`",
            ),
        ] {
            let said = missing(event, product).unwrap();
            assert!(said.contains(setter), "{said}");
        }
        let complete = Custom::new("LOGIN").identity(&rachel);
        assert_eq!(missing(complete.into(), false), None);
    }
}
