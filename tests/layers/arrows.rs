//! The arrows of a crate: each path outside of tests that leads to an item in another file.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};

use crate::resolve::{Resolver, Target, Targets, Want};
use crate::tokens::{self, TokenPath};
use crate::tree::{ModuleId, Sources, Tree, imports, is_for_tests, is_test_item};

/// A path in one file that leads to an item in another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) line: usize,
    /// The path as it is written.
    pub(crate) path: String,
    /// What it leads to.
    pub(crate) item: String,
}

/// What the check needs to know of a crate.
pub(crate) struct Crate {
    pub(crate) arrows: BTreeSet<Arrow>,
    /// Each file, with the file whose `mod` declares it.
    pub(crate) parents: BTreeMap<String, Option<String>>,
    pub(crate) problems: Vec<String>,
}

impl Crate {
    /// `root` is the path of `lib.rs` or `main.rs`.
    pub(crate) fn read(sources: &Sources, root: &str) -> Self {
        let tree = Tree::read(sources, root);
        let resolver = Resolver::new(&tree);
        let mut arrows = BTreeSet::new();
        for file in &tree.files {
            let mut reader = Reader {
                tree: &tree,
                resolver: &resolver,
                file: &file.name,
                module: file.module,
                self_type: Targets::new(),
                arrows: &mut arrows,
            };
            reader.visit_file(&file.syntax);
        }
        let files = tree.files.iter();
        Self {
            arrows,
            parents: files
                .map(|file| (file.name.clone(), file.parent.clone()))
                .collect(),
            problems: tree.problems,
        }
    }
}

struct Reader<'a> {
    tree: &'a Tree,
    resolver: &'a Resolver<'a>,
    file: &'a str,
    module: ModuleId,
    /// What `Self` is in an `impl`.
    self_type: Targets,
    arrows: &'a mut BTreeSet<Arrow>,
}

impl Reader<'_> {
    fn path(&mut self, segments: &[String], line: usize, want: Want) {
        let targets = match segments {
            [first, name, ..] if first == "Self" => self.members_of_self(name),
            _ => self.resolver.resolve(self.module, segments, want),
        };
        for target in &targets {
            self.arrow(target, segments.join("::"), line);
        }
    }

    fn members_of_self(&self, name: &str) -> Targets {
        let types = self.self_type.iter();
        let members = types.filter_map(|target| match target {
            Target::Item(item) => Some(self.resolver.members_of(*item, name)),
            _ => None,
        });
        members.flatten().collect()
    }

    fn arrow(&mut self, target: &Target, path: String, line: usize) {
        // A module is only the way to an item.
        let (module, name) = match target {
            Target::Module(_) => return,
            Target::Item(item) => (
                self.tree.items[*item].module,
                self.tree.items[*item].name.clone(),
            ),
            Target::Member(module, item, name) => {
                (*module, format!("{}::{name}", self.tree.items[*item].name))
            }
            Target::Unlisted(module, name) => (*module, name.clone()),
        };
        self.arrow_to(module, &name, path, line);
    }

    fn arrow_to(&mut self, module: ModuleId, name: &str, path: String, line: usize) {
        let module = &self.tree.modules[module];
        if module.file == self.file {
            return;
        }
        let mut item = module.path.join("::");
        if !item.is_empty() {
            item.push_str("::");
        }
        self.arrows.insert(Arrow {
            from: self.file.to_owned(),
            to: module.file.clone(),
            line,
            path,
            item: item + name,
        });
    }

    fn syn_path(&mut self, path: &syn::Path, want: Want) {
        if path.leading_colon.is_some() {
            return;
        }
        let segments: Vec<_> = path
            .segments
            .iter()
            .map(|s| s.ident.unraw().to_string())
            .collect();
        let line = path
            .segments
            .first()
            .map_or(0, |first| first.ident.span().start().line);
        self.path(&segments, line, want);
    }

    /// `Trait::name` of `<Type as Trait>::name`; what follows `<Type>` is no path by itself.
    fn qualified(&mut self, qself: Option<&syn::QSelf>, path: &syn::Path) {
        if qself.is_none_or(|qself| qself.position > 0) {
            self.syn_path(path, Want::Item);
        }
    }

    fn token_paths(&mut self, paths: Vec<TokenPath>) {
        for path in paths {
            let want = if path.is_macro {
                Want::Macro
            } else {
                Want::Item
            };
            self.path(&path.segments, path.line, want);
        }
    }

    fn macro_arguments(&mut self, tokens: &TokenStream) {
        self.token_paths(tokens::paths(tokens.clone()));
    }

    /// Whether what a target stands for is below this module, so that `pub use` of it is no arrow.
    fn is_own(&self, target: &Target) -> bool {
        let module = match target {
            Target::Module(module) | Target::Member(module, ..) | Target::Unlisted(module, _) => {
                *module
            }
            Target::Item(item) => self.tree.items[*item].module,
        };
        let path = &self.tree.modules[module].path;
        path.starts_with(&self.tree.modules[self.module].path)
    }

    fn within(&mut self, module: ModuleId, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.module, module);
        visit(self);
        self.module = outer;
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.unraw().to_string();
        if item.content.is_some()
            && let Some(module) = self.tree.inline_module(self.module, &name)
        {
            self.within(module, |reader| visit::visit_item_mod(reader, item));
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let module = self.tree.block(self.module, block).unwrap_or(self.module);
        self.within(module, |reader| visit::visit_block(reader, block));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for import in imports(item) {
            let path = import.segments.join("::");
            for target in self.resolver.resolve_import(self.module, &import) {
                if import.is_public && self.is_own(&target) {
                    continue;
                }
                match target {
                    Target::Module(module) if import.is_glob => {
                        self.arrow_to(module, "*", format!("{path}::*"), import.line);
                    }
                    _ => self.arrow(&target, path.clone(), import.line),
                }
            }
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let own = match &*item.self_ty {
            syn::Type::Path(own) if own.qself.is_none() => {
                let segments = own.path.segments.iter();
                let path: Vec<_> = segments
                    .map(|segment| segment.ident.unraw().to_string())
                    .collect();
                self.resolver.resolve(self.module, &path, Want::Item)
            }
            _ => Targets::new(),
        };
        let outer = std::mem::replace(&mut self.self_type, own);
        visit::visit_item_impl(self, item);
        self.self_type = outer;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.syn_path(path, Want::Item);
        visit::visit_path(self, path);
    }

    fn visit_expr_path(&mut self, expr: &'ast syn::ExprPath) {
        self.qualified(expr.qself.as_ref(), &expr.path);
        expr.qself.iter().for_each(|qself| self.visit_qself(qself));
        visit::visit_path(self, &expr.path);
    }

    fn visit_type_path(&mut self, of: &'ast syn::TypePath) {
        self.qualified(of.qself.as_ref(), &of.path);
        of.qself.iter().for_each(|qself| self.visit_qself(qself));
        visit::visit_path(self, &of.path);
    }

    /// A constant in a pattern looks like a new variable.
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let name = pattern.ident.unraw().to_string();
        if name.starts_with(char::is_uppercase) {
            self.path(&[name], pattern.ident.span().start().line, Want::Item);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.syn_path(&call.path, Want::Macro);
        self.macro_arguments(&call.tokens);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.mac.path.is_ident("macro_rules") {
            self.token_paths(tokens::paths_of_rules(item.mac.tokens.clone()));
        } else {
            self.visit_macro(&item.mac);
        }
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_trait_item_fn(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !is_for_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !is_for_tests(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !is_for_tests(&local.attrs) {
            visit::visit_local(self, local);
        }
    }
}
