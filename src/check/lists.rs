//! Rules about lists of node images and versions: what must be in them, and what must not be in them twice.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::versions::rows;
use super::view::{View, file_name};
use crate::catalog::ImagePattern;
use crate::stack::{Fact, ImageList, ImageListEntry, ImageListForm};
use crate::version::{KubernetesVersion, Minor};

pub(super) const RULES: [Rule; 5] = [
    Rule {
        name: "default-not-listed",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The stack's own image list lacks the version that the stack is set to.",
        reason: "The operator would provide no image for clusters of such a release.",
        find: Search::Stack(default_not_listed),
    },
    Rule {
        name: "version-without-image",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "The image list has no image for a version that versions.yaml lists or the stack is set to.",
        reason: "Clouds that import the list cannot run that version.",
        find: Search::Stack(version_without_image),
    },
    Rule {
        name: "duplicate-image",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A list has two images with the same name, or the same version twice.",
        reason: "The operator and openstack-image-manager identify images by name and silently ignore the second.",
        find: Search::Stack(duplicate_image),
    },
    Rule {
        name: "list-image-name",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The stack asks for an image under a different name than its image list gives it: a space, a dash or an underscore differs.",
        reason: "openstack-image-manager names images `{name}{separator}{version}`, with a space unless the list sets another separator, so the image is not found.",
        find: Search::Stack(list_image_name),
    },
    Rule {
        name: "class-versions",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "`spec.kubernetesVersions` of a ClusterClass is out of order, skips a minor, has a version without `v`, or more than 100 of them.",
        reason: "Cluster API requires 1 to 100 versions, oldest first, with at least one of every minor in between, and compares them with `v`.",
        find: Search::Stack(class_versions),
    },
];

fn default_not_listed(view: &View<'_>) -> Vec<Contradiction> {
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
            // It is no part of a release; `version-without-image` looks at it.
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
        let message = format!("the list has {}, but {}", few(&versions), line.is_words());
        let command = view.update_command();
        let hint = format!("run `{command}` to add the image from the image store");
        let first = image_list.entries[0].line;
        found.push(
            Contradiction::in_file(&image_list.file, Some(first), message)
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

fn version_without_image(view: &View<'_>) -> Vec<Contradiction> {
    let lists: Vec<&ImageList> = view
        .image_lists()
        .map(|(_, image_list)| image_list)
        .filter(|image_list| image_list.form == ImageListForm::ImageManager)
        .collect();
    let Some(list) = lists.first() else {
        return Vec::new();
    };
    let file = file_name(&list.file);
    let images: BTreeSet<KubernetesVersion> = lists
        .iter()
        .flat_map(|list| &list.entries)
        .map(|entry| entry.version)
        .collect();
    let rows = rows(view);
    let mut found = Vec::new();
    for (reference, version) in rows.iter().filter(|(_, version)| !images.contains(version)) {
        let message = format!(
            "{} is listed, but {file} has no image for it",
            reference.value
        );
        found.push(
            Contradiction::at(reference, message)
                .of(version.minor())
                .case("listed"),
        );
    }
    for line in view.lines() {
        let Some(default) = line.default.filter(|default| !images.contains(default)) else {
            continue;
        };
        // The row of that version has the finding already.
        if !rows.iter().any(|(_, version)| *version == default) {
            let stated = line.references().find(|reference| {
                matches!(reference.fact, Fact::Kubernetes { version } if version == default)
            });
            let message = format!("{}, but {file} has no image for it", line.is_words());
            found.extend(stated.map(|reference| line.at(reference, message).case("default")));
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

fn list_image_name(view: &View<'_>) -> Vec<Contradiction> {
    let all: Vec<&ImageList> = view
        .image_lists()
        .map(|(_, image_list)| image_list)
        .collect();
    let lists: Vec<&ImageList> = all
        .iter()
        .copied()
        .filter(|image_list| image_list.form == ImageListForm::ImageManager)
        .collect();
    if lists.is_empty() {
        return Vec::new();
    }
    // What a manifest of the stack or another list creates under the name is there, whatever this list calls its images.
    let made: Vec<ImagePattern> = view
        .files()
        .flat_map(|file| file.named_images(&view.stack.series))
        .filter(|image| image.url.is_some())
        .flat_map(|image| image.names)
        .chain(
            all.iter()
                .flat_map(|image_list| image_list.names.iter().cloned()),
        )
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
            "the stack asks for `{}`, but {} creates `{}`",
            asked.text,
            file_name(&list.file),
            shown(given)
        );
        let hint = format!(
            "set the `separator` of the list on line {} of {}, or change the name here",
            list.line, list.file
        );
        let told = Contradiction::in_file(asked.file, Some(asked.line), message);
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
    // `version`, or a name that ends with `Version`.
    if !inner.trim_end().ends_with("ersion") {
        return None;
    }
    let separator = before.chars().last().filter(|c| is_separator(*c))?;
    // Each separator is one byte long.
    let name_before = &before[..before.len() - 1];
    let name = if name_before.trim_end().ends_with(".imageName }}") {
        name_of_lists(lists)?
    } else {
        name_at_end(name_before)?
    };
    format!("{name}{separator}v{{version}}").parse().ok()
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '_')
}

/// Returns the name that is written at the end of a text.
fn name_at_end(text: &str) -> Option<&str> {
    let rest =
        text.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    Some(&text[rest.len()..]).filter(|name| !name.is_empty())
}

/// Returns the name that a list gives its images, without the version.
fn name_of_lists<'l>(lists: &[&'l ImageList]) -> Option<&'l str> {
    let mut names = lists.iter().flat_map(|list| &list.names);
    let name = names.find_map(|name| name.as_str().strip_suffix("v{version}"))?;
    Some(name.trim_end_matches(is_separator))
}

fn duplicate_image(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in &image_list.entries {
            if let Some(first) = names.get(entry.name.as_str()) {
                let message = format!("{} is already listed on line {first}", entry.name);
                let hint = format!(
                    "remove one of the entries on lines {first} and {}",
                    entry.line
                );
                found.push(
                    Contradiction::in_file(&image_list.file, Some(entry.line), message)
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

fn class_versions(view: &View<'_>) -> Vec<Contradiction> {
    const MOST: usize = 100;
    let mut found = Vec::new();
    for (minor, image_list) in view
        .image_lists()
        .filter(|(_, image_list)| is_class_versions(image_list))
    {
        let file = &image_list.file;
        for entry in &image_list.entries {
            if !entry.name.starts_with('v') {
                let message = format!(
                    "no cluster can ask for {}: write v{}",
                    entry.name, entry.name
                );
                let told = Contradiction::in_file(file, Some(entry.line), message);
                found.push(told.of(minor).case("no-v"));
            }
        }
        for pair in image_list.entries.windows(2) {
            let misplaced = misplaced(&pair[0], &pair[1]);
            found.extend(misplaced.map(|(case, message)| {
                let told = Contradiction::in_file(file, Some(pair[1].line), message);
                told.of(minor).case(case)
            }));
        }
        let count = image_list.entries.len();
        if count > MOST {
            let message = format!("{count} versions; at most {MOST} are allowed");
            let told = Contradiction::in_file(file, Some(image_list.line), message);
            found.push(told.of(minor).case("too-many"));
        }
    }
    found
}

/// Says why an entry cannot stand behind another: the case, and in words.
fn misplaced(before: &ImageListEntry, after: &ImageListEntry) -> Option<(&'static str, String)> {
    // The same version twice is for `duplicate-image` to tell.
    if before.version > after.version {
        let message = format!("{} comes after the newer {}", after.name, before.name);
        return Some(("order", message));
    }
    let next = before.version.minor().next();
    (after.version.minor() > next).then(|| {
        let message = format!("no version of {next} comes before {}", after.name);
        ("missing-minor", message)
    })
}
