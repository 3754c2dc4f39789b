//! `hod watch`.

use std::time::Duration;

use clap::Args;
use hod_proto::coordinator::v1::watch_jobs_response::Event;
use hod_proto::coordinator::v1::{GetJobRequest, Job, WatchJobsRequest, WatchJobsResponse};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tonic::Code;

use crate::client::Client;
use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::follow::{Sign, keep_open, vanished};
use crate::resolve;
use crate::text::Look;
use crate::text::paint::{Tone, paint, tame};
use crate::text::table::wrapped;
use crate::watch::board::{Board, Change};
use crate::watch::lines::Lines;
use crate::watch::migration;
use crate::watch::picture::Picture;
use crate::watch::view;

use super::Context;

/// How often the picture is drawn.
const DRAW: Duration = Duration::from_millis(100);

/// How long it is tried again where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(600);

/// `hod watch`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Arguments {
    /// Only of this pool, by name or id
    #[arg(long)]
    pool: Option<String>,
    /// Only about this volume, by name or id
    #[arg(long)]
    volume: Option<String>,
    /// Only this job, by id or its first characters, until it ends: the exit code tells how
    #[arg(long)]
    job: Option<String>,
    /// End when no job is open any more; the exit code tells of the worst end seen
    #[arg(long, conflicts_with = "job")]
    until_ended: bool,
    /// How long to try again when the coordinator can't be reached
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE.as_secs())]
    patience: u64,
}

/// Runs it.
///
/// # Errors
/// The coordinator refused, or could not be reached for longer than patience lasts.
pub async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let job = match &arguments.job {
        Some(job) => Some(resolve::job(&client, job).await?),
        None => None,
    };
    let request = WatchJobsRequest {
        pool: arguments.pool.unwrap_or_default(),
        volume: arguments.volume.unwrap_or_default(),
        job_id: job.clone().unwrap_or_default(),
        // One that has ended already is told of at once.
        ended: job.is_some(),
    };
    let until = match job {
        Some(job) => Until::Job(job),
        None if arguments.until_ended => Until::AllEnded,
        None => Until::Interrupted,
    };
    follow(context, client, request, until, Duration::from_secs(arguments.patience)).await
}

/// What a command waits for that has made, or changed, a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Its end.
    End,
    /// Its end, or that of a remove-brick's migration, once it waits for somebody.
    Migration {
        /// Whether the job commits by itself what was migrated well.
        commits_itself: bool,
    },
}

/// Follows a job until what is waited for; the exit code tells how it ended.
///
/// # Errors
/// As [`run`]; and where the wait was broken off, since the job goes on.
pub async fn wait(context: &Context, client: Client, job: String, wait: Wait) -> Result<Exit, Failure> {
    let request = WatchJobsRequest { job_id: job.clone(), ended: true, ..WatchJobsRequest::default() };
    let until = match wait {
        Wait::End => Until::Job(job.clone()),
        Wait::Migration { commits_itself } => Until::Migration(job.clone(), commits_itself),
    };
    let exit = follow(context, client, request, until, PATIENCE).await?;
    if exit == Exit::Interrupted {
        return Err(Failure::new(
            exit,
            format!("waiting no longer; the job goes on: `hod watch --job {job}`"),
        ));
    }
    Ok(exit)
}

async fn follow(
    context: &Context,
    client: Client,
    request: WatchJobsRequest,
    until: Until,
    patience: Duration,
) -> Result<Exit, Failure> {
    let doing = match request.job_id.as_str() {
        "" => "watch jobs".to_owned(),
        job => format!("watch job {job}"),
    };
    let (sender, signs) = mpsc::channel(64);
    let open = move |client: Client, _| {
        let request = client.lasting(request.clone());
        async move { client.jobs().watch_jobs(request).await }
    };
    tokio::spawn(keep_open(context.clone(), client, doing, patience, open, sender));
    let mut watch = Watch {
        context,
        until,
        board: Board::default(),
        clock: Clock::new(Timestamp::now()),
        output: Output::new(context),
    };
    let ended = watch.follow(signs).await;
    if let Output::Picture(picture) = &mut watch.output {
        picture.clear();
    }
    if let Ok(exit) = ended {
        watch.conclude(exit)?;
    }
    ended
}

/// When a watch is over.
enum Until {
    /// This job has ended.
    Job(String),
    /// This job has ended, or its migration has; whether it commits by itself.
    Migration(String, bool),
    /// No job is open.
    AllEnded,
    /// Never by itself.
    Interrupted,
}

enum Output {
    Json,
    Lines(Lines),
    Picture(Picture),
}

impl Output {
    fn new(context: &Context) -> Self {
        if context.screen.json {
            Self::Json
        } else if context.screen.terminal {
            Self::Picture(Picture::new(context.screen.look(Timestamp::now()).color))
        } else {
            Self::Lines(Lines::default())
        }
    }
}

/// The coordinator's clock, carried on by this machine's between its messages.
struct Clock {
    set_to: Timestamp,
    at: Instant,
}

impl Clock {
    fn new(now: Timestamp) -> Self {
        Self { set_to: now, at: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        self.set_to.saturating_add(self.at.elapsed()).unwrap_or(self.set_to)
    }
}

struct Watch<'a> {
    context: &'a Context,
    until: Until,
    board: Board,
    clock: Clock,
    output: Output,
}

impl Watch<'_> {
    async fn follow(&mut self, mut signs: mpsc::Receiver<Sign<WatchJobsResponse>>) -> Result<Exit, Failure> {
        let mut draw = tokio::time::interval(DRAW);
        draw.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let live = matches!(self.output, Output::Picture(_));
        loop {
            tokio::select! {
                sign = signs.recv() => {
                    let sign = sign.ok_or_else(vanished)?;
                    if let Some(exit) = self.take(sign).await? {
                        return Ok(exit);
                    }
                }
                _ = draw.tick(), if live => self.draw(),
                interrupt = tokio::signal::ctrl_c() => {
                    if interrupt.is_ok() {
                        return Ok(Exit::Interrupted);
                    }
                }
            }
        }
    }

    /// Takes up what the stream told. `Some`: the watch is over.
    async fn take(&mut self, sign: Sign<WatchJobsResponse>) -> Result<Option<Exit>, Failure> {
        match sign {
            Sign::Open(now) => {
                self.clock = Clock::new(now);
                self.board.opened();
                Ok(None)
            }
            Sign::Told(message) => self.told(message).await,
            Sign::Lost(failure) => {
                let now = self.clock.now();
                self.board.lost_since.get_or_insert(now);
                // On a terminal the picture itself says so.
                if !matches!(self.output, Output::Picture(_)) {
                    eprintln!("hod: {failure}; trying again");
                }
                Ok(None)
            }
            Sign::Ended(failure) => Err(failure),
        }
    }

    async fn told(&mut self, message: WatchJobsResponse) -> Result<Option<Exit>, Failure> {
        if let Output::Json = self.output {
            self.context.screen.json_line(&message)?;
        }
        let Some(event) = message.event else {
            return Ok(None);
        };
        let change = self.board.apply(event);
        if let Change::Complete(unsent) = &change {
            for id in unsent {
                self.ask_after(id).await?;
            }
        }
        self.show(&change)?;
        self.over(&change)
    }

    /// A job that a new stream does not send has ended, or is gone, while there was
    /// no connection: how is asked for, since no stream will tell.
    async fn ask_after(&mut self, id: &str) -> Result<(), Failure> {
        let client = self.context.client().await?;
        let request = client.request(GetJobRequest { job_id: id.to_owned() });
        let event = match client.jobs().get_job(request).await {
            Ok(answer) => answer.into_inner().job.map(Event::Job),
            Err(status) if status.code() == Code::NotFound => Some(Event::RemovedJobId(id.to_owned())),
            Err(status) => return Err(Failure::refused(&format!("ask after job {id}"), &status)),
        };
        let Some(event) = event else {
            return Ok(());
        };
        if let Output::Json = self.output {
            self.context.screen.json_line(&WatchJobsResponse { event: Some(event.clone()) })?;
        }
        let change = self.board.apply(event);
        self.show(&change)
    }

    fn over(&self, change: &Change) -> Result<Option<Exit>, Failure> {
        Ok(match &self.until {
            Until::Job(wanted) => self.job_over(wanted, change)?,
            Until::Migration(wanted, commits_itself) => self.job_over(wanted, change)?.or_else(|| {
                self.board.job(wanted).and_then(|watched| migration::ended(&watched.job, *commits_itself))
            }),
            Until::AllEnded => self.board.is_done().then(|| self.board.worst()),
            Until::Interrupted => None,
        })
    }

    fn job_over(&self, wanted: &str, change: &Change) -> Result<Option<Exit>, Failure> {
        match change {
            Change::Ended(job, exit) if job.job_id == wanted => Ok(Some(*exit)),
            Change::Removed(id, _) if id == wanted => Err(gone(wanted)),
            Change::Complete(_) if self.board.job(wanted).is_none() => Err(gone(wanted)),
            _ => Ok(None),
        }
    }

    /// Says what is to be done with a job that stays open. In JSON the job's last
    /// message says it.
    fn conclude(&self, exit: Exit) -> Result<(), Failure> {
        let (Until::Migration(job, _), false) = (&self.until, exit == Exit::Interrupted) else {
            return Ok(());
        };
        match self.board.job(job) {
            Some(watched) if !self.context.screen.json => {
                let text = tame(&migration::says(&watched.job, exit));
                self.context.screen.text(&format!("{}\n", wrapped(&text, self.look().width, "")))
            }
            _ => Ok(()),
        }
    }

    fn show(&mut self, change: &Change) -> Result<(), Failure> {
        let look = self.look();
        match &mut self.output {
            Output::Json => Ok(()),
            Output::Lines(lines) => self.context.screen.text(&lines.of(change, &self.board, &look)),
            Output::Picture(picture) => {
                match change {
                    Change::Ended(job, exit) => picture.write(&ended(job, *exit, &look)),
                    Change::Removed(..) => {
                        picture.write(&Lines::default().of(change, &self.board, &look));
                    }
                    Change::Found(_) | Change::Told { .. } | Change::Complete(_) | Change::Nothing => {}
                }
                Ok(())
            }
        }
    }

    fn look(&self) -> Look {
        self.context.screen.look(self.clock.now())
    }

    fn draw(&mut self) {
        let look = self.look();
        let rows = self.context.screen.size().map_or(24, |(rows, _)| rows);
        if let Output::Picture(picture) = &mut self.output {
            // The last row of the terminal is the cursor's.
            picture.draw(&view::rows(&self.board, &look, rows.saturating_sub(2).max(1)));
        }
    }
}

/// The line that stays when a job has ended.
fn ended(job: &Job, exit: Exit, look: &Look) -> String {
    let (mark, tone) = match exit {
        Exit::Ok => ("✓", Tone::Good),
        Exit::FailedFiles | Exit::Unknown => ("?", Tone::Warn),
        _ => ("✗", Tone::Bad),
    };
    let id = paint(look.color, Tone::Faint, crate::render::short(&job.job_id, 8));
    let text = crate::watch::lines::ended(job).replace('\n', " ");
    let line = format!("{} {id} {text}", paint(look.color, tone, mark));
    wrapped(&line, look.width, "  ")
}

fn gone(job: &str) -> Failure {
    Failure::new(Exit::NotFound, format!("job {job} is no more: it was cleared, or its pool was removed"))
}
