//! A real pool in containers: a rebalance that Gluster's own command line starts, followed live by
//! hod, and a remove-brick that hod drives from its dry run to its commit.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use xshell::{Cmd, Shell};

use crate::compose::{Compose, succeeds};
use crate::{binaries, images};

/// Files in the distributed volume: enough for a rebalance that can be watched.
const FILES: &str = "4000";

/// Starts the pool, shows both tasks from start to end, and leaves the pool up.
pub(crate) fn up(sh: &Shell) -> Result<()> {
    say("building hod and its images");
    let binaries = binaries::build(sh)?;
    images::for_demo(sh, &binaries)?;

    let demo = Demo { sh, compose: compose(sh)? };
    // A pool of an earlier demo would have the volumes already.
    demo.compose.down(sh)?;
    say("three Gluster hosts with their agents, and a coordinator");
    demo.compose.up(sh)?;
    demo.form_pool()?;
    demo.make_volumes()?;
    demo.rebalance()?;
    demo.remove_brick()?;
    demo.farewell();
    Ok(())
}

/// Takes away what [`up`] left.
pub(crate) fn down(sh: &Shell) -> Result<()> {
    compose(sh)?.down(sh)
}

fn compose(sh: &Shell) -> Result<Compose> {
    Compose::find(sh, "hod-demo", "deploy/compose.yaml")
}

struct Demo<'a> {
    sh: &'a Shell,
    compose: Compose,
}

impl Demo<'_> {
    fn form_pool(&self) -> Result<()> {
        say("one pool of the three, by Gluster's own commands");
        for host in ["node-a", "node-b", "node-c"] {
            self.until(&format!("glusterd of {host} answers"), || {
                succeeds(self.on(host, &["gluster", "pool", "list"]))
            })?;
        }
        for host in ["node-b", "node-c"] {
            self.shown("node-a", &["gluster", "peer", "probe", host])?;
        }
        self.until("the hosts are connected", || {
            let list = self.on("node-a", &["gluster", "pool", "list"]).read();
            list.is_ok_and(|list| list.matches("Connected").count() == 3)
        })?;
        self.until("the coordinator answers", || succeeds(self.on("coordinator", &["hod", "pool", "list"])))?;
        self.shown("coordinator", &["hod", "pool", "add", "demo", "--agent", "node-a"])
    }

    fn make_volumes(&self) -> Result<()> {
        say(&format!("a distributed volume with {FILES} files, and a replicated one"));
        let create = |name: &str, layout: &[&str], bricks: &[&str]| {
            let create = [&["gluster", "volume", "create", name], layout, bricks, &["force"]].concat();
            self.shown("node-a", &create)?;
            self.shown("node-a", &["gluster", "volume", "start", name])
        };
        create("photos", &[], &["node-a:/bricks/photos", "node-b:/bricks/photos"])?;
        let mails = ["node-a:/bricks/mails", "node-b:/bricks/mails", "node-c:/bricks/mails"];
        create("mails", &["replica", "3"], &mails)?;
        let fill = format!(
            "mkdir -p /mnt/photos && mount -t glusterfs localhost:/photos /mnt/photos && cd /mnt/photos \
             && i=0; while [ $i -lt {FILES} ]; do d=album-$((i / 250)); [ -d $d ] || mkdir $d; \
             echo photo $i > $d/$i.jpg || exit 1; i=$((i + 1)); done"
        );
        self.on("node-a", &["sh", "-c", &fill]).run()?;
        Ok(())
    }

    fn rebalance(&self) -> Result<()> {
        say("a third brick, and a rebalance that node-b's operator starts");
        self.shown(
            "node-a",
            &["gluster", "volume", "add-brick", "photos", "node-c:/bricks/photos", "force"],
        )?;
        self.shown("node-b", &["gluster", "volume", "rebalance", "photos", "start"])?;
        self.watch()
    }

    fn remove_brick(&self) -> Result<()> {
        let brick = "node-c:/bricks/photos";
        say("node-c's brick is to go again, driven by hod: first what would happen");
        self.hod(&["remove-brick", "start", "photos", brick, "--dry-run"])?;
        say("its files move away, followed until it awaits its commit");
        self.hod(&["remove-brick", "start", "photos", brick, "--wait"])?;
        say("the commit, through the gate: every host has completed, and no file is left on the brick");
        self.hod(&["remove-brick", "commit", "photos", "--dry-run"])?;
        self.hod(&["remove-brick", "commit", "photos", "--yes", "--wait"])?;
        self.shown("node-a", &["gluster", "volume", "info", "photos"])?;
        self.hod(&["jobs", "--all"])
    }

    fn hod(&self, args: &[&str]) -> Result<()> {
        self.shown("coordinator", &[&["hod"], args].concat())
    }

    /// Shows the volume's open job live until it has ended.
    fn watch(&self) -> Result<()> {
        let open = ["hod", "jobs", "--volume", "photos", "--status", "started", "--json"];
        self.until("hod has found the task", || {
            self.on("coordinator", &open).read().is_ok_and(|jobs| jobs.contains("job_id"))
        })?;
        self.shown("coordinator", &["hod", "watch", "--volume", "photos", "--until-ended"])
    }

    fn farewell(&self) {
        let hod = self.compose.exec_words("coordinator").join(" ");
        let gluster = self.compose.exec_words("node-b").join(" ");
        say("the pool stays up. To look at it:");
        eprintln!(
            "  {hod} hod jobs --all\n  {hod} hod hosts\n  {hod} hod events\n  \
             {gluster} gluster volume info\nTo take it away:\n  ./x demo down"
        );
    }

    /// Runs a command on a host as an operator would, and shows both.
    fn shown(&self, host: &str, command: &[&str]) -> Result<()> {
        eprintln!("\n{host}$ {}", command.join(" "));
        self.on(host, command).run().with_context(|| format!("on {host}"))
    }

    fn on(&self, host: &str, command: &[&str]) -> Cmd<'_> {
        self.compose.exec(self.sh, host, command)
    }

    #[expect(clippy::disallowed_methods, reason = "a chore without a runtime, which only waits here")]
    fn until(&self, what: &str, is_so: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(300);
        while !is_so() {
            if Instant::now() > deadline {
                bail!("waited five minutes in vain until {what}; ./x demo down takes the demo away");
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        Ok(())
    }
}

fn say(what: &str) {
    eprintln!("\n== {what}");
}
