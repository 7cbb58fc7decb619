//! What becomes of lists, by what their stores offer and what is wanted.

use super::*;
use crate::policy::{Blocked, Policy, Wishes};
use crate::stack::series::SeriesSet;
use crate::version::StackLine;

fn image(version: &str, os: &str) -> NodeImage {
    let url = format!("https://images.example.org/{os}-kube-{version}.qcow2");
    NodeImage {
        os: Some(os.parse().unwrap()),
        sha256: Some("a".repeat(64).parse().unwrap()),
        ..NodeImage::new(version.parse().unwrap(), url)
    }
}

fn entries(versions: &[&str]) -> Vec<ImageListEntry> {
    let entry = |version: &&str| {
        let image = image(version, "ubuntu-2404");
        ImageListEntry {
            name: (*version).to_owned(),
            os: image.os,
            url: Some(image.url),
            sha256: image.sha256,
            ..ImageListEntry::new(1, version.parse().unwrap())
        }
    };
    versions.iter().map(entry).collect()
}

/// A list and what is done with it: the default moves from v1.34.1 to the version given.
struct Case<'c> {
    policy: Policy,
    wishes: Wishes,
    scope: ImageListScope,
    default: &'c str,
    listed: &'c [&'c str],
    offered: &'c [&'c str],
}

impl Case<'_> {
    fn change(&self) -> ImageListChange {
        let images: Vec<NodeImage> = self
            .offered
            .iter()
            .map(|v| image(v, "ubuntu-2404"))
            .collect();
        let line: StackLine = "openstack-scs-1-34".parse().unwrap();
        let default: KubernetesVersion = self.default.parse().unwrap();
        let of = |minor: Minor| {
            let start = images.partition_point(|image| image.version.minor() < minor);
            let end = images.partition_point(|image| image.version.minor() <= minor);
            (minor, &images[start..end])
        };
        let minors = ["1.33", "1.34", "1.35"].map(|minor| minor.parse().unwrap());
        let series = SeriesSet::default();
        let wanted = Wanted {
            line: StackLine {
                minor: default.minor(),
                ..line.clone()
            },
            line_before: line,
            default: Some(default),
            default_before: Some("v1.34.1".parse().unwrap()),
            series: &series,
            images: Vec::new(),
            common: minors.map(of).into(),
            rows: std::collections::BTreeMap::new(),
            charts: std::collections::BTreeMap::new(),
            chart_places: std::collections::BTreeMap::new(),
            kept: [default].into(),
            dropped: BTreeSet::new(),
            blocked: &Blocked::default(),
            next_version: None,
            newest_release: None,
            references: None,
            reach: super::super::wanted::Reach::Tree,
            has_csctl: true,
            moves_os: false,
            policy: &self.policy,
            wishes: &self.wishes,
        };
        let entries = entries(self.listed);
        let listing = Listing::new("list.yaml", &entries, &wanted);
        reconcile(&listing, &wanted, self.scope)
    }

    /// The list as it reads then.
    fn after(&self) -> Vec<String> {
        let change = self.change();
        let mut after = Vec::new();
        for index in 0..=self.listed.len() {
            let here = change.insert.iter().filter(|insert| insert.at == index);
            after.extend(here.map(|insert| insert.image.version.to_string()));
            let Some(version) = self.listed.get(index) else {
                continue;
            };
            let replaced = change.replace.iter().find(|(at, _, _)| *at == index);
            if let Some((_, image, _)) = replaced {
                after.push(image.version.to_string());
            } else if !change.remove.iter().any(|(at, _)| *at == index) {
                after.push((*version).to_owned());
            }
        }
        after
    }
}

fn case<'c>(images: &str, listed: &'c [&'c str], offered: &'c [&'c str]) -> Case<'c> {
    Case {
        policy: Policy {
            images: images.parse().unwrap(),
            ..Policy::default()
        },
        wishes: Wishes::default(),
        scope: ImageListScope::AllMinors,
        default: "v1.34.1",
        listed,
        offered,
    }
}

#[test]
fn new_images_take_the_place_their_order_gives_them() {
    let offered = ["v1.33.2", "v1.34.0", "v1.34.2", "v1.34.4"];
    let ascending = case("all", &["v1.34.1", "v1.34.3"], &offered);
    assert_eq!(
        ascending.after(),
        [
            "v1.33.2", "v1.34.0", "v1.34.1", "v1.34.2", "v1.34.3", "v1.34.4"
        ]
    );
    let descending = case("all", &["v1.34.3", "v1.34.1"], &offered);
    assert_eq!(
        descending.after(),
        [
            "v1.34.4", "v1.34.3", "v1.34.2", "v1.34.1", "v1.34.0", "v1.33.2"
        ]
    );
}

#[test]
fn a_trimmed_list_keeps_the_default_and_what_nothing_replaces() {
    let offered = ["v1.34.2", "v1.34.3"];
    let listed = ["v1.34.0", "v1.34.1"];
    assert_eq!(
        case("newest=2", &listed, &offered).after(),
        ["v1.34.1", "v1.34.2", "v1.34.3"]
    );
    let mut kept = case("newest=2", &listed, &offered);
    kept.policy.retention = Retention::Keep;
    assert_eq!(kept.after(), ["v1.34.0", "v1.34.1", "v1.34.2", "v1.34.3"]);
    let mut removal = case("newest=1", &["v1.33.1", "v1.34.1"], &["v1.33.2"]);
    removal.wishes.changes = [ChangeClass::Removal].into();
    assert_eq!(removal.after(), ["v1.33.1", "v1.34.1"]);
}

#[test]
fn a_first_entry_that_leaves_turns_into_the_new_image() {
    let mut moving = case("newest", &["v1.34.1"], &["v1.34.2"]);
    moving.default = "v1.34.2";
    assert_eq!(moving.change().replace.len(), 1);
    assert_eq!(moving.after(), ["v1.34.2"]);
    let mut first = case("newest", &["v1.34.1", "v1.33.0"], &["v1.34.2"]);
    first.default = "v1.34.2";
    assert!(first.change().insert.is_empty() && first.change().remove.is_empty());
    assert_eq!(first.after(), ["v1.34.2", "v1.33.0"]);
}

#[test]
fn an_image_uploaded_again_is_another_image_and_waits() {
    let mut again = case("all", &["v1.34.1"], &["v1.34.1"]);
    let mut listed = entries(&["v1.34.1"]);
    listed[0].sha256 = Some("b".repeat(64).parse().unwrap());
    assert!(is_another_image(
        &listed[0],
        &image("v1.34.1", "ubuntu-2404")
    ));
    assert_eq!(again.change().complete.len(), 1);
    again.wishes.changes = [ChangeClass::OsRelease].into();
    assert!(again.change().replace.is_empty());
}

#[test]
fn scopes_say_which_minors_a_list_is_about() {
    let offered = ["v1.33.2", "v1.34.2", "v1.35.2"];
    let with = |scope, default, listed| {
        let mut case = case("all", listed, &offered);
        (case.scope, case.default) = (scope, default);
        case.after()
    };
    let (one, listed) = (ImageListScope::OneMinor, ImageListScope::ListedMinors);
    assert_eq!(with(one, "v1.34.2", &["v1.34.1"]), ["v1.34.1", "v1.34.2"]);
    assert_eq!(with(one, "v1.35.2", &["v1.34.1"]), ["v1.35.2"]);
    assert_eq!(with(listed, "v1.35.2", &["v1.34.1"]), ["v1.35.2"]);
    assert_eq!(
        with(listed, "v1.35.2", &["v1.33.1", "v1.34.1"]),
        ["v1.33.1", "v1.33.2", "v1.34.1", "v1.34.2", "v1.35.2"]
    );
}

#[test]
fn a_listed_image_keeps_its_operating_system_and_a_new_one_has_the_newest() {
    let offered = ["ubuntu-2204", "ubuntu-2404"].map(|os| image("v1.34.1", os));
    let version = offered[0].version;
    let mut listed = entries(&["v1.34.1"]).remove(0);
    listed.url = Some(offered[0].url.clone());
    assert_eq!(choose(&offered, version, Some(&listed)), Some(&offered[0]));
    assert_eq!(choose(&offered, version, None), Some(&offered[1]));
}
