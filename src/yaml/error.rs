//! What can go wrong with a YAML text or an edit of it, each with its line and a hint. The file name is added by callers.

use std::fmt;

/// Why a text is not read or an edit is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum YamlError {
    /// The text is not YAML, even with its template actions masked.
    Syntax {
        /// The line, from one.
        line: usize,
        /// The column, from one.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// Collections are nested deeper than any cluster stack needs.
    TooDeep {
        /// The line, from one.
        line: usize,
        /// The most levels that are read.
        limit: usize,
    },
    /// Aliases show more values than any cluster stack needs.
    TooMany {
        /// The line of the alias or anchor that is one too many, from one.
        line: usize,
        /// The most values that are read.
        limit: usize,
    },
    /// A key on the way to the value stands twice in its map.
    Duplicate {
        /// The key.
        key: String,
        /// The line of the later key, from one.
        line: usize,
        /// The line of the first key, from one.
        first_line: usize,
    },
    /// There is no such value.
    NotFound {
        /// The line of the last value on the way which does exist, from one.
        line: usize,
        /// The path of what was looked for.
        path: String,
    },
    /// The value is written elsewhere, and an edit there would change more than this.
    Elsewhere {
        /// The line of the alias or of the map, from one.
        line: usize,
        /// The path of the edit.
        path: String,
        /// The anchor of the value in which it is written; nothing where `<<` merges a map without one.
        anchor: Option<String>,
        /// The line of that anchor, or of the key in that map, from one.
        written_on: usize,
    },
    /// The edit would not be safe.
    Refused {
        /// The line, from one.
        line: usize,
        /// The path of the edit.
        path: String,
        /// Why.
        reason: RefusalReason,
    },
    /// The new text is not provably the old one with the edits.
    Unproved {
        /// The line of the first edit, from one.
        line: usize,
        /// Which proof failed.
        why: FailedProof,
    },
}

impl YamlError {
    /// Returns what is wrong without the line, for callers that name the file and the line themselves.
    pub fn message(&self) -> String {
        match self {
            Self::Syntax { message, .. } => message.clone(),
            Self::TooDeep { limit, .. } => format!("nested more than {limit} levels deep"),
            Self::TooMany { limit, .. } => {
                format!("anchors and aliases make more than {limit} values of this text")
            }
            Self::Duplicate {
                key, first_line, ..
            } => format!("duplicate key `{key}` (first on line {first_line})"),
            Self::NotFound { path, .. } => format!("`{path}` does not exist"),
            Self::Elsewhere {
                path,
                anchor: Some(anchor),
                written_on,
                ..
            } => format!("`{path}` comes from the anchor `&{anchor}` on line {written_on}"),
            Self::Elsewhere {
                path, written_on, ..
            } => format!("`{path}` comes from the map that `<<` adds on line {written_on}"),
            Self::Refused { path, reason, .. } => format!("`{path}` {reason}"),
            Self::Unproved { why, .. } => format!("edit could not be proved: {why}"),
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

impl fmt::Display for YamlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}", self.line())?;
        if let Self::Syntax { column, .. } = self {
            write!(formatter, ", column {column}")?;
        }
        write!(formatter, ": {}", self.message())
    }
}

impl std::error::Error for YamlError {}

/// Which proof of an edited text failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailedProof {
    /// Bytes that no edit names are not as they were.
    #[error("bytes outside the edits changed")]
    Outside,
    /// The first parser does not read the new text.
    #[error("the result does not parse ({0})")]
    Unreadable(Box<YamlError>),
    /// It would be read as a template where it was none, or by the other reader.
    #[error("the result would be read in another way")]
    OtherReading,
    /// The first parser reads another tree than intended.
    #[error("the result differs from the intended tree")]
    Tree,
    /// The second parser does not read the old or the new text.
    #[error("the second parser refuses the file ({0})")]
    Refused(String),
    /// The two parsers disagree about the old text already.
    #[error("the parsers count different documents")]
    Documents,
    /// The second parser reads other values than intended.
    #[error("the second parser disagrees about the values")]
    Values,
}

/// Why an edit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalReason {
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

impl fmt::Display for RefusalReason {
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

impl RefusalReason {
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
