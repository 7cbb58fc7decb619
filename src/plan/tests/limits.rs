//! What policies withhold and take away, sha512: None, digest: None, on small texts.

use super::*;
use crate::policy::{Block, ChangeClass, Pin};

fn block(version: &str, os: Option<&str>) -> Block {
    Block {
        version: version.parse().unwrap(),
        os: os.map(|os| os.parse().unwrap()),
        reason: "bad".to_owned(),
        by: None,
        on: None,
    }
}

fn blocking(version: &str, os: Option<&str>) -> Policy {
    Policy {
        blocked: vec![block(version, os)],
        ..Policy::default()
    }
}

/// The same world with these versions on an older operating system, too.
fn with_jammy(mut catalog: Catalog, versions: &[&str]) -> Catalog {
    for version in versions {
        let noble = image(version);
        catalog.image_stores[0].images.push(NodeImage {
            os: Some("ubuntu-2204".parse().unwrap()),
            url: noble.url.replace("2404", "2204"),
            ..noble
        });
    }
    catalog.sort();
    catalog
}

fn classes(plan: &Plan) -> Vec<ChangeClass> {
    let lines = plan.stacks[0].lines.iter();
    lines.flat_map(|line| line.classes.clone()).collect()
}

#[test]
fn a_bad_image_makes_room_for_that_of_another_system() {
    let world = with_jammy(world(&["v1.34.5"]), &["v1.34.5"]);
    let plan = plan_with(
        &small(),
        &world,
        &blocking("v1.34.5", Some("ubuntu-2404")),
        None,
    );
    assert_eq!(
        written(&plan),
        [(
            "scs/node-images.yaml",
            node_images(&["v1.34.5"]).replace("2404", "2204")
        )]
        .into()
    );
    assert_eq!(classes(&plan), [ChangeClass::Removal]);
    let stack = &plan.stacks[0];
    assert_eq!(
        words(&stack.lines[0].reasons),
        ["v1.34.5 on ubuntu-2404 leaves: blocked, bad"]
    );
    assert!(stack.notes.iter().any(|note| {
        note.to_string()
            .starts_with("nodes of openstack-scs-1-34 on v1.34.5 on ubuntu-2404 must be replaced")
    }));
}

#[test]
fn a_bad_image_without_another_system_takes_its_version_along() {
    let world = world(&["v1.34.4", "v1.34.5"]);
    let plan = plan_with(
        &small(),
        &world,
        &blocking("v1.34.5", Some("ubuntu-2404")),
        None,
    );
    let files = written(&plan);
    assert_eq!(files["scs/csctl.yaml"], csctl("v1.34.4"));
    assert_eq!(files["scs/node-images.yaml"], node_images(&["v1.34.4"]));
    // Another system's image is not meant.
    let other = blocking("v1.34.5", Some("ubuntu-2204"));
    let plan = plan_with(&small(), &world, &other, None);
    assert_eq!(
        written(&plan).len(),
        1,
        "v1.34.4 enters the list, and that is all"
    );
}

#[test]
fn a_block_is_followed_by_a_removal_alone() {
    let world = world(&["v1.34.4", "v1.34.5", "v1.34.6", "v1.34.7"]);
    let policy = blocking("v1.34.5", None);
    let removal = Wishes::only(ChangeClass::Removal);
    let plan = wished_plan(&small(), &world, (&policy, &removal), None);
    let files = written(&plan);
    assert_eq!(files["scs/csctl.yaml"], csctl("v1.34.7"));
    assert_eq!(files["scs/node-images.yaml"], node_images(&["v1.34.7"]));
    assert_eq!(classes(&plan), [ChangeClass::Removal]);
    let addons = Wishes::only(ChangeClass::Addons);
    let plan = wished_plan(&small(), &world, (&policy, &addons), None);
    assert!(!plan.has_changes() && plan.faults().next().is_none());
}

#[test]
fn what_is_blocked_is_not_counted() {
    let world = world(&["v1.34.5", "v1.34.6", "v1.34.7"]);
    let policy = Policy {
        images: "newest".parse().unwrap(),
        ..blocking("v1.34.7", None)
    };
    let plan = plan_with(&small(), &world, &policy, None);
    assert_eq!(
        written(&plan)["scs/node-images.yaml"],
        node_images(&["v1.34.6"])
    );
    let skip = find_skip(&plan, "v1.34.7");
    assert_eq!(skip.reason(), "blocked: bad");
    assert_eq!(skip.hint().as_deref(), Some("csctl-matrix unblock v1.34.7"));
}

#[test]
fn a_list_is_not_emptied_by_a_block() {
    let files = tree(&[
        ("scs/csctl.yaml", &csctl("v1.34.5")),
        ("scs/node-images.yaml", &node_images(&["v1.34.4"])),
    ]);
    let mut silent = world(&[]);
    silent.image_stores.clear();
    let plan = plan_with(&files, &silent, &blocking("v1.34.4", None), None);
    assert!(!plan.has_changes());
    let faults: Vec<String> = plan.faults().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        ["scs/node-images.yaml:3: v1.34.4 is blocked, and the list would be empty without it: bad"]
    );
}

#[test]
fn new_images_have_the_preferred_system_and_listed_ones_wait() {
    let world = with_jammy(world(&["v1.34.5", "v1.34.6"]), &["v1.34.6", "v1.34.7"]);
    let of = |os: &[&str]| Policy {
        os: os.iter().map(|os| os.parse().unwrap()).collect(),
        ..Policy::default()
    };
    let list = |policy: &Policy| {
        let plan = plan_with(&small(), &world, policy, None);
        let text = written(&plan)["scs/node-images.yaml"].clone();
        let urls = text
            .lines()
            .filter_map(|line| line.split("/ubuntu-").nth(2));
        urls.map(|url| url.replace(".qcow2", ""))
            .collect::<Vec<_>>()
    };
    let (noble, jammy) = ("ubuntu-2404", "ubuntu-2204");
    assert_eq!(
        list(&of(&[noble])),
        ["2404-kube-v1.34.5", "2404-kube-v1.34.6"]
    );
    assert_eq!(
        list(&of(&[jammy, noble])),
        [
            "2404-kube-v1.34.5",
            "2204-kube-v1.34.6",
            "2204-kube-v1.34.7"
        ]
    );
    let plan = plan_with(&small(), &world, &of(&[noble]), None);
    assert_eq!(
        find_skip(&plan, "v1.34.7").reason(),
        "available on ubuntu-2204 only, and `os` is ubuntu-2404"
    );
    let listed = tree(&[
        ("scs/csctl.yaml", &csctl("v1.34.6")),
        ("scs/node-images.yaml", &node_images(&["v1.34.6"])),
    ]);
    let plan = plan_with(&listed, &world, &of(&[jammy]), Some("1.34"));
    assert_eq!(
        find_skip(&plan, "v1.34.6").reason(),
        "listed on ubuntu-2404, which `os` does not name; the store has it on ubuntu-2204"
    );
    assert!(written(&plan)["scs/node-images.yaml"].contains("2404-kube-v1.34.6"));
}

#[test]
fn an_age_that_is_not_known_is_not_enough() {
    let mut world = world(&["v1.34.5", "v1.34.7"]);
    let aged = |age: &str| Policy {
        minimum_age: age.parse().unwrap(),
        ..Policy::default()
    };
    let default = |world: &Catalog, age: &str| {
        let plan = plan_with(&small(), world, &aged(age), None);
        plan.stacks[0].lines[0].default_after.unwrap().to_string()
    };
    // The image was built on 2026-05-01, 45 days ago.
    assert_eq!(default(&world, "45d"), "v1.34.7");
    assert_eq!(default(&world, "46d"), "v1.34.5");
    for image in &mut world.image_stores[0].images {
        image.built = None;
    }
    assert_eq!(default(&world, "1d"), "v1.34.5");
    let plan = plan_with(&small(), &world, &aged("1d"), None);
    assert!(
        find_skip(&plan, "v1.34.7")
            .reason()
            .starts_with("its release date is unknown")
    );
    let plan = plan_with(&small(), &world, &aged("1d"), Some("1.35"));
    assert!(!plan.has_changes(), "no minor of young patches is taken");
}

#[test]
fn a_pin_sets_lists_and_skips() {
    let world = world(&["v1.34.4", "v1.34.5", "v1.34.7"]);
    let pinned = |version: &str, until: &str| Policy {
        images: "newest".parse().unwrap(),
        pinned: vec![Pin {
            version: version.parse().unwrap(),
            stack: None,
            reason: None,
            until: until.parse().unwrap(),
        }],
        ..Policy::default()
    };
    let plan = plan_with(&small(), &world, &pinned("v1.34.4", "2026-06-15"), None);
    let files = written(&plan);
    assert_eq!(files["scs/csctl.yaml"], csctl("v1.34.4"));
    assert_eq!(
        files["scs/node-images.yaml"],
        node_images(&["v1.34.4", "v1.34.7"])
    );
    let plan = plan_with(&small(), &world, &pinned("v1.34.4", "2026-06-14"), None);
    assert_eq!(written(&plan)["scs/csctl.yaml"], csctl("v1.34.7"));
    let plan = plan_with(&small(), &world, &pinned("v1.34.6", "2026-06-15"), None);
    assert!(
        !written(&plan).contains_key("scs/csctl.yaml"),
        "it waits for its image"
    );
    assert!(
        find_skip(&plan, "v1.34.6")
            .reason()
            .starts_with("pinned until 2026-06-15, and no image")
    );
}

#[test]
fn minors_outside_are_left_alone() {
    let files = tree(&[
        ("scs/1-33/csctl.yaml", &csctl("v1.33.1")),
        ("scs/1-33/node-images.yaml", &node_images(&["v1.33.1"])),
        ("scs/1-34/csctl.yaml", &csctl("v1.34.5")),
        ("scs/1-34/node-images.yaml", &node_images(&["v1.34.5"])),
        ("scs/kubernetes.yaml", &manager(&["v1.33.1", "v1.34.5"])),
    ]);
    let world = world(&["v1.33.2", "v1.34.7", "v1.35.1"]);
    let policy = Policy {
        minors: crate::policy::Minors::List(vec!["1.34".parse().unwrap()]),
        ..blocking("v1.33.1", None)
    };
    let plan = plan_with(&files, &world, &policy, None);
    assert_eq!(plan.faults().count(), 0);
    let files_after = written(&plan);
    assert!(
        files_after.keys().all(|path| !path.contains("1-33")),
        "{files_after:?}"
    );
    assert_eq!(
        files_after["scs/kubernetes.yaml"],
        manager(&["v1.33.1", "v1.34.5", "v1.34.7"])
    );
    assert_eq!(
        find_skip(&plan, "1.33").reason(),
        "left alone, as `minors` is 1.34"
    );
    assert!(
        plan.stacks[0]
            .skipped
            .iter()
            .all(|skip| skip.subject.to_string() != "1.35")
    );
    let plan = plan_with(&files, &world, &policy, Some("1.35"));
    assert!(!plan.has_changes(), "{:?}", plan.files);
    assert_eq!(
        find_skip(&plan, "1.35").reason(),
        "left alone, as `minors` is 1.34"
    );
}

#[test]
fn lists_of_several_minors_go_on_beside_a_tree_that_is_left_alone() {
    let files = tree(&[
        ("scs/csctl.yaml", &csctl("v1.33.1")),
        ("scs/node-images.yaml", &node_images(&["v1.33.1"])),
        ("scs/kubernetes.yaml", &manager(&["v1.33.1", "v1.34.5"])),
        (
            "scs/README.md",
            "    topology: {class: openstack-scs-1-32-v1, version: v1.32.9}\n",
        ),
    ]);
    let policy = Policy {
        minors: crate::policy::Minors::List(vec!["1.34".parse().unwrap()]),
        ..blocking("v1.34.5", None)
    };
    let world = world(&["v1.33.2", "v1.34.5", "v1.34.7"]);
    let plan = plan_with(&files, &world, &policy, None);
    assert_eq!(plan.faults().count(), 0);
    assert_eq!(
        written(&plan),
        [("scs/kubernetes.yaml", manager(&["v1.33.1", "v1.34.7"]))].into()
    );
    let lines = plan.stacks[0].lines.iter();
    let lines: Vec<String> = lines.map(|line| line.line.to_string()).collect();
    assert_eq!(lines, ["openstack-scs-1-34"]);
}

/// Default moves of this line wait for its tests.
fn untested(line: &str) -> Wishes {
    Wishes {
        untested: [(line.parse().unwrap(), "test e2e failed".to_owned())].into(),
        ..Wishes::default()
    }
}

#[test]
fn a_red_test_holds_the_default_and_lists_go_on() {
    let world = world(&["v1.34.5", "v1.34.7"]);
    let plan = wished_plan(
        &small(),
        &world,
        (&Policy::default(), &untested("openstack-scs-1-34")),
        None,
    );
    assert_eq!(
        written(&plan),
        [("scs/node-images.yaml", node_images(&["v1.34.5", "v1.34.7"]))].into()
    );
    assert_eq!(
        find_skip(&plan, "v1.34.7").reason(),
        "does not become the default: test e2e failed"
    );
    let line = &plan.stacks[0].lines[0];
    assert_eq!(line.default_before, line.default_after);
    // Another line's tests say nothing of it.
    let plan = wished_plan(
        &small(),
        &world,
        (&Policy::default(), &untested("openstack-scs-1-35")),
        None,
    );
    assert_eq!(written(&plan)["scs/csctl.yaml"], csctl("v1.34.7"));
    assert!(plan.stacks[0].skipped.is_empty());
}

#[test]
fn a_red_test_holds_pins_and_minors_too() {
    let world = world(&["v1.34.4", "v1.34.5", "v1.34.7", "v1.35.1"]);
    let pinned = Policy {
        pinned: vec![Pin {
            version: "v1.34.7".parse().unwrap(),
            stack: None,
            reason: None,
            until: "2026-06-30".parse().unwrap(),
        }],
        ..Policy::default()
    };
    let red = untested("openstack-scs-1-34");
    let plan = wished_plan(&small(), &world, (&pinned, &red), None);
    assert!(!written(&plan).contains_key("scs/csctl.yaml"));
    assert_eq!(
        find_skip(&plan, "v1.34.7").reason(),
        "does not become the default: test e2e failed"
    );
    let arriving = untested("openstack-scs-1-35");
    let plan = wished_plan(
        &small(),
        &world,
        (&Policy::default(), &arriving),
        Some("1.35"),
    );
    assert!(!plan.has_changes(), "{:?}", plan.files);
    let skips = &plan.stacks[0].skipped;
    assert_eq!(skips.len(), 1, "{skips:?}");
    assert_eq!(
        find_skip(&plan, "1.35").reason(),
        "does not arrive: test e2e failed"
    );
}

#[test]
fn a_blocked_default_leaves_whatever_the_tests_say() {
    let world = world(&["v1.34.5", "v1.34.7"]);
    let policy = Policy {
        blocked: vec![block("v1.34.5", None)],
        ..Policy::default()
    };
    let red = untested("openstack-scs-1-34");
    let plan = wished_plan(&small(), &world, (&policy, &red), None);
    assert_eq!(plan.faults().count(), 0);
    assert_eq!(written(&plan)["scs/csctl.yaml"], csctl("v1.34.7"));
}

#[test]
fn rows_of_untested_minors_stay() {
    let rows = |new: &str| format!("- kubernetes: 1.33.1\n- kubernetes: {new}\n");
    let files = tree(&[
        ("scs/1-34/csctl.yaml", &csctl("v1.34.5")),
        ("scs/1-34/node-images.yaml", &node_images(&["v1.34.5"])),
        ("scs/versions.yaml", &rows("1.34.5")),
    ]);
    let world = world(&["v1.33.2", "v1.34.5", "v1.34.7"]);
    let plan = wished_plan(
        &files,
        &world,
        (&Policy::default(), &untested("openstack-scs-1-33")),
        None,
    );
    let after = written(&plan);
    assert_eq!(after["scs/versions.yaml"], rows("1.34.7"));
    assert_eq!(
        find_skip(&plan, "v1.33.2").reason(),
        "does not become the default: test e2e failed"
    );
    let plan = wished_plan(
        &files,
        &world,
        (&Policy::default(), &untested("openstack-scs-1-34")),
        None,
    );
    let after = written(&plan);
    assert_eq!(
        after["scs/versions.yaml"],
        rows("1.34.5").replace("1.33.1", "1.33.2")
    );
    assert!(!after.contains_key("scs/1-34/csctl.yaml"));
}
