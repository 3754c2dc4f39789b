//! The webhook that glustereventsd posts to: HTTP on loopback, every request small,
//! short, and one of few.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Hearing, Outcome, Source};
use crate::gluster::read::event;

/// What is posted to.
const PATH: &str = "/events";

/// No event is longer: it came in one datagram.
const BODY_MAX: usize = 64 << 10;

/// So many connections at a time; glustereventsd opens one, for each event anew.
const CONNECTIONS: usize = 8;

/// A connection's time, from its first byte to its last.
const PATIENCE: Duration = Duration::from_secs(2);

/// The URL that glustereventsd is to post to.
pub(super) fn url(listen: SocketAddr) -> String {
    format!("http://{listen}{PATH}")
}

/// Answers until cancelled. An address that can't be had is tried again this often:
/// an agent without its webhook sees everything, only later.
pub(crate) async fn run(
    hearing: Hearing,
    listen: SocketAddr,
    again_every: Duration,
    stop: &CancellationToken,
) {
    let mut told = String::new();
    let answering = async {
        loop {
            let why = match TcpListener::bind(listen).await {
                Ok(listener) => match answer_on(&hearing, &listener).await {
                    Ok(never) => match never {},
                    Err(error) => error.to_string(),
                },
                Err(error) => error.to_string(),
            };
            if told != why {
                tracing::warn!(%listen, why, "glustereventsd's webhook can't be answered");
                told = why;
            }
            tokio::time::sleep(again_every).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = answering => {}
    }
}

async fn answer_on(hearing: &Hearing, listener: &TcpListener) -> io::Result<Infallible> {
    let _listening = hearing.metrics.listening(Source::Webhook.code());
    let webhook = Router::new()
        .route(PATH, post(take))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(hearing.clone());
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Never closed.
        let Ok(place) = free.clone().acquire_owned().await else {
            continue;
        };
        let (stream, _) = listener.accept().await?;
        let webhook = webhook.clone();
        tokio::spawn(async move {
            answer(stream, webhook).await;
            drop(place);
        });
    }
}

async fn answer(stream: TcpStream, webhook: Router) {
    let connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(webhook));
    // Whoever is cut off, or too slow, is nobody to be answered.
    let _ = tokio::time::timeout(PATIENCE, connection).await;
}

async fn take(State(hearing): State<Hearing>, body: Bytes) -> StatusCode {
    // `gluster-eventsapi webhook-test` posts nothing at all.
    if body.is_empty() {
        return StatusCode::OK;
    }
    match hearing.take(Source::Webhook, &event::posted(&body)) {
        Outcome::Malformed => StatusCode::BAD_REQUEST,
        Outcome::Heard | Outcome::OfNoVolume => StatusCode::OK,
    }
}
