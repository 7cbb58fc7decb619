//! What the stand-in for GitHub knows: a bare repository on disk, pull requests and all that hangs on them, and what people do to
//! them. It knows nothing of HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use git2::{Oid, Repository, Signature, Time};
use jiff::{Timestamp, ToSpan};

use crate::support::program::copy_folder;

/// A person who works in the repository too.
pub const PERSON: &str = "ada";
/// The login of the token that tests use.
pub const BOT: &str = "csctl-matrix[bot]";

#[derive(Debug, Clone)]
pub struct Pull {
    pub number: u64,
    pub title: String,
    pub body: String,
    pub is_open: bool,
    pub merged: Option<(Timestamp, String, Oid)>,
    pub draft: bool,
    pub head_owner: String,
    pub head_branch: String,
    pub head: Oid,
    pub base_branch: String,
    pub base: Oid,
    pub labels: Vec<String>,
    pub author: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub closed: Option<(Timestamp, String)>,
    /// The merge method.
    pub auto_merge: Option<String>,
    /// Who asked for that; the author without it.
    pub auto_merge_by: Option<String>,
    pub in_queue: bool,
    /// How often `mergeable` is still null.
    pub unknown_for: u32,
}

#[derive(Debug, Clone)]
pub struct Comment {
    pub id: u64,
    pub number: u64,
    pub author: String,
    pub body: String,
    pub created: Timestamp,
}

#[derive(Debug, Clone)]
pub struct CheckRun {
    pub id: u64,
    pub head: Oid,
    pub name: String,
    pub app: (i64, String),
    pub status: String,
    pub conclusion: Option<String>,
    pub started: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Status {
    pub id: u64,
    pub head: Oid,
    pub context: String,
    pub state: String,
    pub updated: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Review {
    pub id: u64,
    pub number: u64,
    pub author: String,
    pub state: String,
    pub commit: Oid,
}

/// What holds for a branch.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are GitHub's")]
pub struct BranchRules {
    /// Classic branch protection; the rest are rulesets.
    pub is_classic: bool,
    pub required_checks: Vec<(String, Option<i64>)>,
    pub required_reviews: u32,
    pub signed: bool,
    pub no_force_push: bool,
    pub merge_queue: bool,
}

/// Requests that a token has left.
#[derive(Debug, Clone)]
pub struct Limit {
    pub total: u32,
    pub remaining: u32,
    pub reset: Timestamp,
    /// After so many refusals the hour is over.
    pub refills_after: u32,
    pub refused: u32,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub text: String,
    pub login: String,
    pub expires: Option<Timestamp>,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "a repository's switches")]
pub struct Settings {
    pub is_private: bool,
    pub allow_auto_merge: bool,
    pub merge_methods: Vec<&'static str>,
    pub delete_branch_on_merge: bool,
    pub supports_drafts: bool,
    pub knows_update_refs: bool,
    pub is_fork: bool,
    pub is_archived: bool,
    /// The scopes that a classic token has.
    pub scopes: Option<&'static str>,
    /// How often `mergeable` is null after a change.
    pub mergeable_after: u32,
    /// Permissions that the token lacks, such as `checks=read`.
    pub denied: BTreeSet<String>,
    /// Whether commits that the API makes for a bot are signed by GitHub.
    pub signs: bool,
    /// The issuer and installation that tokens of an App are made for.
    pub app: Option<(String, u64)>,
    /// How long tokens of an App last, in minutes.
    pub app_minutes: i64,
}

pub struct State {
    pub owner: String,
    pub repository: String,
    pub default_branch: String,
    pub git: Repository,
    pub pulls: Vec<Pull>,
    pub labels: BTreeMap<String, (String, String)>,
    pub comments: Vec<Comment>,
    pub check_runs: Vec<CheckRun>,
    pub statuses: Vec<Status>,
    pub reviews: Vec<Review>,
    /// By branch name; a `*` at its end stands for anything.
    pub rules: BTreeMap<String, BranchRules>,
    pub settings: Settings,
    pub tokens: Vec<Token>,
    pub core: Limit,
    pub graphql: Limit,
    pub now: Timestamp,
    pub next: u64,
    /// Commits that carry GitHub's signature.
    pub verified: BTreeSet<Oid>,
}

impl State {
    pub fn new(folder: &Path, owner: &str, repository: &str) -> Self {
        let path = folder.join(owner).join(format!("{repository}.git"));
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).mkpath(true).initial_head("main");
        let git = Repository::init_opts(path, &options).unwrap();
        let mut config = git.config().unwrap();
        config.set_bool("http.receivepack", true).unwrap();
        config
            .set_bool("uploadpack.allowAnySHA1InWant", true)
            .unwrap();
        config.set_bool("uploadpack.allowFilter", true).unwrap();
        config.set_i32("gc.auto", 0).unwrap();
        // What a branch has ever been at can be read.
        config.set_str("core.logAllRefUpdates", "always").unwrap();
        let now: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let limit = Limit {
            total: 5000,
            remaining: 5000,
            reset: now + 1.hour(),
            refills_after: 1,
            refused: 0,
        };
        Self {
            owner: owner.to_owned(),
            repository: repository.to_owned(),
            default_branch: "main".to_owned(),
            git,
            pulls: Vec::new(),
            labels: BTreeMap::new(),
            comments: Vec::new(),
            check_runs: Vec::new(),
            statuses: Vec::new(),
            reviews: Vec::new(),
            rules: BTreeMap::new(),
            settings: Settings {
                is_private: true,
                allow_auto_merge: true,
                merge_methods: vec!["merge", "squash", "rebase"],
                delete_branch_on_merge: false,
                supports_drafts: true,
                knows_update_refs: true,
                is_fork: false,
                is_archived: false,
                scopes: None,
                mergeable_after: 1,
                denied: BTreeSet::new(),
                signs: true,
                app: None,
                app_minutes: 60,
            },
            tokens: Vec::new(),
            core: limit.clone(),
            graphql: limit,
            now,
            next: 1,
            verified: BTreeSet::new(),
        }
    }

    /// The paths of the files in which two commits differ.
    pub fn changed_paths(&self, one: Oid, other: Oid) -> Vec<String> {
        let [before, after] =
            [one, other].map(|oid| self.git.find_commit(oid).unwrap().tree().unwrap());
        let diff = self
            .git
            .diff_tree_to_tree(Some(&before), Some(&after), None)
            .unwrap();
        let paths = diff
            .deltas()
            .map(|delta| delta.new_file().path().unwrap().display().to_string());
        paths.collect()
    }

    /// The same, with a copy of the git repository below another folder.
    pub fn copied_to(&self, folder: &Path) -> Self {
        let path = folder
            .join(&self.owner)
            .join(format!("{}.git", self.repository));
        copy_folder(self.git.path(), &path);
        Self {
            owner: self.owner.clone(),
            repository: self.repository.clone(),
            default_branch: self.default_branch.clone(),
            git: Repository::open(path).unwrap(),
            pulls: self.pulls.clone(),
            labels: self.labels.clone(),
            comments: self.comments.clone(),
            check_runs: self.check_runs.clone(),
            statuses: self.statuses.clone(),
            reviews: self.reviews.clone(),
            rules: self.rules.clone(),
            settings: self.settings.clone(),
            tokens: self.tokens.clone(),
            core: self.core.clone(),
            graphql: self.graphql.clone(),
            now: self.now,
            next: self.next,
            verified: self.verified.clone(),
        }
    }

    pub fn tick(&mut self) -> Timestamp {
        self.now += 1.second();
        self.now
    }

    pub fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    // Git.

    pub fn head(&self, branch: &str) -> Option<Oid> {
        self.git
            .find_reference(&format!("refs/heads/{branch}"))
            .ok()?
            .target()
    }

    /// All branches with their heads.
    pub fn branches(&self) -> BTreeMap<String, Oid> {
        let found = self.git.references_glob("refs/heads/*").unwrap();
        found
            .map(|reference| {
                let reference = reference.unwrap();
                let name = reference.name().unwrap();
                let name = name.trim_start_matches("refs/heads/").to_owned();
                (name, reference.target().unwrap())
            })
            .collect()
    }

    pub fn set_head(&self, branch: &str, oid: Oid) {
        self.git
            .reference(&format!("refs/heads/{branch}"), oid, true, "")
            .unwrap();
    }

    pub fn remove_head(&self, branch: &str) {
        let name = format!("refs/heads/{branch}");
        self.git.find_reference(&name).unwrap().delete().unwrap();
    }

    /// The text of a file in a commit.
    pub fn file(&self, commit: Oid, path: &str) -> Option<String> {
        let tree = self.git.find_commit(commit).unwrap().tree().unwrap();
        let entry = tree.get_path(Path::new(path)).ok()?;
        let blob = self.git.find_blob(entry.id()).unwrap();
        Some(String::from_utf8(blob.content().to_vec()).unwrap())
    }

    /// Makes a commit on top of another one; `None` takes a file away.
    pub fn commit(
        &mut self,
        parent: Option<Oid>,
        login: &str,
        files: &[(&str, Option<&str>)],
    ) -> Oid {
        let second = self.tick().as_second();
        let parent = parent.map(|parent| self.git.find_commit(parent).unwrap());
        let empty = || {
            let oid = self.git.treebuilder(None).unwrap().write().unwrap();
            self.git.find_tree(oid).unwrap()
        };
        let base = parent
            .as_ref()
            .map_or_else(empty, |parent| parent.tree().unwrap());
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, text) in files {
            match text {
                Some(text) => {
                    let blob = self.git.blob(text.as_bytes()).unwrap();
                    update.upsert(*path, blob, git2::FileMode::Blob);
                }
                None => {
                    update.remove(*path);
                }
            }
        }
        let tree = update.create_updated(&self.git, &base).unwrap();
        let tree = self.git.find_tree(tree).unwrap();
        let author = signature(login, second);
        let parents: Vec<_> = parent.iter().collect();
        self.git
            .commit(None, &author, &author, "Change files", &tree, &parents)
            .unwrap()
    }

    fn contains(&self, oid: Oid, ancestor: Oid) -> bool {
        oid == ancestor || self.git.graph_descendant_of(oid, ancestor).unwrap_or(false)
    }

    pub fn is_fast_forward(&self, from: Oid, to: Oid) -> bool {
        self.contains(to, from)
    }

    // What people do.

    /// Commits onto a branch, which is made from the default branch where it is missing.
    pub fn push(&mut self, branch: &str, files: &[(&str, Option<&str>)]) -> Oid {
        let from = self
            .head(branch)
            .or_else(|| self.head(&self.default_branch));
        let oid = self.commit(from, PERSON, files);
        self.set_head(branch, oid);
        self.settle(PERSON);
        oid
    }

    /// Merges one branch into another, as the button "Update branch" does with the base branch.
    pub fn merge_branch(&mut self, into: &str, from: &str) -> Oid {
        let second = self.tick().as_second();
        let oid = {
            let ours = self.git.find_commit(self.head(into).unwrap()).unwrap();
            let theirs = self.git.find_commit(self.head(from).unwrap()).unwrap();
            let mut index = self.git.merge_commits(&ours, &theirs, None).unwrap();
            let tree = index.write_tree_to(&self.git).unwrap();
            let (tree, author) = (self.git.find_tree(tree).unwrap(), signature(PERSON, second));
            let message = format!("Merge branch '{from}' into {into}");
            let parents = [&ours, &theirs];
            self.git
                .commit(None, &author, &author, &message, &tree, &parents)
                .unwrap()
        };
        self.force(into, oid);
        oid
    }

    /// Makes the same change with the same message again on top of another commit, as `git rebase` does.
    pub fn rebase(&mut self, commit: Oid, onto: Oid) -> Oid {
        let second = self.tick().as_second();
        let commit = self.git.find_commit(commit).unwrap();
        let onto = self.git.find_commit(onto).unwrap();
        let mut index = self.git.cherrypick_commit(&commit, &onto, 0, None).unwrap();
        let tree = index.write_tree_to(&self.git).unwrap();
        let (tree, committer) = (self.git.find_tree(tree).unwrap(), signature(PERSON, second));
        let message = commit.message().unwrap();
        self.git
            .commit(None, &commit.author(), &committer, message, &tree, &[&onto])
            .unwrap()
    }

    pub fn force(&mut self, branch: &str, oid: Oid) {
        self.set_head(branch, oid);
        self.settle(PERSON);
    }

    pub fn delete_branch(&mut self, branch: &str) {
        self.remove_head(branch);
        self.settle(PERSON);
    }

    pub fn pull(&self, number: u64) -> &Pull {
        self.pulls
            .iter()
            .find(|pull| pull.number == number)
            .unwrap()
    }

    pub fn pull_mut(&mut self, number: u64) -> &mut Pull {
        self.pulls
            .iter_mut()
            .find(|pull| pull.number == number)
            .unwrap()
    }

    pub fn open_pulls(&self) -> Vec<&Pull> {
        self.pulls.iter().filter(|pull| pull.is_open).collect()
    }

    /// Opens a pull request as a person does.
    pub fn open(&mut self, head: &str, base: &str, title: &str) -> u64 {
        self.add_pull(PERSON, head, base, title).unwrap()
    }

    /// Opens a pull request of a fork whose branch has this name.
    pub fn open_from_fork(&mut self, login: &str, head: &str, base: &str) -> u64 {
        let base_oid = self.head(base).unwrap();
        let oid = self.commit(Some(base_oid), login, &[("fork.md", Some("fork\n"))]);
        let number = self.next_id();
        let pull = self.new_pull(number, login, (head, oid), (base, base_oid));
        self.pulls.push(Pull {
            head_owner: login.to_owned(),
            ..pull
        });
        number
    }

    /// Opens a pull request, or says in GitHub's words why not.
    pub fn add_pull(
        &mut self,
        login: &str,
        head: &str,
        base: &str,
        title: &str,
    ) -> Result<u64, String> {
        let (Some(head_oid), Some(base_oid)) = (self.head(head), self.head(base)) else {
            return Err("invalid".to_owned());
        };
        if self.find_open(head, base).is_some() {
            let owner = &self.owner;
            return Err(format!("A pull request already exists for {owner}:{head}."));
        }
        if self.contains(base_oid, head_oid) {
            return Err(format!("No commits between {base} and {head}"));
        }
        let number = self.next_id();
        let pull = self.new_pull(number, login, (head, head_oid), (base, base_oid));
        self.pulls.push(Pull {
            title: title.to_owned(),
            ..pull
        });
        Ok(number)
    }

    fn new_pull(&mut self, number: u64, login: &str, head: (&str, Oid), base: (&str, Oid)) -> Pull {
        let now = self.tick();
        Pull {
            number,
            title: String::new(),
            body: String::new(),
            is_open: true,
            merged: None,
            draft: false,
            head_owner: self.owner.clone(),
            head_branch: head.0.to_owned(),
            head: head.1,
            base_branch: base.0.to_owned(),
            base: base.1,
            labels: Vec::new(),
            author: login.to_owned(),
            created: now,
            updated: now,
            closed: None,
            auto_merge: None,
            auto_merge_by: None,
            in_queue: false,
            unknown_for: self.settings.mergeable_after,
        }
    }

    pub fn find_open(&self, head: &str, base: &str) -> Option<u64> {
        let found = self.pulls.iter().find(|pull| {
            pull.is_open
                && pull.head_owner == self.owner
                && pull.head_branch == head
                && pull.base_branch == base
        });
        found.map(|pull| pull.number)
    }

    pub fn close(&mut self, number: u64, login: &str) {
        let now = self.tick();
        let pull = self.pull_mut(number);
        pull.is_open = false;
        pull.auto_merge = None;
        pull.closed = Some((now, login.to_owned()));
        pull.updated = now;
    }

    /// Opens a closed pull request again, or says in GitHub's words why not.
    pub fn reopen(&mut self, number: u64) -> Result<(), String> {
        let pull = self.pull(number).clone();
        let refused = |why: &str| Err(format!("state cannot be changed. {why}"));
        let branch = &pull.head_branch;
        if pull.merged.is_some() {
            return refused("The pull request is merged.");
        }
        if self.find_open(branch, &pull.base_branch).is_some() {
            return refused(&format!(
                "There is already an open pull request for {branch}."
            ));
        }
        let Some(head) = self.head(branch) else {
            return refused(&format!("The {branch} branch has been deleted."));
        };
        if !self.contains(head, pull.head) {
            return refused(&format!(
                "The {branch} branch was force-pushed or recreated."
            ));
        }
        if self
            .head(&pull.base_branch)
            .is_none_or(|base| self.contains(base, head))
        {
            return refused(&format!("There are no new commits on the {branch} branch."));
        }
        let now = self.tick();
        let pull = self.pull_mut(number);
        pull.is_open = true;
        pull.head = head;
        pull.closed = None;
        pull.updated = now;
        Ok(())
    }

    pub fn edit(&mut self, number: u64, title: &str, body: &str) {
        let now = self.tick();
        let pull = self.pull_mut(number);
        title.clone_into(&mut pull.title);
        body.clone_into(&mut pull.body);
        pull.updated = now;
    }

    pub fn change_base(&mut self, number: u64, base: &str) {
        base.clone_into(&mut self.pull_mut(number).base_branch);
        self.settle(PERSON);
    }

    pub fn label(&mut self, number: u64, name: &str) {
        self.labels
            .entry(name.to_owned())
            .or_insert_with(|| ("ededed".to_owned(), String::new()));
        let labels = &mut self.pull_mut(number).labels;
        if !labels.iter().any(|known| known == name) {
            labels.push(name.to_owned());
        }
    }

    pub fn unlabel(&mut self, number: u64, name: &str) {
        let labels = &mut self.pull_mut(number).labels;
        labels.retain(|known| !known.eq_ignore_ascii_case(name));
    }

    pub fn comment(&mut self, number: u64, login: &str, body: &str) -> u64 {
        let (id, created) = (self.next_id(), self.tick());
        self.comments.push(Comment {
            id,
            number,
            author: login.to_owned(),
            body: body.to_owned(),
            created,
        });
        id
    }

    pub fn review(&mut self, number: u64, login: &str, state: &str) {
        let (id, commit) = (self.next_id(), self.pull(number).head);
        self.reviews.push(Review {
            id,
            number,
            author: login.to_owned(),
            state: state.to_owned(),
            commit,
        });
        self.settle(login);
    }

    /// Reports a run of a check by GitHub Actions; a later one of the same name is a new attempt.
    pub fn check(&mut self, head: Oid, name: &str, conclusion: Option<&str>) -> u64 {
        let app = (15_368, "github-actions".to_owned());
        let status = if conclusion.is_some() {
            "completed"
        } else {
            "in_progress"
        };
        let (id, started) = (self.next_id(), self.tick());
        self.check_runs.push(CheckRun {
            id,
            head,
            name: name.to_owned(),
            app,
            status: status.to_owned(),
            conclusion: conclusion.map(str::to_owned),
            started,
        });
        self.settle(BOT);
        id
    }

    pub fn report_status(&mut self, head: Oid, context: &str, state: &str) {
        let (id, updated) = (self.next_id(), self.tick());
        self.statuses.push(Status {
            id,
            head,
            context: context.to_owned(),
            state: state.to_owned(),
            updated,
        });
        self.settle(BOT);
    }

    // Rules.

    pub fn rules_of(&self, branch: &str) -> BranchRules {
        let found = self
            .rules
            .iter()
            .find(|(name, _)| match name.strip_suffix('*') {
                Some(start) => branch.starts_with(start),
                None => *name == branch,
            });
        found.map(|(_, rules)| rules.clone()).unwrap_or_default()
    }

    fn is_green(&self, head: Oid, name: &str) -> bool {
        let run = self
            .check_runs
            .iter()
            .rfind(|run| run.head == head && run.name == name);
        let status = self
            .statuses
            .iter()
            .rfind(|status| status.head == head && status.context == name);
        let run = run.map(|run| {
            let conclusion = run.conclusion.as_deref();
            matches!(conclusion, Some("success" | "neutral" | "skipped"))
        });
        let status = status.map(|status| status.state == "success");
        match (run, status) {
            (None, None) => false,
            (run, status) => run.unwrap_or(true) && status.unwrap_or(true),
        }
    }

    /// What keeps a pull request from being merged, in GitHub's words.
    pub fn find_obstacle(&self, number: u64) -> Option<String> {
        let pull = self.pull(number);
        let rules = self.rules_of(&pull.base_branch);
        if pull.draft {
            return Some("Pull Request is still a draft".to_owned());
        }
        if rules.merge_queue {
            return Some("Changes must be made through the merge queue".to_owned());
        }
        let missing = rules
            .required_checks
            .iter()
            .find(|(name, _)| !self.is_green(pull.head, name));
        if let Some((name, _)) = missing {
            return Some(format!("Required status check \"{name}\" is expected."));
        }
        let approvals = self.reviews.iter().filter(|review| {
            review.number == number && review.state == "APPROVED" && review.commit == pull.head
        });
        if u32::try_from(approvals.count()).unwrap() < rules.required_reviews {
            let count = rules.required_reviews;
            return Some(format!(
                "At least {count} approving review is required by reviewers with write access."
            ));
        }
        self.merged_tree(number)
            .is_none()
            .then(|| "Pull Request is not mergeable".to_owned())
    }

    /// The tree that a merge makes; nothing where there are conflicts.
    fn merged_tree(&self, number: u64) -> Option<Oid> {
        let pull = self.pull(number);
        let base = self.git.find_commit(self.head(&pull.base_branch)?).ok()?;
        let head = self.git.find_commit(pull.head).ok()?;
        let mut index = self.git.merge_commits(&base, &head, None).ok()?;
        (!index.has_conflicts()).then(|| index.write_tree_to(&self.git).unwrap())
    }

    pub fn has_conflict(&self, number: u64) -> bool {
        self.merged_tree(number).is_none()
    }

    /// Merges, or says in GitHub's words why not.
    pub fn merge(&mut self, number: u64, login: &str, method: &str) -> Result<Oid, String> {
        if !self.settings.merge_methods.contains(&method) {
            let method = match method {
                "merge" => "Merge commits",
                "squash" => "Squash merges",
                _ => "Rebase merges",
            };
            return Err(format!("{method} are not allowed on this repository."));
        }
        if let Some(obstacle) = self.find_obstacle(number) {
            return Err(obstacle);
        }
        let second = self.tick().as_second();
        let pull = self.pull(number).clone();
        let tree = self.merged_tree(number).unwrap();
        let oid = {
            let tree = self.git.find_tree(tree).unwrap();
            let base = self.head(&pull.base_branch).unwrap();
            let base = self.git.find_commit(base).unwrap();
            let head = self.git.find_commit(pull.head).unwrap();
            let parents = if method == "merge" {
                vec![&base, &head]
            } else {
                vec![&base]
            };
            let author = signature(login, second);
            let message = format!("{} (#{number})", pull.title);
            self.git
                .commit(None, &author, &author, &message, &tree, &parents)
                .unwrap()
        };
        self.finish_merge(number, login, oid);
        self.set_head(&pull.base_branch, oid);
        if self.settings.delete_branch_on_merge && self.head(&pull.head_branch).is_some() {
            self.remove_head(&pull.head_branch);
        }
        self.settle(login);
        Ok(oid)
    }

    fn finish_merge(&mut self, number: u64, login: &str, oid: Oid) {
        self.close(number, login);
        let now = self.now;
        self.pull_mut(number).merged = Some((now, login.to_owned(), oid));
    }

    /// Does what GitHub does after each push: heads move, pull requests without commits are closed, and those that are in
    /// their base count as merged. Waiting auto-merges are done.
    pub fn settle(&mut self, login: &str) {
        let open: Vec<u64> = self.open_pulls().iter().map(|pull| pull.number).collect();
        for number in open {
            self.settle_pull(number, login);
        }
        let ready = self.open_pulls().into_iter().find_map(|pull| {
            let method = pull.auto_merge.clone()?;
            self.find_obstacle(pull.number)
                .is_none()
                .then_some((pull.number, method))
        });
        if let Some((number, method)) = ready {
            self.merge(number, login, &method).ok();
        }
    }

    fn settle_pull(&mut self, number: u64, login: &str) {
        let pull = self.pull(number).clone();
        if pull.head_owner != self.owner {
            return;
        }
        let (Some(head), Some(base)) = (self.head(&pull.head_branch), self.head(&pull.base_branch))
        else {
            return self.close(number, login);
        };
        let is_moved = head != pull.head;
        if is_moved || base != pull.base {
            let (now, unknown_for) = (self.now, self.settings.mergeable_after);
            let pull = self.pull_mut(number);
            (pull.head, pull.base, pull.unknown_for) = (head, base, unknown_for);
            if is_moved {
                pull.updated = now;
            }
        }
        if self.contains(base, head) {
            if is_moved || base == pull.base {
                self.close(number, login);
            } else {
                self.finish_merge(number, login, base);
            }
        }
    }
}

/// The noreply address that GitHub gives to a login.
pub fn email(login: &str) -> String {
    format!("{login}@users.noreply.github.com")
}

fn signature(login: &str, second: i64) -> Signature<'static> {
    Signature::new(login, &email(login), &Time::new(second, 0)).unwrap()
}
