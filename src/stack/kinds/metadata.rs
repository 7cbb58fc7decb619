//! metadata.yaml in a source tree. csctl writes a release's own from csctl.yaml and never reads this one: in a tree with csctl.yaml
//! it moves while it agrees with the stack, and one that was left behind stays a person's business.

use super::{Document, Fact, Facts, Fault, FileEdits, FileKind, Reach, Role, Wanted};

#[derive(Debug)]
pub(super) struct Metadata;

const VERSION: [&str; 2] = ["versions", "kubernetes"];
const COMPONENTS: [(&str, &[&str]); 3] = [
    ("clusterStack", &["versions", "clusterStack"]),
    ("clusterAddon", &["versions", "components", "clusterAddon"]),
    ("nodeImage", &["versions", "components", "nodeImage"]),
];

impl FileKind for Metadata {
    fn name(&self) -> &'static str {
        "stack metadata"
    }

    fn role(&self) -> Role {
        Role::ReleaseMetadata
    }

    fn place(&self) -> Option<&'static str> {
        Some("metadata.yaml")
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        self.place() == Some(place) && super::may_say(text, "clusterStack")
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        for (component, path) in COMPONENTS {
            let path = super::keys(path);
            if let Some((node, text)) = super::text_at(document, &path) {
                let fact = Fact::StackVersion {
                    component: component.to_owned(),
                    version: text.parse().ok(),
                };
                facts
                    .references
                    .push(super::reference(file, &path, node, fact));
            }
        }
        let path = super::keys(&VERSION);
        if let Some((node, text)) = super::text_at(document, &path)
            && let Some(fact) = super::kubernetes_fact(text)
        {
            facts
                .references
                .push(super::reference(file, &path, node, fact));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        if wanted.reach == Reach::Beside {
            return Ok(());
        }
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        let path = super::keys(&VERSION);
        let stated = super::text_at(document, &path).map(|(_, raw)| raw);
        let agrees = stated.is_some_and(|raw| match wanted.default_before {
            Some(before) => raw.parse() == Ok(before),
            None => raw.parse() == Ok(wanted.line_before.minor),
        });
        // csctl writes its own into a release: a stale one beside it is left alone, one that is kept up moves along.
        if wanted.has_csctl && !agrees {
            return Ok(());
        }
        if let Some(raw) = stated {
            super::set_kubernetes(0, &path, raw, wanted, edits)?;
        }
        let moves = wanted.default != wanted.default_before || wanted.line != wanted.line_before;
        // Without a move there is no release that would take the next number.
        if let (true, Some(next)) = (moves, &wanted.next_version) {
            edits.set(
                0,
                &super::keys(COMPONENTS[0].1),
                &next.to_string(),
                wanted.line_class(wanted.line_before.minor),
            )?;
        }
        Ok(())
    }
}
