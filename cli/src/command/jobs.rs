//! `hod jobs`.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hod_proto::coordinator::v1::{Job, JobStatus, ListJobsRequest, ListJobsResponse, ListTasksRequest};
use jiff::Timestamp;

use crate::client::{Client, told};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::jobs;
use crate::render::silence::{self, Silent};
use crate::text::Look;
use crate::text::age::{since, time};
use crate::text::number::counted;

use super::Context;

/// Without `--all`, jobs that ended longer ago are left out.
const RECENT: Duration = Duration::from_secs(24 * 3600);

/// The largest page that the coordinator gives.
const PAGE: i32 = 1000;

/// `hod jobs`
#[derive(Debug, Args)]
pub struct Arguments {
    /// Also those that ended longer ago than a day
    #[arg(long, short)]
    all: bool,
    /// Only of this pool, by name or id
    #[arg(long)]
    pool: Option<String>,
    /// Only about this volume, by name or id
    #[arg(long)]
    volume: Option<String>,
    /// Only those that stand so, however long ago they ended
    #[arg(long, value_enum, value_delimiter = ',')]
    status: Vec<Status>,
    /// At most so many, the newest ones
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// How a job stands, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Status {
    /// Under way
    Started,
    /// Ended well
    Finished,
    /// Ended badly
    Failed,
    /// Stopped
    Aborted,
    /// Ended, and how is not known
    Unknown,
}

impl From<Status> for JobStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Started => Self::Started,
            Status::Finished => Self::Finished,
            Status::Failed => Self::Failed,
            Status::Aborted => Self::Aborted,
            Status::Unknown => Self::Unknown,
        }
    }
}

/// Runs it.
///
/// # Errors
/// The coordinator refused or can't be reached.
pub async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let everything = arguments.all || !arguments.status.is_empty();
    let statuses = arguments.status.iter().copied();
    let request = ListJobsRequest {
        pool: arguments.pool.unwrap_or_default(),
        volume: arguments.volume.unwrap_or_default(),
        statuses: statuses.map(|status| JobStatus::from(status).into()).collect(),
        ..ListJobsRequest::default()
    };
    let limit = arguments.limit.map(|limit| limit as usize);
    // What is left out below must not count towards the limit.
    let (mut listed, now) = pages(&client, request, limit.filter(|_| everything)).await?;
    let found = listed.len();
    if !everything {
        listed.retain(|job| is_recent(job, now));
    }
    let old = found - listed.len();
    listed.truncate(limit.unwrap_or(usize::MAX));
    if context.screen.json {
        context.screen.json(&ListJobsResponse { jobs: listed, next_page_token: String::new() })?;
        return Ok(Exit::Ok);
    }
    let look = context.screen.look(now);
    let silent = silent(&client, &listed, &look).await;
    let mut text = jobs::table(&listed, &silent, &look);
    text.push_str(&left_out(listed.len(), old));
    context.screen.text(&text)?;
    Ok(Exit::Ok)
}

/// How long the hosts have been silent that open jobs wait for. Lists of jobs come
/// without their hosts, those of tasks with them; where it can't be told, the list
/// is shown without.
async fn silent(client: &Client, jobs: &[Job], look: &Look) -> BTreeMap<String, Vec<Silent>> {
    let waits = |job: &Job| job.status() == JobStatus::Started && !job.message.is_empty();
    if !jobs.iter().any(waits) {
        return BTreeMap::new();
    }
    let request = client.request(ListTasksRequest::default());
    let tasks = client.tasks().list_tasks(request).await;
    let tasks = tasks.map(|tasks| tasks.into_inner().tasks).unwrap_or_default();
    let mut silent: BTreeMap<String, Vec<Silent>> = BTreeMap::new();
    for task in tasks {
        let hosts = silence::of_task(&task, look);
        silent.entry(task.job_id).or_default().extend(hosts);
    }
    silent
}

/// What is not shown, so that an empty list does not read as "nothing ever ran".
fn left_out(shown: usize, old: usize) -> String {
    let older = format!("{} that ended more than a day ago: --all", counted(old as u64, "job"));
    match (shown, old) {
        (0, 0) => "No jobs.\n".to_owned(),
        (0, _) => format!("No job is open or ended within a day ({older}).\n"),
        (_, 0) => String::new(),
        _ => format!("({older})\n"),
    }
}

/// Open, or seen to end within a day; where it was found ended, the finding counts.
fn is_recent(job: &Job, now: Timestamp) -> bool {
    if matches!(job.status(), JobStatus::Started | JobStatus::Unspecified) {
        return true;
    }
    let ended = time(job.ended_at.as_ref()).or_else(|| time(job.found_at.as_ref()));
    // Better shown than hidden where nothing tells when.
    ended.and_then(|ended| since(ended, now)).is_none_or(|age| age <= RECENT)
}

/// All pages of a list of jobs, up to a limit, with the coordinator's time.
///
/// # Errors
/// The coordinator refused or can't be reached.
pub async fn pages(
    client: &Client,
    mut request: ListJobsRequest,
    limit: Option<usize>,
) -> Result<(Vec<Job>, Timestamp), Failure> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut jobs = Vec::new();
    loop {
        let wanted = limit.saturating_sub(jobs.len());
        request.page_size = i32::try_from(wanted).unwrap_or(PAGE).min(PAGE);
        let page = client.jobs().list_jobs(client.request(request.clone())).await;
        let (page, now) = told(page.map_err(|status| Failure::refused("list jobs", &status))?);
        jobs.extend(page.jobs);
        let stuck = page.next_page_token == request.page_token;
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() || stuck || jobs.len() >= limit {
            jobs.truncate(limit);
            return Ok((jobs, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_is_open_or_ended_within_a_day() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let at =
            |hours: i64| Some(pbjson_types::Timestamp { seconds: now.as_second() + hours * 3600, nanos: 0 });
        let mut job = Job { found_at: at(-100), ..Job::default() };
        job.set_status(JobStatus::Started);
        assert!(is_recent(&job, now));
        job.set_status(JobStatus::Finished);
        assert!(!is_recent(&job, now), "found ended long ago");
        job.ended_at = at(-23);
        assert!(is_recent(&job, now));
        job.ended_at = at(-25);
        assert!(!is_recent(&job, now));
        (job.ended_at, job.found_at) = (None, None);
        assert!(is_recent(&job, now), "nothing tells when");
    }

    #[test]
    fn an_empty_list_says_what_it_leaves_out() {
        assert_eq!(left_out(0, 0), "No jobs.\n");
        assert!(left_out(0, 3).contains("3 jobs that ended more than a day ago: --all"));
        assert!(left_out(2, 1).contains("1 job that"));
        assert_eq!(left_out(2, 0), "");
    }
}
