//! The command line of commands that set something up: a configuration, a release for csctl, completion, manual pages.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Call, Cli, credentials, environment, examples};
use crate::command::init::InitRequest;
use crate::command::node_images::{BuildRequest, NodeImagesRequest};
use crate::command::{self, Outcome, Place};
use crate::error::CommandError;
use crate::report::terminal::Form;

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Create csctl-matrix.yaml
  $ csctl-matrix init

  # Print it instead
  $ csctl-matrix init --print"
))]
pub(super) struct InitArgs {
    /// Print the file instead of writing it
    #[arg(long)]
    print: bool,
}

impl InitArgs {
    pub(super) fn run(&self, call: &Call) -> Result<Outcome, CommandError> {
        command::init::run(&InitRequest {
            place: Place {
                directory: call.directory.clone(),
                revision: None,
            },
            print: self.print,
        })
    }
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# As csctl calls its provider plugins
  $ csctl-matrix create-node-images providers/openstack/scs2 .release/openstack-scs2-1-34-v3"
))]
pub(super) struct NodeImagesArgs {
    /// Directory of the cluster stack
    #[arg(value_hint = clap::ValueHint::DirPath)]
    stack_dir: PathBuf,
    /// Directory of the release
    #[arg(value_hint = clap::ValueHint::DirPath)]
    release_dir: PathBuf,
    /// File that says where built images go; method `build` alone reads it
    #[arg(value_hint = clap::ValueHint::FilePath)]
    registry: Option<OsString>,
}

impl NodeImagesArgs {
    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        command::node_images::run(&NodeImagesRequest {
            stack: call.directory.join(self.stack_dir),
            release: call.directory.join(self.release_dir),
            provider: call.provider.clone(),
            build: BuildRequest {
                // csctl hands over an empty text where it was given none.
                registry: self
                    .registry
                    .filter(|path| !path.is_empty())
                    .map(|path| call.directory.join(path)),
                keys: credentials::bucket_keys(),
                path: environment::program_path(),
            },
        })
    }
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# bash
  $ csctl-matrix completions bash > ~/.local/share/bash-completion/completions/csctl-matrix

  # zsh: a directory of $fpath
  $ csctl-matrix completions zsh > ~/.zfunc/_csctl-matrix

  # fish
  $ csctl-matrix completions fish > ~/.config/fish/completions/csctl-matrix.fish"
))]
pub(super) struct CompletionsArgs {
    /// Shell to complete for
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(&self) -> Outcome {
        let mut bytes = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "csctl-matrix", &mut bytes);
        let script = String::from_utf8_lossy(&bytes);
        Outcome {
            data: match self.shell {
                Shell::Bash => with_one_name(&script),
                _ => script.into_owned(),
            }
            .into(),
            form: Form::Script,
            ..Outcome::default()
        }
    }
}

/// `clap_complete` spells a program whose name has a hyphen in two ways, `csctl__matrix` where bash looks for the command and
/// `csctl__subcmd__matrix` where it has the options, so that nothing is completed after a subcommand.
fn with_one_name(script: &str) -> String {
    script.replace("csctl__subcmd__matrix", "csctl__matrix")
}
