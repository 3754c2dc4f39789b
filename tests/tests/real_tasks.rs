//! Tasks that are started, and end, by Gluster's own command line, on real pools.

use std::time::Duration;

use anyhow::Result;
use hod_proto::coordinator::v1::JobStatus;
use hod_tests::pool::{Version, told, with_pool};

/// Time enough for a migration of some thousand files on a busy machine.
const MIGRATION: Duration = Duration::from_secs(300);

#[tokio::test]
async fn a_rebalance_becomes_a_job_with_the_counters_that_gluster_prints() {
    with_pool(Version::V10, async |pool| {
        let bricks = ["node-a:/bricks/v", "node-b:/bricks/v"];
        pool.create_volume("v", &[], &bricks).await?;
        pool.fill("v", 3000).await?;
        pool.gluster(&["volume", "add-brick", "v", "node-c:/bricks/v", "force"])
            .await?;
        let task = pool
            .b()
            .start_task(&["volume", "rebalance", "v", "start"])
            .await?;

        let job = pool
            .coordinator
            .wait_for_status(&task, JobStatus::Finished, MIGRATION)
            .await?;
        let printed = pool
            .a()
            .gluster(&["volume", "rebalance", "v", "status", "--xml"])
            .await?;
        let _ = (job, told::parts(&printed)?);
        Ok(())
    })
    .await;
}
