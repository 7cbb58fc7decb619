//! A source tree set to another minor of its list, without touching a file: what the generator of the public repository does on disk.
//! The edits are those that `plan --switch` would make, from what the stack's own lists say of the minor; a catalog adds what they
//! lack, and nothing is guessed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::StackFiles;
use crate::catalog::{Catalog, ChartRepository, ImageStore, NodeImage};
use crate::plan::{FileAction, Plan, PlanInput, Selection, plan};
use crate::policy::{EndOfLife, Policy, Retention, Wishes};
use crate::stack::{
    Discovery, Fact, Fault, MinorBoundChart, Role, SourceFile, SourceTree, Stack, Tree,
};
use crate::version::{ChartVersion, KubernetesVersion, Minor};

/// A minor that a source tree is to be set to.
#[derive(Debug, Clone, Copy)]
pub struct MinorRequest<'a> {
    /// The repository's files.
    pub tree: &'a Tree,
    /// The cluster stacks in it.
    pub discovery: &'a Discovery,
    /// The stack, which has one source tree.
    pub stack: &'a Stack,
    /// The minor.
    pub minor: Minor,
    /// What adds to the stack's own lists.
    pub catalog: Option<&'a Catalog>,
    /// The day.
    pub today: Date,
}

/// A source tree that was set to a minor.
#[derive(Debug)]
pub struct SetTree {
    /// The repository's files afterwards.
    pub tree: Tree,
    /// The files of the source tree that change, with their new texts.
    pub changed: StackFiles,
}

/// Sets the source tree of a stack to a minor of its list.
///
/// # Errors
/// The list has no such minor, or something that the minor needs is not known.
pub fn set_to_minor(request: MinorRequest<'_>) -> Result<SetTree, Fault> {
    let stack = request.stack;
    let Some(source) = stack.trees.first() else {
        let message = "it has no source tree that could be read";
        return Err(Fault::new(
            &stack.directory,
            None,
            message,
            "csctl-matrix show says why",
        ));
    };
    let version = request.version(source)?;
    let catalog = request.catalog(version);
    let policy = Policy {
        end_of_life: EndOfLife::Follow,
        retention: Retention::Keep,
        ..Policy::default()
    };
    let selection = Selection {
        stacks: vec![stack.directory.clone()],
        switch_to: Some(request.minor),
        ..Selection::default()
    };
    let made = plan(PlanInput {
        tree: request.tree,
        discovery: request.discovery,
        catalog: &catalog,
        policy: &policy,
        wishes: &Wishes::default(),
        selection: &selection,
    });
    request.check(&made, version)?;
    Ok(SetTree {
        tree: made.applied_to(request.tree),
        changed: changed(&made, source),
    })
}

impl MinorRequest<'_> {
    /// Returns the newest version of the minor in the stack's list.
    fn version(&self, source: &SourceTree) -> Result<KubernetesVersion, Fault> {
        let listed = listed_versions(self.stack);
        let of_minor = listed
            .iter()
            .filter(|version| version.minor() == self.minor);
        if let Some(version) = of_minor.max() {
            return Ok(*version);
        }
        let minors: BTreeSet<Minor> = listed.iter().map(|version| version.minor()).collect();
        let names: Vec<String> = minors.iter().map(ToString::to_string).collect();
        let (file, hint) = match source.files_for(Role::MinorList).next() {
            Some(list) => (list.path(), format!("it has {}", names.join(", "))),
            None => (
                source.directory.as_str(),
                "csctl-matrix plan --switch previews the edits that move a source tree".to_owned(),
            ),
        };
        let message = format!("no version of {} is listed", self.minor);
        Err(Fault::new(file, None, message, hint))
    }

    /// Returns what the stack's own lists say of one version, and what the catalog adds.
    fn catalog(&self, version: KubernetesVersion) -> Catalog {
        let mut known = Catalog::empty(self.today);
        for series in self.stack.series.all() {
            let Some(pattern) = &series.store else {
                continue;
            };
            let mut images: Vec<NodeImage> = self
                .stack
                .images_with_url()
                .filter(|image| image.version == version && pattern.read(&image.url).is_some())
                .collect();
            if images.is_empty() {
                let store = self.catalog.and_then(|catalog| catalog.find_store(pattern));
                images.extend(
                    store
                        .into_iter()
                        .flat_map(|store| store.images_of(version))
                        .cloned(),
                );
            }
            known.image_stores.push(ImageStore {
                pattern: pattern.clone(),
                searched: [self.minor].into(),
                images,
                faulty: Vec::new(),
            });
        }
        let mut repositories: BTreeMap<&str, BTreeMap<String, Vec<ChartVersion>>> = BTreeMap::new();
        for chart in self.stack.charts.iter() {
            let repository = self.stack.repository_of(chart);
            let versions = self.chart_versions(chart, repository);
            let charts = repositories.entry(repository).or_default();
            charts.insert(chart.name.clone(), versions);
        }
        let all = repositories.into_iter();
        known.chart_repositories = all
            .map(|(url, charts)| ChartRepository {
                url: url.to_owned(),
                charts,
            })
            .collect();
        known.sort();
        known
    }

    /// The version that a list names for the minor; where it names a range or none, those of the catalog.
    fn chart_versions(&self, chart: &MinorBoundChart, repository: &str) -> Vec<ChartVersion> {
        let references = self.stack.files().flat_map(SourceFile::references);
        let mut named = references.filter_map(|reference| match &reference.fact {
            Fact::ListedAddon {
                minor,
                chart: name,
                version,
                ..
            } if *minor == self.minor && *name == chart.name => version.clone(),
            _ => None,
        });
        if let Some(version) = named.next() {
            return vec![version];
        }
        let known = self
            .catalog
            .and_then(|catalog| catalog.find_chart(repository, &chart.name));
        known.unwrap_or_default().to_vec()
    }

    /// Checks that the plan brings the source tree to that version, with everything that belongs to it.
    fn check(&self, made: &Plan, version: KubernetesVersion) -> Result<(), Fault> {
        if let Some(fault) = made.faults().next() {
            return Err(fault.clone());
        }
        let stacks = made.stacks.iter();
        let incomplete = stacks.clone().flat_map(|stack| &stack.out_of_reach).next();
        if let Some(fault) = incomplete {
            return Err(fault.clone());
        }
        let mut lines = stacks.clone().flat_map(|stack| &stack.lines);
        if lines.any(|line| line.default_after == Some(version)) {
            return Ok(());
        }
        let mut skipped = stacks.flat_map(|stack| &stack.skipped);
        let why = skipped.next().map_or_else(
            || "its image or its charts are not known".to_owned(),
            |skip| format!("{}: {}", skip.subject, skip.reason()),
        );
        let message = format!("it cannot be set to {version}: {why}");
        let hint = "list the image with its checksum and the charts of the minor, or name a file that has them: --catalog FILE";
        Err(Fault::new(&self.stack.directory, None, message, hint))
    }
}

/// Returns the versions that the stack's list of minors has.
fn listed_versions(stack: &Stack) -> BTreeSet<KubernetesVersion> {
    let references = stack.files().flat_map(SourceFile::references);
    let listed = references.filter_map(|reference| match reference.fact {
        Fact::ListedVersion { version } => Some(version),
        _ => None,
    });
    listed.collect()
}

/// Returns the files of the source tree that a plan changes.
fn changed(made: &Plan, source: &SourceTree) -> StackFiles {
    let prefix = match source.directory.as_str() {
        "" => String::new(),
        directory => format!("{directory}/"),
    };
    let edited = made.files.iter().filter_map(|change| {
        let place = change.path.strip_prefix(prefix.as_str())?;
        match &change.action {
            FileAction::Edit { after, .. } | FileAction::Create { after, .. } => {
                Some((place.to_owned(), after.as_bytes().to_owned()))
            }
            FileAction::Copy { .. } | FileAction::Remove => None,
        }
    });
    edited.collect()
}
