//! What `doctor` found as text: a line each, with what to do below it.

use std::fmt::Write as _;

use super::{BOLD, DIM, GREEN, RED, YELLOW, styled};
use crate::pull::{DoctorReport, DoctorState};

/// Returns what was found.
pub(crate) fn doctor(report: &DoctorReport) -> String {
    let mut out = String::new();
    if let Some(repository) = &report.repository {
        let _ = writeln!(out, "{}\n", styled(BOLD, repository));
    }
    for check in &report.checks {
        let style = match check.state {
            DoctorState::Ok => GREEN,
            DoctorState::Warning => YELLOW,
            DoctorState::Problem => RED,
        };
        // Padded before it is styled, as `format!` would count the marks of a style.
        let state = format!("{:8}", check.state.word());
        let _ = writeln!(
            out,
            "{} {}: {}",
            styled(style, &state),
            check.name,
            check.found
        );
        if let Some(advice) = &check.advice {
            let _ = writeln!(out, "         {}", styled(DIM, advice));
        }
    }
    let _ = writeln!(out, "\n{}", report.summary());
    out
}
