//! Running many independent checks on all processors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `check` on every item and returns the failures in the items' order.
pub fn failures<T: Sync>(
    items: &[T],
    check: impl Fn(&T) -> Result<(), String> + Sync,
) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    if let Err(problem) = check(item) {
                        found
                            .lock()
                            .expect("no check panics")
                            .push((index, problem));
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().expect("no check panics");
    found.sort();
    found.into_iter().map(|(_, problem)| problem).collect()
}
