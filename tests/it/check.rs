//! `check` on public repositories as they were, its outputs, its exit status, and its repairs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::support::program::{Copy, Said, histories, project, run, upstream};
use serde_json::Value;

/// Checks a repository and returns its findings.
fn findings(root: &str, options: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["check", "-C", root, "--format", "json"];
    arguments.extend(options);
    let said = run(&arguments);
    let json: Value = serde_json::from_str(&said.stdout)
        .unwrap_or_else(|_| panic!("{arguments:?}: {}", said.stderr));
    let findings = json["findings"].as_array().unwrap().clone();
    let wanted = if findings.is_empty() { 0 } else { 3 };
    assert_eq!(said.status, wanted, "{}", said.stderr);
    findings
}

fn text<'v>(finding: &'v Value, key: &str) -> &'v str {
    finding[key].as_str().unwrap_or_default()
}

/// A finding as a sentence in the words of the list that was worked out by hand: the file below its source tree, and what it says.
fn sentence(finding: &Value) -> String {
    let file = text(finding, "file");
    let inner = [
        "cluster-addon/",
        "cluster-class/",
        "node-images/",
        "csctl.yaml",
    ]
    .iter()
    .filter_map(|start| file.find(start))
    .min()
    .map_or(file, |at| &file[at..]);
    // The list has the facts in words of its own.
    let message = text(finding, "message").replace(", but ", ", ");
    let after = |word: &str| &message[message.find(word).unwrap()..];
    match text(finding, "rule") {
        "final-newline" => format!("{inner} has no newline at its end"),
        "chart-stack-name" => format!("{inner} {}", after("names ")),
        "release-tag" => format!("the tag {}", after("has ")),
        _ => format!("{inner} {message}"),
    }
}

#[test]
fn released_states_have_exactly_the_findings_worked_out_by_hand() {
    for history in histories() {
        let list = fs::read_to_string(history.join("findings.yaml")).unwrap();
        let list: BTreeMap<String, Vec<String>> = serde_yaml::from_str(&list).unwrap();
        assert!(list.len() >= 3, "{}: {list:?}", history.display());
        for (name, wanted) in list {
            let root = history.join("trees").join(&name).display().to_string();
            let tag = name.strip_prefix("tag.").unwrap();
            let found: BTreeSet<String> = findings(&root, &["--tag", tag])
                .iter()
                .map(sentence)
                .collect();
            let wanted: BTreeSet<String> = wanted.into_iter().collect();
            assert_eq!(found, wanted, "{name}");
        }
    }
}

#[test]
fn other_states_have_only_findings_that_can_be_defended() {
    let Some(upstream) = upstream() else { return };
    // What is wrong with each, by rule: a stale metadata.yaml beside csctl.yaml; an image of 1.33 under a stack of 1.34; minors in
    // csctl.yaml; container images of another minor.
    let lists: &[&str] = &[
        "addon-version-list",
        "image-name-version",
        "image-version",
        "version-without-image",
        "versions-row",
    ];
    let defended = BTreeMap::from([
        (
            "openstack-alpha-1-28.before-1.28.10",
            &["metadata-version"][..],
        ),
        ("openstack-alpha-1-28.after-1.28.10", &["metadata-version"]),
        (
            "openstack-scs2.before-2026-04-lists",
            &[
                "image-name-version",
                "image-version",
                "version-without-image",
            ],
        ),
        ("openstack-scs2.after-2026-04-lists", lists),
        (
            "branch.scs-minor-versions",
            &["build-date-missing", "csctl-version", "image-name-version"],
        ),
    ]);
    for entry in fs::read_dir(upstream.join("trees")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("tag.") {
            continue;
        }
        let found = findings(&path.display().to_string(), &[]);
        let rules: BTreeSet<&str> = found.iter().map(|finding| text(finding, "rule")).collect();
        let wanted = defended.get(name.as_str()).copied().unwrap_or_default();
        assert_eq!(
            rules,
            wanted.iter().copied().collect(),
            "{name}: {found:#?}"
        );
    }
}

#[test]
fn a_revision_is_checked_under_its_tag() {
    let copy = Copy::of("layout-c");
    copy.commit().git(&["tag", "openstack-scs2-1-34-v3-test"]);
    copy.git(&["tag", "openstack-scs2-1-34-v3"]);
    let root = copy.root().display().to_string();
    let rules = |revision: &str| -> Vec<String> {
        let found = findings(&root, &["--rev", revision]);
        found
            .iter()
            .map(|finding| text(finding, "rule").to_owned())
            .collect()
    };
    // A tag of the wrong form is found wherever its commit is looked at, and a tag of another minor where it is asked for.
    assert_eq!(rules("HEAD"), ["release-tag", "version-without-image"]);
    copy.git(&["tag", "-d", "openstack-scs2-1-34-v3-test"]);
    copy.git(&["tag", "openstack-scs2-1-33-v5"]);
    assert_eq!(rules("HEAD"), ["version-without-image"]);
    assert_eq!(rules("openstack-scs2-1-34-v3"), ["version-without-image"]);
    assert_eq!(
        rules("openstack-scs2-1-33-v5"),
        ["release-tag", "version-without-image"]
    );
    copy.git(&["tag", "openstack-scs2-1-34-v3-test"]);
    assert_eq!(
        rules("openstack-scs2-1-34-v3-test"),
        ["release-tag", "version-without-image"]
    );
}

/// A repository with several faults that can be repaired, and some that cannot.
fn broken_copy() -> Copy {
    let copy = Copy::of("layout-c");
    let change = |file: &str, from: &str, to: &str| {
        let path = format!("providers/openstack/scs2/{file}");
        let text = copy.read(&path);
        assert!(text.contains(from), "{file}: {from}");
        copy.write(&path, &text.replace(from, to));
    };
    change("cluster-class/Chart.yaml", "1-34", "1-33");
    change("cluster-addon/csi/Chart.yaml", "2.34.1", "2.33.0");
    change("README.md", "version: v1.34.6", "version: v1.33.4");
    change("csctl.yaml", "openstack\n", "openstack");
    copy.commit();
    copy
}

#[test]
fn repairs_are_those_that_the_findings_name_and_no_more() {
    let copy = broken_copy();
    let root = copy.root().display().to_string();
    let before = findings(&root, &[]);
    let fixable = before
        .iter()
        .filter(|finding| finding.get("fix").is_some())
        .count();
    assert_eq!((before.len(), fixable), (6, 5), "{before:#?}");
    // Bots match codes, not sentences.
    let code = |rule: &str, place: &str| {
        let mut of_rule = before.iter().filter(|found| text(found, "rule") == rule);
        let found = of_rule.next().unwrap();
        found
            .pointer(place)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let set = code("class-chart-minor", "/fix/action");
    assert_eq!(set.as_deref(), Some("set-value"));
    let added = code("final-newline", "/fix/action");
    assert_eq!(added.as_deref(), Some("add-newline"));
    let case = code("version-without-image", "/case");
    assert_eq!(case.as_deref(), Some("listed"));
    let said = run(&["check", "-C", &root, "--fix", "--color", "never"]);
    assert_eq!(said.status, 3);
    assert_eq!(
        said.stderr.matches("repaired ").count(),
        4,
        "{}",
        said.stderr
    );
    assert!(
        said.stdout.ends_with("1 warning in 1 stack\n"),
        "{}",
        said.stdout
    );
    // Everything is as it was before it was broken.
    let sound = Copy::of("layout-c");
    for file in [
        "cluster-class/Chart.yaml",
        "cluster-addon/csi/Chart.yaml",
        "README.md",
        "csctl.yaml",
    ] {
        let path = format!("providers/openstack/scs2/{file}");
        assert_eq!(copy.read(&path), sound.read(&path), "{file}");
    }
    copy.commit();
    let again = run(&["check", "-C", &root, "--fix"]);
    assert!(!again.stderr.contains("repaired"), "{}", again.stderr);
}

#[test]
fn repairs_can_be_chosen_and_never_touch_work_that_is_not_committed() {
    let copy = broken_copy();
    let root = copy.root().display().to_string();
    let chart = "providers/openstack/scs2/cluster-addon/csi/Chart.yaml";
    copy.write(chart, &(copy.read(chart) + "# mine\n"));
    let refused = run(&["check", "-C", &root, "--fix"]).failure(1);
    assert!(
        refused.contains(chart) && refused.contains("--allow-dirty"),
        "{refused}"
    );
    let rest: Vec<String> = findings(&root, &[])
        .iter()
        .map(|f| text(f, "rule").to_owned())
        .collect();
    assert_eq!(rest.len(), 6, "nothing was written: {rest:?}");
    let said = run(&["check", "-C", &root, "--fix", "--rule", "final-newline"]);
    assert_eq!(
        (said.status, said.stderr.as_str()),
        (0, "repaired providers/openstack/scs2/csctl.yaml\n")
    );
    assert_eq!(findings(&root, &[]).len(), 5);
    let mistake = run(&["check", "-C", &root, "--fix", "--rev", "HEAD"]).failure(1);
    assert!(mistake.contains("not to HEAD"), "{mistake}");
}

fn output(format: &str) -> Said {
    let root = broken_copy();
    let said = run(&[
        "check",
        "-C",
        &root.root().display().to_string(),
        "--format",
        format,
    ]);
    assert_eq!(said.status, 3);
    said
}

#[test]
fn code_scanning_services_can_show_each_finding_at_its_line() {
    let log: Value = serde_json::from_str(&output("sarif").stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let known: BTreeSet<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| text(rule, "id"))
        .collect();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    for result in results {
        assert!(known.contains(text(result, "ruleId")), "{result}");
        assert!(["error", "warning"].contains(&text(result, "level")));
        let place = &result["locations"][0]["physicalLocation"];
        assert!(text(&place["artifactLocation"], "uri").starts_with("providers/"));
        assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
    }
}

#[test]
fn annotations_and_markdown_have_a_line_per_finding() {
    let annotations = output("github").stdout;
    assert_eq!(annotations.lines().count(), 6);
    assert!(annotations.contains(
        "::error file=providers/openstack/scs2/cluster-class/Chart.yaml,line=9,title=class-chart-minor::openstack-scs2-1-33"
    ));
    let markdown = output("markdown").stdout;
    let rows = markdown
        .lines()
        .filter(|line| line.starts_with("| error") || line.starts_with("| warning"));
    assert_eq!(rows.count(), 6, "{markdown}");
}

/// A git repository whose cluster stacks are those of a subdirectory, with one error and one warning.
fn nested_copy() -> Copy {
    let copy = Copy::of_path(&project().join("testdata/layout-c"));
    let nested = copy.root().join("stacks/k8s");
    fs::create_dir_all(&nested).unwrap();
    fs::rename(copy.root().join("providers"), nested.join("providers")).unwrap();
    let chart = "stacks/k8s/providers/openstack/scs2/cluster-class/Chart.yaml";
    copy.write(chart, &copy.read(chart).replace("1-34", "1-33"));
    copy.commit();
    copy
}

#[test]
fn services_get_paths_from_the_root_of_the_git_repository() {
    let copy = nested_copy();
    let root = copy.root().join("stacks/k8s");
    let stack = root.join("providers/openstack/scs2");
    let wanted = BTreeSet::from([
        "stacks/k8s/providers/openstack/scs2/cluster-class/Chart.yaml".to_owned(),
        "stacks/k8s/providers/openstack/scs2/versions.yaml".to_owned(),
    ]);
    for options in [
        &["-C", root.to_str().unwrap()][..],
        &["-C", stack.to_str().unwrap()],
        &["-C", root.to_str().unwrap(), "providers/openstack/scs2"],
        &["-C", root.to_str().unwrap(), "--rev", "HEAD"],
    ] {
        let arguments = [&["check", "--format", "github"], options].concat();
        let annotations = run(&arguments).ended(3);
        let files: BTreeSet<String> = annotations
            .lines()
            .map(|line| line.split_once("file=").unwrap().1)
            .map(|rest| rest.split_once(',').unwrap().0.to_owned())
            .collect();
        assert_eq!(files, wanted, "{arguments:?}");
        let arguments = [&["check", "--format", "sarif"], options].concat();
        let log: Value = serde_json::from_str(&run(&arguments).ended(3)).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        let files: BTreeSet<String> = results
            .iter()
            .map(|result| &result["locations"][0]["physicalLocation"]["artifactLocation"])
            .map(|artifact| text(artifact, "uri").to_owned())
            .collect();
        assert_eq!(files, wanted, "{arguments:?}");
    }
    // People and programs get paths from where the stacks are.
    let found = findings(root.to_str().unwrap(), &[]);
    assert!(text(&found[0], "file").starts_with("providers/openstack/"));
}

#[test]
fn warnings_alone_pass_where_errors_alone_are_to_fail() {
    let copy = nested_copy();
    let root = copy.root().join("stacks/k8s").display().to_string();
    let run =
        |options: &[&str]| run(&[&["check", "-C", &root, "--color", "never"], options].concat());
    let all = run(&[]).ended(3);
    assert!(
        all.contains("versions.yaml:1   warning[version-without-image]\n"),
        "{all}"
    );
    assert!(
        all.contains("Chart.yaml:9   error[class-chart-minor]\n"),
        "{all}"
    );
    assert!(
        all.contains("\n1 error and 1 warning in 1 stack. "),
        "{all}"
    );
    for severity in ["error", "warning"] {
        let same = run(&["--fail-on", severity]).ended(3);
        let (found, _) = same.split_once(". Repair").unwrap();
        assert!(all.starts_with(found), "{same}");
    }
    let warned = run(&["--fail-on", "error", "--skip", "class-chart-minor"]).ended(0);
    assert!(warned.ends_with("\n1 warning in 1 stack\n"), "{warned}");
    let warned = run(&["--skip", "class-chart-minor"]).ended(3);
    assert!(warned.ends_with("\n1 warning in 1 stack\n"), "{warned}");
}

#[test]
fn unknown_rules_are_named_with_the_nearest() {
    let root = Copy::of("docker");
    let root = root.root().display().to_string();
    let said = run(&["check", "-C", &root, "--skip", "final-newlin"]).failure(1);
    assert!(
        said.contains("unknown rule or group `final-newlin`"),
        "{said}"
    );
    assert!(said.contains("did you mean `final-newline`?"), "{said}");
}

#[test]
fn a_stack_that_cannot_be_read_has_that_finding_alone() {
    let copy = Copy::of("layout-c");
    copy.write("providers/openstack/scs2/csctl.yaml", "config: [\n");
    let root = copy.root().display().to_string();
    let rules: Vec<String> = findings(&root, &[])
        .iter()
        .map(|f| text(f, "rule").to_owned())
        .collect();
    assert_eq!(rules, ["unreadable"]);
}

#[test]
fn a_missing_list_of_a_stack_at_the_root_is_named_by_its_path_in_the_repository() {
    let copy = Copy::of("layout-b");
    fs::remove_dir_all(copy.path("providers")).unwrap();
    copy.write("csctl.yaml", "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  clusterStackName: demo\n  kubernetesVersion: v1.34.6\n  provider:\n    apiVersion: openstack.csctl.clusterstack.x-k8s.io/v1alpha1\n    type: openstack\n    config:\n      method: get\n");
    let said = copy.run(&["check"]).stdout;
    assert!(
        said.contains("write node-images/config.yaml, or use method `matrix`"),
        "{said}"
    );
}
