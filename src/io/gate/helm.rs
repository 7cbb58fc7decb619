//! Renders the charts of a stack with `helm template`, where helm is installed. A chart that did not render before the change is
//! no fault of the change.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use super::command::{self, Order};
use super::{CommandSettings, Scratch, ScratchError};
use crate::gate::{TestKind, TestResult, TestState};
use crate::io::files::{MAX_BYTES, list_files, read_within};
use crate::io::process::CommandEnd;

/// The longest that rendering one chart may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Tells whether helm is installed.
pub(crate) fn has_helm(settings: &CommandSettings) -> Result<bool, ScratchError> {
    let ran = command::run(&Order {
        program: "helm",
        arguments: &["version"],
        scratch: &Scratch::empty()?,
        variables: &[],
        limit: LIMIT,
        settings,
    });
    // A helm that is there and fails is told by the charts that it does not render.
    Ok(!matches!(ran.ended, CommandEnd::NotStarted(error) if error.kind() == ErrorKind::NotFound))
}

/// Renders the charts below a directory as they would be: one result per chart. Those that do not render are tried as they are, too,
/// in a copy that is asked for when it is needed.
pub(crate) fn render_charts<'a, E>(
    directory: &str,
    planned: &Scratch,
    base: impl Fn() -> Result<&'a Scratch, E>,
    settings: &CommandSettings,
) -> Result<Vec<TestResult>, E> {
    let mut results = Vec::new();
    for (chart, missing) in charts(directory, planned.root()) {
        let below = chart.strip_prefix(directory).unwrap_or(&chart);
        let name = format!("helm template {}", below.trim_start_matches('/'));
        let mut output = None;
        let (state, words) = if let Some(missing) = missing {
            let words = format!("its dependency {missing} is not there: helm dependency build");
            (TestState::Skipped, words)
        } else if let Err(failed) = render(&chart, planned, settings) {
            output = Some(failed.said).filter(|said| !said.is_empty());
            if fails(&chart, base()?, settings) {
                let words = "it did not render before the change either".to_owned();
                (TestState::Skipped, words)
            } else {
                (TestState::Failed, failed.words)
            }
        } else {
            (TestState::Passed, "it renders".to_owned())
        };
        results.push(TestResult {
            output,
            ..TestResult::new(TestKind::Proof, name, state, words)
        });
    }
    Ok(results)
}

/// Tells whether a chart is there with all that it needs and does not render.
fn fails(chart: &str, scratch: &Scratch, settings: &CommandSettings) -> bool {
    let place = scratch.root().join(chart);
    let can_render = place.join("Chart.yaml").is_file() && missing_dependency(&place).is_none();
    can_render && render(chart, scratch, settings).is_err()
}

/// Why a chart does not render, and what helm said.
struct Failed {
    words: String,
    said: String,
}

fn render(chart: &str, scratch: &Scratch, settings: &CommandSettings) -> Result<(), Failed> {
    let ran = command::run(&Order {
        program: "helm",
        arguments: &["template", "csctl-matrix", &format!("./{chart}")],
        scratch,
        variables: &[],
        limit: LIMIT,
        settings,
    });
    let words = match ran.ended {
        CommandEnd::Code(0) => return Ok(()),
        CommandEnd::Code(code) => format!("exit status {code}"),
        CommandEnd::Signal(signal) => format!("ended by signal {signal}"),
        CommandEnd::TimedOut => "took longer than a minute".to_owned(),
        CommandEnd::NotStarted(error) => format!("helm cannot be started: {error}"),
    };
    Err(Failed {
        words,
        said: ran.output,
    })
}

/// An archive of a chart to render.
pub(crate) struct Rendered<'a> {
    /// Its file's name.
    pub(crate) name: &'a str,
    /// Its bytes.
    pub(crate) content: &'a [u8],
    /// The name that Helm gives to the release.
    pub(crate) release: &'a str,
}

/// Renders the archive of a chart in a directory that is empty; what Helm said where it did not.
///
/// # Errors
/// The archive cannot be written there.
#[expect(
    clippy::disallowed_methods,
    reason = "it writes into a scratch directory"
)]
pub(crate) fn render_archive(
    archive: &Rendered<'_>,
    scratch: &Scratch,
    settings: &CommandSettings,
) -> Result<Result<(), String>, ScratchError> {
    let path = scratch.root().join(archive.name);
    std::fs::write(&path, archive.content).map_err(|source| ScratchError::Copy { path, source })?;
    let ran = command::run(&Order {
        program: "helm",
        arguments: &[
            "template",
            archive.release,
            archive.name,
            "--namespace",
            "cluster",
        ],
        scratch,
        variables: &[],
        limit: LIMIT,
        settings,
    });
    Ok(match ran.ended {
        CommandEnd::Code(0) => Ok(()),
        CommandEnd::TimedOut => Err("it took longer than a minute".to_owned()),
        CommandEnd::NotStarted(error) => Err(error.to_string()),
        CommandEnd::Code(_) | CommandEnd::Signal(_) => Err(ran.output.trim().to_owned()),
    })
}

/// Returns the charts below a directory, each with a dependency that it lacks; charts inside of charts belong to those.
fn charts(directory: &str, root: &Path) -> BTreeMap<String, Option<String>> {
    let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
    for file in list_files(&root.join(directory)) {
        let Some(below) = file.to_str().and_then(chart_of) else {
            continue;
        };
        let full = format!("{directory}/{below}");
        let chart = full.trim_matches('/');
        let missing = missing_dependency(&root.join(chart));
        found.insert(chart.to_owned(), missing);
    }
    found
}

/// Returns the directory of a chart that is not inside of another, by the path of its `Chart.yaml` below the stack's directory.
pub(crate) fn chart_of(path: &str) -> Option<&str> {
    let chart = path.strip_suffix("Chart.yaml")?;
    let is_named = chart.is_empty() || chart.ends_with('/');
    let is_inner = chart.split('/').any(|part| part == "charts");
    (is_named && !is_inner).then(|| chart.trim_end_matches('/'))
}

/// Returns a dependency of a chart that is not in its directory `charts`.
fn missing_dependency(chart: &Path) -> Option<String> {
    // In a copy it may be a link to anything.
    let text = read_within(&chart.join("Chart.yaml"), MAX_BYTES).ok()?;
    let chart_file: serde_yaml::Value = serde_yaml::from_str(&text).ok()?;
    let there: Vec<String> = std::fs::read_dir(chart.join("charts"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let dependencies = chart_file.get("dependencies")?.as_sequence()?;
    dependencies
        .iter()
        .filter_map(|dependency| dependency.get("name")?.as_str())
        .find(|name| !there.iter().any(|file| is_chart_of(file, name)))
        .map(str::to_owned)
}

/// Tells whether an entry of `charts` is the directory of a chart, or its archive, which has its version in its name.
fn is_chart_of(file: &str, name: &str) -> bool {
    file == name || file.starts_with(&format!("{name}-"))
}
