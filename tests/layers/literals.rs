//! Words in the code of the redactor: they belong into its catalogue.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::Lit;

/// So many letters in a row are a word.
const WORD: usize = 3;

/// The literals of a file's code that have a word in them, with their lines. What is for tests alone does not count, nor
/// do attributes.
pub(crate) fn words(source: &str) -> Vec<(usize, String)> {
    let tokens: TokenStream = source.parse().unwrap();
    let mut found = Vec::new();
    scan(tokens, &mut found);
    found
}

fn scan(tokens: TokenStream, found: &mut Vec<(usize, String)>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                // `//!` is an attribute of what it stands in.
                tokens.next_if(
                    |next| matches!(next, TokenTree::Punct(sign) if sign.as_char() == '!'),
                );
                let attribute = match tokens.peek() {
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
                        group.stream().to_string()
                    }
                    _ => continue,
                };
                tokens.next();
                if attribute.replace(' ', "") == "cfg(test)" {
                    skip_item(&mut tokens);
                }
            }
            TokenTree::Group(group) => scan(group.stream(), found),
            TokenTree::Literal(literal) => {
                let line = literal.span().start().line;
                let text = text_of(&Lit::new(literal)).filter(|text| has_word(text));
                found.extend(text.map(|text| (line, text)));
            }
            TokenTree::Punct(_) | TokenTree::Ident(_) => {}
        }
    }
}

/// Goes on behind the next item: its block or its semicolon.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    let _ = tokens.find(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(sign) => sign.as_char() == ';',
        _ => false,
    });
}

/// What a string says, or one of bytes.
fn text_of(literal: &Lit) -> Option<String> {
    match literal {
        Lit::Str(text) => Some(text.value()),
        Lit::ByteStr(bytes) => Some(String::from_utf8_lossy(&bytes.value()).into_owned()),
        _ => None,
    }
}

fn has_word(text: &str) -> bool {
    text.split(|c: char| !c.is_alphabetic())
        .any(|word| word.chars().count() >= WORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_code_and_not_in_what_is_for_tests() {
        let source = r##"
            //! Text.
            #[expect(clippy::all, reason = "a reason")]
            fn a(text: &[u8]) -> bool {
                // "comment"
                text == b"abc" || text == b"a-b\nc" || text == [b'"'] || [r"x: def"].len() == 1
            }
            #[cfg(test)]
            const SHOWN: &str = "shown";
            #[cfg(test)]
            mod tests { const B: &str = "seen"; }
            const C: &str = "päß";
        "##;
        let found = words(source);
        let texts: Vec<_> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["abc", "x: def", "päß"]);
        assert_eq!(found[0].0, 6);
    }
}
