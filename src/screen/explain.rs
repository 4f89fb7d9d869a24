//! The decision told step by step, in words an operator understands.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::number::Number;
use crate::screen::decide::{Trace, judge};
use crate::screen::verdict::{AnswerKind, Callee, Directions, Ground, Outcome, Verdict};
use crate::screen::view::CallView;
use crate::screen::world::World;
use crate::time::WallTime;
use crate::usage::Usage;

/// Decides as [`decide`](crate::screen::decide) does, by the same code, and tells how.
pub fn explain(call: &CallView<'_>, world: &World, usage: &Usage, wall: WallTime, draw: u64) -> Explanation {
    let mut steps = Steps(Vec::new());
    let verdict = judge(call, world, usage, wall, draw, &mut steps);
    let last = steps.0.iter().rposition(|step| step.decided);
    for (at, step) in steps.0.iter_mut().enumerate() {
        step.decided = Some(at) == last;
    }
    Explanation { steps: steps.0, conclusion: conclusion(&verdict, world), verdict }
}

/// What was decided and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What was looked at, in order.
    pub steps: Vec<Step>,
    /// The outcome in words.
    pub conclusion: String,
    /// What was decided.
    pub verdict: Verdict,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// In words.
    pub text: String,
    /// Whether this is the step that decided.
    pub decided: bool,
}

/// Steps one a line, the one that decided marked with `>`, then the outcome.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{} {}", if step.decided { '>' } else { ' ' }, step.text)?;
        }
        write!(f, "= {}", self.conclusion)
    }
}

/// The form of `--json` and of the admin port.
impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (status, phrase) = match &self.verdict.outcome {
            Outcome::Answer(answer) => (Some(answer.status), Some(&*answer.phrase)),
            _ => (None, None),
        };
        Told {
            verdict: self.verdict.word(),
            status,
            phrase,
            rule: self.verdict.cause.rule.as_deref(),
            list: self.verdict.cause.list.as_deref(),
            entry: self.verdict.cause.entry.as_ref().map(ToString::to_string),
            ground: self.verdict.cause.ground.map(Ground::as_str),
            presented: self.verdict.presented().map(|number| number.to_string()),
            generation: self.verdict.generation,
            conclusion: &self.conclusion,
            steps: &self.steps,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct Told<'a> {
    verdict: &'static str,
    status: Option<u16>,
    phrase: Option<&'a str>,
    rule: Option<&'a str>,
    list: Option<&'a str>,
    entry: Option<String>,
    ground: Option<&'static str>,
    presented: Option<String>,
    generation: u64,
    conclusion: &'a str,
    steps: &'a [Step],
}

struct Steps(Vec<Step>);

impl Trace for Steps {
    const TELLS: bool = true;

    fn step(&mut self, text: impl FnOnce() -> String) {
        self.0.push(Step { text: text(), decided: false });
    }

    fn deciding_step(&mut self, text: impl FnOnce() -> String) {
        self.0.push(Step { text: text(), decided: true });
    }
}

fn conclusion(verdict: &Verdict, world: &World) -> String {
    match &verdict.outcome {
        Outcome::Answer(answer) => {
            let mut text = format!("answered {} {}", answer.status, answer.phrase);
            if let Some(contact) = &answer.contact {
                text += &format!(" with Contact <{contact}>");
            }
            if let Some(reason) = &answer.reason {
                text += &format!(" with Reason: {reason}");
            }
            if let Some(seconds) = answer.retry_after {
                text += &format!(" with Retry-After: {seconds}");
            }
            if let Some(card) = &answer.card {
                text += &format!(" with Call-Info: <{card}>;purpose=jwscard");
            }
            if answer.kind == AnswerKind::Returned {
                text += ": the switch goes on";
            }
            if let Some(Directions { callee, host, hide, .. }) = answer.directions.as_deref() {
                if let Some(host) = host {
                    text += &format!(" at {host}");
                }
                text += &changes(callee, *hide, verdict.presented());
            }
            text
        }
        Outcome::Drop => "dropped without an answer".to_owned(),
        Outcome::Proceed(passage) => {
            let changes = changes(&passage.callee, passage.hide, verdict.presented());
            format!("goes on to trunk \"{}\"{changes}", world.policy.trunk(passage.trunk).name)
        }
    }
}

/// What becomes of the call's parties.
fn changes(callee: &Callee, hide: bool, presented: Option<Number>) -> String {
    let mut text = match callee {
        Callee::Unchanged => String::new(),
        Callee::Number(number) => format!(", forwarded to {number}"),
        Callee::Code(code) => format!(", forwarded to {code}"),
        Callee::User(user) => format!(", forwarded to {user}"),
    };
    if hide {
        text += ", the caller is hidden";
    }
    if let Some(number) = presented {
        text += &format!(", presents {number}");
    }
    text
}
