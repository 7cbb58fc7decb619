//! clusterstack.yaml: the example `ClusterStack` resource beside a stack, and example clusters in the same file. They move with the
//! stack while they agree with it; one that has drifted is a person's business.

use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted, example};
use crate::stack::examples::{Example, ExampleSubject, TextForm, find_in_manifest};

#[derive(Debug)]
pub(super) struct ClusterStack;

impl FileKind for ClusterStack {
    fn name(&self) -> &'static str {
        "ClusterStack example"
    }

    fn role(&self) -> Role {
        Role::Examples
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        // The cheap questions first, as every YAML file of a stack is asked.
        !place.contains('/') && text.contains("ClusterStack") && text.lines().any(is_kind)
    }

    /// Such a file alone states no facts: whether it is an example of the stack depends on the stack.
    fn read(&self, _file: &Document, _facts: &mut Facts) -> Result<(), Fault> {
        Ok(())
    }

    fn example_form(&self) -> Option<TextForm> {
        Some(TextForm::Manifest)
    }

    fn examples(&self, file: &Document, subject: &ExampleSubject<'_>) -> Vec<Example> {
        let found = file.yaml().map(|yaml| find_in_manifest(yaml, subject));
        found.unwrap_or_default()
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        example::edit(self, file, wanted, edits)
    }
}

/// Tells whether a line says that a resource is a `ClusterStack`.
fn is_kind(line: &str) -> bool {
    let value = line.trim_start_matches(['-', ' ']).strip_prefix("kind:");
    value.is_some_and(|value| {
        let word = value.split('#').next().unwrap_or_default().trim();
        word.trim_matches(['"', '\'']) == "ClusterStack"
    })
}
