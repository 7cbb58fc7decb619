//! One file that states facts: its text, its parsed form, and what the kinds that claim it read there.

use std::sync::Arc;

use super::facts::{Facts, Fault, Roster, Site};
use super::kinds::{self, FileKind};
use crate::yaml::{self, Node};

/// A file that states facts.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: Arc<str>,
    yaml: Option<yaml::File>,
    kinds: Vec<&'static dyn FileKind>,
    facts: Facts,
}

impl SourceFile {
    /// Reads a file, if a kind claims it. `place` is its path below its source tree.
    pub fn read(path: &str, place: &str, text: &Arc<str>) -> Result<Option<Self>, Fault> {
        let is_yaml = place
            .rsplit_once('.')
            .is_none_or(|(_, ending)| ending != "md");
        let of_form = kinds::ALL
            .iter()
            .copied()
            .filter(|kind| kind.is_yaml() == is_yaml);
        let kinds: Vec<_> = of_form.filter(|kind| kind.claims(place, text)).collect();
        if kinds.is_empty() {
            return Ok(None);
        }
        let yaml = if is_yaml {
            Some(parse(path, text)?)
        } else {
            None
        };
        let file = Self {
            path: path.to_owned(),
            text: text.clone(),
            yaml,
            kinds,
            facts: Facts::default(),
        };
        file.with_facts().map(Some)
    }

    /// Returns the file as it reads with another text, which was parsed already.
    pub(crate) fn with_yaml(&self, yaml: yaml::File) -> Result<Self, Fault> {
        let (path, text, kinds) = (
            self.path.clone(),
            yaml.shared_text().clone(),
            self.kinds.clone(),
        );
        Self {
            path,
            text,
            yaml: Some(yaml),
            kinds,
            facts: Facts::default(),
        }
        .with_facts()
    }

    fn with_facts(mut self) -> Result<Self, Fault> {
        let mut facts = Facts::default();
        for kind in &self.kinds {
            kind.read(&self, &mut facts)?;
        }
        self.facts = facts;
        Ok(self)
    }

    /// Returns its path, relative to the repository's root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns its text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns the parsed text of a YAML file.
    pub fn yaml(&self) -> Option<&yaml::File> {
        self.yaml.as_ref()
    }

    /// Returns the documents of a YAML file.
    pub fn documents(&self) -> &[Node] {
        self.yaml.as_ref().map_or(&[], yaml::File::documents)
    }

    /// Returns the kinds that claim it.
    pub fn kinds(&self) -> &[&'static dyn FileKind] {
        &self.kinds
    }

    /// Returns its single facts.
    pub fn sites(&self) -> &[Site] {
        &self.facts.sites
    }

    /// Returns its lists of node images.
    pub fn rosters(&self) -> &[Roster] {
        &self.facts.rosters
    }
}

fn parse(path: &str, text: &Arc<str>) -> Result<yaml::File, Fault> {
    let fault =
        |error: yaml::YamlError| Fault::new(path, error.line(), error.message(), error.hint());
    let file = yaml::File::parse_shared(text.clone()).map_err(fault)?;
    match file.duplicate_keys().first() {
        // Both branches of a template's condition may set a key; the editor refuses to touch such a key.
        Some(_) if file.is_template() => Ok(file),
        Some(duplicate) => {
            let (first, line) = (duplicate.first_line, duplicate.line);
            let message = format!("duplicate key `{}`, first on line {first}", duplicate.key);
            Err(Fault::new(
                path,
                line,
                message,
                format!("remove line {first} or line {line}"),
            ))
        }
        None => Ok(file),
    }
}
