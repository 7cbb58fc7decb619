//! What could be an example in a text: resources and commands of the stack in its code, each with where it stands. Which of them are
//! examples is chosen elsewhere, when all are known.

use std::ops::Range;

use super::choose::{Candidate, Gathered};
use super::command::{self, CommandNames, LineKind};
use super::document::{self, LocatedScalar, Resource, TopologyEvidence};
use super::markdown::{self, Code};
use super::why_not::{Excluded, WhyNot};
use super::{
    ExampleKind, ExampleSubject, ExampleValue, StatedVersion, TextForm, meets, name, past,
};
use crate::version::{KubernetesVersion, Minor, StackLine, StackVersion};
use crate::yaml::File;

/// Tells whether a text can hold examples of a stack at all. It is cheap.
pub(super) fn may_hold_examples(text: &str, line: &StackLine) -> bool {
    text.contains(&name::prefix(line)) || text.contains("kubernetesVersion")
}

/// Gathers what could be an example.
pub(super) fn candidates(text: &str, form: TextForm, subject: &ExampleSubject<'_>) -> Gathered {
    match form {
        TextForm::Markdown => {
            let markdown = markdown::read(text);
            let mut gatherer = Gatherer::new(text, subject);
            gatherer.found.regions = markdown.regions;
            for code in &markdown.codes {
                gatherer.take_code(code);
            }
            gatherer.found
        }
        TextForm::Manifest => Gatherer::new(text, subject).read_manifest(document::read(text)),
    }
}

/// Gathers what could be an example in a manifest that is parsed already.
pub(super) fn manifest_candidates(file: &File, subject: &ExampleSubject<'_>) -> Gathered {
    Gatherer::new(file.text(), subject).read_manifest(document::read_file(file))
}

struct Gatherer<'t> {
    text: &'t str,
    subject: &'t ExampleSubject<'t>,
    found: Gathered,
}

/// A piece of YAML in a text.
struct Piece<'c> {
    /// The code that it is part of; nothing where the text is the piece.
    code: Option<&'c Code>,
    /// Where it begins in the code.
    start: usize,
}

impl Piece<'_> {
    /// Returns where bytes of the piece stand in the text.
    fn source_of(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let inner = self.start + range.start..self.start + range.end;
        match self.code {
            Some(code) => code.source_of(&inner),
            None => Some(inner),
        }
    }

    /// Returns where a longer part of the piece stands, with what is between its lines.
    fn spread_of(&self, range: &Range<usize>) -> Range<usize> {
        let around = self.code.map_or(0..0, |code| code.range.clone());
        let first = self.source_of(&(range.start..range.start));
        let last = self.source_of(&(range.end..range.end));
        let start = first.map_or(around.start, |place| place.start);
        start..last.map_or(around.end, |place| place.end).max(start)
    }
}

impl<'t> Gatherer<'t> {
    fn new(text: &'t str, subject: &'t ExampleSubject<'t>) -> Self {
        Self {
            text,
            subject,
            found: Gathered::default(),
        }
    }

    fn read_manifest(mut self, resources: Vec<Resource>) -> Gathered {
        let piece = Piece {
            code: None,
            start: 0,
        };
        for resource in resources {
            self.take_resource(&piece, resource);
        }
        self.found
    }

    fn take_code(&mut self, code: &Code) {
        let reason = match &code.past {
            Some(heading) => WhyNot::Past(heading.clone()),
            None if is_difference(code) => WhyNot::Difference,
            None => {
                self.note(code.range.clone(), WhyNot::OtherCode);
                return self.read_code(code);
            }
        };
        self.note(code.range.clone(), reason);
    }

    /// Reads code: YAML where the code is none of a shell, here-documents and JSON in quotes where it is, and commands.
    fn read_code(&mut self, code: &Code) {
        let bodies = command::here_documents(&code.text);
        let mut lines = command::lines(&code.text);
        // What a here-document holds is no command.
        lines.retain(|line| !bodies.iter().any(|body| meets(body, &line.range)));
        if bodies.is_empty() && !command::has_prompts(&code.text) {
            self.take_piece(code, 0..code.text.len());
        }
        for body in bodies {
            self.take_piece(code, body);
        }
        for line in lines {
            let json = match line.kind {
                LineKind::Command => command::quoted_json(&code.text, &line.range),
                LineKind::Output | LineKind::Comment | LineKind::Other => Vec::new(),
            };
            if json.is_empty() {
                self.take_line(code, &line);
            }
            for piece in json {
                self.take_piece(code, piece);
            }
        }
    }

    fn take_piece(&mut self, code: &Code, range: Range<usize>) {
        let text = &code.text[range.clone()];
        let piece = Piece {
            code: Some(code),
            start: range.start,
        };
        for resource in document::read(text) {
            self.take_resource(&piece, resource);
        }
    }

    fn take_line(&mut self, code: &Code, line: &command::CodeLine) {
        let piece = Piece {
            code: Some(code),
            start: line.range.start,
        };
        let text = &code.text[line.range.clone()];
        let reason = match line.kind {
            LineKind::Other => return,
            LineKind::Output => WhyNot::Output,
            LineKind::Comment => WhyNot::Comment,
            LineKind::Command => match command::read(text, self.subject.line) {
                None => return,
                Some(CommandNames::Nothing(reason)) => reason,
                Some(CommandNames::Release(names)) => {
                    let values = names.into_iter().filter_map(|(range, release)| {
                        self.value(&piece, &range, None, StatedVersion::Release(release))
                    });
                    let gathered = values.collect();
                    return self.push(ExampleKind::Command, gathered, &piece, "");
                }
            },
        };
        self.note(piece.spread_of(&(0..text.len())), reason);
    }

    fn take_resource(&mut self, piece: &Piece<'_>, resource: Resource) {
        match resource {
            Resource::Other(range, reason) => self.note(piece.spread_of(&range), reason),
            Resource::Cluster {
                classes,
                version,
                evidence,
            } => self.take_cluster(piece, classes, version, evidence),
            Resource::ClusterStack {
                provider,
                name,
                kubernetes,
                versions,
            } => {
                let line = self.subject.line;
                let is_own = provider.as_deref() == Some(&line.provider)
                    && name.as_deref() == Some(&line.name);
                if is_own {
                    return self.take_cluster_stack(piece, kubernetes, versions);
                }
                let owner = format!(
                    "{}/{}",
                    provider.as_deref().unwrap_or("?"),
                    name.as_deref().unwrap_or("?")
                );
                let scalars = kubernetes.into_iter().chain(versions);
                self.note_all(piece, scalars, &WhyNot::OtherClusterStack(owner));
            }
        }
    }

    fn take_cluster(
        &mut self,
        piece: &Piece<'_>,
        classes: Vec<LocatedScalar>,
        version: Option<LocatedScalar>,
        evidence: TopologyEvidence,
    ) {
        let line = self.subject.line;
        let Some(first) = classes.first() else {
            return self.note_all(piece, version, &WhyNot::NoClass);
        };
        let mut releases = classes.iter().map(|class| name::read(&class.text, line));
        let named = releases.next().flatten();
        // A topology that names its class in both forms has to name one release in both.
        let Some(release) =
            named.filter(|named| releases.all(|other| other.as_ref() == Some(named)))
        else {
            let class = first.text.clone();
            let scalars = classes.into_iter().chain(version);
            return self.note_all(piece, scalars, &WhyNot::OtherClass(class));
        };
        let of_version = version.and_then(|scalar| {
            let version: KubernetesVersion = scalar.text.parse().ok()?;
            let is_meant = match evidence {
                TopologyEvidence::Place => true,
                TopologyEvidence::ClassAlone => version.minor() == release.minor,
            };
            is_meant.then_some((scalar, StatedVersion::Kubernetes(version)))
        });
        let mut stated: Vec<(LocatedScalar, StatedVersion)> = Vec::new();
        for class in classes {
            stated.push((class, StatedVersion::Release(release.clone())));
        }
        stated.extend(of_version);
        self.take_stated(ExampleKind::Cluster, piece, stated);
    }

    fn take_cluster_stack(
        &mut self,
        piece: &Piece<'_>,
        kubernetes: Option<LocatedScalar>,
        versions: Vec<LocatedScalar>,
    ) {
        let Some(minor) = kubernetes
            .as_ref()
            .and_then(|scalar| read_kubernetes(&scalar.text))
        else {
            let scalars = kubernetes.into_iter().chain(versions);
            return self.note_all(piece, scalars, &WhyNot::NoMinor);
        };
        let mut stated: Vec<(LocatedScalar, StatedVersion)> = Vec::new();
        stated.extend(kubernetes.map(|scalar| (scalar, minor)));
        stated.extend(versions.into_iter().filter_map(|entry| {
            let version: StackVersion = entry.text.parse().ok()?;
            Some((entry, StatedVersion::StackVersion(version)))
        }));
        self.take_stated(ExampleKind::ClusterStack, piece, stated);
    }

    fn take_stated(
        &mut self,
        kind: ExampleKind,
        piece: &Piece<'_>,
        stated: Vec<(LocatedScalar, StatedVersion)>,
    ) {
        // Nothing may be set in a file that a template makes; in a text for people it is a gap like others.
        let is_generated =
            piece.code.is_none() && stated.iter().any(|(scalar, _)| scalar.is_templated);
        if is_generated {
            let scalars = stated.into_iter().map(|(scalar, _)| scalar);
            return self.note_all(piece, scalars, &WhyNot::Template);
        }
        let comments: String = stated
            .iter()
            .flat_map(|(scalar, _)| ["\n", scalar.comments.as_str()])
            .collect();
        let values = stated
            .into_iter()
            .filter_map(|(scalar, states)| self.value(piece, &scalar.range, Some(&scalar), states));
        let gathered = values.collect();
        self.push(kind, gathered, piece, &comments);
    }

    fn value(
        &self,
        piece: &Piece<'_>,
        range: &Range<usize>,
        scalar: Option<&LocatedScalar>,
        states: StatedVersion,
    ) -> Option<ExampleValue> {
        let range = piece.source_of(range)?;
        Some(ExampleValue {
            line: 1 + self.text[..range.start].matches('\n').count(),
            range,
            place: scalar.map(|scalar| (scalar.document, scalar.path.clone())),
            states,
        })
    }

    /// Adds what could be an example; `comments` are those about it in the code.
    fn push(
        &mut self,
        kind: ExampleKind,
        mut values: Vec<ExampleValue>,
        piece: &Piece<'_>,
        comments: &str,
    ) {
        values.sort_by_key(|value| value.range.start);
        if values.is_empty() {
            return;
        }
        let before = piece.code.map_or("", |code| code.before.as_str());
        let named_before = values.iter().any(|value| {
            let raw = &self.text[value.range.clone()];
            past::names(before, raw, value.states.minor())
        });
        self.found.candidates.push(Candidate {
            says_older: past::says_older(before) || past::says_older(comments),
            example: super::Example {
                kind,
                values,
                named_before,
            },
        });
    }

    fn note_all(
        &mut self,
        piece: &Piece<'_>,
        scalars: impl IntoIterator<Item = LocatedScalar>,
        reason: &WhyNot,
    ) {
        for scalar in scalars {
            if let Some(range) = piece.source_of(&scalar.range) {
                self.note(range, reason.clone());
            }
        }
    }

    fn note(&mut self, range: Range<usize>, reason: WhyNot) {
        self.found.notes.push(Excluded { range, reason });
    }
}

/// Reads what a `ClusterStack` says of Kubernetes: a minor, or a version in full.
fn read_kubernetes(text: &str) -> Option<StatedVersion> {
    match text.parse::<KubernetesVersion>() {
        Ok(version) => Some(StatedVersion::Kubernetes(version)),
        Err(_) => text.parse::<Minor>().ok().map(StatedVersion::Minor),
    }
}

/// Tells whether code shows a change: what was stands in it beside what is.
fn is_difference(code: &Code) -> bool {
    matches!(code.language.as_str(), "diff" | "patch")
        || code.text.lines().any(|line| line.starts_with('+'))
}
