//! `get-state glusterd odir DIR file NAME [detail]`: one host's own state in a
//! file, without a lock.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::answer::Answer;
use super::scene::Scene;
use super::state::{Kind, Volume, status};
use super::volumes;

/// Answers it. It refuses altogether while any volume was reset (fixture 79).
///
/// # Errors
/// If the file cannot be written.
pub fn answer(scene: &Scene<'_>, asked: &str, dir: &str, file: &str) -> Result<Answer> {
    let reset = [status::RESET_BY_REPLACE, status::RESET_BY_RESET];
    let host = scene.host(asked)?;
    if host.views.values().any(|view| reset.contains(&view.status)) {
        let text = "Failed to get daemon state. Check glusterd log file for more details\n";
        return Ok(Answer::text(text, 1).and_history("FAILED : "));
    }
    let path = Path::new(dir).join(file);
    fs::write(&path, dump(scene, asked)?)?;
    let text = format!("glusterd state dumped to {}\n", path.display());
    Ok(Answer::text(text, 0).and_history("SUCCESS"))
}

fn dump(scene: &Scene<'_>, asked: &str) -> Result<String> {
    let version = match scene.pool.version.split('.').next() {
        Some(major) => format!("{major}0000"),
        None => "0".to_owned(),
    };
    let mut out = format!(
        "[Global]\nMYUUID: {}\nop-version: {version}\n\n[Global options]\n\n[Peers]\n",
        scene.host(asked)?.id
    );
    let others = scene.pool.hosts.iter().filter(|h| h.name != asked);
    for (peer, n) in others.zip(1..) {
        let connected = if peer.connected() { "Connected" } else { "Disconnected" };
        let _ = write!(
            out,
            "Peer{n}.primary_hostname: {}\nPeer{n}.uuid: {}\nPeer{n}.state: Peer in Cluster\n\
             Peer{n}.connected: {connected}\nPeer{n}.othernames: {}\n",
            peer.known_as,
            peer.id,
            peer.other_names.join(",")
        );
    }
    out.push_str("\n[Volumes]\n");
    for (v, n) in scene.pool.volumes.iter().zip(1..) {
        volume(scene, asked, v, n, &mut out);
        out.push('\n');
    }
    out.push_str("\n[Services]\n");
    for (name, n) in ["bitd", "scrub", "quotad"].iter().zip(1..) {
        let _ = write!(out, "svc{n}.name: {name}\nsvc{n}.online_status: Offline\n\n");
    }
    out.push_str("\n[Misc]\nBase port: 49152\n");
    if scene.pool.version.starts_with("9.") {
        out.push_str("Last allocated port: 49153\n");
    }
    Ok(out)
}

fn volume(scene: &Scene<'_>, asked: &str, v: &Volume, n: usize, out: &mut String) {
    let p = format!("Volume{n}");
    let started = v.status == 1;
    // A brick that was taken out by reset-brick has no process.
    let runs = |brick: &super::state::Brick| started && !brick.reset;
    let mut line = |key: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(out, "{p}.{key}: {value}");
    };
    line("name", &v.name);
    line("id", &v.id);
    line("type", &volumes::kind(v).1);
    line("transport_type", &"tcp");
    line("status", &volumes::status_word(v));
    line("profile_enabled", &0);
    line("brickcount", &v.bricks.len());
    for (brick, m) in v.bricks.iter().zip(1..) {
        line(&format!("Brick{m}.path"), &brick.name());
        line(&format!("Brick{m}.hostname"), &brick.host);
        if brick.host == asked {
            let on = u8::from(runs(brick));
            line(&format!("Brick{m}.port"), &(u32::from(on) * (49152 + m)));
            line(&format!("Brick{m}.rdma_port"), &0);
            line(&format!("Brick{m}.port_registered"), &on);
            let word = if runs(brick) { "Started" } else { "Stopped" };
            line(&format!("Brick{m}.status"), &word);
            line(&format!("Brick{m}.spacefree"), &"253769953280Bytes");
            line(&format!("Brick{m}.spacetotal"), &"270553174016Bytes");
        }
    }
    let (replica, arbiters, disperse, redundancy) = match v.kind {
        Kind::Distribute => (1, 0, 0, 0),
        Kind::Replicate { replica, arbiters } => (replica, arbiters, 0, 0),
        Kind::Disperse { disperse, redundancy } => (1, 0, disperse, redundancy),
    };
    line("snap_count", &0);
    line("stripe_count", &1);
    line("replica_count", &replica);
    line("subvol_count", &v.sets());
    line("arbiter_count", &arbiters);
    line("disperse_count", &disperse);
    line("redundancy_count", &redundancy);
    line("quorum_status", &"not_applicable");
    line("snapd_svc.online_status", &"Offline");
    line("snapd_svc.inited", &(if started { "True" } else { "False" }));
    let view = scene.view(asked, &v.name);
    line("rebalance.id", &view.id);
    line("rebalance.status", &word(view.status));
    line("rebalance.failures", &view.told.failures);
    line("rebalance.skipped", &view.told.skipped);
    line("rebalance.lookedup", &view.told.lookups);
    line("rebalance.files", &view.told.files);
    line("rebalance.data", &human(view.told.size));
    line("time_left", &0);
    let healed = started && v.kind != Kind::Distribute;
    line("shd_svc.online_status", &(if healed { "Online" } else { "Offline" }));
    line("shd_svc.inited", &(if healed { "True" } else { "False" }));
    line("gsync_count", &0);
    for (name, value) in &v.options {
        line(&format!("options.{name}"), value);
    }
}

/// get-state knows no fix-layout: it says `started` and `completed` (measured).
fn word(number: u8) -> &'static str {
    match number {
        status::NOT_STARTED => "not_started",
        status::IN_PROGRESS => "started",
        status::STOPPED => "stopped",
        status::COMPLETED => "completed",
        _ => "failed",
    }
}

/// Gluster's way to print a size: exact below a KiB, else with one digit.
fn human(bytes: u64) -> String {
    const UNITS: [(&str, u64); 5] =
        [("PB", 1 << 50), ("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];
    for (unit, size) in UNITS {
        if bytes >= size {
            #[expect(clippy::cast_precision_loss, reason = "one digit is printed")]
            let value = bytes as f64 / size as f64;
            return format!("{value:.1}{unit}");
        }
    }
    format!("{bytes}Bytes")
}
