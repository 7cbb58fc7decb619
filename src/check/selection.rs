//! Which rules to apply: the default groups, with some added and some left out, or some alone.

use super::rule::{Group, Rule};

/// Which rules to apply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleSelection {
    pub(super) only: Vec<String>,
    pub(super) with: Vec<String>,
    pub(super) skip: Vec<String>,
    /// Groups that are applied by default, beside those that always are.
    pub(super) groups: Vec<Group>,
}

/// A name that is neither a rule's nor a group's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown rule or group `{name}`")]
pub struct RuleSelectionError {
    pub(super) name: String,
    pub(super) nearest: Option<&'static str>,
}

impl RuleSelectionError {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        let groups = Group::ALL.map(Group::name).join(", ");
        match self.nearest {
            Some(nearest) => format!("did you mean `{nearest}`? The groups are {groups}"),
            None => {
                format!(
                    "run `csctl-matrix check --list-rules` to list the rules; the groups are {groups}"
                )
            }
        }
    }
}

impl RuleSelection {
    /// Adds a group to those that are applied by default.
    pub(crate) fn add_default(&mut self, group: Group) {
        self.groups.push(group);
    }

    /// Tells whether a rule is to be applied.
    pub fn takes(&self, rule: &Rule) -> bool {
        let is_default = rule.group.is_default() || self.groups.contains(&rule.group);
        let taken = if self.only.is_empty() {
            is_default
        } else {
            is_among(rule, &self.only)
        };
        // What is left out wins, also over what is asked for by name.
        (taken || is_among(rule, &self.with)) && !is_among(rule, &self.skip)
    }
}

fn is_among(rule: &Rule, names: &[String]) -> bool {
    names.iter().any(|name| rule.has_name(name))
}
