//! `hod pool list`, and what `hod pool add` took up.

use hod_proto::coordinator::v1::{Follow, Host, Pool};

use crate::text::Look;
use crate::text::age::{ago, time};
use crate::text::number::{count, counted};
use crate::text::paint::{Tone, tame};
use crate::text::table::{Fit, Table, cell, toned};
use crate::text::words::UNKNOWN;

use super::{NOT_TOLD, hosts};

/// The table of the pools.
#[must_use]
pub fn table(pools: &[Pool], look: &Look) -> String {
    if pools.is_empty() {
        return "No pools. `hod pool add NAME --agent HOST` takes one up.\n".to_owned();
    }
    let mut table = Table::new()
        .column("POOL", Fit::Cut)
        .column("ANSWERING", Fit::Whole)
        .numbers("VOLUMES")
        .numbers("OPEN JOBS")
        .column("FOLLOWED", Fit::Whole)
        .column("ADDED", Fit::Whole)
        .column("HOLDER", Fit::Cut);
    for pool in pools {
        let tone = match pool.hosts_answering {
            0 => Tone::Bad,
            some if some < pool.hosts => Tone::Warn,
            _ => Tone::Good,
        };
        table.row([
            cell(&pool.name),
            toned(tone, format!("{} of {}", pool.hosts_answering, pool.hosts)),
            cell(count(pool.volumes.into())),
            cell(count(pool.open_jobs.into())),
            cell(follow(pool.follow())),
            cell(
                time(pool.added_at.as_ref())
                    .map_or_else(|| NOT_TOLD.to_owned(), |added| ago(added, look.now)),
            ),
            cell(&pool.holder),
        ]);
    }
    table.render(look)
}

/// What was taken up: the pool in a line, and its hosts.
#[must_use]
pub fn added(pool: &Pool, found: &[Host], look: &Look) -> String {
    let name = tame(&pool.name);
    let found_hosts = counted(found.len() as u64, "host");
    let quiet = match pool.follow() {
        Follow::Quiet => ", followed quietly (no call that takes a lock)",
        Follow::Normal | Follow::Unspecified => "",
    };
    format!("Pool {name} added with {found_hosts}{quiet}.\n{}", hosts::table(found, look))
}

fn follow(follow: Follow) -> &'static str {
    match follow {
        Follow::Normal => "normal",
        Follow::Quiet => "quiet",
        Follow::Unspecified => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{at, host, look};
    use hod_proto::coordinator::v1::HostState;

    fn pool(name: &str, answering: u32) -> Pool {
        Pool {
            name: name.to_owned(),
            follow: Follow::Normal.into(),
            added_at: at(-7200),
            hosts: 3,
            hosts_answering: answering,
            volumes: 1200,
            open_jobs: 2,
            holder: "coordinator-1".to_owned(),
            ..Pool::default()
        }
    }

    #[test]
    fn pools_side_by_side() {
        let mut quiet = pool("a-pool-with-a-name-that-someone-thought-about", 2);
        quiet.follow = Follow::Quiet.into();
        let text = table(&[pool("prod", 3), quiet, pool("lab", 0)], &look());
        insta::assert_snapshot!(text);
    }

    #[test]
    fn no_pool_says_how_to_get_one() {
        assert!(table(&[], &look()).contains("hod pool add"));
    }

    #[test]
    fn a_pool_that_was_added() {
        let found = [host("node-a", HostState::Answering), host("node-b", HostState::Silent)];
        let mut quiet = pool("prod", 1);
        quiet.follow = Follow::Quiet.into();
        insta::assert_snapshot!(added(&quiet, &found, &look()));
    }
}
