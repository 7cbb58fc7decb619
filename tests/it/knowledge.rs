//! What is known of a stack line has three values: unknown, behind, current. What is not known is never told as current.

use std::process::Command;

use crate::support::program::{self, Copy, catalog};
use serde_json::Value;

const LINE: &str = "openstack-scs2-1-34";

/// The one stack of layout-c, whose images and charts nobody was asked for.
fn blind(command: &[&str]) -> program::Said {
    let copy = Copy::of("layout-c");
    copy.run(&[command, &["--offline"]].concat())
}

fn knowledge(overview: &Value) -> Vec<(String, String)> {
    let lines = overview["stacks"][0]["lines"].as_array().unwrap();
    let known = lines.iter().filter_map(|line| {
        let word = line["knowledge"].as_str()?;
        Some((line["line"].to_string(), word.to_owned()))
    });
    known.collect()
}

#[test]
fn show_without_any_answer_fails_and_names_each_source() {
    let said = blind(&["show"]);
    assert_eq!(said.status, 1);
    let (first, rest) = said.stdout.split_once('\n').unwrap();
    assert!(first.starts_with("openstack/scs2   "), "{first}");
    assert!(
        rest.starts_with("unknown   node images of 1.32, 1.33, 1.34: https://images.example.org/"),
        "{rest}"
    );
    assert!(rest.contains("not in the cache and --offline is set"));
    assert!(rest.contains("unknown: the store did not"), "{rest}");
    assert!(
        said.stdout.ends_with("all 3 stack lines are unknown\n"),
        "{rest}"
    );
    assert!(!said.stdout.contains("current"), "{rest}");
    let error = "error: no source answered, so what is new is unknown\n";
    assert!(said.stderr.starts_with(error), "{}", said.stderr);
}

#[test]
fn a_stack_whose_charts_are_left_alone_needs_no_source() {
    let copy = Copy::of("layout-d");
    let chart = "apiVersion: v2\nname: ccm\nversion: v1\ndependencies:\n- name: openstack-cloud-controller-manager\n  \
                 repository: https://kubernetes.github.io/cloud-provider-openstack\n  version: 2.34.1\n";
    copy.write(
        "providers/docker/scs/1-34/cluster-addon/ccm/Chart.yaml",
        chart,
    );
    let plan = ["plan", "docker/scs", "--offline"];
    let said = copy.run(&plan).failure(1);
    assert!(said.contains("no source answered"), "{said}");
    let said = copy.run(&[&plan[..], &["--addons", "leave"]].concat());
    assert_eq!(said.success(), "nothing to change\n");
}

#[test]
fn every_format_says_what_is_unknown_first() {
    let page = blind(&["show", "--format", "markdown"]);
    assert_eq!(page.status, 1);
    let (heading, rest) = page.stdout.split_once("\n\n").unwrap();
    assert_eq!(heading, "### openstack/scs2");
    assert!(
        rest.starts_with("Unknown:\n\n- node images of 1.32"),
        "{rest}"
    );
    assert!(rest.contains("\nall 3 stack lines are unknown\n"), "{rest}");
    let data = blind(&["show", "--format", "json"]);
    assert_eq!(data.status, 1);
    let overview: Value = serde_json::from_str(&data.stdout).unwrap();
    let subject = overview["stacks"][0]["unknown"][0]["subject"].as_str();
    assert_eq!(subject, Some("node images of 1.32, 1.33, 1.34"));
    assert!(
        knowledge(&overview)
            .iter()
            .all(|(_, word)| word == "unknown")
    );
    for format in ["text", "markdown", "json"] {
        let plan = blind(&["plan", "--format", format]);
        assert_eq!(plan.status, 1, "{}", plan.stdout);
        assert!(!plan.stdout.contains("nothing to change\n\n"), "{format}");
    }
}

/// A row that is held is behind, however little a plan would change.
#[test]
fn a_line_whose_newer_image_is_held_is_behind() {
    let copy = Copy::of("layout-c");
    copy.run(&["update", "--catalog", &catalog()]).success();
    let after = copy.run(&["show", "--catalog", &catalog(), "--format", "json"]);
    let known: Vec<String> = knowledge(&after.json())
        .into_iter()
        .map(|(_, word)| word)
        .collect();
    // 1.32 has an image that is held at its end of life, 1.34 one that was announced and is not there.
    assert_eq!(known, ["behind", "current", "behind"]);
    let text = copy.run(&["show", "--catalog", &catalog()]).success();
    assert!(
        text.ends_with("2 stack lines are behind, 1 current\n"),
        "{text}"
    );
}

#[test]
fn the_command_that_show_names_carries_the_arguments_of_the_run() {
    let copy = Copy::of("layout-c");
    let text = copy.run(&["show", "--catalog", &catalog()]).success();
    let root = copy.root().display().to_string();
    let command = format!(
        "; 3 to update: csctl-matrix -C {root} plan --catalog {}\n",
        catalog()
    );
    assert!(text.ends_with(&command), "{text}");
}

/// A clone of layout-c, whose line has releases up to v3 in the repository that it was cloned from.
fn clone(options: &[&str]) -> (Copy, Copy) {
    let origin = Copy::of("layout-c");
    for release in 1..=3 {
        origin.write("CHANGES", &release.to_string()).commit();
        origin.git(&["tag", &format!("{LINE}-v{release}")]);
    }
    origin.write("CHANGES", "more").commit();
    let clone = Copy::of("layout-c");
    std::fs::remove_dir_all(clone.root()).unwrap();
    let address = format!("file://{}", origin.root().display());
    let mut command = Command::new("git");
    command.args(["clone", "-q"]).args(options);
    command.arg(address).arg(clone.root());
    command.env("GIT_CONFIG_GLOBAL", "/dev/null");
    assert!(command.status().unwrap().success());
    (origin, clone)
}

#[test]
fn a_clone_that_may_lack_tags_says_at_least_and_writes_no_number() {
    for (options, gap) in [
        (
            &["--depth", "1"][..],
            "the clone is shallow; `git fetch --unshallow --tags` fetches all tags",
        ),
        (
            &["--no-tags"],
            "the clone follows no tags of origin; `git fetch --tags origin` fetches them",
        ),
        (
            &["--single-branch"],
            "the clone follows single branches of origin; `git fetch --tags origin` fetches all tags",
        ),
    ] {
        let (_origin, clone) = clone(options);
        let world = clone.path("world.yaml");
        // The catalog of the test data knows releases of its own; this one knows none.
        let catalog = std::fs::read_to_string(catalog()).unwrap();
        let (before, _) = catalog.split_once("\nstackReleases:").unwrap();
        std::fs::write(&world, format!("{before}\n")).unwrap();
        let world = world.display().to_string();
        clone.git(&["tag", &format!("{LINE}-v1"), "-f", "-m", "v1"]);
        let plan = clone.run(&["plan", "--catalog", &world]).success();
        let note = format!("note   the next release number is unknown: {gap}\n");
        assert!(plan.contains(&note), "{plan}");
        assert!(plan.contains("becomes at least v"), "{plan}");
        assert!(
            !plan.contains("\n+      name: openstack-scs2-1-34-v"),
            "{plan}"
        );
    }
    let (_origin, clone) = clone(&[]);
    // Remotes beside it, of which one has no address, are nobody's history.
    clone.git(&[
        "config",
        "remote.fork.fetch",
        "+refs/heads/main:refs/remotes/fork/main",
    ]);
    clone.git(&["config", "remote.fork.url", "https://fork.example.org/"]);
    clone.git(&[
        "config",
        "remote.odd.fetch",
        "+refs/heads/*:refs/remotes/odd/*",
    ]);
    let plan = clone.run(&["plan", "--catalog", &catalog()]).success();
    assert!(
        plan.contains("becomes v4 ") && !plan.contains("is not known"),
        "{plan}"
    );
}
