//! `block`, `unblock`, `pin` and `unpin`: decisions about versions, written into csctl-matrix.yaml. The rest of the file stays
//! as it is; what follows from a decision is the next plan's business.

use jiff::civil::Date;

use super::unfinished::told;
use super::{Format, Outcome, Place, Repository};
use crate::config::{CONFIG_FILE, ConfigEdit, EditError, SCHEMA_LINE};
use crate::error::CommandError;
use crate::io::replace_text;
use crate::policy::{Block, Pin};
use crate::spelling::did_you_mean;
use crate::stack::{Content, Stack};
use crate::version::{KubernetesVersion, OsRelease};

/// What is decided.
#[derive(Debug, Clone)]
pub(crate) enum Decision {
    /// A version, or one image of it, must not be used.
    Block {
        /// The version.
        version: KubernetesVersion,
        /// The operating-system release of the bad image.
        os: Option<OsRelease>,
        /// Why.
        reason: String,
        /// Who decided it; without it, the name that git knows.
        by: Option<String>,
    },
    /// It may be used again.
    Unblock {
        /// The version.
        version: KubernetesVersion,
        /// The operating-system release of the image.
        os: Option<OsRelease>,
    },
    /// A default stays where it is.
    Pin(Pin),
    /// It may move again.
    Unpin {
        /// The version.
        version: KubernetesVersion,
        /// The stack by its title.
        stack: Option<String>,
    },
}

/// What to write down.
#[derive(Debug, Clone)]
pub(crate) struct DecideRequest {
    /// The repository.
    pub place: Place,
    /// The decision.
    pub decision: Decision,
    /// The day of the decision.
    pub today: Date,
    /// The command line that shows what follows, to be named to people.
    pub next: String,
}

/// Writes a decision down.
pub(crate) fn run(request: &DecideRequest) -> Result<Outcome, CommandError> {
    told(&request.place, write_down(request))
}

fn write_down(request: &DecideRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.place)?;
    let before = match repository.tree.find(CONFIG_FILE) {
        Some(Content::Text(text)) => Some(text.as_ref()),
        Some(Content::Unread | Content::Unreadable(_)) | None => None,
    };
    // The line by which editors find the schema begins every new file.
    let first_line = format!("{SCHEMA_LINE}\n");
    let text = before.unwrap_or(&first_line);
    let Decided {
        edited,
        done: said,
        already,
    } = decide(&repository, request, text)?;
    let data = match edited {
        ConfigEdit::Unchanged => format!("{CONFIG_FILE}: {already}; nothing to write\n"),
        ConfigEdit::Changed(after) => {
            replace_text(&repository.root.join(CONFIG_FILE), before, &after).map_err(|error| {
                CommandError::new(error)
                    .hinted("nothing was written; look at the file, and run it again")
            })?;
            format!(
                "{CONFIG_FILE}: {said}\nSee what follows: {}\n",
                request.next
            )
        }
    };
    Ok(Outcome::of(data, Format::Text))
}

/// A decision in the text of the configuration.
struct Decided {
    edited: ConfigEdit,
    /// What to say where it was written.
    done: String,
    /// What to say where it stood there.
    already: String,
}

/// Writes a decision into the text of the configuration.
fn decide(
    repository: &Repository,
    request: &DecideRequest,
    text: &str,
) -> Result<Decided, CommandError> {
    match &request.decision {
        Decision::Block {
            version,
            os,
            reason,
            by,
        } => {
            if reason.trim().is_empty() {
                let hint =
                    "say why, for those who read it in a year: --reason 'kubelet leaks memory'";
                return Err(CommandError::new("the reason is empty").hinted(hint));
            }
            let git = repository.git.as_ref();
            let block = Block {
                version: *version,
                os: os.clone(),
                reason: reason.clone(),
                by: by.clone().or_else(|| git?.identity()),
                on: Some(request.today),
            };
            let subject = block.subject();
            Ok(Decided {
                edited: crate::config::block(text, &block).map_err(edit_error)?,
                done: format!("{subject} is blocked"),
                already: format!("{subject} is blocked already"),
            })
        }
        Decision::Unblock { version, os } => {
            let subject = match os {
                Some(os) => format!("{version} on {os}"),
                None => version.to_string(),
            };
            Ok(Decided {
                edited: crate::config::unblock(text, *version, os.as_ref()).map_err(edit_error)?,
                done: format!("{subject} is no longer blocked"),
                already: format!("{subject} is not blocked"),
            })
        }
        Decision::Pin(pin) => {
            check_pin(repository, pin, request.today)?;
            let done = format!(
                "the default of {} is pinned to {} until {} in {}",
                pin.version.minor(),
                pin.version,
                pin.until,
                pin.stack.as_deref().unwrap_or("every stack")
            );
            Ok(Decided {
                edited: crate::config::pin(text, pin).map_err(edit_error)?,
                already: format!("{done} already"),
                done,
            })
        }
        Decision::Unpin { version, stack } => Ok(Decided {
            edited: crate::config::unpin(text, *version, stack.as_deref()).map_err(edit_error)?,
            done: format!("{version} is no longer pinned"),
            already: format!("{version} is not pinned"),
        }),
    }
}

fn check_pin(repository: &Repository, pin: &Pin, today: Date) -> Result<(), CommandError> {
    if pin.until < today {
        let message = format!("{} has passed; today is {today}", pin.until);
        return Err(CommandError::new(message).hinted("--until names the last day of the pin"));
    }
    let Some(stack) = &pin.stack else {
        return Ok(());
    };
    let titles = repository.discovery.map(&repository.tree, Stack::title);
    if titles.contains(stack) {
        return Ok(());
    }
    let meant = did_you_mean(stack, titles.iter().map(String::as_str));
    let message = format!("no cluster stack `{stack}`{meant}");
    Err(CommandError::new(message).hinted(format!("there are {}", titles.join(", "))))
}

fn edit_error(error: EditError) -> CommandError {
    CommandError::new(format!("{CONFIG_FILE}: {error}")).hinted(error.hint)
}
