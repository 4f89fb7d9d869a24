use proptest::prelude::*;

use super::*;

fn poland() -> DialPlan {
    DialPlan::default()
}

fn britain() -> DialPlan {
    DialPlan::new("44", "00", "0", &[9, 10]).unwrap()
}

fn number(value: u64) -> Number {
    Number::new(value).unwrap()
}

#[test]
fn entries_have_a_canonical_spelling() {
    for (text, canonical) in [
        ("+48 22 123 45 67", "48221234567"),
        ("221234567", "48221234567"),
        ("tel:+48-22-123-45-67", "48221234567"),
        ("TEL:22-1234567;phone-context=+48", "48221234567"),
        ("%2B48221234567", "48221234567"),
        ("'48221234567", "48221234567"),
        ("\u{a0}48\u{20}221234567\u{a0}", "48221234567"),
        ("22-1234567", "48221234567"),
        ("+49 30123-4567890", "49301234567890"),
        ("112", "112"),
        ("+48112", "112"),
        ("0112", "0112"),
        ("4870*", "4870*"),
        ("+48 70*", "4870*"),
        ("004870*", "4870*"),
        ("22*", "22*"),
        ("48700000000-48700009999", "48700000000-48700009999"),
        ("700000000-700009999", "48700000000-48700009999"),
        ("+48700000000-+48700009999", "48700000000-48700009999"),
        ("+48-700-000-000 - +48-700-009-999", "48700000000-48700009999"),
        ("48700000000–48700009999", "48700000000-48700009999"),
        ("48700000000-48700000000", "48700000000-48700000000"),
        ("Anonymous", "anonymous"),
        (" unavailable ", "unavailable"),
        ("alice", "alice"),
        ("al%69ce", "alice"),
        ("Zo%C3%AB", "Zoë"),
        ("_7&a", "_7&a"),
    ] {
        let entry = Entry::parse(text, &poland()).map(|entry| entry.to_string());
        assert_eq!(entry.as_deref(), Ok(canonical), "{text:?}");
    }
    let national = Entry::parse("020 79*", &britain()).map(|entry| entry.to_string());
    assert_eq!(national.as_deref(), Ok("442079*"));
}

#[test]
fn each_slip_has_its_own_error() {
    use EntryError::*;
    for (text, error) in [
        ("", Empty),
        (" \u{a0} ", Empty),
        ("4822\x00123", Control('\0')),
        ("ali\nce", Control('\n')),
        ("48221234567\t", Control('\t')),
        ("%00", Control('\0')),
        ("%ff", Escapes),
        ("4,86E+10", Exponent),
        ("4.86E+10", Exponent),
        ("4,86e+10", Exponent),
        ("5E+10", Exponent),
        ("48221234O67", Letter('O')),
        ("4822123x*", Letter('x')),
        ("48221234567#", Character('#')),
        ("48/221234567", Character('/')),
        ("4822+123", Character('+')),
        ("+", NoDigits),
        ("()", NoDigits),
        ("1234567890123456", TooManyDigits(16)),
        ("+1234567890123456", TooManyDigits(16)),
        ("001234567890123456", TooManyDigits(18)),
        ("1234567890123456*", TooManyDigits(16)),
        ("+999999", TooFewDigits),
        ("+0221234567", LeadingZero),
        ("022*", LeadingZero),
        ("48*70", StarNotAtEnd),
        ("*48", StarNotAtEnd),
        ("4870**", StarNotAtEnd),
        ("4*", PrefixTooShort { digits: 1, least: 2 }),
        ("*", PrefixTooShort { digits: 0, least: 2 }),
        ("00*", PrefixTooShort { digits: 0, least: 2 }),
        ("48700009999-48700000000", RangeBackwards),
        ("4870000000-48700009999", RangeLengths(10, 11)),
        ("112 - 118", RangeOfCodes),
        ("48700000000 - 4870000999x", Letter('x')),
        ("John Smith", UserCharacter(' ')),
        ("alice@example.com", UserCharacter('@')),
        ("sip:alice", UserCharacter(':')),
        ("al*", UserCharacter('*')),
        ("a%25", UserCharacter('%')),
    ] {
        assert_eq!(Entry::parse(text, &poland()), Err(error), "{text:?}");
    }
    assert_eq!(Entry::parse(&"a".repeat(129), &poland()), Err(UserTooLong(129)));
}

#[test]
fn errors_say_what_was_expected() {
    let said = Entry::parse("4,86E+10", &poland()).unwrap_err().to_string();
    assert!(said.contains("spreadsheet") && said.contains("expected"), "{said}");
    assert_eq!(
        Entry::parse("4*", &poland()).unwrap_err().to_string(),
        "a prefix of 1 digits: expected at least 2 before the `*` (`min_prefix`)"
    );
}

#[test]
fn a_foreign_number_of_national_length_is_spelled_with_a_plus() {
    let entry = Entry::Number(number(441_234_567));
    assert_eq!(entry.to_string(), "441234567");
    assert_eq!(entry.spelled(&poland()), "+441234567");
    assert_eq!("441234567".parse(), Ok(entry));
    assert_eq!(Entry::Number(number(48_221_234_567)).spelled(&poland()), "48221234567");
}

#[test]
fn a_prefix_covers_numbers_that_begin_so_and_are_long_enough() {
    let prefix = Prefix::parse(b"4822123").unwrap();
    assert_eq!((prefix.value(), prefix.digits(), prefix.to_string()), (4_822_123, 7, "4822123*".to_owned()));
    assert!(prefix.contains(number(4_822_123)));
    assert!(prefix.contains(number(482_212_399_999_999)));
    assert!(!prefix.contains(number(4_822_124)));
    let longer = Prefix::parse(b"48221230").unwrap();
    assert!(!longer.contains(number(4_822_123)), "4822123 does not begin with 48221230");
    assert_eq!(Prefix::parse(b"999999999999999").unwrap().digits(), 15);
    assert_eq!(Prefix::parse(b"4").unwrap().digits(), 1);
    assert_eq!(Prefix::parse(b"048"), None);
    assert_eq!(Prefix::parse(b"9999999999999990"), None);
    assert_eq!(Prefix::of(number(4_822_123), 8), None);
    assert_eq!(Prefix::of(number(4_822_123), 2), Prefix::parse(b"48"));
}

fn any_number() -> impl Strategy<Value = Number> {
    (7u32..=15).prop_flat_map(|digits| (10u64.pow(digits - 1)..10u64.pow(digits)).prop_map(number))
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let range = (any_number(), any_number()).prop_filter_map("one length, ascending", |(one, other)| {
        Range::new(one.min(other), one.max(other)).map(Entry::Range)
    });
    prop_oneof![
        any_number().prop_map(Entry::Number),
        (10..=Number::MAX.get()).prop_map(|value| Entry::Prefix(Prefix::new(value).unwrap())),
        (10u64..1_000_000).prop_map(|value| Entry::Prefix(Prefix::new(value).unwrap())),
        range,
        "[0-9]{1,6}|0[0-9]{1,14}".prop_map(|digits| Entry::Code(Code::parse(digits.as_bytes()).unwrap())),
        "[a-zA-Zą_!~&=$,;?/][a-zA-Z0-9._~-]{0,20}".prop_map(|user| match user.to_lowercase().as_str() {
            "anonymous" => Entry::Anonymous,
            "unavailable" => Entry::Unavailable,
            _ => Entry::User(user.into()),
        }),
    ]
}

proptest! {
    #[test]
    fn the_canonical_spelling_reads_back(entry in any_entry()) {
        prop_assert_eq!(entry.to_string().parse::<Entry>(), Ok(entry));
    }

    #[test]
    fn what_any_text_means_has_a_spelling_that_means_the_same(text: String) {
        check_spelling(&text)?;
    }

    #[test]
    fn what_number_like_text_means_has_a_spelling_that_means_the_same(text in "[+(]?[0-9+* ()–.-]{0,30}[*x]?") {
        check_spelling(&text)?;
    }

    #[test]
    fn a_prefix_contains_what_its_digits_begin(prefix in 10u64..100_000, number in any_number()) {
        let prefix = Prefix::new(prefix).unwrap();
        let begins = number.to_string().starts_with(&prefix.value().to_string());
        prop_assert_eq!(prefix.contains(number), begins);
        let continued = Number::parse(format!("{}1234567", prefix.value()).as_bytes()).unwrap();
        prop_assert!(prefix.contains(continued));
    }
}

fn check_spelling(text: &str) -> Result<(), TestCaseError> {
    for plan in [poland(), britain(), DialPlan::BARE] {
        if let Ok(entry) = Entry::parse(text, &plan) {
            prop_assert_eq!(Entry::parse(&entry.spelled(&plan), &plan), Ok(entry.clone()));
            prop_assert_eq!(entry.to_string().parse(), Ok(entry));
        }
    }
    Ok(())
}

#[test]
fn entries_overlap_where_some_party_is_named_by_both() {
    let parse = |text: &str| Entry::parse(text, &DialPlan::default()).expect("an entry");
    for (one, other, overlap) in [
        ("48221110001", "48221110001", true),
        ("48221110001", "48221110002", false),
        ("48221110001", "4822*", true),
        ("48221110001", "4823*", false),
        ("48221110001", "48221110000-48221110009", true),
        ("48221110001", "48221110002-48221110009", false),
        ("4822*", "48*", true),
        ("4822*", "4823*", false),
        ("4822*", "48219999999-48220000000", true),
        ("4822*", "48220000000-48229999999", true),
        ("4822*", "48210000000-48219999999", false),
        ("4822*", "48230000000-48239999999", false),
        // A prefix that is longer than the numbers of the range.
        ("48221110001*", "4822111000-4822111001", false),
        ("48221110000-48221110009", "48221110009-48221110010", true),
        ("48221110000-48221110009", "48221110010-48221110011", false),
        ("112", "112", true),
        ("112", "113", false),
        ("112", "112*", false),
        ("anonymous", "anonymous", true),
        ("anonymous", "unavailable", false),
        ("alice", "alice", true),
        ("alice", "bob", false),
    ] {
        let (one, other) = (parse(one), parse(other));
        assert_eq!((one.overlaps(&other), other.overlaps(&one)), (overlap, overlap), "{one} {other}");
    }
}
