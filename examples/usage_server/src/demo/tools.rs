//! What the made-up shop can do. Both the month and the live shop's tools are made from these rows.

use serde_json::{Value, json};

/// A tool, and how it behaves.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// The names of its arguments; those that are numbers end with `*`.
    pub(super) arguments: &'static [&'static str],
    /// How often it is called beside the others; 0 for never.
    pub(super) weight: f64,
    /// Median and spread of its duration.
    pub(super) median_ms: f64,
    pub(super) sigma: f64,
    /// The share of its calls that fails.
    pub(super) failing: f64,
    pub(super) result_bytes: f64,
    pub(super) errors: &'static [&'static str],
}

const NOT_FOUND: &[&str] = &[
    "NOT_FOUND: no order {n} in this shop",
    "INVALID_ARGUMENTS: limit must be between 1 and 100",
];
const NO_PRODUCT: &[&str] = &[
    "NOT_FOUND: no product {n}",
    "INVALID_ARGUMENTS: sku is malformed",
];

/// The tool that a release broke.
pub(super) const BROKEN: &str = "export_orders";
/// The tool that nobody calls any more.
pub(super) const ABANDONED: &str = "list_discounts";

pub(super) const TOOLS: [Tool; 23] = [
    tool(
        "search_products",
        "Finds products by words, price and category.",
        &["query", "limit*"],
        30.0,
        46.0,
        0.55,
        0.012,
        4200.0,
        NO_PRODUCT,
    ),
    tool(
        "get_product",
        "Returns one product with price and stock.",
        &["product_id*"],
        17.0,
        18.0,
        0.5,
        0.014,
        1900.0,
        NO_PRODUCT,
    ),
    tool(
        "check_stock",
        "Says how many pieces of a product each store has.",
        &["sku", "store"],
        13.0,
        27.0,
        0.5,
        0.012,
        420.0,
        NO_PRODUCT,
    ),
    tool(
        "get_order",
        "Returns one order with its lines.",
        &["order_id*"],
        18.0,
        22.0,
        0.5,
        0.016,
        2100.0,
        NOT_FOUND,
    ),
    tool(
        "list_orders",
        "Lists orders by status and date.",
        &["status", "limit*"],
        9.0,
        72.0,
        0.6,
        0.009,
        9800.0,
        NOT_FOUND,
    ),
    tool(
        "track_shipment",
        "Asks the carrier where a parcel is.",
        &["order_id*"],
        9.0,
        310.0,
        0.7,
        0.03,
        610.0,
        &[
            "the carrier does not know parcel {n}",
            "the carrier did not answer within 5 s",
        ],
    ),
    tool(
        "refund_order",
        "Refunds an order in whole or in part.",
        &["order_id*", "amount*"],
        5.0,
        140.0,
        0.6,
        0.16,
        720.0,
        &[
            "order {n} is refunded already",
            "CONFIRM_REQUIRED: a refund cannot be undone",
            "amount {n}.50 is more than was paid",
        ],
    ),
    tool(
        "cancel_order",
        "Cancels an order that is not shipped.",
        &["order_id*"],
        2.6,
        80.0,
        0.5,
        0.07,
        340.0,
        &["order {n} is shipped already"],
    ),
    tool(
        "create_label",
        "Makes a shipping label.",
        &["order_id*", "carrier"],
        2.4,
        420.0,
        0.5,
        0.04,
        18000.0,
        &["the address of order {n} has no postcode"],
    ),
    tool(
        "update_price",
        "Changes the price of one product.",
        &["product_id*", "price*"],
        4.5,
        44.0,
        0.5,
        0.03,
        310.0,
        &[
            "FORBIDDEN_ROLE: a viewer cannot change a price",
            "INVALID_ARGUMENTS: price has more than two decimals",
        ],
    ),
    tool(
        "get_customer",
        "Returns a customer with their newest orders.",
        &["customer"],
        6.0,
        24.0,
        0.5,
        0.014,
        1500.0,
        &["NOT_FOUND: no customer {n}"],
    ),
    tool(
        "list_customers",
        "Lists customers by name or country.",
        &["query", "limit*"],
        2.5,
        66.0,
        0.5,
        0.01,
        6200.0,
        &["INVALID_ARGUMENTS: limit must be between 1 and 100"],
    ),
    tool(
        "add_note",
        "Adds a note to an order.",
        &["order_id*", "text"],
        4.0,
        38.0,
        0.5,
        0.014,
        290.0,
        NOT_FOUND,
    ),
    tool(
        "send_message",
        "Writes to a customer.",
        &["customer", "text"],
        4.0,
        88.0,
        0.6,
        0.05,
        420.0,
        &[
            "QUOTA_EXCEEDED: 300 messages a day",
            "the customer does not want messages",
        ],
    ),
    tool(
        "create_discount",
        "Makes a discount code.",
        &["percent*", "code"],
        1.4,
        61.0,
        0.5,
        0.05,
        380.0,
        &[
            "code \"SPRING{n}\" is taken",
            "FORBIDDEN_ROLE: only an owner can give more than 30 percent",
        ],
    ),
    tool(
        ABANDONED,
        "Lists discount codes.",
        &["limit*"],
        0.9,
        35.0,
        0.4,
        0.01,
        2600.0,
        &["INVALID_ARGUMENTS: limit must be between 1 and 100"],
    ),
    tool(
        "sales_report",
        "Sums sales up by day, category or country.",
        &["period", "by"],
        5.0,
        240.0,
        0.7,
        0.22,
        5200.0,
        &[
            "INVALID_ARGUMENTS: unknown value \"channel\" of by",
            "INVALID_ARGUMENTS: unknown value \"campaign\" of by",
        ],
    ),
    tool(
        BROKEN,
        "Exports orders as a CSV file.",
        &["status", "month"],
        3.4,
        2100.0,
        0.7,
        0.02,
        88000.0,
        &["INVALID_ARGUMENTS: month is in the future"],
    ),
    tool(
        "list_reviews",
        "Lists reviews of a product.",
        &["product_id*"],
        3.0,
        52.0,
        0.5,
        0.01,
        3900.0,
        NO_PRODUCT,
    ),
    tool(
        "reply_review",
        "Answers a review.",
        &["review_id*", "text"],
        1.5,
        70.0,
        0.5,
        0.06,
        310.0,
        &["review {n} was answered by someone else"],
    ),
    tool(
        "import_catalogue",
        "Imports products from a feed.",
        &["url"],
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        &[],
    ),
    tool(
        "archive_product",
        "Takes a product out of the shop.",
        &["product_id*"],
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        &[],
    ),
    tool(
        "delete_review",
        "Deletes a review.",
        &["review_id*"],
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        &[],
    ),
];

#[expect(clippy::too_many_arguments, reason = "the columns of a table")]
const fn tool(
    name: &'static str,
    description: &'static str,
    arguments: &'static [&'static str],
    weight: f64,
    median_ms: f64,
    sigma: f64,
    failing: f64,
    result_bytes: f64,
    errors: &'static [&'static str],
) -> Tool {
    Tool {
        name,
        description,
        arguments,
        weight,
        median_ms,
        sigma,
        failing,
        result_bytes,
        errors,
    }
}

impl Tool {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name)
    }

    /// The schema of its arguments.
    pub(super) fn schema(&self) -> Value {
        let properties: serde_json::Map<_, _> = self
            .arguments
            .iter()
            .map(|argument| match argument.strip_suffix('*') {
                Some(number) => (number.to_owned(), json!({"type": "number"})),
                None => ((*argument).to_owned(), json!({"type": "string"})),
            })
            .collect();
        json!({"type": "object", "properties": properties})
    }
}
