//! What PostHog's answers say.

use serde_json::Value;

use crate::wire::answer::Receipt;

/// Reads a 2xx answer, which takes the batch. One that names what is over the quota of the project warns: PostHog takes
/// such events and keeps none of them.
pub(crate) fn receipt(answer: &[u8]) -> Receipt {
    let answer = serde_json::from_slice::<Value>(answer).unwrap_or_default();
    let limited = answer.get("quota_limited").and_then(Value::as_array);
    match limited.is_some_and(|limited| !limited.is_empty()) {
        true => Receipt::Warning,
        false => Receipt::Taken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_takes_the_batch_and_may_warn_of_the_quota() {
        for (answer, expected) in [
            ("", Receipt::Taken),
            ("1", Receipt::Taken),
            (r#"{"status":1}"#, Receipt::Taken),
            (r#"{"status":"Ok"}"#, Receipt::Taken),
            (r#"{"status":1,"quota_limited":[]}"#, Receipt::Taken),
            (r#"{"status":1,"quota_limited":null}"#, Receipt::Taken),
            (
                r#"{"status":1,"quota_limited":["events"]}"#,
                Receipt::Warning,
            ),
        ] {
            assert_eq!(receipt(answer.as_bytes()), expected, "{answer}");
        }
    }
}
