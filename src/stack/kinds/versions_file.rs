//! versions.yaml of layouts B and C: one row per minor with its newest Kubernetes version and addon charts.

use super::{Document, Fact, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::policy::ChangeClass;
use crate::stack::edits::{ItemPlace, NewItem};
use crate::stack::wanted::AddonRow;
use crate::version::{KubernetesVersion, Minor};
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(super) struct VersionsFile;

const KUBERNETES: &str = "kubernetes";

impl FileKind for VersionsFile {
    fn name(&self) -> &'static str {
        "list of versions"
    }

    fn role(&self) -> Role {
        Role::MinorList
    }

    fn place(&self) -> Option<&'static str> {
        Some("versions.yaml")
    }

    /// Other tools have a versions.yaml too.
    fn claims(&self, place: &str, text: &str) -> bool {
        self.place() == Some(place) && super::may_say(text, "kubernetes:")
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        if !document.is_seq() {
            return Err(super::wrong_shape(file, document, &Path::root(), "a list"));
        }
        for (index, row) in document.items().iter().enumerate() {
            let path = Path::root().index(index);
            let Some((node, text)) = super::text_at(row, &super::keys(&[KUBERNETES])) else {
                let message = format!("`{path}` has no `{KUBERNETES}`");
                return Err(Fault::new(
                    file.path(),
                    row.line(),
                    message,
                    "add a line such as `kubernetes: 1.34.7`",
                ));
            };
            let version: KubernetesVersion = text.parse().map_err(|error| {
                Fault::new(
                    file.path(),
                    node.line(),
                    format!("{error}"),
                    "write the version in full, such as 1.34.7",
                )
            })?;
            facts.references.push(super::reference(
                file,
                &path.clone().key(KUBERNETES),
                node,
                Fact::ListedVersion { version },
            ));
            for (chart, key) in charts(file) {
                let Some((node, _)) = super::text_at(row, &super::keys(&[key])) else {
                    continue;
                };
                let (listed, range) = super::read_chart_version(node);
                let fact = Fact::ListedAddon {
                    minor: version.minor(),
                    chart: chart.to_owned(),
                    version: listed,
                    range,
                };
                let place = path.clone().key(key);
                facts
                    .references
                    .push(super::reference(file, &place, node, fact));
            }
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        let items = document.items().iter().enumerate();
        let rows: Vec<Row<'_>> = items
            .filter_map(|(index, node)| Row::of(index, node))
            .collect();
        // Reading has told of the row that has no version.
        if rows.len() != document.items().len() {
            return Ok(());
        }
        // New rows first: the only old one may leave.
        let mut left = rows.len();
        for (minor, values) in &wanted.rows {
            let missing = values.add && !rows.iter().any(|row| row.minor == *minor);
            if missing && wanted.wishes.wants(ChangeClass::NewMinor) {
                left += usize::from(add_row(file, &rows, *minor, values, edits)?);
            }
        }
        for row in &rows {
            if wanted.dropped.contains(&row.minor) {
                let name = row.version_text();
                if wanted.wishes.wants(ChangeClass::Removal) && left > 1 {
                    left -= 1;
                    let item = ItemPlace {
                        document: 0,
                        list: &Path::root(),
                        index: row.index,
                    };
                    edits.remove_item(&item, name, ChangeClass::Removal)?;
                }
            } else if let Some(values) = wanted.rows.get(&row.minor) {
                edit_row(file, row, values, wanted, edits)?;
            }
        }
        Ok(())
    }
}

/// Returns the charts that rows may name, each with its key.
fn charts(file: &Document) -> impl Iterator<Item = (&str, &str)> {
    let charts = file.charts().iter();
    charts.filter_map(|chart| Some((chart.name.as_str(), chart.versions_key.as_deref()?)))
}

/// A row, and the minor that it is of.
struct Row<'n> {
    index: usize,
    minor: Minor,
    node: &'n Node,
}

impl<'n> Row<'n> {
    fn of(index: usize, node: &'n Node) -> Option<Self> {
        let (_, text) = super::text_at(node, &super::keys(&[KUBERNETES]))?;
        let minor = text.parse::<KubernetesVersion>().ok()?.minor();
        Some(Self { index, minor, node })
    }

    /// Returns its Kubernetes version as it is written.
    fn version_text(&self) -> &'n str {
        super::text_at(self.node, &super::keys(&[KUBERNETES])).map_or("", |(_, text)| text)
    }

    /// Finds what stands under a key.
    fn chart(&self, key: &str) -> Option<&'n Node> {
        super::text_at(self.node, &super::keys(&[key])).map(|(node, _)| node)
    }
}

fn edit_row(
    file: &Document,
    row: &Row<'_>,
    values: &AddonRow,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    let path = Path::root().index(row.index);
    let raw = row.version_text();
    if let (Some(version), Ok(standing)) = (values.kubernetes, raw.parse::<KubernetesVersion>()) {
        let is_moved_to =
            standing.minor() == wanted.line.minor && wanted.line.minor != wanted.line_before.minor;
        let class = if wanted.is_blocked(standing) {
            ChangeClass::Removal
        } else if is_moved_to {
            ChangeClass::NewMinor
        } else if wanted.default_before == Some(standing) {
            wanted.default_class(standing)
        } else if version > standing {
            ChangeClass::NewPatch
        } else {
            ChangeClass::Repair
        };
        // A repair lowers nothing: which of the two versions is right, a person decides.
        if class != ChangeClass::Repair {
            let place = path.clone().key(KUBERNETES);
            edits.set(0, &place, &version.spelled_like(raw), class)?;
        }
    }
    for (_, key) in charts(file) {
        let place = path.clone().key(key);
        let Some(node) = row.chart(key) else {
            continue;
        };
        let Some(text) = super::wanted_chart(file, &place, node, wanted) else {
            continue;
        };
        let class = if row.minor == wanted.line.minor {
            wanted.chart_class(node)
        } else {
            super::class_under(node, row.minor)
        };
        edits.set(0, &place, &text, class)?;
    }
    Ok(())
}

/// Adds the row of a minor; tells whether there was something to add.
fn add_row(
    file: &Document,
    rows: &[Row<'_>],
    minor: Minor,
    values: &AddonRow,
    edits: &mut FileEdits<'_>,
) -> Result<bool, Fault> {
    let Some(version) = values.kubernetes else {
        return Ok(false);
    };
    let at = rows
        .iter()
        .rposition(|row| row.minor < minor)
        .map_or(0, |index| index + 1);
    let like = at.saturating_sub(1);
    let Some(neighbour) = rows.get(like) else {
        return Ok(false);
    };
    let raw = neighbour.version_text();
    let mut changes = vec![(super::keys(&[KUBERNETES]), version.spelled_like(raw))];
    let mut without = Vec::new();
    for (chart, key) in charts(file) {
        let Some(node) = neighbour.chart(key) else {
            continue;
        };
        let chart_version = values.charts.get(chart);
        match chart_version.and_then(|version| super::chart_text(node, version)) {
            Some(text) => changes.push((super::keys(&[key]), text)),
            // The neighbour's chart belongs to another minor.
            None => without.push(key),
        }
    }
    let item = NewItem {
        document: 0,
        list: &Path::root(),
        at,
        like,
        changes: &changes,
        without: &without,
    };
    edits.insert_item(&item, &version.spelled_like(raw), ChangeClass::NewMinor)?;
    Ok(true)
}
