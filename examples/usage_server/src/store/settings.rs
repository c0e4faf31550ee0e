//! What is one value: the key of the keyed hashes, and what else the server remembers by name.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::Sha256;

/// The key of the keyed hashes.
const HASH_KEY: &str = "hash_key";

/// Reads a value.
pub fn get(db: &Connection, name: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT value FROM setting WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// Writes a value in place of the one before.
pub fn set(tx: &Transaction<'_>, name: &str, value: &[u8]) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
    )?
    .execute(params![name, value])?;
    Ok(())
}

/// What stands in place of an id or an address once the person is forgotten: nobody without the database's key can
/// tell whose it is by trying names.
pub fn keyed_hash(tx: &Transaction<'_>, text: &str) -> rusqlite::Result<[u8; 32]> {
    Ok(hash_with(&hash_key(tx)?, text))
}

pub(super) fn hash_with(key: &[u8], text: &str) -> [u8; 32] {
    // Addresses are told apart without their case, ids with it.
    let text = match text.trim() {
        address if address.contains('@') => address.to_lowercase(),
        id => id.to_owned(),
    };
    // A key of any length is one.
    let mac = Hmac::<Sha256>::new_from_slice(key);
    mac.map_or([0; 32], |mac| {
        mac.chain_update(text.as_bytes())
            .finalize()
            .into_bytes()
            .into()
    })
}

/// The key, which is made when it is first asked for.
pub(super) fn hash_key(tx: &Transaction<'_>) -> rusqlite::Result<Vec<u8>> {
    if let Some(key) = get(tx, HASH_KEY)? {
        return Ok(key);
    }
    let key = super::random_bytes::<32>()?;
    set(tx, HASH_KEY, &key)?;
    Ok(key.to_vec())
}
