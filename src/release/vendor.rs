//! Charts that a source tree asks for and does not have: which they are, and where their archives go. An archive in `charts` spares the
//! operator the download when it installs an addon. Versions come from Chart.lock; where there is none, one is written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_yaml::{Mapping, Value};

use super::StackFiles;
use super::chart::{Chart, mappings, text as read_text};
use super::go_yaml;
use crate::release_digest::{CLUSTER_ADDON, CLUSTER_CLASS};
use crate::stack::{Fault, lock_digest};
use crate::version::{ChartRequirement, ChartVersion};

const CHART_FILE: &str = "Chart.yaml";
const LOCK_FILE: &str = "Chart.lock";

/// A chart that another one asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChartWish {
    /// The directory of the chart that asks, in the source tree.
    pub directory: String,
    /// Its name.
    pub name: String,
    /// Where it is: `https://charts.example.org`, or `oci://registry.example.org/charts`.
    pub repository: String,
    /// The version that is asked for, as written.
    pub asked: String,
    /// The version that Chart.lock has.
    pub locked: Option<String>,
}

/// The archive of a chart that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartArchive {
    /// Its version.
    pub version: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

impl ChartWish {
    /// Tells whether a version is one that may be taken: the locked one, else any that the requirement takes.
    pub fn takes(&self, version: &ChartVersion) -> bool {
        if let Some(locked) = &self.locked {
            return locked
                .parse()
                .is_ok_and(|locked: ChartVersion| locked == *version);
        }
        let requirement: Option<ChartRequirement> = self.asked.parse().ok();
        requirement.is_some_and(|requirement| requirement.takes(version))
    }
}

/// Returns the charts that a source tree asks for and does not have.
///
/// # Errors
/// One of them cannot be downloaded by anybody, or Chart.lock contradicts Chart.yaml.
pub fn wishes(base: &str, files: &StackFiles) -> Result<Vec<ChartWish>, Fault> {
    let mut wishes = Vec::new();
    for directory in charts(files) {
        let own = files_of(files, &directory);
        let place = format!("{base}/{directory}/{CHART_FILE}");
        let chart = Chart::load(&own).map_err(|error| {
            Fault::new(
                &place,
                error.line,
                error.message,
                "helm lint says the same of it",
            )
        })?;
        let missing: BTreeSet<&str> = chart.missing().into_iter().collect();
        let locked = locked_versions(&own);
        for dependency in read_dependencies(&own) {
            if missing.contains(dependency.name.as_str()) {
                let wish = ChartWish {
                    locked: locked.get(&dependency.name).cloned(),
                    directory: directory.clone(),
                    ..dependency
                };
                check(&place, &wish)?;
                wishes.push(wish);
            }
        }
    }
    Ok(wishes)
}

fn check(place: &str, wish: &ChartWish) -> Result<(), Fault> {
    let starts = ["https://", "http://", "oci://"];
    if !starts
        .iter()
        .any(|start| wish.repository.starts_with(start))
    {
        let message = format!(
            "the repository of {} is `{}`, which nobody can download from",
            wish.name, wish.repository
        );
        let hint = "write its URL, or add the chart with helm dependency build";
        return Err(Fault::new(place, None, message, hint));
    }
    let Ok(requirement) = wish.asked.parse::<ChartRequirement>() else {
        let message = format!(
            "the version of {} is `{}`, which Helm would not take",
            wish.name, wish.asked
        );
        let hint = "write a version, or a range of versions";
        return Err(Fault::new(place, None, message, hint));
    };
    let locked = wish
        .locked
        .as_ref()
        .map(|version| version.parse::<ChartVersion>());
    let message = match locked {
        Some(Ok(version)) if !requirement.takes(&version) => {
            format!(
                "Chart.lock has {} {version}, and {} is asked for",
                wish.name, wish.asked
            )
        }
        Some(Err(error)) => format!("Chart.lock: {error}"),
        Some(Ok(_)) | None => return Ok(()),
    };
    let hint = "helm dependency update writes the lock anew";
    Err(Fault::new(place, None, message, hint))
}

/// Puts archives into a source tree, and a Chart.lock where there is none.
pub fn vendor(files: &mut StackFiles, fetched: &[(ChartWish, ChartArchive)], moment: Timestamp) {
    let mut directories = BTreeSet::new();
    for (wish, archive) in fetched {
        let file = format!(
            "{}/charts/{}-{}.tgz",
            wish.directory, wish.name, archive.version
        );
        files.insert(file, archive.content.clone());
        directories.insert(wish.directory.clone());
    }
    for directory in directories {
        let place = format!("{directory}/{LOCK_FILE}");
        if !files.contains_key(&place)
            && let Some(lock) = new_lock(&files_of(files, &directory), moment)
        {
            files.insert(place, lock.into_bytes());
        }
    }
}

/// Returns the text of a Chart.lock for the charts that are in the directory `charts`, as Helm writes it.
fn new_lock(files: &StackFiles, moment: Timestamp) -> Option<String> {
    let chart = Chart::load(files).ok()?;
    let versions = chart.vendored();
    let entries: Vec<Value> = read_dependencies(files)
        .into_iter()
        .filter_map(|dependency| {
            let version = *versions.get(dependency.name.as_str())?;
            let mut entry = Mapping::new();
            entry.insert("name".into(), dependency.name.into());
            entry.insert("repository".into(), dependency.repository.into());
            entry.insert("version".into(), version.into());
            Some(entry.into())
        })
        .collect();
    let mut lock = Mapping::new();
    lock.insert("dependencies".into(), entries.into());
    let text = std::str::from_utf8(files.get(CHART_FILE)?).ok()?;
    let digest = lock_digest(text, &go_yaml::write(&lock))?;
    lock.insert("digest".into(), digest.into());
    lock.insert("generated".into(), moment.to_string().into());
    Some(go_yaml::write(&lock))
}

/// Returns the directories of the charts of a source tree; charts inside of charts belong to those.
fn charts(files: &StackFiles) -> Vec<String> {
    let suffix = format!("/{CHART_FILE}");
    let directories = files.keys().filter_map(|path| path.strip_suffix(&suffix));
    directories
        .filter(|directory| {
            let mut parts = directory.split('/');
            let is_part = parts
                .next()
                .is_some_and(|first| [CLUSTER_ADDON, CLUSTER_CLASS].contains(&first));
            is_part && !parts.any(|part| part == "charts")
        })
        .map(str::to_owned)
        .collect()
}

fn files_of(files: &StackFiles, directory: &str) -> StackFiles {
    let prefix = format!("{directory}/");
    let below = files.range(prefix.clone()..);
    let below = below.take_while(|(path, _)| path.starts_with(&prefix));
    below
        .map(|(path, content)| (path[prefix.len()..].to_owned(), content.clone()))
        .collect()
}

fn read_file(files: &StackFiles, name: &str) -> Mapping {
    let read = files
        .get(name)
        .and_then(|text| serde_yaml::from_slice(text).ok());
    read.unwrap_or_default()
}

pub(super) fn read_dependencies(files: &StackFiles) -> Vec<ChartWish> {
    let chart = read_file(files, CHART_FILE);
    let dependencies = mappings(&chart, "dependencies").map(|dependency| ChartWish {
        directory: String::new(),
        name: read_text(dependency, "name").unwrap_or_default(),
        repository: read_text(dependency, "repository").unwrap_or_default(),
        asked: read_text(dependency, "version").unwrap_or_default(),
        locked: None,
    });
    dependencies.collect()
}

/// Returns the charts that a chart asks for, with the versions of its Chart.lock; the paths are those in its directory.
pub(super) fn asked_charts(files: &StackFiles) -> Vec<ChartWish> {
    let locked = locked_versions(files);
    let asked = read_dependencies(files).into_iter();
    asked
        .map(|wish| ChartWish {
            locked: locked.get(&wish.name).cloned(),
            ..wish
        })
        .collect()
}

pub(super) fn locked_versions(files: &StackFiles) -> BTreeMap<String, String> {
    let lock = read_file(files, LOCK_FILE);
    let locked = mappings(&lock, "dependencies");
    locked
        .filter_map(|entry| Some((read_text(entry, "name")?, read_text(entry, "version")?)))
        .collect()
}
