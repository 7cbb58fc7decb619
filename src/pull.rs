//! Pull requests as values: which there should be, how each is known again, what it says, and what is to be done about it. What GitHub
//! says of one comes in, an action goes out; nobody is asked here. The rules are those of docs/pull-requests.md.

mod decide;
mod doctor;
mod fingerprint;
mod hidden_block;
mod key;
mod proposal;
mod report;
mod request;
mod text;
mod words;

pub use decide::{
    Action, Branch, EditedState, Labels, NoLongerNeeded, Observed, Refresh, Untested, decide,
    decide_untested, find_open, last_refusal,
};
pub use doctor::{DoctorCheck, DoctorReport, DoctorState};
pub use fingerprint::{ChangedFile, Fingerprint};
pub use hidden_block::{HiddenBlock, MARKER};
pub use key::PullKey;
pub use proposal::Proposal;
pub use report::{PullEnding, PullOutcome, PullReport};
pub use request::{AutoMerge, PullBranch, PullRequest, PullState};
pub use text::{BodyInput, Templates, TextError, body, commit_message, title};
pub use words::Words;

pub(crate) use request::{login, or_default};
