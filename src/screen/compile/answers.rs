//! `[answers]`, and the replies that rules may choose.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::Compiler;
use crate::lists::{Class, ListId};
use crate::screen::config::{AnswersConfig, Contacts, Region};
use crate::screen::decline::{FEATURE_CAPS, REJECTED, UNWANTED};
use crate::screen::policy::NetworkBlocked;
use crate::screen::problem::{Notice, RuleError};
use crate::sip::Uri;

impl Compiler<'_> {
    pub(super) fn answers(&mut self, config: &AnswersConfig) {
        let contacts = config.contact.as_ref().and_then(|contact| self.contacts(contact));
        let location = config.location.as_ref().and_then(|location| {
            let known = LOCATIONS.iter().find(|known| location.get_ref() == **known);
            if known.is_none() {
                self.problem(location.span(), RuleError::Location);
            }
            known.copied()
        });
        self.policy.answers.card = config.card.as_ref().and_then(|card| self.card(card));
        let Some(region) = &config.region else { return };
        let Region::Us = region.get_ref();
        if config.contact.is_none() {
            self.problem(region.span(), RuleError::AnswersNeed("contact"));
        }
        if config.location.is_none() {
            self.problem(region.span(), RuleError::AnswersNeed("location"));
        }
        if let (Some(contacts), Some(location)) = (contacts, location) {
            let location = location.into();
            self.policy.answers.blocked_by_analytics = Some(NetworkBlocked { contacts, location });
        }
    }

    fn contacts(&mut self, config: &Spanned<Contacts>) -> Option<Arc<str>> {
        let texts = match config.get_ref() {
            Contacts::One(text) => std::slice::from_ref(text),
            Contacts::Many(texts) => texts,
        };
        let fields: Option<Vec<String>> = texts.iter().map(|text| contact_field(text)).collect();
        match fields {
            Some(fields) if !fields.is_empty() => Some(fields.join(";").into()),
            _ => {
                self.problem(config.span(), RuleError::Contact);
                None
            }
        }
    }

    fn card(&mut self, card: &Spanned<String>) -> Option<Arc<str>> {
        let url = card.get_ref();
        if !is_https(url) || !url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"')) {
            self.problem(card.span(), RuleError::Card);
            return None;
        }
        Some(url.as_str().into())
    }

    /// The `reply` of a trunk that has no place for a call.
    pub(super) fn limit_reply(&mut self, reply: &Spanned<String>) -> Option<(u16, Arc<str>)> {
        let parsed = self.parsed_reply(reply)?;
        self.refuse_refusals(parsed.0, reply.span());
        Some(parsed)
    }

    /// 607 and 608 are for calls that a list speaks against.
    pub(super) fn refuse_refusals(&mut self, code: u16, place: Range<usize>) {
        if matches!(code, UNWANTED | REJECTED) {
            self.problem(place, RuleError::NobodyRefused(code));
        }
    }

    /// A `reply` such as `486 Busy Here`, if the classes of the rule's lists allow it.
    pub(super) fn reply(&mut self, reply: &Spanned<String>, lists: &[ListId]) -> Option<(u16, Arc<str>)> {
        let (code, phrase) = self.parsed_reply(reply)?;
        let all_personal = !lists.is_empty() && lists.iter().all(|&list| self.lists[list].class() == Class::Personal);
        match code {
            UNWANTED if !all_personal => self.problem(reply.span(), RuleError::Unwanted),
            REJECTED if self.policy.answers.card.is_none() => self.problem(reply.span(), RuleError::Rejected),
            REJECTED => self.policy.answers.feature_caps = Some(self.header_position(FEATURE_CAPS.into())),
            _ => {}
        }
        if let Some(list) = self.answered_by_law(lists) {
            self.problem(reply.span(), RuleError::ReplyToAnalytics(list));
        }
        Some((code, phrase))
    }

    /// A code and a phrase that anybody may answer.
    fn parsed_reply(&mut self, reply: &Spanned<String>) -> Option<(u16, Arc<str>)> {
        self.refuse_control(reply);
        let Some((code, phrase)) = parse_reply(reply.get_ref()) else {
            self.problem(reply.span(), RuleError::Reply);
            return None;
        };
        match code {
            401 | 407 => self.problem(reply.span(), RuleError::Challenge(code)),
            503 => self.notices.push((reply.span(), Notice::ServiceUnavailable)),
            _ if phrase.eq_ignore_ascii_case("Network Blocked") => {
                self.problem(reply.span(), RuleError::NetworkBlocked);
            }
            _ => {}
        }
        Some((code, phrase.into()))
    }

    /// The first of these lists whose answer the region prescribes.
    pub(super) fn answered_by_law(&self, lists: &[ListId]) -> Option<Arc<str>> {
        self.policy.answers.blocked_by_analytics.as_ref()?;
        let analytic = lists.iter().map(|&list| &self.lists[list]).find(|list| list.class() == Class::Reputation)?;
        Some(analytic.name().clone())
    }
}

fn parse_reply(text: &str) -> Option<(u16, &str)> {
    let (code, phrase) = text.split_once(' ')?;
    let phrase = phrase.trim();
    let valid = code.len() == 3 && !phrase.is_empty();
    let code = code.parse().ok().filter(|code| (400..=699).contains(code))?;
    valid.then_some((code, phrase))
}

/// One field of the text of a 603+ Reason (ATIS-1000099): it stands between semicolons inside quotes.
fn contact_field(text: &str) -> Option<String> {
    let plain = text.chars().all(|char| char.is_ascii_graphic() && !matches!(char, '"' | '\\' | ';'));
    if !plain {
        return None;
    }
    if is_https(text) {
        return Some(format!("url={text}"));
    }
    if let Some(digits) = text.strip_prefix('+') {
        let valid = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        return valid.then(|| format!("tel={text}"));
    }
    // A mail address has the form of a SIP URI's user and host.
    let parts = text.split_once('@').filter(|(user, host)| !user.is_empty() && host.contains('.'));
    let valid = parts.is_some() && Uri::parse(format!("sip:{text}").as_bytes()).is_ok_and(|uri| uri.params.is_empty());
    valid.then(|| format!("email={text}"))
}

/// Whether a text is an https URL with something behind its scheme.
fn is_https(text: &str) -> bool {
    const SCHEME: &str = "https://";
    text.len() > SCHEME.len() && text.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
}

/// RFC 8606 section 4, as ATIS-1000099 uses them.
const LOCATIONS: [&str; 5] = ["LN", "TN", "RLN", "LPN", "RPN"];
