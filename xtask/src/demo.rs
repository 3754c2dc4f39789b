//! A real pool in containers: a rebalance and a remove-brick, started and committed by Gluster's
//! own command line, followed live by hod.

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use xshell::{Cmd, Shell};

use crate::{binaries, images};

const PROJECT: &str = "hod-demo";
const COMPOSE_FILE: &str = "deploy/compose.yaml";

/// Files in the distributed volume: enough for a rebalance that can be watched.
const FILES: &str = "4000";

/// Starts the pool, shows both tasks from start to end, and leaves the pool up.
pub(crate) fn up(sh: &Shell) -> Result<()> {
    say("building hod and its images");
    let binaries = binaries::build(sh)?;
    images::for_demo(sh, &binaries)?;

    let compose = Compose::find(sh)?;
    // A pool of an earlier demo would have the volumes already.
    compose.down()?;
    say("three Gluster hosts with their agents, and a coordinator");
    compose.run(&["up", "-d"])?;
    let demo = Demo { sh, compose };
    demo.form_pool()?;
    demo.make_volumes()?;
    demo.rebalance()?;
    demo.remove_brick()?;
    demo.farewell();
    Ok(())
}

/// Takes away what [`up`] left.
pub(crate) fn down(sh: &Shell) -> Result<()> {
    Compose::find(sh)?.down()
}

struct Demo<'a> {
    sh: &'a Shell,
    compose: Compose<'a>,
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
            let list = self
                .on("node-a", &["gluster", "pool", "list"])
                .quiet()
                .read();
            list.is_ok_and(|list| list.matches("Connected").count() == 3)
        })?;
        self.until("the coordinator answers", || {
            succeeds(self.on("coordinator", &["hod", "pool", "list"]))
        })?;
        self.shown("coordinator", &["hod", "pool", "add", "demo", "node-a"])
    }

    fn make_volumes(&self) -> Result<()> {
        say(&format!(
            "a distributed volume with {FILES} files, and a replicated one"
        ));
        let create = |name: &str, layout: &[&str], bricks: &[&str]| {
            let create = [
                &["gluster", "volume", "create", name],
                layout,
                bricks,
                &["force"],
            ]
            .concat();
            self.shown("node-a", &create)?;
            self.shown("node-a", &["gluster", "volume", "start", name])
        };
        create(
            "photos",
            &[],
            &["node-a:/bricks/photos", "node-b:/bricks/photos"],
        )?;
        let mails = [
            "node-a:/bricks/mails",
            "node-b:/bricks/mails",
            "node-c:/bricks/mails",
        ];
        create("mails", &["replica", "3"], &mails)?;
        let fill = format!(
            "mkdir -p /mnt/photos && mount -t glusterfs localhost:/photos /mnt/photos && cd /mnt/photos \
             && i=0; while [ $i -lt {FILES} ]; do d=album-$((i / 250)); [ -d $d ] || mkdir $d; \
             echo photo $i > $d/$i.jpg || exit 1; i=$((i + 1)); done"
        );
        self.on("node-a", &["sh", "-c", &fill]).quiet().run()?;
        Ok(())
    }

    fn rebalance(&self) -> Result<()> {
        say("a third brick, and a rebalance that node-b's operator starts");
        self.shown(
            "node-a",
            &[
                "gluster",
                "volume",
                "add-brick",
                "photos",
                "node-c:/bricks/photos",
                "force",
            ],
        )?;
        self.shown(
            "node-b",
            &["gluster", "volume", "rebalance", "photos", "start"],
        )?;
        self.watch("photos")
    }

    fn remove_brick(&self) -> Result<()> {
        say("node-c's brick is to go again: its files move away, then it awaits the commit");
        let brick = |what| {
            [
                "gluster",
                "--mode=script",
                "volume",
                "remove-brick",
                "photos",
                "node-c:/bricks/photos",
                what,
            ]
        };
        self.shown("node-c", &brick("start"))?;
        self.watch("photos")?;
        say("committed by Gluster's own command");
        self.shown("node-a", &brick("commit"))?;
        self.watch("photos")?;
        self.shown("coordinator", &["hod", "jobs", "--all"])
    }

    /// Shows the volume's running task live, until there is nothing left to watch.
    fn watch(&self, volume: &str) -> Result<()> {
        self.shown(
            "coordinator",
            &["hod", "watch", "--volume", volume, "--until-ended"],
        )
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
        self.on(host, command)
            .quiet()
            .run()
            .with_context(|| format!("on {host}"))
    }

    fn on(&self, host: &str, command_words: &[&str]) -> Cmd<'_> {
        command(self.sh, &self.compose.exec_words(host)).args(command_words)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a chore of one thread, which only waits here"
    )]
    fn until(&self, what: &str, is_so: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(120);
        while !is_so() {
            if Instant::now() > deadline {
                bail!("waited two minutes in vain until {what}; ./x demo down takes the demo away");
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        Ok(())
    }
}

/// `docker compose`, or where it is the older program, `docker-compose`.
struct Compose<'a> {
    sh: &'a Shell,
    program: &'static [&'static str],
}

impl<'a> Compose<'a> {
    fn find(sh: &'a Shell) -> Result<Self> {
        let programs: [&'static [&'static str]; 2] = [&["docker", "compose"], &["docker-compose"]];
        programs
            .into_iter()
            .find(|program| succeeds(command(sh, program).arg("version")))
            .map(|program| Self { sh, program })
            .context("neither `docker compose` nor docker-compose is there; ./x installs one")
    }

    fn run(&self, args: &[&str]) -> Result<()> {
        command(self.sh, &self.words()).args(args).quiet().run()?;
        Ok(())
    }

    fn down(&self) -> Result<()> {
        self.run(&["down", "--volumes", "--remove-orphans"])
    }

    /// What stands before a command to run it in a service's container: on a terminal, with one.
    fn exec_words(&self, service: &str) -> Vec<String> {
        let mut words = self.words();
        words.push("exec".into());
        if !is_terminal() {
            words.push("-T".into());
        }
        words.push(service.into());
        words
    }

    fn words(&self) -> Vec<String> {
        let file = ["-p", PROJECT, "-f", COMPOSE_FILE];
        self.program
            .iter()
            .chain(&file)
            .map(|word| (*word).to_owned())
            .collect()
    }
}

/// A command of these words, of which the first is the program.
fn command<'a, S: AsRef<OsStr>>(sh: &'a Shell, words: &[S]) -> Cmd<'a> {
    let mut words = words.iter().map(AsRef::as_ref);
    sh.cmd(words.next().unwrap_or_default()).args(words)
}

fn is_terminal() -> bool {
    use std::io::{IsTerminal as _, stdin, stdout};
    stdin().is_terminal() && stdout().is_terminal()
}

fn succeeds(command: Cmd<'_>) -> bool {
    command
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_ok()
}

fn say(what: &str) {
    eprintln!("\n== {what}");
}
