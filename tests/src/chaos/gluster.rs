//! Gluster's own word, read without its locks and apart from the agent's readers.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::pool::Host;

/// The tasks that this host's glusterd has written down, by id. A task that was stopped has no
/// id there any more.
pub(super) async fn tasks_on_disk(host: &Host) -> Result<BTreeSet<String>> {
    let files = "cat /var/lib/glusterd/vols/*/node_state.info 2>/dev/null";
    let told = host.run(&["sh", "-c", files]).await?;
    let ids = told.lines().filter_map(|line| line.strip_prefix("rebalance-id="));
    Ok(ids.filter(|id| !id.starts_with("00000000-")).map(str::to_owned).collect())
}

/// How this host's parts stand, by the task's id, as `get-state` tells.
pub(super) async fn parts(host: &Host) -> Result<BTreeMap<String, String>> {
    let ask = "gluster --mode=script get-state glusterd odir /tmp file chaos-state >/dev/null && cat /tmp/chaos-state";
    let told = host.run(&["sh", "-c", ask]).await?;
    let values = |what: &'static str| {
        told.lines().filter_map(move |line| line.split_once(what)).map(|(_, value)| value.to_owned())
    };
    Ok(values(".rebalance.id: ").zip(values(".rebalance.status: ")).collect())
}

/// The commands about tasks that were run on this host and succeeded, as its history has them.
pub(super) async fn commands(host: &Host) -> Result<Vec<String>> {
    let told = host.run(&["sh", "-c", "cat /var/log/glusterfs/cmd_history.log"]).await?;
    let done = told.lines().filter(|line| line.trim_end().ends_with(": SUCCESS"));
    let commands = done.filter_map(|line| line.split_once("] ")?.1.split_once(": "));
    let commands = commands.map(|(_, rest)| rest.trim_end().trim_end_matches(": SUCCESS").trim().to_owned());
    Ok(commands
        .filter(|c| c.starts_with("volume rebalance") || c.starts_with("volume remove-brick"))
        .collect())
}
