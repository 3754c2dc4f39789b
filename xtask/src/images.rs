//! Container images: Debian's bases, Gluster hosts, the coordinator.

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// A Gluster version that is tested, and the Debian suite that carries it.
pub(crate) struct Gluster {
    pub(crate) version: &'static str,
    pub(crate) suite: &'static str,
}

/// The version that the demo runs.
pub(crate) const DEMO: Gluster = Gluster { version: "10.3", suite: "bookworm" };

const TESTED: [Gluster; 3] =
    [DEMO, Gluster { version: "11.1", suite: "trixie" }, Gluster { version: "9.2", suite: "bullseye" }];

/// What the tests on real pools need. Their containers mount the programs from the build folder,
/// so that a change of the code makes no new image.
pub(crate) fn for_tests(sh: &Shell) -> Result<()> {
    for gluster in TESTED {
        base(sh, gluster.suite)?;
        let (version, suite) = (gluster.version, gluster.suite);
        build(sh, "deploy", "deploy/host.Dockerfile", "gluster", &format!("hod-gluster:{version}"), suite)?;
    }
    build(sh, "deploy", "deploy/coordinator.Dockerfile", "postgresql", "hod-postgresql", DEMO.suite)
}

/// What the demo needs: the programs are inside, as they would be on real hosts.
pub(crate) fn for_demo(sh: &Shell, binaries: &str) -> Result<()> {
    base(sh, DEMO.suite)?;
    // A folder of its own as build context: the build folder holds gigabytes.
    let context = "target/images";
    sh.remove_path(context)?;
    sh.create_dir(context)?;
    for program in ["hod", "hod-agent", "hod-coordinator"] {
        sh.copy_file(format!("{binaries}/{program}"), format!("{context}/{program}"))?;
    }
    cmd!(sh, "cp -r deploy/host {context}/host").quiet().run()?;
    build(sh, context, "deploy/host.Dockerfile", "host", "hod-host", DEMO.suite)?;
    build(sh, context, "deploy/coordinator.Dockerfile", "coordinator", "hod-coordinator", DEMO.suite)
}

fn build(sh: &Shell, context: &str, file: &str, target: &str, tag: &str, suite: &str) -> Result<()> {
    // The legacy builder is what Debian's docker.io has without further packages. The host's
    // network, since a bridge may lack what apt needs to resolve names.
    let out = cmd!(
        sh,
        "docker build --network host -f {file} --target {target} --build-arg SUITE={suite} -t {tag} {context}"
    )
    .env("DOCKER_BUILDKIT", "0")
    .ignore_status()
    .output()?;
    anyhow::ensure!(
        out.status.success(),
        "building {tag} failed:\n{}\n{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(())
}

/// Makes sure that `debian:<suite>-slim` is there: pulled, or where no image registry is
/// reached, made by debootstrap.
fn base(sh: &Shell, suite: &str) -> Result<()> {
    let image = format!("debian:{suite}-slim");
    if succeeds(cmd!(sh, "docker image inspect {image}")) || succeeds(cmd!(sh, "docker pull {image}")) {
        return Ok(());
    }
    eprintln!("{image} can't be pulled; making it with debootstrap");
    let folder = sh.create_temp_dir()?;
    let root = folder.path().join("root");
    let sudo: &[&str] = if cmd!(sh, "id -u").quiet().read()? == "0" { &[] } else { &["sudo"] };
    let log = cmd!(sh, "env {sudo...} debootstrap --variant=minbase {suite} {root}")
        .quiet()
        .ignore_status()
        .read()
        .with_context(|| format!("running debootstrap for {suite}"))?;
    let tar = folder.path().join("root.tar");
    cmd!(sh, "env {sudo...} tar -C {root} -cf {tar} .")
        .quiet()
        .run()
        .with_context(|| format!("debootstrap of {suite} failed:\n{log}"))?;
    cmd!(sh, "docker import {tar} {image}").quiet().ignore_stdout().run()?;
    // Root's files in there are not the user's to delete.
    cmd!(sh, "env {sudo...} rm -rf {root}").quiet().run()?;
    Ok(())
}

fn succeeds(command: xshell::Cmd<'_>) -> bool {
    command.quiet().ignore_stdout().ignore_stderr().run().is_ok()
}
