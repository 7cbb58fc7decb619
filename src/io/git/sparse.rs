//! Files that git has and that a sparse checkout leaves out of the working directory. A file that is gone otherwise was deleted.
#![expect(
    clippy::disallowed_types,
    reason = "the index is looked at here, on the io floor"
)]

use std::fs::File;
use std::io::Read;
use std::path::Path;

use git2::IndexEntryExtendedFlag;

use super::{GitError, GitRepository};
use crate::stack::{Tree, is_of_interest};

impl GitRepository {
    /// Returns the files that can matter, that git has, and that a sparse checkout leaves out of the working directory, each with
    /// what to say of it.
    pub fn left_out(&self, root: &Path, tree: &Tree) -> Result<Vec<(String, String)>, GitError> {
        if !self.may_leave_out() {
            return Ok(Vec::new());
        }
        let index = self.repository.index()?;
        let mut left_out = Vec::new();
        for entry in index.iter() {
            let flags = IndexEntryExtendedFlag::from_bits_truncate(entry.flags_extended);
            let full = String::from_utf8_lossy(&entry.path);
            let Some(path) = self.path_below(&full) else {
                continue;
            };
            let is_hidden = path
                .rsplit_once('/')
                .is_some_and(|(above, _)| above.split('/').any(|part| part.starts_with('.')));
            if flags.is_skip_worktree()
                && !is_hidden
                && is_of_interest(path)
                && tree.find(path).is_none()
                // It may lie there although the index leaves it out.
                && root.join(path).symlink_metadata().is_err()
            {
                left_out.push((path.to_owned(), self.how_to_check_out(&full)));
            }
        }
        Ok(left_out)
    }

    /// Tells whether the index may say so of any file: only its later forms have a place for it. Most repositories have the
    /// form before, and theirs is not read.
    fn may_leave_out(&self) -> bool {
        // An index begins with `DIRC` and the number of its form, in four bytes each.
        let mut beginning = [0; 8];
        let read = File::open(self.repository.path().join("index"))
            .and_then(|mut file| file.read_exact(&mut beginning));
        let [.., version] = beginning;
        read.is_ok() && version > 2
    }

    fn is_set(&self, key: &str) -> bool {
        let config = self.repository.config();
        config.is_ok_and(|config| config.get_bool(key).unwrap_or(false))
    }

    /// Says that a file is left out, and how to get it.
    fn how_to_check_out(&self, full: &str) -> String {
        if !self.is_set("core.sparseCheckout") {
            return format!(
                "git tracks it and skip-worktree leaves it out: git update-index --no-skip-worktree {full}, then git checkout -- \
                 {full}"
            );
        }
        // In its usual mode git takes directories alone.
        let wanted = match full.rsplit_once('/') {
            Some((above, _)) if self.is_set("core.sparseCheckoutCone") => above,
            Some(_) | None => full,
        };
        format!(
            "git tracks it and the sparse checkout leaves it out: git sparse-checkout add {wanted}"
        )
    }
}
