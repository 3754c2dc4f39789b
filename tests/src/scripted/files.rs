//! The files a host's glusterd leaves: `vols/V/node_state.info`, `vols/V/info`
//! and `cmd_history.log`.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::state::{Counters, Op, View, Volume};

/// A host's `/var/lib/glusterd`.
#[must_use]
pub fn glusterd_dir(root: &Path, host: &str) -> PathBuf {
    root.join("hosts").join(host).join("glusterd")
}

/// A host's `/var/log/glusterfs`.
#[must_use]
pub fn log_dir(root: &Path, host: &str) -> PathBuf {
    root.join("hosts").join(host).join("log")
}

fn volume_dir(root: &Path, host: &str, volume: &str) -> PathBuf {
    glusterd_dir(root, host).join("vols").join(volume)
}

/// Writes `node_state.info` as glusterd does: beside the old one, then over it.
///
/// # Errors
/// If it cannot be written.
pub fn write_node_state(root: &Path, host: &str, volume: &str, view: &View) -> Result<()> {
    let Counters { files, size, lookups, failures, skipped, run_time } = view.told;
    let mut text = format!(
        "rebalance_status={}\nstatus={}\nrebalance_op={}\nrebalance-id={}\n\
         rebalanced-files={files}\nsize={size}\nscanned={lookups}\nfailures={failures}\n\
         skipped={skipped}\nrun-time={run_time:.6}\n",
        view.command,
        view.status,
        view.op.number(),
        view.id,
    );
    for (index, brick) in view.bricks.iter().enumerate().rev() {
        let _ = writeln!(text, "brick{}={brick}", index + 1);
    }
    if !view.bricks.is_empty() {
        let _ = writeln!(text, "count={}", view.bricks.len());
    }
    replace(&volume_dir(root, host, volume), "node_state.info", &text)
}

/// Reads `node_state.info` as a starting glusterd does.
///
/// # Errors
/// If it is there and cannot be read.
pub fn read_node_state(root: &Path, host: &str, volume: &str) -> Result<View> {
    let path = volume_dir(root, host, volume).join("node_state.info");
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(View::default());
    };
    let mut view = View::default();
    let mut bricks = Vec::new();
    for line in text.lines() {
        let (key, value) = line.split_once('=').context("a line without =")?;
        let number = || value.parse().context("not a number");
        match key {
            "rebalance_status" => view.command = value.parse()?,
            "status" => view.status = value.parse()?,
            "rebalance_op" => {
                view.op = match value {
                    "19" => Op::Rebalance,
                    "9" => Op::RemoveBrick,
                    _ => Op::None,
                }
            }
            "rebalance-id" => view.id = value.parse()?,
            "rebalanced-files" => view.told.files = number()?,
            "size" => view.told.size = number()?,
            "scanned" => view.told.lookups = number()?,
            "failures" => view.told.failures = number()?,
            "skipped" => view.told.skipped = number()?,
            "run-time" => view.told.run_time = value.parse()?,
            "count" => {}
            _ => bricks.push((key.to_owned(), value.to_owned())),
        }
    }
    bricks.sort();
    view.bricks = bricks.into_iter().map(|(_, brick)| brick).collect();
    view.live = view.told;
    Ok(view)
}

/// Writes a volume's `info`.
///
/// # Errors
/// If it cannot be written.
pub fn write_volume_info(root: &Path, host: &str, volume: &Volume) -> Result<()> {
    let (kind, replica, disperse, redundancy) = match volume.kind {
        super::state::Kind::Distribute => (0, 1, 0, 0),
        super::state::Kind::Replicate { replica, .. } => (2, replica, 0, 0),
        super::state::Kind::Disperse { disperse, redundancy } => (4, 1, disperse, redundancy),
    };
    let mut text = format!(
        "type={kind}\ncount={}\nstatus={}\nsub_count={}\nreplica_count={replica}\n\
         disperse_count={disperse}\nredundancy_count={redundancy}\nversion={}\n\
         transport-type=0\nvolume-id={}\n",
        volume.bricks.len(),
        volume.status,
        if volume.kind.set() > 1 { volume.kind.set() } else { 0 },
        volume.version,
        volume.id,
    );
    for (name, value) in &volume.options {
        let _ = writeln!(text, "{name}={value}");
    }
    for (index, brick) in volume.bricks.iter().enumerate() {
        let path = brick.path.replace('/', "-");
        let _ = writeln!(text, "brick-{index}={}:{path}", brick.host);
    }
    replace(&volume_dir(root, host, &volume.name), "info", &text)
}

/// Removes the folders of volumes that are gone.
///
/// # Errors
/// If a folder cannot be removed.
pub fn keep_volumes(root: &Path, host: &str, volumes: &[Volume]) -> Result<()> {
    let dir = glusterd_dir(root, host).join("vols");
    for entry in fs::read_dir(&dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if !volumes.iter().any(|v| *v.name == *name) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Appends a command that is over.
///
/// # Errors
/// If the history cannot be written.
pub fn append_history(root: &Path, now: u64, host: &str, command: &str, outcome: &str) -> Result<()> {
    let path = log_dir(root, host).join("cmd_history.log");
    let now = jiff::Timestamp::from_millisecond(i64::try_from(now)?)?;
    let now = now.strftime("%Y-%m-%d %H:%M:%S.%6f");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    file.write_all(format!("[{now} +0000]  : {command} : {outcome}\n").as_bytes())?;
    Ok(())
}

fn replace(dir: &Path, name: &str, text: &str) -> Result<()> {
    fs::create_dir_all(dir)?;
    let new = dir.join(format!("{name}.tmp"));
    fs::write(&new, text)?;
    fs::rename(&new, dir.join(name)).with_context(|| format!("cannot write {}", dir.join(name).display()))
}
