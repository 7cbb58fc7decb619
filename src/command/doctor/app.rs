//! What `doctor` knows of a GitHub App: its name, what its installation's token may do, and whom GitHub shows as the author of its
//! commits. Unlike tokens of users, GitHub tells an App's permissions without a change.

use std::collections::BTreeMap;

use super::Doctor;
use crate::command::pr;
use crate::config::CommitConfig;
use crate::io::forge::{ForgeError, GitHub, Viewer};
use crate::pull::DoctorCheck;

/// What an App's token may do, by GitHub's names: `write` for `contents`.
pub(super) type Permissions = BTreeMap<String, String>;

/// What `pr` needs.
const NEEDED: [(&str, &str); 5] = [
    ("contents", "write"),
    ("pull_requests", "write"),
    ("checks", "read"),
    ("statuses", "read"),
    ("administration", "read"),
];

const ADVICE: &str =
    "add them in the App's settings under Permissions, and accept them where the App is installed";

impl Doctor<'_> {
    /// Asks for the App's token; returns what it may do, where GitHub says so.
    pub(super) fn app_permissions(
        &self,
        forge: &GitHub,
    ) -> Result<Option<Permissions>, ForgeError> {
        self.wait(forge.permissions())
    }

    /// Compares what the App may do with what `pr` needs.
    pub(super) fn app_rights(&self, permissions: &Permissions) -> DoctorCheck {
        const NAME: &str = "rights";
        let missing: Vec<_> = NEEDED
            .into_iter()
            .filter(|(name, level)| !has(permissions, name, level))
            .collect();
        if missing.is_empty() {
            return DoctorCheck::ok(NAME, format!("the App has {}", words(&NEEDED)));
        }
        let found = format!("the App lacks {}", words(&missing));
        if missing.iter().any(|(name, _)| self.is_needed(name)) {
            DoctorCheck::problem(NAME, found, ADVICE)
        } else {
            DoctorCheck::warning(NAME, found, ADVICE)
        }
    }

    /// Tells whether `pr` fails without a permission.
    fn is_needed(&self, name: &str) -> bool {
        match name {
            "contents" | "pull_requests" => true,
            "checks" | "statuses" => self.waits_for_checks(),
            // Without `administration`, the check of each base branch says what follows.
            _ => false,
        }
    }

    /// Says under which name GitHub shows the commits: those that it makes itself are the App's own, others are their author's.
    pub(super) fn app_identity(&mut self, viewer: &Viewer) {
        const NAME: &str = "App's commits";
        let Some(id) = viewer.id else {
            return;
        };
        let login = &viewer.login;
        // The address by which GitHub shows a commit as one of this account.
        let own = format!("{id}+{login}@users.noreply.github.com");
        let author = pr::author(&self.request.pulls, self.config(), self.git);
        let found = match author {
            _ if self.config().commits == CommitConfig::Api => {
                format!("made by GitHub, as {login}'s own")
            }
            Ok(person) if person.email == own => format!("shown as {login}'s own"),
            Ok(_) | Err(_) => format!(
                "with pullRequests.author {{name: \"{login}\", email: \"{own}\"}} they are shown as {login}'s own"
            ),
        };
        self.add(DoctorCheck::ok(NAME, found));
    }
}

/// Returns permissions in GitHub's words for people: `pull requests: write`.
fn words(permissions: &[(&str, &str)]) -> String {
    let told: Vec<String> = permissions
        .iter()
        .map(|(name, level)| match *name {
            "statuses" => format!("commit statuses: {level}"),
            other => format!("{}: {level}", other.replace('_', " ")),
        })
        .collect();
    told.join(", ")
}

/// Tells whether a permission is there at this level or a higher one.
pub(super) fn has(permissions: &Permissions, name: &str, level: &str) -> bool {
    let given = permissions.get(name);
    // A level that is missing or unknown has no rank, and `None` is less than any.
    given.and_then(|given| rank(given)) >= rank(level)
}

fn rank(level: &str) -> Option<usize> {
    ["read", "write", "admin"]
        .iter()
        .position(|one| *one == level)
}

/// Returns the App's name, which its login begins with.
pub(super) fn slug_of(viewer: &Viewer) -> &str {
    viewer.login.strip_suffix("[bot]").unwrap_or(&viewer.login)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_permission_holds_the_lower_one() {
        for (level, asked, expected) in [
            ("write", "read", true),
            ("read", "read", true),
            ("read", "write", false),
            ("?", "read", false),
        ] {
            let permissions = Permissions::from([("checks".to_owned(), level.to_owned())]);
            assert_eq!(has(&permissions, "checks", asked), expected, "{level}");
            assert!(!has(&permissions, "contents", asked));
        }
    }
}
