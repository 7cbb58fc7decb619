//! Merges what is green, where that is asked for: last, by the commit that was looked at, one pull request for each base branch and
//! run, and only where the base branch requires checks.

use std::collections::BTreeMap;

use super::act::Site;
use super::observe::Observation;
use super::{Run, Trouble};
use crate::config::{Checks, MergeConfig};
use crate::gate::GateReport;
use crate::io::forge::{Cause, ForgeError, MergeMethod, Review};
use crate::io::gate::{Checked, read_checks};
use crate::pull::{Action, PullEnding, PullOutcome, PullRequest, PullState, Refresh};

impl Run<'_> {
    /// Merges a pull request that is as it should be and whose tests and checks are all green.
    pub(super) fn merge_last(
        &mut self,
        site: Site<'_>,
        outcome: &mut PullOutcome,
    ) -> Result<(), Trouble> {
        let key = site.task.key;
        let (Some(method), Some(number), Some(head)) =
            (self.config.auto_merge, outcome.number, site.seen.head)
        else {
            return Ok(());
        };
        // A merge moves the base that the others were tested on.
        if self.merged.contains(&key.base) {
            outcome.detail = format!(
                "not merged: {} was already merged into in this run",
                key.base
            );
            return Ok(());
        }
        let protection = self.wait(self.forge.protection(&key.base))?;
        // Where no check is required, none has to be green.
        if !protection.is_known || protection.required_checks.is_empty() {
            outcome.detail = format!("not merged: {} is not known to require checks", key.base);
            return Ok(());
        }
        // It is read once more: a person may have done something since.
        let pull = self.wait(self.forge.pull(number))?;
        let name = head.to_string();
        let is_same = pull.state == PullState::Open
            && !pull.is_draft
            && !pull.is_queued
            && !pull.labels.contains(&self.labels.stop)
            && pull.base.branch == key.base
            && pull.head.commit.as_deref() == Some(name.as_str());
        // The forge has been told already, and merges it by itself.
        if pull.auto_merge.is_some() {
            return Ok(());
        }
        if !is_same {
            "not merged: it changed during this run; the next run looks again"
                .clone_into(&mut outcome.detail);
            return Ok(());
        }
        let reviews = self.wait(self.forge.reviews(number))?;
        if let Some(who) = objecting(&reviews) {
            outcome.detail = format!("not merged: {who} requested changes");
            return Ok(());
        }
        if self.request.is_dry {
            outcome.detail = format!("commit {name}");
            outcome.ended = PullEnding::Merged;
            self.merged.insert(key.base.clone());
            return Ok(());
        }
        let way = method_of(method);
        match self.wait(self.forge.enable_auto_merge(&pull, way, &name)) {
            Ok(()) => {
                "auto-merge enabled".clone_into(&mut outcome.detail);
            }
            Err(error) if waits_for_nothing(&error) => {
                // A token that may pass over the rules would: they are looked at here, too.
                if let Some(why) = self.red_checks(&key.base, &name)? {
                    outcome.detail = format!("not merged: {why}");
                    return Ok(());
                }
                self.wait(self.forge.merge(number, &name, way))?;
                // Whatever comes of the branch, the base has moved.
                self.merged.insert(key.base.clone());
                let left = self.remove_branch(site.task.branch, Some(head))?;
                outcome.detail = format!("commit {name}{left}");
            }
            Err(error) => return Err(error.into()),
        }
        outcome.ended = PullEnding::Merged;
        self.merged.insert(key.base.clone());
        Ok(())
    }

    /// Says which check that the base branch requires is not green on a commit.
    fn red_checks(&self, base: &str, commit: &str) -> Result<Option<String>, Trouble> {
        let checked = Checked { base, commit };
        let now = self.request.now;
        // Read anew: what is required may be another check than when the run began.
        let mut protection = None;
        let wanted = &Checks::Required;
        let required = read_checks(&self.forge, checked, wanted, &mut protection, now);
        let report = GateReport::new(self.wait(required)?);
        Ok(report.reason())
    }

    /// Takes back that the forge merges a pull request: one that waits for something again, before its branch moves, so that nothing
    /// is merged in between; and one that a person has taken over, if it was the program that told the forge to. Returns whether
    /// there was anything to take back.
    pub(super) fn hold_merge(&self, observation: &Observation) -> Result<bool, Trouble> {
        let Some(pull) = self.merge_to_hold(observation) else {
            return Ok(false);
        };
        if !self.request.is_dry {
            self.wait(self.forge.disable_auto_merge(pull))?;
        }
        Ok(true)
    }

    /// Returns the pull request that the forge is not to merge by itself any more.
    pub(super) fn merge_to_hold<'o>(
        &self,
        observation: &'o Observation,
    ) -> Option<&'o PullRequest> {
        let is_asked = self.config.auto_merge.is_some();
        let (number, is_ours_alone) = match &observation.action {
            Action::Keep { number } | Action::Refresh(Refresh { number, .. }) => {
                if is_asked && observation.waits.is_none() {
                    return None;
                }
                // What the program switched on before is switched off where the configuration asks for it no more.
                (*number, !is_asked)
            }
            Action::Stopped { number } | Action::LeaveEdited { number, .. } => (*number, true),
            _ => return None,
        };
        let pull = observation.pull(number)?;
        let auto_merge = pull.auto_merge.as_ref()?;
        let is_left = is_ours_alone && auto_merge.enabled_by != pull.author;
        (!is_left).then_some(pull)
    }
}

fn method_of(config: MergeConfig) -> MergeMethod {
    match config {
        MergeConfig::Merge => MergeMethod::Merge,
        MergeConfig::Squash => MergeMethod::Squash,
        MergeConfig::Rebase => MergeMethod::Rebase,
    }
}

/// Returns who asks for changes: somebody whose last word on it, comments aside, was that.
fn objecting(reviews: &[Review]) -> Option<&str> {
    let mut last = BTreeMap::new();
    for review in reviews.iter().filter(|review| review.state != "COMMENTED") {
        // GitHub tells reviews with the oldest first, so that the last word of each stays.
        last.insert(
            review.author.as_deref().unwrap_or("somebody"),
            review.state.as_str(),
        );
    }
    let mut objections = last
        .into_iter()
        .filter(|(_, state)| *state == "CHANGES_REQUESTED");
    Some(objections.next()?.0)
}

/// Tells whether the forge would not wait, as there is nothing to wait for, or as it does not merge by itself.
fn waits_for_nothing(error: &ForgeError) -> bool {
    matches!(
        error.cause(),
        Some(Cause::NothingToWaitFor | Cause::AutoMergeOff)
    )
}
