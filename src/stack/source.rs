//! One file that states facts: its text, its parsed form, and what the kinds that claim it read there.

use std::sync::Arc;

use super::addon::MinorBoundCharts;
use super::claims::{Claims, ListPlace};
use super::configured::{self, ConfiguredReference};
use super::examples::{Example, ExampleValue, Subject};
use super::facts::{Fact, Facts, Fault, ImageList, ImageListEntry, Reference, ValueRef};
use super::group::ImageGroup;
use super::kinds::FileKind;
use super::provider;
use super::role::{Part, Role};
use super::series::{SeriesId, SeriesSet};
use crate::catalog::ImagePattern;
use crate::version::{KubernetesVersion, OsRelease};
use crate::yaml::{self, Node};

/// A file that states facts.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: Arc<str>,
    yaml: Option<yaml::File>,
    kinds: Vec<&'static dyn FileKind>,
    configured: Vec<Arc<ConfiguredReference>>,
    /// What of its free values is the stack's.
    claims: Arc<Claims>,
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
            .is_none_or(|(_, ending)| !matches!(ending, "md" | "tpl"));
        let of_form = provider::kinds()
            .iter()
            .copied()
            .filter(|kind| kind.is_yaml() == is_yaml);
        let kinds: Vec<_> = of_form.filter(|kind| kind.claims(place, text)).collect();
        if kinds.is_empty() {
            return Ok(None);
        }
        let yaml = if is_yaml {
            Some(parse(path, text).map_err(|fault| fault.of(kinds[0].role()))?)
        } else {
            None
        };
        let file = Self {
            path: path.to_owned(),
            text: text.clone(),
            yaml,
            kinds,
            configured: Vec::new(),
            claims: Arc::default(),
            charts: charts.clone(),
            facts: Facts::default(),
        };
        file.with_facts().map(Some)
    }

    /// Reads a file with configured references; `known` is the file as it was read without them, if a kind claims it.
    pub(super) fn read_configured(
        known: Option<&Self>,
        (path, text): (&str, &Arc<str>),
        configured: Vec<Arc<ConfiguredReference>>,
    ) -> Result<Self, Fault> {
        let needs_yaml = configured.iter().any(|reference| reference.needs_yaml());
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
            claims: known.map(|file| file.claims.clone()).unwrap_or_default(),
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
            claims: self.claims.clone(),
            charts: self.charts.clone(),
            facts: Facts::default(),
        }
        .with_facts()
    }

    /// Returns the file as it reads with these claims.
    pub(super) fn with_claims(&self, claims: Claims) -> Result<Self, Fault> {
        Self {
            path: self.path.clone(),
            text: self.text.clone(),
            yaml: self.yaml.clone(),
            kinds: self.kinds.clone(),
            configured: self.configured.clone(),
            claims: Arc::new(claims),
            charts: self.charts.clone(),
            facts: Facts::default(),
        }
        .with_facts()
    }

    fn with_facts(mut self) -> Result<Self, Fault> {
        let facts = self.read_facts();
        self.facts = facts.map_err(|fault| fault.of(self.role()))?;
        Ok(self)
    }

    fn read_facts(&self) -> Result<Facts, Fault> {
        let mut facts = Facts::default();
        for kind in &self.kinds {
            kind.read(self, &mut facts)?;
        }
        facts.groups.extend(self.claims.groups.iter().cloned());
        for group in &facts.groups {
            facts.references.extend(group.references(self));
        }
        configured::read(self, &mut facts)?;
        Ok(facts)
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

    /// Returns the configured references in it.
    pub(crate) fn configured(&self) -> &[Arc<ConfiguredReference>] {
        &self.configured
    }

    /// Returns the addon charts that belong to a minor.
    pub fn charts(&self) -> &MinorBoundCharts {
        &self.charts
    }

    /// Returns what the file is for, in the words of the first kind that claims it.
    pub fn role(&self) -> Role {
        let first = self.kinds.first();
        first.map_or(Role::Configured, |kind| kind.role())
    }

    /// Tells whether it is for this, by any of its kinds.
    pub fn has_role(&self, role: Role) -> bool {
        self.kinds.iter().any(|kind| kind.role() == role)
    }

    /// Tells whether it lists several minors.
    pub fn spans_minors(&self) -> bool {
        self.kinds.iter().any(|kind| kind.role().spans_minors())
    }

    /// Tells whether values under keys of its own choice are claimed.
    pub(super) fn has_free_values(&self) -> bool {
        self.kinds.iter().any(|kind| kind.role().has_free_values())
    }

    /// Returns the part of a release that it goes into. Where no kind claims it, its directory tells.
    pub fn part(&self) -> Part {
        let is_below = |name| self.path.split('/').rev().skip(1).any(|part| part == name);
        match self.kinds.first() {
            Some(kind) => kind.role().part(),
            None if is_below("cluster-addon") => Part::ClusterAddon,
            None if is_below("cluster-class") => Part::Stack,
            None => Part::Beside,
        }
    }

    /// Returns its single facts.
    pub fn references(&self) -> &[Reference] {
        &self.facts.references
    }

    /// Returns its values about the default's image.
    pub(super) fn groups(&self) -> &[ImageGroup] {
        &self.facts.groups
    }

    /// Returns what its values about the default's image name.
    pub(crate) fn named_images<'f>(
        &'f self,
        series: &'f SeriesSet,
    ) -> impl Iterator<Item = NamedImage<'f>> {
        self.groups().iter().map(move |group| NamedImage {
            line: group.line,
            text: group.text(self).unwrap_or_default(),
            version: group.version,
            os: group.os(self),
            url: group.url(self),
            names: group.names(self),
            series: series.of_place(&self.path, group.line),
        })
    }

    /// Says which of its images cannot follow a new default, whatever their store offers.
    pub(crate) fn cannot_follow(&self, series: &SeriesSet) -> Vec<Fault> {
        super::kinds::images::cannot_follow(self, series)
    }

    /// Returns the values of its chart that its manifests read as their image.
    pub(super) fn value_refs(&self) -> &[ValueRef] {
        &self.facts.value_refs
    }

    /// Returns what of its free values is the stack's.
    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Returns its claimed lists of image names.
    pub(super) fn claimed_lists(&self) -> &[ListPlace] {
        &self.claims.lists
    }

    /// Returns the reference of a value of one of its examples.
    pub(crate) fn example_reference(&self, value: &ExampleValue) -> Reference {
        Reference {
            file: self.path.clone(),
            role: self.role(),
            line: value.line,
            at: value.at(),
            value: self.text[value.range.clone()].to_owned(),
            fact: Fact::Example,
        }
    }

    /// Returns the examples of a stack in it.
    pub fn examples(&self, subject: &Subject<'_>) -> Vec<Example> {
        let kinds = self.kinds.iter();
        kinds
            .flat_map(|kind| kind.examples(self, subject))
            .collect()
    }

    /// Returns its lists of node images.
    pub fn image_lists(&self) -> &[ImageList] {
        &self.facts.image_lists
    }
}

/// Values that name the default's image.
#[derive(Debug, Clone)]
pub(crate) struct NamedImage<'f> {
    /// The line.
    pub(crate) line: usize,
    /// The name or URL.
    pub(crate) text: &'f str,
    /// The Kubernetes version in it.
    pub(crate) version: KubernetesVersion,
    /// The operating-system release in it.
    pub(crate) os: Option<OsRelease>,
    /// The URL, where it is one.
    pub(crate) url: Option<&'f str>,
    /// The patterns of the names that stand there.
    pub(crate) names: Vec<ImagePattern>,
    /// The series, where it is known.
    pub(crate) series: Option<SeriesId>,
}

impl NamedImage<'_> {
    /// Returns it as an entry of a list would say it.
    pub(crate) fn entry(&self) -> ImageListEntry {
        ImageListEntry {
            line: self.line,
            version: self.version,
            name: self.text.to_owned(),
            os: self.os.clone(),
            url: self.url.map(str::to_owned),
            sha256: None,
            sha512: None,
            has_weak_sum: false,
            built: None,
        }
    }
}

/// Tells of a branch of a template that fits nowhere and names a version; one without versions has no facts to lose.
fn unread_version(path: &str, file: &yaml::File) -> Option<Fault> {
    let line = file.unread_lines().into_iter().flatten().find(|line| {
        let text = file.text().lines().nth(line - 1).unwrap_or_default();
        super::kinds::names_a_version(text)
    })?;
    Some(Fault::new(
        path,
        line,
        "this branch of the template makes no YAML, and it names a version",
        "indent the lines of the branch as those around it",
    ))
}

fn parse(path: &str, text: &Arc<str>) -> Result<yaml::File, Fault> {
    let fault =
        |error: yaml::YamlError| Fault::new(path, error.line(), error.message(), error.hint());
    let file = yaml::File::parse_shared(text.clone()).map_err(fault)?;
    if let Some(fault) = unread_version(path, &file) {
        return Err(fault);
    }
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
