//! The walk over all rows of the catalogue: a row's secret goes under the mark of its class and the rest stays, what
//! comes near stays, a cut secret goes, and a second pass changes nothing.

mod capitals;
mod rows;
mod words;

use crate::redact::Redactor;
use crate::redact::class::Counts;
use rows::Row;

/// What is wrong with a row, if anything.
fn fault(redactor: &Redactor, row: &Row) -> Option<String> {
    let redacted = |text: &str| match text.starts_with('{') {
        true => redactor.redact_json(text).into_owned(),
        false => redactor.redact_str(text).into_owned(),
    };
    let near = redacted(&row.near_miss);
    if near != row.near_miss {
        return Some(format!("{}\n  becomes {near}", row.near_miss));
    }
    // Some rows are near misses alone.
    if row.text.is_empty() && !near.is_empty() {
        return None;
    }
    let Some((before, after)) = row.text.split_once("{}") else {
        return Some("has no example".to_owned());
    };
    let text = format!("{before}{}{after}", row.secret);
    let once = redacted(&text);
    if once != format!("{before}{}{after}", row.mark) {
        return Some(format!("{text}\n  becomes {once}"));
    }
    let again = redacted(&once);
    if again != once {
        return Some(format!("{once}\n  changes again to {again}"));
    }
    row.is_cut
        .then(|| cut(redactor, row, before, &text))
        .flatten()
}

/// What is wrong where a text is cut within its secret.
fn cut(redactor: &Redactor, row: &Row, before: &str, text: &str) -> Option<String> {
    let places = before.len() + 1..=before.len() + row.secret.len();
    // Of a long one some two dozen.
    let mut places = places.step_by(1 + row.secret.len() / 24);
    places.find_map(|at| {
        let cut = redactor.redact_cut(text, at, &mut Counts::default());
        let cut = cut.unwrap();
        (cut != format!("{before}{}", row.mark))
            .then(|| format!("{text}\n  cut at {at} becomes {cut}"))
    })
}

#[test]
fn each_row_loses_its_secret_and_nothing_else() {
    let redactor = Redactor::default();
    let rows = rows::all();
    let faults: Vec<_> = rows
        .iter()
        .filter_map(|row| fault(&redactor, row).map(|fault| format!("{}: {fault}", row.name)))
        .collect();
    assert!(
        faults.is_empty(),
        "{} of {}:\n{}",
        faults.len(),
        rows.len(),
        faults.join("\n")
    );
}

#[test]
fn a_row_of_the_users_loses_its_secret_as_any_other() {
    for anchor in ["", "PN-"] {
        let redactor = Redactor::builder()
            .pattern_with_anchor("part_number", anchor, r"(?-u)\bPN-[0-9]{8}\b")
            .build()
            .unwrap();
        assert_eq!(fault(&redactor, &rows::of_the_user(anchor)), None);
    }
}
