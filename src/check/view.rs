//! What rules look at: one cluster stack, with the questions that many rules ask of it.

use jiff::civil::Date;

use super::finding::Contradiction;
use super::input::CheckInput;
use crate::stack::{Fact, Fault, ImageList, Reference, Role, SourceFile, SourceTree, Stack};
use crate::version::{KubernetesVersion, Md5, Minor, Sha256};

/// One cluster stack, as rules look at it.
pub(super) struct View<'a> {
    pub(super) input: CheckInput<'a>,
    pub(super) stack: &'a Stack,
}

/// A source tree whose minor is known.
#[derive(Clone, Copy)]
pub(super) struct LineView<'a> {
    pub(super) tree: &'a SourceTree,
    pub(super) minor: Minor,
    pub(super) default: Option<KubernetesVersion>,
}

/// An image that a file states with its URL, with what it says of it.
#[derive(Clone)]
pub(super) struct StatedImage<'a> {
    pub(super) file: &'a str,
    pub(super) line: usize,
    pub(super) minor: Option<Minor>,
    pub(super) version: KubernetesVersion,
    pub(super) url: &'a str,
    pub(super) sha256: Option<&'a Sha256>,
    pub(super) md5: Option<&'a Md5>,
    pub(super) built: Option<Date>,
}

impl<'a> View<'a> {
    pub(super) fn new(input: CheckInput<'a>, stack: &'a Stack) -> Self {
        Self { input, stack }
    }

    /// Returns a command line of the program for people who have selected what this check has: `update openstack/scs2`.
    pub(super) fn command(&self, words: &str) -> String {
        self.input.selection.command(words)
    }

    /// Returns the command line that updates the stack.
    pub(super) fn update_command(&self) -> String {
        self.command(&format!("update {}", self.stack.title()))
    }

    /// Tells whether a file that says what the stack is could not be read: then the others have nothing to be compared with.
    pub(super) fn is_torn(&self) -> bool {
        self.stack.faults.iter().any(Fault::hides_stack)
    }

    /// Returns the source trees whose minor is known.
    pub(super) fn lines(&self) -> impl Iterator<Item = LineView<'a>> + use<'a> {
        self.stack.trees.iter().filter_map(|tree| {
            Some(LineView {
                tree,
                minor: tree.minor?,
                default: tree.default,
            })
        })
    }

    /// Finds the source tree of a minor.
    pub(super) fn find_line(&self, minor: Minor) -> Option<LineView<'a>> {
        self.lines().find(|line| line.minor == minor)
    }

    /// Returns every list of node images, with the minor of its source tree where it belongs to one.
    pub(super) fn image_lists(
        &self,
    ) -> impl Iterator<Item = (Option<Minor>, &'a ImageList)> + use<'a> {
        self.files_with_minor().flat_map(|(minor, file)| {
            file.image_lists()
                .iter()
                .map(move |image_list| (minor, image_list))
        })
    }

    /// Returns the images that files state with their URLs: entries of lists, then single ones.
    pub(super) fn stated_images(&self) -> Vec<StatedImage<'a>> {
        let listed = self.image_lists().flat_map(|(minor, image_list)| {
            let entries = image_list.entries.iter();
            entries.filter_map(move |entry| {
                Some(StatedImage {
                    file: &image_list.file,
                    line: entry.line,
                    minor,
                    version: entry.version,
                    url: entry.url.as_deref()?,
                    sha256: entry.sha256.as_ref(),
                    md5: entry.md5.as_ref(),
                    built: entry.built,
                })
            })
        });
        let single = self.lines().flat_map(|line| {
            line.references()
                .filter_map(move |reference| match &reference.fact {
                    Fact::Image(image) => Some(StatedImage {
                        file: &reference.file,
                        line: reference.line,
                        minor: Some(line.minor),
                        version: image.version,
                        url: &image.url,
                        sha256: image.sha256.as_ref(),
                        md5: None,
                        built: None,
                    }),
                    _ => None,
                })
        });
        listed.chain(single).collect()
    }

    /// Returns every file, with the minor of its source tree where it belongs to one.
    pub(super) fn files_with_minor(
        &self,
    ) -> impl Iterator<Item = (Option<Minor>, &'a SourceFile)> + use<'a> {
        let stack = self.stack;
        let own = stack
            .trees
            .iter()
            .flat_map(|tree| tree.files.iter().map(move |file| (tree.minor, file)));
        let all = own.chain(stack.shared.iter().map(|file| (None, file)));
        all.map(|(minor, file)| (minor, file.as_ref()))
    }

    /// Returns every file.
    pub(super) fn files(&self) -> impl Iterator<Item = &'a SourceFile> + use<'a> {
        self.stack.files()
    }
}

impl<'a> LineView<'a> {
    /// Returns what the stack is set to: `v1.34.7`, or `1.34` where no version is named in full.
    pub(super) fn version_words(self) -> String {
        version_words(self.default, self.minor)
    }

    /// Returns the stack's name in sentences: `the stack is v1.34.7`.
    pub(super) fn is_words(self) -> String {
        match self.default {
            Some(default) => format!("the stack is {default}"),
            None => format!("the stack is for {}", self.minor),
        }
    }

    /// Tells whether a version is another one than the stack's.
    pub(super) fn differs(self, version: KubernetesVersion) -> bool {
        match self.default {
            Some(default) => version != default,
            None => version.minor() != self.minor,
        }
    }

    /// Returns its single facts.
    pub(super) fn references(self) -> impl Iterator<Item = &'a Reference> + use<'a> {
        self.tree.references()
    }

    /// Returns a finding at a reference.
    pub(super) fn at(self, reference: &Reference, message: impl Into<String>) -> Contradiction {
        Contradiction::at(reference, message).of(self.minor)
    }

    /// Returns the file that says what the source tree is: its csctl.yaml, its stack.yaml, or the class's chart.
    pub(super) fn own_file(self) -> String {
        [Role::CsctlConfig, Role::StackFile]
            .into_iter()
            .find_map(|role| self.tree.files_for(role).next())
            .or(self.tree.files.first().map(AsRef::as_ref))
            .map_or(self.tree.directory.as_str(), |file| file.path())
            .to_owned()
    }

    /// Returns the name of the file that states the default version, for sentences.
    pub(super) fn default_file(self) -> &'a str {
        let stated = self.references().find(|reference| {
            matches!(reference.fact, Fact::Kubernetes { version } if Some(version) == self.default)
        });
        stated.map_or("the stack", |reference| file_name(&reference.file))
    }
}

/// Returns the last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Names a version, or the minor alone where that is all there is.
pub(super) fn version_words(version: Option<KubernetesVersion>, minor: Minor) -> String {
    version.map_or_else(|| minor.to_string(), |version| version.to_string())
}
