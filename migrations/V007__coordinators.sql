-- Coordinators, and which of them holds a pool.
--
-- A coordinator says that it is there in a row of its own, and not in the pools' rows:
-- that is one small write however many pools it holds, and waits for no transaction
-- that has locked a pool.

CREATE TABLE coordinators (
    id      uuid        PRIMARY KEY,
    name    text        NOT NULL CHECK (name ~ '\S'),
    address text        NOT NULL CHECK (address ~ '\S'),
    seen_at timestamptz NOT NULL
);
COMMENT ON TABLE coordinators IS 'The coordinators that run against this database. Each process has an id of its own.';
COMMENT ON COLUMN coordinators.address IS 'Where the others reach its gRPC.';
COMMENT ON COLUMN coordinators.seen_at IS 'When it last said that it is there, by this database''s clock.';

ALTER TABLE pools ADD COLUMN holder_id uuid REFERENCES coordinators ON DELETE SET NULL;
CREATE INDEX pools_by_holder ON pools (holder_id);
COMMENT ON COLUMN pools.holder_id IS 'The coordinator that holds the pool. NULL: it is free. One that has not been seen for the lease''s time holds it no more.';
COMMENT ON COLUMN pools.holder IS 'The name of the coordinator that holds, or last held, the pool; empty once it was given back.';
