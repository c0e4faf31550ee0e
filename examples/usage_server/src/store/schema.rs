//! The schema's steps. `user_version` holds the number of the last one that a database has taken.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// Outcomes that count as failed, as SQL: what `Outcome::is_bad` says.
pub(crate) const BAD: &str = "(1, 2, 5, 6, 7, 8)";

/// Classes that are counted, as SQL: what `Class::is_counted` says.
pub(crate) const COUNTED: &str = "(0, 1)";

/// In order, each with its number.
const STEPS: &[(u32, &str)] = &[
    (1, include_str!("schema.sql")),
    (2, include_str!("schema_2.sql")),
];

/// A database for tests of what reads and writes it.
#[cfg(test)]
pub(crate) fn in_memory() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection, Path::new("in memory")).unwrap();
    connection
}

pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    take_steps(connection, path, STEPS)
}

fn take_steps(
    connection: &mut Connection,
    path: &Path,
    steps: &[(u32, &str)],
) -> Result<(), StoreError> {
    let failed = |error| StoreError::Sqlite {
        path: path.to_owned(),
        error,
    };
    // Two processes that start at once must not both take a step.
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(failed)?;
    let taken: u32 = transaction
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    let known = steps.last().map_or(0, |(number, _)| *number);
    if taken > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            version: taken,
            known,
        });
    }
    // The number alone does not tell: any program may have written it, and 0 is what every other database has.
    let is_ours = shape(&transaction).map_err(failed)? == shape_of(steps, taken).map_err(failed)?;
    if !is_ours {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            version: taken,
        });
    }
    for (number, sql) in steps.iter().filter(|(number, _)| *number > taken) {
        transaction.execute_batch(sql).map_err(failed)?;
        transaction
            .pragma_update(None, "user_version", number)
            .map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

/// All tables, indexes and triggers, without comments and spaces.
fn shape(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let mut statement = connection.prepare(sql)?;
    let made = statement.query_map([], |row| row.get::<_, String>(0))?;
    made.map(|sql| {
        let sql = sql?;
        let lines = sql
            .lines()
            .map(|line| line.split("--").next().unwrap_or_default());
        Ok(lines.flat_map(str::split_whitespace).collect())
    })
    .collect()
}

/// What a database has that has taken the steps up to one.
fn shape_of(steps: &[(u32, &str)], taken: u32) -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open_in_memory()?;
    for (_, sql) in steps.iter().filter(|(number, _)| *number <= taken) {
        connection.execute_batch(sql)?;
    }
    shape(&connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Class, Outcome};

    fn version(connection: &Connection) -> u32 {
        connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn the_sets_in_sql_are_those_of_the_record() {
        let numbers = |is: &dyn Fn(Outcome) -> bool| {
            let all = Outcome::ALL.into_iter().filter(|outcome| is(*outcome));
            let numbers: Vec<_> = all.map(|outcome| (outcome as u8).to_string()).collect();
            format!("({})", numbers.join(", "))
        };
        assert_eq!(BAD, numbers(&Outcome::is_bad));
        let sql = "SELECT sql FROM sqlite_schema WHERE name = 'event_bad'";
        let index: String = in_memory().query_row(sql, [], |row| row.get(0)).unwrap();
        assert!(index.ends_with(&format!("outcome IN {BAD}")), "{index}");
        let classes = [
            Class::Unknown,
            Class::Agent,
            Class::Crawler,
            Class::HealthProbe,
        ];
        let counted: Vec<_> = classes
            .into_iter()
            .filter(|class| class.is_counted())
            .map(|class| (class as u8).to_string())
            .collect();
        assert_eq!(COUNTED, format!("({})", counted.join(", ")));
    }

    #[test]
    fn a_database_of_another_program_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE places (x INTEGER);")
            .unwrap();
        let error = migrate(&mut connection, Path::new("test")).unwrap_err();
        assert!(
            matches!(error, StoreError::Foreign { version: 0, .. }),
            "{error}"
        );
        assert_eq!(shape(&connection).unwrap().len(), 1);
    }

    #[test]
    fn each_step_is_taken_once_and_what_was_there_stays() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("test");
        let first = (1, "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (7);");
        take_steps(&mut connection, path, &[first]).unwrap();
        take_steps(&mut connection, path, &[first]).unwrap();
        let second = (2, "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 8;");
        take_steps(&mut connection, path, &[first, second]).unwrap();
        assert_eq!(version(&connection), 2);
        let both = connection.query_row("SELECT x, y FROM a", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        });
        assert_eq!(both.unwrap(), (7, 8));
    }

    #[test]
    fn a_database_whose_steps_were_others_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("test");
        take_steps(
            &mut connection,
            path,
            &[(1, "CREATE TABLE a (x INTEGER PRIMARY KEY);")],
        )
        .unwrap();
        let now = [
            (1, "CREATE TABLE a (x INTEGER PRIMARY KEY AUTOINCREMENT);"),
            (2, "ALTER TABLE a ADD COLUMN y;"),
        ];
        let error = take_steps(&mut connection, path, &now).unwrap_err();
        assert!(
            error.to_string().contains("before the first release"),
            "{error}"
        );
        assert_eq!(version(&connection), 1);
        let commented = "-- One.\nCREATE TABLE a (\n    x INTEGER PRIMARY KEY -- Its number.\n);";
        take_steps(&mut connection, path, &[(1, commented)]).unwrap();
    }

    #[test]
    fn a_step_that_fails_leaves_the_database_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = [
            (1, "CREATE TABLE a (x INTEGER);"),
            (2, "CREATE TABLE a (x);"),
        ];
        assert!(take_steps(&mut connection, Path::new("test"), &steps).is_err());
        assert_eq!(version(&connection), 0);
    }

    #[test]
    fn a_newer_schema_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = migrate(&mut connection, Path::new("test")).unwrap_err();
        assert!(
            matches!(error, StoreError::Newer { version: 99, .. }),
            "{error}"
        );
    }
}
