//! Temporary files.
//!
//! Invariant: a name is only given out after a new file of that name was created, so no other
//! process can have the same.

use super::random_seed;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// How many names to try; a clash of six random characters is already unlikely.
const ATTEMPTS: u32 = 100;

/// The directory for temporary files; `None` where there are no files.
fn directory() -> Option<PathBuf> {
    if cfg!(unix) {
        Some(PathBuf::from("/tmp"))
    } else if cfg!(all(target_family = "wasm", target_os = "unknown")) {
        None
    } else {
        Some(std::env::temp_dir())
    }
}

fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Creates a file that did not exist, with a random name.
fn create() -> io::Result<(PathBuf, File)> {
    const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let directory = directory().ok_or(io::ErrorKind::Unsupported)?;
    for _ in 0..ATTEMPTS {
        let mut bits = random_seed()[0];
        let mut name = String::from("lua_");
        for _ in 0..6 {
            name.push(char::from(LETTERS[(bits % 62) as usize]));
            bits /= 62;
        }
        let path = directory.join(name);
        match create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The name of a new, empty file in the directory for temporary files.
pub fn temporary_name() -> io::Result<Vec<u8>> {
    let (path, _) = create()?;
    Ok(super::bytes_from_os(path.into_os_string()))
}

/// A new file for reading and writing that vanishes when it is closed: its name is removed at
/// once. (Where an open file's name cannot be removed it stays behind.)
pub fn temporary_file() -> io::Result<File> {
    let (path, file) = create()?;
    // Best effort: the file is usable in any case.
    let _ = std::fs::remove_file(path);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_exists_and_is_private() {
        let name = temporary_name().unwrap();
        let path = super::super::path_from_bytes(&name);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn file_is_readable_and_writable() {
        use std::io::{Read, Seek, Write};
        let mut file = temporary_file().unwrap();
        file.write_all(b"alo").unwrap();
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "alo");
    }
}
