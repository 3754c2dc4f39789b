//! A connection to the real PostgreSQL that takes no time of the simulation: what was
//! asked is answered before anything else happens, so that a seed stays the same story.
//!
//! tokio-postgres reads whenever it is polled, also where nothing is to come. So the wire
//! counts what was asked and what was answered (both sides mark the end of each, `Sync`
//! and `ReadyForQuery`), waits for the server only where it owes an answer, and otherwise
//! says that there is nothing.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use deadpool_postgres::Connect;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls};

use crate::clock::Clock;

/// What goes wrong between one coordinator and the database.
#[derive(Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Nothing gets through, and whoever tries hears so.
    down: bool,
    /// Nothing gets through, and nobody hears anything.
    stalled: bool,
    /// After so many more words to the database the connection breaks: `true`, before
    /// that word is heard; `false`, after, so that only the answer is lost.
    breaks: Option<(u32, bool)>,
    waiting: Vec<Waker>,
}

impl Trouble {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database can't be reached, or can again.
    pub(crate) fn set_down(&self, down: bool) {
        let mut state = self.state();
        state.down = down;
        state.wake();
    }

    /// What is said arrives later: not before this is taken back.
    pub(crate) fn set_stalled(&self, stalled: bool) {
        let mut state = self.state();
        state.stalled = stalled;
        state.wake();
    }

    /// The next connection that says so many more words breaks.
    pub(crate) fn set_break(&self, after: u32, unheard: bool) {
        self.state().breaks = Some((after, unheard));
    }

    /// All is well.
    pub(crate) fn mend(&self) {
        let mut state = self.state();
        state.down = false;
        state.stalled = false;
        state.breaks = None;
        state.wake();
    }
}

impl State {
    fn wake(&mut self) {
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }
}

/// Connects to the database at a socket.
pub(crate) struct Socket {
    path: PathBuf,
    clock: Clock,
    trouble: Trouble,
}

impl Socket {
    pub(crate) fn new(folder: &Path, clock: Clock, trouble: Trouble) -> Self {
        Self { path: folder.join(".s.PGSQL.5432"), clock, trouble }
    }

    pub(crate) async fn open(&self, config: &Config) -> Result<(Client, JoinHandle<()>), Error> {
        let wire = Wire::new(&self.path, self.clock.clone(), self.trouble.clone());
        let (client, connection) = config.connect_raw(wire, NoTls).await?;
        let carrier = tokio::spawn(async move {
            // An error here shows at the client's next call.
            let _ = connection.await;
        });
        Ok((client, carrier))
    }
}

impl Connect for Socket {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let config = config.clone();
        async move { self.open(&config).await }.boxed()
    }
}

/// The connection. Where it could not be made, every use of it says so.
struct Wire {
    stream: io::Result<UnixStream>,
    clock: Clock,
    trouble: Trouble,
    asked: Marks,
    answered: Marks,
    /// How many answers the server owes.
    owed: u32,
    /// Read, and not yet taken.
    read: Vec<u8>,
    reader: Option<Waker>,
}

impl Wire {
    fn new(path: &Path, clock: Clock, trouble: Trouble) -> Self {
        Self {
            stream: UnixStream::connect(path),
            clock,
            trouble,
            asked: Marks { starts: true, ..Marks::default() },
            answered: Marks::default(),
            owed: 0,
            read: Vec::new(),
            reader: None,
        }
    }

    /// Whether anything gets through now.
    fn open(&mut self, context: &Context<'_>) -> Poll<io::Result<&mut UnixStream>> {
        let down = {
            let mut state = self.trouble.state();
            if state.stalled {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            state.down
        };
        if down {
            self.cut();
        }
        match &mut self.stream {
            Ok(stream) => Poll::Ready(Ok(stream)),
            Err(error) => Poll::Ready(Err(error.kind().into())),
        }
    }

    /// Waits for all that is owed: in which pieces it comes is a matter of chance.
    fn hear(&mut self) -> io::Result<()> {
        let mut bytes = [0; 16 << 10];
        while self.owed > 0
            && let Ok(stream) = &mut self.stream
        {
            let length = stream.read(&mut bytes)?;
            self.read.extend_from_slice(&bytes[..length]);
            let ends = self.answered.count(&bytes[..length], b"Z");
            self.owed = self.owed.saturating_sub(ends);
            if length == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Whether the connection breaks with this word, and whether it is heard before.
    fn breaks(&self) -> Option<bool> {
        let mut state = self.trouble.state();
        match &mut state.breaks {
            Some((0, unheard)) => {
                let unheard = *unheard;
                state.breaks = None;
                Some(unheard)
            }
            Some((after, _)) => {
                *after -= 1;
                None
            }
            None => None,
        }
    }

    /// Ends the connection. The server has done what it heard and let go of everything
    /// before anybody else is served: otherwise how long a lock outlives its holder would
    /// be a matter of chance.
    fn cut(&mut self) {
        if let Ok(stream) = &mut self.stream {
            let _ = stream.shutdown(Shutdown::Write);
            let _ = io::copy(stream, &mut io::sink());
            self.stream = Err(io::ErrorKind::ConnectionReset.into());
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            if let Poll::Ready(Ok(_)) = self.open(context)
                && self.owed == 0
            {
                self.reader = Some(context.waker().clone());
                return Poll::Pending;
            }
            match self.open(context) {
                Poll::Ready(opened) => drop(opened?),
                Poll::Pending => return Poll::Pending,
            }
            self.hear()?;
        }
        let length = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..length]);
        self.read.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.open(context) {
            Poll::Ready(opened) => drop(opened?),
            Poll::Pending => return Poll::Pending,
        }
        self.clock.tell_database().map_err(io::Error::other)?;
        let broken = self.breaks();
        if broken != Some(true)
            && let Ok(stream) = &mut self.stream
        {
            stream.write_all(bytes)?;
            self.owed += self.asked.count(bytes, b"SQ");
        }
        if broken.is_some() {
            self.cut();
        }
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cut();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Counts messages of PostgreSQL's protocol, however they are cut.
#[derive(Default)]
struct Marks {
    /// The next message has no kind: it is the first.
    starts: bool,
    head: Vec<u8>,
    kind: u8,
    left: usize,
}

impl Marks {
    /// How many messages of one of these kinds end in these bytes. The first message of
    /// a connection counts too.
    fn count(&mut self, mut bytes: &[u8], kinds: &[u8]) -> u32 {
        let mut counted = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let taken = self.left.min(bytes.len());
                self.left -= taken;
                bytes = &bytes[taken..];
                if self.left == 0 {
                    counted += u32::from(kinds.contains(&self.kind));
                }
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            let kind_takes = usize::from(!self.starts);
            if self.head.len() < 4 + kind_takes {
                continue;
            }
            // The first message is taken for a query: it is answered as one.
            self.kind = if self.starts { b'Q' } else { self.head[0] };
            let mut length = [0; 4];
            length.copy_from_slice(&self.head[kind_takes..]);
            self.left = (u32::from_be_bytes(length) as usize).saturating_sub(4);
            self.starts = false;
            self.head.clear();
            if self.left == 0 {
                counted += u32::from(kinds.contains(&self.kind));
            }
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;

    #[test]
    fn messages_are_counted_however_they_are_cut() {
        let first = [0, 0, 0, 8, 1, 2, 3, 4];
        let query = [b'P', 0, 0, 0, 6, 0, 0, b'S', 0, 0, 0, 4];
        let all = [&first[..], &query, &query].concat();
        for size in 1..=all.len() {
            let mut marks = Marks { starts: true, ..Marks::default() };
            let counted: u32 = all.chunks(size).map(|piece| marks.count(piece, b"SQ")).sum();
            assert_eq!(counted, 3, "in pieces of {size}");
        }
    }
}
