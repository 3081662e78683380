//! The memory limit against resident memory, under the allocator of the program `perilune`.

mod resident;

use perilune::program::{FirstBlocks, LargeBlocks};

#[global_allocator]
static ALLOCATOR: FirstBlocks<LargeBlocks<mimalloc::MiMalloc>> =
    FirstBlocks(LargeBlocks(mimalloc::MiMalloc));

// SAFETY: mimalloc's function of this name has this type.
unsafe extern "C" {
    fn mi_collect(force: bool);
}

fn return_memory() {
    // SAFETY: it may be called at any time.
    unsafe { mi_collect(true) };
}

fn main() -> std::process::ExitCode {
    perilune::program::set_return_memory(return_memory);
    // A few live blocks keep each of mimalloc's pages, which then serves no other size: each round of the
    // pattern takes new pages for its size, and those of the rounds before stay.
    resident::measure::main("mimalloc", &[("some kept", 3.8)])
}
