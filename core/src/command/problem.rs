//! What keeps a command from being run.

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A word for scripts, such as `volume-not-started`.
    pub code: &'static str,
    /// The field of the request it is about; empty where it is about none.
    pub field: &'static str,
    /// What is wrong, with what.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

impl Problem {
    /// One thing that is wrong, and what to do about it.
    pub fn new(code: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { code, field: "", message: message.into(), advice: advice.into() }
    }

    /// The field of the request that it is about.
    #[must_use]
    pub fn of(mut self, field: &'static str) -> Self {
        self.field = field;
        self
    }
}
