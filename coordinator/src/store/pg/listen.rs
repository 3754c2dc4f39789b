//! LISTEN: one connection of its own hears for everyone who watches.
//!
//! NOTIFY is a wake-up and no more. It can get lost, with the connection or in a
//! watcher that is too slow, so whenever that may have been, and every minute
//! besides, watchers are told to look at everything again.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt as _};
use newtype_uuid::{TypedUuid, TypedUuidKind};
use tokio::sync::{Mutex, broadcast};
use tokio::time::{Instant, interval, sleep, timeout_at};
use tokio_postgres::{AsyncMessage, Config};
use tokio_stream::wrappers::{BroadcastStream, IntervalStream};

use crate::database::Tls;
use crate::store::model::Notice;

/// How often watchers look at everything again though nothing was missed.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// How long after a connection was lost the next one is tried.
const RECONNECT: Duration = Duration::from_millis(500);
/// As many notices may wait for a slow watcher; past that it looks again.
const WAITING: usize = 4096;

/// Tells every watcher what has changed.
#[derive(Clone)]
pub(super) enum Listener {
    /// As the database says.
    Hearing(Box<Hearing>),
    /// It does not say: that something may have, this often.
    Polling(Duration),
}

/// Hands every notice to every watcher. It listens while there are any.
#[derive(Clone)]
pub(super) struct Hearing {
    config: Config,
    tls: Tls,
    /// The ear is there while a watcher holds it.
    ear: Arc<Mutex<Weak<Ear>>>,
}

struct Ear {
    notices: broadcast::Sender<Notice>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    pub(super) fn new(config: Config, tls: Tls) -> Self {
        Self::Hearing(Box::new(Hearing { config, tls, ear: Arc::default() }))
    }

    pub(super) fn polled(every: Duration) -> Self {
        Self::Polling(every)
    }

    /// Notices from now on, the first of them [`Notice::LookAgain`].
    pub(super) fn listen(&self) -> BoxStream<'static, Notice> {
        match self.clone() {
            Self::Hearing(hearing) => {
                futures::stream::once(async move { hearing.join().await }).flatten().boxed()
            }
            Self::Polling(every) => IntervalStream::new(interval(every)).map(|_| Notice::LookAgain).boxed(),
        }
    }
}

impl Hearing {
    async fn join(self) -> BoxStream<'static, Notice> {
        let mut place = self.ear.lock().await;
        let (ear, notices, fresh) = match place.upgrade() {
            Some(ear) => {
                let notices = ear.notices.subscribe();
                (ear, notices, false)
            }
            None => {
                let (sender, notices) = broadcast::channel(WAITING);
                let task = tokio::spawn(hear(self.config.clone(), self.tls.clone(), sender.clone()));
                let ear = Arc::new(Ear { notices: sender, task });
                *place = Arc::downgrade(&ear);
                (ear, notices, true)
            }
        };
        drop(place);
        // A fresh ear says by itself when it hears; one that hears already does not.
        let first = futures::stream::iter((!fresh).then_some(Notice::LookAgain));
        let rest = BroadcastStream::new(notices).map(move |notice| {
            // The ear stays as long as the stream does.
            let _ = &ear;
            notice.unwrap_or(Notice::LookAgain)
        });
        first.chain(rest).boxed()
    }
}

async fn hear(config: Config, tls: Tls, notices: broadcast::Sender<Notice>) {
    let mut lost = false;
    loop {
        if let Err(error) = hear_once(&config, &tls, &notices, &mut lost).await {
            if !lost {
                tracing::warn!("the database does not tell what changes ({error}); asking again");
            }
            lost = true;
        }
        sleep(RECONNECT).await;
    }
}

/// Until the connection is lost.
async fn hear_once(
    config: &Config,
    tls: &Tls,
    notices: &broadcast::Sender<Notice>,
    lost: &mut bool,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(tls.clone()).await?;
    let mut next = pin!(futures::stream::poll_fn(move |context| connection.poll_message(context)));
    // The connection has to be carried for the statement to be answered.
    let listening = client.batch_execute("LISTEN hod_jobs; LISTEN hod_events; LISTEN hod_pools");
    let mut listening = pin!(listening);
    let mut heard = Vec::new();
    loop {
        tokio::select! {
            done = &mut listening => { done?; break; }
            message = next.next() => match message {
                Some(message) => heard.push(message?),
                None => return Ok(()),
            }
        }
    }
    if std::mem::take(lost) {
        tracing::info!("the database tells again what changes");
    }
    // Nobody may be watching at this moment; that is no error.
    let say = |notice| drop(notices.send(notice));
    say(Notice::LookAgain);
    heard.iter().flat_map(read).for_each(say);
    let mut again = Instant::now() + LOOK_AGAIN;
    loop {
        match timeout_at(again, next.next()).await {
            Ok(Some(message)) => read(&message?).into_iter().for_each(say),
            Ok(None) => return Ok(()),
            Err(_) => {
                again = Instant::now() + LOOK_AGAIN;
                // Also tells whether the connection is still there.
                let mut asked = pin!(client.batch_execute(""));
                loop {
                    tokio::select! {
                        done = &mut asked => { done?; break; }
                        message = next.next() => match message {
                            Some(message) => read(&message?).into_iter().for_each(say),
                            None => return Ok(()),
                        }
                    }
                }
                say(Notice::LookAgain);
            }
        }
    }
}

fn read(message: &AsyncMessage) -> Vec<Notice> {
    let AsyncMessage::Notification(notification) = message else {
        return Vec::new();
    };
    let payload = notification.payload();
    match notification.channel() {
        "hod_jobs" => ids(payload).into_iter().map(Notice::Job).collect(),
        "hod_events" => ids(payload).into_iter().map(Notice::Events).collect(),
        "hod_pools" => ids(payload).into_iter().map(Notice::Pool).collect(),
        _ => Vec::new(),
    }
}

fn ids<K: TypedUuidKind>(payload: &str) -> Vec<TypedUuid<K>> {
    payload.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}
