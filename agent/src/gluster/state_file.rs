//! The files that get-state writes: one a call, in a folder of the agent's own.

use std::path::{Path, PathBuf};
use std::{fs, io};

use hod_core::error::{GlusterError, GlusterErrorKind};

use super::process;
use super::read::Unreadable;
use super::read::get_state::{self, GetState};
use crate::blocking;

/// What the files' names begin with.
const NAME: &str = "hod-state-";

/// The folder, and how many files were asked for.
pub(super) struct StateFolder {
    path: PathBuf,
    files: u64,
}

impl StateFolder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, files: 0 }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The name for the next file. No call gets another's: one that timed out may
    /// still be written to.
    ///
    /// # Errors
    /// If the folder is not there and can't be made: glusterd would only say that it
    /// failed.
    pub(super) async fn next_file(&mut self) -> Result<String, GlusterError> {
        let path = self.path.clone();
        blocking::run(move || fs::create_dir_all(path)).await.map_err(io::Error::from).flatten().map_err(
            |e| {
                let message =
                    format!("get-state can't be asked, for {} can't be made: {e}", self.path.display());
                refused(GlusterErrorKind::NotRun, message)
            },
        )?;
        self.files += 1;
        Ok(format!("{NAME}{}-{}", std::process::id(), self.files))
    }

    /// Reads what glusterd wrote.
    ///
    /// # Errors
    /// If it is not there, too long, or can't be read.
    pub(super) async fn read(&self, file: &str) -> Result<GetState, GlusterError> {
        let path = self.path.join(file);
        let broken = |e: io::Error| {
            Unreadable::new(format!(
                "get-state said it wrote {}, and that can't be read: {e}",
                self.path.join(file).display()
            ))
        };
        let read = blocking::run(move || {
            let length = fs::metadata(&path)?.len();
            let fits = length <= process::OUTPUT_MAX as u64;
            if fits { fs::read(&path).map(Ok) } else { Ok(Err(length)) }
        });
        match read.await.map_err(io::Error::from).flatten().map_err(broken)? {
            Ok(bytes) => Ok(get_state::read(&bytes)?),
            Err(length) => Err(refused(GlusterErrorKind::TooLong, format!("get-state wrote {length} bytes"))),
        }
    }

    /// Removes the files of this call and of earlier ones that timed out and were
    /// written later. What can't be removed is tried again the next time.
    pub(super) async fn clear(&self) {
        let path = self.path.clone();
        let clear = move || {
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with(NAME) {
                    let _ = fs::remove_file(entry.path());
                }
            }
        };
        let _ = blocking::run(clear).await;
    }
}

fn refused(kind: GlusterErrorKind, message: String) -> GlusterError {
    GlusterError { kind, message, op_errno: 0, hosts: Vec::new() }
}
