//! Writes XML as Gluster's command line does: two spaces a level, empty elements
//! closed at once, no entities but the five.

#![expect(
    clippy::needless_pass_by_value,
    reason = "numbers, ids and texts alike are put in without a borrow's sign"
)]

use std::fmt::Write as _;

/// An element with its attributes, its text and its children.
#[derive(Clone, Debug)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// An element that holds others.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), text: String::new(), children: Vec::new() }
    }

    /// An element that holds a text.
    #[must_use]
    pub fn text(name: &'static str, text: impl ToString) -> Self {
        Self { text: text.to_string(), ..Self::new(name) }
    }

    /// With an attribute.
    #[must_use]
    pub fn attribute(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// With another child.
    #[must_use]
    pub fn with(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }

    /// With another child that holds a text.
    #[must_use]
    pub fn with_text(self, name: &'static str, text: impl ToString) -> Self {
        self.with(Self::text(name, text))
    }

    /// With more children.
    #[must_use]
    pub fn with_all(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children);
        self
    }

    /// The whole document.
    #[must_use]
    pub fn document(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n");
        self.write(&mut out, 0);
        out.push('\n');
        out
    }

    /// Children of an element that begins with text stay on its line, as libxml
    /// does (a volume's bricks).
    fn write(&self, out: &mut String, level: usize) {
        let _ = write!(out, "<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", escaped(value));
        }
        if self.text.is_empty() && self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        out.push_str(&escaped(&self.text));
        let inline = !self.text.is_empty();
        for child in &self.children {
            if !inline {
                let _ = write!(out, "\n{:1$}", "", 2 * (level + 1));
            }
            child.write(out, level + 1);
        }
        if !inline {
            let _ = write!(out, "\n{:1$}", "", 2 * level);
        }
        let _ = write!(out, "</{}>", self.name);
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
