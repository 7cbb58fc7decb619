//! The configured references of a repository: reads the entries, and the files they name. It edits nothing.

use super::FoundRepository;
use crate::config::{CONFIG_FILE, Config};
use crate::error::CommandError;
use crate::io::files::load_more;
use crate::stack::{ConfiguredReferences, Content, Discovery, Stack, Tree};

/// Reads the entries of the configuration file, and the files that they name into the tree.
pub(super) fn load(
    revision: Option<&str>,
    found: &FoundRepository,
    config: &Config,
    tree: &mut Tree,
) -> Result<ConfiguredReferences, CommandError> {
    let references = match tree.find(CONFIG_FILE) {
        Some(Content::Text(text)) if !config.references.is_empty() => {
            ConfiguredReferences::read(&config.references, text)
                .map_err(|fault| CommandError::new(&fault).hinted(fault.hint.clone()))?
        }
        Some(_) | None => return Ok(ConfiguredReferences::default()),
    };
    if let (Some(revision), Some(git)) = (revision, &found.git) {
        git.load_more(revision, tree, &references)
            .map_err(CommandError::new)?;
    } else {
        load_more(&found.root, tree, &references);
    }
    Ok(references)
}

/// Checks that the stacks that entries name are there.
pub(super) fn check_stacks(
    references: &ConfiguredReferences,
    discovery: &Discovery,
    tree: &Tree,
) -> Result<(), CommandError> {
    let named = references.stacks();
    if named.is_empty() {
        return Ok(());
    }
    let stacks = discovery.read(tree);
    for name in named {
        let wanted = name.trim_end_matches('/');
        if !stacks
            .iter()
            .any(|stack| stack.title() == wanted || stack.directory == wanted)
        {
            let titles: Vec<String> = stacks.iter().map(Stack::title).collect();
            let message = format!("{CONFIG_FILE}: references: no cluster stack `{name}`");
            let hint = format!("there are {}", titles.join(", "));
            return Err(CommandError::new(message).hinted(hint));
        }
    }
    Ok(())
}
