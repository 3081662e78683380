//! When to collect, and how fast: parameters, debt, steps and full collections.
//!
//! As in PUC Lua: a cycle starts when memory in use has grown to `pause` percent of what the last
//! cycle left; then, for each kilobyte allocated, `step_multiplier` percent units of work are
//! done, in steps of at least `1 << step_size` bytes.

use super::heap::{Heap, Phase, UNLIMITED};
use super::{Roots, generational};

/// How the collector works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Whole cycles in small steps.
    Incremental,
    /// Frequent collections of what is new.
    Generational,
}

/// A way of collecting far too often, which brings errors to light.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stress {
    /// A full collection at every N-th safepoint: finds values that nothing roots.
    Full(u32),
    /// In incremental mode the smallest piece of work, in generational mode a minor collection, at
    /// every N-th safepoint: finds missing barriers.
    Steps(u32),
}

/// The program stopped the collector (`collectgarbage("stop")`).
const STOPPED_BY_USER: u8 = 1 << 0;
/// The collector is stopped while a finaliser runs.
const STOPPED_INTERNALLY: u8 = 1 << 1;
/// The state is being closed.
const CLOSING: u8 = 1 << 2;
/// Bytes that one unit of work stands for.
const WORK_UNIT: isize = 16;
/// Objects or string chains per unit step of sweeping.
const SWEEP_BATCH: usize = 100;

/// Parameters and state of pacing. Some percentages are stored divided by 4 in a byte, which
/// programs can see (`collectgarbage("setpause", 101)` sets 100).
#[derive(Debug)]
pub(crate) struct Pacing {
    mode: Mode,
    stopped: u8,
    pause: u8,
    step_multiplier: u8,
    step_size: u8,
    pub(crate) minor_multiplier: u8,
    pub(crate) major_multiplier: u8,
    /// Bytes in use after the last cycle, as far as known; in generational mode, after the last
    /// major collection.
    pub(crate) estimate: usize,
    /// Work of the last major collection when it freed too little; 0 when it was worthwhile. If
    /// not 0, generational mode makes do with incremental-style full collections.
    pub(crate) bad_major: usize,
    /// What to do at safepoints besides what is due, to find errors.
    stress: Option<Stress>,
    /// Safepoints until the next stress collection.
    stress_left: u32,
    /// The collection under way must not change what it need not (no shrinking).
    pub(crate) emergency: bool,
    /// Whether marking is in its atomic part.
    pub(crate) atomic: bool,
}

impl Default for Pacing {
    fn default() -> Self {
        Pacing {
            mode: Mode::Incremental,
            stopped: 0,
            pause: (200 / 4) as u8,
            step_multiplier: (100 / 4) as u8,
            step_size: 13,
            minor_multiplier: 20,
            major_multiplier: (100 / 4) as u8,
            estimate: 0,
            bad_major: 0,
            stress: None,
            stress_left: 0,
            emergency: false,
            atomic: false,
        }
    }
}

impl Pacing {
    pub(crate) fn is_closing(&self) -> bool {
        self.stopped & CLOSING != 0
    }
    /// The mode the collector is in at the moment.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }
    pub(crate) fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }
    /// The mode that the program asked for; after a bad major collection, generational mode works
    /// incrementally for a while.
    pub(crate) fn declared_mode(&self) -> Mode {
        if self.bad_major != 0 {
            Mode::Generational
        } else {
            self.mode
        }
    }
}

/// Sets a percentage stored divided by 4; returns the one before.
fn exchange_percentage(place: &mut u8, percent: i64) -> i64 {
    let old = i64::from(*place) * 4;
    *place = (percent as i32 / 4) as u8;
    old
}

impl Heap {
    /// Bytes in use beyond the threshold.
    pub(crate) fn debt(&self) -> isize {
        self.used as isize - self.threshold as isize
    }

    /// Makes the debt `debt`: the next step comes after `-debt` more bytes.
    pub(crate) fn set_debt(&mut self, debt: isize) {
        let threshold = (self.used as isize).saturating_sub(debt).max(0);
        self.set_threshold(threshold as usize);
    }

    /// Sets the threshold. A memory limit lowers it, so that there is a collection before
    /// small allocations fail; stress mode makes it 0.
    pub(crate) fn set_threshold(&mut self, threshold: usize) {
        let guard = self.limit_guard();
        let unmade = self.granted - self.threshold;
        self.unmade = self.unmade.saturating_add(unmade);
        self.threshold = if self.pacing.stress.is_some() {
            0
        } else if threshold > guard {
            guard.max(self.used + self.limit.saturating_sub(self.used) / 4)
        } else {
            threshold
        };
        self.granted = self.threshold;
    }

    /// Moves the threshold by as much as memory in use has changed that is none of the collector's, so that
    /// the debt stays. Not below a limit: what brings memory nearer to that has to bring collections nearer.
    pub(crate) fn move_threshold(&mut self, by: isize) {
        if self.pacing.stress.is_some() || self.limit != UNLIMITED {
            return;
        }
        let unmade = self.granted - self.threshold;
        self.threshold = self.threshold.saturating_add_signed(by);
        self.granted = self.threshold + unmade;
    }

    /// Above this many bytes in use the memory limit is near: seven eighths of it, or half of what the last
    /// cycle left free of it. So there is room for an object of half the free memory, whatever garbage
    /// there is; only some allocations that fail are tried again after a collection (`collect::make_room`).
    pub(crate) fn limit_guard(&self) -> usize {
        let live = self.pacing.estimate.min(self.limit);
        let half = live + (self.limit - live) / 2;
        half.min(self.limit - self.limit / 8)
    }

    /// Sets the threshold for the start of the next cycle.
    pub(crate) fn pause_until_next_cycle(&mut self) {
        let threshold = (self.pacing.estimate / 100)
            .saturating_mul(usize::from(self.pacing.pause) * 4)
            .min(isize::MAX as usize);
        self.set_threshold(threshold.max(self.used));
    }

    /// `collectgarbage("stop")`
    pub fn stop_collector(&mut self) {
        self.pacing.stopped |= STOPPED_BY_USER;
    }

    /// `collectgarbage("restart")`
    pub fn restart_collector(&mut self) {
        self.pacing.stopped &= !STOPPED_BY_USER;
        self.set_debt(0);
    }

    /// `collectgarbage("isrunning")`
    pub fn is_collector_running(&self) -> bool {
        self.pacing.stopped == 0
    }

    /// Stops the collector while a finaliser runs, or lets it go on; returns what was before.
    /// While stopped in this way `collectgarbage` does nothing.
    pub fn set_internal_stop(&mut self, stop: bool) -> bool {
        let before = self.pacing.stopped & STOPPED_INTERNALLY != 0;
        self.pacing.stopped &= !STOPPED_INTERNALLY;
        if stop {
            self.pacing.stopped |= STOPPED_INTERNALLY;
        }
        before
    }

    /// Whether `collectgarbage` must do nothing (within a finaliser, or while closing).
    pub fn is_internally_stopped(&self) -> bool {
        self.pacing.stopped & (STOPPED_INTERNALLY | CLOSING) != 0
    }

    /// Whether the state is being closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.pacing.is_closing()
    }

    /// The state is being closed: no collection and no new finalisers from here on.
    pub(crate) fn set_closing(&mut self) {
        self.pacing.stopped |= CLOSING;
    }

    /// `collectgarbage("setpause", percent)`: returns the pause before.
    pub fn set_pause(&mut self, percent: i64) -> i64 {
        exchange_percentage(&mut self.pacing.pause, percent)
    }

    /// `collectgarbage("setstepmul", percent)`: returns the step multiplier before.
    pub fn set_step_multiplier(&mut self, percent: i64) -> i64 {
        exchange_percentage(&mut self.pacing.step_multiplier, percent)
    }

    /// The mode that the program asked for.
    pub fn mode(&self) -> Mode {
        self.pacing.declared_mode()
    }

    /// Makes safepoints collect far too often (unless the program has stopped the collector);
    /// `None` ends that.
    pub fn set_stress(&mut self, stress: Option<Stress>) {
        self.pacing.stress = stress;
        self.pacing.stress_left = 0;
        self.set_debt(0);
    }
}

/// One basic step; safepoints call it when [`Heap::needs_step`]. Afterwards
/// [`Heap::has_pending_finalizers`] may be true.
///
/// # Safety
/// `heap` is a live heap and `roots` its roots; the VM is at a safepoint.
pub unsafe fn step<R: Roots>(heap: *mut Heap, roots: *mut R) {
    // SAFETY: the caller's contract.
    unsafe {
        if (*heap).pacing.stopped != 0 {
            // Not every safepoint should come here.
            (*heap).set_debt(-2000);
        } else if let Some(stress) = (*heap).pacing.stress {
            stress_step(heap, roots, stress);
        } else if (*heap).is_nearly_full() {
            full_collection(heap, roots, false);
        } else if (*heap).pacing.declared_mode() == Mode::Generational {
            generational::step(heap, roots);
        } else {
            incremental_step(heap, roots);
        }
    }
}

unsafe fn stress_step<R: Roots>(heap: *mut Heap, roots: *mut R, stress: Stress) {
    let (Stress::Full(interval) | Stress::Steps(interval)) = stress;
    // SAFETY: the caller's contract.
    unsafe {
        if (*heap).pacing.stress_left > 0 {
            (*heap).pacing.stress_left -= 1;
            return;
        }
        (*heap).pacing.stress_left = interval.saturating_sub(1);
        match stress {
            Stress::Full(_) => full_collection(heap, roots, false),
            Stress::Steps(_) if (*heap).pacing.mode == Mode::Generational => {
                generational::minor(heap, roots);
            }
            Stress::Steps(_) => {
                single_step(heap, roots);
            }
        }
    }
}

/// `collectgarbage("step", kilobytes)`: a basic step for 0, else as if that much had been
/// allocated, even when the program has stopped the collector. Whether a cycle ended.
///
/// # Safety
/// As [`step`].
pub unsafe fn explicit_step<R: Roots>(heap: *mut Heap, roots: *mut R, kilobytes: i64) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        let stopped = std::mem::take(&mut (*heap).pacing.stopped);
        // The program wants as much work as it says.
        let stress = (*heap).pacing.stress.take();
        if stress.is_some() {
            (*heap).set_debt(0);
        }
        let mut did_step = true;
        let kilobytes = kilobytes as i32 as isize;
        if kilobytes == 0 {
            (*heap).set_debt(0);
            step(heap, roots);
        } else {
            let debt = kilobytes * 1024 + (*heap).debt();
            (*heap).set_debt(debt);
            did_step = debt > 0;
            if (*heap).needs_step() {
                step(heap, roots);
            }
        }
        (*heap).pacing.stopped = stopped;
        if stress.is_some() {
            (*heap).pacing.stress = stress;
            (*heap).set_debt(0);
        }
        did_step && (*heap).phase == Phase::Pause
    }
}

/// A full collection. An emergency one, after an allocation failed, leaves sizes of structures
/// alone. Finalisers are not called, only made pending.
///
/// # Safety
/// As [`step`].
pub unsafe fn full_collection<R: Roots>(heap: *mut Heap, roots: *mut R, emergency: bool) {
    // SAFETY: the caller's contract.
    unsafe {
        (*heap).pacing.emergency = emergency;
        if (*heap).pacing.mode == Mode::Generational {
            generational::major(heap, roots);
        } else {
            if (*heap).phase == Phase::Mark {
                // Whites have not been flipped: this only turns everything white.
                (*heap).start_sweep();
            }
            run_until_pause(heap, roots);
            Heap::start_cycle(heap, roots);
            Heap::atomic(heap, roots);
            (*heap).pacing.estimate = (*heap).used;
            (*heap).start_sweep();
            run_until_pause(heap, roots);
            (*heap).pause_until_next_cycle();
        }
        (*heap).pacing.emergency = false;
    }
}

/// `collectgarbage("incremental", pause, step multiplier, step size)`, where 0 keeps a parameter:
/// returns the mode before.
///
/// # Safety
/// As [`step`].
pub unsafe fn set_incremental<R: Roots>(
    heap: *mut Heap,
    roots: *mut R,
    pause: i64,
    step_multiplier: i64,
    step_size: i64,
) -> Mode {
    // SAFETY: the caller's contract.
    unsafe {
        let before = (*heap).pacing.declared_mode();
        if pause != 0 {
            (*heap).set_pause(pause);
        }
        if step_multiplier != 0 {
            (*heap).set_step_multiplier(step_multiplier);
        }
        if step_size != 0 {
            (*heap).pacing.step_size = step_size as u8;
        }
        change_mode(heap, roots, Mode::Incremental);
        before
    }
}

/// `collectgarbage("generational", minor multiplier, major multiplier)`, where 0 keeps a
/// parameter: returns the mode before.
///
/// # Safety
/// As [`step`].
pub unsafe fn set_generational<R: Roots>(
    heap: *mut Heap,
    roots: *mut R,
    minor_multiplier: i64,
    major_multiplier: i64,
) -> Mode {
    // SAFETY: the caller's contract.
    unsafe {
        let before = (*heap).pacing.declared_mode();
        if minor_multiplier != 0 {
            (*heap).pacing.minor_multiplier = minor_multiplier as u8;
        }
        if major_multiplier != 0 {
            exchange_percentage(&mut (*heap).pacing.major_multiplier, major_multiplier);
        }
        change_mode(heap, roots, Mode::Generational);
        before
    }
}

unsafe fn change_mode<R: Roots>(heap: *mut Heap, roots: *mut R, mode: Mode) {
    // SAFETY: the caller's contract.
    unsafe {
        if (*heap).pacing.mode != mode {
            match mode {
                Mode::Generational => {
                    generational::enter(heap, roots);
                }
                Mode::Incremental => (*heap).leave_generational(),
            }
        }
        (*heap).pacing.bad_major = 0;
    }
}

/// Pays off the debt, and a step more, or ends the cycle.
unsafe fn incremental_step<R: Roots>(heap: *mut Heap, roots: *mut R) {
    // SAFETY: the caller's contract.
    unsafe {
        // Odd, so not zero.
        let multiplier = (isize::from((*heap).pacing.step_multiplier) * 4) | 1;
        let mut debt = ((*heap).debt() / WORK_UNIT).saturating_mul(multiplier);
        let step_size = match 1isize.checked_shl(u32::from((*heap).pacing.step_size)) {
            Some(bytes) if bytes > 0 => (bytes / WORK_UNIT).saturating_mul(multiplier),
            _ => isize::MAX,
        };
        loop {
            let work = single_step(heap, roots);
            debt = debt.saturating_sub(work as isize);
            if debt <= -step_size || (*heap).phase == Phase::Pause {
                break;
            }
        }
        if (*heap).phase == Phase::Pause {
            (*heap).pause_until_next_cycle();
        } else {
            (*heap).set_debt((debt / multiplier).saturating_mul(WORK_UNIT));
        }
    }
}

/// The smallest piece of work; returns how much it was.
pub(crate) unsafe fn single_step<R: Roots>(heap: *mut Heap, roots: *mut R) -> usize {
    // SAFETY: the caller's contract.
    unsafe {
        match (*heap).phase {
            Phase::Pause => {
                Heap::start_cycle(heap, roots);
                1
            }
            Phase::Mark => match (*heap).gray.pop() {
                Some(object) => Heap::traverse(heap, roots, object),
                None => {
                    let work = Heap::atomic(heap, roots);
                    (*heap).pacing.estimate = (*heap).used;
                    (*heap).start_sweep();
                    work
                }
            },
            Phase::SweepObjects => (*heap).sweep_objects(SWEEP_BATCH),
            Phase::SweepStrings => (*heap).sweep_strings(SWEEP_BATCH),
        }
    }
}

/// Runs single steps until the cycle has ended.
pub(crate) unsafe fn run_until_pause<R: Roots>(heap: *mut Heap, roots: *mut R) {
    // SAFETY: the caller's contract.
    unsafe {
        loop {
            if (*heap).phase == Phase::Pause {
                return;
            }
            single_step(heap, roots);
        }
    }
}
