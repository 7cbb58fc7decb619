//! Chart.lock beside a cluster addon chart: the same dependencies once more, each with one version, and a digest of both files.
//! A lock that did not fit its chart before is left alone, for `helm dependency update` to make anew.

use super::addon_chart::{DependencyEntry, dependencies};
use super::lock_digest::{NewVersions, digest};
use super::{Document, Fact, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::policy::ChangeClass;
use crate::version::ChartVersion;
use crate::yaml::Node;

/// Returns the path of the lock that goes with a Chart.yaml.
pub(crate) fn lock_of_chart(chart: &str) -> Option<String> {
    Some(format!("{}/Chart.lock", chart.strip_suffix("/Chart.yaml")?))
}

/// Returns the path of the Chart.yaml that a lock is for.
pub(crate) fn chart_of_lock(lock: &str) -> Option<String> {
    Some(format!("{}/Chart.yaml", lock.strip_suffix("/Chart.lock")?))
}

#[derive(Debug)]
pub(super) struct ChartLock;

impl FileKind for ChartLock {
    fn name(&self) -> &'static str {
        "chart lock"
    }

    fn role(&self) -> Role {
        Role::AddonLock
    }

    fn claims(&self, place: &str, _text: &str) -> bool {
        place.starts_with("cluster-addon/") && chart_of_lock(place).is_some()
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        for dependency in dependencies(document) {
            if let Some(node) = dependency.version() {
                let (version, _) = super::read_chart_version(node);
                let fact = Fact::LockedDependency {
                    chart: dependency.name.to_owned(),
                    version,
                };
                facts
                    .references
                    .push(super::reference(file, &dependency.path, node, fact));
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
        let Some(lock) = file.documents().first() else {
            return Ok(());
        };
        let Some(chart_file) =
            chart_of_lock(file.path()).and_then(|path| edits.find_sibling(&path))
        else {
            return Ok(());
        };
        let Some(chart) = chart_file.documents().first() else {
            return Ok(());
        };
        // A new digest would vouch for a lock that nobody resolved; the plan has a note about it.
        if !has_digest_of(chart, lock) {
            return Ok(());
        }
        let mut class = ChangeClass::Addons;
        let (mut asked, mut locked) = (NewVersions::new(), NewVersions::new());
        for dependency in dependencies(chart) {
            let pair = Pair {
                chart_file,
                asked: &dependency,
                locked: dependencies(lock).find(|other| other.index == dependency.index),
            };
            let Some(change) = pair.change(wanted) else {
                continue;
            };
            // Both files change or none: where Chart.yaml does, its line decides for the lock as well.
            let place = match &change.asked {
                Some(_) => (chart_file.path(), change.asked_line),
                None => (file.path(), change.locked_line),
            };
            if !wanted.wishes.wants_at(change.class, place.0, place.1) {
                continue;
            }
            class = change.class;
            asked.extend(change.asked.map(|text| (dependency.index, text)));
            edits.set(0, &dependency.path, &change.locked, class)?;
            locked.insert(dependency.index, change.locked);
        }
        let path = super::keys(&["digest"]);
        // Where nothing moves it is the digest that stands there, and no edit comes of it.
        let sum = digest(chart, &asked, lock, &locked);
        edits.set(0, &path, &sum, class)
    }
}

/// A dependency in Chart.yaml, and its entry in Chart.lock.
struct Pair<'n> {
    chart_file: &'n Document,
    asked: &'n DependencyEntry<'n>,
    locked: Option<DependencyEntry<'n>>,
}

/// What becomes of a dependency in both files.
struct PairChange {
    /// What Chart.yaml will ask for; nothing where it stays.
    asked: Option<String>,
    asked_line: usize,
    /// What Chart.lock will say.
    locked: String,
    locked_line: usize,
    class: ChangeClass,
}

impl Pair<'_> {
    fn change(&self, wanted: &Wanted<'_>) -> Option<PairChange> {
        let path = &self.asked.path;
        let version = wanted.find_chart(self.chart_file.path(), path)?;
        let asked_node = self.asked.version()?;
        // A lock in another order than its chart was made by hand: nobody knows what belongs together.
        let entry = self.locked.as_ref();
        let own = entry.filter(|entry| entry.name == self.asked.name)?;
        let locked_node = own.version()?;
        let standing = locked_node.as_str()?;
        let asked = super::wanted_chart(self.chart_file, path, asked_node, wanted);
        let stays = standing
            .parse()
            .is_ok_and(|standing: ChartVersion| standing.is_same_release(version));
        if asked.is_none() && stays {
            return None;
        }
        // Chart.yaml moves by the same class; where it stays, the lock moves by its own.
        let moving = if asked.is_some() {
            asked_node
        } else {
            locked_node
        };
        Some(PairChange {
            class: wanted.chart_class(moving),
            asked,
            asked_line: asked_node.line(),
            locked: if stays {
                standing.to_owned()
            } else {
                version.spelled_like(standing)
            },
            locked_line: locked_node.line(),
        })
    }
}

/// Tells whether a Chart.lock carries the digest of its chart; of files without a document nothing is said.
pub(crate) fn fits(chart: &Document, lock: &Document) -> bool {
    match (chart.documents().first(), lock.documents().first()) {
        (Some(chart), Some(lock)) => has_digest_of(chart, lock),
        (None, _) | (_, None) => true,
    }
}

fn has_digest_of(chart: &Node, lock: &Node) -> bool {
    let nothing = NewVersions::new();
    let Some((_, found)) = super::text_at(lock, &super::keys(&["digest"])) else {
        return false;
    };
    // Helm keeps the order; a lock in another one was made by hand.
    names(chart).eq(names(lock)) && found == digest(chart, &nothing, lock, &nothing)
}

fn names(document: &Node) -> impl Iterator<Item = &str> {
    dependencies(document).map(|dependency| dependency.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::File;

    #[test]
    fn a_lock_of_other_dependencies_does_not_fit_whatever_its_digest() {
        let list = |name: &str| format!("dependencies:\n- name: {name}\n  version: 1.0.0\n");
        let fits = |chart: &str, lock: &str| {
            let [chart, lock] = [chart, lock].map(|text| File::parse(text).unwrap());
            let nothing = NewVersions::new();
            let (chart, text) = (&chart.documents()[0], lock.text());
            let sum = digest(chart, &nothing, &lock.documents()[0], &nothing);
            let lock = File::parse(&format!("{text}digest: {sum}\n")).unwrap();
            has_digest_of(chart, &lock.documents()[0])
        };
        assert!(fits(&list("csi"), &list("csi")));
        assert!(!fits(&list("csi"), &list("ccm")));
        assert!(!fits(&list("csi"), "dependencies: []\n"));
    }
}
