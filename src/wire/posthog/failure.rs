//! What a failure is called, in the vendor's words.
//!
//! `missing_context` alone is never said: that a server lacked a project or an account to work on is nothing that the
//! protocol tells from other failures.

use crate::event::CallOutcome;

/// What is known of how a request ended.
pub(super) struct End<'e> {
    pub(super) outcome: &'e str,
    /// The code of the JSON-RPC error.
    pub(super) code: Option<i64>,
    pub(super) error: Option<&'e str>,
    /// The error names arguments that it refuses.
    pub(super) refuses_arguments: bool,
}

/// What the `tower` layer says of an answer by its status alone begins with it.
const HTTP_STATUS: &str = "HTTP ";

/// The code of the error that asks for input at a URL.
const URL_ELICITATION_REQUIRED: i64 = -32_042;

/// The code of the error for a cancelled request, which the Language Server Protocol has given it.
const REQUEST_CANCELLED: i64 = -32_800;

impl End<'_> {
    /// What the failure is called; `None` for what is none.
    pub(super) fn error_type(&self) -> Option<&'static str> {
        let is = |known: CallOutcome| self.outcome == known.as_str();
        if is(CallOutcome::Timeout) {
            Some("timeout")
        } else if is(CallOutcome::Panicked) {
            Some("internal")
        } else if is(CallOutcome::ToolError) || is(CallOutcome::ProtocolError) {
            Some(self.of_answer())
        } else {
            None
        }
    }

    fn of_answer(&self) -> &'static str {
        if self.refuses_arguments {
            return "validation";
        }
        match self.code {
            // A message, a method, parameters or a resource that there is not.
            Some(-32_700 | -32_602..=-32_600 | -32_002) => "validation",
            Some(URL_ELICITATION_REQUIRED) => "input_required",
            Some(REQUEST_CANCELLED) => "cancelled",
            // The codes below zero are JSON-RPC's; a server that answers with one of HTTP's means that.
            Some(code) => u16::try_from(code).map_or("internal", of_status),
            None => self.status().map_or("internal", of_status),
        }
    }

    /// The status of an answer that is no JSON-RPC.
    fn status(&self) -> Option<u16> {
        let is_protocols = self.outcome == CallOutcome::ProtocolError.as_str();
        let digits = self.error?.strip_prefix(HTTP_STATUS)?;
        digits.parse().ok().filter(|_| is_protocols)
    }
}

fn of_status(status: u16) -> &'static str {
    match status {
        400 | 422 => "validation",
        401 | 403 => "permission",
        408 | 504 => "timeout",
        429 => "rate_limited",
        400..=499 => "api_4xx",
        500..=599 => "api_5xx",
        _ => "internal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(outcome: CallOutcome, code: Option<i64>, error: Option<&str>) -> &'static str {
        let end = End {
            outcome: outcome.as_str(),
            code,
            error,
            refuses_arguments: false,
        };
        end.error_type().unwrap_or("-")
    }

    #[test]
    fn a_failure_is_named_by_its_code_and_by_a_status_of_http() {
        for (code, expected) in [
            (-32_700, "validation"),
            (-32_600, "validation"),
            (-32_601, "validation"),
            (-32_602, "validation"),
            (-32_002, "validation"),
            (-32_042, "input_required"),
            (-32_800, "cancelled"),
            (-32_603, "internal"),
            (-32_000, "internal"),
            (0, "internal"),
            (200, "internal"),
            (400, "validation"),
            (401, "permission"),
            (403, "permission"),
            (404, "api_4xx"),
            (408, "timeout"),
            (422, "validation"),
            (429, "rate_limited"),
            (500, "api_5xx"),
            (504, "timeout"),
            (600, "internal"),
            (i64::MAX, "internal"),
        ] {
            let by_code = named(CallOutcome::ProtocolError, Some(code), None);
            assert_eq!(by_code, expected, "{code}");
            if let 400..600 = code {
                let said = format!("HTTP {code}");
                let by_status = named(CallOutcome::ProtocolError, None, Some(&said));
                assert_eq!(by_status, expected, "{said}");
                assert_eq!(named(CallOutcome::ToolError, None, Some(&said)), "internal");
            }
        }
        for error in ["HTTP", "HTTP 4 of 5", "the peer said HTTP 403"] {
            let said = named(CallOutcome::ProtocolError, None, Some(error));
            assert_eq!(said, "internal", "{error}");
        }
    }

    #[test]
    fn refused_arguments_come_before_the_code() {
        for outcome in [CallOutcome::ToolError, CallOutcome::ProtocolError] {
            let end = End {
                outcome: outcome.as_str(),
                code: Some(500),
                error: None,
                refuses_arguments: true,
            };
            assert_eq!(end.error_type(), Some("validation"));
        }
    }
}
