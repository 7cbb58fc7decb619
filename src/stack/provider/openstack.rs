//! OpenStack: node images come from the store that OSISM builds for the cluster stacks (github.com/osism/k8s-capi-images).

use super::Provider;

pub(super) const PROVIDER: Provider = Provider {
    name: "openstack",
    default_pattern: Some(
        "https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2",
    ),
    has_node_images: true,
};
