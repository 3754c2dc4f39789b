//! "waiting for node-c" with how long node-c has been silent: words of the
//! coordinator's that stay, and a length that grows while they are looked at.

use hod_proto::coordinator::v1::{Job, Task};

use crate::text::Look;

use super::parts::{name, silence};

/// A host that does not answer, and "silent 2 min".
pub type Silent = (String, String);

/// The hosts of a task that do not answer now.
#[must_use]
pub fn of_task(task: &Task, look: &Look) -> Vec<Silent> {
    let silent = task.parts.iter().filter_map(|part| Some((name(part), silence(part, look)?)));
    silent.collect()
}

/// The hosts of a job's tasks that do not answer now.
#[must_use]
pub fn of_job(job: &Job, look: &Look) -> Vec<Silent> {
    let tasks = job.steps.iter().filter_map(|step| step.task.as_ref());
    tasks.flat_map(|task| of_task(task, look)).collect()
}

/// The text with " (silent 2 min)" behind each such host's first mention. A text
/// that tells of silence itself stays as it is.
#[must_use]
pub fn told(text: &str, silent: &[Silent]) -> String {
    if text.contains("silent") {
        return text.to_owned();
    }
    let mut text = text.to_owned();
    for (host, how_long) in silent {
        if let Some(end) = mention(&text, host) {
            text.insert_str(end, &format!(" ({how_long})"));
        }
    }
    text
}

/// Where the first mention of a name ends: of the name itself, not of one that has
/// it in it.
fn mention(text: &str, name: &str) -> Option<usize> {
    if name.is_empty() {
        return None;
    }
    let of_a_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let goes_on = |rest: &str| {
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        rest.starts_with(of_a_name)
    };
    text.match_indices(name)
        .map(|(begin, _)| (begin, begin + name.len()))
        .find(|&(begin, end)| {
            let before = text[..begin].chars().next_back();
            !goes_on(&text[end..]) && !before.is_some_and(|c| of_a_name(c) || c == '.')
        })
        .map(|(_, end)| end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent() -> Vec<Silent> {
        [("node-1", "silent 2 min"), ("10.0.0.1", "silent 9 s")]
            .map(|(host, how_long)| (host.to_owned(), how_long.to_owned()))
            .to_vec()
    }

    #[test]
    fn a_silent_host_is_told_with_its_silence() {
        for (text, wanted) in [
            ("waiting for node-1: bring it back", "waiting for node-1 (silent 2 min): bring it back"),
            ("waiting for 10.0.0.1, node-1.", "waiting for 10.0.0.1 (silent 9 s), node-1 (silent 2 min)."),
            ("waiting for node-10 and node-1.lab", "waiting for node-10 and node-1.lab"),
            ("waiting for a-node-1 and 110.0.0.1", "waiting for a-node-1 and 110.0.0.1"),
            ("node-1 is silent", "node-1 is silent"),
            ("", ""),
        ] {
            assert_eq!(told(text, &silent()), wanted);
        }
    }
}
