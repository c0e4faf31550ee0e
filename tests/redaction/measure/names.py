"""Sensitive names, the signs that join them to a value, and values."""

# Words of a name, as they are joined in the style that a sign asks for.
NAMES = """
api key; api token; api secret; access token; access key; secret access key; auth token; auth key; authentication token;
authorization; bearer token; client secret; consumer secret; consumer key; app secret; app key; application key; shared secret;
secret; secret key; secret token; token; refresh token; id token; session token; session secret; session key; csrf secret;
signing key; signing secret; webhook secret; webhook signing key; encryption key; master key; private key; private token;
password; passwd; pwd; passphrase; pass; db password; database password; db pass; mysql root password; postgres password; pgpassword;
redis password; redis auth; mongo password; rabbitmq password; smtp password; smtp pass; mail password; imap password; ldap bind password;
ldap password; admin password; root password; user password; user pass; login password; service password; service account key;
keystore password; truststore password; key password; key store pass; cert password; pfx password; vault token; vault password;
ssh passphrase; ssh password; sudo password; become pass; ansible become password; wifi password; wpa passphrase; psk; pre shared key;
storage key; storage account key; account key; shared access key; connection password; proxy password; registry password; docker password;
ci token; deploy token; deploy key; npm token; github token; gitlab token; bot token; slack token; hub token; sonar token; codecov token;
sentry auth token; datadog api key; new relic license key; stripe secret key; twilio auth token; sendgrid api key; mailgun api key;
aws secret access key; aws session token; azure client secret; google api key; firebase token; openai api key; anthropic api key;
oauth token; oauth secret; oauth client secret; jwt secret; jwt signing key; cookie secret; secret key base; app encryption key; salt secret;
hmac key; hmac secret; license key; activation key; recovery code; backup code; otp secret; totp secret; mfa secret; two factor secret;
pin code; security answer; credentials; credential; unlock key; unseal key; root token; join token; bootstrap token; kubeadm token;
x api key; x auth token; private api key; merchant secret; payment secret; checkout secret; webhook token; service token; admin token; personal access token;
mailchimp key; algolia admin key; mapbox secret; pusher secret; cloudinary secret; zendesk secret; plaid secret; okta secret; auth0 secret;
shopify secret; hubspot key; intercom secret; twitch secret; spotify secret; dropbox secret; linkedin secret; facebook app secret;
passwort; kennwort; geheimnis; zugangsschluessel; mot de passe; cle secrete; jeton; contrasena; clave secreta; senha; chave secreta;
parola; wachtwoord; haslo; heslo; losenord; adgangskode; salasana; sifre; jelszo
"""

# Names in other scripts, which have one style alone.
SCRIPTS = ["\u043f\u0430\u0440\u043e\u043b\u044c", "\u5bc6\u7801", "\u5bc6\u78bc", "\u30d1\u30b9\u30ef\u30fc\u30c9", "\ube44\ubc00\ubc88\ud638", "contrase\u00f1a", "l\u00f6senord", "has\u0142o", "\u015fifre", "\u79d8\u5bc6\u9375", "mot de passe", "cl\u00e9 secr\u00e8te", "\u0643\u0644\u0645\u0629 \u0627\u0644\u0645\u0631\u0648\u0631", "\u03ba\u03c9\u03b4\u03b9\u03ba\u03cc\u03c2"]

# `%s` snake_case, `%c` camelCase, `%p` PascalCase, `%S` SCREAMING_CASE, `%k` kebab-case, `%d` dotted, `%h` Header-Case, `%w` words.
# `¤` is the value, `¢` a value without spaces or quotes.
SIGNS = [
    '%s = "¤"', "%s = '¤'", "%s: ¢", '%s: "¤"', "%s=¢", "%S=¢", 'export %S="¤"', "export %S=¢", "set %S=¢", 'setx %S "¤"', '$env:%S = "¤"',
    '"%s": "¤"', '{"%c": "¤", "region": "eu-west-1"}', '{"host": "db-3", "%s": "¤", "port": 5432}', "'%s' => '¤',", ":%s => '¤',", "%s => \"¤\"",
    '%c := "¤"', 'var %c = "¤";', "const %c = '¤';", 'const %c: string = "¤";', 'private static final String %S = "¤";', 'static const char *%s = "¤";',
    '#define %S "¤"', 'string %p = @"¤";', 'let %s = String::from("¤");', "let %c = \"¤\"", '$%s = "¤";', "$this->%c = '¤';", "define('%S', '¤');",
    '@%s = "¤"', '%s <- "¤"', 'val %c = "¤"', '%S: "¤"', "  %k: ¢\n  replicas: 3", "%d=¢", "%d: ¢", "spring.datasource.%d=¢", "-D%d=¢",
    "--%k ¢", "--%k=¢", "./tool --verbose --%k '¤' --out x.json", "<%c>¢</%c>", '<add key="%p" value="¤" />', '<property name="%c" value="¤"/>', '<param name="%s">¢</param>',
    '<entry key="%d">¢</entry>', "%h: ¢", "x-%k: ¢", "-H '%h: ¢'", "GET /v1/me?%s=¢ HTTP/1.1", "https://api.example.com/v1/items?page=2&%s=¢", "ENV %S=¢", "ARG %S=¢",
    "- name: %S\n  value: \"¤\"", "  - %S=¢", "%S ?= ¢", '%s ||= "¤"', '%s == "¤"', "if (%c === '¤') {", 'if "¤" == %c:', '\\"%s\\":\\"¢\\"', "'{\"%s\":\"¢\"}'", "%w: ¢", "%w = ¢", "%w - ¢", "%w is ¢",
    "%S: ¢\nREGION: eu-west-1", "[default]\n%s = ¢\nregion = eu-west-1", "%s {\n  value = \"¤\"\n}", 'variable "%s" {\n  type    = string\n  default = "¤"\n}', "%s\t=\t¢", "local %s = \"¤\"",
    "config.%s = '¤'", "os.environ['%S'] = '¤'", "process.env.%S = '¤'", "ENV['%S'] = '¤'", "settings.%p = \"¤\"", "set('%c', '¤')", "with_%s(\"¤\")", "  \x1b[3m%s\x1b[0m\x1b[2m=\x1b[0m\"¤\"", "\x1b[34;1m\"%s\"\x1b[0m:\x1b[32m\"¤\"\x1b[0m",
    "%ss:\n  - ¢", '"%ss": ["¤"]', "%S='¤' ./migrate.sh", "Server=db7;Database=crm;User Id=app;%p=¢;Encrypt=true", "host=db7 user=app %s=¢ dbname=crm", "(%s . \"¤\")", "%s:\n    ¢", "%s\n¢\n", "| %s | ¢ |", "%s,¢,active",
]

OPAQUE = ["{alnum:20}", "{alnum:24}", "{alnum:32}", "{alnum:40}", "{hex:32}", "{hex:40}", "{hex:64}", "{b64:43}=", "{b64u:43}", "{b64u:22}", "{lower:24}", "{upper:26}", "{uuid}", "{alnum:64}"]

# Passwords as people choose them, `¦` where the data has to break them.
CHOSEN = ["Sommer¦2024!", "corr¦ect-horse-battery", "P@ss¦w0rd99", "Tr0ub¦4dor&3", "hun¦ter2x", "Qwe¦rty!2345", "let¦mein2025", "Berl¦in#1989", "mango¦Tiger7", "Zu¦rich_Lake8", "iLove¦Pizza42", "dra¦gon.slayer9",
          "Liver¦pool8!", "Ken¦nwort-77", "sol¦yluna2020", "azer¦ty!B4", "Win¦ter(2025)", "blue¦Moose*19", "kanga¦roo%55", "Pa$$¦word1!", "gr8¦Gatsby", "nova¦kova88", "S3cr¦et-Garden", "7dwar¦fs!now", "open¦Sesame1",
          "Xk9¦#mQ2vL", "r4nd¦0m!Zz", "tulp¦en-en-molens5", "ne¦vermind91", "fjord¦Horse3", "Mas¦ter0fPuppets", "c0ff¦ee+Cream", "te¦st1234!X", "Grue¦nkohl24", "hola¦Mundo77"]
