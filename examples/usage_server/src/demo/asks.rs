//! What people of the made-up shop ask for, and in which words.

/// Something that people want, and the tools that their agents call for it.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) tools: &'static [&'static str],
    pub(super) weight: f64,
    /// The share of its last calls that fails beyond the tool's own.
    pub(super) failing: f64,
    /// With places: `{p}` a product, `{n}` a number, `{m}` a month, `{c}` a country.
    pub(super) wordings: &'static [&'static str],
}

pub(super) const ASKS: [Ask; 13] = [
    ask(
        &["search_products", "get_product"],
        24.0,
        0.0,
        &[
            "Find {p} under {n} euros",
            "Find a present for a customer who likes {p}",
            "Search the catalogue for {p}",
            "Look up the details of {p}",
        ],
    ),
    ask(
        &["get_order", "track_shipment"],
        19.0,
        0.01,
        &[
            "Check the delivery status of order {n}",
            "Where is order {n}?",
            "Tell the customer when order {n} arrives",
            "Track the parcel of order {n}",
        ],
    ),
    ask(
        &["check_stock"],
        12.0,
        0.0,
        &[
            "Check stock of {p}",
            "Check whether {p} is in stock in {c}",
            "How many {p} are left",
        ],
    ),
    ask(
        &["get_order", "refund_order"],
        8.0,
        0.05,
        &[
            "Refund order {n}",
            "Refund order {n} because the parcel arrived broken",
            "Give the customer of order {n} their money back",
        ],
    ),
    ask(
        &["list_orders", "refund_order"],
        3.0,
        0.3,
        &[
            "Refund all orders of the recalled {p}",
            "Refund {n} orders at once",
        ],
    ),
    ask(
        &["sales_report"],
        6.0,
        0.06,
        &[
            "Show sales of {m} by category",
            "Show sales of {m} by campaign",
            "Compare sales of {m} by country",
            "Report revenue by sales channel for {m}",
        ],
    ),
    ask(
        &["list_orders", "export_orders"],
        9.0,
        0.0,
        &[
            "Export the orders of {m} as CSV",
            "Export open orders for the accountant",
            "Download all orders of {m} as a spreadsheet",
        ],
    ),
    ask(
        &["get_product", "update_price"],
        5.0,
        0.0,
        &[
            "Change the price of {p} to {n} euros",
            "Update the price of {p}",
            "Lower the price of {p} to {n} euros",
        ],
    ),
    ask(
        &["get_customer", "send_message"],
        7.0,
        0.01,
        &[
            "Write to the customer of order {n} about the delay",
            "Answer the customer who asked about {p}",
            "Send the customer an apology for order {n}",
        ],
    ),
    ask(
        &["list_reviews", "reply_review"],
        5.0,
        0.0,
        &[
            "Answer the new reviews of {p}",
            "Summarise the reviews of {p}",
            "Reply to the bad review of {p}",
        ],
    ),
    ask(
        &["list_orders", "create_label"],
        5.0,
        0.0,
        &[
            "Make shipping labels for the open orders",
            "Create a label for order {n}",
            "Prepare today's parcels to {c}",
        ],
    ),
    ask(
        &["get_order", "cancel_order", "add_note"],
        5.0,
        0.02,
        &[
            "Cancel order {n}",
            "Cancel order {n} and note the reason",
            "Stop order {n} before it is shipped",
        ],
    ),
    ask(
        &["create_discount", "list_customers"],
        3.0,
        0.02,
        &[
            "Create a discount code for customers in {c}",
            "Create a 10 percent discount on {p}",
            "Make a voucher for newsletter readers",
        ],
    ),
];

/// A capability that no tool has.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) wordings: &'static [&'static str],
    /// How often it is asked for a day, in the last week and before.
    pub(super) a_day: f64,
    pub(super) a_day_before: f64,
}

pub(super) const MISSING: [Missing; 6] = [
    Missing {
        wordings: &[
            "Refund several orders in one call",
            "Refund several orders in one call, {n} of them",
            "Refund several orders of one customer in one call",
        ],
        a_day: 4.6,
        a_day_before: 1.6,
    },
    Missing {
        wordings: &[
            "Sales by campaign or sales channel",
            "Sales by sales channel",
            "Sales by campaign for {m}",
        ],
        a_day: 3.1,
        a_day_before: 2.8,
    },
    Missing {
        wordings: &[
            "Change prices of many products at once",
            "Change prices of all {p} at once",
        ],
        a_day: 2.4,
        a_day_before: 2.2,
    },
    Missing {
        wordings: &[
            "Attach a photo to a message",
            "Attach a photo of the damage to a message",
        ],
        a_day: 1.7,
        a_day_before: 0.9,
    },
    Missing {
        wordings: &["Undo a refund", "Undo the refund of order {n}"],
        a_day: 0.9,
        a_day_before: 0.5,
    },
    Missing {
        wordings: &[
            "Tell the customer when {p} are back in stock",
            "Notify when {p} are back in stock",
        ],
        a_day: 0.6,
        a_day_before: 0.7,
    },
];

pub(super) const PRODUCTS: &[&str] = &[
    "hiking boots",
    "blue mugs",
    "rain jackets",
    "desk lamps",
    "standing desks",
    "green tea",
    "travel pillows",
    "trail shoes",
    "wool blankets",
    "camping stoves",
    "water bottles",
    "headlamps",
    "notebooks",
    "espresso cups",
    "bike lights",
];
pub(super) const MONTHS: &[&str] = &[
    "last month",
    "October",
    "September",
    "this quarter",
    "last week",
    "yesterday",
];
pub(super) const COUNTRIES: &[&str] = &["Spain", "France", "Poland", "Norway", "Italy", "Austria"];

const fn ask(
    tools: &'static [&'static str],
    weight: f64,
    failing: f64,
    wordings: &'static [&'static str],
) -> Ask {
    Ask {
        tools,
        weight,
        failing,
        wordings,
    }
}
