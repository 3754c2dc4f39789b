-- What operators have hod do: intentions before actions, pauses and runs, throttles
-- to be put back, and the hours in which a rebalance may run.

CREATE TYPE intention_kind AS ENUM ('START', 'TAKE_BRICKS', 'REPLACE_BRICK', 'RESET_BRICK');
CREATE TYPE intention_answer AS ENUM ('DONE', 'REFUSED', 'UNKNOWN');
CREATE TYPE throttle_state AS ENUM ('INTENDED', 'SET');

ALTER TABLE jobs
    ADD COLUMN action text NOT NULL DEFAULT '',
    ADD COLUMN auto_commit boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT jobs_action_of_commands CHECK (action = '' OR NOT external),
    ADD CONSTRAINT jobs_auto_commit_of_commands CHECK (NOT auto_commit OR NOT external);
COMMENT ON COLUMN jobs.action IS 'The command that it is, such as rebalance-start. Empty: it was started outside of hod.';
COMMENT ON COLUMN jobs.auto_commit IS 'A remove-brick that is committed by itself once the gate is open.';

ALTER TABLE step_tasks
    ADD COLUMN pause_by text,
    ADD COLUMN pause_at timestamptz,
    ADD CONSTRAINT step_tasks_pause_has_time CHECK ((pause_by IS NULL) = (pause_at IS NULL)),
    ADD CONSTRAINT step_tasks_paused_by_a_pause CHECK (status <> 'PAUSED' OR pause_at IS NOT NULL);
COMMENT ON COLUMN step_tasks.pause_by IS 'Who has it paused: an operator, or hod by a window. Written before Gluster is asked to stop it.';

CREATE TABLE step_earlier_runs (
    step_id uuid    NOT NULL REFERENCES step_tasks ON DELETE CASCADE,
    run     integer NOT NULL CHECK (run >= 1),
    host_id uuid    NOT NULL,
    files   bigint  NOT NULL CHECK (files >= 0),
    bytes   bigint  NOT NULL CHECK (bytes >= 0),
    PRIMARY KEY (step_id, run, host_id),
    CHECK (files > 0 OR bytes > 0)
);
COMMENT ON TABLE step_earlier_runs IS 'What the runs of a step''s task before the last one have moved: it adds up over the runs. The last run is in step_hosts.';

CREATE TABLE intentions (
    id           uuid           PRIMARY KEY,
    pool_id      uuid           NOT NULL,
    volume_id    uuid           NOT NULL,
    job_id       uuid           NOT NULL,
    executing_id uuid           NOT NULL,
    step_id      uuid           NOT NULL,
    kind         intention_kind NOT NULL,
    task_type    task_type      CHECK (task_type IN ('REBALANCE', 'REMOVE_BRICK')),
    fix_layout   boolean        NOT NULL DEFAULT false,
    before       uuid[]         NOT NULL DEFAULT '{}',
    run          integer        NOT NULL DEFAULT 1 CHECK (run >= 1),
    task_id      uuid,
    made_at      timestamptz    NOT NULL DEFAULT now(),
    actor        text           NOT NULL,
    answer       intention_answer,
    answer_task  uuid,
    answer_words text,
    answered_at  timestamptz,
    adopted      uuid,
    outcome      text,
    settled_at   timestamptz,
    job_open     boolean        GENERATED ALWAYS AS (CASE WHEN settled_at IS NULL THEN true END) STORED,
    FOREIGN KEY (pool_id, volume_id) REFERENCES volumes ON DELETE CASCADE,
    FOREIGN KEY (pool_id, job_id) REFERENCES jobs (pool_id, id) ON DELETE CASCADE,
    FOREIGN KEY (job_id, executing_id) REFERENCES steps (job_id, id) ON DELETE CASCADE,
    FOREIGN KEY (job_id, step_id) REFERENCES steps (job_id, id) ON DELETE CASCADE,
    -- A job can't end before its intention is settled.
    CONSTRAINT intentions_of_open_jobs
        FOREIGN KEY (pool_id, job_id, job_open) REFERENCES jobs (pool_id, id, open),
    CONSTRAINT intentions_start CHECK (
        CASE WHEN kind = 'START' THEN task_type IS NOT NULL
             ELSE task_type IS NULL AND run = 1 AND before = '{}' AND adopted IS NULL END
    ),
    CONSTRAINT intentions_fix_layout CHECK (NOT fix_layout OR task_type IS NOT DISTINCT FROM 'REBALANCE'),
    CONSTRAINT intentions_task_made_by_hod
        CHECK ((task_id IS NOT NULL) = (kind IN ('REPLACE_BRICK', 'RESET_BRICK'))),
    CONSTRAINT intentions_answer CHECK (
        CASE WHEN answer IS NULL THEN answer_task IS NULL AND answer_words IS NULL AND answered_at IS NULL
             WHEN answer = 'DONE' THEN answer_words IS NULL AND answered_at IS NOT NULL
             ELSE answer_task IS NULL AND answer_words IS NOT NULL AND answered_at IS NOT NULL END
    ),
    CONSTRAINT intentions_settled CHECK (
        (settled_at IS NULL) = (outcome IS NULL) AND (adopted IS NULL OR settled_at IS NOT NULL)
    )
);
-- A volume has one operation, so it has one intention.
CREATE UNIQUE INDEX intentions_one_of_volume ON intentions (pool_id, volume_id) WHERE settled_at IS NULL;
CREATE INDEX intentions_by_job ON intentions (job_id);
COMMENT ON TABLE intentions IS 'What hod was about to have Gluster do, written before an agent was asked. What became of it is settled by Gluster''s own state.';
COMMENT ON COLUMN intentions.id IS 'Also the request id that the agent is asked under.';
COMMENT ON COLUMN intentions.before IS 'Ids that the volume''s tasks had before: not to be taken for the new one.';
COMMENT ON COLUMN intentions.run IS 'Which run of the step''s task it starts, from 1. What the ones before have moved is in step_earlier_runs and step_hosts.';
COMMENT ON COLUMN intentions.task_id IS 'The id that hod made for what Gluster gives none.';
COMMENT ON COLUMN intentions.answer_task IS 'The task''s id, where the agent told one.';
COMMENT ON COLUMN intentions.answer_words IS 'Why it was refused, in Gluster''s words; or why what became of it is not known.';
COMMENT ON COLUMN intentions.adopted IS 'The Gluster task that it came to.';
COMMENT ON COLUMN intentions.outcome IS 'What it came to, in words.';
COMMENT ON COLUMN intentions.job_open IS 'Refers to jobs.open while it is not settled.';

CREATE TABLE intention_bricks (
    intention_id uuid    NOT NULL REFERENCES intentions ON DELETE CASCADE,
    position     integer NOT NULL CHECK (position >= 0),
    name         text    CHECK (name ~ '\S'),
    host_id      uuid,
    path         text,
    PRIMARY KEY (intention_id, position),
    CHECK ((host_id IS NULL) = (path IS NULL)),
    CHECK (name IS NOT NULL OR host_id IS NOT NULL)
);
COMMENT ON TABLE intention_bricks IS 'The bricks that an intention is about. Of a REPLACE_BRICK the first goes and the second comes.';

CREATE TABLE throttles (
    pool_id   uuid           NOT NULL,
    volume_id uuid           NOT NULL,
    job_id    uuid           REFERENCES jobs ON DELETE SET NULL,
    set_value text           NOT NULL CHECK (set_value ~ '\S'),
    previous  text,
    state     throttle_state NOT NULL DEFAULT 'INTENDED',
    put_at    timestamptz    NOT NULL DEFAULT now(),
    PRIMARY KEY (pool_id, volume_id),
    FOREIGN KEY (pool_id, volume_id) REFERENCES volumes ON DELETE CASCADE,
    CHECK (previous IS DISTINCT FROM set_value)
);
CREATE INDEX throttles_by_job ON throttles (job_id);
COMMENT ON TABLE throttles IS 'What cluster.rebal-throttle was before hod set it, written before it is set, gone once it is put back.';
COMMENT ON COLUMN throttles.job_id IS 'The job it was set for. NULL: that job was cleared.';
COMMENT ON COLUMN throttles.previous IS 'What is to be put back. NULL: the option was not set.';

CREATE TABLE volume_windows (
    pool_id   uuid       NOT NULL,
    volume_id uuid       NOT NULL,
    position  integer    NOT NULL CHECK (position >= 0),
    weekdays  smallint[] NOT NULL CHECK (weekdays <@ '{1,2,3,4,5,6,7}'::smallint[]),
    begins    time(0)    NOT NULL CHECK (begins < '24:00'),
    ends      time(0)    NOT NULL CHECK (ends < '24:00'),
    zone      text       NOT NULL CHECK (zone ~ '\S'),
    PRIMARY KEY (pool_id, volume_id, position),
    FOREIGN KEY (pool_id, volume_id) REFERENCES volumes ON DELETE CASCADE
);
COMMENT ON TABLE volume_windows IS 'When a volume''s rebalance may run. A volume without windows: at any time.';
COMMENT ON COLUMN volume_windows.weekdays IS 'The days on which it begins, 1 Monday to 7 Sunday. None: every day.';
COMMENT ON COLUMN volume_windows.ends IS 'On the next day where it is not after the begin.';
COMMENT ON COLUMN volume_windows.zone IS 'Whose clock, such as Europe/Berlin.';

-- Of a step that ran under several ids the last one is what it carries.
CREATE OR REPLACE FUNCTION GetExternalIdsFromSteps(
    v_pool_id uuid,
    v_system external_system,
    v_status job_status
) RETURNS SETOF uuid
LANGUAGE sql STABLE AS $$
    SELECT e.external_id
    FROM step_external_ids e
    JOIN steps s ON s.id = e.step_id
    WHERE e.pool_id = v_pool_id AND e.system = v_system AND s.status = v_status
      AND NOT EXISTS (SELECT FROM step_external_ids n WHERE n.step_id = e.step_id AND n.run > e.run)
$$;
