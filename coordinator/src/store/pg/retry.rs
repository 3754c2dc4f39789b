//! Calls that the database did not answer are made again, where that can do no harm: what
//! only reads, and what writes as long as its commit was not sent. A commit that got no
//! answer may have been done; that is told to who asked.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::measure;
use crate::store::error::StoreError;

/// The pause before the first attempt that follows; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// So many attempts follow at most …
const FURTHER: u32 = 5;
/// … and none is begun after this time: one that led to a host that is no more may have
/// taken most of it.
const AT_MOST: Duration = Duration::from_secs(15);

/// The attempts at one call.
pub(super) struct Attempts {
    call: &'static str,
    began: Instant,
    pause: Duration,
    left: u32,
}

impl Attempts {
    /// The first attempt at a call of the store's.
    pub(super) fn at(call: &'static str) -> Self {
        Self { call, began: Instant::now(), pause: PAUSE, left: FURTHER }
    }

    /// Waits until the next attempt is to be made. `false`: there is none, the failure
    /// stands.
    pub(super) async fn again(&mut self, failure: &StoreError) -> bool {
        let may_help = matches!(failure, StoreError::Unavailable(_));
        if !may_help || self.left == 0 || self.began.elapsed() > AT_MOST {
            return false;
        }
        self.left -= 1;
        sleep(self.pause).await;
        self.pause *= 2;
        measure::retried(self.call);
        true
    }
}

/// Reads with a connection: `read!(store, "name", |client| …)`. The reading has to give
/// the same however often it is done.
macro_rules! read {
    ($store:expr, $call:literal, |$client:ident| $reading:expr) => {{
        let mut attempts = $crate::store::pg::retry::Attempts::at($call);
        loop {
            let mut broken = None;
            let done: $crate::store::error::Result<_> = async {
                let $client = broken.insert($store.connection().await?);
                $reading
            }
            .await;
            match done {
                Err(failure) if attempts.again(&failure).await => {
                    // It may lead to a server that is no more, or takes no writes any more.
                    broken.map(::deadpool_postgres::Object::take);
                }
                done => break done,
            }
        }
    }};
}

/// The same with all of it at one moment.
macro_rules! look {
    ($store:expr, $call:literal, |$transaction:ident| $reading:expr) => {
        $crate::store::pg::retry::read!($store, $call, |client| {
            let $transaction = $crate::store::pg::snapshot(client).await?;
            $reading
        })
    };
}

/// Writes in a transaction, which is committed if that goes well.
macro_rules! change {
    ($store:expr, $call:literal, |$transaction:ident| $writing:expr) => {{
        let mut attempts = $crate::store::pg::retry::Attempts::at($call);
        loop {
            let mut broken = None;
            // What fails in here has changed nothing: its commit was not sent.
            let done: $crate::store::error::Result<_> = async {
                let client = broken.insert($store.connection().await?);
                let $transaction = $crate::store::pg::begin(client).await?;
                let done: $crate::store::error::Result<_> = async { $writing }.await;
                let done = done?;
                Ok($crate::store::pg::commit($transaction).await.map(|()| done))
            }
            .await;
            match done {
                Ok(committed) => break committed,
                Err(failure) if attempts.again(&failure).await => {
                    broken.map(::deadpool_postgres::Object::take);
                }
                Err(failure) => break Err(failure),
            }
        }
    }};
}

pub(super) use {change, look, read};
