//! What the bench `log_usage` logs.

use serde_json::{Value, json};

/// About 600 bytes, with an e-mail address and a key in it.
pub(crate) fn arguments() -> Value {
    json!({
        "query": "SELECT company, domain, stars FROM repositories WHERE language = 'ruby' AND pushed_at > now() - interval '30 days' ORDER BY stars DESC",
        "filters": {"country": ["DE", "FR", "NL"], "min_employees": 50, "owner": "rachel@example.com"},
        "auth": format!("sk-proj-{}", "0123456789abcdefghijklmnopqrstuv"),
        "columns": ["company", "domain", "stars", "pushed_at", "contributors"],
        "limit": 100,
        "explain": false,
        "note": "the weekly report for the platform team, as agreed in the last review; leave out forks and archived repositories",
    })
}

pub(crate) fn clean_arguments() -> Value {
    let mut arguments = arguments();
    arguments["filters"]["owner"] = "rachel".into();
    arguments["auth"] = "none".into();
    arguments
}
