//! Ranges, lists and locks of addon charts, as people meet them: what `check` finds, what it repairs, what a configuration adds.

use crate::support::program::{Copy, Said, catalog, run};

const STACK: &str = "providers/openstack/scs2";
const CSI: &str = "providers/openstack/scs2/cluster-addon/csi/Chart.yaml";
const LOCK: &str = "providers/openstack/scs2/cluster-addon/csi/Chart.lock";
const ROWS: &str = "providers/openstack/scs2/versions.yaml";

/// The repository of layout C, in which the storage driver is asked for like this.
fn asking(version: &str) -> Copy {
    let copy = Copy::of("layout-c");
    let text = copy.read(CSI).replace("2.34.1", version);
    copy.write(CSI, &text);
    copy
}

fn check(copy: &Copy, options: &[&str]) -> Said {
    let root = copy.root().display().to_string();
    let mut arguments = vec!["check", "-C", &root, "--color", "never"];
    arguments.extend(options);
    run(&arguments)
}

/// The findings of these rules: place, message, and what is said below it.
fn found(copy: &Copy, rule: &str) -> String {
    let said = check(copy, &["--rule", rule]);
    let findings = said.stdout.split_once("\n\n").map(|(findings, _)| findings);
    findings.unwrap_or_default().to_owned()
}

#[test]
fn a_range_of_another_minor_is_found_and_repaired() {
    let copy = asking("~2.33.0 # the driver");
    assert_eq!(
        found(&copy, "addon-version-minor"),
        format!(
            "{CSI}:10   error[addon-version-minor]\n  openstack-cinder-csi ~2.33.0 is for Kubernetes 1.33, but the stack is v1.34.6\n  fix: version: ~2.34.0"
        )
    );
    copy.commit();
    let said = check(&copy, &["--fix"]);
    assert_eq!(said.stderr, format!("repaired {CSI}\n"));
    assert!(
        copy.read(CSI)
            .contains("    version: ~2.34.0 # the driver\n")
    );
    let copy = asking("'^2.35'");
    assert_eq!(
        found(&copy, "addon-version-minor"),
        format!(
            "{CSI}:10   error[addon-version-minor]\n  openstack-cinder-csi ^2.35 allows no version for Kubernetes 1.34, but the stack is v1.34.6"
        )
    );
    for range in ["2.34.x", "^2.33", "2.x", "'>=2.34.0 <2.34.2'"] {
        assert_eq!(found(&asking(range), "addon-version-minor"), "", "{range}");
    }
}

#[test]
fn a_lock_of_another_minor_is_found_and_repaired_with_its_digest() {
    let copy = asking("2.x");
    // Made by Helm's `HashReq` for the one dependency of that chart.
    let lock = "dependencies:\n- name: openstack-cinder-csi\n  repository: https://kubernetes.github.io/cloud-provider-openstack\n  version: 2.33.1\ndigest: sha256:DIGEST\ngenerated: \"2026-03-20T10:00:00Z\"\n";
    copy.write(
        LOCK,
        &lock.replace(
            "DIGEST",
            "7fcef3f8726b68469a1aba26ef196b421e0c74c71115270bccc97db4e448a869",
        ),
    );
    assert_eq!(check(&copy, &["--rule", "chart-lock"]).status, 0);
    let message = "openstack-cinder-csi 2.33.1 is for Kubernetes 1.33, but the stack is v1.34.6";
    assert!(found(&copy, "addon-version-minor").contains(message));
    copy.commit();
    let said = check(&copy, &["--fix"]);
    assert_eq!(said.stderr, format!("repaired {LOCK}\n"));
    let after = lock.replace("2.33.1", "2.34.1").replace(
        "DIGEST",
        "7f0989fc015563e8e33aaf77a2e05dc85cf3ab7057dc8ed63cbb7fef60404748",
    );
    assert_eq!(copy.read(LOCK), after);
}

#[test]
fn a_packaged_chart_is_the_one_that_is_locked() {
    let copy = asking("~2.34.0");
    let charts = "providers/openstack/scs2/cluster-addon/csi/charts";
    copy.write(
        &format!("{charts}/openstack-cinder-csi-2.34.0.tgz"),
        "a chart",
    );
    assert_eq!(found(&copy, "chart-archive"), "");
    let lock = "dependencies:\n- name: openstack-cinder-csi\n  repository: https://kubernetes.github.io/cloud-provider-openstack\n  version: 2.34.1\ndigest: x\n";
    copy.write(LOCK, lock);
    let stale = found(&copy, "chart-archive");
    assert!(
        stale.contains("version 2.34.1, but charts/ has openstack-cinder-csi-2.34.0.tgz"),
        "{stale}"
    );
    copy.write(
        &format!("{charts}/openstack-cinder-csi-2.34.1.tgz"),
        "a chart",
    );
    assert_eq!(found(&copy, "chart-archive"), "");
}

#[test]
fn a_list_and_a_chart_that_disagree_are_told_with_both_ways_out() {
    let copy = asking("2.34.2");
    let expected = format!(
        "{CSI}:10   warning[addon-version-list]\n  openstack-cinder-csi 2.34.2, but versions.yaml says 2.34.1\n  hint: write 2.34.1 in {CSI}:10, or 2.34.2 in {ROWS}:8"
    );
    assert_eq!(found(&copy, "addon-version-list"), expected);
    copy.commit();
    let said = check(&copy, &["--fix"]);
    assert_eq!((said.status, said.stderr.as_str()), (3, ""));
    assert_eq!(found(&copy, "addon-version-list"), expected);
    let copy = asking("'>=2.34.2 <2.35'");
    assert!(
        found(&copy, "addon-version-list")
            .contains("openstack-cinder-csi >=2.34.2 <2.35, but versions.yaml says 2.34.1")
    );
    assert_eq!(found(&asking("v2.34.1"), "addon-version-list"), "");
    assert_eq!(found(&asking("~2.34.0"), "addon-version-list"), "");
}

#[test]
fn what_no_index_has_is_found_in_rows_and_ranges_too() {
    let copy = asking("~2.34.7");
    copy.write(
        ROWS,
        &copy.read(ROWS).replace("occm: 2.34.1", "occm: 2.34.9"),
    );
    let said = check(
        &copy,
        &["--catalog", &catalog(), "--rule", "chart-not-published"],
    );
    let repository = "https://kubernetes.github.io/cloud-provider-openstack";
    assert!(said.stdout.contains(&format!(
        "{ROWS}:9   error[chart-not-published]\n  {repository} has no openstack-cloud-controller-manager 2.34.9"
    )));
    assert!(said.stdout.contains(&format!(
        "{CSI}:10   error[chart-not-published]\n  {repository} has no openstack-cinder-csi ~2.34.7"
    )));
    let plan = run(&[
        "plan",
        "-C",
        &copy.root().display().to_string(),
        "--catalog",
        &catalog(),
        "--change",
        "addons",
    ]);
    assert!(
        plan.stdout.contains(&format!(
            "skip   openstack-cloud-controller-manager 2.34.9: {ROWS}:9 names it, and {repository} has nothing newer than 2.34.2 for 1.34; {STACK}/cluster-addon/ccm/Chart.yaml:10 stays too"
        )),
        "{}",
        plan.stdout
    );
}

#[test]
fn a_configuration_adds_charts_that_follow_the_minor() {
    let copy = Copy::of("layout-c");
    let chart = format!("{STACK}/cluster-addon/kms/Chart.yaml");
    copy.write(
        &chart,
        "apiVersion: v2\nname: kms\nversion: v1\ndependencies:\n- name: barbican-kms\n  repository: https://charts.example.org\n  version: 2.33.x\n",
    );
    copy.write(
        ROWS,
        &copy
            .read(ROWS)
            .replace("occm: 2.34.1", "occm: 2.34.1\n  kms: 2.33.4"),
    );
    assert_eq!(found(&copy, "addon-version-minor"), "");
    let entry = "charts:\n- name: barbican-kms\n  repository: https://charts.example.org\n  versionsKey: kms\n";
    copy.write("csctl-matrix.yaml", entry);
    let expected = format!(
        "{chart}:7   error[addon-version-minor]\n  barbican-kms 2.33.x is for Kubernetes 1.33, but the stack is v1.34.6\n{ROWS}:10   error[addon-version-minor]\n  barbican-kms 2.33.4 is for Kubernetes 1.33, but its row is for 1.34"
    );
    assert_eq!(found(&copy, "addon-version-minor"), expected);
    let index = "  - url: https://charts.example.org\n    charts:\n      barbican-kms: [\"2.33.4\", \"2.34.0\", \"2.34.6\"]\n";
    let world = std::fs::read_to_string(catalog()).unwrap();
    let world = world.replace(
        "chartRepositories:\n",
        &format!("chartRepositories:\n{index}"),
    );
    copy.write("world.yaml", &world);
    let world = copy.path("world.yaml").display().to_string();
    copy.commit();
    copy.run(&["update", "--change", "repair", "--catalog", &world])
        .success();
    assert!(copy.read(&chart).contains("  version: 2.34.x\n"));
    assert!(copy.read(ROWS).contains("  kms: 2.34.6\n"));
}

#[test]
fn a_wrong_entry_stops_everything_with_its_line() {
    let copy = Copy::of("layout-c");
    for (entry, expected) in [
        (
            "charts:\n- name: kms\n  repository: charts.example.org\n",
            "csctl-matrix.yaml:3: charts[0].repository: invalid URL of a Helm repository",
        ),
        (
            "charts:\n- name: kms\n  repository: https://charts.example.org\n  versionKey: kms\n",
            "csctl-matrix.yaml:4: `charts[0]`: unknown key `versionKey`; did you mean `versionsKey`?",
        ),
        (
            "charts:\n- repository: https://charts.example.org\n",
            "csctl-matrix.yaml:2: `charts[0]`: missing key `name`",
        ),
    ] {
        copy.write("csctl-matrix.yaml", entry);
        let said = check(&copy, &[]).failure(1);
        assert!(said.contains(expected), "{said}");
    }
}
