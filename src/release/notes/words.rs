//! The words of release notes: one line for each change, under the headings of Keep a Changelog, and what users have to do.

use serde::Serialize;

use super::{
    ChartNote, FileChange, FileNote, FirstNotes, ImageNotes, NotesState, ReleaseNotes,
    VariableNote, VariableNotes,
};
use crate::release::ReleasePart;

/// A heading with its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Section {
    /// The heading.
    pub(crate) title: &'static str,
    /// Its lines; never none.
    pub(crate) lines: Vec<String>,
}

/// The lines under each heading.
#[derive(Default)]
struct Lines {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
    security: Vec<String>,
    unknown: Vec<String>,
}

impl Lines {
    fn sections(self) -> Vec<Section> {
        let all = [
            ("Added", self.added),
            ("Changed", self.changed),
            ("Removed", self.removed),
            ("Security", self.security),
            ("Unknown", self.unknown),
        ];
        let some = all.into_iter().filter(|(_, lines)| !lines.is_empty());
        some.map(|(title, lines)| Section { title, lines })
            .collect()
    }
}

/// Returns the headings of what changed; nothing where it did not, or is not known.
pub(crate) fn sections(state: &NotesState) -> Vec<Section> {
    let mut lines = Lines::default();
    match state {
        NotesState::First(first) => add_first(first, &mut lines),
        NotesState::Changed(notes) => {
            add_kubernetes(notes, &mut lines);
            add_images(&notes.images, &mut lines);
            for chart in &notes.charts {
                add_chart(chart, &mut lines);
            }
            add_variables(&notes.variables, &mut lines);
            add_files("cluster class", &notes.class_files, &mut lines);
            add_files("cluster addons", &notes.addon_files, &mut lines);
            add_parts(notes, &mut lines);
        }
        NotesState::Unchanged { .. } | NotesState::Unknown { .. } => {}
    }
    lines.sections()
}

fn add_first(first: &FirstNotes, lines: &mut Lines) {
    lines.added.push(format!("Kubernetes {}", first.kubernetes));
    let images = first.images.iter();
    lines
        .added
        .extend(images.map(|image| format!("node image of {image}")));
    for chart in &first.charts {
        add_chart(chart, lines);
    }
}

fn add_kubernetes(notes: &ReleaseNotes, lines: &mut Lines) {
    let kubernetes = &notes.kubernetes;
    if kubernetes.from != kubernetes.to {
        let (from, to) = (&kubernetes.from, &kubernetes.to);
        lines.changed.push(format!("Kubernetes {from} → {to}"));
    }
    lines.security.extend(kubernetes.fixes.clone());
    lines.unknown.extend(kubernetes.unknown.clone());
}

fn add_images(images: &ImageNotes, lines: &mut Lines) {
    match images {
        ImageNotes::Known {
            added,
            removed,
            rebuilt,
        } => {
            let named = added.iter();
            lines
                .added
                .extend(named.map(|image| format!("node image of {image}")));
            let named = rebuilt.iter();
            lines
                .changed
                .extend(named.map(|image| format!("node image of {image}, rebuilt")));
            let named = removed.iter();
            lines
                .removed
                .extend(named.map(|image| format!("node image of {image}")));
        }
        ImageNotes::Unknown { reason, hint } => {
            lines.unknown.push(format!("node images: {reason}; {hint}"));
        }
    }
}

fn add_chart(note: &ChartNote, lines: &mut Lines) {
    let ChartNote { addon, chart, .. } = note;
    let name = if addon.is_empty() || addon == chart {
        format!("addon chart {chart}")
    } else {
        format!("addon chart {chart} ({addon})")
    };
    match (&note.from, &note.to) {
        (Some(from), Some(to)) => lines.changed.push(format!("{name} {from} → {to}")),
        (None, Some(to)) => lines.added.push(format!("{name} {to}")),
        (Some(from), None) => lines.removed.push(format!("{name} {from}")),
        (None, None) => {}
    }
}

fn add_variables(variables: &VariableNotes, lines: &mut Lines) {
    let changed = match variables {
        VariableNotes::Known { changed } => changed,
        VariableNotes::Unknown { reason } => {
            let line = format!("variables of the cluster class: {reason}");
            return lines.unknown.push(line);
        }
    };
    for note in changed {
        match note {
            VariableNote::Added { name, .. } => lines.added.push(format!("variable {name}")),
            VariableNote::Removed { name } => lines.removed.push(format!("variable {name}")),
            VariableNote::Default { name, from, to } => {
                let (from, to) = (default(from.as_deref()), default(to.as_deref()));
                lines
                    .changed
                    .push(format!("default of the variable {name}: {from} → {to}"));
            }
        }
    }
}

fn default(text: Option<&str>) -> &str {
    text.unwrap_or("none")
}

fn add_files(what: &str, files: &[FileNote], lines: &mut Lines) {
    for FileNote { path, change } in files {
        let list = match change {
            FileChange::Added => &mut lines.added,
            FileChange::Changed => &mut lines.changed,
            FileChange::Removed => &mut lines.removed,
        };
        list.push(format!("{what}: {path}"));
    }
}

/// Names the parts that have no line of their own.
fn add_parts(notes: &ReleaseNotes, lines: &mut Lines) {
    let moves = notes.kubernetes.from != notes.kubernetes.to;
    for part in [
        ReleasePart::ClusterAddonConfig,
        ReleasePart::ClusterAddonValues,
        ReleasePart::CsctlConfig,
    ] {
        // It names the Kubernetes version, which has a line of its own.
        if part == ReleasePart::CsctlConfig && moves {
            continue;
        }
        let mut changes = notes.changes.iter();
        match changes.find(|change| change.part == part) {
            Some(change) if change.assumed => {
                let line = format!(
                    "{}: the last release does not say what it was",
                    part.describe()
                );
                lines.unknown.push(line);
            }
            Some(_) => lines.changed.push(part.describe().to_owned()),
            None => {}
        }
    }
}

/// Says what users of the last release have to do.
pub(super) fn to_do(notes: &ReleaseNotes) -> Vec<String> {
    let mut to_do = Vec::new();
    let variables = match &notes.variables {
        VariableNotes::Known { changed } => &changed[..],
        VariableNotes::Unknown { .. } => &[],
    };
    for note in variables {
        match note {
            VariableNote::Removed { name } => to_do.push(format!(
                "Take the variable {name} out of clusters in the same step: the new class does not know it."
            )),
            VariableNote::Added {
                name,
                must_be_set: true,
            } => to_do.push(format!(
                "Set the variable {name} in the same step: the new class requires it, and it has no default."
            )),
            VariableNote::Added { .. } | VariableNote::Default { .. } => {}
        }
    }
    let (tag, kubernetes) = (&notes.tag, &notes.kubernetes);
    let moves = kubernetes.from != kubernetes.to;
    let version = &kubernetes.to;
    to_do.push(if moves {
        format!(
            "A release does not change running clusters: set the class of their topology to that of {tag} and its version to {version}, in one step."
        )
    } else {
        format!(
            "A release does not change running clusters: set the class of their topology to that of {tag}."
        )
    });
    let has_templates = notes
        .class_files
        .iter()
        .any(|note| note.path.starts_with("templates/"));
    if moves {
        to_do.push("Their nodes are replaced, as the Kubernetes version moves.".to_owned());
    } else if has_templates || notes.has(ReleasePart::NodeImages) {
        to_do.push(
            "Their nodes may be replaced, as templates of the class or node images changed."
                .to_owned(),
        );
    }
    to_do
}
