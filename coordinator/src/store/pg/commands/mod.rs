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
use hod_core::lease::Lease;
use hod_core::transition::Transition;

use super::retry::{change, look};
use super::{PgStore, intentions};
use crate::store::command::CommandStore;
use crate::store::command_model::{
    CommandEvent, FoundHeal, HealProgress, NewCommand, NewThrottle, Resume, Throttle, VolumeWindow,
};
use crate::store::error::Result;
use crate::store::model::{Job, Task};

#[async_trait]
impl CommandStore for PgStore {
    async fn open_command(&self, lease: Lease, new: &NewCommand) -> Result<Intention> {
        change!(self, "open_command", |transaction| open::command(&transaction, lease, new).await)
    }

    async fn open_resume(&self, lease: Lease, resume: &Resume) -> Result<Intention> {
        change!(self, "open_resume", |transaction| open::resume(&transaction, lease, resume).await)
    }

    async fn open_intention(&self, intention: IntentionId) -> Result<Option<Intention>> {
        look!(self, "open_intention", |transaction| intentions::one(&transaction, intention).await)
    }

    async fn answer(&self, lease: Lease, intention: IntentionId, answer: &Answer) -> Result<bool> {
        change!(self, "answer", |transaction| answer::answer(&transaction, lease, intention, answer).await)
    }

    async fn set_pause(&self, lease: Lease, step: StepId, by: &str) -> Result<()> {
        change!(self, "set_pause", |transaction| pause::set(&transaction, lease, step, by).await)
    }

    async fn clear_pause(&self, lease: Lease, step: StepId, by: &str, why: &str) -> Result<()> {
        change!(self, "clear_pause", |transaction| pause::clear(&transaction, lease, step, by, why).await)
    }

    async fn end_paused(&self, lease: Lease, job: JobId, actor: &str) -> Result<Job> {
        change!(self, "end_paused", |transaction| pause::end(&transaction, lease, job, actor).await)
    }

    async fn record_command(&self, lease: Lease, job: JobId, event: &CommandEvent) -> Result<()> {
        change!(self, "record_command", |transaction| tell::tell(&transaction, lease, job, event).await)
    }

    async fn record_once(&self, lease: Lease, job: JobId, event: &CommandEvent) -> Result<bool> {
        change!(self, "record_once", |transaction| tell::once(&transaction, lease, job, event).await)
    }

    async fn awaiting_auto_commit(&self, pool: PoolId) -> Result<Vec<Task>> {
        look!(self, "awaiting_auto_commit", |transaction| ask::awaiting_auto_commit(&transaction, pool).await)
    }

    async fn last_rate(&self, pool: PoolId, volume: VolumeId) -> Result<Option<u64>> {
        look!(self, "last_rate", |transaction| ask::last_rate(&transaction, pool, volume).await)
    }

    async fn open_heals(&self, pool: PoolId) -> Result<Vec<Task>> {
        look!(self, "open_heals", |transaction| heal::open(&transaction, pool).await)
    }

    async fn add_found_heal(&self, lease: Lease, found: &FoundHeal) -> Result<Job> {
        change!(self, "add_found_heal", |transaction| heal::found(&transaction, lease, found).await)
    }

    async fn put_heal(&self, lease: Lease, step: StepId, progress: &HealProgress) -> Result<()> {
        change!(self, "put_heal", |transaction| heal::put(&transaction, lease, step, progress).await)
    }

    async fn finish_heal(
        &self,
        lease: Lease,
        job: JobId,
        end: Transition,
        message: &str,
        actor: &str,
    ) -> Result<Job> {
        change!(self, "finish_heal", |transaction| heal::finish(
            &transaction,
            lease,
            job,
            end,
            message,
            actor
        )
        .await)
    }

    async fn put_throttle(
        &self,
        lease: Lease,
        job: JobId,
        volume: VolumeId,
        throttle: &NewThrottle,
    ) -> Result<()> {
        change!(self, "put_throttle", |transaction| throttle::put_for(
            &transaction,
            lease,
            job,
            volume,
            throttle
        )
        .await)
    }

    async fn throttle_is_set(&self, lease: Lease, volume: VolumeId, set: &str) -> Result<()> {
        change!(self, "throttle_is_set", |transaction| throttle::is_set(&transaction, lease, volume, set)
            .await)
    }

    async fn throttles(&self, pool: PoolId) -> Result<Vec<Throttle>> {
        look!(self, "throttles", |transaction| throttle::list(&transaction, pool).await)
    }

    async fn remove_throttle(&self, lease: Lease, throttle: &Throttle) -> Result<bool> {
        change!(self, "remove_throttle", |transaction| throttle::remove(&transaction, lease, throttle).await)
    }

    async fn windows(&self, pool: PoolId) -> Result<BTreeMap<VolumeId, Vec<VolumeWindow>>> {
        look!(self, "windows", |transaction| window::list(&transaction, pool).await)
    }

    async fn set_windows(
        &self,
        lease: Lease,
        volume: VolumeId,
        windows: &[VolumeWindow],
        actor: &str,
    ) -> Result<()> {
        change!(self, "set_windows", |transaction| window::set(&transaction, lease, volume, windows, actor)
            .await)
    }
}
