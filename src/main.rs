//! The `ringfence` program.

/// glibc's allocator takes a quarter of a relayed call's time once many calls are up.
#[cfg(feature = "daemon")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[cfg(feature = "daemon")]
fn main() -> std::process::ExitCode {
    ringfence::cli::main()
}

/// Without the daemon there is nothing to run: the library is for simulators and fuzzers.
#[cfg(not(feature = "daemon"))]
fn main() {}
