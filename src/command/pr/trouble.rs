//! What goes wrong with one pull request, and what ends a whole run.

use crate::error::CommandError;
use crate::io::forge::{Cause, ForgeError};
use crate::io::git::{GitError, Rejection, RemoteError};
use crate::pull::PullEnding;

/// Why a run stops before its end.
pub(super) enum Stop {
    Limit(String),
    Failed(CommandError),
}

/// What went wrong with one pull request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Forge(#[from] ForgeError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("cannot move the branch: {0}")]
    Rejected(Rejection),
}

impl Trouble {
    pub(super) fn is_limit(&self) -> bool {
        match self {
            Self::Forge(error) => matches!(error, ForgeError::RateLimited { .. }),
            Self::Remote(error) => error.is_limit(),
            Self::Git(_) | Self::Command(_) | Self::Rejected(_) => false,
        }
    }

    /// Tells whether a branch was not moved as a rule of the server or of the forge is against it.
    pub(super) fn is_refused_move(&self) -> bool {
        match self {
            Self::Rejected(why) => matches!(
                why,
                Rejection::NonFastForward | Rejection::Protected(_) | Rejection::Hook(_)
            ),
            Self::Forge(error) => matches!(
                error.cause(),
                Some(Cause::NotFastForward | Cause::Protected)
            ),
            Self::Remote(_) | Self::Git(_) | Self::Command(_) => false,
        }
    }

    /// Says what happened and what to do.
    pub(super) fn in_full(&self) -> String {
        let hint = match self {
            Self::Forge(error) => error.hint(),
            Self::Remote(error) => Some(error.hint().to_owned()),
            Self::Git(error) => Some(error.hint().to_owned()),
            Self::Command(error) => error.hints().first().cloned(),
            Self::Rejected(why) => why.hint().map(str::to_owned),
        };
        match hint {
            Some(hint) => format!("{self}; {hint}"),
            None => self.to_string(),
        }
    }

    pub(super) fn ended(&self) -> PullEnding {
        match self {
            Self::Forge(ForgeError::Moved { .. } | ForgeError::Conflict(_))
            | Self::Rejected(Rejection::Stale { .. }) => PullEnding::Overtaken,
            Self::Forge(_)
            | Self::Remote(_)
            | Self::Git(_)
            | Self::Command(_)
            | Self::Rejected(_) => PullEnding::Failed,
        }
    }
}
