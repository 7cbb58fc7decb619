//! What is not built, each with what to do, and nothing left behind.

use std::fs;

use super::{build, layout_c, output, release, tags};
use crate::support::program::{Said, program};

const CUSTOM: [&str; 4] = ["--mode", "custom", "--cluster-stack-version", "v7"];
const TREE: &str = "providers/openstack/scs2";

#[test]
fn a_dirty_tree_is_built_only_when_it_is_told() {
    let copy = layout_c();
    copy.write(&format!("{TREE}/cluster-addon/new.yaml"), "a: 1\n");
    let said = build(&copy, &CUSTOM).failure(1);
    assert!(
        said.contains("cluster-addon/new.yaml has uncommitted changes; nothing was built"),
        "{said}"
    );
    assert!(said.contains("--allow-dirty"), "{said}");
    assert!(!output(&copy).exists());
    build(&copy, &[&CUSTOM[..], &["--allow-dirty"]].concat()).success();
    // What is dirty elsewhere is no part of the release.
    let clean = layout_c();
    clean.write("docs/notes.md", "x");
    build(&clean, &CUSTOM).success();
}

#[test]
fn a_release_directory_with_other_files_stays() {
    let copy = layout_c();
    build(&copy, &CUSTOM).success();
    let directory = output(&copy).join("openstack-scs2-1-34-v7");
    let left = directory.join("openstack-scs2-1-34-cluster-class-v6.tgz");
    fs::write(&left, "left").unwrap();
    let said = build(&copy, &CUSTOM).failure(1);
    assert!(
        said.contains("is there with other files") && said.contains("--force"),
        "{said}"
    );
    assert!(left.exists());
    let said = build(&copy, &[&CUSTOM[..], &["--force"]].concat()).success();
    assert!(said.contains("replaced in"), "{said}");
    assert!(!left.exists());
    assert_eq!(release(&copy, "openstack-scs2-1-34-v7").len(), 5);
    assert_eq!(tags(&copy), ["openstack-scs2-1-34-v7"]);
}

#[test]
fn stable_is_never_a_guess() {
    let copy = layout_c();
    let said = build(&copy, &["--mode", "stable"]).failure(1);
    assert!(
        said.contains("it is not known") && said.contains("--last DIR"),
        "{said}"
    );
    for (options, words) in [
        (&["--last", "."][..], "--mode stable"),
        (&["--cluster-stack-version", "v3"], "--mode custom"),
        (&["--mode", "custom"], "--cluster-stack-version"),
        (&["--mode", "stable", "--last", "nowhere"], "cannot read"),
        (
            &["--mode", "stable", "--last", "providers"],
            "it has no metadata.yaml",
        ),
    ] {
        let said = build(&copy, options).failure(1);
        assert!(said.contains(words), "{said}");
    }
    build(&copy, &CUSTOM).success();
    let other = output(&copy).join("openstack-scs2-1-33-v7");
    fs::rename(output(&copy).join("openstack-scs2-1-34-v7"), &other).unwrap();
    let last = other.display().to_string();
    let said = build(&copy, &["--mode", "stable", "--last", &last]).failure(1);
    assert!(said.contains("is of another stack line"), "{said}");
}

#[test]
fn links_that_lead_nowhere_or_outside_are_refused() {
    for (target, words) in [
        ("gone", "the symbolic link leads nowhere"),
        ("../../../../../../outside", "leads out of the repository"),
    ] {
        let copy = layout_c();
        let outside = copy.root().parent().unwrap().join("outside");
        fs::write(outside, "secret").unwrap();
        let link = copy.path(&format!("{TREE}/cluster-addon/ccm/link"));
        std::os::unix::fs::symlink(target, &link).unwrap();
        copy.commit();
        for options in [&CUSTOM[..], &[&CUSTOM[..], &["--rev", "HEAD"]].concat()] {
            let said = build(&copy, options).failure(1);
            assert!(said.contains(words), "{said}");
            assert!(said.contains("cluster-addon/ccm/link"), "{said}");
        }
        assert!(!output(&copy).exists());
    }
}

#[test]
fn a_stack_that_operators_cannot_read_is_refused() {
    let copy = layout_c();
    let file = format!("{TREE}/csctl.yaml");
    let csctl = copy.read(&file);
    copy.write(&file, &csctl.replace("scs2", "my-scs")).commit();
    let said = build(&copy, &CUSTOM).failure(1);
    assert!(
        said.contains("csctl.yaml:3: the cluster stack's name `my-scs` contains a dash"),
        "{said}"
    );
    copy.write(&file, &csctl.replace("v1.34.6", "v1.33.6"))
        .commit();
    let said = build(&copy, &CUSTOM).failure(1);
    assert!(
        said.contains("the operator looks for openstack-scs2-1-33-cluster-class"),
        "{said}"
    );
}

/// A file system that is full, as far as a process may tell: no file may have more than one block.
#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let copy = layout_c();
    let big = "a".repeat(4096);
    copy.write(
        &format!("{TREE}/clusteraddon.yaml"),
        &format!("addonStages: {{}}\n# {big}\n"),
    )
    .commit();
    let out = output(&copy).display().to_string();
    let root = copy.root().display().to_string();
    let arguments = [&["-C", &root, "release", "build", "-o", &out][..], &CUSTOM].concat();
    let plain = program(&arguments);
    let mut limited = std::process::Command::new("sh");
    // With the signal ignored, a write beyond the limit is an error like that of a full disk.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""]);
    limited
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear();
    let said: Said = limited.output().unwrap().into();
    let stderr = said.failure(1);
    assert!(
        stderr.contains("cannot write") && stderr.contains("openstack-scs2-1-34-v7"),
        "{stderr}"
    );
    assert!(!output(&copy).exists());
}

#[test]
fn a_dry_run_writes_nothing() {
    let copy = layout_c();
    let before = copy.files();
    let said = build(&copy, &["-n"]).success();
    assert!(said.contains("would be written to"), "{said}");
    assert!(!output(&copy).exists());
    assert_eq!(copy.files(), before);
}

#[test]
fn without_a_repository_there_is_no_commit_to_name() {
    let copy = crate::support::program::Copy::of("layout-c");
    let said = build(&copy, &["--mode", "git"]).failure(1);
    assert!(said.contains("names a release after its commit"), "{said}");
    // The content needs none.
    build(&copy, &[]).success();
    assert_eq!(tags(&copy).len(), 1);
}
