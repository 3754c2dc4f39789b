//! The files of the volumes, with their checksums.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::{FILES, VOLUMES};
use crate::pool::Pool;

/// Every file that was made, with its checksum: as [`Pool::fill`] makes them. They are not read
/// from the volumes, since a client does not list them all right after an add-brick (seen).
pub(super) async fn made(pool: &Pool) -> Result<BTreeSet<String>> {
    let script = r#"rm -rf /tmp/made && mkdir /tmp/made && cd /tmp/made || exit 1
        for volume in $2; do
            i=0
            while [ $i -lt $1 ]; do
                d=$volume/d$((i / 250)); [ -d $d ] || mkdir -p $d
                echo "$i" > $d/f$i
                i=$((i + 1))
            done
        done
        find * -type f -print0 | xargs -0 sha256sum"#;
    let volumes = VOLUMES.join(" ");
    let told = pool.a().run(&["sh", "-c", script, "made", &FILES.to_string(), &volumes]).await?;
    Ok(told.lines().map(str::to_owned).collect())
}

/// Every file that was made and every one that is listed, as a client that was just mounted reads
/// it by its name. A listing alone leaves out a folder that a fix-layout had not come to when it
/// was stopped, until somebody asks for the folder by name (seen on 10.3).
pub(super) async fn checksums(pool: &Pool) -> Result<BTreeSet<String>> {
    let mut sums = BTreeSet::new();
    for volume in VOLUMES {
        // A mount from before the faults may be of a client that has died. A file that can't be
        // read has no line, and is missed.
        let script = r#"umount -l "/mnt/$1" 2>/dev/null; mkdir -p "/mnt/$1"
            mount -t glusterfs "localhost:/$1" "/mnt/$1" && cd /mnt || exit 1
            { (cd /tmp/made && find "$1" -type f -print0); find "$1" -type f -print0; } |
                sort -zu | xargs -0 sha256sum || true"#;
        let told = pool.a().run(&["sh", "-c", script, "sums", volume]).await?;
        sums.extend(told.lines().map(str::to_owned));
    }
    Ok(sums)
}

/// Every file is as it was; those that are not are named.
pub(super) fn same(before: &BTreeSet<String>, now: &BTreeSet<String>) -> Result<()> {
    let some = |of: &BTreeSet<String>, but: &BTreeSet<String>| {
        of.difference(but).take(5).cloned().collect::<Vec<_>>().join("\n")
    };
    ensure!(
        before == now,
        "of {} files there are {}; before and not now:\n{}\nnow and not before:\n{}",
        before.len(),
        now.len(),
        some(before, now),
        some(now, before)
    );
    Ok(())
}
