//! Volumes with something in them.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Host, Pool, wait_until};

impl Pool {
    /// Creates and starts a volume of these bricks, each "node-a:/bricks/x"; `layout` stands
    /// before them, such as `["replica", "3"]`.
    pub async fn create_volume(&self, name: &str, layout: &[&str], bricks: &[&str]) -> Result<()> {
        // The bricks are bare folders of a mount: Gluster wants to be told that this is meant.
        let create = [&["volume", "create", name], layout, bricks, &["force"]].concat();
        self.gluster(&create).await?;
        self.gluster(&["volume", "start", name]).await?;
        Ok(())
    }

    /// Lets self-heal look for what is pending every 10 s. By itself it does so every 10 min, and
    /// what it misses when a new brick comes up waits as long (seen on 11.1).
    pub async fn heal_often(&self, name: &str) -> Result<()> {
        self.gluster(&["volume", "set", name, "cluster.heal-timeout", "10"]).await.map(drop)
    }

    /// Makes a volume whose rebalance keeps node-c busy for a while, one file at a time: all that
    /// many files are on node-c, and two more bricks just came.
    pub async fn create_unbalanced(&self, name: &str, files: usize) -> Result<()> {
        let brick = |node: &str| format!("{node}:/bricks/{name}");
        self.create_volume(name, &[], &[&brick("node-c")]).await?;
        self.slow(name).await?;
        self.fill(name, files).await?;
        let add = ["volume", "add-brick", name, &brick("node-a"), &brick("node-b"), "force"];
        self.gluster(&add).await.map(drop)
    }

    /// Makes a volume whose files are on every host, and whose rebalance keeps every host busy,
    /// also those that are left when one is away: two sets of three replicas, of which the
    /// second one just came.
    pub async fn create_replicated(&self, name: &str, files: usize) -> Result<()> {
        let set = |number: u8| super::NODES.map(|node| format!("{node}:/bricks/{name}{number}"));
        let (old, new) = (set(1), set(2));
        self.create_volume(name, &["replica", "3"], &old.each_ref().map(String::as_str)).await?;
        self.slow(name).await?;
        self.fill(name, files).await?;
        let new = new.each_ref().map(String::as_str);
        self.gluster(&[&["volume", "add-brick", name], &new[..], &["force"]].concat()).await.map(drop)
    }

    /// Makes a volume with a brick on each host and that many files, whose bricks empty slowly.
    pub async fn create_full(&self, name: &str, files: usize) -> Result<()> {
        let bricks = super::NODES.map(|node| format!("{node}:/bricks/{name}"));
        self.create_volume(name, &[], &bricks.each_ref().map(String::as_str)).await?;
        self.slow(name).await?;
        self.fill(name, files).await
    }

    /// Lets the volume's tasks move one file at a time, so that there is time to end them.
    async fn slow(&self, name: &str) -> Result<()> {
        self.gluster(&["volume", "set", name, "cluster.rebal-throttle", "lazy"]).await.map(drop)
    }

    /// Mounts the volume on the first host, if it is not, and makes that many tiny files,
    /// in folders of a few hundred each.
    pub async fn fill(&self, volume: &str, files: usize) -> Result<()> {
        let host = &self.hosts[0];
        let folder = host.mount(volume).await?;
        // Two writers keep the client busy; a file is one redirection of the shell, no process.
        let script = r#"
            set -e
            write() { # FIRST COUNT
                i=$1
                while [ $i -lt $2 ]; do
                    d=$((i / 250)); [ -d d$d ] || mkdir -p d$d
                    echo "$i" > d$d/f$i
                    i=$((i + 1))
                done
            }
            cd "$1"
            write 0 $(($2 / 2)) & first=$!
            write $(($2 / 2)) $2
            wait $first
        "#;
        host.run(&["sh", "-c", script, "fill", &folder, &files.to_string()]).await?;
        Ok(())
    }
}

impl Host {
    /// Runs `volume set` on this host and holds the volume's lock on every host until
    /// [`Host::release`]: a hook that runs before the change waits. Returns once the lock is held.
    pub async fn hold(&self, volume: &str) -> Result<()> {
        let script = r#"
            mkdir -p /var/lib/glusterd/hooks/1/set/pre
            hook=/var/lib/glusterd/hooks/1/set/pre/S10hold.sh
            printf '#!/bin/sh
touch /tmp/held
while [ -e /tmp/hold ]; do sleep 0.2; done
' >$hook
            chmod +x $hook; rm -f /tmp/held; touch /tmp/hold
            setsid gluster --mode=script volume set "$1" user.hold on >/tmp/hold.log 2>&1 &
        "#;
        self.run(&["sh", "-c", script, "hold", volume]).await?;
        wait_until(&format!("{volume} is locked"), Duration::from_secs(30), || async {
            Ok(self.exec(&["test", "-e", "/tmp/held"]).await?.status.success())
        })
        .await
    }

    /// Lets go of what [`Host::hold`] holds.
    pub async fn release(&self) -> Result<()> {
        let script = "rm -f /tmp/hold /var/lib/glusterd/hooks/1/set/pre/S10hold.sh";
        self.run(&["sh", "-c", script]).await.map(drop)
    }

    /// How many files a folder of this host holds, without what is Gluster's own.
    pub async fn files(&self, folder: &str) -> Result<usize> {
        let links = "-type f -perm 1000 -size 0";
        let own = format!("-path {folder}/.glusterfs -prune");
        let find = format!(r"find {folder} {own} -o \( -type f ! \( {links} \) \) -print | wc -l");
        Ok(self.run(&["sh", "-c", &find]).await?.trim().parse()?)
    }

    /// Waits until a migration has begun to take files away from this brick. It is looked at on
    /// the disk: how often hod asks for counters depends on how long Gluster takes to answer.
    pub async fn loses_files(&self, brick: &str) -> Result<()> {
        let before = self.files(brick).await?;
        wait_until(&format!("{brick} loses files"), Duration::from_secs(120), || async {
            Ok(self.files(brick).await? < before)
        })
        .await?;
        ensure!(self.files(brick).await? > 0, "{brick} was emptied before anything could be done");
        Ok(())
    }

    /// Mounts the volume here, if it is not, and returns where.
    pub async fn mount(&self, volume: &str) -> Result<String> {
        let folder = format!("/mnt/{volume}");
        let script = r#"mkdir -p "$2" && { mountpoint -q "$2" || mount -t glusterfs "localhost:/$1" "$2"; }"#;
        self.run(&["sh", "-c", script, "mount", volume, &folder]).await?;
        Ok(folder)
    }
}
