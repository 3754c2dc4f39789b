use std::time::Duration;

use clap::Parser as _;

use super::{CommandLine, Config, ConfigError, Given, Period};

#[test]
fn flags_win_over_the_file_and_the_file_over_the_defaults() {
    let line = CommandLine::parse_from(["hod-coordinator", "--silent-after", "20s", "--plaintext"]);
    let file = Given::from_toml(
        "silent-after = \"30s\"\nkeep-ended = \"7d\"\nlisten = \"0.0.0.0:1\"\nplaintext = false",
    )
    .unwrap();
    let config = Config::from(line.given.or(file));
    assert_eq!(config.silent_after, Duration::from_secs(20));
    assert_eq!(config.keep_ended, Duration::from_secs(7 * 24 * 3600));
    assert_eq!(config.listen.to_string(), "0.0.0.0:1");
    assert_eq!(config.web_listen.to_string(), "127.0.0.1:7471");
    assert!(config.plaintext);
    assert!(config.check().is_ok());
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let wrong = Given::from_toml("listen = \"127.0.0.1:1\"\nlissten = \"127.0.0.1:1\"").unwrap_err();
    assert!(wrong.starts_with("line 2: unknown field `lissten`"), "{wrong}");
    assert!(!wrong.contains('\n'), "{wrong}");
}

#[test]
fn plain_text_beyond_loopback_wants_to_be_asked_for() {
    let given = Given { web_listen: "0.0.0.0:0".parse().ok(), ..Given::default() };
    let refused = Config::from(given.clone()).check().unwrap_err();
    assert!(matches!(refused, ConfigError::Plaintext { flag: "--web-listen", .. }), "{refused}");
    let asked = Given { plaintext: Some(true), ..given };
    assert!(Config::from(asked).check().is_ok());
}

#[test]
fn periods_are_read_and_nonsense_is_not() {
    for (text, seconds) in [("15s", 15), ("10m", 600), ("90d", 7_776_000), ("1m 30s", 90)] {
        assert_eq!(text.parse(), Ok(Period(Duration::from_secs(seconds))), "{text}");
    }
    for text in ["", "15", "0s", "-5s", "soon", "1 month"] {
        assert!(text.parse::<Period>().is_err(), "{text}");
    }
}
