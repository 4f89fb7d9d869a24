//! The lists that `[[list]]` tables and their files make, and those that were made at run time.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::{ConfigError, Mistake};
use super::place::{Place, Text};
use super::request::BaseRequest;
use super::source::{BaseError, FileTold, ListSource, SourceNotice, Sourced};
use super::tables::Tables;
use crate::lists::{
    Base, BaseRecord, Class, Entry, FileError, FileOptions, Format, List, ListConfig, Lists, Percent, Pool, Refuse,
    Report, RowReason, WhenStale,
};
use crate::number::DialPlan;
use crate::screen::{Kind, NeverBlock, RuleError};
use crate::time::WallTime;

/// Where the base of a list comes from, and what becomes of it.
#[derive(Debug, Clone)]
pub struct Origin {
    /// What it was made of.
    pub record: BaseRecord,
    /// What reading its files told; empty when they were not read.
    pub told: Vec<FileTold>,
    /// Whether it was read from a snapshot and not from its files.
    pub from_snapshot: bool,
    /// What the operator must know.
    pub notices: Vec<SourceNotice>,
    /// How its files are laid out.
    pub format: Format,
    /// A base that changes more of the list than this waits to be confirmed.
    pub max_change: Option<Percent>,
    /// How old its newest file may be.
    pub max_age: Option<Duration>,
    /// From this moment on it is too old.
    pub stale_from: Option<WallTime>,
    /// What it does then.
    pub when_stale: WhenStale,
    /// Whether the list was made at run time, and is not in the config.
    pub made: bool,
}

/// All lists and where they come from.
pub(super) struct Built {
    pub(super) lists: Lists,
    pub(super) origins: HashMap<Arc<str>, Origin>,
}

/// Builds all lists: those of the config, `default`, then those of `made` that are not among them. A bad one is left
/// empty, so that rules that name it are still checked.
pub(super) fn build(
    tables: &Tables,
    text: &Text,
    made: &[(Arc<str>, Class)],
    source: &mut dyn ListSource,
    errors: &mut Vec<ConfigError>,
) -> Built {
    let plan = tables.rules.numbers.plan();
    let never_block = &NeverBlock::new(&tables.rules);
    let threads = threads(tables.all_lists.threads);
    let mut builder = Builder { text, plan, never_block, threads, source, errors, origins: HashMap::new() };
    let mut seen: HashMap<&str, ()> = HashMap::new();
    let mut lists = Vec::new();
    for config in &tables.lists {
        let name = config.name.get_ref().as_str();
        if name.is_empty() {
            builder.mistake(&config.name.span(), Mistake::Rule(RuleError::EmptyName));
        }
        if seen.insert(name, ()).is_some() {
            let error = RuleError::SameName { kind: Kind::List, name: name.into() };
            builder.mistake(&config.name.span(), Mistake::Rule(error));
            continue;
        }
        config.mistakes().into_iter().for_each(|(span, error)| builder.mistake(&span, Mistake::Option(error)));
        lists.push(builder.described(config));
    }
    let default = (Arc::from(DEFAULT_LIST), Class::Personal);
    let made = made.iter().map(|list| (list, true));
    for ((name, class), made) in [(&default, false)].into_iter().chain(made) {
        if seen.insert(name, ()).is_none() {
            lists.push(builder.undescribed(name, *class, made));
        }
    }
    let Builder { errors, origins, .. } = builder;
    let lists = Lists::new(lists).unwrap_or_else(|_| {
        // Names are unique here, so that only their number is left to be wrong.
        errors.push(ConfigError { place: Place { file: text.file.clone(), at: None }, mistake: Mistake::TooManyLists });
        Lists::default()
    });
    Built { lists, origins }
}

struct Builder<'b> {
    text: &'b Text,
    plan: DialPlan,
    never_block: &'b NeverBlock,
    threads: usize,
    source: &'b mut dyn ListSource,
    errors: &'b mut Vec<ConfigError>,
    origins: HashMap<Arc<str>, Origin>,
}

impl Builder<'_> {
    fn mistake(&mut self, span: &Range<usize>, mistake: Mistake) {
        self.errors.push(ConfigError { place: self.text.place(span), mistake });
    }

    /// A list that has a table.
    fn described(&mut self, config: &ListConfig) -> List {
        let name = &Arc::from(config.name.get_ref().as_str());
        // What the table says of change files without a file is a mistake that is told already.
        let changes = config.changes.iter().filter(|_| config.file.is_some());
        let files: Vec<(Arc<Path>, Range<usize>)> = config
            .file
            .iter()
            .chain(changes)
            .map(|path| (beside(&self.text.file, path.get_ref()).into(), path.span()))
            .collect();
        let request = BaseRequest {
            name,
            class: config.class,
            files: files.iter().map(|(path, _)| Arc::clone(path)).collect(),
            options: config.options(&self.plan),
            entries: self.entries(config),
            threads: self.threads,
            never_block: self.never_block.guard(config.class),
            max_change: config.max_change,
            max_age: config.max_age(),
        };
        let list = match self.source.base(&request) {
            Ok(sourced) => self.list(&request, sourced, config.stale, false),
            Err(error) => {
                self.refused(error, &files, &config.name.span());
                List::new(Arc::clone(name), config.class, request.files.first().cloned(), Arc::new(Base::default()))
            }
        };
        if let (Class::Pool, Err(error)) = (config.class, Pool::new(&list)) {
            self.mistake(&config.name.span(), Mistake::Pool(error));
        }
        list
    }

    /// A list without a table: it has no file, but its source may know of a base.
    fn undescribed(&mut self, name: &Arc<str>, class: Class, made: bool) -> List {
        let request = BaseRequest {
            name,
            class,
            files: Vec::new(),
            options: FileOptions { plan: self.plan, ..FileOptions::default() },
            entries: Vec::new(),
            threads: self.threads,
            never_block: self.never_block.guard(class),
            max_change: None,
            max_age: None,
        };
        match self.source.base(&request) {
            Ok(sourced) => self.list(&request, sourced, WhenStale::default(), made),
            Err(error) => {
                self.refused(error, &[], &(0..0));
                List::new(Arc::clone(name), class, None, Arc::new(Base::default()))
            }
        }
    }

    fn list(&mut self, request: &BaseRequest<'_>, sourced: Sourced, when_stale: WhenStale, made: bool) -> List {
        let Sourced { base, record, told, stale_from, from_snapshot, notices } = sourced;
        let BaseRequest { name, class, files, options, max_change, max_age, .. } = request;
        let origin = Origin {
            record,
            told,
            from_snapshot,
            notices,
            format: options.format,
            max_change: *max_change,
            max_age: *max_age,
            stale_from,
            when_stale,
            made,
        };
        self.origins.insert(Arc::clone(name), origin);
        List::new(Arc::clone(name), *class, files.first().cloned(), base)
    }

    /// The entries of the table that can be read and may be held.
    fn entries(&mut self, config: &ListConfig) -> Vec<Entry> {
        let plan = config.plan(&self.plan);
        let guard = self.never_block.guard(config.class);
        let mut entries = Vec::with_capacity(config.entries.len());
        for text in &config.entries {
            let cell = || text.get_ref().as_str().into();
            match Entry::parse(text.get_ref(), &plan) {
                Ok(entry) if guard.is_some_and(|guard| guard.refuses(&entry)) => {
                    let mistake = Mistake::Row { cell: cell(), reason: RowReason::NeverBlock };
                    self.mistake(&text.span(), mistake);
                }
                Ok(entry) => entries.push(entry),
                Err(error) => self.mistake(&text.span(), Mistake::Entry { text: cell(), error }),
            }
        }
        entries
    }

    /// Tells what is wrong where it stands: in the file, else where the config names the file, else the list.
    fn refused(&mut self, error: BaseError, files: &[(Arc<Path>, Range<usize>)], list: &Range<usize>) {
        let named = files.iter().find(|(path, _)| path == error.path()).map_or(list, |(_, span)| span);
        match error {
            BaseError::Unreadable { path, kind } => {
                self.mistake(named, Mistake::Unreadable { path: path.to_path_buf(), kind });
            }
            BaseError::NotRegular { path } => self.mistake(named, Mistake::NotRegular { path: path.to_path_buf() }),
            BaseError::Changed { path } => self.in_file(path, None, Mistake::Changed),
            BaseError::File { path, error: FileError::Rows(report) } => self.rows(&path, report),
            BaseError::File { path, error: FileError::TooManySkipped { limit, report } } => {
                self.in_file(Arc::clone(&path), None, Mistake::SkipLimit { bad: report.total, limit });
                self.rows(&path, report);
            }
            BaseError::File { path, error } => self.in_file(path, Some((1, 1)), Mistake::File(error)),
        }
    }

    fn rows(&mut self, file: &Arc<Path>, report: Report) {
        let more = report.total.saturating_sub(report.rows.len() as u64);
        for row in report.rows {
            let place = Some((row.line, row.column as u64));
            self.in_file(Arc::clone(file), place, Mistake::Row { cell: row.cell, reason: row.reason });
        }
        if more > 0 {
            self.in_file(Arc::clone(file), None, Mistake::MoreRows { more, kinds: report.kinds });
        }
    }

    fn in_file(&mut self, file: Arc<Path>, at: Option<(u64, u64)>, mistake: Mistake) {
        self.errors.push(ConfigError { place: Place { file, at }, mistake });
    }
}

/// A path that the config names: relative to the config file.
pub(super) fn beside(config: &Path, path: &Path) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join(path)
}

/// `[lists] threads`: one for each core where the config says 0; one where the system does not tell how many there are.
pub fn threads(configured: u16) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, Into::into),
        threads => usize::from(threads),
    }
}

/// It exists whether the config names it or not, so that the admin port has a list to add to.
const DEFAULT_LIST: &str = "default";
