//! Says which examples for people a move leaves to people, as nobody else knows what they should say.

use super::facts::{FileReason, Skip, SkipReason, Subject};
use super::target::{Move, Target};
use crate::stack::left_examples;

/// Returns a skip for each such example.
pub(super) fn example_skips(target: &Target<'_>) -> Vec<Skip> {
    let mut skips = Vec::new();
    for step in &target.moves {
        let (Move::Edit(tree, wanted) | Move::Create(tree, _, wanted)) = step else {
            continue;
        };
        for file in &tree.files {
            let kinds = file.kinds().iter();
            let left = kinds.flat_map(|kind| left_examples(*kind, file, wanted));
            skips.extend(left.map(|left| {
                Skip::new(
                    Subject::Example(left.value.clone(), left.place.clone()),
                    SkipReason::File(FileReason::ExampleLeft(left)),
                )
            }));
        }
    }
    skips
}
