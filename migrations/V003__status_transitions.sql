-- The changes of status that a job or a step may make. hod-core holds the same
-- table (core/src/transition.rs); a test holds the two against each other.

CREATE TABLE status_transitions (
    from_status job_status        NOT NULL,
    transition  status_transition NOT NULL,
    to_status   job_status        NOT NULL,
    PRIMARY KEY (from_status, transition),
    CHECK (from_status <> to_status)
);
COMMENT ON TABLE status_transitions IS 'Every change of status that there is. Another is refused.';

INSERT INTO status_transitions (from_status, transition, to_status) VALUES
    ('STARTED', 'COMPLETE',  'FINISHED'),
    ('STARTED', 'FAIL',      'FAILED'),
    ('STARTED', 'ABORT',     'ABORTED'),
    ('STARTED', 'LOSE',      'UNKNOWN'),
    ('STARTED', 'ABANDON',   'UNKNOWN'),
    -- What was lost may still be told how it ended.
    ('UNKNOWN', 'COMPLETE',  'FINISHED'),
    ('UNKNOWN', 'FAIL',      'FAILED'),
    ('UNKNOWN', 'ABORT',     'ABORTED'),
    -- A failed or lost task runs again under its id.
    ('FAILED',  'RUN_AGAIN', 'STARTED'),
    ('UNKNOWN', 'RUN_AGAIN', 'STARTED');

CREATE FUNCTION refuse_unnamed_transition() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM status_transitions t
        WHERE t.from_status = OLD.status
          AND t.transition = NEW.transition
          AND t.to_status = NEW.status
    ) THEN
        RAISE EXCEPTION '% % can''t go from % to % by %',
            TG_TABLE_NAME, OLD.id, OLD.status, NEW.status, coalesce(NEW.transition::text, 'nothing')
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_status_transition';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION refuse_unnamed_transition() IS 'Refuses a change of status that names no transition of status_transitions.';

-- A transition that is left standing from the change before leads from nowhere to
-- where it led, so an update that forgets to name one is refused.
CREATE TRIGGER jobs_status_transition BEFORE UPDATE ON jobs FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.transition IS DISTINCT FROM NEW.transition)
    EXECUTE FUNCTION refuse_unnamed_transition();
CREATE TRIGGER steps_status_transition BEFORE UPDATE ON steps FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.transition IS DISTINCT FROM NEW.transition)
    EXECUTE FUNCTION refuse_unnamed_transition();
