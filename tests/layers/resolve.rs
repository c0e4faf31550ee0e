//! From a path to the items it leads to, through aliases, re-exports and globs.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{Bound, Import, ItemId, Kind, ModuleId, Tree};

/// What a path leads to; none for other crates, local variables and the prelude.
pub(crate) type Targets = BTreeSet<Target>;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Target {
    Module(ModuleId),
    Item(ItemId),
    /// An associated item, in the module of its `impl`.
    Member(ModuleId, ItemId, String),
    /// A module has no such name as far as its source says: a macro made it.
    Unlisted(ModuleId, String),
}

/// Which of the things of one name are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    All,
    /// Types and values.
    Item,
    Macro,
    /// What may stand before `::`.
    Parent,
}

pub(crate) struct Resolver<'a> {
    tree: &'a Tree,
    members: BTreeMap<(ItemId, &'a str), Vec<ModuleId>>,
}

/// Names under way, so that imports which name each other end.
type Asked = BTreeSet<(ModuleId, String, bool)>;

impl<'a> Resolver<'a> {
    pub(crate) fn new(tree: &'a Tree) -> Self {
        let mut resolver = Self {
            tree,
            members: BTreeMap::new(),
        };
        let mut members: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for member in &tree.members {
            let path: Vec<_> = member
                .of
                .segments
                .iter()
                .map(|s| s.ident.to_string())
                .collect();
            for target in resolver.resolve(member.module, &path, Want::Item) {
                let Target::Item(item) = target else { continue };
                for name in &member.names {
                    let modules = members.entry((item, name.as_str())).or_default();
                    modules.push(member.module);
                }
            }
        }
        resolver.members = members;
        resolver
    }

    /// What `path` means in `module`.
    pub(crate) fn resolve(&self, module: ModuleId, path: &[String], want: Want) -> Targets {
        self.resolve_asked(module, path, want, &mut Asked::new())
    }

    pub(crate) fn resolve_import(&self, module: ModuleId, import: &Import) -> Targets {
        self.import(module, import, &mut Asked::new())
    }

    fn import(&self, module: ModuleId, import: &Import, asked: &mut Asked) -> Targets {
        if import.is_foreign {
            return Targets::new();
        }
        self.resolve_asked(module, &import.segments, Want::All, asked)
    }

    fn resolve_asked(
        &self,
        module: ModuleId,
        path: &[String],
        want: Want,
        asked: &mut Asked,
    ) -> Targets {
        let Some((mut here, rest)) = self.start(module, path, want, asked) else {
            return Targets::new();
        };
        for name in rest {
            here = self.members_named(&here, name, asked);
        }
        here.retain(|target| self.is_wanted(target, want));
        here
    }

    /// What the first segments of a path lead to, and what follows.
    fn start<'p>(
        &self,
        module: ModuleId,
        path: &'p [String],
        want: Want,
        asked: &mut Asked,
    ) -> Option<(Targets, &'p [String])> {
        let (first, mut rest) = path.split_first()?;
        let mut here = match first.as_str() {
            "crate" | "$crate" => 0,
            "self" => self.named_module(module),
            "super" => self.tree.modules[self.named_module(module)].parent?,
            name => {
                let want = if rest.is_empty() { want } else { Want::Parent };
                return Some((self.in_scope(module, name, want, asked), rest));
            }
        };
        while let Some((first, after)) = rest.split_first()
            && first == "super"
        {
            here = self.tree.modules[here].parent?;
            rest = after;
        }
        Some((Targets::from([Target::Module(here)]), rest))
    }

    /// The module round a block.
    fn named_module(&self, mut module: ModuleId) -> ModuleId {
        while let Some(around) = self.tree.modules[module].around {
            module = around;
        }
        module
    }

    /// The first segment of a path: a name of the blocks round it, of the module, or a macro from further up.
    fn in_scope(&self, module: ModuleId, name: &str, want: Want, asked: &mut Asked) -> Targets {
        let mut scope = Some(module);
        while let Some(id) = scope {
            let mut found = self.in_module(id, name, false, asked).unwrap_or_default();
            found.retain(|target| self.is_wanted(target, want));
            if !found.is_empty() {
                return found;
            }
            scope = self.tree.modules[id].around;
        }
        let found = self.macro_above(module, name).map(Target::Item);
        found
            .into_iter()
            .filter(|target| self.is_wanted(target, want))
            .collect()
    }

    /// A `macro_rules!` of a module further up, or of a module under `#[macro_use]`.
    fn macro_above(&self, module: ModuleId, name: &str) -> Option<ItemId> {
        let mut here = Some(self.named_module(module));
        while let Some(id) = here {
            let module = &self.tree.modules[id];
            let children = module
                .macro_use
                .iter()
                .map(|child| &self.tree.modules[*child]);
            let mut places = std::iter::once(module).chain(children);
            if let Some(found) = places.find_map(|place| place.macros.get(name)) {
                return Some(*found);
            }
            here = module.parent;
        }
        None
    }

    /// What a module calls by this name; `None` if it has no such name.
    fn in_module(
        &self,
        id: ModuleId,
        name: &str,
        public_only: bool,
        asked: &mut Asked,
    ) -> Option<Targets> {
        let key = (id, name.to_owned(), public_only);
        if !asked.insert(key.clone()) {
            return None;
        }
        let found = self.by_name(id, name, public_only, asked);
        let found = found.or_else(|| self.by_glob(id, name, asked));
        asked.remove(&key);
        found
    }

    fn by_name(
        &self,
        id: ModuleId,
        name: &str,
        public_only: bool,
        asked: &mut Asked,
    ) -> Option<Targets> {
        let module = &self.tree.modules[id];
        let mut found = None;
        for binding in module.names.get(name).into_iter().flatten() {
            if public_only && !binding.is_public {
                continue;
            }
            let found = found.get_or_insert_with(Targets::new);
            match &binding.to {
                Bound::Item(item) => drop(found.insert(Target::Item(*item))),
                Bound::Module(module) => drop(found.insert(Target::Module(*module))),
                Bound::Import(import) => found.extend(self.import(id, import, asked)),
            }
        }
        if let Some(item) = module.macros.get(name).filter(|_| !public_only) {
            let found = found.get_or_insert_with(Targets::new);
            found.insert(Target::Item(*item));
        }
        found
    }

    fn by_glob(&self, id: ModuleId, name: &str, asked: &mut Asked) -> Option<Targets> {
        let path = &self.tree.modules[id].path;
        let mut found = None;
        for glob in &self.tree.modules[id].globs {
            for target in self.import(id, glob, asked) {
                let more = match target {
                    Target::Module(from) => {
                        let is_inside = path.starts_with(&self.tree.modules[from].path);
                        self.in_module(from, name, !is_inside, asked)
                    }
                    Target::Item(item) => self.has_variant(item, name).then(|| [target].into()),
                    _ => None,
                };
                if let Some(more) = more {
                    found.get_or_insert_with(Targets::new).extend(more);
                }
            }
        }
        found
    }

    fn has_variant(&self, item: ItemId, name: &str) -> bool {
        let variants = &self.tree.items[item].variants;
        variants.iter().any(|variant| variant == name)
    }

    /// What `here::name` leads to.
    fn members_named(&self, here: &Targets, name: &str, asked: &mut Asked) -> Targets {
        let mut found = Targets::new();
        for target in here {
            match target {
                Target::Module(id) => match self.in_module(*id, name, false, asked) {
                    Some(targets) => found.extend(targets),
                    None if self.tree.modules[*id].globs.is_empty() => {
                        found.insert(Target::Unlisted(*id, name.to_owned()));
                    }
                    None => {}
                },
                Target::Item(item) => {
                    found.insert(target.clone());
                    found.extend(self.members_of(*item, name));
                }
                Target::Member(..) | Target::Unlisted(..) => drop(found.insert(target.clone())),
            }
        }
        found
    }

    /// The associated items of this name that inherent `impl`s of a type have.
    pub(crate) fn members_of(&self, item: ItemId, name: &str) -> Vec<Target> {
        let modules = self.members.get(&(item, name)).into_iter().flatten();
        modules
            .map(|module| Target::Member(*module, item, name.to_owned()))
            .collect()
    }

    fn is_wanted(&self, target: &Target, want: Want) -> bool {
        let kind = match target {
            Target::Item(item) => self.tree.items[*item].kind,
            Target::Module(_) => return matches!(want, Want::All | Want::Parent),
            Target::Member(..) => Kind::Value,
            Target::Unlisted(..) => return want != Want::Macro,
        };
        match want {
            Want::All => true,
            Want::Item => kind != Kind::Macro,
            Want::Macro => kind == Kind::Macro,
            Want::Parent => kind == Kind::Type,
        }
    }
}
