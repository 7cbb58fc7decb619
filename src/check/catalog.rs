//! Rules about what the sources offer: images that are gone or were uploaded again, chart versions that no index has. A source that
//! gave no answer proves nothing.

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::{StatedImage, View, file_name};
use crate::catalog::{Catalog, ImagePattern, ImageStore, NodeImage};
use crate::stack::{Fact, Reference};
use crate::version::{KubernetesVersion, Minor, Sha256};

pub(super) const RULES: [Rule; 5] = [
    Rule {
        name: "image-gone",
        group: Group::Catalog,
        severity: Severity::Error,
        finds: "A listed image, or the image for the stack's version, is not in the image store.",
        reason: "A cloud that has not imported the image yet cannot get it, and clusters of that version cannot grow.",
        find: Search::Stack(image_gone),
    },
    Rule {
        name: "image-republished",
        group: Group::Catalog,
        severity: Severity::Error,
        finds: "The store has a different checksum for an image than the repository, or the registry a different digest for a tag.",
        reason: "The image was uploaded again under its name, or the checksum belongs to another image; downloads that verify it fail, and a pinned digest is used whatever its tag says.",
        find: Search::Stack(image_republished),
    },
    Rule {
        name: "build-date",
        group: Group::Catalog,
        severity: Severity::Warning,
        finds: "A build date is not the day on which the image was built, according to the store.",
        reason: "People judge an image's age by it, and it is most likely the day a script ran.",
        find: Search::Stack(build_date),
    },
    Rule {
        name: "image-age",
        group: Group::Catalog,
        severity: Severity::Warning,
        finds: "The image for the stack's version is older than the policy's `maximumImageAge`.",
        reason: "It lacks the operating system's security fixes since then (draft standard scs-0220).",
        find: Search::Stack(image_age),
    },
    Rule {
        name: "chart-not-published",
        group: Group::Catalog,
        severity: Severity::Error,
        finds: "An addon chart's version, or one that a list names, is not in the index of its repository.",
        reason: "A version that exists only as a git tag cannot be installed, so the release cannot be packaged.",
        find: Search::Stack(chart_not_published),
    },
];

/// The checksums of one algorithm that a repository and its store give for one image.
struct OtherSum<'a> {
    listed: &'a str,
    offered: &'a str,
}

impl<'a> StatedImage<'a> {
    /// Finds the store the image comes from, where it answered for the image's minor.
    fn store(&self, catalog: &'a Catalog) -> Option<&'a ImageStore> {
        let pattern = ImagePattern::of_url(self.url).ok()?;
        answering_store(catalog, &pattern, self.version.minor())
    }

    fn image(&self, catalog: &'a Catalog) -> Option<&'a NodeImage> {
        let images = self.store(catalog)?.images_of(self.version);
        images.into_iter().find(|image| image.url == self.url)
    }

    /// Returns the checksums that differ from those of the store.
    fn other_sum(&self, image: &'a NodeImage) -> Option<OtherSum<'a>> {
        // SHA-256 counts before MD5; where each side has only the other's, nothing can be compared.
        let (listed, offered) = match (self.sha256, &image.sha256, self.md5, &image.md5) {
            (Some(listed), Some(offered), _, _) => (listed.hex(), offered.hex()),
            (_, _, Some(listed), Some(offered)) => (listed.hex(), offered.hex()),
            _ => return None,
        };
        (listed != offered).then_some(OtherSum { listed, offered })
    }

    fn found(&self, message: String) -> Contradiction {
        let minor = self.minor.unwrap_or(self.version.minor());
        Contradiction::in_file(self.file, Some(self.line), message).of(minor)
    }
}

/// Finds a store that answered for a minor.
fn answering_store<'a>(
    catalog: &'a Catalog,
    pattern: &ImagePattern,
    minor: Minor,
) -> Option<&'a ImageStore> {
    let store = catalog.find_store(pattern)?;
    let is_silent = catalog.unreachable.iter().any(|failed| {
        failed.source == pattern.as_str()
            && (failed.minors.is_empty() || failed.minors.contains(&minor))
    });
    (store.searched.contains(&minor) && !is_silent).then_some(store)
}

fn image_gone(view: &View<'_>) -> Vec<Contradiction> {
    let Some(catalog) = view.input.catalog else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for named in view.stated_images() {
        // An image of a store that was not asked, or gave no answer, is not known to be gone.
        let Some(store) = named.store(catalog) else {
            continue;
        };
        if store
            .images_of(named.version)
            .any(|image| image.url == named.url)
        {
            continue;
        }
        let file = file_name(named.url);
        let faulty = store.faulty.iter().find(|f| f.version == named.version);
        let (case, message) = match faulty {
            Some(faulty) => ("faulty", format!("{file}: {}", faulty.reason)),
            None => ("missing", format!("the store has no {file}")),
        };
        found.push(named.found(message).case(case));
    }
    found.extend(defaults_without_image(view, catalog));
    found
}

/// Default versions of stacks that name no image URL.
fn defaults_without_image(view: &View<'_>, catalog: &Catalog) -> Vec<Contradiction> {
    // Where files state URLs, those say which images are meant.
    if !view.stated_images().is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for line in view.lines() {
        let Some(default) = line.default else {
            continue;
        };
        for series in view.stack.series.all() {
            let Some(pattern) = &series.store else {
                continue;
            };
            let store = answering_store(catalog, pattern, line.minor);
            let is_missing = store.is_some_and(|store| {
                let mut images = store.images_of(default);
                !images.any(|image| series.has_os(image.os.as_ref()))
            });
            if is_missing {
                let stated = line.references().find(
                    |reference| matches!(reference.fact, Fact::Kubernetes { version } if version == default),
                );
                let message = format!("{} has no image of {default}", pattern.base_or_name());
                found.extend(stated.map(|reference| line.at(reference, message).case("default")));
            }
        }
    }
    found
}

fn image_republished(view: &View<'_>) -> Vec<Contradiction> {
    let Some(catalog) = view.input.catalog else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for named in view.stated_images() {
        let Some(image) = named.image(catalog) else {
            continue;
        };
        if let Some(OtherSum { listed, offered }) = named.other_sum(image) {
            let built = image
                .built
                .map(|day| format!(", built {day}"))
                .unwrap_or_default();
            let message = format!(
                "{} has checksum {}, but the store says {}{built}",
                file_name(named.url),
                &listed[..12],
                &offered[..12]
            );
            let words = format!("plan {} --change os-release", view.stack.title());
            let command = view.command(&words);
            let hint = format!("run `{command}` to see the change by itself");
            found.push(named.found(message).case("checksum").hinted(hint));
        }
    }
    for (minor, file) in view.files_with_minor() {
        for image in file.named_images(&view.stack.series) {
            if let Some(message) = other_digest(catalog, image.text, image.version) {
                let told = Contradiction::in_file(file.path(), Some(image.line), message);
                found.push(told.of(minor).case("digest"));
            }
        }
    }
    found
}

/// Says that a container image is pinned by a digest that its tag does not stand for.
fn other_digest(catalog: &Catalog, text: &str, version: KubernetesVersion) -> Option<String> {
    let (name, digest) = text.split_once("@sha256:")?;
    let pinned: Sha256 = digest.parse().ok()?;
    let pattern = ImagePattern::of_url(name).ok()?;
    let store = answering_store(catalog, &pattern, version.minor())?;
    let known = store
        .images_of(version)
        .find_map(|image| image.digest.clone())?;
    if known == pinned {
        return None;
    }
    let owner = store
        .images
        .iter()
        .find(|image| image.digest.as_ref() == Some(&pinned))
        .map_or_else(String::new, |image| format!(", which is {}", image.version));
    Some(format!(
        "{name} is pinned to sha256:{}{owner}; the registry has sha256:{}",
        &pinned.hex()[..12],
        &known.hex()[..12]
    ))
}

fn build_date(view: &View<'_>) -> Vec<Contradiction> {
    let Some(catalog) = view.input.catalog else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for named in view.stated_images() {
        let image = named
            .image(catalog)
            // An image that was uploaded again has another day by right, and `image-republished` tells of it.
            .filter(|image| image.sha256.as_ref() == named.sha256);
        let offered = image.and_then(|image| image.built);
        if let (Some(stated), Some(offered)) = (named.built, offered)
            && stated != offered
        {
            let file = file_name(named.url);
            let message = format!("{file} was built on {offered}, but the list says {stated}");
            found.push(named.found(message));
        }
    }
    found
}

fn image_age(view: &View<'_>) -> Vec<Contradiction> {
    let (Some(catalog), Some(most)) = (view.input.catalog, view.input.policy.maximum_image_age)
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for named in view.stated_images() {
        let is_default = view.lines().any(|line| line.default == Some(named.version));
        let built = named.image(catalog).and_then(|image| image.built);
        // The store counts before the list, which may have the day a script ran.
        let Some(built) = built.or(named.built).filter(|_| is_default) else {
            continue;
        };
        let days = (catalog.as_of - built).get_days();
        if days > i32::from(most.days()) {
            let file = file_name(named.url);
            let message = format!(
                "{file} was built on {built}, {days} days ago; at most {} days are allowed",
                most.days()
            );
            found.push(named.found(message));
        }
    }
    found
}

fn chart_not_published(view: &View<'_>) -> Vec<Contradiction> {
    let Some(catalog) = view.input.catalog else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (minor, file) in view.files_with_minor() {
        for reference in file.references() {
            found.extend(unpublished(view, catalog, reference, minor));
        }
    }
    found
}

/// Says what a repository lacks that a place asks for; `minor` is that of the place's source tree. A source that gave no answer
/// proves nothing.
fn unpublished(
    view: &View<'_>,
    catalog: &Catalog,
    reference: &Reference,
    minor: Option<Minor>,
) -> Option<Contradiction> {
    let charts = &view.stack.charts;
    let (Fact::ChartDependency {
        chart,
        version,
        range,
        ..
    }
    | Fact::ListedAddon {
        chart,
        version,
        range,
        ..
    }) = &reference.fact
    else {
        return None;
    };
    let (url, row) = match &reference.fact {
        Fact::ListedAddon { minor, .. } => {
            let listed = charts.find(chart)?;
            (view.stack.repository_of(listed), Some(*minor))
        }
        Fact::ChartDependency { repository, .. } if !repository.is_empty() => {
            (repository.as_str(), None)
        }
        _ => (charts.find(chart)?.repository.as_str(), None),
    };
    let offered = catalog.find_chart(url, chart)?;
    let is_there = match (version, range) {
        (Some(version), _) => offered.iter().any(|found| found.is_same_release(version)),
        (None, Some(range)) => offered.iter().any(|found| range.takes(found)),
        // What is neither a version nor a range asks for nothing that an index could lack.
        (None, None) => true,
    };
    let message = format!("{url} has no {chart} {}", reference.value);
    (!is_there).then(|| Contradiction::at(reference, message).of(row.or(minor)))
}
