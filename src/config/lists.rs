//! The lists that `[[list]]` tables and their files make.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{ConfigError, Mistake};
use super::place::{Place, Text};
use crate::lists::{
    Base, BaseBuilder, Class, Details, Entry, FileError, List, ListConfig, Lists, Pool, Progress, read_list,
};
use crate::number::DialPlan;
use crate::screen::{Kind, RuleError};

/// Builds all lists. A bad one is left with what could be read, so that rules that name it are still checked.
pub(super) fn build(
    configs: &[ListConfig],
    text: &Text<'_>,
    plan: &DialPlan,
    read_file: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
    errors: &mut Vec<ConfigError>,
) -> Lists {
    let mut builder = Builder { text, read_file, errors };
    let mut seen: HashMap<&str, ()> = HashMap::new();
    let mut lists = Vec::new();
    for config in configs {
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
        lists.push(builder.list(config, plan));
    }
    if !seen.contains_key(DEFAULT_LIST) {
        lists.push(List::new(DEFAULT_LIST.into(), Class::Personal, None, Arc::new(Base::default())));
    }
    Lists::new(lists).unwrap_or_else(|_| {
        // Names are unique here, so that only their number is left to be wrong.
        builder
            .errors
            .push(ConfigError { place: Place { file: text.file.clone(), at: None }, mistake: Mistake::TooManyLists });
        Lists::default()
    })
}

struct Builder<'b, 't> {
    text: &'b Text<'t>,
    read_file: &'b mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
    errors: &'b mut Vec<ConfigError>,
}

impl Builder<'_, '_> {
    fn mistake(&mut self, span: &Range<usize>, mistake: Mistake) {
        self.errors.push(ConfigError { place: self.text.place(span), mistake });
    }

    fn list(&mut self, config: &ListConfig, numbers: &DialPlan) -> List {
        let plan = &config.plan(numbers);
        let path = config.file.as_ref().map(|file| beside(&self.text.file, file.get_ref()));
        let mut entries = match (&config.file, &path) {
            (Some(file), Some(path)) => self.file(&file.span(), path, config, numbers),
            _ => BaseBuilder::default(),
        };
        for text in &config.entries {
            match Entry::parse(text.get_ref(), plan) {
                Ok(entry) => entries.push(entry, &Details::default()),
                Err(error) => {
                    let text_of_it = text.get_ref().as_str().into();
                    self.mistake(&text.span(), Mistake::Entry { text: text_of_it, error });
                }
            }
        }
        let base = Arc::new(entries.build());
        let list = List::new(config.name.get_ref().as_str().into(), config.class, path.map(Arc::from), base);
        if let (Class::Pool, Err(error)) = (config.class, Pool::new(&list)) {
            self.mistake(&config.name.span(), Mistake::Pool(error));
        }
        list
    }

    fn file(&mut self, span: &Range<usize>, path: &Path, config: &ListConfig, numbers: &DialPlan) -> BaseBuilder {
        let bytes = match (self.read_file)(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.mistake(span, Mistake::Unreadable { path: path.into(), kind: error.kind() });
                return BaseBuilder::default();
            }
        };
        let file: Arc<Path> = path.into();
        match read_list(&bytes[..], &config.options(numbers), 1, &|_: &Entry| false, &Progress::default()) {
            Ok(list) => return list.builder,
            Err(FileError::Rows(report)) => {
                let untold = report.total.saturating_sub(report.rows.len() as u64);
                for row in report.rows {
                    let place = Place { file: file.clone(), at: Some((row.line, row.column as u64)) };
                    let mistake = Mistake::Row { cell: row.cell, reason: row.reason };
                    self.errors.push(ConfigError { place, mistake });
                }
                if untold > 0 {
                    let place = Place { file, at: None };
                    self.errors.push(ConfigError { place, mistake: Mistake::MoreRows(untold) });
                }
            }
            Err(error) => {
                let place = Place { file, at: Some((1, 1)) };
                self.errors.push(ConfigError { place, mistake: Mistake::File(error) });
            }
        }
        BaseBuilder::default()
    }
}

/// A path that the config names: relative to the config file.
pub(super) fn beside(config: &Path, path: &Path) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join(path)
}

/// It exists whether the config names it or not, so that the admin port has a list to add to.
const DEFAULT_LIST: &str = "default";
