//! A tool as a server lists it: its name, and what distinguishes its definition from others.

use std::io;

use serde::Serialize;

use super::facts::Text;
use crate::base::id::{StableHash, spell};

/// A tool of a listing.
#[derive(Debug, Clone)]
pub(crate) struct ListedTool<'a> {
    pub(crate) name: Text<'a>,
    pub(crate) definition: Option<ToolDefinition>,
}

impl<'a> ListedTool<'a> {
    pub(crate) fn named(name: impl Into<Text<'a>>) -> Self {
        Self {
            name: name.into(),
            definition: None,
        }
    }

    /// A tool with its definition, which is read and not kept.
    #[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
    pub(crate) fn defined(name: impl Into<Text<'a>>, definition: &impl Serialize) -> Self {
        Self {
            name: name.into(),
            definition: ToolDefinition::of(definition),
        }
    }
}

/// What is kept of a definition: how large it is as JSON, and a hash by which two are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ToolDefinition {
    hash: u64,
    pub(crate) bytes: u64,
}

impl ToolDefinition {
    /// Reads a definition; `None` for one that is no JSON.
    pub(crate) fn of(definition: &impl Serialize) -> Option<Self> {
        struct Reader {
            hash: StableHash,
            bytes: u64,
        }
        impl io::Write for Reader {
            fn write(&mut self, json: &[u8]) -> io::Result<usize> {
                self.hash.add(json);
                self.bytes += json.len() as u64;
                Ok(json.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut reader = Reader {
            hash: StableHash::default(),
            bytes: 0,
        };
        serde_json::to_writer(&mut reader, definition).ok()?;
        Some(Self {
            hash: reader.hash.end(),
            bytes: reader.bytes,
        })
    }

    /// The hash as 16 hexadecimal digits.
    pub(crate) fn digits(&self) -> [u8; 16] {
        let mut digits = [0; 16];
        spell(&self.hash.to_be_bytes(), &mut digits);
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_definition_is_told_by_its_json() {
        let of = |definition: serde_json::Value| ToolDefinition::of(&definition).unwrap();
        let search = json!({"name": "search", "inputSchema": {"type": "object"}});
        let definition = of(search.clone());
        assert_eq!(definition.bytes, search.to_string().len() as u64);
        assert_eq!(definition, of(search));
        let other = of(json!({"name": "search", "inputSchema": {"type": "objecT"}}));
        assert_eq!(other.bytes, definition.bytes);
        assert_ne!(other.digits(), definition.digits());
        // The same in every version: it is compared with what was sent before.
        assert_eq!(&of(json!({"a": 1})).digits(), b"296c67fb893164e8");
    }

    #[test]
    fn what_is_no_json_has_no_definition() {
        let map = std::collections::BTreeMap::from([([1_u8, 2], "x")]);
        assert_eq!(ToolDefinition::of(&map), None);
    }
}
