//! Entity tags and the headers that ask for them (RFC 9110 sections 8.8.3 and 13.1).

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::problem::Problem;
use crate::lists::{Condition, Tag};

/// What `If-Match` or `If-None-Match` ask of an entry before it is changed.
pub(super) fn condition(headers: &HeaderMap) -> Result<Option<Condition>, Problem> {
    let matching = tags(headers, &header::IF_MATCH)?;
    match (matching, tags(headers, &header::IF_NONE_MATCH)?) {
        (None, None) => Ok(None),
        (Some(Tags::Any), None) => Ok(Some(Condition::Present)),
        // Weak tags never match where the bytes must be the same (section 8.8.3.2).
        (Some(Tags::These(tags)), None) => {
            Ok(Some(Condition::OneOf(tags.into_iter().filter(|seen| !seen.weak).filter_map(|seen| seen.tag).collect())))
        }
        (None, Some(Tags::Any)) => Ok(Some(Condition::Absent)),
        (None, Some(Tags::These(_))) => Err(bad("If-None-Match: expected `*` where something is changed")),
        (Some(_), Some(_)) => Err(bad("expected If-Match or If-None-Match, not both")),
    }
}

/// Whether whoever reads an entry has it already, as it is.
pub(super) fn is_known(headers: &HeaderMap, tag: Tag) -> Result<bool, Problem> {
    Ok(match tags(headers, &header::IF_NONE_MATCH)? {
        None => false,
        Some(Tags::Any) => true,
        Some(Tags::These(tags)) => tags.iter().any(|seen| seen.tag == Some(tag)),
    })
}

/// As `ETag` spells it.
pub(super) fn etag(tag: Tag) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{tag}\"")).expect("hexadecimal digits and quotation marks")
}

pub(super) fn failed() -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, "the entry is not as If-Match or If-None-Match say it is")
}

enum Tags {
    Any,
    These(Vec<Seen>),
}

struct Seen {
    weak: bool,
    /// `None`: a tag that was never ours.
    tag: Option<Tag>,
}

/// The tags of all headers of this name; `None` without one.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let mut found = None;
    for value in headers.get_all(name) {
        let mut rest = value.to_str().map_err(|_| malformed(name))?.trim();
        if rest == "*" {
            return Ok(Some(Tags::Any));
        }
        let tags = found.get_or_insert_with(Vec::new);
        loop {
            let weak = rest.starts_with("W/");
            let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"').ok_or_else(|| malformed(name))?;
            let (tag, behind) = quoted.split_once('"').ok_or_else(|| malformed(name))?;
            tags.push(Seen { weak, tag: tag.parse().ok() });
            match behind.trim_start() {
                "" => break,
                behind => rest = behind.strip_prefix(',').ok_or_else(|| malformed(name))?.trim_start(),
            }
        }
    }
    Ok(found.map(Tags::These))
}

fn malformed(name: &HeaderName) -> Problem {
    bad(&format!("{name}: expected `*`, or entity tags in quotation marks such as \"0123456789abcdef\""))
}

fn bad(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}
