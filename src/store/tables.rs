//! Every table and column of the store, in one place, for whoever copies rows as they are.
//!
//! The order is that of the references: a row comes after those it points to. `store::tables` among the tests compares
//! the list with the schemas of both backends, so that a migration that adds a column is not forgotten here.

/// What a column holds; each backend has a type of its own for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The 16 bytes of a UUID.
    Id,
    Bytes,
    Text,
    Integer,
    YesNo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    /// The columns of its primary key, which rows are ordered by.
    pub key: &'static [&'static str],
    pub columns: &'static [(&'static str, Kind)],
    /// Whether the database itself gives out the numbers of its key.
    pub is_numbered: bool,
}

macro_rules! tables {
    ($($name:ident ($($key:ident),+) $($numbered:literal)? { $($column:ident $kind:ident),+ $(,)? })+) => {
        /// All of them.
        pub const TABLES: &[Table] = &[$(Table {
            name: stringify!($name),
            key: &[$(stringify!($key)),+],
            columns: &[$((stringify!($column), Kind::$kind)),+],
            is_numbered: false $(|| $numbered)?,
        }),+];
    };
}

tables! {
    accounts (id) {
        id Id, login Text, email Text, name Text, name_folded Text, attributes Text, language Text, status Text,
        created_at Integer, password_hash Text, totp_id Id, totp_sealed_secret Bytes, totp_bound_at Integer,
        totp_last_step Integer, totp_codes_unconfirmed YesNo, grace_started_at Integer, grace_ends_at Integer,
        snoozed_until Integer, exempt_until Integer, password_changed_at Integer, initial_password_until Integer,
        contact_changed_at Integer, last_sign_in_at Integer, delete_at Integer,
    }
    account_names (name_key) { name_key Text, account_id Id }
    account_groups (account_id, group_name) { account_id Id, group_name Text }
    marks (account_id, mark) { account_id Id, mark Text, at Integer }
    emergency_codes (id) { id Id, account_id Id, selector Text, code_hash Text }
    one_time_codes (account_id) {
        account_id Id, id Id, code_hash Text, issued_at Integer, expires_at Integer, wrong Integer,
    }
    attempts (token) { token Bytes, account_id Id, sealed Bytes, version Integer, expires_at Integer }
    devices (id) {
        id Id, token Bytes, account_id Id, known_since Integer, last_used_at Integer, trusted_until Integer,
        address Text, user_agent Text,
    }
    portal_sessions (id) {
        id Id, token Bytes, account_id Id, second_factor Text, auth_time Integer, password_at Integer,
        second_factor_at Integer, expires_at Integer, last_seen_at Integer, address Text, user_agent Text,
        trusted_device_id Id,
    }
    application_sessions (token) { token Bytes, parent_id Id, host Text, created_at Integer }
    tickets (token) {
        token Bytes, session_id Id, host Text, return_to Text, binding Bytes, expires_at Integer,
    }
    throttle (kind, bucket) {
        kind Text, bucket Bytes, tries Integer, pauses Integer, paused_until Integer, last_at Integer,
        tries_before_pause Integer, failures Integer, forget_at Integer,
    }
    signing_keys (id) { id Text, sealed Bytes, public Bytes, created_at Integer, retired_until Integer }
    audit (id) true {
        id Integer, at Integer, event Text, account_id Id, actor Text, address Text, user_agent Text, detail Text,
    }
    notices (id) true { id Integer, kind Text, subject Id, at Integer }
    outbox (id) { id Id, account_id Id, sealed Bytes, queued_at Integer, due_at Integer, tries Integer }
    links (token) { token Bytes, account_id Id, purpose Text, expires_at Integer }
    approvals (id) {
        id Id, act Text, account_id Id, requested_by Id, requested_at Integer, expires_at Integer,
        case_number Text, identity_check Text, details Text,
    }
    api_tokens (id) {
        id Id, token Bytes, name Text, scopes Text, created_at Integer, expires_at Integer, last_used_at Integer,
    }
    adoption (day, group_name) {
        day Integer, group_name Text, on_count Integer, reminding Integer, overdue Integer, exempt Integer,
    }
    acme_accounts (directory) { directory Text, sealed Bytes, failures Integer, next_try_at Integer }
    acme_certificates (directory, host) {
        directory Text, host Text, chain Text, sealed Bytes, not_before Integer, not_after Integer,
        failures Integer, next_try_at Integer,
    }
}
