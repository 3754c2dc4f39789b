//! The search for files that are left on a brick.
//!
//! It goes depth first, by folders that are held open: memory is bounded by the depth,
//! and a folder that somebody moves meanwhile, or puts a symbolic link in the place of,
//! leads nowhere else. It stays on the brick's filesystem, and follows no link.
//!
//! Left out are Gluster's own: `.glusterfs`, the trash of its own operations, and the
//! link files by which one brick points to another (mode ---------T, empty, marked).
//! Whatever can't be looked at is told: such a search says nothing about what is left.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;

use super::{INNER, NO_BRICK};

/// The deepest folder that is looked into: each one above it is held open.
const DEPTH: usize = 256;

/// The mode of a link file.
const LINK_MODE: RawMode = 0o1000;

/// What marks a link file, by the name of the brick it points to.
const LINK_MARK: &str = "trusted.glusterfs.dht.linkto";

/// What every brick's folder is marked with. Where it can't be seen, no mark can:
/// that takes `CAP_SYS_ADMIN`.
const BRICK_MARK: &str = "trusted.glusterfs.volume-id";

/// Where the trash of Gluster's own operations is, as of a rebalance.
const TRASH: (&[u8], &[u8]) = (b".trashcan", b"internal_op");

/// How often the time is looked at.
const ENTRIES_A_LOOK: u32 = 64;

/// What has been found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Entries looked at, folders included.
    pub(super) entries: u64,
    /// Files: neither folders nor link files.
    pub(super) files: u64,
    /// What they take: their sizes, or the blocks that are theirs where these are more.
    pub(super) bytes: u64,
    /// The first of them, by their paths on the brick.
    pub(super) names: Vec<String>,
    /// What could not be looked at: the first of it, and how much it is.
    trouble: Option<(String, u64)>,
}

impl Found {
    /// What could not be looked at, if anything, in words.
    pub(super) fn trouble(&self) -> Option<String> {
        let (first, count) = self.trouble.as_ref()?;
        Some(match count {
            1 => first.clone(),
            more => format!("{first}; and {} more that could not be looked at", more - 1),
        })
    }
}

/// A search that goes on.
pub(super) struct Search {
    /// The folders that are being looked through, the brick itself first.
    open: Vec<Folder>,
    device: u64,
    names: usize,
    /// What marks a link file.
    link_mark: &'static str,
    /// Whether marks can be seen at all.
    sees_marks: bool,
    found: Found,
}

struct Folder {
    entries: Dir,
    /// In the one above.
    name: CString,
}

impl Search {
    /// Begins. At most so many files are named.
    ///
    /// # Errors
    /// If the brick can't be opened, or is none.
    pub(super) fn begin(brick: &Path, names: usize) -> std::io::Result<Self> {
        let folder = rustix::fs::open(brick, FOLDER, Mode::empty())?;
        let inner = rustix::fs::statat(&folder, INNER, AtFlags::SYMLINK_NOFOLLOW);
        match inner {
            Ok(inner) if is_folder(&inner) => {}
            Ok(_) | Err(Errno::NOENT) => {
                return Err(std::io::Error::new(std::io::ErrorKind::NotFound, NO_BRICK));
            }
            Err(error) => return Err(error.into()),
        }
        let device = rustix::fs::fstat(&folder)?.st_dev;
        let sees_marks = has_mark(&proc_path(folder.as_fd(), c"."), BRICK_MARK)?;
        let brick = Folder { entries: Dir::new(folder)?, name: CString::default() };
        let found = Found::default();
        Ok(Self { open: vec![brick], device, names, link_mark: LINK_MARK, sees_marks, found })
    }

    /// What has been found so far.
    pub(super) fn found(&self) -> &Found {
        &self.found
    }

    /// Looks on for about so long, and tells whether there is more to look at.
    pub(super) fn look_on(&mut self, how_long: Duration) -> bool {
        let begun = Instant::now();
        loop {
            for _ in 0..ENTRIES_A_LOOK {
                let Some(folder) = self.open.last_mut() else { return false };
                match folder.entries.read() {
                    Some(Ok(entry)) => {
                        let name = entry.file_name();
                        if let Err(error) = self.look_at(name) {
                            self.note(Some(name), &error.to_string());
                        }
                    }
                    Some(Err(error)) => {
                        self.note(None, &error.to_string());
                        self.open.pop();
                    }
                    None => {
                        self.open.pop();
                    }
                }
            }
            if begun.elapsed() >= how_long {
                return true;
            }
        }
    }

    /// Looks at an entry of the innermost folder, and goes into it if it is one.
    fn look_at(&mut self, name: &CStr) -> std::io::Result<()> {
        if matches!(name.to_bytes(), b"." | b"..") || self.is_gluster_s_own(name.to_bytes()) {
            return Ok(());
        }
        let Some(folder) = self.open.last() else { return Ok(()) };
        let folder = folder.entries.fd()?;
        let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // Removed since the folder was read: it is left no more.
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if is_folder(&stat) {
            self.found.entries += 1;
            return self.enter(name);
        }
        match self.is_link_file(folder, name, &stat) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        self.found.entries += 1;
        self.found.files += 1;
        self.found.bytes += taken(&stat);
        if self.found.names.len() < self.names {
            let path = self.path_of(Some(name));
            self.found.names.push(path);
        }
        Ok(())
    }

    fn enter(&mut self, name: &CStr) -> std::io::Result<()> {
        let Some(above) = self.open.last() else { return Ok(()) };
        let folder = rustix::fs::openat(above.entries.fd()?, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        let trouble = if rustix::fs::fstat(&folder)?.st_dev != self.device {
            "is on another filesystem, and was not looked into"
        } else if self.open.len() >= DEPTH {
            "is too deep, and was not looked into"
        } else {
            self.open.push(Folder { entries: Dir::new(folder)?, name: name.to_owned() });
            return Ok(());
        };
        self.note(Some(name), trouble);
        Ok(())
    }

    fn is_gluster_s_own(&self, name: &[u8]) -> bool {
        match &self.open[..] {
            [_brick] => name == INNER.as_bytes(),
            [_brick, trash] => trash.name.to_bytes() == TRASH.0 && name == TRASH.1,
            _ => false,
        }
    }

    fn is_link_file(&self, folder: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> std::io::Result<bool> {
        let file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        let mode = stat.st_mode & 0o7777;
        if !file || mode != LINK_MODE || stat.st_size != 0 {
            return Ok(false);
        }
        let marked = has_mark(&proc_path(folder, name), self.link_mark)?;
        if !marked && !self.sees_marks {
            return Err(std::io::Error::new(
                std::io::ErrorKind::PermissionDenied,
                "can't be told from a link file: the agent needs CAP_SYS_ADMIN to see Gluster's marks",
            ));
        }
        Ok(marked)
    }

    fn note(&mut self, name: Option<&CStr>, trouble: &str) {
        match &mut self.found.trouble {
            Some((_, count)) => *count += 1,
            None => {
                let first = format!("{}: {trouble}", self.path_of(name));
                self.found.trouble = Some((first, 1));
            }
        }
    }

    /// The path on the brick of an entry of the innermost folder, or of that itself.
    fn path_of(&self, name: Option<&CStr>) -> String {
        let folders = self.open.iter().skip(1).map(|folder| folder.name.as_c_str());
        let parts: Vec<_> = folders.chain(name).map(CStr::to_string_lossy).collect();
        if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An attribute is asked for by path; this one leads through a folder that is open.
fn proc_path(folder: BorrowedFd<'_>, name: &CStr) -> PathBuf {
    let mut path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    path.push(OsStr::from_bytes(name.to_bytes()));
    path
}

fn has_mark(path: &Path, mark: &str) -> std::io::Result<bool> {
    match rustix::fs::lgetxattr(path, mark, &mut [0; 0][..]) {
        Ok(_) | Err(Errno::RANGE) => Ok(true),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What a file takes, in bytes: of many small ones that is more than their sizes.
fn taken(stat: &Stat) -> u64 {
    let allocated = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
    u64::try_from(stat.st_size).unwrap_or(0).max(allocated)
}

fn is_folder(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

#[cfg(test)]
mod tests;
