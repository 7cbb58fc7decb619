//! The places that show a value which is written elsewhere, as aliases and `<<` do.

use std::collections::HashSet;
use std::ops::Range;

use super::node::Node;
use super::path::Path;

/// A place that shows a value which may be written elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Where the value is written.
    pub written: Range<usize>,
    /// The place.
    pub path: Path,
    /// The line on which the value stands or is brought, from one.
    pub line: usize,
}

impl Node {
    /// Returns every place below this node that shows one of the values which are written in these ranges: the value itself, and
    /// the places where aliases and `<<` bring it, each with the line on which it is brought.
    pub(crate) fn places_of(&self, written: &HashSet<Range<usize>>) -> Vec<Shown> {
        let mut found = Vec::new();
        self.find_places(&Path::root(), None, written, &mut found);
        found
    }

    /// `brought` is the line of the alias or of the map with `<<` through which this node is read.
    fn find_places(
        &self,
        path: &Path,
        brought: Option<usize>,
        written: &HashSet<Range<usize>>,
        found: &mut Vec<Shown>,
    ) {
        let content = self.content();
        let line = brought.unwrap_or(self.line());
        if written.contains(&content.span) {
            found.push(Shown {
                written: content.span.clone(),
                path: path.clone(),
                line,
            });
        }
        let below = brought.or(self.is_alias().then_some(line));
        for (index, item) in self.items().iter().enumerate() {
            item.find_places(&path.clone().index(index), below, written, found);
        }
        let has_merges = content.has_merges();
        for (key, _, value) in self.entries() {
            let is_merged = has_merges && !self.is_own(key);
            let shown_at = below.or(is_merged.then_some(line));
            value.find_places(&path.clone().key(key), shown_at, written, found);
        }
    }
}
