-- For many people: indexes only. Nodes of the version before go on as they are.

-- The census: counted in the index, which is a tenth of the table.
CREATE INDEX accounts_by_standing ON accounts (status, totp_id);

-- The trail by what happened, whoever it was.
CREATE INDEX audit_by_kind ON audit (event, id);

-- Searches for a part of a name. The extension comes with PostgreSQL, and the owner of a database may create it; where it
-- is not there, or may not be made, the same searches read all names.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX accounts_by_part ON accounts USING gin (name_folded gin_trgm_ops);
    CREATE INDEX account_names_by_part ON account_names USING gin (name_key gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'searches for people will read all names: %', SQLERRM;
END
$$;
