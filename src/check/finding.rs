//! Findings: what rules found, and the form in which programs get them.

use std::fmt;

use serde::Serialize;

use crate::stack::{AT_END, AT_TEXT, EditNote, Reference};
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
    /// Which of the rule's cases it is, where the rule has several: a code that stays the same when the message changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<&'static str>,
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
    pub fix: Option<Repair>,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A release made like this does not work, or a tool refuses it.
    Error,
    /// It misleads people or tools.
    Warning,
}

/// What `check --fix` and `update` would write in place of a contradiction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Repair {
    /// What kind of change it is.
    pub action: RepairAction,
    /// The place in the file.
    pub at: String,
    /// What will stand there; nothing where something is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A kind of change. Its name stays the same when sentences change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RepairAction {
    /// The value of a key becomes another one.
    SetValue,
    /// A part of a text becomes another one.
    ReplaceText,
    /// The file gets a newline at its end.
    AddNewline,
    /// What stands there is removed.
    Remove,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl Repair {
    pub(super) fn of(edit: &EditNote) -> Self {
        let action = match &edit.to {
            None => RepairAction::Remove,
            Some(_) if edit.at == AT_END => RepairAction::AddNewline,
            Some(_) if edit.at == AT_TEXT => RepairAction::ReplaceText,
            Some(_) => RepairAction::SetValue,
        };
        Self {
            action,
            at: edit.at.clone(),
            to: edit.to.clone(),
        }
    }
}

/// What a rule found, before the rule puts its name and severity to it.
pub(super) struct Contradiction {
    pub(super) file: String,
    pub(super) line: Option<usize>,
    pub(super) at: Option<String>,
    pub(super) minor: Option<Minor>,
    pub(super) case: Option<&'static str>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Contradiction {
    /// Returns a finding of a file as a whole.
    pub(super) fn in_file(file: &str, line: Option<usize>, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            at: None,
            minor: None,
            case: None,
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

    /// Says which of its rule's cases it is.
    pub(super) fn case(self, case: &'static str) -> Self {
        Self {
            case: Some(case),
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
