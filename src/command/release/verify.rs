//! `release verify`: a release directory as the cluster stack operator, the OpenStack provider and Helm would find it.

use std::path::{Path, PathBuf};

use super::{ReleaseFormat, place_error};
use crate::command::{Outcome, block_on, to_json};
use crate::error::{CommandError, Status};
use crate::io::files::{FlatDirectory, read_flat_directory};
use crate::io::gate::{CommandSettings, Rendered, Scratch, has_helm, render_archive};
use crate::io::http::{HttpClient, HttpSettings};
use crate::io::oci::{Access, Reference};
use crate::io::release_place::ReleasePlace;
use crate::release::{Reader, ReleaseFiles, VerifyFinding, VerifyReport, class_archive, verify};
use crate::report;

/// What to check.
#[derive(Debug, Clone)]
pub(crate) struct VerifyRequest {
    /// The release.
    pub release: ReleaseAt,
    /// The release's tag, where it is called otherwise.
    pub tag: Option<String>,
    /// How Helm is run.
    pub settings: CommandSettings,
    /// The form of the data.
    pub format: ReleaseFormat,
}

/// Where a release is.
#[derive(Debug, Clone)]
pub(crate) enum ReleaseAt {
    /// In a directory.
    Directory(PathBuf),
    /// In a registry.
    Registry {
        /// Its tag or digest there.
        reference: Reference,
        /// How the registry is reached.
        access: Access,
        /// How servers are asked.
        http: Box<HttpSettings>,
    },
}

impl ReleaseAt {
    /// Reads the files.
    fn read(&self) -> Result<FlatDirectory, CommandError> {
        match self {
            Self::Directory(directory) => read_flat_directory(directory).map_err(|error| {
                CommandError::new(error).hinted("name the directory of a release")
            }),
            Self::Registry {
                reference,
                access,
                http,
            } => {
                let client = HttpClient::new(HttpSettings::clone(http));
                let files = block_on(ReleasePlace::files(&client, reference, access))?;
                Ok(FlatDirectory {
                    files: files.map_err(|error| place_error(&error))?,
                    others: Vec::new(),
                })
            }
        }
    }

    /// Returns the tag that its name says.
    fn tag(&self) -> Result<String, CommandError> {
        match self {
            Self::Directory(directory) => name_of(directory),
            Self::Registry { reference, .. } => {
                let tag = reference.tag().map(str::to_owned);
                tag.ok_or_else(|| {
                    CommandError::new(format!("{reference} does not say its tag"))
                        .hinted("name the tag with --tag")
                })
            }
        }
    }
}

/// Checks.
pub(crate) fn run(request: &VerifyRequest) -> Result<Outcome, CommandError> {
    let found = request.release.read()?;
    let tag = match &request.tag {
        Some(tag) => tag.clone(),
        None => request.release.tag()?,
    };
    let mut checked = verify(&tag, &found.files);
    for (name, kind) in &found.others {
        // What is published has the regular files of the directory alone.
        checked
            .notes
            .push(format!("{name} is {kind}, and no part of the release"));
    }
    render_class(request, &found.files, &mut checked)?;
    let fails = !checked.findings.is_empty();
    let data = match request.format {
        ReleaseFormat::Text => report::text::verified_release(&checked),
        ReleaseFormat::Json => to_json(&checked)?,
    };
    Ok(Outcome {
        status: fails.then_some(Status::Findings),
        ..Outcome::of(data, request.format.into())
    })
}

fn name_of(directory: &Path) -> Result<String, CommandError> {
    let full = directory
        .canonicalize()
        .map_err(|error| CommandError::new(format!("{}: {error}", directory.display())))?;
    let name = full
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    name.ok_or_else(|| {
        let message = format!("{} has no name that could be a tag", directory.display());
        CommandError::new(message).hinted("name the tag with --tag")
    })
}

/// Renders the cluster class as the operator does, where Helm is installed.
fn render_class(
    request: &VerifyRequest,
    files: &ReleaseFiles,
    checked: &mut VerifyReport,
) -> Result<(), CommandError> {
    let Some(name) = class_archive(&checked.tag, files) else {
        return Ok(());
    };
    if !has_helm(&request.settings).map_err(CommandError::new)? {
        let note = "helm is not installed: whether the cluster class renders was not tried";
        checked.notes.push(note.to_owned());
        return Ok(());
    }
    let scratch = Scratch::empty().map_err(CommandError::new)?;
    let line: Vec<&str> = checked.tag.split('-').take(4).collect();
    let archive = Rendered {
        name,
        content: &files[name],
        release: &line.join("-"),
    };
    let rendered = render_archive(&archive, &scratch, &request.settings);
    if let Err(said) = rendered.map_err(CommandError::new)? {
        checked.findings.push(VerifyFinding {
            file: name.to_owned(),
            reader: Reader::Helm,
            error: format!("failed to run helm template: {said}"),
            hint: "helm template FILE shows it".to_owned(),
        });
    }
    Ok(())
}
