//! Commands: opened at once or not at all, and settled once, whatever is cut short.

use std::collections::{BTreeMap, BTreeSet};

use hod_coordinator::store::{CommandStore as _, NewCommand, Store as _, StoreError, VolumeWindow};
use hod_core::brick::Brick;
use hod_core::change::{Change, LockChange, Origin, Planned, PutTask, Settle};
use hod_core::command::intention::{Answer, Intended, Intention, Start};
use hod_core::event::{EventDraft, Severity};
use hod_core::id::{TaskId, VolumeId};
use hod_core::job::{JobStatus, StepType};
use hod_core::record::TaskRecord;
use hod_core::task::{TaskStatus, TaskType};
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::support::{Shop, World, found, until};

pub const REBALANCE: TaskType = TaskType::Rebalance { fix_layout: false };

pub fn task_id() -> TaskId {
    TaskId::from_untyped_uuid(Uuid::new_v4())
}

/// A command as the runner records it after its checks.
pub fn command(shop: &Shop, intended: Intended) -> NewCommand {
    NewCommand {
        pool: shop.pool.id,
        volume: shop.volume,
        action: "rebalance-start".into(),
        description: "Rebalancing volume dist".into(),
        step_type: match intended {
            Intended::Start(Start { task_type: TaskType::Rebalance { .. }, .. }) => {
                StepType::RebalancingVolume
            }
            Intended::Start(_) | Intended::TakeBricks { .. } => StepType::RemovingBricks,
            Intended::ReplaceBrick { .. } | Intended::ResetBrick { .. } => StepType::ReplacingBrick,
        },
        actor: "alice".into(),
        intended,
        began_at: shop.now,
        windows: None,
        throttle: None,
        auto_commit: false,
    }
}

pub fn start(task_type: TaskType) -> Intended {
    let (bricks, before, earlier) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    Intended::Start(Start { task_type, bricks, before, run: 1, earlier })
}

pub async fn open(world: &World, shop: &Shop) -> Intention {
    world.store.open_command(shop.lease, &command(shop, start(REBALANCE))).await.unwrap()
}

/// The task that an intention came to, as a plan records it.
pub fn task_of(shop: &Shop, intention: &Intention) -> TaskRecord {
    let Intended::Start(start) = &intention.what else { panic!("{:?}", intention.what) };
    TaskRecord {
        job: intention.job,
        executing: intention.executing,
        step: intention.step,
        external: false,
        task_type: Some(start.task_type.clone()),
        run: start.run,
        earlier: start.earlier.clone(),
        ..shop.task()
    }
}

pub fn adopted(intention: &Intention, task: &TaskRecord) -> Planned {
    let put = PutTask {
        task: task.clone(),
        origin: Origin::Adopted(intention.id),
        job: None,
        step: None,
        lock: LockChange::Keep,
    };
    Planned { change: Change::PutTask(Box::new(put)), events: vec![event(intention, "task-started")] }
}

pub fn settled(shop: &Shop, intention: &Intention, end: Option<Transition>, message: &str) -> Planned {
    let settle = Settle {
        intention: intention.id,
        job: intention.job,
        step: intention.step,
        volume: intention.volume,
        end,
        message: message.into(),
        at: shop.now,
    };
    Planned { change: Change::Settle(Box::new(settle)), events: vec![event(intention, "command-failed")] }
}

fn event(intention: &Intention, kind: &'static str) -> EventDraft {
    EventDraft {
        severity: Severity::Info,
        kind,
        message: kind.into(),
        volume: Some(intention.volume),
        job: Some(intention.job),
        actor: intention.actor.clone(),
    }
}

/// Applies a plan, and holds what is recorded then against what core says it is.
pub async fn apply_as_core_does(world: &World, shop: &Shop, plan: &[Planned], observed: &[&TaskRecord]) {
    let mut expected = shop.load(world, observed).await;
    plan.iter().for_each(|planned| expected.apply(&planned.change));
    shop.apply(world, plan).await;
    // What has ended and is not observed is not loaded.
    let loaded = shop.load(world, observed).await;
    let ids: BTreeSet<TaskId> = observed.iter().map(|t| t.task).collect();
    expected.tasks.retain(|id, task| task.job_status.is_open() || ids.contains(id));
    expected.cleared.retain(|id| ids.contains(id));
    assert_eq!(loaded, expected);
}

pub fn kinds(events: &[hod_coordinator::store::Event]) -> Vec<&str> {
    events.iter().map(|e| e.kind.as_str()).filter(|kind| !kind.starts_with("pool-")).collect()
}

#[tokio::test]
async fn a_command_opens_its_job_its_lock_and_its_intention_at_once() {
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let job = world.store.job(intention.job).await.unwrap();
    assert_eq!((job.action.as_str(), job.actor.as_str(), job.external), ("rebalance-start", "alice", false));
    assert_eq!((job.status, job.subjects[0].volume), (JobStatus::Started, shop.volume));
    let steps: Vec<_> =
        job.steps.iter().map(|s| (s.step_type, s.status, s.parent, s.ended_at.is_some())).collect();
    assert_eq!(
        steps,
        [
            (StepType::Validating, JobStatus::Finished, None, true),
            (StepType::Executing, JobStatus::Started, None, false),
            (StepType::RebalancingVolume, JobStatus::Started, Some(intention.executing), false),
        ]
    );
    let recorded = shop.load(&world, &[]).await;
    assert_eq!(recorded.intentions, BTreeMap::from([(shop.volume, intention.clone())]));
    assert_eq!(recorded.locks, BTreeMap::from([(shop.volume, intention.job)]));
    let events = world.events(shop.pool.id).await;
    assert_eq!((kinds(&events).last(), events.last().unwrap().actor.as_str()), (Some(&"command"), "alice"));
    let has_tasks = "SELECT count(*) FROM jobs WHERE CheckIfJobHasTasks(id)";
    assert_eq!(world.count(has_tasks).await, 0);
    shop.apply(&world, &[adopted(&intention, &task_of(&shop, &intention))]).await;
    assert_eq!(world.count(has_tasks).await, 1);
}

/// Eight ask in the same moment: one has it, and each of the others hears who.
#[tokio::test]
async fn of_operators_at_once_one_wins_and_the_others_hear_of_it() {
    let world = World::new().await;
    let shop = world.shop().await;
    let new = command(&shop, start(REBALANCE));
    let answers = futures::future::join_all((0..8).map(|_| world.store.open_command(shop.lease, &new))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    let [Ok(won)] = won.as_slice() else { panic!("{won:?}") };
    for error in lost {
        let Err(StoreError::Busy { volume, job, doing }) = error else { panic!("{error:?}") };
        assert_eq!((volume.as_str(), job, doing.as_str()), ("dist", won.job, "Rebalancing volume dist"));
    }
    assert_eq!(world.count("SELECT count(*) FROM jobs").await, 1, "who lost has left nothing");
    // Nor can a command begin on a volume that a found task holds.
    let volume = VolumeId::from_untyped_uuid(Uuid::new_v4());
    shop.apply(&world, &[shop.put_volume(volume, "other")]).await;
    let task = shop.task_of(volume, "other");
    shop.apply(&world, &[found(&task)]).await;
    let error = world.store.open_command(shop.lease, &NewCommand { volume, ..new }).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { job, .. } if job == task.job), "{error}");
}

#[tokio::test]
async fn every_intention_is_read_as_it_was_written() {
    let world = World::new().await;
    let shop = world.shop().await;
    let brick = |host: usize, path: &str| Brick { host: shop.hosts[host], path: path.into() };
    let intended = [
        start(TaskType::Rebalance { fix_layout: true }),
        Intended::Start(Start {
            task_type: TaskType::RemoveBrick,
            bricks: shop.bricks(),
            before: BTreeSet::from([task_id(), task_id()]),
            run: 1,
            earlier: BTreeMap::new(),
        }),
        Intended::TakeBricks { bricks: vec![brick(2, "/bricks/d1"), brick(0, "/bricks/d1")] },
        Intended::ReplaceBrick { old: brick(2, "/bricks/d1"), new: brick(2, "/bricks/d9"), task: task_id() },
        Intended::ResetBrick { brick: brick(1, "/bricks/d1"), task: task_id() },
    ];
    let answers = [
        Answer::Done(None),
        Answer::Done(Some(task_id())),
        Answer::Refused("Volume dist needs to be started".into()),
        Answer::Unknown("timed out".into()),
    ];
    for (what, answer) in intended.into_iter().zip(answers.into_iter().cycle()) {
        let volume = VolumeId::from_untyped_uuid(Uuid::new_v4());
        shop.apply(&world, &[shop.put_volume(volume, "one-of-many")]).await;
        let new = NewCommand { volume, ..command(&shop, what.clone()) };
        let mut intention = world.store.open_command(shop.lease, &new).await.unwrap();
        assert_eq!(intention.what, what);
        assert_eq!(shop.load(&world, &[]).await.intentions[&volume], intention);
        assert!(world.store.answer(shop.lease, intention.id, &answer).await.unwrap());
        intention.answer = Some(answer);
        assert_eq!(shop.load(&world, &[]).await.intentions[&volume], intention);
        assert_eq!(world.store.open_intention(intention.id).await.unwrap(), Some(intention));
    }
}

/// Ids that the volume's tasks had are completed from the record.
#[tokio::test]
async fn what_the_volume_had_before_is_not_taken_for_the_new_task() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut old = shop.task();
    shop.apply(&world, &[found(&old)]).await;
    (old.job_status, old.step_status, old.status) =
        (JobStatus::Finished, JobStatus::Finished, TaskStatus::Completed);
    old.ended_at = Some(shop.now);
    shop.apply(&world, &[crate::support::ended(&old, Transition::Complete)]).await;
    let intention = open(&world, &shop).await;
    let Intended::Start(start) = intention.what else { panic!() };
    assert_eq!(start.before, BTreeSet::from([old.task]));
}

/// What was told is not overwritten; what was not known may still be told.
#[tokio::test]
async fn the_first_answer_that_is_known_stays() {
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let told = async || world.store.open_intention(intention.id).await.unwrap().unwrap().answer;
    let answer = async |answer: &Answer| world.store.answer(shop.lease, intention.id, answer).await.unwrap();
    let unknown = Answer::Unknown("the agent went away".into());
    assert!(answer(&unknown).await);
    assert_eq!(told().await, Some(unknown.clone()));
    let done = Answer::Done(Some(task_id()));
    assert!(answer(&done).await);
    assert!(answer(&Answer::Refused("too late".into())).await);
    assert!(answer(&unknown).await);
    assert_eq!(told().await, Some(done));
    shop.apply(&world, &[settled(&shop, &intention, Some(Transition::Fail), "no")]).await;
    assert!(!answer(&unknown).await, "it is settled");
    assert_eq!(world.store.open_intention(intention.id).await.unwrap(), None);
    let nobody = hod_core::id::IntentionId::from_untyped_uuid(Uuid::new_v4());
    let error = world.store.answer(shop.lease, nobody, &unknown).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { what: "intention", .. }), "{error}");
}

/// The database goes away in the middle of the transaction: nothing is left of it.
#[tokio::test]
async fn a_command_that_was_cut_short_has_left_nothing() {
    let world = World::new().await;
    let shop = world.shop().await;
    // It waits for the pool's turn, and is killed there, each time it is tried again. (Who
    // holds the turn can't be who looks: in a transaction pg_stat_activity is read once.)
    let turn = world.client().await;
    turn.batch_execute("BEGIN; SELECT FROM pools FOR UPDATE").await.unwrap();
    let (store, new) = (world.store.clone(), command(&shop, start(REBALANCE)));
    let opening = tokio::spawn(async move { store.open_command(shop.lease, &new).await });
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the command to be given up", async || {
        world.sql.execute(kill, &[]).await.unwrap();
        opening.is_finished().then_some(())
    })
    .await;
    let error = opening.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    turn.batch_execute("ROLLBACK").await.unwrap();
    for table in ["jobs", "steps", "intentions", "volume_locks"] {
        assert_eq!(world.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    // Another connection that was killed may be handed out once more.
    let new = command(&shop, start(REBALANCE));
    until("the database again", async || world.store.open_command(shop.lease, &new).await.ok()).await;
}

/// After each step of a command another coordinator takes over and finds it as it was.
#[tokio::test]
async fn whoever_takes_over_finds_a_command_where_it_stood() {
    let world = World::new().await;
    let mut shop = world.shop().await;
    let mut intention = open(&world, &shop).await;
    shop.lease = world.take(shop.pool.id, "coordinator-2").await;
    assert_eq!(shop.load(&world, &[]).await.intentions[&shop.volume], intention, "not asked yet");
    intention.answer = Some(Answer::Unknown("timed out".into()));
    world.store.answer(shop.lease, intention.id, intention.answer.as_ref().unwrap()).await.unwrap();
    shop.lease = world.take(shop.pool.id, "coordinator-3").await;
    assert_eq!(shop.load(&world, &[]).await.intentions[&shop.volume], intention, "asked, and not known");
    let task = task_of(&shop, &intention);
    shop.apply(&world, &[adopted(&intention, &task)]).await;
    shop.lease = world.take(shop.pool.id, "coordinator-4").await;
    let recorded = shop.load(&world, &[]).await;
    assert!(recorded.intentions.is_empty());
    assert_eq!(recorded.tasks[&task.task], task);
    assert_eq!(recorded.locks[&shop.volume], intention.job);
}

#[tokio::test]
async fn a_command_that_can_not_be_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let shop = world.shop().await;
    let good = command(&shop, start(REBALANCE));
    let bad = [
        ("description", NewCommand { description: " ".into(), ..good.clone() }),
        ("step_type", NewCommand { step_type: StepType::Executing, ..good.clone() }),
        (
            "begin",
            NewCommand {
                windows: Some(vec![VolumeWindow {
                    weekdays: vec![],
                    begin: "25:00".into(),
                    end: "06:00".into(),
                    zone: "UTC".into(),
                }]),
                ..good.clone()
            },
        ),
    ];
    for (wanted, new) in bad {
        let error = world.store.open_command(shop.lease, &new).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { field, .. } if field == wanted), "{error}");
    }
    let unknown = NewCommand { volume: VolumeId::from_untyped_uuid(Uuid::new_v4()), ..good };
    let error = world.store.open_command(shop.lease, &unknown).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { what: "volume", .. }), "{error}");
    assert_eq!(world.count("SELECT count(*) FROM jobs").await, 0);
}

/// What the schema itself refuses.
#[tokio::test]
async fn what_contradicts_itself_is_refused_by_the_database() {
    const REFUSED: &[(&str, &str)] = &[
        (
            "UPDATE jobs SET status = 'FINISHED', transition = 'COMPLETE', ended_at = now()",
            "intentions_of_open_jobs",
        ),
        ("UPDATE intentions SET task_type = NULL", "intentions_start"),
        ("UPDATE intentions SET kind = 'TAKE_BRICKS', run = 2", "intentions_start"),
        ("UPDATE intentions SET task_id = gen_random_uuid()", "intentions_task_made_by_hod"),
        ("UPDATE intentions SET task_type = 'REMOVE_BRICK', fix_layout = true", "intentions_fix_layout"),
        ("UPDATE intentions SET answer = 'REFUSED', answered_at = now()", "intentions_answer"),
        ("UPDATE intentions SET answer_task = gen_random_uuid()", "intentions_answer"),
        ("UPDATE intentions SET settled_at = now()", "intentions_settled"),
        ("UPDATE intentions SET adopted = gen_random_uuid()", "intentions_settled"),
        (
            "INSERT INTO intentions (id, pool_id, volume_id, job_id, executing_id, step_id, kind, task_type, actor)
             SELECT gen_random_uuid(), pool_id, volume_id, job_id, executing_id, step_id, kind, task_type, actor
             FROM intentions",
            "intentions_one_of_volume",
        ),
        ("UPDATE jobs SET external = true", "jobs_action_of_commands"),
    ];
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    world.sql.batch_execute("DELETE FROM volume_locks").await.unwrap();
    for (statement, constraint) in REFUSED {
        let error = world.sql.batch_execute(statement).await.expect_err(statement);
        let refused_by = error.as_db_error().unwrap().constraint();
        assert_eq!(refused_by, Some(*constraint), "{statement}: {error:?}");
    }
    assert_eq!(shop.load(&world, &[]).await.intentions[&shop.volume], intention);
}
