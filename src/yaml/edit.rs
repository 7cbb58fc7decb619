//! Edits of a YAML text: collected against the original, applied together, proved. See `yaml.rs` for the policies. It
//! writes no file and guesses nothing.

mod cut;
mod document;
mod find;
mod shape;
mod text;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use self::find::{
    Extent, FoundNode, actions_fit, elsewhere, find, missing_key, not_found, one_block, refuse,
    unique_entry, writable,
};
use self::shape::{NewEntry, Original, copy, entry_cut, flow_separator};
use self::text::{Fit, Splice, apply, indent, line_break, next_line};
use super::change::{Changes, Fresh};
use super::error::{FailedProof, RefusalReason, YamlError};
use super::file::File;
use super::known::KnownTexts;
use super::node::Node;
use super::path::Path;
use super::proof;
use super::style::{self, NewScalar};

pub use self::shape::Shape;

/// Where a new key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPlace<'a> {
    /// Before all others.
    First,
    /// After all others.
    Last,
    /// After this one.
    After(&'a str),
}

/// A new key with a scalar value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyValue<'a> {
    key: &'a str,
    value: &'a str,
}

impl<'a> KeyValue<'a> {
    pub fn new(key: &'a str, value: &'a str) -> Self {
        Self { key, value }
    }
}

/// Edits that wait for [`Editor::finish`]; every path and index means the original text.
#[derive(Debug)]
#[must_use = "edits do nothing before finish"]
pub struct Editor<'a> {
    file: &'a File,
    changes: Changes<'a>,
    splices: Vec<Splice>,
    /// The nodes that hold an edit, or are edited.
    touched: HashSet<u32>,
    /// How many members leave a container.
    leaving: HashMap<u32, usize>,
    /// No line ends with a return alone; where one does, lines neither come nor go.
    has_plain_lines: bool,
}

impl File {
    /// Begins a series of edits.
    pub fn edit(&self) -> Editor<'_> {
        let text = self.text();
        Editor {
            file: self,
            changes: Changes::default(),
            splices: Vec::new(),
            touched: HashSet::new(),
            leaving: HashMap::new(),
            // The editor finds lines by their `\n`, and YAML ends one at a `\r` alone as well.
            has_plain_lines: text.matches('\r').count() == text.matches("\r\n").count(),
        }
    }
}

impl<'a> Editor<'a> {
    /// Gives a scalar another value, in its own quotes; the same value again changes nothing.
    pub fn set(
        &mut self,
        document: usize,
        path: &Path,
        value: &str,
    ) -> Result<&mut Self, YamlError> {
        let found = self.find(document, path)?;
        let written = style::write(value, writable(found.node, path)?);
        self.replace(found.node, path, written)?;
        Ok(self.touch(found))
    }

    /// Adds an item to a sequence before the old item `at`, or at the end, in the shape of a sibling.
    pub fn insert_item(
        &mut self,
        document: usize,
        sequence: &Path,
        at: usize,
        shape: &Shape,
    ) -> Result<&mut Self, YamlError> {
        let found = self.find(document, sequence)?;
        let items = items(found.node, sequence)?;
        let Some(like) = items.get(shape.like).filter(|_| at <= items.len()) else {
            let missing = sequence.clone().index(shape.like.max(at));
            return Err(not_found(found.node, &missing));
        };
        let path = sequence.clone().index(shape.like);
        let copied = copy(
            &Original {
                file: self.file,
                like,
                start: Extent::of_item(like).start,
                siblings: items,
                path: &path,
            },
            shape,
        )?;
        let depth = sequence.steps().len() + 1;
        let added = if found.node.is_flow() {
            self.flow_item(items, at, &copied.text)
        } else {
            self.block_item(items, at, &copied.text)
        };
        let mut splice = added.ok_or_else(|| refuse(like, &path, RefusalReason::Shape))?;
        splice.depth = depth;
        // A copy must not leave the `if` or `range` of its original: rendered, it would come another number of times.
        if !one_block(self.file, &[found.lead, like.dash, splice.range.start]) {
            return Err(refuse(like, &path, RefusalReason::TemplateBlock));
        }
        self.splices.push(splice);
        self.enter(found.node.id, at, copied.content);
        Ok(self.touch(found))
    }

    /// Adds an item at the end of a sequence, in the shape of a sibling.
    pub fn append_item(
        &mut self,
        document: usize,
        sequence: &Path,
        shape: &Shape,
    ) -> Result<&mut Self, YamlError> {
        let found = self.find(document, sequence)?;
        let count = items(found.node, sequence)?.len();
        self.insert_item(document, sequence, count, shape)
    }

    /// Removes an item with its lines; comment lines above and below it stay.
    pub fn remove_item(
        &mut self,
        document: usize,
        sequence: &Path,
        index: usize,
    ) -> Result<&mut Self, YamlError> {
        let found = self.find(document, sequence)?;
        let items = items(found.node, sequence)?;
        let path = sequence.clone().index(index);
        let Some(item) = items.get(index) else {
            return Err(not_found(found.node, &path));
        };
        // A member and its neighbours: a list may be long, and lose many.
        let first = index.saturating_sub(1);
        let members: Vec<Extent> = items[first..items.len().min(index + 2)]
            .iter()
            .map(Extent::of_item)
            .collect();
        let range = if found.node.is_flow() {
            cut::flow(self.file.text(), &members, index - first)
        } else {
            cut::block(self.file.text(), &members, index - first)
        };
        self.cut(found, item, range, &path)
    }

    /// Adds a key with a scalar value to a map, written like its neighbour there; a date is written plain.
    pub fn insert_key(
        &mut self,
        document: usize,
        map: &Path,
        place: KeyPlace<'_>,
        new: KeyValue<'_>,
    ) -> Result<&mut Self, YamlError> {
        let key = new.key;
        let found = self.find(document, map)?;
        let path = map.clone().key(key);
        if found.node.is_alias() {
            return Err(elsewhere(found.node, &path));
        }
        let entries = found.node.entry_list();
        if unique_entry(found.node, key)?.is_some() {
            return Err(refuse(found.node, &path, RefusalReason::KeyExists));
        }
        let beside = match place {
            KeyPlace::First => (!entries.is_empty()).then_some(0),
            KeyPlace::Last => entries.len().checked_sub(1),
            KeyPlace::After(neighbour) => unique_entry(found.node, neighbour)?,
        };
        let Some(neighbour) = beside else {
            return Err(match place {
                KeyPlace::After(neighbour) => {
                    missing_key(found.node, neighbour, &map.clone().key(neighbour))
                }
                KeyPlace::First | KeyPlace::Last => {
                    refuse(found.node, &path, RefusalReason::NotCollection)
                }
            });
        };
        let is_first = matches!(place, KeyPlace::First);
        let entry = NewEntry::like(found.node, neighbour, new, None);
        let added = if is_first {
            self.first_entry(found.node, &entry.text())
        } else {
            self.new_entry(found.node, neighbour, &entry.text())
        };
        let mut splice = added.ok_or_else(|| refuse(found.node, &path, RefusalReason::Shape))?;
        splice.depth = map.steps().len() + 1;
        let at = if is_first { 0 } else { neighbour + 1 };
        let neighbour_start = entries[neighbour].key.outer;
        if !one_block(
            self.file,
            &[found.lead, neighbour_start, splice.range.start],
        ) {
            return Err(refuse(found.node, &path, RefusalReason::TemplateBlock));
        }
        // Two edits may add one key.
        let fresh = self.changes.fresh.entry(found.node.id).or_default();
        if fresh.iter().any(|other| entry.has_key_of(other)) {
            return Err(refuse(found.node, &path, RefusalReason::KeyExists));
        }
        fresh.push(entry.fresh(at));
        self.splices.push(splice);
        Ok(self.touch(found))
    }

    /// Gives a key another name, in its own quotes.
    pub fn rename_key(
        &mut self,
        document: usize,
        map: &Path,
        old: &str,
        new: &str,
    ) -> Result<&mut Self, YamlError> {
        let found = self.find(document, map)?;
        let path = map.clone().key(old);
        let Some(place) = unique_entry(found.node, old)? else {
            return Err(missing_key(found.node, old, &path));
        };
        // A key of that name that `<<` brings is no obstacle: one that is written here goes before it.
        if old != new && found.node.is_own(new) {
            return Err(refuse(
                found.node,
                &map.clone().key(new),
                RefusalReason::KeyExists,
            ));
        }
        let key = &found.node.entry_list()[place].key;
        let written = style::write(new, writable(key, &path)?);
        // Changes know an entry by its value, as keys may be alike.
        let value = &found.node.entry_list()[place].value;
        if self.changes.gone.contains(&value.id) {
            return Err(refuse(key, &path, RefusalReason::Overlap));
        }
        self.replace(key, &path, written)?;
        self.touched.insert(value.id);
        Ok(self.touch(found))
    }

    /// Removes a key and its value with their lines; comment lines above and below them stay.
    pub fn remove_key(
        &mut self,
        document: usize,
        map: &Path,
        key: &str,
    ) -> Result<&mut Self, YamlError> {
        let found = self.find(document, map)?;
        let path = map.clone().key(key);
        let Some(place) = unique_entry(found.node, key)? else {
            return Err(missing_key(found.node, key, &path));
        };
        let value = &found.node.entry_list()[place].value;
        let range = entry_cut(self.file.text(), found.node, place);
        self.cut(found, value, range, &path)
    }

    /// Applies all edits and proves the result.
    pub fn finish(self) -> Result<String, YamlError> {
        Ok(self.finish_file()?.text().to_owned())
    }

    /// Makes the edits as [`Editor::finish`] does, and returns the new text parsed.
    pub fn finish_file(self) -> Result<Arc<File>, YamlError> {
        self.finish_among(&KnownTexts::default())
    }

    /// Makes the edits as [`Editor::finish_file`] does; a text that is known is not read again.
    pub(crate) fn finish_among(mut self, known: &KnownTexts) -> Result<Arc<File>, YamlError> {
        let source = self.file.text();
        let Some(first) = self.splices.iter().map(|splice| splice.range.start).min() else {
            return Ok(Arc::new(self.file.clone()));
        };
        let result = apply(source, &mut self.splices).map_err(|place| YamlError::Refused {
            line: line_at(source, place),
            path: Path::root().to_string(),
            reason: RefusalReason::Overlap,
        })?;
        let edited: Vec<Range<usize>> = self
            .splices
            .into_iter()
            .map(|splice| splice.range)
            .collect();
        let proved = if proof::keeps_outside(source, &edited, &result) {
            proof::prove(self.file, &self.changes, result, known)
        } else {
            Err(FailedProof::Outside)
        };
        proved.map_err(|why| YamlError::Unproved {
            line: line_at(source, first),
            why,
        })
    }

    fn find(&self, document: usize, path: &Path) -> Result<FoundNode<'a>, YamlError> {
        match self.file.documents().get(document) {
            Some(root) => {
                let found = find(root, &Path::root(), path)?;
                // What leaves would take this edit along.
                if found.trail.iter().any(|id| self.changes.gone.contains(id)) {
                    return Err(refuse(found.node, path, RefusalReason::Overlap));
                }
                Ok(found)
            }
            None => Err(YamlError::NotFound {
                line: self.file.documents().last().map_or(1, Node::line),
                path: path.to_string(),
            }),
        }
    }

    fn replace(
        &mut self,
        node: &'a Node,
        path: &Path,
        written: NewScalar,
    ) -> Result<(), YamlError> {
        if node.own_str() == Some(&*written.value) {
            return Ok(());
        }
        if self.changes.scalars.contains_key(&node.id) {
            return Err(refuse(node, path, RefusalReason::Overlap));
        }
        self.splices
            .push(Splice::replace(node.span.clone(), written.source.clone()));
        self.changes.scalars.insert(node.id, written);
        Ok(())
    }

    fn touch(&mut self, found: FoundNode<'a>) -> &mut Self {
        self.touched.extend(found.trail);
        self
    }

    fn block_item(&self, items: &[Node], at: usize, item: &str) -> Option<Splice> {
        let text = self.file.text();
        let first = items.first()?.dash;
        let lead = indent(text, first).filter(|_| self.has_plain_lines)?;
        let Some(before) = at.checked_sub(1) else {
            let ending = line_break(text, first);
            return Some(Splice::replace(
                first..first,
                format!("{item}{ending}{lead}"),
            ));
        };
        let place = next_line(text, items.get(before)?.span.end);
        Some(lines(text, place, format!("{lead}{item}")))
    }

    fn flow_item(&self, items: &[Node], at: usize, item: &str) -> Option<Splice> {
        let text = self.file.text();
        let members: Vec<Extent> = items.iter().map(Extent::of_item).collect();
        let comma = cut::separator(text, &members, at.saturating_sub(1))?;
        Some(match at.checked_sub(1) {
            None => {
                let place = members.first()?.start;
                Splice::replace(place..place, format!("{item}{comma}"))
            }
            Some(before) => {
                let place = members.get(before)?.end;
                Splice::replace(place..place, format!("{comma}{item}"))
            }
        })
    }

    fn first_entry(&self, map: &Node, entry: &str) -> Option<Splice> {
        let text = self.file.text();
        let first = map.entry_list().first()?.key.outer;
        if map.is_flow() {
            return Some(Splice::replace(first..first, format!("{entry}, ")));
        }
        let lead = indent(text, first).filter(|_| self.has_plain_lines)?;
        // The first key may stand behind a dash: the new one takes its place there, and the old one goes below.
        let ending = line_break(text, first);
        Some(Splice::replace(
            first..first,
            format!("{entry}{ending}{lead}"),
        ))
    }

    fn new_entry(&self, map: &Node, place: usize, entry: &str) -> Option<Splice> {
        let text = self.file.text();
        let neighbour = &map.entry_list()[place];
        let end = Extent::of_entry(neighbour).end;
        if map.is_flow() {
            let comma = flow_separator(text, map, place)?;
            return Some(Splice::replace(end..end, format!("{comma}{entry}")));
        }
        let lead = indent(text, neighbour.key.outer).filter(|_| self.has_plain_lines)?;
        Some(lines(text, next_line(text, end), format!("{lead}{entry}")))
    }

    fn enter(&mut self, container: u32, at: usize, content: super::change::NewContent<'a>) {
        let fresh = self.changes.fresh.entry(container).or_default();
        fresh.push(Fresh {
            at,
            key: None,
            content,
        });
    }

    /// Fails where nothing would be left if this member left its container.
    fn check_others(&self, container: &Node, member: &Node, path: &Path) -> Result<(), YamlError> {
        // An edit within it would leave along with it.
        if self.changes.gone.contains(&member.id) || self.touched.contains(&member.id) {
            return Err(refuse(member, path, RefusalReason::Overlap));
        }
        let old = container.own_items().len() + container.entry_list().len();
        let leaving = self.leaving.get(&container.id).copied();
        // A new member can be the one that stays.
        let fresh = self.changes.fresh.get(&container.id).map_or(0, Vec::len);
        // This member, and one that stays: a block collection of nothing cannot be written.
        if old + fresh < leaving.unwrap_or(0) + 2 {
            return Err(refuse(member, path, RefusalReason::OnlyMember));
        }
        Ok(())
    }

    fn cut(
        &mut self,
        container: FoundNode<'a>,
        member: &Node,
        range: Option<Range<usize>>,
        path: &Path,
    ) -> Result<&mut Self, YamlError> {
        self.check_others(container.node, member, path)?;
        let Some(range) = range.filter(|_| container.node.is_flow() || self.has_plain_lines) else {
            return Err(refuse(member, path, RefusalReason::Shape));
        };
        if !one_block(self.file, &[container.lead, range.start, range.end]) {
            return Err(refuse(member, path, RefusalReason::TemplateBlock));
        }
        if !actions_fit(self.file, container.node, &range) {
            return Err(refuse(member, path, RefusalReason::Template));
        }
        // Nothing is noted before this line: an edit that is refused leaves the others as they are.
        self.changes.gone.insert(member.id);
        *self.leaving.entry(container.node.id).or_default() += 1;
        self.splices.push(Splice::cut(range));
        Ok(self.touch(container))
    }
}

fn line_at(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count() + 1
}

fn items<'a>(node: &'a Node, path: &Path) -> Result<&'a [Node], YamlError> {
    if node.is_alias() {
        return Err(elsewhere(node, path));
    }
    if !node.is_seq() {
        return Err(refuse(node, path, RefusalReason::NotCollection));
    }
    Ok(node.own_items())
}

fn lines(text: &str, place: usize, lines: String) -> Splice {
    Splice {
        fit: Fit::Lines(line_break(text, place)),
        ..Splice::replace(place..place, lines)
    }
}
