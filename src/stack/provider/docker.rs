//! Docker: nodes are containers of kind's node image.

use super::Provider;
use crate::catalog::ImageProof;
use crate::stack::form::{ImageForm, TEMPLATE, named};
use crate::stack::identity::CSCTL;

pub(super) const PROVIDER: Provider = Provider {
    name: "docker",
    identity: &CSCTL,
    kinds: &[],
    forms: &FORMS,
    charts: &[],
    image_name: None,
    image_files: &[],
    store: Some("kindest/node:v{version}"),
    proof: ImageProof::RegistryDigest,
    releases_images: false,
};

/// Sources: `test/infrastructure/docker/api` of cluster-api, as of 2026.
const FORMS: [ImageForm; 3] = [
    ImageForm {
        kind: "DockerMachineTemplate",
        root: &TEMPLATE,
        images: &[named("customImage")],
    },
    ImageForm {
        kind: "DevMachineTemplate",
        root: &TEMPLATE,
        images: &[named("backend.docker.customImage")],
    },
    ImageForm {
        kind: "DockerMachinePoolTemplate",
        root: &TEMPLATE,
        images: &[named("template.customImage")],
    },
];
