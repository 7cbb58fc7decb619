//! Ends the program on a signal without leaving anything behind: running commands end, scratch directories go, files appear whole
//! or not at all. It decides nothing else: what was begun and has a journal is finished by the next run.
//!
//! The thread that listens takes a lock that everybody holds who writes into a scratch directory or starts a command. From then on
//! nobody writes or starts anything; what runs is asked to end, the directories are removed, and the signal does what it always does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

/// Whether a signal has arrived.
static IS_ENDING: AtomicBool = AtomicBool::new(false);
/// How many commands run.
static RUNNING: AtomicUsize = AtomicUsize::new(0);
/// Held by whoever writes what would be left behind.
static WRITING: RwLock<()> = RwLock::new(());
/// What goes away at the end.
static DIRECTORIES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// What is written as long as this is there is whole before the program ends. It must not be taken twice by one thread.
pub(super) struct Writing(#[expect(dead_code, reason = "it is held")] RwLockReadGuard<'static, ()>);

/// Begins to write something that a signal must not cut short or leave behind. After a signal it waits for the end.
pub(super) fn write() -> Writing {
    if is_ending() {
        wait_for_end();
    }
    Writing(WRITING.read().unwrap_or_else(PoisonError::into_inner))
}

/// A directory that a signal removes, as long as this is there.
#[derive(Debug)]
pub(super) struct Removed(PathBuf);

impl Removed {
    pub(super) fn new(directory: &Path) -> Self {
        directories().insert(directory.to_owned());
        Self(directory.to_owned())
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        directories().remove(&self.0);
    }
}

/// A command that runs, as long as this is there.
pub(super) struct Running;

impl Running {
    pub(super) fn new() -> Self {
        RUNNING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Tells whether commands should end.
pub(super) fn is_ending() -> bool {
    IS_ENDING.load(Ordering::SeqCst)
}

/// Waits for the end, which another thread brings about.
pub(super) fn wait_for_end() -> ! {
    loop {
        std::thread::park();
    }
}

fn directories() -> std::sync::MutexGuard<'static, BTreeSet<PathBuf>> {
    // Each change is whole before anything can panic.
    DIRECTORIES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
pub(crate) use unix::end_on_signals;

/// Signals are told apart on Unix alone.
#[cfg(not(unix))]
pub(crate) fn end_on_signals() {}

#[cfg(unix)]
mod unix {
    #![expect(
        clippy::disallowed_methods,
        reason = "this is where a process asks which signals it was told to ignore"
    )]

    use std::fs;
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    use super::{IS_ENDING, RUNNING, WRITING, directories};

    /// How long commands are waited for, which have ten seconds to clean up.
    const LONGEST: Duration = Duration::from_secs(15);
    const PAUSE: Duration = Duration::from_millis(10);

    /// Listens from now on for what asks a program to end. A signal that was ignored when the program began stays ignored, as
    /// `nohup` wants it.
    pub(crate) fn end_on_signals() {
        let ignored = ignored_signals();
        let wanted: Vec<i32> = [SIGTERM, SIGINT, SIGHUP]
            .into_iter()
            // Bit 0 is signal 1, as proc(5) has it.
            .filter(|signal| ignored >> (signal - 1) & 1 == 0)
            .collect();
        // Without it the signals do what they always do.
        if let Ok(signals) = Signals::new(wanted) {
            std::thread::spawn(move || listen(signals));
        }
    }

    /// Returns the signals that were ignored from the beginning, as bits. Other systems than Linux do not tell.
    fn ignored_signals() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or(0)
    }

    fn listen(mut signals: Signals) {
        let Some(first) = signals.forever().next() else {
            return;
        };
        IS_ENDING.store(true, Ordering::SeqCst);
        let begin = Instant::now();
        // It is tried again and again, as who waits for a lock does not notice a second signal.
        let mut nobody_writes = WRITING.try_write().ok();
        while nobody_writes.is_none() || RUNNING.load(Ordering::SeqCst) > 0 {
            // Who asks twice does not want to wait; commands are ended by their guards then.
            if begin.elapsed() > LONGEST || signals.pending().next().is_some() {
                break;
            }
            std::thread::sleep(PAUSE);
            nobody_writes = nobody_writes.or_else(|| WRITING.try_write().ok());
        }
        for directory in directories().iter() {
            // What cannot be removed is left, as after any other end.
            let _ = fs::remove_dir_all(directory);
        }
        // The one who called sees which signal it was.
        let _ = emulate_default_handler(first);
    }
}
