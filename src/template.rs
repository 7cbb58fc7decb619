//! Texts with places for values: `maint/{{stack}}-{{minorDashed}}`. Of Handlebars they have the variables; blocks and helpers have no
//! use in one value.

use std::fmt;

use crate::spelling;

/// The names of the values that a template may have.
pub(crate) trait Variable: Copy + Eq + 'static {
    /// All of them, with their names.
    const ALL: &'static [(&'static str, Self)];

    /// Returns its name.
    fn name(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, variable)| *variable == self);
        known.map_or("", |(name, _)| name)
    }
}

/// A text with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template<V>(Vec<Piece<V>>);

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<V> {
    /// Text that stays.
    Text(String),
    /// The place of a value.
    Value(V),
}

impl<V: Variable> Template<V> {
    /// Reads a template.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("`{{` without `}}`")?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Value(find(name.trim())?));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self(pieces))
    }

    /// Returns its pieces in their order.
    pub(crate) fn pieces(&self) -> &[Piece<V>] {
        &self.0
    }

    /// Returns the values that it has places for.
    pub(crate) fn variables(&self) -> impl Iterator<Item = V> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Value(variable) => Some(*variable),
        })
    }

    /// Puts the values in; the first that is not known is the error.
    pub(crate) fn fill(&self, value: impl Fn(V) -> Option<String>) -> Result<String, V> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Value(variable) => filled.push_str(&value(*variable).ok_or(*variable)?),
            }
        }
        Ok(filled)
    }
}

fn find<V: Variable>(name: &str) -> Result<V, String> {
    if let Some((_, variable)) = V::ALL.iter().find(|(known, _)| *known == name) {
        return Ok(*variable);
    }
    let names: Vec<&str> = V::ALL.iter().map(|(name, _)| *name).collect();
    let question = match spelling::nearest(name, names.iter().copied()) {
        Some(meant) => format!("did you mean `{{{{{meant}}}}}`? Use"),
        None => "use".to_owned(),
    };
    let names = names.join(", ");
    Err(format!(
        "unknown placeholder `{{{{{name}}}}}`; {question} one of {names}"
    ))
}

impl<V: Variable> fmt::Display for Template<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Value(variable) => write!(f, "{{{{{}}}}}", variable.name())?,
            }
        }
        Ok(())
    }
}
