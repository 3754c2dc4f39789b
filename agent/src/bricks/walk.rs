//! A walk over a brick, told as it goes.

use std::path::PathBuf;
use std::time::Duration;

use hod_core::error::GlusterError;
use hod_proto::agent::v1::WalkBrickResponse;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument as _;

use crate::blocking;

use super::Bricks;
use super::leftovers::{Found, Search};

/// How long the disk is kept busy at a stretch.
const STRETCH: Duration = Duration::from_millis(50);

/// How often it is told how far it has come: callers are promised 10 s.
const TELL: Duration = Duration::from_secs(3);

/// How many files are named where the caller does not say.
const NAMES: usize = 20;

/// The most that are named, whatever the caller says.
const NAMES_MAX: usize = 1000;

/// What a walk says.
pub(crate) type BrickWalk = ReceiverStream<Result<WalkBrickResponse, Status>>;

/// Why there is nothing to walk over.
pub(crate) enum CannotWalk {
    /// `volume info` was refused.
    Refused(GlusterError),
    /// The folder is no brick of the volume's on this host; those that are.
    NotOwn(Vec<String>),
}

impl Bricks {
    /// Walks over a brick of this host's, as long as the caller listens.
    pub(crate) async fn walk(&self, volume: &str, path: &str, names: u32) -> Result<BrickWalk, CannotWalk> {
        let own = self.own(volume).await.map_err(CannotWalk::Refused)?;
        let Some(brick) = own.iter().find(|brick| brick.name.path() == path) else {
            return Err(CannotWalk::NotOwn(own.iter().map(|b| b.name.path().to_owned()).collect()));
        };
        let names = match usize::try_from(names) {
            Ok(0) => NAMES,
            Ok(names) => names.min(NAMES_MAX),
            Err(_) => NAMES_MAX,
        };
        let (teller, told) = mpsc::channel(4);
        let (walks, stop) = (self.walks.clone(), self.stop.clone());
        let path = brick.path();
        let walk = async move {
            tracing::info!(path = %path.display(), "is walked over");
            tokio::select! {
                () = teller.closed() => {
                    tracing::info!(path = %path.display(), "its walk is given up: nobody listens");
                }
                () = stop.cancelled() => {
                    let _ = teller.try_send(Err(Status::unavailable("the agent is stopping")));
                }
                () = Walk::new(&teller).run(walks.acquire_owned(), path.clone(), names) => {}
            }
        };
        tokio::spawn(walk.in_current_span());
        Ok(ReceiverStream::new(told))
    }
}

struct Walk<'a> {
    teller: &'a mpsc::Sender<Result<WalkBrickResponse, Status>>,
    so_far: Found,
    tell_at: Interval,
}

impl<'a> Walk<'a> {
    fn new(teller: &'a mpsc::Sender<Result<WalkBrickResponse, Status>>) -> Self {
        let mut tell_at = tokio::time::interval(TELL);
        tell_at.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { teller, so_far: Found::default(), tell_at }
    }

    async fn run(
        mut self,
        turn: impl Future<Output = Result<OwnedSemaphorePermit, tokio::sync::AcquireError>>,
        brick: PathBuf,
        names: usize,
    ) {
        let Ok(turn) = self.telling(turn).await else { return };
        let begun = self.blocking(move || (Search::begin(&brick, names), turn)).await;
        let Some((begun, turn)) = begun else { return };
        let mut search = match begun {
            Ok(search) => search,
            Err(error) => return self.tell_end(Some(error.to_string())).await,
        };
        // The turn lasts as long as the disk is busy, which may be longer than anybody listens.
        let mut turn = turn;
        loop {
            let stretch = move || {
                let more = search.look_on(STRETCH);
                (search, more, turn)
            };
            let Some((same, more, same_turn)) = self.blocking(stretch).await else { return };
            (search, turn) = (same, same_turn);
            self.so_far = search.found().clone();
            if !more {
                let trouble = self.so_far.trouble();
                return self.tell_end(trouble).await;
            }
        }
    }

    /// Runs what blocks, and tells meanwhile.
    async fn blocking<T: Send + 'static>(&mut self, what: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        match self.telling(blocking::run(what)).await {
            Ok(done) => Some(done),
            Err(error) => {
                self.tell_end(Some(error.to_string())).await;
                None
            }
        }
    }

    /// Waits, and tells at times how far it has come.
    async fn telling<T>(&mut self, wait: impl Future<Output = T>) -> T {
        tokio::pin!(wait);
        loop {
            tokio::select! {
                biased;
                done = &mut wait => return done,
                _ = self.tell_at.tick() => self.tell(false, None).await,
            }
        }
    }

    async fn tell_end(&self, trouble: Option<String>) {
        self.tell(trouble.is_none(), trouble).await;
    }

    async fn tell(&self, finished: bool, trouble: Option<String>) {
        let Found { entries, files, bytes, names, .. } = self.so_far.clone();
        let error = trouble.unwrap_or_default();
        let word = WalkBrickResponse { entries, files, bytes, names, finished, error };
        // Nobody listens: the walk is being given up.
        let _ = self.teller.send(Ok(word)).await;
    }
}
