//! The commands: each loads what it needs, calls the pure floors and reports an outcome. They print nothing and read no
//! environment; `cli` does.

pub(crate) mod catalog;
pub(crate) mod check;
pub(crate) mod csctl;
pub(crate) mod decide;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod node_images;
pub(crate) mod plan;
pub(crate) mod pr;
pub(crate) mod release;
pub(crate) mod show;
pub(crate) mod test;
pub(crate) mod unfinished;
pub(crate) mod update;

mod references;
mod selection;
mod shared;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::civil::Date;
use serde::Serialize;

use crate::catalog::{Catalog, CatalogRequest, StoreListing};
use crate::config::{CONFIG_FILE, Config, ConfigError};
use crate::error::{CommandError, Status};
use crate::io::catalog_place::CatalogPlace;
use crate::io::files::{find_root, load_tree};
use crate::io::git::GitRepository;
use crate::io::http::{HttpClient, HttpSettings, Mirror, SetUp};
use crate::plan::{Selection, catalog_request};
use crate::report::terminal::Form;
use crate::stack::{
    Content, Discovery, Hints, MinorBoundCharts, Stack, Tree, add_left_out, discover_with,
};

/// Data, for stdout.
pub enum Data {
    /// A text.
    Text(String),
    /// A value that is written as JSON bit by bit: the text of a large plan takes more memory than the plan.
    Json(Box<dyn WriteJson>),
}

/// A value that can be written as JSON.
pub trait WriteJson {
    /// Writes it indented, with a line break at its end.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()>;
}

impl<T: Serialize> WriteJson for T {
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }
}

impl Default for Data {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Json(_) => f.write_str("JSON"),
        }
    }
}

/// What a command has to say.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Data, for stdout.
    pub data: Data,
    /// What the data is for.
    pub form: Form,
    /// What was done, for people, on stderr.
    pub notices: Vec<String>,
    /// Warnings for people, for stderr.
    pub warnings: Vec<String>,
    /// Faults, for stderr, each with what to do about it.
    pub faults: Vec<(String, String)>,
    /// The exit status; nothing means done.
    pub status: Option<Status>,
}

/// The form of a command's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// Text for people.
    #[default]
    Text,
    /// JSON for programs, in a form of docs/schema.
    Json,
    /// Markdown for pull requests and issues.
    Markdown,
}

/// Which repository, and which state of it.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// A directory in the repository.
    pub directory: PathBuf,
    /// A revision to read instead of the working directory.
    pub revision: Option<String>,
}

/// How sources are asked.
#[derive(Debug, Clone)]
pub struct SourceSettings {
    /// A catalog that replaces the sources.
    pub catalog: Option<CatalogPlace>,
    /// The day; that of the clock, or that asked for.
    pub today: Date,
    /// Whether `today` was asked for, and so wins over the day of a catalog file.
    pub is_today_asked: bool,
    /// Whether images that are not listed yet are downloaded and compared with their checksums.
    pub verify_images: bool,
    /// How servers are asked.
    pub http: HttpSettings,
    /// What servers are asked with, where it was begun ahead.
    pub set_up: SetUp,
}

impl SourceSettings {
    /// Begins to set up what servers are asked with, where they are asked: files are read in the meantime.
    fn begin_set_up(&self) {
        if self.catalog.is_none() && !self.http.offline {
            self.set_up.begin(&self.http);
        }
    }
}

/// A repository that was read.
pub struct Repository {
    /// Its root.
    pub root: PathBuf,
    /// The directory that the command runs in, at or below the root.
    directory: PathBuf,
    /// The revision that was read; nothing for the working directory.
    pub revision: Option<String>,
    /// Its git repository, where it has one.
    pub git: Option<GitRepository>,
    /// Its files.
    pub tree: Tree,
    /// The cluster stacks in it.
    pub discovery: Discovery,
    /// Its configuration.
    pub config: Config,
    /// Directories of stacks of which a sparse checkout has nothing.
    pub left_out: Vec<String>,
    /// Why the catalog that was read may not be that of today.
    doubt: OnceLock<String>,
}

/// The files of a state of a repository.
#[derive(Default)]
struct Loaded {
    tree: Tree,
    /// Directories of stacks that a sparse checkout leaves out.
    left_out: Vec<String>,
}

fn load(found: &FoundRepository, revision: Option<&str>) -> Result<Loaded, CommandError> {
    match (revision, &found.git) {
        (None, git) => load_directory(&found.root, git.as_ref()),
        (Some(revision), Some(git)) => Ok(Loaded {
            tree: git.load_tree(revision)?,
            // A revision has all of its files, whatever the checkout leaves out.
            left_out: Vec::new(),
        }),
        (Some(_), None) => {
            let message = format!("{} is not in a git repository", found.root.display());
            Err(CommandError::new(message).hinted("remove --rev, or run the command in a clone"))
        }
    }
}

/// Reads the files of a working directory, and names those of its stacks that a sparse checkout leaves out.
fn load_directory(root: &Path, git: Option<&GitRepository>) -> Result<Loaded, CommandError> {
    let mut tree = load_tree(root).map_err(CommandError::new)?;
    let Some(git) = git else {
        return Ok(Loaded {
            tree,
            ..Loaded::default()
        });
    };
    if git.is_bare() {
        let message = format!(
            "{} is a bare repository without a working tree",
            root.display()
        );
        return Err(CommandError::new(message).hinted("name a revision, such as --rev main"));
    }
    let absent = git.left_out(root, &tree)?;
    let left_out = if absent.is_empty() {
        Vec::new()
    } else {
        add_left_out(&mut tree, absent)
    };
    Ok(Loaded { tree, left_out })
}

/// A repository that was found, and not read yet.
struct FoundRepository {
    root: PathBuf,
    git: Option<GitRepository>,
}

/// Finds the repository around a directory.
fn find(directory: &Path) -> Result<FoundRepository, CommandError> {
    let root = find_root(directory)
        .map_err(|error| CommandError::new(error).hinted("use -C to name the directory"))?;
    let git = GitRepository::discover(&root).map_err(|error| {
        CommandError::new(format!("{}: {error}", root.display())).hinted(error.hint())
    })?;
    Ok(FoundRepository { root, git })
}

impl Repository {
    /// Finds and reads a repository.
    pub fn open(place: &Place) -> Result<Self, CommandError> {
        let found = find(&place.directory)?;
        let Loaded { mut tree, left_out } = load(&found, place.revision.as_deref())?;
        let config = read_config(&tree)?;
        let ignored = config.ignored();
        tree.set_aside(|path| ignored.matches(path));
        let revision = place.revision.as_deref();
        let references = references::load(revision, &found, &config, &mut tree)?;
        let charts = MinorBoundCharts::read(&config.charts, config_text(&tree))
            .map_err(|fault| CommandError::new(&fault).hinted(fault.hint.clone()))?;
        let hints = Hints {
            references,
            image_store: config.image_store.clone(),
            charts,
        };
        let discovery = discover_with(&tree, &hints);
        // A directory that cannot be looked into may be the one with the stacks.
        if let (true, Some(fault)) = (discovery.is_empty(), discovery.closed().first()) {
            return Err(CommandError::new(fault).hinted(&fault.hint));
        }
        if discovery.is_empty() {
            let message = format!("no cluster stack found in {}", found.root.display());
            let hint = "a cluster stack has a csctl.yaml, a stack.yaml or a cluster-class directory; use -C to name the repository";
            return Err(CommandError::new(message).hinted(hint));
        }
        references::check_stacks(&hints.references, &discovery, &tree)?;
        // Titles cost a reading of every stack, and few configurations name one.
        if config.names_stacks() {
            let titles = discovery.map(&tree, Stack::title);
            let checked = config.check_stacks(config_text(&tree), &titles);
            checked.map_err(|error| config_error(&error))?;
        }
        let directory = place.directory.canonicalize();
        Ok(Self {
            directory: directory.unwrap_or_else(|_| found.root.clone()),
            root: found.root,
            revision: place.revision.clone(),
            git: found.git,
            tree,
            discovery,
            config,
            left_out,
            doubt: OnceLock::new(),
        })
    }

    /// Reads the files as they are now; what was said of the catalog stays.
    fn read_again(self, place: &Place) -> Result<Self, CommandError> {
        Ok(Self {
            doubt: self.doubt,
            ..Self::open(place)?
        })
    }

    /// Tells whether there is a configuration file.
    pub fn has_config(&self) -> bool {
        self.tree.find(CONFIG_FILE).is_some()
    }

    /// Returns the path of a file below the repository's root; people name it from there, or from where they are.
    pub(crate) fn find_file(&self, named: &str) -> Result<String, CommandError> {
        let plain = named.trim_start_matches("./");
        if self.tree.find(plain).is_some() {
            return Ok(plain.to_owned());
        }
        // An empty path is below no root.
        let here = std::path::absolute(named).unwrap_or_default();
        let root = self
            .root
            .canonicalize()
            .unwrap_or_else(|_| self.root.clone());
        here.strip_prefix(&root)
            .ok()
            .map(|below| below.to_string_lossy().replace('\\', "/"))
            .filter(|path| self.tree.find(path).is_some())
            .ok_or_else(|| {
                let message = format!("no file `{named}` in {}", self.root.display());
                CommandError::new(message).hinted(
                    "name it from the repository's root; files that git ignores are not read",
                )
            })
    }

    /// Returns the catalog: reads one that was made already, or asks the sources that the repository names.
    pub fn look(
        &self,
        selection: &Selection,
        sources: &SourceSettings,
    ) -> Result<Catalog, CommandError> {
        let mut catalog = self.look_at_all(selection, sources)?;
        // What is needed costs a reading of every stack.
        if sources.catalog.is_some() && catalog.asked.is_some() {
            catalog.keep_for(&self.request(selection));
        }
        Ok(catalog)
    }

    /// The same, with what a catalog has for other repositories.
    fn look_at_all(
        &self,
        selection: &Selection,
        sources: &SourceSettings,
    ) -> Result<Catalog, CommandError> {
        // The day of a catalog file is known once it is read; any other is checked before servers are asked.
        if sources.catalog.is_none() || sources.is_today_asked {
            self.check_day(sources.today)?;
        }
        let mut catalog = match &sources.catalog {
            Some(place) => self.read_catalog(place, sources)?,
            None => self.fetch(self.request(selection), sources)?,
        };
        if sources.is_today_asked {
            catalog.as_of = sources.today;
        }
        self.check_day(catalog.as_of)?;
        if let Some(git) = &self.git {
            // A catalog file that names releases saw them all, unless it says otherwise.
            if catalog.stack_releases.is_empty() {
                catalog.release_gap = git.tag_gap().map_err(CommandError::new)?;
            }
            for release in git.stack_releases().map_err(CommandError::new)? {
                if !catalog
                    .stack_releases
                    .iter()
                    .any(|known| known.tag == release.tag)
                {
                    catalog.stack_releases.push(release);
                }
            }
        }
        catalog.sort();
        Ok(catalog)
    }

    /// Checks what the configuration says that depends on the day of a plan.
    fn check_day(&self, today: Date) -> Result<(), CommandError> {
        let checked = self.config.check_day(config_text(&self.tree), today);
        checked.map_err(|error| config_error(&error))
    }

    /// Returns what is needed of the sources.
    fn request(&self, selection: &Selection) -> CatalogRequest {
        let mut request = catalog_request(&self.discovery, &self.tree, selection);
        if self.config.image_store.listing == StoreListing::S3 {
            for store in request.stores.values_mut() {
                store.listing = StoreListing::S3;
            }
        }
        // Without a minor there is none that could be vulnerable.
        if request
            .stores
            .values()
            .any(|store| !store.minors.is_empty())
        {
            request.vulnerabilities = self.config.sources.vulnerabilities.request();
        }
        let places = &self.config.sources;
        request.sources.kubernetes.clone_from(&places.kubernetes);
        request.sources.end_of_life.clone_from(&places.end_of_life);
        // New images may have an operating system that no file names yet.
        let own = self
            .config
            .stacks
            .values()
            .filter_map(|stack| stack.os.as_ref());
        let named: Vec<_> = own.chain(&self.config.os).flatten().cloned().collect();
        for store in request.stores.values_mut() {
            store.wanted_os.extend(named.iter().cloned());
        }
        request
    }

    /// Returns what is known of vulnerabilities, and of nothing else where sources are asked.
    pub(crate) fn look_for_vulnerabilities(
        &self,
        sources: &SourceSettings,
    ) -> Result<Catalog, CommandError> {
        match &sources.catalog {
            Some(place) => self.read_catalog(place, sources),
            None => self.fetch(
                CatalogRequest {
                    vulnerabilities: self.config.sources.vulnerabilities.request(),
                    ..CatalogRequest::default()
                },
                sources,
            ),
        }
    }

    fn fetch(
        &self,
        request: CatalogRequest,
        sources: &SourceSettings,
    ) -> Result<Catalog, CommandError> {
        let client = self.http_client(sources);
        block_on(async {
            let mut catalog = crate::io::catalog::fetch(&request, &client, sources.today).await;
            if sources.verify_images {
                crate::io::verify::verify(&mut catalog, &request, &client).await;
            }
            catalog.asked = Some(request);
            catalog
        })
    }
}

impl Repository {
    /// Returns the client that servers are asked with, with the mirrors of the configuration.
    fn http_client(&self, sources: &SourceSettings) -> HttpClient {
        let mut settings = sources.http.clone();
        let mirrors = self.config.mirrors.iter().map(|mirror| Mirror {
            from: mirror.from.clone(),
            to: mirror.to.clone(),
        });
        // Apart from those of the command line: mirrors of a file hold only for requests without a secret.
        settings.mirrors.of_files.extend(mirrors);
        HttpClient::of_set_up(settings, sources.set_up.clone())
    }
}

/// Waits for what is asked over the network.
fn block_on<T>(asked: impl Future<Output = T>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(format!("cannot start the network: {error}")))?;
    Ok(runtime.block_on(asked))
}

/// The text of the configuration, empty where there is none.
fn config_text(tree: &Tree) -> &str {
    match tree.find(CONFIG_FILE) {
        Some(Content::Text(text)) => text,
        Some(Content::Unread | Content::Unreadable(_)) | None => "",
    }
}

/// Reads the configuration of the same state of the repository as everything else.
fn read_config(tree: &Tree) -> Result<Config, CommandError> {
    let text = match tree.find(CONFIG_FILE) {
        None | Some(Content::Unread) => return Ok(Config::default()),
        Some(Content::Unreadable(reason)) => {
            return Err(CommandError::new(format!("{CONFIG_FILE}: {reason}"))
                .hinted("make it a readable text file, or remove it"));
        }
        Some(Content::Text(text)) => text,
    };
    Config::parse(text).map_err(|error| config_error(&error))
}

/// Names the file and the line of a fault in the configuration.
fn config_error(error: &ConfigError) -> CommandError {
    CommandError::new(format!("{CONFIG_FILE}:{}: {error}", error.line)).hinted(&error.hint)
}

impl Outcome {
    /// Returns an outcome of data alone.
    pub(crate) fn of(data: String, format: Format) -> Self {
        Self {
            data: data.into(),
            form: match format {
                Format::Text => Form::Styled,
                Format::Json => Form::Json,
                Format::Markdown => Form::Plain,
            },
            ..Self::default()
        }
    }

    /// Says which stacks were not seen: directories that could not be looked into make the command fail in the end.
    fn with_unseen(mut self, repository: &Repository) -> Self {
        if !repository.left_out.is_empty() {
            let directories = repository.left_out.join(", ");
            self.notices.push(format!(
                "skipped, as the sparse checkout leaves them out: {directories}"
            ));
        }
        self.with_catalog_doubt(repository)
            .with_faults(repository.discovery.closed().iter())
    }

    /// Adds the faults that kept stacks from being read or planned, which make the command fail in the end.
    fn with_faults<'f>(mut self, faults: impl Iterator<Item = &'f crate::stack::Fault>) -> Self {
        self.faults
            .extend(faults.map(|fault| (fault.to_string(), fault.hint.clone())));
        if !self.faults.is_empty() {
            self.status = Some(Status::Error);
        }
        self
    }

    /// Makes the command fail in the end, as no source said anything.
    fn blind(mut self) -> Self {
        let message = "no source answered, so what is new is unknown";
        let hint = "each source is listed above with its error";
        self.faults.push((message.to_owned(), hint.to_owned()));
        self.status = Some(Status::Error);
        self
    }

    /// Adds what a plan could not do: what could not be planned, what a person has to change, and sources of which none answered.
    fn with_shortfalls(mut self, plan: &crate::plan::Plan) -> Self {
        self = self.with_faults(plan.shortfalls());
        if plan.is_blind() {
            self = self.blind();
        }
        if !self.faults.is_empty() {
            self.status = Some(if plan.has_changes() {
                Status::Partial
            } else {
                Status::Error
            });
        }
        self
    }
}

/// Returns a word as a shell takes it.
pub(crate) fn quote(word: &str) -> String {
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Tells whether every shell takes a character as it is, anywhere in a word.
fn is_plain(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || "-_./:=,@%+".contains(sign)
}

/// Returns data as JSON, indented, with a line break at its end.
fn to_json(value: &impl Serialize) -> Result<String, CommandError> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| CommandError::new(format!("cannot write JSON: {error}")))?;
    Ok(json + "\n")
}
