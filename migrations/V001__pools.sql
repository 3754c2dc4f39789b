-- Pools, their hosts, their volumes and bricks.
--
-- The files run in the order of their names, each once: hod-coordinator keeps
-- count in refinery_schema_history, plain psql can run them too. What is applied
-- is never edited; what is to change comes as a new file that expands before it
-- contracts, so that one version of hod-coordinator runs beside the next.

CREATE TYPE follow AS ENUM ('NORMAL', 'QUIET');
CREATE TYPE host_state AS ENUM ('ANSWERING', 'GLUSTERD_DOWN', 'SILENT', 'LEFT', 'REFUSED');
CREATE TYPE volume_status AS ENUM ('CREATED', 'STARTED', 'STOPPED', 'UNKNOWN');

CREATE TABLE pools (
    id             uuid        PRIMARY KEY,
    name           text        NOT NULL UNIQUE CHECK (name ~ '\S'),
    follow         follow      NOT NULL DEFAULT 'NORMAL',
    added_at       timestamptz NOT NULL DEFAULT now(),
    epoch          bigint      NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    holder         text        NOT NULL DEFAULT '',
    holder_seen_at timestamptz,
    last_event     bigint      NOT NULL DEFAULT 0 CHECK (last_event >= 0),
    CHECK ((epoch = 0) = (holder_seen_at IS NULL))
);
COMMENT ON TABLE pools IS 'Gluster pools. Whoever writes for a pool locks its row first, so that writes for one pool go one after the other.';
COMMENT ON COLUMN pools.epoch IS 'Which taking of the pool is the last one: a write with another epoch is refused.';
COMMENT ON COLUMN pools.holder IS 'The coordinator that holds the last epoch.';
COMMENT ON COLUMN pools.last_event IS 'The number of the pool''s last event. Counted up in the transaction that writes the event.';

CREATE TABLE hosts (
    pool_id         uuid        NOT NULL REFERENCES pools ON DELETE CASCADE,
    id              uuid        NOT NULL,
    names           text[]      NOT NULL,
    agent           text        NOT NULL,
    gluster_version text        NOT NULL DEFAULT '',
    agent_version   text        NOT NULL DEFAULT '',
    state           host_state  NOT NULL,
    state_message   text        NOT NULL DEFAULT '',
    since           timestamptz NOT NULL,
    PRIMARY KEY (pool_id, id)
);
CREATE UNIQUE INDEX hosts_in_one_pool ON hosts (id) WHERE state <> 'LEFT';
COMMENT ON TABLE hosts IS 'The hosts of a pool by glusterd''s UUID, those that left included. A host is a member of one pool only.';
COMMENT ON COLUMN hosts.names IS 'Names and addresses; the first one is shown.';
COMMENT ON COLUMN hosts.since IS 'Since when the state has held.';

CREATE TABLE volumes (
    pool_id          uuid          NOT NULL REFERENCES pools ON DELETE CASCADE,
    id               uuid          NOT NULL,
    name             text          NOT NULL CHECK (name ~ '\S'),
    status           volume_status NOT NULL,
    kind             text          NOT NULL,
    distribute_count bigint        NOT NULL CHECK (distribute_count >= 0),
    replica_count    bigint        NOT NULL CHECK (replica_count >= 0),
    arbiter_count    bigint        NOT NULL CHECK (arbiter_count >= 0),
    disperse_count   bigint        NOT NULL CHECK (disperse_count >= 0),
    redundancy_count bigint        NOT NULL CHECK (redundancy_count >= 0),
    options          jsonb         NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object'),
    found_at         timestamptz   NOT NULL,
    trouble          text,
    trouble_since    timestamptz,
    gone_at          timestamptz,
    PRIMARY KEY (pool_id, id),
    CHECK ((trouble IS NULL) = (trouble_since IS NULL))
);
CREATE INDEX volumes_by_name ON volumes (pool_id, name);
COMMENT ON TABLE volumes IS 'The volumes of a pool by Gluster''s id. One that is gone stays, so that old jobs can be found by it.';
COMMENT ON COLUMN volumes.trouble IS 'What keeps hod from looking at the volume''s task, if anything does.';
COMMENT ON COLUMN volumes.gone_at IS 'When the volume was found gone. NULL: it is there.';

CREATE TABLE bricks (
    pool_id   uuid    NOT NULL,
    volume_id uuid    NOT NULL,
    position  integer NOT NULL CHECK (position >= 0),
    name      text    NOT NULL CHECK (name ~ '\S'),
    host_id   uuid,
    path      text,
    arbiter   boolean NOT NULL,
    PRIMARY KEY (pool_id, volume_id, position),
    FOREIGN KEY (pool_id, volume_id) REFERENCES volumes ON DELETE CASCADE,
    CHECK ((host_id IS NULL) = (path IS NULL))
);
COMMENT ON TABLE bricks IS 'The bricks of a volume in Gluster''s order.';
COMMENT ON COLUMN bricks.name IS 'As Gluster prints it. Names are never compared to tell bricks apart.';
COMMENT ON COLUMN bricks.host_id IS 'With path: the brick that it is. NULL: not known.';
