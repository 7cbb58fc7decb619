//! Says which examples for people a move leaves to people, as nobody else knows what they should say.

use super::facts::{FileReason, Skip, SkipReason, SkipSubject};
use super::target::Target;
use crate::stack::left_examples;

/// Returns a skip for each such example.
pub(super) fn example_skips(target: &Target<'_>) -> Vec<Skip> {
    let mut skips = Vec::new();
    for (tree, wanted) in target.written() {
        for file in &tree.files {
            let kinds = file.kinds().iter();
            let left = kinds.flat_map(|kind| left_examples(*kind, file, wanted));
            skips.extend(left.map(|left| {
                Skip::new(
                    SkipSubject::Example(left.value.clone(), left.place.clone()),
                    SkipReason::File(FileReason::ExampleLeft(left)),
                )
            }));
        }
    }
    skips
}
