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

pub(crate) use decide::{
    Action, Branch, EditedState, Labels, NoLongerNeeded, Observed, Refresh, Untested, decide,
    decide_untested, find_open, last_refusal,
};
pub(crate) use doctor::{DoctorCheck, DoctorReport, DoctorState};
pub(crate) use fingerprint::{ChangedFile, Fingerprint};
pub(crate) use hidden_block::HiddenBlock;
pub(crate) use key::PullKey;
pub(crate) use proposal::Proposal;
pub(crate) use report::{PullEnding, PullOutcome, PullReport};
pub use request::{PullRequest, PullState};
pub(crate) use text::{BodyInput, Templates, TextError, body, commit_message, title};
pub(crate) use words::Words;

pub(crate) use request::{login, or_default};
