//! glustereventsd: whether it is to run here, and what it is told to post to.
//!
//! It binds the event port without sharing it, and ends where it can't: an agent that
//! held the port would keep it from starting. So the port is its wherever somebody
//! means it to run, not only while it does. That it runs can't be told by its pid
//! file: it removes that as soon as it has started (seen on 9.2, 10.3 and 11.1).

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Its unit.
const UNIT: &str = "glustereventsd.service";

/// There where systemd runs, and only there (`sd_booted(3)`).
const SYSTEMD_RUNS: &str = "/run/systemd/system";

/// Where systemd keeps links to the units that are enabled.
const ENABLED_UNITS: &str = "/etc/systemd/system";

/// A longer file is not glustereventsd's.
const AT_MOST: u64 = 1 << 20;

/// The files that tell.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    webhooks: PathBuf,
    systemd_runs: PathBuf,
    enabled_units: PathBuf,
}

/// Why the event port is left to glustereventsd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// systemd is to start it.
    Enabled,
    /// It has somewhere to post to.
    HasWebhooks,
    /// It may have.
    WebhooksNotRead(String),
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enabled => f.write_str("systemd starts glustereventsd"),
            Self::HasWebhooks => f.write_str("glustereventsd has a webhook"),
            Self::WebhooksNotRead(why) => write!(f, "glustereventsd's webhooks can't be read: {why}"),
        }
    }
}

impl Files {
    /// Those of this host.
    pub(crate) fn new(glusterd: &Path) -> Self {
        Self {
            webhooks: glusterd.join("events/webhooks.json"),
            systemd_runs: SYSTEMD_RUNS.into(),
            enabled_units: ENABLED_UNITS.into(),
        }
    }

    /// Why glustereventsd is to run here; `None` if nobody means it to.
    pub(crate) fn meant_to_run(&self) -> Option<Means> {
        if self.is_enabled() {
            return Some(Means::Enabled);
        }
        match self.webhooks() {
            Ok(urls) if urls.is_empty() => None,
            Ok(_) => Some(Means::HasWebhooks),
            Err(why) => Some(Means::WebhooksNotRead(why)),
        }
    }

    fn is_enabled(&self) -> bool {
        if !self.systemd_runs.is_dir() {
            return false;
        }
        let Ok(entries) = std::fs::read_dir(&self.enabled_units) else {
            return false;
        };
        entries.flatten().any(|entry| {
            let wanted = entry.file_name();
            let is_list = wanted.to_str().is_some_and(|n| n.ends_with(".wants") || n.ends_with(".requires"));
            is_list && entry.path().join(UNIT).is_symlink()
        })
    }

    /// The URLs that it is told to post to; none where there is no such file.
    pub(crate) fn webhooks(&self) -> Result<Vec<String>, String> {
        let file = match std::fs::File::open(&self.webhooks) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.to_string()),
        };
        let mut bytes = Vec::new();
        file.take(AT_MOST).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        let webhooks: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        Ok(webhooks.into_iter().map(|(url, _)| url).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Host(tempfile::TempDir);

    impl Host {
        fn files(&self) -> Files {
            let at = |name| self.0.path().join(name);
            Files { webhooks: at("webhooks.json"), systemd_runs: at("run"), enabled_units: at("units") }
        }

        fn means(&self) -> Option<Means> {
            self.files().meant_to_run()
        }
    }

    #[test]
    fn a_webhook_means_it_to_run_and_a_file_that_can_t_be_read_may_hold_one() {
        let host = Host(tempfile::tempdir().unwrap());
        assert_eq!(host.means(), None);
        let write = |text: &str| std::fs::write(host.0.path().join("webhooks.json"), text).unwrap();
        write("{}");
        assert_eq!(host.means(), None);
        write(r#"{"http://127.0.0.1:7462/events": {"token": "", "secret": ""}}"#);
        assert_eq!(host.means(), Some(Means::HasWebhooks));
        assert_eq!(host.files().webhooks(), Ok(vec!["http://127.0.0.1:7462/events".to_owned()]));
        for broken in ["", "[]", r#"{"http://"#] {
            write(broken);
            assert!(matches!(host.means(), Some(Means::WebhooksNotRead(_))), "{broken}");
        }
    }

    #[test]
    fn an_enabled_unit_means_it_to_run_where_systemd_does() {
        let host = Host(tempfile::tempdir().unwrap());
        let wants = host.0.path().join("units/multi-user.target.wants");
        std::fs::create_dir_all(&wants).unwrap();
        std::os::unix::fs::symlink("/nowhere/other.service", wants.join("other.service")).unwrap();
        std::fs::create_dir(host.0.path().join("run")).unwrap();
        assert_eq!(host.means(), None);
        // A link to a unit that is not there, as in another root, is one too.
        std::os::unix::fs::symlink("/nowhere/unit", wants.join(UNIT)).unwrap();
        assert_eq!(host.means(), Some(Means::Enabled));
        std::fs::remove_dir(host.0.path().join("run")).unwrap();
        assert_eq!(host.means(), None);
    }
}
