//! What csctl would do with source trees: finds their files and those of the releases they follow, in the working directory, in
//! git and in the catalog. It decides nothing; `release_digest` does.

use std::collections::BTreeMap;

use super::Repository;
use crate::catalog::Catalog;
use crate::io::digest::digest_directory;
use crate::io::git::GitRepository;
use crate::plan::{Compared, DigestRequest, Plan};
use crate::release_digest::{
    CsctlVerdict, FileDigests, HashesUnknown, LastRelease, Unpublishable, csctl_verdict,
    unpublishable,
};
use crate::stack::SourceTree;
use crate::version::ReleaseTag;

/// What csctl would do with a source tree as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The release it would be compared with.
    pub last: ReleaseTag,
    /// What csctl would do.
    pub(crate) verdict: CsctlVerdict,
    /// Where the tree differs from that release and csctl would not publish it.
    pub finding: Option<Unpublishable>,
}

impl Repository {
    /// Says in a plan whether csctl would publish its releases. Only files that this needs are read.
    pub fn judge(&self, plan: &mut Plan, catalog: &Catalog) {
        let requests = plan.digest_requests();
        if requests.is_empty() {
            return;
        }
        let mut answers = BTreeMap::new();
        for request in requests {
            let answer = self.compare(&request, catalog);
            answers.insert(request, answer);
        }
        plan.judge(&answers);
    }

    /// Tells whether csctl would publish a source tree as it is; nothing where it has no csctl.yaml, or no release to be
    /// compared with.
    pub fn csctl_verdict(&self, tree: &SourceTree, catalog: &Catalog) -> Option<Publication> {
        if !tree.has_csctl() {
            return None;
        }
        let last = catalog.find_newest_release(&tree.line()?)?.tag.clone();
        let request = DigestRequest {
            directory: tree.directory.clone(),
            last: last.clone(),
        };
        Some(match self.compare(&request, catalog) {
            Ok(Compared { now, last: release }) => Publication {
                last,
                verdict: csctl_verdict(&now, &release),
                finding: unpublishable(&now, &release),
            },
            Err(reason) => Publication {
                last,
                verdict: CsctlVerdict::Unknown { reason },
                finding: None,
            },
        })
    }

    fn compare(
        &self,
        request: &DigestRequest,
        catalog: &Catalog,
    ) -> Result<Compared, HashesUnknown> {
        let last = self.find_last(request, catalog)?;
        let now = self.digest(&request.directory)?;
        // A revision has no ignored files.
        if let (Some(git), None) = (&self.git, &self.revision) {
            refuse_ignored(git, &request.directory, &now, &last)?;
        }
        Ok(Compared { now, last })
    }

    /// The published hashes, which csctl itself compares with; where they are not known, the files of the tag.
    fn find_last(
        &self,
        request: &DigestRequest,
        catalog: &Catalog,
    ) -> Result<LastRelease, HashesUnknown> {
        let tag = request.last.clone();
        let releases = &catalog.stack_releases;
        let published = releases.iter().find(|release| release.tag == tag);
        if let Some(hashes) = published.and_then(|release| release.csctl_hashes.clone()) {
            return Ok(LastRelease::of_hashes(tag, hashes));
        }
        let Some(git) = &self.git else {
            return Err(HashesUnknown::NoTag(tag.to_string()));
        };
        let files = git
            // In full, as a branch may have the same name.
            .digest_directory(&format!("refs/tags/{tag}"), &request.directory)
            .map_err(|error| HashesUnknown::Unreadable(error.to_string()))?;
        Ok(LastRelease::of_tag(tag, files))
    }

    fn digest(&self, directory: &str) -> Result<FileDigests, HashesUnknown> {
        let digested = match (&self.revision, &self.git) {
            (Some(revision), Some(git)) => git
                .digest_directory(revision, directory)
                .map_err(|error| error.to_string()),
            (_, _) => {
                digest_directory(&self.root.join(directory)).map_err(|error| error.to_string())
            }
        };
        digested.map_err(HashesUnknown::Unreadable)
    }
}

/// Refuses to compare files that git ignores with a tag, which cannot have them; csctl sees them all the same.
fn refuse_ignored(
    git: &GitRepository,
    directory: &str,
    now: &FileDigests,
    last: &LastRelease,
) -> Result<(), HashesUnknown> {
    let Some(tagged) = &last.files else {
        return Ok(());
    };
    let new = now
        .keys()
        .filter(|path| last.compares(path) && !tagged.contains_key(*path));
    for path in new {
        let full = if directory.is_empty() {
            path.clone()
        } else {
            format!("{directory}/{path}")
        };
        if git.is_ignored(&full) {
            return Err(HashesUnknown::IgnoredFile {
                path: full,
                tag: last.tag.to_string(),
            });
        }
    }
    Ok(())
}
