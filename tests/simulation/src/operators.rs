//! Operators: they start, stop, pause, commit, and click twice.

use std::time::Duration;

use anyhow::{Context as _, Result};
use hod_proto::coordinator::v1::commands_client::CommandsClient;
use hod_proto::coordinator::v1::jobs_client::JobsClient;
use hod_proto::coordinator::v1::pools_client::PoolsClient;
use hod_proto::coordinator::v1::{
    AbandonJobRequest, AddPoolRequest, CommitRemoveBrickRequest, GetJobRequest, JobStatus, ListJobsRequest,
    PauseRebalanceRequest, PauseRemoveBrickRequest, ReplaceBrickRequest, ResetBrickRequest,
    ResumeRebalanceRequest, ResumeRemoveBrickRequest, SetWindowsRequest, StartRebalanceRequest,
    StartRemoveBrickRequest, StopRebalanceRequest, StopRemoveBrickRequest, Throttle, Window,
};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};

use crate::coordinators::PORT;
use crate::gluster::{Gluster, HOSTS, REPLICATED, VOLUMES, short};
use crate::net;
use crate::story::Story;

/// What operators are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// They do whatever comes to their minds.
    Busy,
    /// They bring everything to its end.
    Closing,
}

/// All operators.
pub(crate) struct Operators {
    pub(crate) coordinators: Vec<String>,
    pub(crate) gluster: Gluster,
    pub(crate) story: Story,
    pub(crate) rng: StdRng,
    pub(crate) mood: watch::Receiver<Mood>,
}

impl Operators {
    /// Adds the pool, and then does things without end.
    pub(crate) async fn run(mut self) -> Result<(), Box<dyn std::error::Error>> {
        loop {
            match self.add_pool().await {
                Ok(()) => break,
                Err(e) => self.story.tell(format_args!("the pool can't be added: {e:#}")),
            }
            sleep(Duration::from_secs(1)).await;
        }
        self.story.tell("the pool is added");
        loop {
            let mood = *self.mood.borrow();
            let pause = match mood {
                Mood::Busy => self.rng.random_range(500..12_000),
                Mood::Closing => 5_000,
            };
            sleep(Duration::from_millis(pause)).await;
            match mood {
                Mood::Busy => self.act().await,
                Mood::Closing => {
                    // A coordinator that does not answer now answers next time.
                    let _ = self.close().await;
                }
            }
        }
    }

    async fn channel(&mut self) -> Result<(String, Channel)> {
        let coordinator = self.coordinators.choose(&mut self.rng).context("no coordinator")?.clone();
        let endpoint = Endpoint::from_shared(format!("http://{coordinator}:{PORT}"))?
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(60));
        let connected = timeout(Duration::from_secs(5), endpoint.connect_with_connector(net::connector()));
        Ok((coordinator, connected.await??))
    }

    async fn add_pool(&mut self) -> Result<()> {
        let (_, channel) = self.channel().await?;
        let request = AddPoolRequest { name: "pool".into(), agent: HOSTS[0].into(), ..Default::default() };
        match PoolsClient::new(channel).add_pool(request).await {
            Err(status) if status.code() != tonic::Code::AlreadyExists => {
                anyhow::bail!("{}", status.message())
            }
            _ => Ok(()),
        }
    }

    /// One thing that an operator does, now and then twice.
    async fn act(&mut self) {
        let volume = VOLUMES[self.rng.random_range(0..VOLUMES.len())].to_owned();
        if self.rng.random_bool(0.25) {
            self.type_in(&volume);
            return;
        }
        let Ok((coordinator, channel)) = self.channel().await else { return };
        let deed = self.rng.random_range(0..=SET_WINDOWS);
        let bricks = match deed {
            REPLACE | RESET => self.brick_and_another(&volume).into(),
            _ => self.bricks(&volume),
        };
        let deed = Deed {
            deed,
            volume,
            bricks,
            force: self.rng.random_bool(0.2),
            fix_layout: self.rng.random_bool(0.2),
            auto_commit: self.rng.random_bool(0.3),
            throttled: self.rng.random_bool(0.2),
            windows: self.windows(),
        };
        if self.rng.random_bool(0.15) {
            let (first, second) = tokio::join!(deed.act(channel.clone()), deed.act(channel));
            self.tell(&coordinator, &deed, &first);
            self.tell(&coordinator, &deed, &second);
        } else {
            let done = deed.act(channel).await;
            self.tell(&coordinator, &deed, &done);
        }
    }

    fn tell(&self, coordinator: &str, deed: &Deed, done: &Result<String, Status>) {
        let how = match done {
            Ok(job) => format!("job {job}"),
            Err(status) => short(status.message()),
        };
        let how: String = how.chars().take(160).collect();
        self.story.tell(format_args!("{coordinator}: {} {}: {how}", deed.name(), deed.volume));
    }

    fn volume(&self, name: &str) -> Option<hod_tests::scripted::state::Volume> {
        self.gluster.pool().state().ok()?.volumes.into_iter().find(|v| v.name == name)
    }

    /// A whole set of the volume, and not its last.
    fn bricks(&mut self, volume: &str) -> Vec<String> {
        let Some(found) = self.volume(volume) else { return Vec::new() };
        let set = found.kind.set();
        let first = self.rng.random_range(0..found.sets().max(1)) * set;
        found.bricks.iter().skip(first).take(set).map(hod_tests::scripted::state::Brick::name).collect()
    }

    /// A brick of the volume, and one that could take its place.
    fn brick_and_another(&mut self, volume: &str) -> [String; 2] {
        // Nobody replaces a brick that is to go.
        let bricks = self.volume(volume).into_iter().flat_map(|v| v.bricks).filter(|b| !b.decommissioned);
        let bricks: Vec<_> = bricks.collect();
        let brick = bricks.choose(&mut self.rng).map(hod_tests::scripted::state::Brick::name);
        let host = HOSTS[self.rng.random_range(0..HOSTS.len())];
        [brick.unwrap_or_default(), self.gluster.new_brick(host, volume)]
    }

    /// Some minutes of every day that are soon, or any time.
    fn windows(&mut self) -> Vec<Window> {
        if self.rng.random_bool(0.5) {
            return Vec::new();
        }
        // The database's days begin with the simulation.
        let begin = self.gluster.now() / 60_000 + self.rng.random_range(0..3);
        let end = begin + self.rng.random_range(1..4);
        let clock = |minute: u64| format!("{:02}:{:02}", minute / 60, minute % 60);
        let time_zone = "UTC".to_owned();
        vec![Window { weekdays: Vec::new(), begin: clock(begin), end: clock(end), time_zone }]
    }

    /// Somebody uses Gluster's own command line.
    fn type_in(&mut self, volume: &str) {
        let host = HOSTS[self.rng.random_range(0..HOSTS.len())];
        let bricks = self.bricks(volume).join(" ");
        let [old, new] = self.brick_and_another(volume);
        let words = match self.rng.random_range(0..8) {
            0 => format!("volume rebalance {volume} start"),
            1 => format!("volume rebalance {volume} fix-layout start"),
            2 => format!("volume rebalance {volume} stop"),
            3 => format!("volume remove-brick {volume} {bricks} start"),
            4 => format!("volume remove-brick {volume} {bricks} stop"),
            5 => format!("volume remove-brick {volume} {bricks} commit"),
            6 => format!("volume replace-brick {volume} {old} {new} commit force"),
            _ => {
                self.type_words(host, &format!("volume reset-brick {volume} {old} start"));
                format!("volume reset-brick {volume} {old} {old} commit force")
            }
        };
        self.type_words(host, &words);
    }

    fn type_words(&self, host: &str, words: &str) {
        if let Err(e) = self.gluster.type_in(host, words) {
            self.story.tell(format_args!("{host}: {}: {e:#}", short(words)));
        }
    }

    /// Brings every open job to its end.
    async fn close(&mut self) -> Result<()> {
        let (coordinator, channel) = self.channel().await?;
        let request = ListJobsRequest { statuses: vec![JobStatus::Started as i32], ..Default::default() };
        let open = JobsClient::new(channel.clone()).list_jobs(request).await?.into_inner().jobs;
        for volume in VOLUMES {
            // What waits for its hours goes on at once.
            let deed = Deed { deed: SET_WINDOWS, volume: volume.to_owned(), ..Deed::default() };
            deed.act(channel.clone()).await?;
        }
        for job in open {
            let attention = attention(&channel, &job.job_id).await?;
            if attention.iter().any(|code| code == "state-withheld") {
                // As it is told.
                let host = HOSTS[self.rng.random_range(0..HOSTS.len())];
                self.type_words(host, &format!("volume rebalance {REPLICATED} fix-layout start"));
            }
            // For good: nothing else ends it.
            if attention.iter().any(|code| code == "hosts-disagree") && self.rng.random_bool(0.05) {
                let reason = "a host that was away at the stop holds it for good".to_owned();
                let request = AbandonJobRequest { job_id: job.job_id.clone(), reason };
                let done = CommandsClient::new(channel.clone()).abandon_job(request).await;
                self.story.tell(format_args!("job {} is abandoned: {}", job.job_id, done.is_ok()));
                continue;
            }
            let Some(volume) = job.subjects.first().map(|s| s.volume_name.clone()) else { continue };
            for deed in [STOP_REBALANCE, STOP_REMOVE_BRICK, COMMIT] {
                let deed = Deed { deed, volume: volume.clone(), ..Deed::default() };
                let done = deed.act(channel.clone()).await;
                self.tell(&coordinator, &deed, &done);
            }
        }
        Ok(())
    }
}

/// The codes of what an operator should know of a job's task.
async fn attention(channel: &Channel, job: &str) -> Result<Vec<String>> {
    let request = GetJobRequest { job_id: job.to_owned() };
    let job = JobsClient::new(channel.clone()).get_job(request).await?.into_inner().job.unwrap_or_default();
    let tasks = job.steps.into_iter().filter_map(|step| step.task);
    Ok(tasks.flat_map(|task| task.attention).map(|attention| attention.code).collect())
}

const STOP_REBALANCE: u32 = 1;
const STOP_REMOVE_BRICK: u32 = 5;
const COMMIT: u32 = 8;
const REPLACE: u32 = 9;
const RESET: u32 = 10;
const SET_WINDOWS: u32 = 11;

#[derive(Clone, Default)]
struct Deed {
    deed: u32,
    volume: String,
    bricks: Vec<String>,
    force: bool,
    fix_layout: bool,
    auto_commit: bool,
    throttled: bool,
    windows: Vec<Window>,
}

impl Deed {
    fn name(&self) -> &'static str {
        match self.deed {
            0 => "rebalance start",
            STOP_REBALANCE => "rebalance stop",
            2 => "rebalance pause",
            3 => "rebalance resume",
            4 => "remove-brick start",
            STOP_REMOVE_BRICK => "remove-brick stop",
            6 => "remove-brick pause",
            7 => "remove-brick resume",
            COMMIT => "remove-brick commit",
            REPLACE => "replace-brick",
            RESET => "reset-brick",
            _ => "windows",
        }
    }

    /// The brick to be replaced, and the one to take its place.
    fn pair(&self) -> [String; 2] {
        let brick = |at: usize| self.bricks.get(at).cloned().unwrap_or_default();
        [brick(0), brick(1)]
    }

    /// Does it: the job's id.
    async fn act(&self, channel: Channel) -> Result<String, Status> {
        /// The receipt's job.
        macro_rules! job {
            ($answer:expr) => {{
                let answer: Response<_> = $answer?;
                answer.into_inner().receipt.unwrap_or_default().job_id
            }};
        }
        let mut commands = CommandsClient::new(channel);
        let (pool, volume) = (String::new(), self.volume.clone());
        Ok(match self.deed {
            0 => job!(
                commands
                    .start_rebalance(StartRebalanceRequest {
                        volume,
                        force: self.force && !self.fix_layout,
                        fix_layout: self.fix_layout,
                        throttle: match self.throttled {
                            true => Throttle::Lazy as i32,
                            false => Throttle::Unspecified as i32,
                        },
                        windows: self.windows.clone(),
                        ..Default::default()
                    })
                    .await
            ),
            STOP_REBALANCE => {
                job!(commands.stop_rebalance(StopRebalanceRequest { pool, volume }).await)
            }
            2 => job!(commands.pause_rebalance(PauseRebalanceRequest { pool, volume }).await),
            3 => job!(commands.resume_rebalance(ResumeRebalanceRequest { pool, volume }).await),
            4 => job!(
                commands
                    .start_remove_brick(StartRemoveBrickRequest {
                        volume,
                        bricks: self.bricks.clone(),
                        auto_commit: self.auto_commit,
                        ..Default::default()
                    })
                    .await
            ),
            STOP_REMOVE_BRICK => job!(
                commands.stop_remove_brick(StopRemoveBrickRequest { pool, volume, bricks: Vec::new() }).await
            ),
            6 => job!(commands.pause_remove_brick(PauseRemoveBrickRequest { pool, volume }).await),
            7 => job!(commands.resume_remove_brick(ResumeRemoveBrickRequest { pool, volume }).await),
            COMMIT => job!(
                commands.commit_remove_brick(CommitRemoveBrickRequest { volume, ..Default::default() }).await
            ),
            REPLACE => {
                let [old_brick, new_brick] = self.pair();
                let request = ReplaceBrickRequest { volume, old_brick, new_brick, ..Default::default() };
                job!(commands.replace_brick(request).await)
            }
            RESET => {
                let [brick, _] = self.pair();
                job!(commands.reset_brick(ResetBrickRequest { volume, brick, ..Default::default() }).await)
            }
            _ => {
                let windows = self.windows.clone();
                job!(commands.set_windows(SetWindowsRequest { pool, volume, windows }).await)
            }
        })
    }
}
