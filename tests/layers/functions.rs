//! How long the functions of a file are.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::tree::is_test_item;

/// Each function outside of the tests, and its lines, from that of its name to the last.
pub(crate) fn lengths(source: &str) -> Vec<(String, usize)> {
    let mut found = Found::default();
    found.visit_file(&syn::parse_file(source).unwrap());
    found.0
}

#[derive(Default)]
struct Found(Vec<(String, usize)>);

impl Found {
    fn add(&mut self, name: &syn::Ident, block: &syn::Block) {
        let lines = block.span().end().line + 1 - name.span().start().line;
        self.0.push((name.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_as_long_as_they_are_written() {
        let source = "fn a(\n) {\n}\nimpl A {\n    fn b() { fn c() {} }\n}\n#[cfg(test)]\nmod tests {\n    fn d() {}\n}\n";
        let found = lengths(source);
        let found: Vec<_> = found
            .iter()
            .map(|(name, lines)| (name.as_str(), *lines))
            .collect();
        assert_eq!(found, [("a", 3), ("b", 1), ("c", 1)]);
    }
}
