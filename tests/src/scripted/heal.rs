//! `volume heal V info summary`: no lock, no line in the history.

use super::answer::Answer;
use super::scene::Scene;
use super::state::{Brick, Kind};
use super::xml::Element;

/// Answers it. A brick whose host is away has its count slipped into its status (fixture 54).
#[must_use]
pub fn summary(scene: &Scene<'_>, name: &str) -> Answer {
    let volume = scene.volume(name);
    let Some(volume) = volume.filter(|v| v.kind != Kind::Distribute) else {
        let why = if volume.is_some() {
            format!("Volume {name} is not of type replicate/disperse")
        } else {
            format!("Volume {name} does not exist")
        };
        let document = Element::new("cliOutput")
            .with(Element::new("healInfo").with(Element::new("bricks")))
            .with_text("opRet", -1)
            .with_text("opErrno", 22)
            .with_text("opErrstr", why);
        return Answer::text(document.document(), 1);
    };
    let bricks = volume.bricks.iter().map(|b| brick(scene, b));
    let document = Element::new("cliOutput")
        .with(Element::new("healInfo").with(Element::new("bricks").with_all(bricks)))
        .with_text("opRet", 0)
        .with_text("opErrno", 0)
        .with_text("opErrstr", "");
    Answer::text(document.document(), 0)
}

fn brick(scene: &Scene<'_>, brick: &Brick) -> Element {
    let host = scene.host(&brick.host).ok();
    match host.filter(|h| h.up) {
        Some(host) => Element::new("brick")
            .attribute("hostUuid", host.id)
            .with_text("name", brick.name())
            .with_text("status", "Connected")
            .with_text(
                "totalNumberOfEntries",
                brick.heal.pending + brick.heal.split_brain + brick.heal.possibly_healing,
            )
            .with_text("numberOfEntriesInHealPending", brick.heal.pending)
            .with_text("numberOfEntriesInSplitBrain", brick.heal.split_brain)
            .with_text("numberOfEntriesPossiblyHealing", brick.heal.possibly_healing),
        None => Element::new("brick").attribute("hostUuid", "-").with_text("name", brick.name()).with_text(
            "status",
            "Failed to process entries completely. (Transport endpoint is not \
                 connected)totalNumberOfEntries0",
        ),
    }
}
