-- What happened, and the raw answers that decided it.

CREATE TYPE severity AS ENUM ('INFO', 'WARNING', 'ERROR');

CREATE TABLE events (
    pool_id   uuid        NOT NULL REFERENCES pools ON DELETE CASCADE,
    number    bigint      NOT NULL CHECK (number >= 1),
    -- Not now(): the pool's row is locked by then, so times go with numbers.
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    severity  severity    NOT NULL,
    kind      text        NOT NULL CHECK (kind ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    message   text        NOT NULL CHECK (message ~ '\S'),
    volume_id uuid,
    job_id    uuid,
    actor     text        NOT NULL,
    PRIMARY KEY (pool_id, number)
);
CREATE INDEX events_of_job ON events (job_id, number) WHERE job_id IS NOT NULL;
CREATE INDEX events_of_volume ON events (pool_id, volume_id, number) WHERE volume_id IS NOT NULL;
COMMENT ON TABLE events IS 'Changes of status, membership, attention, and commands. Not counters.';
COMMENT ON COLUMN events.number IS 'The event''s number in its pool: in the order of commits, without gaps (pools.last_event).';
COMMENT ON COLUMN events.job_id IS 'An event outlives its job.';

CREATE TABLE evidence (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id  uuid        NOT NULL REFERENCES jobs ON DELETE CASCADE,
    at      timestamptz NOT NULL,
    host_id uuid,
    what    text        NOT NULL CHECK (what ~ '\S'),
    raw     bytea       NOT NULL CHECK (octet_length(raw) <= 1100000)
);
CREATE INDEX evidence_of_job ON evidence (job_id, id);
COMMENT ON TABLE evidence IS 'Raw answers that decided a change of a job, bounded in size and number.';
COMMENT ON COLUMN evidence.raw IS 'Compressed with zstd; what is in it is at most 1 MiB.';
-- They are compressed already.
ALTER TABLE evidence ALTER COLUMN raw SET STORAGE EXTERNAL;
