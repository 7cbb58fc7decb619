//! A provider is one file of the program, a repository in `testdata` and a page in `docs/providers`: none is there without the others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::program::{project, repositories};
use csctl_matrix::stack::PROVIDERS;

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().path());
    names
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn known() -> BTreeSet<String> {
    let names = PROVIDERS.iter().map(|provider| provider.name.to_owned());
    names.collect()
}

#[test]
fn every_provider_has_a_file_and_every_file_is_in_the_list() {
    assert_eq!(names_in(&project().join("src/stack/provider")), known());
}

#[test]
fn every_provider_has_a_page() {
    let pages = project().join("docs/providers");
    assert_eq!(names_in(&pages), known());
    let overview = fs::read_to_string(project().join("docs/providers.md")).unwrap();
    for provider in PROVIDERS {
        let name = provider.name;
        let link = format!("(providers/{name}.md)");
        assert!(overview.contains(&link), "docs/providers.md has no {link}");
        let page = fs::read_to_string(pages.join(format!("{name}.md"))).unwrap();
        let store = provider.store.unwrap_or("none");
        assert!(page.contains(store), "docs/providers/{name}.md: {store}");
    }
}

#[test]
fn every_provider_has_a_repository_in_the_test_data() {
    let testdata = project().join("testdata");
    let repositories = repositories();
    let shown = repositories
        .iter()
        .flat_map(|name| names_in(&testdata.join(name).join("providers")));
    assert_eq!(shown.collect::<BTreeSet<_>>(), known());
}
