-- What a project's team works on. Times are seconds since 1970.

CREATE TABLE features (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL REFERENCES projects,
    title TEXT NOT NULL, -- an end user's words, as is the description
    description TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'planned', 'in_progress', 'shipped', 'declined')),
    votes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX features_of_project ON features (project_id, status);

CREATE TABLE feature_notes (
    id INTEGER PRIMARY KEY,
    feature_id INTEGER NOT NULL REFERENCES features ON DELETE CASCADE,
    author_id TEXT NOT NULL REFERENCES users,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX notes_of_feature ON feature_notes (feature_id);

CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL REFERENCES projects,
    person TEXT NOT NULL, -- as the end user calls themselves
    subject TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'closed'))
) STRICT;
CREATE INDEX conversations_of_project ON conversations (project_id, status);

CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    conversation_id INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    author_id TEXT REFERENCES users, -- null: the end user
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_of_conversation ON messages (conversation_id);

CREATE TABLE announcements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL REFERENCES projects,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    published_at INTEGER
) STRICT;
CREATE INDEX announcements_of_project ON announcements (project_id);

CREATE TABLE widgets (
    project_id TEXT PRIMARY KEY REFERENCES projects,
    greeting TEXT NOT NULL DEFAULT 'What is on your mind?',
    colour TEXT NOT NULL DEFAULT 'blue',
    position TEXT NOT NULL DEFAULT 'right' CHECK (position IN ('left', 'right'))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER widget_of_project AFTER INSERT ON projects BEGIN
    INSERT INTO widgets (project_id) VALUES (NEW.id);
END;

-- The calls of a day, over all projects of an owner: the plan is the owner's.
CREATE TABLE quota (
    owner_id TEXT NOT NULL REFERENCES users,
    day INTEGER NOT NULL, -- days since 1970, UTC
    calls INTEGER NOT NULL,
    PRIMARY KEY (owner_id, day)
) STRICT, WITHOUT ROWID;
