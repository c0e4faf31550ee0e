//! Rows as comma-separated values that a spreadsheet takes for text.

/// Adds a row.
pub fn row<'t>(out: &mut String, fields: impl IntoIterator<Item = &'t str>) {
    for (place, text) in fields.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        field(out, text);
    }
    out.push_str("\r\n");
}

/// Adds a field. A text that a spreadsheet would take for a formula gets an apostrophe before it; one with a quote, a
/// comma or a line break is quoted.
fn field(out: &mut String, text: &str) {
    // A number may begin with a minus, and is one for a spreadsheet too.
    let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
    let begins = |char| {
        matches!(
            char,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'
        )
    };
    // Spreadsheets pass over spaces before a formula.
    let first = text.trim_start_matches(' ').chars().next();
    let is_formula = !is_number && first.is_some_and(begins);
    let is_quoted = is_formula || text.contains(['"', ',', '\n', '\r', '\t', ';']);
    if is_quoted {
        out.push('"');
    }
    if is_formula {
        out.push('\'');
    }
    for char in text.chars() {
        match char {
            '"' => out.push_str("\"\""),
            // Some programs end a text there.
            '\0' => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
    if is_quoted {
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: &[&str]) -> String {
        let mut out = String::new();
        row(&mut out, fields.iter().copied());
        out
    }

    #[test]
    fn formulas_are_texts() {
        for formula in [
            "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1",
        ] {
            let shown = line(&[formula]);
            assert!(shown.starts_with("\"'"), "{shown:?}");
        }
        assert_eq!(
            line(&["=HYPERLINK(\"http://evil.example\")"]),
            "\"'=HYPERLINK(\"\"http://evil.example\"\")\"\r\n"
        );
        assert_eq!(line(&["-1.5", "+2", "a=b", "-"]), "-1.5,+2,a=b,\"'-\"\r\n");
    }

    #[test]
    fn a_field_stays_one_field() {
        assert_eq!(
            line(&["a", "b,c", "d\"e", "f\r\ng", ""]),
            "a,\"b,c\",\"d\"\"e\",\"f\r\ng\",\r\n"
        );
        assert_eq!(line(&["nul\0"]), "nul\u{fffd}\r\n");
    }
}
