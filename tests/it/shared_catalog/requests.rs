//! One crawl for what many repositories need. What nobody asked for is unknown, and the plan of each is the one that it would make by
//! itself.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::DAY;
use crate::docs;
use crate::support::program::{self, Copy, Said, sound_repositories};
use crate::support::server::refusing_url;
use crate::support::store::StoreServer;

/// The world of `testdata/catalog.yaml`, and who works with it.
struct Place {
    world: StoreServer,
    /// Where nobody answers: registries of container images.
    nobody: String,
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            world: docs::world(),
            nobody: refusing_url(),
            folder: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs the program without a cache, where the world answers.
    fn run(&self, words: &[&str]) -> Said {
        let mut mirrors = self.world.mirrors();
        mirrors.push(format!("https://registry.scs.community/={}/", self.nobody));
        let mirrors = mirrors.iter().flat_map(|mirror| ["--mirror", mirror]);
        let mirrors: Vec<&str> = mirrors.collect();
        let mut command = program::program(&[words, &["--as-of", DAY], &mirrors].concat());
        command.env("NO_PROXY", "*").output().unwrap().into()
    }

    /// Asks for what these need, and returns the file of the catalog.
    fn fetch(&self, requests: &[String]) -> String {
        let file = self.path("shared.yaml");
        let mut words = vec!["catalog", "fetch", "--output", &*file];
        words.extend(requests.iter().flat_map(|path| ["--request", path]));
        self.run(&words).success();
        file
    }

    fn plan(&self, copy: &Copy, catalog: Option<&str>) -> Value {
        let root = copy.root().display().to_string();
        let mut words = vec!["-C", &*root, "plan", "--format", "json"];
        words.extend(catalog.iter().flat_map(|file| ["--catalog", file]));
        let said = match catalog {
            Some(_) => program::run(&words),
            None => self.run(&words),
        };
        let mut plan = serde_json::from_str(&said.stdout).unwrap();
        forget_commands(&mut plan);
        plan
    }
}

/// Takes out the commands that a plan names, which carry on the arguments of the run.
fn forget_commands(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("csctl-matrix ") => text.clear(),
        Value::Array(list) => list.iter_mut().for_each(forget_commands),
        Value::Object(map) => map.values_mut().for_each(forget_commands),
        _ => {}
    }
}

fn root(copy: &Copy) -> String {
    copy.root().display().to_string()
}

#[test]
fn each_repository_has_the_plan_that_it_would_make_by_itself() {
    let place = Place::new();
    let copies: Vec<Copy> = sound_repositories()
        .iter()
        .map(|name| Copy::of(name))
        .collect();
    let roots: Vec<String> = copies.iter().map(root).collect();
    let shared = place.fetch(&roots);
    let mut changes = 0;
    for copy in &copies {
        let own = place.plan(copy, None);
        let of_shared = place.plan(copy, Some(&shared));
        assert!(own == of_shared, "{}", difference(&own, &of_shared));
        changes += own["files"].as_array().map_or(0, Vec::len);
    }
    assert!(changes > 10, "{changes}");
}

fn difference(one: &Value, other: &Value) -> String {
    similar::TextDiff::from_lines(pretty(one).as_str(), pretty(other).as_str())
        .unified_diff()
        .to_string()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[test]
fn one_crawl_asks_for_what_many_need() {
    let place = Place::new();
    let copies = [Copy::of("layout-c"), Copy::of("layout-c")];
    let asked = |requests: &[String]| {
        place.world.clear_log();
        let file = place.fetch(requests);
        let mut urls: Vec<String> = place
            .world
            .log()
            .iter()
            .map(|line| line.path.clone())
            .collect();
        urls.sort();
        (urls, fs::read_to_string(file).unwrap())
    };
    let one = asked(&[root(&copies[0])]);
    let both = asked(&copies.each_ref().map(root));
    assert_eq!(one, both);
    assert!(one.0.len() > 20, "{}", one.0.len());
}

#[test]
fn a_request_is_a_file_that_can_be_put_together() {
    let place = Place::new();
    let [a, b] = ["layout-c", "values-map"].map(Copy::of);
    let print = |paths: &[&str]| program::run(&[&["catalog", "request"], paths].concat()).success();
    let of_both = print(&[&root(&a), &root(&b)]);
    let file = place.path("a.yaml");
    fs::write(&file, print(&[&root(&a)])).unwrap();
    assert_eq!(print(&[&file, &root(&b)]), of_both);
    assert_eq!(
        program::run(&["-C", &root(&a), "catalog", "request"]).success(),
        print(&[&file])
    );
    let joined = place.path("both.yaml");
    fs::write(&joined, &of_both).unwrap();
    let of_file = fs::read(place.fetch(&[joined])).unwrap();
    let of_roots = fs::read(place.fetch(&[root(&a), root(&b)])).unwrap();
    assert_eq!(of_file, of_roots);
}

#[test]
fn repositories_that_cannot_share_are_named() {
    let place = Place::new();
    let copies = [Copy::of("layout-c"), Copy::of("layout-c")];
    for (config, subject) in [
        ("imageStore: {listing: s3}\n", "imageStore.listing"),
        ("imageStore: {proof: md5}\n", "imageStore.proof"),
    ] {
        copies[1].write("csctl-matrix.yaml", config);
        let roots = copies.each_ref().map(root);
        let error = program::run(&["catalog", "request", &roots[0], &roots[1]]).failure(1);
        for told in [&*roots[0], &*roots[1], subject] {
            assert!(error.contains(told), "{told}: {error}");
        }
    }
    let feeds = ["https://a.example/", "https://b.example/"];
    for (copy, feed) in copies.iter().zip(feeds) {
        let config = format!("sources: {{vulnerabilities: {{feed: '{feed}'}}}}\n");
        copy.write("csctl-matrix.yaml", &config);
    }
    let error = place
        .run(&[
            "catalog",
            "fetch",
            "-o",
            "-",
            "--request",
            &root(&copies[0]),
            "--request",
            &root(&copies[1]),
        ])
        .failure(1);
    assert!(feeds.iter().all(|feed| error.contains(feed)), "{error}");
}

#[test]
fn what_nobody_asked_for_is_unknown() {
    let place = Place::new();
    let [known, other] = ["layout-c", "docker"].map(Copy::of);
    // A store, minors and charts that the catalog knows nothing of.
    let of_other = place.fetch(&[root(&other), root(&Copy::of("values-map"))]);
    let said = program::run(&["-C", &root(&known), "plan", "--catalog", &of_other]);
    assert!(said.stdout.contains("unknown"), "{}", said.stdout);
    assert!(!said.stdout.contains("nothing to do"), "{}", said.stdout);
    // A version beyond all that was looked at.
    let of_known = place.fetch(&[root(&known)]);
    let list = "providers/openstack/scs2/kubernetes.yaml";
    let text = known.read(list);
    let entry = text.rfind("      - version:").unwrap();
    let more = text[entry..].replace(
        text[entry..]
            .split('\'')
            .nth(1)
            .unwrap()
            .trim_start_matches('v'),
        "1.34.40",
    );
    known.write(list, &format!("{text}{more}"));
    let said = program::run(&["-C", &root(&known), "plan", "--catalog", &of_known]);
    assert!(
        said.stdout
            .contains("the catalog was not asked for v1.34.40"),
        "{}",
        said.stdout
    );
}

/// What one repository alone names would decide for all: a source of facts, or a system that is looked for with every patch.
#[test]
fn what_one_repository_names_is_not_taken_for_the_others() {
    let (named, usual) = (Copy::of("layout-c"), Copy::of("layout-c"));
    for (config, subject, default) in [
        (
            "sources:\n  endOfLife: https://eol.example.org/api\n",
            "sources.endOfLife is ",
            "the usual one",
        ),
        (
            "os: [ubuntu-2604]\n",
            "os for https://images.example.org/",
            "not set",
        ),
    ] {
        named.write("csctl-matrix.yaml", config);
        for (one, other) in [(&named, &usual), (&usual, &named)] {
            let said = program::run(&["catalog", "request", &root(one), &root(other)]);
            assert_eq!(said.status, 1, "{}", said.stdout);
            let conflict = format!("cannot share a catalog: {subject}");
            assert!(said.stderr.contains(&conflict), "{}", said.stderr);
            assert!(said.stderr.contains(default), "{}", said.stderr);
        }
    }
}

#[test]
fn a_request_that_cannot_be_read_is_told_with_its_place() {
    let place = Place::new();
    let file = place.path("request.yaml");
    for (text, told) in [
        ("schema: 1\nrequest:\n  store: {}\n", "request.yaml:3: "),
        ("schema: 2\nrequest: {}\n", "has schema 2"),
        ("", "request.yaml:1: "),
        (
            "schema: 1\nrequest:\n  stores:\n    https://x/a: {minors: ['1.34']}\n",
            "{version}",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let said = place.run(&["catalog", "fetch", "-o", "-", "--request", &file]);
        let error = said.failure(1);
        assert!(error.contains(told), "{told}: {error}");
    }
    let absent = Path::new(&file).with_file_name("absent");
    let error = program::run(&["catalog", "request", absent.to_str().unwrap()]).failure(1);
    assert!(error.contains("absent"), "{error}");
    let error =
        program::run(&["catalog", "request", place.folder.path().to_str().unwrap()]).failure(1);
    assert!(error.contains("no cluster stack"), "{error}");
}
