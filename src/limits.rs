//! How much of an event is kept: one set of limits for all wires.
//!
//! A string over its limit is cut, and ends in `...`, which counts towards the limit. Lists and objects keep their first
//! entries. The cost does not depend on how large the caller's value is, because a value is not read beyond the limits.

/// The most characters of a prompt: several paragraphs; the figure of `reo-census-mcp`.
pub const MAX_PROMPT_CHARS: usize = 6_000;
/// The most characters of an argument called `query`, at any depth: enough to read a statement; the
/// figure of `reo-census-mcp`.
pub const MAX_QUERY_CHARS: usize = 1_200;
/// The most characters of any other string; the figure of `reo-census-mcp`.
pub const MAX_STRING_CHARS: usize = 4_000;
/// The most characters of an error text: the message and the first causes, not a whole trace.
pub const MAX_ERROR_CHARS: usize = 2_000;
/// The most characters of a name, an id or an object's key.
pub const MAX_NAME_CHARS: usize = 256;
/// The most items of a list.
pub const MAX_LIST_ITEMS: usize = 50;
/// The most keys of an outermost object; `_truncated_keys` says how many were left out.
pub const MAX_TOP_KEYS: usize = 80;
/// The most keys of an object within another value.
pub const MAX_NESTED_KEYS: usize = 200;
/// The most levels of lists and objects; a deeper one becomes `[max depth]`.
pub const MAX_DEPTH: usize = 6;
/// The most names of tools in an [`Init`](crate::Init).
pub const MAX_TOOLS: usize = 200;
/// The most names in `tool_argument_keys`.
pub const MAX_ARGUMENT_KEYS: usize = 200;
/// The most bytes of an event's `meta`. Beyond that the result is left out first, then the arguments become
/// `tool_argument_keys`, then `tool_argument_key_count`.
pub const MAX_META_BYTES: usize = 24_000;
/// The most bytes of one event: what the Reo ingest accepts in a request, less the frame around it.
pub const MAX_EVENT_BYTES: usize = 256 * 1024 - 12;
/// How far behind a cut the redactor looks, in bytes: longer than any secret of one line.
pub(crate) const CUT_MARGIN_BYTES: usize = 4 * 1024;
/// The most entries of one value that are passed over beyond its limits before the rest of the value is
/// left out unseen: an upper bound on the time a huge value can take.
pub(crate) const MAX_SKIPPED_NODES: usize = 512;
/// The most bytes of JSON text that are passed over, for the same reason.
pub(crate) const MAX_SKIPPED_BYTES: usize = 32 * 1024;

/// One row for each limit that can be set: its field, setter, default, range and documentation.
macro_rules! limits {
    ($($setter:ident $field:ident $default:ident $range:expr, $what:literal;)+) => {
        /// The limits that a logger may lower, or raise within reason.
        ///
        /// ```
        /// use mcp_usage::limits::Limits;
        ///
        /// let terse = Limits::default().max_string_chars(500).max_list_items(10);
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[must_use]
        pub struct Limits {
            $(pub(crate) $field: usize,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Limits {
            $(
                #[doc = concat!("Sets ", $what, ". Default: [`", stringify!($default), "`].")]
                pub const fn $setter(mut self, limit: usize) -> Self {
                    self.$field = limit;
                    self
                }
            )+

            /// Returns the limits out of range: name, value and range of each.
            pub(crate) fn faults(&self) -> Vec<(&'static str, usize, std::ops::RangeInclusive<usize>)> {
                let mut faults = Vec::new();
                $(
                    if !$range.contains(&self.$field) {
                        faults.push((stringify!($setter), self.$field, $range));
                    }
                )+
                faults
            }
        }
    };
}

limits! {
    max_prompt_chars prompt_chars MAX_PROMPT_CHARS 16..=65_536, "the most characters of a prompt";
    max_query_chars query_chars MAX_QUERY_CHARS 16..=65_536, "the most characters of an argument called `query`";
    max_string_chars string_chars MAX_STRING_CHARS 16..=65_536, "the most characters of any other string";
    max_error_chars error_chars MAX_ERROR_CHARS 16..=65_536, "the most characters of an error text";
    max_list_items list_items MAX_LIST_ITEMS 1..=10_000, "the most items of a list";
    max_top_keys top_keys MAX_TOP_KEYS 1..=10_000, "the most keys of an outermost object";
    max_nested_keys nested_keys MAX_NESTED_KEYS 1..=10_000, "the most keys of an object within another value";
    max_depth depth MAX_DEPTH 1..=64, "the most containers that one may stand within";
    max_meta_bytes meta_bytes MAX_META_BYTES 1_024..=200_000, "the most bytes of an event's `meta`";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_out_of_range_is_named_with_its_range() {
        assert_eq!(Limits::default().faults(), []);
        let faults = Limits::default().max_depth(65).max_meta_bytes(0).faults();
        let expected = [
            ("max_depth", 65, 1..=64),
            ("max_meta_bytes", 0, 1_024..=200_000),
        ];
        assert_eq!(faults, expected);
    }
}
