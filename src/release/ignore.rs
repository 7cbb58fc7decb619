//! `.helmignore`: which files of a chart Helm leaves out of its package. Source: `pkg/ignore/rules.go` of Helm 3, whose patterns are
//! those of Go's `filepath.Match`.

use globset::{GlobBuilder, GlobMatcher};

/// The rules of one `.helmignore`, and Helm's own.
#[derive(Debug)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    matcher: GlobMatcher,
    /// `!`: what does not match is left out.
    is_negated: bool,
    /// A slash at its end: directories alone are meant.
    is_for_directories: bool,
    /// Without a slash inside, the name alone is looked at.
    is_for_names: bool,
}

/// A rule that Helm does not take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RuleError {
    pub(super) line: usize,
    pub(super) message: String,
}

impl Rules {
    /// Reads the text of a `.helmignore`; an empty text has Helm's own rule alone.
    pub(super) fn parse(text: &str) -> Result<Self, RuleError> {
        // Helm leaves hidden files of `templates` out of every chart.
        let mut rules = Self(Vec::new());
        for (index, line) in text.lines().enumerate() {
            rules.add(line).map_err(|message| RuleError {
                line: index + 1,
                message,
            })?;
        }
        rules
            .add("templates/.?*")
            .map_err(|message| RuleError { line: 0, message })?;
        Ok(rules)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let written = line.trim();
        if written.is_empty() || written.starts_with('#') {
            return Ok(());
        }
        if written.contains("**") {
            return Err(format!(
                "`{written}`: double-star (**) syntax is not supported by Helm"
            ));
        }
        let (is_negated, rest) = without(written, |text| text.strip_prefix('!'));
        let (is_for_directories, rest) = without(rest, |text| text.strip_suffix('/'));
        let (is_rooted, pattern) = without(rest, |text| text.strip_prefix('/'));
        // Braces are letters to Go, and alternatives to globset.
        let pattern = pattern.replace('{', "[{]").replace('}', "[}]");
        let glob = GlobBuilder::new(&pattern)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|error| format!("`{written}`: {}", error.kind()))?;
        self.0.push(Rule {
            matcher: glob.compile_matcher(),
            is_negated,
            is_for_directories,
            is_for_names: !is_rooted && !pattern.contains('/'),
        });
        Ok(())
    }

    /// Tells whether a file of the chart is left out, by itself or with a directory above it.
    pub(super) fn leaves_out(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        let mut directories = above;
        directories.any(|directory| self.ignores(directory, PathKind::Directory))
            || self.ignores(path, PathKind::File)
    }

    fn ignores(&self, path: &str, kind: PathKind) -> bool {
        for rule in &self.0 {
            let is_meant = kind == PathKind::Directory || !rule.is_for_directories;
            let subject = if rule.is_for_names {
                path.rsplit('/').next().unwrap_or(path)
            } else {
                path
            };
            let is_match = is_meant && rule.matcher.is_match(subject);
            // The first rule that decides ends it, as in Helm: a negated one for all that it does not match.
            if is_match != rule.is_negated {
                return true;
            }
        }
        false
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PathKind {
    Directory,
    File,
}

fn without<'t>(text: &'t str, cut: impl Fn(&'t str) -> Option<&'t str>) -> (bool, &'t str) {
    cut(text).map_or((false, text), |rest| (true, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_leave_out_what_helm_leaves_out() {
        // The cases are those of the comments in Helm's `pkg/ignore/doc.go`, and of its `rules_test.go`.
        for (rules, left_out, kept) in [
            (
                "helm.txt",
                &["helm.txt", "a/helm.txt"][..],
                &["tiller.txt"][..],
            ),
            ("mast/", &["mast/a.txt"], &["mast", "a.txt"]),
            (
                "mast/*",
                &["mast/a.txt", "mast/b"],
                &["mast.txt", "x/mast/a"],
            ),
            ("/mast", &["mast"], &["a/mast"]),
            ("a[a-d].txt", &["aa.txt"], &["ae.txt"]),
            ("?.txt", &["a.txt", "cargo/a.txt"], &["ab.txt"]),
            ("# comment\n\n*.swp", &["x/.y.swp"], &["x"]),
            ("{a,b}", &["{a,b}"], &["a", "b"]),
            ("", &["templates/.hidden"], &["templates/shown", ".hidden"]),
        ] {
            let parsed = Rules::parse(rules).unwrap();
            for path in left_out {
                assert!(parsed.leaves_out(path), "{rules:?} keeps {path}");
            }
            for path in kept {
                assert!(!parsed.leaves_out(path), "{rules:?} leaves out {path}");
            }
        }
    }

    #[test]
    fn a_negated_rule_leaves_out_all_the_rest() {
        let rules = Rules::parse("!*.yaml").unwrap();
        assert!(rules.leaves_out("README.md") && !rules.leaves_out("Chart.yaml"));
    }

    #[test]
    fn what_helm_refuses_is_refused_with_its_line() {
        let error = Rules::parse("a\n**/b").unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.message.contains("double-star"), "{}", error.message);
        assert!(Rules::parse("[a").is_err());
    }
}
