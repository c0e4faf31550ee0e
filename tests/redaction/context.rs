//! Secrets in the files and commands of particular programs.

use serde_json::{Value, json};

/// A text, what must be gone from it, and what must stay.
pub(crate) struct Particular {
    pub(crate) input: Value,
    pub(crate) secrets: Vec<&'static str>,
    pub(crate) neighbours: Vec<&'static str>,
}

/// Takes the marks out that keep key-shaped texts apart in this file, so that no scanner takes it for a leak.
fn together(input: &Value) -> Value {
    serde_json::from_str(&input.to_string().replace("|~|", ""))
        .expect("the marks stand inside of strings")
}

/// Texts with a secret in the place of `{}`: commands that take it by its place, calls, sentences, tables, pages.
const PLACES: &[&str] = &[
    "rabbitmqctl add_user bob {}",
    "htpasswd -cb .htpasswd bob {}",
    "mc alias set s3 https://s3.example.com admin {}",
    "net user bob {} /add",
    "ldapsearch -x -D cn=admin -w {} -b dc=example",
    "snmpwalk -v3 -u bob -A {} host",
    "xfreerdp /u:bob /p:{} /v:host",
    "smbclient //host/share -U bob%{}",
    "sqlplus scott/{}@orcl",
    "impdp system/{} directory=d",
    "keytool -genkey -storepass {} -alias a",
    "echo {} | docker login -u bob --password-stdin",
    "echo 'bob:{}' | chpasswd",
    "gh auth login --with-token <<< {}",
    "az login -u bob@example.com -p {}",
    "java -Dtoken={} -jar app.jar",
    "bob:{}@tcp(127.0.0.1:3306)/app?parseTime=true",
    "curl -x http://bob:{}@proxy:3128 https://example.com",
    "variable \"db_password\" {\n  type = string\n  default = \"{}\"\n}\n",
    "<property><name>fs.s3a.secret.key</name><value>{}</value></property>",
    "<dt>API key</dt><dd>{}</dd>",
    "<p>Password: <b>{}</b></p>",
    "enable secret 5 {}",
    "snmp-server community {} RO",
    "jwt.sign(payload, \"{}\")",
    "crypto.createHmac(\"sha256\", \"{}\")",
    "new NetworkCredential(\"bob\", \"{}\")",
    "requests.get(url, auth=(\"bob\", \"{}\"))",
    "mysqli_connect(\"localhost\", \"root\", \"{}\", \"db\")",
    "process.env.API_KEY || \"{}\"",
    "password = os.getenv(\"PW\", \"{}\")",
    "api_key <- \"{}\"",
    "await page.fill('#password', '{}')",
    "await page.getByLabel('Password').fill('{}')",
    "document.querySelector('#password').value = '{}'",
    "mi contrase\u{f1}a es {}",
    "la mia password \u{e8} {}",
    "\u{5bc6}\u{7801}\u{662f}{}",
    "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}\u{306f}{}\u{3067}\u{3059}",
    "\u{43c}\u{43e}\u{439} \u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} {}",
    "heslo: {}",
    "password changed to {}",
    "Password \u{2013} {}",
    "password -> {}",
    "| API_KEY | {} |",
    "the password of the database: {}",
    "type {} into the password field",
    "use {} as password",
    "Password\n{}\n",
    "bob@example.com:{}",
    "https://example.com/?email=bob@example.com&token={}",
    "Unseal Key 1: {}\nUnseal Key 2: ",
    "Recovery Key 5: {}",
    "  ~ \"API_SECRET\" = \"old9value\" -> \"{}\"",
    "gh secret set API_KEY --body \"{}\" --repo a/b",
    "Ihr Sicherheitspasswort lautet {}.",
    "login ok user=ann token=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789{}",
    "+------+----------+\n| user | password |\n+------+----------+\n| bob  | {} |\n+------+----------+",
];

/// Texts in which a word without a digit can only be a literal, in the place of `{}`.
const BARE: &[&str] = &[
    "Server=db7;Database=crm;User Id=app;Password={};",
    "jdbc:sqlserver://db7:1433;user=sa;password={}",
    "host=db7 port=5433 user=app password={} dbname=crm",
    "machine api.example.com\n  login ada7\n  password {}\n",
    "port 6379\nrequirepass {}\nmaxclients 100",
    "uri ldap://ldap.example.com\nbindpw {}",
    "127.0.0.1:6379> AUTH default {}\nOK",
    "ACL SETUSER bob7 on >{} ~* +@all",
    "USER bob7\nPASS {}\n",
    "FROM app:1.2\nENV DB_PASSWORD {}\n",
    "redis-cli -h cache7 -a {} ping",
    "redis-cli -a {} ping",
    "mysql -uroot -p{} shop",
    "keytool -list -keystore k7.jks -storepass {}",
    "lftp -u bob,{} sftp://host7",
    "smbclient //h7/s -U 'CORP\\\\ann%{}' -c ls",
    "openssl pkcs12 -in k7.p12 -passin pass:{}",
    "environment:\n  POSTGRES_USER: app7\n  POSTGRES_PASSWORD: {}\n",
    "ansible_user: deploy7\nansible_ssh_pass: {}\n",
    "grafana:\n  adminUser: admin\n  adminPassword: {}\n  size: 10Gi",
    "default login ada7 password {}\nmacdef init",
    "[client]\nuser = app7\npassword = {}\n",
    "set DB_PASSWORD=blue.{}",
    "input {\n  jdbc_user => \"ls7\"\n  jdbc_password => \"{}\"\n}",
    "mon mot de passe est : {}",
    "props.setProperty(\"password\", \"{}\");",
    "user.setPassword(\"{}\");",
    "password <- \"{}\"",
    "release { storePassword \"{}\"\n keyAlias \"upload7\" }",
    "cy.get('#password').type('{}'); cy.wait(500)",
    "new NetworkCredential(\"bob\", \"{}\")",
    "smtp.login(\"me\", \"{}\")",
    "args: [\"--user\", \"ro\", \"--password\", \"{}\"]",
    "password=\u{201c}two {} words\u{201d} and port=5433",
    "password=\u{201e}two {} words\u{201c} and \u{201c}port\u{201d}",
    "password=\u{ab}two {} words\u{bb} and port=5433",
    "user/pass: ada7/{}",
    "::add-mask::{}",
    "user ada7 on >{} ~cached:* +get",
    "ldap_default_authtok = \"{}\"\nldap_uri = ldap://dc1",
    "resource \"db\" \"main\" {\n  password          = \"fish & {} @ 9pm!\"\n}",
    "const api_key: []const u8 = \"{}\";",
    "pub static JWT_SECRET: &[u8] = b\"{}\";",
];

pub(crate) fn all() -> Vec<Particular> {
    let places = PLACES.iter().map(|place| Particular {
        input: Value::from(place.replace("{}", "zebra9crossing")),
        secrets: vec!["zebra9crossing"],
        neighbours: Vec::new(),
    });
    let bare = BARE.iter().map(|place| Particular {
        input: Value::from(place.replace("{}", "Schmetterling")),
        secrets: vec!["Schmetterling"],
        neighbours: Vec::new(),
    });
    let mut all = particular();
    all.extend(places);
    all.extend(bare);
    all
}

fn particular() -> Vec<Particular> {
    let case = |input: Value, secrets: &[&'static str], neighbours: &[&'static str]| Particular {
        input: together(&input),
        secrets: secrets.to_vec(),
        neighbours: neighbours.to_vec(),
    };
    vec![
        case(
            json!("machine api.example.com login rachel password hunter2x"),
            &["hunter2x"],
            &["machine api.example.com login rachel password"],
        ),
        case(
            json!({"attributeName": "userPassword", "attributeValue": "Wa5Ww8ZavRuoO9-n"}),
            &["Wa5Ww8ZavRuoO9-n"],
            &["userPassword"],
        ),
        case(
            json!({"args": ["redis-cli", "-h", "cache-1", "-a", "WZupbW7lu2!Y", "PING"]}),
            &["WZupbW7lu2!Y"],
            &["cache-1", "PING"],
        ),
        case(
            json!({"sheet": [["service", "password"], ["mail", "YCYMzntSO33lf2+H"], ["crm", "QMqj1mOFqb0-2"]]}),
            &["YCYMzntSO33lf2+H", "QMqj1mOFqb0-2"],
            &["service", "mail", "crm"],
        ),
        case(
            json!([
                ["login", "password", "city"],
                ["ada7", "Zebra$Mountain", "Lyon"]
            ]),
            &["Zebra$Mountain"],
            &["ada7", "Lyon", "city"],
        ),
        case(
            json!({"lines": ["-----BEGIN PRI|~|VATE KEY-----", "MII3Mq4iVbE5g3b7+Az0XXL9PtSkniw18RMoVNQU6TTHmmM6r7P", "RNyWpf/ka", "-----END PRI|~|VATE KEY-----", "done"]}),
            &[
                "MII3Mq4iVbE5g3b7+Az0XXL9PtSkniw18RMoVNQU6TTHmmM6r7P",
                "RNyWpf/ka",
            ],
            &["done"],
        ),
        case(
            json!(
                "<td>gl|~|c_eyJsQziOXbqDA02gFPY9w8u/8BoUuRthnDCd5W0G2EbJflPH4xSfcmAwpmNvxOm4PVwOy259EYDieP1Gis0GFQWkLwona</td>"
            ),
            &["8BoUuRthnDCd5W0G2EbJflPH4xSf"],
            &["<td>", "</td>"],
        ),
        case(
            json!("The log shows cal_|~|live_b9fd7f82269b1ae... (truncated)"),
            &["b9fd7f82269b1ae"],
            &["(truncated)"],
        ),
        case(
            json!("document.cookie = \"sid=0e1af643-8f2b-4713-a671-36a5caac1fc2; path=/app7\""),
            &["0e1af643-8f2b-4713"],
            &["document.cookie", "path=/app7"],
        ),
        case(
            json!("\u{ff08}freya82@example.nl\u{ff09}\u{307e}\u{3067}\u{9023}\u{7d61}"),
            &["freya82", "example.nl"],
            &["\u{ff08}", "\u{ff09}\u{307e}\u{3067}\u{9023}\u{7d61}"],
        ),
        case(
            json!("\u{8bf7}\u{8054}\u{7cfb}lucia82@example.net\u{3002}"),
            &["lucia82", "example.net"],
            &["\u{8bf7}\u{8054}\u{7cfb}", "\u{3002}"],
        ),
        case(
            json!("ORA-01017: logon denied (sqlplus erp/Herbst_Laub9@//ora01:1521/ERP)"),
            &["Herbst_Laub9"],
            &["(sqlplus erp/", "@//ora01:1521/ERP)"],
        ),
        case(
            json!("DB_PASSWORD=b4dgerburrow\\nDB_PORT=5433"),
            &["b4dgerburrow"],
            &["DB_PORT=5433"],
        ),
        case(
            json!("ENV DB_PASSWORD=MyDogRex DB_PORT=5433"),
            &["MyDogRex"],
            &["ENV DB_PASSWORD=", " DB_PORT=5433"],
        ),
        case(
            json!(
                "Digest username=\"Mufasa\", realm=\"a@b\", uri=\"/x\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", response=\"6629fae49393a05397450978507c4ef1\""
            ),
            &["6629fae49393a05397450978507c4ef1"],
            &["Mufasa", "realm=\"a@b\"", "uri=\"/x\""],
        ),
        case(
            json!("%B51618|~|60992586397^VOS/BEA^31041010000000000000?"),
            &["5161860992586397"],
            &["VOS/BEA"],
        ),
        case(
            json!("//registry.npmjs.org/:_authToken=abcd1234-ef56-7890\nsave-exact=true"),
            &["abcd1234-ef56-7890"],
            &["registry.npmjs.org", "save-exact=true"],
        ),
        case(
            json!({"rawHeaders": ["Host", "api.example.com", "X-Auth-Token", "dB1KG03kTFCJ"]}),
            &["dB1KG03kTFCJ"],
            &["Host", "api.example.com", "X-Auth-Token"],
        ),
        case(
            json!({"env": ["HOME=/home/ada7", "SMTP_PASSWORD=Blue Goose 77!"]}),
            &["Blue", "Goose 77!"],
            &["HOME=/home/ada7", "SMTP_PASSWORD="],
        ),
        case(
            json!({"set-cookie": ["sid=878e677b58d54f08; Path=/app7; Secure", "theme=dark9"]}),
            &["878e677b58d54f08", "dark9"],
            &["sid=", "; Path=/app7; Secure"],
        ),
        case(
            json!({"Set-Cookie": "sid=878e677b58d54f08; Path=/app7; SameSite=Lax"}),
            &["878e677b58d54f08"],
            &["; Path=/app7; SameSite=Lax"],
        ),
        case(
            json!({"kty": "RSA", "n": "HIcaX1HZoeEJEENNx8rg", "e": "AQAB", "d": "1Jc6bx1AoCXnH3j2dkLH", "p": "jJ3bciDF4FJu"}),
            &["1Jc6bx1AoCXnH3j2dkLH", "jJ3bciDF4FJu"],
            &["HIcaX1HZoeEJEENNx8rg", "AQAB"],
        ),
        case(
            json!({"k": "c2VjcmV0a2V5", "d": "1Jc6bx1AoCXn", "kid": "key7", "kty": "oct"}),
            &["c2VjcmV0a2V5", "1Jc6bx1AoCXn"],
            &["key7"],
        ),
        case(
            json!({"password": "my password is secret", "note": "the wifi code is fd11c292efbf"}),
            &["my password is secret", "fd11c292efbf"],
            &["the wifi code is"],
        ),
        case(
            json!({"type": "secret", "key": "K", "value": "orange boat"}),
            &["orange boat"],
            &["K"],
        ),
        case(
            json!("dsn: sftp://ada7:sp%20ace9@nas7.local:22/up"),
            &["sp%20ace9"],
            &["@nas7.local:22/up"],
        ),
        case(
            json!("access_token$pro|~|duction$6y0x8ya9yuqef10x$542c429edb8cc62447e0"),
            &["542c429edb8cc62447e0"],
            &[],
        ),
        case(
            json!("sign|~|key-prod-12da1b5d6a25cc3184f754b201b0f4a3"),
            &["12da1b5d6a25cc31"],
            &[],
        ),
        case(
            json!("value Nm78|~|Q~iwcEZK7lKDJRqviMqY"),
            &["iwcEZK7lKDJR"],
            &["value"],
        ),
        case(
            json!(
                "https://api.example.com/2.5/weather?q=Oslo&app|~|id=0d5876915356e44ab28ed7739a2531ff"
            ),
            &["0d5876915356e44a"],
            &["q=Oslo"],
        ),
        case(
            json!("user=app;Pwd=two words;Server=db7 and more"),
            &["two words"],
            &["Server=db7 and more"],
        ),
        case(
            json!("_auth=dXNlcjpwYXNzMTIz\nemail=none"),
            &["dXNlcjpwYXNzMTIz"],
            &["email=none"],
        ),
        case(
            json!("CREATE USER 'bob'@'%' IDENTIFIED BY 'hunter two!';"),
            &["hunter two!"],
            &["CREATE USER 'bob'", "IDENTIFIED BY"],
        ),
        case(
            json!("CREATE ROLE app LOGIN PASSWORD 'correcthorse' VALID UNTIL 'infinity'"),
            &["correcthorse"],
            &["CREATE ROLE app", "VALID UNTIL 'infinity'"],
        ),
        case(
            json!("ALTER USER app WITH ENCRYPTED PASSWORD 'it''s secret';"),
            &["it''s secret", "s secret"],
            &["ALTER USER app"],
        ),
        case(
            json!("UPDATE users SET password = 'zebra9crossing', name = 'bob' WHERE id = 7"),
            &["zebra9crossing"],
            &["name = 'bob'", "id = 7"],
        ),
        case(
            json!("SELECT * FROM users WHERE email = 'x' AND password = 'zebra''9'"),
            &["zebra''9"],
            &["email = 'x'"],
        ),
        case(
            json!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  username: YWRtaW4=\n  conn: c2VjcmV0dmFsdWU=\ntype: Opaque\n"
            ),
            &["YWRtaW4=", "c2VjcmV0dmFsdWU="],
            &["kind: Secret", "name: db", "username:", "type: Opaque"],
        ),
        case(
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"x": "c2VjcmV0dmFsdWU="}, "metadata": {"name": "db"}}),
            &["c2VjcmV0dmFsdWU="],
            &["db"],
        ),
        case(
            json!({"auths": {"https://index.docker.io/v1/": {"auth": "cmFjaGVsOmh1bnRlcjI="}}, "x": "keep"}),
            &["cmFjaGVsOmh1bnRlcjI="],
            &["index.docker.io", "keep"],
        ),
        case(
            json!("Cookie: session=abc123def456; theme=dark9mode"),
            &["abc123def456", "dark9mode"],
            &["Cookie:", "session=", "theme="],
        ),
        case(
            json!("Set-Cookie: sid=s%3Aabc123def456; Path=/app; HttpOnly; Secure; SameSite=Lax"),
            &["abc123def456"],
            &["Path=/app", "HttpOnly", "SameSite=Lax"],
        ),
        case(
            json!({"headers": {"Cookie": "a=b1c2d3", "Accept": "x/y"}}),
            &["b1c2d3"],
            &["x/y"],
        ),
        case(
            json!(
                "Authorization: Digest username=\"Mufasa\", realm=\"a@b\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", response=\"6629fae49393a05397450978507c4ef1\""
            ),
            &["6629fae49393a05397450978507c4ef1"],
            &["Mufasa", "realm"],
        ),
        case(
            json!(
                "the key is AK|~|IAKIC77C3BBTNAHCKU and its secret is /rDm46FFmwZ2fPw8flRavQpn4ilxgHwnCSGzB96L in lamp-7"
            ),
            &["/rDm46FFmwZ2fPw8flRavQpn4ilxgHwnCSGzB96L"],
            &["in lamp-7"],
        ),
        case(
            json!("Authorization: abcdef0123456789abcdef"),
            &["abcdef0123456789abcdef"],
            &["Authorization"],
        ),
        case(
            json!("authorization: token abcdef0123456789abcdef\naccept: json"),
            &["abcdef0123456789abcdef"],
            &["accept: json"],
        ),
        case(
            json!(
                "aws_access_key_id = x\naws_secret_access_key = wJalr|~|XUtnFEMI/K7MDENG/bPxRfiCYzzzzzzKEY1\nregion = eu-west-1"
            ),
            &["wJalrXUtnFEMI", "K7MDENG", "bPxRfi"],
            &["region = eu-west-1"],
        ),
        case(
            json!(
                "DefaultEndpointsProtocol=https;AccountName=acme;Account|~|Key=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9v1w==;EndpointSuffix=core.windows.net"
            ),
            &["Zm9vYmFyYmF6cXV4"],
            &["AccountName=acme", "EndpointSuffix=core.windows.net"],
        ),
        case(
            json!(
                "Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;Shared|~|AccessKey=abc/def+ghi012345678901234567890123456789012="
            ),
            &["abc/def+ghi0123"],
            &["SharedAccessKeyName=Root", "acme.servicebus"],
        ),
        case(
            json!(
                "Server=tcp:db.example.com,1433;Database=app;User ID=sa;Password=p;ss,w0rd!x;Encrypt=true"
            ),
            &["w0rd!x"],
            &["Database=app", "User ID=sa", "Encrypt=true"],
        ),
        case(
            json!("host=db user=app password='two words 9' dbname=x"),
            &["two words 9"],
            &["host=db", "dbname=x"],
        ),
        case(
            json!("mysql -u root -pS3cretPw! app"),
            &["S3cretPw!"],
            &["mysql -u root", "app"],
        ),
        case(
            json!("curl -u rachel:hunter2x https://example.com/a"),
            &["hunter2x"],
            &["rachel", "https://example.com/a"],
        ),
        case(
            json!("curl --user 'rachel:two words' https://example.com/a"),
            &["two words"],
            &["https://example.com/a"],
        ),
        case(
            json!("sshpass -p hunter2x ssh bob@host"),
            &["hunter2x"],
            &["ssh bob@host"],
        ),
        case(
            json!("docker login -u bob -p hunter2x reg.example.com"),
            &["hunter2x"],
            &["-u bob", "reg.example.com"],
        ),
        case(
            json!({"args": ["-u", "rachel:hunter2x", "https://example.com"]}),
            &["hunter2x"],
            &["https://example.com"],
        ),
        case(
            json!("redis-cli -a hunter2xyz ping"),
            &["hunter2xyz"],
            &["ping"],
        ),
        case(
            json!("requirepass hunter2xyz\nport 6379"),
            &["hunter2xyz"],
            &["port 6379"],
        ),
        case(
            json!("ENV DB_PASSWORD hunter2xyz\nRUN make"),
            &["hunter2xyz"],
            &["RUN make"],
        ),
        case(
            json!("my password is hunter2xyz, please log in"),
            &["hunter2xyz"],
            &["please log in"],
        ),
        case(
            json!("API key: a1b2c3d4e5f6a7b8 and region eu"),
            &["a1b2c3d4e5f6a7b8"],
            &["region eu"],
        ),
        case(
            json!("**Password:** hunter2xyz\n**User:** bob"),
            &["hunter2xyz"],
            &["bob"],
        ),
        case(
            json!("<b>Password:</b> hunter2xyz<br>"),
            &["hunter2xyz"],
            &["<br>"],
        ),
        case(
            json!(
                "<dict><key>Password</key>\n<string>hunter two</string><key>User</key><string>bob</string></dict>"
            ),
            &["hunter two"],
            &["bob"],
        ),
        case(
            json!("<password><![CDATA[hunter<2>x]]></password><user>bob</user>"),
            &["hunter<2>x"],
            &["<user>bob</user>"],
        ),
        case(
            json!(
                "<input type=\"password\" name=\"pw\" value=\"hunter two\"><input name=\"u\" value=\"bob\">"
            ),
            &["hunter two"],
            &["value=\"bob\""],
        ),
        case(
            json!("password = \"\"\"multi\nline\"\"\"\nuser = 1"),
            &["multi", "line\"\"\""],
            &["user = 1"],
        ),
        case(
            json!("$env:API_KEY = \"abc def 9\"; $x = 1"),
            &["abc def 9"],
            &["$x = 1"],
        ),
        case(
            json!("{\"password\": \"a\\\"b9\\\"c\", \"u\": \"bob\"}"),
            &["b9"],
            &["bob"],
        ),
        case(
            json!("config: {\"password\": \"a\\\"b9\\\"c\", \"u\": \"bob\"} end"),
            &["b9", "c\\\""],
            &["bob", "end"],
        ),
        case(
            json!("password='it'\"'\"'s9' user=bob"),
            &["it'"],
            &["user=bob"],
        ),
        case(
            json!({"request": {"headers": [{"name": "Authorization", "value": "Bearer x"}, {"name": "Host", "value": "example.com"}], "cookies": [{"name": "sid", "value": "zz99yy"}]}}),
            &["Bearer x", "zz99yy"],
            &["example.com"],
        ),
        case(
            json!({"rawHeaders": ["Authorization", "Bearer abcdef123456", "Host", "example.com"]}),
            &["abcdef123456"],
            &["example.com"],
        ),
        case(
            json!({"Environment": {"Variables": {"DB_PASSWORD": "x9", "STAGE": "prod"}}}),
            &["x9"],
            &["prod"],
        ),
        case(
            json!({"Env": ["DB_PASSWORD=hunter two", "STAGE=prod"]}),
            &["hunter two"],
            &["STAGE=prod"],
        ),
        case(
            json!({"phone": "5551234567", "name": "bob"}),
            &["5551234567"],
            &["bob"],
        ),
        case(
            json!({"phoneNumber": 4_155_552_671_u64, "n": 5}),
            &["4155552671"],
            &["5"],
        ),
        case(
            json!("phone: 020 7946 0958, name: bob"),
            &["020 7946 0958"],
            &["name: bob"],
        ),
        case(json!("tel=4155552671&x=1"), &["4155552671"], &["x=1"]),
        case(
            json!("call me at 4155552671 tomorrow"),
            &["4155552671"],
            &["tomorrow"],
        ),
        case(
            json!("<a href=\"tel:+14155552671\">x</a>"),
            &["4155552671"],
            &["</a>"],
        ),
        case(json!("SSN 123456789 on file"), &["123456789"], &["on file"]),
        case(json!("ssn: 123-45-6789, x"), &["123-45-6789"], &[", x"]),
        case(
            json!({"ssn": "123456789", "cvv": 123, "pin": "4821", "card_pin": "99"}),
            &["123456789", "123,", "4821"],
            &["cvv"],
        ),
        case(
            json!({"n": 4_111_111_111_111_111_u64}),
            &["4111111111111111"],
            &[],
        ),
        case(
            json!("mailto:rachel@example.com?subject=x"),
            &["rachel@example.com"],
            &["mailto:", "subject=x"],
        ),
        case(json!("q=rachel%40example.com&x=1"), &["rachel"], &["x=1"]),
        case(
            json!("q=rachel%2Bnews%40example.com&x=1"),
            &["rachel"],
            &["x=1"],
        ),
        case(
            json!("rachel\\u0040example.com and rachel&#64;example.com"),
            &["rachel"],
            &[" and "],
        ),
        case(
            json!("Name <rachel@example.com>, \"Bob\" <bob@example.org>"),
            &["rachel", "bob@"],
            &["Name", "Bob"],
        ),
        case(
            json!("{\"password\":\"hunter2"),
            &["hunter2"],
            &["password"],
        ),
        case(
            json!(
                "\"type\": \"service_account\", \"private_key\": \"-----BEG|~|IN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\\n-----END PRIVATE KEY-----\\n\", \"client_email\": \"x\""
            ),
            &["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"],
            &["service_account", "client_email"],
        ),
        case(
            json!(
                "bot https://api.telegram.org/bot1234567890:|~|AAbcdefghijklmnopqrstuvwxyz123456789/sendMessage?x=1"
            ),
            &["AAbcdefghijklmnopqrstuvwxyz123456789"],
            &["/sendMessage?x=1", "api.telegram.org/bot"],
        ),
        case(
            json!(
                "-----BEG|~|IN OPENSSH PRIVATE KEY-----\\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\\n-----END OPENSSH PRIVATE KEY-----\\n then more"
            ),
            &["b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ"],
            &["then more"],
        ),
        case(
            json!(
                "    -----BEG|~|IN RSA PRIVATE KEY-----\n    MIIEpAIBAAKCAQEA7bq2n3k4\n    q1w2e3r4t5y6u7i8o9p0\n    -----END RSA PRIVATE KEY-----\nafter: yes"
            ),
            &["MIIEpAIBAAKCAQEA7bq2n3k4", "q1w2e3r4t5y6u7i8o9p0"],
            &["after: yes"],
        ),
        case(
            json!("user,password,city\nbob,correcthorse,paris\nann,swordfish1,rome\n"),
            &["correcthorse", "swordfish1"],
            &["bob", "ann", "paris", "rome"],
        ),
        case(
            json!("| user | password |\n|------|----------|\n| bob | swordfish1 |\n"),
            &["swordfish1"],
            &["bob", "| user | password |"],
        ),
        case(
            json!({"a": {"b": "token=abc123def456ghi"}, "c": "https://x.example.com/?api_key=abc123def456&y=2"}),
            &["abc123def456"],
            &["y=2"],
        ),
        case(
            json!({"AK|~|IAIOSFODNN7EXAMPLQ": 1, "ssh": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 bob"}),
            &["IOSFODNN7EXAMPLQ"],
            &["AAAAB3NzaC1yc2EAAAADAQABAAABgQC7"],
        ),
    ]
}
