//! Rules of `ClusterClass` documents, as the webhooks of Cluster API judge them.

use std::collections::BTreeSet;

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::View;
use crate::stack::Content;
use crate::yaml::{File, Node};

pub(super) const RULES: [Rule; 1] = [Rule {
    name: "patch-selector",
    group: Group::Tree,
    severity: Severity::Error,
    finds: "A patch of a ClusterClass selects a kind of template, or an API version of it, that the class does not have.",
    reason: "The patch matches no template, such as after a provider's new API version: Cluster API refuses the class, or nodes get no image.",
    find: Search::Stack(patch_selector),
}];

/// The place of the classes of a source tree.
const TEMPLATES: &str = "cluster-class";

/// The API version and the kind of a template, as a class or a selector names them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TemplateType<'n> {
    api_version: &'n str,
    kind: &'n str,
}

impl<'n> TemplateType<'n> {
    /// Reads it from a reference or a selector; nothing where a template action writes a part of it.
    fn of(node: &'n Node) -> Option<Self> {
        Some(Self {
            api_version: literal(node.get("apiVersion")?)?,
            kind: literal(node.get("kind")?)?,
        })
    }
}

fn literal(node: &Node) -> Option<&str> {
    node.as_str().filter(|_| !node.is_templated())
}

fn patch_selector(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for tree in &view.stack.trees {
        let directory = match tree.directory.as_str() {
            "" => TEMPLATES.to_owned(),
            directory => format!("{directory}/{TEMPLATES}"),
        };
        for (path, content) in view.input.tree.files_below(&directory) {
            let Content::Text(text) = content else {
                continue;
            };
            if !is_patched_class(text) {
                continue;
            }
            // A file that is no YAML before Helm has filled it in says nothing here.
            let Some(file) = File::parse(text).ok().filter(is_whole) else {
                continue;
            };
            for class in file.documents() {
                let told = judge(class, path).into_iter();
                found.extend(told.map(|told| told.of(tree.minor)));
            }
        }
    }
    found
}

fn is_patched_class(text: &str) -> bool {
    text.contains("kind: ClusterClass") && text.contains("selector:")
}

/// Tells whether all templates that a class may have are read: none comes from another file, and no branch is left out.
fn is_whole(file: &File) -> bool {
    let mut words = file.action_words();
    !words.any(|word| matches!(word, "include" | "template" | "block"))
        && file.unread_lines().is_empty()
}

/// Judges the patches of a class.
fn judge(class: &Node, path: &str) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let Some(spec) = class.get("spec").filter(|_| is_class(class)) else {
        return found;
    };
    let mut references = Vec::new();
    for (key, _, part) in spec.entries() {
        if !matches!(key, "patches" | "variables") {
            collect_references(part, &mut references);
        }
    }
    let templates: Option<BTreeSet<TemplateType<'_>>> =
        references.into_iter().map(TemplateType::of).collect();
    // Where an action writes one of them, nobody knows what the class has.
    let Some(templates) = templates.filter(|templates| !templates.is_empty()) else {
        return found;
    };
    for selector in selectors(spec) {
        let Some(selected) = TemplateType::of(selector) else {
            continue;
        };
        if templates.contains(&selected) {
            continue;
        }
        let TemplateType { api_version, kind } = selected;
        let mut same_kind = templates.iter().filter(|template| template.kind == kind);
        let (case, message) = match same_kind.next() {
            Some(own) => {
                let own = own.api_version;
                let message = format!(
                    "the patch is for {kind} of {api_version}, and the class has it in {own}"
                );
                ("api-version", message)
            }
            None => (
                "kind",
                format!("the patch is for {kind}, and the class has no template of that kind"),
            ),
        };
        let told = Contradiction::in_file(path, Some(selector.line()), message);
        found.push(told.case(case));
    }
    found
}

fn is_class(document: &Node) -> bool {
    document.get("kind").and_then(Node::as_str) == Some("ClusterClass")
}

/// Collects what a class is made of: whatever has a kind and a name, under `ref` or `templateRef`.
fn collect_references<'n>(node: &'n Node, references: &mut Vec<&'n Node>) {
    if node.get("kind").is_some() && node.get("name").is_some() {
        references.push(node);
        return;
    }
    for item in node.items() {
        collect_references(item, references);
    }
    for (_, _, value) in node.entries() {
        collect_references(value, references);
    }
}

fn selectors(spec: &Node) -> impl Iterator<Item = &Node> {
    let patches = spec.get("patches").map_or(&[][..], Node::items);
    let definitions = patches.iter().filter_map(|patch| patch.get("definitions"));
    let definitions = definitions.flat_map(Node::items);
    definitions.filter_map(|definition| definition.get("selector"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(reference: &str, selector: &str) -> Vec<&'static str> {
        let text = format!(
            "kind: ClusterClass\nspec:\n  infrastructure:\n    ref: {{name: a, {reference}}}\n  \
             variables:\n  - {{name: b, kind: C, apiVersion: d}}\n  patches:\n  - definitions:\n    \
             - selector: {{{selector}}}\n"
        );
        let file = File::parse(&text).unwrap();
        let found = judge(&file.documents()[0], "class.yaml").into_iter();
        found.map(|told| told.case.unwrap()).collect()
    }

    #[test]
    fn a_selector_is_compared_with_what_the_class_has() {
        let own = "apiVersion: a/v1beta1, kind: DockerMachineTemplate";
        assert!(cases(own, own).is_empty());
        let older = "apiVersion: a/v1alpha4, kind: DockerMachineTemplate";
        assert_eq!(cases(own, older), ["api-version"]);
        let other = "apiVersion: a/v1beta1, kind: DevMachineTemplate";
        assert_eq!(cases(own, other), ["kind"]);
        // A variable of the class is none of its templates.
        assert_eq!(cases(own, "apiVersion: d, kind: C"), ["kind"]);
    }

    #[test]
    fn a_class_of_which_a_part_is_elsewhere_is_not_judged() {
        let whole =
            File::parse("a: {{ .Values.a }}\n{{- if .Values.b }}\nb: 1\n{{- end }}\n").unwrap();
        assert!(is_whole(&whole));
        let parted = File::parse("a:\n  {{- include \"workers\" . | nindent 2 }}\n").unwrap();
        assert!(!is_whole(&parted));
    }

    #[test]
    fn what_a_template_action_writes_is_not_judged() {
        let own = "apiVersion: a/v1beta1, kind: DockerMachineTemplate";
        let written = "apiVersion: \"a/{{ .Values.api }}\", kind: DockerMachineTemplate";
        assert!(cases(written, own).is_empty());
        assert!(cases(own, written).is_empty());
        assert!(cases(own, "kind: DockerMachineTemplate").is_empty());
    }
}
