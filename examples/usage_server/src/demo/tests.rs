use std::path::PathBuf;

use super::*;
use crate::app::Config;
use crate::query::intents::intents;
use crate::query::{Period, Range};
use crate::store::{Options, Store};

/// 2026-11-27 15:41:07 UTC, a Friday.
const NOW: i64 = 1_795_794_067_000;

/// An app over a database that goes with it.
struct Scene {
    app: App,
    directory: PathBuf,
}

impl Scene {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("demo-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let store = Store::open(&directory.join("usage.db"), Options::default()).unwrap();
        let config = Config {
            fixed_now_ms: Some(NOW),
            ..Config::default()
        };
        Self {
            app: App::new(config, store),
            directory,
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test]
async fn the_month_is_in_the_database_as_it_was_made() {
    let scene = Scene::new("filled");
    let demo = Demo::prepare(&scene.app).await.unwrap();
    demo.fill(&scene.app).await.unwrap();
    let Period { from, until, .. } = Range::Week.until(NOW);
    let month = Month::new(SEED, NOW, &shop::listed().await.unwrap());
    let (all, week) = (month.totals(i64::MIN, i64::MAX), month.totals(from, until));
    let project = demo.project;
    let counted = scene.app.store.read(move |db| {
        let events = db.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0))?;
        let days = [from / 86_400_000, (until + 86_399_999) / 86_400_000];
        let calls = "SELECT sum(calls) FROM roll_day WHERE bucket >= ?1 AND bucket < ?2 AND class IN (0, 1)";
        let calls = db.query_row(calls, days, |row| row.get::<_, i64>(0))?;
        let people = "SELECT count(DISTINCT user) FROM user_day WHERE bucket >= ?1 AND bucket < ?2 AND calls > 0";
        let people = db.query_row(people, days, |row| row.get::<_, i64>(0))?;
        let lost = db.query_row("SELECT sum(events) FROM lost_day", [], |row| row.get::<_, i64>(0))?;
        Ok((events, calls, people, lost))
    });
    let counted = counted.await.unwrap();
    assert_eq!(
        counted,
        (all.events as i64, week.calls as i64, week.people as i64, 51)
    );
    let found = scene
        .app
        .store
        .read(move |db| intents(db, project, &Range::Week.until(NOW), None));
    let found = found.await.unwrap();
    let asked: f64 = found.missing.iter().map(|missing| missing.asks).sum();
    assert_eq!(asked, week.missing as f64);
}

#[tokio::test]
async fn a_second_demo_in_one_database_is_refused() {
    let scene = Scene::new("second");
    Demo::prepare(&scene.app).await.unwrap();
    let refused = Demo::prepare(&scene.app).await.unwrap_err();
    assert!(refused.to_string().contains("new database"), "{refused}");
}
