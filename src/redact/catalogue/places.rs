//! Places in files and logs where words alone say that a secret follows, a row each.

use crate::redact::class::Class;

/// Where behind the words of a place the secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// The next word.
    Next,
    /// The one word, or the literal, that is left on the line.
    Only,
    /// The last word of the line.
    Last,
    /// What is left of the line, right behind the words.
    Joined,
    /// Each word of the line that begins so, without its beginning.
    Marked(u8),
    /// What is left of the line behind one more word, if that is the name of a secret.
    Named,
}

/// How the secret must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    /// In any way.
    Any,
    /// Like a literal, and not like a word of a sentence.
    Literal,
    /// Chosen or random.
    Chosen,
}

/// Words at the beginning of a line that a secret follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Of `a|b` one stands there, for `*` any word. They may stand on several lines.
    pub(crate) words: &'static str,
    pub(crate) takes: Takes,
    pub(crate) looks: Looks,
    /// A text, `{}` in the place of the secret.
    #[cfg(test)]
    pub(crate) example: &'static str,
    /// A text that the row must leave as it is, where one comes near.
    #[cfg(test)]
    pub(crate) near_miss: &'static str,
}

impl Place {
    const fn but_not(self, near_miss: &'static str) -> Self {
        #[cfg(not(test))]
        let _ = near_miss;
        Self {
            #[cfg(test)]
            near_miss,
            ..self
        }
    }
}

/// The example is for readers, and for the test of all rows: a binary does without it.
const fn place(words: &'static str, takes: Takes, looks: Looks, example: &'static str) -> Place {
    #[cfg(not(test))]
    let _ = example;
    Place {
        words,
        takes,
        looks,
        #[cfg(test)]
        example,
        #[cfg(test)]
        near_miss: "",
    }
}

use Looks::{Any, Chosen, Literal};
use Takes::{Joined, Last, Marked, Named, Next, Only};

/// The class of what the rows find.
pub(crate) const CLASS: Class = Class::Field;

#[rustfmt::skip] // A row is one line.
pub(crate) static PLACES: &[Place] = &[
    // Redis and LDAP.
    place("requirepass|masterauth|bindpw|rootpw", Only, Any, "port 6379\nrequirepass {}\nmaxclients 100"),
    place("AUTH", Only, Chosen, "AUTH {}\nOK").but_not("AUTH PLAIN\nAUTH LOGIN"),
    place("AUTH *", Only, Chosen, "127.0.0.1:6379> AUTH default {}\nOK").but_not("AUTH command called without a name or 2"),
    place("C: AUTH PLAIN|XOAUTH2", Only, Chosen, "C: AUTH PLAIN {}\nS: 235 ok"),
    place("ACL SETUSER|setuser", Marked(b'>'), Any, "ACL SETUSER bob7 on >{} ~* +@all").but_not("ACL LIST\nACL GETUSER bob7"),
    place("user * on", Marked(b'>'), Any, "user bob7 on >{} ~* +@all\nport 6379"),

    // Files of logins.
    place("machine * login * password", Next, Any, "machine api.example.com\n  login ada7\n  password {}\n"),
    place("default login * password", Next, Any, "default login ada7 password {}\n").but_not("default login shell1\n"),
    place("USER|User|user * PASS|Pass|pass", Only, Literal, "USER bob7\nPASS {}\n").but_not("PASS src/auth2.test.ts\nPASS src/b1.test.ts"),
    place("331 Password|User required PASS", Only, Literal, "USER bob7\n331 Password required\nPASS {}\n230 Logged in"),
    place("331 Please specify the password. PASS", Only, Literal, "331 Please specify the password.\nPASS {}\n"),
    place("331 Password required for * PASS", Only, Literal, "331 Password required for bob7\nPASS {}\n"),

    // Network devices.
    place("enable password|secret", Last, Literal, "hostname sw1\nenable secret 5 {}\n"),
    place("snmp-server community", Next, Chosen, "snmp-server community {} RO").but_not("snmp-server community public RO"),
    place("snmp-server host * version 2c", Next, Chosen, "snmp-server host 192.0.2.7 version 2c {}"),
    place("crypto isakmp key", Next, Chosen, "crypto isakmp key {} address 192.0.2.7").but_not("crypto isakmp policy 10\n hash sha256"),
    place("tacacs-server|radius-server key", Next, Chosen, "tacacs-server key 7 {}"),
    place("tacacs-server|radius-server host * key", Next, Chosen, "radius-server host 192.0.2.7 key {}"),
    place("ip ospf authentication-key", Next, Chosen, "ip ospf authentication-key {}"),
    place("ip ospf message-digest-key * md5", Next, Chosen, "ip ospf message-digest-key 1 md5 {}"),
    place("tacacs|radius server * address ipv4 * key", Next, Chosen, "tacacs server T1\n address ipv4 192.0.2.7\n key {}"),
    place("set psksecret", Last, Any, "config vpn\n    set psksecret {}\n"),
    place("key-string", Next, Chosen, "key-string {}"),
    place("set psksecret|password|passwd|secret|key ENC", Next, Literal, "config user local\n    set passwd ENC {}\n"),
    place("set security ike policy * pre-shared-key ascii-text", Next, Chosen, "set security ike policy p1 pre-shared-key ascii-text \"{}\""),
    place("wpa-psk ascii", Next, Chosen, "wpa-psk ascii 0 {}"),
    place("rocommunity|rwcommunity|rocommunity6|rwcommunity6", Next, Chosen, "rocommunity {} 10.0.0.0/8").but_not("rocommunity public default"),
    place("createUser * MD5|SHA|SHA-256|SHA-512", Next, Chosen, "createUser bob7 SHA {} AES"),
    place("createUser * MD5|SHA|SHA-256|SHA-512 * DES|AES|AES-128|AES-256", Next, Chosen, "createUser bob7 SHA [REDACTED_FIELD] AES {}"),
    place("com2sec * *", Next, Chosen, "com2sec readonly default {}").but_not("com2sec readonly default public"),
    place("stats auth", Next, Chosen, "stats auth {}").but_not("stats authentication is on since v2"),
    place("option key", Only, Chosen, "option ssid 'Home'\noption key '{}'\n").but_not("option key2 was chosen\n"),
    place("/msg NickServ IDENTIFY|identify", Last, Chosen, "/msg NickServ IDENTIFY {}"),
    place("PRIVMSG NickServ :IDENTIFY|:identify", Last, Chosen, "PRIVMSG NickServ :IDENTIFY ada7 {}").but_not("PRIVMSG NickServ :REGISTER ada7"),

    // Tests and sessions that type.
    place("Input Password *", Only, Chosen, "Login\n    Input Password    id=pass    {}\n").but_not("Input Password    ${FIELD}    ${PASSWORD1}\n"),
    place("expect \"password:\"|\"*password:\"|\"*assword:\"|\"*assword:*\"|\"*?assword:*\"|\"Password:\"|\"assword:\"|\"password:*\"|\"Password:*\" send", Only, Literal, "expect \"password:\"\nsend \"{}\\r\"\n").but_not("expect \"password:\"\nsend \"[lindex $argv 0]\\r\"\n"),

    // Builds.
    place("ENV|setx", Named, Literal, "FROM app:1.2\nENV DB_PASSWORD {}\n").but_not("ENV NODE_ENV production\nENV TOKEN_TTL 3600"),
    place("::add-mask::", Joined, Any, "::add-mask::{}").but_not("::debug::the build took 12s"),

    // What Vault is unsealed and recovered with.
    place("Unseal|Recovery Key *", Only, Any, "Unseal Key 1: {}\nUnseal Key 2: "),
];

/// The first two letters of the words that places begin with, a bit for each pair.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
static BEGINNINGS: [u64; 16] = {
    let mut bits = [0; 16];
    let mut row = 0;
    while row < PLACES.len() {
        let words = PLACES[row].words.as_bytes();
        let mut at = 0;
        while at + 1 < words.len() && words[at] != b' ' {
            if at == 0 || words[at - 1] == b'|' {
                let bit = letters_bit(words[at], words[at + 1]);
                bits[bit / 64] |= 1 << (bit % 64);
            }
            at += 1;
        }
        row += 1;
    }
    bits
};

const fn letters_bit(first: u8, second: u8) -> usize {
    (first as usize & 31) << 5 | second as usize & 31
}

/// Whether a line that begins with these letters could be a place.
#[inline]
pub(crate) fn may_begin(first: u8, second: u8) -> bool {
    let bit = letters_bit(first, second);
    let bits = BEGINNINGS.get(bit / 64).copied().unwrap_or(0);
    bits >> (bit % 64) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_may_begin_with_the_letters_of_any_of_its_first_words() {
        for place in PLACES {
            let first = place.words.split(' ').next().unwrap_or_default();
            for word in first.split('|') {
                let [one, two, ..] = word.as_bytes() else {
                    panic!("{word} is too short");
                };
                assert!(may_begin(*one, *two), "{word}");
            }
        }
        assert!(!may_begin(b'q', b'q') && !may_begin(0, 0));
    }
}
