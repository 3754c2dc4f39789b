//! Whose turn it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{
    Mutex as AsyncMutex, MutexGuard, OwnedMutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

use super::command::{Call, Lock};

/// Of the calls that take locks, those about one volume go one at
/// a time, and one about all volumes goes alone, so that the agent is never itself
/// the other transaction. heal info takes no lock and may last for minutes: it waits
/// for its like only.
#[derive(Default)]
pub(super) struct Queue {
    heal: AsyncMutex<()>,
    all: RwLock<()>,
    volumes: Mutex<HashMap<String, Weak<AsyncMutex<()>>>>,
}

/// A call's turn, until dropped.
pub(super) enum Turn<'a> {
    Free,
    Heal { _guard: MutexGuard<'a, ()> },
    All { _guard: RwLockWriteGuard<'a, ()> },
    Volume { _all: RwLockReadGuard<'a, ()>, _volume: OwnedMutexGuard<()> },
}

impl Queue {
    pub(super) async fn turn(&self, call: &Call) -> Turn<'_> {
        if matches!(call, Call::HealInfoSummary { .. }) {
            return Turn::Heal { _guard: self.heal.lock().await };
        }
        match (call.lock(), call.volume()) {
            (Lock::None, _) => Turn::Free,
            (Lock::Volume, None) => Turn::All { _guard: self.all.write().await },
            (Lock::Volume, Some(volume)) => {
                Turn::Volume { _all: self.all.read().await, _volume: self.of(volume).lock_owned().await }
            }
        }
    }

    fn of(&self, volume: &str) -> Arc<AsyncMutex<()>> {
        // A panic elsewhere leaves the map whole.
        let mut volumes = self.volumes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mutex) = volumes.get(volume).and_then(Weak::upgrade) {
            return mutex;
        }
        volumes.retain(|_, mutex| mutex.strong_count() > 0);
        let mutex = Arc::new(AsyncMutex::new(()));
        volumes.insert(volume.to_owned(), Arc::downgrade(&mutex));
        mutex
    }
}
