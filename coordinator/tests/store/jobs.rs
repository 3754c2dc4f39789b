//! Jobs listed by pages and filters.

use std::collections::BTreeSet;

use hod_coordinator::store::{JobFilter, Page, Store as _, StoreError};
use hod_core::change::LockChange;
use hod_core::id::{JobId, TaskId, VolumeId};
use hod_core::job::JobStatus;
use hod_core::task::TaskStatus;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::support::{Shop, World, found, put};

async fn pages(world: &World, filter: &JobFilter, size: i32) -> Vec<Vec<JobId>> {
    let mut pages = Vec::new();
    let mut page = Page { size, token: String::new() };
    loop {
        let got = world.store.jobs(filter, &page).await.unwrap();
        pages.push(got.jobs.iter().map(|job| job.id).collect());
        page.token = got.next;
        if page.token.is_empty() {
            return pages;
        }
    }
}

/// Tasks of which many were found at the same moment.
async fn many(world: &World, shop: &Shop, count: usize) -> Vec<JobId> {
    let mut tasks = Vec::new();
    for n in 0..count {
        let mut task = shop.task();
        if n % 2 == 0 {
            (task.job_status, task.step_status, task.status) =
                (JobStatus::Failed, JobStatus::Failed, TaskStatus::Failed);
        }
        task.found_at = shop.now - jiff::SignedDuration::from_secs((n / 4) as i64);
        tasks.push(task);
    }
    let plan: Vec<_> =
        tasks.iter().map(|t| put(t, true, None, None, LockChange::Keep, "task-found")).collect();
    shop.apply(world, &plan).await;
    tasks.sort_by_key(|t| std::cmp::Reverse((t.found_at, t.job)));
    tasks.iter().map(|t| t.job).collect()
}

#[tokio::test]
async fn pages_show_every_job_once_newest_first() {
    let world = World::new().await;
    let shop = world.shop().await;
    let all = many(&world, &shop, 23).await;
    for size in [1, 4, 7, 22, 23, 24, 1000] {
        let got = pages(&world, &JobFilter::default(), size).await;
        assert!(got.iter().all(|page| page.len() <= size as usize));
        assert!(got.iter().all(|page| !page.is_empty()), "no empty page at the end, size {size}");
        assert_eq!(got.concat(), all, "size {size}");
    }
}

/// Jobs that come between two pages neither shift the next page nor show in it.
#[tokio::test]
async fn a_page_is_not_moved_by_what_comes() {
    let world = World::new().await;
    let shop = world.shop().await;
    let all = many(&world, &shop, 6).await;
    let mut page = Page { size: 3, token: String::new() };
    let first = world.store.jobs(&JobFilter::default(), &page).await.unwrap();
    let mut late = shop.task();
    late.found_at = shop.now + jiff::SignedDuration::from_secs(1);
    shop.apply(&world, &[found(&late)]).await;
    page.token = first.next;
    let second = world.store.jobs(&JobFilter::default(), &page).await.unwrap();
    assert_eq!(second.jobs.iter().map(|j| j.id).collect::<Vec<_>>(), all[3..]);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let world = World::new().await;
    let shop = world.shop().await;
    let other = Shop::new(&world, "other").await;
    let failed_and_open = many(&world, &shop, 4).await;
    let elsewhere = VolumeId::from_untyped_uuid(Uuid::new_v4());
    other.apply(&world, &[other.put_volume(elsewhere, "backup")]).await;
    let task = other.task_of(elsewhere, "backup");
    other.apply(&world, &[found(&task)]).await;
    let listed = async |filter: JobFilter| pages(&world, &filter, 100).await.concat();
    let of_shop = listed(JobFilter { pool: Some(shop.pool.id), ..JobFilter::default() }).await;
    assert_eq!(of_shop, failed_and_open);
    for name in ["backup".to_owned(), elsewhere.to_string()] {
        let filter = JobFilter { volume: Some(name), ..JobFilter::default() };
        assert_eq!(listed(filter).await, [task.job]);
    }
    let statuses = vec![JobStatus::Failed, JobStatus::Unknown];
    let failed = listed(JobFilter { statuses, ..JobFilter::default() }).await;
    assert_eq!(failed.len(), 2);
    // The name is known, but not in that pool.
    let filter =
        JobFilter { pool: Some(shop.pool.id), volume: Some("backup".into()), ..JobFilter::default() };
    let error = world.store.jobs(&filter, &Page::default()).await.unwrap_err();
    assert!(matches!(&error, StoreError::NotFound { what: "volume", name } if name == "backup"), "{error}");
}

#[tokio::test]
async fn lists_carry_trees_when_asked() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let bare = world.store.jobs(&JobFilter::default(), &Page::default()).await.unwrap();
    assert!(bare.jobs[0].steps.is_empty());
    assert_eq!(bare.jobs[0].subjects[0].name, "dist");
    let filter = JobFilter { trees: true, ..JobFilter::default() };
    let full = world.store.jobs(&filter, &Page::default()).await.unwrap();
    assert_eq!(full.jobs[0], world.store.job(task.job).await.unwrap());
}

#[tokio::test]
async fn bad_pages_are_refused_by_the_field() {
    let world = World::new().await;
    world.shop().await;
    for (size, token, wrong) in [(-1, "", "page_size"), (1001, "", "page_size"), (1, "next", "page_token")] {
        let page = Page { size, token: token.into() };
        let error = world.store.jobs(&JobFilter::default(), &page).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { field, .. } if field == wrong), "{error}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_by_its_name() {
    let world = World::new().await;
    let (job, task) = (JobId::from_untyped_uuid(Uuid::new_v4()), TaskId::from_untyped_uuid(Uuid::new_v4()));
    let error = world.store.job(job).await.unwrap_err().to_string();
    assert_eq!(error, format!("there is no job {job}"));
    let error = world.store.task(task).await.unwrap_err().to_string();
    assert_eq!(error, format!("there is no task {task}"));
}

#[tokio::test]
async fn tasks_are_those_that_are_open_or_listed() {
    let world = World::new().await;
    let shop = world.shop().await;
    let (open, mut ended) = (shop.task(), shop.task());
    ended.job_status = JobStatus::Aborted;
    (ended.step_status, ended.status) = (JobStatus::Aborted, TaskStatus::Aborted);
    shop.apply(&world, &[found(&open), put(&ended, true, None, None, LockChange::Keep, "task-found")]).await;
    let ids = async |listed: &[TaskId]| -> BTreeSet<TaskId> {
        let listed = listed.iter().copied().collect();
        let tasks = world.store.tasks(None, &listed).await.unwrap();
        tasks.iter().map(|t| t.record.task).collect()
    };
    assert_eq!(ids(&[]).await, BTreeSet::from([open.task]));
    assert_eq!(ids(&[ended.task]).await, BTreeSet::from([open.task, ended.task]));
    let one = world.store.task(ended.task).await.unwrap();
    assert_eq!((one.record, one.pool_name.as_str()), (ended, "shop"));
}
