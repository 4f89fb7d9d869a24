//! app

/// Runs with this config until it is told to stop.
pub fn run(config: &std::path::Path) -> std::process::ExitCode {
    match crate::config::load(config) {
        Ok(_) => eprintln!("nothing is wired up yet"),
        Err(errors) => eprintln!("{errors}"),
    }
    std::process::ExitCode::FAILURE
}
