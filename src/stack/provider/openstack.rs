//! OpenStack: node images are files that OSISM builds for the cluster stacks (github.com/osism/k8s-capi-images) and that clouds import
//! by their URL, with openstack-image-manager, with manifests of ORC, or by the cluster stack operator.

use super::Provider;
use crate::catalog::ImageProof;
use crate::stack::addon::KnownChart;
use crate::stack::form::{ImageForm, TEMPLATE, named};
use crate::stack::identity::CSCTL;
use crate::stack::kinds::{ImageManager, NodeImages, OrcImage};

pub(super) const PROVIDER: Provider = Provider {
    name: "openstack",
    identity: &CSCTL,
    kinds: &[&OrcImage, &NodeImages, &ImageManager],
    forms: &FORMS,
    charts: &CHARTS,
    image_name: Some("ubuntu-capi-image-v{version}"),
    image_files: &[".qcow2", ".img", ".raw"],
    store: Some(
        "https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2",
    ),
    proof: ImageProof::ChecksumFile,
    releases_images: true,
};

/// Sources: `api/v1beta1` of cluster-api-provider-openstack, as of 2026.
const FORMS: [ImageForm; 3] = [
    ImageForm {
        kind: "OpenStackMachineTemplate",
        root: &TEMPLATE,
        images: &[
            named("image"),
            named("image.filter.name"),
            named("image.imageRef.name"),
        ],
    },
    ImageForm {
        kind: "OpenStackClusterTemplate",
        root: &TEMPLATE,
        images: &[
            named("bastion.spec.image"),
            named("bastion.spec.image.filter.name"),
            named("bastion.spec.image.imageRef.name"),
        ],
    },
    ImageForm {
        kind: "OpenStackServer",
        root: &["spec"],
        images: &[
            named("image"),
            named("image.filter.name"),
            named("image.imageRef.name"),
        ],
    },
];

/// Every chart of cloud-provider-openstack numbers itself after the Kubernetes minor. Source: its issue 2175.
const CHARTS: [KnownChart; 3] = [
    known("openstack-cinder-csi", "cinder_csi", "csi"),
    known("openstack-cloud-controller-manager", "occm", "ccm"),
    known("openstack-manila-csi", "manila_csi", "manila"),
];

const fn known(name: &'static str, versions_key: &'static str, key: &'static str) -> KnownChart {
    KnownChart {
        name,
        repository: "https://kubernetes.github.io/cloud-provider-openstack",
        versions_key,
        key,
    }
}
