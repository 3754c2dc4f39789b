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
use crate::store::model::{Job, Task};

#[async_trait]
impl CommandStore for PgStore {
    async fn open_command(&self, new: &NewCommand) -> Result<Intention> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = open::command(&transaction, new).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn open_resume(&self, resume: &Resume) -> Result<Intention> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = open::resume(&transaction, resume).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn open_intention(&self, intention: IntentionId) -> Result<Option<Intention>> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        intentions::one(&transaction, intention).await
    }

    async fn answer(&self, intention: IntentionId, answer: &Answer) -> Result<bool> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = answer::answer(&transaction, intention, answer).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn set_pause(&self, step: StepId, by: &str) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        pause::set(&transaction, step, by).await?;
        commit(transaction).await
    }

    async fn clear_pause(&self, step: StepId, by: &str, why: &str) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        pause::clear(&transaction, step, by, why).await?;
        commit(transaction).await
    }

    async fn end_paused(&self, job: JobId, actor: &str) -> Result<Job> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = pause::end(&transaction, job, actor).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn record_command(&self, job: JobId, event: &CommandEvent) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        tell::tell(&transaction, job, event).await?;
        commit(transaction).await
    }

    async fn record_once(&self, job: JobId, event: &CommandEvent) -> Result<bool> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = tell::once(&transaction, job, event).await?;
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

    async fn add_found_heal(&self, found: &FoundHeal) -> Result<Job> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = heal::found(&transaction, found).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn put_heal(&self, step: StepId, progress: &HealProgress) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        heal::put(&transaction, step, progress).await?;
        commit(transaction).await
    }

    async fn finish_heal(&self, job: JobId, end: Transition, message: &str, actor: &str) -> Result<Job> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = heal::finish(&transaction, job, end, message, actor).await?;
        commit(transaction).await?;
        Ok(done)
    }

    async fn put_throttle(&self, job: JobId, volume: VolumeId, throttle: &NewThrottle) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        throttle::put_for(&transaction, job, volume, throttle).await?;
        commit(transaction).await
    }

    async fn throttle_is_set(&self, pool: PoolId, volume: VolumeId, set: &str) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        throttle::is_set(&transaction, pool, volume, set).await?;
        commit(transaction).await
    }

    async fn throttles(&self, pool: PoolId) -> Result<Vec<Throttle>> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        throttle::list(&transaction, pool).await
    }

    async fn remove_throttle(&self, throttle: &Throttle) -> Result<bool> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let done = throttle::remove(&transaction, throttle).await?;
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
        pool: PoolId,
        volume: VolumeId,
        windows: &[VolumeWindow],
        actor: &str,
    ) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        window::set(&transaction, pool, volume, windows, actor).await?;
        commit(transaction).await
    }
}
