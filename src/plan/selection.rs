//! Which stacks and minors a person asked for, and how commands that are named to people repeat it.

use crate::stack::Stack;
use crate::version::Minor;

/// What the user asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Stacks by title (`openstack/scs2`), name, stack line or directory; empty means all.
    pub stacks: Vec<String>,
    /// The only minor to look at.
    pub minor: Option<Minor>,
    /// The minor that a source tree is to be set to.
    pub switch_to: Option<Minor>,
    /// The minor that is to be added: a directory, or a row and entries of lists.
    pub add: Option<Minor>,
    /// Whether this is one of several plans, each of a stack line: then that the other lines are left alone needs no word.
    pub is_line_by_line: bool,
    /// What every command that is named to people needs to see the same repository and sources.
    pub carried: Carried,
}

/// Arguments of this run that commands named to people carry on, each text with a blank before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// Before the command: ` -C directory`.
    pub before: String,
    /// At its end: ` --catalog file`.
    pub after: String,
}

impl Selection {
    /// Tells whether a stack was asked for.
    pub fn takes(&self, stack: &Stack) -> bool {
        self.stacks.is_empty()
            || self
                .stack_names()
                .any(|wanted| names_stack(stack, wanted) || named_minor(stack, wanted).is_some())
    }

    /// Tells whether a minor of a stack is looked at: where one is to be set or added, that one alone.
    pub(crate) fn takes_minor(&self, stack: &Stack, minor: Minor) -> bool {
        let asked = self.asked_minor();
        asked.is_none_or(|asked| asked == minor) && self.names_minor(stack, minor)
    }

    /// Tells whether a minor of a stack is among those that were named. A stack line, or its directory, names its minor alone.
    pub(crate) fn names_minor(&self, stack: &Stack, minor: Minor) -> bool {
        let by_name = self.stacks.is_empty()
            || self.stack_names().any(|wanted| {
                names_stack(stack, wanted) || named_minor(stack, wanted) == Some(minor)
            });
        self.minor.is_none_or(|only| only == minor) && by_name
    }

    fn stack_names(&self) -> impl Iterator<Item = &str> {
        let named = self.stacks.iter();
        // Shells end a directory's name with a slash.
        named.map(|name| name.trim_end_matches('/'))
    }

    /// Returns a command line for people, with the arguments of this run that it needs.
    pub fn command(&self, words: &str) -> String {
        let Carried { before, after } = &self.carried;
        format!("csctl-matrix{before} {words}{after}")
    }

    /// Returns a command line for people that asks no source: it says where the repository is, and nothing else of this run.
    pub(crate) fn local_command(&self, words: &str) -> String {
        format!("csctl-matrix{} {words}", self.carried.before)
    }

    /// Returns the minor that a source tree is to be set to, or that is to be added.
    pub(crate) fn asked_minor(&self) -> Option<Minor> {
        self.switch_to.or(self.add)
    }
}

/// Tells whether a text names a stack as a whole: its directory, one above it, its title or its name.
fn names_stack(stack: &Stack, wanted: &str) -> bool {
    let mut trees = stack.trees.iter();
    let above = stack.directory.strip_prefix(wanted);
    // The path of the root is empty, and every stack lies below it.
    wanted.is_empty()
        || stack.directory == wanted
        || stack.title() == wanted
        || above.is_some_and(|rest| rest.starts_with('/'))
        || trees.any(|tree| tree.name == wanted)
}

/// Returns the minor of the source tree that a text names by its stack line or its directory.
fn named_minor(stack: &Stack, wanted: &str) -> Option<Minor> {
    let mut trees = stack.trees.iter();
    let named = trees.find(|tree| {
        // A directory that is the stack's too names the stack as a whole, with the minors of its lists.
        let own_directory = tree.directory != stack.directory && tree.directory == wanted;
        own_directory || tree.line().is_some_and(|line| line.to_string() == wanted)
    });
    named?.minor
}
