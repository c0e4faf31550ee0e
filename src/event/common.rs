//! What every kind of event carries, and the setters for it.

use std::borrow::Cow;
use std::time::SystemTime;

use super::client::{ClientClass, Era};
use super::facts::{Text, facts};
use super::identity::Identity;
use super::session::{SESSION_TEXTS, Session};
use crate::capture::{Content, WireKey, key};

macro_rules! common {
    (
        values { $($(#[$value_doc:meta])+ $value:ident($value_param:ident: $value_type:ty);)+ }
        texts { $($(#[$text_doc:meta])+ $text:ident($text_param:ident);)+ }
        session $session:tt
        meta_texts { $($(#[$meta_doc:meta])+ $meta_text:ident($meta_param:ident);)+ }
        meta_words { $($(#[$word_doc:meta])+ $word:ident($word_param:ident: $word_type:ty);)+ }
    ) => {
        /// What any event may carry: the facts of the table, and what has a form of its own.
        #[derive(Default)]
        pub(crate) struct Facts<'a> {
            pub(crate) identity: Option<Identity<'a>>,
            pub(crate) session: Session<'a>,
            /// Custom keys.
            pub(crate) meta: Vec<(Text<'a>, Content<'a>)>,
            $(pub(crate) $value: Option<$value_type>,)+
            $(pub(crate) $text: Option<Text<'a>>,)+
            $(pub(crate) $meta_text: Option<Text<'a>>,)+
            $(pub(crate) $word: Option<$word_type>,)+
        }

        /// How many texts of the table an event has, those of its session included.
        pub(crate) const FACT_TEXTS: usize =
            [$(stringify!($text),)+ $(stringify!($meta_text),)+].len() + SESSION_TEXTS;

        /// The facts of the table that are no texts.
        #[derive(Clone, Copy)]
        pub(crate) struct FactValues {
            $(pub(crate) $value: Option<$value_type>,)+
            $($word: Option<$word_type>,)+
        }

        impl<'a> Facts<'a> {
            pub(crate) fn values(&self) -> FactValues {
                FactValues {
                    $($value: self.$value,)+
                    $($word: self.$word,)+
                }
            }

            /// The texts of the table, in its order, then the session's.
            pub(crate) fn texts(&self) -> impl Iterator<Item = Option<&str>> {
                [$(self.$text.as_deref(),)+ $(self.$meta_text.as_deref(),)+]
                    .into_iter()
                    .chain(self.session.texts())
            }

            /// The facts of the table, put together again.
            pub(crate) fn from_parts(
                values: FactValues,
                texts: [Option<&'a str>; FACT_TEXTS],
            ) -> Self {
                let [$($text,)+ $($meta_text,)+ session @ ..] = texts;
                Self {
                    $($value: values.$value,)+
                    $($text: $text.map(Cow::Borrowed),)+
                    $($meta_text: $meta_text.map(Cow::Borrowed),)+
                    $($word: values.$word,)+
                    session: Session::from_texts(session),
                    identity: None,
                    meta: Vec::new(),
                }
            }

            /// Adds keys to `meta` that were set beside the event. Called in front of its own, which
            /// win: the last of a name is written.
            pub(crate) fn add_meta(&mut self, meta: &'a [(String, serde_json::Value)]) {
                let meta = meta.iter();
                self.meta
                    .extend(meta.map(|(key, value)| (Cow::Borrowed(&**key), value as Content<'a>)));
            }

            /// The facts in `meta` beside the session's, with their wire keys: the texts.
            #[inline(always)]
            pub(crate) fn meta_texts(&self) -> impl Iterator<Item = (WireKey, Option<&str>)> {
                [$((key!($meta_text), self.$meta_text.as_deref())),+].into_iter()
            }

            /// As [`meta_texts`](Self::meta_texts), for those of a few words of ours each.
            #[inline(always)]
            pub(crate) fn meta_words(&self) -> impl Iterator<Item = (WireKey, &'static str)> {
                [$((key!($word), self.$word.map(|word| word.as_str()))),+]
                    .into_iter()
                    .filter_map(|(key, word)| Some((key, word?)))
            }
        }
    };
}

facts!(common);
