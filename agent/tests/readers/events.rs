//! Gluster's own events, as they came from real hosts, and as they never should.

use hod_agent::gluster::read::event::{Event, datagram, posted};
use proptest::prelude::*;

fn event(kind: &str, volume: Option<&str>) -> Event {
    Event { kind: kind.to_owned(), volume: volume.map(str::to_owned) }
}

/// Seen on 9.2, 10.3 and 11.1.
#[test]
fn what_real_hosts_send() {
    for (bytes, kind, volume) in [
        ("1795523084 134 volume=v", "134", Some("v")),
        ("1795523101 125 volume=v;bricks=node-x:/bricks/3 ", "125", Some("v")),
        ("1795523075 2 name=v;bricks= node-x:/bricks/1 node-x:/bricks/2 ", "2", Some("v")),
        ("1795523077 6 name=v;options=,cluster.rebal-throttle,lazy", "6", Some("v")),
        ("1795523076 77 peer=node-x;volume=v;brick=/bricks/1", "77", Some("v")),
        ("1795523086 99 client_uid=CTX_ID:634;client_identifier=172.17.0.2:49137", "99", None),
    ] {
        assert_eq!(datagram(bytes.as_bytes()), Ok(event(kind, volume)), "{bytes}");
    }
}

#[test]
fn what_is_no_datagram_of_gluster() {
    for bytes in [
        &b""[..],
        b"1795523084",
        b"1795523084 134",
        b"soon 134 volume=v",
        b"1795523084 START volume=v",
        b"1795523084 99999999999 volume=v",
        b"-1 134 volume=v",
        b" 1795523084 134 volume=v",
        b"1795523084 134 volume=\xff",
        b"{\"event\": \"VOLUME_REBALANCE_START\"}",
    ] {
        assert!(datagram(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
    }
}

/// Nothing in a datagram is escaped: whatever a field holds, the rest is read.
#[test]
fn fields_may_hold_anything() {
    for (fields, volume) in [
        ("", None),
        (";;;", None),
        ("volume", None),
        ("volume=", Some("")),
        ("nothing;volume=a=b", Some("a=b")),
        ("volume=first;volume=second", Some("first")),
        ("xvolume=v", None),
    ] {
        let bytes = format!("0 0 {fields}");
        assert_eq!(datagram(bytes.as_bytes()), Ok(event("0", volume)), "{bytes}");
    }
}

#[test]
fn what_glustereventsd_posts() {
    let whole = r#"{"event": "VOLUME_REBALANCE_STOP", "message": {"volume": "v"},
        "nodeid": "95dd599c-5d87-43c1-8fba-b12821cd41b6", "ts": 1795523096}"#;
    assert_eq!(posted(whole.as_bytes()), Ok(event("VOLUME_REBALANCE_STOP", Some("v"))));
    // A list among the fields: those of VOLUME_SET alone are made one (source).
    let set = r#"{"event": "VOLUME_SET", "message": {"name": "v", "options": [["a", "b"]]}}"#;
    assert_eq!(posted(set.as_bytes()), Ok(event("VOLUME_SET", Some("v"))));
    let peer = r#"{"event": "PEER_CONNECT", "message": {"host": "node-b"}}"#;
    assert_eq!(posted(peer.as_bytes()), Ok(event("PEER_CONNECT", None)));
    for bytes in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"event": "VOLUME_STOP"}"#,
        r#"{"event": 7, "message": {}}"#,
        r#"{"event": "", "message": {}}"#,
        r#"{"event": "two words", "message": {}}"#,
        r#"{"event": "VOLUME_STOP", "message": {"volume": ["v"]}}"#,
        r#"{"event": "VOLUME_STOP", "message": {"volume": "v"}"#,
        "1795523084 134 volume=v",
    ] {
        assert!(posted(bytes.as_bytes()).is_err(), "{bytes}");
    }
    let deep = format!("{{\"event\": \"X\", \"message\": {{\"x\": {}", "[".repeat(60_000));
    assert!(posted(deep.as_bytes()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = datagram(&bytes);
        let _ = posted(&bytes);
    }

    #[test]
    fn a_volume_is_told_as_it_was_named(time: u64, number: u32, volume in "[a-zA-Z0-9_-]{1,60}") {
        let sent = format!("{time} {number} x=;volume={volume};y");
        let event = datagram(sent.as_bytes());
        prop_assert_eq!(event, Ok(Event { kind: number.to_string(), volume: Some(volume) }));
    }
}
