//! csctl.yaml: the provider, the stack's name and its default version. Read by csctl, which wants a version in full
//! (`^v\d+\.\d+\.\d+$`).

use super::{Fact, Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted};

#[derive(Debug)]
pub(super) struct Csctl;

impl FileKind for Csctl {
    fn name(&self) -> &'static str {
        "csctl configuration"
    }

    fn part(&self) -> Part {
        Part::Stack
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        place == "csctl.yaml" && is_csctl(text)
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            let hint =
                "state config.clusterStackName, config.kubernetesVersion and config.provider.type";
            return Err(Fault::new(file.path(), 1, "the file is empty", hint));
        };
        let config = super::keys(&["config"]);
        match document.at(&config) {
            Some(node) if node.is_map() => {}
            Some(node) => return Err(super::wrong_shape(file, node, &config, "a map")),
            None => {
                let hint = "state config.clusterStackName, config.kubernetesVersion and config.provider.type";
                return Err(Fault::new(
                    file.path(),
                    document.line(),
                    "`config` is missing",
                    hint,
                ));
            }
        }
        let version = super::keys(&["config", "kubernetesVersion"]);
        for (path, fact) in [
            (super::keys(&["config", "provider", "type"]), Fact::Provider),
            (
                super::keys(&["config", "clusterStackName"]),
                Fact::StackName,
            ),
        ] {
            if let Some((node, _)) = super::stated_at(file, document, &path)? {
                facts.sites.push(super::site(file, &path, node, fact));
            }
        }
        if let Some((node, text)) = super::stated_at(file, document, &version)? {
            let fact = super::kubernetes_fact(text).ok_or_else(|| {
                let message = format!("`{version}` is `{text}`, which is no Kubernetes version");
                Fault::new(
                    file.path(),
                    node.line(),
                    message,
                    "write a released version such as v1.34.7",
                )
            })?;
            facts.sites.push(super::site(file, &version, node, fact));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &SourceFile,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let path = super::keys(&["config", "kubernetesVersion"]);
        let found = file
            .documents()
            .first()
            .and_then(|document| super::text_at(document, &path));
        let Some((_, raw)) = found else { return Ok(()) };
        super::set_kubernetes((0, &path, raw), wanted, edits)
    }
}

/// Tells whether a csctl.yaml is that of csctl, by its `apiVersion`; other tools have files of that name too. One that somebody has
/// only begun is taken for one.
pub(in crate::stack) fn is_csctl(text: &str) -> bool {
    let lines = || text.lines().map(|line| line.trim_start_matches('\u{feff}'));
    let mut versions = lines().filter_map(|line| line.strip_prefix("apiVersion:"));
    match versions.next() {
        Some(version) => version.contains("csctl.clusterstack.x-k8s.io"),
        None => {
            let says_something = |line: &str| {
                let line = line.trim();
                !line.is_empty() && !line.starts_with('#') && line != "---"
            };
            text.contains("clusterStackName:") || !lines().any(says_something)
        }
    }
}
