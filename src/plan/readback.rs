//! Reads back what a plan would write: every reference of the stack that stated the default before has to state the wanted one
//! then. What does not - behind an alias, in a value that no edit reached - puts its file out of reach.

use super::files::StackOutcome;
use super::limits::EditRefusal;
use super::target::{Target, TreeMove};
use crate::stack::{
    Fact, Fault, FaultKind, ImageList, ImageListForm, Reach, Reference, SourceTree, Stack, Wanted,
};

/// Returns what the planned texts do not say as the plan promises.
pub(super) fn read_back(target: &Target<'_>, outcome: &StackOutcome) -> Vec<EditRefusal> {
    let Some(after) = &outcome.after else {
        return Vec::new();
    };
    let mut refusals = new_faults(target, after);
    for step in &target.moves {
        let (directory, wanted) = match step {
            // A tree whose own minor is left alone goes on naming it by right.
            TreeMove::Edit(tree, wanted) if wanted.reach != Reach::Lists => {
                (&tree.directory, wanted)
            }
            TreeMove::Create(_, directory, wanted) => (directory, wanted),
            TreeMove::Edit(..) | TreeMove::Remove(_) => continue,
        };
        let mut trees = after.trees.iter();
        if let Some(tree) = trees.find(|tree| tree.directory == *directory) {
            let faults = left_behind(target, tree, wanted);
            let refused = faults
                .into_iter()
                .map(|fault| EditRefusal::new(fault, Some(directory), wanted));
            refusals.extend(refused);
        }
    }
    refusals
}

/// Files that could be read before and cannot be read then.
fn new_faults(target: &Target<'_>, after: &Stack) -> Vec<EditRefusal> {
    let before = &target.stack.faults;
    let new = after.faults.iter().filter(|fault| {
        // The edits may have moved a known fault to another line or given it other words: its file tells.
        let is_known = before.iter().any(|known| known.file == fault.file);
        fault.kind == FaultKind::OutOfReach && !is_known
    });
    new.map(|fault| EditRefusal {
        fault: fault.clone(),
        directory: None,
        default: None,
        minor: None,
    })
    .collect()
}

/// References of a source tree that go on naming what it is not any more.
fn left_behind(target: &Target<'_>, tree: &SourceTree, wanted: &Wanted<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in &tree.files {
        // What it goes on saying is known, and told.
        if target.limits.leaves(file.path()) {
            continue;
        }
        let stale = file
            .references()
            .iter()
            .filter(|reference| is_stale(reference, wanted));
        faults.extend(stale.map(|reference| {
            let message = format!(
                "`{}` would still be there, and no edit of it could be made",
                reference.value
            );
            let hint = "write the value out in its own place, or change it by hand";
            Fault::new(&reference.file, reference.line, message, hint)
        }));
        let image_lists = file.image_lists().iter();
        faults.extend(image_lists.filter_map(|image_list| without_default(image_list, wanted)));
    }
    faults
}

/// Tells whether a reference states what the source tree was before, and is not any more.
fn is_stale(reference: &Reference, wanted: &Wanted<'_>) -> bool {
    let old_default = wanted
        .default_before
        .filter(|_| wanted.default != wanted.default_before);
    let (old, new) = (wanted.line_before.minor, wanted.line.minor);
    match &reference.fact {
        Fact::Kubernetes { version } | Fact::ImageName { version } => Some(*version) == old_default,
        Fact::Image(image) => Some(image.version) == old_default,
        Fact::KubernetesMinor { minor } => *minor == old && old != new,
        Fact::ClassChart { minor } | Fact::AddonChart { minor } => {
            *minor == Some(old) && old != new
        }
        // Rows and lists may go on naming the old default: they speak of more versions than that.
        _ => false,
    }
}

/// A list that is released with the stack has to have the default's image.
fn without_default(image_list: &ImageList, wanted: &Wanted<'_>) -> Option<Fault> {
    let is_released = match image_list.form {
        ImageListForm::NodeImages | ImageListForm::OrcImages | ImageListForm::VersionMap => true,
        ImageListForm::ImageManager | ImageListForm::Names => false,
    };
    let default = wanted
        .default
        .filter(|_| wanted.default != wanted.default_before)?;
    let mut entries = image_list.entries.iter();
    if !is_released || entries.any(|entry| entry.version == default) {
        return None;
    }
    let message = format!("the list would not get the image of {default}");
    let hint = "add the image by hand, or wait for it";
    Some(Fault {
        // Unmovable, so that the next attempt leaves out the default and not the file.
        kind: FaultKind::Unmovable,
        ..Fault::new(&image_list.file, image_list.line, message, hint)
    })
}
