//! Which stacks a command is about: names and paths from the command line, or the directory it runs in.

use std::path::{Component, Path, PathBuf};

use super::Repository;
use crate::error::CommandError;
use crate::plan::Selection;
use crate::stack::Stack;

impl Repository {
    /// Turns paths into directories of the repository, and checks that every stack asked for exists.
    ///
    /// # Errors
    /// A name or a path selects no stack.
    pub fn select(&self, mut selection: Selection) -> Result<Selection, CommandError> {
        if selection.stacks.is_empty() {
            return Ok(selection);
        }
        let stacks = self.discovery.read(&self.tree);
        selection.stacks = selection
            .stacks
            .iter()
            .map(|wanted| self.resolve(wanted, &stacks))
            .collect::<Result<_, _>>()?;
        Ok(selection)
    }

    /// Selects as [`Self::select`] does, and without any name the stacks of the directory that the command runs in. One that has
    /// none, such as `docs`, selects all, as cargo does with packages.
    ///
    /// # Errors
    /// A name or a path selects no stack.
    pub(crate) fn select_here(&self, mut selection: Selection) -> Result<Selection, CommandError> {
        if selection.stacks.is_empty() && self.directory != self.root {
            let here = self.below_root(Path::new("."));
            let stacks = self.discovery.read(&self.tree);
            let selected = here.and_then(|path| directory_for(&path, &stacks));
            selection.stacks.extend(selected);
        }
        self.select(selection)
    }

    fn resolve(&self, wanted: &str, stacks: &[Stack]) -> Result<String, CommandError> {
        let by_name = Selection {
            stacks: vec![wanted.to_owned()],
            ..Selection::default()
        };
        // A name wins over a directory that is called the same.
        if !is_path(wanted) && stacks.iter().any(|stack| by_name.takes(stack)) {
            return Ok(wanted.to_owned());
        }
        let Some(path) = self.below_root(Path::new(wanted)) else {
            let message = format!("`{wanted}` is outside of the repository");
            let hint = format!("the repository is {}", self.root.display());
            return Err(CommandError::new(message).hinted(hint));
        };
        directory_for(&path, stacks).ok_or_else(|| {
            let titles: Vec<String> = stacks.iter().map(Stack::title).collect();
            let at = if is_path(wanted) { " at" } else { "" };
            CommandError::new(format!("no cluster stack{at} `{wanted}`"))
                .hinted(format!("there are {}", titles.join(", ")))
        })
    }

    /// Returns a path relative to the repository's root, empty for the root. A revision may have what the working tree lacks, so
    /// the path need not exist.
    fn below_root(&self, path: &Path) -> Option<String> {
        let named = self.directory.join(path);
        let found = named.canonicalize().unwrap_or_else(|_| normal(&named));
        let below = found.strip_prefix(&self.root).ok()?;
        Some(below.to_string_lossy().replace('\\', "/"))
    }
}

/// Tells whether a word can only be a path, never a name.
fn is_path(word: &str) -> bool {
    let first = Path::new(word).components().next();
    matches!(
        first,
        Some(Component::CurDir | Component::ParentDir | Component::RootDir | Component::Prefix(_))
    )
}

/// Takes `.` and `..` out of an absolute path.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            other => out.push(other),
        }
    }
    out
}

/// Returns the directory that selects what is at a path: itself where stacks are at or below it, else that of the stack it is in.
fn directory_for(path: &str, stacks: &[Stack]) -> Option<String> {
    let directories: Vec<&str> = stacks
        .iter()
        .flat_map(|stack| {
            let trees = stack.trees.iter().map(|tree| tree.directory.as_str());
            trees.chain([stack.directory.as_str()])
        })
        .collect();
    if directories
        .iter()
        .any(|directory| is_at_or_below(directory, path))
    {
        return Some(path.to_owned());
    }
    directories
        .into_iter()
        .filter(|directory| is_at_or_below(path, directory))
        // The innermost one, where stacks lie in each other.
        .max_by_key(|directory| directory.len())
        .map(str::to_owned)
}

fn is_at_or_below(path: &str, directory: &str) -> bool {
    directory.is_empty()
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
