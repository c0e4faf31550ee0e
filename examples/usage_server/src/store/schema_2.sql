-- How many sessions had an event in an hour, by the hour of their event before it (`prior`, -1 where it is their first).
-- How many there were between two hours is a sum then: of all hours of that time, those that were not there before in
-- it. Rows of `session_hour` keep it, whoever writes or removes them.
CREATE TABLE session_gap (
    project INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    prior INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    PRIMARY KEY (project, bucket, prior)
) WITHOUT ROWID;
CREATE INDEX session_hour_session ON session_hour (project, session, bucket);

INSERT INTO session_gap (project, bucket, prior, sessions)
SELECT project, bucket, prior, count(*) FROM (
    SELECT project, bucket, lag(bucket, 1, -1) OVER (PARTITION BY project, session ORDER BY bucket) AS prior
    FROM session_hour
) GROUP BY project, bucket, prior;

CREATE TRIGGER session_hour_added AFTER INSERT ON session_hour BEGIN
    INSERT INTO session_gap (project, bucket, prior, sessions)
    SELECT new.project, new.bucket, coalesce(max(bucket), -1), 1 FROM session_hour
    WHERE project = new.project AND session = new.session AND bucket < new.bucket
    ON CONFLICT DO UPDATE SET sessions = sessions + 1;
    -- Of one that comes late: the hour after it has another before it now.
    UPDATE session_gap SET sessions = sessions - 1
    WHERE project = new.project
        AND bucket = (SELECT min(bucket) FROM session_hour
            WHERE project = new.project AND session = new.session AND bucket > new.bucket)
        AND prior = (SELECT coalesce(max(bucket), -1) FROM session_hour
            WHERE project = new.project AND session = new.session AND bucket < new.bucket);
    INSERT INTO session_gap (project, bucket, prior, sessions)
    SELECT new.project, next, new.bucket, 1 FROM (SELECT min(bucket) AS next FROM session_hour
        WHERE project = new.project AND session = new.session AND bucket > new.bucket)
    WHERE next IS NOT NULL
    ON CONFLICT DO UPDATE SET sessions = sessions + 1;
END;

CREATE TRIGGER session_hour_removed AFTER DELETE ON session_hour BEGIN
    UPDATE session_gap SET sessions = sessions - 1
    WHERE project = old.project AND bucket = old.bucket
        AND prior = (SELECT coalesce(max(bucket), -1) FROM session_hour
            WHERE project = old.project AND session = old.session AND bucket < old.bucket);
    UPDATE session_gap SET sessions = sessions - 1
    WHERE project = old.project AND prior = old.bucket
        AND bucket = (SELECT min(bucket) FROM session_hour
            WHERE project = old.project AND session = old.session AND bucket > old.bucket);
    INSERT INTO session_gap (project, bucket, prior, sessions)
    SELECT old.project, next, prior, 1 FROM (SELECT min(bucket) AS next FROM session_hour
        WHERE project = old.project AND session = old.session AND bucket > old.bucket),
        (SELECT coalesce(max(bucket), -1) AS prior FROM session_hour
        WHERE project = old.project AND session = old.session AND bucket < old.bucket)
    WHERE next IS NOT NULL
    ON CONFLICT DO UPDATE SET sessions = sessions + 1;
END;

-- One id may be that of two people where its kinds differ. `said` is the id as senders say it; `text`, by which the pages
-- call somebody, is the same unless another person has it.
ALTER TABLE user ADD COLUMN said TEXT NOT NULL DEFAULT '';
UPDATE user SET said = text;
CREATE UNIQUE INDEX user_said ON user (project, said, kind);

-- All addresses that somebody has had, in lower case: an id that is one as well.
CREATE TABLE user_address (
    project INTEGER NOT NULL,
    address TEXT NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (project, address, user)
) WITHOUT ROWID;
CREATE INDEX user_address_user ON user_address (user);
INSERT OR IGNORE INTO user_address
SELECT project, lower(email), id FROM user WHERE email IS NOT NULL
UNION SELECT project, lower(text), id FROM user WHERE instr(text, '@');

-- What is somebody's is found by who it is when they are forgotten.
CREATE INDEX client_user_day_user ON client_user_day (project, user, bucket);
CREATE INDEX audit_subject ON audit (project, lower(trim(subject)));

-- Sampled events count by their weight.
ALTER TABLE unknown_tool_day ADD COLUMN weight REAL NOT NULL DEFAULT 0;
UPDATE unknown_tool_day SET weight = calls;
