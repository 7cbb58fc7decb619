//! Runs Packer for one image: its plugins, its build, and the one file that it leaves. What it says goes to stderr as it comes, without
//! our secrets; it dies with this program.
#![expect(
    clippy::disallowed_types,
    reason = "templates are read and built images are looked at here"
)]

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::aloud;
use super::ending::{self, Removed};
use super::process::{self, Bounds, CommandEnd};

/// An image that takes longer is not being built any more.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long Packer may remove its machines after that; a signal leaves no more.
const GRACE: Duration = Duration::from_secs(10);

/// The longest template that is read.
const LONGEST_TEMPLATE: u64 = 4 << 20;

/// The program.
#[derive(Debug)]
pub(crate) struct Packer {
    program: PathBuf,
}

/// The directory with an image's template.
#[derive(Debug)]
pub(crate) struct Template {
    directory: PathBuf,
    /// Whether `packer init` has something to install.
    needs_plugins: bool,
    /// The checksum of all files in it, by which an image is known that was built from them.
    pub(crate) digest: String,
}

/// A directory for what is built, which goes away with everything in it.
#[derive(Debug)]
pub(crate) struct BuildPlace {
    directory: tempfile::TempDir,
    _removed: Removed,
}

/// What Packer is to build.
#[derive(Debug)]
pub(crate) struct BuildOrder<'a> {
    pub(crate) template: &'a Template,
    /// The value of the variable `build_name`.
    pub(crate) name: &'a str,
    /// The ending that the file may have behind its name.
    pub(crate) disk_format: &'a str,
    /// The place of the image among all images of the run, by which its output directory is its own.
    pub(crate) number: usize,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackerError {
    /// The template cannot be used.
    #[error("{}: {reason}", path.display())]
    Template {
        /// The directory or file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Packer failed.
    #[error("`packer {command}` {ended}")]
    Failed {
        /// What it was to do: `build control-plane`.
        command: String,
        /// How it ended.
        ended: String,
    },
    /// Packer did not leave the image where it was told to.
    #[error("Packer left no file `{name}` in its output directory; found: {found}")]
    NoImage {
        /// The name of the build.
        name: String,
        /// What is there.
        found: String,
    },
    /// The directory for what is built cannot be made.
    #[error("cannot make a directory for what is built: {0}")]
    Place(io::Error),
}

impl Packer {
    /// Finds the program in the directories of `PATH`.
    pub(crate) fn find(path: Option<&OsStr>) -> Option<Self> {
        let program = process::find_program(path, NAME)?;
        Some(Self { program })
    }

    /// Installs the plugins that a template declares.
    pub(crate) fn init(&self, template: &Template) -> Result<(), PackerError> {
        if !template.needs_plugins {
            return Ok(());
        }
        let mut command = Command::new(&self.program);
        command.arg("init").arg(&template.directory);
        run(command, "init")
    }

    /// Builds an image, and returns its file.
    pub(crate) fn build(
        &self,
        order: &BuildOrder<'_>,
        place: &BuildPlace,
    ) -> Result<PathBuf, PackerError> {
        let output = place.output(order.number);
        let mut command = Command::new(&self.program);
        command
            .args(["build", "-var"])
            .arg(format!("build_name={}", order.name))
            .arg("-var")
            .arg(format!("output_directory={}", output.display()))
            .arg(&order.template.directory);
        run(command, &format!("build {}", order.name))?;
        image_in(&output, order)
    }
}

const NAME: &str = "packer";

impl BuildPlace {
    /// Makes it where the system keeps what is temporary.
    pub(crate) fn make() -> Result<Self, PackerError> {
        let mut builder = tempfile::Builder::new();
        let directory = builder.prefix("csctl-matrix-").tempdir();
        let directory = directory.map_err(PackerError::Place)?;
        Ok(Self {
            _removed: Removed::new(directory.path()),
            directory,
        })
    }

    /// Packer makes this directory itself, and refuses one that exists.
    fn output(&self, number: usize) -> PathBuf {
        self.directory.path().join(number.to_string())
    }

    /// Removes what was built of an image: the next one may need the room.
    pub(crate) fn clear(&self, number: usize) {
        let _whole = ending::write();
        // What cannot be removed now is removed at the end, or stays as after any other end.
        let _ = fs::remove_dir_all(self.output(number));
    }
}

/// Returns the file that was built: it is named after the build, as the plugin has it, with or without the ending of its format.
fn image_in(output: &Path, order: &BuildOrder<'_>) -> Result<PathBuf, PackerError> {
    let with_ending = format!("{}.{}", order.name, order.disk_format);
    for name in [order.name, &with_ending] {
        let path = output.join(name);
        // No link: what is uploaded was built here.
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.len() > 0) {
            return Ok(path);
        }
    }
    let mut names: Vec<String> = fs::read_dir(output)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Err(PackerError::NoImage {
        name: order.name.to_owned(),
        found: if names.is_empty() {
            "nothing".to_owned()
        } else {
            names.join(", ")
        },
    })
}

fn run(command: Command, what: &str) -> Result<(), PackerError> {
    let bounds = Bounds {
        limit: LONGEST,
        grace: GRACE,
        may_go_on: &|| true,
    };
    match aloud::run(command, &bounds) {
        CommandEnd::Code(0) => Ok(()),
        CommandEnd::Code(code) => Err(failed(what, format!("ended with status {code}"))),
        CommandEnd::Signal(signal) => Err(failed(what, format!("was ended by signal {signal}"))),
        CommandEnd::TimedOut => Err(failed(what, "took longer than a day")),
        CommandEnd::NotStarted(error) => {
            Err(failed(what, format!("could not be started: {error}")))
        }
    }
}

fn failed(what: &str, ended: impl Into<String>) -> PackerError {
    PackerError::Failed {
        command: what.to_owned(),
        ended: ended.into(),
    }
}

impl Template {
    /// Reads the directory of a template.
    pub(crate) fn read(directory: &Path) -> Result<Self, PackerError> {
        if !directory.is_dir() {
            return Err(unusable(directory, "is not a directory"));
        }
        let mut files = Vec::new();
        collect(directory, &mut files).map_err(|error| unusable(directory, error.to_string()))?;
        files.sort();
        let mut digest = Sha256::new();
        let (mut has_template, mut needs_plugins) = (false, false);
        for file in &files {
            let place = file.strip_prefix(directory).unwrap_or(file);
            add(&mut digest, place, file).map_err(|error| unusable(file, error.to_string()))?;
            // Packer reads those of the directory itself.
            if place.components().count() == 1 && is_template(file) {
                has_template = true;
                needs_plugins |= declares_plugins(&beginning(file));
            }
        }
        if !has_template {
            return Err(unusable(
                directory,
                "has no Packer template, no file *.pkr.hcl or *.pkr.json",
            ));
        }
        Ok(Self {
            directory: directory.to_owned(),
            needs_plugins,
            digest: hex::encode(digest.finalize()),
        })
    }
}

fn unusable(path: &Path, reason: impl Into<String>) -> PackerError {
    PackerError::Template {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

fn is_template(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".pkr.hcl") || name.ends_with(".pkr.json")
}

fn beginning(file: &Path) -> String {
    let mut bytes = Vec::new();
    // What cannot be read was told when its checksum was made.
    if let Ok(opened) = fs::File::open(file) {
        let _ = opened.take(LONGEST_TEMPLATE).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Tells whether a template declares plugins, outside of comments.
fn declares_plugins(text: &str) -> bool {
    let lines = text.lines().map(str::trim_start);
    let mut stated = lines.filter(|line| !line.starts_with('#') && !line.starts_with("//"));
    stated.any(|line| line.contains("required_plugins"))
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Adds a file to a checksum of many: its place, and its content or where it links to.
fn add(digest: &mut Sha256, place: &Path, file: &Path) -> io::Result<()> {
    let name = place.to_string_lossy();
    digest.update(name.len().to_le_bytes());
    digest.update(name.as_bytes());
    let found = fs::symlink_metadata(file)?;
    if found.is_symlink() {
        digest.update(fs::read_link(file)?.to_string_lossy().as_bytes());
        return Ok(());
    }
    // Reading a pipe would wait for ever.
    if !found.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    digest.update(found.len().to_le_bytes());
    let mut opened = fs::File::open(file)?;
    let mut bytes = [0; 8192];
    loop {
        match opened.read(&mut bytes)? {
            0 => return Ok(()),
            count => digest.update(&bytes[..count]),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test makes its files")]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_declared_outside_of_comments() {
        assert!(declares_plugins("packer {\n  required_plugins {\n"));
        assert!(declares_plugins("{\"packer\": {\"required_plugins\": {}}}"));
        assert!(!declares_plugins(
            "# required_plugins {}\n  // required_plugins\nsource {}\n"
        ));
    }

    #[test]
    fn a_template_is_known_by_all_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        assert!(Template::read(place).is_err());
        assert!(Template::read(&place.join("missing")).is_err());
        fs::create_dir(place.join("scripts")).unwrap();
        fs::write(place.join("scripts/a.sh"), "one").unwrap();
        assert!(Template::read(place).is_err());
        fs::write(place.join("image.pkr.hcl"), "source {}\n").unwrap();
        let first = Template::read(place).unwrap();
        assert!(!first.needs_plugins);
        assert_eq!(Template::read(place).unwrap().digest, first.digest);
        fs::write(place.join("scripts/a.sh"), "two").unwrap();
        let second = Template::read(place).unwrap();
        assert_ne!(second.digest, first.digest);
        fs::rename(place.join("scripts/a.sh"), place.join("scripts/b.sh")).unwrap();
        assert_ne!(Template::read(place).unwrap().digest, second.digest);
    }
}
