//! Feels whether glusterd still listens on its socket, so that its end, and its
//! return, are noticed within seconds and not at the next look.
//!
//! The socket is no interface of Gluster's: like its files it is a hint to look. It
//! is connected to and closed again, which starts no process and writes no log line.

use std::path::Path;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use crate::watch::Wakes;

/// Where glusterd listens for the gluster command (source: `DEFAULT_GLUSTERD_SOCKFILE`).
pub(crate) const SOCKET: &str = "/var/run/glusterd.socket";

/// Feels this often until cancelled, and wakes a look at everything at each turn.
pub(crate) async fn run(socket: &Path, wakes: &Wakes, every: Duration, stop: &CancellationToken) {
    let mut before = None;
    loop {
        let now = UnixStream::connect(socket).await.is_ok();
        if before.is_some_and(|before| before != now) {
            wakes.everything.notify_one();
        }
        before = Some(now);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_wakes_and_standing_still_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let (wakes, stop) = (Wakes::default(), CancellationToken::new());
        let every = Duration::from_millis(5);
        let woken = async {
            let turn = || tokio::time::timeout(Duration::from_secs(10), wakes.everything.notified());
            let still = tokio::time::timeout(Duration::from_millis(100), wakes.everything.notified());
            assert!(still.await.is_err(), "woken by nothing");
            let listener = tokio::net::UnixListener::bind(&socket).unwrap();
            turn().await.unwrap();
            drop(listener);
            turn().await.unwrap();
            stop.cancel();
        };
        tokio::join!(run(&socket, &wakes, every, &stop), woken);
    }
}
