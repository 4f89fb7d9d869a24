//! The rules of the simulated world, twice: as the TOML that Ringfence reads, and as a model that knows nothing of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rand::RngExt;
use rand::rngs::StdRng;
use ringfence::config::InMemory;
use ringfence::lists::{Change, Details, Edit, Entry};
use ringfence::number::DialPlan;
use ringfence::screen::World;
use ringfence::time::WallTime;

/// Three neighbours: `carrier` over UDP, `pbx` over UDP with two targets, `wild` over TCP with two targets and no trust.
pub(crate) const CONFIG: &str = r#"
[numbers]
country = "48"
international = "00"
national_length = [9]

[[trunk]]
name = "carrier"
from = ["198.51.100.0/24"]
to = ["sip:198.51.100.7:5060"]
trusted = true
number_format = "+e164"

[[trunk]]
name = "pbx"
from = ["192.0.2.0/24"]
to = ["sip:192.0.2.3:5070", "sip:192.0.2.4:5070"]
trusted = true
try_for = "2s"
failover_on = [503, 480]
methods = ["INVITE", "MESSAGE"]

[[trunk]]
name = "wild"
from = ["203.0.113.0/24"]
to = ["sip:203.0.113.9:5060;transport=tcp", "sip:203.0.113.10:5060;transport=tcp"]
number_format = "international"
failover_on = [503]

[[list]]
name = "friends"
class = "allow"
entries = ["48600000005"]
[[list]]
name = "vip"
class = "allow"
entries = ["48600000011", "user-3"]
[[list]]
name = "default"
class = "personal"
entries = ["48600000001", "48600000005", "4860000001*", "48600000030-48600000032", "48501000003"]
[[list]]
name = "dno"
class = "dno"
entries = ["48600000002", "anonymous"]
[[list]]
name = "moved"
class = "personal"
entries = ["48600000020", "user-3"]
[[list]]
name = "night"
class = "personal"
entries = ["48600000021", "48600000022"]
[[list]]
name = "shy"
class = "personal"
entries = ["48600000023", "48600000024", "48501000012", "48501000013"]
[[list]]
name = "spam"
class = "personal"
entries = ["48600000025", "unavailable"]
[[list]]
name = "watch"
class = "personal"
entries = ["4860000002*"]
[[list]]
name = "dnc"
class = "dnc"
entries = ["48500000004", "4850000001*", "49300000001"]
[[list]]
name = "our-numbers"
class = "pool"
entries = ["48501000000-48501000009", "48501000015"]

[[inbound]]
name = "observed"
lists = ["watch"]
action = "decline"
mode = "observe"
[[inbound]]
name = "let-in"
lists = ["friends"]
action = "pass"
[[inbound]]
name = "blocked"
lists = ["default", "dno"]
except = ["vip"]
trunks = ["carrier", "wild"]
action = "decline"
[[inbound]]
name = "gone"
lists = ["moved"]
action = "redirect"
to = "sip:+48221112233@pbx.example.net"
[[inbound]]
name = "night-shift"
lists = ["night"]
called = ["482210*"]
action = "forward"
to = "48229999999"
[[inbound]]
name = "hidden"
lists = ["shy"]
action = "hide"
[[inbound]]
name = "robots"
lists = ["spam"]
action = "drop"

[[campaign]]
name = "spring-offer"
header = { name = "X-Campaign", value = "spring" }
lists = ["dnc", "default"]
status = "Do not call"

[[route]]
name = "help"
called = ["112"]
to = "carrier"
[[route]]
name = "to-pbx"
trunks = ["carrier", "wild"]
called = ["4822*"]
to = "pbx"
[[route]]
name = "out"
trunks = ["pbx"]
called = ["4850*"]
to = "carrier"
present = { pool = "our-numbers", strategy = "random", headers = ["P-Asserted-Identity"] }
unavailable = 486
[[route]]
name = "abroad"
trunks = ["pbx", "carrier"]
called = ["49*"]
to = "wild"
present = { pool = "our-numbers", headers = ["From", "P-Asserted-Identity"] }
[[route]]
name = "ask"
trunks = ["carrier"]
called = ["4833*"]
answer = 302
present = { pool = "our-numbers" }
[[route]]
name = "abroad-plain"
trunks = ["pbx", "carrier"]
called = ["44*"]
to = "wild"
"#;

/// The world that the TOML says, as generation 1.
pub(crate) fn world() -> World {
    let loaded = ringfence::config::parse(Path::new("simulation.toml"), CONFIG, &[], &mut InMemory::new());
    let loaded = loaded.unwrap_or_else(|errors| panic!("{errors}"));
    World::new(1, loaded.lists, loaded.policy).expect("pools hold numbers")
}

/// Who calls, as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    Number(u64),
    User(String),
    Anonymous,
}

/// All that the model's rules ask about.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) trunk: &'static str,
    pub(crate) from: Who,
    pub(crate) asserted: Option<u64>,
    pub(crate) privacy: bool,
    /// 112 or an E.164 number.
    pub(crate) callee: u64,
    pub(crate) campaign: bool,
}

impl Facts {
    /// The numbers that lists may be edited about.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        let from = if let Who::Number(number) = self.from { Some(number) } else { None };
        from.into_iter().chain(self.asserted).chain([self.callee].into_iter().filter(|callee| *callee != 112))
    }

    fn believed(&self) -> Option<u64> {
        self.asserted.filter(|_| self.trunk != "wild")
    }
}

/// An entry of the model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listed {
    Number(u64),
    /// All longer numbers that begin so.
    Prefix(String),
    Range(u64, u64),
    Anonymous,
    Unavailable,
    User(String),
}

impl Listed {
    fn parse(text: &str) -> Listed {
        if let Some(prefix) = text.strip_suffix('*') {
            return Listed::Prefix(prefix.to_owned());
        }
        if let Some((first, last)) = text.split_once('-').filter(|(first, _)| first.parse::<u64>().is_ok()) {
            return Listed::Range(first.parse().expect("a number"), last.parse().expect("a number"));
        }
        match text {
            "anonymous" => Listed::Anonymous,
            "unavailable" => Listed::Unavailable,
            _ => text.parse().map_or_else(|_| Listed::User(text.to_owned()), Listed::Number),
        }
    }

    fn text(&self) -> String {
        match self {
            Listed::Number(number) => number.to_string(),
            Listed::Prefix(prefix) => format!("{prefix}*"),
            Listed::Range(first, last) => format!("{first}-{last}"),
            Listed::Anonymous => "anonymous".to_owned(),
            Listed::Unavailable => "unavailable".to_owned(),
            Listed::User(user) => user.clone(),
        }
    }

    fn holds_number(&self, number: u64) -> bool {
        match self {
            Listed::Number(listed) => *listed == number,
            Listed::Prefix(prefix) => number.to_string().starts_with(prefix),
            Listed::Range(first, last) => (*first..=*last).contains(&number),
            _ => false,
        }
    }
}

/// The lists as the model keeps them: each entry with the moment at which it expires.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    lists: BTreeMap<&'static str, BTreeMap<Listed, Option<WallTime>>>,
}

/// What the model says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// As in records.
    pub(crate) word: &'static str,
    pub(crate) trunk: &'static str,
}

impl Model {
    /// The lists of [`CONFIG`].
    pub(crate) fn new() -> Model {
        let document: toml::Table = CONFIG.parse().expect("TOML");
        let mut lists = BTreeMap::new();
        for list in document["list"].as_array().expect("lists") {
            let name =
                NAMES.iter().find(|name| **name == list["name"].as_str().expect("a name")).expect("a known list");
            let entries = list["entries"].as_array().expect("entries");
            let entries = entries.iter().map(|text| (Listed::parse(text.as_str().expect("a text")), None)).collect();
            lists.insert(*name, entries);
        }
        Model { lists }
    }

    fn entries(&self, list: &str, at: WallTime) -> impl Iterator<Item = &Listed> {
        let in_force = move |expires: &Option<WallTime>| expires.is_none_or(|expires| at < expires);
        self.lists[list].iter().filter(move |(_, expires)| in_force(expires)).map(|(entry, _)| entry)
    }

    pub(crate) fn holds_number(&self, list: &str, number: u64, at: WallTime) -> bool {
        self.entries(list, at).any(|entry| entry.holds_number(number))
    }

    /// Whether a blocking list holds the caller: From or the asserted identity, either one.
    fn holds_caller(&self, list: &str, facts: &Facts, at: WallTime) -> bool {
        let asserted = facts.believed();
        let from = if let Who::Number(number) = facts.from { Some(number) } else { None };
        self.entries(list, at).any(|entry| match entry {
            Listed::Anonymous => facts.privacy || facts.from == Who::Anonymous,
            Listed::Unavailable => from.is_none() && asserted.is_none(),
            Listed::User(user) => facts.from == Who::User(user.clone()),
            _ => from.into_iter().chain(asserted).any(|number| entry.holds_number(number)),
        })
    }

    /// Whether a list that opens a door holds the caller: the asserted identity alone where there is one.
    fn admits(&self, list: &str, facts: &Facts, at: WallTime) -> bool {
        let identity = facts.believed().map_or(facts.from.clone(), Who::Number);
        let known = facts.believed().is_some() || matches!(facts.from, Who::Number(_));
        self.entries(list, at).any(|entry| match (entry, &identity) {
            (Listed::Anonymous, _) => facts.privacy || facts.from == Who::Anonymous,
            (Listed::Unavailable, _) => !known,
            (Listed::User(listed), Who::User(user)) => listed == user,
            (entry, Who::Number(number)) => entry.holds_number(*number),
            _ => false,
        })
    }

    pub(crate) fn judge(&self, facts: &Facts, at: WallTime) -> Judgement {
        let answer = |word| Judgement { word, trunk: "" };
        let mut callee = facts.callee;
        if callee == 112 {
            return Judgement { word: "pass", trunk: "carrier" };
        }
        let (mut forwarded, mut hidden) = (false, false);
        let listed = |list| self.holds_caller(list, facts, at);
        if !self.admits("friends", facts, at) {
            let outside = matches!(facts.trunk, "carrier" | "wild");
            if outside && (listed("default") || listed("dno")) && !self.admits("vip", facts, at) {
                return answer("decline");
            }
            if listed("moved") {
                return answer("redirect");
            }
            if listed("night") && callee.to_string().starts_with("482210") {
                forwarded = true;
                callee = 48_229_999_999;
            } else if listed("shy") {
                hidden = true;
            } else if listed("spam") {
                return answer("drop");
            }
        }
        let called = |list| self.holds_number(list, callee, at);
        if facts.campaign && (called("dnc") || called("default")) {
            return answer("decline");
        }
        let digits = callee.to_string();
        let (trunk, presents) = match facts.trunk {
            "carrier" | "wild" if digits.starts_with("4822") => ("pbx", false),
            "pbx" if digits.starts_with("4850") => ("carrier", true),
            "carrier" if digits.starts_with("4833") => ("", true),
            "pbx" | "carrier" if digits.starts_with("49") => ("wild", true),
            "pbx" | "carrier" if digits.starts_with("44") => ("wild", false),
            _ => return answer("no-route"),
        };
        if presents && !self.has_number_to_show(at) {
            return answer("empty-pool");
        }
        let word = match (forwarded, hidden) {
            _ if trunk.is_empty() => "return",
            (true, _) => "forward",
            (false, true) => "hide",
            (false, false) => "pass",
        };
        Judgement { word, trunk }
    }

    /// Whether any number of the pool may be shown.
    pub(crate) fn has_number_to_show(&self, at: WallTime) -> bool {
        self.pool(at).any(|number| self.may_present(number, at))
    }

    fn pool(&self, at: WallTime) -> impl Iterator<Item = u64> {
        self.entries("our-numbers", at).flat_map(|entry| match entry {
            Listed::Number(number) => *number..=*number,
            Listed::Range(first, last) => *first..=*last,
            _ => panic!("a pool holds numbers"),
        })
    }

    /// Whether a number is in the pool and in no list of people who are not called or not answered.
    pub(crate) fn may_present(&self, number: u64, at: WallTime) -> bool {
        let excluded = NAMES.iter().filter(|name| !matches!(**name, "friends" | "vip" | "our-numbers"));
        self.holds_number("our-numbers", number, at)
            && !excluded.into_iter().any(|list| self.holds_number(list, number, at))
    }

    /// Makes one random edit here, about this number or any, and says what it is to Ringfence.
    pub(crate) fn edit(&mut self, rng: &mut StdRng, at: WallTime, about: Option<u64>) -> Edit {
        let list = NAMES[rng.random_range(0..NAMES.len())];
        let present: Vec<Listed> = self.lists[list].keys().cloned().collect();
        let seconds = rng.random_range(1..60);
        let expires = rng.random_bool(0.3).then(|| at + std::time::Duration::from_secs(seconds));
        let about = about.filter(|_| list != "our-numbers").map(Listed::Number);
        let (entry, change) = if let Some(entry) = about {
            let is_listed = self.lists[list].contains_key(&entry);
            (entry, if is_listed { None } else { Some(expires) })
        } else if !present.is_empty() && rng.random_bool(0.4) {
            (present[rng.random_range(0..present.len())].clone(), None)
        } else {
            let low = rng.random_range(0..40);
            let entry = match (list, rng.random_range(0..10)) {
                ("our-numbers", kind) if kind < 3 => {
                    Listed::Range(48_501_000_000 + low, 48_501_000_000 + low + rng.random_range(1..4))
                }
                ("our-numbers", _) => Listed::Number(48_501_000_000 + low),
                ("dnc", _) => Listed::Number(48_500_000_000 + low),
                (_, 0) => Listed::Anonymous,
                (_, 1) => Listed::User(format!("user-{}", low % 5)),
                (_, 2) => Listed::Prefix(format!("486000000{}", low / 10)),
                (_, 3) => Listed::Range(48_600_000_000 + low, 48_600_000_003 + low),
                (_, 4) => Listed::Number(48_501_000_000 + low),
                (_, 5) => Listed::Unavailable,
                _ => Listed::Number(48_600_000_000 + low),
            };
            (entry, Some(expires))
        };
        let plan = DialPlan::default();
        let parsed = Entry::parse(&entry.text(), &plan).expect("an entry");
        let entries = self.lists.get_mut(list).expect("a list");
        let change = match change {
            None => {
                entries.remove(&entry);
                Change::Remove
            }
            Some(expires) => {
                entries.insert(entry, expires);
                Change::Put(Details { expires, ..Details::default() })
            }
        };
        Edit { list: Arc::from(list), entry: parsed, change }
    }
}

/// All lists.
const NAMES: [&str; 11] =
    ["friends", "vip", "default", "dno", "moved", "night", "shy", "spam", "watch", "dnc", "our-numbers"];

/// A random spelling of a number that every dial plan reads alike, for the user part of a SIP URI.
pub(crate) fn spell(number: u64, rng: &mut StdRng) -> String {
    if number < 1_000_000 {
        return number.to_string();
    }
    let digits = number.to_string();
    match rng.random_range(0..7) {
        0 => digits,
        1 => format!("00{digits}"),
        2 if digits.starts_with("48") => digits[2..].to_owned(),
        3 => format!("%2B{digits}"),
        4 => format!("+{}-{}.{}", &digits[..2], &digits[2..5], &digits[5..]),
        5 => format!("+{digits};phone-context=+48"),
        _ => format!("+{digits}"),
    }
}
