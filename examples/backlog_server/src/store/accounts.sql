-- Who there is, and what they allowed which client. Times are seconds since 1970, secrets are hashes.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    plan TEXT NOT NULL CHECK (plan IN ('free', 'pro', 'business'))
) STRICT;

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users
) STRICT;

CREATE TABLE members (
    project_id TEXT NOT NULL REFERENCES projects,
    user_id TEXT NOT NULL REFERENCES users,
    role TEXT NOT NULL CHECK (role IN ('owner', 'member', 'viewer')),
    PRIMARY KEY (project_id, user_id)
) STRICT, WITHOUT ROWID;

-- Browsers that are signed in.
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Programs that have registered themselves; no secret, since they run on their users' machines.
CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    redirect_uris TEXT NOT NULL, -- a JSON array
    created_at INTEGER NOT NULL,
    approved INTEGER NOT NULL DEFAULT FALSE -- by anybody, ever
) STRICT;

-- What a user allows a client, from the redeeming of a code on.
CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users,
    client_id TEXT NOT NULL REFERENCES clients,
    project_id TEXT NOT NULL REFERENCES projects,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    redirect_host TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_call_at INTEGER
) STRICT;
CREATE INDEX grants_of_user ON grants (user_id);

-- What a user has approved and the client not yet redeemed; kept after it, to know a code that comes twice.
CREATE TABLE codes (
    hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users,
    client_id TEXT NOT NULL REFERENCES clients,
    project_id TEXT NOT NULL REFERENCES projects,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    grant_id TEXT REFERENCES grants -- of its first use
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('access', 'refresh')),
    grant_id TEXT NOT NULL REFERENCES grants ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER -- of a refresh token: when it was rotated
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_of_grant ON tokens (grant_id);
