//! csctl-matrix keeps cluster-stack repositories in step with the node images, Kubernetes patches and addon charts that
//! exist. The floors, from the ground up, are described in `docs/architecture.md`; imports run downwards only.

pub mod catalog;
pub mod check;
pub mod cli;
pub mod command;
pub mod config;
pub mod error;
pub mod gate;
pub mod io;
mod markup;
pub mod matrix;
mod node_images;
mod overview;
mod parallel;
pub mod plan;
pub mod policy;
pub mod pull;
pub mod release;
pub mod release_digest;
mod report;
#[cfg(test)]
mod schema;
mod spelling;
pub mod stack;
pub mod standard;
mod template;
pub mod version;
pub mod yaml;
