//! A Helm chart as Helm packages it: what it reads of a directory or an archive, what it leaves out, in which order it writes the
//! members. Sources: `pkg/chart/loader` and `pkg/chartutil/save.go` of Helm 3.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::{Mapping, Value};

use super::archive::{Member, unpack};
use super::go_yaml;
use super::ignore::Rules;

const CHART_FILE: &str = "Chart.yaml";
const LOCK_FILE: &str = "Chart.lock";
const VALUES_FILE: &str = "values.yaml";
const SCHEMA_FILE: &str = "values.schema.json";
/// Where charts of version 1 have their dependencies.
const REQUIREMENTS_FILE: &str = "requirements.yaml";
const IGNORE_FILE: &str = ".helmignore";
/// How deep charts may lie in charts.
const MAX_DEPTH: usize = 16;

/// Why a directory is no chart that Helm packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChartError {
    /// The file below the chart's directory.
    pub(crate) file: String,
    /// The line, where there is one.
    pub(crate) line: Option<usize>,
    /// What is wrong, as a phrase.
    pub(crate) message: String,
}

impl ChartError {
    fn new(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            message: message.into(),
        }
    }
}

/// A chart.
#[derive(Debug)]
pub(crate) struct Chart {
    metadata: Mapping,
    lock: Option<Mapping>,
    values: Option<Vec<u8>>,
    schema: Option<Vec<u8>>,
    templates: Vec<Member>,
    others: Vec<Member>,
    dependencies: Vec<Self>,
    /// The names of the charts that it asks for.
    asked: Vec<String>,
}

impl Chart {
    /// Reads the files of a chart's directory, by their paths in it.
    pub(crate) fn load(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, ChartError> {
        let rules = files
            .get(IGNORE_FILE)
            .map(|text| String::from_utf8_lossy(text));
        let rules =
            Rules::parse(rules.as_deref().unwrap_or_default()).map_err(|error| ChartError {
                line: Some(error.line),
                ..ChartError::new(IGNORE_FILE, error.message)
            })?;
        let mut members: Vec<Member> = files
            .iter()
            .filter(|(path, _)| !rules.leaves_out(path))
            .map(|(path, content)| Member {
                path: path.clone(),
                content: without_mark(content).to_owned(),
            })
            .collect();
        in_walk_order(&mut members);
        Self::of_members(members, 0)
    }

    /// Reads an archive as `helm package` or a repository has it.
    pub(crate) fn of_archive(bytes: &[u8]) -> Result<Self, String> {
        Self::of_archive_at(bytes, 0)
    }

    fn of_archive_at(bytes: &[u8], depth: usize) -> Result<Self, String> {
        let entries = unpack(bytes).map_err(|error| format!("it is no archive: {error}"))?;
        let mut members = Vec::new();
        for entry in entries.into_iter().filter(|entry| !entry.is_directory()) {
            // The first part is the directory that the chart is packed in.
            let Some((_, path)) = entry.path.split_once('/') else {
                return Err(format!("{} is not in a directory", entry.path));
            };
            if path.split('/').any(|part| part == "..") {
                return Err(format!("{} leads out of the chart", entry.path));
            }
            members.push(Member {
                path: path.to_owned(),
                content: without_mark(&entry.content).to_owned(),
            });
        }
        Self::of_members(members, depth)
            .map_err(|error| format!("{}: {}", error.file, error.message))
    }

    fn of_members(members: Vec<Member>, depth: usize) -> Result<Self, ChartError> {
        if depth > MAX_DEPTH {
            return Err(ChartError::new(
                "charts",
                "charts lie in charts without end",
            ));
        }
        let chart_file = members.iter().find(|member| member.path == CHART_FILE);
        let Some(chart_file) = chart_file else {
            return Err(ChartError::new(CHART_FILE, "Chart.yaml file is missing"));
        };
        let raw = read_mapping(chart_file)?;
        let api = ChartApi::of(text(&raw, "apiVersion").as_deref());
        let mut chart = Self {
            metadata: metadata(&raw, api),
            lock: None,
            values: None,
            schema: None,
            templates: Vec::new(),
            others: Vec::new(),
            dependencies: Vec::new(),
            asked: names_of_dependencies(&raw),
        };
        check_metadata(&chart.metadata)?;
        let mut inner: BTreeMap<String, Vec<Member>> = BTreeMap::new();
        for member in members {
            chart.take(member, api, &mut inner)?;
        }
        for (name, files) in inner {
            if let Some(dependency) = read_inner(&name, files, depth)? {
                chart.dependencies.push(dependency);
            }
        }
        // Helm's own order is that of a map in Go, another one in each run.
        chart.dependencies.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(chart)
    }

    fn take(
        &mut self,
        member: Member,
        api: ChartApi,
        inner: &mut BTreeMap<String, Vec<Member>>,
    ) -> Result<(), ChartError> {
        match member.path.as_str() {
            CHART_FILE => {}
            LOCK_FILE => self.lock = Some(read_mapping(&member)?),
            VALUES_FILE => {
                // Helm reads them, and an archive with values that nobody reads helps no one.
                let _ = read_value(&member)?;
                self.values = Some(member.content);
            }
            SCHEMA_FILE => {
                serde_json::from_slice::<serde_json::Value>(&member.content).map_err(|error| {
                    ChartError::new(SCHEMA_FILE, format!("it is no JSON: {error}"))
                })?;
                self.schema = Some(member.content);
            }
            REQUIREMENTS_FILE if api == ChartApi::V1 => {
                self.asked
                    .extend(names_of_dependencies(&read_mapping(&member)?));
                self.others.push(member);
            }
            path if path.starts_with("templates/") => self.templates.push(member),
            path => match path.strip_prefix("charts/") {
                Some(below) if !has_ending(path, "prov") => {
                    let name = below.split('/').next().unwrap_or(below).to_owned();
                    let content = member.content;
                    let path = below.to_owned();
                    inner
                        .entry(name)
                        .or_default()
                        .push(Member { path, content });
                }
                _ => self.others.push(member),
            },
        }
        Ok(())
    }

    /// Returns its name.
    pub(crate) fn name(&self) -> &str {
        self.metadata
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Returns its version.
    pub(crate) fn version(&self) -> &str {
        let version = self.metadata.get("version").and_then(Value::as_str);
        version.unwrap_or_default()
    }

    /// Gives it a version, whatever its Chart.yaml says.
    pub(crate) fn set_version(&mut self, version: &str) {
        self.metadata.insert("version".into(), version.into());
    }

    /// Returns the names of the charts that it asks for and that are not in its directory `charts`.
    pub(crate) fn missing(&self) -> Vec<&str> {
        let there: BTreeSet<&str> = self.dependencies.iter().map(Self::name).collect();
        let asked = self.asked.iter().map(String::as_str);
        asked.filter(|name| !there.contains(name)).collect()
    }

    /// Returns the versions of the charts that are in its directory `charts`, by their names.
    pub(super) fn vendored(&self) -> BTreeMap<&str, &str> {
        let there = self.dependencies.iter();
        there.map(|chart| (chart.name(), chart.version())).collect()
    }

    /// Returns the members of its archive in Helm's order.
    pub(crate) fn members(&self) -> Vec<Member> {
        let mut members = Vec::new();
        self.add_members("", &mut members);
        members
    }

    fn add_members(&self, above: &str, members: &mut Vec<Member>) {
        let base = format!("{above}{}", self.name());
        let lock = self.lock.as_ref().filter(|_| self.api() == ChartApi::V2);
        let chart_file = go_yaml::write(&self.metadata).into_bytes();
        let mut all = vec![(CHART_FILE, chart_file)];
        if let Some(lock) = lock {
            all.push((LOCK_FILE, go_yaml::write(&written_lock(lock)).into_bytes()));
        }
        all.extend(self.values.clone().map(|values| (VALUES_FILE, values)));
        all.extend(self.schema.clone().map(|schema| (SCHEMA_FILE, schema)));
        let plain = self.templates.iter().chain(&self.others);
        all.extend(plain.map(|member| (member.path.as_str(), member.content.clone())));
        members.extend(all.into_iter().map(|(path, content)| Member {
            path: format!("{base}/{path}"),
            content,
        }));
        let below = format!("{base}/charts/");
        for dependency in &self.dependencies {
            dependency.add_members(&below, members);
        }
    }

    fn api(&self) -> ChartApi {
        ChartApi::of(self.metadata.get("apiVersion").and_then(Value::as_str))
    }
}

/// Puts files in the order in which Go walks a directory: by the names of each directory, so that what is in `a` comes before `a-b`.
pub(super) fn in_walk_order<C>(members: &mut [Member<C>]) {
    members.sort_by(|a, b| a.path.split('/').cmp(b.path.split('/')));
}

/// Reads a chart of the directory `charts`; nothing where Helm passes over it.
fn read_inner(name: &str, files: Vec<Member>, depth: usize) -> Result<Option<Chart>, ChartError> {
    if name.starts_with(['_', '.']) {
        return Ok(None);
    }
    let place = format!("charts/{name}");
    if has_ending(name, "tgz") {
        let bytes = files.first().map_or(&[][..], |file| &file.content);
        return match Chart::of_archive_at(bytes, depth + 1) {
            Ok(chart) => Ok(Some(chart)),
            Err(message) => Err(ChartError::new(&place, message)),
        };
    }
    let below: Vec<Member> = files
        .into_iter()
        .filter_map(|file| {
            let (_, path) = file.path.split_once('/')?;
            Some(Member {
                path: path.to_owned(),
                content: file.content,
            })
        })
        .collect();
    Chart::of_members(below, depth + 1)
        .map(Some)
        .map_err(|error| ChartError {
            file: format!("{place}/{}", error.file),
            ..error
        })
}

fn has_ending(path: &str, ending: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, found)| found == ending)
}

/// Helm takes the byte order mark off every file.
fn without_mark(content: &[u8]) -> &[u8] {
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)
}

fn read_value(member: &Member) -> Result<Value, ChartError> {
    serde_yaml::from_slice(&member.content).map_err(|error| ChartError {
        line: error.location().map(|place| place.line()),
        ..ChartError::new(&member.path, error.to_string())
    })
}

fn read_mapping(member: &Member) -> Result<Mapping, ChartError> {
    match read_value(member)? {
        Value::Mapping(mapping) => Ok(mapping),
        Value::Null => Ok(Mapping::new()),
        _ => Err(ChartError::new(&member.path, "it is no mapping")),
    }
}

/// Returns a text as Helm reads it, which goes through JSON: `1.30` without quotes is the number 1.3.
pub(super) fn text(mapping: &Mapping, key: &str) -> Option<String> {
    match mapping.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        }),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

/// Makes a text what Helm makes of it (`sanitizeString`): every white space a blank, nothing that cannot be seen.
fn sanitised(text: &str) -> String {
    let letters = text.chars().filter_map(|letter| {
        if letter.is_whitespace() {
            Some(' ')
        } else {
            (!letter.is_control()).then_some(letter)
        }
    });
    letters.collect()
}

/// Takes over texts that are there and not empty, as Go's `omitempty` does.
fn copy_texts(from: &Mapping, to: &mut Mapping, keys: &[&str]) {
    for key in keys {
        let value = text(from, key).map(|value| sanitised(&value));
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            to.insert((*key).into(), value.into());
        }
    }
}

fn copy_lists(from: &Mapping, to: &mut Mapping, keys: &[&str]) {
    for key in keys {
        let items = from.get(*key).and_then(Value::as_sequence);
        let texts: Vec<Value> = items
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|item| sanitised(item).into())
            .collect();
        if !texts.is_empty() {
            to.insert((*key).into(), texts.into());
        }
    }
}

fn copy_truth(from: &Mapping, to: &mut Mapping, key: &str) {
    if from.get(key).and_then(Value::as_bool) == Some(true) {
        to.insert(key.into(), true.into());
    }
}

/// The version of the form of charts. Those of the first have their dependencies in a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChartApi {
    V1,
    V2,
}

impl ChartApi {
    /// Helm takes a chart that names none for one of the first.
    fn of(name: Option<&str>) -> Self {
        match name {
            None | Some("v1") => Self::V1,
            Some(_) => Self::V2,
        }
    }
}

/// Returns the fields that Helm knows (`chart.Metadata`), as it writes them.
fn metadata(raw: &Mapping, api: ChartApi) -> Mapping {
    const TEXTS: [&str; 11] = [
        "appVersion",
        "apiVersion",
        "condition",
        "description",
        "home",
        "icon",
        "kubeVersion",
        "name",
        "tags",
        "type",
        "version",
    ];
    let mut known = Mapping::new();
    copy_texts(raw, &mut known, &TEXTS);
    copy_lists(raw, &mut known, &["keywords", "sources"]);
    copy_truth(raw, &mut known, "deprecated");
    if !known.contains_key("apiVersion") {
        known.insert("apiVersion".into(), "v1".into());
    }
    if let Some(annotations) = raw.get("annotations").and_then(Value::as_mapping) {
        let texts = annotations.keys().filter_map(Value::as_str);
        let all: Mapping = texts
            .filter_map(|key| Some((key.into(), text(annotations, key)?.into())))
            .collect();
        if !all.is_empty() {
            known.insert("annotations".into(), all.into());
        }
    }
    let maintainers = mappings(raw, "maintainers").map(|maintainer| {
        let mut person = Mapping::new();
        copy_texts(maintainer, &mut person, &["name", "email", "url"]);
        Value::from(person)
    });
    insert_list(&mut known, "maintainers", maintainers.collect());
    if api == ChartApi::V2 {
        let dependencies = mappings(raw, "dependencies").map(|raw| dependency(raw).into());
        insert_list(&mut known, "dependencies", dependencies.collect());
    }
    known
}

fn insert_list(known: &mut Mapping, key: &str, items: Vec<Value>) {
    if !items.is_empty() {
        known.insert(key.into(), items.into());
    }
}

pub(super) fn mappings<'m>(raw: &'m Mapping, key: &str) -> impl Iterator<Item = &'m Mapping> {
    let items = raw.get(key).and_then(Value::as_sequence);
    items.into_iter().flatten().filter_map(Value::as_mapping)
}

/// Returns the fields of a dependency that Helm knows. Name and repository are written where they are empty, too.
fn dependency(raw: &Mapping) -> Mapping {
    let mut known = Mapping::new();
    for key in ["name", "repository"] {
        let value = text(raw, key).map(|value| sanitised(&value));
        known.insert(key.into(), value.unwrap_or_default().into());
    }
    copy_texts(raw, &mut known, &["alias", "condition", "version"]);
    copy_lists(raw, &mut known, &["tags"]);
    copy_truth(raw, &mut known, "enabled");
    if let Some(Value::Sequence(items)) = raw.get("import-values")
        && !items.is_empty()
    {
        known.insert("import-values".into(), items.clone().into());
    }
    known
}

/// Returns a Chart.lock as Helm writes it again.
fn written_lock(raw: &Mapping) -> Mapping {
    let mut known = Mapping::new();
    for key in ["generated", "digest"] {
        known.insert(key.into(), text(raw, key).unwrap_or_default().into());
    }
    let dependencies: Vec<Value> = mappings(raw, "dependencies")
        .map(|raw| dependency(raw).into())
        .collect();
    let all = if dependencies.is_empty() {
        Value::Null
    } else {
        dependencies.into()
    };
    known.insert("dependencies".into(), all);
    known
}

fn names_of_dependencies(raw: &Mapping) -> Vec<String> {
    let names = mappings(raw, "dependencies").filter_map(|dependency| text(dependency, "name"));
    names.collect()
}

/// Checks what Helm checks before it packages.
fn check_metadata(metadata: &Mapping) -> Result<(), ChartError> {
    let Some(name) = text(metadata, "name") else {
        return refused("chart.metadata.name is required");
    };
    if name.contains(['/', '\\']) || name == "." || name == ".." {
        return refused("chart.metadata.name is invalid");
    }
    match text(metadata, "type").as_deref() {
        None | Some("application" | "library") => {}
        Some(_) => return refused("chart.metadata.type must be application or library"),
    }
    let mut names = BTreeSet::new();
    for dependency in mappings(metadata, "dependencies") {
        let key = text(dependency, "alias").or_else(|| text(dependency, "name"));
        if !names.insert(key.clone()) {
            let key = key.unwrap_or_default();
            return refused(&format!(
                "more than one dependency with name or alias {key:?}"
            ));
        }
    }
    Ok(())
}

fn refused(message: &str) -> Result<(), ChartError> {
    Err(ChartError::new(CHART_FILE, message))
}

#[cfg(test)]
mod tests;
