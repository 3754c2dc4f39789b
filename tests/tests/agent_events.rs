//! Gluster's own events make an agent look at once, and do nothing else, on a scripted host.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hod_tests::binary::built;
use hod_tests::pool::wait_until;
use hod_tests::scripted::agent::SOON;
use hod_tests::scripted::{Kind, ScriptedAgent, ScriptedPool};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::process::Command;

/// Nothing but events brings about a look: all else comes once an hour.
const BY_EVENTS_ONLY: [&str; 3] = ["--look-every=1h", "--look-unwatched-every=100ms", "--alive-every=200ms"];

const LOOKS: &str = "hod_agent_gluster_calls_total";
const EVENTS: &str = "hod_agent_events_total";
const LISTENING: &str = "hod_agent_events_listening";

fn pool() -> Result<ScriptedPool> {
    let pool = ScriptedPool::new(&["node-a", "node-b"])?;
    pool.add_volume("dist", Kind::Distribute, &["node-a:/bricks/d1", "node-b:/bricks/d1"])?;
    Ok(pool)
}

/// An agent that has taken its first looks and whose event port is open.
async fn agent(pool: &ScriptedPool, more: &[&str]) -> Result<ScriptedAgent> {
    let agent = ScriptedAgent::start(pool, "node-a", &[&BY_EVENTS_ONLY, more].concat()).await?;
    let mut watch = agent.watch(false).await?;
    watch.until("the picture", |picture| picture.volumes.seen().map(|_| ())).await?;
    Ok(agent)
}

async fn listening(agent: &ScriptedAgent, source: &str, is_so: bool) -> Result<()> {
    let label = format!("source=\"{source}\"");
    wait_until(&format!("listening by {source}: {is_so}"), SOON, || async {
        Ok(agent.metric(LISTENING, &[&label]).await? == f64::from(u8::from(is_so)))
    })
    .await
}

/// How often get-state was asked.
async fn looks(agent: &ScriptedAgent) -> Result<f64> {
    agent.metric(LOOKS, &["verb=\"get-state\""]).await
}

/// The looks, once so many signs of life went by without another that any that was due is taken by
/// then: the last one after a change comes two seconds after it.
async fn looks_at_rest(agent: &ScriptedAgent) -> Result<f64> {
    let mut watch = agent.watch(false).await?;
    loop {
        let before = looks(agent).await?;
        let mut signs = 0;
        while signs < 15 {
            signs += usize::from(watch.next().await? == "alive");
        }
        if looks(agent).await? == before {
            return Ok(before);
        }
    }
}

async fn taken(agent: &ScriptedAgent, source: &str, outcome: &str) -> Result<f64> {
    agent.metric(EVENTS, &[&format!("source=\"{source}\""), &format!("outcome=\"{outcome}\"")]).await
}

async fn wait_for_taken(agent: &ScriptedAgent, source: &str, outcome: &str, at_least: f64) -> Result<()> {
    wait_until(&format!("{at_least} events by {source}: {outcome}"), SOON, || async {
        Ok(taken(agent, source, outcome).await? >= at_least)
    })
    .await
}

async fn wait_for_looks(agent: &ScriptedAgent, more_than: f64) -> Result<()> {
    wait_until("a look", SOON, || async { Ok(looks(agent).await? > more_than) }).await
}

/// What a process of Gluster's sends with.
async fn sender() -> Result<UdpSocket> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?)
}

fn event_port(agent: &ScriptedAgent) -> String {
    format!("{}:55555", agent.address())
}

/// Posts as glustereventsd does, and returns the answer's status.
async fn post(agent: &ScriptedAgent, body: &[u8]) -> Result<u16> {
    let address = format!("{}:7462", agent.address());
    let mut stream = TcpStream::connect(&address).await?;
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    // One that is too long is refused before its end.
    let _ = stream.write_all(body).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.context("no answer")?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.strip_prefix("HTTP/1.1 ").context("no HTTP")?.parse().context("no status")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_volume_makes_a_look_and_no_other_does() -> Result<()> {
    let pool = pool()?;
    let agent = agent(&pool, &[]).await?;
    listening(&agent, "port", true).await?;
    let before = looks_at_rest(&agent).await?;
    let (gluster, port) = (sender().await?, event_port(&agent));

    for nothing in [
        &b"1795523084 134 volume=other"[..],
        b"1795523086 99 client_uid=CTX_ID:634",
        b"",
        b"volume=dist",
        b"1795523084 134 volume=dist\xff",
        &[b'x'; 60_000],
    ] {
        gluster.send_to(nothing, &port).await?;
    }
    wait_for_taken(&agent, "port", "of_no_volume", 2.0).await?;
    wait_for_taken(&agent, "port", "malformed", 4.0).await?;
    ensure!(looks_at_rest(&agent).await? == before, "looked for nothing");

    // Told three times it is looked at, as if told once.
    for _ in 0..3 {
        gluster.send_to(b"1795523084 134 volume=dist", &port).await?;
    }
    wait_for_taken(&agent, "port", "heard", 3.0).await?;
    wait_for_looks(&agent, before).await?;
    let looked = looks_at_rest(&agent).await? - before;
    ensure!(looked <= 2.0, "{looked} looks for three events at once");
    ensure!(agent.locked_calls().await? == 0.0, "an event made a call that takes a lock");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_takes_a_tenth_of_the_time_and_no_memory() -> Result<()> {
    let pool = pool()?;
    // A gluster that takes its time, so that a tenth of it can be told from more.
    let program = pool.program("node-a");
    let script = std::fs::read_to_string(&program)?;
    std::fs::write(&program, script.replacen("#!/bin/sh\n", "#!/bin/sh\nsleep 0.2\n", 1))?;
    let agent = agent(&pool, &[]).await?;
    listening(&agent, "port", true).await?;
    let before = looks_at_rest(&agent).await?;
    let (gluster, port) = (sender().await?, event_port(&agent));
    let memory = agent.daemon.resident_kib()?;

    let begun = Instant::now();
    let mut sent = 0u64;
    while begun.elapsed() < Duration::from_secs(6) {
        for _ in 0..100 {
            gluster.send_to(b"1795523084 134 volume=dist", &port).await?;
            sent += 1;
        }
        tokio::task::yield_now().await;
    }
    let heard = taken(&agent, "port", "heard").await?;
    let looked = looks(&agent).await? - before;
    let took = begun.elapsed().as_secs_f64();
    // 100 in 100 ms are read, and those that were waiting.
    ensure!(heard <= took * 1000.0 + 300.0, "{heard} of {sent} were read in {took} s");
    // Ten times its 200 ms pass after each; without a bound there would be three a second.
    ensure!((1.0..=took / 2.2 + 1.0).contains(&looked), "{looked} looks in {took} s");
    let grown = agent.daemon.resident_kib()?.saturating_sub(memory);
    ensure!(grown < 4096, "{sent} datagrams cost {grown} KiB");
    // It hears as before when that is over.
    let before = looks_at_rest(&agent).await?;
    gluster.send_to(b"1795523084 134 volume=dist", &port).await?;
    wait_for_looks(&agent, before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_glustereventsd_posts_is_heard() -> Result<()> {
    let pool = pool()?;
    let agent = agent(&pool, &[]).await?;
    listening(&agent, "webhook", true).await?;
    let before = looks_at_rest(&agent).await?;
    ensure!(post(&agent, b"").await? == 200, "gluster-eventsapi webhook-test");
    let too_long = vec![b'x'; 200_000];
    for (body, status) in [
        (&br#"{"event": "VOLUME_START", "message": {"name": "other"}, "nodeid": "", "ts": 1}"#[..], 200),
        (br#"{"event": "VOLUME_START"}"#, 400),
        (b"1795523084 134 volume=dist", 400),
        (&too_long, 413),
    ] {
        let answer = post(&agent, body).await?;
        ensure!(answer == status, "{answer} for {}", String::from_utf8_lossy(body));
    }
    ensure!(looks_at_rest(&agent).await? == before, "looked for nothing");
    let stop = br#"{"event": "VOLUME_REBALANCE_STOP", "message": {"volume": "dist"}, "nodeid": "", "ts": 1}"#;
    ensure!(post(&agent, stop).await? == 200);
    wait_for_looks(&agent, before).await?;
    ensure!(taken(&agent, "webhook", "heard").await? == 1.0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_are_closed_and_keep_nobody_out() -> Result<()> {
    let pool = pool()?;
    let agent = agent(&pool, &[]).await?;
    listening(&agent, "webhook", true).await?;
    let address = format!("{}:7462", agent.address());
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(&address).await?);
    }
    wait_until("an event gets through", SOON, || async {
        Ok(post(&agent, br#"{"event": "VOLUME_STOP", "message": {"volume": "dist"}}"#).await? == 200)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_that_are_taken_stop_nothing_and_are_had_when_they_are_free() -> Result<()> {
    let pool = pool()?;
    let mut agent = agent(&pool, &[]).await?;
    listening(&agent, "port", true).await?;
    listening(&agent, "webhook", true).await?;
    agent.daemon.end(SOON)?;
    // Such as a glustereventsd that was started by hand.
    let port = UdpSocket::bind(event_port(&agent)).await?;
    let webhook = tokio::net::TcpListener::bind(format!("{}:7462", agent.address())).await?;
    agent.daemon.start_again()?;
    wait_until("the agent answers", SOON, || async { Ok(looks(&agent).await? > 0.0) }).await?;
    wait_until("the agent says so", SOON, || async {
        let log = agent.daemon.log();
        Ok(log.contains("event port is not listened on") && log.contains("webhook can't be answered"))
    })
    .await?;
    drop((port, webhook));
    listening(&agent, "port", true).await?;
    listening(&agent, "webhook", true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_is_let_go_for_glustereventsd_and_taken_again() -> Result<()> {
    let pool = pool()?;
    let agent = agent(&pool, &[]).await?;
    listening(&agent, "port", true).await?;
    let folder = pool.glusterd_dir("node-a").join("events");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("webhooks.json"), r#"{"http://127.0.0.1:7462/events": {}}"#)?;
    listening(&agent, "port", false).await?;
    // It can be had now, as glustereventsd takes it.
    drop(UdpSocket::bind(event_port(&agent)).await?);
    std::fs::write(folder.join("webhooks.json"), "{}")?;
    listening(&agent, "port", true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn events_can_be_left_unheard() -> Result<()> {
    let pool = pool()?;
    let agent = agent(&pool, &["--events=false"]).await?;
    ensure!(TcpStream::connect(format!("{}:7462", agent.address())).await.is_err());
    drop(UdpSocket::bind(event_port(&agent)).await?);
    Ok(())
}

/// Runs `hod-agent events …` beside a gluster-eventsapi that notes what it is told and ends as it is told to.
struct EventsApi {
    folder: tempfile::TempDir,
}

impl EventsApi {
    /// `ends` is what it does with the command in `$1`.
    fn new(ends: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let script =
            format!("#!/bin/sh\necho \"$*\" >> '{}'\n{ends}\n", folder.path().join("told").display());
        let tool = folder.path().join("gluster-eventsapi");
        std::fs::write(&tool, script)?;
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755))?;
        Ok(Self { folder })
    }

    /// How it ended, and all that it said.
    async fn run(&self, args: &[&str]) -> Result<(Option<i32>, String)> {
        let out = Command::new(built("hod-agent")?)
            .args(args)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.folder.path().display()))
            .output()
            .await?;
        let said = [out.stdout, out.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        Ok((out.status.code(), said.concat()))
    }

    /// What gluster-eventsapi was told.
    fn told(&self) -> Vec<String> {
        let told = std::fs::read_to_string(self.folder.path().join("told")).unwrap_or_default();
        told.lines().map(str::to_owned).collect()
    }
}

const URL: &str = "http://127.0.0.1:7462/events";

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_is_registered_and_whoever_does_it_again_reaches_all_hosts() -> Result<()> {
    let fresh = EventsApi::new("exit 0")?;
    let (exit, said) = fresh.run(&["events", "enable"]).await?;
    ensure!(exit == Some(0) && said.contains("restart glustereventsd"), "{exit:?} {said}");
    ensure!(
        fresh.told() == [format!("webhook-add {URL}"), format!("webhook-test {URL}")],
        "{:?}",
        fresh.told()
    );

    let already = EventsApi::new("[ $1 = webhook-add ] && exit 5; exit 0")?;
    let (exit, said) = already.run(&["events", "enable"]).await?;
    ensure!(exit == Some(0), "{exit:?} {said}");
    ensure!(already.told()[1] == "sync", "{:?}", already.told());

    let unanswered = EventsApi::new("[ $1 = webhook-test ] && { echo node-b; exit 4; }; exit 0")?;
    let (exit, said) = unanswered.run(&["events", "enable"]).await?;
    ensure!(exit == Some(0) && said.contains("No agent answers there") && said.contains("node-b"), "{said}");

    let (exit, said) = fresh.run(&["events", "disable"]).await?;
    ensure!(exit == Some(0) && said.contains("no more"), "{exit:?} {said}");
    ensure!(fresh.told().last().is_some_and(|told| *told == format!("webhook-del {URL}")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_webhook_from_being_registered_is_told() -> Result<()> {
    for (ends, args, words) in [
        ("exit 4", &["events", "enable"][..], "not every host was told"),
        ("echo no copy >&2; exit 8", &["events", "enable"], "no copy"),
        ("echo no glusterd; exit 1", &["events", "enable"], "webhook-add failed (exit code 1): no glusterd"),
        ("exit 0", &["--events=false", "events", "enable"], "events = false"),
    ] {
        let (exit, said) = EventsApi::new(ends)?.run(args).await?;
        ensure!(exit == Some(1) && said.contains(words), "{exit:?} {said}");
    }
    let lacking = EventsApi::new("exit 0")?;
    std::fs::remove_file(lacking.folder.path().join("gluster-eventsapi"))?;
    let (exit, said) = lacking.run(&["events", "enable"]).await?;
    ensure!(exit == Some(1) && said.contains("there is nothing to register"), "{exit:?} {said}");
    // What there is to tell is told without it.
    let (exit, said) = lacking.run(&["events", "status"]).await?;
    ensure!(exit == Some(0) && said.contains(&format!("{URL}: not registered")), "{exit:?} {said}");

    let unknown = EventsApi::new("exit 6")?;
    let (exit, said) = unknown.run(&["events", "disable", "http://127.0.0.1:9/events"]).await?;
    ensure!(exit == Some(0) && said.contains("http://127.0.0.1:9/events: nothing to disable"), "{said}");
    Ok(())
}
