//! The cluster class chart's Chart.yaml. The operator finds the chart in a release by the minor in its name; its version is
//! set by csctl.

use super::{Document, Fact, Facts, Fault, FileEdits, FileKind, Role, Wanted};

const PLACE: &str = "cluster-class/Chart.yaml";

#[derive(Debug)]
pub(super) struct ClassChart;

impl FileKind for ClassChart {
    fn name(&self) -> &'static str {
        "cluster class chart"
    }

    fn role(&self) -> Role {
        Role::ClassChart
    }

    fn place(&self) -> Option<&'static str> {
        Some(PLACE)
    }

    fn source_tree<'p>(&self, path: &'p str, _text: Option<&str>) -> Option<&'p str> {
        super::directory_if_named(path, PLACE)
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        let path = super::keys(&["name"]);
        let found = file
            .documents()
            .first()
            .and_then(|document| super::text_at(document, &path));
        if let Some((node, name)) = found {
            let minor = super::minor_in_name(name).map(|(_, minor)| minor);
            facts.references.push(super::reference(
                file,
                &path,
                node,
                Fact::ClassChart { minor },
            ));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let path = super::keys(&["name"]);
        let found = file
            .documents()
            .first()
            .and_then(|document| super::text_at(document, &path));
        let Some((_, name)) = found else {
            return Ok(());
        };
        super::set_chart_name(file, &path, name, wanted, edits)
    }
}
