//! The variables of a cluster class, as far as they can be read before Helm has filled its templates in. Where actions decide what is
//! there, nothing is said of them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::release::StackFiles;
use crate::yaml::{File, Node};

const VALUES_FILE: &str = "values.yaml";

/// The actions that decide what of a template is there, or that write what is in another file.
const DECIDING: [&str; 9] = [
    "if", "range", "with", "else", "end", "include", "template", "block", "define",
];

/// A variable that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "change"
)]
pub enum VariableNote {
    /// It came.
    Added {
        /// Its name.
        name: String,
        /// Whether a cluster has to set it: it is required and has no default.
        must_be_set: bool,
    },
    /// It went.
    Removed {
        /// Its name.
        name: String,
    },
    /// It has another default.
    Default {
        /// Its name.
        name: String,
        /// The default before, as YAML; nothing where it had none.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// The default now.
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
}

/// A variable.
pub(super) struct Variable {
    is_required: bool,
    default: Default,
}

/// The default of a variable.
#[derive(PartialEq, Eq)]
enum Default {
    /// There is none.
    None,
    /// This one, as it is written.
    Written(String),
    /// An action writes it, and nobody knows what.
    Unknown,
}

impl Default {
    fn written(&self) -> Option<String> {
        match self {
            Self::Written(text) => Some(text.clone()),
            Self::None | Self::Unknown => None,
        }
    }
}

/// Returns the variables of a class, by name. The error says why nobody can know them from its files.
pub(super) fn read(class: &StackFiles) -> Result<BTreeMap<String, Variable>, String> {
    let mut found = None;
    for (path, content) in class {
        let Ok(text) = std::str::from_utf8(content) else {
            continue;
        };
        if !path.starts_with("templates/") || !text.contains("kind: ClusterClass") {
            continue;
        }
        let file = File::parse(text).map_err(|error| format!("{path}: {error}"))?;
        if file.action_words().any(|word| DECIDING.contains(&word)) {
            return Err(format!("actions in {path} decide what is there"));
        }
        for document in file.documents() {
            if document.get("kind").and_then(Node::as_str) != Some("ClusterClass") {
                continue;
            }
            if found.is_some() {
                return Err("it has several classes".to_owned());
            }
            found = Some(
                of_class(document, text, class)
                    .ok_or_else(|| format!("{path} has variables whose names cannot be read"))?,
            );
        }
    }
    found.ok_or_else(|| "its templates have no ClusterClass that can be read".to_owned())
}

/// Compares the variables of two classes.
pub(super) fn compare(
    before: &BTreeMap<String, Variable>,
    now: &BTreeMap<String, Variable>,
) -> Vec<VariableNote> {
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    let mut notes: Vec<VariableNote> = gone
        .map(|name| VariableNote::Removed { name: name.clone() })
        .collect();
    for (name, variable) in now {
        let name = name.clone();
        match before.get(&name) {
            None => notes.push(VariableNote::Added {
                name,
                must_be_set: variable.is_required && variable.default == Default::None,
            }),
            Some(old) if old.default == variable.default => {}
            // What Helm writes there is not known.
            Some(old) if old.default == Default::Unknown => {}
            Some(_) if variable.default == Default::Unknown => {}
            Some(old) => notes.push(VariableNote::Default {
                name,
                from: old.default.written(),
                to: variable.default.written(),
            }),
        }
    }
    notes
}

fn of_class(class: &Node, text: &str, files: &StackFiles) -> Option<BTreeMap<String, Variable>> {
    let spec = class.get("spec")?;
    let Some(list) = spec.get("variables") else {
        return Some(BTreeMap::new());
    };
    if !list.is_seq() {
        return None;
    }
    let items = list.items().iter();
    items
        .map(|item| {
            let name = item.get("name").filter(|name| !name.is_templated())?;
            let name = name.as_str()?.to_owned();
            Some((name, variable(item, text, files)))
        })
        .collect()
}

fn variable(item: &Node, text: &str, files: &StackFiles) -> Variable {
    let schema = item.get("schema");
    let schema = schema.and_then(|schema| schema.get("openAPIV3Schema"));
    let default = schema.and_then(|schema| schema.get("default"));
    Variable {
        is_required: item.get("required").and_then(Node::as_str) == Some("true"),
        default: default.map_or(Default::None, |node| written(&text[node.range()], files)),
    }
}

/// Reads a default: what is written there, or the value of the chart that an action names.
fn written(text: &str, files: &StackFiles) -> Default {
    if !text.contains("{{") {
        return Default::Written(one_line(text));
    }
    let bare = text.trim().trim_matches(['"', '\'']);
    let named = bare
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .and_then(|inner| inner.trim().strip_prefix(".Values."));
    let found = named.and_then(|path| value(path, files));
    found.map_or(Default::Unknown, Default::Written)
}

/// Returns a value of the chart, as it is written there. It is no answer where the path is more than names and dots.
fn value(path: &str, files: &StackFiles) -> Option<String> {
    let is_path = path
        .chars()
        .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '.'));
    let text = std::str::from_utf8(files.get(VALUES_FILE)?).ok()?;
    let file = File::parse(text).ok()?;
    let mut node = file.documents().first().filter(|_| is_path)?;
    for name in path.split('.') {
        node = node.get(name)?;
    }
    let found = &text[node.range()];
    node.is_scalar().then(|| one_line(found))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(variables: &str) -> StackFiles {
        let text = format!(
            "{{{{- $name := .Release.Name }}}}\nkind: ClusterClass\nspec:\n  variables:\n{variables}  patches:\n  - a: {{{{ `{{{{ if .x }}}}y{{{{ end }}}}` }}}}\n"
        );
        let values = "variables:\n  flavor: SCS-4V\n  many: {a: 1}\n";
        StackFiles::from([
            ("templates/class.yaml".to_owned(), text.into_bytes()),
            (VALUES_FILE.to_owned(), values.as_bytes().to_owned()),
        ])
    }

    fn variable(name: &str, default: &str) -> String {
        format!(
            "  - name: {name}\n    required: true\n    schema:\n      openAPIV3Schema:\n        type: string\n{default}"
        )
    }

    fn default(text: &str) -> String {
        format!("        default: {text}\n")
    }

    #[test]
    fn variables_come_go_and_change_their_defaults() {
        let before = [
            variable("gone", ""),
            variable("flavor", &default("\"{{ .Values.variables.flavor }}\"")),
            variable("same", &default("5")),
            variable("hidden", &default("{{ .Values.variables.many | toJson }}")),
        ];
        let now = [
            variable("asked", ""),
            variable("given", &default("[]")),
            variable("flavor", &default("SCS-8V")),
            variable("same", &default("5")),
            variable("hidden", &default("7")),
        ];
        let read = |parts: &[String]| read(&class(&parts.concat()));
        let notes = compare(&read(&before).unwrap(), &read(&now).unwrap());
        assert_eq!(
            notes,
            [
                VariableNote::Removed {
                    name: "gone".to_owned()
                },
                VariableNote::Added {
                    name: "asked".to_owned(),
                    must_be_set: true
                },
                VariableNote::Default {
                    name: "flavor".to_owned(),
                    from: Some("SCS-4V".to_owned()),
                    to: Some("SCS-8V".to_owned()),
                },
                VariableNote::Added {
                    name: "given".to_owned(),
                    must_be_set: false
                },
            ]
        );
    }

    #[test]
    fn what_actions_decide_is_not_guessed() {
        for (variables, words) in [
            (
                "{{- if .Values.x }}\n  - name: a\n{{- end }}\n",
                "decide what is there",
            ),
            ("{{ include \"variables\" . }}\n", "decide what is there"),
            ("  - name: \"{{ .Values.x }}\"\n", "names cannot be read"),
        ] {
            let error = read(&class(variables)).err().unwrap();
            assert!(error.contains(words), "{variables}: {error}");
        }
        let error = read(&StackFiles::new()).err().unwrap();
        assert!(error.contains("no ClusterClass"), "{error}");
    }
}
