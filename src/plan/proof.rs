//! Proves that no blocked version is left where it could be used: in the stack as it reads after the plan. What is left is a
//! fault with the way out, and then nothing of the stack changes.

use super::target::Target;
use crate::catalog::ImagePattern;
use crate::policy::{Block, ChangeClass};
use crate::stack::{Fact, Fault, ImageList, Reference, SourceTree, Stack};
use crate::version::{KubernetesVersion, OsRelease};

/// Returns a fault for each place that would go on naming a blocked version.
pub(super) fn left_blocked(target: &Target<'_>, after: &Stack) -> Vec<Fault> {
    let policy = target.input.policy;
    // A run that is asked for other classes of change follows no block, and so promises nothing of it.
    if policy.blocked.is_empty() || !target.input.wishes.wants(ChangeClass::Removal) {
        return Vec::new();
    }
    let mut faults: Vec<Fault> = after
        .trees
        .iter()
        .filter_map(|tree| default_fault(target, tree))
        .collect();
    // A default that stays blocked keeps its images and rows, which need no fault of their own.
    if !faults.is_empty() {
        return faults;
    }
    // What is released with a minor that is left alone is left alone, too.
    let own = after.trees.iter().flat_map(|tree| {
        let is_looked_at = tree.minor.is_none_or(|minor| policy.minors.contains(minor));
        let files = tree.files.iter();
        files.filter(move |file| is_looked_at || file.spans_minors())
    });
    for file in own.chain(&after.shared) {
        let image_lists = file.image_lists().iter();
        faults.extend(image_lists.filter_map(|image_list| image_list_fault(target, image_list)));
        let references = file.references().iter();
        faults.extend(references.filter_map(|reference| reference_fault(target, reference)));
    }
    faults
}

/// Finds what blocks an image, in minors that are looked at.
fn find_block<'t>(
    target: &'t Target<'_>,
    version: KubernetesVersion,
    os: Option<&OsRelease>,
) -> Option<&'t Block> {
    if !target.minors.contains(&version.minor()) {
        return None;
    }
    target.available.blocked().image(version, os)
}

fn default_fault(target: &Target<'_>, tree: &SourceTree) -> Option<Fault> {
    let default = tree.default?;
    let block = find_block(target, default, None)?;
    let reference = tree.references().find(
        |reference| matches!(reference.fact, Fact::Kubernetes { version } if version == default),
    );
    let message = format!(
        "{} is blocked, and nothing else of {} may be the default: {}",
        block.subject(),
        default.minor(),
        block.why()
    );
    let file = reference.map_or(tree.directory.as_str(), |reference| &reference.file);
    Some(Fault::new(
        file,
        reference.map(|reference| reference.line),
        message,
        way_out(target, block),
    ))
}

fn image_list_fault(target: &Target<'_>, image_list: &ImageList) -> Option<Fault> {
    let mut entries = image_list.entries.iter();
    let (entry, block) = entries.find_map(|entry| {
        let block = find_block(target, entry.version, entry.os.as_ref())?;
        Some((entry, block))
    })?;
    let message = format!(
        "{} is blocked, and the list would be empty without it: {}",
        block.subject(),
        block.why()
    );
    Some(Fault::new(
        &image_list.file,
        entry.line,
        message,
        way_out(target, block),
    ))
}

fn reference_fault(target: &Target<'_>, reference: &Reference) -> Option<Fault> {
    let block = match &reference.fact {
        Fact::ListedVersion { version } => find_block(target, *version, None),
        Fact::Image(image) => find_block(target, image.version, image.os.as_ref()),
        Fact::ImageName { version } => {
            let read = ImagePattern::read_url(&reference.value).ok();
            find_block(target, *version, read.and_then(|read| read.os).as_ref())
        }
        _ => None,
    }?;
    let message = format!(
        "{} is blocked, and nothing is known that could stand here: {}",
        block.subject(),
        block.why()
    );
    Some(Fault::new(
        &reference.file,
        reference.line,
        message,
        way_out(target, block),
    ))
}

fn way_out(target: &Target<'_>, block: &Block) -> String {
    let os = block.os.as_ref().map(|os| format!(" --os {os}"));
    let title = target.stack.title();
    let selection = target.input.selection;
    let words = format!("unblock {}{}", block.version, os.unwrap_or_default());
    let unblock = selection.local_command(&words);
    let switch = selection.command(&format!("plan {title} --switch MINOR"));
    format!("{unblock}, or use another minor: {switch}")
}
