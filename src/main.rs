//! The `ringfence` program.

#[cfg(feature = "daemon")]
fn main() -> std::process::ExitCode {
    ringfence::cli::main()
}

/// Without the daemon there is nothing to run: the library is for simulators and fuzzers.
#[cfg(not(feature = "daemon"))]
fn main() {}
