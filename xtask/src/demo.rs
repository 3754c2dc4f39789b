//! A real pool in containers: a rebalance and a remove-brick, started and committed by Gluster's
//! own command line, followed live by hod.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use xshell::{Cmd, Shell};

use crate::compose::{Compose, succeeds};
use crate::{binaries, images, root};

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
        say("node-c's brick is to go again: its files move away, then it awaits the commit");
        self.shown("node-c", &remove_brick("start"))?;
        say("as soon as it does, node-a's operator commits it, while you watch");
        let compose = self.compose;
        let committed = std::thread::scope(|scope| {
            let committed = scope.spawn(move || commit_when_awaited(compose));
            self.watch()?;
            committed.join().map_err(|_| anyhow!("the commit was not typed: a bug of the demo"))?
        })?;
        eprintln!("\nnode-a$ {}\n{committed}", remove_brick("commit").join(" "));
        self.shown("coordinator", &["hod", "jobs", "--all"])
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

/// The other operator: looks whether the task awaits its commit, and types it. A shell of its own,
/// since the watch has the other one. Returns what Gluster answered.
fn commit_when_awaited(compose: Compose) -> Result<String> {
    let sh = Shell::new()?;
    sh.change_dir(root());
    let demo = Demo { sh: &sh, compose };
    demo.until("the remove-brick awaits its commit", || {
        let tasks = demo.on("coordinator", &["hod", "tasks", "--json"]).read();
        tasks.is_ok_and(|tasks| tasks.contains("awaiting-commit"))
    })?;
    Ok(demo.on("node-a", &remove_brick("commit")).read()?)
}

fn remove_brick(what: &str) -> [&str; 7] {
    ["gluster", "--mode=script", "volume", "remove-brick", "photos", "node-c:/bricks/photos", what]
}

fn say(what: &str) {
    eprintln!("\n== {what}");
}
