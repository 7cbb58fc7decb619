//! Configured references through the command line: `show` names them, `plan` and `update` edit them like any other, and an entry that
//! says nothing is held by name.

use std::fs;

use crate::support::program::{self, Copy, catalog, differing};
use serde_json::Value;

const STACK: &str = "providers/openstack/scs2";

/// The one stack of layout-c, at v1.34.6; the world has v1.34.8.
fn repository(references: &str, files: &[(&str, &str)]) -> Copy {
    let copy = Copy::of("layout-c");
    copy.write("csctl-matrix.yaml", &format!("references:\n{references}"));
    for (path, text) in files {
        copy.write(path, text);
    }
    copy
}

fn run(copy: &Copy, arguments: &[&str]) -> program::Said {
    let catalog = catalog();
    let mut all = arguments.to_vec();
    all.extend(["--catalog", &catalog]);
    copy.run(&all)
}

fn plan(copy: &Copy, options: &[&str]) -> Value {
    run(copy, &[&["plan", "--format", "json"], options].concat()).json()
}

/// The edits of a file: what stands there, what will, and the class.
fn edits(plan: &Value, path: &str) -> Vec<String> {
    let files = plan["files"].as_array().unwrap();
    let file = files.iter().find(|file| file["path"] == path);
    let edits = file.map(|file| file["edits"].as_array().unwrap().clone());
    let text = |edit: &Value, key: &str| edit[key].as_str().unwrap_or_default().to_owned();
    let say = |edit: Value| {
        let line = &edit["line"];
        format!(
            "{line} {} -> {} {}",
            text(&edit, "from"),
            text(&edit, "to"),
            text(&edit, "class")
        )
    };
    edits.unwrap_or_default().into_iter().map(say).collect()
}

fn holds(plan: &Value) -> Vec<String> {
    let holds = plan["stacks"][0]["skipped"].as_array().unwrap().iter();
    let references = holds.filter(|hold| {
        hold["subject"]
            .as_str()
            .unwrap()
            .starts_with("reference in")
    });
    let text = |hold: &Value, key: &str| hold[key].as_str().unwrap().to_owned();
    references
        .map(|hold| format!("{}: {}", text(hold, "subject"), text(hold, "reason")))
        .collect()
}

#[test]
fn a_yaml_path_is_shown_planned_and_written() {
    let place = format!("{STACK}/examples/cluster.yaml");
    let example = "# An example.\nspec:\n  topology:\n    class: 'openstack-scs2-1-34-v2'  # the release\n    version: \"v1.34.6\"\n";
    let references = "- files: '**/examples/*.yaml'\n  path: spec.topology.version\n  value: '{{default}}'\n\
                 - files: '**/examples/*.yaml'\n  path: spec.topology.class\n  value: '{{provider}}-{{stack}}-{{minorDashed}}-{{stackVersion}}'\n";
    let copy = repository(references, &[(&place, example)]);
    let shown = run(&copy, &["show", "--references"]).success();
    assert!(
        shown.contains(&format!("{place}:5  spec.topology.version  v1.34.6\n")),
        "{shown}"
    );
    let planned = plan(&copy, &[]);
    assert_eq!(
        edits(&planned, &place),
        [
            "5 v1.34.6 -> v1.34.8 new-patch",
            "4 openstack-scs2-1-34-v2 -> openstack-scs2-1-34-v3 new-patch"
        ]
    );
    assert_eq!(holds(&planned), [""; 0]);
    let before = copy.files();
    run(&copy, &["update"]).success();
    let after = example
        .replace("v1.34.6", "v1.34.8")
        .replace("34-v2", "34-v3");
    assert_eq!(copy.read(&place), after);
    assert!(differing(&before, &copy.files()).contains(&place));
    assert_eq!(edits(&plan(&copy, &[]), &place), [""; 0]);
    // Another class of change alone leaves it.
    let copy = repository(references, &[(&place, example)]);
    assert_eq!(
        edits(&plan(&copy, &["--change", "addons"]), &place),
        [""; 0]
    );
}

#[test]
fn a_pattern_is_found_wherever_it_stands_and_nothing_else_is_touched() {
    let text = "Kubernetes is great.\r\nUses Kubernetes v1.34.6.\r\nOr Kubernetes v1.34.6, Kubernetes v1.34.6-rc.1\r\n\
                and Kubernetes v1.30.1\r\nccm: 2.34.1 (cloud)";
    let references = "- files: docs/start.txt\n  pattern: 'Kubernetes {value}'\n  value: '{{default}}'\n\
                 - files: docs/start.txt\n  pattern: 'ccm: {value} (cloud)'\n  value: '{{ccm}}'\n";
    let copy = repository(references, &[("docs/start.txt", text)]);
    assert_eq!(
        edits(&plan(&copy, &[]), "docs/start.txt"),
        [
            "2 v1.34.6 -> v1.34.8 new-patch",
            "3 v1.34.6 -> v1.34.8 new-patch",
            "4 v1.30.1 -> v1.34.8 repair",
            "5 2.34.1 -> 2.34.2 addons"
        ]
    );
    run(&copy, &["update", "--change", "new-patch"]).success();
    let expected = text
        .replace("Kubernetes v1.34.6.\r", "Kubernetes v1.34.8.\r")
        .replace("Or Kubernetes v1.34.6,", "Or Kubernetes v1.34.8,");
    assert_eq!(
        fs::read(copy.path("docs/start.txt")).unwrap(),
        expected.as_bytes()
    );
}

#[test]
fn a_pattern_in_yaml_goes_with_the_edits_of_its_kind() {
    let place = format!("{STACK}/csctl.yaml");
    let copy = repository(
        "- files: '**/csctl.yaml'\n  pattern: '# Set to {value}'\n  value: 'Kubernetes-{{defaultPlain}}'\n",
        &[],
    );
    let text = copy.read(&place);
    copy.write(&place, &format!("# Set to Kubernetes-1.34.6\n{text}"));
    run(&copy, &["update"]).success();
    let after = copy.read(&place);
    assert_eq!(
        after,
        format!(
            "# Set to Kubernetes-1.34.8\n{}",
            text.replace("v1.34.6", "v1.34.8")
        )
    );
}

#[test]
fn hidden_files_and_revisions_are_read_too() {
    let place = ".github/workflows/test.yml";
    let references =
        format!("- files: {place}\n  path: env.KUBERNETES\n  value: '{{{{defaultPlain}}}}'\n");
    let copy = repository(&references, &[(place, "env:\n  KUBERNETES: 1.34.6\n")]);
    copy.commit();
    let planned = plan(&copy, &["--rev", "HEAD"]);
    assert_eq!(edits(&planned, place), ["2 1.34.6 -> 1.34.8 new-patch"]);
    run(&copy, &["update"]).success();
    assert_eq!(copy.read(place), "env:\n  KUBERNETES: 1.34.8\n");
}

#[test]
fn entries_that_say_nothing_are_held_by_name() {
    let references = "- files: docs/absent.md\n  pattern: 'Kubernetes {value}'\n  value: '{{default}}'\n\
                 - files: docs/there.md\n  pattern: 'Version {value}'\n  value: '{{default}}'\n\
                 - files: docs/there.yaml\n  path: a.b\n  value: '{{minor}}'\n";
    let copy = repository(
        references,
        &[
            ("docs/there.md", "Version one\n"),
            ("docs/there.yaml", "a: {c: 1.34}\n"),
        ],
    );
    let planned = plan(&copy, &[]);
    assert_eq!(
        holds(&planned),
        [
            "reference in docs/absent.md (csctl-matrix.yaml:2): no file matches",
            "reference in docs/there.md (csctl-matrix.yaml:5): nothing fits `Version {value}` with a value like `{{default}}`",
            "reference in docs/there.yaml (csctl-matrix.yaml:8): `a.b` not found"
        ]
    );
    assert!(planned["files"].as_array().unwrap().len() > 1);
}

#[test]
fn mistakes_in_entries_stop_everything() {
    for (entry, line, message) in [
        (
            "- files: a.md\n  pattern: 'K {value}'\n  value: '{{defualt}}'\n",
            4,
            "unknown placeholder `{{defualt}}`; did you mean `{{default}}`?",
        ),
        (
            "- files: a.md\n  pattern: 'K'\n  value: '{{default}}'\n",
            3,
            "`K` does not have one `{value}`",
        ),
        (
            "- files: a.yaml\n  path: 'a..b'\n  value: '{{default}}'\n",
            3,
            "`a..b` is not a path",
        ),
        (
            "- files: a.yaml\n  value: '{{default}}'\n",
            2,
            "`path` or `pattern` is missing",
        ),
        (
            "- files: ../a.yaml\n  path: a\n  value: '{{default}}'\n",
            2,
            "invalid path `../a.yaml`: it does not lead below the repository's root",
        ),
        (
            "- files: a.yaml\n  path: a\n  value: v1.34.7\n",
            4,
            "no place for a value",
        ),
    ] {
        let copy = repository(entry, &[]);
        let before = copy.files();
        let error = run(&copy, &["update"]).failure(1);
        assert!(
            error.contains(&format!("csctl-matrix.yaml:{line}: references[0].")),
            "{error}"
        );
        assert!(
            error.contains(message) && error.contains("\n  hint: "),
            "{error}"
        );
        assert_eq!(differing(&before, &copy.files()), [""; 0]);
    }
    let nobody = "- files: a.yaml\n  path: a\n  value: '{{default}}'\n  stack: openstack/nobody\n";
    let error = run(&repository(nobody, &[]), &["plan"]).failure(1);
    assert!(
        error.contains("no cluster stack `openstack/nobody`")
            && error.contains("there are openstack/scs2"),
        "{error}"
    );
}

#[test]
fn each_source_tree_has_its_own_values_and_a_new_one_gets_its_own() {
    let copy = Copy::of("layout-d");
    let directory = "providers/openstack/scs";
    copy.write(
        "csctl-matrix.yaml",
        "references:\n- files: '**/hack/env'\n  pattern: 'MINOR={value}'\n  value: '{{minor}}'\n",
    );
    for minor in ["1.34", "1.35"] {
        let place = format!("{directory}/{}/hack/env", minor.replace('.', "-"));
        copy.write(&place, &format!("MINOR={minor}\n"));
    }
    let planned = plan(&copy, &["openstack/scs", "--add", "1.36"]);
    let files = planned["files"].as_array().unwrap();
    let made = format!("{directory}/1-36/hack/env");
    let made = files.iter().find(|file| file["path"] == *made).unwrap();
    assert_eq!(made["after"], "MINOR=1.36\n");
    let stale = format!("{directory}/1-35/hack/env");
    copy.write(&stale, "MINOR=1.28\n");
    let planned = plan(&copy, &["openstack/scs"]);
    assert_eq!(edits(&planned, &stale), ["1 1.28 -> 1.35 repair"]);
    let own = format!("{directory}/1-34/hack/env");
    assert_eq!(edits(&planned, &own), [""; 0]);
}

#[test]
fn a_file_outside_several_stacks_needs_the_name_of_its_stack() {
    let entry = "references:\n- files: docs/start.md\n  pattern: 'ferrol on {value}'\n  value: '{{default}}'\n";
    let copy = Copy::of("layout-d");
    copy.write("docs/start.md", "scs on v1.33.1\n");
    copy.write("csctl-matrix.yaml", &entry.replace("ferrol", "scs"));
    let planned = plan(&copy, &[]);
    let said = planned.to_string();
    assert!(
        said.contains("docs/start.md is outside all stacks; name its stack with `stack:`"),
        "{said}"
    );
    assert_eq!(edits(&planned, "docs/start.md"), [""; 0]);
    copy.write(
        "csctl-matrix.yaml",
        &(entry.replace("ferrol", "scs") + "  stack: openstack/scs\n"),
    );
    let planned = plan(&copy, &[]);
    let edits = edits(&planned, "docs/start.md");
    assert!(
        edits.len() == 1 && edits[0].starts_with("1 v1.33.1 -> v1.35."),
        "{edits:?}"
    );
    assert!(edits[0].ends_with(" repair"), "{edits:?}");
    // It speaks of the newest minor, whichever the run looks at.
    for minor in ["1.33", "1.34", "1.35"] {
        let planned = plan(&copy, &["openstack/scs", "--minor", minor]);
        let expected = if minor == "1.35" { &edits[..] } else { &[] };
        assert_eq!(self::edits(&planned, "docs/start.md"), expected, "{minor}");
    }
}

#[test]
fn a_run_that_looks_at_another_minor_than_the_stack_s_leaves_references_alone() {
    let entry = "- files: start.md\n  pattern: 'K={value}'\n  value: '{{default}}'\n  stack: openstack/scs2\n";
    let copy = repository(entry, &[("start.md", "K=v1.34.6\n")]);
    for options in [&["--minor", "1.33"][..], &["--add", "1.35"]] {
        let planned = plan(&copy, options);
        assert_eq!(edits(&planned, "start.md"), [""; 0], "{options:?}");
    }
    let planned = plan(&copy, &["--minor", "1.34"]);
    assert_eq!(
        edits(&planned, "start.md"),
        ["1 v1.34.6 -> v1.34.8 new-patch"]
    );
}

#[test]
fn two_entries_that_contradict_each_other_are_told_and_write_nothing() {
    let entry = |value: &str| {
        format!(
            "- files: start.md\n  pattern: 'K={{value}}'\n  value: '{value}'\n  stack: openstack/scs2\n"
        )
    };
    let both = entry("{{default}}") + &entry("{{defaultPlain}}");
    let copy = repository(&both, &[("start.md", "# Start\nK=v1.34.6\n")]);
    let said = run(&copy, &["update", "--minor", "1.34"]).failure(1);
    let told = "start.md:2: `references` on lines 2 and 6 of csctl-matrix.yaml set this place to `v1.34.8` and to `1.34.8`";
    let shown = run(&copy, &["plan", "--minor", "1.34"]).stdout;
    assert!(
        shown.contains(told) || said.contains(told),
        "{shown}\n{said}"
    );
    assert_eq!(copy.read("start.md"), "# Start\nK=v1.34.6\n");
    // So is one that contradicts what the program sets by itself, or a path.
    let csctl = format!("{STACK}/csctl.yaml");
    let by_kind = "- files: '**/csctl.yaml'\n  pattern: 'kubernetesVersion: {value}'\n  value: '{{defaultPlain}}'\n";
    let by_path = "- files: start.yaml\n  path: version\n  value: '{{default}}'\n  stack: openstack/scs2\n\
                   - files: start.yaml\n  pattern: 'version: {value}'\n  value: '{{defaultPlain}}'\n  stack: openstack/scs2\n";
    for (entries, file) in [(by_kind, csctl.as_str()), (by_path, "start.yaml")] {
        let copy = repository(entries, &[("start.yaml", "version: v1.34.6\n")]);
        let before = copy.read(file);
        let said = run(&copy, &["plan", "--minor", "1.34"]).failure(6);
        let told = "of csctl-matrix.yaml sets this place to `1.34.8`, and another edit sets it to `v1.34.8`";
        assert!(said.contains(told), "{said}");
        run(&copy, &["update", "--minor", "1.34"]).failure(1);
        assert_eq!(copy.read(file), before);
    }
    // The same twice is one.
    let copy = repository(
        &(entry("{{default}}") + &entry("{{default}}")),
        &[("start.md", "K=v1.34.6\n")],
    );
    let planned = plan(&copy, &["--minor", "1.34"]);
    assert_eq!(edits(&planned, "start.md").len(), 1);
}

#[test]
fn two_stacks_do_not_write_one_file() {
    let copy = Copy::of("layout-d");
    let entry = |stack: &str| {
        format!(
            "- files: start.txt\n  pattern: '{stack} {{value}}'\n  value: '{{{{default}}}}'\n  stack: {stack}\n"
        )
    };
    let references = format!(
        "references:\n{}{}",
        entry("openstack/scs"),
        entry("docker/scs")
    );
    copy.write("csctl-matrix.yaml", &references);
    copy.write("start.txt", "openstack/scs v1.30.0\ndocker/scs v1.30.0\n");
    let error = run(&copy, &["update"]).failure(6);
    assert!(
        error.contains("start.txt: two stacks change this file"),
        "{error}"
    );
    let text = copy.read("start.txt");
    let untouched = text
        .lines()
        .filter(|line| line.ends_with(" v1.30.0"))
        .count();
    assert_eq!(untouched, 1, "{text}");
}

#[test]
fn places_that_contradict_the_stack_are_found() {
    let references = "- files: a.yaml\n  path: version\n  value: '{{default}}'\n";
    let copy = repository(
        references,
        &[("a.yaml", "version: v1.34.6\n---\nversion: v1.33.1\n")],
    );
    let place = csctl_matrix::command::Place {
        directory: copy.root(),
        revision: None,
    };
    let repository = csctl_matrix::command::Repository::open(&place).unwrap();
    let stacks = repository.discovery.read(&repository.tree);
    let stale = csctl_matrix::stack::stale_references(&stacks[0]);
    let found: Vec<_> = stale
        .iter()
        .map(|stale| {
            (
                stale.reference.line,
                &*stale.reference.value,
                &*stale.expected,
            )
        })
        .collect();
    assert_eq!(found, [(3, "v1.33.1", "v1.34.6")]);
    let text = run(&copy, &["plan", "--color", "never"]).success();
    assert!(text.contains("+++ b/a.yaml\n"), "{text}");
}

#[test]
fn check_repairs_places_in_texts() {
    let references = "- files: start.txt\n  pattern: 'Uses {value}'\n  value: '{{default}}'\n";
    let copy = repository(references, &[("start.txt", "Uses v1.34.6\nUses v1.30.0\n")]);
    let said = copy.run(&["check", "--rule", "configured-reference"]);
    assert_eq!(said.status, 3);
    let expected = "start.txt:2   warning[configured-reference]";
    assert!(
        said.stdout.contains(expected) && !said.stdout.contains("start.txt:1"),
        "{}",
        said.stdout
    );
    copy.run(&["check", "--rule", "configured-reference", "--fix"])
        .success();
    assert_eq!(copy.read("start.txt"), "Uses v1.34.6\nUses v1.34.6\n");
}
