//! Blocks with items of their own (`use` in a function, for example) as scopes of the tree.

use syn::ext::IdentExt;
use syn::visit::{self, Visit};

use crate::tree::{ModuleId, Tree, is_test_item};

/// Adds the scopes of one file.
pub(crate) fn add_blocks(tree: &mut Tree, syntax: &syn::File, module: ModuleId) {
    Blocks { tree, module }.visit_file(syntax);
}

struct Blocks<'t> {
    tree: &'t mut Tree,
    module: ModuleId,
}

/// The items that stand in a block.
fn items_of(block: &syn::Block) -> Vec<&syn::Item> {
    let statements = block.stmts.iter();
    let items = statements.filter_map(|statement| match statement {
        syn::Stmt::Item(item) => Some(item),
        _ => None,
    });
    items.collect()
}

impl<'ast> Visit<'ast> for Blocks<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.unraw().to_string();
        if let Some(inner) = self.tree.inline_module(self.module, &name) {
            let outer = std::mem::replace(&mut self.module, inner);
            visit::visit_item_mod(self, item);
            self.module = outer;
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let outer = self.module;
        let items = items_of(block);
        if !items.is_empty() {
            self.module = self.tree.add_block(outer, block, &items);
        }
        visit::visit_block(self, block);
        self.module = outer;
    }
}
