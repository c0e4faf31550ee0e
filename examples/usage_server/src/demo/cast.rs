//! Who uses the made-up shop, and with what. Everybody is invented; addresses end in `.example`.

use super::random::Random;
use crate::record::{Class, User};

pub(super) const DAY_MS: i64 = 86_400_000;

/// The person whose timeline is written out.
pub(super) const KNOWN: &str = "maya@fernhill.example";

/// Companies with how many people of each there are.
const COMPANIES: [(&str, usize); 12] = [
    ("fernhill.example", 36),
    ("quartzworks.example", 31),
    ("oakline.example", 27),
    ("brightloop.example", 22),
    ("marlowe-labs.example", 17),
    ("pinecrest.example", 15),
    ("dovetail-health.example", 13),
    ("harbour-and-sons.example", 12),
    (QUIET, 9),
    (GROWING, 9),
    ("tallowtree.example", 7),
    ("nine-lives.example", 7),
];
/// Nobody of it has been there for more than a week.
const QUIET: &str = "saltgrass.example";
/// Most of its people are new.
const GROWING: &str = "lumen-post.example";

const FIRST: &[&str] = &[
    "maya", "olga", "tomas", "ines", "ravi", "keiko", "lena", "omar", "priya", "jonas", "clara",
    "bao", "hugo", "sofia", "idris", "nadia", "felix", "aiko", "marta", "yusuf", "elena", "pavel",
    "rosa", "anton", "mei", "leo", "hanna", "kofi", "dana", "ilya", "vera", "samir", "tess",
    "bruno", "alma", "nico", "ruth", "zoe", "amir", "gita", "wanda", "piotr", "lucia", "emre",
    "noor", "isak", "fleur", "teodor", "aya", "mikko", "paula", "sven", "chidi", "linh",
];
const LAST: &[&str] = &[
    "brandt", "keller", "okafor", "sato", "novak", "silva", "lund", "rossi", "khan", "weiss",
];

/// People without a company: who signs in elsewhere, or not at all.
const OTHERS: [(&str, &str); 8] = [
    ("dkovacs", "GITHUB"),
    ("octo-nina", "GITHUB"),
    ("user-20417", "INTERNAL"),
    ("user-20533", "INTERNAL"),
    ("anonymous-7be1c0", "ANONYMOUS"),
    ("anonymous-52d0aa", "ANONYMOUS"),
    (
        "bernadette.vanderwesterlaken-hutchinson+orders@customer-success.dovetail-health.example",
        "EMAIL",
    ),
    // What comes from outside is shown as text, whatever it is.
    ("<img src=x onerror=alert(1)>@quartzworks.example", "EMAIL"),
];

#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: &'static str,
    /// Each with how many use it.
    pub(super) versions: &'static [(&'static str, f64)],
    pub(super) weight: f64,
    pub(super) class: Class,
    pub(super) protocol: &'static str,
}

/// The client whose old version does not renew its tokens.
pub(super) const STALE: (&str, &str) = ("cursor", "1.4.7");
/// A version that many have moved to within days.
pub(super) const NEWEST: (&str, &str) = ("claude-code", "2.1.5");

pub(super) const CLIENTS: [Client; 12] = [
    client(
        "claude-code",
        &[("2.1.4", 5.0), ("2.1.3", 2.0), ("2.0.61", 1.0)],
        40.0,
        Class::Agent,
        "2025-11-25",
    ),
    client(
        "cursor",
        &[("1.9.2", 4.0), ("1.9.0", 1.0), ("1.4.7", 1.0)],
        19.0,
        Class::Agent,
        "2025-11-25",
    ),
    client(
        "claude-ai",
        &[("1.0", 1.0)],
        14.0,
        Class::Agent,
        "2026-07-28",
    ),
    client(
        "vscode-copilot",
        &[("1.108.0", 3.0), ("1.107.2", 1.0)],
        9.0,
        Class::Agent,
        "2026-07-28",
    ),
    client(
        "codex",
        &[("0.71.0", 2.0), ("0.69.1", 1.0)],
        7.0,
        Class::Agent,
        "2025-06-18",
    ),
    client(
        "gemini-cli",
        &[("0.22.0", 1.0)],
        4.0,
        Class::Agent,
        "2025-06-18",
    ),
    client("zed", &[("0.220.1", 1.0)], 3.0, Class::Agent, "2026-07-28"),
    client(
        "windsurf",
        &[("1.13.2", 1.0)],
        2.0,
        Class::Agent,
        "2025-06-18",
    ),
    client("goose", &[("1.18.0", 1.0)], 1.0, Class::Agent, "2025-11-25"),
    client(
        "report-bot",
        &[("0.3", 1.0)],
        2.0,
        Class::Unknown,
        "2025-06-18",
    ),
    client(
        "mcp-scanner",
        &[("1.2", 1.0)],
        0.0,
        Class::Crawler,
        "2025-11-25",
    ),
    client(
        "uptime-check",
        &[("3.0", 1.0)],
        0.0,
        Class::HealthProbe,
        "2025-11-25",
    ),
];

const fn client(
    name: &'static str,
    versions: &'static [(&'static str, f64)],
    weight: f64,
    class: Class,
    protocol: &'static str,
) -> Client {
    Client {
        name,
        versions,
        weight,
        class,
        protocol,
    }
}

#[derive(Debug)]
pub(super) struct Person {
    pub(super) user: User,
    /// How many sessions they have on a working day.
    pub(super) sessions: f64,
    /// When they are there: from and until, and a pause between.
    pub(super) there: (i64, i64),
    pub(super) away: Option<(i64, i64)>,
    pub(super) client: &'static Client,
    pub(super) version: &'static str,
}

impl Person {
    pub(super) fn is_there(&self, time: i64) -> bool {
        let within = |(from, until): (i64, i64)| (from..until).contains(&time);
        within(self.there) && !self.away.is_some_and(within)
    }
}

/// Some more than two hundred people, since not all of them come in each month, each a little less busy than the one before.
pub(super) fn people(random: &mut Random, now: i64) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    let ever = (i64::MIN, i64::MAX);
    for (company, size) in COMPANIES {
        for place in 0..size {
            // Names begin elsewhere in each company.
            let first = FIRST
                .get((people.len() * 7) % FIRST.len())
                .copied()
                .unwrap_or_default();
            let last = LAST
                .get((people.len() / FIRST.len() * 3 + place) % LAST.len())
                .copied()
                .unwrap_or_default();
            let id = match people.len() < FIRST.len() {
                true => format!("{first}@{company}"),
                false => format!("{first}.{last}@{company}"),
            };
            let there = match (company, place) {
                (QUIET, _) => (i64::MIN, now - 8 * DAY_MS - random.between(0, 2 * DAY_MS)),
                // Since a few days, the first of them since longer.
                (GROWING, 2..) => (now - random.between(DAY_MS / 2, 6 * DAY_MS), i64::MAX),
                (_, 9 | 14 | 19) => (now - random.between(DAY_MS / 2, 6 * DAY_MS), i64::MAX),
                (_, 7 | 11) => (i64::MIN, now - random.between(8 * DAY_MS, 13 * DAY_MS)),
                _ => ever,
            };
            let away =
                (place == 5 && there == ever).then_some((now - 20 * DAY_MS, now - 4 * DAY_MS));
            let (client, version) = equipment(random);
            people.push(Person {
                user: User {
                    email: Some(id.clone()),
                    id,
                    kind: "EMAIL".to_owned(),
                },
                sessions: 0.0,
                there,
                away,
                client,
                version,
            });
        }
    }
    for (id, kind) in OTHERS {
        let (client, version) = equipment(random);
        let email = (kind == "EMAIL").then(|| id.to_owned());
        people.push(Person {
            user: User {
                id: id.to_owned(),
                kind: kind.to_owned(),
                email,
            },
            sessions: 0.0,
            there: ever,
            away: None,
            client,
            version,
        });
    }
    // Few are busy, and that has nothing to do with the company.
    for person in &mut people {
        let rank = 1.0 + random.share() * 199.0;
        person.sessions = 8.2 / rank.sqrt();
        if person.user.id == KNOWN {
            // What is written out of them is all there is.
            person.sessions = 0.0;
        }
    }
    people
}

/// What somebody calls with.
pub(super) fn equipment(random: &mut Random) -> (&'static Client, &'static str) {
    let client = random.weighted(&CLIENTS, |client| client.weight);
    let client = client.unwrap_or(&CLIENTS[0]);
    let version = random.weighted(client.versions, |(_, weight)| *weight);
    (
        client,
        version.map(|(version, _)| *version).unwrap_or_default(),
    )
}
