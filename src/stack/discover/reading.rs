//! Reads one cluster stack: its files, what its source trees are, and how it is laid out.

use std::collections::HashMap;
use std::sync::Arc;

use crate::stack::addon::MinorBoundCharts;
use crate::stack::document::names_a_version;
use crate::stack::facts::{Fact, Fault, FaultKind, Reference};
use crate::stack::identity::{DirectoryNames, Identity};
use crate::stack::layout::Layout;
use crate::stack::model::{SourceTree, Stack};
use crate::stack::provider;
use crate::stack::role::Role;
use crate::stack::series::SeriesSet;
use crate::stack::source::SourceFile;
use crate::stack::tree::{Content, Tree};
use crate::version::{KubernetesVersion, Minor};

/// Files that were read before, by path.
pub(crate) type Known = HashMap<String, Arc<SourceFile>>;

pub(super) const UNREADABLE_HINT: &str = "make it readable, as a text file or directory of its own";

/// Where texts come from: a tree, and what is known of it.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) tree: &'s Tree,
    pub(super) known: &'s Known,
    pub(super) charts: &'s MinorBoundCharts,
    /// Where the stack says what it is.
    pub(super) identity: &'static Identity,
}

/// Reads the stack in a directory from its source trees.
pub(super) fn read_stack(source: Source<'_>, base: &str, source_trees: &[String]) -> Stack {
    let mut troubles = Troubles::default();
    let mut trees: Vec<SourceTree> = source_trees
        .iter()
        .map(|directory| read_source_tree(source, base, directory, &mut troubles))
        .collect();
    trees.sort_by_key(|tree| tree.minor);
    let per_minor = source_trees.iter().any(|directory| directory != base);
    let shared = if per_minor {
        read_shared(source, base, &mut troubles)
    } else {
        Vec::new()
    };
    Stack {
        directory: base.to_owned(),
        layout: layout_of(&trees, per_minor),
        trees,
        shared,
        series: SeriesSet::default(),
        faults: troubles.faults,
        notes: troubles.notes,
        charts: source.charts.clone(),
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

fn layout_of(trees: &[SourceTree], per_minor: bool) -> Layout {
    if per_minor && has(trees, Role::StackFile) {
        Layout::StackFilePerMinor
    } else if per_minor {
        Layout::DirectoryPerMinor
    } else if !has(trees, Role::MinorList) {
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

/// Reads the files directly in the stack's directory, beside its source trees.
fn read_shared(source: Source<'_>, base: &str, troubles: &mut Troubles) -> Vec<Arc<SourceFile>> {
    let prefix = if base.is_empty() { 0 } else { base.len() + 1 };
    let beside = source
        .tree
        .files_below(base)
        .filter(|(path, _)| !path[prefix..].contains('/'));
    beside
        .filter_map(|(path, content)| read_file(path, &path[prefix..], content, source, troubles))
        .collect()
}

fn read_file(
    path: &str,
    place: &str,
    content: &Content,
    source: Source<'_>,
    troubles: &mut Troubles,
) -> Option<Arc<SourceFile>> {
    match content {
        Content::Unread => None,
        Content::Unreadable(reason) => {
            let fault = Fault::new(path, None, reason.clone(), UNREADABLE_HINT);
            troubles.faults.push(fault.of(provider::role_at(place)));
            None
        }
        Content::Text(text) => match source.known.get(path) {
            Some(file) if file.text() == text => Some(Arc::clone(file)),
            Some(_) | None => match SourceFile::read(path, place, text, source.charts) {
                Ok(file) => file.map(Arc::new),
                Err(fault) => {
                    troubles.add(fault, text);
                    None
                }
            },
        },
    }
}

fn read_source_tree(
    source: Source<'_>,
    base: &str,
    directory: &str,
    troubles: &mut Troubles,
) -> SourceTree {
    let known_faults = troubles.faults.len();
    let mut files = Vec::new();
    for (path, content) in source.tree.files_below(directory) {
        if source.identity.belongs(path, directory, base) {
            let place = path[directory.len()..].trim_start_matches('/');
            files.extend(read_file(path, place, content, source, troubles));
        }
    }
    let is_unread = troubles.faults[known_faults..]
        .iter()
        .any(Fault::hides_stack);
    let mut tree = tree_of(source.identity, base, directory, files);
    tree.is_torn |= is_unread;
    troubles.faults.extend(check_names(source.identity, &tree));
    if tree.minor.is_none() && !is_unread {
        let message = "no Kubernetes version is stated";
        let own = own_file(source.identity, &tree);
        let fault = Fault::new(&own, None, message, source.identity.version_hint);
        let role = source.identity.own_kind().role();
        troubles.faults.push(fault.of(role));
    }
    tree
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
    let mut stated = own.chain(references);
    let stated = stated.find_map(|reference| stated_default(reference));
    stated.or_else(|| {
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
