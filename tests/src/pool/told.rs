//! What Gluster itself printed of a task, read apart from the agent's reader, so that the two
//! can be held against each other.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

/// One host's part as Gluster printed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Files moved
    pub files: u64,
    /// Bytes moved
    pub bytes: u64,
    /// Files looked at
    pub scanned: u64,
    /// Files that could not be moved
    pub failed: u64,
    /// Files passed over
    pub skipped: u64,
    /// In Gluster's words, such as "completed"
    pub status: String,
}

/// The parts of a `volume rebalance … status --xml`, of a `remove-brick … status --xml`, or of
/// the reply to a `stop`, by the host's UUID.
pub fn parts(xml: &str) -> Result<BTreeMap<String, Part>> {
    xml.split("<node>")
        .skip(1)
        .map(|rest| {
            let node = rest.split("</node>").next().unwrap_or_default();
            let number = |tag| -> Result<u64> { Ok(text(node, tag)?.parse()?) };
            let part = Part {
                files: number("files")?,
                bytes: number("size")?,
                scanned: number("lookups")?,
                failed: number("failures")?,
                skipped: number("skipped")?,
                status: text(node, "statusStr")?.to_owned(),
            };
            Ok((text(node, "id")?.to_owned(), part))
        })
        .collect()
}

/// The id of the task that this answer of Gluster's says was started.
pub fn task_id(xml: &str) -> Result<&str> {
    text(xml, "task-id")
}

/// The answer, if it is not a refusal.
pub fn accepted(xml: String) -> Result<String> {
    ensure!(xml.contains("<opRet>0</opRet>"), "Gluster refused: {xml}");
    Ok(xml)
}

fn text<'a>(xml: &'a str, tag: &str) -> Result<&'a str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    xml.split_once(open.as_str())
        .and_then(|(_, rest)| rest.split_once(close.as_str()))
        .map(|(text, _)| text)
        .with_context(|| format!("no {open} in {xml}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_of_a_status_is_read() {
        let xml = "<cliOutput><opRet>0</opRet><node><nodeName>a</nodeName><id>u1</id>\
            <files>7</files><size>12</size><lookups>30</lookups><failures>1</failures>\
            <skipped>2</skipped><status>3</status><statusStr>completed</statusStr></node>\
            <aggregate><files>7</files></aggregate></cliOutput>";
        let part =
            Part { files: 7, bytes: 12, scanned: 30, failed: 1, skipped: 2, status: "completed".into() };
        assert_eq!(parts(xml).unwrap(), BTreeMap::from([("u1".to_owned(), part)]));
        assert!(parts("<node><files>7</files></node>").is_err());
    }
}
