//! What `doctor` finds without the forge: the configuration, who writes the commits, the sources of images and charts.

use std::collections::BTreeMap;

use super::Doctor;
use crate::catalog::{Catalog, Unreachable};
use crate::command::pr;
use crate::command::shared::ADVICE;
use crate::config::{CONFIG_FILE, Config};
use crate::plan::{PlanInput, Selection, plan};
use crate::policy::Wishes;
use crate::pull::DoctorCheck;

impl Doctor<'_> {
    /// What can be read of the configuration was read before; what is left depends on the day.
    pub(super) fn configuration(&mut self) {
        const NAME: &str = "configuration";
        let is_there = self.repository.tree.find(CONFIG_FILE).is_some();
        let found = if is_there {
            format!("{CONFIG_FILE} is valid")
        } else {
            format!("no {CONFIG_FILE}; defaults apply")
        };
        match self.repository.check_day(self.request.pulls.sources.today) {
            Ok(()) => self.add(DoctorCheck::ok(NAME, found)),
            Err(error) => self.failed(NAME, &error),
        }
    }

    pub(super) fn identity(&mut self) {
        const NAME: &str = "commits";
        match pr::author(&self.request.pulls, self.config(), self.git) {
            Err(error) => self.failed(NAME, &error),
            Ok(person) => {
                let found = format!("Signed-off-by: {} <{}>", person.name, person.email);
                self.add(match fault_of_person(&person.name, &person.email) {
                    None => DoctorCheck::ok(NAME, found),
                    Some(fault) => DoctorCheck::problem(
                        NAME,
                        format!("{found}: {fault}, so a DCO check would fail"),
                        "set pullRequests.author in csctl-matrix.yaml to a name and an address",
                    ),
                });
            }
        }
    }

    /// Names every stack that cannot be planned, and every directory that cannot be looked into.
    fn unplanned(&mut self, catalog: &Catalog) {
        let repository = self.repository;
        let selection = Selection::default();
        let plan = plan(PlanInput {
            tree: &repository.tree,
            discovery: &repository.discovery,
            catalog,
            policy: &repository.config.policy(&Config::default()),
            wishes: &Wishes::default(),
            selection: &selection,
        });
        for fault in repository.discovery.closed() {
            let found = format!("cannot be planned: {fault}");
            self.add(DoctorCheck::problem("stacks", found, &fault.hint));
        }
        for stack in &plan.stacks {
            let title = &stack.title;
            for fault in &stack.faults {
                let found = format!("{title} cannot be planned: {fault}");
                self.add(DoctorCheck::problem("stacks", found, &fault.hint));
            }
            for fault in &stack.out_of_reach {
                let found = format!("{title} has to be changed by hand: {fault}");
                self.add(DoctorCheck::problem("stacks", found, &fault.hint));
            }
        }
    }

    /// Asks every source that a plan would ask.
    pub(super) fn sources(&mut self) {
        const NAME: &str = "sources";
        let mut sources = self.request.pulls.sources.clone();
        if !self.is_at_github {
            // A token of another GitHub is not one for what GitHub itself tells.
            sources.http.github_token = None;
        }
        // All stacks, wherever it is run, as `pr` looks at all of them.
        let selection = self.repository.select(Selection::default());
        let looked = selection.and_then(|selection| self.repository.look(&selection, &sources));
        let catalog = match looked {
            Ok(catalog) => catalog,
            Err(error) => return self.failed(NAME, &error),
        };
        self.unplanned(&catalog);
        let seen = format!(
            "{}, {}",
            counted(catalog.image_stores.len(), "image store", "image stores"),
            counted(
                catalog.chart_repositories.len(),
                "chart repository",
                "chart repositories"
            ),
        );
        if let Some(place) = &sources.catalog {
            let day = catalog.as_of;
            let found = format!("{seen}, seen {day}, from {place}; no source was queried");
            if let Some(doubt) = self.repository.catalog_doubt() {
                return self.add(DoctorCheck::warning(NAME, doubt, ADVICE));
            }
            return self.add(DoctorCheck::ok(NAME, found));
        }
        let failed = unreachable(&catalog);
        if failed.is_empty() {
            return self.add(DoctorCheck::ok(NAME, format!("{seen} answer")));
        }
        self.checks.extend(failed);
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Says of each source once that it gives no answer. Without images or charts a plan holds changes back; without upstream facts it
/// knows fewer reasons.
fn unreachable(catalog: &Catalog) -> Vec<DoctorCheck> {
    let mut failed: BTreeMap<&str, Vec<&Unreachable>> = BTreeMap::new();
    for one in &catalog.unreachable {
        failed.entry(&one.source).or_default().push(one);
    }
    let upstream: Vec<&str> = catalog
        .unreachable_upstream()
        .map(|one| one.source.as_str())
        .collect();
    let mut checks = Vec::new();
    for (source, urls) in failed {
        let name = format!("source {source}");
        let found = first_of(&urls);
        checks.push(if upstream.contains(&source) {
            let advice = "plans know fewer reasons and no deadlines; set another URL under `sources` in csctl-matrix.yaml";
            DoctorCheck::warning(&name, found, advice)
        } else {
            let advice = "what it offers is skipped; check the URL, or set a mirror under `mirrors` in csctl-matrix.yaml";
            DoctorCheck::problem(&name, found, advice)
        });
    }
    checks
}

/// The first URL with its reason, and how many more there are.
fn first_of(urls: &[&Unreachable]) -> String {
    match urls {
        [] => String::new(),
        [only] => format!("{}: {}", only.url, only.reason),
        [first, others @ ..] => {
            let count = others.len();
            format!("{}: {}, and {count} more URLs", first.url, first.reason)
        }
    }
}

/// Returns what keeps a sign-off from naming somebody.
fn fault_of_person(name: &str, email: &str) -> Option<&'static str> {
    let (user, host) = email.split_once('@').unwrap_or_default();
    let is_host = host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
    if name.trim().is_empty() || breaks_sign_off(name) {
        Some("the name is invalid")
    } else if user.is_empty()
        || !is_host
        || breaks_sign_off(email)
        || email.contains(char::is_whitespace)
    {
        Some("the address is invalid")
    } else if host.contains('@') {
        Some("the address has two @")
    } else {
        None
    }
}

/// Tells whether a text has what a line `Name <address>` cannot.
fn breaks_sign_off(text: &str) -> bool {
    text.chars()
        .any(|sign| sign.is_control() || "<>".contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(name: &str, email: &str) -> &'static str {
        fault_of_person(name, email).unwrap_or("none")
    }

    #[test]
    fn a_sign_off_needs_a_name_and_an_address() {
        assert_eq!(fault("Matrix Bot", "bot@example.org"), "none");
        let noreply = "41+matrix[bot]@users.noreply.github.com";
        assert_eq!(fault("matrix[bot]", noreply), "none");
        assert_eq!(fault(" ", "bot@example.org"), "the name is invalid");
        assert_eq!(fault("Bot\n", "bot@example.org"), "the name is invalid");
        for email in [
            "",
            "bot",
            "@example.org",
            "bot@host",
            "bot@.",
            "b t@example.org",
            "b>@a.b",
        ] {
            assert_eq!(fault("Bot", email), "the address is invalid", "{email}");
        }
        assert_eq!(fault("Bot", "a@b@example.org"), "the address has two @");
    }
}
