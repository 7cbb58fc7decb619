//! What is reported of a commit and what is required of a branch. All attempts are returned; which one counts is decided elsewhere.

use serde::Deserialize;

use super::request::encode;
use super::{CheckRun, CommitStatus, ForgeError, GitHub, Review};

/// A check that must be green before a pull request can be merged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequiredCheck {
    /// The name of the check or of the commit status.
    pub context: String,
    /// The number of the App that must report it; nothing where any may.
    pub app_id: Option<i64>,
}

/// What a branch is protected by, classic protection and rulesets together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are GitHub's")]
pub struct Protection {
    /// The checks that must be green.
    pub required_checks: Vec<RequiredCheck>,
    /// Whether these are all of them. Where the token may not read the protection, there may be more.
    pub is_known: bool,
    /// Why that is not known, in GitHub's words.
    pub unknown_because: Option<String>,
    /// Whether commits must be signed, as far as that is known.
    pub requires_signed_commits: bool,
    /// Whether no push may rewrite the branch, as far as that is known.
    pub forbids_force_push: bool,
    /// Whether the branch must be up to date before it is merged, as far as that is known.
    pub requires_up_to_date: bool,
    /// How many approvals are needed, as far as that is known.
    pub required_approvals: u32,
    /// Whether changes come through a merge queue.
    pub has_merge_queue: bool,
}

#[derive(Deserialize)]
struct RunsPage {
    check_runs: Vec<CheckRun>,
}

/// A rule of a ruleset. Source: "Get rules for a branch" of GitHub's REST API.
#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Option<Parameters>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Parameters {
    required_status_checks: Vec<RuleCheck>,
    strict_required_status_checks_policy: bool,
    required_approving_review_count: u32,
}

#[derive(Deserialize)]
struct RuleCheck {
    context: String,
    integration_id: Option<i64>,
}

/// A branch. Source: "Get a branch" of GitHub's REST API.
#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    protected: bool,
    protection: Option<Summary>,
}

#[derive(Deserialize)]
struct Summary {
    required_status_checks: Option<Checks>,
}

/// Classic protection. Source: "Get branch protection" of GitHub's REST API.
#[derive(Deserialize)]
struct Classic {
    required_status_checks: Option<Checks>,
    required_signatures: Option<Switch>,
    allow_force_pushes: Option<Switch>,
    required_pull_request_reviews: Option<Reviews>,
}

#[derive(Deserialize)]
struct Switch {
    #[serde(default)]
    enabled: bool,
}

#[derive(Deserialize)]
struct Reviews {
    #[serde(default)]
    required_approving_review_count: u32,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Checks {
    strict: bool,
    contexts: Vec<String>,
    #[serde(rename = "checks")]
    named: Vec<ClassicCheck>,
}

#[derive(Deserialize)]
struct ClassicCheck {
    context: String,
    app_id: Option<i64>,
}

impl GitHub {
    /// Reads all runs of all checks on a commit, every attempt.
    pub async fn check_runs(&self, oid: &str) -> Result<Vec<CheckRun>, ForgeError> {
        // GitHub tells the latest attempt alone otherwise.
        let path = self.path(&format!("/commits/{}/check-runs?filter=all", encode(oid)));
        self.list(&path, |page: RunsPage| page.check_runs).await
    }

    /// Reads all commit statuses that were reported for a commit.
    pub async fn statuses(&self, oid: &str) -> Result<Vec<CommitStatus>, ForgeError> {
        let path = self.path(&format!("/commits/{}/statuses", encode(oid)));
        self.list(&path, |page: Vec<CommitStatus>| page).await
    }

    /// Reads the reviews of a pull request, oldest first.
    pub async fn reviews(&self, number: u64) -> Result<Vec<Review>, ForgeError> {
        let path = self.path(&format!("/pulls/{number}/reviews"));
        self.list(&path, |page: Vec<Review>| page).await
    }

    /// Reads what is required of changes to a branch. A refusal is no error: then `is_known` is false.
    pub async fn protection(&self, branch: &str) -> Result<Protection, ForgeError> {
        let mut protection = Protection {
            is_known: true,
            ..Protection::default()
        };
        let path = self.path(&format!("/rules/branches/{}", encode(branch)));
        match self.list(&path, |page: Vec<Rule>| page).await {
            Ok(rules) => rules.into_iter().for_each(|rule| protection.add(rule)),
            Err(error) if self.is_refusal(&error) => protection.add_unknown(&error),
            Err(error) => return Err(error),
        }
        let path = self.path(&format!("/branches/{}", encode(branch)));
        match self.get::<Branch>(path.clone()).await {
            Ok(found) if found.protected => {
                self.add_classic(&mut protection, &path, found).await?;
            }
            Ok(_) => {}
            Err(error) if self.is_refusal(&error) => protection.add_unknown(&error),
            Err(error) => return Err(error),
        }
        protection.required_checks.sort();
        protection.required_checks.dedup();
        Ok(protection)
    }

    /// Adds classic protection. Only administrators may read all of it; the branch itself tells its checks to those who may push.
    async fn add_classic(
        &self,
        protection: &mut Protection,
        path: &str,
        branch: Branch,
    ) -> Result<(), ForgeError> {
        match self.get::<Classic>(format!("{path}/protection")).await {
            Ok(classic) => protection.add_classic(classic),
            // The branch counts as protected for its rulesets alone.
            Err(ForgeError::NotFound(refusal))
                if refusal.message.contains("Branch not protected") => {}
            Err(error) => {
                let checks = branch
                    .protection
                    .and_then(|found| found.required_status_checks);
                match checks {
                    _ if !self.is_refusal(&error) => return Err(error),
                    Some(checks) => protection.add_checks(checks),
                    None => protection.add_unknown(&error),
                }
            }
        }
        Ok(())
    }

    /// Tells whether the token may not look; without a token, GitHub asks for one.
    fn is_refusal(&self, error: &ForgeError) -> bool {
        match error {
            // GitHub answers 404 of what a token may not see.
            ForgeError::Forbidden { .. } | ForgeError::NotFound(_) => true,
            ForgeError::Unauthorized(_) => self.settings.credentials.is_none(),
            _ => false,
        }
    }
}

impl Protection {
    fn add(&mut self, rule: Rule) {
        let parameters = rule.parameters.unwrap_or_default();
        match rule.kind.as_str() {
            "required_status_checks" => {
                self.requires_up_to_date |= parameters.strict_required_status_checks_policy;
                let checks = parameters.required_status_checks.into_iter();
                self.required_checks
                    .extend(checks.map(|check| RequiredCheck {
                        context: check.context,
                        app_id: check.integration_id,
                    }));
            }
            "required_signatures" => self.requires_signed_commits = true,
            "non_fast_forward" => self.forbids_force_push = true,
            "merge_queue" => self.has_merge_queue = true,
            "pull_request" => {
                let wanted = parameters.required_approving_review_count;
                // Of several rulesets the strictest holds.
                self.required_approvals = self.required_approvals.max(wanted);
            }
            _ => {}
        }
    }

    fn add_classic(&mut self, classic: Classic) {
        self.add_checks(classic.required_status_checks.unwrap_or_default());
        self.requires_signed_commits |= classic
            .required_signatures
            .is_some_and(|found| found.enabled);
        self.forbids_force_push |= classic
            // GitHub forbids force pushes to a protected branch, unless it is told otherwise.
            .allow_force_pushes
            .is_none_or(|found| !found.enabled);
        let reviews = classic.required_pull_request_reviews;
        let wanted = reviews.map_or(0, |reviews| reviews.required_approving_review_count);
        self.required_approvals = self.required_approvals.max(wanted);
    }

    fn add_checks(&mut self, checks: Checks) {
        self.requires_up_to_date |= checks.strict;
        // Older servers know names alone; newer ones write -1 where any App may report.
        let known: Vec<String> = checks
            .named
            .iter()
            .map(|check| check.context.clone())
            .collect();
        let named = checks.named.into_iter().map(|check| RequiredCheck {
            context: check.context,
            app_id: check.app_id.filter(|id| *id >= 0),
        });
        self.required_checks.extend(named);
        let others = checks
            .contexts
            .into_iter()
            .filter(|context| !known.contains(context));
        self.required_checks
            .extend(others.map(|context| RequiredCheck {
                context,
                app_id: None,
            }));
    }

    /// Remembers that there may be more, as somebody may not look.
    fn add_unknown(&mut self, refused: &ForgeError) {
        self.is_known = false;
        self.unknown_because.get_or_insert(refused.to_string());
    }
}
