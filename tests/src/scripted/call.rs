//! One call: on which host, and how its start is tampered with.

use super::answer::Refusal;
use super::scene::Scene;
use super::state::Volume;

/// Where a call is made.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The host it is made on.
    pub host: &'a str,
    /// A start takes so many of Gluster's seconds instead of its own.
    pub start_seconds: Option<u64>,
    /// A start comes to nothing.
    pub start_fails: bool,
}

impl Call<'_> {
    /// The volume, which this transaction may now hold.
    ///
    /// # Errors
    /// If there is no such volume, or another transaction holds it; `named` says
    /// whether the refusal tells the volume's name.
    pub fn volume<'s>(
        &self,
        scene: &'s Scene<'_>,
        name: &str,
        named: Option<&str>,
    ) -> Result<&'s Volume, Refusal> {
        let volume =
            scene.volume(name).ok_or_else(|| Refusal::of(format!("Volume {name} does not exist")))?;
        if scene.is_locked(name) {
            return Err(Refusal::another_transaction(named));
        }
        Ok(volume)
    }
}
