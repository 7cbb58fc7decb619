//! The results of tests as text: by name, with what a failed one said, and what follows from it.

use std::fmt::Write as _;

use super::{BOLD, DIM, GREEN, RED, YELLOW, styled};
use crate::gate::{LineReport, TestReport, TestResult, TestState};

/// The last lines of an output that are shown; JSON has more.
const LAST_LINES: usize = 20;

/// Returns the results of tests.
pub(crate) fn tests(report: &TestReport) -> String {
    if report.lines.is_empty() {
        return "nothing to test: nothing would change\n".to_owned();
    }
    let lines: Vec<String> = report.lines.iter().map(line_report).collect();
    let mut out = lines.join("\n");
    if lines.len() > 1 {
        let green = report.lines.iter().filter(|line| line.report.is_green);
        let (green, all) = (green.count(), lines.len());
        let _ = writeln!(out, "\n{green} of {all} stack lines are green");
    }
    out
}

fn line_report(line: &LineReport) -> String {
    let classes: Vec<String> = line
        .classes
        .iter()
        .map(|class| class.name().replace('-', " "))
        .collect();
    let name = styled(BOLD, &line.line.to_string());
    let mut out = format!("{name}   {}", classes.join(", "));
    match (line.default_before, line.default_after) {
        (Some(before), Some(after)) if before != after => {
            let _ = write!(out, "   {before} -> {after}");
        }
        (None, Some(after)) => {
            let _ = write!(out, "   {after}");
        }
        (Some(_) | None, Some(_) | None) => {}
    }
    out.push_str("\n\n");
    for result in &line.report.results {
        out.push_str(&one(result));
    }
    out.push('\n');
    match line.report.reason() {
        None => out.push_str(&styled(GREEN, "green")),
        Some(reason) => {
            let _ = write!(out, "{}: {reason}", styled(RED, "not green"));
        }
    }
    if let Some(kept) = line.held_default() {
        let _ = write!(out, "; the default stays {kept}, lists may grow");
    }
    out + "\n"
}

fn one(result: &TestResult) -> String {
    let style = match result.state {
        TestState::Passed => GREEN,
        TestState::Skipped => DIM,
        TestState::Waiting => YELLOW,
        TestState::Missing | TestState::Unreadable | TestState::Failed => RED,
    };
    let state = format!("{:10}", result.state.word());
    let words = match result.words() {
        words if words.is_empty() => words,
        words => format!(": {words}"),
    };
    let mut out = format!("{} {}{words}\n", styled(style, &state), result.name);
    if result.state.is_harmless() {
        return out;
    }
    let said: Vec<&str> = result.output.iter().flat_map(|text| text.lines()).collect();
    // What went wrong stands at the end of an output.
    for line in &said[said.len().saturating_sub(LAST_LINES)..] {
        let _ = writeln!(out, "           {}", styled(DIM, &format!("| {line}")));
    }
    out
}
