//! Rules: what each is called, how bad its findings are, and why it is there. Each family of rules is a file beside this one.

use super::finding::{Contradiction, Finding, Severity};
use super::view::View;

/// A rule of `check`.
#[derive(Debug)]
pub struct Rule {
    /// Its name, which never changes: `class-chart-minor`.
    pub name: &'static str,
    /// The group it belongs to.
    pub group: Group,
    /// How bad its findings are.
    pub severity: Severity,
    /// What it finds, in one sentence.
    pub finds: &'static str,
    /// Why it matters, in one sentence.
    pub reason: &'static str,
    /// What finds it.
    pub(super) find: Search,
}

/// How a rule looks at a stack.
#[derive(Debug, Clone, Copy)]
pub(super) enum Search {
    /// It compares what the stack's files say. Where the file that says what the stack is cannot be read, there is nothing to compare
    /// the others with, and the rule is left out.
    Stack(fn(&View<'_>) -> Vec<Contradiction>),
    /// It reports files that could not be read, so it applies to every stack.
    Faults(fn(&View<'_>) -> Vec<Contradiction>),
}

/// A group of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Contradictions between the files of the repository; applied unless left out.
    Tree,
    /// What the release tools set right on their own, or what is only probably wrong; applied when asked.
    Strict,
    /// What the repository says against what its sources offer; applied when asked, or when a catalog file is given.
    Catalog,
    /// What standard scs-0210 finds late on the day; applied when asked.
    Standard,
    /// Whether the state can be published; applied when asked.
    Release,
}

/// The rule whose answer is prepared by the command, which can read files as bytes.
pub const CSCTL_RULE: &str = "csctl-refuses";

impl Group {
    /// Tells whether its rules need a catalog.
    pub(crate) fn needs_catalog(self) -> bool {
        match self {
            Self::Catalog | Self::Standard => true,
            Self::Tree | Self::Strict | Self::Release => false,
        }
    }

    /// All groups.
    pub const ALL: [Self; 5] = [
        Self::Tree,
        Self::Strict,
        Self::Catalog,
        Self::Standard,
        Self::Release,
    ];

    /// Returns the name used in options: `tree`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Strict => "strict",
            Self::Catalog => "catalog",
            Self::Standard => "standard",
            Self::Release => "release",
        }
    }

    /// Returns what its rules have in common, in one sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Tree => {
                "Contradictions between files of the repository. They need nothing else and are applied by default."
            }
            Self::Strict => {
                "What release tools correct by themselves, or what is only probably wrong. Applied on request: `--with strict`."
            }
            Self::Catalog => {
                "Differences between the repository and what its sources offer. Applied on request, `--with catalog`, and with a catalog file."
            }
            Self::Standard => {
                "What is overdue, or due soon, under standard scs-0210. Applied on request, `--with standard`: it needs the releases of Kubernetes."
            }
            Self::Release => {
                "Whether csctl would publish the state. Applied on request, `--with release`: it compares every file with the last release's git tag."
            }
        }
    }

    /// Tells whether its rules are applied without being asked for.
    pub(crate) fn is_default(self) -> bool {
        match self {
            Self::Tree => true,
            Self::Strict | Self::Catalog | Self::Standard | Self::Release => false,
        }
    }
}

impl Rule {
    /// Tells whether a name is the rule's own or that of its group.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.name == name || self.group.name() == name
    }

    /// Returns what it finds in a stack.
    pub(super) fn apply(&self, view: &View<'_>) -> impl Iterator<Item = Finding> {
        let found = match self.find {
            Search::Stack(_) if view.is_torn() => Vec::new(),
            Search::Stack(find) | Search::Faults(find) => find(view),
        };
        let stack = view.stack.title();
        found
            .into_iter()
            .map(move |contradiction| self.finding(contradiction, stack.clone()))
    }

    fn finding(&self, found: Contradiction, stack: String) -> Finding {
        Finding {
            file: found.file,
            line: found.line,
            rule: self.name,
            case: found.case,
            severity: self.severity,
            stack,
            minor: found.minor,
            at: found.at,
            message: found.message,
            fix: None,
            hint: found.hint,
        }
    }
}
