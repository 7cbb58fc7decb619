//! Finds the cluster stacks of a tree and reads what their files say. A file that cannot be read is a fault of its stack;
//! the other stacks are read all the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::addon::{MinorBoundChart, MinorBoundCharts};
use super::configured::{ConfiguredReference, ConfiguredReferences, Unmet};
use super::examples::{Example, Subject};
use super::facts::{Fact, Fault, FaultKind, Reference};
use super::kinds::{self, CSCTL_FILE};
use super::layout::Layout;
use super::learn;
use super::provider;
use super::role::Role;
use super::series::SeriesSet;
use super::source::SourceFile;
use super::tree::{Content, Tree};
use crate::catalog::ImagePattern;
use crate::version::{ChartVersion, KubernetesVersion, Minor, StackLine};

/// The cluster stacks of a tree. Their files are read when a stack is asked for: in a large repository each time, so that a
/// stack at a time is held; in a small one once.
#[derive(Debug)]
pub struct Discovery {
    places: Vec<StackPlace>,
    configured: Configured,
    hints: Hints,
    /// Directories outside of all stacks that could not be looked into.
    closed: Vec<Fault>,
}

/// What the configuration says of a repository's files.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// The references that users add.
    pub references: ConfiguredReferences,
    /// The image store to use instead of the one that URLs name.
    pub image_pattern: Option<ImagePattern>,
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
#[derive(Debug, Default)]
struct StackPlace {
    directory: String,
    source_trees: Vec<String>,
    /// Files below it that have configured references, with the indices of their entries.
    configured: Vec<(String, usize)>,
    read: OnceLock<Stack>,
}

/// A repository of more stacks is a large one.
const SMALL: usize = 64;

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
        let read = |place: &StackPlace| self.read_place((tree, &Known::new()), place);
        crate::parallel::map(&self.places, 2, |place| {
            if self.places.len() <= SMALL {
                function(place.read.get_or_init(|| read(place)))
            } else {
                function(&read(place))
            }
        })
    }

    /// Reads every stack.
    pub fn read(&self, tree: &Tree) -> Vec<Stack> {
        crate::parallel::map(&self.places, 2, |place| {
            self.read_place((tree, &Known::new()), place)
        })
    }

    /// Finds the cluster stacks of the same repository in another state of it.
    #[must_use]
    pub fn again(&self, tree: &Tree) -> Self {
        let mut again = discover_with(tree, &self.hints);
        again.configured.is_one_stack = self.configured.is_one_stack;
        again
    }

    /// Keeps the stacks of these directories alone.
    #[must_use]
    pub fn limited_to(mut self, directories: &BTreeSet<&str>) -> Self {
        self.places
            .retain(|place| directories.contains(place.directory.as_str()));
        self
    }

    /// Reads one stack again after changes; a file whose text is that of a known one is not read again.
    pub(crate) fn read_again(&self, tree: &Tree, directory: &str, known: &Known) -> Option<Stack> {
        let again = self.again(tree);
        let found = |place: &&StackPlace| place.directory == directory;
        let place = again.places.iter().find(found)?;
        Some(again.read_place((tree, known), place))
    }

    /// Returns the configured references that have no file, or none that is known to be of a stack. They are said of the stack they
    /// name, else of the first.
    pub(crate) fn unmatched(&self, stack: &Stack) -> Vec<Unmet> {
        let references = self.hints.references.all();
        let first = self.places.first();
        let is_first = first.is_some_and(|place| place.directory == stack.directory);
        let concerns = |index: &usize| {
            let reference = &references[*index];
            if reference.names_stack() {
                reference.is_of(stack)
            } else {
                is_first
            }
        };
        let without = self.configured.without_file.iter();
        let without = without.copied().filter(concerns);
        let mut unmet: Vec<Unmet> = without
            .map(|index| references[index].unmet("no file matches"))
            .collect();
        let is_lost =
            |index: &usize| !self.configured.is_one_stack && !references[*index].names_stack();
        for (path, index) in &self.configured.outside {
            if is_first && is_lost(index) {
                let reason = format!("{path} is outside all stacks; name its stack with `stack:`");
                unmet.push(references[*index].unmet(reason));
            }
        }
        unmet
    }

    fn read_place(&self, (tree, known): (&Tree, &Known), place: &StackPlace) -> Stack {
        let source = Source {
            tree,
            known,
            charts: &self.hints.charts,
        };
        let mut stack = read_stack(source, place);
        if !self.hints.references.is_empty() {
            self.attach(tree, place, &mut stack);
        }
        learn::claim(&mut stack, self.hints.image_pattern.as_ref());
        stack
    }

    /// Gives the files of a stack their configured references; files that no kind claims come in with them.
    fn attach(&self, tree: &Tree, place: &StackPlace, stack: &mut Stack) {
        let references = self.hints.references.all();
        let is_one_stack = self.configured.is_one_stack;
        let outside = self.configured.outside.iter();
        let outside = outside.filter(|(_, index)| is_one_stack || references[*index].names_stack());
        let mut files: BTreeMap<&str, Vec<Arc<ConfiguredReference>>> = BTreeMap::new();
        for (path, index) in place.configured.iter().chain(outside) {
            let reference = &references[*index];
            if reference.is_of(stack) {
                files.entry(path).or_default().push(Arc::clone(reference));
            }
        }
        for (path, references) in files {
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
            match stack.configure((path, text), references) {
                Ok(()) => {}
                Err(fault) => stack.faults.push(fault),
            }
        }
    }
}

impl Stack {
    fn configure(
        &mut self,
        (path, text): (&str, &Arc<str>),
        references: Vec<Arc<ConfiguredReference>>,
    ) -> Result<(), Fault> {
        let base = self.directory.clone();
        let is_in = |tree: &&mut SourceTree| {
            is_below(path, &tree.directory) && belongs(path, &tree.directory, &base)
        };
        let files = match self.trees.iter_mut().find(is_in) {
            Some(tree) => &mut tree.files,
            None => &mut self.shared,
        };
        let place = files.iter().position(|file| file.path() == path);
        let known = place.map(|place| &files[place]);
        if known.is_some_and(|known| known.configured() == references) {
            return Ok(());
        }
        let known = known.map(AsRef::as_ref);
        let file = Arc::new(SourceFile::read_configured(
            known,
            (path, text),
            references,
        )?);
        if let Some(place) = place {
            files[place] = file;
        } else {
            files.push(file);
            files.sort_by(|a, b| a.path().cmp(b.path()));
        }
        Ok(())
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    directory.is_empty()
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// A cluster stack: one directory of a repository with one source tree, or with one per minor.
#[derive(Debug)]
pub struct Stack {
    /// Its directory, relative to the repository's root.
    pub directory: String,
    /// How it is laid out.
    pub layout: Layout,
    /// Its source trees, oldest minor first.
    pub trees: Vec<SourceTree>,
    /// Files beside the source trees that speak of all minors.
    pub shared: Vec<Arc<SourceFile>>,
    /// Its image series.
    pub series: SeriesSet,
    /// What could not be read. The other files are read and planned all the same.
    pub faults: Vec<Fault>,
    /// What a person may want to know of files that say nothing of the matrix.
    pub notes: Vec<String>,
    /// The addon charts that belong to a Kubernetes minor.
    pub charts: MinorBoundCharts,
}

/// One source tree: what one release of a cluster stack is made from.
#[derive(Debug)]
pub struct SourceTree {
    /// Its directory, relative to the repository's root.
    pub directory: String,
    /// The provider's name.
    pub provider: String,
    /// The cluster stack's name.
    pub name: String,
    /// The minor it is set to.
    pub minor: Option<Minor>,
    /// Its default Kubernetes version, where one is named in full.
    pub default: Option<KubernetesVersion>,
    /// Its files that state facts.
    pub files: Vec<Arc<SourceFile>>,
    /// Whether the file that says what it is could not be read, so that nothing can be planned for it.
    pub is_torn: bool,
}

impl Stack {
    /// Returns all its files: those of its source trees and those beside them.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.trees
            .iter()
            .flat_map(|tree| &tree.files)
            .chain(&self.shared)
            .map(AsRef::as_ref)
    }

    /// Returns the repository of the charts that lists name: that of a dependency, else the usual one.
    pub fn repository_of<'s>(&'s self, chart: &'s MinorBoundChart) -> &'s str {
        let references = self.files().flat_map(SourceFile::references);
        let mut written = references.filter_map(|reference| match &reference.fact {
            Fact::ChartDependency {
                chart: name,
                repository,
                ..
            } if *name == chart.name => chart.repository_of(repository),
            _ => None,
        });
        written.next().unwrap_or(&chart.repository)
    }

    /// Tells whether a file is in its directory.
    pub fn holds(&self, path: &str) -> bool {
        is_below(path, &self.directory)
    }

    /// Returns a name for people: `openstack/scs2`.
    pub fn title(&self) -> String {
        let first = self.trees.first();
        first.map_or_else(
            || self.directory.clone(),
            |tree| format!("{}/{}", tree.provider, tree.name),
        )
    }
}

impl SourceTree {
    /// Returns the stack line it belongs to, where its minor is known.
    pub fn line(&self) -> Option<StackLine> {
        Some(StackLine {
            provider: self.provider.clone(),
            name: self.name.clone(),
            minor: self.minor?,
        })
    }

    /// Returns its single facts.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.files.iter().flat_map(|file| file.references())
    }

    /// Finds the entry of a Chart.lock that belongs to a dependency of the Chart.yaml beside it.
    pub fn find_locked(&self, dependency: &Reference) -> Option<&Reference> {
        let Fact::ChartDependency { chart, .. } = &dependency.fact else {
            return None;
        };
        let lock = self.find_lock(&dependency.file)?;
        lock.references().iter().find(|reference| {
            let is_same =
                matches!(&reference.fact, Fact::LockedDependency { chart: of, .. } if of == chart);
            is_same && reference.at == dependency.at
        })
    }

    /// Finds the dependency of a Chart.yaml that an entry of the Chart.lock beside it belongs to.
    pub fn find_dependency(&self, locked: &Reference) -> Option<&Reference> {
        let file = self.find_chart(&locked.file)?;
        let mut references = file.references().iter();
        references.find(|reference| reference.at == locked.at)
    }

    /// Finds the Chart.yaml that a Chart.lock is for.
    pub fn find_chart(&self, lock: &str) -> Option<&SourceFile> {
        self.find_file(&kinds::chart_of_lock(lock)?)
    }

    /// Finds the Chart.lock beside a Chart.yaml.
    pub fn find_lock(&self, chart: &str) -> Option<&SourceFile> {
        self.find_file(&kinds::lock_of_chart(chart)?)
    }

    fn find_file(&self, path: &str) -> Option<&SourceFile> {
        let mut files = self.files.iter();
        files.find(|file| file.path() == path).map(AsRef::as_ref)
    }

    /// Returns the version of a dependency that a release would have: the one that is asked for, or for a range the one that is
    /// locked.
    pub fn version_of<'s>(&'s self, dependency: &'s Reference) -> Option<&'s ChartVersion> {
        let Fact::ChartDependency { version, range, .. } = &dependency.fact else {
            return None;
        };
        let locked = || match &self.find_locked(dependency)?.fact {
            Fact::LockedDependency { version, .. } => version.as_ref(),
            _ => None,
        };
        match range {
            Some(range) => locked().filter(|version| range.takes(version)),
            None => version.as_ref(),
        }
    }

    /// Returns the examples of its stack in its files; `release` is the number of its newest published release, where known.
    pub fn examples(&self, release: Option<u32>) -> Vec<(&SourceFile, Example)> {
        let Some(line) = self.line() else {
            return Vec::new();
        };
        let subject = Subject {
            line: &line,
            default: self.default,
            release,
        };
        let mut found = Vec::new();
        for file in &self.files {
            let examples = file.examples(&subject).into_iter();
            found.extend(examples.map(|example| (file.as_ref(), example)));
        }
        found
    }

    /// Tells whether it has a csctl.yaml.
    pub fn has_csctl(&self) -> bool {
        self.files_for(Role::CsctlConfig).next().is_some()
    }

    /// Returns its files that are for something.
    pub fn files_for(&self, role: Role) -> impl Iterator<Item = &SourceFile> {
        let files = self.files.iter().map(AsRef::as_ref);
        files.filter(move |file: &&SourceFile| file.has_role(role))
    }
}

/// Files that were read before, by path.
pub(crate) type Known = HashMap<String, Arc<SourceFile>>;

/// Finds the cluster stacks of a tree.
pub fn discover(tree: &Tree) -> Discovery {
    discover_with(tree, &Hints::default())
}

/// Finds the cluster stacks of a tree of which the configuration says something.
pub fn discover_with(tree: &Tree, hints: &Hints) -> Discovery {
    let mut directories: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, content) in tree.files() {
        let Some(directory) = source_tree_of(path, content) else {
            continue;
        };
        let source_trees = directories.entry(stack_directory(directory)).or_default();
        if !source_trees.iter().any(|known| known == directory) {
            source_trees.push(directory.to_owned());
        }
    }
    let place = |(directory, source_trees): (&str, _)| StackPlace {
        directory: directory.to_owned(),
        source_trees,
        configured: Vec::new(),
        read: OnceLock::new(),
    };
    let mut places: Vec<StackPlace> = directories.into_iter().map(place).collect();
    let configured = find_configured(tree, &hints.references, &mut places);
    let closed = tree.closed().filter(|(path, _)| {
        let mut around = places.iter();
        !around.any(|place| is_below(path, &place.directory))
    });
    let closed = closed.map(|(path, reason)| Fault::new(path, None, reason, CLOSED_HINT));
    Discovery {
        closed: closed.collect(),
        places,
        configured,
        hints: hints.clone(),
    }
}

const UNREADABLE_HINT: &str = "make it readable, as a text file or directory of its own";
const CLOSED_HINT: &str = "give permission to read it, or let git ignore it";

/// Adds files to a tree that git has and that a sparse checkout leaves out, each with what to say of it. Stacks of which nothing
/// is checked out stay out; returns their directories.
pub fn add_left_out(tree: &mut Tree, left_out: Vec<(String, String)>) -> Vec<String> {
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
            let around = places.iter_mut();
            let around = around.filter(|place| is_below(path, &place.directory));
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

/// Returns the directory of the source tree that a file marks.
fn source_tree_of<'p>(path: &'p str, content: &Content) -> Option<&'p str> {
    match content {
        Content::Text(text) => provider::source_tree_of(path, Some(text)),
        Content::Unreadable(_) => provider::source_tree_of(path, None),
        // A file that was taken out of the repository says nothing of it.
        Content::Unread => None,
    }
}

/// Returns the directory of the stack that a source tree belongs to: the one above a directory named after a minor.
fn stack_directory(source_tree: &str) -> &str {
    let (above, name) = source_tree.rsplit_once('/').unwrap_or(("", source_tree));
    if minor_of_directory(name).is_some() {
        above
    } else {
        source_tree
    }
}

fn minor_of_directory(name: &str) -> Option<Minor> {
    if name.contains('-') {
        name.parse().ok()
    } else {
        None
    }
}

/// Where texts come from: a tree, and what is known of it.
#[derive(Clone, Copy)]
struct Source<'s> {
    tree: &'s Tree,
    known: &'s Known,
    charts: &'s MinorBoundCharts,
}

fn read_stack(source: Source<'_>, place: &StackPlace) -> Stack {
    let mut troubles = Troubles::default();
    let base = place.directory.as_str();
    let read = |directory: &String| read_source_tree(source, base, directory, &mut troubles);
    let mut trees: Vec<SourceTree> = place.source_trees.iter().map(read).collect();
    trees.sort_by_key(|tree| tree.minor);
    let per_minor = place.source_trees.iter().any(|directory| directory != base);
    let shared = if per_minor {
        read_shared(source, base, &mut troubles)
    } else {
        Vec::new()
    };
    let layout = layout_of(&trees, per_minor);
    Stack {
        directory: base.to_owned(),
        layout,
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
    notes: Vec<String>,
}

impl Troubles {
    /// Adds the fault of a file: a template that cannot say anything of the matrix is a note.
    fn add(&mut self, fault: Fault, text: &str) {
        let is_template = fault.file.contains("/templates/");
        if !is_template || kinds::names_a_version(text) {
            self.faults.push(fault);
        } else {
            self.notes
                .push(format!("{fault}; it names no version and is left alone"));
        }
    }
}

fn layout_of(trees: &[SourceTree], per_minor: bool) -> Layout {
    let has = |role: Role| {
        trees
            .iter()
            .any(|tree| tree.files_for(role).next().is_some())
    };
    match (
        per_minor,
        has(Role::StackFile),
        has(Role::MinorList),
        has(Role::CloudImages),
    ) {
        (true, true, _, _) => Layout::StackFilePerMinor,
        (true, false, _, _) => Layout::DirectoryPerMinor,
        (false, _, true, true) => Layout::OneTreeWithImageList,
        (false, _, true, false) => Layout::OneTree,
        (false, _, false, _) => Layout::Single,
    }
}

/// Reads the files directly in the stack's directory, beside its source trees.
fn read_shared(source: Source<'_>, base: &str, troubles: &mut Troubles) -> Vec<Arc<SourceFile>> {
    let prefix = if base.is_empty() { 0 } else { base.len() + 1 };
    let beside = source
        .tree
        .files_below(base)
        .filter(|(path, _)| !path[prefix..].contains('/'));
    beside
        .filter_map(|(path, content)| read_file((path, &path[prefix..]), content, source, troubles))
        .collect()
}

fn read_file(
    (path, place): (&str, &str),
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
            Some(_) | None => match SourceFile::read((path, place), text, source.charts) {
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
    let prefix = if directory.is_empty() {
        0
    } else {
        directory.len() + 1
    };
    let below = source
        .tree
        .files_below(directory)
        .filter(|(path, _)| belongs(path, directory, base));
    let known_faults = troubles.faults.len();
    let files: Vec<Arc<SourceFile>> = below
        .filter_map(|(path, content)| read_file((path, &path[prefix..]), content, source, troubles))
        .collect();
    let names = (|| {
        let mut parts = base.rsplit('/');
        Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
    })();
    let (name, provider) = names.unwrap_or_else(|| (base.to_owned(), String::new()));
    let references = || files.iter().flat_map(|file| file.references());
    let stated = |wanted: &Fact| {
        references()
            .find(|reference| reference.fact == *wanted)
            .map(|reference| reference.value.clone())
    };
    let default = default_of(references);
    let minor = minor_of_directory(directory.rsplit('/').next().unwrap_or_default())
        .or(default.map(KubernetesVersion::minor))
        .or_else(|| {
            references().find_map(|reference| {
                if let Fact::KubernetesMinor { minor } = reference.fact {
                    Some(minor)
                } else {
                    None
                }
            })
        });
    let is_unread = troubles.faults[known_faults..]
        .iter()
        .any(Fault::hides_stack);
    let source = SourceTree {
        directory: directory.to_owned(),
        provider: stated(&Fact::Provider).unwrap_or(provider),
        name: stated(&Fact::StackName).unwrap_or(name),
        minor,
        // A version of another minor is a mistake in one of the two, and no default.
        default: default.filter(|version| Some(version.minor()) == minor),
        files,
        is_torn: is_unread || minor.is_none(),
    };
    troubles.faults.extend(check_names(&source));
    if minor.is_none() && !is_unread {
        let hint = "set config.kubernetesVersion to a version such as v1.34.7";
        let message = "no Kubernetes version is stated";
        let fault = Fault::new(&own_file(&source), None, message, hint);
        troubles.faults.push(fault.of(Role::CsctlConfig));
    }
    source
}

/// Returns the file that says, or should say, what a source tree is.
fn own_file(source: &SourceTree) -> String {
    match source.directory.as_str() {
        "" => CSCTL_FILE.to_owned(),
        directory => format!("{directory}/{CSCTL_FILE}"),
    }
}

/// A source tree that stands in the root of a stack does not own the directories of other source trees below it.
fn belongs(path: &str, directory: &str, base: &str) -> bool {
    if directory != base {
        return true;
    }
    let inner = if directory.is_empty() {
        path
    } else {
        &path[directory.len() + 1..]
    };
    inner
        .split('/')
        .next()
        .is_none_or(|first| minor_of_directory(first).is_none())
}

/// The default version: what csctl.yaml or stack.yaml says in full, else another file, else the version of the default's image.
fn default_of<'s, I: Iterator<Item = &'s Reference>>(
    references: impl Fn() -> I,
) -> Option<KubernetesVersion> {
    // Other files may have been forgotten.
    let own = references().filter(|reference| reference.role.names_stack());
    let image = || {
        references().find_map(|reference| match &reference.fact {
            Fact::ImageName { version } => Some(*version),
            Fact::Image(image) => Some(image.version),
            _ => None,
        })
    };
    own.chain(references())
        .find_map(stated_default)
        .or_else(image)
}

fn stated_default(reference: &Reference) -> Option<KubernetesVersion> {
    match &reference.fact {
        Fact::Kubernetes { version } => Some(*version),
        _ => None,
    }
}

/// The operator splits release tags at dashes, and reads none of a stack whose names have some.
fn check_names(source: &SourceTree) -> Option<Fault> {
    for (what, name, fact) in [
        ("provider", &source.provider, Fact::Provider),
        ("cluster stack", &source.name, Fact::StackName),
    ] {
        if name.contains('-') {
            let message = format!(
                "the {what}'s name `{name}` contains a dash; the operator could not read its release tags"
            );
            let stated = source.references().find(|reference| reference.fact == fact);
            let own = own_file(source);
            let file = stated.map_or(&own, |reference| &reference.file);
            let line = stated.map(|reference| reference.line);
            let role = stated.map_or(Role::CsctlConfig, |reference| reference.role);
            return Some(Fault {
                kind: FaultKind::Name,
                role: Some(role),
                ..Fault::new(file, line, message, "choose a name without dashes")
            });
        }
    }
    None
}
