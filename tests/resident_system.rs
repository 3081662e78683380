//! The memory limit against resident memory, under the system's allocator: what a library's user has.

mod resident;

fn main() -> std::process::ExitCode {
    resident::measure::main("system", &[])
}
