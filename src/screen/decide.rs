//! The order of judgement: `inbound` rules, `campaign` rules, routes, presentation.

mod checks;

use std::sync::Arc;

use smallvec::SmallVec;

use crate::lists::{Class, Entry, ListId};
use crate::number::{Number, Party};
use crate::screen::by_hand::TrunkState;
use crate::screen::campaign::CampaignId;
use crate::screen::decline::{REJECTED, declined};
use crate::screen::index::Candidates;
use crate::screen::pattern::Patterns;
use crate::screen::policy::{
    Action, Destination, HeaderMatch, Mode, Otherwise, Policy, Present, Route, RouteId, Rule, RuleId, RuleSet, Stage,
    TrunkId,
};
use crate::screen::present::{Occasion, PoolView};
use crate::screen::redress::RedressId;
use crate::screen::verdict::{
    Answer, AnswerKind, Callee, Cause, CountedAttempt, Directions, Ground, Observed, Outcome, Passage, Presented,
    Verdict,
};
use crate::screen::view::CallView;
use crate::screen::world::World;
use crate::sip::{phrase, unfolded};
use crate::time::WallTime;
use crate::usage::Usage;

/// Decides one call. Pure: the same call, world, usage, time and draw give the same verdict.
///
/// `draw` is the random number that presentation uses; the record keeps it, so that a decision can be repeated.
pub fn decide(call: &CallView<'_>, world: &World, usage: &Usage, wall: WallTime, draw: u64) -> Verdict {
    judge(call, world, usage, wall, draw, &mut Silent)
}

/// Decides, and tells `trace` how.
pub(crate) fn judge<T: Trace>(
    call: &CallView<'_>,
    world: &World,
    usage: &Usage,
    wall: WallTime,
    draw: u64,
    trace: &mut T,
) -> Verdict {
    let mut judge = Judge {
        call,
        world,
        policy: &world.policy,
        usage,
        wall,
        draw,
        trace,
        membership: Membership::default(),
        callee: call.callee.clone(),
        cause: Cause::default(),
        observed: Vec::new(),
        campaigns: SmallVec::new(),
        attempt: None,
        forward: None,
        hide: false,
    };
    let outcome = judge.run();
    let Judge { cause, observed, campaigns, attempt, .. } = judge;
    Verdict { outcome, cause, observed, campaigns, attempt, generation: world.generation }
}

/// Hears what is looked at. The call path listens with [`Silent`], which costs nothing.
pub(crate) trait Trace {
    /// Whether rules that the index leaves out are to be told as well.
    const TELLS: bool;

    /// Something was looked at.
    fn step(&mut self, text: impl FnOnce() -> String);

    /// Something was looked at that decides, unless a later step decides otherwise.
    fn deciding_step(&mut self, text: impl FnOnce() -> String);
}

struct Silent;

impl Trace for Silent {
    const TELLS: bool = false;

    fn step(&mut self, _: impl FnOnce() -> String) {}

    fn deciding_step(&mut self, _: impl FnOnce() -> String) {}
}

struct Judge<'j, 'c, T> {
    call: &'j CallView<'c>,
    world: &'j World,
    policy: &'j Policy,
    usage: &'j Usage,
    wall: WallTime,
    draw: u64,
    trace: &'j mut T,
    membership: Membership,
    callee: Party<'j>,
    cause: Cause,
    observed: Vec<Observed>,
    campaigns: SmallVec<[CampaignId; 2]>,
    attempt: Option<CountedAttempt>,
    forward: Option<(&'j Callee, Option<TrunkId>)>,
    hide: bool,
}

/// What became of a rule.
enum Judged {
    /// It did not match, or only watches.
    Next,
    /// It ends this stage; the call goes on to the next one.
    StageOver,
    /// It ends judgement.
    Over(Outcome),
}

impl<'j, 'c: 'j, T: Trace> Judge<'j, 'c, T> {
    fn run(&mut self) -> Outcome {
        self.tell_call();
        if let Some(refused) = self.refuse_from_closed() {
            return refused;
        }
        if self.call.emergency {
            self.trace.step(|| "the callee is in numbers.never_block: no rule is asked".to_owned());
        } else {
            let policy = self.policy;
            for (stage, rules) in [(Stage::Inbound, &policy.inbound), (Stage::Campaign, &policy.campaigns)] {
                if let Some(outcome) = self.ask_rules(stage, rules) {
                    return outcome;
                }
            }
        }
        let found = self.find_route();
        self.unless_closed(found)
    }

    /// Calls of a trunk that is off are refused before any rule is asked. Not with 503: that would tell the neighbour to send
    /// us nothing at all for a while, calls for help included.
    fn refuse_from_closed(&mut self) -> Option<Outcome> {
        let state = self.world.trunk_state(self.call.trunk);
        if state != TrunkState::Off || self.passes_closed() {
            return None;
        }
        let name = &self.policy.trunk(self.call.trunk).name;
        self.trace.deciding_step(|| format!("trunk \"{name}\" is off: its calls are refused"));
        Some(Outcome::Answer(closed(REFUSED_FROM_CLOSED)))
    }

    /// No call goes to a trunk that is drained or off.
    fn unless_closed(&mut self, outcome: Outcome) -> Outcome {
        let Outcome::Proceed(passage) = &outcome else { return outcome };
        let state = self.world.trunk_state(passage.trunk);
        if state == TrunkState::Up || self.passes_closed() {
            return outcome;
        }
        let name = &self.policy.trunk(passage.trunk).name;
        let is = if state == TrunkState::Off { "off" } else { "being drained" };
        self.trace.deciding_step(|| format!("trunk \"{name}\" is {is}: no call goes there"));
        Outcome::Answer(closed(passage.unavailable))
    }

    /// Whether the call goes by trunks that somebody has closed.
    fn passes_closed(&mut self) -> bool {
        if self.call.emergency {
            self.trace.step(|| "the callee is in numbers.never_block: no trunk is closed to it".to_owned());
        }
        self.call.emergency
    }

    fn ask_rules(&mut self, stage: Stage, set: &'j RuleSet) -> Option<Outcome> {
        if T::TELLS {
            return self.ask_all_rules(stage, set);
        }
        let mut candidates = Candidates::default();
        set.index.gather(self.call.trunk, &self.callee, &mut candidates);
        for position in candidates {
            match self.ask(RuleId { stage, position }, &set.rules[position]) {
                Judged::Next => {}
                Judged::StageOver => return None,
                Judged::Over(outcome) => return Some(outcome),
            }
        }
        None
    }

    /// As [`Self::ask_rules`], without the index, so that every rule is accounted for.
    fn ask_all_rules(&mut self, stage: Stage, set: &'j RuleSet) -> Option<Outcome> {
        let mut elsewhere = 0;
        let mut over = None;
        for (position, rule) in set.rules.iter().enumerate() {
            if !self.concerns(rule) {
                elsewhere += 1;
                continue;
            }
            match self.ask(RuleId { stage, position }, rule) {
                Judged::Next => {}
                Judged::StageOver => break,
                Judged::Over(outcome) => {
                    over = Some(outcome);
                    break;
                }
            }
        }
        let kind = stage.as_str();
        self.trace.step(|| match (set.rules.len(), elsewhere) {
            (0, _) => format!("there are no {kind} rules"),
            (_, 0) => format!("end of the {kind} rules"),
            (_, 1) => format!("end of the {kind} rules; 1 is for other trunks or callees"),
            (_, many) => format!("end of the {kind} rules; {many} are for other trunks or callees"),
        });
        over
    }

    fn concerns(&self, rule: &Rule) -> bool {
        rule.trunks.holds(self.call.trunk) && rule.called.as_ref().is_none_or(|called| called.holds(&self.callee))
    }

    fn ask(&mut self, id: RuleId, rule: &'j Rule) -> Judged {
        let stage = id.stage;
        let by_hand = self.world.mode_by_hand(id);
        let mode = by_hand.unwrap_or(rule.mode);
        let label = || label(stage, rule, by_hand);
        if mode == Mode::Off {
            self.trace.step(|| format!("{}: off", label()));
            return Judged::Next;
        }
        if !self.concerns(rule) {
            return Judged::Next;
        }
        if !self.caller_is_among(rule.callers.as_ref()) {
            self.trace.step(|| format!("{}: the caller is not among its callers", label()));
            return Judged::Next;
        }
        if !self.has_header(rule.header.as_ref()) {
            self.trace.step(|| format!("{}: the call does not have its header", label()));
            return Judged::Next;
        }
        if let Some(campaign) = &rule.campaign {
            self.enter(campaign);
        }
        let mut listed = None;
        if rule.lists.is_empty() {
            // Such a campaign does not match all calls, but checks them.
            if rule.campaign.as_ref().is_some_and(|campaign| campaign.checks()) {
                return self.check(rule, by_hand);
            }
        } else {
            let found = rule.lists.iter().find(|&&list| {
                let subject = self.subject(stage, rule, list);
                self.is_member(list, subject)
            });
            let Some(&list) = found else {
                self.trace.step(|| format!("{}: no list of it holds the {}", label(), stage.subject_word()));
                return self.check(rule, by_hand);
            };
            listed = self.entry_in(list, self.subject(stage, rule, list)).map(|entry| (list, entry));
        }
        let exempting = match stage {
            Stage::Inbound => Subject::Identity,
            Stage::Campaign => Subject::Callee,
        };
        if let Some(&list) = rule.except.iter().find(|&&list| self.is_member(list, exempting)) {
            let lists = &self.world.lists;
            self.trace.step(|| format!("{}: excepted by list \"{}\"", label(), lists[list].name()));
            return self.check(rule, by_hand);
        }
        let cause = self.cause_of(rule, listed);
        let why = || match (&cause.list, &cause.entry) {
            (Some(list), Some(entry)) => format!("list \"{list}\" holds the {} as {entry}", stage.subject_word()),
            _ => "it matches".to_owned(),
        };
        let action = rule.action.word();
        if mode == Mode::Observe {
            self.trace.step(|| format!("{}: {}; it only observes, and would {}", label(), why(), action.as_str()));
            self.observed.push(Observed { cause, action });
            return Judged::Next;
        }
        if action.refuses() && self.caller_is_among(Some(&self.policy.never_block_callers)) {
            self.trace.step(|| format!("{}: {}, but the caller is in numbers.never_block_callers", label(), why()));
            return Judged::Next;
        }
        self.trace.deciding_step(|| format!("{}: {}: {}", label(), why(), action.as_str()));
        self.cause = cause;
        self.act(&rule.action)
    }

    fn act(&mut self, action: &'j Action) -> Judged {
        match action {
            Action::Decline { status, reply } => {
                Judged::Over(Outcome::Answer(self.decline(status.as_deref(), reply.as_ref())))
            }
            Action::Redirect { contact } => Judged::Over(Outcome::Answer(Answer {
                contact: Some(contact.clone()),
                diverted: true,
                ..Answer::new(MOVED, phrase(MOVED), AnswerKind::Redirected)
            })),
            Action::Drop => Judged::Over(Outcome::Drop),
            Action::Forward { callee, trunk } => self.forward_to(callee, *trunk),
            Action::Hide => {
                self.hide = true;
                Judged::StageOver
            }
            Action::Pass => Judged::StageOver,
        }
    }

    fn decline(&mut self, status: Option<&str>, reply: Option<&(u16, Arc<str>)>) -> Answer {
        let id = RedressId::new(self.wall, self.draw);
        let answer = declined(self.call, &self.policy.answers, self.cause.class, status, reply, id);
        if answer.status != REJECTED && matches!(reply, Some((REJECTED, _))) {
            self.trace.step(|| format!("no Feature-Caps of the call says sip.608: {} instead", answer.status));
        }
        answer
    }

    fn forward_to(&mut self, callee: &'j Callee, trunk: Option<TrunkId>) -> Judged {
        let next = callee.party();
        let came_round = self.call.diversions.iter().any(|by| *by == self.callee || *by == next);
        if self.forward.is_some() || came_round {
            self.trace.deciding_step(|| "the call was forwarded before: a call is forwarded once".to_owned());
            return Judged::Over(Outcome::Answer(Answer::new(482, "Loop Detected", AnswerKind::ForwardedTwice)));
        }
        self.forward = Some((callee, trunk));
        // Nobody tries to reach whom it was for.
        self.attempt = None;
        self.callee = next;
        self.membership.forget_callee();
        Judged::StageOver
    }

    fn find_route(&mut self) -> Outcome {
        let policy = self.policy;
        let named = self.forward.and_then(|(_, trunk)| trunk);
        let mut candidates = Candidates::default();
        policy.route_index.gather(self.call.trunk, &self.callee, &mut candidates);
        let found = candidates.map(|position| (position, &policy.routes[position])).find(|(_, route)| {
            named.is_none_or(|trunk| route.to == Destination::Trunk(trunk)) && self.route_matches(route)
        });
        let Some((position, route)) = found else {
            return match named {
                Some(trunk) => {
                    self.trace.step(|| "the forward names the trunk; no route presents another number".to_owned());
                    Outcome::Proceed(self.passage(None, trunk, DEFAULT_UNAVAILABLE))
                }
                None => {
                    self.trace.deciding_step(|| "no route matches".to_owned());
                    Outcome::Answer(Answer::new(404, "Not Found", AnswerKind::NoRoute))
                }
            };
        };
        let id = RouteId(u32::try_from(position).expect("routes are indexed by u32"));
        match &route.to {
            Destination::Trunk(trunk) => {
                let name = &policy.trunk(*trunk).name;
                self.trace.step(|| format!("route \"{}\" matches: to trunk \"{name}\"", route.name));
                let passage = self.passage(Some(id), *trunk, route.unavailable);
                match self.presented(id) {
                    Ok(present) => Outcome::Proceed(Passage { present, ..passage }),
                    Err(refusal) => Outcome::Answer(refusal),
                }
            }
            Destination::Switch { status, host } => {
                self.trace.deciding_step(|| {
                    let asked = &policy.trunk(self.call.trunk).name;
                    format!("route \"{}\" matches: back to trunk \"{asked}\", which goes on itself", route.name)
                });
                match self.presented(id) {
                    Ok(presented) => Outcome::Answer(self.returned(id, *status, host.as_ref(), presented)),
                    Err(refusal) => Outcome::Answer(refusal),
                }
            }
        }
    }

    /// The answer of a redirect server. Only a 302 tells what the rules have changed of the call.
    fn returned(
        &mut self,
        route: RouteId,
        status: u16,
        host: Option<&Arc<str>>,
        presented: Option<Presented>,
    ) -> Answer {
        let route = Some(route);
        let answer = Answer { route, ..Answer::new(status, phrase(status), AnswerKind::Returned) };
        if status != MOVED {
            if self.forward.is_some() || self.hide {
                self.trace.step(|| format!("a {status} cannot tell the switch what the rules have changed"));
            }
            return answer;
        }
        let directions = Directions { callee: self.callee_to_call(), host: host.cloned(), hide: self.hide, presented };
        Answer { diverted: self.forward.is_some(), directions: Some(Box::new(directions)), ..answer }
    }

    /// The number that a route presents; `None`: the call's own. Else the answer, where none is left.
    fn presented(&mut self, route: RouteId) -> Result<Option<Presented>, Answer> {
        let view = PoolView::new(self.world, self.usage, route, self.wall).filter(|_| !self.call.emergency);
        let Some(view) = view else { return Ok(None) };
        let wanted = view.present;
        let asked = self.asked_number(wanted);
        let occasion = Occasion::new(&self.callee, asked, self.draw);
        let chosen = view.choose(&occasion);
        if let Some(asked) = occasion.asked.filter(|&asked| Some(asked) != chosen) {
            self.trace.step(|| view.tell_refused(asked));
        }
        let Some(number) = chosen else {
            if wanted.otherwise == Otherwise::Keep {
                self.trace.step(|| format!("{}: the call keeps its own", view.tell_empty()));
                return Ok(None);
            }
            self.trace.deciding_step(|| view.tell_empty());
            return Err(Answer { route: Some(route), ..Answer::new(403, "Forbidden", AnswerKind::EmptyPool) });
        };
        self.trace.step(|| view.tell_choice(number, &occasion));
        let keep_privacy = wanted.keep_privacy || self.hide;
        Ok(Some(Presented { number, headers: wanted.headers, keep_privacy, occasion }))
    }

    /// The number that the caller's side asks for; a header without one asks for nothing.
    fn asked_number(&mut self, wanted: &Present) -> Option<Number> {
        let header = wanted.explicit?;
        let value = self.call.headers.get(header).copied().flatten()?;
        let policy = self.policy;
        if let Party::Number(number) = policy.trunk(self.call.trunk).plan.party(value.trim_ascii()) {
            return Some(number);
        }
        self.trace.step(|| format!("the header {} holds no number: none is asked for", policy.headers[header]));
        None
    }

    fn route_matches(&self, route: &Route) -> bool {
        route.trunks.holds(self.call.trunk)
            && route.called.as_ref().is_none_or(|called| called.holds(&self.callee))
            && self.caller_is_among(route.callers.as_ref())
            && self.has_header(route.header.as_ref())
    }

    fn passage(&self, route: Option<RouteId>, trunk: TrunkId, unavailable: u16) -> Passage {
        Passage {
            route,
            trunk,
            callee: self.callee_to_call(),
            forwarded: self.forward.is_some(),
            hide: self.hide,
            present: None,
            emergency: self.call.emergency,
            unavailable,
        }
    }

    fn callee_to_call(&self) -> Callee {
        self.forward.map_or(Callee::Unchanged, |(callee, _)| callee.clone())
    }

    fn caller_is_among(&self, patterns: Option<&Patterns>) -> bool {
        let Some(patterns) = patterns else { return true };
        let call = self.call;
        call.identity().iter().any(|party| is_somebody(party) && patterns.holds(party))
            || (call.anonymous && patterns.holds(&Party::Anonymous))
            || (call.unavailable && patterns.holds(&Party::Unavailable))
    }

    fn has_header(&self, wanted: Option<&HeaderMatch>) -> bool {
        let Some(wanted) = wanted else { return true };
        match (self.call.headers.get(wanted.header).copied().flatten(), &wanted.value) {
            (Some(found), Some(value)) => *unfolded(found.trim_ascii()) == *value.as_bytes(),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Whom a list of a rule is about. What opens a door is asked of the asserted identity, so that a forged From
    /// opens none; what closes one, of the asserted identity and From.
    fn subject(&self, stage: Stage, rule: &Rule, list: ListId) -> Subject {
        match stage {
            Stage::Campaign => Subject::Callee,
            Stage::Inbound => {
                let opens = matches!(self.world.lists[list].class(), Class::Allow | Class::Pool)
                    || matches!(rule.action, Action::Pass);
                if opens { Subject::Identity } else { Subject::Caller }
            }
        }
    }

    fn is_member(&mut self, list: ListId, subject: Subject) -> bool {
        if let Some(known) = self.membership.recall(list, subject) {
            return known;
        }
        let member = self.entry_in(list, subject).is_some();
        self.membership.learn(list, subject, member);
        member
    }

    fn entry_in(&self, list: ListId, subject: Subject) -> Option<Entry> {
        let (list, call) = (&self.world.lists[list], self.call);
        let lookup = |party: &Party<'_>| list.lookup(party, self.wall);
        let callers = match subject {
            Subject::Callee => return lookup(&self.callee),
            Subject::Identity => call.identity(),
            Subject::Caller => &call.asserted,
        };
        let forged = (subject == Subject::Caller && !callers.contains(&call.from)).then_some(&call.from);
        callers
            .iter()
            .chain(forged)
            .filter(|party| is_somebody(party))
            .find_map(lookup)
            .or_else(|| call.anonymous.then(|| lookup(&Party::Anonymous)).flatten())
            .or_else(|| call.unavailable.then(|| lookup(&Party::Unavailable)).flatten())
    }

    fn cause_of(&self, rule: &Rule, listed: Option<(ListId, Entry)>) -> Cause {
        let mut cause = Cause { rule: Some(rule.name.clone()), ..Cause::default() };
        if let Some((list, entry)) = listed {
            let list = &self.world.lists[list];
            cause.list = Some(list.name().clone());
            cause.class = Some(list.class());
            cause.entry = Some(entry);
            cause.ground = Some(Ground::Listed);
        }
        cause
    }

    fn tell_call(&mut self) {
        let (call, policy) = (self.call, self.policy);
        self.trace.step(|| format!("from trunk \"{}\"", policy.trunk(call.trunk).name));
        self.trace.step(|| {
            let asserted: Vec<String> = call.asserted.iter().map(describe).collect();
            let mut text = format!("caller: From {}", describe(&call.from));
            if !asserted.is_empty() {
                text += &format!(", asserted {}", asserted.join(" and "));
            }
            if call.anonymous {
                text += ", anonymous";
            }
            if call.unavailable {
                text += ", no usable number";
            }
            text
        });
        self.trace.step(|| format!("callee: {}", describe(&call.callee)));
    }
}

impl Stage {
    fn subject_word(self) -> &'static str {
        match self {
            Stage::Inbound => "caller",
            Stage::Campaign => "callee",
        }
    }
}

impl Callee {
    /// Whom it stands for; `Unchanged` stands for nobody.
    pub(crate) fn party(&self) -> Party<'_> {
        match self {
            Callee::Unchanged => Party::Unavailable,
            Callee::Number(number) => Party::Number(*number),
            Callee::Code(code) => Party::Code(*code),
            Callee::User(user) => Party::User((&**user).into()),
        }
    }

    /// As [`Callee::party`], for a callee that is not kept.
    pub(crate) fn into_party(self) -> Party<'static> {
        match self {
            Callee::Unchanged => Party::Unavailable,
            Callee::Number(number) => Party::Number(number),
            Callee::Code(code) => Party::Code(code),
            Callee::User(user) => Party::User(user.to_string().into()),
        }
    }

    /// The callee that a party is, if it can be called.
    pub(crate) fn of(party: &Party<'_>) -> Option<Callee> {
        match party {
            Party::Number(number) => Some(Callee::Number(*number)),
            Party::Code(code) => Some(Callee::Code(*code)),
            Party::User(user) => Some(Callee::User((&**user).into())),
            Party::Anonymous | Party::Unavailable => None,
        }
    }
}

/// A rule as steps name it.
fn label(stage: Stage, rule: &Rule, by_hand: Option<Mode>) -> String {
    let hand = by_hand.map(|mode| format!(" (set to {} by hand)", mode.as_str())).unwrap_or_default();
    format!("{} rule \"{}\"{hand}", stage.as_str(), rule.name)
}

fn closed(status: u16) -> Answer {
    Answer::new(status, phrase(status), AnswerKind::TrunkClosed)
}

/// Whether a party can be looked for by itself. Anonymous and unavailable are said of a call, not of one of its headers.
fn is_somebody(party: &Party<'_>) -> bool {
    !matches!(party, Party::Anonymous | Party::Unavailable)
}

fn describe(party: &Party<'_>) -> String {
    match party {
        Party::Number(number) => number.to_string(),
        Party::Code(code) => code.to_string(),
        Party::User(user) => format!("user {user}"),
        Party::Anonymous => "anonymous".to_owned(),
        Party::Unavailable => "without a number".to_owned(),
    }
}

/// Whom a list is asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// Asserted identity and From, either one.
    Caller,
    /// Asserted identity when there is one, else From.
    Identity,
    /// The callee.
    Callee,
}

/// What was learned of lists during one call, one bit a list: whether it was asked, and whether it holds the subject.
#[derive(Default)]
struct Membership {
    asked: [u64; SUBJECTS],
    member: [u64; SUBJECTS],
}

impl Membership {
    fn recall(&self, list: ListId, subject: Subject) -> Option<bool> {
        let bit = Self::bit(list)?;
        let subject = subject as usize;
        (self.asked[subject] & bit != 0).then_some(self.member[subject] & bit != 0)
    }

    fn learn(&mut self, list: ListId, subject: Subject, member: bool) {
        let Some(bit) = Self::bit(list) else { return };
        self.asked[subject as usize] |= bit;
        if member {
            self.member[subject as usize] |= bit;
        }
    }

    fn forget_callee(&mut self) {
        self.asked[Subject::Callee as usize] = 0;
        self.member[Subject::Callee as usize] = 0;
    }

    /// Lists from the 65th on are asked anew each time: configs that have them name each in few rules.
    fn bit(list: ListId) -> Option<u64> {
        1u64.checked_shl(u32::from(list.0))
    }
}

/// The variants of [`Subject`].
const SUBJECTS: usize = 3;

/// The answer when a trunk is down and no route says otherwise: 500, because 503 would stop all calls of the peer.
pub(crate) const DEFAULT_UNAVAILABLE: u16 = 500;

/// Moved Temporarily.
pub(crate) const MOVED: u16 = 302;

/// To calls from a trunk that is off: our own trouble, as far as the neighbour is concerned.
const REFUSED_FROM_CLOSED: u16 = 500;
