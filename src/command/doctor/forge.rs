//! What `doctor` asks the forge about the token and the repository: who asks, with which rights, and what can be read.

use super::app::{self, Permissions};
use super::branches::BaseHead;
use super::{Doctor, refused};
use crate::io::forge::{Credentials, ForgeError, GitHub, RepositoryInfo, TokenKind, Viewer};
use crate::pull::DoctorCheck;

/// Whom the token of a job of GitHub Actions stands for.
const ACTIONS: &str = "github-actions[bot]";
const WORKFLOWS: &str = "workflows";
const RIGHTS: &str =
    "contents and pull requests: read and write; checks, commit statuses and administration: read";

impl Doctor<'_> {
    /// Says that there is no token, where there is no forge to ask either.
    pub(super) fn no_token(&mut self) {
        self.add(no_token_check());
    }

    /// Looks at the token and the repository; returns whether there is one to ask further about.
    pub(super) fn who(&mut self, forge: &GitHub) -> bool {
        let credentials = &forge.settings().credentials;
        let kind = credentials.kind();
        // An App gets its token here, and nothing else can be asked without one.
        let permissions = match self.app_permissions(forge) {
            Ok(permissions) => permissions,
            Err(error) => {
                self.add(refused("token", &error));
                return false;
            }
        };
        let viewer = match credentials {
            Credentials::None => None,
            Credentials::Token(_) | Credentials::App { .. } => Some(self.wait(forge.viewer())),
        };
        let token = AskedToken {
            kind,
            viewer: viewer.as_ref(),
            is_in_actions: self.request.is_in_actions,
        };
        if let Credentials::App { id, .. } = credentials {
            self.app(id, viewer.as_ref());
        } else {
            self.add(token.check());
        }
        if let Some(Err(error @ ForgeError::NotFound(refusal))) = &viewer
            && refusal.path.contains("graphql")
        {
            self.add(refused("GraphQL", error));
            return false;
        }
        let info = match self.wait(forge.repository()) {
            Ok(info) => info,
            Err(error) => {
                self.add(refused("repository", &error));
                return false;
            }
        };
        self.add(repository_check(&info));
        if kind != TokenKind::None {
            self.add(match &permissions {
                Some(permissions) => self.app_rights(permissions),
                None => rights_check(kind, &info),
            });
            self.workflows(|found| match &permissions {
                Some(permissions) => app_workflows(permissions, found),
                None => token.workflows(&info, found),
            });
        }
        true
    }

    /// Names the App.
    fn app(&mut self, id: &str, viewer: Option<&Result<Viewer, ForgeError>>) {
        let name = match viewer {
            Some(Ok(viewer)) => {
                let slug = app::slug_of(viewer);
                format!("the GitHub App {slug} ({id}), as {}", viewer.login)
            }
            Some(Err(_)) | None => format!("the GitHub App {id}"),
        };
        self.add(DoctorCheck::ok("token", name));
        if let Some(Ok(viewer)) = viewer {
            self.app_identity(viewer);
        }
    }

    /// Workflows are changed by tokens with a right of its own alone: `judge` says whether this one has it, where workflows are
    /// among the references.
    fn workflows(&mut self, judge: impl FnOnce(&str) -> DoctorCheck) {
        const FOLDER: &str = ".github/workflows";
        let mut references = self.repository.config.references.iter();
        if let Some(reference) = references.find(|one| one.files.starts_with(FOLDER)) {
            let found = format!("{} is among the references", reference.files);
            self.add(judge(&found));
        }
    }

    /// Asks for what a run reads: checks and statuses of a commit, and pull requests.
    pub(super) fn readable(&mut self, forge: &GitHub, bases: &[BaseHead]) {
        if let Some(base) = bases.first() {
            let head = base.head.to_string();
            self.readable_list(&ReadList {
                name: "check runs",
                right: "checks: read",
                base: &base.name,
                count: self.wait(forge.check_runs(&head)).map(|all| all.len()),
            });
            self.readable_list(&ReadList {
                name: "commit statuses",
                right: "commit statuses: read",
                base: &base.name,
                count: self.wait(forge.statuses(&head)).map(|all| all.len()),
            });
        }
        self.add(match self.wait(forge.open_pulls()) {
            Ok(open) => {
                let start = format!("{}/", self.config().prefix);
                let own = open
                    .iter()
                    .filter(|pull| pull.head.branch.starts_with(&start));
                let found = format!(
                    "{} open, {} on branches of {start}",
                    open.len(),
                    own.count()
                );
                DoctorCheck::ok("pull requests", found)
            }
            Err(error) => DoctorCheck {
                advice: Some("give the token this right: pull requests: read and write".to_owned()),
                ..refused("pull requests", &error)
            },
        });
    }

    fn readable_list(&mut self, list: &ReadList<'_>) {
        let advice = format!("give the token this right: {}", list.right);
        self.add(match &list.count {
            Ok(count) => {
                let found = format!("can be read: {count} on the head of {}", list.base);
                DoctorCheck::ok(list.name, found)
            }
            Err(error) if self.waits_for_checks() => {
                let found = format!("cannot be read, so every pull request stays a draft: {error}");
                DoctorCheck::problem(list.name, found, advice)
            }
            Err(error) => {
                DoctorCheck::warning(list.name, format!("cannot be read: {error}"), advice)
            }
        });
    }

    /// Labels that people need must be there to be chosen; those that pull requests get are made with the first of them.
    pub(super) fn labels(&mut self, forge: &GitHub) {
        const NAME: &str = "labels";
        let config = self.config();
        let mut missing = Vec::new();
        for label in [&config.stop_label, &config.again_label] {
            match self.wait(forge.has_label(label)) {
                Ok(true) => {}
                Ok(false) => missing.push(format!("`{label}`")),
                Err(error) => return self.add(refused(NAME, &error)),
            }
        }
        self.add(if missing.is_empty() {
            let found = format!(
                "`{}` and `{}` are there",
                config.stop_label, config.again_label
            );
            DoctorCheck::ok(NAME, found)
        } else {
            let (is, them) = if missing.len() == 1 {
                ("is", "it")
            } else {
                ("are", "them")
            };
            let found = format!("{} {is} missing", missing.join(" and "));
            let advice = format!("make {them}, so that people can choose {them}");
            DoctorCheck::warning(NAME, found, advice)
        });
    }
}

/// A list of a commit, as it was read.
struct ReadList<'a> {
    name: &'a str,
    /// The right that the token needs for it.
    right: &'a str,
    base: &'a str,
    count: Result<usize, ForgeError>,
}

/// A token, and what the forge says of whom it stands for.
struct AskedToken<'a> {
    kind: TokenKind,
    /// Nothing where nobody was asked.
    viewer: Option<&'a Result<Viewer, ForgeError>>,
    is_in_actions: bool,
}

impl AskedToken<'_> {
    /// Tells whether it is the one that Actions gives to a job. The forge's word counts; without it, the token's form does.
    fn is_of_job(&self) -> bool {
        match self.viewer {
            Some(Ok(viewer)) => viewer.login == ACTIONS,
            Some(Err(_)) | None => self.kind == TokenKind::Installation && self.is_in_actions,
        }
    }

    fn check(&self) -> DoctorCheck {
        const NAME: &str = "token";
        if let Some(Err(error @ ForgeError::Unauthorized(_))) = self.viewer {
            return refused(NAME, error);
        }
        let words = match self.kind {
            TokenKind::None => return no_token_check(),
            TokenKind::Classic => "a classic personal access token",
            TokenKind::FineGrained => "a fine-grained personal access token",
            TokenKind::Installation => "the token of a GitHub App's installation",
            TokenKind::User => "a user's token, given through an App",
            TokenKind::Unknown => "a token of an unknown kind",
        };
        if self.is_of_job() {
            return DoctorCheck::warning(
                NAME,
                "the GITHUB_TOKEN of GitHub Actions; its pull requests start no CI by themselves",
                "use the token of a GitHub App or a fine-grained personal access token; with this one, a person has to start the checks of each \
                 pull request, and the repository's settings have to allow Actions to create pull requests",
            );
        }
        let of = match self.viewer {
            Some(Ok(viewer)) => format!(", {}", viewer.login),
            Some(Err(_)) | None => String::new(),
        };
        DoctorCheck::ok(NAME, format!("{words}{of}"))
    }

    /// Says whether it may change workflows, which is a right of its own.
    fn workflows(&self, info: &RepositoryInfo, found: &str) -> DoctorCheck {
        if self.is_of_job() {
            let message = format!("{found}, which the GITHUB_TOKEN of Actions may not change");
            DoctorCheck::problem(WORKFLOWS, message, "use a token of an App or of a user")
        } else if self.kind != TokenKind::Classic {
            let message = format!("{found}; GitHub does not tell whether the token may change it");
            let advice = "give the token this right: workflows: write";
            DoctorCheck::warning(WORKFLOWS, message, advice)
        } else if has_scope(info, "workflow") {
            may_change(found)
        } else {
            may_not_change(found, "give the token the scope `workflow`")
        }
    }
}

fn app_workflows(permissions: &Permissions, found: &str) -> DoctorCheck {
    if app::has(permissions, "workflows", "write") {
        may_change(found)
    } else {
        may_not_change(found, "give the App this right: workflows: write")
    }
}

fn may_change(found: &str) -> DoctorCheck {
    DoctorCheck::ok(WORKFLOWS, format!("{found}; the token may change it"))
}

fn may_not_change(found: &str, advice: &str) -> DoctorCheck {
    let message = format!("{found}, which the token may not change");
    DoctorCheck::problem(WORKFLOWS, message, advice)
}

fn no_token_check() -> DoctorCheck {
    let advice = format!(
        "set GITHUB_TOKEN to a token with these rights: {RIGHTS}; or name a GitHub App with them by GITHUB_APP_ID and \
         GITHUB_APP_PRIVATE_KEY"
    );
    DoctorCheck::problem(
        "token",
        "no token is set, so nothing can be written",
        advice,
    )
}

fn repository_check(info: &RepositoryInfo) -> DoctorCheck {
    const NAME: &str = "repository";
    let found = format!("{}, default branch {}", info.full_name, info.default_branch);
    if info.is_archived {
        let message = format!("{found}; it is archived, so nothing can be changed");
        return DoctorCheck::problem(NAME, message, "unarchive it, or name another one");
    }
    if info.is_fork {
        let message = format!("{found}; it is a fork, and pull requests stay in it");
        let advice =
            "name the original as pullRequests.repository, where pull requests are meant for it";
        return DoctorCheck::warning(NAME, message, advice);
    }
    DoctorCheck::ok(NAME, found)
}

fn rights_check(kind: TokenKind, info: &RepositoryInfo) -> DoctorCheck {
    const NAME: &str = "rights";
    if info.can_push == Some(false) {
        let advice = format!("give the token these rights: {RIGHTS}");
        return DoctorCheck::problem(NAME, "the token may not push", advice);
    }
    let scopes = info.scopes.as_deref().unwrap_or_default();
    // GitHub lets `public_repo` write to public repositories alone.
    let is_enough = has_scope(info, "repo") || (has_scope(info, "public_repo") && !info.is_private);
    if kind == TokenKind::Classic && info.scopes.is_some() && !is_enough {
        let found = format!(
            "the scopes of the token are not sufficient: {}",
            scopes.join(", ")
        );
        return DoctorCheck::problem(NAME, found, "give the token the scope `repo`");
    }
    match info.can_push {
        Some(_) => DoctorCheck::ok(NAME, "the token may push"),
        None => DoctorCheck::ok(NAME, "GitHub does not say whether the token may push"),
    }
}

fn has_scope(info: &RepositoryInfo, wanted: &str) -> bool {
    let scopes = info.scopes.iter().flatten();
    scopes.into_iter().any(|scope| scope == wanted)
}
