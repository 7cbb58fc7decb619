//! csctl.yaml: the provider, the stack's name and its default version. Read by csctl, which wants a version in full
//! (`^v\d+\.\d+\.\d+$`).

use super::{Document, Fact, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::policy::ChangeClass;
use crate::stack::facts::FaultKind;
use crate::version::KubernetesVersion;
use crate::yaml::Node;

/// The name of the file.
pub(crate) const CSCTL_FILE: &str = "csctl.yaml";

#[derive(Debug)]
pub(super) struct Csctl;

impl FileKind for Csctl {
    fn name(&self) -> &'static str {
        "csctl configuration"
    }

    fn role(&self) -> Role {
        Role::CsctlConfig
    }

    fn place(&self) -> Option<&'static str> {
        Some(CSCTL_FILE)
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        // In the directory of a cluster stack, one without `apiVersion` is meant to be csctl's.
        place == CSCTL_FILE && api_version(text).is_none_or(|version| version.contains(GROUP))
    }

    fn source_tree<'p>(&self, path: &'p str, text: Option<&str>) -> Option<&'p str> {
        // One that nobody can read may be csctl's: passed over, it would hide a whole stack without a word.
        super::directory_if_named(path, CSCTL_FILE).filter(|_| text.is_none_or(is_csctl))
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
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
                facts
                    .references
                    .push(super::reference(file, &path, node, fact));
            }
        }
        if let Some((node, text)) = super::stated_at(file, document, &version)? {
            let fact = super::kubernetes_fact(text)
                .or_else(|| distributed(text).map(|version| Fact::Kubernetes { version }))
                .ok_or_else(|| {
                    let message = format!("invalid Kubernetes version `{text}` for `{version}`");
                    Fault::new(
                        file.path(),
                        node.line(),
                        message,
                        "write a released version such as v1.34.7",
                    )
                })?;
            facts
                .references
                .push(super::reference(file, &version, node, fact));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let path = super::keys(&["config", "kubernetesVersion"]);
        let found = file
            .documents()
            .first()
            .and_then(|document| super::text_at(document, &path));
        let Some((node, raw)) = found else {
            return Ok(());
        };
        let (Ok(version), Some(default)) = (raw.parse::<KubernetesVersion>(), wanted.default)
        else {
            if distributed(raw).is_some() && wanted.default != wanted.default_before {
                return Err(unknown_distribution(file, node, raw));
            }
            return super::set_kubernetes(0, &path, raw, wanted, edits);
        };
        let class = if version == default {
            ChangeClass::Repair
        } else {
            wanted.default_class(version)
        };
        // A repair lowers nothing: which of two versions is right, a person decides.
        if class == ChangeClass::Repair && default < version {
            return Ok(());
        }
        // csctl takes a version with its `v` alone.
        edits.set(0, &path, &default.to_string(), class)
    }
}

/// Reads the version of a distribution, `v1.34.6+rke2r1`, as that of Kubernetes. Pre-releases are none.
fn distributed(text: &str) -> Option<KubernetesVersion> {
    let (version, suffix) = text.split_once(['+', '-'])?;
    let is_prerelease = ["alpha", "beta", "rc"]
        .iter()
        .any(|word| suffix.starts_with(word));
    version.parse().ok().filter(|_| !is_prerelease)
}

fn unknown_distribution(file: &Document, node: &Node, raw: &str) -> Fault {
    let message = format!("`{raw}` is a version of a distribution, whose releases are not known");
    let hint = "change it by hand; csctl itself takes versions such as v1.34.7 alone";
    Fault {
        kind: FaultKind::Unmovable,
        ..Fault::new(file.path(), node.line(), message, hint)
    }
}

/// Tells whether a csctl.yaml makes its directory a cluster stack, by its `apiVersion`: other tools have files of that name too.
/// One that somebody has only begun does.
fn is_csctl(text: &str) -> bool {
    match api_version(text) {
        Some(version) => version.contains(GROUP),
        None => text.contains("clusterStackName:") || !says_something(text),
    }
}

const GROUP: &str = "csctl.clusterstack.x-k8s.io";

fn api_version(text: &str) -> Option<&str> {
    // By its lines, as this is asked of every csctl.yaml of a repository, whether it is YAML or not.
    let lines = text.lines().map(|line| line.trim_start_matches('\u{feff}'));
    let mut versions = lines.filter_map(|line| line.strip_prefix("apiVersion:"));
    versions.next()
}

fn says_something(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| !line.is_empty() && !line.starts_with('#') && line != "---")
}
