//! Packages and sources of Debian, downloaded into the target folder and unpacked there.
//!
//! Nothing is installed and no root is needed: `apt-get` gets lists, state and cache of its own,
//! of a fixed release, so that the same versions are tested whatever system this is. What was
//! unpacked once is used again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use perilune_test_suite::reference::{finish, unpack};

/// The release of Debian that everything is taken from.
const RELEASE: &str = "trixie";
const MIRROR: &str = "http://deb.debian.org/debian";
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An archive of Debian.
pub(crate) struct Debian {
    folder: PathBuf,
    /// Held while files of the folder change.
    changing: Mutex<()>,
}

impl Debian {
    /// An archive that keeps everything in `folder`.
    ///
    /// # Errors
    /// Why the lists of packages can't be had.
    pub(crate) fn open(folder: &Path) -> Result<Debian, String> {
        let debian = Debian {
            folder: folder.join(RELEASE),
            changing: Mutex::new(()),
        };
        let lists = debian.folder.join("apt/lists");
        if debian.folder.join("listed").exists() {
            return Ok(debian);
        }
        for needed in [&lists.join("partial"), &debian.folder.join("apt/archives")] {
            fs::create_dir_all(needed).map_err(|error| error.to_string())?;
        }
        let signed = if Path::new(KEYS).exists() {
            format!("[signed-by={KEYS}] ")
        } else {
            String::new()
        };
        let sources = ["deb", "deb-src"]
            .map(|kind| format!("{kind} {signed}{MIRROR} {RELEASE} main\n"))
            .concat();
        fs::write(debian.folder.join("apt/sources.list"), sources)
            .map_err(|error| error.to_string())?;
        let mut update = debian.apt_get("update");
        update.args(["-o", "APT::Update::Error-Mode=any"]);
        finish(&mut update, "apt-get update")?;
        fs::write(debian.folder.join("listed"), "").map_err(|error| error.to_string())?;
        Ok(debian)
    }

    /// `apt-get` over this archive, working in its folder.
    fn apt_get(&self, action: &str) -> Command {
        let apt = self.folder.join("apt");
        let mut command = Command::new("apt-get");
        command.arg("-qq");
        for (option, value) in [
            ("Dir::Etc::SourceList", apt.join("sources.list")),
            ("Dir::Etc::SourceParts", "/dev/null".into()),
            ("Dir::State::Lists", apt.join("lists")),
            ("Dir::Cache", apt.clone()),
            ("Dir::Cache::Archives", apt.join("archives")),
            // Translations and descriptions of applications are of no use here.
            ("Acquire::Languages", "none".into()),
            (
                "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled",
                "false".into(),
            ),
            // Where this runs as root, the account that `apt-get` would download as may not write
            // here.
            ("APT::Sandbox::User", "".into()),
        ] {
            command
                .arg("-o")
                .arg(format!("{option}={}", value.display()));
        }
        command.arg(action).current_dir(&self.folder);
        command
    }

    /// Unpacks packages, all into one folder of the name given; answers with the folder.
    ///
    /// # Errors
    /// What can't be had.
    pub(crate) fn packages(&self, names: &[&str], into: &str) -> Result<PathBuf, String> {
        let _guard = self.changing.lock();
        let tree = self.folder.join(into);
        let done = |name: &str| self.folder.join(format!("{into}-{name}"));
        let missing: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| !done(name).exists())
            .collect();
        if missing.is_empty() {
            return Ok(tree);
        }
        let mut download = self.apt_get("download");
        finish(download.args(&missing), "apt-get download")?;
        for name in missing {
            let archive = self.archive(name)?;
            let mut dpkg = Command::new("dpkg-deb");
            dpkg.arg("--extract").arg(&archive).arg(&tree);
            finish(&mut dpkg, "dpkg-deb")?;
            fs::remove_file(&archive).ok();
            fs::write(done(name), "").map_err(|error| error.to_string())?;
        }
        Ok(tree)
    }

    /// Unpacks the original sources of packages that are not there yet, each into a folder of its
    /// own. What can't be had is found out when it is asked for, by [`Debian::source`].
    ///
    /// # Errors
    /// Nothing of it could be downloaded.
    pub(crate) fn fetch_sources(&self, names: &[&str]) -> Result<(), String> {
        let _guard = self.changing.lock();
        let missing: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| self.source(name).is_none())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut download = self.apt_get("source");
        download
            .args(["--tar-only", "--download-only"])
            .args(&missing);
        let problem = finish(&mut download, "apt-get source");
        let mut found = false;
        for name in missing {
            let Ok(archive) = self.archive(name) else {
                continue;
            };
            let unfinished = self.folder.join(format!("{name}.partial"));
            fs::create_dir_all(&unfinished).map_err(|error| error.to_string())?;
            unpack(&archive, &unfinished, &[])?;
            fs::rename(&unfinished, self.folder.join(format!("{name}.source")))
                .map_err(|error| error.to_string())?;
            fs::remove_file(&archive).ok();
            found = true;
        }
        if found { Ok(()) } else { problem }
    }

    /// Where everything is unpacked.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The root of a package's original sources, where they could be fetched.
    pub(crate) fn source(&self, name: &str) -> Option<PathBuf> {
        let folder = self.folder.join(format!("{name}.source"));
        // Archives hold one folder, with the version in its name.
        let mut entries = fs::read_dir(folder).ok()?;
        entries.next()?.ok().map(|entry| entry.path())
    }

    /// The archive that was downloaded for a package.
    fn archive(&self, name: &str) -> Result<PathBuf, String> {
        let prefix = format!("{name}_");
        fs::read_dir(&self.folder)
            .map_err(|error| error.to_string())?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| {
                path.is_file()
                    && path
                        .file_name()
                        .is_some_and(|file| file.to_string_lossy().starts_with(&prefix))
            })
            .ok_or_else(|| format!("apt-get has not downloaded {name}"))
    }
}
