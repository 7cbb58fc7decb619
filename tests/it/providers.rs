//! A provider is one file of the program, a repository in `testdata` and a page in `docs/providers`: none is there without the others,
//! and no other file of the program decides anything by a provider's name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::program::{project, repositories, run};
use csctl_matrix::catalog::ImageProof;
use csctl_matrix::stack::{PROVIDERS, Provider};

/// Where a word is a provider's name by chance: the programs that a shell may run.
const BY_CHANCE: [&str; 1] = ["src/stack/examples/command.rs"];

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
fn every_provider_has_a_page_that_says_what_its_value_says() {
    let pages = project().join("docs/providers");
    assert_eq!(names_in(&pages), known());
    for provider in PROVIDERS {
        let name = provider.name;
        let page = fs::read_to_string(pages.join(format!("{name}.md"))).unwrap();
        for said in facts_of(provider) {
            assert!(page.contains(said), "docs/providers/{name}.md: {said}");
        }
    }
}

fn facts_of(provider: &Provider) -> impl Iterator<Item = &'static str> {
    let proof = match provider.proof {
        ImageProof::ChecksumFile => "`.CHECKSUM`",
        ImageProof::Md5File => "`.md5`",
        ImageProof::RegistryDigest => "digest of the tag",
        ImageProof::None => "Nothing proves",
    };
    let places = provider.store.into_iter().chain(provider.image_name);
    places.chain([proof])
}

#[test]
fn every_provider_has_a_repository_in_the_test_data() {
    let testdata = project().join("testdata");
    let mut shown = BTreeSet::new();
    for name in repositories() {
        let root = testdata.join(name);
        let said = run(&[
            "-C",
            root.to_str().unwrap(),
            "show",
            "--offline",
            "--format",
            "json",
        ]);
        let matrix: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        for stack in matrix["stacks"].as_array().unwrap() {
            let title = stack["title"].as_str().unwrap();
            shown.extend(title.split('/').next().map(str::to_owned));
        }
    }
    assert!(shown.is_superset(&known()), "{shown:?}");
}

#[test]
fn no_other_file_decides_by_the_name_of_a_provider() {
    let mut files = 0;
    for file in sources(&project().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in lines {
            for provider in PROVIDERS {
                let name = format!("\"{}\"", provider.name);
                assert!(!line.contains(&name), "{}: {line}", file.display());
            }
        }
        files += 1;
    }
    assert!(files > 200, "{files} files");
}

/// The files of the program that are about no provider and are no tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let below = path.strip_prefix(project()).unwrap();
        let is_apart = below.ends_with("stack/provider")
            || below.ends_with("tests")
            || below.ends_with("tests.rs")
            || BY_CHANCE.iter().any(|known| below == Path::new(known));
        if is_apart {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}
