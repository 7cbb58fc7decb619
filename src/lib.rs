//! csctl-matrix keeps cluster-stack repositories in step with the node images, Kubernetes patches and addon charts that
//! exist. The floors, from the ground up, are described in `docs/architecture.md`; imports run downwards only.

pub mod catalog;
pub mod version;
pub mod yaml;
