use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// A brick of some hundred files, as Gluster would leave it.
fn brick() -> tempfile::TempDir {
    let brick = tempfile::tempdir().unwrap();
    for folder in [".glusterfs/00/01", ".trashcan/internal_op", "a/b", "empty"] {
        fs::create_dir_all(brick.path().join(folder)).unwrap();
    }
    for file in [".glusterfs/00/01/gfid", ".trashcan/internal_op/old"] {
        fs::write(brick.path().join(file), "not left").unwrap();
    }
    brick
}

fn search(brick: &Path, names: usize) -> Found {
    let mut search = Search::begin(brick, names).unwrap();
    assert!(!search.look_on(LONG));
    search.found().clone()
}

/// A file like a link file, marked or not, if this filesystem knows the mark.
fn link_file(path: &Path, mark: Option<&str>) -> Result<(), Errno> {
    fs::write(path, "").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(LINK_MODE)).unwrap();
    mark.map_or(Ok(()), |mark| {
        rustix::fs::setxattr(path, mark, b"dist-client-1", rustix::fs::XattrFlags::empty())
    })
}

#[test]
fn a_brick_with_gluster_s_own_files_only_is_clean() {
    let brick = brick();
    let found = search(brick.path(), 20);
    // .trashcan, a, a/b, empty.
    assert_eq!(found, Found { entries: 4, ..Found::default() });
    assert_eq!(found.trouble(), None);
}

#[test]
fn every_file_is_found_and_the_first_are_named() {
    let brick = brick();
    fs::write(brick.path().join("a/b/one"), "12345").unwrap();
    fs::write(brick.path().join("a/.glusterfs"), "a user's own").unwrap();
    fs::write(brick.path().join(".trashcan/a user's own"), "").unwrap();
    fs::create_dir(brick.path().join("a/internal_op")).unwrap();
    fs::write(brick.path().join("a/internal_op/two"), "").unwrap();
    symlink("/", brick.path().join("link")).unwrap();
    nix::unistd::mkfifo(&brick.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let found = search(brick.path(), 100);
    let mut names = found.names.clone();
    names.sort();
    assert_eq!(
        names,
        [".trashcan/a user's own", "a/.glusterfs", "a/b/one", "a/internal_op/two", "link", "pipe"]
    );
    assert_eq!((found.files, found.entries), (6, 4 + 1 + 6));
    // Their sizes at least, and no more than the blocks that files so small can have.
    let sizes = 5 + 12 + 1;
    assert!((sizes..=sizes + 6 * (64 << 10)).contains(&found.bytes), "{}", found.bytes);
    assert_eq!(search(brick.path(), 2).names.len(), 2);
    assert_eq!(search(brick.path(), 2).files, 6);
}

#[test]
fn a_link_file_is_one_by_mode_size_and_mark() {
    let brick = brick();
    let path = |name: &str| brick.path().join(name);
    // The real mark is a trusted attribute, which takes a privilege to set.
    let mark = [LINK_MARK, "user.hod.linkto"]
        .into_iter()
        .find(|mark| link_file(&path("link"), Some(mark)).is_ok())
        .expect("no extended attributes on the filesystem of the temporary folder");
    link_file(&path("unmarked"), None).unwrap();
    link_file(&path("full"), Some(mark)).unwrap();
    fs::write(path("full"), "being moved").unwrap();
    link_file(&path("readable"), Some(mark)).unwrap();
    fs::set_permissions(path("readable"), fs::Permissions::from_mode(0o1600)).unwrap();
    let begin =
        |sees_marks| Search { link_mark: mark, sees_marks, ..Search::begin(brick.path(), 20).unwrap() };
    let mut search = begin(true);
    assert!(!search.look_on(LONG));
    let mut names = search.found().names.clone();
    names.sort();
    assert_eq!(names, ["full", "readable", "unmarked"]);
    assert_eq!(search.found().trouble(), None);

    // Where no mark can be seen, what may be a link file is neither that nor a file.
    let mut search = begin(false);
    assert!(!search.look_on(LONG));
    assert_eq!(search.found().files, 2);
    let trouble = search.found().trouble().unwrap();
    assert!(trouble.starts_with("unmarked: can't be told from a link file"), "{trouble}");
}

#[test]
fn what_is_too_deep_or_on_another_filesystem_is_told() {
    let brick = brick();
    let mut deep = brick.path().join("deep");
    for _ in 0..DEPTH + 3 {
        fs::create_dir(&deep).unwrap();
        deep.push("d");
    }
    let found = search(brick.path(), 20);
    let trouble = found.trouble().unwrap();
    assert!(trouble.starts_with("deep/d/d/d") && trouble.ends_with("is too deep, and was not looked into"));
    assert_eq!(found.files, 0);

    // What is mounted on a brick can't be made in a test without privileges; a search
    // that takes the brick for another filesystem looks into none of its folders.
    let mut search = Search::begin(brick.path(), 20).unwrap();
    search.device += 1;
    assert!(!search.look_on(LONG));
    let trouble = search.found().trouble().unwrap();
    assert!(trouble.contains("is on another filesystem"), "{trouble}");
    assert!(trouble.ends_with("and 3 more that could not be looked at"), "{trouble}");
}

#[test]
fn a_folder_that_is_no_brick_is_no_clean_brick() {
    let folder = tempfile::tempdir().unwrap();
    let error = Search::begin(folder.path(), 20).err().unwrap().to_string();
    assert!(error.contains("not mounted"), "{error}");
    let error = Search::begin(&folder.path().join("gone"), 20).err().unwrap().to_string();
    assert!(error.contains("No such file"), "{error}");
}

#[test]
fn a_search_goes_on_where_it_was() {
    let brick = brick();
    let files = u64::from(ENTRIES_A_LOOK) * 4;
    for n in 0..files {
        fs::write(brick.path().join(format!("a/{n}")), "").unwrap();
    }
    let mut search = Search::begin(brick.path(), 0).unwrap();
    let mut looks = 1;
    while search.look_on(Duration::ZERO) {
        assert!(search.found().files < files);
        looks += 1;
    }
    assert!(looks >= 4, "{looks}");
    assert_eq!(search.found().files, files);
    assert!(!search.look_on(Duration::ZERO));
}

#[test]
fn a_folder_that_goes_away_meanwhile_is_told_and_a_file_is_not() {
    let brick = brick();
    fs::write(brick.path().join("a/file"), "").unwrap();
    let mut search = Search::begin(brick.path(), 20).unwrap();
    // As if they had been read before they went away.
    search.look_at(c"gone").unwrap();
    assert_eq!(search.found().files, 0);
    assert!(search.enter(c"gone").is_err());
    fs::remove_dir_all(brick.path().join("empty")).unwrap();
    symlink("a", brick.path().join("empty")).unwrap();
    assert!(search.enter(c"empty").is_err(), "a link was followed");
}
