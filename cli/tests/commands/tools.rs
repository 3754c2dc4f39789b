//! `hod completions`, `hod man`, and the help.

use crate::run::{command, run};

#[tokio::test]
async fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(command(&["completions", shell])).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("external"), "{shell}");
    }
}

#[tokio::test]
async fn a_man_page_for_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let man = dir.path().join("share/man1");
    let ran = run(command(&["man", man.to_str().unwrap()])).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut pages: Vec<_> = std::fs::read_dir(&man)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    insta::assert_snapshot!(pages.join("\n"));
    let page = std::fs::read_to_string(man.join("hod.1")).unwrap();
    assert!(page.contains("Exit codes"), "{page}");

    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let ran = run(command(&["man", file.to_str().unwrap()])).await;
    assert_eq!(ran.code, 1);
    assert!(ran.complaint().starts_with("can't write the man pages to"), "{ran:?}");
}

#[tokio::test]
async fn the_help_tells_the_exit_codes() {
    let ran = run(command(&["--help"])).await;
    assert_eq!(ran.code, 0);
    insta::assert_snapshot!(ran.out);
    let ran = run(command(&["watch", "--help"])).await;
    assert!(ran.out.contains("watched job ABORTED"), "{ran:?}");
}
