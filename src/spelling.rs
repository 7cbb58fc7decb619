//! Names that were probably meant where an unknown one was written.

/// Finds the known name that is nearest to an unknown one, where one is near enough to be a slip: one letter, and one more for
/// every four that the known name has.
pub(crate) fn nearest<'n>(
    unknown: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let lower = unknown.to_lowercase();
    let distance = |name: &str| distance(&lower, &name.to_lowercase());
    known
        .into_iter()
        .map(|name| (distance(name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Counts the letters to insert, remove or replace to turn one text into the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["images", "retention", "addons", "endOfLife"];
        assert_eq!(nearest("adons", known), Some("addons"));
        assert_eq!(nearest("endoflife", known), Some("endOfLife"));
        assert_eq!(nearest("image", known), Some("images"));
        assert_eq!(nearest("stacks", known), None);
    }
}
