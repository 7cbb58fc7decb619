//! Pull requests as values: which there should be, how each is known again, what it says, and what is to be done about it. It knows
//! neither a forge nor git; both are asked and told elsewhere. The rules are those of docs/pull-requests.md.

mod block;
mod decide;
mod doctor;
mod fingerprint;
mod key;
mod report;
mod text;
mod words;

pub use block::{Block, MARKER};
pub use decide::{
    Branch, Cause, Decision, Edited, Labels, Observed, Proposal, Pull, PullState, Untested, decide,
    decide_untested, find_open, refused,
};
pub use doctor::{DoctorCheck, DoctorReport, DoctorState};
pub use fingerprint::{Change, Fingerprint};
pub use key::PullKey;
pub use report::{Ended, PullOutcome, PullReport};
pub use text::{BodyInput, Templates, TextError, body, commit_message, title};
pub use words::Words;
