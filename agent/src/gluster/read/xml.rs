//! A cursor over XML: the children of the element it stands in, one after another.
//!
//! It reads what Gluster writes and no more of XML than that. It never goes deeper
//! than the reader that uses it.

use std::borrow::Cow;
use std::str::FromStr;

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::{Unreadable, value};

pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
}

/// An element that was just entered.
pub(super) struct Tag<'a>(BytesStart<'a>);

impl Tag<'_> {
    pub(super) fn name(&self) -> &str {
        self.0.name().into_inner()
    }

    pub(super) fn attribute(&self, name: &str) -> Result<Option<Cow<'_, str>>, Unreadable> {
        match self.0.try_get_attribute(name) {
            Ok(Some(attribute)) => Ok(Some(attribute.value)),
            Ok(None) => Ok(None),
            Err(e) => Err(Unreadable::new(format!("an attribute is broken: {e}"))),
        }
    }
}

/// What stands next in an element.
pub(super) enum Item<'a> {
    Element(Tag<'a>),
    Text(Cow<'a, str>),
}

impl<'a> Xml<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader }
    }

    /// What stands next in the element; `None` at its end. An element that was
    /// returned is to be read, or skipped, before the next call.
    pub(super) fn next(&mut self) -> Result<Option<Item<'a>>, Unreadable> {
        loop {
            let event = self.reader.read_event().map_err(|e| {
                Unreadable::new(format!("its XML is broken at byte {}: {e}", self.reader.error_position()))
            })?;
            return Ok(Some(match event {
                Event::Start(tag) => Item::Element(Tag(tag)),
                Event::Text(text) => Item::Text(text.into_inner()),
                Event::CData(text) => Item::Text(text.into_inner()),
                Event::GeneralRef(entity) => Item::Text(Cow::Owned(resolve(&entity)?)),
                Event::End(_) => return Ok(None),
                Event::Eof => return Err(Unreadable::new("it ends in the middle")),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => continue,
                Event::Empty(_) => {
                    return Err(Unreadable::new("an element is neither open nor closed"));
                }
            }));
        }
    }

    /// Calls `read` for each child, which is to read it to its end.
    pub(super) fn children(
        &mut self,
        mut read: impl FnMut(&mut Self, &Tag<'a>) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        while let Some(item) = self.next()? {
            if let Item::Element(tag) = item {
                read(self, &tag)?;
            }
        }
        Ok(())
    }

    /// Reads the element to its end and returns its own text, trimmed.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, Unreadable> {
        let mut whole = Cow::Borrowed("");
        while let Some(item) = self.next()? {
            match item {
                Item::Element(tag) => self.skip(&tag)?,
                Item::Text(part) if whole.is_empty() => whole = part,
                Item::Text(part) => whole.to_mut().push_str(&part),
            }
        }
        Ok(match whole {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        })
    }

    /// Reads the element to its end as a value of a kind.
    pub(super) fn value<T: FromStr>(&mut self, tag: &Tag<'_>) -> Result<T, Unreadable> {
        value(&self.text()?, &format!("<{}>", tag.name()))
    }

    /// Passes over the element.
    pub(super) fn skip(&mut self, tag: &Tag<'_>) -> Result<(), Unreadable> {
        self.reader
            .read_to_end(tag.0.name())
            .map(drop)
            .map_err(|e| Unreadable::new(format!("its XML is broken in <{}>: {e}", tag.name())))
    }

    /// Enters the outermost element.
    pub(super) fn root(&mut self) -> Result<Tag<'a>, Unreadable> {
        loop {
            match self.next()? {
                Some(Item::Element(tag)) => return Ok(tag),
                Some(Item::Text(text)) if text.trim().is_empty() => {}
                _ => return Err(Unreadable::new("it is no XML")),
            }
        }
    }

    /// Whether nothing follows the outermost element.
    pub(super) fn end(&mut self) -> Result<(), Unreadable> {
        loop {
            match self.reader.read_event() {
                Ok(Event::Eof) => return Ok(()),
                Ok(Event::Text(text)) if text.trim().is_empty() => {}
                Ok(_) | Err(_) => return Err(Unreadable::new("something follows its end")),
            }
        }
    }
}

fn resolve(entity: &BytesRef<'_>) -> Result<String, Unreadable> {
    let unknown = || Unreadable::new(format!("&{}; stands for nothing", entity.as_ref() as &str));
    match entity.resolve_char_ref() {
        Ok(Some(character)) => Ok(character.to_string()),
        Ok(None) => resolve_xml_entity(entity).map(str::to_owned).ok_or_else(unknown),
        Err(_) => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(xml: &str) -> Result<String, Unreadable> {
        let mut xml = Xml::new(xml);
        xml.root()?;
        let text = xml.text()?.into_owned();
        xml.end()?;
        Ok(text)
    }

    #[test]
    fn entities_and_pieces_become_one_text() {
        assert_eq!(text("<a> x &lt;&#65;&amp; y </a>").unwrap(), "x <A& y");
        assert_eq!(text("<a><![CDATA[<b>]]></a>\n").unwrap(), "<b>");
        assert_eq!(text("<a>1<b>2</b>3</a>").unwrap(), "13");
        assert_eq!(text("<a/>").unwrap(), "");
    }

    #[test]
    fn what_is_broken_is_an_error() {
        for xml in ["", "x", "<a>", "<a>x</b>", "<a>&nope;</a>", "<a/>x", "<a></a><b/>", "<a", "<a>x</a"] {
            assert!(text(xml).is_err(), "{xml}");
        }
    }
}
