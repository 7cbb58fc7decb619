//! What templates of Helm print about an image: which values of the chart, and which text around them.

use super::version_of;
use crate::version::KubernetesVersion;

/// Returns the keys of the chart's value that a template's action prints: `image.url` of `{{ .Values.image.url | quote }}`.
pub(crate) fn value_ref(text: &str) -> Option<Vec<String>> {
    let inner = text
        .trim()
        .strip_prefix("{{")?
        .strip_suffix("}}")?
        .trim_matches('-')
        .trim();
    let (chain, pipes) = inner.split_once('|').unwrap_or((inner, ""));
    let keys = chain.trim().strip_prefix(".Values.")?;
    (pipes.split('|').all(keeps_text) && keys.split('.').all(is_key))
        .then(|| keys.split('.').map(str::to_owned).collect())
}

/// Tells whether a function of a pipe leaves the text that comes into it as it is, quotes aside.
fn keeps_text(function: &str) -> bool {
    // Any other function may print something else than the value that an edit would set.
    matches!(function.trim(), "" | "quote" | "squote" | "toString")
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_key_char)
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns the keys of all values of the chart that a text's actions read.
pub(crate) fn values_in(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for action in actions(text) {
        for (at, marker) in action.match_indices(".Values.") {
            let rest = &action[at + marker.len()..];
            let end = rest.find(|c| !is_key_char(c) && c != '.');
            let keys = rest[..end.unwrap_or(rest.len())]
                .trim_matches('.')
                .split('.');
            found.push(keys.map(str::to_owned).collect());
        }
    }
    found
}

/// Finds the version that the text around a template's actions names, or a text within one.
pub(crate) fn version_around(text: &str) -> Option<KubernetesVersion> {
    let mut around = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        around.push_str(before);
        // Something stands for the action, else the texts around it would meet and could look like a version.
        around.push('x');
        rest = behind.split_once("}}").map_or("", |(_, behind)| behind);
    }
    around.push_str(rest);
    let quoted = actions(text).flat_map(|action| action.split('"').skip(1).step_by(2));
    version_of(&around).or_else(|| quoted.into_iter().find_map(version_of))
}

/// Returns a text as Helm writes it, where its actions do no more than print values of the chart.
pub(crate) fn evaluated<'v>(
    text: &str,
    value: impl Fn(&[String]) -> Option<&'v str>,
) -> Option<String> {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (action, behind) = behind.split_once("}}")?;
        written.push_str(before);
        written.push_str(value(&value_ref(&format!("{{{{{action}}}}}"))?)?);
        rest = behind;
    }
    written.push_str(rest);
    Some(written.trim_matches('"').to_owned())
}

/// Returns what stands between the braces of each action.
fn actions(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("{{").skip(1);
    behind.filter_map(|behind| Some(behind.split_once("}}")?.0))
}

/// Reads `{{ .Values.image }}@{{ .Values.digest }}`: the keys of both values.
pub(crate) fn pinned_refs(text: &str) -> Option<(Vec<String>, Vec<String>)> {
    let (image, digest) = text.split_once('@')?;
    Some((value_ref(image)?, value_ref(digest)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_that_prints_a_value_refers_to_it() {
        let keys = |text: &str| value_ref(text).map(|keys| keys.join("."));
        assert_eq!(
            keys("{{ .Values.image.url | quote }}").as_deref(),
            Some("image.url")
        );
        assert_eq!(keys("{{- .Values.name -}}").as_deref(), Some("name"));
        for text in [
            "{{ .url }}",
            "{{ printf \"%s\" .Values.name }}",
            "{{ .Values.name | default \"x\" }}",
            "a-{{ .Values.name }}",
            "{{ .Values.a }}{{ .Values.b }}",
        ] {
            assert_eq!(keys(text), None, "{text}");
        }
    }
}
