//! What commands ask of the record, one file each: a command or a resume opened
//! ([`open`]), what the agent answered ([`answer`]), pauses ([`pause`]), heals
//! ([`heal`]), throttles ([`throttle`]), windows ([`window`]), events ([`tell`]).

mod answer;
mod ask;
mod heal;
mod open;
mod pause;
mod tell;
mod throttle;
mod window;

use std::collections::BTreeMap;

use async_trait::async_trait;
use hod_core::command::intention::{Answer, Intention};
use hod_core::id::{IntentionId, JobId, PoolId, StepId, VolumeId};
use hod_core::transition::Transition;

use super::{PgStore, begin, commit, intentions, snapshot};
use crate::store::command::CommandStore;
use crate::store::command_model::{
    CommandEvent, FoundHeal, HealProgress, NewCommand, NewThrottle, Resume, Throttle, VolumeWindow,
};
use crate::store::error::Result;
use crate::store::model::{Job, Lease, Task};

#[async_trait]
impl CommandStore for PgStore {
    async fn open_command(&self, lease: Lease, new: &NewCommand) -> Result<Intention> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = open::command(&transaction, lease, new).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn open_resume(&self, lease: Lease, resume: &Resume) -> Result<Intention> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = open::resume(&transaction, lease, resume).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn open_intention(&self, intention: IntentionId) -> Result<Option<Intention>> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        intentions::one(&transaction, intention).await
    }

    async fn answer(&self, lease: Lease, intention: IntentionId, answer: &Answer) -> Result<bool> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = answer::answer(&transaction, lease, intention, answer).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn set_pause(&self, lease: Lease, step: StepId, by: &str) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        pause::set(&transaction, lease, step, by).await?;
        commit(transaction).await
    }

    async fn clear_pause(&self, lease: Lease, step: StepId, by: &str, why: &str) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        pause::clear(&transaction, lease, step, by, why).await?;
        commit(transaction).await
    }

    async fn end_paused(&self, lease: Lease, job: JobId, actor: &str) -> Result<Job> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = pause::end(&transaction, lease, job, actor).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn record_command(&self, lease: Lease, job: JobId, event: &CommandEvent) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        tell::tell(&transaction, lease, job, event).await?;
        commit(transaction).await
    }

    async fn record_once(&self, lease: Lease, job: JobId, event: &CommandEvent) -> Result<bool> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = tell::once(&transaction, lease, job, event).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn awaiting_auto_commit(&self, pool: PoolId) -> Result<Vec<Task>> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        ask::awaiting_auto_commit(&transaction, pool).await
    }

    async fn last_rate(&self, pool: PoolId, volume: VolumeId) -> Result<Option<u64>> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        ask::last_rate(&transaction, pool, volume).await
    }

    async fn open_heals(&self, pool: PoolId) -> Result<Vec<Task>> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        heal::open(&transaction, pool).await
    }

    async fn add_found_heal(&self, lease: Lease, found: &FoundHeal) -> Result<Job> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = heal::found(&transaction, lease, found).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn put_heal(&self, lease: Lease, step: StepId, progress: &HealProgress) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        heal::put(&transaction, lease, step, progress).await?;
        commit(transaction).await
    }

    async fn finish_heal(
        &self,
        lease: Lease,
        job: JobId,
        end: Transition,
        message: &str,
        actor: &str,
    ) -> Result<Job> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = heal::finish(&transaction, lease, job, end, message, actor).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn put_throttle(
        &self,
        lease: Lease,
        job: JobId,
        volume: VolumeId,
        throttle: &NewThrottle,
    ) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        throttle::put_for(&transaction, lease, job, volume, throttle).await?;
        commit(transaction).await
    }

    async fn throttle_is_set(&self, lease: Lease, volume: VolumeId, set: &str) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        throttle::is_set(&transaction, lease, volume, set).await?;
        commit(transaction).await
    }

    async fn throttles(&self, pool: PoolId) -> Result<Vec<Throttle>> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        throttle::list(&transaction, pool).await
    }

    async fn remove_throttle(&self, lease: Lease, throttle: &Throttle) -> Result<bool> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = throttle::remove(&transaction, lease, throttle).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn windows(&self, pool: PoolId) -> Result<BTreeMap<VolumeId, Vec<VolumeWindow>>> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        window::list(&transaction, pool).await
    }

    async fn set_windows(
        &self,
        lease: Lease,
        volume: VolumeId,
        windows: &[VolumeWindow],
        actor: &str,
    ) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        window::set(&transaction, lease, volume, windows, actor).await?;
        commit(transaction).await
    }
}
