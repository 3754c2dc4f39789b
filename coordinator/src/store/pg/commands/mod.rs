//! What commands write.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hod_core::command::intention::{Answer, Intention};
use hod_core::id::{IntentionId, JobId, PoolId, StepId, VolumeId};
use hod_core::transition::Transition;

use super::PgStore;
use crate::store::command::CommandStore;
use crate::store::command_model::{
    CommandEvent, FoundHeal, HealProgress, NewCommand, NewThrottle, Resume, Throttle, VolumeWindow,
};
use crate::store::error::{Result, StoreError};
use crate::store::model::{Job, Task};

fn not_yet<T>() -> Result<T> {
    Err(StoreError::Refused("the store does not do this yet".to_owned()))
}

#[async_trait]
impl CommandStore for PgStore {
    async fn open_command(&self, _: &NewCommand) -> Result<Intention> {
        not_yet()
    }
    async fn open_resume(&self, _: &Resume) -> Result<Intention> {
        not_yet()
    }
    async fn open_intention(&self, _: IntentionId) -> Result<Option<Intention>> {
        not_yet()
    }
    async fn answer(&self, _: IntentionId, _: &Answer) -> Result<bool> {
        not_yet()
    }
    async fn set_pause(&self, _: StepId, _: &str) -> Result<()> {
        not_yet()
    }
    async fn clear_pause(&self, _: StepId, _: &str, _: &str) -> Result<()> {
        not_yet()
    }
    async fn end_paused(&self, _: JobId, _: &str) -> Result<Job> {
        not_yet()
    }
    async fn record_command(&self, _: JobId, _: &CommandEvent) -> Result<()> {
        not_yet()
    }
    async fn record_once(&self, _: JobId, _: &CommandEvent) -> Result<bool> {
        not_yet()
    }
    async fn awaiting_auto_commit(&self, _: PoolId) -> Result<Vec<Task>> {
        not_yet()
    }
    async fn last_rate(&self, _: PoolId, _: VolumeId) -> Result<Option<u64>> {
        not_yet()
    }
    async fn open_heals(&self, _: PoolId) -> Result<Vec<Task>> {
        not_yet()
    }
    async fn add_found_heal(&self, _: &FoundHeal) -> Result<Job> {
        not_yet()
    }
    async fn put_heal(&self, _: StepId, _: &HealProgress) -> Result<()> {
        not_yet()
    }
    async fn finish_heal(&self, _: JobId, _: Transition, _: &str, _: &str) -> Result<Job> {
        not_yet()
    }
    async fn put_throttle(&self, _: JobId, _: VolumeId, _: &NewThrottle) -> Result<()> {
        not_yet()
    }
    async fn throttle_is_set(&self, _: PoolId, _: VolumeId, _: &str) -> Result<()> {
        not_yet()
    }
    async fn throttles(&self, _: PoolId) -> Result<Vec<Throttle>> {
        not_yet()
    }
    async fn remove_throttle(&self, _: &Throttle) -> Result<bool> {
        not_yet()
    }
    async fn windows(&self, _: PoolId) -> Result<BTreeMap<VolumeId, Vec<VolumeWindow>>> {
        not_yet()
    }
    async fn set_windows(&self, _: PoolId, _: VolumeId, _: &[VolumeWindow], _: &str) -> Result<()> {
        not_yet()
    }
}
