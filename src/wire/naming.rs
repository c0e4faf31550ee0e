//! Whether users are sent by their ids or by pseudonyms.

use std::borrow::Cow;

use crate::event::Identity;

/// Whether users are sent by their ids or by pseudonyms.
#[derive(Debug, Default)]
pub(crate) struct IdentityPolicy {
    #[cfg(feature = "pseudonyms")]
    pub(crate) pseudonyms: Option<crate::pseudonym::Pseudonyms>,
}

impl IdentityPolicy {
    pub(crate) const fn has_pseudonyms(&self) -> bool {
        #[cfg(feature = "pseudonyms")]
        return self.pseudonyms.is_some();
        #[cfg(not(feature = "pseudonyms"))]
        false
    }

    /// Returns the identity as it is sent. The anonymous identity is never pseudonymized.
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

    /// Returns an e-mail address as it is sent.
    pub(crate) fn email<'a>(&self, address: Cow<'a, str>) -> Cow<'a, str> {
        #[cfg(feature = "pseudonyms")]
        if let Some(pseudonyms) = &self.pseudonyms {
            return Cow::Owned(pseudonyms.email(&address));
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_pseudonyms_all_is_sent_as_it_is() {
        let policy = IdentityPolicy::default();
        let rachel = Identity::email("rachel@example.com");
        assert!(policy.identity(Identity::from(&rachel)) == rachel);
        assert_eq!(policy.email("r@example.com".into()), "r@example.com");
    }

    #[cfg(feature = "pseudonyms")]
    #[test]
    fn an_id_and_its_address_are_replaced_and_the_kind_stays() {
        let pseudonyms = crate::pseudonym::Pseudonyms::new(&[7; 32]).unwrap();
        let (user, email) = (pseudonyms.user("u-1"), pseudonyms.email("r@example.com"));
        let policy = IdentityPolicy {
            pseudonyms: Some(pseudonyms),
        };
        let sent = policy.identity(Identity::new("u-1", "USER_ID").with_email("r@example.com"));
        assert_eq!((&*sent.id, &*sent.id_type), (&*user, "USER_ID"));
        assert_eq!(sent.email.as_deref(), Some(&*email));
        let sent = policy.identity(Identity::email("r@example.com"));
        assert_eq!((&*sent.id, &*sent.id_type), (&*email, "EMAIL"));
    }

    #[cfg(feature = "pseudonyms")]
    #[test]
    fn nobody_gets_a_pseudonym() {
        let policy = IdentityPolicy {
            pseudonyms: Some(crate::pseudonym::Pseudonyms::new(&[7; 32]).unwrap()),
        };
        for identity in [Identity::anonymous(), Identity::new("", "USER_ID")] {
            assert!(policy.identity(Identity::from(&identity)) == identity);
        }
    }
}
