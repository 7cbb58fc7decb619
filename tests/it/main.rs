//! Everything that is tested from outside, as one program: a module for each topic, and `support`, the stand-ins they share.
//! `cargo test --test it TOPIC` runs one of them.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::format_push_string,
    reason = "what tests share fails like tests, and reads files, clocks and variables as it likes"
)]

mod support;

mod architecture;
mod bad_files;
mod bad_input;
mod bad_world;
mod catalog_http;
mod catalog_shapes;
mod catalog_sources;
mod catalog_store;
mod charts;
mod check;
mod ci_files;
mod claims;
mod credentials;
mod csctl_hashes;
mod docs;
mod doctor;
mod due;
mod field_cases;
mod foreign;
mod forge;
mod forge_pace;
mod forge_refs;
mod gate;
mod gate_checks;
mod git_remote;
mod growth;
mod hostile_answers;
mod image_proofs;
mod interrupted;
mod knowledge;
mod own_references;
mod paths;
mod plugin;
mod policy;
mod polite;
mod pr;
mod pr_history;
mod properties;
mod providers;
mod readme_examples;
mod release;
mod replay;
mod requests;
mod rules;
mod schema;
mod shapes;
mod shared_catalog;
mod sharing;
mod shell;
mod signals;
mod standard;
mod terminal;
mod trust;
mod update;
mod verify_images;
mod vulnerabilities;
mod yaml_golden;
mod yaml_properties;
mod yaml_reading;
mod yaml_upstream;
