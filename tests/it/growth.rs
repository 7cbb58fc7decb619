//! Files with thousands of rows, keys, aliases and edits: their plan takes seconds where each is looked at a few times, and hours where
//! each is looked at for each other. No clock is asked; who makes one of them quadratic waits for this test.

use std::fmt::Write as _;

use crate::support::program::{Copy, Said, catalog};

const STACK: &str = "providers/openstack/scs2";

/// Adds lines to a file of `layout-c`, and plans.
fn planned(file: &str, count: u32, line: impl Fn(u32) -> String) -> Said {
    let copy = Copy::of("layout-c");
    let place = format!("{STACK}/{file}");
    let mut text = copy.read(&place);
    for number in 0..count {
        text += &line(number);
    }
    copy.write(&place, &text);
    copy.run(&["plan", "--format", "json", "--catalog", &catalog()])
}

/// The values that change in one file.
fn edits(said: &Said, file: &str) -> usize {
    assert_eq!(said.status, 0, "{}", said.stderr);
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let place = format!("{STACK}/{file}");
    let mut files = plan["files"].as_array().unwrap().iter();
    let found = files.find(|change| change["path"] == place);
    found.map_or(0, |change| change["edits"].as_array().unwrap().len())
}

#[test]
fn a_list_of_versions_may_speak_of_thousands_of_minors() {
    let row = |number: u32| {
        let minor = number + 100;
        format!("- kubernetes: 1.{minor}.1\n  cinder_csi: 2.{minor}.1\n  occm: 2.{minor}.1\n")
    };
    let said = planned("versions.yaml", 6000, row);
    let few = edits(&planned("versions.yaml", 0, row), "versions.yaml");
    assert_eq!(edits(&said, "versions.yaml"), few);
}

#[test]
fn thousands_of_rows_may_change() {
    let row = |number: u32| {
        let patch = number + 100;
        format!("- kubernetes: 1.34.{patch}\n  cinder_csi: 2.34.1\n  occm: 2.34.1\n")
    };
    let said = planned("versions.yaml", 6000, row);
    assert!(edits(&said, "versions.yaml") > 6000, "{}", said.stderr);
}

#[test]
fn a_map_of_values_may_have_thousands_of_keys() {
    let line = |number: u32| {
        let mut lines = format!(
            "ubuntu-capi-image-v1.{}.1: sha256:{number:064x}\n",
            number + 100
        );
        writeln!(
            lines,
            "image{number}: ubuntu-capi-image-v1.{}.2",
            number + 100
        )
        .unwrap();
        lines
    };
    assert_eq!(
        edits(
            &planned("cluster-class/values.yaml", 12_000, line),
            "cluster-class/values.yaml"
        ),
        0
    );
}

#[test]
fn a_value_may_be_shown_at_thousands_of_places() {
    let line = |number: u32| match number {
        0 => "base: &b ubuntu-capi-image-v1.34.6\n".to_owned(),
        number => format!("a{number}: *b\n"),
    };
    let said = planned("cluster-class/values.yaml", 3000, line);
    assert_eq!(said.status, 0, "{}", said.stderr);
}
