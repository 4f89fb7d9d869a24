//! What was asked of the lists, what was acknowledged, and what must be there for it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::client::{Answer, Client, entry_path};

/// Somebody who edits: entries of his own in the list `default`, and a list of his own that comes and goes.
pub(crate) struct Hand {
    digit: u8,
    random: StdRng,
    /// What is there by all that was acknowledged.
    lists: Lists,
    /// Sent and not answered.
    open: Option<Asked>,
    /// The next description, each of which is used once.
    next: u64,
    /// How much the generation was raised by what is there.
    raised: u64,
    /// The generations that were acknowledged for single entries, with their descriptions.
    told: Vec<(u64, String)>,
    /// The highest generation that was acknowledged.
    highest: u64,
    pub(crate) counts: Counts,
}

/// What became of the requests.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: u64,
    /// Not answered, and done.
    pub(crate) happened: u64,
    /// Neither answered nor done.
    pub(crate) lost: u64,
}

/// What each list holds.
type Lists = BTreeMap<String, Content>;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Content {
    /// Entries and their descriptions.
    entries: BTreeMap<String, String>,
    /// How many others there are, which came with a large import.
    others: u64,
}

/// A request.
#[derive(Debug, Clone)]
enum Asked {
    Put {
        list: String,
        entry: String,
        description: String,
    },
    Remove {
        list: String,
        entry: String,
    },
    /// All of it or nothing; no description: removed.
    Group {
        list: String,
        changes: BTreeMap<String, Option<String>>,
    },
    Import {
        list: String,
        rows: BTreeMap<String, String>,
    },
    /// So many rows that they become a file and no edits.
    LargeImport {
        list: String,
        rows: BTreeMap<String, String>,
    },
    Make {
        list: String,
    },
    Unmake {
        list: String,
    },
}

impl Hand {
    pub(crate) fn new(digit: u8, random: StdRng) -> Hand {
        let lists = BTreeMap::from([(SHARED.to_owned(), Content::default())]);
        let (told, counts) = (Vec::new(), Counts::default());
        Hand { digit, random, lists, open: None, next: 0, raised: 0, told, highest: 0, counts }
    }

    /// Edits until nobody answers any more. What is answered must be a success: nothing is asked that is wrong.
    pub(crate) fn edit(&mut self, client: &Client, large: bool) {
        let mut large = large;
        loop {
            let asked = self.choose(std::mem::take(&mut large));
            self.open = Some(asked.clone());
            let Ok(answer) = asked.send(client) else { return };
            assert!((200..300).contains(&answer.status), "{asked:?}: {answer:?}");
            self.settle(&asked);
            self.counts.acknowledged += 1;
            if let Some(generation) = answer.body["generation"].as_u64() {
                assert!(generation > self.highest, "{asked:?}: {generation} after {}", self.highest);
                self.highest = generation;
                if let Asked::Put { description, .. } = asked {
                    self.told.push((generation, description));
                }
            }
        }
    }

    /// Finds out whether what was not answered has happened, whole; all else must be as it was acknowledged.
    pub(crate) fn reconcile(&mut self, client: &Client) {
        let found = self.found(client);
        let Some(asked) = self.open.take() else {
            return assert_eq!(found, self.lists, "nothing was asked since");
        };
        if found == self.lists {
            self.counts.lost += 1;
            return;
        }
        self.counts.happened += 1;
        let acknowledged = self.lists.clone();
        self.settle(&asked);
        assert_eq!(found, self.lists, "\nneither this with {asked:?} nor, without it,\n{acknowledged:?}");
    }

    pub(crate) fn raised(&self) -> u64 {
        self.raised
    }

    pub(crate) fn highest(&self) -> u64 {
        self.highest
    }

    pub(crate) fn told(&self) -> &[(u64, String)] {
        &self.told
    }

    fn settle(&mut self, asked: &Asked) {
        asked.apply(&mut self.lists);
        self.raised += asked.raises();
        self.open = None;
    }

    fn found(&self, client: &Client) -> Lists {
        let own = self.own_list();
        let all = client.get("/v1/lists").expect(200).body;
        let lists = all["lists"].as_array().expect("lists").iter();
        let names = lists.filter_map(|list| Some((list["name"].as_str()?, list["entries"].as_u64()?)));
        let mine = names.filter(|(name, _)| *name == SHARED || *name == own);
        mine.map(|(name, total)| (name.to_owned(), self.content(client, name, total))).collect()
    }

    fn content(&self, client: &Client, list: &str, total: u64) -> Content {
        let mine = client.found_entries(list, &self.stem());
        let entries: BTreeMap<_, _> =
            mine.into_iter().map(|(entry, description)| (entry, description.unwrap_or_default())).collect();
        let others = if list == SHARED { 0 } else { total - entries.len() as u64 };
        Content { entries, others }
    }

    fn choose(&mut self, large: bool) -> Asked {
        let own = self.own_list();
        match self.lists.get(&own) {
            None if large || self.random.random_ratio(1, 12) => return Asked::Make { list: own },
            Some(_) if large => return Asked::LargeImport { list: own, rows: self.rows() },
            Some(_) if self.random.random_ratio(1, 40) => return Asked::Unmake { list: own },
            _ => {}
        }
        let list = match self.lists.contains_key(&own) && self.random.random_ratio(1, 3) {
            true => own,
            false => SHARED.to_owned(),
        };
        match self.random.random_range(0..10) {
            0 => Asked::Import { list, rows: self.rows() },
            1 | 2 => {
                let mut changes: BTreeMap<_, _> =
                    self.rows().into_iter().map(|(entry, description)| (entry, Some(description))).collect();
                // Some of those that are there go.
                for entry in self.lists[&list].entries.keys().take(self.random.random_range(0..4)) {
                    changes.insert(entry.clone(), None);
                }
                Asked::Group { list, changes }
            }
            3..=5 => match self.present(&list) {
                Some(entry) => Asked::Remove { list, entry },
                None => self.put(list),
            },
            _ => self.put(list),
        }
    }

    fn put(&mut self, list: String) -> Asked {
        Asked::Put { list, entry: self.entry(), description: self.description() }
    }

    fn rows(&mut self) -> BTreeMap<String, String> {
        (0..self.random.random_range(1..12)).map(|_| (self.entry(), self.description())).collect()
    }

    fn present(&mut self, list: &str) -> Option<String> {
        let entries = &self.lists[list].entries;
        let at = self.random.random_range(0..entries.len().max(1));
        entries.keys().nth(at).cloned()
    }

    /// A number, or a prefix of ten; they are few, so that many are edited again.
    fn entry(&mut self) -> String {
        let stem = self.stem();
        match self.random.random_ratio(1, 8) {
            true => format!("{stem}{}*", self.random.random_range(0..10)),
            false => format!("{stem}{:02}", self.random.random_range(0..100)),
        }
    }

    fn description(&mut self) -> String {
        self.next += 1;
        format!("hand {} edit {}", self.digit, self.next)
    }

    /// How all of his entries begin, and nobody else's.
    fn stem(&self) -> String {
        format!("48{}{}", crate::daemon::PERSONAL, self.digit)
    }

    fn own_list(&self) -> String {
        format!("of-hand-{}", self.digit)
    }
}

impl Asked {
    fn send(&self, client: &Client) -> Result<Answer, ureq::Error> {
        match self {
            Asked::Put { list, entry, description } => {
                let body = format!("{{\"description\":\"{description}\"}}");
                client.ask("PUT", &entry_path(list, entry), body.as_bytes())
            }
            Asked::Remove { list, entry } => client.ask("DELETE", &entry_path(list, entry), b""),
            Asked::Group { list, changes } => {
                let mut lines = String::new();
                for (entry, description) in changes {
                    let _ = match description {
                        Some(text) => writeln!(lines, "{{\"entry\":\"{entry}\",\"description\":\"{text}\"}}"),
                        None => writeln!(lines, "{{\"entry\":\"{entry}\",\"change\":\"remove\"}}"),
                    };
                }
                client.ask("POST", &format!("/v1/lists/{list}/edits"), lines.as_bytes())
            }
            Asked::Import { list, rows } => import(client, list, &csv(rows)),
            Asked::LargeImport { list, rows } => {
                let mut file = csv(rows);
                for number in 0..OTHERS {
                    let _ = writeln!(file, "{},", FIRST_OTHER + number);
                }
                import(client, list, &file)
            }
            Asked::Make { list } => {
                let body = format!("{{\"name\":\"{list}\",\"class\":\"dnc\"}}");
                client.ask("POST", "/v1/lists", body.as_bytes())
            }
            Asked::Unmake { list } => client.ask("DELETE", &format!("/v1/lists/{list}"), b""),
        }
    }

    fn apply(&self, lists: &mut Lists) {
        match self {
            Asked::Put { list, entry, description } => {
                of(lists, list).entries.insert(entry.clone(), description.clone());
            }
            Asked::Remove { list, entry } => drop(of(lists, list).entries.remove(entry)),
            Asked::Group { list, changes } => {
                for (entry, description) in changes {
                    match description {
                        Some(text) => of(lists, list).entries.insert(entry.clone(), text.clone()),
                        None => of(lists, list).entries.remove(entry),
                    };
                }
            }
            Asked::Import { list, rows } => of(lists, list).entries.extend(rows.clone()),
            Asked::LargeImport { list, rows } => {
                let content = of(lists, list);
                content.entries.extend(rows.clone());
                content.others = OTHERS;
            }
            Asked::Make { list } => drop(lists.insert(list.clone(), Content::default())),
            Asked::Unmake { list } => drop(lists.remove(list)),
        }
    }

    /// By how much it raises the generation: one for each edit.
    fn raises(&self) -> u64 {
        match self {
            Asked::Group { changes, .. } => changes.len() as u64,
            Asked::Import { rows, .. } => rows.len() as u64,
            _ => 1,
        }
    }
}

fn of<'l>(lists: &'l mut Lists, list: &str) -> &'l mut Content {
    lists.get_mut(list).expect("only lists that are there are edited")
}

fn import(client: &Client, list: &str, file: &str) -> Result<Answer, ureq::Error> {
    client.ask("POST", &format!("/v1/lists/{list}/import"), file.as_bytes())
}

fn csv(rows: &BTreeMap<String, String>) -> String {
    let lines = rows.iter().map(|(entry, description)| format!("{entry},{description}\n"));
    std::iter::once("number,description\n".to_owned()).chain(lines).collect()
}

/// A list of the config that everybody edits.
const SHARED: &str = "default";

/// An import of more than 100,000 is kept as a file.
const OTHERS: u64 = 100_001;

/// Nobody edits these.
const FIRST_OTHER: u64 = 48_700_000_000;
