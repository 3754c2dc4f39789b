//! Keeps the terminal from writing "^C" into the picture: it would push the picture
//! a row down, where it could not be taken off any more.

use std::io::stdin;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// While this lives, control characters are not written out as they are typed.
#[derive(Debug)]
pub struct Quiet {
    before: Option<Termios>,
}

impl Quiet {
    /// Does nothing where standard input is not a terminal.
    #[must_use]
    pub fn new() -> Self {
        let before = tcgetattr(stdin()).ok();
        if let Some(mut quiet) = before.clone() {
            quiet.local_flags.remove(LocalFlags::ECHOCTL);
            // A terminal that can't do this shows a row too many, no more.
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, &quiet);
        }
        Self { before }
    }
}

impl Default for Quiet {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that is gone needs nothing put back.
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, before);
        }
    }
}
