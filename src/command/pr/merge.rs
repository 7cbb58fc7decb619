//! Merges what is green, where that is asked for: last, by the commit that was looked at, one pull request for each base branch and
//! run, and only where the base branch requires checks.

use super::land::Move;
use super::observe::Seen;
use super::{Run, Trouble};
use crate::config::MergeConfig;
use crate::io::forge::{Cause, ForgeError, MergeMethod, PullState};
use crate::pull::{Ended, PullKey, PullOutcome};

impl Run<'_> {
    /// Merges a pull request that is as it should be and whose tests and checks are all green.
    pub(super) fn merge_last(
        &mut self,
        key: &PullKey,
        branch: &str,
        seen: &Seen,
        outcome: &mut PullOutcome,
    ) -> Result<(), Trouble> {
        let (Some(method), Some(number), Some(head)) =
            (self.config.auto_merge, outcome.number, seen.head)
        else {
            return Ok(());
        };
        if self.merged.contains(&key.base) {
            outcome.detail = format!("{} was merged into in this run; next time", key.base);
            return Ok(());
        }
        let protection = self.wait(self.forge.protection(&key.base))?;
        if !protection.is_known || protection.required_checks.is_empty() {
            outcome.detail = format!(
                "not merged, as {} is not known to require any check",
                key.base
            );
            return Ok(());
        }
        // It is read once more: a person may have done something since.
        let pull = self.wait(self.forge.pull(number))?;
        let name = head.to_string();
        let is_same = pull.state == PullState::Open
            && !pull.draft
            && !pull.merge_queued
            && !pull.labels.contains(&self.labels.stop)
            && pull.base_branch == key.base
            && pull.head.as_deref() == Some(name.as_str());
        if !is_same || pull.auto_merge || self.request.is_dry {
            return Ok(());
        }
        let method = match method {
            MergeConfig::Merge => MergeMethod::Merge,
            MergeConfig::Squash => MergeMethod::Squash,
            MergeConfig::Rebase => MergeMethod::Rebase,
        };
        match self.wait(self.forge.enable_auto_merge(&pull, method, &name)) {
            Ok(()) => {
                "the forge merges it as soon as its rules are met".clone_into(&mut outcome.detail);
            }
            Err(error) if waits_for_nothing(&error) => {
                self.wait(self.forge.merge(number, &name, method))?;
                self.move_branch(&Move {
                    branch,
                    from: Some(head),
                    to: None,
                    base: None,
                })?;
                outcome.detail = format!("merged at {name}");
            }
            Err(error) => return Err(error.into()),
        }
        outcome.ended = Ended::Merged;
        self.merged.insert(key.base.clone());
        Ok(())
    }
}

/// Tells whether the forge would not wait, as there is nothing to wait for, or as it does not merge by itself.
fn waits_for_nothing(error: &ForgeError) -> bool {
    matches!(
        error.cause(),
        Some(Cause::NothingToWaitFor | Cause::AutoMergeOff)
    )
}
