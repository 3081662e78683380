//! Where the state tells those who work on it what it does (`-j dump=...`): a file, or the standard
//! error stream.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Such a place. Copies lead to the same file.
#[derive(Clone, Debug, Default)]
pub struct Report(Option<Arc<File>>);

impl Report {
    /// A file, which is made empty first.
    ///
    /// # Errors
    /// The file can't be opened for writing.
    pub fn to_file(path: &Path) -> io::Result<Report> {
        Ok(Report(Some(Arc::new(File::create(path)?))))
    }

    /// Adds text. There is nowhere to report a failure to.
    pub fn add(&self, text: &str) {
        let _ = match &self.0 {
            Some(file) => file.as_ref().write_all(text.as_bytes()),
            None => io::stderr().write_all(text.as_bytes()),
        };
    }
}
