//! The configs of README's section "Using it".

/// The config under this heading. Readers are promised that it has ten lines at most.
pub(crate) fn config(heading: &str) -> String {
    let section =
        README.split("\n## ").find(|section| section.starts_with("Using it\n")).expect("README has the section");
    let under = section.split("\n### ").find(|under| under.lines().next() == Some(heading));
    let under = under.unwrap_or_else(|| panic!("\"Using it\" has nothing under \"{heading}\""));
    let config = under.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).expect("a config").0;
    assert!(config.lines().count() <= 10, "ten lines at most:\n{config}");
    config.to_owned()
}

const README: &str = include_str!("../../README.md");
