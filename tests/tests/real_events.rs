//! Gluster's own events reach the agents of a real pool: by the event port, and by glustereventsd.

use std::time::Duration;

use anyhow::{Result, ensure};
use hod_tests::on_every_version;
use hod_tests::pool::{Host, Pool, wait_until};

/// Time enough for a command of Gluster's on a busy machine.
const WHILE: Duration = Duration::from_secs(120);

const START: [&str; 5] = ["volume", "rebalance", "v", "start", "force"];
const STOP: [&str; 4] = ["volume", "rebalance", "v", "stop"];

on_every_version!(events_are_heard_with_and_without_glustereventsd);

async fn listening(pool: &Pool, source: &str, is_so: bool) -> Result<()> {
    for host in &pool.hosts {
        let what = format!("{} listens by {source}: {is_so}", host.node);
        let label = format!("source=\"{source}\"");
        wait_until(&what, WHILE, || async {
            let listening = host.metric("hod_agent_events_listening", &[&label]).await?;
            Ok(listening.unwrap_or_default() == f64::from(u8::from(is_so)))
        })
        .await?;
    }
    Ok(())
}

/// How many events that name a volume came in there.
async fn heard(host: &Host, source: &str) -> Result<f64> {
    let labels = [&*format!("source=\"{source}\""), "outcome=\"heard\""];
    Ok(host.metric("hod_agent_events_total", &labels).await?.unwrap_or_default())
}

async fn hears_more(host: &Host, source: &str, than: f64) -> Result<()> {
    let what = format!("{} hears by {source}", host.node);
    wait_until(&what, WHILE, || async { Ok(heard(host, source).await? > than) }).await
}

async fn nothing_malformed(pool: &Pool) -> Result<()> {
    for host in &pool.hosts {
        let malformed = host.metric("hod_agent_events_total", &["outcome=\"malformed\""]).await?;
        ensure!(malformed.is_none(), "{malformed:?} events could not be read on {}", host.node);
    }
    Ok(())
}

async fn events_are_heard_with_and_without_glustereventsd(pool: &Pool) -> Result<()> {
    pool.create_volume("v", &[], &["node-a:/bricks/v", "node-b:/bricks/v", "node-c:/bricks/v"]).await?;
    listening(pool, "port", true).await?;
    listening(pool, "webhook", true).await?;
    tell_of_a_rebalance(pool, "port").await?;
    enable(pool).await?;
    tell_of_a_rebalance(pool, "webhook").await?;
    disable(pool).await?;
    tell_of_a_rebalance(pool, "port").await?;
    nothing_malformed(pool).await
}

/// Each host tells of the end of its own part, and the one where a stop is typed tells of that.
async fn tell_of_a_rebalance(pool: &Pool, source: &str) -> Result<()> {
    let mut before = Vec::new();
    for host in &pool.hosts {
        before.push(heard(host, source).await?);
    }
    pool.b().start_task(&START).await?;
    for (host, before) in pool.hosts.iter().zip(before) {
        hears_more(host, source, before).await?;
    }
    wait_until("the rebalance is over", WHILE, || async {
        let status = pool.a().gluster_xml(&["volume", "rebalance", "v", "status"]).await?;
        Ok(!status.contains("in progress"))
    })
    .await?;
    let before = heard(pool.b(), source).await?;
    pool.b().gluster_xml(&STOP).await?;
    hears_more(pool.b(), source, before).await
}

async fn enable(pool: &Pool) -> Result<()> {
    // Gluster's own command copies its file into a folder that no package makes.
    for host in &pool.hosts {
        host.run(&["mkdir", "-p", "/var/lib/glusterd/events"]).await?;
    }
    let told = pool.a().run(&["hod-agent", "events", "enable"]).await?;
    ensure!(told.contains("http://127.0.0.1:7462/events"), "{told}");
    ensure!(!told.contains("No agent answers"), "{told}");
    // Every host's agent lets go, though it was told on one.
    listening(pool, "port", false).await?;
    for host in &pool.hosts {
        // glustereventsd of 9.2 ends where it can't have both loopbacks, and docker takes one away.
        let ipv6 = "mount -o remount,rw /proc/sys && echo 0 > /proc/sys/net/ipv6/conf/lo/disable_ipv6";
        host.run(&["sh", "-c", ipv6]).await?;
        // It would end too if the port were taken.
        let start = "glustereventsd > /tmp/eventsd.log 2>&1 &";
        host.run(&["sh", "-c", start]).await?;
        let what = format!("glustereventsd listens on {}", host.node);
        wait_until(&what, WHILE, || async {
            Ok(host.run(&["ss", "-Hulnp"]).await?.contains("glustereventsd"))
        })
        .await?;
    }
    let status = pool.c().run(&["hod-agent", "events", "status"]).await?;
    ensure!(status.contains("left to glustereventsd") && status.contains("events: registered"), "{status}");
    // Said again it is no failure.
    pool.b().run(&["hod-agent", "events", "enable"]).await?;
    Ok(())
}

async fn disable(pool: &Pool) -> Result<()> {
    pool.b().run(&["hod-agent", "events", "disable"]).await?;
    let again = pool.b().run(&["hod-agent", "events", "disable"]).await?;
    ensure!(again.contains("nothing to disable"), "{again}");
    for host in &pool.hosts {
        host.run(&["pkill", "-x", "glustereventsd"]).await?;
    }
    listening(pool, "port", true).await
}
