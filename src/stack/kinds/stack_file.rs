//! stack.yaml of layout D: provider, name, version (in full or the minor alone) and ranges of addon charts (`2.34.x`).

use super::{Fact, Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted};
use crate::stack::addon::MinorBoundChart;
use crate::version::ChartVersion;

#[derive(Debug)]
pub(super) struct StackFile;

impl FileKind for StackFile {
    fn name(&self) -> &'static str {
        "stack file"
    }

    fn part(&self) -> Part {
        Part::Stack
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        place == "stack.yaml" && text.contains("clusterStackName")
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        if !document.is_map() {
            return Err(super::wrong_shape(
                file,
                document,
                &super::keys(&[]),
                "a map",
            ));
        }
        let version = super::keys(&["kubernetesVersion"]);
        for (path, fact) in [
            (super::keys(&["provider"]), Fact::Provider),
            (super::keys(&["clusterStackName"]), Fact::StackName),
        ] {
            if let Some((node, _)) = super::stated_at(file, document, &path)? {
                facts.sites.push(super::site(file, &path, node, fact));
            }
        }
        let Some((node, text)) = super::stated_at(file, document, &version)? else {
            return Ok(());
        };
        let fact = super::kubernetes_fact(text).ok_or_else(|| {
            let message =
                format!("`{version}` is `{text}`, which is no Kubernetes version or minor");
            Fault::new(
                file.path(),
                node.line(),
                message,
                "write a version such as 1.34.7",
            )
        })?;
        let minor = match &fact {
            Fact::Kubernetes { version } => Some(version.minor()),
            Fact::KubernetesMinor { minor } => Some(*minor),
            _ => None,
        };
        facts.sites.push(super::site(file, &version, node, fact));
        for chart in MinorBoundChart::all() {
            let path = super::keys(&["addons", chart.stack_key]);
            if let (Some((node, text)), Some(minor)) = (super::text_at(document, &path), minor) {
                let fact = Fact::ListedAddon {
                    minor,
                    chart: chart.name.to_owned(),
                    version: text.parse().ok(),
                };
                facts.sites.push(super::site(file, &path, node, fact));
            }
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &SourceFile,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        let path = super::keys(&["kubernetesVersion"]);
        if let Some((_, raw)) = super::text_at(document, &path) {
            super::set_kubernetes((0, &path, raw), wanted, edits)?;
        }
        for chart in MinorBoundChart::all() {
            let path = super::keys(&["addons", chart.stack_key]);
            let Some((_, raw)) = super::text_at(document, &path) else {
                continue;
            };
            if raw.parse::<ChartVersion>().is_ok() {
                if let Some(version) = wanted.charts.get(chart.name) {
                    edits.set(0, &path, &version.to_string(), wanted.chart_class(raw))?;
                }
            } else if let Some(range) = range_for(raw, wanted) {
                edits.set(
                    0,
                    &path,
                    &range,
                    wanted.minor_class(wanted.line_before.minor),
                )?;
            }
        }
        Ok(())
    }
}

/// Returns `2.35.x` for a stack of 1.35 where `2.34.x` stands.
fn range_for(raw: &str, wanted: &Wanted<'_>) -> Option<String> {
    let (major, rest) = raw.split_once('.')?;
    let (_, patch) = rest.split_once('.')?;
    (patch == "x" || patch == "*")
        .then(|| format!("{major}.{}.{patch}", wanted.line.minor.number()))
}
