-- Times are Unix milliseconds UTC, hours and days whole ones since 1970. `weight` is how many events a sampled one
-- stands for. Texts that recur (tools, clients, releases) are rows of `name`; 0 is "not known". What a forgotten person
-- takes along is AUTOINCREMENT, so that no number of theirs comes to mean somebody else.

CREATE TABLE project (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,
    raw_days INTEGER NOT NULL DEFAULT 90,
    rollup_days INTEGER NOT NULL DEFAULT 730,
    -- Whether texts are redacted once more on their way in.
    redact INTEGER NOT NULL DEFAULT 1
);

-- At most two of a project are valid at a time.
CREATE TABLE write_key (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES project,
    hash BLOB NOT NULL UNIQUE,
    -- The last four characters, to tell keys apart.
    hint TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    revoked_ms INTEGER,
    last_used_ms INTEGER
);

CREATE TABLE name (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL,
    -- `NameKind`: 1 tool, 2 client, 3 release, 4 protocol version, 5 error, 6 reason of a refusal, 7 agent's vendor.
    kind INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- Of a client: its version.
    detail TEXT NOT NULL DEFAULT '',
    first_ms INTEGER NOT NULL,
    UNIQUE (project, kind, text, detail)
);

CREATE TABLE user (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- As the sender says: EMAIL, ANONYMOUS, INTERNAL …
    kind TEXT NOT NULL,
    email TEXT,
    -- Of the e-mail address, in lower case; '' where there is none.
    domain TEXT NOT NULL DEFAULT '',
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    UNIQUE (project, text)
);
CREATE INDEX user_email ON user (project, email);
CREATE INDEX user_domain ON user (project, domain);

CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL,
    text TEXT NOT NULL,
    user INTEGER NOT NULL,
    client INTEGER NOT NULL,
    class INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    -- `intent.id` of its earliest call with one, and the time of that call.
    first_intent INTEGER NOT NULL,
    first_intent_ms INTEGER NOT NULL,
    last_outcome INTEGER NOT NULL,
    -- A byte for each of the first forty calls in order of time, as `Outcome` numbers them.
    outcomes BLOB NOT NULL,
    UNIQUE (project, text)
);
-- With what a list of sessions counts and sorts by, since their rows lie far apart.
CREATE INDEX session_time ON session (project, last_ms, class, calls, failed, last_outcome, user, client, first_intent);
CREATE INDEX session_user ON session (project, user, last_ms);

CREATE TABLE intent (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- `intent_cluster.id`, 0 before it is in one.
    cluster INTEGER NOT NULL DEFAULT 0,
    -- 0 what a call was for, 1 a capability that was asked for.
    missing INTEGER NOT NULL DEFAULT 0,
    UNIQUE (project, missing, text)
);
CREATE INDEX intent_of_cluster ON intent (cluster);

CREATE TABLE intent_cluster (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    -- The text of its medoid.
    label TEXT NOT NULL,
    built_ms INTEGER NOT NULL
);

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL,
    -- 16 bytes that two sendings of one event share, and no two events.
    source_id BLOB NOT NULL,
    instance INTEGER NOT NULL,
    -- Of the sender's instance, which orders events within one millisecond or second; 0 where there is none.
    sequence INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    -- `Kind`.
    kind INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    user INTEGER NOT NULL,
    session INTEGER NOT NULL,
    client INTEGER NOT NULL,
    -- `Class`.
    class INTEGER NOT NULL,
    -- `Outcome`.
    outcome INTEGER NOT NULL,
    -- `name` of kind 5 for a call, of kind 6 for a refused login.
    error INTEGER NOT NULL,
    duration_us INTEGER,
    result_bytes INTEGER,
    release INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    weight REAL NOT NULL,
    intent INTEGER NOT NULL
);
CREATE UNIQUE INDEX event_source ON event (project, source_id);
CREATE INDEX event_time ON event (project, time_ms, id);
CREATE INDEX event_user ON event (project, user, time_ms);
CREATE INDEX event_session ON event (project, session, time_ms);
CREATE INDEX event_tool ON event (project, tool, time_ms);
-- What is rare among calls: logins, refusals, listings and the like, and what the pages leave out.
CREATE INDEX event_other ON event (project, kind, time_ms) WHERE kind <> 1;
CREATE INDEX event_left_out ON event (project, time_ms, class, client, kind) WHERE class >= 2;
-- Failures, which are rare among calls: the newest of them, and those of a tool.
CREATE INDEX event_bad ON event (project, time_ms) WHERE outcome IN (1, 2, 5, 6, 7, 8);
-- Whether an intent is still one of an event's is asked when events are removed.
CREATE INDEX event_intent ON event (intent, time_ms) WHERE intent > 0;

-- The event as JSON, bounded and redacted, read one at a time.
CREATE TABLE event_body (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);

-- Calls alone. `failed` is what `Outcome::is_bad` says.
CREATE TABLE roll_hour (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    client INTEGER NOT NULL,
    class INTEGER NOT NULL,
    release INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    weight REAL NOT NULL,
    PRIMARY KEY (project, bucket, tool, outcome, client, class, release, protocol)
) WITHOUT ROWID;

CREATE TABLE roll_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    client INTEGER NOT NULL,
    class INTEGER NOT NULL,
    release INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    weight REAL NOT NULL,
    PRIMARY KEY (project, bucket, tool, outcome, client, class, release, protocol)
) WITHOUT ROWID;

-- Durations (measure 0, microseconds) and sizes of results (measure 1, bytes) of calls in slots of a quarter of a power
-- of two (`hist.rs`): a quantile read from them is within 9 %. Agents and unknown clients alone.
CREATE TABLE hist_hour (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    measure INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    release INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    weight REAL NOT NULL,
    PRIMARY KEY (project, bucket, measure, tool, release, slot)
) WITHOUT ROWID;

CREATE TABLE hist_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    measure INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    release INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    weight REAL NOT NULL,
    PRIMARY KEY (project, bucket, measure, tool, release, slot)
) WITHOUT ROWID;

-- Who was there: agents and unknown clients alone. Of calls, but for the last three of `user_day`; `calls` are rows,
-- `failed` and `weight` sums of weights.
CREATE TABLE user_hour (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    user INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    failed REAL NOT NULL,
    weight REAL NOT NULL,
    PRIMARY KEY (project, bucket, user)
) WITHOUT ROWID;

CREATE TABLE user_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    user INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    failed REAL NOT NULL,
    weight REAL NOT NULL,
    logins INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    others INTEGER NOT NULL,
    PRIMARY KEY (project, bucket, user)
) WITHOUT ROWID;
CREATE INDEX user_day_user ON user_day (project, user, bucket);

CREATE TABLE user_tool_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    user INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    failed REAL NOT NULL,
    weight REAL NOT NULL,
    PRIMARY KEY (project, bucket, user, tool)
) WITHOUT ROWID;

-- When somebody called a tool last, and when such a call failed last (0: never did): how many people use it is read here,
-- since the table above has a row for each of them and each day.
CREATE TABLE tool_user (
    project INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    user INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    last_failed_ms INTEGER NOT NULL,
    PRIMARY KEY (project, tool, user)
) WITHOUT ROWID;

CREATE TABLE client_user_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    client INTEGER NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (project, bucket, client, user)
) WITHOUT ROWID;

-- Which sessions had an event, and calls, in an hour; agents and unknown clients alone.
CREATE TABLE session_hour (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    session INTEGER NOT NULL,
    PRIMARY KEY (project, bucket, session)
) WITHOUT ROWID;

-- Errors of calls with numbers, ids and quoted texts taken out; agents and unknown clients alone.
CREATE TABLE error_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    error INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    weight REAL NOT NULL,
    PRIMARY KEY (project, bucket, tool, outcome, error)
) WITHOUT ROWID;

-- What calls were for: agents and unknown clients alone. `failed` is the weight of those that failed.
CREATE TABLE intent_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    intent INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    weight REAL NOT NULL,
    failed REAL NOT NULL,
    PRIMARY KEY (project, bucket, intent, tool)
) WITHOUT ROWID;

-- Logins, and refused ones with their reason, of clients of all classes.
CREATE TABLE login_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    -- `Kind`: a login, an identity capture or a refusal.
    kind INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    client INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (project, bucket, kind, reason, client)
) WITHOUT ROWID;

-- What servers say that they offer, newest definition last.
CREATE TABLE tool_listed (
    project INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    PRIMARY KEY (project, tool)
) WITHOUT ROWID;

CREATE TABLE tool_def (
    project INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    hash TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    PRIMARY KEY (project, tool, hash)
) WITHOUT ROWID;

-- Names of tools that were called and that no server has; agents and unknown clients alone.
CREATE TABLE unknown_tool_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (project, bucket, tool)
) WITHOUT ROWID;

-- The loggers that send. Totals are those since an instance started.
CREATE TABLE instance (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- Name and version of the sender's library.
    sdk TEXT NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    -- Events taken in, and the highest sequence number among them: what is between is missing or still under way.
    received INTEGER NOT NULL,
    max_sequence INTEGER NOT NULL,
    -- Events that came once more.
    repeated INTEGER NOT NULL,
    -- received_ms - time_ms of the last batch: its smallest, which holds the skew of clocks, and its largest, the lag.
    skew_ms INTEGER NOT NULL,
    lag_ms INTEGER NOT NULL,
    UNIQUE (project, text)
);

-- What senders have lost, by reason: the highest total that each has reported, and its growth by day.
CREATE TABLE instance_lost (
    instance INTEGER NOT NULL,
    reason TEXT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (instance, reason)
) WITHOUT ROWID;

CREATE TABLE lost_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    instance INTEGER NOT NULL,
    reason TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (project, bucket, instance, reason)
) WITHOUT ROWID;

CREATE TABLE instance_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    instance INTEGER NOT NULL,
    received INTEGER NOT NULL,
    repeated INTEGER NOT NULL,
    PRIMARY KEY (project, bucket, instance)
) WITHOUT ROWID;

-- What this server did not take, by reason.
CREATE TABLE refused_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    reason TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (project, bucket, reason)
) WITHOUT ROWID;

-- Marks that redaction left, by class, as senders count them and as this server's own pass adds.
CREATE TABLE redaction_day (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    tool INTEGER NOT NULL,
    class TEXT NOT NULL,
    here INTEGER NOT NULL,
    marks INTEGER NOT NULL,
    PRIMARY KEY (project, bucket, tool, class, here)
) WITHOUT ROWID;

-- Keyed hashes of ids and addresses whose late events are refused, and of events that were, each of which counts once.
CREATE TABLE forgotten (
    project INTEGER NOT NULL,
    hash BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (project, hash)
) WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    project INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    -- Whom it was about: a keyed hash once the person is forgotten.
    subject TEXT NOT NULL
);

-- Links to sign in with, and the sessions of browsers. Both as hashes.
CREATE TABLE sign_in_link (
    hash BLOB PRIMARY KEY,
    role INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE browser_session (
    hash BLOB PRIMARY KEY,
    role INTEGER NOT NULL,
    who TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- The key of the keyed hashes, and what else is one value.
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
