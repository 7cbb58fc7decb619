//! clusterstack.yaml: the example `ClusterStack` resource beside a stack. It moves with the stack while it agrees with it; one
//! that has drifted is a person's business.

use super::{Fact, Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted};
use crate::version::Minor;

#[derive(Debug)]
pub(super) struct ClusterStack;

const VERSION: [&str; 2] = ["spec", "kubernetesVersion"];

impl FileKind for ClusterStack {
    fn name(&self) -> &'static str {
        "ClusterStack example"
    }

    fn part(&self) -> Part {
        Part::Beside
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        !place.contains('/') && text.contains("kind: ClusterStack\n")
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        let path = super::keys(&VERSION);
        for document in file.documents() {
            if let Some((node, _)) = super::text_at(document, &path) {
                facts
                    .sites
                    .push(super::site(file, &path, node, Fact::Example));
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
        if wanted.is_shared {
            return Ok(());
        }
        let path = super::keys(&VERSION);
        for (index, document) in file.documents().iter().enumerate() {
            let Some((_, raw)) = super::text_at(document, &path) else {
                continue;
            };
            if raw.parse::<Minor>() == Ok(wanted.line_before.minor) {
                super::set_kubernetes((index, &path, raw), wanted, edits)?;
            }
        }
        Ok(())
    }
}
