//! Addresses of header fields: From, To, Contact, P-Asserted-Identity, Route, … (RFC 3261 section 20.10, 25.1).

/// Why bytes are neither a name-addr nor an addr-spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameAddrError {
    /// A quoted display name or parameter does not end.
    #[error("a quoted display name or parameter does not end")]
    Quote,
    /// `<` without `>`, or the other way round.
    #[error("the angle brackets around a URI do not match")]
    Bracket,
    /// There is no URI.
    #[error("an address has no URI")]
    Empty,
    /// An unquoted display name with other characters than tokens and spaces.
    #[error("an unquoted display name is made of tokens")]
    DisplayName,
    /// Something other than a parameter follows the URI.
    #[error("after the URI come parameters, each behind a semicolon")]
    Parameters,
}

/// One address: `"display" <uri>;params` or `uri;params`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as written, quotes included; empty when there is none.
    pub display: &'a [u8],
    /// The addr-spec without brackets.
    pub uri: &'a [u8],
    /// The header parameters from their first `;` on, or empty.
    pub params: &'a [u8],
}

impl<'a> NameAddr<'a> {
    /// Reads one whole value. Without brackets, what follows the first `;` is parameters of the header (20.10).
    pub fn parse(value: &'a [u8]) -> Result<NameAddr<'a>, NameAddrError> {
        let value = value.trim_ascii();
        let (display, after) = match value.first() {
            Some(b'"') => {
                let end = quoted_end(value).ok_or(NameAddrError::Quote)?;
                let after = value[end..].trim_ascii_start();
                if after.first() != Some(&b'<') {
                    return Err(NameAddrError::Bracket);
                }
                (&value[..end], after)
            }
            Some(_) => match memchr::memchr(b'<', value) {
                Some(bracket) => {
                    let display = value[..bracket].trim_ascii();
                    if !display.iter().all(|&byte| is_display_byte(byte)) {
                        return Err(NameAddrError::DisplayName);
                    }
                    (display, &value[bracket..])
                }
                None => (&b""[..], value),
            },
            None => return Err(NameAddrError::Empty),
        };
        let (uri, params) = match after.strip_prefix(b"<") {
            Some(inner) => {
                let end = memchr::memchr(b'>', inner).ok_or(NameAddrError::Bracket)?;
                (&inner[..end], inner[end + 1..].trim_ascii())
            }
            None => {
                if memchr::memchr(b'>', after).is_some() {
                    return Err(NameAddrError::Bracket);
                }
                let end = memchr::memchr(b';', after).unwrap_or(after.len());
                (after[..end].trim_ascii_end(), &after[end..])
            }
        };
        if uri.is_empty() {
            return Err(NameAddrError::Empty);
        }
        if !params.is_empty() && params[0] != b';' {
            return Err(NameAddrError::Parameters);
        }
        if !quotes_match(params) {
            return Err(NameAddrError::Quote);
        }
        Ok(NameAddr { display, uri, params })
    }

    /// The value of a header parameter such as `tag`, empty for one without value.
    pub fn param(&self, name: &[u8]) -> Option<&'a [u8]> {
        param(self.params, name)
    }

    /// The display name without quotes and backslashes.
    pub fn display_text(&self) -> Vec<u8> {
        unquote(self.display)
    }
}

/// The value of the parameter `name` in `;a=1;b`, empty for a parameter without value. Names are compared without
/// regard to case, white space around `;` and `=` is passed over, and a quoted value keeps its quotes.
pub fn param<'a>(params: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    Params::new(params).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The parameters of `;a=1;b`, each with its name and its value, which lies behind the name and may be empty.
#[derive(Debug, Clone)]
pub(super) struct Params<'a> {
    rest: &'a [u8],
}

impl<'a> Params<'a> {
    pub(super) fn new(params: &'a [u8]) -> Params<'a> {
        Params { rest: params }
    }

    /// The next parameter as written, without its semicolon.
    pub(super) fn next_text(&mut self) -> Option<&'a [u8]> {
        let after = self.rest.strip_prefix(b";")?;
        let (text, rest) = after.split_at(param_end(after));
        self.rest = rest;
        Some(text)
    }

    /// A parameter's name and value.
    pub(super) fn divide(text: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        // Names are a few bytes long, which a search by vectors would only set up for.
        let equals = text.iter().position(|&byte| byte == b'=').unwrap_or(text.len());
        let value = text.get(equals + 1..).unwrap_or(&text[text.len()..]);
        (text[..equals].trim_ascii(), value.trim_ascii())
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        self.next_text().map(Params::divide)
    }
}

/// Whether each quoted string in parameters ends: otherwise nobody knows where the next value begins.
pub(super) fn quotes_match(params: &[u8]) -> bool {
    let mut rest = params;
    while let Some(quote) = memchr::memchr(b'"', rest) {
        match quoted_end(&rest[quote..]) {
            Some(length) => rest = &rest[quote + length..],
            None => return false,
        }
    }
    true
}

/// A quoted string without its quotes and backslashes; other bytes as they are.
pub fn unquote(text: &[u8]) -> Vec<u8> {
    let Some(inner) = text.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")) else {
        return text.to_vec();
    };
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => plain.extend(bytes.next()),
            _ => plain.push(byte),
        }
    }
    plain
}

/// Where the quoted string at the start of `value` ends, its closing quote included.
pub(super) fn quoted_end(value: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', value.get(at..)?)?;
        if value[at] == b'"' {
            return Some(at + 1);
        }
        at += 2; // a backslash takes the next byte with it
    }
}

/// Where a parameter ends that starts at the first byte: at the next `;` outside quotes.
fn param_end(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(next) = memchr::memchr2(b';', b'"', &rest[at..]) {
        at += next;
        if rest[at] == b';' {
            return at;
        }
        match quoted_end(&rest[at..]) {
            Some(length) => at += length,
            None => return rest.len(),
        }
    }
    rest.len()
}

/// A token or white space (RFC 3261 `display-name = *(token LWS)`), or a byte beyond ASCII, which many peers send.
fn is_display_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n') || super::header::is_token_byte(byte) || byte >= 0x80
}
