//! How fast a large pool's answers are read: 10,000 volumes, each tenth with a task.

use std::fmt::Write as _;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use hod_agent::gluster::process::Output;
use hod_agent::gluster::read::{task_list, volume_info};

const VOLUMES: usize = 10_000;

fn main() {
    divan::main();
}

fn answer(element: &str, volume: impl Fn(usize) -> String) -> Output {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<cliOutput>\n  <opRet>0</opRet>\n  \
         <opErrno>0</opErrno>\n  <opErrstr/>\n  <{element}>\n    <volumes>\n"
    );
    for number in 0..VOLUMES {
        text.push_str(&volume(number));
    }
    // Writing into a text can't fail.
    let _ = write!(text, "    </volumes>\n  </{element}>\n</cliOutput>\n");
    Output { stdout: text.into_bytes(), stderr: Vec::new(), exit: Some(0) }
}

fn id(number: usize) -> String {
    format!("bf9ad8a2-ca6a-41e7-bc8a-{number:012x}")
}

fn listed(number: usize) -> String {
    let name = format!("      <volume>\n        <volName>volume-{number:05}</volName>\n");
    if !number.is_multiple_of(10) {
        return format!("{name}        <tasks/>\n      </volume>\n");
    }
    format!(
        "{name}        <tasks>\n          <task>\n            <type>Remove brick</type>\n            \
         <id>{}</id>\n            <status>1</status>\n            <statusStr>in progress</statusStr>\n            \
         <params>\n              <brick>node-b:/bricks/volume-{number:05}</brick>\n            </params>\n          \
         </task>\n        </tasks>\n      </volume>\n",
        id(number)
    )
}

fn told(number: usize) -> String {
    let brick = |host: usize| {
        let (host_id, name) = (id(host), format!("node-{host}:/bricks/volume-{number:05}"));
        format!(
            "          <brick uuid=\"{host_id}\">{name}<name>{name}</name><hostUuid>{host_id}</hostUuid>\
             <isArbiter>0</isArbiter></brick>\n"
        )
    };
    format!(
        "      <volume>\n        <name>volume-{number:05}</name>\n        <id>{}</id>\n        \
         <status>1</status>\n        <statusStr>Started</statusStr>\n        <snapshotCount>0</snapshotCount>\n        \
         <brickCount>2</brickCount>\n        <distCount>2</distCount>\n        <replicaCount>1</replicaCount>\n        \
         <typeStr>Distribute</typeStr>\n        <bricks>\n{}{}        </bricks>\n        <options>\n          \
         <option>\n            <name>nfs.disable</name>\n            <value>on</value>\n          </option>\n        \
         </options>\n      </volume>\n",
        id(number),
        brick(1),
        brick(2)
    )
}

#[divan::bench]
fn task_list(bencher: Bencher) {
    let output = answer("volStatus", listed);
    bencher.counter(BytesCount::new(output.stdout.len())).bench_local(|| {
        let volumes = task_list::read(black_box(&output));
        assert_eq!(volumes.map_or(0, |v| v.len()), VOLUMES);
    });
}

#[divan::bench]
fn volume_info(bencher: Bencher) {
    let output = answer("volInfo", told);
    bencher.counter(BytesCount::new(output.stdout.len())).bench_local(|| {
        let volumes = volume_info::read(black_box(&output));
        assert_eq!(volumes.map_or(0, |v| v.len()), VOLUMES);
    });
}
