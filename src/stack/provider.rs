//! What is known of infrastructure providers beyond what a repository says. Each is one file below `provider/` and one line of
//! [`PROVIDERS`], with a folder in `testdata` and a page in `docs/providers`.

mod docker;
mod openstack;

use std::sync::LazyLock;

use super::addon::{KnownChart, MinorBoundCharts};
use super::form::{FILES_OF_OTHERS, ImageForm, OF_OTHERS};
use super::identity::Identity;
use super::kinds::{self, FileKind, MachineTemplate};
use super::role::Role;
use crate::catalog::ImageProof;

/// What is known of an infrastructure provider.
#[derive(Debug)]
pub struct Provider {
    /// Its name in csctl.yaml.
    pub name: &'static str,
    /// Where its stacks say what they are.
    pub(super) identity: &'static Identity,
    /// The kinds of files that only its stacks have.
    pub(super) kinds: &'static [&'static dyn FileKind],
    /// How its manifests name images.
    pub(super) forms: &'static [ImageForm],
    /// The addon charts that belong to a Kubernetes minor.
    pub(super) charts: &'static [KnownChart],
    /// The name by which a cluster class finds a node image in the cloud, with `{version}` and, where it says it, `{os}`; nothing
    /// where images have no names beside their URLs.
    pub image_name: Option<&'static str>,
    /// What the names of its image files end with.
    pub(super) image_files: &'static [&'static str],
    /// Where its users publish images, for stacks that name no place: a pattern of URLs or of container images.
    pub store: Option<&'static str>,
    /// What proves the images of its stores; those of a registry are proved by their digests whatever stands here.
    pub proof: ImageProof,
    /// Whether a release has a list of node images, which csctl's plugin for it copies (`create-node-images`).
    pub releases_images: bool,
}

/// All providers.
pub const PROVIDERS: &[&Provider] = &[&docker::PROVIDER, &openstack::PROVIDER];

/// Finds a provider by its name in csctl.yaml.
pub fn find_provider(name: &str) -> Option<&'static Provider> {
    let mut providers = PROVIDERS.iter().copied();
    providers.find(|provider| provider.name == name)
}

/// The manifests of all providers are read in every stack, as a stack names its provider in one of its files only.
const MACHINE_TEMPLATE: MachineTemplate = MachineTemplate { find_form };

fn find_form(kind: &str) -> Option<&'static ImageForm> {
    let known = PROVIDERS.iter().flat_map(|provider| provider.forms);
    known.chain(&OF_OTHERS).find(|form| form.kind == kind)
}

static KINDS: LazyLock<Vec<&dyn FileKind>> = LazyLock::new(|| {
    let mut all: Vec<&dyn FileKind> = kinds::COMMON.to_vec();
    all.push(&MACHINE_TEMPLATE);
    all.extend(PROVIDERS.iter().flat_map(|provider| provider.kinds));
    // Last: a file has the role of the first kind that claims it, and these state nothing.
    all.extend(kinds::EXAMPLES);
    all
});

/// The identities of all providers, each once: every file of a repository is asked for their marks.
static IDENTITIES: LazyLock<Vec<&Identity>> = LazyLock::new(|| {
    let mut all: Vec<&Identity> = Vec::new();
    for identity in PROVIDERS.iter().map(|provider| provider.identity) {
        if all.iter().all(|known| !std::ptr::eq(*known, identity)) {
            all.push(identity);
        }
    }
    all
});

/// A file that makes a directory a source tree.
pub(super) struct Mark<'p> {
    /// The directory.
    pub(super) source_tree: &'p str,
    /// Where stacks of that kind say what they are.
    pub(super) identity: &'static Identity,
}

/// Tells whether a URL is that of an image's file.
pub(super) fn is_image_file(url: &str) -> bool {
    let known = PROVIDERS.iter().flat_map(|provider| provider.image_files);
    known
        .chain(&FILES_OF_OTHERS)
        .any(|ending| url.ends_with(ending))
}

/// Returns the names of the addon charts that have this key in stack.yaml, such as `ccm`: each provider has its own.
pub fn charts_with_key(key: &str) -> impl Iterator<Item = &'static str> {
    let charts = PROVIDERS.iter().flat_map(|provider| provider.charts);
    charts
        .filter(move |chart| chart.key == key)
        .map(|chart| chart.name)
}

/// Returns all kinds of files, in the order in which their facts are read.
pub(super) fn kinds() -> &'static [&'static dyn FileKind] {
    &KINDS
}

/// Tells whether a file makes a directory a source tree; no text is that of a file that cannot be read.
pub(super) fn find_mark<'p>(path: &'p str, text: Option<&str>) -> Option<Mark<'p>> {
    IDENTITIES.iter().find_map(|identity| {
        let mut marks = identity.marks.iter();
        let source_tree = marks.find_map(|kind| kind.source_tree(path, text))?;
        Some(Mark {
            source_tree,
            identity,
        })
    })
}

/// Returns the role of a file that cannot be read, where its place alone tells it.
pub(super) fn role_at(place: &str) -> Option<Role> {
    let kind = KINDS.iter().find(|kind| kind.place() == Some(place))?;
    Some(kind.role())
}

impl Default for MinorBoundCharts {
    fn default() -> Self {
        Self::of_providers(PROVIDERS.iter().flat_map(|provider| provider.charts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ImagePattern;

    #[test]
    fn a_store_is_one_that_its_proof_fits() {
        for provider in PROVIDERS {
            let Some(store) = provider.store else {
                continue;
            };
            let pattern: ImagePattern = store.parse().unwrap();
            let is_registry = provider.proof == ImageProof::RegistryDigest;
            assert_eq!(
                pattern.is_container_image(),
                is_registry,
                "{}",
                provider.name
            );
        }
    }

    #[test]
    fn names_of_images_say_their_version() {
        let names = PROVIDERS.iter().filter_map(|provider| provider.image_name);
        for name in names {
            assert!(name.parse::<ImagePattern>().is_ok(), "{name}");
        }
    }

    #[test]
    fn providers_do_not_describe_the_same_twice() {
        let mut names: Vec<&str> = PROVIDERS.iter().map(|provider| provider.name).collect();
        let forms = PROVIDERS.iter().flat_map(|provider| provider.forms);
        names.extend(forms.chain(&OF_OTHERS).map(|form| form.kind));
        names.extend(kinds().iter().map(|kind| kind.name()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }
}
