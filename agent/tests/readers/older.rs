//! Shapes that no pool at hand prints any more, made after Gluster's sources: 3.4,
//! 3.5 and 3.6, and what any version may leave out.

use hod_agent::gluster::read::{heal, task_list, task_status, volume_info};
use hod_core::brick::BrickName;
use hod_core::error::GlusterErrorKind;
use hod_core::task::{PartStatus, TaskType};

use crate::fixtures::printed;

const ID: &str = "b3b5d4b4-6a7b-4b1e-9d6e-1c2d3e4f5a6b";
const OTHER_ID: &str = "c4c6e5c5-7b8c-4c2f-8e7f-2d3e4f5a6b7c";

fn reply(body: &str) -> hod_agent::gluster::process::Output {
    printed(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<cliOutput>\
         <opRet>0</opRet><opErrno>0</opErrno><opErrstr/>{body}</cliOutput>\n"
    ))
}

fn brick(text: &str) -> BrickName {
    BrickName::parse(text).unwrap()
}

#[test]
fn status_of_3_4_has_no_words_no_host_ids_and_no_status_in_the_sum() {
    let output = reply(&format!(
        "<volRebalance><task-id>{ID}</task-id><op>3</op><nodeCount>2</nodeCount>\
         <node><nodeName>localhost</nodeName><files>3</files><size>5000000000</size>\
         <lookups>9</lookups><failures>1</failures><status>1</status><runtime>12.00</runtime></node>\
         <node><nodeName>node-b</nodeName><files>0</files><size>0</size><lookups>0</lookups>\
         <failures>0</failures><status>9</status><runtime>0.00</runtime></node>\
         <aggregate><files>3</files><size>5000000000</size><lookups>9</lookups>\
         <failures>1</failures></aggregate></volRebalance>"
    ));
    let task = task_status::rebalance(&output).unwrap();
    assert_eq!(task.id, Some(ID.parse().unwrap()));
    let [own, other] = &task.parts[..] else { panic!("{task:?}") };
    assert_eq!((own.host, &*own.name), (None, "localhost"));
    assert_eq!(own.status, PartStatus::InProgress);
    // More than 32 bits.
    assert_eq!(own.counters.bytes, 5_000_000_000);
    assert_eq!((own.counters.failed, own.counters.skipped), (1, 0));
    assert_eq!(other.status, PartStatus::Unknown);
}

#[test]
fn a_list_of_3_6_has_several_tasks_and_a_replace_brick_with_two_bricks() {
    let output = reply(&format!(
        "<volStatus><volumes><volume><volName>v</volName><tasks>\
         <task><type>Rebalance</type><id>{ID}</id><status>3</status></task>\
         <task><params><dstBrick>b:/new</dstBrick><srcBrick>a:/old</srcBrick></params>\
         <statusStr>in progress</statusStr><id>{OTHER_ID}</id><status>1</status>\
         <type>Replace brick</type></task></tasks></volume></volumes></volStatus>"
    ));
    let volumes = task_list::read(&output).unwrap();
    let [rebalance, replace] = &volumes[0].tasks[..] else { panic!("{volumes:?}") };
    assert_eq!(rebalance.status, PartStatus::Completed);
    assert_eq!(replace.id, OTHER_ID.parse().unwrap());
    assert_eq!(replace.task_type, TaskType::ReplaceBrick { reset: false });
    assert_eq!(replace.status, PartStatus::InProgress);
    assert_eq!(replace.bricks, [brick("a:/old"), brick("b:/new")]);
}

#[test]
fn a_type_that_is_not_known_is_kept() {
    let output = reply(&format!(
        "<volStatus><volumes><volume><volName>v</volName><tasks><task>\
         <type>Tier migration</type><id>{ID}</id><status>1</status></task></tasks></volume>\
         <volume><volName>w</volName></volume></volumes></volStatus>"
    ));
    let volumes = task_list::read(&output).unwrap();
    assert_eq!(volumes[0].tasks[0].task_type, TaskType::Other("Tier migration".to_owned()));
    // A volume without <tasks> tells nothing: it is not one without a task.
    assert_eq!(volumes.len(), 1);
}

#[test]
fn replace_brick_of_3_5_and_of_3_4() {
    let output = reply(&format!(
        "<volReplaceBrick><task-id>{ID}</task-id><op>5</op><status>0</status>\
         <files>7</files><currentFile>/a &amp; b</currentFile></volReplaceBrick>"
    ));
    let task = task_status::replace_brick(&output).unwrap();
    assert_eq!(task.id, Some(ID.parse().unwrap()));
    assert_eq!((task.status, task.files), (PartStatus::InProgress, 7));
    assert_eq!(task.current_file.as_deref(), Some("/a & b"));

    let sentence = |text: &str| {
        let output = reply(&format!("<cliOp>volReplaceBrick</cliOp><output>{text}</output>"));
        task_status::replace_brick(&output)
    };
    let task = sentence("Number of files migrated = 3\tCurrent file = /x y").unwrap();
    assert_eq!((task.status, task.files), (PartStatus::InProgress, 3));
    assert_eq!(task.current_file.as_deref(), Some("/x y"));
    let task = sentence("Number of files migrated = 12\tMigration complete").unwrap();
    assert_eq!((task.status, task.files), (PartStatus::Completed, 12));
    assert_eq!(sentence("something else").unwrap_err().kind, GlusterErrorKind::NotReadable);
}

#[test]
fn volumes_of_3_5_tell_no_host_and_write_the_set_s_size_for_the_sets() {
    let output = reply(&format!(
        "<volInfo><volumes><volume><name>v</name><id>{ID}</id><status>1</status>\
         <brickCount>4</brickCount><distCount>2</distCount><stripeCount>1</stripeCount>\
         <replicaCount>2</replicaCount><type>7</type><bricks>\
         <brick>a:/b1</brick><brick>b:/b1</brick><brick>a:/b2</brick><brick>b:/b2</brick>\
         </bricks></volume><count>1</count></volumes></volInfo>"
    ));
    let volumes = volume_info::read(&output).unwrap();
    let volume = &volumes[0];
    assert_eq!((volume.distribute_count, volume.replica_count), (2, 2));
    assert_eq!(volume.bricks[3].name, brick("b:/b2"));
    assert_eq!(volume.bricks[3].brick, None);
}

#[test]
fn a_dispersed_and_an_arbiter_volume() {
    let bricks = |n: usize, arbiter: usize| -> String {
        (1..=n)
            .map(|i| {
                let is = u8::from(arbiter > 0 && i % arbiter == 0);
                format!("<brick uuid=\"{ID}\"><name>h:/b{i}</name><isArbiter>{is}</isArbiter></brick>")
            })
            .collect()
    };
    let output = reply(&format!(
        "<volInfo><volumes>\
         <volume><bricks>{}</bricks><disperseCount>6</disperseCount><redundancyCount>2</redundancyCount>\
         <replicaCount>1</replicaCount><distCount>2</distCount><id>{ID}</id><name>ec</name></volume>\
         <volume><bricks>{}</bricks><arbiterCount>1</arbiterCount><replicaCount>3</replicaCount>\
         <distCount>2</distCount><id>{OTHER_ID}</id><name>arb</name></volume></volumes></volInfo>",
        bricks(12, 0),
        bricks(6, 3)
    ));
    let volumes = volume_info::read(&output).unwrap();
    let [ec, arb] = &volumes[..] else { panic!("{volumes:?}") };
    assert_eq!((ec.distribute_count, ec.disperse_count, ec.redundancy_count), (2, 6, 2));
    assert_eq!((arb.distribute_count, arb.arbiter_count), (2, 1));
    let arbiters: Vec<bool> = arb.bricks.iter().map(|b| b.arbiter).collect();
    assert_eq!(arbiters, [false, false, true, false, false, true]);
}

#[test]
fn a_list_that_is_shorter_than_its_own_count_can_not_be_read() {
    let volume = format!("<volume><name>v</name><id>{ID}</id></volume>");
    for body in [
        format!("<volInfo><volumes>{volume}<count>2</count></volumes></volInfo>"),
        format!(
            "<volInfo><volumes><volume><name>v</name><id>{ID}</id><brickCount>2</brickCount>\
             <bricks><brick>a:/b</brick></bricks></volume></volumes></volInfo>"
        ),
        "<volInfo/>".to_owned(),
    ] {
        let error = volume_info::read(&reply(&body)).unwrap_err();
        assert_eq!(error.kind, GlusterErrorKind::NotReadable, "{body}");
    }
    for body in ["<volStatus/>", ""] {
        let error = task_list::read(&reply(body)).unwrap_err();
        assert_eq!(error.kind, GlusterErrorKind::NotReadable, "{body}");
    }
}

#[test]
fn heal_figures_may_be_a_dash() {
    let output = reply(
        "<healInfo><bricks><brick hostUuid=\"-\"><name>b:/r</name><status>Transport endpoint \
         is not connected</status><totalNumberOfEntries>-</totalNumberOfEntries>\
         <numberOfEntriesInHealPending>-</numberOfEntriesInHealPending></brick></bricks></healInfo>",
    );
    let healed = heal::read(&output).unwrap();
    let brick = &healed.bricks[0];
    assert_eq!((brick.total, brick.pending, brick.host), (None, None, None));
    assert!(!brick.is_connected());
}
