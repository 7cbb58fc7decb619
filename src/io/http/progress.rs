//! Says that servers are being asked, and for how long: a line that moves on a terminal, and a plain line once in a while elsewhere,
//! so that a log shows what a run waits for. It is on stderr alone.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line says how long it has been, where there is no terminal.
const PAUSE: Duration = Duration::from_secs(15);

/// How often the time on a terminal moves.
const TICK: Duration = Duration::from_secs(1);

/// What is told while servers are asked.
pub(super) enum Progress {
    Hidden,
    Bar(ProgressBar),
    Lines(Lines),
}

/// Lines from a thread of their own, which ends with this value.
pub(super) struct Lines {
    asked: Arc<Mutex<Asked>>,
    start: Mutex<Option<Sender<()>>>,
}

/// What was asked so far.
#[derive(Debug, Default)]
struct Asked {
    requests: u64,
    since: Option<Instant>,
    /// The hosts that have not answered yet, with the number of requests.
    waiting: BTreeMap<String, usize>,
}

/// A request that is under way, as long as this is there.
pub(super) struct UnderWay<'a> {
    progress: &'a Progress,
    host: &'a str,
}

impl Progress {
    pub(super) fn new(is_shown: bool) -> Self {
        if !is_shown {
            return Self::Hidden;
        }
        if std::io::stderr().is_terminal() {
            return Self::Bar(bar());
        }
        Self::Lines(Lines {
            asked: Arc::default(),
            start: Mutex::default(),
        })
    }

    /// Tells of a request to a host.
    pub(super) fn begin<'a>(&'a self, host: &'a str) -> UnderWay<'a> {
        match self {
            Self::Hidden => {}
            Self::Bar(bar) => {
                bar.set_message(host.to_owned());
                bar.inc(1);
                // A thread redraws it, where something is drawn at all.
                if bar.position() == 1 && !bar.is_hidden() {
                    // The time counts from the first request, not from when the client was made.
                    bar.reset_elapsed();
                    bar.enable_steady_tick(TICK);
                }
            }
            Self::Lines(lines) => lines.begin(host),
        }
        UnderWay {
            progress: self,
            host,
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Progress::Lines(lines) = self.progress {
            lock(&lines.asked).end(self.host);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Lines {
    fn begin(&self, host: &str) {
        lock(&self.asked).begin(host);
        let mut start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        start.get_or_insert_with(|| {
            let (alive, end) = channel();
            let asked = Arc::clone(&self.asked);
            std::thread::spawn(move || tell(&asked, &end));
            alive
        });
    }
}

/// Writes a line once in a while, until nobody is left who asks.
fn tell(asked: &Mutex<Asked>, end: &Receiver<()>) {
    while end.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
        if let Some(line) = lock(asked).line(Instant::now()) {
            // Where nobody can be told, the work goes on.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

impl Asked {
    fn begin(&mut self, host: &str) {
        self.requests += 1;
        self.since.get_or_insert_with(Instant::now);
        *self.waiting.entry(host.to_owned()).or_default() += 1;
    }

    fn end(&mut self, host: &str) {
        if let Some(count) = self.waiting.get_mut(host) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.waiting.remove(host);
            }
        }
    }

    /// Returns what there is to say; nothing where nobody is waited for.
    fn line(&self, now: Instant) -> Option<String> {
        let first = self.waiting.keys().next()?;
        let seconds = now.duration_since(self.since?).as_secs();
        let others = match self.waiting.len() - 1 {
            0 => String::new(),
            1 => " and another host".to_owned(),
            count => format!(" and {count} other hosts"),
        };
        let requests = self.requests;
        Some(format!(
            "asked {requests} times, {seconds} s, waiting for {first}{others}"
        ))
    }
}

fn lock(asked: &Mutex<Asked>) -> MutexGuard<'_, Asked> {
    // Each change is whole before anything can panic.
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    match ProgressStyle::with_template("{spinner} {pos} requests, {elapsed}, asking {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_who_has_not_answered() {
        let mut asked = Asked::default();
        assert_eq!(asked.line(Instant::now()), None);
        for host in [
            "images.example.org",
            "charts.example.org",
            "images.example.org",
        ] {
            asked.begin(host);
        }
        let later = asked.since.unwrap() + Duration::from_secs(31);
        assert_eq!(
            asked.line(later).as_deref(),
            Some("asked 3 times, 31 s, waiting for charts.example.org and another host")
        );
        asked.end("charts.example.org");
        asked.end("images.example.org");
        assert_eq!(
            asked.line(later).as_deref(),
            Some("asked 3 times, 31 s, waiting for images.example.org")
        );
        asked.end("images.example.org");
        assert_eq!(asked.line(later), None);
    }

    /// Who waits for nobody says nothing, so that the time between two rounds of questions is no news.
    #[test]
    fn a_request_is_under_way_until_it_ends() {
        let progress = Progress::Lines(Lines {
            asked: Arc::default(),
            start: Mutex::default(),
        });
        let Progress::Lines(lines) = &progress else {
            panic!("there are lines");
        };
        let under_way = progress.begin("a.example.org");
        assert!(lock(&lines.asked).line(Instant::now()).is_some());
        drop(under_way);
        assert_eq!(lock(&lines.asked).line(Instant::now()), None);
    }
}
