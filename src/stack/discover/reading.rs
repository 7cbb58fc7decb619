//! Reads one cluster stack: its files, what its source trees are, and how it is laid out.

use std::collections::HashMap;
use std::sync::Arc;

use crate::stack::document::names_a_version;
use crate::stack::facts::{Fact, Fault, FaultKind, Reference};
use crate::stack::identity::{DirectoryNames, Identity};
use crate::stack::layout::Layout;
use crate::stack::model::{SourceTree, Stack};
use crate::stack::provider;
use crate::stack::role::Role;
use crate::stack::series::SeriesSet;
use crate::stack::sharing::Sharing;
use crate::stack::source::SourceFile;
use crate::stack::tree::{Content, Tree};
use crate::version::{KubernetesVersion, Minor};

/// Files that were read before, by path.
pub(crate) type KnownFiles = HashMap<String, Arc<SourceFile>>;

pub(super) const UNREADABLE_HINT: &str = "make it readable, as a text file or directory of its own";

/// Reads stacks of a tree, each from the texts of its directory.
#[derive(Clone, Copy)]
pub(super) struct StackReader<'s> {
    pub(super) tree: &'s Tree,
    pub(super) known: &'s KnownFiles,
    pub(super) sharing: &'s Sharing,
    /// Where the stack says what it is.
    pub(super) identity: &'static Identity,
}

impl StackReader<'_> {
    /// Reads the stack in a directory from its source trees.
    pub(super) fn read(self, base: &str, source_trees: &[String]) -> Stack {
        let mut troubles = Troubles::default();
        let mut trees: Vec<SourceTree> = source_trees
            .iter()
            .map(|directory| self.source_tree(base, directory, &mut troubles))
            .collect();
        trees.sort_by_key(|tree| tree.minor);
        let has_tree_per_minor = source_trees.iter().any(|directory| directory != base);
        let (layout, shared) = if has_tree_per_minor {
            (
                layout_per_minor(&trees),
                self.shared_files(base, &mut troubles),
            )
        } else {
            // Where the one tree is the stack's directory, all files there are the tree's own.
            (layout_of_one(&trees), Vec::new())
        };
        Stack {
            directory: base.to_owned(),
            layout,
            trees,
            shared,
            series: SeriesSet::default(),
            faults: troubles.faults,
            notes: troubles.notes,
            charts: self.sharing.commons.charts.clone(),
        }
    }

    /// Reads the files directly in the stack's directory, beside its source trees.
    fn shared_files(self, base: &str, troubles: &mut Troubles) -> Vec<Arc<SourceFile>> {
        let prefix = if base.is_empty() { 0 } else { base.len() + 1 };
        let beside = self
            .tree
            .files_below(base)
            .filter(|(path, _)| !path[prefix..].contains('/'));
        beside
            .filter_map(|(path, content)| self.file(path, &path[prefix..], content, troubles))
            .collect()
    }

    fn file(
        self,
        path: &str,
        place: &str,
        content: &Content,
        troubles: &mut Troubles,
    ) -> Option<Arc<SourceFile>> {
        match content {
            Content::Unread => None,
            Content::Unreadable(reason) => {
                let fault = Fault::new(path, None, reason.clone(), UNREADABLE_HINT);
                troubles.faults.push(fault.of(provider::role_at(place)));
                None
            }
            Content::Text(text) => match self.known.get(path) {
                Some(file) if file.text() == text => Some(Arc::clone(file)),
                Some(_) | None => match SourceFile::read(path, place, text, self.sharing) {
                    Ok(file) => file.map(Arc::new),
                    Err(fault) => {
                        troubles.add(fault, text);
                        None
                    }
                },
            },
        }
    }

    fn source_tree(self, base: &str, directory: &str, troubles: &mut Troubles) -> SourceTree {
        let known_faults = troubles.faults.len();
        let mut files = Vec::new();
        for (path, content) in self.tree.files_below(directory) {
            if self.identity.belongs(path, directory, base) {
                let place = path[directory.len()..].trim_start_matches('/');
                files.extend(self.file(path, place, content, troubles));
            }
        }
        let mut tree = tree_of(self.identity, base, directory, files);
        let is_unread = troubles.faults[known_faults..]
            .iter()
            .any(Fault::hides_stack);
        troubles.faults.extend(check_names(self.identity, &tree));
        // The file that cannot be read may state the version.
        if tree.minor.is_none() && !is_unread {
            let message = "no Kubernetes version is stated";
            let own = own_file(self.identity, &tree);
            let fault = Fault::new(&own, None, message, self.identity.version_hint);
            let role = self.identity.own_kind().role();
            troubles.faults.push(fault.of(role));
        }
        tree.is_torn |= is_unread;
        tree
    }
}

/// What went wrong while files were read.
#[derive(Default)]
struct Troubles {
    faults: Vec<Fault>,
    notes: Vec<Fault>,
}

impl Troubles {
    /// Adds the fault of a file: a template that cannot say anything of the matrix is a note.
    fn add(&mut self, fault: Fault, text: &str) {
        let is_template = fault.file.contains("/templates/");
        if !is_template || names_a_version(text) {
            self.faults.push(fault);
        } else {
            self.notes.push(fault);
        }
    }
}

fn layout_per_minor(trees: &[SourceTree]) -> Layout {
    if has(trees, Role::StackFile) {
        Layout::StackFilePerMinor
    } else {
        Layout::DirectoryPerMinor
    }
}

fn layout_of_one(trees: &[SourceTree]) -> Layout {
    if !has(trees, Role::MinorList) {
        Layout::Single
    } else if has(trees, Role::CloudImages) {
        Layout::OneTreeWithImageList
    } else {
        Layout::OneTree
    }
}

fn has(trees: &[SourceTree], role: Role) -> bool {
    let mut trees = trees.iter();
    trees.any(|tree| tree.files_for(role).next().is_some())
}

/// Returns the source tree that files make; its directory says what they do not.
fn tree_of(
    identity: &Identity,
    base: &str,
    directory: &str,
    files: Vec<Arc<SourceFile>>,
) -> SourceTree {
    let references = references_of(&files);
    let unnamed = DirectoryNames {
        provider: "",
        stack: base,
    };
    let by_directory = (identity.read_names)(base).unwrap_or(unnamed);
    let default = default_of(&references);
    let named = directory.rsplit('/').next().unwrap_or_default();
    let minor = (identity.read_minor)(named)
        .or(default.map(KubernetesVersion::minor))
        .or_else(|| {
            references
                .iter()
                .find_map(|reference| stated_minor(reference))
        });
    SourceTree {
        directory: directory.to_owned(),
        provider: stated(&references, &Fact::Provider)
            .unwrap_or(by_directory.provider)
            .to_owned(),
        name: stated(&references, &Fact::StackName)
            .unwrap_or(by_directory.stack)
            .to_owned(),
        minor,
        // A version of another minor is a mistake in one of the two, and no default.
        default: default.filter(|version| Some(version.minor()) == minor),
        is_torn: minor.is_none(),
        files,
    }
}

fn references_of(files: &[Arc<SourceFile>]) -> Vec<&Reference> {
    files.iter().flat_map(|file| file.references()).collect()
}

fn stated<'s>(references: &[&'s Reference], fact: &Fact) -> Option<&'s str> {
    let mut references = references.iter();
    let found = references.find(|reference| reference.fact == *fact)?;
    Some(found.value.as_str())
}

fn stated_minor(reference: &Reference) -> Option<Minor> {
    match reference.fact {
        Fact::KubernetesMinor { minor } => Some(minor),
        _ => None,
    }
}

/// Returns the file that says, or should say, what a source tree is.
fn own_file(identity: &Identity, source: &SourceTree) -> String {
    let place = identity.own_kind().place().unwrap_or_default();
    match source.directory.as_str() {
        "" => place.to_owned(),
        directory => format!("{directory}/{place}"),
    }
}

/// The default version: what csctl.yaml or stack.yaml says in full, else another file, else the version of the default's image.
fn default_of(references: &[&Reference]) -> Option<KubernetesVersion> {
    // Other files may have been forgotten.
    let own = references
        .iter()
        .filter(|reference| reference.role.names_stack());
    own.chain(references)
        .find_map(|reference| stated_default(reference))
        .or_else(|| {
            references
                .iter()
                .find_map(|reference| image_version(reference))
        })
}

fn image_version(reference: &Reference) -> Option<KubernetesVersion> {
    match &reference.fact {
        Fact::ImageName { version } => Some(*version),
        Fact::Image(image) => Some(image.version),
        _ => None,
    }
}

fn stated_default(reference: &Reference) -> Option<KubernetesVersion> {
    match &reference.fact {
        Fact::Kubernetes { version } => Some(*version),
        _ => None,
    }
}

/// The operator splits release tags at dashes, and reads none of a stack whose names have some.
fn check_names(identity: &Identity, source: &SourceTree) -> Option<Fault> {
    for (what, name, fact) in [
        ("provider", &source.provider, Fact::Provider),
        ("cluster stack", &source.name, Fact::StackName),
    ] {
        if name.contains('-') {
            let message = format!(
                "the {what}'s name `{name}` contains a dash; the operator could not read its release tags"
            );
            let stated = source.references().find(|reference| reference.fact == fact);
            let own = own_file(identity, source);
            let file = stated.map_or(&own, |reference| &reference.file);
            let line = stated.map(|reference| reference.line);
            let role = stated.map_or(identity.own_kind().role(), |reference| reference.role);
            return Some(Fault {
                kind: FaultKind::Name,
                role: Some(role),
                ..Fault::new(file, line, message, "choose a name without dashes")
            });
        }
    }
    None
}
