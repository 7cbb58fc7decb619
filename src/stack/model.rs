//! A cluster stack as it was read: its source trees, their files, and what is known of them.

use std::sync::Arc;

use super::addon::{MinorBoundChart, MinorBoundCharts};
use super::examples::{Example, ExampleSubject};
use super::facts::{Fact, Fault, ImageListEntry, Reference};
use super::kinds;
use super::layout::Layout;
use super::role::Role;
use super::series::SeriesSet;
use super::source::SourceFile;
use super::tree::is_below;
use crate::catalog::NodeImage;
use crate::version::{ChartVersion, KubernetesVersion, Minor, StackLine};

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
    /// Helm templates that cannot be read and name no version.
    pub notes: Vec<Fault>,
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

    /// Returns the images that its files name with their URL: those of lists, then those of single places.
    pub(crate) fn images_with_url(&self) -> impl Iterator<Item = NodeImage> {
        let lists = self.files().flat_map(SourceFile::image_lists);
        let entries = lists.flat_map(|list| &list.entries);
        let references = self.files().flat_map(SourceFile::references);
        let single = references.filter_map(|reference| match &reference.fact {
            Fact::Image(image) => Some(NodeImage {
                os: image.os.clone(),
                sha256: image.sha256.clone(),
                ..NodeImage::new(image.version, &image.url)
            }),
            _ => None,
        });
        entries.filter_map(ImageListEntry::image).chain(single)
    }

    /// Returns what all its files state.
    pub(crate) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.files().flat_map(SourceFile::references)
    }

    /// Returns the images that all its lists name.
    pub(crate) fn image_entries(&self) -> impl Iterator<Item = &ImageListEntry> {
        let image_lists = self.files().flat_map(SourceFile::image_lists);
        image_lists.flat_map(|image_list| &image_list.entries)
    }

    /// Returns the repository of the charts that lists name: that of a dependency, else the usual one.
    pub(crate) fn repository_of<'s>(&'s self, chart: &'s MinorBoundChart) -> &'s str {
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
    pub(crate) fn find_locked(&self, dependency: &Reference) -> Option<&Reference> {
        let Fact::ChartDependency { chart, .. } = &dependency.fact else {
            return None;
        };
        let lock = self.find_lock(&dependency.file)?;
        lock.references().iter().find(|reference| {
            let is_same =
                matches!(&reference.fact, Fact::LockedDependency { chart: of, .. } if of == chart);
            // A chart may be asked for twice, under two aliases: the place says which of them it is.
            is_same && reference.at == dependency.at
        })
    }

    /// Finds what a Chart.yaml has where its Chart.lock has an entry: Helm keeps the order.
    pub(crate) fn find_dependency(&self, locked: &Reference) -> Option<&Reference> {
        let file = self.find_chart(&locked.file)?;
        let mut references = file.references().iter();
        references.find(|reference| reference.at == locked.at)
    }

    /// Finds the Chart.yaml that a Chart.lock is for.
    pub fn find_chart(&self, lock: &str) -> Option<&SourceFile> {
        self.find_file(&kinds::chart_of_lock(lock)?)
    }

    /// Finds the Chart.lock beside a Chart.yaml.
    pub(crate) fn find_lock(&self, chart: &str) -> Option<&SourceFile> {
        self.find_file(&kinds::lock_of_chart(chart)?)
    }

    fn find_file(&self, path: &str) -> Option<&SourceFile> {
        let mut files = self.files.iter();
        files.find(|file| file.path() == path).map(AsRef::as_ref)
    }

    /// Returns the version of a dependency that a release would have: the one that is asked for, or for a range the one that is
    /// locked.
    pub(crate) fn version_of<'s>(&'s self, dependency: &'s Reference) -> Option<&'s ChartVersion> {
        let Fact::ChartDependency { version, range, .. } = &dependency.fact else {
            return None;
        };
        let Some(range) = range else {
            return version.as_ref();
        };
        match &self.find_locked(dependency)?.fact {
            Fact::LockedDependency { version, .. } => {
                // A version that the range does not take was locked for another range.
                version.as_ref().filter(|version| range.takes(version))
            }
            _ => None,
        }
    }

    /// Returns the examples of its stack in its files; `release` is the number of its newest published release, where known.
    pub fn examples(&self, release: Option<u32>) -> Vec<(&SourceFile, Example)> {
        let Some(line) = self.line() else {
            return Vec::new();
        };
        let subject = ExampleSubject {
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

    /// Tells whether a file is one of its own.
    pub(super) fn has(&self, file: &SourceFile) -> bool {
        self.find_file(file.path()).is_some()
    }

    /// Tells whether it has a csctl.yaml.
    pub(crate) fn has_csctl(&self) -> bool {
        self.files_for(Role::CsctlConfig).next().is_some()
    }

    /// Returns its files that are for something.
    pub(crate) fn files_for(&self, role: Role) -> impl Iterator<Item = &SourceFile> {
        let files = self.files.iter().map(AsRef::as_ref);
        files.filter(move |file: &&SourceFile| file.has_role(role))
    }
}
