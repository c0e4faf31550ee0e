//! Members of an object that say something of each other: `{"name": …, "value": …}`, the parts of a key, an element of
//! a page and what was typed there.

use crate::redact::catalogue::formats;
use crate::redact::catalogue::labels::FIELDS;
use crate::redact::catalogue::roles;
use crate::redact::engine::frame::{Frame, Place, Shape};
use crate::redact::engine::inside::Findings;
use crate::redact::engine::memo::Key;
use crate::redact::engine::walk::{Members, Walk, closing_quote, opening_quote, past_blanks};
use crate::redact::find::context;
use crate::redact::judge::id::is_uuid;
use crate::redact::judge::value;
use crate::redact::kind::{Interest, Kind, Role};
use crate::redact::read::bytes::{self, at, part};

/// So far from a code the template is named that tells it.
const MAX_MESSAGE: usize = 256;

/// Bytes of an object before a key and behind it in which its members are looked at.
const MAX_BEFORE: usize = 512;
const MAX_BEHIND: usize = 256;

impl Findings<'_> {
    /// What the name over the value that begins now says.
    #[inline]
    pub(crate) fn kind_of_value(&mut self, walk: &mut Walk<'_>) -> Kind {
        let top = &walk.top;
        if top.array {
            return top.kind;
        }
        if top.record && top.kind == Kind::Plain {
            return top.kind_in_record;
        }
        if top.about && top.kind.hides() || top.tokens && top.kind == Kind::Plain {
            return Kind::Maybe;
        }
        if top.role == Role::Value && top.kind == Kind::Plain {
            self.label(walk)
        } else {
            top.kind
        }
    }

    /// What the label in the innermost object says. It is judged here, since most `name`s label nothing.
    fn label(&mut self, walk: &mut Walk<'_>) -> Kind {
        let said = std::mem::take(&mut walk.top.said);
        if !said.is_empty() {
            let said = self.kind_of_label(walk.text, said);
            // `{"type": "password", "name": "x"}`
            if said != Kind::Plain || !walk.top.label.hides() {
                walk.top.label = said;
            }
        }
        walk.top.label
    }

    /// Labels come again like names, and to judge one takes fourteen times as long as to find it: 1 250 instructions.
    fn kind_of_label(&mut self, text: &[u8], label: Place) -> Kind {
        let (from, to) = label.range();
        let (key, rules) = (Key::of(text, from, to), self.rules);
        let known = key.and_then(|key| self.labels.get(&key, rules.id));
        if let Some((kind, _)) = known {
            return kind;
        }
        let kind = context::kind_of_label(label.of(text), |name| rules.judge(name));
        if let Some(key) = key {
            let said = (kind, Role::Other);
            self.labels.put(&key, rules.id, said, Interest::None);
        }
        kind
    }

    /// What `key` means in an object that stands under `api`.
    pub(crate) fn kind_with_parent(&self, walk: &Walk<'_>) -> Kind {
        let parent = self
            .outer(walk, 1)
            .filter(|parent| !parent.array && !parent.schema && parent.role != Role::Schema);
        let (from, _) = walk.top.name.range();
        let before =
            |start: usize| part(walk.text, start.max(from.saturating_sub(MAX_MESSAGE)), from);
        // `{"username": "bob", "key": …}`
        let beside = before(walk.top.start);
        let whose = |row: &&(&str, Kind)| bytes::find(beside, row.0.as_bytes()).is_some();
        if let Some((_, kind)) = roles::KEYS_OF.iter().find(whose) {
            return *kind;
        }
        let Some(parent) = parent else {
            return Kind::Plain;
        };
        let name = parent.name.of(walk.text);
        // `{"url": …, "params": {"key": …}}`
        if roles::QUERIES.contains(&name)
            && bytes::find(before(parent.start), roles::ADDRESS).is_some()
        {
            return Kind::Opaque;
        }
        if name.is_empty() || name.len() > 32 {
            Kind::Plain
        } else {
            // `{"rotateKey": {"key": …}}`
            if matches!(self.rules.judge(name), Kind::Secret | Kind::Opaque) {
                return Kind::Opaque;
            }
            // `{"cache": {"key": …}}`
            let kind = self.rules.judge(&[name, roles::KEY].concat());
            if kind == Kind::Opaque {
                Kind::Plain
            } else {
                kind
            }
        }
    }

    /// A member of an object that says something about another, or is what another says something about.
    #[inline(never)]
    pub(crate) fn member(&mut self, walk: &mut Walk<'_>, (from, to): (usize, usize), shape: Shape) {
        let content = part(walk.text, from, to);
        let top = &mut walk.top;
        match top.role {
            Role::Label if top.cookies => {}
            Role::KeyPart | Role::Label
                if top.jwk
                    && shape == Shape::String
                    && roles::is_key_part(top.name.of(walk.text)) =>
            {
                self.hide(walk, from, to, shape);
            }
            Role::KeyType if roles::is_key_type(content) && !top.jwk => {
                top.jwk = true;
                self.key_parts(walk, from);
            }
            Role::Label if shape == Shape::String => {
                if formats::names_secret_of_vault(content) {
                    top.label = Kind::Secret;
                }
                top.said = Place::new(from, to);
                self.hide_labelled(walk);
            }
            Role::Kind if roles::is_kind_of_secrets(content) => {
                top.is_secret = true;
                let (from, to) = top.kubernetes.range();
                self.hide(walk, from, to, Shape::Nested);
            }
            Role::Element | Role::Type | Role::Kind | Role::Path
                if shape == Shape::String && is_label(top, content) =>
            {
                self.named(walk, element(content));
            }
            Role::Code if is_code(content) => self.told(walk, (from, to), shape),
            Role::Issued | Role::Code => self.issued(walk, (from, to), shape),
            Role::Operation => top.patch = true,
            Role::Typed if from < to && shape == Shape::String => {
                self.typed(walk, (from, to));
            }
            Role::Value if from < to => top.value = Some((Place::new(from, to), shape)),
            Role::Data if shape == Shape::String => self.labelled_data(walk, (from, to)),
            Role::Data if shape == Shape::Nested => {
                if top.is_secret {
                    self.hide(walk, from, to, Shape::Nested);
                } else {
                    top.kubernetes = Place::new(from, to);
                }
            }
            _ => {}
        }
    }

    /// A name of what stands beside it, unless a label said more.
    fn named(&mut self, walk: &mut Walk<'_>, name: &[u8]) {
        if self.label(walk) == Kind::Plain {
            walk.top.label = self.rules.judge(name);
            self.hide_labelled(walk);
        }
    }

    /// What was typed into an element of a page: a value if it is one word.
    fn typed(&mut self, walk: &mut Walk<'_>, (from, to): (usize, usize)) {
        let content = part(walk.text, from, to);
        let word = !content.iter().any(u8::is_ascii_whitespace)
            && content.iter().any(|b| !b.is_ascii_alphabetic());
        let label = self.label(walk);
        let may_be = matches!(label, Kind::Pin | Kind::Pwd | Kind::Maybe);
        if word && (label.hides() || may_be && value::fits(content, label)) {
            self.hide(walk, from, to, Shape::String);
        } else if word && walk.top.value.is_none() {
            walk.top.value = Some((Place::new(from, to), Shape::String));
        }
    }

    /// Hides the value that stood before its name.
    #[inline(always)]
    fn hide_labelled(&mut self, walk: &mut Walk<'_>) {
        if walk.top.value.is_some() {
            self.hide_value(walk);
        }
    }

    #[cold]
    fn hide_value(&mut self, walk: &mut Walk<'_>) {
        let Some((place, shape)) = walk.top.value else {
            return;
        };
        let (from, to) = place.range();
        let label = self.label(walk);
        let content = part(walk.text, from, to);
        let fits = || value::fits(content, label);
        // `{"v": 2, "name": "token_1"}`
        let counts = shape == Shape::Number && content.len() < 4;
        if label.hides() && !counts || matches!(label, Kind::Pin | Kind::Opaque) && fits() {
            self.hide(walk, from, to, shape);
        }
    }

    /// `{"name": "db_password", "data": "…"}`,. Without a label before it `data` is a text of any kind.
    fn labelled_data(&mut self, walk: &mut Walk<'_>, (from, to): (usize, usize)) {
        let said = walk.top.said.of(walk.text);
        let content = part(walk.text, from, to);
        let is_word = !content.iter().any(u8::is_ascii_whitespace);
        let is_secret = is_word && (value::looks_chosen(content) || value::is_password_name(said));
        if is_secret && self.label(walk).hides() {
            self.hide(walk, from, to, Shape::String);
        }
    }

    /// Hides a code that the template of a message tells somebody, which is named around it or in the object around that:
    /// `{"template": "verify_email", "data": {"code": "…"}}`.
    fn told(&mut self, walk: &Walk<'_>, (from, to): (usize, usize), shape: Shape) {
        let before = |back: usize| {
            let start = self.outer(walk, back).map_or(0, |outer| outer.start);
            let start = start.max(from.saturating_sub(MAX_MESSAGE));
            messages(part(walk.text, start, from)).last()
        };
        let behind = part(walk.text, to, walk.to.min(to + MAX_MESSAGE));
        let message = before(1)
            .or_else(|| messages(behind).next())
            .or_else(|| before(3));
        if message.is_some_and(roles::tells_code) {
            self.hide(walk, from, to, shape);
        }
    }

    /// Hides the private numbers that stand before `end` in a JSON Web Key.
    fn key_parts(&mut self, walk: &Walk<'_>, end: usize) {
        let text = walk.text;
        for (name, value) in Members::shallow(text, walk.top.start + 1, end) {
            if roles::is_key_part(name) && at(text, value) == b'"' {
                let close = closing_quote(text, value + 1, end);
                self.hide(walk, value + 1, close, Shape::String);
            }
        }
    }

    /// Hides what could be a key, if its object has the member that such a one is given out with.
    fn issued(&mut self, walk: &Walk<'_>, (from, to): (usize, usize), shape: Shape) {
        let (text, top) = (walk.text, &walk.top);
        let content = part(text, from, to);
        if !value::fits(content, Kind::Opaque) && !content.try_into().is_ok_and(is_uuid) {
            return;
        }
        let (name, _) = top.name.range();
        let first = first_member(text, top.start + 1, name.saturating_sub(1));
        let end = walk.to.min(to + MAX_BEHIND);
        let mut members = Members::new(text, first, end);
        if members.any(|(beside, _)| roles::is_issued_with(top.name.of(text), beside)) {
            self.hide(walk, from, to, shape);
        } else {
            // Marks may make the object shorter, so that more of it is looked at.
            self.unsure |= first > top.start + 1 || !members.is_closed;
        }
    }
}

/// Where the first member of an object begins that is looked at for the one at `end`. The object begins at `start`.
fn first_member(text: &[u8], start: usize, end: usize) -> usize {
    let floor = start.max(end.saturating_sub(MAX_BEFORE));
    if floor == start {
        return start;
    }
    let (mut first, mut pos, mut depth) = (end, end, 0_usize);
    while pos > floor {
        pos -= 1;
        match at(text, pos) {
            b'"' => pos = opening_quote(text, pos, floor),
            b'}' | b']' => depth += 1,
            b'{' | b'[' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => first = pos + 1,
            _ => {}
        }
    }
    first
}

/// Whether a text could be a code that somebody types: `482913`, `A7K9Q2`.
fn is_code(text: &[u8]) -> bool {
    (4..=8).contains(&text.len())
        && text.iter().any(u8::is_ascii_digit)
        && text
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// What the members that name a message say in a part of a text.
fn messages(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_of_message = |name: &[u8]| {
        roles::MESSAGES
            .iter()
            .any(|end| name.ends_with(end.as_bytes()))
    };
    memchr::memmem::find_iter(text, b"\":")
        .filter(move |close| is_of_message(part(text, 0, *close)))
        .map(|close| {
            let open = past_blanks(text, close + 2, text.len());
            part(text, open + 1, closing_quote(text, open + 1, text.len()))
        })
}

/// Whether what a member says is what the value beside it is, and not what kind of thing that is.
fn is_label(top: &Frame, content: &[u8]) -> bool {
    names_beside(top.role, content) && (top.role != Role::Path || top.patch)
}

/// Whether a member of this role may say what the value beside it is.
pub(crate) fn names_beside(role: Role, content: &[u8]) -> bool {
    match role {
        Role::Type => roles::is_type_of_secret(content) || is_of_two(content),
        Role::Kind => is_of_two(content),
        Role::Path => at(content, 0) == b'/',
        _ => true,
    }
}

/// Whether a kind of thing is named by two words or more, as secrets are and what parsers read is not: `api_key`.
fn is_of_two(kind: &[u8]) -> bool {
    memchr::memchr3(b'_', b'-', b' ', kind).is_some()
}

/// The name in what a person calls an element of a page: `Password field`.
fn element(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    // `getByLabel('Password')`
    if let Some(call) = text
        .strip_suffix(b"')")
        .or_else(|| text.strip_suffix(b"\")"))
    {
        let open = memchr::memrchr2(b'\'', b'"', call).map_or(0, |n| n + 1);
        return part(call, open, call.len());
    }
    FIELDS
        .iter()
        .find_map(|tail| {
            let (name, end) = text.split_at_checked(text.len().checked_sub(tail.len())?)?;
            bytes::is_same(end, tail.as_bytes()).then_some(name)
        })
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use crate::redact::tests::{leaves, redacts};
    use crate::redact::{Redactor, redact_str};

    #[test]
    fn a_key_goes_by_what_stands_before_it() {
        const KEY: &str = "kT7vq2mZx9Lw4bR8sN5cD1hY3gJ6";
        let id = "612a04c0-4d69-4acc-9862-f4968e1929ce";
        for (text, key) in [
            (r#"{"username":"bob","key":"{}"}"#, KEY),
            (r#"{"ssid":"harbour","key":"lantern"}"#, "lantern"),
            (
                r#"{"url":"https://x.example.com","params":{"q":"a","key":"{}"}}"#,
                KEY,
            ),
            (r#"{"api_key":"","encoded":"{}"}"#, KEY),
            (r#"{"role_id":"x","secret_id":"{}"}"#, id),
            (r#"{"code":"{}","redirect_uri":"x"}"#, KEY),
            (
                &*format!(
                    r#"{{"scope":"{}","grant_type":"b","code":"{{}}"}}"#,
                    "north ".repeat(50)
                ),
                KEY,
            ),
            (
                &*format!(
                    r#"{{"scope":"{}","grant_type":"b","code":"{{}}"}}"#,
                    "north ".repeat(150)
                ),
                KEY,
            ),
            (r#"{"code":"{}","a":[{"b":1}],"grant_type":"b"}"#, KEY),
            (r##"{"selector":"#pwd","text":"{}"}"##, "hunter2xK9"),
            (r#"{"entity_id":"lock.front_door","code":"{}"}"#, "482913"),
            (
                r#"{"resource":"alarm","code":"{}","entity_id":"alarm_control_panel.house"}"#,
                "4829",
            ),
        ] {
            let with = |value: &str| text.replace("{}", value).replace("lantern", value);
            redacts(&[(&with(key), &with("[REDACTED_FIELD]"))]);
        }
        redacts(&[(
            r#"{"system":"phone","value":"0176 55821940"}"#,
            r#"{"system":"phone","value":"[REDACTED_PHONE]"}"#,
        )]);
        for text in [
            r#"{"username":"bob","key":"harbour-lantern"}"#,
            r#"{"user":{"key":"{}"}}"#,
            r#"{"method":"get","params":{"key":"{}"}}"#,
            r#"{"name":"x","encoded":"{}"}"#,
            r#"[{"code":"612a04c0-4d69-4acc-9862-f4968e1929ce"},{"grant_type":"x"}]"#,
            r#"{"errors":[{"code":"612a04c0-4d69-4acc-9862-f4968e1929ce"}],"next":{"redirect_uri":"x"}}"#,
            r#"{"code":"612a04c0-4d69-4acc-9862-f4968e1929ce","request":{"grant_type":"x"}}"#,
            r#"{"secret_id":"612a04c0-4d69-4acc-9862-f4968e1929ce"}"#,
            r##"{"selector":"#pwd","text":"/srv/app2"}"##,
            r#"{"entity_id":"light.hall","code":"482913"}"#,
        ] {
            leaves(&[&text.replace("{}", KEY)]);
        }
    }

    #[test]
    fn members_say_something_of_each_other_however_deep_one_of_them_is() {
        let code = "kT7vq2mZx9Lw4bR8sN5cD1hY3gJ6";
        let number = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
        let arrays = format!("{}1{}", "[".repeat(10), "]".repeat(10));
        let objects = format!("{}1{}", r#"{"y":"#.repeat(10), "}".repeat(10));
        for (text, deep, value) in [
            (r#"{"x":@,"grant_type":"b","code":"!"}"#, &arrays, code),
            (r#"{"code":"!","x":@,"grant_type":"b"}"#, &arrays, code),
            (r#"{"x":@,"grant_type":"b","code":"!"}"#, &objects, code),
            (r#"{"code":"!","x":@,"grant_type":"b"}"#, &objects, code),
            (r#"{"x":@,"d":"!","kty":"EC"}"#, &arrays, number),
        ] {
            let with = |value: &str| text.replace('@', deep).replace('!', value);
            redacts(&[(&with(value), &with("[REDACTED_FIELD]"))]);
        }
    }

    #[test]
    fn a_member_of_another_object_says_nothing_of_a_key_however_long_its_own_is() {
        let with = |members: &str| {
            let scope = "north ".repeat(150);
            format!(r#"{{"scope":"{scope}",{members},"code":"kT7vq2mZx9Lw4bR8sN5cD1hY3gJ6"}}"#)
        };
        leaves(&[&with(r#""a":[{"grant_type":"b"}]"#)]);
        let own = with(r#""grant_type":"b""#);
        redacts(&[(
            &own,
            &own.replace("kT7vq2mZx9Lw4bR8sN5cD1hY3gJ6", "[REDACTED_FIELD]"),
        )]);
    }

    #[test]
    fn a_label_that_comes_again_says_what_the_rules_at_hand_make_of_it() {
        let denies = Redactor::builder().deny_name("paint").build().unwrap();
        let with = |label: &str, value: &str| format!(r#"{{"name":"{label}","value":"{value}"}}"#);
        for _ in 0..2 {
            for (redactor, label, hidden) in [
                (&Redactor::default(), "paint", false),
                (&denies, "paint", true),
                (&Redactor::default(), "password", true),
                (
                    &Redactor::default(),
                    "a label that is not remembered",
                    false,
                ),
            ] {
                let value = if hidden { "[REDACTED_FIELD]" } else { "green" };
                let redacted = redactor.redact_json(&with(label, "green")).into_owned();
                assert_eq!(redacted, with(label, value));
            }
        }
    }

    #[test]
    fn what_is_typed_into_a_field_goes_in_any_language() {
        for field in [
            "getByLabel('Password')",
            "Password field",
            "パスワード入力欄",
            "密码输入框",
            "Passwortfeld",
        ] {
            let with = |text: &str| format!(r#"{{"element":"{field}","text":"{text}"}}"#);
            redacts(&[(&with("hunter2xK9"), &with("[REDACTED_FIELD]"))]);
        }
        leaves(&[r#"{"element":"Search field","text":"hunter2xK9"}"#]);
    }

    #[test]
    fn values_of_keys_and_secrets_go_by_what_stands_around_them() {
        for text in [
            r#"{"id":"https://kv-core.vault.azure.net/secrets/db/da4df062","name":"db","value":"{}"}"#,
            r#"{"data":{"rotateKey":{"key":"FnHP2gXfEZgsMp35q7hs9sUwU2a2JfSR{}","expiresAt":"2027-01-01"}}}"#,
        ] {
            let text = text.replace("{}", "hunter2xK9");
            let redacted = redact_str(&text);
            assert!(!redacted.contains("hunter2xK9"), "{redacted}");
        }
    }

    #[test]
    fn what_a_label_says_is_a_key_goes_if_it_looks_like_one() {
        for label in [
            r#""keyName":"key1""#,
            r#""name":"API token for the edge""#,
            r#""name":"Terraform token (read only)""#,
        ] {
            let with = |value: &str| format!(r#"{{{label},"value":"{value}"}}"#);
            let key = "8M7wS6hCpXVcDoRnPPYUCWPgy8aea4Wy6kCe5T";
            redacts(&[(&with(key), &with("[REDACTED_FIELD]"))]);
            leaves(&[&with("rotated in spring")]);
        }
        redacts(&[(
            r#"{"name":"db_password","data":"swordfish"}"#,
            r#"{"name":"db_password","data":"[REDACTED_FIELD]"}"#,
        )]);
        leaves(&[
            r#"{"name":"Sort key of it","value":"8M7wS6hCpXVcDoRnPPYUCWPgy8aea4Wy6kCe5T"}"#,
            r#"{"key":"key","value":"8M7wS6hCpXVcDoRnPPYUCWPgy8aea4Wy6kCe5T"}"#,
            r#"{"name":"invoice","data":"swordfish"}"#,
            r#"{"name":"token","data":"2026-03-01"}"#,
            r#"{"name":"password","data":"user 12 changed it"}"#,
        ]);
    }

    #[test]
    fn a_code_goes_that_a_template_tells() {
        for text in [
            r#"{"template":"login-code","data":{"code":"{}"}}"#,
            r#"{"data":{"code":"{}"},"templateId":"verify_email"}"#,
            r#"{"subject":"Your OTP","code":"{}"}"#,
            r#"{"templateId":"d-verify","people":[{"to":"x","data":{"code":"{}"}}]}"#,
        ] {
            let with = |code: &str| text.replacen("{}", code, 1);
            for code in ["482913", "A7K9Q2"] {
                redacts(&[(&with(code), &with("[REDACTED_FIELD]"))]);
            }
        }
        leaves(&[
            r#"{"template":"order-shipped","data":{"code":"482913"}}"#,
            r#"{"template":"login-failed","code":"too-many"}"#,
            r#"{"code":"482913"}"#,
            r#"[{"data":{"code":"482913"},"template":"order"},{"template":"login"}]"#,
        ]);
    }

    #[test]
    fn a_code_goes_that_is_exchanged_for_a_token() {
        for text in [
            r#"{"grant_type":"authorization_code","code":"{}"}"#,
            r#"{"client_id":"web","code":"{}","grant_type":"authorization_code"}"#,
            r#"{"redirect_uri":"https://a.example/cb","code":"{}"}"#,
        ] {
            let with = |code: &str| text.replacen("{}", code, 1);
            for code in [
                "SplxlOBeZQQYbYS6WxSbIA",
                "4/0Ao9kcVxXMETZlJeO_04op1ycrdpIovo5dd3MuISrfS6B9",
            ] {
                redacts(&[(&with(code), &with("[REDACTED_FIELD]"))]);
            }
        }
        leaves(&[
            r#"{"code":"SplxlOBeZQQYbYS6WxSbIA"}"#,
            r#"{"grant_type":"password","code":"invalid_request"}"#,
        ]);
    }

    #[test]
    fn moments_and_ids_in_the_record_of_a_secret_stay() {
        leaves(&[
            r#"{"Credentials":{"Expiration":"2026-03-01T13:00:00+00:00"}}"#,
            r#"{"passwordCredentials":[{"displayName":"ci","keyId":"5c8ca066-bc9d-40c9-b220-557504b7d083"}]}"#,
            r#"{"sid":"SM0656301a358e2ab3b2df941c09cafc39"}"#,
        ]);
    }
}
