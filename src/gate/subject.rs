//! What is tested: one stack line of a plan, and what the commands of a repository are told of it.

use crate::config::Need;
use crate::matrix::LineMatrix;
use crate::plan::{FileChange, LinePlan, Plan, StackPlan};
use crate::policy::ChangeClass;
use crate::version::{KubernetesVersion, ReleaseTag};

/// One stack line of a plan.
#[derive(Debug, Clone, Copy)]
pub struct GateSubject<'a> {
    /// The stack.
    pub stack: &'a StackPlan,
    /// The line.
    pub line: &'a LinePlan,
    /// The changed files of the stack.
    pub files: &'a [&'a FileChange],
    /// The commit that is tested; nothing where there is none yet.
    pub commit: Option<&'a str>,
}

impl<'a> GateSubject<'a> {
    /// Returns the changed files of a stack.
    pub fn files_of(plan: &'a Plan, stack: &StackPlan) -> Vec<&'a FileChange> {
        plan.files
            .iter()
            .filter(|file| {
                let rest = file.path.strip_prefix(&stack.directory);
                // At the root of the repository, every file is one of the stack.
                stack.directory.is_empty()
                    || stack.outside.contains(&file.path)
                    || rest.is_some_and(|rest| rest.starts_with('/'))
            })
            .collect()
    }

    /// Returns the directory of the source tree, or of the stack where the line has none.
    pub fn directory(&self) -> &'a str {
        let release = self.line.release.as_ref();
        release.map_or(&self.stack.directory, |release| &release.directory)
    }

    /// Returns the versions that a list of images gets.
    pub fn added(&self) -> Vec<KubernetesVersion> {
        let before = listed(self.line.before.as_ref());
        let mut added = listed(self.line.after.as_ref());
        added.retain(|version| !before.contains(version));
        added
    }

    /// Returns the default where it moves.
    pub(crate) fn moved_default(&self) -> Option<KubernetesVersion> {
        let after = self.line.default_after;
        after.filter(|_| after != self.line.default_before)
    }

    /// Tells whether the line's source tree is removed, or set to another minor: there is nothing left to try out.
    pub fn leaves(&self) -> bool {
        let Some(after) = &self.line.after else {
            return true;
        };
        let before = self.line.before.as_ref();
        before.is_some_and(|before| before.has_source) && !after.has_source
    }

    /// Tells whether the change needs a command with these words.
    pub fn needs(&self, needs: impl IntoIterator<Item = &'a Need>) -> bool {
        let mut words = needs.into_iter().peekable();
        // A command without a need is run for every change.
        words.peek().is_none() || words.any(|need| self.has(*need))
    }

    fn has(&self, need: Need) -> bool {
        match need {
            Need::Default => self.moved_default().is_some(),
            Need::Images => {
                // A rebuilt image has the version that was listed before, so the versions do not tell.
                let os = self.line.classes.contains(&ChangeClass::OsRelease);
                os || listed(self.line.before.as_ref()) != listed(self.line.after.as_ref())
            }
            Need::Addons => self.line.classes.contains(&ChangeClass::Addons),
        }
    }

    /// Returns the environment variables that commands get, each of them always, in the order of the documentation.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let line = &self.line.line;
        let release = self.line.release.as_ref().and_then(|release| {
            let tag = ReleaseTag {
                line: line.clone(),
                version: release.next.clone()?,
            };
            Some(tag.to_string())
        });
        let added: Vec<String> = self.added().iter().map(ToString::to_string).collect();
        let classes: Vec<String> = self.line.classes.iter().map(ToString::to_string).collect();
        let files: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        vec![
            ("CSCTL_MATRIX_PROVIDER", line.provider.clone()),
            ("CSCTL_MATRIX_STACK", line.name.clone()),
            ("CSCTL_MATRIX_LINE", line.to_string()),
            ("CSCTL_MATRIX_MINOR", line.minor.to_string()),
            ("CSCTL_MATRIX_VERSION", or_empty(self.line.default_after)),
            ("CSCTL_MATRIX_PREVIOUS", or_empty(self.line.default_before)),
            ("CSCTL_MATRIX_ADDED", added.join(" ")),
            ("CSCTL_MATRIX_RELEASE", release.unwrap_or_default()),
            ("CSCTL_MATRIX_CLASS", classes.join(",")),
            ("CSCTL_MATRIX_DIRECTORY", self.directory().to_owned()),
            ("CSCTL_MATRIX_FILES", files.join("\n")),
            (
                "CSCTL_MATRIX_COMMIT",
                self.commit.unwrap_or_default().to_owned(),
            ),
        ]
    }
}

fn or_empty(version: Option<KubernetesVersion>) -> String {
    version.map_or_else(String::new, |version| version.to_string())
}

fn listed(matrix: Option<&LineMatrix>) -> Vec<KubernetesVersion> {
    matrix.map(LineMatrix::listed).unwrap_or_default()
}
