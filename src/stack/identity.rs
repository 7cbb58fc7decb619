//! Where cluster stacks say what they are: the files that make a directory a source tree, and what directories are named after. It
//! reads names alone; what files state goes before.

use super::kinds::{CSCTL_MARKS, FileKind};
use super::tree::is_below;
use crate::version::Minor;

/// Where the stacks of a provider say what they are.
#[derive(Debug)]
pub(super) struct Identity {
    /// The kinds of files that make a directory a source tree, and say which stack and minor it is of. The first is the one that
    /// has to.
    pub(super) marks: &'static [&'static dyn FileKind],
    /// Reads the directory of a stack whose files do not name it.
    pub(super) read_names: fn(&str) -> Option<DirectoryNames<'_>>,
    /// Reads the name of a source tree's directory. One that is named after a minor stands in the directory of its stack.
    pub(super) read_minor: fn(&str) -> Option<Minor>,
    /// What to do where no file states the Kubernetes version.
    pub(super) version_hint: &'static str,
}

/// What a stack's directory is named after.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DirectoryNames<'p> {
    pub(super) provider: &'p str,
    pub(super) stack: &'p str,
}

/// csctl's repositories: `providers/openstack/scs2`, or `providers/openstack/scs2/1-34`.
pub(super) static CSCTL: Identity = Identity {
    marks: &CSCTL_MARKS,
    read_names: names_in_path,
    read_minor: dashed_minor,
    version_hint: "set config.kubernetesVersion to a version such as v1.34.7",
};

impl Identity {
    /// Returns the kind of the file that has to say what a source tree is.
    pub(super) fn own_kind(&self) -> &'static dyn FileKind {
        self.marks[0]
    }

    /// Returns the directory of the stack that a source tree belongs to: the one above a directory named after a minor.
    pub(super) fn stack_directory<'p>(&self, source_tree: &'p str) -> &'p str {
        let (above, name) = source_tree.rsplit_once('/').unwrap_or(("", source_tree));
        if (self.read_minor)(name).is_some() {
            above
        } else {
            source_tree
        }
    }

    /// Tells whether a file is one of a source tree. One in the directory of the stack itself does not own the source trees below it.
    pub(super) fn belongs(&self, path: &str, source_tree: &str, stack: &str) -> bool {
        if !is_below(path, source_tree) || source_tree != stack {
            return is_below(path, source_tree);
        }
        let place = path[source_tree.len()..].trim_start_matches('/');
        let first = place.split('/').next().unwrap_or_default();
        (self.read_minor)(first).is_none()
    }
}

fn names_in_path(directory: &str) -> Option<DirectoryNames<'_>> {
    let (above, stack) = directory.rsplit_once('/')?;
    let provider = above.rsplit('/').next()?;
    Some(DirectoryNames { provider, stack })
}

/// Reads `1-34`. `1.34` and `134` are names of other things.
fn dashed_minor(name: &str) -> Option<Minor> {
    name.parse().ok().filter(|_| name.contains('-'))
}
