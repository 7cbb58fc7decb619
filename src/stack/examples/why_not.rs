//! Why something that looks like an example of a stack is none.

use std::fmt;
use std::ops::Range;

/// Why something is no example of a stack. It prints as a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// It stands in a sentence.
    Prose,
    /// It stands in a heading.
    Heading,
    /// It stands in a table.
    Table,
    /// It stands in HTML, which may not be shown.
    Html,
    /// It stands in a sentence, as code.
    Span,
    /// It stands below a heading about the past.
    Past(String),
    /// It stands in a text that shows a change.
    Difference,
    /// The code is no resource and no command that names the stack's release.
    OtherCode,
    /// It belongs to a resource of another kind.
    OtherKind(String),
    /// It belongs to a `Cluster` of another class, or one that cannot be known.
    OtherClass(String),
    /// It belongs to a `Cluster` without a class.
    NoClass,
    /// It belongs to a `ClusterStack` of another stack, or one that does not say whose it is.
    OtherClusterStack(String),
    /// It belongs to a `ClusterStack` that does not say its minor.
    NoMinor,
    /// A template writes some of it.
    Template,
    /// A key stands twice.
    Twice,
    /// The piece is no YAML, and no part of it is.
    Unreadable,
    /// It is part of another example than the stack's current one, which stands beside it.
    BesideCurrent,
    /// The words before it say that it shows an older state.
    OlderOnPurpose,
    /// The command names another release than the current one.
    OtherRelease,
    /// The command names several releases.
    SeveralReleases,
    /// The command names a Kubernetes version beside the release, and the two would come apart.
    VersionBeside,
    /// The line is what a command said.
    Output,
    /// The line or its end is a comment.
    Comment,
}

/// A part of a text that holds no example.
#[derive(Debug, Clone)]
pub(super) struct Excluded {
    pub(super) range: Range<usize>,
    pub(super) reason: WhyNot,
}

impl Excluded {
    pub(super) fn holds(&self, range: &Range<usize>) -> bool {
        self.range.start <= range.start && range.end <= self.range.end
    }
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prose => f.write_str("it stands in a sentence"),
            Self::Heading => f.write_str("it stands in a heading"),
            Self::Table => f.write_str("it stands in a table"),
            Self::Html => f.write_str("it stands in HTML"),
            Self::Span => f.write_str("it stands in a sentence, as code"),
            Self::Past(heading) => write!(f, "it stands below the heading `{heading}`"),
            Self::Difference => f.write_str("the code shows a change that was made"),
            Self::OtherCode => f.write_str(
                "the code is not a Cluster, a ClusterStack, or a command that names a release of the stack",
            ),
            Self::OtherKind(kind) => write!(f, "it belongs to a {kind}"),
            Self::OtherClass(class) => {
                write!(f, "the Cluster's class is {class}, not a release of the stack")
            }
            Self::NoClass => {
                f.write_str("the Cluster names no class, so it may be of any stack")
            }
            Self::OtherClusterStack(owner) => {
                write!(f, "the ClusterStack is of {owner}, not of the stack")
            }
            Self::NoMinor => f.write_str("the ClusterStack does not state its minor"),
            Self::Template => f.write_str("a template writes some of it"),
            Self::Twice => f.write_str("it has a duplicate key"),
            Self::Unreadable => f.write_str("the code around it cannot be read as YAML"),
            Self::BesideCurrent => {
                f.write_str("it shows another release, beside an example of the current one")
            }
            Self::OlderOnPurpose => {
                f.write_str("it shows an older state, and the text before it says so")
            }
            Self::OtherRelease => {
                f.write_str("the command names another release than the current one")
            }
            Self::SeveralReleases => f.write_str("the command names several releases"),
            Self::VersionBeside => {
                f.write_str("the command names a Kubernetes version beside the release")
            }
            Self::Output => f.write_str("it is what a command said"),
            Self::Comment => f.write_str("it stands in a comment"),
        }
    }
}
