//! The hosts' parts of a task, as `rebalance … status` and its kin print them,
//! and the checks that a transaction makes on every host.

use anyhow::Result;
use uuid::Uuid;

use super::answer::Refusal;
use super::scene::Scene;
use super::state::{Counters, FIX_LAYOUT, View, status};
use super::xml::Element;

/// Gluster's word for a status number. Numbers above 8 are those of version 10 on.
#[must_use]
pub fn word(number: u8) -> &'static str {
    match number {
        0 => "not started",
        1 => "in progress",
        2 => "stopped",
        3 => "completed",
        4 => "failed",
        5 => "fix-layout in progress",
        6 => "fix-layout stopped",
        7 => "fix-layout completed",
        8 => "fix-layout failed",
        9 => "reset due to replace-brick",
        10 => "reset due to reset-brick",
        _ => "unknown",
    }
}

/// Which of two statuses stands for both. Gluster ranks only 0 to 4; of others
/// the later one wins.
#[must_use]
pub fn ranked(overall: Option<u8>, next: u8) -> u8 {
    fn rank(number: u8) -> u8 {
        match number {
            status::IN_PROGRESS => 1,
            status::FAILED => 2,
            status::STOPPED => 3,
            status::COMPLETED => 4,
            status::NOT_STARTED => 5,
            _ => 0,
        }
    }
    match overall {
        Some(overall) if rank(next) > rank(overall) => overall,
        _ => next,
    }
}

/// Brings what every connected host's glusterd knows of its part up to date.
///
/// # Errors
/// If there is no such host.
pub fn refresh(scene: &mut Scene<'_>, asked: &str, volume: &str) -> Result<()> {
    for host in scene.connected(asked) {
        scene.change(&host, volume, |view| {
            if view.running {
                view.told = view.live;
            }
        })?;
    }
    Ok(())
}

/// `nodeCount`, the hosts, and the aggregate. Every host of the pool counts, a
/// dead one too; one that is not connected or takes no part is not printed
/// (fixtures 31, 52).
#[must_use]
pub fn nodes(scene: &Scene<'_>, asked: &str, volume: &str) -> Vec<Element> {
    let mut printed = vec![Element::text("nodeCount", scene.pool.hosts.len())];
    let mut sum = Counters::default();
    let mut overall = None;
    let mut hosts = scene.connected(asked);
    hosts.rotate_left(1);
    for name in hosts {
        let view = scene.view(&name, volume);
        let Ok(host) = scene.host(&name) else {
            continue;
        };
        if view.status == status::NOT_STARTED {
            continue;
        }
        let shown = if name == asked { "localhost" } else { &host.known_as };
        let number = number(&view);
        printed.push(
            Element::new("node")
                .with_text("nodeName", shown)
                .with_text("id", host.id)
                .with_all(counters(&view.told, number)),
        );
        overall = Some(ranked(overall, number));
        sum.files += view.told.files;
        sum.size += view.told.size;
        sum.lookups += view.told.lookups;
        sum.failures += view.told.failures;
        sum.skipped += view.told.skipped;
        sum.run_time = sum.run_time.max(view.told.run_time);
    }
    let overall = overall.unwrap_or(status::NOT_STARTED);
    printed.push(Element::new("aggregate").with_all(counters(&sum, overall)));
    printed
}

/// Only `rebalance status` tells a fix-layout as 5 to 8 (fixtures 23 to 25).
fn number(view: &View) -> u8 {
    match view.status {
        plain @ 1..=4 if view.command == FIX_LAYOUT => plain + 4,
        other => other,
    }
}

fn counters(told: &Counters, number: u8) -> Vec<Element> {
    vec![
        Element::text("files", told.files),
        Element::text("size", told.size),
        Element::text("lookups", told.lookups),
        Element::text("failures", told.failures),
        Element::text("skipped", told.skipped),
        Element::text("status", number),
        Element::text("statusStr", word(number)),
        Element::text("runtime", format!("{:.2}", told.run_time)),
    ]
}

/// A check on every connected host: the asked one's refusal stands alone, the
/// others' say where, a line each (fixtures 85, 96).
///
/// # Errors
/// The refusal.
pub fn validate(
    scene: &Scene<'_>,
    asked: &str,
    check: impl Fn(&str) -> Option<String>,
) -> Result<(), Refusal> {
    let mut hosts = scene.connected(asked).into_iter();
    if let Some(own) = hosts.next().and_then(|host| check(&host)) {
        return Err(Refusal::of(own));
    }
    let theirs: Vec<String> = hosts
        .filter_map(|host| {
            let known_as = &scene.host(&host).ok()?.known_as;
            Some(format!("Pre Validation failed on {known_as}. {}", check(&host)?))
        })
        .collect();
    if theirs.is_empty() { Ok(()) } else { Err(Refusal::of(theirs.join("\n"))) }
}

/// Every connected host ends its part and forgets the task's id at once. A host
/// whose part of a rebalance had ended does not rewrite its file, of a
/// remove-brick every host does (measured; fixtures 92, 113).
///
/// # Errors
/// If there is no such host, or a file cannot be written.
pub fn stop(scene: &mut Scene<'_>, asked: &str, volume: &str, rewrite_all: bool) -> Result<()> {
    let more = scene.pool.timing.files_while_stopping;
    for host in scene.connected(asked) {
        let was_running = scene.view(&host, volume).running;
        scene.change(&host, volume, |view| {
            view.id = Uuid::nil();
            view.op = super::state::Op::None;
            if was_running {
                view.running = false;
                view.live.files += more;
                view.told = view.live;
            }
        })?;
        if was_running || rewrite_all {
            scene.store_view(&host, volume)?;
        }
    }
    Ok(())
}

/// Parts that run are shown as stopped, while the task still has its id.
///
/// # Errors
/// If there is no such host.
pub fn mark_stopped(scene: &mut Scene<'_>, asked: &str, volume: &str) -> Result<()> {
    for host in scene.connected(asked) {
        scene.change(&host, volume, |view| {
            if view.running {
                view.told = view.live;
                view.status = status::STOPPED;
            }
        })?;
    }
    Ok(())
}
