//! Findings as text: where, which rule, what is wrong, and the fix.

use std::fmt::Write as _;

use super::{BOLD, DIM, GREEN, RED, YELLOW, styled};
use crate::check::{Finding, Findings, Group, RepairAction, Severity, rules};

/// Returns the findings; `fix_command` is the command line that repairs what can be repaired.
pub(crate) fn check(findings: &Findings, fix_command: Option<&str>) -> String {
    let mut out: String = findings.findings.iter().map(one).collect();
    if !findings.findings.is_empty() {
        out.push('\n');
    }
    out.push_str(&summary(findings));
    let fixable = findings
        .findings
        .iter()
        .filter(|finding| finding.fix.is_some())
        .count();
    if let (Some(command), true) = (fix_command, fixable > 0) {
        let what = if fixable == findings.findings.len() {
            "Repair".to_owned()
        } else {
            format!("Repair {fixable} of them")
        };
        // Writing to a text does not fail, here and below.
        let _ = write!(out, ". {what}: {command}");
    }
    out + "\n"
}

fn one(finding: &Finding) -> String {
    let style = match finding.severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
    };
    let place = match finding.line {
        Some(line) => format!("{}:{line}", finding.file),
        None => finding.file.clone(),
    };
    let mut out = format!(
        "{}   {}\n  {}\n",
        styled(BOLD, &place),
        styled(style, &format!("{}[{}]", finding.severity, finding.rule)),
        finding.message
    );
    if let Some(fix) = &finding.fix {
        let key = fix.at.rsplit('.').next().unwrap_or(&fix.at);
        let to = fix.to.as_deref().unwrap_or_default();
        let written = match fix.action {
            RepairAction::SetValue => format!("{key}: {to}"),
            RepairAction::ReplaceText => to.to_owned(),
            RepairAction::AddNewline => "add a newline".to_owned(),
            RepairAction::Remove => format!("remove {key}"),
        };
        let _ = writeln!(out, "  {}: {written}", styled(GREEN, "fix"));
    } else if let Some(hint) = &finding.hint {
        let _ = writeln!(out, "  {}", styled(DIM, &format!("hint: {hint}")));
    }
    out
}

/// Counts the findings by severity: `1 error and 2 warnings in 1 stack`.
pub(crate) fn summary(findings: &Findings) -> String {
    let mut counts = Vec::new();
    for severity in [Severity::Error, Severity::Warning] {
        let all = findings.findings.iter();
        let count = all.filter(|finding| finding.severity == severity).count();
        if count > 0 {
            counts.push(counted(count, &severity.to_string()));
        }
    }
    if counts.is_empty() {
        return format!("no findings in {}", counted(findings.stacks, "stack"));
    }
    format!(
        "{} in {}",
        counts.join(" and "),
        counted(findings.stacks_with_findings, "stack")
    )
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

/// Returns the list of all rules, group by group.
pub(crate) fn rule_list() -> String {
    let mut out = String::new();
    let width = rules()
        .map(|rule| rule.name.len())
        .max()
        .unwrap_or_default();
    for group in Group::ALL {
        let _ = writeln!(out, "{}   {}", styled(BOLD, group.name()), group.describe());
        for rule in rules().filter(|rule| rule.group == group) {
            let _ = writeln!(
                out,
                "  {:width$}  {:7}  {}",
                rule.name,
                rule.severity.to_string(),
                rule.finds
            );
        }
        out.push('\n');
    }
    out + "docs/rules.md has an example of each.\n"
}
