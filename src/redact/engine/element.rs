//! Elements of an array: the name of the one behind it, a cell of a sensitive column, a line of a key, a cookie.

use crate::redact::catalogue::{labels, roles, tools, words};
use crate::redact::class::Class;
use crate::redact::engine::edit::{Edit, push};
use crate::redact::engine::frame::Shape;
use crate::redact::engine::inside::Findings;
use crate::redact::engine::walk::{Walk, closing_quote, past_blanks};
use crate::redact::find::{assign, command, phone};
use crate::redact::judge::{placeholder, value};
use crate::redact::kind::{Kind, Role};
use crate::redact::read::bytes::{self, at, part, run_end};
use crate::redact::read::command::{Command, MAX_COMMAND};
use crate::redact::read::scope::Scope;

/// A longer name is none of a list.
const MAX_PLURAL: usize = 64;

/// A longer first element of an array names no tool.
const MAX_TOOL: usize = 64;

/// Columns further to the right are not remembered.
const MAX_COLUMNS: u32 = 64;

impl Findings<'_> {
    /// An element of an array: a name, the value of the one before it, or a cell of a sensitive column.
    #[inline]
    pub(crate) fn element(
        &mut self,
        walk: &mut Walk<'_>,
        (from, to): (usize, usize),
        shape: Shape,
    ) {
        let index = walk.top.items;
        walk.top.items += 1;
        let is_string = shape == Shape::String;
        if is_string && self.is_column(walk, index, (from, to)) {
            return;
        }
        let previous = std::mem::take(&mut walk.top.label);
        let user = std::mem::take(&mut walk.top.user_next);
        if index < MAX_COLUMNS && self.columns(walk) >> index & 1 == 1 {
            if !words::is_outcome(part(walk.text, from, to)) {
                self.hide(walk, from, to, shape);
            }
            return;
        }
        if is_string && self.is_phone(walk, index, (from, to)) {
            let edit = Edit::mark(from, to, Class::Phone.tag());
            push(self.edits, walk.floor, edit);
            return;
        }
        if !is_string
            || self.key_line(walk, (from, to))
            || user && self.behind_user(walk, (from, to))
            || index > 0 && self.attached(walk, (from, to))
        {
            return;
        }
        let content = part(walk.text, from, to);
        walk.top.user_next = roles::leads_to_user(content);
        self.label_next(walk, index, (from, to));
        if previous.hides()
            && !content.is_empty()
            && !content.starts_with(b"-")
            && !placeholder::is_placeholder(content)
        {
            let edit = Edit::mark(from, to, Class::Field.tag());
            push(self.edits, walk.floor, edit);
        }
    }

    /// Whether an element is the name of a column, and no more; remembers a sensitive one for the rows that follow.
    fn is_column(&mut self, walk: &Walk<'_>, index: u32, (from, to): (usize, usize)) -> bool {
        let Some(parent) = self.outer(walk, 1) else {
            return false;
        };
        let is_sensitive = if parent.array {
            if parent.items > 0 {
                return false;
            }
            if self.names_phones(walk, index, (from, to)) {
                if let Some(parent) = self.frames.last_mut() {
                    parent.phones |= 1 << index;
                }
                return true;
            }
            if !self.heads(walk, index, (from, to)) {
                return false;
            }
            true
        } else if parent.role == Role::Columns {
            index < MAX_COLUMNS && self.rules.judge(part(walk.text, from, to)).hides()
        } else {
            return false;
        };
        if is_sensitive && let Some(parent) = self.frames.last_mut() {
            parent.columns |= 1 << index;
        }
        true
    }

    /// Whether a cell of the first row names a column of phone numbers.
    fn names_phones(&self, walk: &Walk<'_>, index: u32, (from, to): (usize, usize)) -> bool {
        index < MAX_COLUMNS
            && to - from <= 24
            && self.rules.judge(part(walk.text, from, to)) == Kind::Phone
    }

    /// Whether a cell of a column of phone numbers is one.
    #[inline]
    fn is_phone(&self, walk: &Walk<'_>, index: u32, (from, to): (usize, usize)) -> bool {
        let phones = self.outer(walk, 1).map_or(0, |rows| rows.phones);
        if phones == 0 || index >= MAX_COLUMNS || phones >> index & 1 == 0 {
            return false;
        }
        let cell = Scope {
            text: walk.text,
            from,
            to,
            origin: from,
        };
        self.rules.is_on(Class::Phone) && phone::named_phone(&cell).is_some()
    }

    /// Which columns of the row are sensitive: by the first row, or by the names of columns beside the rows.
    fn columns(&self, walk: &Walk<'_>) -> u64 {
        match self.outer(walk, 1) {
            Some(rows) if rows.array => {
                let owner = self.outer(walk, 2).filter(|owner| !owner.array);
                rows.columns | owner.map_or(0, |owner| owner.columns)
            }
            _ => 0,
        }
    }

    /// Hides a line of a private key, which the lines of its armour stand around.
    fn key_line(&mut self, walk: &mut Walk<'_>, (from, to): (usize, usize)) -> bool {
        let content = part(walk.text, from, to);
        if content.starts_with(roles::ARMOUR) {
            walk.top.armour = roles::opens_key(content);
            return false;
        }
        let line = |b: &u8| bytes::is_token(*b) || matches!(b, b'+' | b'/' | b'=');
        walk.top.armour =
            walk.top.armour && (content.iter().all(line) || placeholder::is_mark(content));
        if walk.top.armour {
            self.hide(walk, from, to, Shape::String);
        }
        walk.top.armour
    }

    /// Hides the password of `-u user:password`.
    fn behind_user(&mut self, walk: &Walk<'_>, (from, to): (usize, usize)) -> bool {
        let content = part(walk.text, from, to);
        let is_port = || content.iter().all(|b| b.is_ascii_digit() || *b == b':');
        let Some(colon) = memchr::memchr(b':', content).filter(|_| !is_port()) else {
            return false;
        };
        let password = part(content, colon + 1, content.len());
        let hides = !password.is_empty()
            && !placeholder::is_mark(password)
            && !placeholder::is_placeholder(password);
        if hides {
            let edit = Edit::mark(from + colon + 1, to, Class::Field.tag());
            push(self.edits, walk.floor, edit);
        }
        hides
    }

    /// Hides the password of `["mysql", "-pS3cret"]`.
    fn attached(&mut self, walk: &Walk<'_>, (from, to): (usize, usize)) -> bool {
        let content = part(walk.text, from, to);
        let is_option = matches!(content, [b'-', letter, ..] if letter.is_ascii_alphabetic());
        if !is_option || tools::attached(content).next().is_none() {
            return false;
        }
        let element = Scope {
            text: walk.text,
            from,
            to,
            origin: from,
        };
        let secret = command::attached_in(&command_before(walk, from), &element);
        if let Some(secret) = &secret {
            let edit = Edit::mark(secret.start, secret.end, Class::Field.tag());
            push(self.edits, walk.floor, edit);
        }
        secret.is_some()
    }

    /// What an element says of the next one: the first of a pair, a flag, a name that takes turns with values.
    fn label_next(&self, walk: &mut Walk<'_>, index: u32, (from, to): (usize, usize)) {
        let content = part(walk.text, from, to);
        let is_first = || index == 0 && self.outer(walk, 1).is_some_and(|parent| parent.array);
        if is_flag(content) || walk.top.turns && index & 1 == 0 || is_first() {
            walk.top.label = self.rules.judge(content);
        }
        // `["redis-cli", "-a", "…"]`
        if index > 0
            && matches!(content, [b'-', option] if option.is_ascii_alphabetic())
            && command::takes_secret(&command_before(walk, from), content, next_string(walk, to))
        {
            walk.top.label = Kind::Secret;
        }
    }

    /// Whether the cell of a row at `from..to` names a sensitive column, whose cells stand in the rows below.
    fn heads(&self, walk: &Walk<'_>, index: u32, (from, to): (usize, usize)) -> bool {
        let first = self.outer(walk, 1).is_some_and(|rows| rows.items == 0);
        if !first || !(1..MAX_COLUMNS).contains(&index) || to - from > 24 {
            return false;
        }
        let content = part(walk.text, from, to);
        if content.first().is_none_or(|b| !b.is_ascii_alphabetic())
            || !self.rules.judge(content).hides()
        {
            return false;
        }
        // Of two columns the first has to say that it is one: `["grant_type", "password"]` is a name and its value.
        let Some(leading) = walk.first(from, 32) else {
            return false;
        };
        let next = past_blanks(walk.text, to + 1, walk.to.min(to + 16));
        let of_two = index == 1 && at(walk.text, next) != b',';
        !self.rules.judge(leading).hides() && (!of_two || labels::is_owner(leading))
    }

    /// Whether an array under this name holds secrets, if they look like some.
    pub(crate) fn names_list(&self, name: &[u8]) -> bool {
        let one = name.strip_suffix(b"s").filter(|_| name.len() <= MAX_PLURAL);
        one.is_some_and(|one| self.rules.judge(one).hides())
    }

    /// An element of such an array, or of one whose name says by itself that it holds secrets: it goes if it looks
    /// chosen; in `tokens`, which may be those of a language model, if it was made at random.
    pub(crate) fn item(&mut self, walk: &Walk<'_>, (from, to): (usize, usize)) -> bool {
        let owner = self
            .outer(walk, 1)
            .map_or(&b""[..], |outer| outer.name.of(walk.text));
        let item = part(walk.text, from, to);
        let is_secret = if self.rules.judge(owner).hides() {
            assign::is_secret_item(item, owner)
        } else {
            assign::is_item(item, !roles::is_tokens(owner))
        };
        let hides = is_secret && !placeholder::has_mark(item) && !placeholder::is_placeholder(item);
        if hides {
            let edit = Edit::mark(from, to, Class::Field.tag());
            push(self.edits, walk.floor, edit);
        }
        hides
    }

    /// `DB_PASSWORD=two words`: the value goes to the end of its string.
    pub(crate) fn variable(&mut self, walk: &Walk<'_>, (from, to): (usize, usize)) -> bool {
        let name = run_end(walk.text, from, to, bytes::is_token);
        let (name_text, value) = (part(walk.text, from, name), part(walk.text, name + 1, to));
        if at(walk.text, name) != b'=' || !self.rules.judge(name_text).hides() {
            return false;
        }
        // The name alone is left of one that was hidden before, also within the record of a secret.
        if placeholder::is_mark(value) {
            return true;
        }
        let hides = !value.is_empty()
            && !placeholder::has_mark(value)
            && !value::is_token_of_other_kind(value, name_text)
            && !placeholder::is_placeholder(value);
        if hides {
            let edit = Edit::mark(name + 1, to, Class::Field.tag());
            push(self.edits, walk.floor, edit);
        }
        hides
    }

    /// `name=value; Path=/`: the value of a cookie goes, if this is one.
    pub(crate) fn set_cookie(&mut self, walk: &Walk<'_>, (from, to): (usize, usize)) -> bool {
        let text = walk.text;
        let name = run_end(text, from, to, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'%')
        });
        if name == from || at(text, name) != b'=' {
            return false;
        }
        let end = run_end(text, name + 1, to, |b| b != b';');
        self.hide(walk, name + 1, end, Shape::String);
        true
    }
}

/// The command that the elements of an array before `to` make. Its name is the first of all, however many follow.
fn command_before<'a>(walk: &Walk<'a>, to: usize) -> Command<'a> {
    let (begin, near) = (walk.top.start + 1, to.saturating_sub(MAX_COMMAND));
    let first = (begin < near).then(|| walk.first(to, MAX_TOOL)).flatten();
    Command::of_elements(first, part(walk.text, begin.max(near), to))
}

/// The string behind the one that ends at `to` in an array, as far as it is near.
fn next_string<'a>(walk: &Walk<'a>, to: usize) -> &'a [u8] {
    let limit = walk.to.min(to + MAX_COMMAND);
    let comma = past_blanks(walk.text, to + 1, limit);
    let open = past_blanks(walk.text, comma + 1, limit);
    let close = closing_quote(walk.text, open + 1, limit);
    match (at(walk.text, comma), at(walk.text, open)) {
        (b',', b'"') => part(walk.text, open + 1, close),
        _ => &[],
    }
}

/// Whether an argument is the name of an option, whose value comes next.
fn is_flag(argument: &[u8]) -> bool {
    argument.starts_with(b"-")
        && argument.len() < 64
        && argument.iter().all(|b| bytes::is_token(*b))
}

#[cfg(test)]
mod tests {
    use crate::redact::tests::{leaves, redacts};

    #[test]
    fn the_first_of_two_columns_says_whose_the_passwords_are() {
        let with = |first: &str, cell: &str| format!(r#"[["{first}","Passwort"],["db","{cell}"]]"#);
        redacts(&[(
            &with("Portal", "harbour"),
            &with("Portal", "[REDACTED_FIELD]"),
        )]);
        leaves(&[&with("grant_type", "harbour")]);
    }

    #[test]
    fn a_variable_of_an_environment_keeps_its_name_in_each_pass() {
        redacts(&[
            (
                r#"{"Env":["DB_PASSWORD=two words"]}"#,
                r#"{"Env":["DB_PASSWORD=[REDACTED_FIELD]"]}"#,
            ),
            (
                r#"[{"Conf密码ig":{"Env":["DB_PASSWORD=h7Kx92mQpL4vT8wZ3nBc"]}}]"#,
                r#"[{"Conf密码ig":{"Env":["DB_PASSWORD=[REDACTED_FIELD]"]}}]"#,
            ),
        ]);
    }

    #[test]
    fn cells_go_by_the_names_of_their_columns() {
        redacts(&[
            (
                r#"[["Name","Password","Mobile"],["ann","swordfish","07700 914 286"]]"#,
                r#"[["Name","Password","Mobile"],["ann","[REDACTED_FIELD]","[REDACTED_PHONE]"]]"#,
            ),
            (
                r#"{"columns":["id","password"],"rows":[[1,"swordfish"],[2,"locked"]]}"#,
                r#"{"columns":["id","password"],"rows":[[1,"[REDACTED_FIELD]"],[2,"locked"]]}"#,
            ),
        ]);
        leaves(&[
            r#"[["Name","Score","Place"],["ann","07700 914 286x","2"]]"#,
            r#"[["grant_type","password"],["scope","all"]]"#,
        ]);
    }

    #[test]
    fn items_of_a_list_of_secrets_go_one_by_one() {
        redacts(&[
            (
                r#"{"passwords":["hunter2!x","swordfish","482910"],"credentials":["aws","bob:swordfish"]}"#,
                r#"{"passwords":["[REDACTED_FIELD]","swordfish","[REDACTED_FIELD]"],"credentials":["aws","[REDACTED_FIELD]"]}"#,
            ),
            (
                r#"{"passwords":[48291037],"cookies":["sid=abc"],"secrets":[["a"]]}"#,
                r#"{"passwords":"[REDACTED_FIELD]","cookies":"[REDACTED_FIELD]","secrets":"[REDACTED_FIELD]"}"#,
            ),
        ]);
        leaves(&[
            r#"{"secrets":["db-main","app","db-secret-1","2024","kv:app"]}"#,
            r#"{"passwords":["none","app"]}"#,
        ]);
    }

    #[test]
    fn an_argument_goes_that_the_command_in_an_array_takes_as_a_secret() {
        let hidden = |text: &str| text.replace("{}", "[REDACTED_FIELD]");
        for text in [
            r#"["redis-cli","-a","{}","INFO"]"#,
            r#"["az","login","-u","bob","-p","{}"]"#,
            r#"["sudo","mosquitto_pub","-h","broker7","-P","{}"]"#,
            r#"["mysql","-u","root","-p{}","shop"]"#,
            r#"["7z", "x", "archive7.7z", "-p{}"]"#,
        ] {
            redacts(&[(&text.replace("{}", "harbour7Lantern"), &hidden(text))]);
        }
        leaves(&[
            r#"["docker","run","-p","8080:80","app7"]"#,
            r#"["mkdir","-p","harbour7/lantern"]"#,
            r#"["nmap","-p1-1024","host7"]"#,
            r#"["python","-mhttp.server7"]"#,
            r#"["-pharbour7Lantern","mysql"]"#,
            r#"["login page","form-p","-p7x"]"#,
        ]);
    }

    #[test]
    fn a_command_in_an_array_begins_with_the_first_element_of_all() {
        let hosts = "redis-master-0.redis-headless.production.svc.cluster.example.com";
        let text = |value: &str| {
            let files = "\"/var/run/secrets/redis/tls/client.crt\",\"--key\",".repeat(4);
            format!(r#"["redis-cli","-h","{hosts}",{files}"-a","{value}","PING"]"#)
        };
        redacts(&[(&text("harbour7Lantern"), &text("[REDACTED_FIELD]"))]);
    }

    #[test]
    fn an_array_is_a_command_where_the_tool_is_the_command_itself() {
        let hidden = |text: &str| text.replace("{}", "[REDACTED_FIELD]");
        for text in [
            r#"["docker","exec","-i","db","mysql","-uroot","-p{}"]"#,
            r#"["sudo","-E","/usr/bin/mysql","-p{}"]"#,
            r#"["sshpass","-p{}","ssh","host7"]"#,
            r#"["couchbase-cli","server-list","-p","{}"]"#,
        ] {
            redacts(&[(&text.replace("{}", "harbour7Lantern"), &hidden(text))]);
        }
        leaves(&[
            r#"["docker","run","--name","mysql","-p3306:3306","mysql:8"]"#,
            r#"["docker","run","--name","mysql","-p127.0.0.1:3306:3306","mysql:8"]"#,
            r#"["docker","exec","mysql","nmap","-p3306","db"]"#,
            r#"["cargo","test","login","-p","auth-server2"]"#,
            r#"["docker","run","--network","mysql","-p8080:80","nginx"]"#,
            r#"["docker","run","--network","mysql","-pharbour7Lantern","nginx"]"#,
            r#"["sshpass","-e","ssh","-p2222","host7"]"#,
            r#"["find",".","-name","mysql","-print"]"#,
            r#"["find","/opt/mysql","-print"]"#,
            r#"["find","/opt/mysql","-print0"]"#,
            r#"["gcc","-o","mysql","-pthread"]"#,
            r#"{"tags":["mysql","-postgres"]}"#,
            r#"{"exclude":["mysql","-plugins"]}"#,
            r#"["brew","install","redis-cli","-a","all12"]"#,
            r#"["mysqldump","db","-port3306"]"#,
            r#"["python","-m","login","-p","profile-7"]"#,
            r#"["kadmin","-w","60"]"#,
            r#"["cbq","-p","8091"]"#,
        ]);
    }

    #[test]
    fn the_password_behind_a_user_option_goes() {
        redacts(&[(
            r#"["curl","-u","bob:swordfish"]"#,
            r#"["curl","-u","bob:[REDACTED_FIELD]"]"#,
        )]);
        leaves(&[r#"["docker","-u","1000:1000"]"#]);
    }
}
