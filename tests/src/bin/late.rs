//! Passes TCP connections on, and each byte late: `late LISTEN TO MILLISECONDS`.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// What may be on its way in one direction; who sends more waits.
const ON_ITS_WAY: usize = 256;

#[derive(Debug, Parser)]
struct Given {
    listen: SocketAddr,
    to: SocketAddr,
    milliseconds: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Given { listen, to, milliseconds } = Given::parse();
    let late = Duration::from_millis(milliseconds);
    let listener = TcpListener::bind(listen).await.with_context(|| format!("can't listen on {listen}"))?;
    println!("listening");
    loop {
        let (from, _) = listener.accept().await?;
        // Either side that goes away takes the other with it.
        tokio::spawn(connect(from, to, late));
    }
}

async fn connect(from: TcpStream, to: SocketAddr, late: Duration) -> io::Result<()> {
    let to = TcpStream::connect(to).await?;
    let (from_reads, from_writes) = from.into_split();
    let (to_reads, to_writes) = to.into_split();
    tokio::try_join!(pass(from_reads, to_writes, late), pass(to_reads, from_writes, late)).map(drop)
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, late: Duration) -> io::Result<()> {
    let (send, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(ON_ITS_WAY);
    let read = async move {
        let mut bytes = vec![0; 16 * 1024];
        loop {
            let count = from.read(&mut bytes).await?;
            // With the sender gone the writer says what is left, and closes.
            if count == 0 || send.send((Instant::now() + late, bytes[..count].to_vec())).await.is_err() {
                return Ok(());
            }
        }
    };
    let write = async move {
        while let Some((at, bytes)) = due.recv().await {
            sleep_until(at).await;
            to.write_all(&bytes).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(read, write).map(drop)
}
