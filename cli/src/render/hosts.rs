//! `hod hosts`.

use hod_proto::coordinator::v1::{Host, HostState};

use crate::text::Look;
use crate::text::age::{ago, time};
use crate::text::table::{Fit, Table, cell};
use crate::text::words::{UNKNOWN, host_state};

use super::{NOT_TOLD, attention, several};

/// The table of hosts, and below it why those that do not answer don't.
#[must_use]
pub fn table(hosts: &[Host], look: &Look) -> String {
    if hosts.is_empty() {
        return "No hosts.\n".to_owned();
    }
    let pools = several(hosts.iter().map(|host| host.pool.as_str()));
    let mut table = Table::new()
        .column("HOST", Fit::Cut)
        .column("POOL", Fit::Cut)
        .column("STATE", Fit::Whole)
        .column("SINCE", Fit::Whole)
        .column("GLUSTER", Fit::Whole)
        .column("AGENT", Fit::Cut)
        .column("VERSION", Fit::Whole);
    for host in hosts {
        let mark = if host.makes_locked_calls { " *" } else { "" };
        table.row([
            cell(format!("{}{mark}", name(host))),
            cell(if pools { host.pool.as_str() } else { "" }),
            host_state(host.state()).into(),
            cell(time(host.since.as_ref()).map_or_else(|| NOT_TOLD.to_owned(), |since| ago(since, look.now))),
            cell(or_unknown(&host.gluster_version)),
            cell(&host.agent),
            cell(or_unknown(&host.agent_version)),
        ]);
    }
    let mut text = table.render(look);
    if hosts.iter().any(|host| host.makes_locked_calls) {
        text.push_str("* makes the calls that take locks\n");
    }
    for host in hosts {
        let answers = matches!(host.state(), HostState::Answering);
        if !answers && !host.state_message.is_empty() {
            let line = format!("{}: {}", name(host), host.state_message);
            text.push_str(&attention::warning(&line, look));
        }
    }
    text
}

/// The name hod shows: the first one, or the id while no name is known.
fn name(host: &Host) -> &str {
    host.names.first().unwrap_or(&host.host_id)
}

fn or_unknown(version: &str) -> &str {
    if version.is_empty() { UNKNOWN } else { version }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{host, look};

    #[test]
    fn hosts_in_every_state() {
        let mut asks = host("node-a", HostState::Answering);
        asks.makes_locked_calls = true;
        let mut new = host("node-f.storage.a-long-domain.example.com", HostState::Refused);
        new.gluster_version.clear();
        new.agent_version.clear();
        let hosts = [
            asks,
            host("node-b", HostState::GlusterdDown),
            host("node-c", HostState::Silent),
            host("node-d", HostState::Left),
            host("ノード-e", HostState::Unspecified),
            new,
        ];
        insta::assert_snapshot!(table(&hosts, &look()));
    }

    #[test]
    fn hosts_of_two_pools() {
        let mut other = host("node-b", HostState::Answering);
        other.pool = "lab".to_owned();
        let hosts = [host("node-a", HostState::Answering), other];
        insta::assert_snapshot!(table(&hosts, &look()));
    }
}
