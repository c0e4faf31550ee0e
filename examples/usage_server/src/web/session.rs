//! Links that sign in once, and the sessions of browsers. Both are kept as hashes: whoever reads the database cannot
//! sign in with it.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::store::random_bytes;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// How long a link that was not used works.
pub const LINK_MS: i64 = HOUR_MS;
/// A session ends when it was not used for so long, and at the latest so long after it began.
pub const IDLE_MS: i64 = 12 * HOUR_MS;
pub const LONGEST_MS: i64 = 7 * 24 * HOUR_MS;
/// How often its use is written down.
const TOUCH_MS: i64 = MINUTE_MS;

/// What somebody may do. The numbers stand in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Sees the pages.
    Reader = 1,
    /// Changes settings, exports, and forgets people as well.
    Admin = 2,
}

impl Role {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Admin => "admin",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Reader, Self::Admin]
            .into_iter()
            .find(|role| role.word() == word)
    }

    const fn of_number(number: u8) -> Self {
        match number {
            2 => Self::Admin,
            _ => Self::Reader,
        }
    }
}

/// A secret of 256 random bits, as text for an address or a cookie. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What the database has in place of a secret. A plain hash does: 256 random bits cannot be searched.
pub type Hash = [u8; 32];

impl Secret {
    fn new() -> rusqlite::Result<Self> {
        Ok(Self(hex(&random_bytes::<32>()?)))
    }

    /// A secret that a browser brings.
    pub fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> Hash {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// What makes a form this session's: nobody can tell it without the secret.
    pub fn form_token(&self) -> String {
        // A key of any length is one.
        let mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes());
        mac.map_or_else(
            |_| String::new(),
            |mac| hex(&mac.chain_update(b"form").finalize().into_bytes()),
        )
    }

    pub fn is_form_token(&self, token: &str) -> bool {
        let expected = self.form_token();
        !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(token.as_bytes()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub hash: Hash,
    pub role: Role,
    /// How the audit calls it.
    pub who: String,
    created_ms: i64,
    used_ms: i64,
}

impl Session {
    /// When it ends, if it is not used again.
    pub fn ends_ms(&self) -> i64 {
        (self.used_ms + IDLE_MS).min(self.created_ms + LONGEST_MS)
    }

    pub const fn is_to_be_touched(&self, now_ms: i64) -> bool {
        now_ms - self.used_ms >= TOUCH_MS
    }
}

/// Makes a link that signs in once.
pub fn new_link(tx: &Transaction<'_>, role: Role, now_ms: i64) -> rusqlite::Result<Secret> {
    let secret = Secret::new()?;
    tx.execute(
        "INSERT INTO sign_in_link (hash, role, expires_ms) VALUES (?1, ?2, ?3)",
        params![secret.hash(), role as u8, now_ms + LINK_MS],
    )?;
    Ok(secret)
}

/// Whether a link still works, without using it.
pub fn is_link(db: &Connection, link: &Secret, now_ms: i64) -> rusqlite::Result<bool> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM sign_in_link WHERE hash = ?1 AND expires_ms > ?2)",
        params![link.hash(), now_ms],
        |row| row.get(0),
    )
}

/// Uses a link up and begins a session. `None`: it was used before, has expired or never was.
pub fn redeem(
    tx: &Transaction<'_>,
    link: &Secret,
    now_ms: i64,
) -> rusqlite::Result<Option<(Secret, Session)>> {
    let role: Option<u8> = tx
        .query_row(
            "DELETE FROM sign_in_link WHERE hash = ?1 AND expires_ms > ?2 RETURNING role",
            params![link.hash(), now_ms],
            |row| row.get(0),
        )
        .optional()?;
    let Some(role) = role.map(Role::of_number) else {
        return Ok(None);
    };
    remove_ended(tx, now_ms)?;
    let secret = Secret::new()?;
    let name = hex(link.hash().get(..4).unwrap_or_default());
    let session = Session {
        hash: secret.hash(),
        role,
        who: format!("{} {name}", role.word()),
        created_ms: now_ms,
        used_ms: now_ms,
    };
    tx.execute(
        "INSERT INTO browser_session (hash, role, who, created_ms, used_ms) VALUES (?1, ?2, ?3, ?4, ?4)",
        params![session.hash, role as u8, session.who, now_ms],
    )?;
    Ok(Some((secret, session)))
}

/// The session of a secret, unless it has ended.
pub fn find(db: &Connection, hash: &Hash, now_ms: i64) -> rusqlite::Result<Option<Session>> {
    let mut statement = db.prepare_cached(
        "SELECT role, who, created_ms, used_ms FROM browser_session WHERE hash = ?1",
    )?;
    let session = statement.query_row([hash], |row| {
        Ok(Session {
            hash: *hash,
            role: Role::of_number(row.get(0)?),
            who: row.get(1)?,
            created_ms: row.get(2)?,
            used_ms: row.get(3)?,
        })
    });
    Ok(session
        .optional()?
        .filter(|session| now_ms < session.ends_ms()))
}

/// Writes down that a session was used.
pub fn touch(tx: &Transaction<'_>, hash: &Hash, now_ms: i64) -> rusqlite::Result<()> {
    let touch = "UPDATE browser_session SET used_ms = max(used_ms, ?2) WHERE hash = ?1";
    tx.execute(touch, params![hash, now_ms]).map(drop)
}

/// Ends a session.
pub fn end(tx: &Transaction<'_>, hash: &Hash) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM browser_session WHERE hash = ?1", [hash])
        .map(drop)
}

fn remove_ended(tx: &Transaction<'_>, now_ms: i64) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM sign_in_link WHERE expires_ms <= ?1", [now_ms])?;
    tx.execute(
        "DELETE FROM browser_session WHERE used_ms <= ?1 OR created_ms <= ?2",
        params![now_ms - IDLE_MS, now_ms - LONGEST_MS],
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_794_067_000;

    fn database() -> Connection {
        crate::store::schema::in_memory()
    }

    #[test]
    fn a_link_works_once_and_not_after_its_time() {
        let mut db = database();
        let tx = db.transaction().unwrap();
        let link = new_link(&tx, Role::Admin, NOW).unwrap();
        assert!(is_link(&tx, &link, NOW).unwrap());
        assert!(!is_link(&tx, &link, NOW + LINK_MS).unwrap());
        assert_eq!(redeem(&tx, &link, NOW + LINK_MS).unwrap(), None);
        let (_, session) = redeem(&tx, &link, NOW + 1).unwrap().unwrap();
        assert_eq!(session.role, Role::Admin);
        assert_eq!(redeem(&tx, &link, NOW + 2).unwrap(), None);
        assert_eq!(redeem(&tx, &Secret::given("ab"), NOW).unwrap(), None);
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_however_much_it_is_used() {
        let mut db = database();
        let tx = db.transaction().unwrap();
        let link = new_link(&tx, Role::Reader, NOW).unwrap();
        let (secret, _) = redeem(&tx, &link, NOW).unwrap().unwrap();
        let hash = secret.hash();
        let is_there = |at| find(&tx, &hash, at).unwrap().is_some();
        assert!(is_there(NOW + IDLE_MS - 1));
        assert!(!is_there(NOW + IDLE_MS));
        let mut at = NOW;
        while at < NOW + LONGEST_MS {
            touch(&tx, &hash, at).unwrap();
            assert!(is_there(at));
            at += IDLE_MS / 2;
        }
        assert!(!is_there(NOW + LONGEST_MS));
        assert!(is_there(NOW + LONGEST_MS - 1));
        end(&tx, &hash).unwrap();
        assert!(!is_there(NOW + 1));
    }

    #[test]
    fn what_has_ended_is_removed_with_the_next_sign_in() {
        let mut db = database();
        let tx = db.transaction().unwrap();
        let links = [
            new_link(&tx, Role::Reader, NOW),
            new_link(&tx, Role::Reader, NOW),
        ];
        redeem(&tx, links[0].as_ref().unwrap(), NOW)
            .unwrap()
            .unwrap();
        let late = NOW + LONGEST_MS;
        let link = new_link(&tx, Role::Reader, late).unwrap();
        redeem(&tx, &link, late).unwrap().unwrap();
        let count = |table: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table}");
            tx.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!((count("sign_in_link"), count("browser_session")), (0, 1));
    }

    #[test]
    fn no_secret_is_in_the_database_nor_in_a_log() {
        let mut db = database();
        let tx = db.transaction().unwrap();
        let link = new_link(&tx, Role::Admin, NOW).unwrap();
        let kept: Vec<u8> = tx
            .query_row("SELECT hash FROM sign_in_link", [], |row| row.get(0))
            .unwrap();
        let is_in = |part: &[u8]| {
            let secret = link.as_str().as_bytes();
            secret.windows(part.len()).any(|window| window == part)
        };
        assert!(!kept.chunks(8).any(is_in) && hex(&kept) != link.as_str());
        let (secret, session) = redeem(&tx, &link, NOW).unwrap().unwrap();
        let shown = format!("{link:?} {secret:?} {session:?}");
        assert!(!shown.contains(link.as_str()) && !shown.contains(secret.as_str()));
        assert!(!session.who.contains(link.as_str().get(..8).unwrap()));
    }

    #[test]
    fn a_form_belongs_to_one_session() {
        let (one, other) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert!(one.is_form_token(&one.form_token()));
        assert!(!other.is_form_token(&one.form_token()));
        assert!(!one.is_form_token(""));
        assert!(!one.is_form_token(one.as_str()));
    }
}
