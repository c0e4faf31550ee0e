//! Names whose values are names: attributes and members that say what stands beside them, and heads of columns.

use crate::redact::catalogue::list::List;

/// Attributes and members whose value names another: `name="DB_PASSWORD" value="…"`.
const LABELS: &List = &List::of(&[
    "name",
    "key",
    "keyname",
    "id",
    "type",
    "variable",
    "header",
    "param",
    "parameterkey",
    "field",
    "cle",
    "chave",
    "nome",
    "nom",
    "setting",
    "option_name",
]);

/// What an element of a page is in a snapshot of it, whose text stands behind: `- textbox: …`.
pub(crate) fn holds_text(role: &[u8]) -> bool {
    const {
        &List::of(&[
            "cell",
            "code",
            "generic",
            "paragraph",
            "strong",
            "text",
            "textbox",
        ])
    }
    .has(role)
}

/// What heads the elements below it.
pub(crate) fn heads(role: &[u8]) -> bool {
    role.starts_with(b"heading")
}

/// Whether a name is that of a reference to where a value is kept.
pub(crate) fn refers(name: &[u8]) -> bool {
    const { &List::of(&["valuefrom", "secretkeyref", "secretref", "configmapkeyref"]) }
        .has_ignoring_case(name)
}

pub(crate) fn is_label(name: &[u8]) -> bool {
    LABELS.has_ignoring_case(name)
}

/// What a person calls a place to type into, behind the name of what is typed there.
#[rustfmt::skip]
pub(crate) const FIELDS: &[&str] = &[
    " input field", " field", " input", " entry", " textbox", " text box", " box", "Field", "Input", "-field", "-input", "_field",
    "_input", "-Feld", "feld", "veld", "fält", " поле", "入力欄", "欄", "フィールド", "输入框", "框", "字段", " 입력란", " 필드",
];

/// Whether the line of names over two aligned columns says that each row has a name of its own: `Key      Value`.
pub(crate) fn heads_keys_and_values(line: &[u8]) -> bool {
    line.starts_with(b"Key ") && line.trim_ascii_end().ends_with(b" Value")
}

/// Elements of HTML whose content a person reads beside a label.
const READ: &List = &List::of(&[
    "td", "dd", "code", "b", "strong", "em", "span", "kbd", "pre",
]);

pub(crate) fn is_read(element: &[u8]) -> bool {
    READ.has_ignoring_case(element)
}

/// How the rows of a table of HTML begin, the cells of its first row, and the others.
pub(crate) const CELLS: (&[u8], &[u8], &[u8]) = (b"<tr", b"<th", b"<td");

/// Elements whose content names that of the next, and those that follow.
pub(crate) fn names_next(element: &[u8]) -> bool {
    const { &List::of(&["key", "name"]) }.has_ignoring_case(element)
}

pub(crate) const NEXT: &[&str] = &["<string", "<value", "<Value", "<defaultValue"];

/// What stands in the first of two columns, of which the second may have a sensitive name.
#[rustfmt::skip]
const OWNERS: &List = &List::of(&[
    "account", "app", "benutzer", "compte", "conta", "cuenta", "device", "dienst", "email", "host", "id", "konto",
    "login", "name", "nom", "nombre", "nome", "portal", "server", "service", "servicio", "serviço", "site", "system",
    "user", "username", "usuario", "utente", "utilisateur", "website",
]);

pub(crate) fn is_owner(column: &[u8]) -> bool {
    OWNERS.has_ignoring_case(column)
}

/// Whether a column says that the others are about words.
pub(crate) fn is_about_words(column: &[u8]) -> bool {
    const { &List::of(&["word", "lemma", "meaning", "definition", "frequency"]) }
        .has_ignoring_case(column)
}

/// Elements of HTML that hold nothing.
const EMPTY: &List = &List::of(&["input", "meta", "link", "img"]);

pub(crate) fn is_empty(element: &[u8]) -> bool {
    EMPTY.has_ignoring_case(element)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::catalogue::list::assert_in_order;

    #[test]
    fn long_lists_are_in_order() {
        assert_in_order(OWNERS.words);
    }

    #[test]
    fn labels_are_known_in_either_case() {
        assert!(is_label(b"ParameterKey") && !is_label(b"value"));
        assert!(is_read(b"dd") && names_next(b"Key") && !names_next(b"td"));
    }
}
