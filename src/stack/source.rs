//! One file that states facts: its text, its parsed form, and what the kinds that claim it read there.

use std::sync::Arc;

use super::addon::MinorBoundCharts;
use super::configured::{self, ConfiguredSite};
use super::facts::{Facts, Fault, Roster, Site};
use super::kinds::{self, FileKind, Part};
use crate::yaml::{self, Node};

/// A file that states facts.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: Arc<str>,
    yaml: Option<yaml::File>,
    kinds: Vec<&'static dyn FileKind>,
    configured: Vec<Arc<ConfiguredSite>>,
    charts: MinorBoundCharts,
    facts: Facts,
}

impl SourceFile {
    /// Reads a file, if a kind claims it. `place` is its path below its source tree; of addon charts, these belong to a minor.
    pub fn read(
        (path, place): (&str, &str),
        text: &Arc<str>,
        charts: &MinorBoundCharts,
    ) -> Result<Option<Self>, Fault> {
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
            configured: Vec::new(),
            charts: charts.clone(),
            facts: Facts::default(),
        };
        file.with_facts().map(Some)
    }

    /// Reads a file with configured sites; `known` is the file as it was read without them, if a kind claims it.
    pub(super) fn read_configured(
        known: Option<&Self>,
        (path, text): (&str, &Arc<str>),
        configured: Vec<Arc<ConfiguredSite>>,
    ) -> Result<Self, Fault> {
        let needs_yaml = configured.iter().any(|site| site.needs_yaml());
        let yaml = match known.and_then(Self::yaml) {
            Some(yaml) => Some(yaml.clone()),
            None if needs_yaml => Some(parse(path, text)?),
            None => None,
        };
        Self {
            path: path.to_owned(),
            text: text.clone(),
            yaml,
            kinds: known.map(|file| file.kinds.clone()).unwrap_or_default(),
            configured,
            charts: known.map(|file| file.charts.clone()).unwrap_or_default(),
            facts: Facts::default(),
        }
        .with_facts()
    }

    /// Returns the file as it reads with another text, which was parsed already.
    pub(crate) fn with_yaml(&self, yaml: yaml::File) -> Result<Self, Fault> {
        Self {
            path: self.path.clone(),
            text: yaml.shared_text().clone(),
            yaml: Some(yaml),
            kinds: self.kinds.clone(),
            configured: self.configured.clone(),
            charts: self.charts.clone(),
            facts: Facts::default(),
        }
        .with_facts()
    }

    fn with_facts(mut self) -> Result<Self, Fault> {
        let mut facts = Facts::default();
        for kind in &self.kinds {
            kind.read(&self, &mut facts)?;
        }
        configured::read(&self, &mut facts)?;
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

    /// Returns the configured sites in it.
    pub(crate) fn configured(&self) -> &[Arc<ConfiguredSite>] {
        &self.configured
    }

    /// Returns the addon charts that belong to a minor.
    pub fn charts(&self) -> &MinorBoundCharts {
        &self.charts
    }

    /// Returns the part of a release that it goes into. Where no kind claims it, its directory tells.
    pub fn part(&self) -> Part {
        let is_below = |name| self.path.split('/').rev().skip(1).any(|part| part == name);
        match self.kinds.first() {
            Some(kind) => kind.part(),
            None if is_below("cluster-addon") => Part::ClusterAddon,
            None if is_below("cluster-class") => Part::Stack,
            None => Part::Beside,
        }
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
