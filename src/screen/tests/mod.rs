//! The order of judgement, sentence by sentence. Every call is decided and explained, and both must agree.

mod actions;
mod answers;
mod campaign_mistakes;
mod campaigns;
mod closing;
mod hours;
mod identity;
mod index;
mod judgement;
mod mistakes;
mod modes;
mod never_block;
mod presentation;
mod presentation_limits;
mod presentation_strategies;
mod redirect_server;
mod trunks;
mod world;

use std::sync::Arc;

use serde::Deserialize;

use crate::lists::{BaseBuilder, Class, Details, Edit, Entry, List, ListConfig, Lists};
use crate::number::{DialPlan, Number};
use crate::screen::config::{
    AnswersConfig, CampaignConfig, InboundConfig, NumbersConfig, RouteConfig, RulesConfig, TrunkConfig,
};
use crate::screen::{
    Answer, Explanation, Notice, Outcome, Passage, Question, RuleError, Verdict, World, compile, decide,
};
use crate::time::WallTime;
use crate::usage::Usage;

/// Two trunks, `carrier` (trusted) and `pbx` (trusted), `wild` (not trusted), and a route to `pbx` for all callees, before
/// what the test adds.
const TRUNKS: &str = r#"
[[trunk]]
name = "carrier"
from = ["198.51.100.0/24"]
to = ["sip:198.51.100.7:5060"]
trusted = true
[[trunk]]
name = "pbx"
from = ["127.0.0.3"]
to = ["sip:127.0.0.3:5070"]
trusted = true
[[trunk]]
name = "wild"
from = ["203.0.113.0/24"]
"#;

const ROUTE: &str = r#"
[[route]]
name = "to-pbx"
to = "pbx"
"#;

const NOON: WallTime = WallTime::from_micros(1_774_440_000_000_000);

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Document {
    numbers: NumbersConfig,
    answers: AnswersConfig,
    trunk: Vec<TrunkConfig>,
    list: Vec<ListConfig>,
    inbound: Vec<InboundConfig>,
    campaign: Vec<CampaignConfig>,
    route: Vec<RouteConfig>,
}

fn read(text: &str) -> (RulesConfig, Lists) {
    let document: Document = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    let plan = document.numbers.plan();
    let lists = document.list.iter().map(|config| {
        let mut builder = BaseBuilder::new();
        for text in &config.entries {
            builder.push(Entry::parse(text.get_ref(), &plan).expect("an entry"), &Details::default());
        }
        List::new(config.name.get_ref().as_str().into(), config.class, None, Arc::new(builder.build()))
    });
    let lists = Lists::new(lists.collect()).expect("lists");
    let rules = RulesConfig {
        sockets: Vec::new(),
        numbers: document.numbers,
        answers: document.answers,
        trunks: document.trunk,
        inbound: document.inbound,
        campaigns: document.campaign,
        routes: document.route,
    };
    (rules, lists)
}

/// A world of exactly this text.
fn bare_world(text: &str) -> World {
    let (rules, lists) = read(text);
    let (policy, _) = compile(&rules, &lists).unwrap_or_else(|problems| panic!("{problems:?}"));
    World::new(1, lists, Arc::new(policy)).expect("pools")
}

/// A world with the usual trunks, and the route to `pbx` last.
fn world(text: &str) -> World {
    bare_world(&format!("{TRUNKS}{text}{ROUTE}"))
}

/// What is wrong with this text beside the usual trunks, each with the text that it points at.
fn problems(text: &str) -> Vec<(RuleError, String)> {
    let text = format!("{TRUNKS}{text}{ROUTE}");
    let (rules, lists) = read(&text);
    let problems = compile(&rules, &lists).err().unwrap_or_default();
    problems.into_iter().map(|problem| (problem.error, text[problem.span].to_owned())).collect()
}

/// The one mistake in this text.
fn problem(text: &str) -> RuleError {
    let mut problems = problems(text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0).0
}

fn notices(text: &str) -> Vec<Notice> {
    let (rules, lists) = read(&format!("{TRUNKS}{text}"));
    let (_, notices) = compile(&rules, &lists).expect("no mistakes");
    notices.into_iter().map(|(_, notice)| notice).collect()
}

/// A call from `carrier`.
fn call(from: &str, to: &str) -> Question {
    Question { from: from.into(), to: to.into(), trunk: "carrier".into(), ..Question::default() }
}

trait Ask {
    fn on(self, trunk: &str) -> Self;
    fn asserted(self, by: &str) -> Self;
    fn private(self) -> Self;
    fn header(self, name: &str, value: &str) -> Self;
    fn diverted_by(self, by: &str) -> Self;
    fn verdict_at(&self, world: &World, draw: u64) -> (Verdict, Explanation);
    fn verdict(&self, world: &World) -> Verdict;
    fn word(&self, world: &World) -> &'static str;
    fn answer(&self, world: &World) -> Answer;
    fn passage(&self, world: &World) -> Passage;
    fn steps(&self, world: &World) -> String;
}

impl Ask for Question {
    fn on(self, trunk: &str) -> Self {
        Question { trunk: trunk.into(), ..self }
    }

    fn asserted(mut self, by: &str) -> Self {
        self.asserted.push(by.into());
        self
    }

    fn private(self) -> Self {
        Question { privacy: true, ..self }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    fn diverted_by(mut self, by: &str) -> Self {
        self.diversions.push(by.into());
        self
    }

    fn verdict_at(&self, world: &World, draw: u64) -> (Verdict, Explanation) {
        let usage = Usage::new();
        let verdict = self.ask(&world.policy, |call| decide(call, world, &usage, NOON, draw)).expect("a known trunk");
        let explanation = self.explain(world, &usage, NOON, draw).expect("a known trunk");
        assert_eq!(verdict, explanation.verdict, "{explanation}");
        (verdict, explanation)
    }

    fn verdict(&self, world: &World) -> Verdict {
        self.verdict_at(world, 0).0
    }

    fn word(&self, world: &World) -> &'static str {
        self.verdict(world).word()
    }

    fn answer(&self, world: &World) -> Answer {
        match self.verdict(world).outcome {
            Outcome::Answer(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    fn passage(&self, world: &World) -> Passage {
        match self.verdict(world).outcome {
            Outcome::Proceed(passage) => passage,
            other => panic!("{other:?}"),
        }
    }

    fn steps(&self, world: &World) -> String {
        self.verdict_at(world, 0).1.to_string()
    }
}
