//! Numbers as the report and the plots show them.

/// Three digits that count, thousands apart.
pub fn number(value: f64) -> String {
    if value.abs() >= 100.0 {
        let digits = format!("{:.0}", value.abs());
        let mut text = String::new();
        for (n, digit) in digits.chars().enumerate() {
            if n > 0 && (digits.len() - n).is_multiple_of(3) {
                text.push(' ');
            }
            text.push(digit);
        }
        return if value < 0.0 {
            format!("-{text}")
        } else {
            text
        };
    }
    let decimals = match value.abs() {
        v if v >= 10.0 => 1,
        v if v >= 0.095 => 2,
        v if v >= 0.000_95 || v == 0.0 => 3,
        _ => 5,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(1_234_567.0), "1 234 567");
        assert_eq!(number(0.0312), "0.031");
        assert_eq!(number(0.4), "0.4");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(0.00025), "0.00025");
    }
}
