//! README.md beside a stack: its examples name a release (`openstack-scs2-1-34-v3`) and a version. Prose, tables and change logs are
//! not touched; [`find_examples`] says what an example is.

use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted, example};
use crate::stack::examples::{Example, ExampleSubject, TextForm, find_examples};

#[derive(Debug)]
pub(super) struct Readme;

impl FileKind for Readme {
    fn name(&self) -> &'static str {
        "README"
    }

    fn role(&self) -> Role {
        Role::Examples
    }

    fn place(&self) -> Option<&'static str> {
        Some("README.md")
    }

    fn is_yaml(&self) -> bool {
        false
    }

    /// A README alone states no facts: what is an example in it depends on the stack.
    fn read(&self, _file: &Document, _facts: &mut Facts) -> Result<(), Fault> {
        Ok(())
    }

    fn example_form(&self) -> Option<TextForm> {
        Some(TextForm::Markdown)
    }

    fn examples(&self, file: &Document, subject: &ExampleSubject<'_>) -> Vec<Example> {
        find_examples(file.text(), TextForm::Markdown, subject)
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
