-- Account pages, mail, devices, console, API. Conventions as in 0001.

ALTER TABLE accounts ADD COLUMN password_changed_at INTEGER;
-- A password given by an administrator: until then, and only to choose another one.
ALTER TABLE accounts ADD COLUMN initial_password_until INTEGER;
ALTER TABLE accounts ADD COLUMN contact_changed_at INTEGER;
ALTER TABLE accounts ADD COLUMN last_sign_in_at INTEGER;
ALTER TABLE accounts ADD COLUMN delete_at INTEGER;
-- The name as it is looked for: small letters, compatibility forms folded. NULL: not written since it exists.
ALTER TABLE accounts ADD COLUMN name_folded TEXT;
ALTER TABLE accounts ADD COLUMN exempt_until INTEGER;
CREATE INDEX accounts_by_deletion ON accounts (delete_at) WHERE delete_at IS NOT NULL;

-- Browsers an account was used in.
CREATE TABLE devices (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    token         BLOB    NOT NULL UNIQUE CHECK (length(token) = 32),
    account_id    BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    known_since   INTEGER NOT NULL,
    last_used_at  INTEGER NOT NULL,
    trusted_until INTEGER,
    address       TEXT,
    user_agent    TEXT
) STRICT;
CREATE INDEX devices_by_account ON devices (account_id, last_used_at);
CREATE INDEX devices_by_use ON devices (last_used_at);

-- The trusted device that stood in for a code.
ALTER TABLE portal_sessions ADD COLUMN trusted_device_id BLOB REFERENCES devices (id) ON DELETE SET NULL;
CREATE INDEX portal_sessions_by_device ON portal_sessions (trusted_device_id) WHERE trusted_device_id IS NOT NULL;

-- Wrong tries in a row, whatever their pauses: no time forgets them.
ALTER TABLE throttle ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;

-- Mail that waits for the mail server, sealed; gone when it has been taken.
CREATE TABLE outbox (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account_id BLOB             REFERENCES accounts (id) ON DELETE CASCADE,
    sealed     BLOB    NOT NULL,
    queued_at  INTEGER NOT NULL,
    -- Not to be sent before; a claim moves it on by the length of the lease.
    due_at     INTEGER NOT NULL,
    tries      INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due_at);
CREATE INDEX outbox_by_account ON outbox (account_id);

-- Links that were mailed: one of a purpose an account.
CREATE TABLE links (
    token      BLOB    NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    account_id BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    purpose    TEXT    NOT NULL CHECK (purpose IN ('reset', 'invitation')),
    expires_at INTEGER NOT NULL,
    UNIQUE (account_id, purpose)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_end ON links (expires_at);

-- What was done to an account once and not again, e.g. one mail for one deadline.
CREATE TABLE marks (
    account_id BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mark       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (account_id, mark)
) STRICT, WITHOUT ROWID;

-- Acts of the console that wait for a second agent.
CREATE TABLE approvals (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    act            TEXT    NOT NULL,
    account_id     BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    requested_by   BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    requested_at   INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    case_number    TEXT    NOT NULL,
    identity_check TEXT,
    details        TEXT    NOT NULL,
    UNIQUE (account_id, act)
) STRICT;
CREATE INDEX approvals_by_end ON approvals (expires_at);
CREATE INDEX approvals_by_agent ON approvals (requested_by);

CREATE TABLE api_tokens (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    token        BLOB    NOT NULL UNIQUE CHECK (length(token) = 32),
    name         TEXT    NOT NULL UNIQUE,
    scopes       TEXT    NOT NULL, -- separated by blanks
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

-- 2FA adoption, a row a day for everybody (group_name '') and for each group.
CREATE TABLE adoption (
    day        INTEGER NOT NULL,
    group_name TEXT    NOT NULL,
    on_count   INTEGER NOT NULL,
    reminding  INTEGER NOT NULL,
    overdue    INTEGER NOT NULL,
    exempt     INTEGER NOT NULL,
    PRIMARY KEY (day, group_name)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_time ON audit (at);
