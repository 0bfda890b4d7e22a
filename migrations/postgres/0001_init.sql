-- The store on a server. Conventions:
--
-- * Times are whole seconds since the Unix epoch, UTC: the clock is the program's, not the server's.
-- * Texts that are compared or ordered have COLLATE "C": the same order whatever the server's locale, and after an
--   upgrade of its libraries.
-- * Tokens are here as SHA-256 only, codes and passwords as salted hashes, TOTP secrets and keys sealed.

CREATE TABLE accounts (
    id                     uuid   NOT NULL PRIMARY KEY,
    login                  text   COLLATE "C" NOT NULL UNIQUE,
    email                  text,
    name                   text   NOT NULL,
    -- The name as it is looked for: small letters, compatibility forms folded.
    name_folded            text   NOT NULL,
    attributes             text   NOT NULL, -- a JSON object of texts
    language               text,
    status                 text   NOT NULL CHECK (status IN ('active', 'disabled')),
    created_at             bigint NOT NULL,
    password_hash          text,
    totp_id                uuid,
    totp_sealed_secret     bytea,
    totp_bound_at          bigint,
    totp_last_step         bigint,
    totp_codes_unconfirmed boolean,
    grace_started_at       bigint,
    grace_ends_at          bigint,
    snoozed_until          bigint,
    exempt_until           bigint,
    password_changed_at    bigint,
    -- A password given by an administrator: until then, and only to choose another one.
    initial_password_until bigint,
    contact_changed_at     bigint,
    last_sign_in_at        bigint,
    delete_at              bigint,
    -- A TOTP authenticator is bound whole or not at all.
    CHECK (num_nulls(totp_id, totp_sealed_secret, totp_bound_at, totp_last_step, totp_codes_unconfirmed) IN (0, 5))
);
CREATE INDEX accounts_by_deletion ON accounts (delete_at) WHERE delete_at IS NOT NULL;

-- Login names and e-mail addresses in their canonical spelling: one namespace, so that nobody's address is
-- somebody else's login.
CREATE TABLE account_names (
    name_key   text COLLATE "C" NOT NULL PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
);
CREATE INDEX account_names_by_account ON account_names (account_id);

CREATE TABLE account_groups (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    group_name text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, group_name)
);

-- What was done to an account once and not again, e.g. one mail for one deadline.
CREATE TABLE marks (
    account_id uuid   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mark       text   COLLATE "C" NOT NULL,
    at         bigint NOT NULL,
    PRIMARY KEY (account_id, mark)
);

CREATE TABLE emergency_codes (
    id         uuid NOT NULL PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    selector   text NOT NULL,
    code_hash  text NOT NULL
);
CREATE INDEX emergency_codes_by_account ON emergency_codes (account_id);

-- At most one open code an account.
CREATE TABLE one_time_codes (
    account_id uuid   NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    id         uuid   NOT NULL,
    code_hash  text   NOT NULL,
    issued_at  bigint NOT NULL,
    expires_at bigint NOT NULL,
    wrong      bigint NOT NULL
);
CREATE INDEX one_time_codes_by_end ON one_time_codes (expires_at);

-- Sign-ins under way.
CREATE TABLE attempts (
    token      bytea  NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    account_id uuid   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sealed     bytea  NOT NULL,
    version    bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX attempts_by_account ON attempts (account_id);
CREATE INDEX attempts_by_end ON attempts (expires_at);

-- Browsers an account was used in.
CREATE TABLE devices (
    id            uuid   NOT NULL PRIMARY KEY,
    token         bytea  NOT NULL UNIQUE CHECK (length(token) = 32),
    account_id    uuid   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    known_since   bigint NOT NULL,
    last_used_at  bigint NOT NULL,
    trusted_until bigint,
    address       text,
    user_agent    text
);
CREATE INDEX devices_by_account ON devices (account_id, last_used_at);
CREATE INDEX devices_by_use ON devices (last_used_at);

CREATE TABLE portal_sessions (
    id                uuid   NOT NULL PRIMARY KEY,
    token             bytea  NOT NULL UNIQUE CHECK (length(token) = 32),
    account_id        uuid   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    second_factor     text            CHECK (second_factor IN ('totp', 'emergency_code', 'one_time_code')),
    auth_time         bigint NOT NULL,
    password_at       bigint NOT NULL,
    second_factor_at  bigint,
    expires_at        bigint NOT NULL,
    last_seen_at      bigint NOT NULL,
    address           text,
    user_agent        text,
    -- The trusted device that stood in for a code.
    trusted_device_id uuid            REFERENCES devices (id) ON DELETE SET NULL
);
CREATE INDEX portal_sessions_by_account ON portal_sessions (account_id, id);
CREATE INDEX portal_sessions_by_end ON portal_sessions (expires_at);
CREATE INDEX portal_sessions_by_device ON portal_sessions (trusted_device_id) WHERE trusted_device_id IS NOT NULL;

-- One application host's cookie; dies with the portal session.
CREATE TABLE application_sessions (
    token      bytea  NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    parent_id  uuid   NOT NULL REFERENCES portal_sessions (id) ON DELETE CASCADE,
    host       text   COLLATE "C" NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX application_sessions_by_parent ON application_sessions (parent_id);

-- One-time tickets from the portal to an application host; gone when redeemed.
CREATE TABLE tickets (
    token      bytea  NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    session_id uuid   NOT NULL REFERENCES portal_sessions (id) ON DELETE CASCADE,
    host       text   NOT NULL,
    return_to  text   NOT NULL,
    binding    bytea  NOT NULL CHECK (length(binding) = 32),
    expires_at bigint NOT NULL
);
CREATE INDEX tickets_by_session ON tickets (session_id);
CREATE INDEX tickets_by_end ON tickets (expires_at);

-- Counters of tries. The key is a hash.
CREATE TABLE throttle (
    kind               text   NOT NULL,
    bucket             bytea  NOT NULL CHECK (length(bucket) = 32),
    tries              bigint NOT NULL,
    pauses             bigint NOT NULL,
    paused_until       bigint,
    last_at            bigint,
    -- What `tries` is again when the try that brought the pause is forgiven.
    tries_before_pause bigint NOT NULL,
    -- Wrong tries in a row, whatever their pauses: no time forgets them.
    failures           bigint NOT NULL,
    -- From then on the row means nothing.
    forget_at          bigint NOT NULL,
    PRIMARY KEY (kind, bucket)
);
CREATE INDEX throttle_by_end ON throttle (forget_at);

CREATE TABLE signing_keys (
    id            text   COLLATE "C" NOT NULL PRIMARY KEY,
    sealed        bytea  NOT NULL,
    public        bytea  NOT NULL,
    created_at    bigint NOT NULL,
    retired_until bigint
);

-- Append-only. No foreign key: the trail outlives whom it speaks of.
CREATE TABLE audit (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         bigint NOT NULL,
    event      text   COLLATE "C" NOT NULL,
    account_id uuid,
    actor      text   COLLATE "C" NOT NULL,
    address    text,
    user_agent text,
    detail     text   NOT NULL
);
CREATE INDEX audit_by_account ON audit (account_id, id);
CREATE INDEX audit_by_event ON audit (account_id, event, at);
CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_time ON audit (at);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only';
END
$$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- What other processes' caches must take note of. Numbers become visible in their order.
CREATE TABLE notices (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind    text NOT NULL CHECK (kind IN ('session', 'account', 'keys')),
    subject uuid,
    -- When the sweep first met it; it goes some time after.
    at      bigint
);
CREATE INDEX notices_by_time ON notices (at);

-- Mail that waits for the mail server, sealed; gone when it has been taken.
CREATE TABLE outbox (
    id         uuid   NOT NULL PRIMARY KEY,
    account_id uuid            REFERENCES accounts (id) ON DELETE CASCADE,
    sealed     bytea  NOT NULL,
    queued_at  bigint NOT NULL,
    -- Not to be sent before; a claim moves it on by the length of the lease.
    due_at     bigint NOT NULL,
    tries      bigint NOT NULL
);
CREATE INDEX outbox_by_due ON outbox (due_at);
CREATE INDEX outbox_by_account ON outbox (account_id);

-- Links that were mailed: one of a purpose an account.
CREATE TABLE links (
    token      bytea  NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    account_id uuid   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    purpose    text   NOT NULL CHECK (purpose IN ('reset', 'invitation')),
    expires_at bigint NOT NULL,
    UNIQUE (account_id, purpose)
);
CREATE INDEX links_by_end ON links (expires_at);

-- Acts of the console that wait for a second agent.
CREATE TABLE approvals (
    id             uuid   NOT NULL PRIMARY KEY,
    act            text   NOT NULL,
    account_id     uuid   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    requested_by   uuid   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    requested_at   bigint NOT NULL,
    expires_at     bigint NOT NULL,
    case_number    text   NOT NULL,
    identity_check text,
    details        text   NOT NULL,
    UNIQUE (account_id, act)
);
CREATE INDEX approvals_by_end ON approvals (expires_at);
CREATE INDEX approvals_by_agent ON approvals (requested_by);

CREATE TABLE api_tokens (
    id           uuid   NOT NULL PRIMARY KEY,
    token        bytea  NOT NULL UNIQUE CHECK (length(token) = 32),
    name         text   COLLATE "C" NOT NULL UNIQUE,
    scopes       text   NOT NULL, -- separated by blanks
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    last_used_at bigint
);

-- 2FA adoption, a row a day for everybody (group_name '') and for each group.
CREATE TABLE adoption (
    day        bigint NOT NULL,
    group_name text   COLLATE "C" NOT NULL,
    on_count   bigint NOT NULL,
    reminding  bigint NOT NULL,
    overdue    bigint NOT NULL,
    exempt     bigint NOT NULL,
    PRIMARY KEY (day, group_name)
);

-- The account at an ACME server: its key, sealed.
CREATE TABLE acme_accounts (
    directory   text   NOT NULL PRIMARY KEY,
    -- NULL: not made yet.
    sealed      bytea,
    -- Tries in a row that failed because of the server, and when the next one may begin.
    failures    bigint NOT NULL,
    next_try_at bigint NOT NULL
);

-- One certificate a host. A row without one: it was tried.
CREATE TABLE acme_certificates (
    directory   text   NOT NULL,
    host        text   COLLATE "C" NOT NULL,
    -- PEM, the certificate first.
    chain       text,
    -- Its key, sealed.
    sealed      bytea,
    not_before  bigint,
    not_after   bigint,
    failures    bigint NOT NULL,
    -- Nobody orders before; a claim moves it on by the length of the lease.
    next_try_at bigint NOT NULL,
    PRIMARY KEY (directory, host)
);
CREATE INDEX acme_certificates_by_end ON acme_certificates (not_after) WHERE not_after IS NOT NULL;
