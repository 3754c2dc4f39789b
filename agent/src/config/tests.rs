use super::*;

fn read(arguments: &[&str]) -> Result<Config, BadConfig> {
    Config::read(std::iter::once(&"hod-agent").chain(arguments))
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn with_file(text: &str, more: &[&str]) -> Result<Config, BadConfig> {
    let file = file(text);
    let path = file.path().to_str().unwrap();
    let arguments: Vec<_> = ["--config", path].into_iter().chain(more.iter().copied()).collect();
    read(&arguments)
}

#[test]
fn defaults_stay_on_this_host() {
    let config = with_file("", &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:7460");
    assert_eq!(config.metrics_listen.to_string(), "127.0.0.1:7461");
    assert_eq!(config.paces.look, Duration::from_secs(60));
}

#[test]
fn a_command_is_told_beside_the_settings_it_goes_by() {
    let read =
        |words: &str| Config::read_with_command(std::iter::once("hod-agent").chain(words.split_whitespace()));
    let (config, command) = read("--webhook-listen [::1]:7 events enable").unwrap();
    assert_eq!((config.events.unwrap().webhook.port(), command), (7, Some(EventsCommand::Enable)));
    assert_eq!(read("--listen 127.0.0.1:1").unwrap().1, None);
    for words in ["events", "event enable", "events enable http://127.0.0.1/"] {
        assert!(matches!(read(words), Err(BadConfig::CommandLine(_))), "{words}");
    }
}

#[test]
fn events_are_heard_unless_told_not_to() {
    let config = with_file("", &[]).unwrap();
    let webhook = "127.0.0.1:7462".parse().unwrap();
    assert_eq!(config.events, Some(Events { listen: None, webhook }));
    assert_eq!(with_file("events = false", &[]).unwrap().events, None);
    let config = with_file("events = false", &["--events", "--events-listen", "[::1]:5"]).unwrap();
    assert_eq!(config.events.unwrap().listen, Some("[::1]:5".parse().unwrap()));
}

#[test]
fn a_flag_stands_over_the_file() {
    let text = "listen = \"127.0.0.1:1\"\nfollow_every = \"7s\"\nglusterd_dir = \"/g\"\n";
    let config = with_file(text, &["--listen", "127.0.0.1:2"]).unwrap();
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.paces.follow, Duration::from_secs(7));
    assert_eq!(config.glusterd_dir, Path::new("/g"));
}

#[test]
fn what_cannot_be_is_one_clear_line() {
    for (text, arguments, words) in [
        ("listen = \"127.0.0.1:1\"\nspeed = 3\n", &[][..], "line 2: unknown field `speed`"),
        ("listen = \"here\"", &[], "line 1: invalid socket address"),
        ("look_every = \"soon\"", &[], "\"soon\" is no time"),
        ("look_every = \"0s\"", &[], "\"0s\" is no time"),
        ("alive_every = \"11s\"", &[], "alive-every = 11s is too long"),
        ("", &["--listen", "0.0.0.0:7460"], "give --plaintext"),
        ("", &["--events-listen", "0.0.0.0:55555"], "events-listen = 0.0.0.0:55555 reaches beyond"),
        ("webhook_listen = \"192.0.2.1:7462\"", &[], "webhook-listen = 192.0.2.1:7462 reaches beyond"),
        ("", &["--config", "/nowhere/agent.toml"], "cannot be used multiple times"),
    ] {
        let line = with_file(text, arguments).unwrap_err().to_string();
        assert!(line.contains(words), "{line}");
    }
    let line = read(&["--config", "/nowhere/agent.toml"]).unwrap_err();
    assert!(
        line.to_string()
            .starts_with("the configuration file /nowhere/agent.toml can't be read: No such file")
    );
}

#[test]
fn beyond_loopback_only_when_asked_for() {
    for text in ["plaintext = true", "plaintext = false"] {
        let config = with_file(text, &["--plaintext", "--listen", "[::]:7460"]).unwrap();
        assert!(config.listen.ip().is_unspecified());
    }
    assert!(with_file("", &["--plaintext=false", "--listen", "[::]:7460"]).is_err());
}
