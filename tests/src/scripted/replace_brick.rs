//! `volume replace-brick … commit force` and `volume reset-brick …`: they answer
//! at once, carry no task's id, and wipe the volume's last rebalance (fixtures 70 to 73).

use anyhow::Result;

use super::answer::{Answer, Refusal, head};
use super::call::Call;
use super::scene::Scene;
use super::state::{Counters, Kind, Op, status};

/// `volume replace-brick V OLD NEW commit force`.
///
/// # Errors
/// If the pool's files cannot be written.
pub fn replace(scene: &mut Scene<'_>, call: &Call<'_>, volume: &str, old: &str, new: &str) -> Result<Answer> {
    let place = match place(scene, call, volume, old) {
        Ok(place) => place,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    let Some((host, path)) = scene.resolve(new) else {
        return Ok(refused(&Refusal::of(format!("Host of {new} is not in the cluster"))));
    };
    if scene.find_brick(volume, new).is_some() {
        let text = format!(
            "Brick: {new} not available. Brick may be containing or be contained by an existing brick."
        );
        return Ok(refused(&on_host(call, &host, &text)));
    }
    let brick = &mut scene.volume_mut(volume)?.bricks[place];
    brick.host = host;
    brick.path = path;
    wipe(scene, call, volume, status::RESET_BY_REPLACE)?;
    scene.raise_version(volume)?;
    Ok(done("replace-brick commit force operation successful"))
}

/// `volume reset-brick V BRICK start`.
///
/// # Errors
/// If the pool's files cannot be written.
pub fn reset_start(scene: &mut Scene<'_>, call: &Call<'_>, volume: &str, brick: &str) -> Result<Answer> {
    match place(scene, call, volume, brick) {
        Ok(place) => scene.volume_mut(volume)?.bricks[place].reset = true,
        Err(refusal) => return Ok(refused(&refusal)),
    }
    Ok(done("reset-brick start operation successful"))
}

/// `volume reset-brick V BRICK NEW commit [force]`.
///
/// # Errors
/// If the pool's files cannot be written.
pub fn reset_commit(
    scene: &mut Scene<'_>,
    call: &Call<'_>,
    volume: &str,
    brick: &str,
    new: &str,
) -> Result<Answer> {
    let place = match place(scene, call, volume, brick) {
        Ok(place) => place,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    if scene.resolve(brick) != scene.resolve(new) {
        return Ok(refused(&Refusal::of(
            "When destination brick is new, use the command 'gluster volume replace-brick'",
        )));
    }
    if !scene.volume_mut(volume)?.bricks[place].reset {
        let host = scene.volume_mut(volume)?.bricks[place].host.clone();
        let text = "Source brick must be stopped. Please use gluster volume reset-brick <volname> <dst-brick> start.";
        return Ok(refused(&on_host(call, &host, text)));
    }
    scene.volume_mut(volume)?.bricks[place].reset = false;
    wipe(scene, call, volume, status::RESET_BY_RESET)?;
    scene.raise_version(volume)?;
    Ok(done("reset-brick commit force operation successful"))
}

fn done(text: &str) -> Answer {
    Answer::success(&head(0, 0, text))
}

/// A refusal of it: the exit status is 0, there is no other element (fixture 44).
#[must_use]
pub fn refused(refusal: &Refusal) -> Answer {
    Answer::refusal(refusal, [], 0)
}

/// What a host says of its own brick: the host that is asked without its name.
fn on_host(call: &Call<'_>, host: &str, text: &str) -> Refusal {
    let text = match host == call.host {
        true => text.to_owned(),
        false => format!("Pre Validation failed on {host}. {text}"),
    };
    Refusal { errno: 0, text }
}

fn place(scene: &Scene<'_>, call: &Call<'_>, name: &str, old: &str) -> Result<usize, Refusal> {
    let volume = call.volume(scene, name, Some(name))?;
    if volume.status != 1 {
        return Err(Refusal { errno: 0, text: format!("volume: {name} is not started") });
    }
    if volume.kind == Kind::Distribute {
        return Err(Refusal {
            errno: 0,
            text: "replace-brick is not permitted on distribute only volumes. Please use \
                   add-brick and remove-brick operations instead."
                .to_owned(),
        });
    }
    if scene.connected(call.host).iter().any(|h| scene.view(h, name).running) {
        return Err(Refusal::of(format!(
            "Volume name {name} rebalance is in progress. Please retry after completion"
        )));
    }
    let wanted = scene.resolve(old);
    let place = volume.bricks.iter().position(|b| wanted.as_ref() == Some(&(b.host.clone(), b.path.clone())));
    let text = format!("brick: {old} does not exist in volume: {name}");
    place.ok_or(Refusal { errno: 0, text })
}

fn wipe(scene: &mut Scene<'_>, call: &Call<'_>, volume: &str, to: u8) -> Result<()> {
    for host in scene.connected(call.host) {
        if scene.view(&host, volume).op == Op::Rebalance {
            scene.change(&host, volume, |view| {
                view.status = to;
                view.told = Counters::default();
                view.live = Counters::default();
            })?;
            scene.store_view(&host, volume)?;
        }
    }
    Ok(())
}
