//! `create-node-images`: the call that csctl makes of its provider plugins, `csctl-<provider> create-node-images STACK_DIR
//! RELEASE_DIR REGISTRY`. It writes node-images.yaml into the release directory, whole or not at all. Method `build` is `build`.

mod build;

use std::path::{Path, PathBuf};

use super::unfinished::told;
use super::{Format, Outcome, Place};
use crate::error::CommandError;
use crate::io::files::{LoneStack, load_stack, read_text};
use crate::io::write_atomically;
use crate::node_images::{Method, PluginConfig, PluginError, read_config, write_matrix};
pub(crate) use build::BuildRequest;

use crate::stack::{CSCTL_FILE, NODE_IMAGES_CONFIG, discover, find_provider, validate_node_images};

/// What csctl asks for.
#[derive(Debug, Clone)]
pub(crate) struct NodeImagesRequest {
    /// The directory of the cluster stack.
    pub stack: PathBuf,
    /// The directory of the release, which csctl has made.
    pub release: PathBuf,
    /// The provider the plugin was called for, by its own name.
    pub provider: Option<String>,
    /// What method `build` needs beside.
    pub build: BuildRequest,
}

/// Writes node-images.yaml.
pub(crate) fn run(request: &NodeImagesRequest) -> Result<Outcome, CommandError> {
    let place = Place {
        directory: request.stack.clone(),
        revision: None,
    };
    told(&place, write(request))
}

fn write(request: &NodeImagesRequest) -> Result<Outcome, CommandError> {
    let csctl_file = request.stack.join(CSCTL_FILE);
    let config = read_text(&csctl_file)
        .map_err(|error| {
            CommandError::new(error).hinted("the first argument is the cluster stack's directory")
        })
        .and_then(|text| read_config(&text).map_err(|error| plugin_error(&csctl_file, &error)))?;
    check_provider(request, &config, &csctl_file)?;
    if !request.release.is_dir() {
        let message = format!("{} is not a directory", request.release.display());
        return Err(CommandError::new(message)
            .hinted("csctl makes the release directory before it calls a plugin"));
    }
    let (mut notices, mut warnings) = (Vec::new(), Vec::new());
    let ImageList { text, from } = match config.method {
        Method::Get => get(&request.stack, &mut warnings)?,
        Method::Matrix => matrix(&request.stack, &config)?,
        Method::Build => build::build(request, &mut notices, &mut warnings)?,
    };
    let target = request.release.join("node-images.yaml");
    write_atomically(&target, text.as_bytes()).map_err(|error| {
        CommandError::new(format!("cannot write {}: {error}", target.display()))
    })?;
    let data = format!("{} written from {from}\n", target.display());
    Ok(Outcome {
        notices,
        warnings,
        ..Outcome::of(data, Format::Text)
    })
}

fn check_provider(
    request: &NodeImagesRequest,
    config: &PluginConfig,
    file: &Path,
) -> Result<(), CommandError> {
    // Called by its own name, the program serves every provider.
    if let Some(expected) = request
        .provider
        .as_ref()
        .filter(|expected| **expected != config.provider)
    {
        let message = format!(
            "{}: the provider is {}, this is the plugin for {expected}",
            file.display(),
            config.provider
        );
        return Err(CommandError::new(message).hinted(format!(
            "csctl calls csctl-{} for this stack",
            config.provider
        )));
    }
    if find_provider(&config.provider).is_some_and(|provider| provider.releases_images) {
        return Ok(());
    }
    let message = format!(
        "{}: releases for provider {} have no node-images.yaml",
        file.display(),
        config.provider
    );
    Err(CommandError::new(message)
        .hinted("leave config.provider.config out of csctl.yaml, and csctl needs no plugin"))
}

/// The text of node-images.yaml, and what it was made from.
struct ImageList {
    text: String,
    from: String,
}

/// The stack's own list, byte for byte.
fn get(stack: &Path, warnings: &mut Vec<String>) -> Result<ImageList, CommandError> {
    let file = stack.join(NODE_IMAGES_CONFIG);
    let text = read_text(&file).map_err(|error| {
        CommandError::new(error).hinted("method `get` copies this file; `matrix` writes its own")
    })?;
    let without_url = validate_node_images(&text).map_err(|error| {
        CommandError::new(format!("{}: {error}", file.display()))
            .hinted("every image needs createOpts with name, disk_format and container_format")
    })?;
    warnings.extend(
        without_url
            .iter()
            .map(|name| format!("{name} has no url; the operator cannot import it")),
    );
    Ok(ImageList {
        text,
        from: file.display().to_string(),
    })
}

/// All patch images of the stack's minor, from the lists in its directory and beside it.
fn matrix(stack: &Path, config: &PluginConfig) -> Result<ImageList, CommandError> {
    let LoneStack { tree, name } = load_stack(stack).map_err(CommandError::new)?;
    let stacks = discover(&tree).read(&tree);
    let mut candidates = stacks.iter();
    let Some(found) =
        candidates.find(|found| found.trees.iter().any(|tree| tree.directory == name))
    else {
        return Err(CommandError::new(format!(
            "{} is not a cluster stack",
            stack.display()
        )));
    };
    // Without the images of an unread file, the list would be released as if it were whole.
    if let Some(fault) = found.faults.first() {
        return Err(CommandError::new(fault).hinted(&fault.hint));
    }
    Ok(ImageList {
        text: write_matrix(found, config.version.minor())
            .map_err(|error| plugin_error(stack, &error))?,
        from: format!("the image lists of {}", stack.display()),
    })
}

fn plugin_error(path: &Path, error: &PluginError) -> CommandError {
    CommandError::new(format!("{}: {error}", path.display())).hinted(&error.hint)
}
