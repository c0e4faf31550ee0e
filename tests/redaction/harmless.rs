//! Texts that hold no secret, and look as if they did.

use serde_json::{Value, json};

use crate::random::Random;

const LINES: &str = include_str!("data/harmless.txt");
const HELD_OUT: &str = include_str!("data/harmless_held_out.txt");

/// A text and the category it is counted under.
pub(crate) struct Harmless {
    pub(crate) category: String,
    pub(crate) input: Value,
}

/// Real text, line by line.
pub(crate) fn lines(held_out: bool) -> Vec<Harmless> {
    if held_out { HELD_OUT } else { LINES }
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .map(|(category, text)| Harmless {
            category: format!("{category}{}", if held_out { ", held out" } else { "" }),
            // A schema is a value of its own, everything else a string.
            input: serde_json::from_str(text)
                .ok()
                .filter(|_| category == "schema")
                .unwrap_or_else(|| json!({ "text": text })),
        })
        .collect()
}

/// Real text, in pieces of several lines.
pub(crate) fn pages() -> Vec<Harmless> {
    let lines: Vec<_> = LINES
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect();
    lines
        .chunks(12)
        .map(|chunk| Harmless {
            category: "pages".to_owned(),
            input: json!(
                chunk
                    .iter()
                    .map(|(_, text)| *text)
                    .collect::<Vec<_>>()
                    .join("\n")
            ),
        })
        .collect()
}

/// Values that rules could mistake for something else.
pub(crate) fn made_up(random: &mut Random) -> Vec<Harmless> {
    let mut all = Vec::new();
    let mut push = |category: &str, input: Value| {
        all.push(Harmless {
            category: category.to_owned(),
            input,
        })
    };
    for _ in 0..60 {
        let r = &mut *random;
        push(
            "ids",
            json!({"id": r.digits(19).parse::<u64>().unwrap_or(1), "order_id": format!("4{}", r.digits(15))}),
        );
        push(
            "ids",
            json!({"id": format!("1{}", r.digits(17)), "parent_id": format!("ORD-{}", r.digits(10))}),
        );
        push(
            "ids",
            json!(format!(
                "order #{} shipped as {}",
                r.digits(7),
                r.digits(12)
            )),
        );
        push(
            "epochs",
            json!({"created": 1_700_000_000_000_u64 + r.next() % 99_999_999, "at": format!("17{}", r.digits(8))}),
        );
        push(
            "epochs",
            json!(format!(
                "ts=17{} took {}us seq={}",
                r.digits(17),
                r.digits(5),
                r.digits(9)
            )),
        );
        push(
            "uuids",
            json!(format!(
                "{}-{}-4{}-a{}-{}",
                r.hex(8),
                r.hex(4),
                r.hex(3),
                r.hex(3),
                r.hex(12)
            )),
        );
        push(
            "uuids",
            json!(format!(
                "request {}-{}-4{}-8{}-{} done",
                r.digits(8),
                r.digits(4),
                r.digits(3),
                r.digits(3),
                r.digits(12)
            )),
        );
        push(
            "hashes",
            json!(format!("sha256:{} size {}", r.hex(64), r.digits(5))),
        );
        push("hashes", json!(format!("commit {} by bot", r.hex(40))));
        push(
            "hashes",
            json!({"integrity": format!("sha512-{}==", r.alnum(86)), "checksum": r.hex(64), "etag": format!("W/\"{}\"", r.hex(32))}),
        );
        push(
            "ulids",
            json!(format!(
                "01H{} and {}",
                r.from("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 23),
                r.from("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26)
            )),
        );
        push(
            "decimals",
            json!({"lat": format!("{}.{}", r.below(89), r.digits(15)), "x": 0.4111111111111111_f64, "y": format!("-{}.4{}", r.below(179), r.digits(15))}),
        );
        push(
            "decimals",
            json!(format!(
                "{}.{}, -{}.{}",
                r.below(89),
                r.digits(6),
                r.below(179),
                r.digits(6)
            )),
        );
        push(
            "prices",
            json!(format!(
                "total ${},{}.{} of EUR {}.00",
                r.below(900) + 10,
                r.digits(3),
                r.digits(2),
                r.digits(6)
            )),
        );
        push(
            "versions",
            json!(format!(
                "v{}.{}.{}-beta.{} and {}.{}.{}.{}",
                r.below(20),
                r.below(40),
                r.below(400),
                r.below(9),
                r.below(20),
                r.below(99),
                r.below(9999),
                r.below(999)
            )),
        );
        push(
            "packages",
            json!(format!(
                "npm install @types/node@{}.{}.{} lodash@4.17.{} @scope/pkg",
                r.below(20),
                r.below(9),
                r.below(9),
                r.below(30)
            )),
        );
        push(
            "isbn",
            json!(format!(
                "ISBN 978-3-{}-{}-{}",
                r.digits(2),
                r.digits(6),
                r.below(10)
            )),
        );
        push(
            "isbn",
            json!({"ean": format!("40{}", r.digits(11)), "isbn": format!("978{}", r.digits(10)), "upc": r.digits(12)}),
        );
        push(
            "dates",
            json!(format!(
                "2024-0{}-1{} 10:{}:0{} to 20240{}1{}-{}",
                r.below(9) + 1,
                r.below(9),
                r.below(49) + 10,
                r.below(9),
                r.below(9) + 1,
                r.below(9),
                r.digits(6)
            )),
        );
        push(
            "numbers",
            json!([
                r.digits(12).parse::<u64>().unwrap_or(1),
                r.below(99),
                1.5,
                -3,
                1e10
            ]),
        );
        push(
            "numbers",
            json!(format!(
                "{} {} {} {}",
                r.digits(4),
                r.digits(3),
                r.digits(5),
                r.digits(2)
            )),
        );
        push(
            "ips",
            json!(format!(
                "10.{}.{}.{} and 2001:db8::{}:{}",
                r.below(255),
                r.below(255),
                r.below(255),
                r.hex(4),
                r.hex(4)
            )),
        );
        push(
            "base64 images",
            json!(format!(
                "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA{}",
                r.alnum(200)
            )),
        );
        push(
            "public keys",
            json!(format!(
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} deploy@host",
                r.alnum(43)
            )),
        );
        push(
            "public keys",
            json!(format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
                r.alnum(64)
            )),
        );
        push(
            "public keys",
            json!(format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
                r.alnum(64)
            )),
        );
        push(
            "public keys",
            json!(format!(
                "SHA256:{} key fingerprint {}",
                r.alnum(43),
                r.hex(2).repeat(4)
            )),
        );
        push(
            "cursors",
            json!({"next_page_token": r.alnum(40), "cursor": r.alnum(24), "pageToken": r.alnum(12)}),
        );
        push(
            "trace",
            json!({"traceparent": format!("00-{}-{}-01", r.hex(32), r.hex(16)), "trace_id": r.hex(32), "span_id": r.hex(16)}),
        );
        push(
            "urls",
            json!(format!(
                "https://example.com:8080/@user/{}?page={}&sort=name#t={}",
                r.hex(8),
                r.below(99),
                r.below(99)
            )),
        );
        push(
            "urls",
            json!(format!(
                "https://registry.example.com/p/-/p-{}.{}.{}.tgz#{}",
                r.below(9),
                r.below(9),
                r.below(9),
                r.hex(40)
            )),
        );
        push(
            "files",
            json!(format!(
                "icon@2x.png photo_{}@3x.jpg /var/lib/a{}/b.log C:\\tmp\\new\\x{}.txt",
                r.digits(8),
                r.digits(3),
                r.below(9)
            )),
        );
    }
    for text in [
        "password: string",
        "password: str = None",
        "password = os.environ[\"API_KEY\"]",
        "token = getToken()",
        "api_key=os.getenv('API_KEY')",
        "const token = await getToken();",
        "Authorization: Bearer ${TOKEN}",
        "Authorization: Bearer <token>",
        "Authorization: Bearer {token}",
        "Bearer $TOKEN",
        "curl -H \"Authorization: Bearer $API_KEY\" https://api.example.com",
        "if password == None: return",
        "def login(user, password):",
        "password=password",
        "login(password=password, user=user)",
        "self.password = password",
        "this.token = token;",
        "token?: string;",
        "password: required",
        "Password must be at least 8 characters",
        "Enter your password:",
        "Forgot your password?",
        "The token has expired",
        "invalid token: expected identifier",
        "error: unexpected token: `}`",
        "secret santa party on Friday",
        "the secret to good soup",
        "The password is incorrect",
        "Your password: must contain 12 characters",
        "token: expired",
        "api_key: required",
        "Reset password link sent",
        "<password>",
        "password=<password>",
        "password=********",
        "password: ******",
        "password: xxxxxxxx",
        "API_KEY=your_api_key_here",
        "API_KEY=YOUR_API_KEY",
        "SECRET_KEY=changeme_please",
        "token=$TOKEN",
        "token=${TOKEN}",
        "token={{ token }}",
        "password=%PASSWORD%",
        "git@github.com:org/repo.git",
        "ssh://git@github.com/org/repo.git",
        "git clone git@gitlab.example.com:group/sub/project.git",
        "root@localhost",
        "user@host",
        "deploy@web01:/srv/app",
        "@scope/pkg",
        "pkg@1.2.3",
        "@2x.png",
        "actions/checkout@v4",
        "python@3.11",
        "user@1000.service",
        "getty@tty1.service",
        "@media (max-width: 600px)",
        "@app.route('/x')",
        "SELECT @rownum := 0",
        "foo@bar",
        "@everyone hello",
        "email me @ noon",
        "a@b",
        "user@-example-.c",
        "x@y.1",
        "sk-learn and sk-estonia",
        "pip install sk-learn-extra",
        "task-12345678901234567890",
        "risk-assessment-2024-final",
        "desk-lamp-1234",
        "disk-0123456789abcdef",
        "ask-me-anything-2024-edition",
        "hf_hub_download",
        "npm_config_registry",
        "npm_package_version",
        "npm_lifecycle_event",
        "ghp_",
        "sk-...",
        "sk-your-api-key-here",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "pk_live_and_sk_live_keys",
        "xoxb-your-token",
        "key: value",
        "primary_key: id",
        "foreign_key: user_id",
        "monkey: banana",
        "keyboard: qwerty",
        "public_key: ed25519",
        "sort_key=created_at",
        "cache_key=users:42:v2",
        "partition_key=tenant_0042",
        "keywords: a, b",
        "hotkey: ctrl+shift+p4",
        "author: rachel",
        "authority=example.com:443",
        "authenticated: true",
        "session_timeout: 3600",
        "cookie_consent=accepted_2024",
        "token_count: 1234",
        "max_tokens=4096",
        "tokens: 1532",
        "password_min_length=12",
        "has_password=true",
        "pass_rate: 0.93",
        "passed: 132",
        "passenger: 12A",
        "bypass=1",
        "compass: N45",
        "tests passed 132 failed 4",
        "pin: 13",
        "GPIO pin 17 high",
        "pinned: true",
        "spinner: dots12",
        "PWD=/home/user/project",
        "OLDPWD=/tmp",
        "SSH_AUTH_SOCK=/tmp/agent.123",
        "token_type=bearer",
        "grant_type=refresh_token",
        "response_type=code",
        "scope=read:user",
        "secret_name=prod/db",
        "key_name=deploy-2024",
        "auth_url=https://auth.example.com/login",
        "call me maybe",
        "mobile first design 2024",
        "phone: n/a",
        "fax: none",
        "tel aviv 2024",
        "cell A12:B99",
        "ext. 123",
        "room 415-555",
        "chapter 12-34-5678",
        "123-45-67890",
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-4567",
        "4111 1111 1111 1112",
        "1234 5678 9012 3456",
        "1234567890123456",
        "0000 0000 0000 0000",
        "DE00 1234 5678 9012 3456 78",
        "GB12 3456",
        "AB 12 34 56",
        "QQ123456C",
        "BG123456A",
        "2024-01-15T10:30:00+00:00",
        "10:30:45.123456789",
        "GMT+0200",
        "UTC+05:30",
        "+12",
        "+100 points",
        "x = +12345678",
        "1+1234567890",
        "192.168.100.200:8080",
        "1.800.555",
        "3.141592653589793",
        "curl -u <user:password> https://example.com/endpoint",
        "-p, --password <PASSWORD>  The password to use",
        "<button id=\"reset-password\">Reset password</button>",
        "SELECT id FROM sessions WHERE token = $1 AND expires_at > now()",
        "DB_PASSWORD=%DB_PASSWORD%",
        "Passwort: erforderlich",
        "credentials: 'same-origin'",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
        "curl -H \"Authorization: Bearer $TOKEN\" https://example.com/v2",
        "password = models.CharField(max_length=128)",
        "this.sessionId = this.sessionIdGenerator?.();",
        "\"password_too_short\": \"Use at least 8 characters\",",
        "\"@octokit/auth-token\": \"^6.0.0\",",
        "#define sk_X509_NAME_new_reserve(cmp, n) 0",
        "napi_create_string_utf16(env, text, length, result)",
        "export function verify(jwt: string | Uint8Array, key: KeyInput): void;",
        "if (token[0] === 'word') return;",
        "packumentCache full:https://registry.example.com/cookie set size:36477 disposed:false",
        "level=warn msg=\"password hash upgrade\" from=md5 to=bcrypt cost=12",
        "jwt: alg=RS256 kid=2024-05 typ=JWT",
        "gpg: Signature made using RSA key 4AEE18F83AFDEB23",
        "imagePullSecrets: regcred",
        "export OPENAI_API_KEY=\"sk-...\"",
        "6.02214076e23",
        "0x4111111111111111",
        "#4111111111111111a",
        "v4111111111111111",
        "basic auth is supported",
        "Basic authentication required for this page",
        "bearer of bad news",
        "Bearer token required",
        "token ring network 802.5",
        "digest authentication 2069",
        "Basic Instinct 1992",
        "basic understanding12",
        "cookie: accepted",
        "cookies: enabled",
        "Cookie policy 2024",
        "accept-cookie: true",
        "BEGIN PRIVATE KEY is the header of the file",
        "use -----BEGIN PRIVATE KEY----- as the first line",
        "postgres://localhost:5432/app",
        "redis://cache:6379/0",
        "https://user@example.com/x",
        "mongodb://host1:27017,host2:27017/db",
        "http://example.com:80/a:b@c",
        "https://example.com/path:with@at",
        "https://medium.com/@someone/a-title-1234",
        "jdbc:mysql://localhost:3306/db?useSSL=false",
        "postgres://user:${DB_PASSWORD}@host/db",
        "postgres://user:password@host/db",
        "postgres://user:***@host/db",
        "eyJ is how they begin",
        "base64 eyJpZCI6MTIzfQ== is a cursor",
        "{\"a\":1}",
        "[1, 2, 3]",
        "[INFO] started",
        "{not json}",
        "100% of 40%",
        "50%40",
        "a%20b%20c",
        "&amp; &lt; &#39;",
        "C:\\new\\table\\u00",
        "\\n\\t\\r",
        "\u{1f600}",
        "\u{0}",
        "PASSWORD_HASHERS = [",
        "class TokenError(Exception):",
        "import secrets",
        "from token import NAME",
        "secrets.token_urlsafe(32)",
        "SecretStr",
        "passport.authenticate('jwt')",
        "app.use(session({ resave: false }))",
        "key = lambda x: x[1]",
        "for key, value in items:",
        "map[string]string{\"key\": \"value\"}",
        "match token { Token::Eof => break,",
        "let token: u32 = 5;",
        "pub token: Option<String>,",
        "token: &'static str,",
        "fn secret(&self) -> &Secret;",
        "SELECT password FROM users WHERE id = 1",
        "ALTER TABLE users ADD COLUMN password_hash varchar(255);",
        "CREATE USER bob WITH PASSWORD :pw",
        "INSERT INTO tokens (id, token) VALUES (?, ?)",
        "GRANT ALL ON secrets TO app",
        "docker run --password-stdin",
        "gh auth login --with-token < file",
        "--token-file /run/t",
        "--password",
        "--api-key-env OPENAI",
        "mysql -u root -p",
        "curl -u user",
        "aws configure set region eu-west-1",
    ] {
        push("text", json!(text));
        push("text in json", json!({"q": text, "n": 1}));
    }
    for value in [
        json!({"type": "object", "properties": {"password": {"type": "string", "description": "The password"}, "api_key": {"type": "string"}}, "required": ["password", "api_key"]}),
        json!({"inputSchema": {"properties": {"token": {"type": "string", "minLength": 8}}}}),
        json!({"properties": {"credentials": {"$ref": "#/$defs/Credentials"}, "secret": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}),
        json!({"token_count": 12, "max_tokens": 4096, "prompt_tokens": 12, "total_tokens": 99, "secretary": "Ann", "author": "Bob", "primary_key": "id", "password_min_length": 8, "cookie_consent": "yes", "card_type": "visa", "pass_rate": 0.5}),
        json!({"password": true, "secret": null, "token": "", "api_key": false}),
        json!({"has_password": "yes", "is_secret": 1, "num_tokens": 5, "token_type": "bearer", "key": "name", "keys": ["a", "b"], "keyboard": "us"}),
        json!({"columns": ["id", "password", "email"], "order_by": "password"}),
        json!({"select": ["password", "token"], "fields": ["api_key"]}),
        json!({"name": "PATH", "value": "/usr/bin:/bin"}),
        json!({"name": "primary_key", "value": "id"}),
        json!({"cookies": 3, "tokens": 120, "passwords": 2, "secrets": 4, "credentials": true}),
        json!({"session": "morning", "auth": "none", "pass": "yes", "sid": "a1"}),
        json!({"pin": 13, "pinned": true, "mode": "OUTPUT"}),
        json!({"password": "${DB_PASSWORD}", "token": "{{token}}", "api_key": "<your api key>", "secret": "***"}),
        json!({"login": {"password": "Password", "forgot": "Forgot password?", "token": "Enter your token"}}),
        json!({"phone": "n/a", "mobile": true, "fax": ""}),
        json!({"a": [[["x"]]], "b": {"c": {"d": {}}}, "e": [], "f": 1e300, "g": -0.0}),
        json!({"order_id": 4_111_111_111_111_111_u64, "timestamp": 4_111_111_111_111_111_u64}),
    ] {
        push("json", value);
    }
    all
}
