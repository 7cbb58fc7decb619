//! The digest in a Chart.lock, as Helm 3 computes it: SHA-256 of the JSON in which Go writes the dependencies of Chart.yaml and
//! those of Chart.lock (`HashReq` in Helm's `internal/resolver`). Helm reads YAML 1.1 through JSON, so `2.30` without quotes is
//! the number 2.3 to it.

use std::collections::BTreeMap;

use sha2::Digest;

use crate::stack::addon::is_helm_alias;
use crate::yaml::{File, Node};

/// New versions of dependencies, by their place in the list.
pub(super) type NewVersions = BTreeMap<usize, String>;

/// A value as Helm has read it.
#[derive(Debug)]
enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

/// Returns Helm's digest of a chart and its lock, with these versions in the place of those that stand there.
pub(super) fn digest(
    chart: &Node,
    chart_versions: &NewVersions,
    lock: &Node,
    lock_versions: &NewVersions,
) -> String {
    let locked = lock.get("dependencies");
    let both = [
        list_json(chart.get("dependencies"), chart_versions, locked),
        list_json(locked, lock_versions, None),
    ];
    let sum = sha2::Sha256::digest(format!("[{}]", both.join(",")).as_bytes());
    format!("sha256:{}", hex::encode(sum))
}

/// Returns Helm's digest of a Chart.yaml and its Chart.lock; nothing where one of them cannot be read.
pub(crate) fn of_texts(chart: &str, lock: &str) -> Option<String> {
    let (chart, lock) = (File::parse(chart).ok()?, File::parse(lock).ok()?);
    let nothing = NewVersions::new();
    let (chart, lock) = (chart.documents().first()?, lock.documents().first()?);
    Some(digest(chart, &nothing, lock, &nothing))
}

/// Returns the text that Helm reads where a text belongs: a number without quotes loses its last zeros.
pub(super) fn helm_text(node: &Node) -> Option<String> {
    Some(match read(node) {
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number_json(number),
        Value::Text(text) => text,
        Value::Null | Value::List(_) | Value::Map(_) => return None,
    })
}

/// Tells whether Helm reads another text where this one stands without quotes.
pub(super) fn is_cut_short(text: &str) -> bool {
    matches!(read_plain(text), Value::Number(number) if number_json(number) != text)
}

fn list_json(list: Option<&Node>, versions: &NewVersions, locked: Option<&Node>) -> String {
    // Go writes a list that is not there as `null`, and an empty one as `[]`.
    let Some(list) = list.filter(|list| list.is_seq()) else {
        return "null".to_owned();
    };
    // Helm keeps the order, so that an entry of the lock is that of the dependency in its place.
    let entries = locked.map_or(&[][..], Node::items);
    let dependencies = list.items().iter().enumerate();
    list_of(dependencies.map(|(place, dependency)| {
        dependency_json(dependency, versions.get(&place), entries.get(place))
    }))
}

/// Writes the fields of Helm's `chart.Dependency` in their order, and leaves out what Helm leaves out.
fn dependency_json(item: &Node, version: Option<&String>, locked: Option<&Node>) -> String {
    let written = text_of(item, "repository");
    // Helm has put the URL in the place of its own alias before it computes the digest, and has written the URL into the lock.
    let resolved = locked
        .filter(|_| is_helm_alias(&written))
        .and_then(|entry| entry.get("repository")?.as_str());
    let repository = resolved.unwrap_or(&written);
    let mut fields = Fields::default();
    fields.add("name", &text_json(&text_of(item, "name")));
    match version {
        Some(new) => fields.add_text("version", new),
        None => fields.add_text("version", &text_of(item, "version")),
    }
    // The only text that Helm writes where it is empty, beside the name.
    fields.add("repository", &text_json(repository));
    fields.add_text("condition", &text_of(item, "condition"));
    let tags = item.get("tags").map_or(&[][..], Node::items);
    if !tags.is_empty() {
        fields.add("tags", &list_of(tags.iter().map(tag_json)));
    }
    // Go leaves out `false`, as all of these fields but two are `omitempty`.
    if let Some(Value::Bool(true)) = item.get("enabled").map(read) {
        fields.add("enabled", "true");
    }
    let imported = item.get("import-values").map_or(&[][..], Node::items);
    if !imported.is_empty() {
        let values = imported.iter().map(|value| json(&read(value)));
        fields.add("import-values", &list_of(values));
    }
    let alias = item.get("alias").and_then(helm_text);
    fields.add_text("alias", &alias.unwrap_or_default());
    format!("{{{}}}", fields.0.join(","))
}

/// Returns a JSON list of texts that are JSON already.
fn list_of(items: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = items.collect();
    format!("[{}]", all.join(","))
}

/// Fields of a JSON object, in their order.
#[derive(Default)]
struct Fields(Vec<String>);

impl Fields {
    fn add(&mut self, key: &str, json: &str) {
        self.0.push(format!("\"{key}\":{json}"));
    }

    /// Adds a text, unless it is empty.
    fn add_text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.add(key, &text_json(text));
        }
    }
}

fn text_of(item: &Node, key: &str) -> String {
    let text = item.get(key).and_then(helm_text);
    text.map(|text| cleaned(&text)).unwrap_or_default()
}

fn tag_json(tag: &Node) -> String {
    text_json(&cleaned(&helm_text(tag).unwrap_or_default()))
}

/// Helm makes every white space a space, and drops what cannot be printed.
fn cleaned(text: &str) -> String {
    let spaced = text
        .chars()
        .map(|char| if char.is_whitespace() { ' ' } else { char });
    spaced.filter(|char| !char.is_control()).collect()
}

fn read(node: &Node) -> Value {
    if node.is_map() {
        let entries = node.entries().map(|(_, key, value)| {
            let name = helm_text(key).unwrap_or_default();
            (name, read(value))
        });
        return Value::Map(entries.collect());
    }
    if node.is_seq() {
        return Value::List(node.items().iter().map(read).collect());
    }
    match node.as_str() {
        _ if node.is_null() => Value::Null,
        None => Value::Null,
        Some(text) if node.is_plain() => read_plain(text),
        Some(text) => Value::Text(text.to_owned()),
    }
}

/// Reads a scalar without quotes by the rules of YAML 1.1. Numbers in other forms than these stay texts: the digest is then
/// not Helm's, and a lock with such a digest is left alone.
fn read_plain(text: &str) -> Value {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        _ => {
            let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
            let is_number = unsigned.starts_with(|char: char| char.is_ascii_digit())
                && unsigned.chars().all(|char| {
                    char.is_ascii_digit() || matches!(char, '.' | 'e' | 'E' | '-' | '+')
                });
            // YAML 1.1 reads `010` as 8.
            let is_octal = unsigned.len() > 1
                && unsigned.starts_with('0')
                && unsigned.chars().all(|char| char.is_ascii_digit());
            match text.parse::<f64>() {
                Ok(number) if is_number && !is_octal && number.is_finite() => Value::Number(number),
                Ok(_) | Err(_) => Value::Text(text.to_owned()),
            }
        }
    }
}

fn json(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number_json(*number),
        Value::Text(text) => text_json(text),
        Value::List(items) => list_of(items.iter().map(json)),
        // Go sorts the keys of a map, as `BTreeMap` does.
        Value::Map(entries) => {
            let fields: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}:{}", text_json(key), json(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}

/// Go writes very small and very large numbers with an exponent that has a sign.
fn number_json(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return if text.contains("e-") {
            text
        } else {
            text.replace('e', "e+")
        };
    }
    number.to_string()
}

/// Go escapes these five in every JSON text.
fn text_json(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(chart: &str, lock: &str) -> String {
        let files = [chart, lock].map(|text| File::parse(text).unwrap());
        let [chart, lock] = files.each_ref().map(|file| &file.documents()[0]);
        let nothing = NewVersions::new();
        digest(chart, &nothing, lock, &nothing)
    }

    /// The lock that `helm dependency update` of Helm 3.19 made, with a repository `cpo` in its configuration.
    #[test]
    fn a_lock_of_helm_has_this_digest() {
        let chart = "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n\
            - {name: openstack-cinder-csi, version: ~2.34.0, repository: \"@cpo\", alias: a, condition: a.enabled, tags: [x], import-values: [data, {child: b, parent: c}]}\n\
            - {name: openstack-cinder-csi, version: 2.34, repository: \"alias:cpo\", alias: b, enabled: true}\n\
            - {name: openstack-cloud-controller-manager, version: \">=2.34.0 <2.34.2\", repository: \"http://127.0.0.1:18977\"}\n";
        let lock = "dependencies:\n\
            - name: openstack-cinder-csi\n  repository: http://127.0.0.1:18977\n  version: v2.34.2\n\
            - name: openstack-cinder-csi\n  repository: http://127.0.0.1:18977\n  version: v2.34.2\n\
            - name: openstack-cloud-controller-manager\n  repository: http://127.0.0.1:18977\n  version: 2.34.1+build.7\n";
        let digest = "sha256:dfb1d31d7d51ed3321fa687aed71e14f471f74e5d3d4d0324b332ff7d4cfc496";
        assert_eq!(digest_of(chart, lock), digest);
        let windows = [chart, lock].map(|text| text.replace('\n', "\r\n"));
        assert_eq!(digest_of(&windows[0], &windows[1]), digest);
        for other in [
            ("a.enabled", "b.enabled"),
            ("[x]", "[y]"),
            ("child: b", "child: d"),
            ("enabled: true", "enabled: false"),
            ("alias: b,", "alias: c,"),
            ("~2.34.0", "~2.34.1"),
        ] {
            assert!(chart.contains(other.0));
            assert_ne!(digest_of(&chart.replace(other.0, other.1), lock), digest);
        }
        // Helm 3 has no such fields.
        let more = chart.replace("alias: a,", "alias: a, export-values: [data], digest: x,");
        assert_eq!(digest_of(&more, lock), digest);
    }

    /// What a program of ours says that reads these texts into `chart.Metadata` and `chart.Lock` of Helm 3.19, validates them as
    /// Helm does, and writes them as `HashReq` does.
    #[test]
    fn values_are_those_that_go_writes() {
        let chart = "apiVersion: v2\nname: app\nversion: v1\ndependencies:\n\
            \u{20} - name: openstack-cinder-csi # block storage\n    version: \">=2.34.0 <2.34.2\"\n\
            \u{20}   repository: \"@cpo\"\n    alias: csi\n    condition: csi.enabled,global.csi\n\
            \u{20}   tags: [storage, 1, on]\n    enabled: true\n    import-values:\n      - data\n\
            \u{20}     - {parent: imported, child: default.data}\n      - child: a&b\n        parent: 2.50\n\
            \u{20}       deep: {list: [1, ~, \"1\", yes], big: 1e21, small: 0.0000001}\n\
            \u{20} - name: openstack-cinder-csi\n    version: 2.30\n\
            \u{20}   repository: https://charts.example.org/?a=1&b=<2>\n    alias: second\n    enabled: false\n\
            \u{20}   tags: []\n    import-values: []\n  - name: local\n    repository: \"\"\n";
        let lock = "dependencies:\n\
            - name: openstack-cinder-csi\n  repository: https://kubernetes.github.io/cloud-provider-openstack\n  version: 2.34.1\n\
            - name: openstack-cinder-csi\n  repository: https://charts.example.org/?a=1&b=<2>\n  version: 2.3.4\n\
            - name: local\n  repository: \"\"\n  version: \"\"\n";
        assert_eq!(
            digest_of(chart, lock),
            "sha256:2e69821c682aae393d0636f2f73ebbb6e41d91ada7d6a9dffc8a041a570c3944"
        );
    }

    #[test]
    fn texts_without_quotes_are_what_helm_reads() {
        let read = |text: &str| {
            let file = File::parse(&format!("a: {text}\n")).unwrap();
            helm_text(file.documents()[0].get("a").unwrap())
        };
        for (written, expected) in [
            ("2.30", "2.3"),
            ("2.0", "2"),
            ("2.34", "2.34"),
            ("\"2.30\"", "2.30"),
            ("2.34.10", "2.34.10"),
            ("2.x", "2.x"),
            ("~2.34", "~2.34"),
            ("1e3", "1000"),
            ("on", "true"),
            ("No", "false"),
            ("2026-01-10", "2026-01-10"),
        ] {
            assert_eq!(read(written).as_deref(), Some(expected), "{written}");
        }
        assert_eq!(read("~"), None);
        assert!(is_cut_short("2.40") && !is_cut_short("2.34") && !is_cut_short("2.40.x"));
    }
}
