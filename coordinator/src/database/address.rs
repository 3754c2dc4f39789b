//! Reading `--database`.

use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::DatabaseError;

/// A host that is down is given up after so long, and the next one is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The same where there is another to be tried.
const CONNECT_TIMEOUT_OF_SEVERAL: Duration = Duration::from_secs(2);
/// A connection whose host answers nothing is given up after so long …
const SILENT_TIMEOUT: Duration = Duration::from_secs(10);
/// … which is found out, while nothing is sent, by asking after so long, and so often.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(2));
/// What `keepalives_idle` is where it is not said otherwise.
const KEEP_ALIVE_UNSAID: Duration = Duration::from_secs(2 * 60 * 60);

/// Reads an address, and settles what it leaves open:
/// - of several hosts, the one that takes writes is used;
/// - where no `sslmode` says otherwise, what leaves this machine is encrypted and
///   the server's name is checked; what stays on it is plain.
pub(super) fn parse(address: &str) -> Result<Config, DatabaseError> {
    let mut config: Config =
        address.parse().map_err(|e: tokio_postgres::Error| DatabaseError::Address(with_cause(&e)))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(DatabaseError::Address(
            "it names no host; say postgres://USER@HOST/NAME, or host=/FOLDER for a Unix socket".to_owned(),
        ));
    }
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
    if hosts > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if config.get_ssl_mode() == SslMode::Prefer {
        config.ssl_mode(if stays_here(&config) { SslMode::Disable } else { SslMode::Require });
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(if hosts > 1 { CONNECT_TIMEOUT_OF_SEVERAL } else { CONNECT_TIMEOUT });
    }
    if config.get_keepalives_idle() == KEEP_ALIVE_UNSAID && config.get_keepalives_interval().is_none() {
        config.keepalives_idle(KEEP_ALIVE.0).keepalives_interval(KEEP_ALIVE.1).keepalives_retries(3);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENT_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("hod-coordinator");
    }
    Ok(config)
}

fn stays_here(config: &Config) -> bool {
    let local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
    };
    config.get_hosts().iter().all(local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Where a database is, in words; without user and password.
pub(super) fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |n: usize| ports.get(n).or(ports.first()).copied().unwrap_or(5432);
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(n, host)| match host {
            Host::Unix(folder) => folder.display().to_string(),
            Host::Tcp(name) => format!("{name}:{}", port(n)),
        })
        .collect();
    let hosts = if hosts.is_empty() {
        let addresses: Vec<String> = config.get_hostaddrs().iter().map(ToString::to_string).collect();
        addresses.join(", ")
    } else {
        hosts.join(", ")
    };
    match config.get_dbname() {
        Some(name) => format!("{hosts} ({name})"),
        None => hosts,
    }
}

/// An error with its cause: tokio-postgres says only the kind by itself.
pub(super) fn with_cause(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return db.message().to_owned();
    }
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_asked_otherwise() {
        for (address, mode) in [
            ("postgres://hod@localhost/hod", SslMode::Disable),
            ("postgres://hod@127.0.0.1/hod", SslMode::Disable),
            ("host=/run/postgresql user=hod", SslMode::Disable),
            ("postgres://hod@db1/hod", SslMode::Require),
            ("host=localhost,db1 user=hod", SslMode::Require),
            ("postgres://hod@db1/hod?sslmode=disable", SslMode::Disable),
            ("postgres://hod@localhost/hod?sslmode=require", SslMode::Require),
        ] {
            assert_eq!(parse(address).unwrap().get_ssl_mode(), mode, "{address}");
        }
    }

    #[test]
    fn of_several_hosts_the_one_that_takes_writes() {
        let one = parse("postgres://hod@db1/hod").unwrap();
        assert_eq!(one.get_target_session_attrs(), TargetSessionAttrs::Any);
        let two = parse("postgres://hod@db1:5433,db2/hod").unwrap();
        assert_eq!(two.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    }

    #[test]
    fn an_address_that_makes_no_sense_is_refused_in_one_line() {
        for address in ["", "nonsense", "postgres://", "user=hod", "host=a colour=red"] {
            let error = parse(address).unwrap_err();
            assert!(error.is_usage(), "{address}");
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn a_place_names_no_password() {
        let config = parse("postgres://hod:secret@db1:5433,db2:5434/hod").unwrap();
        assert_eq!(place(&config), "db1:5433, db2:5434 (hod)");
    }
}
