//! What a call answers, and the shapes that all answers share.

use super::xml::Element;

/// An answer, when it comes and what the host's history will say.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status.
    pub code: i32,
    /// How long the operation takes, in milliseconds.
    pub takes: u64,
    /// A line each in the history: "SUCCESS" or "FAILED : why".
    pub history: Vec<String>,
}

/// Gluster's number for "something was refused".
pub const REFUSED: i32 = 30800;
/// Gluster's number for "another transaction is in progress".
pub const ANOTHER_TRANSACTION: i32 = 30802;

/// A refusal: its number and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `opErrno`
    pub errno: i32,
    /// `opErrstr`
    pub text: String,
}

impl Refusal {
    /// Refused with these words.
    #[must_use]
    pub fn of(text: impl Into<String>) -> Self {
        Self { errno: REFUSED, text: text.into() }
    }

    /// "Another transaction is in progress", with the volume's name or without
    /// (fixtures 61 and 60).
    #[must_use]
    pub fn another_transaction(volume: Option<&str>) -> Self {
        let of = volume.map_or(String::new(), |v| format!(" for {v}"));
        Self {
            errno: ANOTHER_TRANSACTION,
            text: format!("Another transaction is in progress{of}. Please try again after some time."),
        }
    }
}

impl Answer {
    /// Words on standard output.
    #[must_use]
    pub fn text(text: impl Into<String>, code: i32) -> Self {
        Self { stdout: text.into(), stderr: String::new(), code, takes: 0, history: Vec::new() }
    }

    /// A document, exit status 0, and success in the history.
    #[must_use]
    pub fn success(document: &Element) -> Self {
        Self::text(document.document(), 0).and_history("SUCCESS")
    }

    /// A refusal in the shape that ends with these elements.
    #[must_use]
    pub fn refusal(refusal: &Refusal, rest: impl IntoIterator<Item = Element>, code: i32) -> Self {
        let document = head(-1, refusal.errno, &refusal.text).with_all(rest);
        Self::text(document.document(), code).and_history(format!("FAILED : {}", refusal.text))
    }

    /// With another line in the history.
    #[must_use]
    pub fn and_history(mut self, outcome: impl Into<String>) -> Self {
        self.history.push(outcome.into());
        self
    }

    /// Without a line in the history: Gluster logs no such call.
    #[must_use]
    pub fn unlogged(mut self) -> Self {
        self.history.clear();
        self
    }

    /// An operation that takes a while.
    #[must_use]
    pub fn after(mut self, milliseconds: u64) -> Self {
        self.takes = milliseconds;
        self
    }
}

/// The beginning of a document.
#[must_use]
pub fn head(ret: i32, errno: i32, text: &str) -> Element {
    Element::new("cliOutput").with_text("opRet", ret).with_text("opErrno", errno).with_text("opErrstr", text)
}

/// The beginning of a document that tells of success.
#[must_use]
pub fn ok() -> Element {
    head(0, 0, "")
}

/// The end of a refusal of `volume status` and `volume rebalance … status|stop`.
#[must_use]
pub fn repeated(op: &'static str, text: &str) -> [Element; 2] {
    [Element::text("cliOp", op), Element::text("output", text)]
}
