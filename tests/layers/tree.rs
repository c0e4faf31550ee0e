//! A crate's modules, read from a map of files: which names each module has, and in which file each item stands.

use std::collections::{BTreeMap, BTreeSet};

use syn::ext::IdentExt;
use syn::{Attribute, Item, Meta, UseTree};

use crate::blocks::add_blocks;

/// Path to text, for example `src/lib.rs`.
pub(crate) type Sources = BTreeMap<String, String>;

/// An index into [`Tree::modules`].
pub(crate) type ModuleId = usize;
/// An index into [`Tree::items`].
pub(crate) type ItemId = usize;

/// All that is not under `#[cfg(test)]`; every other `cfg` counts as true.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) modules: Vec<Module>,
    pub(crate) items: Vec<NamedItem>,
    pub(crate) members: Vec<Member>,
    pub(crate) files: Vec<SourceFile>,
    /// Blocks with items of their own, by where they begin.
    blocks: BTreeMap<Position, ModuleId>,
    /// Files that are missing or no Rust.
    pub(crate) problems: Vec<String>,
    macros_of_root: Vec<(String, ItemId)>,
}

/// File, line and column.
type Position = (String, usize, usize);

/// A file, its module, and what it holds.
pub(crate) struct SourceFile {
    pub(crate) name: String,
    pub(crate) module: ModuleId,
    /// The file whose `mod` declares this one.
    pub(crate) parent: Option<String>,
    pub(crate) syntax: syn::File,
}

/// A module, or a block with items of its own.
#[derive(Default)]
pub(crate) struct Module {
    /// Empty for the root; a block has the path of the module round it.
    pub(crate) path: Vec<String>,
    pub(crate) file: String,
    pub(crate) parent: Option<ModuleId>,
    /// What a block looks into next, for a name it does not have.
    pub(crate) around: Option<ModuleId>,
    pub(crate) names: BTreeMap<String, Vec<Binding>>,
    pub(crate) globs: Vec<Import>,
    /// `macro_rules!`, visible below the declaration and in the modules declared there.
    pub(crate) macros: BTreeMap<String, ItemId>,
    /// Modules under `#[macro_use]`.
    pub(crate) macro_use: Vec<ModuleId>,
}

/// What a module calls by a name.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) to: Bound,
    pub(crate) is_public: bool,
}

#[derive(Clone)]
pub(crate) enum Bound {
    Item(ItemId),
    Module(ModuleId),
    Import(Import),
}

/// One leaf of a `use` declaration.
#[derive(Clone)]
pub(crate) struct Import {
    pub(crate) segments: Vec<String>,
    /// Begins with `::`.
    pub(crate) is_foreign: bool,
    pub(crate) is_public: bool,
    pub(crate) is_glob: bool,
    /// The name it gets here; none for a glob and for `as _`.
    pub(crate) name: Option<String>,
    pub(crate) line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Type,
    Value,
    Macro,
}

pub(crate) struct NamedItem {
    pub(crate) name: String,
    pub(crate) module: ModuleId,
    pub(crate) kind: Kind,
    /// Of an enum.
    pub(crate) variants: Vec<String>,
}

/// An associated item of an inherent `impl`, which may stand in another file than its type.
pub(crate) struct Member {
    /// The path in `impl path { .. }`, as written.
    pub(crate) of: syn::Path,
    pub(crate) module: ModuleId,
    pub(crate) names: BTreeSet<String>,
}

impl Tree {
    /// Reads `root` and all files that its `mod` declarations reach.
    pub(crate) fn read(sources: &Sources, root: &str) -> Self {
        let mut tree = Self::default();
        let module = tree.add_module(None, None, root);
        let dir = directory(root).to_owned();
        tree.read_file(sources, root, &dir, module, None);
        for (name, item) in std::mem::take(&mut tree.macros_of_root) {
            tree.bind(module, name, Bound::Item(item), true);
        }
        tree
    }

    /// `dir` is where the files of this one's modules are.
    fn read_file(
        &mut self,
        sources: &Sources,
        file: &str,
        dir: &str,
        module: ModuleId,
        parent: Option<&str>,
    ) {
        let Some(text) = sources.get(file) else {
            self.problems.push(format!("{file} is missing"));
            return;
        };
        let syntax = match syn::parse_file(text) {
            Ok(syntax) => syntax,
            Err(error) => {
                let line = error.span().start().line;
                self.problems
                    .push(format!("{file}:{line} cannot be read: {error}"));
                return;
            }
        };
        if is_for_tests(&syntax.attrs) {
            return;
        }
        self.add_items(module, syntax.items.iter(), &mut |tree, item, child| {
            tree.read_child(sources, file, dir, item, child);
        });
        add_blocks(self, &syntax, module);
        self.files.push(SourceFile {
            name: file.to_owned(),
            module,
            parent: parent.map(str::to_owned),
            syntax,
        });
    }

    /// Reads what `mod name;` or `mod name { .. }` holds into `child`.
    fn read_child(
        &mut self,
        sources: &Sources,
        file: &str,
        dir: &str,
        item: &syn::ItemMod,
        child: ModuleId,
    ) {
        let name = item.ident.unraw().to_string();
        if let Some((_, items)) = &item.content {
            let dir = format!("{dir}/{name}");
            self.add_items(child, items.iter(), &mut |tree, item, child| {
                tree.read_child(sources, file, &dir, item, child);
            });
            return;
        }
        let (child_file, dir) = match path_attribute(&item.attrs) {
            Some(path) => {
                let path = format!("{}/{path}", directory(file));
                let dir = directory(&path).to_owned();
                (path, dir)
            }
            None => {
                let dir = format!("{dir}/{name}");
                (format!("{dir}.rs"), dir)
            }
        };
        self.modules[child].file.clone_from(&child_file);
        self.read_file(sources, &child_file, &dir, child, Some(file));
    }

    /// Adds a block's items as a scope that looks into `around` for what it does not have.
    pub(crate) fn add_block(
        &mut self,
        around: ModuleId,
        block: &syn::Block,
        items: &[&Item],
    ) -> ModuleId {
        let id = self.modules.len();
        let module = &self.modules[around];
        self.modules.push(Module {
            path: module.path.clone(),
            file: module.file.clone(),
            parent: module.parent,
            around: Some(around),
            ..Module::default()
        });
        self.add_items(id, items.iter().copied(), &mut |_, _, _| {});
        self.blocks.insert(self.position(around, block), id);
        id
    }

    /// The scope of a block that has items of its own.
    pub(crate) fn block(&self, around: ModuleId, block: &syn::Block) -> Option<ModuleId> {
        self.blocks.get(&self.position(around, block)).copied()
    }

    fn position(&self, around: ModuleId, block: &syn::Block) -> Position {
        let start = block.brace_token.span.open().start();
        let file = self.modules[around].file.clone();
        (file, start.line, start.column)
    }

    /// The inline module of this name.
    pub(crate) fn inline_module(&self, module: ModuleId, name: &str) -> Option<ModuleId> {
        let file = &self.modules[module].file;
        let bindings = self.modules[module].names.get(name)?;
        bindings.iter().find_map(|binding| match binding.to {
            Bound::Module(id) if self.modules[id].file == *file => Some(id),
            _ => None,
        })
    }

    /// `read_child` reads a module that is declared here.
    fn add_items<'a>(
        &mut self,
        module: ModuleId,
        items: impl Iterator<Item = &'a Item>,
        read_child: &mut dyn FnMut(&mut Self, &syn::ItemMod, ModuleId),
    ) {
        for item in items.filter(|item| !is_test_item(item)) {
            match item {
                Item::Use(item) => self.add_use(module, item),
                Item::Mod(item) => {
                    let child = self.add_child(module, item);
                    read_child(self, item, child);
                }
                Item::Impl(item) if item.trait_.is_none() => self.add_members(module, item),
                Item::Macro(item) => self.add_macro(module, item),
                _ => self.add_item(module, item),
            }
        }
    }

    fn add_item(&mut self, module: ModuleId, item: &Item) {
        let mut variants = Vec::new();
        let (name, vis, kind) = match item {
            Item::Const(item) => (&item.ident, &item.vis, Kind::Value),
            Item::Fn(item) => (&item.sig.ident, &item.vis, Kind::Value),
            Item::Static(item) => (&item.ident, &item.vis, Kind::Value),
            Item::Struct(item) => (&item.ident, &item.vis, Kind::Type),
            Item::Trait(item) => (&item.ident, &item.vis, Kind::Type),
            Item::TraitAlias(item) => (&item.ident, &item.vis, Kind::Type),
            Item::Type(item) => (&item.ident, &item.vis, Kind::Type),
            Item::Union(item) => (&item.ident, &item.vis, Kind::Type),
            Item::Enum(item) => {
                variants.extend(item.variants.iter().map(|v| v.ident.unraw().to_string()));
                (&item.ident, &item.vis, Kind::Type)
            }
            _ => return,
        };
        let name = name.unraw().to_string();
        let id = self.new_item(module, &name, kind, variants);
        self.bind(module, name, Bound::Item(id), is_public(vis));
    }

    fn add_macro(&mut self, module: ModuleId, item: &syn::ItemMacro) {
        let Some(name) = &item.ident else { return };
        let name = name.unraw().to_string();
        let id = self.new_item(module, &name, Kind::Macro, Vec::new());
        if item
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("macro_export"))
        {
            self.macros_of_root.push((name.clone(), id));
        }
        self.modules[module].macros.insert(name, id);
    }

    fn add_use(&mut self, module: ModuleId, item: &syn::ItemUse) {
        for import in imports(item) {
            if import.is_glob {
                self.modules[module].globs.push(import);
            } else if let Some(name) = import.name.clone() {
                let is_public = import.is_public;
                self.bind(module, name, Bound::Import(import), is_public);
            }
        }
    }

    fn add_child(&mut self, module: ModuleId, item: &syn::ItemMod) -> ModuleId {
        let name = item.ident.unraw().to_string();
        if item.content.is_some()
            && let Some(same) = self.inline_module(module, &name)
        {
            return same;
        }
        let file = self.modules[module].file.clone();
        let child = self.add_module(Some(module), Some(&name), &file);
        if item
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("macro_use"))
        {
            self.modules[module].macro_use.push(child);
        }
        self.bind(module, name, Bound::Module(child), is_public(&item.vis));
        child
    }

    fn add_module(&mut self, parent: Option<ModuleId>, name: Option<&str>, file: &str) -> ModuleId {
        let mut path = parent.map_or_else(Vec::new, |parent| self.modules[parent].path.clone());
        path.extend(name.map(str::to_owned));
        self.modules.push(Module {
            path,
            file: file.to_owned(),
            parent,
            ..Module::default()
        });
        self.modules.len() - 1
    }

    fn add_members(&mut self, module: ModuleId, item: &syn::ItemImpl) {
        let syn::Type::Path(of) = &*item.self_ty else {
            return;
        };
        let names = item.items.iter().filter_map(|item| match item {
            syn::ImplItem::Const(item) => Some(item.ident.unraw().to_string()),
            syn::ImplItem::Fn(item) => Some(item.sig.ident.unraw().to_string()),
            _ => None,
        });
        self.members.push(Member {
            of: of.path.clone(),
            module,
            names: names.collect(),
        });
    }

    fn new_item(
        &mut self,
        module: ModuleId,
        name: &str,
        kind: Kind,
        variants: Vec<String>,
    ) -> ItemId {
        self.items.push(NamedItem {
            name: name.to_owned(),
            module,
            kind,
            variants,
        });
        self.items.len() - 1
    }

    fn bind(&mut self, module: ModuleId, name: String, to: Bound, is_public: bool) {
        let names = &mut self.modules[module].names;
        names
            .entry(name)
            .or_default()
            .push(Binding { to, is_public });
    }
}

/// The leaves of a `use` declaration.
pub(crate) fn imports(item: &syn::ItemUse) -> Vec<Import> {
    let root = Import {
        segments: Vec::new(),
        is_foreign: item.leading_colon.is_some(),
        is_public: is_public(&item.vis),
        is_glob: false,
        name: None,
        line: 0,
    };
    let mut leaves = Vec::new();
    add_leaves(&root, &item.tree, &mut leaves);
    leaves
}

fn add_leaves(before: &Import, tree: &UseTree, leaves: &mut Vec<Import>) {
    match tree {
        UseTree::Path(path) => {
            let before = before.followed_by(&path.ident);
            add_leaves(&before, &path.tree, leaves);
        }
        UseTree::Name(name) => leaves.push(before.named(&name.ident, &name.ident)),
        UseTree::Rename(rename) => leaves.push(before.named(&rename.ident, &rename.rename)),
        UseTree::Glob(glob) => leaves.push(Import {
            is_glob: true,
            line: glob.star_token.spans[0].start().line,
            ..before.clone()
        }),
        UseTree::Group(group) => {
            for tree in &group.items {
                add_leaves(before, tree, leaves);
            }
        }
    }
}

impl Import {
    fn followed_by(&self, ident: &syn::Ident) -> Self {
        let mut import = self.clone();
        import.segments.push(ident.unraw().to_string());
        import.line = ident.span().start().line;
        import
    }

    /// `a::{self}` is `a`.
    fn named(&self, ident: &syn::Ident, name: &syn::Ident) -> Self {
        let is_self = ident == "self" && !self.segments.is_empty();
        let mut import = if is_self {
            self.clone()
        } else {
            self.followed_by(ident)
        };
        import.line = ident.span().start().line;
        import.name = if is_self && ident == name {
            import.segments.last().cloned()
        } else {
            Some(name.unraw().to_string()).filter(|name| name != "_")
        };
        import
    }
}

/// Whether a `cfg` says that this exists in tests alone.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .any(|attribute| {
            attribute
                .parse_args::<Meta>()
                .is_ok_and(|condition| holds_without_tests(&condition) == Some(false))
        })
}

/// What a condition is where `test` is false; `None` if it depends on something else.
fn holds_without_tests(condition: &Meta) -> Option<bool> {
    let Meta::List(list) = condition else {
        return condition.path().is_ident("test").then_some(false);
    };
    let parts = list
        .parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)
        .ok()?;
    let mut parts = parts.iter().map(holds_without_tests);
    if list.path.is_ident("not") {
        return parts.next()?.map(|is_true| !is_true);
    }
    let decides = list.path.is_ident("any");
    let parts: Vec<_> = parts.collect();
    if parts.contains(&Some(decides)) {
        return Some(decides);
    }
    let all_known = parts.iter().all(Option::is_some);
    all_known.then_some(!decides)
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item of a block or module exists in tests alone.
pub(crate) fn is_test_item(item: &Item) -> bool {
    is_for_tests(attributes_of(item))
}

fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("path"))
        .find_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) => match &pair.value {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(path),
                    ..
                }) => Some(path.value()),
                _ => None,
            },
            _ => None,
        })
}

fn is_public(visibility: &syn::Visibility) -> bool {
    !matches!(visibility, syn::Visibility::Inherited)
}

fn directory(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(dir, _)| dir)
}
