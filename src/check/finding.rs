//! Findings: what rules found, and the form in which programs get them.

use serde::Serialize;

use super::rule::{Rule, Severity};
use crate::stack::Reference;
use crate::version::Minor;

/// The version of the findings' JSON form.
pub const FINDINGS_SCHEMA: u32 = 1;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// The form's version, [`FINDINGS_SCHEMA`].
    pub schema: u32,
    /// How many cluster stacks were looked at.
    pub stacks: usize,
    /// How many of them have findings.
    pub stacks_with_findings: usize,
    /// The findings, in the order of their files and lines.
    pub findings: Vec<Finding>,
}

/// One contradiction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The file, relative to the repository's root.
    pub file: String,
    /// The line, counted from 1, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The rule's name.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The cluster stack.
    pub stack: String,
    /// The stack's minor that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minor: Option<Minor>,
    /// The place in the file: `config.kubernetesVersion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
    /// What `check --fix` and `update` would write there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What `check --fix` and `update` would write in place of a contradiction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// The place in the file.
    pub at: String,
    /// What will stand there; nothing where something is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What a rule found.
pub(super) struct Found {
    pub(super) file: String,
    pub(super) line: Option<usize>,
    pub(super) at: Option<String>,
    pub(super) minor: Option<Minor>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Finding {
    pub(super) fn new(rule: &Rule, found: Found, stack: String) -> Self {
        Self {
            file: found.file,
            line: found.line,
            rule: rule.name,
            severity: rule.severity,
            stack,
            minor: found.minor,
            at: found.at,
            message: found.message,
            fix: None,
            hint: found.hint,
        }
    }
}

impl Found {
    /// Returns a finding of a file as a whole.
    pub(super) fn in_file(file: &str, line: Option<usize>, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            at: None,
            minor: None,
            message: message.into(),
            hint: None,
        }
    }

    /// Returns a finding at a reference.
    pub(super) fn at(reference: &Reference, message: impl Into<String>) -> Self {
        Self {
            at: Some(reference.at.clone()),
            ..Self::in_file(&reference.file, Some(reference.line), message)
        }
    }

    /// Says which of the stack's minors it is about.
    pub(super) fn of(self, minor: impl Into<Option<Minor>>) -> Self {
        Self {
            minor: minor.into(),
            ..self
        }
    }

    /// Says what a person can do about it.
    pub(super) fn hinted(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}
