//! What `doctor` asks about branches: whether the base branches exist, what protects them, and whether the program's own branches may
//! be moved.

use std::collections::{BTreeMap, BTreeSet};

use super::{Doctor, refused};
use crate::command::pr::planned_lines;
use crate::config::{Checks, CommitConfig};
use crate::io::forge::{GitHub, Protection, TokenKind};
use crate::io::git::{Oid, Refs};
use crate::policy::ChangeClass;
use crate::pull::{DoctorCheck, PullKey};
use crate::version::StackLine;

/// What stands for a pull request's signature where signatures are required.
const UNSIGNED: &str = "commits of `pr` carry no signature";

/// A base branch that exists.
pub(super) struct BaseHead {
    pub(super) name: String,
    pub(super) head: Oid,
}

impl Doctor<'_> {
    /// Looks for the base branches of the configuration, else the default branch, and returns those that exist.
    pub(super) fn bases(&mut self, refs: &Refs) -> Vec<BaseHead> {
        let rules = &self.repository.config.branches;
        let mut found: BTreeMap<String, Oid> = BTreeMap::new();
        let mut checks = Vec::new();
        if rules.is_empty() {
            match &refs.default_branch {
                Some(name) => found.extend(refs.branch(name).map(|head| (name.clone(), head))),
                None => checks.push(DoctorCheck::problem(
                    "base branches",
                    "the remote has no default branch",
                    "name one under `branches` in csctl-matrix.yaml",
                )),
            }
        }
        let lines = self.planned_lines();
        let mut missing = BTreeSet::new();
        for rule in rules {
            let names = lines.iter().filter(|line| rule.takes(line.minor));
            for name in names.map(|line| rule.base.branch_of(line)) {
                match refs.branch(&name) {
                    Some(head) => drop(found.insert(name, head)),
                    None => drop(missing.insert((name, rule.base.is_fixed()))),
                }
            }
        }
        for (name, is_fixed) in missing {
            let found = "does not exist, so its changes get no pull request";
            let title = format!("base branch {name}");
            // A name from a pattern stands for many minors, and a branch of one may be missing on purpose.
            checks.push(if is_fixed {
                DoctorCheck::problem(
                    &title,
                    found,
                    "create it, or correct `branches` in csctl-matrix.yaml",
                )
            } else {
                let advice =
                    "create it, or remove its minor from `minors` of its entry in `branches`";
                DoctorCheck::warning(&title, found, advice)
            });
        }
        if !found.is_empty() {
            let names: Vec<&str> = found.keys().map(String::as_str).collect();
            self.add(DoctorCheck::ok("base branches", names.join(", ")));
        } else if checks.is_empty() {
            let advice = "push a first commit, or name one under `branches` in csctl-matrix.yaml";
            checks.push(DoctorCheck::problem(
                "base branches",
                "no base branch exists",
                advice,
            ));
        }
        self.checks.extend(checks);
        found
            .into_iter()
            .map(|(name, head)| BaseHead { name, head })
            .collect()
    }

    fn planned_lines(&self) -> Vec<StackLine> {
        let stacks = self.repository.discovery.read(&self.repository.tree);
        planned_lines(self.repository, &stacks)
    }

    /// Tells whether the forge signs the commits: it makes them, and for an App.
    fn is_signed(&self) -> bool {
        let kind = self.request.pulls.credentials.kind();
        self.config().commits == CommitConfig::Api && kind == TokenKind::Installation
    }

    /// Looks at what protects a base branch.
    pub(super) fn protection(&mut self, forge: &GitHub, base: &BaseHead) {
        let name = format!("protection of {}", base.name);
        let check = match self.wait(forge.protection(&base.name)) {
            Ok(protection) => self.protection_check(&name, &protection),
            Err(error) => refused(&name, &error),
        };
        self.add(check);
    }

    fn protection_check(&self, name: &str, protection: &Protection) -> DoctorCheck {
        if protection.requires_signed_commits && !self.is_signed() {
            return DoctorCheck::problem(
                name,
                format!("requires signed commits, and {UNSIGNED}"),
                "ask as a GitHub App and set pullRequests.commits to api, or merge by squashing, where the forge signs",
            );
        }
        let is_by_branch = self.repository.config.gate.checks == Checks::Required;
        let checks: Vec<String> = protection
            .required_checks
            .iter()
            .map(|check| format!("`{}`", check.context))
            .collect();
        let waits = self.waits_for_checks() && is_by_branch;
        if !protection.is_known {
            let why = protection
                .unknown_because
                .as_deref()
                .unwrap_or("the forge does not say why");
            let advice = "give the token this right: administration: read; or name the checks under `gate.checks` in csctl-matrix.yaml";
            return if waits {
                let found = format!("cannot be read, so every pull request stays a draft: {why}");
                DoctorCheck::problem(name, found, advice)
            } else {
                DoctorCheck::warning(name, format!("cannot be read: {why}"), advice)
            };
        }
        if checks.is_empty() && waits {
            return DoctorCheck::warning(
                name,
                "requires no checks, so every pull request stays a draft",
                "require checks on the branch, or name them under `gate.checks` in csctl-matrix.yaml; `none` waits for none",
            );
        }
        let found = match checks.len() {
            0 => "requires no checks".to_owned(),
            _ => format!("requires {}", checks.join(", ")),
        };
        DoctorCheck::ok(name, found)
    }

    /// Looks at what holds for the branches of the program: they are made, moved and deleted.
    pub(super) fn own_branches(&mut self, forge: &GitHub, bases: &[BaseHead]) {
        let lines = self.planned_lines();
        // One branch stands for all: rules of a forge are for patterns such as `prefix/*`.
        let class = ChangeClass::ALL
            .into_iter()
            .find(|class| self.config().takes(*class));
        let (Some(base), Some(line), Some(class)) = (bases.first(), lines.first(), class) else {
            return;
        };
        let key = PullKey {
            base: base.name.clone(),
            line: line.clone(),
            class,
        };
        let prefix = &self.config().prefix;
        let branch = key.branch(prefix);
        let name = format!("branches {prefix}/*");
        let check = match self.wait(forge.protection(&branch)) {
            Ok(mut protection) => {
                protection.requires_signed_commits &= !self.is_signed();
                own_check(&name, &branch, &protection)
            }
            Err(error) => refused(&name, &error),
        };
        self.add(check);
    }
}

/// A branch that is not there yet has no classic protection that could be read; the rules of rulesets are told all the same.
fn own_check(name: &str, branch: &str, protection: &Protection) -> DoctorCheck {
    let mut faults = Vec::new();
    if protection.forbids_force_push {
        faults.push("forbid force pushes, so no pull request can be refreshed".to_owned());
    }
    if protection.requires_signed_commits {
        faults.push(format!("require signed commits, and {UNSIGNED}"));
    }
    if protection.required_approvals > 0 || !protection.required_checks.is_empty() {
        faults.push("require reviews or checks before a push".to_owned());
    }
    if faults.is_empty() {
        return DoctorCheck::ok(name, "can be made and moved, as far as rules tell");
    }
    let found = format!("rules for {branch} {}", faults.join("; they "));
    let advice = "exempt these branches from the rule, or the bot by a bypass";
    DoctorCheck::problem(name, found, advice)
}
