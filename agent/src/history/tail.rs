//! Reads the lines that are added to a file that is rotated now and then.
//!
//! The file is known by its device and inode, not by its name. After a rotation
//! the old one is read on beside the new one, until the next: glusterd writes to
//! it until it is told to open its logs anew.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// How much of a file that is already there is read: about 30,000 commands.
const AT_MOST: u64 = 4 << 20;

/// How much is read at a time. A line that is longer is no command.
const CHUNK: u64 = 256 << 10;

/// Some whole lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The file's inode.
    pub(crate) inode: u64,
    /// Where the piece begins in it.
    pub(crate) offset: u64,
    /// The lines with their ends.
    pub(crate) lines: Vec<u8>,
    /// Whether it was there already when the reading began.
    pub(crate) was_there: bool,
}

/// Reads one file by its name.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    current: Option<Followed>,
    rotated: Option<Followed>,
}

#[derive(Debug)]
struct Followed {
    file: File,
    device: u64,
    inode: u64,
    /// Up to where it has been read.
    offset: u64,
    /// Whether what comes next is the end of a line whose begin was passed over.
    midway: bool,
    was_there: bool,
}

impl Tail {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, current: None, rotated: None }
    }

    /// The lines that were added since the last time.
    ///
    /// # Errors
    /// If the file is there and can't be read. A file that is not there has no lines.
    pub(crate) fn read(&mut self) -> io::Result<Vec<Piece>> {
        match File::open(&self.path) {
            Ok(file) => self.turn_to(file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut pieces = Vec::new();
        for file in [&mut self.rotated, &mut self.current].into_iter().flatten() {
            file.read(&mut pieces)?;
        }
        Ok(pieces)
    }

    /// Takes the file that has the name now, if it is another one.
    fn turn_to(&mut self, file: File) -> io::Result<()> {
        let meta = file.metadata()?;
        let (device, inode) = (meta.dev(), meta.ino());
        let was_there = match &self.current {
            Some(now) if (now.device, now.inode) == (device, inode) => return Ok(()),
            before => before.is_none(),
        };
        let offset = match was_there {
            true => meta.len().saturating_sub(AT_MOST),
            false => 0,
        };
        self.rotated =
            self.current.replace(Followed { file, device, inode, offset, midway: offset > 0, was_there });
        Ok(())
    }
}

impl Followed {
    fn read(&mut self, pieces: &mut Vec<Piece>) -> io::Result<()> {
        if self.file.metadata()?.len() < self.offset {
            // Cut short in place: what is in it now is new.
            (self.offset, self.midway) = (0, false);
        }
        loop {
            self.file.seek(SeekFrom::Start(self.offset))?;
            let mut lines = Vec::new();
            (&self.file).take(CHUNK).read_to_end(&mut lines)?;
            match lines.iter().rposition(|b| *b == b'\n') {
                Some(end) => lines.truncate(end + 1),
                // A line that is still being written, or no line at all.
                None if (lines.len() as u64) < CHUNK => break,
                None => {
                    self.offset += CHUNK;
                    self.midway = true;
                    continue;
                }
            }
            let begin = match std::mem::take(&mut self.midway) {
                true => lines.iter().position(|b| *b == b'\n').map_or(0, |n| n + 1),
                false => 0,
            };
            let offset = self.offset + begin as u64;
            self.offset += lines.len() as u64;
            lines.drain(..begin);
            if !lines.is_empty() {
                pieces.push(Piece { inode: self.inode, offset, lines, was_there: self.was_there });
            }
        }
        self.was_there = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    struct Log {
        folder: tempfile::TempDir,
        tail: Tail,
    }

    impl Log {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let tail = Tail::new(folder.path().join("log"));
            Self { folder, tail }
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(self.folder.path().join(name))
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
        }

        fn read(&mut self) -> Vec<(u64, String, bool)> {
            let text = |lines| String::from_utf8(lines).unwrap();
            let pieces = self.tail.read().unwrap();
            pieces.into_iter().map(|p| (p.offset, text(p.lines), p.was_there)).collect()
        }
    }

    fn piece(offset: u64, text: &str, was_there: bool) -> (u64, String, bool) {
        (offset, text.to_owned(), was_there)
    }

    #[test]
    fn tells_what_was_there_from_what_comes() {
        let mut log = Log::new();
        assert_eq!(log.read(), []);
        log.write("log", "one\ntwo\nthr");
        assert_eq!(log.read(), [piece(0, "one\ntwo\n", true)]);
        assert_eq!(log.read(), []);
        log.write("log", "ee\n");
        assert_eq!(log.read(), [piece(8, "three\n", false)]);
    }

    #[test]
    fn loses_nothing_in_a_rotation() {
        let mut log = Log::new();
        log.write("log", "one\n");
        assert_eq!(log.read().len(), 1);
        log.write("log", "two\n");
        std::fs::rename(log.folder.path().join("log"), log.folder.path().join("log.1")).unwrap();
        log.write("log", "four\n");
        assert_eq!(log.read(), [piece(4, "two\n", false), piece(0, "four\n", false)]);
        // glusterd has not opened the new file yet.
        log.write("log.1", "three\n");
        assert_eq!(log.read(), [piece(8, "three\n", false)]);
    }

    #[test]
    fn a_file_cut_short_begins_anew() {
        let mut log = Log::new();
        log.write("log", "one\ntwo\n");
        assert_eq!(log.read().len(), 1);
        std::fs::write(log.folder.path().join("log"), "tri\n").unwrap();
        assert_eq!(log.read(), [piece(0, "tri\n", false)]);
    }

    #[test]
    fn a_line_without_end_costs_bounded_memory_and_spoils_no_other() {
        let mut log = Log::new();
        let chunk = usize::try_from(CHUNK).unwrap();
        log.write("log", &"x".repeat(chunk + 1));
        assert_eq!(log.read(), []);
        log.write("log", "yyy\nnext\n");
        assert_eq!(log.read(), [piece(CHUNK + 5, "next\n", false)]);
    }

    #[test]
    fn of_a_long_file_the_end_is_read() {
        let mut log = Log::new();
        let line = format!("{}\n", "x".repeat(1023));
        log.write("log", &line.repeat(5 << 10));
        let pieces = log.read();
        let length: usize = pieces.iter().map(|(_, text, _)| text.len()).sum();
        assert_eq!(length, (4 << 20) - 1024);
        assert_eq!(pieces[0].0, (1 << 20) + 1024);
    }
}
