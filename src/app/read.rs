//! [`Read`]: what is known of config and lists in force beside the world.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config::{Loaded, Origin, Rules, SourceNotice};
use crate::lists::{BaseRecord, Class, Digest, ImportRecord, ListsConfig};
use crate::net::Tls;
use crate::number::DialPlan;
use crate::store::{KEPT_BASES, Replay, Step};
use crate::time::WallTime;

/// What the config said when it was last read, and what was done to whole lists since.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) plan: DialPlan,
    pub(super) list_plans: HashMap<String, DialPlan>,
    pub(super) text: Arc<str>,
    pub(super) rules: Rules,
    pub(super) lists: ListsConfig,
    pub(super) origins: HashMap<Arc<str>, Origin>,
    pub(super) made: Vec<(Arc<str>, Class)>,
    /// The bases of each list, that in force first.
    pub(super) bases: BTreeMap<Arc<str>, Vec<BaseRecord>>,
    pub(super) aside: BTreeMap<Arc<str>, Digest>,
    pub(super) imports: Vec<ImportRecord>,
    /// When the base of each list came into force.
    pub(super) since: HashMap<Arc<str>, WallTime>,
    /// What was in the files of `[tls]`.
    pub(super) tls: Option<Arc<Tls>>,
}

impl Read {
    /// After a config was read at `at`; `steps` are those that it leads to.
    pub(super) fn new(loaded: &Loaded, tls: Option<Arc<Tls>>, replay: &Replay, steps: &[Step], at: WallTime) -> Read {
        let mut read = Read {
            plan: loaded.plan,
            list_plans: loaded.list_plans.clone(),
            text: loaded.text.clone(),
            rules: loaded.rules.clone(),
            lists: loaded.settings.lists.clone(),
            origins: loaded.origins.clone(),
            made: replay.made.iter().map(|list| (list.name.clone(), list.class)).collect(),
            bases: replay.bases.clone(),
            aside: replay.aside.clone(),
            imports: replay.imports.clone(),
            since: loaded.origins.keys().map(|list| (list.clone(), at)).collect(),
            tls,
        };
        steps.iter().for_each(|step| read.step(step));
        read
    }

    /// Takes over when bases came into force that are still the same.
    pub(super) fn after(mut self, before: &Read) -> Read {
        for (list, since) in &mut self.since {
            let digest = |read: &HashMap<Arc<str>, Origin>| read.get(list).map(|origin| origin.record.digest);
            if digest(&self.origins) == digest(&before.origins)
                && let Some(earlier) = before.since.get(list)
            {
                *since = *earlier;
            }
        }
        self
    }

    /// What the database holds after a step.
    pub(super) fn step(&mut self, step: &Step) {
        match step {
            Step::Base { list, record } => {
                let bases = self.bases.entry(list.clone()).or_default();
                bases.retain(|base| base.digest != record.digest);
                bases.insert(0, record.clone());
                bases.truncate(KEPT_BASES);
            }
            Step::Make { list, class } => {
                self.forget(list);
                self.made.push((list.clone(), *class));
            }
            Step::Unmake { list } => self.forget(list),
            // Its generation is known once it is committed.
            Step::Import { list, digest, entries, .. } => {
                self.imports.push(ImportRecord {
                    generation: 0,
                    list: list.clone(),
                    digest: *digest,
                    entries: *entries,
                });
            }
            Step::SetAside { list, digest } => drop(self.aside.insert(list.clone(), *digest)),
            Step::TakeBack { list } => drop(self.aside.remove(list)),
            // The world has it.
            Step::Set(_) => {}
        }
    }

    /// What a list of this name was is of the past.
    fn forget(&mut self, list: &Arc<str>) {
        self.made.retain(|(made, _)| made != list);
        self.bases.remove(list);
        self.aside.remove(list);
        self.imports.retain(|import| import.list != *list);
        self.origins.remove(list);
        self.since.remove(list);
    }

    /// The bases that wait to be confirmed.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (&Arc<str>, &BaseRecord)> {
        self.origins.iter().flat_map(|(list, origin)| {
            origin.notices.iter().filter_map(move |notice| match notice {
                SourceNotice::Waits { record, .. } => Some((list, record)),
                _ => None,
            })
        })
    }

    /// Whether the snapshot of this base may still be asked for.
    pub(super) fn needs(&self, digest: &Digest) -> bool {
        self.bases.values().flatten().any(|base| base.digest == *digest)
            || self.aside.values().any(|aside| aside == digest)
            || self.imports.iter().any(|import| import.digest == *digest)
            || self.waiting().any(|(_, waiting)| waiting.digest == *digest)
    }

    /// The bases in force, by list.
    pub(super) fn in_force(&self) -> impl Iterator<Item = (&Arc<str>, Digest)> {
        self.origins.iter().map(|(list, origin)| (list, origin.record.digest))
    }
}
