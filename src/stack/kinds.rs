//! The kinds of files that state facts of a matrix. Each kind is one file with two answers: which references does a file hold,
//! and what edit states the wanted facts there. A new kind is one more file and one line in a list: in [`COMMON`], or in the provider
//! whose stacks have it.

mod addon_chart;
mod beside;
mod chart_lock;
mod class_chart;
mod class_values;
mod cluster_class;
mod cluster_stack;
mod configured;
mod csctl;
mod example;
mod helper;
mod image_manager;
mod lock_digest;
mod machine_template;
mod metadata;
mod names;
mod node_images;
mod orc_image;
mod readme;
mod stack_file;
#[cfg(test)]
mod tests;
mod versions_file;

use super::document::Document;
pub(super) use super::document::names_a_version;
use super::edits::{Edited, FileEdits};
use super::examples::{Example, ExampleSubject, TextForm};
use super::facts::{Fact, Fault, ImageList, Reference};
use super::image_options::ImageOptions;
use super::role::Role;
use super::stated::Facts;
use super::wanted::{ChartPlace, Reach, Wanted};
use crate::policy::ChangeClass;
use crate::version::{ChartRequirement, ChartVersion, KubernetesVersion, Minor};
use crate::yaml::{Node, Path};

use beside::{beside, lines_of};
pub(crate) use chart_lock::{chart_of_lock, fits as chart_lock_fits, lock_of_chart};
pub(super) use class_values::{has_meaning, is_default_place};
pub(super) use cluster_class::free_places;
pub(super) use configured::ConfiguredPlaces;
pub(crate) use csctl::CSCTL_FILE;
pub use example::LeftExample;
pub(crate) use example::left_examples;
pub(super) use helper::literals;
pub(super) use image_manager::ImageManager;
pub(crate) use image_manager::is_complete;
pub(crate) use lock_digest::of_texts as lock_digest;
pub(super) use machine_template::MachineTemplate;
pub(super) use names::{edit as edit_names, read as read_names};
pub(crate) use node_images::NODE_IMAGES_CONFIG;
pub(super) use node_images::NodeImages;
pub(super) use node_images::constant_names;
pub use node_images::{NodeImagesError, validate_node_images};
pub(super) use orc_image::OrcImage;
pub(super) use orc_image::constant_name;

/// A kind of file.
pub trait FileKind: Sync + std::fmt::Debug {
    /// Returns its name for people.
    fn name(&self) -> &'static str;

    /// Returns what such files are for.
    fn role(&self) -> Role;

    /// Returns the only place below a source tree where such a file can be; nothing where there are several.
    fn place(&self) -> Option<&'static str> {
        None
    }

    /// Tells whether the file at this place below its source tree, with this text, is of the kind. It must be cheap.
    fn claims(&self, place: &str, _text: &str) -> bool {
        self.place() == Some(place)
    }

    /// Returns the directory that a file makes a source tree; no text is that of a file that cannot be read. It is asked of
    /// every file of a repository, and other tools have files of these names too.
    fn source_tree<'p>(&self, _path: &'p str, _text: Option<&str>) -> Option<&'p str> {
        None
    }

    /// Tells whether such files are YAML.
    fn is_yaml(&self) -> bool {
        true
    }

    /// Adds the facts that a file states.
    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault>;

    /// Returns what the entries of one of its lists state of their images in the cloud, in the order of the list; nothing where
    /// such a list cannot say it.
    fn image_options(
        &self,
        _file: &Document,
        _list: &ImageList,
    ) -> Result<Option<Vec<ImageOptions>>, Fault> {
        Ok(None)
    }

    /// Returns how the examples in such a file are written; nothing where it has none.
    fn example_form(&self) -> Option<TextForm> {
        None
    }

    /// Returns the examples of a stack in a file.
    fn examples(&self, _file: &Document, _subject: &ExampleSubject<'_>) -> Vec<Example> {
        Vec::new()
    }

    /// Adds the edits that make a file state the wanted facts.
    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault>;

    /// Makes the edits whose places are known in the finished text alone.
    fn edit_text(
        &self,
        _file: &Document,
        _wanted: &Wanted<'_>,
        edited: Option<Edited>,
    ) -> Result<Option<Edited>, Fault> {
        Ok(edited)
    }
}

/// The kinds that stacks of every provider have, in the order in which their facts are read.
pub(super) const COMMON: [&dyn FileKind; 10] = [
    &csctl::Csctl,
    &stack_file::StackFile,
    &versions_file::VersionsFile,
    &metadata::Metadata,
    &class_chart::ClassChart,
    &addon_chart::AddonChart,
    &chart_lock::ChartLock,
    &class_values::ClassValues,
    &cluster_class::ClusterClass,
    &helper::Helper,
];

/// The kinds with examples for people, which state nothing themselves.
pub(super) const EXAMPLES: [&dyn FileKind; 2] = [&cluster_stack::ClusterStack, &readme::Readme];

/// The kinds of csctl's repositories that make a directory a source tree and name its stack.
pub(super) const CSCTL_MARKS: [&dyn FileKind; 3] = [
    &csctl::Csctl,
    &stack_file::StackFile,
    &class_chart::ClassChart,
];

/// Returns the directory of a file with this name.
fn directory_if_named<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    let directory = path.strip_suffix(name)?;
    if directory.is_empty() {
        Some(directory)
    } else {
        // A name that only ends like it, as `my-csctl.yaml`, is another one.
        directory.strip_suffix('/')
    }
}

/// Tells whether a file of a known name says what files of its kind say, or is one that nobody can read: what it would say is lost then,
/// which has to be told.
pub(super) fn may_say(text: &str, words: &str) -> bool {
    text.contains(words) || crate::yaml::File::parse(text).is_err()
}

/// Returns the reference of a scalar.
fn reference(file: &Document, path: &Path, node: &Node, fact: Fact) -> Reference {
    let value = node.as_str().unwrap_or_default().to_owned();
    Reference {
        file: file.path().to_owned(),
        role: file.role(),
        line: node.line(),
        at: path.to_string(),
        value,
        fact,
    }
}

/// Finds a scalar with a text.
fn text_at<'f>(document: &'f Node, path: &Path) -> Option<(&'f Node, &'f str)> {
    let node = document.at(path)?;
    Some((node, node.as_str().filter(|text| !text.is_empty())?))
}

/// Finds a scalar with a text that a file may leave out; a list or a map in its place is a fault.
fn stated_at<'f>(
    file: &Document,
    document: &'f Node,
    path: &Path,
) -> Result<Option<(&'f Node, &'f str)>, Fault> {
    match document.at(path) {
        Some(node) if node.is_map() || node.is_seq() => {
            Err(wrong_shape(file, node, path, "a plain value"))
        }
        Some(_) | None => Ok(text_at(document, path)),
    }
}

/// Returns a path of keys.
fn keys(names: &[&str]) -> Path {
    names
        .iter()
        .fold(Path::root(), |path, name| path.key(*name))
}

/// Returns the fault of a value that does not have the right shape.
fn wrong_shape(file: &Document, node: &Node, path: &Path, expected: &str) -> Fault {
    let found = if node.is_map() {
        "a map"
    } else if node.is_seq() {
        "a list"
    } else {
        "a plain value"
    };
    let at = if *path == Path::root() {
        "the document".to_owned()
    } else {
        format!("`{path}`")
    };
    Fault::new(
        file.path(),
        node.line(),
        format!("{at} is {found}, {expected} is needed"),
        format!("make it {expected}"),
    )
}

/// Reads a scalar that names the default version in full, or its minor alone.
fn kubernetes_fact(text: &str) -> Option<Fact> {
    let full = text
        .parse::<KubernetesVersion>()
        .map(|version| Fact::Kubernetes { version });
    full.or_else(|_| {
        text.parse::<Minor>()
            .map(|minor| Fact::KubernetesMinor { minor })
    })
    .ok()
}

/// Sets a scalar that names the default version in full, or its minor alone, in its own spelling. A repair lowers nothing: which
/// of two versions is right, a person decides.
fn set_kubernetes(
    document: usize,
    path: &Path,
    raw: &str,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    if let Ok(version) = raw.parse::<KubernetesVersion>() {
        let Some(default) = wanted.default else {
            return Ok(());
        };
        let class = wanted.default_class(version);
        if class == ChangeClass::Repair && default < version {
            return Ok(());
        }
        return edits.set(document, path, &default.spelled_like(raw), class);
    }
    match raw.parse::<Minor>() {
        Ok(minor) => {
            let class = wanted.minor_class(minor);
            if class == ChangeClass::Repair && wanted.line.minor < minor {
                return Ok(());
            }
            edits.set(document, path, &wanted.line.minor.spelled_like(raw), class)
        }
        Err(_) => Ok(()),
    }
}

/// Reads what a place asks for: one version, or a range, in which Helm may read a number.
fn read_chart_version(node: &Node) -> (Option<ChartVersion>, Option<ChartRequirement>) {
    let Some(requirement) = read_requirement(node) else {
        return (None, None);
    };
    match requirement.exact() {
        Some(version) => (Some(version), None),
        None => (None, Some(requirement)),
    }
}

fn read_requirement(node: &Node) -> Option<ChartRequirement> {
    lock_digest::helm_text(node)?.parse().ok()
}

/// Returns what a place that names an addon chart is to say, in the words that stand there; nothing where it stays.
fn wanted_chart(file: &Document, path: &Path, node: &Node, wanted: &Wanted<'_>) -> Option<String> {
    let text = chart_text(node, wanted.find_chart(file.path(), path)?)?;
    (Some(text.as_str()) != node.as_str()).then_some(text)
}

/// Returns the text that asks for a version in the words that stand in a place.
fn chart_text(node: &Node, version: &ChartVersion) -> Option<String> {
    let mut text = read_requirement(node)?.asking_for(version)?;
    // `2.40` without quotes is the number 2.4 to Helm.
    if node.is_plain() && lock_digest::is_cut_short(&text) {
        text.push_str(".x");
    }
    Some(text)
}

/// Sets a place that names an addon chart.
fn set_chart(
    file: &Document,
    path: &Path,
    node: &Node,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    match wanted_chart(file, path, node, wanted) {
        Some(text) => edits.set(0, path, &text, wanted.chart_class(node)),
        None => Ok(()),
    }
}

/// Finds the minor in a chart's name: `openstack-scs2-1-34-cluster-class` carries `1-34`.
pub(crate) fn minor_in_name(name: &str) -> Option<(std::ops::Range<usize>, Minor)> {
    let mut start = 0;
    let parts: Vec<(usize, &str)> = name
        .split('-')
        .map(|part| {
            let at = start;
            start += part.len() + 1;
            (at, part)
        })
        .collect();
    parts.windows(2).find_map(|pair| {
        let [(start, major), (second, minor)] = pair else {
            return None;
        };
        let end = second + minor.len();
        let found = format!("{major}-{minor}").parse().ok()?;
        Some((*start..end, found))
    })
}

/// Puts the wanted minor into a chart's name, when it carries another, and the stack's name, when it carries another stack's.
fn set_chart_name(
    file: &Document,
    path: &Path,
    name: &str,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    let Some((range, minor)) = minor_in_name(name) else {
        return Ok(());
    };
    let class = if minor == wanted.line.minor {
        ChangeClass::Repair
    } else {
        wanted.minor_class(minor)
    };
    let start = range.start;
    let mut renamed = name.to_owned();
    renamed.replace_range(range, &wanted.line.minor.dashed());
    let line = &wanted.line;
    // Where the directory has another name than the stack, nobody knows which is meant.
    let is_certain = file.path().split('/').any(|part| part == line.name);
    let is_chart = name.ends_with("-cluster-class") || name.ends_with("-cluster-addon");
    // `provider-name-` and no more: another number of parts is a name that was not made of these two.
    let has_owner = name[..start].matches('-').count() == 2;
    if is_chart && has_owner && is_certain && wanted.wishes.wants(ChangeClass::Repair) {
        renamed.replace_range(..start, &format!("{}-{}-", line.provider, line.name));
    }
    edits.set(0, path, &renamed, class)
}

/// Returns the class of the change that sets an addon chart of this minor where this stands.
fn class_under(standing: &Node, minor: Minor) -> ChangeClass {
    let is_stray = match read_chart_version(standing) {
        (Some(version), _) => !version.follows(minor),
        (None, Some(range)) => !range.takes_minor(minor),
        (None, None) => false,
    };
    if is_stray {
        ChangeClass::Repair
    } else {
        ChangeClass::Addons
    }
}

impl Wanted<'_> {
    /// Finds the version that a place which names an addon chart is to ask for.
    fn find_chart(&self, file: &str, path: &Path) -> Option<&ChartVersion> {
        if self.chart_places.is_empty() {
            return None;
        }
        self.chart_places.get(&ChartPlace {
            file: file.to_owned(),
            at: path.to_string(),
        })
    }

    /// Returns the class of the change that sets an addon chart of the tree where this stands: part of the move where the minor
    /// moves, a repair where what stands there is of another minor than the tree.
    fn chart_class(&self, standing: &Node) -> ChangeClass {
        if self.line.minor == self.line_before.minor {
            class_under(standing, self.line.minor)
        } else {
            ChangeClass::NewMinor
        }
    }
}
