//! Connections that broke, and calls that are made again for it.

use hod_coordinator::store::{CommandStore as _, JobFilter, Page, Store as _};

use crate::support::World;

/// The database ends every session, as when it restarts, or another server takes over.
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn who_asks_does_not_notice_that_connections_broke() {
    let world = World::new().await;
    let shop = world.shop().await;
    let (filter, page) = (JobFilter { trees: true, ..JobFilter::default() }, Page::default());
    for _ in 0..20 {
        // Several connections, of which each would fail one call.
        let at_once = (0..8).map(|_| world.store.jobs(&filter, &page));
        futures::future::try_join_all(at_once).await.unwrap();
        world.sql.execute(END_SESSIONS, &[]).await.unwrap();
        world.store.pool("shop").await.unwrap();
        world.sql.execute(END_SESSIONS, &[]).await.unwrap();
        world.store.set_windows(shop.lease, shop.volume, &[], "alice").await.unwrap();
    }
    // What was written was written once.
    let written = world.count("SELECT count(*) FROM events WHERE kind = 'windows-set'").await;
    assert_eq!(written, 20);
}
