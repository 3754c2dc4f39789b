//! The envelope of an answer in XML: whether Gluster refused, and what it said.

use super::xml::{Tag, Xml};
use super::{Unreadable, utf8};
use crate::gluster::process::Output;
use crate::gluster::refusal;
use hod_core::error::GlusterError;

/// The outermost element of every answer.
const ENVELOPE: &str = "cliOutput";

/// An answer that is no refusal.
pub(super) struct Reply<T> {
    /// What stood in the element that was asked for.
    pub(super) body: Option<T>,
    /// What Gluster says beside it, such as "Remove Brick start successful".
    pub(super) message: String,
}

impl<T> Reply<T> {
    /// The body, where an answer without one tells nothing.
    pub(super) fn body(self, tag: &str) -> Result<T, Unreadable> {
        self.body.ok_or_else(|| Unreadable::missing(&format!("<{tag}>")))
    }
}

/// Reads the envelope, and the element `body_tag` in it with `body`. The envelope's
/// own elements may stand before or behind it (46).
///
/// # Errors
/// Gluster's refusal by its kind, or that the answer can't be read.
pub(super) fn read<'a, T>(
    output: &'a Output,
    body_tag: &str,
    body: impl FnMut(&mut Xml<'a>) -> Result<T, Unreadable>,
) -> Result<Reply<T>, GlusterError> {
    // Plain text in spite of --xml is a refusal (57, 62), and so is silence (43).
    let start = output.stdout.trim_ascii_start();
    if start.first() != Some(&b'<') {
        return Err(refusal::of_output(output));
    }
    let envelope = Envelope::read(utf8(start)?, body_tag, body)?;
    match envelope.op_ret {
        None => Err(Unreadable::missing("<opRet>").into()),
        Some(0) => Ok(Reply {
            body: envelope.body,
            message: if envelope.op_errstr.is_empty() { envelope.output } else { envelope.op_errstr },
        }),
        Some(_) => {
            let words = if envelope.op_errstr.is_empty() { &envelope.output } else { &envelope.op_errstr };
            Err(refusal::of_reply(envelope.op_errno, words))
        }
    }
}

/// Reads an answer of which only the outcome matters, such as that to
/// `volume stop`: what Gluster said, if it said yes.
///
/// # Errors
/// As the other readers.
pub fn outcome(output: &Output) -> Result<String, GlusterError> {
    read(output, "", |_: &mut Xml<'_>| Ok(())).map(|reply| reply.message)
}

struct Envelope<T> {
    op_ret: Option<i32>,
    op_errno: i32,
    op_errstr: String,
    output: String,
    body: Option<T>,
}

impl<T> Envelope<T> {
    fn read<'a>(
        text: &'a str,
        body_tag: &str,
        mut body: impl FnMut(&mut Xml<'a>) -> Result<T, Unreadable>,
    ) -> Result<Self, Unreadable> {
        let mut xml = Xml::new(text);
        let root = xml.root()?;
        if root.name() != ENVELOPE {
            return Err(Unreadable::new(format!("it is a <{}>, not a <{ENVELOPE}>", root.name())));
        }
        let mut envelope =
            Self { op_ret: None, op_errno: 0, op_errstr: String::new(), output: String::new(), body: None };
        xml.children(|xml: &mut Xml<'a>, tag: &Tag<'a>| {
            match tag.name() {
                "opRet" => envelope.op_ret = Some(xml.value(tag)?),
                "opErrno" => envelope.op_errno = xml.value(tag)?,
                "opErrstr" => envelope.op_errstr = xml.text()?.into_owned(),
                "output" => envelope.output = xml.text()?.into_owned(),
                name if name == body_tag => {
                    if envelope.body.is_some() {
                        return Err(Unreadable::new(format!("there are two <{body_tag}>")));
                    }
                    envelope.body = Some(body(xml)?);
                }
                _ => xml.skip(tag)?,
            }
            Ok(())
        })?;
        xml.end()?;
        Ok(envelope)
    }
}
