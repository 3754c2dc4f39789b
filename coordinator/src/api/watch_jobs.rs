//! A watch of jobs: those that match, then each of them again whenever it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use hod_core::id::{JobId, PoolId};
use hod_core::job::JobStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::watch_jobs_response::Event;
use jiff::Timestamp;
use prost::Message as _;
use tonic::{Code, Status};

use super::ages::Ages;
use super::watch::{self, Watcher};
use super::{Api, check, problem, tell};
use crate::store::{Job, JobFilter, Notice, Page, StoreError};

/// How many jobs are read at once.
const BATCH: i32 = 200;
/// How many notices are taken together: a job that changed twice is told once.
const NOTICES: usize = 256;

/// Begins a watch.
///
/// # Errors
/// If what it is to be about is not there.
pub(super) async fn watch(
    api: Api,
    request: pb::WatchJobsRequest,
) -> Result<BoxStream<'static, Result<pb::WatchJobsResponse, Status>>, Status> {
    let wanted = Wanted {
        job: check::optional_id("job_id", &request.job_id)?,
        pool: api.pool_or_all(&request.pool).await?.map(|p| p.id),
        volume: check::optional(request.volume),
        ended: request.ended,
        began: api.store.now().await.map_err(problem::store)?,
    };
    // A job or a volume that is not there is said at once, not in the stream.
    let open = match wanted.job {
        Some(id) => {
            api.store.job(id).await.map_err(problem::store)?;
            vec![id]
        }
        None => wanted.open_now(&api).await?,
    };
    let sent = open.into_iter().map(|id| (id, Sent { hash: None, open: true })).collect();
    Ok(watch::stream(api.stop.clone(), move |to| {
        let watch = Watch { api, wanted, to, ages: Ages::default(), sent };
        watch.run()
    }))
}

/// Which jobs are wanted.
struct Wanted {
    pool: Option<PoolId>,
    volume: Option<String>,
    job: Option<JobId>,
    ended: bool,
    began: Timestamp,
}

impl Wanted {
    fn filter(&self, statuses: Vec<JobStatus>, trees: bool) -> JobFilter {
        JobFilter { pool: self.pool, volume: self.volume.clone(), statuses, trees }
    }

    /// The jobs that are open when the watch begins: by the first look they may have
    /// ended, and are to be told all the same.
    async fn open_now(&self, api: &Api) -> Result<Vec<JobId>, Status> {
        let filter = self.filter(vec![JobStatus::Started], false);
        let (mut ids, mut page) = (Vec::new(), Page { size: BATCH, token: String::new() });
        loop {
            let found = api.store.jobs(&filter, &page).await.map_err(problem::store)?;
            ids.extend(found.jobs.iter().map(|job| job.id));
            if found.next.is_empty() {
                return Ok(ids);
            }
            page.token = found.next;
        }
    }

    fn of_pool(&self, pool: PoolId) -> bool {
        self.pool.is_none_or(|wanted| wanted == pool)
    }

    /// Whether the job is about what is wanted.
    fn is_about(&self, job: &Job) -> bool {
        let about = |volume: &String| {
            let is = |s: &crate::store::Subject| s.name == *volume || s.volume.to_string() == *volume;
            job.subjects.iter().any(is)
        };
        self.of_pool(job.pool)
            && self.job.is_none_or(|wanted| wanted == job.id)
            && self.volume.as_ref().is_none_or(about)
    }

    /// Whether the job was open at some time of the watch, or ended ones are wanted too.
    fn in_time(&self, job: &Job) -> bool {
        let ended = job.ended_at.unwrap_or(job.found_at);
        self.ended || self.job.is_some() || job.status.is_open() || ended >= self.began
    }
}

/// What was sent of a job last; nothing yet, if there is no hash.
#[derive(Clone, Copy)]
struct Sent {
    hash: Option<u64>,
    open: bool,
}

struct Watch {
    api: Api,
    wanted: Wanted,
    to: Watcher<pb::WatchJobsResponse>,
    ages: Ages,
    sent: BTreeMap<JobId, Sent>,
}

/// What is to be looked at again.
#[derive(Default)]
struct News {
    all: bool,
    ages: bool,
    jobs: BTreeSet<JobId>,
}

impl Watch {
    async fn run(mut self) -> Result<(), Status> {
        // Before anything is read, so that nothing falls between.
        let mut notices = self.api.store.listen().ready_chunks(NOTICES);
        let mut complete = false;
        while let Some(some) = notices.next().await {
            let mut news = self.news(some);
            // A store that does not answer loses nothing: all is looked at once more.
            while let Err(status) = self.look(&news, complete).await {
                if status.code() != Code::Unavailable {
                    return Err(status);
                }
                news.all = true;
                tokio::time::sleep(watch::AGAIN).await;
            }
            if news.all && !complete {
                complete = true;
                self.tell(Event::Complete(pb::WatchComplete {})).await?;
            }
        }
        Err(Status::unavailable("the store tells no more changes: begin the watch again"))
    }

    fn news(&self, notices: Vec<Notice>) -> News {
        let mut news = News::default();
        for notice in notices {
            match notice {
                Notice::LookAgain => news.all = true,
                Notice::Job(id) => drop(news.jobs.insert(id)),
                // A host that fell silent makes what is shown of its part old.
                Notice::Events(pool) => news.ages |= self.wanted.of_pool(pool),
                Notice::Pool(pool) => news.all |= self.wanted.of_pool(pool),
            }
        }
        news
    }

    async fn look(&mut self, news: &News, again: bool) -> Result<(), Status> {
        let mut jobs = news.jobs.clone();
        if news.all || news.ages {
            let ages = Ages::read(&*self.api.store, self.wanted.pool).await;
            let ages = ages.map_err(problem::store)?;
            if ages != self.ages {
                self.ages = ages;
                jobs.extend(self.sent.iter().filter(|(_, s)| s.open).map(|(id, _)| *id));
            }
        }
        if news.all {
            jobs.extend(self.sent.iter().filter(|(_, s)| s.open || again).map(|(id, _)| *id));
            match self.wanted.job {
                Some(id) => drop(jobs.insert(id)),
                None => {
                    for id in self.look_at_all().await? {
                        jobs.remove(&id);
                    }
                }
            }
        }
        for id in jobs {
            self.look_at(id).await?;
        }
        Ok(())
    }

    /// Looks at every job that is open, or of which something may have been missed.
    async fn look_at_all(&mut self) -> Result<Vec<JobId>, Status> {
        let mut looked_at = Vec::new();
        self.pages(vec![JobStatus::Started], None, &mut looked_at).await?;
        // What began and ended while nothing was heard was found after the beginning.
        let from = (!self.wanted.ended).then_some(self.wanted.began);
        self.pages(Vec::new(), from, &mut looked_at).await?;
        Ok(looked_at)
    }

    async fn pages(
        &mut self,
        statuses: Vec<JobStatus>,
        found_from: Option<Timestamp>,
        looked_at: &mut Vec<JobId>,
    ) -> Result<(), Status> {
        let filter = self.wanted.filter(statuses, true);
        let mut page = Page { size: BATCH, token: String::new() };
        loop {
            let found = self.api.store.jobs(&filter, &page).await.map_err(problem::store)?;
            for job in found.jobs {
                if found_from.is_some_and(|from| job.found_at < from) {
                    return Ok(());
                }
                looked_at.push(job.id);
                self.tell_job(job).await?;
            }
            if found.next.is_empty() {
                return Ok(());
            }
            page.token = found.next;
        }
    }

    async fn look_at(&mut self, id: JobId) -> Result<(), Status> {
        match self.api.store.job(id).await {
            Ok(job) => self.tell_job(job).await,
            Err(StoreError::NotFound { .. }) => match self.sent.remove(&id) {
                Some(Sent { hash: Some(_), .. }) => self.tell(Event::RemovedJobId(id.to_string())).await,
                _ => Ok(()),
            },
            Err(e) => Err(problem::store(e)),
        }
    }

    /// Tells a job, if it is wanted and not the same as it was.
    async fn tell_job(&mut self, job: Job) -> Result<(), Status> {
        let id = job.id;
        let known = self.sent.get(&id).copied();
        if !self.wanted.is_about(&job) || (known.is_none() && !self.wanted.in_time(&job)) {
            return Ok(());
        }
        let open = job.status.is_open();
        let job = tell::job(job, &self.ages);
        let mut hasher = DefaultHasher::new();
        job.encode_to_vec().hash(&mut hasher);
        let hash = Some(hasher.finish());
        if known.is_some_and(|sent| sent.hash == hash) {
            return Ok(());
        }
        self.tell(Event::Job(job)).await?;
        self.sent.insert(id, Sent { hash, open });
        Ok(())
    }

    async fn tell(&self, event: Event) -> Result<(), Status> {
        self.to.tell(pb::WatchJobsResponse { event: Some(event) }).await
    }
}
