//! Feature-Caps: what those on the way of a request say that they can do (RFC 6809).

use super::header::Values;
use super::identity::Params;

/// Whether a value of Feature-Caps holds the indicator `name`, such as `sip.608`, as a flag. Names are compared without
/// regard to case (RFC 6809 section 6.1); what has a value of its own is another statement.
pub fn has_feature(field: &[u8], name: &[u8]) -> bool {
    Values::new(field).filter_map(|value| value.strip_prefix(b"*")).any(|caps| {
        let mut flags = Params::new(caps.trim_ascii_start()).filter(|(_, value)| value.is_empty());
        flags.any(|(flag, _)| flag.strip_prefix(b"+").is_some_and(|flag| flag.eq_ignore_ascii_case(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::has_feature;

    #[test]
    fn a_flag_is_found_in_any_case_and_place() {
        for field in [
            "*;+sip.608",
            "*;+SIP.608",
            "* ; +sip.608 ",
            "*;+g.3gpp.atcf=\"<sip:a@b>\";+sip.608",
            "*;+g.one, *;+sip.608",
            "*;+g.text=\"a,b;c\",*;+g.two;+Sip.608;+g.three",
        ] {
            assert!(has_feature(field.as_bytes(), b"sip.608"), "{field}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_no_flag() {
        for field in [
            "",
            "*",
            "*;sip.608",
            "*;+sip.6080",
            "*;+sip.60",
            "+sip.608",
            "sip.608",
            "*;+sip.608=\"no\"",
            "*;+g.text=\"*;+sip.608\"",
            "*;+g.text=\",*;+sip.608,\"",
        ] {
            assert!(!has_feature(field.as_bytes(), b"sip.608"), "{field}");
        }
    }
}
