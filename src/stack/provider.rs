//! What is known of infrastructure providers beyond what a repository says. One file per provider.

mod docker;
mod openstack;

/// What is known of an infrastructure provider.
#[derive(Debug)]
pub struct Provider {
    /// Its name in csctl.yaml.
    pub name: &'static str,
    /// The image store its users share, for stacks that name no image URL.
    pub default_pattern: Option<&'static str>,
    /// Whether csctl's plugin for it copies a list of node images (`create-node-images`).
    pub has_node_images: bool,
}

const PROVIDERS: [&Provider; 2] = [&docker::PROVIDER, &openstack::PROVIDER];

/// Finds a provider by its name in csctl.yaml.
pub fn find_provider(name: &str) -> Option<&'static Provider> {
    PROVIDERS.into_iter().find(|provider| provider.name == name)
}
