//! What fixtures tell of volumes, hosts and heals.

use hod_agent::gluster::read::{heal, pool, volume_info};
use hod_core::brick::{Brick, BrickName};
use hod_core::volume::VolumeStatus;

use crate::fixtures::{self, VERSIONS, output};

const NODE_A: &str = "cec76de0-026a-4656-9832-e0198b88aaf6";
const NODE_B: &str = "e0899f98-7752-4cb6-b900-802fec925d67";

fn brick(text: &str) -> BrickName {
    BrickName::parse(text).unwrap()
}

#[test]
fn volumes_with_bricks_and_options() {
    for version in VERSIONS {
        let volumes = volume_info::read(&fixtures::one(version, "04").output).unwrap();
        let told: Vec<_> = volumes
            .iter()
            .map(|v| {
                let sets = (v.distribute_count, v.replica_count, v.bricks.len());
                (&*v.name, v.status, &*v.kind, sets, v.options.len())
            })
            .collect();
        use VolumeStatus::{Created, Started};
        assert_eq!(
            told,
            [
                ("dist", Started, "Distribute", (2, 1, 2), 3),
                ("idle", Created, "Distribute", (2, 1, 2), 3),
                ("repl", Started, "Replicate", (1, 2, 2), 5),
            ],
            "{version}"
        );
    }
    let volumes = volume_info::read(&output("04")).unwrap();
    let dist = &volumes[0];
    assert_eq!(dist.id, "b390e860-5272-4352-8692-02cab6ae3e02".parse().unwrap());
    let second = &dist.bricks[1];
    assert_eq!(second.name, brick("node-b:/bricks/d1"));
    assert!(!second.arbiter);
    assert_eq!(second.brick, Some(Brick { host: NODE_B.parse().unwrap(), path: "/bricks/d1".to_owned() }));
    assert_eq!(volumes[2].options["cluster.granular-entry-heal"], "on");
    let bricks = |number| -> Vec<String> {
        volume_info::read(&output(number)).unwrap()[0].bricks.iter().map(|b| b.name.to_string()).collect()
    };
    assert_eq!(
        bricks("102"),
        ["node-a:/bricks/i1", "node-b:/bricks/i1", "node-b:/bricks/i2", "node-c:/bricks/i1"]
    );
    assert_eq!(bricks("105"), ["node-a:/bricks/i1", "node-b:/bricks/i1", "node-c:/bricks/i1"]);
}

#[test]
fn hosts_and_whether_they_are_connected() {
    let told = |number| -> Vec<(String, Vec<String>, bool, String)> {
        pool::read(&output(number))
            .unwrap()
            .into_iter()
            .map(|p| (p.id.to_string(), p.names, p.connected, p.state))
            .collect()
    };
    let node_b = |connected| {
        let state = "Peer in Cluster".to_owned();
        (NODE_B.to_owned(), vec!["node-b".to_owned()], connected, state)
    };
    let own = (NODE_A.to_owned(), vec!["localhost".to_owned()], true, String::new());
    assert_eq!(told("02"), [node_b(true), own.clone()]);
    assert_eq!(told("03"), [node_b(true)]);
    assert_eq!(told("51"), [node_b(false), own]);
}

#[test]
fn what_is_to_be_healed() {
    let figures = |number| -> Vec<_> {
        heal::read(&output(number))
            .unwrap()
            .bricks
            .into_iter()
            .map(|b| (b.total, b.pending, b.split_brain, b.healing))
            .collect()
    };
    let none = (Some(0), Some(0), Some(0), Some(0));
    assert_eq!(figures("46"), [(Some(1), None, None, None), (Some(0), None, None, None)]);
    assert_eq!(figures("47"), [(Some(1), Some(1), Some(0), Some(0)), none]);
    assert_eq!(figures("48"), [none, none]);
    assert_eq!(figures("54"), [none, (None, None, None, None)]);
    for version in VERSIONS {
        let healed = heal::read(&fixtures::one(version, "54").output).unwrap();
        let dead = &healed.bricks[1];
        assert_eq!(dead.name, brick("node-b:/bricks/r2"), "{version}");
        assert_eq!(dead.host, None, "{version}");
        assert!(!dead.is_connected() && healed.bricks[0].is_connected());
        assert_eq!(
            dead.status, "Failed to process entries completely. (Transport endpoint is not connected)",
            "{version}"
        );
    }
}
