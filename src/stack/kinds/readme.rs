//! README.md beside a stack: its examples name a release (`openstack-scs2-1-34-v3`) and a version. Only lines that are plainly
//! such examples are touched.

use std::ops::Range;

use super::{Fact, Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted};
use crate::stack::facts::Site;
use crate::version::{KubernetesVersion, Minor};

#[derive(Debug)]
pub(super) struct Readme;

impl FileKind for Readme {
    fn name(&self) -> &'static str {
        "README"
    }

    fn part(&self) -> Part {
        Part::Beside
    }

    fn claims(&self, place: &str, _text: &str) -> bool {
        place == "README.md"
    }

    fn is_yaml(&self) -> bool {
        false
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        for example in examples(file.text()) {
            facts.sites.push(Site {
                file: file.path().to_owned(),
                line: 1 + file.text()[..example.range.start].matches('\n').count(),
                at: "text".to_owned(),
                value: file.text()[example.range].to_owned(),
                fact: Fact::Example,
            });
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
        let stack = format!("{}-{}-", wanted.line.provider, wanted.line.name);
        for example in examples(file.text()) {
            let found = &file.text()[example.range.clone()];
            match example.what {
                What::Version(version) => {
                    let Some(default) = wanted.default else {
                        continue;
                    };
                    edits.splice(
                        example.range.clone(),
                        &default.spelled_like(found),
                        wanted.default_class(version),
                    );
                }
                What::Minor(minor) => {
                    let new = wanted.line.minor.spelled_like(found);
                    edits.splice(example.range.clone(), &new, wanted.minor_class(minor));
                }
                What::Release { minor, number } => {
                    if !found.starts_with(&stack) {
                        continue;
                    }
                    let moves = wanted.default != wanted.default_before
                        || wanted.line != wanted.line_before;
                    let next = wanted
                        .next_version
                        .as_ref()
                        .filter(|_| moves)
                        .map(ToString::to_string);
                    let version = match (number, next) {
                        (Some(_), Some(next)) => format!("-{next}"),
                        (Some(number), None) => format!("-v{number}"),
                        (None, _) => String::new(),
                    };
                    edits.splice(
                        example.range.clone(),
                        &format!("{}{version}", wanted.line),
                        wanted.line_class(minor),
                    );
                }
            }
        }
        Ok(())
    }
}

struct Example {
    range: Range<usize>,
    what: What,
}

enum What {
    /// `version: v1.34.7` of a cluster's topology.
    Version(KubernetesVersion),
    /// `kubernetesVersion: "1.34"` of a `ClusterStack`.
    Minor(Minor),
    /// A release, `openstack-scs2-1-34-v3`, or a stack line before a variable, `openstack-scs2-1-34-$VERSION`.
    Release { minor: Minor, number: Option<u32> },
}

fn examples(text: &str) -> Vec<Example> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if let Some((key, value)) = content.split_once(": ") {
            let value_start = start + content.len() - value.trim_start().len();
            let (quoted, range) = unquote(value.trim_start(), value_start);
            let version = || quoted.parse().ok().map(What::Version);
            let what = match key.trim_start_matches(['-', ' ']) {
                "version" => version(),
                "kubernetesVersion" => quoted.parse().ok().map(What::Minor).or_else(version),
                _ => None,
            };
            found.extend(what.map(|what| Example { range, what }));
        }
        found.extend(releases(line, start));
        start += line.len();
    }
    found
}

fn unquote(value: &str, start: usize) -> (&str, Range<usize>) {
    for quote in ['"', '\''] {
        if let Some(inner) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return (inner, start + 1..start + 1 + inner.len());
        }
    }
    (value, start..start + value.len())
}

/// Finds words such as `openstack-scs2-1-34-v3`.
fn releases(line: &str, start: usize) -> Vec<Example> {
    let mut found = Vec::new();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    let mut at = 0;
    while let Some(offset) = line[at..].find(is_word) {
        let begin = at + offset;
        let end = line[begin..]
            .find(|c| !is_word(c))
            .map_or(line.len(), |length| begin + length);
        let word = line[begin..end].trim_end_matches(['-', '.']);
        let parts: Vec<&str> = word.split('-').collect();
        if let [provider, name, major, minor, rest @ ..] = &parts[..]
            && !provider.is_empty()
            && !name.is_empty()
            && let Ok(minor) = format!("{major}-{minor}").parse()
        {
            let number = rest
                .first()
                .and_then(|version| version.strip_prefix('v')?.parse().ok());
            if rest.is_empty() || (rest.len() == 1 && number.is_some()) {
                let range = start + begin..start + begin + word.len();
                found.push(Example {
                    range,
                    what: What::Release { minor, number },
                });
            }
        }
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_examples_and_nothing_else() {
        let text = "Uses 1.34 and v1.34.7.\n  class: openstack-scs2-1-33-v2\n  version: v1.33.4\n  kubernetesVersion: \"1.33\"\n\
                    class: openstack-scs2-1-33-$VERSION\nopenstack-scs2-1-33-cluster-class\n  version: \"3.1\"\n";
        let found: Vec<&str> = examples(text)
            .into_iter()
            .map(|example| &text[example.range])
            .collect();
        assert_eq!(
            found,
            [
                "openstack-scs2-1-33-v2",
                "v1.33.4",
                "1.33",
                "openstack-scs2-1-33"
            ]
        );
    }
}
