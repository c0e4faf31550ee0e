//! Secrets of every kind, made up at run time from the vendors' descriptions of their formats.
//!
//! Prefixes are written in two pieces, so that no scanner takes this file for a leak.

use crate::random::Random;

/// A secret that can be told by its own form.
pub(crate) struct Secret {
    pub(crate) kind: &'static str,
    pub(crate) category: &'static str,
    pub(crate) text: String,
    /// What must be gone.
    pub(crate) core: String,
}

/// Prefix in two pieces, alphabet (`a` letters and digits, `u` base64 for URLs, `h` hexadecimal, `U` capitals and
/// digits, `l` small letters and digits) and length of what follows.
const KEYS: &[(&str, &str, &str, char, usize)] = &[
    ("openai", "s", "k-", 'a', 48),
    ("openai project", "sk-p", "roj-", 'u', 120),
    ("openai service", "sk-svc", "acct-", 'u', 80),
    ("openai admin", "sk-ad", "min-", 'u', 80),
    ("anthropic", "sk-an", "t-api03-", 'u', 93),
    ("anthropic admin", "sk-an", "t-admin01-", 'u', 93),
    ("anthropic oauth", "sk-an", "t-oat01-", 'u', 93),
    ("openrouter", "sk-o", "r-v1-", 'h', 64),
    ("groq", "gs", "k_", 'a', 52),
    ("xai", "xa", "i-", 'a', 80),
    ("perplexity", "pp", "lx-", 'a', 48),
    ("hugging face", "h", "f_", 'a', 34),
    ("replicate", "r", "8_", 'a', 37),
    ("fireworks", "f", "w_", 'a', 24),
    ("cerebras", "cs", "k-", 'l', 48),
    ("tavily", "tv", "ly-dev-", 'a', 32),
    ("firecrawl", "f", "c-", 'h', 32),
    ("langsmith", "lsv", "2_pt_", 'h', 42),
    ("pinecone", "pc", "sk_", 'a', 60),
    ("nvidia", "nv", "api-", 'u', 64),
    ("elevenlabs", "s", "k_", 'h', 48),
    ("jina", "ji", "na_", 'a', 60),
    ("llamacloud", "ll", "x-", 'a', 48),
    ("apify", "api", "fy_api_", 'a', 36),
    ("e2b", "e2", "b_", 'h', 40),
    ("context7", "ctx", "7sk-", 'a', 36),
    ("github", "gh", "p_", 'a', 36),
    ("github oauth", "gh", "o_", 'a', 36),
    ("github app", "gh", "s_", 'a', 36),
    ("github refresh", "gh", "r_", 'a', 76),
    ("github fine-grained", "githu", "b_pat_", 'a', 82),
    ("gitlab", "gl", "pat-", 'u', 20),
    ("gitlab runner", "gl", "rt-", 'u', 20),
    ("gitlab trigger", "gl", "ptt-", 'h', 40),
    ("gitlab deploy", "gl", "dt-", 'u', 20),
    ("aws id", "AK", "IA", 'U', 16),
    ("aws temporary id", "AS", "IA", 'U', 16),
    ("google", "AI", "za", 'u', 35),
    ("google oauth secret", "GOC", "SPX-", 'u', 28),
    ("google token", "ya", "29.", 'u', 120),
    ("slack bot", "xo", "xb-", 's', 40),
    ("slack user", "xo", "xp-", 's', 60),
    ("slack app", "xa", "pp-1-", 'U', 60),
    ("stripe", "s", "k_live_", 'a', 24),
    ("stripe test", "s", "k_test_", 'a', 99),
    ("stripe restricted", "r", "k_live_", 'a', 24),
    ("stripe webhook", "wh", "sec_", 'a', 32),
    ("twilio", "S", "K", 'h', 32),
    ("sendgrid", "S", "G.", 'g', 66),
    ("mailgun", "ke", "y-", 'h', 32),
    ("brevo", "xkey", "sib-", 'h', 64),
    ("resend", "r", "e_", 'a', 32),
    ("npm", "np", "m_", 'a', 36),
    ("pypi", "py", "pi-AgEIcHlwaS5vcmc", 'u', 70),
    ("crates.io", "ci", "o", 'a', 32),
    ("rubygems", "ruby", "gems_", 'h', 48),
    ("docker", "dckr", "_pat_", 'u', 27),
    ("nuget", "oy", "2", 'l', 43),
    ("databricks", "da", "pi", 'h', 32),
    ("digitalocean", "do", "p_v1_", 'h', 64),
    ("digitalocean oauth", "do", "o_v1_", 'h', 64),
    ("shopify", "sh", "pat_", 'h', 32),
    ("shopify app", "sh", "pss_", 'h', 32),
    ("sentry", "snt", "rys_", 'u', 120),
    ("sentry user", "snt", "ryu_", 'h', 64),
    ("posthog", "ph", "x_", 'a', 43),
    ("linear", "lin", "_api_", 'a', 40),
    ("notion", "nt", "n_", 'a', 46),
    ("notion old", "sec", "ret_", 'a', 43),
    ("figma", "fi", "gd_", 'u', 40),
    ("supabase", "sb", "p_", 'h', 40),
    ("supabase secret", "sb", "_secret_", 'u', 31),
    ("vercel", "vc", "p_", 'a', 56),
    ("cloudflare", "cfu", "t_", 'a', 40),
    ("cloudflare origin", "v1", ".0-", 'h', 150),
    ("fly", "fm", "2_", 'a', 100),
    ("heroku", "HR", "KU-AA", 'u', 58),
    ("netlify", "nf", "p_", 'a', 36),
    ("planetscale", "pscale", "_tkn_", 'u', 43),
    ("neon", "na", "pi_", 'l', 60),
    ("doppler", "dp", ".pt.", 'a', 43),
    ("vault", "hv", "s.", 'u', 95),
    ("pulumi", "pu", "l-", 'h', 40),
    ("grafana service", "gl", "sa_", 'a', 41),
    ("grafana cloud", "gl", "c_", 'a', 80),
    ("new relic", "NR", "AK-", 'U', 27),
    ("dynatrace", "dt", "0c01.", 'U', 89),
    ("atlassian", "ATA", "TT3xFf", 'u', 180),
    ("bitbucket", "AT", "BB", 'a', 32),
    ("hubspot", "pat-", "na1-", 'h', 36),
    ("square", "sq0", "atp-", 'u', 22),
    ("razorpay", "rzp", "_live_", 'a', 14),
    ("facebook", "EA", "A", 'a', 120),
    ("dropbox", "s", "l.", 'u', 130),
    ("contentful", "CF", "PAT-", 'u', 43),
    ("snyk", "snyk", "_uat.", 'u', 60),
    ("sonarqube", "sq", "u_", 'h', 40),
    ("circleci", "CCI", "PAT_", 'a', 40),
    ("buildkite", "bk", "ua_", 'h', 40),
    ("postman", "PM", "AK-", 'h', 59),
    ("tailscale", "ts", "key-auth-", 'a', 40),
    ("easypost", "EZ", "AK", 'a', 54),
    ("duffel", "duf", "fel_live_", 'u', 43),
    ("typeform", "t", "fp_", 'u', 59),
    ("sourcegraph", "sg", "p_", 'h', 40),
    ("alibaba", "LT", "AI", 'a', 20),
    ("age", "AGE-SEC", "RET-KEY-1", 'U', 58),
    ("adafruit", "ai", "o_", 'a', 28),
    ("prefect", "pn", "u_", 'a', 36),
    ("together", "tg", "p_v1_", 'u', 43),
    ("wandb", "wan", "db_v1_", 'a', 60),
];

fn tail(random: &mut Random, alphabet: char, length: usize) -> String {
    match alphabet {
        'a' => random.alnum(length),
        'h' => random.hex(length),
        'U' => random.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length),
        'l' => random.from("abcdefghijklmnopqrstuvwxyz0123456789", length),
        's' => format!(
            "{}-{}-{}",
            random.digits(12),
            random.digits(12),
            random.alnum(length - 26)
        ),
        'g' => format!("{}.{}", random.base64url(22), random.base64url(43)),
        _ => random.base64url(length),
    }
}

/// Every kind, `times` each.
pub(crate) fn all(random: &mut Random, times: usize) -> Vec<Secret> {
    let mut secrets = Vec::new();
    let push = &mut |kind, category, text: String| {
        let core = text.clone();
        secrets.push(Secret {
            kind,
            category,
            text,
            core,
        });
    };
    let mut cored = Vec::new();
    for _ in 0..times {
        for (kind, a, b, alphabet, length) in KEYS {
            let tail = tail(random, *alphabet, *length);
            push(kind, "keys", [a, b, tail.as_str()].concat());
        }
        for (kind, a, b, alphabet, length) in KEYS.iter().filter(|key| key.4 >= 30) {
            let keep = length / 2 + random.below(length / 4);
            let tail = tail(random, *alphabet, *length);
            push(kind, "cut keys", [a, b, &tail[..keep]].concat());
        }
        let text = format!("{}:AA{}", random.digits(10), random.base64url(33));
        push("telegram", "keys", text);
        let text = format!(
            "M{}.{}.{}",
            random.alnum(23),
            random.alnum(6),
            random.base64url(38)
        );
        push("discord", "keys", text);
        let text = format!("{}8Q~{}", random.alnum(3), random.base64url(34));
        push("azure app", "keys", text);
        let text = format!("pat{}.{}", random.alnum(14), random.hex(64));
        push("airtable", "keys", text);
        let text = format!("{}-us{}", random.hex(32), random.below(20) + 1);
        push("mailchimp", "keys", text);
        let text = format!("{}.atlasv1.{}", random.alnum(14), random.base64url(60));
        push("terraform", "keys", text);
        let text = format!(
            "https://hooks.slack.com/services/T{}/B{}/{}",
            random.from("ABCDEFGH0123456789", 8),
            random.from("ABCDEFGH0123456789", 8),
            random.alnum(24)
        );
        let core = text[text.len() - 24..].to_owned();
        cored.push(Secret {
            kind: "slack webhook",
            category: "webhooks",
            text,
            core,
        });
        let core = random.base64url(68);
        let text = format!(
            "https://discord.com/api/webhooks/{}/{core}",
            random.digits(18)
        );
        cored.push(Secret {
            kind: "discord webhook",
            category: "webhooks",
            text,
            core,
        });
        let jwt = format!(
            "ey{}.ey{}.{}",
            "JhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
            "J".to_owned() + &random.alnum(40),
            random.base64url(43)
        );
        push("jwt", "jwt", jwt.clone());
        push("jwt without signature", "jwt", jwt[..80].to_owned());
        push("jwt cut in its header", "jwt", jwt[..30].to_owned());
        for (kind, local, domain) in [
            ("plain", "rachel.green", "example.com"),
            ("plus tag", "rachel+news", "example.co.uk"),
            ("digits", "r2d2_99", "mail.example.org"),
            ("dash", "jean-luc", "star-fleet.example"),
            ("idn domain", "info", "b\u{fc}cher.example"),
            (
                "idn both",
                "\u{7528}\u{6237}",
                "\u{4f8b}\u{5b50}.\u{6d4b}\u{8bd5}",
            ),
            ("punycode", "info", "xn--bcher-kva.example"),
            ("upper", "RACHEL", "EXAMPLE.COM"),
            ("apostrophe", "miles.o'brien", "example.net"),
            ("percent", "user%dept", "example.org"),
        ] {
            let text = format!("{local}{}@{domain}", random.below(90) + 10);
            push(kind, "e-mail", text);
        }
        for (kind, prefix, length) in [
            ("visa", "4", 16),
            ("mastercard", "53", 16),
            ("mastercard 2", "2345", 16),
            ("amex", "37", 15),
            ("discover", "6011", 16),
            ("diners", "36", 14),
            ("jcb", "3566", 16),
            ("unionpay", "62", 16),
            ("maestro", "6759", 16),
            ("visa", "4", 16),
        ] {
            let number = luhn(random, prefix, length);
            push(kind, "card", number.clone());
            let groups: &[usize] = match length {
                15 => &[4, 6, 5],
                14 => &[4, 6, 4],
                _ => &[4, 4, 4, 4],
            };
            push(kind, "card", grouped(&number, groups, " "));
            push(kind, "card", grouped(&number, groups, "-"));
        }
        for (country, shape) in [
            ("DE", 18),
            ("FR", 23),
            ("NL", 0),
            ("GB", 1),
            ("ES", 20),
            ("CH", 17),
            ("AT", 16),
            ("PL", 24),
            ("NO", 11),
            ("BE", 12),
        ] {
            let text = iban(random, country, shape);
            push("iban", "iban", text.clone());
            let spaced = text
                .as_bytes()
                .chunks(4)
                .map(|c| String::from_utf8_lossy(c).into_owned())
                .collect::<Vec<_>>()
                .join(" ");
            push("iban in groups", "iban", spaced);
        }
        for _ in 0..4 {
            let text = format!(
                "{:03}-{:02}-{:04}",
                random.below(600) + 1,
                random.below(98) + 1,
                random.below(9998) + 1
            );
            if !text.starts_with("666") {
                push("ssn", "ssn", text);
            }
            let six = random.digits(6);
            push("nino", "nino", format!("AB{six}C"));
            push(
                "nino in groups",
                "nino",
                format!("JG {} {} {} D", &six[..2], &six[2..4], &six[4..]),
            );
        }
        for text in [
            format!("+1 (415) 555-{:04}", random.below(9999)),
            format!("+1-212-555-{:04}", random.below(9999)),
            format!("+4420794609{:02}", random.below(99)),
            format!("+44 20 7946 09{:02}", random.below(99)),
            format!("+49 151 234567{:02}", random.below(99)),
            format!("+33 6 12 34 56 {:02}", random.below(99)),
            format!("+91 98765 432{:02}", random.below(99)),
            format!("0049 30 9018 2{:03}", random.below(999)),
            format!("(415) 555-{:04}", random.below(9999)),
            format!("415-555-{:04}", random.below(9999)),
            format!("415.555.{:04}", random.below(9999)),
            format!("+81 3-1234-56{:02}", random.below(99)),
            format!("+55 11 91234-56{:02}", random.below(99)),
            format!("+1 415 555 {:04}", random.below(9999)),
        ] {
            push("phone", "phone", text);
        }
        let body: Vec<String> = (0..6)
            .map(|_| {
                random.from(
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                    64,
                )
            })
            .collect();
        for label in [
            "RSA PRIVATE KEY",
            "PRIVATE KEY",
            "EC PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "PGP PRIVATE KEY BLOCK",
        ] {
            let dashes = "-".repeat(5);
            let text = format!(
                "{dashes}BEGIN {label}{dashes}\n{}\n{dashes}END {label}{dashes}",
                body.join("\n")
            );
            cored.push(Secret {
                kind: "pem",
                category: "pem",
                text,
                core: body[3].clone(),
            });
            let text = format!("{dashes}BEGIN {label}{dashes}\r\n{}", body.join("\r\n"));
            cored.push(Secret {
                kind: "cut pem",
                category: "pem",
                text,
                core: body[5].clone(),
            });
        }
        for (kind, scheme, password) in [
            ("plain", "postgres", "hunter2x".to_owned()),
            ("at sign", "postgresql", "p@ss:w/rd#1".to_owned()),
            ("encoded", "mysql", "p%40ss%2Fw0rd".to_owned()),
            ("long", "mongodb+srv", random.alnum(20)),
            ("redis", "redis", random.alnum(16)),
            ("amqp", "amqp", "gu3st!pw".to_owned()),
            ("https", "https", random.alnum(24)),
            ("slash", "postgres", "ab/cd9ef".to_owned()),
            ("hash", "mysql", "ab#cd9ef".to_owned()),
            ("colon", "ftp", "ab:cd9ef".to_owned()),
        ] {
            let user = if kind == "redis" { "" } else { "svc" };
            let text = format!("{scheme}://{user}:{password}@db.example.com:5432/app?sslmode=on");
            cored.push(Secret {
                kind,
                category: "url password",
                text,
                core: password,
            });
        }
        for (scheme, value) in [
            ("Bearer", random.alnum(40)),
            ("Bearer", random.base64url(30)),
            ("Basic", base64(&format!("user:pw{}", random.alnum(12)))),
            ("Token", random.hex(40)),
            ("bearer", random.alnum(16)),
            ("Digest", random.hex(32)),
            (
                "Bearer",
                format!("{}.{}", random.alnum(10), random.alnum(20)),
            ),
        ] {
            cored.push(Secret {
                kind: "scheme",
                category: "auth",
                text: format!("{scheme} {value}"),
                core: value,
            });
        }
        for name in [
            "X-Amz-Signature",
            "sig",
            "Signature",
            "X-Goog-Signature",
            "access_token",
            "api_key",
            "token",
        ] {
            let core = random.hex(40);
            let text = format!(
                "https://files.example.com/a/report.pdf?expires=1700000000&{name}={core}&part=2"
            );
            cored.push(Secret {
                kind: name,
                category: "signed url",
                text,
                core,
            });
        }
    }
    secrets.append(&mut cored);
    secrets
}

pub(crate) fn base64(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let n = u32::from(chunk[0]) << 16
            | u32::from(*chunk.get(1).unwrap_or(&0)) << 8
            | u32::from(*chunk.get(2).unwrap_or(&0));
        for i in 0..4 {
            out.push(if i <= chunk.len() {
                char::from(ALPHABET[(n >> (18 - 6 * i)) as usize & 63])
            } else {
                '='
            });
        }
    }
    out
}

fn luhn(random: &mut Random, prefix: &str, length: usize) -> String {
    let body = prefix.to_owned() + &random.from("0123456789", length - prefix.len() - 1);
    for check in 0..10 {
        let number = format!("{body}{check}");
        let sum: u32 = number
            .bytes()
            .rev()
            .enumerate()
            .map(|(i, b)| {
                let d = u32::from(b - b'0');
                if i % 2 == 0 {
                    d
                } else if d > 4 {
                    2 * d - 9
                } else {
                    2 * d
                }
            })
            .sum();
        if sum.is_multiple_of(10) {
            return number;
        }
    }
    unreachable!("one of ten check digits fits")
}

fn grouped(number: &str, groups: &[usize], separator: &str) -> String {
    let mut at = 0;
    groups
        .iter()
        .map(|len| {
            at += len;
            &number[at - len..at]
        })
        .collect::<Vec<_>>()
        .join(separator)
}

fn iban(random: &mut Random, country: &str, shape: usize) -> String {
    let body = match shape {
        0 => format!("ABNA{}", random.digits(10)),
        1 => format!("WEST{}", random.digits(14)),
        n => random.digits(n),
    };
    let numbers: String = format!("{body}{country}00")
        .chars()
        .map(|c| c.to_digit(36).expect("letter or digit").to_string())
        .collect();
    let rest = numbers
        .bytes()
        .fold(0u32, |n, b| (n * 10 + u32::from(b - b'0')) % 97);
    format!("{country}{:02}{body}", 98 - rest)
}

/// Names and values of secrets that only their name tells.
pub(crate) fn named(random: &mut Random) -> Vec<(String, String)> {
    let names = [
        "password",
        "db_password",
        "DB_PASSWORD",
        "userPassword",
        "passwd",
        "PGPASSWORD",
        "passphrase",
        "client_secret",
        "clientSecret",
        "api_key",
        "apiKey",
        "API_KEY",
        "x-api-key",
        "X-API-Key",
        "secret",
        "secret_key",
        "SECRET_KEY",
        "access_token",
        "accessToken",
        "refresh_token",
        "refreshToken",
        "auth_token",
        "private_key",
        "signing_key",
        "encryption_key",
        "aws_secret_access_key",
        "AWS_SECRET_ACCESS_KEY",
        "session_id",
        "sessionId",
        "credential",
        "JWT_SECRET",
        "webhook_secret",
        "smtp_password",
        "redis_password",
        "MYSQL_ROOT_PASSWORD",
        "STRIPE_SECRET_KEY",
        "master_key",
        "bot_token",
        "token",
        "TOKEN",
    ];
    let mut all = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let value = match i % 7 {
            0 => random.alnum(20),
            1 => format!("S3cr{}t!{}", random.alnum(2), random.alnum(4)),
            2 => random.hex(32),
            3 => format!("hunter{}", random.digits(3)),
            4 => format!(
                "{}+{}/{}Z9",
                random.alnum(12),
                random.alnum(12),
                random.alnum(13)
            ),
            5 => format!(
                "Tr0ub4dor{}{}",
                random.pick(&["&", "$", "*", "%", "^", "!"]),
                random.digits(2)
            ),
            _ => format!("correct{}horse", random.pick(&["-", "_"])),
        };
        all.push(((*name).to_owned(), value));
    }
    all
}
