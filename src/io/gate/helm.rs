//! Renders the charts of a stack with `helm template`, where helm is installed. A chart that did not render before the change is
//! no fault of the change.
#![expect(clippy::disallowed_methods, reason = "this is where charts are read")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use super::process::{self, Ended, Order};
use super::{CommandSettings, Scratch};
use crate::gate::{TestKind, TestResult, TestState};
use crate::io::files::list_files;

/// The longest that rendering one chart may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Charts that did not render before the change.
#[derive(Debug, Default)]
pub struct Charts {
    failing: BTreeSet<String>,
}

impl Charts {
    /// Renders the charts below these directories as they are before the change.
    pub fn before(directories: &[&str], scratch: &Scratch, settings: &CommandSettings) -> Self {
        let mut failing = BTreeSet::new();
        for (chart, missing) in charts(directories, scratch.root()) {
            if missing.is_some() {
                continue;
            }
            match render(&chart, scratch, settings) {
                Rendered::NoHelm => break,
                Rendered::Failed { .. } => drop(failing.insert(chart)),
                Rendered::Well => {}
            }
        }
        Self { failing }
    }

    /// Renders the charts below a directory as they are after it: one result per chart.
    pub fn after(
        &self,
        directory: &str,
        scratch: &Scratch,
        settings: &CommandSettings,
    ) -> Vec<TestResult> {
        let mut results = Vec::new();
        for (chart, missing) in charts(&[directory], scratch.root()) {
            let below = chart.strip_prefix(directory).unwrap_or(&chart);
            let name = format!("helm template {}", below.trim_start_matches('/'));
            let mut output = None;
            let (state, words) = if let Some(missing) = missing {
                let words = format!("its dependency {missing} is not there: helm dependency build");
                (TestState::Skipped, words)
            } else {
                match render(&chart, scratch, settings) {
                    Rendered::Well => (TestState::Passed, "it renders".to_owned()),
                    Rendered::NoHelm => {
                        let words = "helm is not on PATH".to_owned();
                        let name = "helm template";
                        let result =
                            TestResult::new(TestKind::Proof, name, TestState::Skipped, words);
                        return vec![result];
                    }
                    Rendered::Failed { words, said } => {
                        output = Some(said).filter(|said| !said.is_empty());
                        if self.failing.contains(&chart) {
                            let words = "it did not render before the change either".to_owned();
                            (TestState::Skipped, words)
                        } else {
                            (TestState::Failed, words)
                        }
                    }
                }
            };
            results.push(TestResult {
                output,
                ..TestResult::new(TestKind::Proof, name, state, words)
            });
        }
        results
    }
}

/// What became of a chart.
enum Rendered {
    Well,
    NoHelm,
    Failed { words: String, said: String },
}

fn render(chart: &str, scratch: &Scratch, settings: &CommandSettings) -> Rendered {
    let ran = process::run(&Order {
        program: "helm",
        arguments: &["template", "csctl-matrix", &format!("./{chart}")],
        scratch,
        variables: &[],
        limit: LIMIT,
        settings,
    });
    let words = match ran.ended {
        Ended::Code(0) => return Rendered::Well,
        Ended::NotStarted(error) if error.kind() == ErrorKind::NotFound => {
            return Rendered::NoHelm;
        }
        Ended::Code(code) => format!("exit status {code}"),
        Ended::Signal(signal) => format!("ended by signal {signal}"),
        Ended::TimedOut => "took longer than a minute".to_owned(),
        Ended::NotStarted(error) => format!("helm cannot be started: {error}"),
    };
    Rendered::Failed {
        words,
        said: ran.output,
    }
}

/// Returns the charts below some directories, each with a dependency that it lacks; charts inside of charts belong to those.
fn charts(directories: &[&str], root: &Path) -> BTreeMap<String, Option<String>> {
    let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
    for directory in directories {
        let place = root.join(directory);
        for file in list_files(&place) {
            let is_chart = file.file_name().is_some_and(|name| name == "Chart.yaml");
            let Some(below) = file.parent().and_then(Path::to_str).filter(|_| is_chart) else {
                continue;
            };
            if Path::new(below).iter().any(|part| part == "charts") {
                continue;
            }
            let chart = Path::new(directory).join(below);
            let missing = missing_dependency(&root.join(&chart));
            found.insert(chart.display().to_string(), missing);
        }
    }
    found
}

/// Returns a dependency of a chart that is not in its directory `charts`.
fn missing_dependency(chart: &Path) -> Option<String> {
    let text = std::fs::read_to_string(chart.join("Chart.yaml")).ok()?;
    let chart_file: serde_yaml::Value = serde_yaml::from_str(&text).ok()?;
    let there: Vec<String> = std::fs::read_dir(chart.join("charts"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let dependencies = chart_file.get("dependencies")?.as_sequence()?;
    let names = dependencies
        .iter()
        .filter_map(|one| one.get("name")?.as_str());
    let is_there = |name: &str| {
        let mut there = there.iter();
        there.any(|file| file == name || file.starts_with(&format!("{name}-")))
    };
    names
        .filter(|name| !is_there(name))
        .map(str::to_owned)
        .next()
}
