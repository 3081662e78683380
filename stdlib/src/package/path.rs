//! Paths of modules: templates separated by `;`, in which `?` stands for the module's name.

use crate::support::Checkpoint;
use memchr::memmem;
use perilune_runtime::error::LuaError;
use perilune_runtime::sys;

const SEPARATOR: u8 = b';';
const MARK: &[u8] = b"?";

/// The default path for Lua modules, or for C modules if `libraries`.
pub(super) fn default_path(libraries: bool) -> String {
    if cfg!(windows) {
        return windows_path(libraries);
    }
    const SHARE: &str = "/usr/local/share/lua/5.4/";
    const LIB: &str = "/usr/local/lib/lua/5.4/";
    if libraries {
        format!("{LIB}?.so;{LIB}loadall.so;./?.so")
    } else {
        format!("{SHARE}?.lua;{SHARE}?/init.lua;{LIB}?.lua;{LIB}?/init.lua;./?.lua;./?/init.lua")
    }
}

/// The default path on Windows, relative to the program's directory.
fn windows_path(libraries: bool) -> String {
    let directory = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| ".".to_string());
    let lua = format!("{directory}\\lua\\");
    let share = format!("{directory}\\..\\share\\lua\\5.4\\");
    let lib = format!("{directory}\\..\\lib\\lua\\5.4\\");
    if libraries {
        format!("{directory}\\?.dll;{lib}?.dll;{directory}\\loadall.dll;.\\?.dll")
    } else {
        format!(
            "{lua}?.lua;{lua}?\\init.lua;{directory}\\?.lua;{directory}\\?\\init.lua;\
             {share}?.lua;{share}?\\init.lua;.\\?.lua;.\\?\\init.lua"
        )
    }
}

/// The path in the environment variable `{variable}_5_4` or else `variable`, with the default in
/// the place of `;;`; the default if neither is set.
pub(super) fn environment_path(variable: &str, default: &str) -> Vec<u8> {
    let versioned = format!("{variable}_5_4");
    let value = sys::environment_variable(versioned.as_bytes())
        .or_else(|| sys::environment_variable(variable.as_bytes()));
    match value {
        Some(path) => with_default(path, default.as_bytes()),
        None => default.as_bytes().to_vec(),
    }
}

/// `path` with the first `;;` replaced by `;default;`, without a `;` at either end.
fn with_default(path: Vec<u8>, default: &[u8]) -> Vec<u8> {
    let Some(mark) = path.windows(2).position(|pair| pair == b";;") else {
        return path;
    };
    let (before, after) = (&path[..mark], &path[mark + 2..]);
    let mut result = Vec::with_capacity(path.len() + default.len());
    if !before.is_empty() {
        result.extend_from_slice(before);
        result.push(SEPARATOR);
    }
    result.extend_from_slice(default);
    if !after.is_empty() {
        result.push(SEPARATOR);
        result.extend_from_slice(after);
    }
    result
}

/// `text` with every `pattern` (not empty) replaced. `checkpoint` is asked whether there may be so
/// many bytes more.
fn replace(
    text: &[u8],
    pattern: &[u8],
    replacement: &[u8],
    checkpoint: &mut Checkpoint<'_>,
) -> Result<Vec<u8>, LuaError> {
    let count = memmem::find_iter(text, pattern).count();
    let room = text
        .len()
        .saturating_add(count.saturating_mul(replacement.len()));
    checkpoint(room)?;
    let mut result = Vec::new();
    result
        .try_reserve_exact(room)
        .map_err(|_| LuaError::Memory)?;
    let mut rest = text;
    while !rest.is_empty() {
        match rest.strip_prefix(pattern) {
            Some(after) => {
                result.extend_from_slice(replacement);
                rest = after;
            }
            None => {
                result.push(rest[0]);
                rest = &rest[1..];
            }
        }
    }
    Ok(result)
}

/// Whether a file can be opened for reading.
fn is_readable(name: &[u8]) -> bool {
    std::fs::File::open(sys::path_from_bytes(name)).is_ok()
}

/// The first readable file for module `name` in `path`, or the message that lists what was tried.
/// Every `separator` in the name is replaced first, if it is not empty.
pub(super) fn search(
    name: &[u8],
    path: &[u8],
    separator: &[u8],
    replacement: &[u8],
    checkpoint: &mut Checkpoint<'_>,
) -> Result<Result<Vec<u8>, Vec<u8>>, LuaError> {
    let replaced;
    let name = if separator.is_empty() {
        name
    } else {
        replaced = replace(name, separator, replacement, checkpoint)?;
        &replaced
    };
    let files = replace(path, MARK, name, checkpoint)?;
    if !files.is_empty() {
        for file in files.split(|&byte| byte == SEPARATOR) {
            if is_readable(file) {
                return Ok(Ok(file.to_vec()));
            }
            checkpoint(0)?;
        }
    }
    let mut message = b"no file '".to_vec();
    let rest = replace(&files, &[SEPARATOR], b"'\n\tno file '", checkpoint)?;
    message.extend_from_slice(&rest);
    message.push(b'\'');
    Ok(Err(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(
        name: &str,
        path: &str,
        separator: &str,
        replacement: &str,
    ) -> Result<String, String> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        search(
            name.as_bytes(),
            path.as_bytes(),
            separator.as_bytes(),
            replacement.as_bytes(),
            &mut |_| Ok(()),
        )
        .unwrap()
        .map(text)
        .map_err(text)
    }

    #[test]
    fn default_in_environment() {
        let with =
            |path: &str| String::from_utf8(with_default(path.as_bytes().to_vec(), b"DEF")).unwrap();
        assert_eq!(with("a;b"), "a;b");
        assert_eq!(with(";;"), "DEF");
        assert_eq!(with("a;;"), "a;DEF");
        assert_eq!(with(";;b"), "DEF;b");
        assert_eq!(with("a;;b"), "a;DEF;b");
        assert_eq!(with("a;;b;;c"), "a;DEF;b;;c");
        assert_eq!(with(""), "");
    }

    #[test]
    fn message_lists_files() {
        assert_eq!(
            searched("XXX", "?.lua;?/?", ".", "/").unwrap_err(),
            "no file 'XXX.lua'\n\tno file 'XXX/XXX'"
        );
        assert_eq!(
            searched("a.b", "/nowhere/?.x;;", ".", "/").unwrap_err(),
            "no file '/nowhere/a/b.x'\n\tno file ''\n\tno file ''"
        );
        assert_eq!(searched("x", "", ".", "/").unwrap_err(), "no file ''");
    }

    #[test]
    fn finds_files() {
        let directory = std::env::temp_dir().join(format!("perilune-path-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("XXxX"), "").unwrap();
        let template = format!("{}/?", directory.display());
        let expected = format!("{}/XXxX", directory.display());
        assert_eq!(searched("--x-", &template, "-", "X"), Ok(expected.clone()));
        assert_eq!(
            searched("---xX", &template, "---", "XX"),
            Ok(expected.clone())
        );
        assert_eq!(searched("XXxX", &template, "", ""), Ok(expected.clone()));
        let path = format!("/nowhere/?.lua;{template};{template}");
        assert_eq!(searched("XXxX", &path, ".", "/"), Ok(expected));
        std::fs::remove_dir_all(directory).unwrap();
    }
}
