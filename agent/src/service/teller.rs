//! What one watcher has been told, and what it is to be told next.

use std::sync::Arc;
use std::time::Duration;

use hod_core::id::VolumeId;
use hod_proto::agent::v1::watch_tasks_response::Event;
use hod_proto::agent::v1::{
    FollowedReport, HistoryReport, OwnReport, PictureComplete, SignOfLife, WatchTasksResponse,
};
use hod_proto::convert::agent::tell;
use hod_proto::convert::common::duration;
use tokio::time::Instant;

use crate::picture::{Asked, Followed, OwnView, Picture};

/// What one watcher has been told.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    told: Option<Picture>,
}

impl Teller {
    /// The messages that bring the watcher up to date: the full picture first, as
    /// soon as there is one, then only what changed. What was looked at again and
    /// found the same is renewed by a sign of life.
    pub(crate) fn news(&mut self, picture: &Picture, now: Instant) -> Vec<WatchTasksResponse> {
        if !picture.is_whole() && self.told.is_none() {
            return Vec::new();
        }
        let told = self.told.as_ref();
        let mut news = Vec::new();
        let mut sign = self.sign_of_life(picture, now);
        if let Some(host) = &picture.identity
            && told.and_then(|t| t.identity.as_ref()) != Some(host)
        {
            news.push(tell::message(Duration::ZERO, Event::Host((&**host).into())));
        }
        if let Some(peers) = &picture.peers
            && changed(told.and_then(|t| t.peers.as_ref()), peers)
        {
            let event = tell::peers(&peers.known, peers.error.as_ref());
            news.push(tell::message(age(peers.at, now), event));
            sign.peers_age = None;
        }
        if let Some(volumes) = &picture.volumes
            && changed(told.and_then(|t| t.volumes.as_ref()), volumes)
        {
            let event = tell::volumes(&volumes.known, volumes.error.as_ref());
            news.push(tell::message(age(volumes.at, now), event));
            sign.volumes_age = None;
        }
        if let Some(own) = &picture.own
            && own_changed(told.and_then(|t| t.own.as_ref()), own)
        {
            news.push(own_report(own, now));
            sign.own_age = None;
        }
        news.extend(followed_news(told, picture, now));
        news.extend(history_news(told, picture, now));
        let first = told.is_none();
        let other = told.is_none_or(|t| t.glusterd_answers != picture.glusterd_answers);
        let renewed = [sign.peers_age, sign.volumes_age, sign.own_age].iter().any(Option::is_some);
        if other || renewed {
            // Whether glusterd answers explains what follows; the full picture
            // begins with the host.
            let at = if first { news.len() } else { 0 };
            news.insert(at, tell::message(Duration::ZERO, Event::SignOfLife(sign)));
        }
        if first {
            let complete = Event::PictureComplete(PictureComplete {});
            news.push(tell::message(Duration::ZERO, complete));
        }
        self.told = Some(picture.clone());
        news
    }

    /// That the agent lives, and nothing else.
    pub(crate) fn alive(picture: &Picture) -> WatchTasksResponse {
        let sign = SignOfLife { glusterd_answers: picture.glusterd_answers, ..SignOfLife::default() };
        tell::message(Duration::ZERO, Event::SignOfLife(sign))
    }

    fn sign_of_life(&self, picture: &Picture, now: Instant) -> SignOfLife {
        let told = self.told.as_ref();
        let renewed = |before: Option<Instant>, at: Option<Instant>| match (before, at) {
            (Some(before), Some(at)) if before != at => Some(duration(age(at, now))),
            _ => None,
        };
        SignOfLife {
            glusterd_answers: picture.glusterd_answers,
            peers_age: renewed(
                told.and_then(|t| Some(t.peers.as_ref()?.at)),
                picture.peers.as_ref().map(|p| p.at),
            ),
            volumes_age: renewed(
                told.and_then(|t| Some(t.volumes.as_ref()?.at)),
                picture.volumes.as_ref().map(|v| v.at),
            ),
            own_age: renewed(
                told.and_then(|t| any_at(t.own.as_ref()?)),
                picture.own.as_ref().and_then(any_at),
            ),
        }
    }
}

fn age(at: Instant, now: Instant) -> Duration {
    now.saturating_duration_since(at)
}

fn changed<T: PartialEq>(told: Option<&Asked<T>>, asked: &Asked<T>) -> bool {
    told.is_none_or(|told| {
        told.error != asked.error || !(Arc::ptr_eq(&told.known, &asked.known) || told.known == asked.known)
    })
}

fn any_at(own: &OwnView) -> Option<Instant> {
    own.looks.values().next().map(|look| look.at)
}

/// Whether the own looks are to be told whole: something is different, or some of
/// them were renewed and others were not, which a sign of life can't say.
fn own_changed(told: Option<&OwnView>, own: &OwnView) -> bool {
    let Some(told) = told else {
        return true;
    };
    if Arc::ptr_eq(&told.looks, &own.looks) {
        return told.error != own.error;
    }
    let same = told.error == own.error
        && told.looks.len() == own.looks.len()
        && told
            .looks
            .iter()
            .zip(own.looks.iter())
            .all(|((a, told), (b, look))| a == b && told.saw_the_same(look));
    let at = any_at(own);
    let all_renewed = own.looks.values().all(|look| Some(look.at) == at);
    let none_renewed = told.looks.values().zip(own.looks.values()).all(|(told, look)| told.at == look.at);
    !(same && (all_renewed || none_renewed))
}

fn own_report(own: &OwnView, now: Instant) -> WatchTasksResponse {
    let looks = own
        .looks
        .iter()
        .map(|(volume, look)| {
            let age = age(look.at, now);
            tell::own_look(*volume, &look.volume_name, &look.holding, look.source, age)
        })
        .collect();
    let error = own.error.as_ref().map(Into::into);
    tell::message(Duration::ZERO, Event::Own(OwnReport { looks, error }))
}

fn followed_news(told: Option<&Picture>, picture: &Picture, now: Instant) -> Vec<WatchTasksResponse> {
    let before = |volume| told.and_then(|t| t.followed.get(volume));
    let mut news: Vec<_> = picture
        .followed
        .iter()
        .filter(|(volume, report)| before(volume).is_none_or(|b| !Arc::ptr_eq(b, report)))
        .map(|(volume, report)| followed_report(picture, *volume, report, now))
        .collect();
    let gone = told
        .into_iter()
        .flat_map(|t| t.followed.keys())
        .filter(|volume| !picture.followed.contains_key(volume));
    news.extend(gone.map(|volume| {
        let report =
            FollowedReport { volume_id: volume.to_string(), dropped: true, ..FollowedReport::default() };
        tell::message(Duration::ZERO, Event::Followed(report))
    }));
    news
}

fn followed_report(
    picture: &Picture,
    volume: VolumeId,
    report: &Followed,
    now: Instant,
) -> WatchTasksResponse {
    let told = FollowedReport {
        volume_id: volume.to_string(),
        task: report
            .outcome
            .as_ref()
            .ok()
            .map(|task| tell::followed_task(task, |host| picture.host_name(host))),
        error: report.outcome.as_ref().err().map(Into::into),
        dropped: false,
    };
    tell::message(age(report.at, now), Event::Followed(told))
}

fn history_news(told: Option<&Picture>, picture: &Picture, now: Instant) -> Option<WatchTasksResponse> {
    let next = told.map_or(0, |t| t.history.next());
    let entries: Vec<_> =
        picture.history.since(next).map(|noted| tell::history_entry(&noted.entry, noted.age(now))).collect();
    (!entries.is_empty()).then(|| tell::message(Duration::ZERO, Event::History(HistoryReport { entries })))
}

#[cfg(test)]
mod tests;
