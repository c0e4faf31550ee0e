//! Command-line tools that take a password, and where: by a short option, or by its place among the arguments.

use crate::redact::read::bytes::{self, run_end};
use crate::redact::read::lex::is_blank;
use crate::redact::read::scope::Scope;

/// So far back a command begins.
pub(crate) const MAX_COMMAND: usize = 200;
/// More words are not looked at.
const MAX_ARGUMENTS: usize = 24;

/// Short options that a password follows, and the tools that have them.
#[rustfmt::skip]
pub(crate) const OPTIONS: &[(&str, &[&str])] = &[
    ("-p", &["sshpass", "login", "mongo", "mongosh", "mongodump", "mongorestore", "pscp", "plink", "psftp", "cqlsh", "snowsql", "useradd", "usermod", "adduser", "psexec",
        "evil-winrm", "crackmapexec", "nxc", "netexec", "hydra", "ncftp", "rdesktop", "steghide",
            "twine", "ldapmodify", "neo4j-admin",
            "rabbitmqadmin", "cypher-shell", "gpresult", "winrs", "7z", "rar", "unrar"]),
    ("-pw", &["plink", "pscp", "psftp", "putty"]),
    ("-P", &["sqlcmd", "bcp", "isql", "osql", "tsql", "zip", "unzip", "mosquitto_pub", "mosquitto_sub", "ipmitool", "ssh-keygen", "trino"]),
    ("-N", &["ssh-keygen"]),
    ("-a", &["redis-cli", "valkey-cli", "keydb-cli"]),
    ("-w", &["ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapwhoami", "ldappasswd", "security"]),
    ("-k", &["openssl"]),
    ("-A", &["snmpwalk", "snmpget", "snmpset", "snmpbulkwalk"]),
    ("-X", &["snmpwalk", "snmpget", "snmpset", "snmpbulkwalk"]),
    ("-t", &["influx", "doctl", "codecov", "codecovcli"]),
    ("-b", &["secret"]),
    ("--body", &["secret"]),
    ("-String", &["ConvertTo-SecureString"]),
    ("-U", OF_SAMBA),
    ("-u", &["lftp"]),
];

/// Tools whose option takes `user%password`.
const OF_SAMBA: &[&str] = &["smbclient", "rpcclient", "net", "winexe", "smbget"];

/// Whether a password follows this short option of a tool.
pub(crate) fn takes_password(tool: &[u8], option: &[u8]) -> bool {
    OPTIONS.iter().any(|(known, takers)| {
        known.as_bytes() == option && takers.iter().any(|taker| taker.as_bytes() == name_of(tool))
    })
}

/// The names of all tools that are known here: a rule below is tried only where one of these stands.
#[rustfmt::skip]
fn is_tool(name: &[u8]) -> bool {
    matches!(name,
        b"7z" | b"7za" | b"7zz" | b"CONNECT" | b"ConvertTo-SecureString" | b"Write-Output" | b"adduser" | b"az" |
        b"bcp" | b"bw" | b"codecov" | b"codecovcli" | b"comet" | b"composer" | b"conn" | b"connect" | b"cqlsh" |
        b"crackmapexec" | b"cypher-shell" | b"doctl" | b"doppler" | b"dscl" | b"echo" | b"evil-winrm" | b"exp" |
        b"expdp" | b"gpresult" | b"htpasswd" | b"hydra" | b"imp" | b"impdp" | b"infisical" | b"ipmitool" | b"isql" |
        b"keydb-cli" | b"ldapadd" | b"ldapdelete" | b"ldapmodify" | b"ldappasswd" | b"ldapsearch" | b"ldapwhoami" |
        b"lftp" | b"login" | b"mariadb" | b"mariadb-dump" | b"mc" | b"mongo" | b"mongodump" | b"mongorestore" |
        b"mongosh" | b"mosquitto_pub" | b"mosquitto_sub" | b"mysql" | b"mysqladmin" | b"mysqlcheck" | b"mysqldump" |
        b"mysqlimport" | b"mysqlsh" | b"ncftp" | b"neo4j-admin" | b"net" | b"netexec" | b"ngrok" | b"nxc" | b"oc" |
        b"openssl" | b"osql" | b"plink" | b"printf" | b"pscp" | b"psexec" | b"psftp" | b"putty" | b"rabbitmqctl" |
        b"radtest" | b"rar" | b"rclone" | b"rdesktop" | b"redis-cli" | b"rman" | b"rpcclient" | b"secret" |
        b"security" | b"smbclient" | b"smbget" | b"snmpbulkwalk" | b"snmpget" | b"snmpset" | b"snmpwalk" | b"snowsql"
        | b"snyk" | b"sqlcl" | b"sqlcmd" | b"sqlldr" | b"sqlplus" | b"ssh-keygen" | b"sshpass" | b"steghide" |
        b"keytool" | b"jarsigner" | b"sudo" | b"trino" | b"trunk" | b"tsql" | b"unrar" | b"unzip" | b"useradd" | b"usermod" | b"valkey-cli" | b"vault" |
        b"cargo" | b"chpasswd" | b"influx" | b"kinit" | b"passwd" | b"poetry" | b"rabbitmqadmin" | b"secrets" |
        b"twine" | b"wandb" | b"winexe" | b"winrs" | b"wpa_passphrase" | b"zip"
    )
}

/// Where a known tool was named last. Nothing else here is tried on a text that names none, and every byte is read
/// once for that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tools {
    read: usize,
    named: Option<usize>,
}

impl Tools {
    /// Whether a tool stands near before `to`, where a word begins.
    pub(crate) fn are_near(&mut self, scope: &Scope<'_>, to: usize) -> bool {
        let mut at = self
            .read
            .max(to.saturating_sub(MAX_COMMAND))
            .max(scope.origin);
        while at < to {
            let end = run_end(scope.text, at, to, |b| {
                !is_blank(b)
                    && !matches!(b, b'"' | b'\'' | b'\n' | b'|' | b';' | b'&' | b'(' | b'`')
            });
            if is_tool(name_of(scope.part(at, end))) {
                self.named = Some(end);
            }
            at = end + 1;
        }
        self.read = self.read.max(to);
        self.named
            .is_some_and(|end| end <= to && to - end < MAX_COMMAND)
    }
}

/// The words of a command up to some place in it, as far as they are looked at.
pub(crate) struct Command<'a> {
    pub(crate) words: [&'a [u8]; MAX_ARGUMENTS],
    pub(crate) count: usize,
}

impl<'a> Command<'a> {
    /// The words before `to`, back to where the command begins.
    pub(crate) fn before(scope: &Scope<'a>, to: usize) -> Self {
        let floor = scope.origin.max(to.saturating_sub(MAX_COMMAND));
        let line = scope.part(floor, to);
        let start = memchr::memrchr3(b'\n', b'|', b';', line).map_or(0, |n| n + 1);
        let line = bytes::rest(line, start);
        let start = memchr::memrchr3(b'&', b'(', b'`', line).map_or(0, |n| n + 1);
        let mut words = Self {
            words: [&[]; MAX_ARGUMENTS],
            count: 0,
        };
        for word in bytes::rest(line, start)
            .split(|b| is_blank(*b) || matches!(b, b'"' | b'\''))
            .filter(|word| !word.is_empty())
        {
            if let Some(slot) = words.words.get_mut(words.count) {
                *slot = word;
                words.count += 1;
            }
        }
        words
    }

    pub(crate) fn words(&self) -> &[&'a [u8]] {
        self.words.get(..self.count).unwrap_or(&[])
    }

    /// Whether one of these tools or subcommands is among the words.
    pub(crate) fn has(&self, tools: &[&str]) -> bool {
        self.words()
            .iter()
            .any(|word| tools.iter().any(|tool| name_of(word) == tool.as_bytes()))
    }

    /// The words from this tool on.
    pub(crate) fn from(&self, tool: &[u8]) -> Option<&[&'a [u8]]> {
        let at = self.words().iter().position(|word| name_of(word) == tool)?;
        self.words().get(at..)
    }
}

/// The name of a tool without its path.
fn name_of(word: &[u8]) -> &[u8] {
    let name = word
        .rsplit(|b| matches!(b, b'/' | b'\\'))
        .next()
        .unwrap_or(word);
    name.strip_suffix(b".exe").unwrap_or(name)
}

/// Tools of Oracle, whose credentials are `user/password@service`.
pub(crate) const ORACLE: &[&str] = &[
    "sqlplus", "sqlcl", "impdp", "expdp", "imp", "exp", "sqlldr", "rman", "connect", "CONNECT",
    "conn",
];

/// Whether the word at `start` follows a tool of Oracle.
pub(crate) fn is_oracle(scope: &Scope<'_>, start: usize) -> bool {
    Command::before(scope, start).has(ORACLE)
}
