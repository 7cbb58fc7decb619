//! Makes releases in memory, for the commands that write, publish or only weigh them: from the source trees of a working directory or of
//! any revision, after the last release that a directory or a registry knows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::Timestamp;

use super::place_error;
use crate::catalog::Catalog;
use crate::command::{Place, Repository, SourceSettings, block_on};
use crate::error::CommandError;
use crate::io::chart_archives::fetch;
use crate::io::files::{read_flat_directory, read_source_tree};
use crate::io::git::GitRepository;
use crate::io::release_place::ReleasePlace;
use crate::plan::Selection;
use crate::release::{
    ADDON_CONFIG_FILE, ChartArchive, ChartWish, HASHES_FILE, Last, METADATA_FILE, MinorRequest,
    Mode, NODE_IMAGES_FILE, Outcome as Built, Published, ReleaseInput, StackFiles, Versions, build,
    set_to_minor, vendor, verify, wishes,
};
use crate::stack::{Fault, SourceTree, Stack, Tree};
use crate::version::{Minor, ReleaseTag, StackLine, VersionError};

/// What to make.
#[derive(Debug, Clone)]
pub(crate) struct MakeRequest {
    /// The repository.
    pub place: Place,
    /// How sources are asked, where something has to be.
    pub sources: SourceSettings,
    /// Which stacks and which minor.
    pub selection: Selection,
    /// Where the versions come from.
    pub mode: WantedMode,
    /// The moment for files in archives; nothing for that of the commit.
    pub moment: Option<Timestamp>,
    /// Whether files with changes that are not committed may go into a release.
    pub allow_dirty: bool,
    /// Whether charts that the stack asks for and does not have are downloaded into the release.
    pub vendor: bool,
}

/// Where the versions of a release come from, as somebody asked.
#[derive(Debug, Clone)]
pub(crate) enum WantedMode {
    /// The content.
    Hash,
    /// The commit.
    Git,
    /// The last release, in this directory.
    StableAfter(PathBuf),
    /// The last release that is published here.
    StableIn(ReleasePlace),
    /// The last releases, which the command finds by itself.
    StableTold,
    /// There is no release of the line yet.
    StableFirst,
    /// Nobody said which release was the last.
    StableUnknown,
    /// These.
    Custom(Versions),
}

impl WantedMode {
    /// Returns its name on the command line.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Git => "git",
            Self::StableAfter(_)
            | Self::StableIn(_)
            | Self::StableTold
            | Self::StableFirst
            | Self::StableUnknown => "stable",
            Self::Custom(_) => "custom",
        }
    }
}

/// The commit that a release is made from.
pub(super) struct Commit {
    pub(super) number: Option<String>,
    pub(super) moment: Timestamp,
}

impl Commit {
    fn of(repository: &Repository) -> Result<Self, CommandError> {
        let revision = repository.revision.as_deref().unwrap_or("HEAD");
        let none = Self {
            number: None,
            moment: Timestamp::UNIX_EPOCH,
        };
        let Some(git) = &repository.git else {
            return Ok(none);
        };
        let id = match git.resolve(revision) {
            Ok(id) => id,
            // A repository without any commit.
            Err(_) if repository.revision.is_none() => return Ok(none),
            Err(error) => return Err(error.into()),
        };
        let facts = git.find_commit(id)?;
        Ok(Self {
            number: Some(id.to_string()),
            moment: facts.map_or(Timestamp::UNIX_EPOCH, |facts| facts.time),
        })
    }
}

/// A source tree to build a release from.
pub(super) struct Subject {
    pub(super) stack: Rc<Stack>,
    /// Which of its source trees.
    tree: usize,
    /// The files that differ from those of the repository, as it was set to another minor.
    pub(super) changed: StackFiles,
}

impl Subject {
    pub(super) fn tree(&self) -> &SourceTree {
        &self.stack.trees[self.tree]
    }

    /// Which of the stack's source trees it is.
    pub(super) fn place(&self) -> usize {
        self.tree
    }
}

/// Makes releases of one repository.
pub(super) struct Maker<'a> {
    request: &'a MakeRequest,
    repository: &'a Repository,
    selection: Selection,
    catalog: Option<Catalog>,
    pub(super) commit: Commit,
    /// The last releases of a registry, where it was asked for them.
    lasts: BTreeMap<StackLine, Option<Published>>,
}

impl<'a> Maker<'a> {
    /// Gets ready; no release is made.
    pub(super) fn new(
        request: &'a MakeRequest,
        repository: &'a Repository,
    ) -> Result<Self, CommandError> {
        if let WantedMode::StableUnknown = request.mode {
            let message =
                "the mode stable goes up from the last published release, and it is not known";
            return Err(CommandError::new(message).hinted(
                "name the registry that has it: --repository; or a directory with its files: --last DIR; or say that the line has none: --first",
            ));
        }
        let selection = repository.select_here(request.selection.clone())?;
        let catalog = match &request.sources.catalog {
            Some(_) => Some(repository.look(&selection, &request.sources)?),
            None => None,
        };
        Ok(Self {
            request,
            repository,
            selection,
            catalog,
            commit: Commit::of(repository)?,
            lasts: BTreeMap::new(),
        })
    }

    /// Asks the registry for the last releases, where the mode is to go up from them.
    pub(super) fn ask_for_last(&mut self, subjects: &[Subject]) -> Result<(), CommandError> {
        let WantedMode::StableIn(place) = &self.request.mode else {
            return Ok(());
        };
        let lines = subjects.iter().filter_map(|subject| subject.tree().line());
        let client = self.repository.http_client(&self.request.sources);
        let found = block_on(place.last(&client, lines.collect()))?;
        self.lasts = found.map_err(|error| place_error(&error))?;
        Ok(())
    }

    pub(super) fn git(&self) -> Option<&'a GitRepository> {
        self.repository.git.as_ref()
    }

    /// Says which release of a line is the last.
    pub(super) fn tell(&mut self, line: StackLine, last: Published) {
        self.lasts.insert(line, Some(last));
    }

    /// Returns the last release that the registry has of a line.
    pub(super) fn last(&self, line: &StackLine) -> Option<&Published> {
        self.lasts.get(line)?.as_ref()
    }

    /// Returns the source trees that are asked for.
    pub(super) fn subjects(&self) -> Result<Vec<Subject>, CommandError> {
        let (repository, selection) = (self.repository, &self.selection);
        let mut subjects = Vec::new();
        for stack in repository.discovery.read(&repository.tree) {
            if selection.takes(&stack) {
                subjects.extend(self.subjects_of(stack, selection)?);
            }
        }
        let lines: Vec<String> = subjects
            .iter()
            .filter_map(|subject| Some(subject.tree().line()?.to_string()))
            .collect();
        if subjects.is_empty() {
            let message = "no source tree of that minor";
            return Err(CommandError::new(message)
                .hinted("csctl-matrix show lists the minors of each stack"));
        }
        let is_for_one = match self.request.mode {
            WantedMode::Hash
            | WantedMode::Git
            | WantedMode::StableIn(_)
            | WantedMode::StableTold => false,
            WantedMode::StableAfter(_)
            | WantedMode::StableFirst
            | WantedMode::StableUnknown
            | WantedMode::Custom(_) => true,
        };
        if is_for_one && subjects.len() > 1 {
            let message = format!(
                "these versions are for one stack line, and there are {}",
                lines.join(", ")
            );
            return Err(CommandError::new(message).hinted("name one of them"));
        }
        Ok(subjects)
    }

    fn subjects_of(
        &self,
        stack: Stack,
        selection: &Selection,
    ) -> Result<Vec<Subject>, CommandError> {
        if let Some(fault) = stack.faults.first() {
            return Err(CommandError::new(fault).hinted(&fault.hint));
        }
        if let (Some(minor), false) = (selection.minor, stack.layout.has_directory_per_minor())
            && stack.trees.iter().all(|tree| tree.minor != Some(minor))
        {
            return self.set_to(&stack, minor).map(|subject| vec![subject]);
        }
        let trees = stack.trees.iter().enumerate();
        let wanted: Vec<usize> = trees
            .filter(|(_, tree)| {
                tree.minor
                    .is_none_or(|minor| selection.names_minor(&stack, minor))
            })
            .map(|(place, _)| place)
            .collect();
        let stack = Rc::new(stack);
        let subjects = wanted.into_iter().map(|tree| Subject {
            stack: Rc::clone(&stack),
            tree,
            changed: StackFiles::new(),
        });
        Ok(subjects.collect())
    }

    /// Reads a stack in another state of the repository.
    fn read_again(&self, tree: &Tree, directory: &str) -> Result<Stack, CommandError> {
        let stacks = self.repository.discovery.again(tree).read(tree).into_iter();
        let mut found = stacks.filter(|stack| stack.directory == directory);
        found.next().ok_or_else(|| {
            let message = format!("{directory} is no cluster stack any more");
            CommandError::new(message).hinted("report this as a bug")
        })
    }

    /// Sets the source tree of a stack to another minor of its list.
    fn set_to(&self, stack: &Stack, minor: Minor) -> Result<Subject, CommandError> {
        let repository = self.repository;
        let set = set_to_minor(MinorRequest {
            tree: &repository.tree,
            discovery: &repository.discovery,
            stack,
            minor,
            catalog: self.catalog.as_ref(),
            today: self.request.sources.today,
        })
        .map_err(|fault| command_error(&fault))?;
        Ok(Subject {
            stack: Rc::new(self.read_again(&set.tree, &stack.directory)?),
            tree: 0,
            changed: set.changed,
        })
    }

    /// Builds the release of a source tree, in memory.
    pub(super) fn make(
        &self,
        subject: &Subject,
        warnings: &mut Vec<String>,
    ) -> Result<Built, CommandError> {
        let tree = subject.tree();
        let mut files = self.files(subject, warnings)?;
        files.extend(subject.changed.clone());
        let moment = self.request.moment.unwrap_or(self.commit.moment);
        if self.request.vendor {
            let fetched = self.fetch_charts(tree, &files)?;
            vendor(&mut files, &fetched, moment);
        }
        let mode = self.mode(tree)?;
        let built = build(ReleaseInput {
            stack: &subject.stack,
            tree,
            files: &files,
            mode: &mode,
            moment,
        })
        .map_err(|fault| command_error(&fault))?;
        // Its files may be large, and checking unpacks them again.
        drop(files);
        if let Built::Built(release) = &built {
            warnings.extend(release.notes.iter().cloned());
            let checked = verify(&release.tag.to_string(), &release.files);
            let found = checked.findings.iter();
            warnings.extend(found.map(|finding| {
                format!(
                    "{}: {}: {}",
                    finding.file,
                    finding.reader.name(),
                    finding.error
                )
            }));
        }
        Ok(built)
    }

    /// Downloads the charts that a source tree asks for and does not have.
    fn fetch_charts(
        &self,
        tree: &SourceTree,
        files: &StackFiles,
    ) -> Result<Vec<(ChartWish, ChartArchive)>, CommandError> {
        let wishes = wishes(&tree.directory, files).map_err(|fault| command_error(&fault))?;
        let client = self.repository.http_client(&self.request.sources);
        let mut fetched = Vec::new();
        for wish in wishes {
            let archive = block_on(fetch(&client, &wish))?.map_err(|error| {
                let message = format!("{} asks for {}: {error}", wish.directory, wish.name);
                CommandError::new(message)
                    .hinted("a mirror of its repository is named with --mirror FROM=TO")
            })?;
            fetched.push((wish, archive));
        }
        Ok(fetched)
    }

    /// Reads all files of a source tree.
    fn files(
        &self,
        subject: &Subject,
        warnings: &mut Vec<String>,
    ) -> Result<StackFiles, CommandError> {
        let Repository {
            root,
            git,
            revision,
            ..
        } = self.repository;
        let directory = &subject.tree().directory;
        match (revision, git) {
            (Some(revision), Some(git)) => Ok(git.read_source_tree(revision, directory)?),
            (_, git) => {
                if let Some(git) = git {
                    self.refuse_dirty(git, subject)?;
                }
                let files = read_source_tree(root, directory).map_err(|error| {
                    CommandError::new(error)
                        .hinted("a release has the files of its source tree alone")
                })?;
                if let Some(git) = git {
                    warnings.extend(ignored_files(git, directory, &files)?);
                }
                Ok(files)
            }
        }
    }

    /// Refuses files that no commit has: nobody could tell later what the release was made from.
    fn refuse_dirty(&self, git: &GitRepository, subject: &Subject) -> Result<(), CommandError> {
        if self.request.allow_dirty {
            return Ok(());
        }
        let mut paths = vec![subject.tree().directory.as_str()];
        paths.extend(subject.stack.shared.iter().map(|file| file.path()));
        let dirty = git.changed_files(&paths).map_err(CommandError::new)?;
        if dirty.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{} has uncommitted changes; nothing was built",
            dirty.join(", ")
        );
        Err(CommandError::new(message)
            .hinted("commit them, build a revision with --rev, or use --allow-dirty"))
    }

    fn mode(&self, tree: &SourceTree) -> Result<Mode, CommandError> {
        Ok(match &self.request.mode {
            WantedMode::Hash => Mode::Hash,
            WantedMode::Custom(versions) => Mode::Custom(versions.clone()),
            WantedMode::StableFirst | WantedMode::StableUnknown => Mode::Stable(Last::None),
            WantedMode::StableIn(_) | WantedMode::StableTold => {
                let last = tree.line().and_then(|line| self.last(&line).cloned());
                Mode::Stable(last.map_or(Last::None, |last| Last::Release(Box::new(last))))
            }
            WantedMode::StableAfter(directory) => {
                let last = read_published(directory, tree.line().as_ref())?;
                Mode::Stable(Last::Release(Box::new(last)))
            }
            WantedMode::Git => Mode::Git(self.commit.number.clone().ok_or_else(|| {
                let message = "the mode git names a release after its commit, and there is none";
                CommandError::new(message).hinted("commit first, or use --mode hash")
            })?),
        })
    }
}

/// Names the files that go into a release and that git ignores: csctl hashes and packs them, and another clone has none of them.
fn ignored_files(
    git: &GitRepository,
    directory: &str,
    files: &StackFiles,
) -> Result<Option<String>, CommandError> {
    let known = git.list_source_tree("HEAD", directory)?;
    let unknown = files.keys().filter(|path| !known.contains(*path));
    let ignored: Vec<String> = unknown
        .map(|path| below(directory, path))
        .filter(|path| git.is_ignored(path))
        .collect();
    Ok((!ignored.is_empty()).then(|| {
        let names = ignored.join(", ");
        format!("git ignores {names}: it is part of the release, as it is of csctl's, and no other clone has it")
    }))
}

/// Reads the last published release from a directory with its files.
pub(super) fn read_published(
    directory: &Path,
    line: Option<&StackLine>,
) -> Result<Published, CommandError> {
    let found = read_flat_directory(directory).map_err(|error| {
        CommandError::new(error)
            .hinted("--last names the directory of a release, as csctl or this program writes it")
    })?;
    let files = found.files;
    let Some(metadata) = files.get(METADATA_FILE) else {
        return Err(no_release(directory, &format!("it has no {METADATA_FILE}")));
    };
    let name = directory.canonicalize().ok();
    let name = name
        .as_deref()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy());
    let tag: ReleaseTag = name
        .as_deref()
        .unwrap_or_default()
        .parse()
        .map_err(|error: VersionError| no_release(directory, &error.to_string()))?;
    if line.is_some_and(|line| *line != tag.line) {
        return Err(no_release(
            directory,
            &format!("{tag} is of another stack line"),
        ));
    }
    let hashes = files.get(HASHES_FILE).map(Vec::as_slice);
    let last =
        Published::read(tag, metadata, hashes).map_err(|words| no_release(directory, &words))?;
    Ok(last.with_files(
        files.get(ADDON_CONFIG_FILE).map(Vec::as_slice),
        files.get(NODE_IMAGES_FILE).map(Vec::as_slice),
    ))
}

fn command_error(fault: &Fault) -> CommandError {
    CommandError::new(fault).hinted(&fault.hint)
}

/// Says why a directory is not that of the last release.
fn no_release(directory: &Path, words: &str) -> CommandError {
    CommandError::new(format!("{}: {words}", directory.display()))
        .hinted("--last names the directory of a release, called by its tag")
}

/// Returns the path from the root of a file in a directory.
fn below(directory: &str, path: &str) -> String {
    if directory.is_empty() {
        path.to_owned()
    } else {
        format!("{directory}/{path}")
    }
}
