//! Lists the bytecode of a Lua file: `cargo run -p perilune-frontend --example listing -- file.lua`.

use perilune_frontend::bytecode::{dump, list, verify};

fn main() {
    for path in std::env::args().skip(1) {
        let source = match std::fs::read(&path) {
            Ok(source) => source,
            Err(error) => {
                eprintln!("{path}: {error}");
                continue;
            }
        };
        match perilune_frontend::compile(&source, format!("@{path}").as_bytes()) {
            Ok(proto) => {
                print!("{}", list::list(&proto, true));
                if let Err(error) = verify::verify(&proto) {
                    eprintln!("{path}: {error}");
                }
                let bytes = dump::dump(&proto, false);
                if dump::undump(&bytes, b"=dump").as_ref() != Ok(&proto) {
                    eprintln!("{path}: dump differs");
                }
            }
            Err(error) => eprintln!("{error}"),
        }
    }
}
