//! An agent's stream, as the coordinator reads it: messages, each after its length.

use std::sync::Arc;
use std::time::Duration;

use hod_core::error::GlusterError;
use hod_core::observation::{HostPicture, Look};
use hod_proto::agent::v1 as pb;
use hod_proto::agent::v1::own_look::Source;
use hod_proto::agent::v1::watch_tasks_response::Event;
use hod_proto::convert::agent::{PictureAssembler, bounds, tell};
use jiff::Timestamp;
use prost::Message as _;
use prost::encoding::decode_varint;

pub(crate) fn run(mut input: &[u8]) {
    let mut assembler = PictureAssembler::default();
    while let Ok(length) = decode_varint(&mut input) {
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(input.len());
        let (message, rest) = input.split_at(length);
        input = rest;
        if bounds::before_reading(message).is_err() {
            return;
        }
        let Ok(message) = pb::WatchTasksResponse::decode(message) else { return };
        let again = pb::WatchTasksResponse::decode(message.encode_to_vec().as_slice());
        assert_eq!(again.expect("it was just written"), message);
        let before = assembler.picture().cloned();
        if assembler.take(message, received()).is_err() {
            assert_eq!(assembler.picture(), before.as_ref(), "what is refused changes nothing");
        }
    }
    if let Some(picture) = assembler.picture() {
        assert!(picture.own.len() <= bounds::VOLUMES && picture.followed.len() <= bounds::VOLUMES);
        assert!(picture.history.len() <= bounds::HISTORY);
        assert_eq!(&told_again(picture), picture, "told again, it is not the same");
    }
}

fn received() -> Timestamp {
    Timestamp::from_second(2_000_000_000).expect("a time")
}

/// The picture that an agent which knows this one would tell.
fn told_again(picture: &HostPicture) -> Arc<HostPicture> {
    let mut assembler = PictureAssembler::default();
    let mut take = |at: Timestamp, event: Event| {
        assembler.take(tell::message(age(at), event), received()).expect("what was read is told again");
    };
    take(received(), Event::Host((&picture.identity).into()));
    take(picture.peers.at, told(&picture.peers, tell::peers));
    take(picture.volumes.at, told(&picture.volumes, tell::volumes));
    let looks = picture.own.iter().map(|(volume, look)| {
        tell::own_look(*volume, &look.volume_name, &look.holding, Source::GetState, age(look.at))
    });
    let error = picture.own_error.as_ref().map(Into::into);
    take(received(), Event::Own(pb::OwnReport { looks: looks.collect(), error }));
    for (volume, look) in &picture.followed {
        let (task, error) = match &look.outcome {
            Ok(task) => (Some(tell::followed_task(task, |_| String::new())), None),
            Err(error) => (None, Some(error.into())),
        };
        let report = pb::FollowedReport { volume_id: volume.to_string(), task, error, dropped: false };
        take(look.at, Event::Followed(report));
    }
    let entries = picture.history.iter().map(|entry| tell::history_entry(entry, age(entry.at)));
    take(received(), Event::History(pb::HistoryReport { entries: entries.collect() }));
    take(received(), Event::PictureComplete(pb::PictureComplete {}));
    assembler.picture().expect("it is whole").clone()
}

fn told<T>(look: &Look<Vec<T>>, tell: impl Fn(&[T], Option<&GlusterError>) -> Event) -> Event {
    match &look.outcome {
        Ok(list) => tell(list, None),
        Err(error) => tell(&[], Some(error)),
    }
}

fn age(at: Timestamp) -> Duration {
    Duration::try_from(received().duration_since(at)).expect("it is not from the future")
}
