//! Stand-ins and helpers that topics share.

pub(crate) mod bucket;
pub(crate) mod cases;
pub(crate) mod git_server;
pub(crate) mod github;
pub(crate) mod h2_server;
pub(crate) mod hosted;
pub(crate) mod hostile;
pub(crate) mod program;
pub(crate) mod registry;
pub(crate) mod repositories;
pub(crate) mod server;
pub(crate) mod store;
pub(crate) mod world;
pub(crate) mod yaml;
