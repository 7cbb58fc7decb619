//! Says how far an upload is: a line that moves on a terminal, and a line for each tenth elsewhere. It is on stderr alone.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

/// How far an upload is.
pub(super) struct Progress {
    name: String,
    size: u64,
    sent: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(name: &str, size: u64) -> Self {
        Self {
            name: name.to_owned(),
            size,
            sent: 0,
            bar: std::io::stderr().is_terminal().then(|| bar(name, size)),
        }
    }

    /// Tells of bytes that have arrived.
    pub(super) fn add(&mut self, bytes: u64) {
        let before = self.tenths();
        self.sent += bytes;
        if let Some(bar) = &self.bar {
            bar.set_position(self.sent);
        } else if self.tenths() > before {
            // Where nobody can be told, the work goes on.
            let _ = writeln!(
                std::io::stderr(),
                "uploaded {}0% of {} ({} MiB)",
                self.tenths(),
                self.name,
                self.size.div_ceil(1 << 20)
            );
        }
    }

    fn tenths(&self) -> u64 {
        (self.sent.saturating_mul(10))
            .checked_div(self.size)
            .unwrap_or(10)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(name: &str, size: u64) -> ProgressBar {
    let bar = ProgressBar::new(size).with_message(name.to_owned());
    let form = "uploading {msg} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";
    match ProgressStyle::with_template(form) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
