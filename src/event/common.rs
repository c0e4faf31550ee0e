//! What every kind of event carries.

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
        links { $($(#[$link_doc:meta])+ $link:ident($link_param:ident);)+ }
        session $session:tt
        meta_texts { $($(#[$meta_doc:meta])+ $meta_text:ident($meta_param:ident);)+ }
        meta_words { $($(#[$word_doc:meta])+ $word:ident($word_param:ident: $word_type:ty);)+ }
    ) => {
        /// What any event may carry: the facts of the table, and what has a form of its own.
        #[derive(Default)]
        pub(crate) struct Facts<'a> {
            pub(crate) identity: Option<Identity<'a>>,
            pub(crate) session: Session<'a>,
            /// Custom keys. None cost fewer instructions than an empty list, and most events have none.
            pub(crate) meta: Option<Vec<(Text<'a>, Content<'a>)>>,
            $(pub(crate) $value: Option<$value_type>,)+
            $(pub(crate) $text: Option<Text<'a>>,)+
            pub(crate) links: Option<Links<'a>>,
            $(pub(crate) $meta_text: Option<Text<'a>>,)+
            $(pub(crate) $word: Option<$word_type>,)+
        }

        /// The texts that few events have. Together they cost each event that has none four instructions; apart, four each.
        #[derive(Default)]
        pub(crate) struct Links<'a> {
            $(pub(crate) $link: Option<Text<'a>>,)+
        }

        /// How many texts of the table an event has, those of its session included.
        pub(crate) const FACT_TEXTS: usize =
            [$(stringify!($text),)+ $(stringify!($link),)+ $(stringify!($meta_text),)+].len()
                + SESSION_TEXTS;

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
                let links = self.links.as_ref();
                [
                    $(self.$text.as_deref(),)+
                    $(links.and_then(|links| links.$link.as_deref()),)+
                    $(self.$meta_text.as_deref(),)+
                ]
                .into_iter()
                .chain(self.session.texts())
            }

            /// The facts of the table, put together again.
            #[inline(always)]
            pub(crate) fn from_parts(
                values: FactValues,
                texts: [Option<&'a str>; FACT_TEXTS],
            ) -> Self {
                let [$($text,)+ $($link,)+ $($meta_text,)+ session @ ..] = texts;
                Self {
                    $($value: values.$value,)+
                    $($text: $text.map(Cow::Borrowed),)+
                    links: Some(Links { $($link: $link.map(Cow::Borrowed),)+ }),
                    $($meta_text: $meta_text.map(Cow::Borrowed),)+
                    $($word: values.$word,)+
                    session: Session::from_texts(session),
                    identity: None,
                    meta: None,
                }
            }

            /// The texts in `meta` beside the session's, with their wire keys.
            #[inline(always)]
            pub(crate) fn meta_texts(&self) -> impl Iterator<Item = (WireKey, Option<&str>)> {
                [$((key!($meta_text), self.$meta_text.as_deref())),+].into_iter()
            }

            /// The facts in `meta` that are one of a few words of ours, with their wire keys.
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

impl<'a> Facts<'a> {
    /// Adds a caller's own keys to `meta`. To be called before the event's keys are added: of several
    /// of one name the last is sent.
    pub(crate) fn add_meta(&mut self, meta: &'a [(String, serde_json::Value)]) {
        let meta = meta.iter();
        self.meta
            .get_or_insert_default()
            .extend(meta.map(|(key, value)| (Cow::Borrowed(&**key), value as Content<'a>)));
    }

    /// The custom keys.
    pub(crate) fn meta(&self) -> &[(Text<'a>, Content<'a>)] {
        self.meta.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_put_together_again_are_the_same() {
        let session = Session::new().session_id("s").request_id("7");
        let facts = Facts {
            event_id: Some(1),
            era: Some(Era::Modern),
            product_id: Some("p".into()),
            ip_addr: Some("::1".into()),
            traceparent: Some("t".into()),
            session,
            ..Facts::default()
        };
        let mut texts = [None; FACT_TEXTS];
        let mut given = facts.texts();
        texts.fill_with(|| given.next().flatten());
        assert_eq!(given.next(), None, "as many as are counted");
        let again = Facts::from_parts(facts.values(), texts);
        assert!(again.texts().eq(facts.texts()));
        assert_eq!(again.event_id, Some(1));
        assert_eq!(again.product_id.as_deref(), Some("p"));
        assert_eq!(again.ip_addr.as_deref(), Some("::1"));
        assert!(again.session == facts.session);
        let in_meta = |facts: &Facts<'_>| {
            let texts = facts
                .meta_texts()
                .map(|(key, text)| (key.name(), text.map(str::to_owned)));
            let words = facts
                .meta_words()
                .map(|(key, word)| (key.name(), Some(word.to_owned())));
            texts.chain(words).collect::<Vec<_>>()
        };
        let (traceparent, era) = (Some("t".to_owned()), Some("modern".to_owned()));
        assert_eq!(
            in_meta(&again),
            [("traceparent", traceparent), ("era", era)]
        );
    }
}
