//! Docker: nodes are containers of kind's node image.

use super::Provider;

pub(super) const PROVIDER: Provider = Provider {
    name: "docker",
    default_pattern: Some("kindest/node:v{version}"),
    has_node_images: false,
};
