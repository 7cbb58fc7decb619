//! Names of base branches, which may be templates, and globs of files. They name no branch that exists.

use std::fmt;
use std::str::FromStr;

use crate::template::{Template, Variable};
use crate::version::StackLine;

/// A branch's name, or a template of one: `maint/{{stack}}-{{minorDashed}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchTemplate(Template<Name>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Provider,
    Stack,
    Minor,
    MinorDashed,
}

impl Variable for Name {
    const ALL: &'static [(&'static str, Self)] = &[
        ("provider", Self::Provider),
        ("stack", Self::Stack),
        ("minor", Self::Minor),
        ("minorDashed", Self::MinorDashed),
    ];
}

impl Name {
    fn of(self, line: &StackLine) -> String {
        match self {
            Self::Provider => line.provider.clone(),
            Self::Stack => line.name.clone(),
            Self::Minor => line.minor.to_string(),
            Self::MinorDashed => line.minor.dashed(),
        }
    }
}

impl BranchTemplate {
    /// Returns the branch of a stack line.
    pub fn branch_of(&self, line: &StackLine) -> String {
        // Every name is known of a stack line.
        let filled = self.0.fill(|name| Some(name.of(line)));
        filled.unwrap_or_default()
    }

    /// Tells whether every stack line has the same branch.
    pub(crate) fn is_fixed(&self) -> bool {
        self.0.variables().next().is_none()
    }
}

impl FromStr for BranchTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let template = Self(Template::parse(text)?);
        // What a stack's name may hold is allowed in a branch, so that one example stands for all.
        let example = "openstack-scs2-1-34"
            .parse()
            .map(|line| template.branch_of(&line))
            // The example is a stack line; were it none, the empty name would be refused below.
            .unwrap_or_default();
        if is_branch_name(&example) {
            Ok(template)
        } else {
            Err("git does not allow this branch name".to_owned())
        }
    }
}

/// The rules of `git check-ref-format --branch`.
fn is_branch_name(name: &str) -> bool {
    !name.starts_with('-')
        && name != "@"
        && name != "HEAD"
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c))
        && name.split('/').all(is_ref_part)
}

fn is_ref_part(part: &str) -> bool {
    let is_lock = matches!(part.rsplit_once('.'), Some((_, "lock")));
    !part.is_empty() && !part.starts_with('.') && !is_lock
}

impl fmt::Display for BranchTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A glob of files, relative to the repository's root, in the form of `.gitignore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGlob(String);

impl FileGlob {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a file, by its path below the repository's root, is meant.
    pub fn matches(&self, path: &str) -> bool {
        FileGlobs::new(std::slice::from_ref(self)).matches(path)
    }
}

/// Several globs, made ready to be asked for many files.
#[derive(Debug, Clone)]
pub struct FileGlobs(ignore::gitignore::Gitignore);

impl FileGlobs {
    pub fn new(globs: &[FileGlob]) -> Self {
        let mut builder = ignore::gitignore::GitignoreBuilder::new("");
        for glob in globs {
            // Each was accepted by `FromStr` below.
            let _ = builder.add_line(None, glob.as_str());
        }
        let built = builder.build();
        Self(built.unwrap_or_else(|_| ignore::gitignore::Gitignore::empty()))
    }

    /// Tells whether a file, by its path below the repository's root, is meant by any.
    pub fn matches(&self, path: &str) -> bool {
        // As in .gitignore, the name of a directory stands for every file below it.
        !self.0.is_empty() && self.0.matched_path_or_any_parents(path, false).is_ignore()
    }
}

impl FromStr for FileGlob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let leaves_root = text.split('/').any(|part| part == "..");
        // In .gitignore `!` is an exception and `#` a comment; a leading `/` would look like an absolute path.
        let is_plain = !text.is_empty() && !text.starts_with(['!', '#', '/']) && !leaves_root;
        let mut builder = ignore::gitignore::GitignoreBuilder::new("");
        if is_plain && builder.add_line(None, text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected a glob of files below the repository's root".to_owned())
        }
    }
}

macro_rules! read_as_text {
    ($($name:ty),+) => {$(
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
        #[cfg(test)]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }
    )+};
}
read_as_text!(BranchTemplate, FileGlob);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_names_the_branch_of_a_line() {
        let line: StackLine = "openstack-scs2-1-34".parse().unwrap();
        for (text, branch) in [
            ("main", "main"),
            ("maint/{{stack}}-{{minor}}", "maint/scs2-1.34"),
            (
                "{{ provider }}/{{stack}}/{{minorDashed}}",
                "openstack/scs2/1-34",
            ),
        ] {
            let template: BranchTemplate = text.parse().unwrap();
            assert_eq!(template.branch_of(&line), branch);
            assert_eq!(template.is_fixed(), text == branch);
            assert_eq!(template.to_string().replace(' ', ""), text.replace(' ', ""));
        }
        for text in [
            "",
            "a b",
            "a..b",
            "-a",
            "a/",
            "/a",
            "a.lock",
            "a~1",
            "{{stack",
            "{{name}}",
            "{{#if stack}}a{{/if}}",
            "{{{stack}}}",
        ] {
            assert!(text.parse::<BranchTemplate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_glob_stays_in_the_repository() {
        for text in [
            "versions.yaml",
            "providers/**/README.md",
            "*.y?ml",
            "[ab].md",
        ] {
            assert!(text.parse::<FileGlob>().is_ok(), "{text}");
        }
        for text in ["", "../x", "a/../../b", "/etc/x", "!a", "# x"] {
            assert!(text.parse::<FileGlob>().is_err(), "{text}");
        }
    }
}
