//! A copy of an item with changes: the text of a new image list entry. It never looks outside the item, except at a sibling for
//! the quotes of a key the item lacks.

use std::ops::Range;

use super::find::{Extent, actions_fit, find, model_of, refuse, unique_entry, writable};
use super::text::{
    Splice, apply, indent, is_first_on_line, line_break, line_end, line_start, next_line,
};
use super::{KeyValue, cut};
use crate::yaml::change::{Changes, Fresh, NewContent};
use crate::yaml::error::{RefusalReason, YamlError};
use crate::yaml::file::File;
use crate::yaml::node::{Kind, Node, Style};
use crate::yaml::path::{Path, PathStep};
use crate::yaml::style::{self, Model, NewScalar};

/// What a new item or document looks like: a sibling, with changes.
///
/// All paths start at the item: `Shape::like(3).set("version", "v1.34.2").without("build_date")`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    pub(super) like: usize,
    pub(super) changes: Vec<(Path, String)>,
    pub(super) without: Vec<Path>,
}

impl Shape {
    /// Returns the shape of the sibling at this place.
    pub fn like(like: usize) -> Self {
        Self {
            like,
            ..Self::default()
        }
    }

    /// Gives a scalar of the item another value; a key which the sibling lacks is added after the last key of its map.
    #[must_use]
    pub fn set(mut self, path: impl Into<Path>, value: impl Into<String>) -> Self {
        self.changes.push((path.into(), value.into()));
        self
    }

    /// Leaves a key out.
    #[must_use]
    pub fn without(mut self, path: impl Into<Path>) -> Self {
        self.without.push(path.into());
        self
    }
}

/// The text of a new member, from its dash on, without a line break at its end.
#[derive(Debug)]
pub(super) struct Copied<'a> {
    pub(super) text: String,
    pub(super) content: NewContent<'a>,
}

/// Where the item to copy stands.
pub(super) struct Original<'a, 'p> {
    pub(super) file: &'a File,
    pub(super) like: &'a Node,
    /// Where its text begins: at its dash, in block style.
    pub(super) start: usize,
    /// The items of its sequence, for the quotes of keys it lacks.
    pub(super) siblings: &'a [Node],
    pub(super) path: &'p Path,
}

/// Copies an item in a new shape.
pub(super) fn copy<'a>(origin: &Original<'a, '_>, shape: &Shape) -> Result<Copied<'a>, YamlError> {
    let (like, path) = (origin.like, origin.path);
    let extent = origin.start..like.span.end;
    if like.style() == Some(Style::Empty) {
        return Err(refuse(like, path, RefusalReason::EmptyValue));
    }
    if !actions_fit(origin.file, like, &extent) {
        return Err(refuse(like, path, RefusalReason::Template));
    }
    // A second anchor of one name would take over the aliases below it.
    let mut anchored = None;
    like.walk(&mut |node| {
        let anchor = node.properties.as_ref().and_then(|all| all.anchor.as_ref());
        anchored = anchored.or(anchor.map(|_| node));
    });
    if let Some(node) = anchored {
        return Err(refuse(node, path, RefusalReason::Anchor));
    }
    let mut draft = Draft {
        origin,
        changes: Changes::default(),
        splices: Vec::new(),
    };
    // In this order: comments leave with their key, and a new key goes behind one that stays.
    for left_out in &shape.without {
        draft.leave_out(left_out)?;
    }
    draft.drop_comments(&extent);
    for (changed, value) in &shape.changes {
        draft.change(changed, value)?;
    }
    draft.done(&extent)
}

struct Draft<'o, 'a, 'p> {
    origin: &'o Original<'a, 'p>,
    changes: Changes<'a>,
    splices: Vec<Splice>,
}

impl<'a> Draft<'_, 'a, '_> {
    fn text(&self) -> &'a str {
        self.origin.file.text()
    }

    fn full(&self, path: &Path) -> Path {
        self.origin.path.join(path)
    }

    fn leave_out(&mut self, path: &Path) -> Result<(), YamlError> {
        let like = self.origin.like;
        let Some((parent, PathStep::Key(key))) = path.split_last() else {
            return Err(refuse(like, &self.full(path), RefusalReason::NotCollection));
        };
        let map = find(like, self.origin.path, &parent)?.node;
        let Some(place) = unique_entry(map, key)? else {
            return Ok(());
        };
        let range = entry_cut(self.text(), map, place)
            .ok_or_else(|| refuse(map, &self.full(path), RefusalReason::Shape))?;
        let entries = map.entry_list();
        self.changes.gone.insert(entries[place].value.id);
        if self
            .changes
            .members(map.id, entries.iter().map(|entry| entry.value.id))
            .is_empty()
        {
            return Err(refuse(map, &self.full(path), RefusalReason::OnlyMember));
        }
        self.splices.push(Splice::cut(range));
        Ok(())
    }

    fn drop_comments(&mut self, extent: &Range<usize>) {
        let text = self.text();
        let mut comments = Vec::new();
        let mut from = extent.start;
        self.origin.like.walk(&mut |node| {
            // Comments are sought between the scalars alone, as a `#` within one is part of it.
            if matches!(node.kind, Kind::Scalar { .. } | Kind::Alias { .. }) {
                comments_in(text, from..node.span.start, &mut comments);
                from = from.max(node.span.end);
            }
        });
        comments_in(text, from..extent.end, &mut comments);
        // A key that is left out takes its comments along already.
        let cuts = &self.splices;
        comments.retain(|comment| !cuts.iter().any(|cut| cut.covers(comment)));
        self.splices.extend(comments.into_iter().map(Splice::cut));
    }

    fn change(&mut self, path: &Path, value: &str) -> Result<(), YamlError> {
        let like = self.origin.like;
        let full = self.full(path);
        if let Some((parent, PathStep::Key(key))) = path.split_last() {
            let map = find(like, self.origin.path, &parent)?.node;
            if map.is_map() && !map.is_alias() && unique_entry(map, key)?.is_none() {
                return self.add(map, path, value);
            }
        }
        let node = find(like, self.origin.path, path)?.node;
        let written = style::write(value, writable(node, &full)?);
        if node.own_str() == Some(value) {
            return Ok(());
        }
        self.splices
            .push(Splice::replace(node.span.clone(), written.source.clone()));
        match self.changes.scalars.insert(node.id, written) {
            Some(_) => Err(refuse(node, &full, RefusalReason::Overlap)),
            None => Ok(()),
        }
    }

    /// Adds a key after the last one of its map that stays.
    fn add(&mut self, map: &'a Node, path: &Path, value: &str) -> Result<(), YamlError> {
        let full = self.full(path);
        let Some(PathStep::Key(key)) = path.steps().last() else {
            return Err(refuse(map, &full, RefusalReason::NotCollection));
        };
        let entries = map.entry_list();
        let last = entries
            .iter()
            .rposition(|entry| !self.changes.gone.contains(&entry.value.id))
            .ok_or_else(|| refuse(map, &full, RefusalReason::Shape))?;
        // A sibling that has the key says how its value is quoted.
        let twin = self
            .origin
            .siblings
            .iter()
            .filter_map(|sibling| find(sibling, &Path::root(), path).ok())
            .find_map(|found| writable(found.node, path).ok());
        let entry = NewEntry::like(map, last, KeyValue::new(key, value), twin);
        let place = Extent::of_entry(&entries[last]).end;
        let text = self.text();
        let before = if map.is_flow() {
            flow_separator(text, map, last).map(str::to_owned)
        } else {
            let lead = indent(text, entries[last].key.outer);
            lead.map(|lead| format!("{}{lead}", line_break(text, place)))
        };
        let Some(separator) = before else {
            return Err(refuse(map, &full, RefusalReason::Shape));
        };
        self.splices.push(Splice::replace(
            place..place,
            format!("{separator}{}", entry.text()),
        ));
        self.changes
            .fresh
            .entry(map.id)
            .or_default()
            .push(entry.fresh(entries.len()));
        Ok(())
    }

    fn done(mut self, extent: &Range<usize>) -> Result<Copied<'a>, YamlError> {
        let like = self.origin.like;
        // Cuts of whole lines may reach beyond the item: to the indentation before it, or the line break behind it.
        for splice in &mut self.splices {
            splice.range.start = splice.range.start.max(extent.start) - extent.start;
            splice.range.end = splice.range.end.clamp(extent.start, extent.end) - extent.start;
        }
        let mut text = apply(&self.text()[extent.clone()], &mut self.splices)
            .map_err(|_| refuse(like, self.origin.path, RefusalReason::Overlap))?;
        // A key left out at the end leaves the line break before it.
        let kept = text.trim_end_matches(['\n', '\r']).len();
        // Blank lines that a block scalar keeps would be cut from the copy.
        if self.text()[..extent.end].ends_with('\n') {
            return Err(refuse(like, self.origin.path, RefusalReason::Shape));
        }
        text.truncate(kept);
        Ok(Copied {
            text,
            content: NewContent::Copy(like, self.changes),
        })
    }
}

/// Finds the comments between two tokens, each with the blanks before it or its whole line.
fn comments_in(text: &str, gap: Range<usize>, comments: &mut Vec<Range<usize>>) {
    let mut from = gap.start;
    while let Some(found) = text.get(from..gap.end).and_then(|gap| gap.find('#')) {
        let mark = from + found;
        let before = text[..mark].trim_end_matches([' ', '\t']);
        // `#` begins a comment behind a blank or at the beginning of a line alone.
        if before.len() == mark && !before.is_empty() && !before.ends_with('\n') {
            from = mark + 1;
            continue;
        }
        let range = if is_first_on_line(text, mark) {
            line_start(text, mark)..next_line(text, mark)
        } else {
            before.len()..line_end(text, mark)
        };
        from = range.end.max(mark + 1);
        comments.push(range);
    }
}

/// Returns the bytes that leave with an entry of a map.
pub(super) fn entry_cut(text: &str, map: &Node, place: usize) -> Option<Range<usize>> {
    let entries = map.entry_list();
    // The entry and its neighbours: a map may be long, and lose many.
    let first = place.saturating_sub(1);
    let members: Vec<Extent> = entries
        .get(first..entries.len().min(place + 2))?
        .iter()
        .map(Extent::of_entry)
        .collect();
    if map.is_flow() {
        cut::flow(text, &members, place - first)
    } else {
        cut::block(text, &members, place - first)
    }
}

/// Returns what goes between an entry of a flow map and a new one after it.
pub(super) fn flow_separator<'t>(text: &'t str, map: &Node, place: usize) -> Option<&'t str> {
    let members: Vec<Extent> = map.entry_list().iter().map(Extent::of_entry).collect();
    // `[a: b]` holds a map without braces, which has no room for a second key.
    if !text[map.span.start..].starts_with('{') {
        return None;
    }
    cut::separator(text, &members, place)
}

/// A new key and its value.
#[derive(Debug)]
pub(super) struct NewEntry {
    key: NewScalar,
    value: NewScalar,
}

impl NewEntry {
    /// Writes an entry like the one at `place` of a map, the value like `twin` if there is one. Without one, a date is a date
    /// and no text, whatever its neighbours are.
    pub(super) fn like(
        map: &Node,
        place: usize,
        new: KeyValue<'_>,
        twin: Option<Model<'_>>,
    ) -> Self {
        let KeyValue { key, value } = new;
        let neighbour = &map.entry_list()[place];
        let context = map.context_inside();
        let text = Model {
            style: Style::Plain,
            value: "text",
            context,
        };
        let key_model = model_of(&neighbour.key).unwrap_or(text);
        let value_model = match twin {
            Some(twin) => twin,
            None if style::is_date(value) => Model { value, ..text },
            None => model_of(&neighbour.value).unwrap_or(text),
        };
        let key_here = Model {
            context,
            ..key_model
        };
        let value_here = Model {
            context,
            ..value_model
        };
        Self {
            key: style::write(key, key_here),
            value: style::write(value, value_here),
        }
    }

    pub(super) fn text(&self) -> String {
        format!("{}: {}", self.key.source, self.value.source)
    }

    pub(super) fn has_key_of(&self, other: &Fresh<'_>) -> bool {
        other
            .key
            .as_ref()
            .is_some_and(|key| key.value == self.key.value)
    }

    pub(super) fn fresh<'a>(self, at: usize) -> Fresh<'a> {
        Fresh {
            at,
            key: Some(self.key),
            content: NewContent::Scalar(self.value),
        }
    }
}
