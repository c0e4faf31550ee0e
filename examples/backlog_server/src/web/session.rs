//! Who looks at a page, and whether a form is theirs.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Account, PageError, is_ours};
use crate::store::users::User;
use crate::{App, secret};

/// A browser: known by the secret in its cookie, before anybody signs in with it too.
pub(super) struct Visitor {
    secret: String,
    /// Whether the browser has yet to be told its secret.
    new: bool,
    user: Option<User>,
}

impl Visitor {
    pub(super) const fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns what makes a form this browser's: only who knows the secret can tell it.
    pub(super) fn form_token(&self) -> String {
        // A key of any length will do.
        Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).map_or_else(
            |_| String::new(),
            |mut mac| {
                mac.update(b"form");
                URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
            },
        )
    }

    /// Returns who is signed in, for the foot of a page.
    pub(super) fn account(&self, user: &User, next: &str) -> Account {
        Account {
            email: user.email.clone(),
            form_token: self.form_token(),
            next: next.to_owned(),
        }
    }

    /// Checks that a form was sent by this browser, from a page of ours.
    pub(super) fn check_form(
        &self,
        app: &App,
        headers: &HeaderMap,
        form_token: &str,
    ) -> Result<(), PageError> {
        let expected = self.form_token();
        let known = !self.new && !expected.is_empty() && secret::same(&expected, form_token);
        if known && is_ours(app, headers) {
            Ok(())
        } else {
            Err(PageError::form_of_another())
        }
    }

    /// Returns the cookie that a new browser is to be given, with a page that has a form.
    pub(super) fn cookie(&self, app: &App) -> CookieJar {
        let jar = CookieJar::new();
        if self.new {
            jar.add(cookie(app, self.secret.clone()))
        } else {
            jar
        }
    }
}

impl<S> FromRequestParts<S> for Visitor
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let app = App::from_ref(state);
        let jar = match CookieJar::from_request_parts(parts, state).await {
            Ok(jar) => jar,
            Err(never) => match never {},
        };
        let Some(kept) = jar.get(name(&app)) else {
            let secret = secret::new().map_err(crate::store::StoreError::from)?;
            return Ok(Self {
                secret,
                new: true,
                user: None,
            });
        };
        let secret = kept.value().to_owned();
        let user = app.store.user_of_session(&secret).await?;
        Ok(Self {
            secret,
            new: false,
            user,
        })
    }
}

/// Makes the cookie that keeps a secret: out of reach of scripts and of other sites' forms.
pub(super) fn cookie(app: &App, secret: String) -> Cookie<'static> {
    Cookie::build((name(app), secret))
        .path("/")
        .http_only(true)
        .secure(app.config.public_url.is_https())
        .same_site(SameSite::Lax)
        .build()
}

/// The prefix has browsers see to it that nobody but this host sets it.
fn name(app: &App) -> &'static str {
    if app.config.public_url.is_https() {
        "__Host-session"
    } else {
        "session"
    }
}
