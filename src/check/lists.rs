//! Rules about lists of node images and versions: what must be in them, and what must not be in them twice.

use std::collections::BTreeMap;

use super::finding::Found;
use super::rule::{Group, Rule, Search, Severity};
use super::versions::rows;
use super::view::{View, file_name};
use crate::catalog::ImagePattern;
use crate::stack::{ImageList, ImageListForm};
use crate::version::{KubernetesVersion, Minor};

pub(super) const RULES: [Rule; 5] = [
    Rule {
        name: "default-not-listed",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The stack's own list of node images does not have the version that the stack is set to.",
        reason: "The operator would provide no image for the clusters of such a release.",
        find: Search::Stack(default_not_listed),
    },
    Rule {
        name: "version-without-image",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "A version is listed in versions.yaml, or is the stack's, and the image list has no image of it.",
        reason: "Clouds that import the list cannot run that version.",
        find: Search::Stack(version_without_image),
    },
    Rule {
        name: "duplicate-image",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A list has two images of one name, or one version twice.",
        reason: "The operator and the image manager know images by name, and silently ignore the second.",
        find: Search::Stack(duplicate_image),
    },
    Rule {
        name: "list-image-name",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The stack asks for an image by another name than its image list gives it: a blank, a dash or an underscore differs.",
        reason: "openstack-image-manager names images `{name}{separator}{version}`, with a blank as separator unless the list says another; no such image is found.",
        find: Search::Stack(list_image_name),
    },
    Rule {
        name: "class-versions",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "`spec.kubernetesVersions` of a ClusterClass is not in order, leaves a minor out, or has more than 100 versions.",
        reason: "Cluster API requires the oldest first, at least one version of every minor in between, and 1 to 100 of them.",
        find: Search::Stack(class_versions),
    },
];

fn default_not_listed(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        let Some(line) = minor.and_then(|minor| view.find_line(minor)) else {
            continue;
        };
        let is_own = match image_list.form {
            ImageListForm::NodeImages | ImageListForm::OrcImages | ImageListForm::VersionMap => {
                true
            }
            ImageListForm::Names => is_class_versions(image_list),
            ImageListForm::ImageManager => false,
        };
        let has_own = image_list
            .entries
            .iter()
            .any(|entry| !line.differs(entry.version));
        if !is_own || has_own || image_list.entries.is_empty() {
            continue;
        }
        let versions: Vec<String> = image_list
            .entries
            .iter()
            .map(|entry| entry.version.to_string())
            .collect();
        let message = format!("the list has {}, {}", few(&versions), line.is_words());
        let command = format!("update {}", view.stack.title());
        let command = view.input.selection.command(&command);
        let hint = format!("{command} adds the image, from the image store");
        let first = image_list.entries[0].line;
        found.push(
            Found::in_file(&image_list.file, Some(first), message)
                .of(line.minor)
                .hinted(hint),
        );
    }
    found
}

/// Names the first of many.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

/// Tells whether a list is that of a ClusterClass.
fn is_class_versions(image_list: &ImageList) -> bool {
    image_list.form == ImageListForm::Names && image_list.at == "spec.kubernetesVersions"
}

fn version_without_image(view: &View<'_>) -> Vec<Found> {
    let lists: Vec<&ImageList> = view
        .image_lists()
        .map(|(_, image_list)| image_list)
        .filter(|image_list| image_list.form == ImageListForm::ImageManager)
        .collect();
    let Some(list) = lists.first() else {
        return Vec::new();
    };
    let file = file_name(&list.file);
    let has_image = |version: KubernetesVersion| {
        let mut entries = lists.iter().flat_map(|list| &list.entries);
        entries.any(|entry| entry.version == version)
    };
    let rows = rows(view);
    let mut found = Vec::new();
    for (reference, version) in rows.iter().filter(|(_, version)| !has_image(*version)) {
        let message = format!("{} is listed, {file} has no image for it", reference.value);
        found.push(Found::at(reference, message).of(version.minor()));
    }
    for line in view.lines() {
        let Some(default) = line.default.filter(|default| !has_image(*default)) else {
            continue;
        };
        if !rows.iter().any(|(_, version)| *version == default) {
            let stated = line.references().find(|reference| {
                matches!(reference.fact, crate::stack::Fact::Kubernetes { version } if version == default)
            });
            let message = format!("{}, {file} has no image for it", line.is_words());
            found.extend(stated.map(|reference| line.at(reference, message)));
        }
    }
    found
}

/// A name by which the stack asks for an image.
struct Asked<'a> {
    file: &'a str,
    line: usize,
    minor: Option<Minor>,
    /// The name for people.
    text: String,
    pattern: ImagePattern,
}

fn list_image_name(view: &View<'_>) -> Vec<Found> {
    let image_lists = || view.image_lists().map(|(_, image_list)| image_list);
    let lists: Vec<&ImageList> = image_lists()
        .filter(|image_list| image_list.form == ImageListForm::ImageManager)
        .collect();
    if lists.is_empty() {
        return Vec::new();
    }
    let made: Vec<ImagePattern> = view
        .files()
        .flat_map(|file| file.named_images(&view.stack.series))
        .filter(|image| image.url.is_some())
        .flat_map(|image| image.names)
        .chain(image_lists().flat_map(|image_list| image_list.names.iter().cloned()))
        .collect();
    let mut found = Vec::new();
    for asked in names_asked_for(view, &lists) {
        let given = lists.iter().find_map(|list| {
            let mut names = list.names.iter();
            let name = names.find(|name| name.is_spelled_like(&asked.pattern))?;
            Some((list, name))
        });
        let (Some((list, given)), false) = (given, made.contains(&asked.pattern)) else {
            continue;
        };
        let message = format!(
            "`{}` is asked for, {} makes `{}`",
            asked.text,
            file_name(&list.file),
            shown(given)
        );
        let hint = format!(
            "set the `separator` of the list on line {} of {}, or change the name here",
            list.line, list.file
        );
        let told = Found::in_file(asked.file, Some(asked.line), message);
        found.push(told.of(asked.minor).hinted(hint));
    }
    found
}

/// Returns a pattern of names as people read it: `ubuntu-capi-image v<version>`.
fn shown(pattern: &ImagePattern) -> String {
    pattern.as_str().replace("{version}", "<version>")
}

/// Returns the names of images that values name, and those that templates of the class put together.
fn names_asked_for<'a>(view: &View<'a>, lists: &[&ImageList]) -> Vec<Asked<'a>> {
    let mut asked = Vec::new();
    for (minor, file) in view.files_with_minor() {
        let named = file.named_images(&view.stack.series);
        for image in named.filter(|image| image.url.is_none()) {
            asked.extend(image.names.into_iter().map(|pattern| Asked {
                file: file.path(),
                line: image.line,
                minor,
                text: image.text.to_owned(),
                pattern,
            }));
        }
        if file.path().contains("cluster-class/templates/") {
            for (index, line) in file.text().lines().enumerate() {
                let pattern = built_name(line, lists);
                asked.extend(pattern.map(|pattern| Asked {
                    file: file.path(),
                    line: index + 1,
                    minor,
                    text: shown(&pattern),
                    pattern,
                }));
            }
        }
    }
    asked
}

/// Returns the name that a line of a ClusterClass puts together from the cluster's version and a name before it: one that is
/// written there, or the variable `imageName`, which then is that of a list.
/// Sources: Cluster API's built-in variables, and the class of the SCS stacks.
fn built_name(line: &str, lists: &[&ImageList]) -> Option<ImagePattern> {
    let at = line.find("{{ .builtin.")?;
    let (before, action) = line.split_at(at);
    let (inner, _) = action.split_once("}}")?;
    if !inner.trim_end().ends_with("ersion") {
        return None;
    }
    let is_separator = |c: char| matches!(c, ' ' | '-' | '_');
    let separator = before.chars().last().filter(|c| is_separator(*c))?;
    let before = &before[..before.len() - 1];
    let literal = || {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let start = before.rfind(|c| !is_of_name(c)).map_or(0, |at| at + 1);
        Some(before[start..].to_owned()).filter(|name| !name.is_empty())
    };
    let of_list = || {
        let mut names = lists.iter().flat_map(|list| &list.names);
        let name = names.find_map(|name| name.as_str().strip_suffix("v{version}"))?;
        Some(name.trim_end_matches(is_separator).to_owned())
    };
    let name = if before.trim_end().ends_with(".imageName }}") {
        of_list()?
    } else {
        literal()?
    };
    format!("{name}{separator}v{{version}}").parse().ok()
}

fn duplicate_image(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in &image_list.entries {
            if let Some(first) = names.get(entry.name.as_str()) {
                let message = format!("{} is listed already, on line {first}", entry.name);
                let hint = format!(
                    "remove one of the entries on lines {first} and {}",
                    entry.line
                );
                found.push(
                    Found::in_file(&image_list.file, Some(entry.line), message)
                        .of(minor)
                        .hinted(hint),
                );
            } else if !entry.name.is_empty() {
                names.insert(&entry.name, entry.line);
            }
        }
    }
    found
}

fn class_versions(view: &View<'_>) -> Vec<Found> {
    const MOST: usize = 100;
    let mut found = Vec::new();
    for (minor, image_list) in view
        .image_lists()
        .filter(|(_, image_list)| is_class_versions(image_list))
    {
        let mut add = |line: usize, message: String| {
            found.push(Found::in_file(&image_list.file, Some(line), message).of(minor));
        };
        for pair in image_list.entries.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            if before.version > after.version {
                let message = format!("{} is older than {} before it", after.name, before.name);
                add(after.line, message);
            }
            let next: Minor = before.version.minor().next();
            if after.version.minor() > next {
                add(
                    after.line,
                    format!("no version of {next} before {}", after.name),
                );
            }
        }
        if image_list.entries.len() > MOST {
            let count = image_list.entries.len();
            add(
                image_list.line,
                format!("{count} versions, {MOST} is the most"),
            );
        }
    }
    found
}
