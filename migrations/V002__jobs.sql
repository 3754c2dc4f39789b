-- Jobs, their steps, and the Gluster tasks that steps carry.

CREATE TYPE job_status AS ENUM ('STARTED', 'FINISHED', 'FAILED', 'ABORTED', 'UNKNOWN');
CREATE TYPE status_transition AS ENUM ('COMPLETE', 'FAIL', 'ABORT', 'LOSE', 'ABANDON', 'RUN_AGAIN');
CREATE TYPE step_type AS ENUM (
    'VALIDATING', 'EXECUTING', 'FINALIZING',
    'REBALANCING_VOLUME', 'REMOVING_BRICKS', 'REPLACING_BRICK', 'UNKNOWN_TASK'
);
-- HOD: an id that hod made, for what Gluster gives none.
CREATE TYPE external_system AS ENUM ('GLUSTER', 'VDSM', 'HOD');
CREATE TYPE task_type AS ENUM ('REBALANCE', 'REMOVE_BRICK', 'REPLACE_BRICK', 'OTHER');
CREATE TYPE task_status AS ENUM ('RUNNING', 'FAILED', 'COMPLETED', 'ABORTED', 'PAUSED', 'UNKNOWN');
CREATE TYPE part_status AS ENUM (
    'NOT_STARTED', 'IN_PROGRESS', 'STOPPED', 'COMPLETED', 'FAILED', 'RESET', 'UNKNOWN'
);

CREATE TABLE jobs (
    id          uuid        PRIMARY KEY,
    pool_id     uuid        NOT NULL REFERENCES pools ON DELETE CASCADE,
    description text        NOT NULL CHECK (description ~ '\S'),
    status      job_status  NOT NULL,
    transition  status_transition,
    open        boolean     NOT NULL GENERATED ALWAYS AS (status = 'STARTED') STORED,
    external    boolean     NOT NULL,
    started_at  timestamptz,
    found_at    timestamptz NOT NULL,
    ended_at    timestamptz,
    found_ended boolean     NOT NULL DEFAULT false,
    actor       text        NOT NULL DEFAULT '',
    origin      text        NOT NULL DEFAULT '',
    message     text        NOT NULL DEFAULT '',
    UNIQUE (pool_id, id),
    UNIQUE (pool_id, id, open),
    CONSTRAINT jobs_ended_at_of_ended CHECK (
        CASE WHEN status = 'STARTED' THEN ended_at IS NULL AND NOT found_ended
             ELSE (ended_at IS NULL) = found_ended END
    )
) WITH (fillfactor = 80);
CREATE INDEX jobs_newest_of_pool ON jobs (pool_id, found_at DESC, id DESC);
CREATE INDEX jobs_newest ON jobs (found_at DESC, id DESC);
CREATE INDEX jobs_open ON jobs (pool_id) WHERE status = 'STARTED';
CREATE INDEX jobs_ended ON jobs (pool_id, (coalesce(ended_at, found_at))) WHERE status <> 'STARTED';
COMMENT ON TABLE jobs IS 'What an operator asked for, what was found running, what other programs report.';
COMMENT ON COLUMN jobs.transition IS 'The last change of status. Each change of status names one of status_transitions.';
COMMENT ON COLUMN jobs.open IS 'Under way. Volume locks refer to it: only an open job holds one.';
COMMENT ON COLUMN jobs.external IS 'Whether it was started outside of hod.';
COMMENT ON COLUMN jobs.started_at IS 'When it began. NULL where that is not told.';
COMMENT ON COLUMN jobs.ended_at IS 'When hod saw it end. NULL while it is open, and where it was found ended.';
COMMENT ON COLUMN jobs.found_ended IS 'It had ended when hod first saw it; when is not known.';
COMMENT ON COLUMN jobs.origin IS 'The program that reported it. Empty: hod itself.';
COMMENT ON COLUMN jobs.message IS 'How it ended, or what it waits for.';

CREATE TABLE job_subjects (
    job_id      uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    volume_id   uuid NOT NULL,
    volume_name text NOT NULL,
    PRIMARY KEY (job_id, volume_id)
);
CREATE INDEX job_subjects_by_volume ON job_subjects (volume_id);
COMMENT ON TABLE job_subjects IS 'The volumes a job is about. The name is the one last seen: a job outlives its volume.';

CREATE TABLE steps (
    id          uuid       PRIMARY KEY,
    pool_id     uuid       NOT NULL,
    job_id      uuid       NOT NULL,
    parent_id   uuid,
    number      integer    NOT NULL CHECK (number >= 1),
    type        step_type  NOT NULL,
    description text       NOT NULL CHECK (description ~ '\S'),
    status      job_status NOT NULL,
    transition  status_transition,
    external    boolean    NOT NULL,
    started_at  timestamptz,
    ended_at    timestamptz,
    found_ended boolean    NOT NULL DEFAULT false,
    UNIQUE (pool_id, id),
    UNIQUE (job_id, id),
    UNIQUE (job_id, number),
    FOREIGN KEY (pool_id, job_id) REFERENCES jobs (pool_id, id) ON DELETE CASCADE,
    FOREIGN KEY (job_id, parent_id) REFERENCES steps (job_id, id),
    CHECK (parent_id <> id),
    CONSTRAINT steps_ended_at_of_ended CHECK (
        CASE WHEN status = 'STARTED' THEN ended_at IS NULL AND NOT found_ended
             ELSE (ended_at IS NULL) = found_ended END
    )
) WITH (fillfactor = 80);
CREATE INDEX steps_by_parent ON steps (job_id, parent_id) WHERE parent_id IS NOT NULL;
COMMENT ON TABLE steps IS 'The steps of a job, as a tree.';
COMMENT ON COLUMN steps.number IS 'The step''s place in its job. A parent is always numbered before its children.';

CREATE TABLE step_external_ids (
    pool_id     uuid            NOT NULL REFERENCES pools ON DELETE CASCADE,
    system      external_system NOT NULL,
    external_id uuid            NOT NULL,
    step_id     uuid,
    run         integer         NOT NULL DEFAULT 1 CHECK (run >= 1),
    first_seen  timestamptz     NOT NULL,
    last_seen   timestamptz     NOT NULL,
    ended       task_status     CHECK (ended IN ('COMPLETED', 'FAILED', 'ABORTED', 'UNKNOWN')),
    cleared_at  timestamptz,
    PRIMARY KEY (pool_id, system, external_id),
    UNIQUE (step_id, run),
    -- NO ACTION: what deletes a step says first what becomes of its ids.
    FOREIGN KEY (pool_id, step_id) REFERENCES steps (pool_id, id),
    CHECK ((step_id IS NULL) = (cleared_at IS NOT NULL)),
    CHECK (first_seen <= last_seen)
);
-- By the id alone: GetStepsByExternalTaskId knows no pool.
CREATE INDEX step_external_ids_by_id ON step_external_ids (external_id);
COMMENT ON TABLE step_external_ids IS 'The ids that other systems gave to what a step does. An id belongs to one step, whatever became of it.';
COMMENT ON COLUMN step_external_ids.step_id IS 'NULL: the job was cleared, and the id is left behind so that it is not found again.';
COMMENT ON COLUMN step_external_ids.run IS 'Of a step that ran under several ids: which one, from 1.';
COMMENT ON COLUMN step_external_ids.last_seen IS 'When the last change of it was recorded, to the minute. A sync without changes writes nothing.';
COMMENT ON COLUMN step_external_ids.ended IS 'How what has this id ended. NULL: it has not.';

CREATE TABLE step_tasks (
    step_id         uuid        PRIMARY KEY REFERENCES steps ON DELETE CASCADE,
    type            task_type,
    type_name       text,
    fix_layout      boolean     NOT NULL DEFAULT false,
    reset           boolean     NOT NULL DEFAULT false,
    status          task_status NOT NULL,
    volume_id       uuid        NOT NULL,
    volume_name     text        NOT NULL,
    attention       jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(attention) = 'array'),
    found_at        timestamptz NOT NULL,
    running_at      timestamptz,
    followed        boolean     NOT NULL DEFAULT false,
    absence_looks   integer     NOT NULL DEFAULT 0 CHECK (absence_looks >= 0),
    absence_span_ns bigint      NOT NULL DEFAULT 0 CHECK (absence_span_ns >= 0),
    absence_since   timestamptz,
    absence_last    timestamptz,
    CHECK ((type IS NOT DISTINCT FROM 'OTHER') = (type_name IS NOT NULL)),
    CHECK (NOT fix_layout OR type IS NOT DISTINCT FROM 'REBALANCE'),
    CHECK (NOT reset OR type IS NOT DISTINCT FROM 'REPLACE_BRICK')
) WITH (fillfactor = 80);
COMMENT ON TABLE step_tasks IS 'The Gluster task that a step carries, as last worked out from its hosts.';
COMMENT ON COLUMN step_tasks.type IS 'NULL until something told.';
COMMENT ON COLUMN step_tasks.type_name IS 'Gluster''s word for a type that hod does not know.';
COMMENT ON COLUMN step_tasks.attention IS 'What an operator should know: [{code, text}, …].';
COMMENT ON COLUMN step_tasks.running_at IS 'When it was last seen in progress on any host.';
COMMENT ON COLUMN step_tasks.followed IS 'A call that takes the volume''s lock has told of it: its start has released that lock.';
COMMENT ON COLUMN step_tasks.absence_looks IS 'Complete observations without it since it was last seen.';
COMMENT ON COLUMN step_tasks.absence_span_ns IS 'The time they span in nanoseconds, gaps counted only so far.';

CREATE TABLE step_bricks (
    step_id  uuid    NOT NULL REFERENCES step_tasks ON DELETE CASCADE,
    position integer NOT NULL CHECK (position >= 0),
    name     text    NOT NULL CHECK (name ~ '\S'),
    host_id  uuid,
    path     text,
    PRIMARY KEY (step_id, position),
    CHECK ((host_id IS NULL) = (path IS NULL))
);
COMMENT ON TABLE step_bricks IS 'The bricks of a step''s task, as the task lists them and as they were resolved when first seen.';

CREATE TABLE step_hosts (
    step_id        uuid        NOT NULL REFERENCES step_tasks ON DELETE CASCADE,
    host_id        uuid        NOT NULL,
    must_take_part boolean     NOT NULL,
    held           boolean     NOT NULL,
    not_held_looks integer     CHECK (not_held_looks >= 0),
    not_held_at    timestamptz,
    status         part_status NOT NULL,
    files          bigint      NOT NULL DEFAULT 0 CHECK (files >= 0),
    bytes          bigint      NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    scanned        bigint      NOT NULL DEFAULT 0 CHECK (scanned >= 0),
    failed         bigint      NOT NULL DEFAULT 0 CHECK (failed >= 0),
    skipped        bigint      NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    run_time_ns    bigint      CHECK (run_time_ns >= 0),
    changed_at     timestamptz NOT NULL,
    PRIMARY KEY (step_id, host_id),
    CHECK ((not_held_looks IS NULL) = (not_held_at IS NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE step_hosts IS 'The hosts'' parts of a step''s task: who must take part, fixed when the task was first seen, and what each has done.';
COMMENT ON COLUMN step_hosts.held IS 'Whether this host''s own glusterd has ever held the task.';
COMMENT ON COLUMN step_hosts.not_held_looks IS 'In how many looks after the start it held no such task; not_held_at is the last of them.';
COMMENT ON COLUMN step_hosts.run_time_ns IS 'How long the part has run, in nanoseconds. NULL where that is not told.';

CREATE TABLE volume_locks (
    pool_id   uuid        NOT NULL,
    volume_id uuid        NOT NULL,
    job_id    uuid        NOT NULL,
    job_open  boolean     NOT NULL DEFAULT true CHECK (job_open),
    taken_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pool_id, volume_id),
    FOREIGN KEY (pool_id, volume_id) REFERENCES volumes ON DELETE CASCADE,
    -- A job can't end while it holds a lock, nor can an ended one take it.
    CONSTRAINT volume_locks_of_open_jobs
        FOREIGN KEY (pool_id, job_id, job_open) REFERENCES jobs (pool_id, id, open)
);
CREATE INDEX volume_locks_by_job ON volume_locks (job_id);
COMMENT ON TABLE volume_locks IS 'One volume, one operation: the open job that holds a volume. Taken in the transaction that opens the job, released in the one that ends it.';
