//! The name that was probably meant where an unknown one was written.

/// Finds the known name that is nearest to an unknown one, if it is near enough to be a slip: one letter, and one more for
/// every four letters of the name.
pub(crate) fn nearest<'n>(
    unknown: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let lower = unknown.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Returns what a message about an unknown name ends with: `; did you mean `images`?`, or nothing.
pub(crate) fn did_you_mean<'n>(unknown: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let near = nearest(unknown, known);
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
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
