//! From what an operator types, the first characters of an id, to the whole id.

use hod_proto::coordinator::v1::{ListJobsRequest, ListTasksRequest};

use crate::client::Client;
use crate::command::jobs;
use crate::exit::Exit;
use crate::failure::Failure;

/// How long a UUID is, written out.
const WHOLE: usize = 36;

/// The id of the one job whose id begins so.
///
/// # Errors
/// None does, several do, or it can't begin an id.
pub async fn job(client: &Client, text: &str) -> Result<String, Failure> {
    let text = beginning("job", text)?;
    if text.len() == WHOLE {
        return Ok(text);
    }
    let (all, _) = jobs::pages(client, ListJobsRequest::default(), None).await?;
    let ids = all.into_iter().map(|job| (job.job_id, job.description));
    only("job", "hod jobs --all", &text, ids)
}

/// The id of the one task whose id begins so.
///
/// # Errors
/// As [`job`].
pub async fn task(client: &Client, text: &str) -> Result<String, Failure> {
    let text = beginning("task", text)?;
    if text.len() == WHOLE {
        return Ok(text);
    }
    let request = client.request(ListTasksRequest::default());
    let told = client.tasks().list_tasks(request).await;
    let told = told.map_err(|status| Failure::refused("list tasks", &status))?;
    let ids = told.into_inner().tasks.into_iter();
    let ids = ids.map(|task| (task.task_id, format!("on {}", task.volume_name)));
    only("task", "hod tasks", &text, ids)
}

fn beginning(what: &str, text: &str) -> Result<String, Failure> {
    let text = text.to_ascii_lowercase();
    let possible = text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if text.is_empty() || text.len() > WHOLE || !possible {
        return Err(Failure::usage(format!(
            "{text:?} is no {what}'s id: give its first characters, of 0-9, a-f and -"
        )));
    }
    Ok(text)
}

fn only(
    what: &str,
    list: &str,
    text: &str,
    ids: impl Iterator<Item = (String, String)>,
) -> Result<String, Failure> {
    let mut matching: Vec<_> = ids.filter(|(id, _)| id.starts_with(text)).collect();
    matching.sort();
    matching.dedup_by(|a, b| a.0 == b.0);
    match matching.as_slice() {
        [] => Err(Failure::new(
            Exit::NotFound,
            format!("no {what}'s id begins with {text} (`{list}` shows them)"),
        )),
        [(id, _)] => Ok(id.clone()),
        several => {
            const SHOWN: usize = 4;
            let mut named: Vec<_> =
                several.iter().take(SHOWN).map(|(id, description)| format!("{id} {description}")).collect();
            if several.len() > SHOWN {
                named.push("…".to_owned());
            }
            Err(Failure::usage(format!(
                "{text} begins the ids of {} {what}s: {}; give more characters",
                several.len(),
                named.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Result<String, Failure> {
        let ids = ["1a2b-1", "1a2b-2", "9f-3"].map(|id| (id.to_owned(), format!("job {id}")));
        only("job", "hod jobs --all", text, ids.into_iter())
    }

    #[test]
    fn a_beginning_finds_the_only_one() {
        assert_eq!(find("9").unwrap(), "9f-3");
        assert_eq!(find("1a2b-2").unwrap(), "1a2b-2");
    }

    #[test]
    fn none_and_several_are_told_apart() {
        let none = find("77").unwrap_err();
        assert_eq!(none.exit, Exit::NotFound);
        let several = find("1a").unwrap_err();
        assert_eq!(several.exit, Exit::Usage);
        assert!(several.to_string().contains("1a2b-1 job 1a2b-1"), "{several}");
    }

    #[test]
    fn what_begins_no_id_is_refused() {
        assert_eq!(beginning("job", "1A2B").unwrap(), "1a2b");
        for text in ["", "gv0", "../x", &"a".repeat(37)] {
            assert_eq!(beginning("job", text).unwrap_err().exit, Exit::Usage);
        }
    }
}
