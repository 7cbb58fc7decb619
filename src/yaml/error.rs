//! What can go wrong with a YAML text or an edit of it, each with its line and a hint. The file name is added by callers.

use std::fmt;

/// Why a text is not read or an edit is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// The text is not YAML, even with its template actions masked.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// The line, from one.
        line: usize,
        /// The column, from one.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// Collections are nested deeper than any cluster stack needs.
    #[error("line {line}: nested more than {limit} levels deep")]
    TooDeep {
        /// The line, from one.
        line: usize,
        /// The most levels that are read.
        limit: usize,
    },
    /// Aliases show more values than any cluster stack needs.
    #[error("line {line}: anchors and aliases make more than {limit} values of this text")]
    TooMany {
        /// The line of the alias or anchor that is one too many, from one.
        line: usize,
        /// The most values that are read.
        limit: usize,
    },
    /// A key on the way to the value stands twice in its map.
    #[error("line {line}: duplicate key `{key}` (first on line {first_line})")]
    Duplicate {
        /// The key.
        key: String,
        /// The line of the later key, from one.
        line: usize,
        /// The line of the first key, from one.
        first_line: usize,
    },
    /// There is no such value.
    #[error("line {line}: `{path}` does not exist")]
    NotFound {
        /// The line of the last value on the way which does exist, from one.
        line: usize,
        /// The path of what was looked for.
        path: String,
    },
    /// The value is written elsewhere, and an edit there would change more than this.
    #[error("line {line}: `{path}` comes from {origin}")]
    Elsewhere {
        /// The line of the alias or of the map, from one.
        line: usize,
        /// The path of the edit.
        path: String,
        /// The anchor or the map in which it is written, with its line.
        origin: String,
    },
    /// The edit would not be safe.
    #[error("line {line}: `{path}` {reason}")]
    Refused {
        /// The line, from one.
        line: usize,
        /// The path of the edit.
        path: String,
        /// Why.
        reason: Reason,
    },
    /// The new text is not provably the old one with the edits.
    #[error("line {line}: edit could not be proved: {why}")]
    Unproved {
        /// The line of the first edit, from one.
        line: usize,
        /// Which proof failed.
        why: String,
    },
}

impl YamlError {
    /// Returns what is wrong without the line, for callers that name the file and the line themselves.
    pub fn message(&self) -> String {
        let text = self.to_string();
        match text.split_once(": ") {
            Some((_, message)) => message.to_owned(),
            None => text,
        }
    }

    /// Returns the line, from one.
    pub fn line(&self) -> usize {
        match self {
            Self::Syntax { line, .. }
            | Self::TooDeep { line, .. }
            | Self::TooMany { line, .. }
            | Self::Elsewhere { line, .. }
            | Self::Duplicate { line, .. }
            | Self::NotFound { line, .. }
            | Self::Refused { line, .. }
            | Self::Unproved { line, .. } => *line,
        }
    }

    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "repair the file; it has to be YAML or a Helm template of YAML",
            Self::TooDeep { .. } => {
                "flatten the file, or name it under `ignore` in csctl-matrix.yaml"
            }
            Self::TooMany { .. } => {
                "write out what some of the aliases stand for, or name the file under `ignore` in csctl-matrix.yaml"
            }
            Self::Elsewhere { .. } => "write it out here, or change it there",
            Self::Duplicate { .. } => "remove one of the two keys",
            Self::NotFound { .. } => "check the path against the file",
            Self::Refused { reason, .. } => reason.hint(),
            Self::Unproved { .. } => "make this edit by hand, and report the file as a bug",
        }
    }
}

/// Why an edit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The value is an alias within its own anchor.
    Alias,
    /// The item to copy defines an anchor.
    Anchor,
    /// The value is a block scalar.
    BlockScalar,
    /// The value is empty.
    EmptyValue,
    /// The value carries a tag.
    Tag,
    /// The value is a map or a sequence.
    NotScalar,
    /// The value is not the kind of collection the edit needs.
    NotCollection,
    /// The key is already there.
    KeyExists,
    /// The member is the only one of its collection.
    OnlyMember,
    /// A template action makes the value, or lies in the way.
    Template,
    /// The edit would cross the border of a template block.
    TemplateBlock,
    /// The shape of the flow collection, the explicit key or the indentation cannot be copied.
    Shape,
    /// The document marker shares its line with content, or directives stand before it.
    Marker,
    /// The edit touches bytes of another edit.
    Overlap,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Alias => "is an alias of what it stands in",
            Self::Anchor => "defines an anchor and cannot be copied",
            Self::BlockScalar => "is a block scalar",
            Self::EmptyValue => "is empty",
            Self::Tag => "carries a tag",
            Self::NotScalar => "is not a scalar",
            Self::NotCollection => "is not a collection of the right kind",
            Self::KeyExists => "already exists",
            Self::OnlyMember => "is the only member of its collection",
            Self::Template => "is made by a template action",
            Self::TemplateBlock => "would cross the border of a template block",
            Self::Shape => "is written in a shape which cannot be copied or cut",
            Self::Marker => "shares the line of its document marker",
            Self::Overlap => "is edited twice",
        })
    }
}

impl Reason {
    /// Returns what a person can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Alias => "write the value out here",
            Self::Anchor => "shape the new item after another one",
            Self::BlockScalar => "write the value on one line, or edit it by hand",
            Self::EmptyValue => "give the key a value first",
            Self::Tag => "remove the tag, or edit the value by hand",
            Self::NotScalar => "name a path that ends at a single value",
            Self::NotCollection => "check the path against the file",
            Self::KeyExists => "set its value instead",
            Self::OnlyMember => "add the new member first, or remove the whole collection by hand",
            Self::Template => "change the template by hand",
            Self::TemplateBlock => "move the template's if, range or with by hand, or edit by hand",
            Self::Shape => "write the collection one member per line, or edit it by hand",
            Self::Marker => "put the document marker on a line of its own",
            Self::Overlap => "make one edit per value",
        }
    }
}
