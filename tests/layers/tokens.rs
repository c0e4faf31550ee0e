//! Paths in the tokens of a macro, where nothing says which of them are types or expressions.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::ext::IdentExt;

use crate::tree::imports;

/// What looks like a path.
pub(crate) struct TokenPath {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// `!` follows.
    pub(crate) is_macro: bool,
}

/// The paths in the arguments of a macro call.
pub(crate) fn paths(tokens: TokenStream) -> Vec<TokenPath> {
    let mut found = Vec::new();
    scan(tokens, &mut found);
    found
}

/// The paths in the bodies of a `macro_rules!`: the groups that follow `=>`.
pub(crate) fn paths_of_rules(tokens: TokenStream) -> Vec<TokenPath> {
    let mut found = Vec::new();
    let mut before = [' '; 2];
    for token in tokens {
        match token {
            TokenTree::Punct(punct) => before = [before[1], punct.as_char()],
            TokenTree::Group(body) if before == ['=', '>'] => scan(body.stream(), &mut found),
            _ => before = [' '; 2],
        }
    }
    found
}

fn scan(tokens: TokenStream, found: &mut Vec<TokenPath>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        at += match &tokens[at] {
            TokenTree::Group(group) => {
                scan(group.stream(), found);
                1
            }
            TokenTree::Ident(ident) if ident == "use" => declaration(&tokens[at..], found),
            TokenTree::Ident(_) => path_at(&tokens, at, found),
            _ => 1,
        };
    }
}

/// A `use` declaration; returns how many tokens it has.
fn declaration(tokens: &[TokenTree], found: &mut Vec<TokenPath>) -> usize {
    let end = tokens.iter().position(|token| is_punct(token, ';'));
    let Some(end) = end else { return 1 };
    // syn knows no `$crate`.
    let source = tokens[..=end].iter().filter(|token| !is_punct(token, '$'));
    let Ok(item) = syn::parse2::<syn::ItemUse>(source.cloned().collect()) else {
        return 1;
    };
    let leaves = imports(&item).into_iter().filter(|leaf| !leaf.is_foreign);
    found.extend(leaves.map(|leaf| TokenPath {
        segments: leaf.segments,
        line: leaf.line,
        is_macro: false,
    }));
    end + 1
}

/// A path that begins at an identifier; returns how many tokens it has.
fn path_at(tokens: &[TokenTree], start: usize, found: &mut Vec<TokenPath>) -> usize {
    let mut segments = Vec::new();
    let mut at = start;
    let is_in_rules = start > 0 && is_punct(&tokens[start - 1], '$');
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        segments.push(ident.unraw().to_string());
        at += 1;
        if !is_colons(tokens, at) || !matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) {
            break;
        }
        at += 2;
    }
    let next = tokens.get(at);
    let is_macro = next.is_some_and(|token| is_punct(token, '!'))
        && matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() != Delimiter::None);
    // A field or a parameter.
    let is_label = segments.len() == 1
        && next.is_some_and(|token| is_punct(token, ':'))
        && !is_colons(tokens, at);
    if !is_label && may_begin(tokens, start) {
        if is_in_rules {
            segments[0].insert(0, '$');
        }
        found.push(TokenPath {
            segments,
            line: tokens[start].span().start().line,
            is_macro,
        });
    }
    at - start
}

/// Not behind a single dot (a field or method), a `$` (but for `$crate`), a lifetime's `'`, or the `::` of a path
/// that begins otherwise.
fn may_begin(tokens: &[TokenTree], start: usize) -> bool {
    let before = |back: usize| {
        let token = start.checked_sub(back).and_then(|at| tokens.get(at));
        match token {
            Some(TokenTree::Punct(punct)) => punct.as_char(),
            _ => ' ',
        }
    };
    match before(1) {
        '.' => before(2) == '.',
        '$' => matches!(&tokens[start], TokenTree::Ident(ident) if ident == "crate"),
        '\'' => false,
        ':' => before(2) != ':',
        _ => true,
    }
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |at| tokens.get(at).is_some_and(|token| is_punct(token, ':'));
    is_colon(at) && is_colon(at + 1)
}

fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}
