//! Whole documents between `---` markers: adding one in the shape of another, and removing one.

use std::ops::Range;

use super::find::{actions_fit, one_block, refuse};
use super::shape::{Original, Shape, copy};
use super::text::{Splice, is_first_on_line, line_break, line_start, next_line};
use super::{Editor, lines};
use crate::yaml::change::DOCUMENTS;
use crate::yaml::error::{RefusalReason, YamlError};
use crate::yaml::node::Node;
use crate::yaml::path::Path;

impl Editor<'_> {
    /// Adds a document before the old document `at`, or at the end, in the shape of another one.
    ///
    /// Comments at the end of the document before it stay with that one, comments above the first document stay on top.
    pub fn insert_document(&mut self, at: usize, shape: &Shape) -> Result<&mut Self, YamlError> {
        let file = self.file;
        let roots = file.documents();
        let root = Path::root();
        let Some(like) = roots.get(shape.like).filter(|_| at <= roots.len()) else {
            return Err(missing_document(roots, &root));
        };
        let text = file.text();
        // What stands behind its `---` on one line is not there as lines that can be copied.
        if !is_first_on_line(text, like.outer) {
            return Err(refuse(like, &root, RefusalReason::Marker));
        }
        let copied = copy(
            &Original {
                file,
                like,
                start: like.outer,
                siblings: roots,
                path: &root,
            },
            shape,
        )?;
        let (place, implicit) = self
            .document_place(at, like)
            .filter(|_| self.has_plain_lines)
            .ok_or_else(|| refuse(like, &root, RefusalReason::Marker))?;
        if !one_block(file, &[like.outer, place]) {
            return Err(refuse(like, &root, RefusalReason::TemplateBlock));
        }
        let ending = line_break(text, place);
        let lead = &text[line_start(text, like.outer)..like.outer];
        let document = if implicit {
            format!("{lead}{}{ending}---", copied.text)
        } else {
            format!("---{ending}{lead}{}", copied.text)
        };
        self.splices.push(lines(text, place, document));
        self.enter(DOCUMENTS, at, copied.content);
        Ok(self)
    }

    /// Removes a document with its marker and its comments; comments above the first document stay.
    pub fn remove_document(&mut self, at: usize) -> Result<&mut Self, YamlError> {
        let file = self.file;
        let roots = file.documents();
        let path = Path::root();
        let Some(root) = roots.get(at) else {
            return Err(missing_document(roots, &path));
        };
        if self.changes.gone.contains(&root.id) || self.touched.contains(&root.id) {
            return Err(refuse(root, &path, RefusalReason::Overlap));
        }
        let ids = roots.iter().map(|root| root.id);
        // New documents count as well, so that the last old one can leave beside one of them.
        if self.changes.members(DOCUMENTS, ids).len() < 2 {
            return Err(refuse(root, &path, RefusalReason::OnlyMember));
        }
        let range = self
            .document_range(at)
            .filter(|_| self.has_plain_lines)
            .ok_or_else(|| refuse(root, &path, RefusalReason::Marker))?;
        if !actions_fit(file, root, &range) {
            return Err(refuse(root, &path, RefusalReason::Template));
        }
        if !one_block(file, &[root.outer, range.start, range.end]) {
            return Err(refuse(root, &path, RefusalReason::TemplateBlock));
        }
        self.changes.gone.insert(root.id);
        self.splices.push(Splice::cut(range));
        Ok(self)
    }

    /// Returns where a new document goes, and whether it stands without a marker before the next one.
    fn document_place(&self, at: usize, like: &Node) -> Option<(usize, bool)> {
        let text = self.file.text();
        let tree = &self.file.tree;
        if let Some(marker) = tree.markers.get(at) {
            if let Some(marker) = marker {
                return Some((self.marker_line(at, *marker)?, false));
            }
            let outer = tree.roots[at].outer;
            return is_first_on_line(text, outer).then(|| (line_start(text, outer), true));
        }
        // A template may go on behind the last document, as with an `end`: then the new one stands before that.
        if one_block(self.file, &[like.outer, text.len()]) {
            return Some((text.len(), false));
        }
        let last = tree.roots.last()?;
        Some((next_line(text, last.span.end), false))
    }

    fn document_range(&self, at: usize) -> Option<Range<usize>> {
        let text = self.file.text();
        let tree = &self.file.tree;
        let root = &tree.roots[at];
        let next = tree.markers.get(at + 1).copied().flatten();
        let end = match next {
            Some(marker) => self.marker_line(at + 1, marker)?,
            // A `...` alone parts it from the next document, and nobody keeps the place of that.
            None if at + 1 < tree.markers.len() => return None,
            None if one_block(self.file, &[root.outer, text.len()]) => text.len(),
            None => next_line(text, root.span.end),
        };
        if let Some(marker) = tree.markers[at] {
            return Some(self.marker_line(at, marker)?..end);
        }
        let marker = next?;
        let behind = next_line(text, marker);
        // The first document goes with the `---` below it, and whatever stands on that line would go, too.
        let shares_line = tree.roots[at + 1].outer < behind;
        (!shares_line && is_first_on_line(text, root.outer))
            .then(|| line_start(text, root.outer)..behind)
    }

    /// Returns where the line of a marker begins, unless directives stand above it.
    fn marker_line(&self, at: usize, marker: usize) -> Option<usize> {
        let text = self.file.text();
        let before = at
            .checked_sub(1)
            .map_or(0, |before| self.file.tree.roots[before].span.end);
        // A `%YAML` or `%TAG` above the marker belongs to its document.
        let directive = text[before..marker]
            .lines()
            .any(|line| line.trim_start_matches('\u{feff}').starts_with('%'));
        (!directive).then(|| line_start(text, marker))
    }
}

fn missing_document(roots: &[Node], path: &Path) -> YamlError {
    YamlError::NotFound {
        line: roots.last().map_or(1, Node::line),
        path: path.to_string(),
    }
}
