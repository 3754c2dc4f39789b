//! Who watches, and whether any of them lets this agent take locks.

use tokio::sync::watch;

/// How many streams live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// All of them.
    pub(crate) all: usize,
    /// Those that allow calls that take locks.
    pub(crate) locked: usize,
}

/// The streams that live.
#[derive(Clone, Debug)]
pub(crate) struct Watchers(watch::Sender<Counts>);

impl Default for Watchers {
    fn default() -> Self {
        Self(watch::Sender::new(Counts::default()))
    }
}

impl Watchers {
    /// Counts a stream in until the returned value is dropped.
    pub(crate) fn enter(&self, locked: bool) -> Watcher {
        self.0.send_modify(|counts| {
            counts.all += 1;
            counts.locked += usize::from(locked);
        });
        Watcher { watchers: self.clone(), locked }
    }

    /// Hears of each that comes or goes.
    pub(crate) fn watch(&self) -> watch::Receiver<Counts> {
        self.0.subscribe()
    }

    /// Whether calls that take locks are allowed now.
    pub(crate) fn allow_locked_calls(&self) -> bool {
        self.0.borrow().locked > 0
    }
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Watcher {
    watchers: Watchers,
    locked: bool,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.watchers.0.send_modify(|counts| {
            counts.all -= 1;
            counts.locked -= usize::from(self.locked);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_calls_are_allowed_while_one_who_allows_them_lives() {
        let watchers = Watchers::default();
        let plain = watchers.enter(false);
        assert!(!watchers.allow_locked_calls());
        let locked = watchers.enter(true);
        assert!(watchers.allow_locked_calls());
        assert_eq!(*watchers.watch().borrow(), Counts { all: 2, locked: 1 });
        drop(locked);
        assert!(!watchers.allow_locked_calls());
        drop(plain);
        assert_eq!(*watchers.watch().borrow(), Counts::default());
    }
}
