//! What `doctor` finds about the git remote: whether it is at GitHub at all, and whether it can be read and pushed to.

use super::Doctor;
use crate::command::pr;
use crate::io::git::{Refs, Remote};
use crate::pull::DoctorCheck;

const NAME: &str = "git remote";

/// Words in the host names of services that are not GitHub, whoever runs them.
const OTHER_SERVICES: [(&str, &str); 8] = [
    ("gitlab", "GitLab"),
    ("codeberg", "Forgejo"),
    ("forgejo", "Forgejo"),
    ("gitea", "Gitea"),
    ("bitbucket", "Bitbucket"),
    ("dev.azure.com", "Azure DevOps"),
    ("visualstudio.com", "Azure DevOps"),
    ("sr.ht", "SourceHut"),
];

impl Doctor<'_> {
    /// Finds the remote; nothing where credentials must not go there, or where it is of no use to `pr`.
    pub(super) fn remote(&mut self) -> Option<Remote> {
        let request = &self.request.pulls;
        let remote = match pr::remote(request, self.git) {
            Ok(remote) => remote,
            Err(error) => {
                self.failed(NAME, &error);
                return None;
            }
        };
        let shown = remote.shown();
        // Whoever names an API says that there is a GitHub, whatever the host is called.
        let names_an_api = request.forge.api.is_some() || self.config().api.is_some();
        if let Some(service) = other_service(&shown).filter(|_| !names_an_api) {
            self.add(DoctorCheck::problem(
                NAME,
                format!("{shown} is a {service} repository; `pr` works with GitHub only"),
                "run csctl-matrix update in CI and open the change there, as docs/ci.md shows; or name a GitHub remote with --remote",
            ));
            return None;
        }
        // A clone may come from anybody, so it does not say where a token goes.
        if !pr::is_named(request, &remote) && !request.credentials.is_none() {
            self.add(DoctorCheck::problem(
                NAME,
                format!("only the clone names {shown}, so no token was sent there"),
                format!("if that is the right place, name it: doctor --remote {shown}"),
            ));
            return None;
        }
        Some(remote)
    }

    /// Reads the refs with the token, and asks whether it may push.
    pub(super) fn refs(&mut self, remote: &Remote) -> Option<Refs> {
        let shown = remote.shown();
        let refs = match self.wait(remote.refs(&self.client)) {
            Ok(refs) => refs,
            Err(error) => {
                let advice = error.hint();
                self.add(DoctorCheck::problem(NAME, error.to_string(), advice));
                return None;
            }
        };
        let check = if self.request.pulls.credentials.is_none() {
            DoctorCheck::ok(NAME, format!("{shown} can be read"))
        } else {
            match self.wait(remote.may_push(&self.client)) {
                Ok(()) => DoctorCheck::ok(NAME, format!("{shown} can be read and pushed to")),
                Err(error) => {
                    let found = format!("{shown} can be read, but not pushed to: {error}");
                    DoctorCheck::problem(NAME, found, error.hint())
                }
            }
        };
        self.add(check);
        Some(refs)
    }
}

/// Returns the name of the service that a remote is at, if its host says that it is not GitHub.
fn other_service(remote: &str) -> Option<&'static str> {
    let host = host_of(remote)?;
    let (_, service) = OTHER_SERVICES
        .iter()
        .find(|(word, _)| host.contains(word))?;
    Some(service)
}

/// Returns the host of a URL, or of a place such as `git@example.org:team/stacks.git`.
fn host_of(remote: &str) -> Option<String> {
    let place = match remote.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split('/').next()?,
        None => remote.split_once(':')?.0,
    };
    let host = place.rsplit('@').next()?;
    Some(host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_elsewhere_is_known_by_its_host() {
        for (remote, service) in [
            ("https://gitlab.com/team/stacks.git", Some("GitLab")),
            ("git@gitlab.example.org:team/stacks", Some("GitLab")),
            ("ssh://git@codeberg.org/team/stacks", Some("Forgejo")),
            ("https://github.com/gitlab/gitea", None),
            ("https://git.example.org/team/stacks", None),
            ("/srv/gitlab.git", None),
            ("file:///srv/gitlab:x.git", None),
        ] {
            assert_eq!(other_service(remote), service, "{remote}");
        }
    }
}
