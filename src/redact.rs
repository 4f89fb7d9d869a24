//! Numbers and addresses are personal data: in a log they appear only through [`Redacted`].

use std::fmt;

/// Shows the length of a value and nothing else.
///
/// ```
/// # use ringfence::redact::Redacted;
/// assert_eq!(Redacted("48221234567").to_string(), "<11 characters>");
/// ```
#[derive(Clone, Copy)]
pub struct Redacted<T>(pub T);

impl<T: fmt::Display> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} characters>", self.0.to_string().chars().count())
    }
}

impl<T: fmt::Display> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
