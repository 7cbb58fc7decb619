//! stack.yaml of layout D: provider, name, version (in full or the minor alone) and ranges of addon charts (`2.34.x`).

use super::{Document, Fact, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::yaml::Path;

const NAME: &str = "stack.yaml";
const STACK_NAME: &str = "clusterStackName";

#[derive(Debug)]
pub(super) struct StackFile;

impl FileKind for StackFile {
    fn name(&self) -> &'static str {
        "stack file"
    }

    fn role(&self) -> Role {
        Role::StackFile
    }

    fn place(&self) -> Option<&'static str> {
        Some(NAME)
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        place == NAME && text.contains(STACK_NAME)
    }

    fn source_tree<'p>(&self, path: &'p str, text: Option<&str>) -> Option<&'p str> {
        super::directory_if_named(path, NAME)
            .filter(|_| text.is_some_and(|text| text.contains(STACK_NAME)))
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
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
            (super::keys(&[STACK_NAME]), Fact::StackName),
        ] {
            if let Some((node, _)) = super::stated_at(file, document, &path)? {
                facts
                    .references
                    .push(super::reference(file, &path, node, fact));
            }
        }
        let Some((node, text)) = super::stated_at(file, document, &version)? else {
            return Ok(());
        };
        let fact = super::kubernetes_fact(text).ok_or_else(|| {
            let message = format!("invalid Kubernetes version or minor `{text}` for `{version}`");
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
        facts
            .references
            .push(super::reference(file, &version, node, fact));
        for (chart, path) in charts(file) {
            if let (Some((node, _)), Some(minor)) = (super::text_at(document, &path), minor) {
                let (listed, range) = super::read_chart_version(node);
                let fact = Fact::ListedAddon {
                    minor,
                    chart: chart.to_owned(),
                    version: listed,
                    range,
                };
                facts
                    .references
                    .push(super::reference(file, &path, node, fact));
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
        let path = super::keys(&["kubernetesVersion"]);
        if let Some((_, raw)) = super::text_at(document, &path) {
            super::set_kubernetes(0, &path, raw, wanted, edits)?;
        }
        for (_, path) in charts(file) {
            if let Some((node, _)) = super::text_at(document, &path) {
                super::set_chart(file, &path, node, wanted, edits)?;
            }
        }
        Ok(())
    }
}

/// Returns the charts that the file may name, each with its place.
fn charts(file: &Document) -> impl Iterator<Item = (&str, Path)> {
    let charts = file.charts().iter();
    charts.filter_map(|chart| {
        let key = chart.stack_key.as_deref()?;
        Some((chart.name.as_str(), super::keys(&["addons", key])))
    })
}
