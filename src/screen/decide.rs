//! The order of judgement: `inbound` rules, `campaign` rules, routes, presentation.

mod checks;

use std::sync::Arc;

use smallvec::SmallVec;

use crate::lists::{Class, Entry, ListId};
use crate::number::Party;
use crate::screen::campaign::CampaignId;
use crate::screen::closing::TrunkState;
use crate::screen::index::Candidates;
use crate::screen::pattern::Patterns;
use crate::screen::policy::{Action, HeaderMatch, Mode, Otherwise, Policy, Route, RouteId, Rule, RuleSet, TrunkId};
use crate::screen::present;
use crate::screen::verdict::{
    Answer, AnswerKind, Callee, Cause, CountedAttempt, Ground, Observed, Outcome, Passage, Presented, Verdict,
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
    let Judge { cause, observed, campaigns, .. } = judge;
    Verdict { outcome, cause, observed, campaigns, generation: world.generation }
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

/// Which rules are being asked, and so whom their lists are about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Lists hold callers.
    Inbound,
    /// Lists hold callees.
    Campaign,
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
            match self.ask(stage, &set.rules[position]) {
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
        for rule in &set.rules {
            if !self.concerns(rule) {
                elsewhere += 1;
                continue;
            }
            match self.ask(stage, rule) {
                Judged::Next => {}
                Judged::StageOver => break,
                Judged::Over(outcome) => {
                    over = Some(outcome);
                    break;
                }
            }
        }
        let kind = stage.kind();
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

    fn ask(&mut self, stage: Stage, rule: &'j Rule) -> Judged {
        let label = || format!("{} rule \"{}\"", stage.kind(), rule.name);
        if rule.mode == Mode::Off {
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
                return self.check(rule);
            }
        } else {
            let found = rule.lists.iter().find(|&&list| {
                let subject = self.subject(stage, rule, list);
                self.is_member(list, subject)
            });
            let Some(&list) = found else {
                self.trace.step(|| format!("{}: no list of it holds the {}", label(), stage.subject_word()));
                return self.check(rule);
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
            return self.check(rule);
        }
        let cause = self.cause_of(rule, listed);
        let why = || match (&cause.list, &cause.entry) {
            (Some(list), Some(entry)) => format!("list \"{list}\" holds the {} as {entry}", stage.subject_word()),
            _ => "it matches".to_owned(),
        };
        let action = rule.action.word();
        if rule.mode == Mode::Observe {
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
                ..answer(302, "Moved Temporarily", AnswerKind::Redirected)
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

    /// The table of DESIGN section 5.
    fn decline(&self, status: Option<&str>, reply: Option<&(u16, Arc<str>)>) -> Answer {
        if let (Some(Class::Reputation), Some(blocked)) = (self.cause.class, &self.policy.answers.blocked_by_analytics)
        {
            // The draw is in the record: the id leads from a complaint to the call.
            let reason = format!(
                "SIP;cause=603;text=\"v=analytics1;{};id={:016x}\";location={}",
                blocked.contacts, self.draw, blocked.location
            );
            return Answer { reason: Some(reason.into()), ..answer(603, "Network Blocked", AnswerKind::Declined) };
        }
        let mut declined = match reply {
            Some((code, phrase)) => Answer { phrase: phrase.clone(), ..answer(*code, "", AnswerKind::Declined) },
            None => answer(603, "Decline", AnswerKind::Declined),
        };
        declined.reason = status.map(|status| {
            let escaped = status.replace('\\', "\\\\").replace('"', "\\\"");
            format!("SIP;cause={};text=\"{escaped}\"", declined.status).into()
        });
        declined
    }

    fn forward_to(&mut self, callee: &'j Callee, trunk: Option<TrunkId>) -> Judged {
        let next = callee.party();
        let came_round = self.call.diversions.iter().any(|by| *by == self.callee || *by == next);
        if self.forward.is_some() || came_round {
            self.trace.deciding_step(|| "the call was forwarded before: a call is forwarded once".to_owned());
            return Judged::Over(Outcome::Answer(answer(482, "Loop Detected", AnswerKind::ForwardedTwice)));
        }
        self.forward = Some((callee, trunk));
        self.callee = next;
        self.membership.forget_callee();
        Judged::StageOver
    }

    fn find_route(&mut self) -> Outcome {
        let policy = self.policy;
        let named = self.forward.and_then(|(_, trunk)| trunk);
        let mut candidates = Candidates::default();
        policy.route_index.gather(self.call.trunk, &self.callee, &mut candidates);
        let found = candidates
            .map(|position| (position, &policy.routes[position]))
            .find(|(_, route)| named.is_none_or(|trunk| route.to == trunk) && self.route_matches(route));
        let Some((position, route)) = found else {
            return match named {
                Some(trunk) => {
                    self.trace.step(|| "the forward names the trunk; no route presents another number".to_owned());
                    Outcome::Proceed(self.passage(None, trunk, DEFAULT_UNAVAILABLE))
                }
                None => {
                    self.trace.deciding_step(|| "no route matches".to_owned());
                    Outcome::Answer(answer(404, "Not Found", AnswerKind::NoRoute))
                }
            };
        };
        self.trace.step(|| format!("route \"{}\" matches: to trunk \"{}\"", route.name, policy.trunk(route.to).name));
        let id = RouteId(u32::try_from(position).expect("routes are indexed by u32"));
        let mut passage = self.passage(Some(id), route.to, route.unavailable);
        if let (Some(wanted), false) = (&route.present, self.call.emergency) {
            let world = self.world;
            let pool =
                || format!("list \"{}\" of {}", world.lists[wanted.pool].name(), world.pool(wanted.pool).count());
            match present::choose(world, wanted, self.wall, self.draw) {
                Some(number) => {
                    self.trace.step(|| format!("presents {number}, drawn from {}", pool()));
                    let keep_privacy = wanted.keep_privacy || self.hide;
                    passage.present = Some(Presented { number, headers: wanted.headers, keep_privacy });
                }
                None if wanted.otherwise == Otherwise::Keep => {
                    self.trace.step(|| format!("all numbers are excluded from {}: the call keeps its own", pool()));
                }
                None => {
                    self.trace.deciding_step(|| format!("all numbers are excluded from {}", pool()));
                    return Outcome::Answer(answer(403, "Forbidden", AnswerKind::EmptyPool));
                }
            }
        }
        Outcome::Proceed(passage)
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
            callee: self.forward.map_or(Callee::Unchanged, |(callee, _)| callee.clone()),
            forwarded: self.forward.is_some(),
            hide: self.hide,
            present: None,
            emergency: self.call.emergency,
            unavailable,
            attempt: self.attempt.clone(),
        }
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
    fn kind(self) -> &'static str {
        match self {
            Stage::Inbound => "inbound",
            Stage::Campaign => "campaign",
        }
    }

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

fn answer(status: u16, phrase: &'static str, kind: AnswerKind) -> Answer {
    Answer { status, phrase: phrase.into(), reason: None, retry_after: None, contact: None, diverted: false, kind }
}

fn closed(status: u16) -> Answer {
    answer(status, phrase(status), AnswerKind::TrunkClosed)
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

/// To calls from a trunk that is off: our own trouble, as far as the neighbour is concerned.
const REFUSED_FROM_CLOSED: u16 = 500;
