//! What is known of infrastructure providers beyond what a repository says. Each is one file below `provider/` and one line of
//! [`PROVIDERS`], with a folder in `testdata` and a page in `docs/providers`.

mod docker;
mod openstack;

use std::sync::LazyLock;

use super::addon::{KnownChart, MinorBoundCharts};
use super::form::{ImageForm, OF_OTHERS};
use super::kinds::{self, FileKind, MachineTemplate};
use super::role::Role;
use crate::catalog::ImageProof;

/// What is known of an infrastructure provider.
#[derive(Debug)]
pub struct Provider {
    /// Its name in csctl.yaml.
    pub name: &'static str,
    /// The kinds of files that make a directory one of its stacks and say what the stack is.
    pub(super) marks: &'static [&'static dyn FileKind],
    /// The kinds of files that only its stacks have.
    pub(super) kinds: &'static [&'static dyn FileKind],
    /// How its manifests name images.
    pub(super) forms: &'static [ImageForm],
    /// The addon charts that belong to a Kubernetes minor.
    pub(super) charts: &'static [KnownChart],
    /// Where its users publish images, for stacks that name no place: a pattern of URLs or of container images.
    pub store: Option<&'static str>,
    /// What proves the images of its stores.
    pub proof: ImageProof,
    /// Whether a release has a list of node images, which csctl's plugin for it copies (`create-node-images`).
    pub releases_images: bool,
}

/// All providers.
pub const PROVIDERS: [&Provider; 2] = [&docker::PROVIDER, &openstack::PROVIDER];

/// Finds a provider by its name in csctl.yaml.
pub fn find_provider(name: &str) -> Option<&'static Provider> {
    PROVIDERS.into_iter().find(|provider| provider.name == name)
}

/// The manifests of all providers are read in every stack, as a stack names its provider in one of its files only.
const MACHINE_TEMPLATE: MachineTemplate = MachineTemplate { find_form };

fn find_form(kind: &str) -> Option<&'static ImageForm> {
    let known = PROVIDERS.into_iter().flat_map(|provider| provider.forms);
    known.chain(&OF_OTHERS).find(|form| form.kind == kind)
}

static KINDS: LazyLock<Vec<&dyn FileKind>> = LazyLock::new(|| {
    let mut all: Vec<&dyn FileKind> = kinds::COMMON.to_vec();
    all.push(&MACHINE_TEMPLATE);
    all.extend(PROVIDERS.into_iter().flat_map(|provider| provider.kinds));
    all.extend(kinds::EXAMPLES);
    all
});

/// The marks of all providers, each once: every file of a repository is asked for them.
static MARKS: LazyLock<Vec<&dyn FileKind>> = LazyLock::new(|| {
    let mut marks: Vec<&dyn FileKind> = Vec::new();
    for mark in PROVIDERS.into_iter().flat_map(|provider| provider.marks) {
        if marks.iter().all(|known| known.name() != mark.name()) {
            marks.push(*mark);
        }
    }
    marks
});

/// Returns all kinds of files, in the order in which their facts are read.
pub(super) fn kinds() -> &'static [&'static dyn FileKind] {
    &KINDS
}

/// Returns the directory that a file makes a source tree; no text is that of a file that cannot be read.
pub(super) fn source_tree_of<'p>(path: &'p str, text: Option<&str>) -> Option<&'p str> {
    MARKS.iter().find_map(|kind| kind.source_tree(path, text))
}

/// Returns the role of a file that cannot be read, where its place alone tells it.
pub(super) fn role_at(place: &str) -> Option<Role> {
    let kind = KINDS.iter().find(|kind| kind.place() == Some(place))?;
    Some(kind.role())
}

impl Default for MinorBoundCharts {
    fn default() -> Self {
        Self::of_providers(PROVIDERS.into_iter().flat_map(|provider| provider.charts))
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
    fn providers_do_not_describe_the_same_twice() {
        let mut names: Vec<&str> = PROVIDERS.map(|provider| provider.name).to_vec();
        let forms = PROVIDERS.into_iter().flat_map(|provider| provider.forms);
        names.extend(forms.chain(&OF_OTHERS).map(|form| form.kind));
        names.extend(kinds().iter().map(|kind| kind.name()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }
}
