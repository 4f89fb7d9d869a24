//! `ringfence list`: the lists of the running daemon.

mod bases;
mod edit;
mod export;
mod import;
mod past;
mod show;

use clap::Subcommand;

use super::Screen;
use super::failure::Failure;
use super::port::{Client, Port};

/// Look at the lists of the running daemon, and change them.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where to ask.
    #[command(flatten)]
    pub port: Port,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show all lists, or a page of the entries of one.
    Show(show::Arguments),
    /// Add entries, or change what is said of them; all or none.
    Add(edit::AddArguments),
    /// Remove entries; all or none.
    Rm(edit::RemoveArguments),
    /// Make an empty list.
    Make(bases::MakeArguments),
    /// Remove a list that was made at run time, with all that is in it.
    Drop(bases::DropArguments),
    /// Add all entries of a file.
    Import(import::Arguments),
    /// Write what is in force, as CSV.
    Export(export::Arguments),
    /// Put the base that was in force before, or an earlier one, in force again.
    Rollback(bases::RollbackArguments),
    /// Put a base in force that waits because it changes much.
    Confirm(bases::ConfirmArguments),
    /// Show who changed what, when and why; the latest first.
    Log(past::LogArguments),
    /// Show what lists were at a generation of the past.
    At(past::AtArguments),
}

pub(super) fn list(client: &Client, arguments: &Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let json = arguments.port.json;
    match &arguments.command {
        Command::Show(arguments) => show::show(client, arguments, json, screen),
        Command::Add(arguments) => edit::add(client, arguments, json, screen),
        Command::Rm(arguments) => edit::remove(client, arguments, json, screen),
        Command::Make(arguments) => bases::make(client, arguments, json, screen),
        Command::Drop(arguments) => bases::drop(client, arguments, screen),
        Command::Import(arguments) => import::import(client, arguments, json, screen),
        Command::Export(arguments) => export::export(client, arguments, screen),
        Command::Rollback(arguments) => bases::rollback(client, arguments, json, screen),
        Command::Confirm(arguments) => bases::confirm(client, arguments, json, screen),
        Command::Log(arguments) => past::log(client, arguments, json, screen),
        Command::At(arguments) => past::at(client, arguments, json, screen),
    }
}
