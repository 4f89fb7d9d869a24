//! [`Spelling`]: the digits of a user part without their decoration.

/// What remains of a spelling: its digits, whether a `+` led them, and the digits of a phone-context.
pub(super) struct Spelling {
    digits: [u8; Self::MAX],
    len: usize,
    pub(super) global: bool,
    context: [u8; Self::MAX_CONTEXT],
    context_len: usize,
}

impl Spelling {
    /// Room for an international prefix (at most 8 digits) before a number of 15; longer ones dial nothing.
    const MAX: usize = 24;
    /// A context is a country code or the beginning of a number.
    const MAX_CONTEXT: usize = 15;

    /// `None` when other characters than digits, separators and one leading `+` stand before the parameters, when there
    /// are no digits or too many.
    pub(super) fn read(user: &[u8]) -> Option<Spelling> {
        let mut spelling = Spelling::empty();
        let mut decoded = Decoded(user);
        let mut more = false;
        for byte in decoded.by_ref() {
            match byte {
                b'0'..=b'9' => {
                    *spelling.digits.get_mut(spelling.len)? = byte;
                    spelling.len += 1;
                }
                b'+' if spelling.len == 0 && !spelling.global => spelling.global = true,
                b';' => {
                    more = true;
                    break;
                }
                byte if is_separator(byte) => {}
                _ => return None,
            }
        }
        while more {
            more = spelling.read_parameter(&mut decoded);
        }
        (spelling.len > 0).then_some(spelling)
    }

    /// `first` and `second` one after the other.
    pub(super) fn joined(first: &[u8], second: &[u8]) -> Option<Spelling> {
        let mut spelling = Spelling::empty();
        spelling.len = first.len() + second.len();
        let room = spelling.digits.get_mut(..spelling.len)?;
        room[..first.len()].copy_from_slice(first);
        room[first.len()..].copy_from_slice(second);
        Some(spelling)
    }

    pub(super) fn digits(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    /// The digits of a phone-context that is a number; a domain name says nothing about digits.
    pub(super) fn context(&self) -> Option<&[u8]> {
        (self.context_len > 0).then(|| &self.context[..self.context_len])
    }

    fn empty() -> Spelling {
        Spelling { digits: [0; Self::MAX], len: 0, global: false, context: [0; Self::MAX_CONTEXT], context_len: 0 }
    }

    /// Reads up to the next `;`; whether another parameter follows. The first usable phone-context counts.
    fn read_parameter(&mut self, decoded: &mut Decoded<'_>) -> bool {
        let mut matched = 0;
        let mut named = true;
        for byte in decoded.by_ref() {
            match byte {
                b';' => return true,
                b'=' => break,
                _ => {
                    named &= CONTEXT.get(matched).is_some_and(|expected| byte.eq_ignore_ascii_case(expected));
                    matched += 1;
                }
            }
        }
        let wanted = named && matched == CONTEXT.len() && self.context_len == 0;
        let mut usable = wanted;
        let mut first = true;
        let mut len = 0;
        let mut more = false;
        for byte in decoded.by_ref() {
            match byte {
                b';' => {
                    more = true;
                    break;
                }
                _ if !usable => {}
                b'+' if first => {}
                b'0'..=b'9' if !first && len < Self::MAX_CONTEXT => {
                    self.context[len] = byte;
                    len += 1;
                }
                byte if !first && is_separator(byte) => {}
                _ => usable = false,
            }
            first = false;
        }
        if usable {
            self.context_len = len;
        }
        more
    }
}

/// RFC 3966 section 5.1.1, and spaces, which list files have.
const fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'(' | b')' | b' ')
}

/// RFC 3966 section 3; parameter names are case-insensitive.
const CONTEXT: &[u8] = b"phone-context";

/// The bytes with their percent-escapes decoded; a `%` that begins none stands for itself.
struct Decoded<'a>(&'a [u8]);

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        if byte == b'%'
            && let [high, low, after @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            self.0 = after;
            return Some(high << 4 | low);
        }
        Some(byte)
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
