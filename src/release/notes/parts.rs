//! What is in the archives of a release: the files of its cluster class and its addons, and the charts that the addons ask for.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_yaml::Mapping;

use crate::release::archive::unpack;
use crate::release::vendor::{locked_versions, read_dependencies};
use crate::release::{ADDON_CONFIG_FILE, ReleaseFiles, StackFiles, class_archive};
use crate::version::ReleaseTag;

const CHART_FILE: &str = "Chart.yaml";
const LOCK_FILE: &str = "Chart.lock";

/// The directory of charts inside of another one.
const CHARTS: &str = "charts";

/// A file that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileNote {
    /// Its path in the chart.
    pub path: String,
    /// What became of it.
    pub change: FileChange,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum FileChange {
    /// It came.
    Added,
    /// It has another content.
    Changed,
    /// It went.
    Removed,
}

/// A chart that an addon asks for, and that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChartNote {
    /// The directory of the addon; nothing where one chart has all addons.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub addon: String,
    /// Its name.
    pub chart: String,
    /// The version before; nothing where it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version now; nothing where it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What the archives of a release have.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    /// The files of the cluster class, by their paths in its chart.
    pub(super) class: StackFiles,
    /// The files of the addons, by their paths in the archive.
    addons: StackFiles,
}

impl Parts {
    /// Unpacks the archives of a release. The error says which of them cannot be read.
    pub(super) fn read(tag: &ReleaseTag, files: &ReleaseFiles) -> Result<Self, String> {
        let name = class_archive(&tag.to_string(), files)
            .ok_or("it has no archive of its cluster class")?;
        let class = members(name, files)?;
        let prefix = format!("{}-cluster-addon-", tag.line);
        let mut names = files.keys();
        let addons = names.find(|name| name.starts_with(&prefix));
        let name = addons.ok_or("it has no archive of its cluster addons")?;
        let addons = members(name, files)?;
        let is_one_chart = !files.contains_key(ADDON_CONFIG_FILE);
        Ok(Self {
            class: below_first(class),
            addons: if is_one_chart {
                below_first(addons)
            } else {
                addons
            },
        })
    }

    /// The versions of the charts that the addons ask for: by the lock, else as they are asked for.
    fn charts(&self) -> BTreeMap<ChartKey<'_>, String> {
        let mut charts = BTreeMap::new();
        let files = self.addons.keys();
        let found = files.filter_map(|path| directory_of_chart(path));
        for directory in found {
            let own = self.addons_of(directory);
            let locked = locked_versions(&own);
            for wish in read_dependencies(&own) {
                let version = locked.get(&wish.name).unwrap_or(&wish.asked).clone();
                let key = ChartKey {
                    addon: directory,
                    chart: wish.name,
                };
                charts.insert(key, version);
            }
        }
        charts
    }

    /// The two files that say which charts an addon asks for.
    fn addons_of(&self, directory: &str) -> StackFiles {
        let names = [CHART_FILE, LOCK_FILE].into_iter();
        let own = names.filter_map(|name| {
            let path = joined(directory, name);
            Some((name.to_owned(), self.addons.get(&path)?.clone()))
        });
        own.collect()
    }
}

/// Compares the cluster classes of two releases, file by file.
pub(super) fn class_files(before: &Parts, now: &Parts) -> Vec<FileNote> {
    compare(&before.class, &now.class)
}

/// Compares the addons of two releases, file by file; what says which charts they ask for is told with the charts.
pub(super) fn addon_files(before: &Parts, now: &Parts) -> Vec<FileNote> {
    let mut notes = compare(&before.addons, &now.addons);
    notes.retain(|note| {
        let name = note.path.rsplit('/').next().unwrap_or_default();
        let is_vendored = note.path.split('/').any(|part| part == CHARTS);
        ![CHART_FILE, LOCK_FILE].contains(&name) && !is_vendored
    });
    notes
}

/// Compares the charts that the addons of two releases ask for.
pub(super) fn charts(before: &Parts, now: &Parts) -> Vec<ChartNote> {
    let (old, new) = (before.charts(), now.charts());
    let keys: BTreeSet<&ChartKey<'_>> = old.keys().chain(new.keys()).collect();
    let notes = keys.into_iter().map(|key| ChartNote {
        addon: key.addon.to_owned(),
        chart: key.chart.clone(),
        from: old.get(key).cloned(),
        to: new.get(key).cloned(),
    });
    notes.filter(|note| note.from != note.to).collect()
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct ChartKey<'p> {
    addon: &'p str,
    chart: String,
}

fn members(name: &str, files: &ReleaseFiles) -> Result<StackFiles, String> {
    let entries = files.get(name).map(|archive| unpack(archive));
    let entries = entries
        .unwrap_or_else(|| Ok(Vec::new()))
        .map_err(|error| format!("{name}: {error}"))?;
    let own = entries
        .into_iter()
        .filter(crate::release::archive::Entry::is_file);
    let own = own.map(|entry| {
        let path = entry.path.trim_start_matches("./").to_owned();
        (path, entry.content)
    });
    Ok(own.collect())
}

/// A chart is in a directory of its name.
fn below_first(files: StackFiles) -> StackFiles {
    let below = files.into_iter().map(|(path, content)| {
        let place = path.split_once('/').map(|(_, place)| place.to_owned());
        (place.unwrap_or(path), content)
    });
    below.collect()
}

fn compare(before: &StackFiles, now: &StackFiles) -> Vec<FileNote> {
    let paths: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let notes = paths.into_iter().filter_map(|path| {
        let change = match (before.get(path), now.get(path)) {
            (None, _) => FileChange::Added,
            (_, None) => FileChange::Removed,
            (Some(before), Some(now)) if is_same(path, before, now) => return None,
            (Some(_), Some(_)) => FileChange::Changed,
        };
        Some(FileNote {
            path: path.clone(),
            change,
        })
    });
    notes.collect()
}

/// Every release gives the chart of its class a version of its own, which says nothing.
fn is_same(path: &str, before: &[u8], now: &[u8]) -> bool {
    if before == now {
        return true;
    }
    path == CHART_FILE
        && match (without_version(before), without_version(now)) {
            (Some(before), Some(now)) => before == now,
            (_, _) => false,
        }
}

fn without_version(chart: &[u8]) -> Option<Mapping> {
    let mut chart: Mapping = serde_yaml::from_slice(chart).ok()?;
    chart.remove("version");
    Some(chart)
}

/// Returns the directory of a Chart.yaml; nothing for other files, and for charts inside of charts.
fn directory_of_chart(path: &str) -> Option<&str> {
    let directory = match path.rsplit_once('/') {
        Some((directory, CHART_FILE)) => directory,
        None if path == CHART_FILE => "",
        Some(_) | None => return None,
    };
    let is_inside = directory.split('/').any(|part| part == CHARTS);
    (!is_inside).then_some(directory)
}

fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}
