-- The embedded store. Conventions:
--
-- * Times are whole seconds since the Unix epoch, UTC.
-- * Identifiers are the 16 bytes of a UUID, version 7: half the size of their text in every index, in order
--   of time, and BYTEA takes the same parameter in PostgreSQL. `hex(id)` shows them.
-- * Tokens are here as SHA-256 only, codes and passwords as salted hashes, TOTP secrets and keys sealed.
-- * Yes or no is 1 or 0.

CREATE TABLE accounts (
    id                     BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    login                  TEXT    NOT NULL UNIQUE,
    email                  TEXT,
    name                   TEXT    NOT NULL,
    attributes             TEXT    NOT NULL, -- a JSON object of texts
    language               TEXT,
    status                 TEXT    NOT NULL CHECK (status IN ('active', 'disabled')),
    created_at             INTEGER NOT NULL,
    password_hash          TEXT,
    totp_id                BLOB             CHECK (length(totp_id) = 16),
    totp_sealed_secret     BLOB,
    totp_bound_at          INTEGER,
    totp_last_step         INTEGER,
    totp_codes_unconfirmed INTEGER,
    grace_started_at       INTEGER,
    grace_ends_at          INTEGER,
    snoozed_until          INTEGER,
    -- A TOTP authenticator is bound whole or not at all.
    CHECK ((totp_id IS NULL) = (totp_sealed_secret IS NULL)
       AND (totp_id IS NULL) = (totp_bound_at IS NULL)
       AND (totp_id IS NULL) = (totp_last_step IS NULL)
       AND (totp_id IS NULL) = (totp_codes_unconfirmed IS NULL))
) STRICT;

-- Login names and e-mail addresses in their canonical spelling: one namespace, so that nobody's address is
-- somebody else's login.
CREATE TABLE account_names (
    name_key   TEXT NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX account_names_by_account ON account_names (account_id);

CREATE TABLE account_groups (
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    PRIMARY KEY (account_id, group_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE emergency_codes (
    id         BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    selector   TEXT NOT NULL,
    code_hash  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX emergency_codes_by_account ON emergency_codes (account_id);

-- At most one open code an account.
CREATE TABLE one_time_codes (
    account_id BLOB    NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    code_hash  TEXT    NOT NULL,
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    wrong      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_codes_by_end ON one_time_codes (expires_at);

-- Sign-ins under way.
CREATE TABLE attempts (
    token      BLOB    NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    account_id BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sealed     BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_by_account ON attempts (account_id);
CREATE INDEX attempts_by_end ON attempts (expires_at);

CREATE TABLE portal_sessions (
    id               BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    token            BLOB    NOT NULL UNIQUE CHECK (length(token) = 32),
    account_id       BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    second_factor    TEXT             CHECK (second_factor IN ('totp', 'emergency_code', 'one_time_code')),
    auth_time        INTEGER NOT NULL,
    password_at      INTEGER NOT NULL,
    second_factor_at INTEGER,
    expires_at       INTEGER NOT NULL,
    last_seen_at     INTEGER NOT NULL,
    address          TEXT,
    user_agent       TEXT
) STRICT;
CREATE INDEX portal_sessions_by_account ON portal_sessions (account_id, id);
CREATE INDEX portal_sessions_by_end ON portal_sessions (expires_at);

-- One application host's cookie; dies with the portal session.
CREATE TABLE application_sessions (
    token      BLOB    NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    parent_id  BLOB    NOT NULL REFERENCES portal_sessions (id) ON DELETE CASCADE,
    host       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX application_sessions_by_parent ON application_sessions (parent_id);

-- One-time tickets from the portal to an application host; gone when redeemed.
CREATE TABLE tickets (
    token      BLOB    NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    session_id BLOB    NOT NULL REFERENCES portal_sessions (id) ON DELETE CASCADE,
    host       TEXT    NOT NULL,
    return_to  TEXT    NOT NULL,
    binding    BLOB    NOT NULL CHECK (length(binding) = 32),
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tickets_by_session ON tickets (session_id);
CREATE INDEX tickets_by_end ON tickets (expires_at);

-- Counters of tries. The key is a hash.
CREATE TABLE throttle (
    kind               TEXT    NOT NULL,
    bucket             BLOB    NOT NULL CHECK (length(bucket) = 32),
    tries              INTEGER NOT NULL,
    pauses             INTEGER NOT NULL,
    paused_until       INTEGER,
    last_at            INTEGER,
    -- What `tries` is again when the try that brought the pause is forgiven.
    tries_before_pause INTEGER NOT NULL,
    -- From then on the row means nothing.
    forget_at          INTEGER NOT NULL,
    PRIMARY KEY (kind, bucket)
) STRICT, WITHOUT ROWID;
CREATE INDEX throttle_by_end ON throttle (forget_at);

CREATE TABLE signing_keys (
    id            TEXT    NOT NULL PRIMARY KEY,
    sealed        BLOB    NOT NULL,
    public        BLOB    NOT NULL,
    created_at    INTEGER NOT NULL,
    retired_until INTEGER
) STRICT;

-- Append-only. No foreign key: the trail outlives whom it speaks of.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    event      TEXT    NOT NULL,
    account_id BLOB,
    actor      TEXT    NOT NULL,
    address    TEXT,
    user_agent TEXT,
    detail     TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_by_account ON audit (account_id, id);
CREATE INDEX audit_by_event ON audit (account_id, event, at);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;

-- What other processes' caches must take note of. The number only grows, so that none is missed.
CREATE TABLE notices (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT NOT NULL CHECK (kind IN ('session', 'account', 'keys')),
    subject BLOB,
    -- When the sweep first met it; it goes some time after.
    at      INTEGER
) STRICT;
