//! The configured sites of a repository: reads the entries, and the files they name. It edits nothing.

use std::path::Path;

use super::Place;
use crate::config::{CONFIG_FILE, Config};
use crate::error::CommandError;
use crate::io::files::load_more;
use crate::io::git::GitRepository;
use crate::stack::{ConfiguredSites, Content, Discovery, Stack, Tree};

/// Reads the entries of the configuration file, and the files that they name into the tree.
pub(super) fn load(
    place: &Place,
    (root, git): (&Path, Option<&GitRepository>),
    config: &Config,
    tree: &mut Tree,
) -> Result<ConfiguredSites, CommandError> {
    let sites = match tree.find(CONFIG_FILE) {
        Some(Content::Text(text)) if !config.sites.is_empty() => {
            ConfiguredSites::read(&config.sites, text)
                .map_err(|fault| CommandError::new(&fault).hinted(fault.hint.clone()))?
        }
        Some(_) | None => return Ok(ConfiguredSites::default()),
    };
    if let (Some(revision), Some(git)) = (&place.revision, git) {
        git.load_more(revision, tree, &sites)
            .map_err(CommandError::new)?;
    } else {
        load_more(root, tree, &sites);
    }
    Ok(sites)
}

/// Checks that the stacks that entries name are there.
pub(super) fn check_stacks(
    sites: &ConfiguredSites,
    discovery: &Discovery,
    tree: &Tree,
) -> Result<(), CommandError> {
    let named = sites.stacks();
    if named.is_empty() {
        return Ok(());
    }
    let stacks = discovery.read(tree);
    for name in named {
        let wanted = name.trim_end_matches('/');
        let is_there = |stack: &Stack| stack.title() == wanted || stack.directory == wanted;
        if !stacks.iter().any(is_there) {
            let titles: Vec<String> = stacks.iter().map(Stack::title).collect();
            let message = format!("{CONFIG_FILE}: sites: no cluster stack `{name}`");
            let hint = format!("there are {}", titles.join(", "));
            return Err(CommandError::new(message).hinted(hint));
        }
    }
    Ok(())
}
