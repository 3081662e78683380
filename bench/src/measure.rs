//! One run of a program: its time, its peak memory, what it printed.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What one run gave.
pub(crate) struct Run {
    pub(crate) time: Duration,
    /// In KiB; `None` where the system does not tell.
    pub(crate) peak_memory: Option<u64>,
    pub(crate) output: Vec<u8>,
    /// What it printed on its standard error stream.
    pub(crate) messages: String,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Result<Run, String> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command
        .spawn()
        .map_err(|error| format!("cannot start: {error}"))?;
    let mut output = Vec::new();
    let mut stream = child.stdout.take().ok_or("no pipe")?;
    stream
        .read_to_end(&mut output)
        .map_err(|error| error.to_string())?;
    let mut errors = child.stderr.take().ok_or("no pipe")?;
    let (success, peak_memory) = wait(&mut child)?;
    let time = started.elapsed();
    let mut text = String::new();
    // They explain failures, and are short; that they can't be read changes nothing for others.
    errors.read_to_string(&mut text).ok();
    if !success {
        return Err(format!(
            "failed: {}",
            text.lines().next().unwrap_or("no message")
        ));
    }
    Ok(Run {
        time,
        peak_memory,
        output,
        messages: text,
    })
}

#[cfg(unix)]
fn wait(child: &mut Child) -> Result<(bool, Option<u64>), String> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    let id = libc::pid_t::try_from(child.id()).map_err(|error| error.to_string())?;
    // SAFETY: `id` is a child of this process that nothing else waits for, and both pointers are
    // to live locals of the right types. All-zero bytes are a valid `rusage`.
    let (waited, usage) = unsafe {
        let waited = libc::wait4(id, &mut status, 0, usage.as_mut_ptr());
        (waited, usage.assume_init())
    };
    if waited != id {
        return Err(std::io::Error::last_os_error().to_string());
    }
    let success = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1024 } else { 1 };
    Ok((
        success,
        u64::try_from(usage.ru_maxrss).ok().map(|size| size / unit),
    ))
}

#[cfg(not(unix))]
fn wait(child: &mut Child) -> Result<(bool, Option<u64>), String> {
    let status = child.wait().map_err(|error| error.to_string())?;
    Ok((status.success(), None))
}
