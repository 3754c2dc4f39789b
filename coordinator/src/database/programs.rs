//! PostgreSQL's server programs, and the user they run as.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, User};

use super::DatabaseError;

/// Where Debian and Red Hat's PGDG packages keep a version's programs.
const FOLDERS: [(&str, &str); 2] = [("/usr/lib/postgresql", "bin"), ("/usr", "bin")];

/// The oldest PostgreSQL that the schema runs on.
const OLDEST: u32 = 13;

/// The folder with `initdb` and `postgres`. `version`: the one that made the data
/// that is there; data of one version can't be opened by another's programs.
pub(super) fn find(version: Option<u32>) -> Result<PathBuf, DatabaseError> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, bin) in FOLDERS {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let number = name.strip_prefix("pgsql-").unwrap_or(&name).parse();
            let folder = entry.path().join(bin);
            if let (Ok(number), true) = (number, complete(&folder)) {
                found.push((number, folder));
            }
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|folder| complete(folder));
    found.extend(on_path.and_then(|folder| Some((ask_version(&folder)?, folder))));
    found.retain(|(number, _)| version.map_or(*number >= OLDEST, |v| *number == v));
    found.into_iter().max().map(|(_, folder)| folder).ok_or_else(|| DatabaseError::NoPrograms {
        which: version
            .map_or(String::new(), |v| format!(" of version {v}, which made the data that is there,")),
        package: version.map_or("postgresql".to_owned(), |v| format!("postgresql-{v}")),
    })
}

fn complete(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

/// `postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)`.
#[expect(clippy::disallowed_methods, reason = "PostgreSQL's own program, not gluster; it answers at once")]
fn ask_version(folder: &Path) -> Option<u32> {
    let output = std::process::Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Whom the server runs as.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: Uid,
    pub(super) gid: Gid,
    /// Whether this process is root, and so has to become that user.
    pub(super) switch: bool,
}

impl Account {
    /// This process's own user; for root the owner of the data that is there, else
    /// `postgres`, else `hod`.
    pub(super) fn choose(data: &Path) -> Result<Self, DatabaseError> {
        let own = nix::unistd::geteuid();
        let user = |found: nix::Result<Option<User>>| found.ok().flatten();
        if !own.is_root() {
            return Ok(Self {
                name: user(User::from_uid(own)).map_or_else(|| own.to_string(), |u| u.name),
                uid: own,
                gid: nix::unistd::getegid(),
                switch: false,
            });
        }
        let owner = std::fs::metadata(data)
            .ok()
            .map(|m| Uid::from_raw(m.uid()))
            .filter(|uid| !uid.is_root())
            .and_then(|uid| user(User::from_uid(uid)));
        owner
            .or_else(|| user(User::from_name("postgres")))
            .or_else(|| user(User::from_name("hod")))
            .filter(|u| !u.uid.is_root())
            .map(|u| Self { name: u.name, uid: u.uid, gid: u.gid, switch: true })
            .ok_or(DatabaseError::NoUser)
    }

    /// The first folder above a path that this user can't enter.
    pub(super) fn barred_at(&self, path: &Path) -> Option<PathBuf> {
        let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
        above.reverse();
        let enters = |folder: &Path| {
            let Ok(meta) = std::fs::metadata(folder) else {
                return false;
            };
            let bit = if meta.uid() == self.uid.as_raw() {
                0o100
            } else if meta.gid() == self.gid.as_raw() {
                0o010
            } else {
                0o001
            };
            meta.mode() & bit != 0
        };
        above.into_iter().find(|folder| !folder.as_os_str().is_empty() && !enters(folder)).map(Path::to_owned)
    }
}
