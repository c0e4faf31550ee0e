//! Signing in by a link that works once.

use maud::{Markup, html};

use super::frame::bare;
use super::text::Link;

/// Where a link leads: a button, so that what opens links by itself does not use it up.
pub fn link(base: &str, host: &str, secret: &str) -> Markup {
    let body = html! {
        h1 { "mcp-usage" }
        form.card method="post" action=(Link::new(format!("{base}/sign-in"))) {
            input type="hidden" name="link" value=(secret);
            button."btn primary" { "Sign in" }
            p.dim { "This link works once, and signs in this browser." }
        }
        p.dim { (host) }
    };
    bare(base, "Sign in", &body)
}

/// For somebody who is not signed in.
pub fn no_session(base: &str, host: &str) -> Markup {
    let body = html! {
        h1 { "mcp-usage" }
        section.card {
            p { "You are not signed in." }
            p.dim {
                "The server printed a link that works once. To make a new one, run "
                span.code { "usage_server link" } " on its machine."
            }
        }
        p.dim { (host) }
    };
    bare(base, "Sign in", &body)
}

/// For a link that was used, has expired or never was.
pub fn spent(base: &str, host: &str) -> Markup {
    let body = html! {
        h1 { "mcp-usage" }
        section.card {
            p { "This link does not work any more: it was used, or is older than an hour." }
            p.dim { "To make a new one, run " span.code { "usage_server link" } " on the server’s machine." }
        }
        p.dim { (host) }
    };
    bare(base, "Sign in", &body)
}
