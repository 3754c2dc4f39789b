//! Colours by what they mean.

use console::Style;

/// What a piece of text is to say beside its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// Ended well.
    Good,
    /// Under way.
    Live,
    /// Wants to be looked at: waits, is old, is not known.
    Warn,
    /// Went wrong.
    Bad,
    /// Beside the point.
    Faint,
    /// The point.
    Strong,
}

/// The text in its tone's colour, or as it is where no colours are wanted.
#[must_use]
pub fn paint(color: bool, tone: Tone, text: &str) -> String {
    if !color || tone == Tone::Plain || text.is_empty() {
        return text.to_owned();
    }
    let style = Style::new().force_styling(true);
    let style = match tone {
        Tone::Plain => style,
        Tone::Good => style.green(),
        Tone::Live => style.cyan(),
        Tone::Warn => style.yellow(),
        Tone::Bad => style.red(),
        Tone::Faint => style.dim(),
        Tone::Strong => style.bold(),
    };
    style.apply_to(text).to_string()
}

/// Text from elsewhere (names, messages) without what could steer a terminal.
#[must_use]
pub fn tame(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_text_stays_as_it_is() {
        assert_eq!(paint(false, Tone::Bad, "FAILED"), "FAILED");
        assert_eq!(paint(true, Tone::Bad, "FAILED"), "\u{1b}[31mFAILED\u{1b}[0m");
    }

    #[test]
    fn a_name_can_not_steer_the_terminal() {
        assert_eq!(tame("gv0\u{1b}[2J"), "gv0\u{fffd}[2J");
    }
}
