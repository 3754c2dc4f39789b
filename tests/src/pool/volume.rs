//! Volumes with something in them.

use anyhow::Result;

use super::{Host, Pool};

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
        host.run(&["sh", "-c", script, "fill", &folder, &files.to_string()])
            .await?;
        Ok(())
    }
}

impl Host {
    /// Mounts the volume here, if it is not, and returns where.
    pub async fn mount(&self, volume: &str) -> Result<String> {
        let folder = format!("/mnt/{volume}");
        let script = r#"mkdir -p "$2" && { mountpoint -q "$2" || mount -t glusterfs "localhost:/$1" "$2"; }"#;
        self.run(&["sh", "-c", script, "mount", volume, &folder])
            .await?;
        Ok(folder)
    }
}
