//! `release verify`: exit status, forms, and Helm where it is installed.

use std::fs;

use super::{build, layout_c, output};
use crate::support::program::{Copy, Said, install_script, program};

const CUSTOM: [&str; 4] = ["--mode", "custom", "--cluster-stack-version", "v7"];
const TAG: &str = "openstack-scs2-1-34-v7";

fn built() -> Copy {
    let copy = layout_c();
    build(&copy, &CUSTOM).success();
    copy
}

fn verify(copy: &Copy, options: &[&str]) -> Said {
    let directory = output(copy).join(TAG).display().to_string();
    let mut arguments = vec!["release", "verify", &directory];
    arguments.extend(options);
    copy.run(&arguments)
}

#[test]
fn what_was_built_can_be_published() {
    let copy = built();
    let said = verify(&copy, &[]).success();
    assert!(
        said.contains("openstack-scs2-1-34-v7 can be published"),
        "{said}"
    );
    let data = verify(&copy, &["--format", "json"]).json();
    assert_eq!(data["findings"].as_array().unwrap().len(), 0);
    assert_eq!(data["tag"], TAG);
}

#[test]
fn findings_end_with_their_own_status() {
    let copy = built();
    let directory = output(&copy).join(TAG);
    fs::remove_file(directory.join("openstack-scs2-1-34-cluster-class-v7.tgz")).unwrap();
    fs::create_dir(directory.join("more")).unwrap();
    let said = verify(&copy, &[]).ended(3);
    assert!(
        said.contains(
            "helm chart matching the name filter openstack-scs2-1-34-cluster-class-v7 not found"
        ),
        "{said}"
    );
    assert!(
        said.contains("more is a directory, and no part of the release"),
        "{said}"
    );
    assert!(
        said.ends_with("1 finding in openstack-scs2-1-34-v7\n"),
        "{said}"
    );
    let said = verify(&copy, &["--tag", "openstack-my-stack-1-34-v7"]).ended(3);
    assert!(
        said.contains("failed to parse cluster stack release: invalid format"),
        "{said}"
    );
    // From where the program runs, which is not where the test does.
    fs::create_dir(copy.path("here")).unwrap();
    let empty = copy.run(&["release", "verify", "here"]).ended(3);
    assert!(empty.contains("2 findings in here"), "{empty}");
    let absent = copy.run(&["release", "verify", "nowhere"]).failure(1);
    assert!(
        absent.contains("name the directory of a release"),
        "{absent}"
    );
}

#[test]
fn the_class_is_rendered_as_the_operator_renders_it() {
    let copy = built();
    let tools = copy.root().parent().unwrap().join("tools");
    let directory = output(&copy).join(TAG).display().to_string();
    for (script, status) in [
        (
            "test \"$1\" = version && exit; test \"$*\" = \"template openstack-scs2-1-34 openstack-scs2-1-34-cluster-class-v7.tgz --namespace cluster\" && test -s \"$3\"",
            0,
        ),
        (
            "test \"$1\" = version && exit; echo 'Error: parse error at x' >&2; exit 1",
            3,
        ),
    ] {
        install_script(&tools.join("helm"), script);
        let mut command = program(&["release", "verify", &directory]);
        command.env("PATH", format!("{}:/usr/bin:/bin", tools.display()));
        let said: Said = command.output().unwrap().into();
        let text = said.ended(status);
        assert_eq!(
            text.contains("failed to run helm template: Error: parse error at x"),
            status == 3,
            "{text}"
        );
    }
}
