//! One host of a pool: glusterd, its bricks, and hod-agent.

use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::{Container, Version, metrics::metric, mounted, told, wait_for, wait_until};
use crate::binary::built;
use crate::docker::{Lines, docker, exec};

/// A container with a Gluster host, in which each program can be stopped without the other.
#[derive(Debug)]
pub struct Host {
    /// Its name in the pool: one of [`super::NODES`]
    pub node: &'static str,
    container: Container,
    network: String,
    /// Makes the agent's answers late, while they are.
    late: Mutex<Option<Child>>,
}

/// Where that listens on the host.
const LATE: &str = "17460";
/// Calls from elsewhere go to it in place of the agent.
const TO_LATE: &str = "-t nat ? PREROUTING ! -i lo -p tcp --dport 7460 -j REDIRECT --to-ports";
/// Connections from before are reset, since they pass it by.
const NOT_PAST_LATE: &str = "? INPUT ! -i lo -p tcp --dport 7460 -j REJECT --reject-with tcp-reset";

impl Host {
    pub(super) async fn start(network: &str, node: &'static str, version: Version) -> Result<Self> {
        let args = [
            "--hostname",
            node,
            "--network",
            network,
            "--network-alias",
            node,
            // Mounting needs these; bricks need a volume, which the image asks for itself.
            "--cap-add=SYS_ADMIN",
            "--device=/dev/fuse",
            "--security-opt=seccomp=unconfined",
            "--security-opt=apparmor=unconfined",
            "-e=HOD_AGENT_LISTEN=0.0.0.0:7460",
            "-e=HOD_AGENT_METRICS_LISTEN=0.0.0.0:7461",
            "-e=HOD_AGENT_PLAINTEXT=true",
            &mounted("hod-agent")?,
            &format!("hod-gluster:{}", version.number()),
        ];
        let container = Container::run(format!("{network}-{node}"), &args).await?;
        let host = Self { node, container, network: network.to_owned(), late: Mutex::default() };
        host.wait_for_glusterd().await?;
        Ok(host)
    }

    /// Runs a command on the host; it must succeed. Returns its standard output.
    pub async fn run(&self, command: &[&str]) -> Result<String> {
        let out = self.exec(command).await?;
        self.stdout(command, &out)
    }

    fn stdout(&self, command: &[&str], out: &Output) -> Result<String> {
        let stdout = String::from_utf8_lossy(&out.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&out.stderr);
        ensure!(
            out.status.success(),
            "{} on {}: {}: {stdout}{stderr}",
            command.join(" "),
            self.node,
            out.status
        );
        Ok(stdout)
    }

    /// Runs a command on the host, however it ends.
    pub async fn exec(&self, command: &[&str]) -> Result<Output> {
        exec(&self.container.0, command).await
    }

    /// What a command prints on the host, line by line.
    pub fn lines(&self, command: &[&str]) -> Result<Lines> {
        Lines::of(&self.container.0, command)
    }

    /// Runs Gluster's command line as an operator would; it must succeed.
    pub async fn gluster(&self, args: &[&str]) -> Result<String> {
        let out = self.try_gluster(args).await?;
        self.stdout(args, &out)
    }

    /// The same, however it ends. One command of the pool at a time: a glusterd answers nothing
    /// else for the five seconds it waits for a task's process, and commands side by side on
    /// several hosts make it crash now and then.
    pub async fn try_gluster(&self, args: &[&str]) -> Result<Output> {
        static ONE_OPERATOR: Mutex<()> = Mutex::const_new(());
        let _alone = ONE_OPERATOR.lock().await;
        self.exec(&[&["gluster", "--mode=script"], args].concat()).await
    }

    /// Runs a command of Gluster's that takes a volume's lock, again where another transaction
    /// holds it at the moment; Gluster has to accept it. Returns the answer's XML.
    pub async fn gluster_xml(&self, args: &[&str]) -> Result<String> {
        let what = format!("{} on {}", args.join(" "), self.node);
        let command = [args, &["--xml"]].concat();
        wait_for(&what, Duration::from_secs(180), || async {
            // Refusals come with exit status 0, failures of `status` with 1 and XML all the same.
            let out = self.try_gluster(&command).await?;
            let xml = String::from_utf8_lossy(&out.stdout).into_owned();
            if xml.contains("Another transaction") { Ok(None) } else { Ok(Some(xml)) }
        })
        .await
        .and_then(told::accepted)
    }

    /// Runs a command of Gluster's that starts a task, and returns the task's id.
    pub async fn start_task(&self, args: &[&str]) -> Result<String> {
        told::task_id(&self.gluster_xml(args).await?).map(str::to_owned)
    }

    /// Every process on the host stands still, the network stays: a frozen host.
    pub async fn pause(&self) -> Result<()> {
        docker(["pause", &self.container.0]).await.map(drop)
    }

    /// The frozen host goes on.
    pub async fn unpause(&self) -> Result<()> {
        docker(["unpause", &self.container.0]).await.map(drop)
    }

    /// The host dies at once; its disks stay.
    pub async fn kill(&self) -> Result<()> {
        docker(["kill", &self.container.0]).await.map(drop)
    }

    /// The host that died comes back, and glusterd with it.
    pub async fn start_again(&self) -> Result<()> {
        docker(["start", &self.container.0]).await?;
        self.wait_for_glusterd().await
    }

    /// The host runs on, but no packet leaves or reaches it.
    pub async fn disconnect(&self) -> Result<()> {
        docker(["network", "disconnect", &self.network, &self.container.0]).await.map(drop)
    }

    /// The cable is plugged in again, with the address it had if nobody took it.
    pub async fn reconnect(&self) -> Result<()> {
        docker(["network", "connect", "--alias", self.node, &self.network, &self.container.0]).await.map(drop)
    }

    /// Stops glusterd alone: its bricks, a running migration and hod-agent go on.
    pub async fn stop_glusterd(&self) -> Result<()> {
        self.run(&["sv", "-w", "20", "down", "glusterd"]).await.map(drop)
    }

    /// Starts it again and waits until it answers.
    pub async fn start_glusterd(&self) -> Result<()> {
        self.run(&["sv", "up", "glusterd"]).await?;
        self.wait_for_glusterd().await
    }

    /// Stops hod-agent alone.
    pub async fn stop_agent(&self) -> Result<()> {
        self.run(&["sv", "-w", "20", "down", "hod-agent"]).await.map(drop)
    }

    /// Starts it again.
    pub async fn start_agent(&self) -> Result<()> {
        self.run(&["sv", "up", "hod-agent"]).await.map(drop)
    }

    /// Kills the processes of all bricks at once.
    pub async fn kill_bricks(&self) -> Result<()> {
        self.run(&["sh", "-c", "pkill -9 -x glusterfsd || true"]).await.map(drop)
    }

    /// For so long the agent stands still for two seconds and goes on for half a one, over and
    /// over. Returns at once.
    pub async fn slow_agent(&self, lasting: Duration) -> Result<()> {
        let script = r#"
            end=$(($(date +%s) + $1))
            while [ "$(date +%s)" -lt $end ]; do
                pkill -STOP -x hod-agent; sleep 2; pkill -CONT -x hod-agent; sleep 0.5
            done
        "#;
        let seconds = lasting.as_secs().to_string();
        docker(["exec", "-d", &self.container.0, "sh", "-c", script, "slow", &seconds]).await.map(drop)
    }

    /// Loses this part of the packets to and from the host, by chance. The rule stands in the
    /// container's network, and is made from outside of it: this needs root.
    pub async fn lose_packets(&self, part: f64) -> Result<()> {
        let part = part.to_string();
        for rule in [["INPUT", "!", "-i", "lo"], ["OUTPUT", "!", "-o", "lo"]] {
            let chance = ["-m", "statistic", "--mode", "random", "--probability", &part, "-j", "DROP"];
            self.iptables(&[&["-A"], &rule[..], &chance[..]].concat()).await?;
        }
        Ok(())
    }

    /// All packets get through again.
    pub async fn lose_no_packets(&self) -> Result<()> {
        self.iptables(&["-F"]).await
    }

    /// Every byte between the agent and who calls it from elsewhere is late by so much, both ways:
    /// a proxy stands between them. It needs root, as [`Host::lose_packets`].
    pub async fn delay_agent(&self, late: Duration) -> Result<()> {
        let mut proxy = Command::new("nsenter")
            .args(["-t", &self.pid().await?, "-n"])
            .arg(built("late")?)
            .args([&format!("0.0.0.0:{LATE}"), "127.0.0.1:7460", &late.as_millis().to_string()])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let said = proxy.stdout.take().context("no standard output")?;
        let listens = BufReader::new(said).lines().next_line().await?;
        ensure!(listens.is_some(), "the proxy before {}'s agent ended", self.node);
        *self.late.lock().await = Some(proxy);
        self.late_rules("-A").await
    }

    /// The agent is called without a proxy again.
    pub async fn delay_agent_no_more(&self) -> Result<()> {
        self.late_rules("-D").await?;
        *self.late.lock().await = None;
        Ok(())
    }

    async fn late_rules(&self, add_or_delete: &str) -> Result<()> {
        for rule in [format!("{TO_LATE} {LATE}"), NOT_PAST_LATE.to_owned()] {
            let rule = rule.replace('?', add_or_delete);
            self.iptables(&rule.split(' ').collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    async fn pid(&self) -> Result<String> {
        docker(["inspect", "--format", "{{.State.Pid}}", &self.container.0]).await
    }

    async fn iptables(&self, args: &[&str]) -> Result<()> {
        let pid = self.pid().await?;
        let enter = ["-t", &pid, "-n", "iptables"];
        let out = Command::new("nsenter").args(enter).args(args).kill_on_drop(true).output().await?;
        ensure!(
            out.status.success(),
            "iptables for {}: {}",
            self.node,
            String::from_utf8_lossy(&out.stderr).trim()
        );
        Ok(())
    }

    /// The host's address in the pool's network, reachable from the machine itself too.
    pub async fn address(&self) -> Result<String> {
        self.container.address(&self.network).await
    }

    /// The value of one of the agent's metrics, as [`super::Coordinator::metric`].
    pub async fn metric(&self, name: &str, labels: &[&str]) -> Result<Option<f64>> {
        metric(&format!("{}:7461", self.address().await?), name, labels).await
    }

    /// glusterd's UUID of this host.
    pub async fn uuid(&self) -> Result<String> {
        let info = self.run(&["cat", "/var/lib/glusterd/glusterd.info"]).await?;
        info.lines()
            .find_map(|line| line.strip_prefix("UUID="))
            .map(str::to_owned)
            .with_context(|| format!("no UUID in {info}"))
    }

    async fn wait_for_glusterd(&self) -> Result<()> {
        wait_until(&format!("glusterd of {} answers", self.node), Duration::from_secs(180), || async {
            Ok(self.try_gluster(&["pool", "list"]).await?.status.success())
        })
        .await
    }

    /// Shows what the agent said.
    pub(super) fn print_log(&self) {
        self.container.print_log("40");
    }
}
