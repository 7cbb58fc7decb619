//! Finds the cluster stacks of a tree and reads what their files say. A file that cannot be read is a fault of its stack;
//! the other stacks are read all the same.

mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::addon::MinorBoundCharts;
use super::configured::{ConfiguredReference, ConfiguredReferences, Unmet, UnmetReason};
use super::facts::Fault;
use super::identity::Identity;
use super::learn;
use super::model::Stack;
use super::provider::{self, Mark};
use super::sharing::Sharing;
use super::source::SourceFile;
use super::tree::{Content, Tree, is_below};
use crate::config::ImageStoreConfig;
pub(crate) use reading::KnownFiles;
use reading::{StackReader, UNREADABLE_HINT};

/// The cluster stacks of a tree. Their files are read when a stack is asked for: in a large repository each time, so that a
/// stack at a time is held; in a small one once.
#[derive(Debug)]
pub struct Discovery {
    places: Vec<StackPlace>,
    configured: Configured,
    hints: Hints,
    sharing: Sharing,
    /// Directories outside of all stacks that could not be looked into.
    closed: Vec<Fault>,
}

/// What the configuration says of a repository's files.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// The references that users add.
    pub references: ConfiguredReferences,
    /// The image store, where the stacks' own URLs are not to say it.
    pub image_store: ImageStoreConfig,
    /// The addon charts that belong to a Kubernetes minor.
    pub charts: MinorBoundCharts,
}

/// Where the files of configured references are.
#[derive(Debug, Clone, Default)]
struct Configured {
    /// Files that no stack's directory holds, with the indices of their entries.
    outside: Vec<(String, usize)>,
    /// Entries without a file.
    without_file: Vec<usize>,
    /// Whether the repository has one stack, to which every file belongs.
    is_one_stack: bool,
}

/// Where one cluster stack is.
#[derive(Debug)]
struct StackPlace {
    directory: String,
    source_trees: Vec<String>,
    /// Where it says what it is.
    identity: &'static Identity,
    /// Files below it that have configured references, with the indices of their entries.
    configured: Vec<(String, usize)>,
    read: OnceLock<Stack>,
}

/// A repository of more stacks is a large one.
const SMALL: usize = 64;

impl StackPlace {
    fn new(directory: &str, identity: &'static Identity) -> Self {
        Self {
            directory: directory.to_owned(),
            source_trees: Vec::new(),
            identity,
            configured: Vec::new(),
            read: OnceLock::new(),
        }
    }
}

impl Discovery {
    /// Tells whether the tree has no cluster stack.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns what kept stacks from being found: directories outside of those that were, which could not be looked into.
    pub fn closed(&self) -> &[Fault] {
        &self.closed
    }

    /// Reads every stack, hands it to a function and returns the results in the order of the stacks' directories. The tree
    /// must be the one the stacks were found in.
    pub fn map<R: Send>(&self, tree: &Tree, function: impl Fn(&Stack) -> R + Sync) -> Vec<R> {
        crate::parallel::map(&self.places, 2, |place| {
            if self.places.len() <= SMALL {
                let read = place
                    .read
                    .get_or_init(|| self.read_place(tree, &KnownFiles::new(), place));
                function(read)
            } else {
                function(&self.read_place(tree, &KnownFiles::new(), place))
            }
        })
    }

    /// Reads every stack.
    pub fn read(&self, tree: &Tree) -> Vec<Stack> {
        crate::parallel::map(&self.places, 2, |place| {
            self.read_place(tree, &KnownFiles::new(), place)
        })
    }

    /// Finds the cluster stacks of the same repository in another state of it.
    #[must_use]
    pub fn again(&self, tree: &Tree) -> Self {
        let mut again = discover_sharing(tree, &self.hints, self.sharing.clone());
        // A plan reads the texts of one stack alone again, which do not say how many the repository has.
        again.configured.is_one_stack = self.configured.is_one_stack;
        again
    }

    /// Keeps the stacks of these directories alone.
    #[must_use]
    pub(crate) fn limited_to(mut self, directories: &BTreeSet<&str>) -> Self {
        self.places
            .retain(|place| directories.contains(place.directory.as_str()));
        self
    }

    /// Reads one stack again after changes; a file whose text is that of a known one is not read again.
    pub(crate) fn read_again(
        &self,
        tree: &Tree,
        directory: &str,
        known: &KnownFiles,
    ) -> Option<Stack> {
        let again = self.again(tree);
        let mut places = again.places.iter();
        let place = places.find(|place| place.directory == directory)?;
        Some(again.read_place(tree, known, place))
    }

    /// Returns the configured references that have no file, or none that is known to be of a stack. They are said of the stack they
    /// name, else of the first.
    pub(crate) fn unmatched(&self, stack: &Stack) -> Vec<Unmet> {
        let first = self.places.first();
        let is_first = first.is_some_and(|place| place.directory == stack.directory);
        let mut unmet = Vec::new();
        for index in &self.configured.without_file {
            let reference = &self.hints.references.all()[*index];
            let is_meant = if reference.names_stack() {
                reference.is_of(&stack.title(), &stack.directory)
            } else {
                is_first
            };
            if is_meant {
                unmet.push(reference.unmet(UnmetReason::NoFile));
            }
        }
        if !is_first || self.configured.is_one_stack {
            return unmet;
        }
        for (path, index) in &self.configured.outside {
            let reference = &self.hints.references.all()[*index];
            if !reference.names_stack() {
                let path = path.clone();
                unmet.push(reference.unmet(UnmetReason::OutsideStacks { path }));
            }
        }
        unmet
    }

    fn read_place(&self, tree: &Tree, known: &KnownFiles, place: &StackPlace) -> Stack {
        let reader = StackReader {
            tree,
            known,
            sharing: &self.sharing,
            identity: place.identity,
        };
        let mut stack = reader.read(&place.directory, &place.source_trees);
        if !self.hints.references.is_empty() {
            self.attach(tree, place, &mut stack);
        }
        learn::claim(&mut stack, &self.hints.image_store, &self.sharing.names);
        stack
    }

    /// Gives the files of a stack their configured references; files that no kind claims come in with them.
    fn attach(&self, tree: &Tree, place: &StackPlace, stack: &mut Stack) {
        let references = self.hints.references.all();
        let is_one_stack = self.configured.is_one_stack;
        let outside = self
            .configured
            .outside
            .iter()
            .filter(|(_, index)| is_one_stack || references[*index].names_stack());
        let mut files: BTreeMap<&str, Vec<Arc<ConfiguredReference>>> = BTreeMap::new();
        for (path, index) in place.configured.iter().chain(outside) {
            let reference = &references[*index];
            if reference.is_of(&stack.title(), &stack.directory) {
                files.entry(path).or_default().push(Arc::clone(reference));
            }
        }
        for (path, references) in files {
            // What is wrong with the file has been told already.
            if stack.faults.iter().any(|fault| fault.file == path) {
                continue;
            }
            let text = match tree.find(path) {
                Some(Content::Text(text)) => text,
                Some(Content::Unreadable(reason)) => {
                    let fault = Fault::new(path, None, reason.clone(), UNREADABLE_HINT);
                    stack.faults.push(fault);
                    continue;
                }
                Some(Content::Unread) | None => continue,
            };
            let file = ConfiguredFile {
                path,
                text,
                references,
            };
            if let Err(fault) = self.configure(stack, place.identity, file) {
                stack.faults.push(fault);
            }
        }
    }

    /// Gives a file of a stack its configured references; one that no kind claims comes in with them.
    fn configure(
        &self,
        stack: &mut Stack,
        identity: &Identity,
        file: ConfiguredFile<'_>,
    ) -> Result<(), Fault> {
        let ConfiguredFile {
            path,
            text,
            references,
        } = file;
        let base = &stack.directory;
        let mut trees = stack.trees.iter_mut();
        let own = trees.find(|tree| identity.belongs(path, &tree.directory, base));
        let files = own.map_or(&mut stack.shared, |tree| &mut tree.files);
        match files.iter().position(|file| file.path() == path) {
            Some(place) if files[place].configured() == references => {}
            Some(place) => files[place] = Arc::new(files[place].with_configured(references)?),
            None => {
                let read = SourceFile::read_configured(path, text, &self.sharing, references)?;
                files.push(Arc::new(read));
                files.sort_by(|a, b| a.path().cmp(b.path()));
            }
        }
        Ok(())
    }
}

/// A file with the references that the configuration has in it.
struct ConfiguredFile<'f> {
    path: &'f str,
    text: &'f Arc<str>,
    references: Vec<Arc<ConfiguredReference>>,
}

/// Finds the cluster stacks of a tree.
pub fn discover(tree: &Tree) -> Discovery {
    discover_with(tree, &Hints::default())
}

/// Finds the cluster stacks of a tree of which the configuration says something.
pub(crate) fn discover_with(tree: &Tree, hints: &Hints) -> Discovery {
    discover_sharing(tree, hints, Sharing::new(&hints.charts))
}

fn discover_sharing(tree: &Tree, hints: &Hints, sharing: Sharing) -> Discovery {
    let mut by_directory: BTreeMap<&str, StackPlace> = BTreeMap::new();
    for (path, content) in tree.files() {
        let Some(Mark {
            source_tree,
            identity,
        }) = mark_of(path, content)
        else {
            continue;
        };
        let directory = identity.stack_directory(source_tree);
        let place = by_directory
            .entry(directory)
            .or_insert_with(|| StackPlace::new(directory, identity));
        // Several files may mark one source tree.
        if !place.source_trees.iter().any(|known| known == source_tree) {
            place.source_trees.push(source_tree.to_owned());
        }
    }
    let mut places: Vec<StackPlace> = by_directory.into_values().collect();
    let configured = find_configured(tree, &hints.references, &mut places);
    let closed = tree
        .closed()
        // One below a stack stands among its files too, and is a fault of that stack.
        .filter(|(path, _)| !places.iter().any(|place| is_below(path, &place.directory)))
        .map(|(path, reason)| Fault::new(path, None, reason, CLOSED_HINT))
        .collect();
    Discovery {
        closed,
        places,
        configured,
        hints: hints.clone(),
        sharing,
    }
}

const CLOSED_HINT: &str = "give permission to read it, or let git ignore it";

/// Adds files to a tree that git has and that a sparse checkout leaves out, each with what to say of it. Stacks of which nothing
/// is checked out stay out; returns their directories.
pub(crate) fn add_left_out(tree: &mut Tree, left_out: Vec<(String, String)>) -> Vec<String> {
    // In a copy: which stacks are absent is known only when all of their files are there.
    let mut whole = tree.clone();
    for (path, reason) in &left_out {
        whole.insert(path, Content::Unreadable(reason.clone()));
    }
    let mut places = discover(&whole).places;
    places.retain(|place| tree.files_below(&place.directory).next().is_none());
    let absent: Vec<String> = places.into_iter().map(|place| place.directory).collect();
    for (path, reason) in left_out {
        if !absent.iter().any(|directory| is_below(&path, directory)) {
            tree.insert(path, Content::Unreadable(reason));
        }
    }
    absent
}

/// Finds the files of configured references, and the stacks whose directories they are in.
fn find_configured(
    tree: &Tree,
    references: &ConfiguredReferences,
    places: &mut [StackPlace],
) -> Configured {
    let mut configured = Configured {
        is_one_stack: places.len() == 1,
        ..Configured::default()
    };
    for (index, reference) in references.all().iter().enumerate() {
        let mut has_file = false;
        for (path, _) in tree.files().filter(|(path, _)| reference.takes(path)) {
            has_file = true;
            let around = places
                .iter_mut()
                .filter(|place| is_below(path, &place.directory));
            // A stack may lie in the directory of another one: the innermost has the file.
            match around.max_by_key(|place| place.directory.len()) {
                Some(place) => place.configured.push((path.to_owned(), index)),
                None => configured.outside.push((path.to_owned(), index)),
            }
        }
        if !has_file {
            configured.without_file.push(index);
        }
    }
    configured
}

/// Finds the source tree that a file marks.
fn mark_of<'p>(path: &'p str, content: &Content) -> Option<Mark<'p>> {
    match content {
        Content::Text(text) => provider::find_mark(path, Some(text)),
        Content::Unreadable(_) => provider::find_mark(path, None),
        // A file that was taken out of the repository says nothing of it.
        Content::Unread => None,
    }
}
