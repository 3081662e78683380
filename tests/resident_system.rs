//! The memory limit against resident memory, under the system's allocator: what a library's user has.

mod resident;

fn main() -> std::process::ExitCode {
    // What the compiler needs while it works leaves gaps between what the program keeps. Of large buffers
    // freed one by one, a part is given back only when a thirty-second to an eighth of the limit is free.
    // What is filled over and over with blocks of other sizes has gaps, too.
    resident::measure::main(
        "system",
        &[("traces", 1.12), ("buffers", 1.1), ("sizes in turn", 1.08)],
    )
}
