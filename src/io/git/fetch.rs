//! Fetches commits into the repository's object database. No ref moves, and `.git/shallow` stays as it is: nothing of git's
//! own reaches these objects before a fetch of git's own brings what is below them.

use git2::{Oid, Repository};

use super::local;
use super::objects::is_whole;
use super::place::{Access, RemotePlace};
use super::private::{PrivateRepository, tips};
use super::program::{self, Task};
use super::{GitRepository, Remote, RemoteError};
use crate::io::http::{HttpClient, HttpSettings};

/// Commits to bring.
struct WantedCommits<'a> {
    commits: Vec<Oid>,
    depth: u32,
    /// What is here already, and where; nothing where everything is to be sent.
    known: Option<KnownCommits<'a>>,
}

struct KnownCommits<'a> {
    clone: &'a Repository,
    tips: Vec<Oid>,
}

impl Remote {
    /// Brings commits of the remote here, with their files and as many generations of ancestors as `depth` says; 1 is the
    /// commits alone. What is here already is not asked for. `wants` are full numbers, as [`Remote::refs`] returns them.
    pub async fn fetch(
        &self,
        client: &HttpClient,
        repository: &GitRepository,
        wants: &[Oid],
        depth: u32,
    ) -> Result<(), RemoteError> {
        let clone = &repository.repository;
        let commits = repository.lacking(wants, depth)?;
        if commits.is_empty() {
            return Ok(());
        }
        let url = match &self.place {
            RemotePlace::Local(path) => return local::fetch(path, clone, &commits, depth),
            RemotePlace::Http(url) => url,
        };
        let mut wanted = WantedCommits {
            commits,
            depth,
            known: Some(KnownCommits {
                tips: tips(clone)?,
                clone,
            }),
        };
        let settings = client.settings();
        loop {
            let fetched = self
                .read(client, url, |access| {
                    fetch_into(clone, &wanted, access, settings)
                })
                .await;
            // The second round borrows nothing, and so asks for everything.
            let is_tried_in_full = wanted.known.take().is_none();
            match fetched {
                Err(error @ RemoteError::Failed { .. }) if is_tried_in_full => return Err(error),
                // What the server left out as known may be missing here, as in a partial clone.
                Ok(()) | Err(RemoteError::Failed { .. }) => {}
                Err(error) => return Err(error),
            }
            wanted.commits = repository.lacking(wants, depth)?;
            match wanted.commits.first() {
                None => return Ok(()),
                Some(id) if is_tried_in_full => return Err(RemoteError::Missing { id: *id }),
                Some(_) => {}
            }
        }
    }
}

fn fetch_into(
    clone: &Repository,
    wanted: &WantedCommits<'_>,
    access: &Access,
    settings: &HttpSettings,
) -> Result<(), RemoteError> {
    let private = match &wanted.known {
        Some(known) => {
            let private = PrivateRepository::borrowing(known.clone)?;
            private.name_commits(&known.tips)?;
            private.mark_boundary(known.clone, &[])?;
            private
        }
        None => PrivateRepository::empty()?,
    };
    let depth = format!("--depth={}", wanted.depth);
    let commits: Vec<String> = wanted.commits.iter().map(Oid::to_string).collect();
    let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
    arguments.extend([depth.as_str(), "--", &access.url]);
    arguments.extend(commits.iter().map(String::as_str));
    let task = Task::of_asking(&arguments, settings);
    let said = program::run(&private, access, settings, &task)?;
    if said.is_done {
        private.hand_over(clone)
    } else {
        Err(said.error(access))
    }
}

impl GitRepository {
    /// Returns which of these commits are not here as a whole.
    fn lacking(&self, wants: &[Oid], depth: u32) -> Result<Vec<Oid>, git2::Error> {
        let mut known = self.whole_trees.borrow_mut();
        let mut lacking = Vec::new();
        for id in wants {
            if !lacking.contains(id) && !is_whole(&self.repository, *id, depth, &mut known)? {
                lacking.push(*id);
            }
        }
        Ok(lacking)
    }
}
