//! The files of a repository as values: paths with their texts. It does not know whether they came from a working directory
//! or from a git revision.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The files of a repository: paths relative to its root, with slashes.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    files: BTreeMap<String, Content>,
    /// Directories that could not be looked into; each has an entry among the files, too.
    closed: BTreeSet<String>,
}

/// What is known of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Its text.
    Text(Arc<str>),
    /// It is there and was not read, being of no interest.
    Unread,
    /// It is of interest and could not be read; the phrase says why.
    Unreadable(String),
}

impl Tree {
    /// Adds a file.
    pub fn insert(&mut self, path: impl Into<String>, content: Content) {
        self.files.insert(path.into(), content);
    }

    /// Adds a directory that could not be looked into; the phrase says why.
    pub(crate) fn insert_closed(&mut self, path: impl Into<String>, reason: String) {
        let directory = path.into();
        self.closed.insert(directory.clone());
        self.insert(directory, Content::Unreadable(reason));
    }

    /// Forgets what was read of the files that these are: they are there, and state nothing.
    pub(crate) fn set_aside(&mut self, is_meant: impl Fn(&str) -> bool) {
        for (path, content) in &mut self.files {
            if is_meant(path) {
                *content = Content::Unread;
            }
        }
        self.closed.retain(|path| !is_meant(path));
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &str) {
        self.files.remove(path);
        self.closed.remove(path);
    }

    /// Returns the directories that could not be looked into, each with the reason.
    pub fn closed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.closed
            .iter()
            .filter_map(|path| match self.files.get(path)? {
                Content::Unreadable(reason) => Some((path.as_str(), reason.as_str())),
                Content::Text(_) | Content::Unread => None,
            })
    }

    /// Returns all files in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Content)> {
        self.files
            .iter()
            .map(|(path, content)| (path.as_str(), content))
    }

    /// Returns the files below a directory; the empty path is the root.
    pub(crate) fn files_below<'t>(
        &'t self,
        directory: &str,
    ) -> impl Iterator<Item = (&'t str, &'t Content)> + use<'t> {
        let prefix = if directory.is_empty() {
            String::new()
        } else {
            // With the slash, else the files of `scs2` would be below `scs`.
            format!("{directory}/")
        };
        let from = self.files.range(prefix.clone()..);
        from.take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, content)| (path.as_str(), content))
    }

    /// Finds a file.
    pub fn find(&self, path: &str) -> Option<&Content> {
        self.files.get(path)
    }
}

/// Tells whether a path is below a directory; everything is below the root.
pub(super) fn is_below(path: &str, directory: &str) -> bool {
    directory.is_empty()
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Returns the directory that a path is in; nothing for the root.
pub(crate) fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// Tells from its path whether a file can state facts of the matrix, so that a reader can leave the others alone.
pub(crate) fn is_of_interest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let yaml = has_ending(name, "yaml") || has_ending(name, "yml");
    // Helm keeps copies of other people's charts in `charts`.
    if has_folder(path, "charts") || path.starts_with(".github/") || name.starts_with('.') {
        return false;
    }
    if has_folder(path, "cluster-addon") {
        return name == "Chart.yaml" || name == "Chart.lock";
    }
    if has_folder(path, "cluster-class") {
        return yaml || has_ending(name, "tpl");
    }
    (yaml && !is_never_of_interest(name)) || name == "README.md"
}

/// Tells from its path whether files that can state facts may be in a directory.
pub(crate) fn is_directory_of_interest(path: &str) -> bool {
    // A Chart.yaml is of interest wherever any file is.
    is_of_interest(&format!("{path}/Chart.yaml"))
}

fn is_never_of_interest(name: &str) -> bool {
    matches!(
        name,
        "clusteraddon.yaml" | "cluster-addon-values.yaml" | "overwrite.yaml"
    )
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, found)| found == ending)
}

/// Tells whether a path is below a folder of this name.
pub(super) fn has_folder(path: &str, folder: &str) -> bool {
    path.split('/').rev().skip(1).any(|part| part == folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_below_are_those_of_the_directory_alone() {
        let mut tree = Tree::default();
        for path in [
            "a/scs/csctl.yaml",
            "a/scs/x/y.yaml",
            "a/scs2/csctl.yaml",
            "b",
        ] {
            tree.insert(path, Content::Unread);
        }
        let below: Vec<&str> = tree.files_below("a/scs").map(|(path, _)| path).collect();
        assert_eq!(below, ["a/scs/csctl.yaml", "a/scs/x/y.yaml"]);
        assert_eq!(tree.files_below("").count(), 4);
    }

    #[test]
    fn a_closed_directory_is_one_as_long_as_it_is_there() {
        let mut tree = Tree::default();
        tree.insert_closed("a/b", "no permission".to_owned());
        assert_eq!(tree.closed().next(), Some(("a/b", "no permission")));
        assert_eq!(tree.files_below("a").count(), 1);
        tree.remove("a/b");
        assert_eq!((tree.closed().count(), tree.files().count()), (0, 0));
        assert!(is_directory_of_interest("a/cluster-addon"));
        assert!(!is_directory_of_interest("a/cluster-addon/ccm/charts"));
    }

    #[test]
    fn only_files_that_can_matter_are_read() {
        for path in [
            "p/csctl.yaml",
            "p/node-images/config.yaml",
            "p/cluster-addon/ccm/Chart.yaml",
            "p/README.md",
        ] {
            assert!(is_of_interest(path), "{path}");
        }
        for path in [
            "p/cluster-addon/ccm/values.yaml",
            "p/cluster-addon/charts/x/Chart.yaml",
            "p/clusteraddon.yaml",
            "p/a.tgz",
            "p/.yamllint.yaml",
        ] {
            assert!(!is_of_interest(path), "{path}");
        }
    }
}
