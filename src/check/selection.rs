//! Which rules to apply: the default groups, with some added and some left out, or some alone.

use super::rule::{Group, Rule};
use super::rules;

/// Which rules to apply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleSelection {
    only: Vec<String>,
    with: Vec<String>,
    skip: Vec<String>,
    groups: Vec<Group>,
}

/// A name that is neither a rule's nor a group's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown rule or group `{name}`")]
pub struct RuleSelectionError {
    name: String,
    nearest: Option<&'static str>,
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
    /// Returns a selection by names of rules and groups: `only` these where there are any, else the default groups and those of
    /// `with`; in either case without those of `skip`.
    pub fn new(
        only: &[String],
        with: &[String],
        skip: &[String],
    ) -> Result<Self, RuleSelectionError> {
        for name in only.iter().chain(with).chain(skip) {
            let known = rules().any(|rule| is_named(rule, name));
            if !known {
                let names = rules()
                    .map(|rule| rule.name)
                    .chain(Group::ALL.map(Group::name));
                return Err(RuleSelectionError {
                    name: name.clone(),
                    nearest: crate::spelling::nearest(name, names),
                });
            }
        }
        Ok(Self {
            only: only.to_vec(),
            with: with.to_vec(),
            skip: skip.to_vec(),
            groups: Vec::new(),
        })
    }

    /// Adds a group to those that are applied by default.
    pub fn add_default(&mut self, group: Group) {
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
        (taken || is_among(rule, &self.with)) && !is_among(rule, &self.skip)
    }

    /// Tells whether a rule of this group is to be applied.
    pub fn takes_group(&self, group: Group) -> bool {
        rules().any(|rule| rule.group == group && self.takes(rule))
    }
}

fn is_among(rule: &Rule, names: &[String]) -> bool {
    names.iter().any(|name| is_named(rule, name))
}

fn is_named(rule: &Rule, name: &str) -> bool {
    rule.name == name || rule.group.name() == name
}
