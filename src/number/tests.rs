use proptest::prelude::*;

use super::*;

fn poland() -> DialPlan {
    DialPlan::new("48", "00", "", &[9]).unwrap()
}

fn britain() -> DialPlan {
    DialPlan::new("44", "00", "0", &[9, 10]).unwrap()
}

fn america() -> DialPlan {
    DialPlan::new("1", "011", "1", &[10]).unwrap()
}

/// `48221234567`: known; `~48…`: guessed; `#112`: a code; `-`: nothing.
fn show(plan: &DialPlan, user: &str) -> String {
    match plan.normalise(user.as_bytes()) {
        Some(Dialled::E164 { number, guessed }) => format!("{}{number}", if guessed { "~" } else { "" }),
        Some(Dialled::Code(code)) => format!("#{code}"),
        None => "-".to_owned(),
    }
}

fn assert_table(plan: &DialPlan, table: &[(&str, &str)]) {
    for (user, expected) in table {
        assert_eq!(show(plan, user), *expected, "{user:?}");
    }
}

#[test]
fn every_polish_spelling_is_one_number() {
    let spellings = [
        "+48221234567",
        "0048221234567",
        "48221234567",
        "221234567",
        "%2B48221234567",
        "%2b48221234567",
        "%2B48%20221234567",
        "+48-22-123-45-67",
        "+48.22.123.45.67",
        "+48(22)1234567",
        "(+48)221234567",
        "+48 22 123 45 67",
        "22-123-45-67",
        "(22) 123 45 67",
        "00-48-22-1234567",
        "221234567;phone-context=+48",
        "22-123-45-67;phone-context=+48",
        "22-123-45-67;PHONE-Context=+4-8",
        "22-123-45-67;phone-context=%2B48",
        "1234567;phone-context=+4822",
        "0048221234567;phone-context=+48",
        "48221234567;phone-context=+48",
        "221234567;phone-context=example.com",
        "+48221234567;phone-context=+1",
        "+48221234567;npdi;rn=+48600000001",
        "+48221234567;rn=48600000001;npdi",
        "221234567;rn=+48600000001;phone-context=+48;npdi",
        "+48221234567;user=phone",
        "+48221234567;isub=12;ext=99",
        "+48221234567%3Bnpdi",
    ];
    for user in spellings {
        assert_eq!(show(&poland(), user), "48221234567", "{user:?}");
    }
}

#[test]
fn national_prefixes_lead_to_the_same_number() {
    for user in ["+442079460958", "00442079460958", "02079460958", "2079460958", "442079460958", "+44(0)2079460958"] {
        assert_eq!(show(&britain(), user), "442079460958", "{user:?}");
    }
    assert_table(
        &britain(),
        &[
            ("+44(0)120412345", "44120412345"),
            ("0120412345", "44120412345"),
            ("020794609", "#020794609"),
            ("00008085843", "#00008085843"),
        ],
    );
    let context = "020 7946 0958;phone-context=+44";
    assert_eq!(show(&britain(), context), "442079460958");
    assert_table(&america(), &[("+1911", "#911"), ("0111011111", "1011111"), ("911;phone-context=+1", "#911")]);
    for user in ["+12125550100", "01112125550100", "12125550100", "2125550100", "(212) 555-0100", "1-212-555-0100"] {
        assert_eq!(show(&america(), user), "12125550100", "{user:?}");
    }
}

#[test]
fn what_the_plan_does_not_explain_is_a_code_a_guess_or_nothing() {
    assert_table(
        &poland(),
        &[
            ("112", "#112"),
            ("+48112", "#112"),
            ("0048112", "#112"),
            ("112;phone-context=+48", "#112"),
            ("112;phone-context=+4822", "#112"),
            ("116111", "#116111"),
            ("+48116111", "#116111"),
            ("0112", "#0112"),
            ("022123456", "48022123456"),
            ("0221234567", "#0221234567"),
            ("487654321", "48487654321"),
            ("+491701234567", "491701234567"),
            ("00491701234567", "491701234567"),
            ("491701234567", "~491701234567"),
            ("1234567", "~1234567"),
            ("1234567;phone-context=+44", "441234567"),
            ("123456789012345", "~123456789012345"),
            ("1234567890123456", "-"),
            ("+1234567890123456", "-"),
            ("001234567890123456", "-"),
            ("+999999", "-"),
            ("+48", "-"),
            ("+0221234567", "-"),
            ("", "-"),
            ("+", "-"),
            ("-", "-"),
            (";phone-context=+48", "-"),
            ("alice", "-"),
            ("22123456O", "-"),
            ("++48221234567", "-"),
            ("48+221234567", "-"),
            ("*21#", "-"),
            ("%", "-"),
            ("%4", "-"),
            ("%zz221234567", "-"),
            ("22123\x004567", "-"),
            ("221234567;phone-context=", "48221234567"),
            ("12345678;phone-context=+12345678901234567", "~12345678"),
        ],
    );
}

#[test]
fn a_list_of_national_lengths_wins_over_short_codes() {
    let faroe = DialPlan::new("298", "00", "", &[6]).unwrap();
    assert_table(&faroe, &[("312345", "298312345"), ("+298312345", "298312345"), ("112", "#112")]);
}

#[test]
fn numbers_and_codes_keep_apart() {
    assert_eq!(Number::new(999_999), None);
    assert_eq!(Number::new(1_000_000), Some(Number::MIN));
    assert_eq!(Number::new(1_000_000_000_000_000), None);
    assert_eq!(Number::MAX.digits(), 15);
    assert_eq!(Number::parse(b"0221234567"), None);
    assert_eq!(Number::parse(b"00000000000000001234567"), None);
    assert_eq!("48x".parse::<Number>(), Err(NumberError));
    assert_eq!(Code::parse(b"1234567"), None);
    assert_eq!(Code::parse(b""), None);
    assert_ne!(Code::parse(b"0112"), Code::parse(b"112"));
    assert_eq!(Code::parse(b"000").unwrap().to_string(), "000");
    assert_eq!(Code::parse(b"0000000000000000001"), None);
}

#[test]
fn user_parts_name_parties() {
    let plan = poland();
    assert_eq!(plan.party(b"+48112"), Party::Code(Code::parse(b"112").unwrap()));
    assert_eq!(plan.party(b"al%69ce"), Party::User("alice".into()));
    assert!(matches!(plan.party(b"alice"), Party::User(std::borrow::Cow::Borrowed("alice"))));
    assert_eq!(plan.party(b"Anonymous"), Party::Anonymous);
    assert_eq!(plan.party(b""), Party::Unavailable);
    assert_eq!(plan.party(b"unknown"), Party::Unavailable);
    assert_eq!(plan.party(b"%ff"), Party::Unavailable);
}

#[test]
fn numbers_are_written_in_each_format() {
    let write = |plan: DialPlan, number: &str, format| {
        let mut out = Vec::new();
        plan.write(number.parse().unwrap(), format, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(write(poland(), "48221234567", NumberFormat::AsReceived), "+48221234567");
    assert_eq!(write(poland(), "48221234567", NumberFormat::PlusE164), "+48221234567");
    assert_eq!(write(poland(), "48221234567", NumberFormat::E164), "48221234567");
    assert_eq!(write(poland(), "48221234567", NumberFormat::International), "0048221234567");
    assert_eq!(write(poland(), "48221234567", NumberFormat::National), "221234567");
    assert_eq!(write(poland(), "491701234567", NumberFormat::National), "00491701234567");
    assert_eq!(write(poland(), "4812345678", NumberFormat::National), "004812345678");
    assert_eq!(write(britain(), "442079460958", NumberFormat::National), "02079460958");
    assert_eq!(write(britain(), "44040411544", NumberFormat::National), "0044040411544");
    assert_eq!(write(america(), "12125550100", NumberFormat::National), "12125550100");
    assert_eq!(write(DialPlan::BARE, "48221234567", NumberFormat::International), "+48221234567");
}

#[test]
fn plans_are_read_from_configuration() {
    #[derive(serde::Deserialize)]
    struct Table {
        format: NumberFormat,
    }
    let text = "country = '44'\nnational = '0'\nnational_length = [9, 10]";
    assert_eq!(toml::from_str::<DialPlan>(text).unwrap(), britain());
    assert_eq!(toml::from_str::<DialPlan>("").unwrap(), poland());
    assert_eq!(toml::from_str::<Table>("format = '+e164'").unwrap().format, NumberFormat::PlusE164);
    assert!(toml::from_str::<Table>("format = 'plus'").is_err());
    for bad in ["country = '+48'", "country = '123456789'", "national_length = [16]", "national_length = [0]", "x = 1"]
    {
        assert!(toml::from_str::<DialPlan>(bad).is_err(), "{bad}");
    }
    let overrides: DialPlanOverrides = toml::from_str("national = '0'").unwrap();
    assert_eq!(overrides.over(&poland()).national.to_string(), "0");
    assert_eq!(overrides.over(&poland()).country, poland().country);
}

fn any_plan() -> impl Strategy<Value = DialPlan> {
    prop_oneof![Just(poland()), Just(britain()), Just(america()), Just(DialPlan::BARE)]
}

fn any_number() -> impl Strategy<Value = Number> {
    (7u32..=15).prop_flat_map(|digits| (10u64.pow(digits - 1)..10u64.pow(digits)).prop_map(|n| Number::new(n).unwrap()))
}

/// A whole number of the plan's country.
fn own_number() -> impl Strategy<Value = (DialPlan, Number)> {
    let of = |plan: DialPlan, national: std::ops::Range<u64>, scale: u64, country: u64| {
        national.prop_map(move |national| (plan, Number::new(country * scale + national).unwrap()))
    };
    prop_oneof![
        of(poland(), 100_000_000..1_000_000_000, 1_000_000_000, 48),
        of(britain(), 1_000_000_000..10_000_000_000, 10_000_000_000, 44),
        of(america(), 2_000_000_000..10_000_000_000, 10_000_000_000, 1),
    ]
}

/// Whether a global spelling of the number is a short code of the plan's country.
fn is_global_code(plan: &DialPlan, number: Number) -> bool {
    let text = number.to_string();
    let rest = text.strip_prefix(&plan.country.to_string()).filter(|_| !plan.country.is_empty());
    rest.is_some_and(|rest| rest.len() <= 6 && !rest.starts_with('0'))
}

/// Whether the number's digits go on with the national prefix and a national number.
fn has_needless_prefix(plan: &DialPlan, number: Number) -> bool {
    let text = number.to_string();
    let head = format!("{}{}", plan.country, plan.national);
    !plan.national.is_empty() && text.strip_prefix(&head).is_some_and(|rest| plan.national_length.contains(rest.len()))
}

proptest! {
    #[test]
    fn what_is_written_globally_is_read_as_the_same_number(plan in any_plan(), number in any_number()) {
        prop_assume!(!is_global_code(&plan, number) && !has_needless_prefix(&plan, number));
        for format in [NumberFormat::AsReceived, NumberFormat::PlusE164, NumberFormat::International] {
            let mut out = Vec::new();
            plan.write(number, format, &mut out);
            prop_assert_eq!(plan.normalise(&out), Some(Dialled::E164 { number, guessed: false }));
        }
    }

    #[test]
    fn own_numbers_are_read_back_from_every_format((plan, number) in own_number()) {
        use NumberFormat::*;
        for format in [AsReceived, PlusE164, E164, International, National] {
            let mut out = b"x".to_vec();
            plan.write(number, format, &mut out);
            prop_assert_eq!(plan.normalise(&out[1..]), Some(Dialled::E164 { number, guessed: false }), "{:?}", format);
        }
    }

    #[test]
    fn any_bytes_normalise_to_what_its_own_spelling_normalises_to(plan in any_plan(), user: Vec<u8>) {
        check_idempotence(&plan, &user);
    }

    #[test]
    fn number_like_text_normalises_to_what_its_own_spelling_normalises_to(
        plan in any_plan(),
        user in "[+(]?(00|011|0|1|48|44)?[0-9 .()-]{0,18}(;phone-context=(\\+?[0-9-]{1,6}|a.b)|;rn=[+0-9]{1,9}|;npdi){0,2}",
    ) {
        check_idempotence(&plan, user.as_bytes());
    }

    #[test]
    fn separators_and_parameters_of_porting_never_matter(plan in any_plan(), digits in "\\+?[0-9]{1,16}", gaps: Vec<u8>) {
        let mut spread = String::new();
        for (at, char) in digits.chars().enumerate() {
            let gap = gaps.get(at).map_or("", |gap| ["", "-", ".", " ", "%20", "(", ")"][usize::from(gap % 7)]);
            spread.push_str(if at == 0 { "" } else { gap });
            spread.push(char);
        }
        prop_assert_eq!(plan.normalise(spread.as_bytes()), plan.normalise(digits.as_bytes()));
        let ported = format!("{digits};npdi;rn=+48600000000");
        prop_assert_eq!(plan.normalise(ported.as_bytes()), plan.normalise(digits.as_bytes()));
    }
}

fn check_idempotence(plan: &DialPlan, user: &[u8]) {
    match plan.normalise(user) {
        Some(Dialled::E164 { number, .. }) => {
            let again = plan.normalise(format!("+{number}").as_bytes());
            assert_eq!(again, Some(Dialled::E164 { number, guessed: false }));
        }
        Some(code @ Dialled::Code(_)) => {
            assert_eq!(DialPlan::BARE.normalise(code.to_string().as_bytes()), Some(code));
        }
        None => {}
    }
}
