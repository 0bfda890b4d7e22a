-- Certificates of an ACME server. Conventions as in 0001.

-- The account at a server: its key, sealed.
CREATE TABLE acme_accounts (
    directory   TEXT    NOT NULL PRIMARY KEY,
    -- NULL: not made yet.
    sealed      BLOB,
    -- Tries in a row that failed because of the server, and when the next one may begin.
    failures    INTEGER NOT NULL,
    next_try_at INTEGER NOT NULL
) STRICT;

-- One certificate a host. A row without one: it was tried.
CREATE TABLE acme_certificates (
    directory   TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    -- PEM, the certificate first.
    chain       TEXT,
    -- Its key, sealed.
    sealed      BLOB,
    not_before  INTEGER,
    not_after   INTEGER,
    failures    INTEGER NOT NULL,
    -- Nobody orders before; a claim moves it on by the length of the lease.
    next_try_at INTEGER NOT NULL,
    PRIMARY KEY (directory, host)
) STRICT, WITHOUT ROWID;
CREATE INDEX acme_certificates_by_end ON acme_certificates (not_after) WHERE not_after IS NOT NULL;
