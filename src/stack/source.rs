//! One file that states facts: its text, its parsed form, and what the kinds that claim it read there.

use std::ops::Deref;
use std::sync::Arc;

use super::configured::ConfiguredReference;
use super::document::Document;
use super::examples::{Example, ExampleSubject, ExampleValue};
use super::facts::{Fact, Fault, ImageList, ImageListEntry, Reference};
use super::group::ImageGroup;
use super::image_options::ImageOptions;
use super::kinds::{ConfiguredPlaces, FileKind, read_names};
use super::provider;
use super::role::{Part, Role};
use super::series::{SeriesId, SeriesSet};
use super::sharing::{Asked, KnownFacts, Sharing};
use super::stated::{Claims, Facts, ValueRef};
use super::tree::has_folder;
use crate::catalog::ImagePattern;
use crate::version::{KubernetesVersion, OsRelease};
use crate::yaml;

/// A file that states facts.
#[derive(Debug)]
pub struct SourceFile {
    document: Document,
    kinds: Vec<&'static dyn FileKind>,
    /// What of its free values is the stack's.
    claims: Arc<Claims>,
    facts: Facts,
    /// What other files have been read to state.
    known: Arc<KnownFacts>,
}

/// A file is asked for its path and its text as its document is.
impl Deref for SourceFile {
    type Target = Document;

    fn deref(&self) -> &Document {
        &self.document
    }
}

impl SourceFile {
    /// Reads a file, if a kind claims it. `place` is its path below its source tree.
    pub fn read(
        path: &str,
        place: &str,
        text: &Arc<str>,
        sharing: &Sharing,
    ) -> Result<Option<Self>, Fault> {
        // By the name first: a README may show a manifest, and a kind that goes by the text would claim it.
        let is_yaml = place
            .rsplit_once('.')
            .is_none_or(|(_, ending)| !matches!(ending, "md" | "tpl"));
        let kinds: Vec<_> = provider::kinds()
            .iter()
            .copied()
            .filter(|kind| kind.is_yaml() == is_yaml && kind.claims(place, text))
            .collect();
        let Some(first) = kinds.first() else {
            return Ok(None);
        };
        let plain = Document::plain(path, text, first.role(), &sharing.commons);
        let document = if is_yaml { plain.parsed()? } else { plain };
        let file = Self {
            document,
            kinds,
            claims: Arc::default(),
            facts: Facts::default(),
            known: Arc::clone(&sharing.facts),
        };
        file.with_facts().map(Some)
    }

    /// Reads a file that no kind claims, for its configured references.
    pub(super) fn read_configured(
        path: &str,
        text: &Arc<str>,
        sharing: &Sharing,
        configured: Vec<Arc<ConfiguredReference>>,
    ) -> Result<Self, Fault> {
        let file = Self {
            document: Document::plain(path, text, Role::Configured, &sharing.commons),
            kinds: Vec::new(),
            claims: Arc::default(),
            facts: Facts::default(),
            known: Arc::clone(&sharing.facts),
        };
        file.with_configured(configured)
    }

    /// Returns the file as it reads with configured references.
    pub(super) fn with_configured(
        &self,
        configured: Vec<Arc<ConfiguredReference>>,
    ) -> Result<Self, Fault> {
        let mut kinds = self.kinds.clone();
        if !self.has_role(Role::Configured) {
            kinds.push(&ConfiguredPlaces);
        }
        Self {
            document: self.document.with_configured(configured)?,
            kinds,
            ..self.unread()
        }
        .with_facts()
    }

    /// Returns the file as it reads with another text, which was parsed already.
    pub(crate) fn with_yaml(&self, yaml: Arc<yaml::File>) -> Result<Self, Fault> {
        Self {
            document: self.document.with_yaml(yaml),
            ..self.unread()
        }
        .with_facts()
    }

    /// Returns the file as it reads with these claims.
    pub(super) fn with_claims(&self, claims: Claims) -> Result<Self, Fault> {
        Self {
            claims: Arc::new(claims),
            ..self.unread()
        }
        .with_facts()
    }

    fn unread(&self) -> Self {
        Self {
            document: self.document.clone(),
            kinds: self.kinds.clone(),
            claims: self.claims.clone(),
            facts: Facts::default(),
            known: Arc::clone(&self.known),
        }
    }

    fn with_facts(mut self) -> Result<Self, Fault> {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.name()).collect();
        let asked = Asked {
            document: &self.document,
            kinds: &kinds,
            claims: &self.claims,
        };
        self.facts = if let Some(facts) = self.known.find(asked) {
            facts
        } else {
            let read = self.read_facts();
            let facts = read.map_err(|fault| fault.of(self.role()))?;
            self.known.keep(asked, &facts);
            facts
        };
        Ok(self)
    }

    fn read_facts(&self) -> Result<Facts, Fault> {
        let mut facts = Facts::default();
        for kind in &self.kinds {
            kind.read(self, &mut facts)?;
        }
        for list in &self.claims.lists {
            facts.image_lists.extend(read_names(self, list));
        }
        facts.groups.extend(self.claims.groups.iter().cloned());
        for group in &facts.groups {
            facts.references.extend(group.references(self));
        }
        Ok(facts)
    }

    /// Returns the kinds that claim it.
    pub fn kinds(&self) -> &[&'static dyn FileKind] {
        &self.kinds
    }

    /// Tells whether it is for this, by any of its kinds.
    pub(crate) fn has_role(&self, role: Role) -> bool {
        self.kinds.iter().any(|kind| kind.role() == role)
    }

    /// Tells whether it lists several minors.
    pub(crate) fn spans_minors(&self) -> bool {
        self.kinds.iter().any(|kind| kind.role().spans_minors())
    }

    /// Tells whether values under keys of its own choice are claimed.
    pub(super) fn has_free_values(&self) -> bool {
        self.kinds.iter().any(|kind| kind.role().has_free_values())
    }

    /// Returns the part of a release that it goes into. Where the configuration alone claims it, its directory tells.
    pub fn part(&self) -> Part {
        match self.role() {
            role if role != Role::Configured => role.part(),
            _ if has_folder(self.path(), "cluster-addon") => Part::ClusterAddon,
            _ if has_folder(self.path(), "cluster-class") => Part::Stack,
            _ => Part::Beside,
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
            series: series.of_place(self.path(), group.line),
        })
    }

    /// Returns the values of its chart that its manifests read as their image.
    pub(super) fn value_refs(&self) -> &[ValueRef] {
        &self.facts.value_refs
    }

    /// Returns what of its free values is the stack's.
    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Returns the reference of a value of one of its examples.
    pub(crate) fn example_reference(&self, value: &ExampleValue) -> Reference {
        Reference {
            file: self.path().to_owned(),
            role: self.role(),
            line: value.line,
            at: value.at(),
            value: self.text()[value.range.clone()].to_owned(),
            fact: Fact::Example,
        }
    }

    /// Returns the examples of a stack in it.
    pub fn examples(&self, subject: &ExampleSubject<'_>) -> Vec<Example> {
        let kinds = self.kinds.iter();
        kinds
            .flat_map(|kind| kind.examples(self, subject))
            .collect()
    }

    /// Returns its lists of node images.
    pub fn image_lists(&self) -> &[ImageList] {
        &self.facts.image_lists
    }

    /// Returns what the entries of one of its lists state of their images in the cloud, in the order of the list.
    pub(crate) fn image_options(&self, list: &ImageList) -> Result<Vec<ImageOptions>, Fault> {
        for kind in &self.kinds {
            if let Some(options) = kind.image_options(self, list)? {
                return Ok(options);
            }
        }
        // Names and versions alone state nothing more.
        Ok(vec![ImageOptions::default(); list.entries.len()])
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
            name: self.text.to_owned(),
            os: self.os.clone(),
            url: self.url.map(str::to_owned),
            ..ImageListEntry::new(self.line, self.version)
        }
    }
}
