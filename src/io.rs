//! Everything with an effect outside of the program, or an answer from there: HTTP, the catalog's sources, files, git, the forge.
//! It decides nothing about versions; what it reports are facts.

pub mod catalog;
pub mod catalog_place;
pub(crate) mod catalog_request;
pub(crate) mod chart_archives;
pub(crate) mod cosign;
pub mod digest;
pub(crate) mod ending;
pub(crate) mod files;
pub mod forge;
pub mod gate;
pub mod git;
pub mod http;
pub(crate) mod image_bucket;
pub(crate) mod image_registry;
pub(crate) mod oci;
pub(crate) mod packer;
pub(crate) mod registry;
pub(crate) mod release_directory;
pub(crate) mod release_place;
pub(crate) mod release_push;
pub(crate) mod surrender;
pub mod update;
pub mod verify;

mod aloud;
mod atomic;
mod checksum;
mod end_of_life;
mod helm;
mod image_store;
mod kubernetes;
mod no_answer;
mod output;
mod pager;
mod pointer;
mod process;
mod s3;
mod vulnerabilities;

pub(crate) use atomic::write as write_atomically;
pub(crate) use atomic::{append, replace_text};
pub(crate) use pager::Pager;
