//! The `perilune` program: everything it does lives in [`cli`]; this file only chooses the
//! allocator, which is the program's choice and never the library's.

mod cli;

#[global_allocator]
static ALLOCATOR: perilune::program::LargeBlocks<mimalloc::MiMalloc> =
    perilune::program::LargeBlocks(mimalloc::MiMalloc);

fn main() -> std::process::ExitCode {
    cli::main()
}
