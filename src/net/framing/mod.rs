//! Dividing a stream's bytes into messages (RFC 3261 section 18.3): a state machine without I/O.

use bytes::{Buf, Bytes, BytesMut};

use crate::sip::{MAX_MESSAGE, is_token};

#[cfg(test)]
mod tests;

/// What has come of a stream and is not yet handed on: never more than one message and one read.
#[derive(Debug, Default)]
pub(super) struct Framer {
    buffer: BytesMut,
    /// Where the search for the next line end goes on.
    searched: usize,
    /// Where the line begins in which the search stands.
    line: usize,
    length: Length,
    /// Where the body begins and the message ends, once the header section is whole.
    whole: Option<usize>,
    /// Line ends before a start line: two in a row are a keep-alive.
    blank: u8,
}

/// One piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// A message, whole as its Content-Length says; whether it is one is for the scanner to say.
    Message(Bytes),
    /// Two line ends between messages: the peer waits for one line end (RFC 5626 section 4.4.1).
    KeepAlive,
}

/// Why a stream cannot be divided any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// No Content-Length, two of them, or one that is no number: RFC 3261 section 20.14 demands it on streams.
    #[error("Content-Length is missing, malformed or stands twice")]
    Length,
    /// A line feed without carriage return: another parser might see the message end there.
    #[error("a line feed stands alone")]
    BareLineEnd,
    /// The byte that a message begins with begins none: TLS, HTTP/2 or line noise on a port of SIP.
    #[error("no message begins like this")]
    StartLine,
    /// Longer than [`MAX_MESSAGE`].
    #[error("the message is too long")]
    TooLong,
}

/// What stands before a start line.
enum Blank {
    /// Two line ends.
    KeepAlive,
    /// Nothing more.
    StartLine,
    /// More bytes are needed to tell.
    Undecided,
}

/// What is known of Content-Length.
#[derive(Debug, Default, Clone, Copy)]
enum Length {
    #[default]
    Unseen,
    /// The value's place, which continuation lines lengthen while `open`.
    At {
        start: usize,
        end: usize,
        open: bool,
    },
    Twice,
}

impl Framer {
    /// Where to read to. The caller reserves what it wants to read; [`Framer::next`] is called until it has no more
    /// before the next read, so that the buffer stays bounded.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next piece; `None`: more bytes are needed.
    ///
    /// After an error the stream is of no more use; [`Framer::remains`] has what may still be answered.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Broken> {
        if self.searched == 0 {
            match self.skip_blank_lines()? {
                Blank::KeepAlive => return Ok(Some(Frame::KeepAlive)),
                Blank::Undecided => return Ok(None),
                Blank::StartLine => {}
            }
        }
        if self.whole.is_none() {
            self.read_lines()?;
        }
        match self.whole {
            Some(end) if end <= self.buffer.len() => {
                // Of its own, so that a message that is kept does not keep those that came with it.
                let message = Bytes::copy_from_slice(&self.buffer[..end]);
                self.buffer.advance(end);
                *self = Framer { buffer: std::mem::take(&mut self.buffer), ..Framer::default() };
                Ok(Some(Frame::Message(message)))
            }
            Some(_) => Ok(None),
            // Without the end of the header section there can be no more than a message's worth of it.
            None if self.buffer.len() >= MAX_MESSAGE => Err(Broken::TooLong),
            None => Ok(None),
        }
    }

    /// Whether a message has begun and is not whole.
    pub(super) fn is_amid_message(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// What has come of a broken message, up to the longest that may be scanned.
    pub(super) fn remains(&mut self) -> Bytes {
        self.buffer.truncate(MAX_MESSAGE);
        self.buffer.split().freeze()
    }

    /// Passes over line ends before a start line (RFC 3261 section 7.5).
    fn skip_blank_lines(&mut self) -> Result<Blank, Broken> {
        loop {
            match *self.buffer {
                [b'\r', b'\n', ..] => self.buffer.advance(2),
                [b'\n', ..] | [b'\r', _, ..] => return Err(Broken::BareLineEnd),
                [b'\r'] | [] => return Ok(Blank::Undecided),
                [first, ..] if !is_token(&[first]) => return Err(Broken::StartLine),
                _ => {
                    self.blank = 0;
                    return Ok(Blank::StartLine);
                }
            }
            self.blank += 1;
            if self.blank == 2 {
                self.blank = 0;
                return Ok(Blank::KeepAlive);
            }
        }
    }

    /// Reads lines up to the empty one; each byte is looked at once, however the stream is cut into reads.
    fn read_lines(&mut self) -> Result<(), Broken> {
        while let Some(found) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
            let feed = self.searched + found;
            if feed == self.line || self.buffer[feed - 1] != b'\r' {
                return Err(Broken::BareLineEnd);
            }
            let end = feed - 1;
            self.searched = feed + 1;
            if end == self.line {
                let total = self.searched.checked_add(self.content_length()?).ok_or(Broken::TooLong)?;
                if total > MAX_MESSAGE {
                    return Err(Broken::TooLong);
                }
                self.whole = Some(total);
                return Ok(());
            }
            self.read_line(end);
            self.line = self.searched;
        }
        self.searched = self.buffer.len();
        Ok(())
    }

    /// Reads the line from `self.line` up to `end`, its CR.
    fn read_line(&mut self, end: usize) {
        let line = &self.buffer[self.line..end];
        let is_continued = matches!(line.first(), Some(b' ' | b'\t'));
        self.length = match self.length {
            Length::At { start, open: true, .. } if is_continued => Length::At { start, end, open: true },
            Length::At { start, end, .. } if is_continued => Length::At { start, end, open: false },
            _ if is_continued => self.length,
            length => match (value_offset(line), length) {
                (None, Length::At { start, end, .. }) => Length::At { start, end, open: false },
                (None, length) => length,
                (Some(offset), Length::Unseen) => Length::At { start: self.line + offset, end, open: true },
                (Some(_), _) => Length::Twice,
            },
        };
    }

    fn content_length(&self) -> Result<usize, Broken> {
        let Length::At { start, end, .. } = self.length else { return Err(Broken::Length) };
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let value = &self.buffer[start..end];
        let value = &value[value.iter().take_while(|byte| is_space(byte)).count()..];
        let value = &value[..value.len() - value.iter().rev().take_while(|byte| is_space(byte)).count()];
        if value.is_empty() {
            return Err(Broken::Length);
        }
        value.iter().try_fold(0usize, |length, &digit| match digit {
            b'0'..=b'9' => {
                let length = length * 10 + usize::from(digit - b'0');
                if length > MAX_MESSAGE { Err(Broken::TooLong) } else { Ok(length) }
            }
            _ => Err(Broken::Length),
        })
    }
}

/// Where the value begins when the line is a Content-Length, in its long or compact form.
fn value_offset(line: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    (name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l")).then_some(colon + 1)
}
