//! What became of the files of an interrupted update.

use std::fmt::Write as _;

use super::{BOLD, DIM, GREEN, YELLOW, styled};
use crate::io::update::{Direction, Fate, Turned};

/// Returns what became of each file of an interrupted update that was ended.
pub(crate) fn ended_update(turned: &Turned) -> String {
    let (done, already) = match turned.direction {
        Direction::Finish => ("finished   ", "was written"),
        Direction::RollBack => ("rolled back", "not written"),
    };
    let mut out = String::new();
    for file in &turned.files {
        let path = &file.path;
        let _ = match &file.fate {
            Fate::Turned => writeln!(out, "{}   {path}", styled(GREEN, done)),
            Fate::Already => writeln!(out, "{}   {path}", styled(DIM, already)),
            Fate::Left(why) => writeln!(out, "{}   {path} {why}", styled(YELLOW, "left to you")),
        };
    }
    let left = turned.left().count();
    let but = match left {
        0 => String::new(),
        1 => ", but for 1 file that is left to you".to_owned(),
        left => format!(", but for {left} files that are left to you"),
    };
    let end = match turned.direction {
        Direction::Finish => "The interrupted update is finished",
        Direction::RollBack => "The interrupted update is rolled back",
    };
    let _ = writeln!(out, "{}", styled(BOLD, &format!("{end}{but}")));
    out
}
