//! Where output goes: to standard output, as text or as JSON.

use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Look;
use crate::text::table::wrapped;

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Standard output, and how it is written to.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Whether answers go out as JSON.
    pub json: bool,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    color: bool,
}

impl Screen {
    /// What standard output is now.
    #[must_use]
    pub fn new(json: bool, color: Color) -> Self {
        let terminal = io::stdout().is_terminal();
        // no-color.org: set, to anything but nothing.
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            json,
            terminal,
            color: match color {
                Color::Auto => terminal && !no_color && !dumb,
                Color::Always => true,
                Color::Never => false,
            },
        }
    }

    /// What to render for, at the coordinator's time.
    #[must_use]
    pub fn look(&self, now: Timestamp) -> Look {
        Look { now, width: self.size().map(|(_, columns)| columns), color: self.color }
    }

    /// The terminal's rows and columns. `None`: not a terminal.
    #[must_use]
    pub fn size(&self) -> Option<(usize, usize)> {
        let (rows, columns) = console::Term::stdout().size_checked()?;
        (self.terminal && columns > 0).then_some((rows.into(), columns.into()))
    }

    /// Writes text that ends its lines itself.
    ///
    /// # Errors
    /// Standard output can't be written to.
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| unwritable(&error))
    }

    /// Writes one JSON object, laid out to be read.
    ///
    /// # Errors
    /// As [`Screen::text`].
    pub fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.text(&encoded(serde_json::to_string_pretty(value))?)
    }

    /// Writes one JSON object on one line, of a stream of them.
    ///
    /// # Errors
    /// As [`Screen::text`].
    pub fn json_line(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.text(&encoded(serde_json::to_string(value))?)
    }
}

/// Says on standard error what went wrong; a terminal that is narrower gets it
/// wrapped. A failure without words is none to be told of.
pub fn complain(failure: &Failure) {
    const INDENT: &str = "     ";
    let text = failure.to_string();
    if text.is_empty() {
        return;
    }
    let stderr = console::Term::stderr();
    let width = stderr.size_checked().filter(|_| stderr.is_term()).map(|(_, columns)| columns.into());
    let text = format!("hod: {text}");
    match width {
        Some(_) => eprintln!("{}", wrapped(&text, width, INDENT)),
        None => eprintln!("{}", text.replace('\n', &format!("\n{INDENT}"))),
    }
}

fn encoded(json: serde_json::Result<String>) -> Result<String, Failure> {
    match json {
        Ok(json) => Ok(json + "\n"),
        Err(error) => Err(Failure::new(Exit::Trouble, format!("can't write the answer as JSON: {error}"))),
    }
}

/// Nobody reads any more (`hod jobs | head`): that is no failure, but it is the end.
fn unwritable(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Failure::new(Exit::Ok, "")
    } else {
        Failure::new(Exit::Trouble, format!("can't write to standard output: {error}"))
    }
}
