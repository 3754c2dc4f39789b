//! Volumes that are left alone after a call that took their lock timed out.
//!
//! Such a call has ended nothing in glusterd: the volume stays locked on every
//! host for 180 s, and another call would lock it again (behaviour of glusterd
//! with a frozen peer). So none is made meanwhile, whoever asks for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hod_core::error::{GlusterError, GlusterErrorKind};
use tokio::time::Instant;

/// The longest rest.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Which volumes are left alone, and until when. The empty name stands for a call
/// to all volumes.
#[derive(Debug)]
pub(super) struct Rests {
    first: Duration,
    by_volume: Mutex<HashMap<String, Rest>>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    until: Instant,
    lasts: Duration,
}

impl Rests {
    /// A first rest lasts so long; each further one twice as long.
    pub(super) fn new(first: Duration) -> Self {
        Self { first, by_volume: Mutex::default() }
    }

    /// When a volume (or, with `None`, every one) may be asked again by a call that
    /// takes its lock; `None`: now.
    pub(super) fn until(&self, volume: Option<&str>, now: Instant) -> Option<Instant> {
        self.lock()
            .iter()
            .filter(|(name, _)| volume.is_none_or(|v| v == *name || name.is_empty()))
            .map(|(_, rest)| rest.until)
            .filter(|until| *until > now)
            .max()
    }

    /// Whether such a call may be made now.
    ///
    /// # Errors
    /// As [`GlusterErrorKind::NotAsked`], with the time to wait.
    pub(super) fn check(&self, volume: Option<&str>, now: Instant) -> Result<(), GlusterError> {
        match self.until(volume, now) {
            Some(until) => Err(not_asked(volume, until - now)),
            None => Ok(()),
        }
    }

    /// Whether a command may be run now: a first rest after the last call that timed
    /// out, however long questions are kept away by then.
    ///
    /// # Errors
    /// As [`GlusterErrorKind::NotAsked`], with the time to wait.
    pub(super) fn check_command(&self, volume: &str, now: Instant) -> Result<(), GlusterError> {
        let rests = self.lock();
        let of_volume = rests.iter().filter(|(name, _)| *name == volume || name.is_empty());
        let unlocked =
            of_volume.filter_map(|(_, rest)| (rest.until + self.first).checked_sub(rest.lasts)).max();
        match unlocked.filter(|at| *at > now) {
            Some(at) => Err(not_asked(Some(volume), at - now)),
            None => Ok(()),
        }
    }

    /// Takes note of how such a call ended.
    pub(super) fn note(&self, volume: Option<&str>, error: Option<GlusterErrorKind>, now: Instant) {
        let volume = volume.unwrap_or_default();
        let mut rests = self.lock();
        match error {
            Some(GlusterErrorKind::TimedOut) => {
                let lasts = rests.get(volume).map_or(self.first, |rest| (rest.lasts * 2).min(LONGEST));
                let until = now + lasts;
                rests.insert(volume.to_owned(), Rest { until, lasts });
            }
            None => {
                rests.remove(volume);
            }
            // A refusal neither proves that the peers answer nor that they don't.
            Some(_) => {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Rest>> {
        // Nothing in here is ever left half done.
        self.by_volume.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_asked(volume: Option<&str>, wait: Duration) -> GlusterError {
    let what = volume.map_or_else(|| "all volumes".into(), |v| format!("volume {v}"));
    GlusterError {
        kind: GlusterErrorKind::NotAsked,
        message: format!(
            "{what} not asked: a call that takes the volume's lock timed out, as with a frozen peer, and another one would lock it again; try again in {} s",
            wait.as_secs() + 1
        ),
        op_errno: 0,
        hosts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    const TIMED_OUT: Option<GlusterErrorKind> = Some(GlusterErrorKind::TimedOut);

    #[test]
    fn a_rest_doubles_to_half_an_hour_and_ends_with_an_answer() {
        let rests = Rests::new(secs(200));
        let now = Instant::now();
        assert_eq!(rests.check(Some("dist"), now), Ok(()));
        for lasts in [200, 400, 800, 1600, 1800, 1800] {
            rests.note(Some("dist"), TIMED_OUT, now);
            assert_eq!(rests.until(Some("dist"), now), Some(now + secs(lasts)));
            rests.note(Some("dist"), Some(GlusterErrorKind::AnotherTransaction), now);
        }
        let error = rests.check(Some("dist"), now).unwrap_err();
        assert_eq!(error.kind, GlusterErrorKind::NotAsked);
        assert!(error.message.contains("volume dist"), "{error}");
        assert_eq!(rests.check(Some("dist"), now + secs(1801)), Ok(()));
        rests.note(Some("dist"), None, now);
        rests.note(Some("dist"), TIMED_OUT, now);
        assert_eq!(rests.until(Some("dist"), now), Some(now + secs(200)));
    }

    #[test]
    fn a_command_waits_for_the_first_rest_only() {
        let rests = Rests::new(secs(200));
        let begin = Instant::now();
        rests.note(Some("dist"), TIMED_OUT, begin);
        rests.note(Some("dist"), TIMED_OUT, begin + secs(210));
        let error = rests.check_command("dist", begin + secs(409)).unwrap_err();
        assert_eq!(error.kind, GlusterErrorKind::NotAsked);
        assert!(error.message.contains("try again in 2 s"), "{error}");
        assert_eq!(rests.check_command("dist", begin + secs(410)), Ok(()));
        assert!(rests.check(Some("dist"), begin + secs(410)).is_err());
        assert_eq!(rests.check_command("repl", begin + secs(210)), Ok(()));
        rests.note(None, TIMED_OUT, begin + secs(500));
        assert!(rests.check_command("repl", begin + secs(501)).is_err());
    }

    #[test]
    fn a_rest_of_one_volume_keeps_from_asking_all_and_no_other_one() {
        let rests = Rests::new(secs(200));
        let now = Instant::now();
        rests.note(Some("dist"), TIMED_OUT, now);
        assert!(rests.check(None, now).is_err());
        assert_eq!(rests.check(Some("repl"), now), Ok(()));
        rests.note(None, TIMED_OUT, now);
        assert!(rests.check(Some("repl"), now).is_err());
    }
}
