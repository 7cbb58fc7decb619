//! JSON on its way to stdout: shown as all texts are, without secrets and signs that do something, and never held as a whole.

use std::io::{self, Write};

use crate::io::http::conceal;
use crate::report::terminal::{Form, render};

/// How much waits at least until it is passed on.
const CHUNK: usize = 64 * 1024;

/// Passes JSON on by whole lines. No text in JSON goes over a line break, so that no secret does either.
pub(super) struct ShownJson<W: Write> {
    out: W,
    waiting: Vec<u8>,
}

impl<W: Write> ShownJson<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            waiting: Vec::with_capacity(2 * CHUNK),
        }
    }

    fn pass(&mut self, length: usize) -> io::Result<()> {
        let text = std::str::from_utf8(&self.waiting[..length])
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let shown = render(&conceal(text), Form::Json);
        self.out.write_all(shown.text.as_bytes())?;
        self.waiting.drain(..length);
        Ok(())
    }
}

impl<W: Write> Write for ShownJson<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        // A line break comes alone or first, so that those bytes alone need to be looked at which are new.
        if self.waiting.len() >= CHUNK
            && let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n')
        {
            self.pass(self.waiting.len() - bytes.len() + end + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass(self.waiting.len())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_pieces_is_shown_as_the_whole() {
        let line = "  \"a\": \"##[error] \u{9b} ä\",\n";
        let text = line.repeat(2 * CHUNK / line.len() + 3) + "  \"end\": 1";
        for length in [1, 7, CHUNK + 1] {
            let mut shown = ShownJson::new(Vec::new());
            for piece in text.as_bytes().chunks(length) {
                shown.write_all(piece).unwrap();
            }
            shown.flush().unwrap();
            assert!(shown.waiting.is_empty());
            let whole = render(&text, Form::Json).text;
            assert!(shown.out == whole.as_bytes(), "{length}");
        }
    }

    #[test]
    fn little_is_held() {
        let mut shown = ShownJson::new(io::sink());
        let line = [&[b' '; 99][..], b"\n"].concat();
        for _ in 0..10_000 {
            shown.write_all(&line).unwrap();
            assert!(shown.waiting.len() < CHUNK + line.len());
        }
    }
}
