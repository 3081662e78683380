//! The clock: has running code look at its deadline, or ask its interrupt function, when it is time.
//!
//! One thread of the process, which starts when it is first needed, waits for the earliest entry.
//!
//! Invariant: a machine is reached only through its link, which is emptied before it goes away.

use crate::vm::{PendingLink, pending};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The longest time between two ticks for a machine that does not look at them.
const IDLE: Duration = Duration::from_millis(64);

/// While it lives, a machine is told when its time has come.
#[derive(Debug)]
pub struct Watch {
    key: u64,
}

struct Entry {
    link: PendingLink,
    at: Instant,
    /// The time to the next tick, for those that are to be told again and again, and how much it has
    /// grown because the last one was not seen.
    every: Option<Duration>,
    patience: Duration,
}

#[derive(Default)]
struct Clock {
    entries: Mutex<Entries>,
    changed: Condvar,
}

#[derive(Default)]
struct Entries {
    by_key: BTreeMap<u64, Entry>,
    next_key: u64,
    is_running: bool,
}

fn clock() -> &'static Clock {
    static CLOCK: OnceLock<Clock> = OnceLock::new();
    CLOCK.get_or_init(Clock::default)
}

/// Tells the machine with this link at a time, and from then on again after each `every`.
///
/// # Errors
/// The system has no threads, or no more of them.
pub fn watch(link: PendingLink, at: Instant, every: Option<Duration>) -> io::Result<Watch> {
    let clock = clock();
    let mut entries = clock.entries.lock().unwrap_or_else(PoisonError::into_inner);
    if !entries.is_running {
        let thread = std::thread::Builder::new().name("perilune clock".to_owned());
        thread.stack_size(64 << 10).spawn(|| run(self::clock()))?;
        entries.is_running = true;
    }
    let key = entries.next_key;
    entries.next_key += 1;
    let patience = every.unwrap_or_default();
    entries.by_key.insert(
        key,
        Entry {
            link,
            at,
            every,
            patience,
        },
    );
    clock.changed.notify_one();
    Ok(Watch { key })
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut entries = clock()
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        entries.by_key.remove(&self.key);
    }
}

/// What the clock's thread does.
fn run(clock: &Clock) {
    let mut entries = clock.entries.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let now = Instant::now();
        entries
            .by_key
            .retain(|_, entry| entry.at > now || entry.tick(now));
        entries = match entries.by_key.values().map(|entry| entry.at).min() {
            Some(at) => {
                let waited = clock
                    .changed
                    .wait_timeout(entries, at.saturating_duration_since(now));
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = clock.changed.wait(entries);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        };
    }
}

impl Entry {
    /// Tells the machine; whether it is to be told again.
    fn tick(&mut self, now: Instant) -> bool {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pointer) = *link else {
            return false;
        };
        // SAFETY: the link is emptied, under its lock, before the machine goes away.
        let before = unsafe { (*pointer.0).fetch_or(pending::TICK, Ordering::Relaxed) };
        let Some(every) = self.every else {
            return false;
        };
        let was_seen = before & pending::TICK == 0;
        self.patience = if was_seen {
            every
        } else {
            (self.patience * 2).min(IDLE)
        };
        self.at = now + self.patience;
        true
    }
}
