//! The command line of decisions about versions: `block`, `unblock`, `pin`, `unpin`.

use std::path::Path;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::environment::today;
use super::{Call, examples};
use crate::command::decide::{DecideRequest, Decision};
use crate::command::{Place, quote};
use crate::policy::Pin;
use crate::version::{KubernetesVersion, OsRelease};

#[derive(Debug, Subcommand)]
pub(super) enum DecideCommand {
    /// Block a version, or one of its images; the next plan removes it everywhere
    Block(BlockArgs),
    /// Allow a blocked version again
    Unblock(UnblockArgs),
    /// Pin a minor's default version until a date
    Pin(PinArgs),
    /// Remove a pin, so that the default version can move again
    Unpin(UnpinArgs),
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Remove a vulnerable version everywhere
  $ csctl-matrix block v1.34.5 --reason CVE-2026-1234

  # Block one broken image of a version
  $ csctl-matrix block v1.34.5 --os ubuntu-2404 --reason 'no network after boot'"
))]
pub(super) struct BlockArgs {
    /// Kubernetes version, such as v1.34.5
    version: KubernetesVersion,
    /// Block only the image for this operating system, such as ubuntu-2404
    #[arg(long, value_name = "OS")]
    os: Option<OsRelease>,
    /// Why the version is blocked
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decided it [default: name and e-mail address from the git configuration]
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Use this date as today [default: the current date in UTC]
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
}

#[derive(Debug, Args)]
#[command(after_help = examples!("$ csctl-matrix unblock v1.34.5"))]
pub(super) struct UnblockArgs {
    /// Kubernetes version, such as v1.34.5
    version: KubernetesVersion,
    /// Operating system of the blocked image, such as ubuntu-2404
    #[arg(long, value_name = "OS")]
    os: Option<OsRelease>,
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Keep the default of 1.34 until the end of June
  $ csctl-matrix pin v1.34.4 --until 2026-06-30 --reason 'e2e tests are flaky'"
))]
pub(super) struct PinArgs {
    /// Kubernetes version, such as v1.34.4
    version: KubernetesVersion,
    /// Last day of the pin
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Date,
    /// Pin only this stack, such as openstack/scs2 [default: all]
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,
    /// Why the version is pinned
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Use this date as today [default: the current date in UTC]
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
}

#[derive(Debug, Args)]
#[command(after_help = examples!("$ csctl-matrix unpin v1.34.4"))]
pub(super) struct UnpinArgs {
    /// Kubernetes version, such as v1.34.4
    version: KubernetesVersion,
    /// Stack that the pin is for
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,
}

impl DecideCommand {
    pub(super) fn request(self, call: &Call) -> DecideRequest {
        let as_of = match &self {
            Self::Block(args) => args.as_of,
            Self::Pin(args) => args.as_of,
            // These write no day down.
            Self::Unblock(_) | Self::Unpin(_) => None,
        };
        DecideRequest {
            place: Place {
                directory: call.directory.clone(),
                revision: None,
            },
            decision: self.decision(),
            today: as_of.unwrap_or_else(today),
            next: plan_command(&call.directory),
        }
    }

    fn decision(self) -> Decision {
        match self {
            Self::Block(args) => Decision::Block {
                version: args.version,
                os: args.os,
                reason: args.reason,
                by: args.by,
            },
            Self::Unblock(args) => Decision::Unblock {
                version: args.version,
                os: args.os,
            },
            Self::Pin(args) => Decision::Pin(Pin {
                version: args.version,
                stack: args.stack,
                reason: args.reason,
                until: args.until,
            }),
            Self::Unpin(args) => Decision::Unpin {
                version: args.version,
                stack: args.stack,
            },
        }
    }
}

fn plan_command(directory: &Path) -> String {
    if directory == Path::new(".") {
        return "csctl-matrix plan".to_owned();
    }
    format!(
        "csctl-matrix -C {} plan",
        quote(&directory.to_string_lossy())
    )
}
