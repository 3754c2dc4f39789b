//! What hod has recorded, read past hod.

use std::path::Path;

use anyhow::Result;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, Statement};
use uuid::Uuid;

use crate::clock::Clock;
use crate::story::Story;
use crate::wire::{Socket, Trouble};

/// A connection of its own, outside of the simulation.
pub(crate) struct Record {
    runtime: Runtime,
    client: Client,
    jobs: Statement,
    parts: Statement,
}

/// A job with its task's runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    pub(crate) status: String,
    pub(crate) transition: String,
    pub(crate) action: String,
    pub(crate) message: String,
    /// Milliseconds since the simulation began.
    pub(crate) ended: Option<i64>,
    pub(crate) volume: String,
    /// Gluster's ids of what its step does, by run.
    pub(crate) tasks: Vec<Uuid>,
    pub(crate) locks: bool,
    /// The brick that it heals, if it replaces or resets one.
    pub(crate) heals: Option<String>,
    /// Another job holds the volume.
    pub(crate) locked_out: bool,
}

/// A host's part of the last run of a job's task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) task: Uuid,
    pub(crate) host: Uuid,
    pub(crate) files: i64,
    pub(crate) bytes: i64,
    pub(crate) scanned: i64,
}

const JOBS: &str = "
    SELECT j.id, j.status::text, coalesce(j.transition::text, '') AS transition, j.action, j.message,
           (extract(epoch FROM j.ended_at) * 1000)::bigint - 1767225600000 AS ended,
           coalesce((SELECT min(volume_name) FROM job_subjects WHERE job_id = j.id), '') AS volume,
           ARRAY(SELECT e.external_id FROM step_external_ids e JOIN steps s ON s.id = e.step_id
                 WHERE s.job_id = j.id AND e.system = 'GLUSTER' ORDER BY e.run) AS tasks,
           (SELECT b.name FROM step_bricks b JOIN steps s ON s.id = b.step_id
            WHERE s.job_id = j.id AND s.type = 'REPLACING_BRICK'
            ORDER BY b.position DESC LIMIT 1) AS heals,
           EXISTS (SELECT FROM volume_locks l WHERE l.job_id = j.id) AS locks,
           EXISTS (SELECT FROM volume_locks l JOIN job_subjects u USING (volume_id)
                   WHERE u.job_id = j.id AND l.job_id <> j.id) AS locked_out
    FROM jobs j ORDER BY j.found_at, j.id";

const PARTS: &str = "
    SELECT e.external_id, h.host_id, h.files, h.bytes, h.scanned
    FROM step_hosts h JOIN step_external_ids e USING (step_id)
    WHERE NOT EXISTS (SELECT FROM step_external_ids n WHERE n.step_id = e.step_id AND n.run > e.run)
    ORDER BY 1, 2";

impl Record {
    pub(crate) fn open(folder: &Path, config: &Config, clock: Clock) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let socket = Socket::new(folder, clock, Trouble::default());
        let (client, _) = runtime.block_on(socket.open(config))?;
        let jobs = runtime.block_on(client.prepare(JOBS))?;
        let parts = runtime.block_on(client.prepare(PARTS))?;
        Ok(Self { runtime, client, jobs, parts })
    }

    pub(crate) fn jobs(&self) -> Result<Vec<Job>> {
        let rows = self.runtime.block_on(self.client.query(&self.jobs, &[]))?;
        let job = |row: &tokio_postgres::Row| {
            Ok(Job {
                id: row.try_get("id")?,
                status: row.try_get("status")?,
                transition: row.try_get("transition")?,
                action: row.try_get("action")?,
                message: row.try_get("message")?,
                ended: row.try_get("ended")?,
                volume: row.try_get("volume")?,
                tasks: row.try_get("tasks")?,
                heals: row.try_get("heals")?,
                locks: row.try_get("locks")?,
                locked_out: row.try_get("locked_out")?,
            })
        };
        rows.iter().map(job).collect()
    }

    pub(crate) fn parts(&self) -> Result<Vec<Part>> {
        let rows = self.runtime.block_on(self.client.query(&self.parts, &[]))?;
        let part = |row: &tokio_postgres::Row| {
            Ok(Part {
                task: row.try_get(0)?,
                host: row.try_get(1)?,
                files: row.try_get(2)?,
                bytes: row.try_get(3)?,
                scanned: row.try_get(4)?,
            })
        };
        rows.iter().map(part).collect()
    }

    /// Adds to the story what hod knows of each host's part in what is open.
    pub(crate) fn tell_parts(&self, story: &Story) -> Result<()> {
        let query = "SELECT t.volume_name || ' on ' || coalesce(o.names[1], h.host_id::text) || ': ' || to_jsonb(h)::text,
                            t.attention::text
                     FROM step_hosts h JOIN step_tasks t USING (step_id) JOIN steps s ON s.id = h.step_id
                     JOIN jobs j ON j.id = s.job_id LEFT JOIN hosts o ON o.id = h.host_id
                     WHERE j.status = 'STARTED' ORDER BY 1";
        let state = "SELECT coalesce(names[1], id::text), state::text || ' ' || state_message FROM hosts
                     UNION ALL SELECT name, trouble FROM volumes WHERE trouble IS NOT NULL ORDER BY 1";
        for query in [state, query] {
            for row in self.runtime.block_on(self.client.query(query, &[]))? {
                let (what, how): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                story.tell(format_args!("hod: {what} {how}"));
            }
        }
        Ok(())
    }

    /// One number.
    pub(crate) fn count(&self, query: &str) -> Result<i64> {
        Ok(self.runtime.block_on(self.client.query_one(query, &[]))?.try_get(0)?)
    }

    /// The events, each a line.
    pub(crate) fn events(&self) -> Result<Vec<String>> {
        let query = "SELECT (extract(epoch FROM at) * 1000)::bigint - 1767225600000, kind, message \
                     FROM events ORDER BY number";
        let rows = self.runtime.block_on(self.client.query(query, &[]))?;
        let line = |row: &tokio_postgres::Row| {
            let at: i64 = row.try_get(0)?;
            let (kind, message): (String, String) = (row.try_get(1)?, row.try_get(2)?);
            Ok(format!("{:>8}.{:03} event {kind}: {}", at / 1000, at % 1000, crate::gluster::short(&message)))
        };
        rows.iter().map(line).collect()
    }
}
