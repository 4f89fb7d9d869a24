//! [`DialPlan`]: how numbers are dialled where a trunk or a list comes from.

use serde::Deserialize;

use super::spelling::Spelling;
use super::{Code, Dialled, Digits, Lengths, MinPrefix, Number, Party, PlanError};

/// The dialling habits of one country, as `[numbers]` of the configuration gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DialPlan {
    /// Country code, without `+`.
    pub country: Digits,
    /// What is dialled before a country code; empty: nothing.
    pub international: Digits,
    /// The trunk prefix before a national number, `0` in many countries; empty: none.
    pub national: Digits,
    /// How many digits a national number has without the trunk prefix.
    pub national_length: Lengths,
    /// How many digits a prefix (`4870*`) has at least.
    pub min_prefix: MinPrefix,
}

/// Poland: what `[numbers]` means where it says nothing.
impl Default for DialPlan {
    fn default() -> Self {
        DialPlan {
            country: Digits::from_static(b"48"),
            international: Digits::from_static(b"00"),
            national: Digits::EMPTY,
            national_length: Lengths::NINE,
            min_prefix: MinPrefix::DEFAULT,
        }
    }
}

impl DialPlan {
    /// Explains nothing: digits stand for themselves, as in canonical spellings.
    pub const BARE: DialPlan = DialPlan {
        country: Digits::EMPTY,
        international: Digits::EMPTY,
        national: Digits::EMPTY,
        national_length: Lengths::NONE,
        min_prefix: MinPrefix::ONE,
    };

    /// Checks and gathers the four values; prefixes as by default.
    pub fn new(country: &str, international: &str, national: &str, lengths: &[u8]) -> Result<DialPlan, PlanError> {
        Ok(DialPlan {
            country: Digits::new(country)?,
            international: Digits::new(international)?,
            national: Digits::new(national)?,
            national_length: Lengths::new(lengths)?,
            min_prefix: MinPrefix::DEFAULT,
        })
    }

    /// What the user part of a SIP URI, or the rest of a tel URI, dials: raw bytes with their `;parameters`.
    ///
    /// In this order: percent-decoding; visual separators (`-.()` and spaces) and parameters off; `+` or a phone-context
    /// that is a number; international prefix; at most 6 digits: short code; national prefix; exactly a
    /// `national_length`; country code and such a length; any other 7 to 15 digits: taken as E.164 and marked as guessed.
    ///
    /// * `rn` and `npdi` say where a ported number lives; they never change what was dialled.
    /// * A global spelling of a short code of this country (`+48112`, `0048116111`) is that short code, so that an
    ///   emergency number is recognised in every spelling. A `national_length` of at most 6 wins over a short code.
    /// * A national prefix that stands after this country's code (`+44 (0)20 …`) is dropped.
    /// * Digits with leading zeros that nothing above explains are a [`Code`].
    ///
    /// `None`: no digits, other characters among them, more than 15 digits, or `+` with fewer
    /// than 7 digits that are no short code of this country. Never allocates.
    pub fn normalise(&self, user: &[u8]) -> Option<Dialled> {
        let spelling = Spelling::read(user)?;
        let digits = spelling.digits();
        if spelling.global {
            return self.international(digits);
        }
        match spelling.context() {
            Some(context) if context == self.country.as_bytes() => self.local(digits).or_else(|| {
                let whole = Spelling::joined(context, digits)?;
                self.international(whole.digits())
            }),
            Some(context) => self.in_context(context, digits),
            None => self.local(digits).or_else(|| self.guess(digits)),
        }
    }

    /// The party that a user part names: its number or code, else its user name.
    ///
    /// `anonymous` (RFC 3323) is [`Party::Anonymous`]; an empty part, `unavailable`, `unknown`, and what is no UTF-8 are
    /// [`Party::Unavailable`]: they name nobody. Allocates only for a user name with percent-escapes.
    pub fn party<'a>(&self, user: &'a [u8]) -> Party<'a> {
        if let Some(dialled) = self.normalise(user) {
            return dialled.into();
        }
        let Ok(name) = percent_encoding::percent_decode(user).decode_utf8() else { return Party::Unavailable };
        if name.eq_ignore_ascii_case("anonymous") {
            Party::Anonymous
        } else if name.is_empty() || ["unavailable", "unknown"].iter().any(|word| name.eq_ignore_ascii_case(word)) {
            Party::Unavailable
        } else {
            Party::User(name)
        }
    }

    /// Appends `number` in `format`.
    ///
    /// `National` is used for this country's numbers of a `national_length`, as far as this plan reads them back;
    /// `International` for all others;
    /// `International` without a prefix, and `AsReceived`, which has nothing to copy here, write `+` and the digits.
    pub fn write(&self, number: Number, format: NumberFormat, out: &mut Vec<u8>) {
        use std::io::Write;
        let mut buffer = [0u8; super::digits::MAX_DIGITS];
        let mut rest = &mut buffer[..];
        write!(rest, "{number}").expect("a number has at most 15 digits");
        let unused = rest.len();
        let digits = &buffer[..buffer.len() - unused];
        if format == NumberFormat::National
            && let Some(national) = self.nationally(number, digits)
        {
            out.extend_from_slice(national.digits());
            return;
        }
        match format {
            NumberFormat::E164 => {}
            NumberFormat::International | NumberFormat::National if !self.international.is_empty() => {
                out.extend_from_slice(self.international.as_bytes());
            }
            NumberFormat::AsReceived
            | NumberFormat::PlusE164
            | NumberFormat::International
            | NumberFormat::National => out.push(b'+'),
        }
        out.extend_from_slice(digits);
    }

    /// The national spelling; `None` where it would be read as another number, as with a zero that no number has.
    fn nationally(&self, number: Number, digits: &[u8]) -> Option<Spelling> {
        let spelling = Spelling::joined(self.national.as_bytes(), self.national_part(digits)?)?;
        let read = self.local(spelling.digits())?;
        (read.number() == Some(number)).then_some(spelling)
    }

    /// The digits after this country's code, when they are a whole national number.
    fn national_part<'a>(&self, digits: &'a [u8]) -> Option<&'a [u8]> {
        self.own_country_off(digits).filter(|rest| self.national_length.contains(rest.len()))
    }

    /// The digits after this country's code; `None` for other countries' numbers and without a country.
    fn own_country_off<'a>(&self, digits: &'a [u8]) -> Option<&'a [u8]> {
        digits.strip_prefix(self.country.as_bytes()).filter(|_| !self.country.is_empty())
    }

    /// Digits that begin with a country code, whatever announced them.
    fn international(&self, digits: &[u8]) -> Option<Dialled> {
        if let Some(rest) = self.own_country_off(digits)
            && (self.national_is_zero() || !self.national_length.contains(rest.len()))
            && let Some(national) = self.national_off(rest)
        {
            return self.national(national);
        }
        let rest = self.own_country_off(digits).filter(|rest| !self.national_length.contains(rest.len()));
        if let Some(code) = rest.filter(|rest| is_short_code(rest)) {
            return Code::parse(code).map(Dialled::Code);
        }
        Number::parse(digits).map(|number| Dialled::E164 { number, guessed: false })
    }

    /// Digits as they are dialled at home; `None` when the plan does not place them.
    fn local(&self, digits: &[u8]) -> Option<Dialled> {
        if let Some(rest) =
            digits.strip_prefix(self.international.as_bytes()).filter(|_| !self.international.is_empty())
            && let Some(dialled) = self.international(rest)
        {
            return Some(dialled);
        }
        if self.national_length.contains(digits.len()) && digits.len() <= super::digits::SHORT_CODE_DIGITS {
            return self.national(digits);
        }
        if digits.len() <= super::digits::SHORT_CODE_DIGITS {
            return Code::parse(digits).map(Dialled::Code);
        }
        if let Some(rest) = self.national_off(digits) {
            return self.national(rest);
        }
        if self.national_length.contains(digits.len())
            && !(self.national_is_zero() && digits.starts_with(self.national.as_bytes()))
            && let Some(dialled) = self.national(digits)
        {
            return Some(dialled);
        }
        self.national_part(digits)?;
        self.international(digits)
    }

    /// Digits after a phone-context that is not just this country's code.
    fn in_context(&self, context: &[u8], digits: &[u8]) -> Option<Dialled> {
        let whole = Spelling::joined(context, digits)?;
        // 112 in the context of one of our areas is still our 112.
        if context.starts_with(self.country.as_bytes())
            && is_short_code(digits)
            && self.national_part(whole.digits()).is_none()
        {
            return Code::parse(digits).map(Dialled::Code);
        }
        self.international(whole.digits())
    }

    /// The national number after the national prefix, where it has a national number's length.
    fn national_off<'a>(&self, digits: &'a [u8]) -> Option<&'a [u8]> {
        let rest = digits.strip_prefix(self.national.as_bytes()).filter(|_| !self.national.is_empty())?;
        let whole = self.national_length.contains(rest.len()) && !(self.national_is_zero() && rest[0] == b'0');
        whole.then_some(rest)
    }

    /// Whether the national prefix begins with 0, and so no national number does.
    fn national_is_zero(&self) -> bool {
        self.national.as_bytes().first() == Some(&b'0')
    }

    /// A whole national number without its prefix.
    fn national(&self, digits: &[u8]) -> Option<Dialled> {
        let whole = Spelling::joined(self.country.as_bytes(), digits)?;
        Number::parse(whole.digits()).map(|number| Dialled::E164 { number, guessed: false })
    }

    fn guess(&self, digits: &[u8]) -> Option<Dialled> {
        match self.international(digits) {
            Some(Dialled::E164 { number, .. }) => Some(Dialled::E164 { number, guessed: true }),
            Some(code) => Some(code),
            // An international prefix before more than 15 digits is no code either.
            None if digits.len() > super::digits::MAX_DIGITS => None,
            None => Code::parse(digits).map(Dialled::Code),
        }
    }
}

/// What stands behind a country code and is dialled at home as it is: a zero would make another code of it there.
fn is_short_code(digits: &[u8]) -> bool {
    digits.len() <= super::digits::SHORT_CODE_DIGITS && digits.first().is_some_and(|first| *first != b'0')
}

/// What a trunk or a list says differently from `[numbers]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DialPlanOverrides {
    /// Instead of [`DialPlan::country`].
    pub country: Option<Digits>,
    /// Instead of [`DialPlan::international`].
    pub international: Option<Digits>,
    /// Instead of [`DialPlan::national`].
    pub national: Option<Digits>,
    /// Instead of [`DialPlan::national_length`].
    pub national_length: Option<Lengths>,
    /// Instead of [`DialPlan::min_prefix`].
    pub min_prefix: Option<MinPrefix>,
}

impl DialPlanOverrides {
    /// `plan` with what stands here in its place.
    pub fn over(&self, plan: &DialPlan) -> DialPlan {
        DialPlan {
            country: self.country.unwrap_or(plan.country),
            international: self.international.unwrap_or(plan.international),
            national: self.national.unwrap_or(plan.national),
            national_length: self.national_length.unwrap_or(plan.national_length),
            min_prefix: self.min_prefix.unwrap_or(plan.min_prefix),
        }
    }
}

/// How a trunk wants numbers written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
pub enum NumberFormat {
    /// Left as it came.
    #[default]
    #[serde(rename = "as-received")]
    AsReceived,
    /// `+48221234567`
    #[serde(rename = "+e164")]
    PlusE164,
    /// `48221234567`
    #[serde(rename = "e164")]
    E164,
    /// `0048221234567`
    #[serde(rename = "international")]
    International,
    /// `221234567`, with the national prefix where there is one.
    #[serde(rename = "national")]
    National,
}
