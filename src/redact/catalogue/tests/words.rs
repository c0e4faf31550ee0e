//! Each word of the small lists makes a difference: a text with it goes or stays, and with a made-up word in its place
//! the text does not.
//!
//! The words are read from the sources, so that none is without a text.

use std::collections::{BTreeMap, BTreeSet};

use Then::{Goes, Stays};

use crate::redact::{Class, Redactor};

const SOURCES: &[(&str, &str)] = &[
    ("calls", include_str!("../calls.rs")),
    ("code", include_str!("../code.rs")),
    ("formats", include_str!("../formats.rs")),
    ("headers", include_str!("../headers.rs")),
    ("labels", include_str!("../labels.rs")),
    ("numbers", include_str!("../numbers.rs")),
    ("roles", include_str!("../roles.rs")),
    ("speech", include_str!("../speech.rs")),
    ("words", include_str!("../words.rs")),
];

/// What a text of a list does with the value between `‹` and `›` if a word of the list stands at `{}`. With another
/// word there it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Goes,
    Stays,
}

#[rustfmt::skip] // A text is one line.
const TEXTS: &[(&str, Then, &str)] = &[
    ("calls READERS", Stays, r#"x.{}Password("‹prod2›")"#),
    ("calls SETTERS", Goes, r#"builder.{}_password("‹tangerine›")"#),
    ("calls DEFAULTS", Goes, r#"env::var("DB_PASSWORD").{}("‹hunter2xK9›".into())"#),
    ("calls GETTERS", Goes, r#"assertEquals("‹hunter2xK9›", user.{}pass());"#),
    ("calls ASSERTIONS", Goes, r#"{}Equals("‹hunter2xK9›", config.getPassword());"#),
    ("calls is_definition", Goes, r#"{}(password, "‹hunter2xK9›")"#),
    ("calls TYPERS", Goes, "await page.getByLabel('Password').{}('‹hunter2xK9›')"),
    ("calls CONSTRUCTORS", Goes, "PDO{}(dsn, bob, \"‹tangerine›\")"),
    ("calls WRAPPERS", Goes, r#"password = new {}("‹hunter2xK9›");"#),
    ("code ALGORITHMS", Stays, "password_encryption = ‹{}-sha-256›"),
    ("code is_algorithm_with", Stays, "password_encryption = ‹argon{}-sha-256›"),
    ("code is_algorithm_with", Stays, "password hash: ‹{}2id›"),
    ("code STANDARDS_BODIES", Stays, "password_encryption = ‹{}8446›"),
    ("code ROOTS", Stays, "password: ‹{}.name9›}"),
    ("code SURE_ROOTS", Stays, "password=‹{}.name9› port=22"),
    ("code TYPE_ENDS", Stays, "password: ‹Harbour{}›"),
    ("code SIZED_TYPES", Stays, "password: ‹{}64›"),
    ("code TYPES", Stays, r#""password": "‹{}(255) NOT NULL›""#),
    ("code KEYWORDS", Stays, "password:‹{}›"),
    ("code TAGS", Stays, r#""password": "‹//{}[2]/form/input[3]›""#),
    ("code ATTRIBUTES", Stays, r#""password": "‹h2{}=pw7]›""#),
    ("formats CUTS", Goes, "it is ‹ghp_x9Kq2mW›{} here"),
    ("formats JWT_HEADS", Goes, "it is ‹{}OiJIUzI1NiIsInR5cCI6Ik›"),
    ("formats TUNNEL", Goes, "it is ‹{}NGY5MGI3YzE2ZDI4ZTUzMGE3YjkxYzJkNGU2ZjgwOTEiLCJ0IjoiYzFkMmUzZjQtYTViNi00Nzg4LTk5MDAtYWFiYmNjZGRlZWZmIiwicyI6Ik1ESXlORFkyT0RnPSJ9›"),
    ("formats CRYPT", Goes, "‹${}$10$abcdefghijklmnopqrstuv›"),
    ("formats FILES", Stays, "‹icon@2x›.{}"),
    ("formats MEASURES", Stays, "‹job@host.domain›.{}"),
    ("formats CONNECTION", Goes, "{}=acme;Password=‹two words›;"),
    ("formats begins_http", Stays, "password: ‹{}x.io/?a=7&b=8›"),
    ("formats is_network", Goes, "bob:‹hunter2›@{}db:3306)/shop"),
    ("formats ORACLE", Goes, "{}bob/‹hunter2xK9›@//db:1521/X"),
    ("formats EXAMPLES", Stays, "https://user:‹pass›@{}"),
    ("formats is_identified_by", Goes, r#"CREATE USER ada {} BY "‹hunter2›""#),
    ("formats is_identified_by", Goes, r#"CREATE USER ada IDENTIFIED {} "‹hunter2›""#),
    ("formats is_identified_with", Goes, r#"CREATE USER ada {}sha2 BY "‹two words›""#),
    ("formats is_password_for", Goes, "SET {}'ada'@'%' = '‹hunter2›'"),
    ("formats is_address", Stays, "password ‹{}7x9kQ2m›"),
    ("formats ARN", Stays, "password: ‹{}aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbC1›"),
    ("formats SEGWIT", Goes, "pay ‹{}qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4›"),
    ("formats SHELL", Stays, "{}://‹kT7vq2mZx9Lw4bR8sN5c›@host.example.com"),
    ("formats PROGRAM", Goes, "C:\tools\\mysql{} -p‹hunter2xK9› shop"),
    ("formats is_flag_of_jar", Goes, "example.com\t{}\t/\t{}\t1893456000\tsid\t‹x7k2m9pQ4L›"),
    ("formats AMPERSAND", Stays, "a=1&password=hunter2xK9‹{}›b=2"),
    ("formats ARMOUR", Stays, r#"{"private_key":"‹{}CERTIFICATE-----\\nMIIDxTCCAq2gAwIBAgIQ›"}"#),
    ("formats BYTES", Stays, "password:  ‹16{}›\nusername:  3 bytes"),
    ("formats ENTITIES", Goes, "password&{} ‹hunter2xK9›"),
    ("formats ENTITIES", Goes, "password=&{}quot;‹two words 9›&{}quot;"),
    ("formats ENTITIES", Goes, "&{}password&gt;‹tangerine›&lt;/password&gt;"),
    ("formats ENTITIES", Goes, "&lt;password&{}‹tangerine›&lt;/password&gt;"),
    ("formats VALUE", Goes, "jeton {\n  {} = \"‹QWZ3RT9KL7MQWZ3RT9KL7M2345›\"\n}"),
    ("formats MEMBER_VALUE", Goes, "document.querySelector('#password'){} = '‹hunter2xK9›'"),
    ("formats VALUE_OF_TAG", Goes, r#"<input{}"‹tangerine›" name="password">"#),
    ("formats COOKIE", Goes, "{}: sid=3f9a0c71; theme=‹dark7›"),
    ("formats MEMBER_COOKIE", Goes, r#"document{} = "sid=‹0e1af643-8f2b-4713-a671-36a5caac1fc2›; path=/app7""#),
    ("formats PUBLIC_KEYS", Stays, "api_key: ops:‹{}› AAAAC3NzaC1lZDI1NTE5AAAAI2iQebFKTVN8WR9h"),
    ("formats names_secret_of_vault", Goes, r#"{"id":"https://kv-core{}db/da4df062","name":"db","value":"‹hunter2xK9›"}"#),
    ("formats names_secret_of_vault", Goes, r#"{"id":"{}kv-core.vault.azure.net/secrets/db/da4df062","name":"db","value":"‹hunter2xK9›"}"#),
    ("formats CODE", Goes, "https://example.com/callback?{}=‹kT7vq2mZx9Lw4bR8sN5c›"),
    ("formats STATE", Goes, "code=‹kT7vq2mZx9Lw4bR8sN5c›{}x7"),
    ("formats is_advisory", Stays, "password ‹{}2024-30078›"),
    ("formats BRACKETS", Goes, "my $password = {}‹hunter2xK9›}"),
    ("formats BRACKETS", Goes, "my $password = {}‹hunter2xK9›)"),
    ("formats BRACKETS", Goes, "my $password = q{‹hunter2xK9›{};"),
    ("formats BRACKETS", Goes, "my $password = q(‹hunter2xK9›{};"),
    ("formats BRACKETS", Goes, "local password = {}‹hunter 2xK9›]]"),
    ("formats BRACKETS", Goes, "local password = [[‹hunter 2xK9›{}"),
    ("formats LEADS", Goes, r#"Password = {}‹hunter two›">>,"#),
    ("formats LEADS", Goes, r#"password = {}SecureString("‹hunter2xK9›");"#),
    ("formats TAGS", Goes, "password: {}‹hunter2xK9›"),
    ("formats DUMPED", Goes, "[\"password\"]=>\n  {}10) \"‹hunter2xK9›\""),
    ("formats CLOSURES", Goes, r#"env::var("DB_PASSWORD").unwrap_or_else({}"‹hunter2xK9›".into())"#),
    ("formats DEFINE", Goes, r#"{}SECRET "‹tangerine›""#),
    ("formats INTO", Goes, "INSERT {} users (name, password) VALUES ('bob', '‹hunter2xK9›')"),
    ("formats BEGIN", Goes, "-----{}PRIVATE KEY-----\n‹abcdefgh›"),
    ("formats END", Goes, "‹MIIEvQIBADANBgkqhkiG9w0BMIIEvQIBADANBgkqhkiG9w0BMIIEvQIBADANBgkq›\n-----{} PRIVATE KEY-----"),
    ("formats is_secret_armour", Goes, "-----BEGIN {}-----\n‹MIIEvQIBADANBgkqhkiG9w0B›"),
    ("formats PUBLIC_ARMOURS", Stays, "private_key: \"‹-----BEGIN {}----\\\nMIIDxTCCAq2gAwIBAgIQ›\""),
    ("formats PUTTY", Stays, "Encryption: none\nPrivate-Lines: 1\nzK3Rt9Qw7Lm2Vb8Ns4Hd6Gf1Jc5Pa0zK3Rt9Qw7Lm2Vb8Ns4Hd6Gf1Jc5Pa0AA\n{}MAC: ‹harbour›"),
    ("formats PUTTY", Goes, "Encryption: none\n{}: 1\n‹zK3Rt9Qw7Lm2Vb8Ns4Hd6Gf1Jc5Pa0zK3Rt9Qw7Lm2Vb8Ns4Hd6Gf1Jc5Pa0AA›\nPrivate-MAC: 3f9a0c7158b24d6e3f9a0c7158b24d6e3f9a0c71"),
    ("formats TERRAFORM", Goes, "{}db_password\" {\n  type = string\n  default = \"‹hunter2xK9›\"\n}\n"),
    ("formats TERRAFORM", Goes, "variable \"db_password\" {\n  type = string\n  {} = \"‹hunter2xK9›\"\n}\n"),
    ("formats KUBERNETES", Goes, "apiVersion: v1\n{}\nmetadata:\n  name: db\ndata:\n  conn: ‹c2VjcmV0dmFsdWU=›\ntype: Opaque\n"),
    ("formats is_data", Goes, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n{}:\n  conn: ‹c2VjcmV0dmFsdWU=›\ntype: Opaque\n"),
    ("formats CDATA", Stays, "<password><![CDATA[hunter2xK9{}</password> ‹harbour›"),
    ("formats CDATA", Goes, "<password>{}‹hunter<2>x›]]></password><user>bob</user>"),
    ("formats REPOSITORY_USER", Stays, "‹{}@github.com›:org/repo.git"),
    ("formats PUNYCODE", Goes, "‹ada@example.{}p1ai›"),
    ("formats INTERFACE", Goes, "https{}example.com/v2/items?k=‹eblZeGwDbfDYrtnkA65DXwNni1c5Gmrv›"),
    ("formats SHORT_KEYS", Goes, "https://api.example.com/v2/items?a=1{}‹eblZeGwDbfDYrtnkA65DXwNni1c5Gmrv›"),
    ("formats EXPORTS", Goes, "{} PASSWORD: ‹swordfish›"),
    ("formats WHERE", Goes, "UPDATE settings SET value = '‹hunter2xK9›{}name = 'smtp_password'"),
    ("formats NETWORK", Goes, "{}T:WPA;S:Home;P:‹hunter2›;;"),
    ("formats LOCALHOST", Stays, "mysql://‹{}:port›"),
    ("formats NEXT_KEY", Goes, "FlyV1 fm2_kT7vq2mZx9Lw4bR8sN5cD1hY3gJ6{}2_‹kT7vq2mZx9Lw4bR8sN5cD1hY3gJ6›"),
    ("formats PUBLISHED", Stays, "it is ‹{}key_kT7vq2mZx9Lw4bR8sN5cD1hY›"),
    ("formats is_fingerprint", Stays, "host key: ‹{}1iJsvXAh4qJBLFEgocuw+0AoazX4aNB/Owj3HI3r1ix› (ED25519)"),
    ("formats names_algorithms", Stays, "‹umac-64@{}›"),
    ("headers SCHEMES", Goes, "{} ‹zebra9crossing.›"),
    ("headers is_also_hash", Stays, "{} ‹3f9a0c7158b24d6e3f9a0c7158b24d6e›"),
    ("headers is_authorization", Stays, r#"{"{}":"‹Bearer› tangerine7xK9"}"#),
    ("headers ATTRIBUTES", Stays, "cookie: SameSite=Strict; Path=/; {}=‹3600›"),
    ("headers is_response", Goes, r#"Authorization: Digest username="bob", nonce="a1b2c3d4", uri="/", {}="‹e5f6a7b8›""#),
    ("headers CHALLENGES", Goes, r#"{}username="bob", nonce="a1b2c3d4", response="‹e5f6a7b8›""#),
    ("headers CHALLENGES", Goes, r#"Digest username="bob", {}"a1b2c3d4", response="‹e5f6a7b8›""#),
    ("headers is_key", Goes, "https://example.com/data?q=x&{}=‹3f9a0c7158b24d6e3f9a0c7158b24d6e›"),
    ("headers is_signature", Goes, "https://example.com/data?q=x&{}=‹kT7vq2mZx9Lw4bR8sN5c›"),
    ("labels LABELS", Goes, "- {}: ID_TOKEN\n  value: \"‹3f9a0c7158b24d6e3f9a0c7158b24d6e›\""),
    ("labels holds_text", Goes, "- text: API key\n- {}: ‹kT7vq2mZx9Lw4bR8sN5c›"),
    ("labels heads", Stays, "- text: API key\n- {} \"North\"\n- text: ‹kT7vq2mZx9Lw4bR8sN5c›"),
    ("labels refers", Stays, "- name: DB_PASSWORD {}: ‹secretKeyRef›: name: db"),
    ("labels FIELDS", Goes, r#"{"element":"PIN{}","text":"‹4829›"}"#),
    ("labels heads_keys_and_values", Goes, "Key               {}\n---               -----\npassword          ‹tangerine7›"),
    ("labels heads_keys_and_values", Goes, "{}                Value\n---                -----\ntoken              ‹hvs7x9Kq2mW9vB4nLpT›"),
    ("labels READ", Goes, "<dt>API key</dt><{}>‹hunter2xK9›</{}>"),
    ("labels CELLS", Stays, "<table><tr><th>Host</th><th>Kennwort</th><th>A</th></tr><tr><td>a</td></tr>{}><td>‹hunter2xK9›</td></tr></table>"),
    ("labels CELLS", Goes, "<table><tr>{}>Kennwort</th></tr><tr><td>‹hunter2xK9›</td></tr></table>"),
    ("labels names_next", Goes, "<{}>ApiToken</{}><string>‹tangerine›</string>"),
    ("labels NEXT", Goes, "<key>ApiToken</key>{}>‹tangerine›</string>"),
    ("labels OWNERS", Goes, r#"[["{}","password"],["acme","‹tangerine›"]]"#),
    ("labels is_about_words", Stays, "{} | password | count\n-----+----------+------\nlogin | ‹strength› | 14\nreset | history | 9"),
    ("labels EMPTY", Stays, "a.tpl:8:<{} type=\"password\">\nb.php:33:$x['a'] = '‹Forgot it?›'"),
    ("numbers NAME_OF_IBANS", Goes, "{} ‹DE89 3704 0044 0532 0130 01›"),
    ("numbers NINO_NOT_GIVEN", Stays, "‹{}123456A›"),
    ("numbers CALLS", Goes, "{} ‹020 7946 0958›"),
    ("numbers BETWEEN", Goes, "telefono {} ‹02 1234567›"),
    ("numbers CARDS", Goes, "{} ‹41 11 11 11 11 11 11 11›"),
    ("numbers PERSONS", Goes, "{} ‹111222333› of May"),
    ("numbers PERSONS", Goes, "{} ‹900101-1234568› of May"),
    ("numbers PERSONS", Goes, "{} ‹811228-9874› of May"),
    ("numbers PERSONS", Goes, "{} ‹44051401359› of May"),
    ("numbers PERSONS", Goes, "{} ‹86095742719› of May"),
    ("numbers PERSONS", Goes, "{} ‹529.982.247-25› of May"),
    ("numbers PERSONS", Goes, "{} ‹123 456 782› of May"),
    ("numbers PERSONS", Goes, "{} ‹2345 6789 0124› of May"),
    ("numbers introduces", Goes, "social {}: ‹123456789›"),
    ("roles role", Goes, r#"{"kind":"Secret","{}":{"a":"‹harbour›"}}"#),
    ("roles REFERENCES", Stays, r#"{"password":{{}:"‹harbour›"}}"#),
    ("roles MESSAGES", Goes, r#"{"t{}":"verify_email","data":{"code":"‹482913›"}}"#),
    ("roles TELLING", Goes, r#"{"template":"{}_x","data":{"code":"‹482913›"}}"#),
    ("roles TOKEN_BEGINNINGS", Stays, r#"{"token":{{}:"x","value":"‹harbour›","loc":3}}"#),
    ("roles PLACES", Stays, r#"{"token":{"kind":"x","value":"‹harbour›",{}:3}}"#),
    ("roles DESCRIPTIONS", Stays, r#"{"properties":{"password":{{}:"‹string›"}}}"#),
    ("roles is_word", Stays, "password: ‹{}›"),
    ("roles is_environment", Goes, r#"{"{}":["DB_PASSWORD=‹two words›"]}"#),
    ("roles leads_to_user", Goes, r#"["curl","{}","bob:‹swordfish›"]"#),
    ("roles ARMOUR", Goes, r#"["-----BEGIN PRIVATE KEY{}","‹harbour›"]"#),
    ("roles OPENS", Goes, r#"["{} PRIVATE KEY-----","‹harbour›"]"#),
    ("roles OF_KEY", Goes, r#"["-----BEGIN {}-----","‹harbour›"]"#),
    ("roles KEYS_OF", Goes, r#"{{}:"harbour","key":"‹kT7vq2mZx9Lw4bR8sN5c›"}"#),
    ("roles ADDRESS", Goes, r#"{{}:"https://x.org","params":{"key":"‹kT7vq2mZx9Lw4bR8sN5c›"}}"#),
    ("roles QUERIES", Goes, r#"{"url":"https://x.org","{}":{"key":"‹kT7vq2mZx9Lw4bR8sN5c›"}}"#),
    ("roles ISSUED", Goes, r#"{"api_key":"","role_id":"","{}":"‹kT7vq2mZx9Lw4bR8sN5c›"}"#),
    ("roles ISSUED", Goes, r#"{"{}":"","secret_id":"‹kT7vq2mZx9Lw4bR8sN5c›"}"#),
    ("roles ISSUED", Goes, r#"{"{}":"x","code":"‹kT7vq2mZx9Lw4bR8sN5c›"}"#),
    ("roles ISSUED", Goes, r#"{"grant_type":"x","{}":"‹kT7vq2mZx9Lw4bR8sN5c›"}"#),
    ("roles sets_cookies", Stays, r#"{"{}":"‹theme›=x7k2m9pQ4L; Path=/"}"#),
    ("roles names_cookies", Goes, r#"{"c{}":["‹harbour›"]}"#),
    ("roles names_tokens", Stays, r#"{"{}":{"kind":"x","value":"‹harbour›","loc":3}}"#),
    ("roles is_key_type", Goes, r#"{"kty":"{}","d":"‹harbour›"}"#),
    ("roles is_key_part", Goes, r#"{"kty":"EC","{}":"‹harbour›"}"#),
    ("roles is_kind_of_secrets", Goes, r#"{"kind":"{}","data":{"a":"‹harbour›"}}"#),
    ("roles is_type_of_secret", Goes, r#"{"type":"{}","value":"‹harbour›"}"#),
    ("roles is_key", Goes, r#"{"rotateKey":{"{}":"‹kT7vq2mZx9Lw4bR8sN5c›"}}"#),
    ("roles is_piece", Stays, r#"{"{}":"‹Hello7x›","logprob":-0.3}"#),
    ("roles HOW_LIKELY", Stays, r#"{"token":"‹Hello7x›",{}:-0.3}"#),
    ("roles is_tokens", Goes, r#"{"{}":{"access":"‹kT7vq2mZx9Lw4bR8sN5c›"}}"#),
    ("speech COPULAS", Goes, "‹482913› {} your Acme code"),
    ("speech points", Goes, "mon numéro de portable est {} ‹06 12 34 56 78›"),
    ("speech GIVEN", Goes, "A temporary password is {} for root@localhost: ‹hunter2xK9›"),
    ("speech LINKS", Goes, "your Acme code {} ‹482913›"),
    ("speech CHANGES", Goes, r#"the password {} "‹two words 9!›""#),
    ("speech CODES", Goes, "‹482913› as your {}"),
    ("speech is_combination", Goes, "{}: ‹34-12-88›"),
    ("speech is_one_time", Goes, "{}\n‹482913›"),
    ("speech OWNERS", Goes, "‹482913› as {} code"),
    ("speech leads_to_name", Goes, "‹482913› {} your code"),
    ("speech USES", Goes, "{} the code ‹482913›"),
    ("speech leads_to_aim", Goes, "use ‹482913› {} log in"),
    ("speech is_aim", Goes, "use ‹482913› to {} in"),
    ("speech UNITS", Stays, "密码 ‹12345678›{}"),
    ("speech is_qualifier", Stays, "password {}:‹acme/app›"),
    ("speech is_id", Stays, "--secret {}=‹npm›"),
    ("speech LOGINS", Goes, "{}: bob / ‹hunter2›"),
    ("speech is_used", Goes, "I {} bob7 / ‹Hunter!2xK9› and failed"),
    ("speech is_user", Goes, "{} bob pass ‹hunter2›"),
    ("speech names_user", Goes, "user{}: 'bob', pass: '‹tangerine›'"),
    ("speech LEADS", Goes, "password from ab12cd34x {} ‹hunter2xK9›"),
    ("speech LEADS", Goes, "user bob {} ‹hunter2›"),
    ("speech LEADS", Goes, "log in as bob {} ‹hunter2›"),
    ("speech LEADS", Goes, "create user hr identified {} ‹hunter2xK9› default tablespace users;"),
    ("speech is_short_for_password", Goes, "user bob {} ‹hunter2›"),
    ("speech LOGS_IN", Goes, "{}bob with ‹hunter2›"),
    ("speech WITH", Goes, "log in as bob{}‹hunter2›"),
    ("speech TO", Goes, "password from x7k2m9p{}‹hunter2xK9›"),
    ("speech FROM", Goes, "hasło{}x7k2m9p na ‹hunter2xK9›"),
    ("speech leads_into", Goes, "password changed {} ‹hunter2xK9›"),
    ("speech leads_into_or_for", Goes, "password changed {} ‹hunter2xK9›"),
    ("speech speaks_of_change", Goes, "Passwort {} in ‹hunter2xK9›"),
    ("speech is_pin", Goes, "{}: ‹482913›"),
    ("speech is_message", Goes, "Код из {}: ‹482913›"),
    ("speech PREPOSITIONS", Goes, "The API key{}staging is ‹hunter2xK9›"),
    ("speech parts", Stays, "password {} pod ‹x7k2m9pQ›"),
    ("speech joins", Goes, "passwords: x7k2m9pQ {} ‹hunter2xK9›"),
    ("speech OF_USAGE", Stays, "{} --password ‹harbour›."),
    ("speech is_article", Goes, "‹482913› as {} code"),
    ("speech PARTICLES", Goes, "密码{}{}‹hunter2xK9›"),
    ("speech PARTICLES", Goes, "รหัสผ่าน{} ‹hunter2xK9›"),
    ("speech OF", Goes, "Backup codes {} bob: ‹4829-1037›, …"),
    ("speech OF_IN_LOWER_CASE", Goes, "Backup codes {} bob: ‹4829-1037›, …"),
    ("speech REFERS_BACK", Goes, "mot de passe du NAS{} ‹x7k2m9pQ›"),
    ("speech is_elided", Goes, "clé{}API : ‹x7k2m9pQ›"),
    ("speech is_elided", Goes, "mot de passe de{}API : ‹x7k2m9pQ›"),
    ("speech is_new", Goes, "use ‹tangerine7› as the {} password"),
    ("speech RECEIVED", Goes, "the code{} is ‹482913›"),
    ("speech RECEIVED_IF_SAID", Goes, "the code{} is ‹482913›"),
    ("speech SENT_TO", Goes, "the code{} ada@example.com is ‹482913›"),
    ("speech THAT", Goes, "the code{} I received is ‹482913›"),
    ("speech measures_code", Stays, "the code I got is ‹4829› {}"),
    ("speech is_of_place", Stays, "the password {} ‹user42›"),
    ("speech is_determiner", Goes, "‹hunter2xK9› is {} password"),
    ("speech is_foreign_article", Goes, "usa ‹hunter2xK9› como {} password"),
    ("speech leads_to_field", Goes, "type ‹hunter2xK9› {} the password field"),
    ("speech NAMING", Goes, "use ‹hunter2xK9› {} password"),
    ("speech is_key", Stays, "RSA {} ‹4AEE18F83AFDEB23›"),
    ("speech is_field", Goes, "type ‹hunter2xK9› into the password {}"),
    ("speech is_algorithm_of_key", Stays, "with {} key ‹4AEE18F83AFDEB234AEE18F83AFDEB23›"),
    ("speech DONE_TO_RESOURCES", Stays, "kubectl {} secret ‹regcred2›"),
    ("words EXAMPLE", Stays, "it is ‹AKIA7Q2ZX9LW4{}›"),
    ("words is_documented", Stays, "https://{}:‹pass›@example.com"),
    ("words is_documented", Stays, "https://user:‹{}›@example.com"),
    ("words DATABASES", Goes, "{}://:‹hunter2xK9›"),
    ("words COMPLAINT_VERBS", Stays, r#"errors.add("password", "‹{} too short›")"#),
    ("words COMPLAINTS", Stays, r#"errors.add("password", "‹is {} short›")"#),
    ("words is_length", Stays, "token: ‹16{}›"),
    ("words STAND_INS", Stays, r#"api_key: "‹{}harbour›""#),
    ("words REFERENCES", Stays, r#""password": "‹{}x7@harbour7›""#),
    ("words SLOTS", Stays, r#""password": "‹pre-{}X1›""#),
    ("words SLOTS", Stays, r#""password": "‹pre-{{X1{}-y›""#),
    ("words SLOTS", Stays, r#""password": "‹pre-{}X1}›""#),
    ("words SLOTS", Stays, r#""password": "‹pre-%(X1{},y›""#),
    ("words SLOTS", Stays, r#""password": "‹pre-<%=X1{}-y›""#),
    ("words ENVIRONMENT", Stays, "password = ‹{}DB_PASSWORD1›"),
    ("words is_locator", Stays, r#""password": "‹{}x7›""#),
    ("words says_whose", Stays, r#""password": "‹harbour7{}›""#),
    ("words is_stand_in", Stays, r#"{"token":"‹{}›"}"#),
    ("words is_counted", Stays, r#"password: "‹at least 8 {}›""#),
    ("words OWNED", Stays, r#""password": "‹{}lantern›""#),
    ("words HARMLESS", Stays, r#""password": "‹{}›""#),
    ("words HARMLESS", Stays, "Set-Cookie: session=‹{}[x]›"),
    ("words OUTCOMES", Stays, r#"{"columns":["id","password"],"rows":[[1,"swordfish"],[2,"‹{}›"]]}"#),
    ("words OF_SECRETS", Stays, r#""password": "‹harbour {}›""#),
    ("words OF_SENTENCES", Stays, r#"{"password":"‹Harbour {} lantern north›"}"#),
    ("words OF_PASSWORDS", Goes, "{}: ‹hunter2xK9›"),
    ("words OF_PASSWORDS", Goes, "mi {}ña es ‹hunter2xK9›"),
    ("words SHORT_PASSWORD", Goes, "db{}: ‹12345678›"),
    ("words OF_ONES_OWN", Goes, r#"password: "‹{}secret harbour›""#),
    ("words is_validator", Stays, r#""password": "‹{}|lantern›""#),
    ("words is_of_reader", Stays, "it is ‹ghp_{}xxx7Kq2mW9vB4nLpT›"),
    ("words LINKS", Goes, "https://example.com/{}?t=‹a8Fk29dLq0Zx7Bn4Vm1C›"),
];

/// What stands in the place of a word where a made-up one would be no name, so that nothing could go under it.
#[rustfmt::skip]
const NAMES: &[(&str, &str)] = &[
    ("headers is_also_hash", "bearer"), ("headers is_authorization", "password"), ("roles is_piece", "password"),
    ("roles names_cookies", "redentials"), ("roles names_tokens", "password"), ("roles sets_cookies", "cookie"),
    ("speech is_algorithm_of_key", "acme"), ("speech is_key", "secret"),
];

/// Lists without a text, and why.
const OTHERS: &[(&str, &str)] = &[
    ("calls CALLS", "each is a row with an example"),
    ("formats JSON", "it tells under which mark a token goes"),
    ("numbers DIALLED", "digits of phone numbers"),
    ("numbers IBANS", "each is a row with an example"),
    ("numbers NINO_LETTERS", "letters and no words"),
    ("roles KEY", "it is put behind a name, and read in no text"),
    ("roles ROLES", "each is a row with an example"),
];

/// The literals of a source, by the constant or function that they stand in.
pub(super) fn literals(source: &str) -> BTreeMap<&str, BTreeSet<String>> {
    let tests = source.find("#[cfg(test)]\nmod ").unwrap_or(source.len());
    let mut item = "";
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for line in source[..tests].lines() {
        let code = line.trim_start();
        if code.starts_with("//") || code.starts_with('#') || code.starts_with("reason = ") {
            continue;
        }
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            let mut words = words.skip_while(|word| !matches!(*word, "const" | "static" | "fn"));
            item = words
                .find(|word| !matches!(*word, "const" | "static" | "fn"))
                .unwrap_or(item);
        }
        // A quote may be a character of its own.
        let code = code.replace("'\"'", "").replace("\\u{2026}", "…");
        let code = code.replace("\\\\", "\u{0}").replace("\\\"", "\u{1}");
        let literals = code.split('"').skip(1).step_by(2);
        let literals = literals.filter(|word| !word.is_empty());
        let literals = literals.map(|word| word.replace('\u{0}', "\\").replace('\u{1}', "\""));
        found.entry(item).or_default().extend(literals);
    }
    found.retain(|_, words| !words.is_empty());
    found
}

/// A word of the same form that no list has.
pub(super) fn made_up(list: &str, word: &str) -> String {
    if let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == list) {
        return (*name).to_owned();
    }
    let mut latin = "lybrantekosi".chars().cycle();
    let mut cyrillic = "жубролин".chars().cycle();
    let has_letters = word.chars().any(char::is_alphabetic);
    let other = |c: char| match c {
        '0'..='9' if !has_letters => '3',
        'A'..='Z' => latin.next().unwrap_or(c).to_ascii_uppercase(),
        'a'..='z' | 'à'..='ʯ' => latin.next().unwrap_or(c),
        'а'..='џ' => cyrillic.next().unwrap_or(c),
        'ά'..='ώ' => 'ξ',
        'א'..='ת' => 'ל',
        'ء'..='ي' => 'ب',
        'ก'..='ฮ' => 'ก',
        'ぁ'..='ヿ' => 'ヌ',
        '가'..='힣' => '물',
        '一'..='鿿' => '川',
        c => c,
    };
    let made: String = word.chars().map(other).collect();
    if made == word {
        "~".repeat(word.chars().count())
    } else {
        made
    }
}

/// Whether a text with a word keeps what is marked in it, the last of several.
fn keeps(redactor: &Redactor, text: &str, word: &str) -> bool {
    let text = text.replace("{}", word);
    let value = text
        .rsplit_once('‹')
        .and_then(|(_, end)| end.split_once('›'));
    let (value, _) = value.unwrap_or_else(|| panic!("{text}: no value is marked"));
    let value = value.to_owned();
    let text = text.replace(['‹', '›'], "");
    let redacted = match text.starts_with(['{', '[']) {
        true => redactor.redact_json(&text),
        false => redactor.redact_str(&text),
    };
    redacted.contains(&value)
}

#[test]
fn each_word_makes_a_difference() {
    let redactor = Redactor::builder().enable(Class::Wallet).build().unwrap();
    let shows = |(list, then, text): &(&str, Then, &str), word: &str| {
        let stays = *then == Stays;
        keeps(&redactor, text, word) == stays
            && keeps(&redactor, text, &made_up(list, word)) != stays
    };
    let mut faults = Vec::new();
    let mut lists = BTreeSet::new();
    for (file, source) in SOURCES {
        for (item, words) in literals(source) {
            let list = format!("{file} {item}");
            if OTHERS.iter().any(|(other, _)| *other == list) {
                lists.insert(list);
                continue;
            }
            let mut left = words;
            for row in TEXTS.iter().filter(|(of, ..)| *of == list) {
                let count = left.len();
                left.retain(|word| !shows(row, word));
                if left.len() == count {
                    faults.push(format!("{list}: no word needs {}", row.2));
                }
            }
            if !left.is_empty() {
                faults.push(format!("{list}: no text shows {left:?}"));
            }
            lists.insert(list);
        }
    }
    let known = TEXTS.iter().map(|(list, ..)| list);
    let known = known.chain(OTHERS.iter().map(|(list, _)| list));
    for list in known.chain(NAMES.iter().map(|(list, _)| list)) {
        if !lists.contains(*list) {
            faults.push(format!("{list}: no such list"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
