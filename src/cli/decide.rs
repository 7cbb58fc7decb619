//! The command line of decisions about versions: `block`, `unblock`, `pin`, `unpin`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::{quote, today};
use crate::command::Place;
use crate::command::decide::{DecideRequest, Decision};
use crate::policy::Pin;
use crate::version::{KubernetesVersion, OsRelease};

#[derive(Debug, Subcommand)]
pub(super) enum DecideCommand {
    /// Block a version, or one image of it: the next plan takes it out everywhere
    Block(BlockArgs),
    /// Let a blocked version be used again
    Unblock {
        /// The version: v1.34.5
        version: KubernetesVersion,
        /// The image that was blocked, by its operating system
        #[arg(long, value_name = "OS")]
        os: Option<OsRelease>,
    },
    /// Keep, or set, the default of a minor at a version until a day
    Pin(PinArgs),
    /// Let a pinned default move again
    Unpin {
        /// The version: v1.34.4
        version: KubernetesVersion,
        /// The stack whose pin it is
        #[arg(long, value_name = "STACK")]
        stack: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct BlockArgs {
    /// The version: v1.34.5
    version: KubernetesVersion,
    /// Block its image on this operating system alone
    #[arg(long, value_name = "OS")]
    os: Option<OsRelease>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decided it [default: the name and address that git knows]
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Take this day for today
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
}

#[derive(Debug, Args)]
pub(super) struct PinArgs {
    /// The version: v1.34.4
    version: KubernetesVersion,
    /// The last day of the pin
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Date,
    /// The stack by its title, openstack/scs2; all without it
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Take this day for today
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
}

impl DecideCommand {
    /// Returns what to write down.
    pub(super) fn request(self, directory: PathBuf) -> DecideRequest {
        let (decision, as_of) = match self {
            Self::Block(args) => {
                let decision = Decision::Block {
                    version: args.version,
                    os: args.os,
                    reason: args.reason,
                    by: args.by,
                };
                (decision, args.as_of)
            }
            Self::Unblock { version, os } => (Decision::Unblock { version, os }, None),
            Self::Pin(args) => {
                let pin = Pin {
                    version: args.version,
                    stack: args.stack,
                    reason: args.reason,
                    until: args.until,
                };
                (Decision::Pin(pin), args.as_of)
            }
            Self::Unpin { version, stack } => (Decision::Unpin { version, stack }, None),
        };
        let next = if directory == Path::new(".") {
            "csctl-matrix plan".to_owned()
        } else {
            format!(
                "csctl-matrix -C {} plan",
                quote(&directory.to_string_lossy())
            )
        };
        DecideRequest {
            place: Place {
                directory,
                revision: None,
            },
            decision,
            today: as_of.unwrap_or_else(today),
            next,
        }
    }
}
