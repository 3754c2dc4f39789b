-- Stored functions, named as oVirt names them where oVirt has them. They are SQL,
-- so that a set-based statement can use them and the planner can see into them.

CREATE FUNCTION CheckIfJobHasTasks(v_job_id uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM steps s
        JOIN step_external_ids e ON e.step_id = s.id
        WHERE s.job_id = v_job_id AND e.system IN ('VDSM', 'GLUSTER')
    )
$$;
COMMENT ON FUNCTION CheckIfJobHasTasks(uuid) IS 'Has the job a step with an external id of type VDSM or GLUSTER? Such a job is not ended when its command returns.';

CREATE FUNCTION GetStepsByExternalTaskId(v_external_id uuid) RETURNS SETOF steps
LANGUAGE sql STABLE AS $$
    SELECT s.*
    FROM step_external_ids e
    JOIN steps s ON s.id = e.step_id
    WHERE e.external_id = v_external_id
    ORDER BY s.job_id, s.number
$$;
COMMENT ON FUNCTION GetStepsByExternalTaskId(uuid) IS 'All steps with that external id, parents first. Every change of a task finds its steps through it.';

CREATE FUNCTION GetExternalIdsFromSteps(
    v_pool_id uuid,
    v_system external_system,
    v_status job_status
) RETURNS SETOF uuid
LANGUAGE sql STABLE AS $$
    SELECT e.external_id
    FROM step_external_ids e
    JOIN steps s ON s.id = e.step_id
    WHERE e.pool_id = v_pool_id AND e.system = v_system AND s.status = v_status
$$;
COMMENT ON FUNCTION GetExternalIdsFromSteps(uuid, external_system, job_status) IS 'The external ids of a pool''s steps that stand so.';

CREATE FUNCTION GetExternalIdsOfRunningSteps(v_pool_id uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE AS $$
    SELECT GetExternalIdsFromSteps(v_pool_id, 'GLUSTER', 'STARTED')
$$;
COMMENT ON FUNCTION GetExternalIdsOfRunningSteps(uuid) IS 'The ids of the Gluster tasks that a pool''s open steps carry.';

CREATE FUNCTION EndStepsOfJob(
    v_job_id uuid,
    v_transition status_transition,
    v_ended_at timestamptz
) RETURNS SETOF uuid
LANGUAGE sql VOLATILE AS $$
    UPDATE steps s
    SET status = t.to_status, transition = t.transition, ended_at = v_ended_at
    FROM status_transitions t
    WHERE s.job_id = v_job_id AND s.status = 'STARTED'
      AND t.from_status = s.status AND t.transition = v_transition
    RETURNING s.id
$$;
COMMENT ON FUNCTION EndStepsOfJob(uuid, status_transition, timestamptz) IS 'Ends the open steps of a job in the way in which the job ends. Returns them.';

CREATE FUNCTION ClearJobs(v_job_ids uuid[]) RETURNS SETOF uuid
LANGUAGE sql VOLATILE AS $$
    UPDATE step_external_ids e
    SET step_id = NULL, cleared_at = now()
    FROM steps s JOIN jobs j ON j.id = s.job_id
    WHERE e.step_id = s.id AND j.id = ANY (v_job_ids) AND j.status <> 'STARTED';

    DELETE FROM jobs
    WHERE id = ANY (v_job_ids) AND status <> 'STARTED'
    RETURNING id;
$$;
COMMENT ON FUNCTION ClearJobs(uuid[]) IS 'Takes ended jobs out of the record. Their external ids are left behind, or what Gluster still lists would be found again. Returns the jobs cleared; open ones never are.';

CREATE FUNCTION DeleteCompletedJobsOlderThan(
    v_pool_id uuid,
    v_before timestamptz,
    v_listed uuid[]
) RETURNS SETOF uuid
LANGUAGE sql VOLATILE AS $$
    DELETE FROM step_external_ids
    WHERE pool_id = v_pool_id AND cleared_at < v_before AND external_id <> ALL (v_listed);

    SELECT ClearJobs(ARRAY(
        SELECT id FROM jobs
        WHERE pool_id = v_pool_id AND status <> 'STARTED' AND coalesce(ended_at, found_at) < v_before
    ));
$$;
COMMENT ON FUNCTION DeleteCompletedJobsOlderThan(uuid, timestamptz, uuid[]) IS 'Clears a pool''s jobs that ended before a time, and forgets the ids of jobs that were cleared before it, except those that Gluster lists. Returns the jobs cleared; open ones never are.';
