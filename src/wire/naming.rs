//! What stands for a user on the wire: who it is, or a pseudonym.

use std::borrow::Cow;

use crate::event::Identity;

/// What stands for a user on the wire: who it is, or a pseudonym.
#[derive(Debug, Default)]
pub(crate) struct Names {
    #[cfg(feature = "pseudonyms")]
    pub(crate) pseudonyms: Option<crate::pseudonym::Pseudonyms>,
}

impl Names {
    /// The identity as it is sent. Nobody needs no pseudonym.
    pub(crate) fn identity<'a>(&self, identity: Identity<'a>) -> Identity<'a> {
        #[cfg(feature = "pseudonyms")]
        if let Some(pseudonyms) = &self.pseudonyms
            && !identity.is_anonymous()
            && !identity.id.is_empty()
        {
            let id = match &*identity.id_type {
                "EMAIL" => pseudonyms.email(&identity.id),
                _ => pseudonyms.user(&identity.id),
            };
            let email = identity.email.map(|email| self.email(email));
            return Identity {
                id: Cow::Owned(id),
                id_type: identity.id_type,
                email,
            };
        }
        identity
    }

    /// An e-mail address as it is sent.
    pub(crate) fn email<'a>(&self, address: Cow<'a, str>) -> Cow<'a, str> {
        #[cfg(feature = "pseudonyms")]
        if let Some(pseudonyms) = &self.pseudonyms {
            return Cow::Owned(pseudonyms.email(&address));
        }
        address
    }
}
