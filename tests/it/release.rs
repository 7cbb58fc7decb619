//! `release build` and `release verify`: release directories from working directories and revisions, and what is refused.

mod attested;
mod building;
mod golden;
mod listing;
mod next;
mod notes;
mod promoting;
mod publishing;
mod refused;
mod signed;
mod vendored;
mod verifying;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use crate::support::program::{Copy, Said, files_of};

/// The stages of layout C, for stacks of the other layouts.
const STAGES: &str =
    "addonStages:\n  AfterControlPlaneInitialized:\n  - name: cni\n    action: apply\n";

/// A repository of layout C with all files committed.
fn layout_c() -> Copy {
    let copy = Copy::of("layout-c");
    copy.commit();
    copy
}

/// Builds into a directory beside the repository, so that the working directory stays clean.
fn build(copy: &Copy, options: &[&str]) -> Said {
    let output = output(copy).display().to_string();
    let mut arguments = vec!["release", "build", "-o", &output];
    arguments.extend(options);
    copy.run(&arguments)
}

fn output(copy: &Copy) -> PathBuf {
    copy.root().parent().unwrap().join("out")
}

/// The files of a release that was built.
fn release(copy: &Copy, tag: &str) -> BTreeMap<String, Vec<u8>> {
    let directory = output(copy).join(tag);
    assert!(directory.is_dir(), "{}", directory.display());
    files_of(&directory)
}

/// The names of the releases that were built.
fn tags(copy: &Copy) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(output(copy)) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The members of an archive: paths and contents, in their order.
fn members(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let mut members = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().entry_type(), tar::EntryType::Regular);
        let path = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        members.push((path, content));
    }
    members
}

/// The text of a member of an archive.
fn member(release: &BTreeMap<String, Vec<u8>>, archive: &str, path: &str) -> String {
    let found = members(&release[archive])
        .into_iter()
        .find(|(name, _)| name == path);
    let (_, content) = found.unwrap_or_else(|| panic!("{archive} has no {path}"));
    String::from_utf8(content).unwrap()
}

fn text(release: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(release[name].clone()).unwrap()
}
