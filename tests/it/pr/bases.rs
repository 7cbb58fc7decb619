//! Several base branches: what each gets, and which of them cannot be read.

use crate::support::github;
use crate::support::hosted::Hosted;

/// Lists on `main`, and each minor on a branch of its own, as cluster stacks are kept today.
const BRANCHES: &str = "branches:
- base: main
  files: ['providers/*/*/kubernetes.yaml', 'providers/*/*/versions.yaml']
- base: maint/{{stack}}-{{minorDashed}}
  minors: {from: '1.33'}
";

/// The names of the files in which two commits differ.
fn changed(state: &github::State, one: git2::Oid, other: git2::Oid) -> String {
    let paths = state.changed_paths(one, other);
    let names = paths.iter().filter_map(|path| path.rsplit('/').next());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_base_branch_gets_the_changes_that_are_its_own() {
    let hosted = Hosted::of("[new-patch]", BRANCHES);
    let main = hosted.server.state().head("main").unwrap();
    hosted.server.state().set_head("maint/scs2-1-34", main);
    let said = hosted.run(&[]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(
        said.stderr
            .contains("base branch maint/scs2-1-33 does not exist")
            && !said.stderr.contains("scs2-1-32")
            && !said.stderr.contains("scs2-1-35"),
        "{}",
        said.stderr
    );
    let shown: Vec<String> = {
        let state = hosted.server.state();
        let mut shown: Vec<String> = state
            .open_pulls()
            .iter()
            .map(|pull| {
                let base = state.head(&pull.base_branch).unwrap();
                let title = &pull.title;
                format!(
                    "{}: {title} ({})",
                    pull.base_branch,
                    changed(&state, base, pull.head)
                )
            })
            .collect();
        shown.sort();
        shown
    };
    // Where a branch takes lists alone, a default that another file sets stays there, and the title says so.
    let all = "README.md cluster-class.yaml csctl.yaml image.yaml kubernetes.yaml versions.yaml";
    let lists = "kubernetes.yaml versions.yaml";
    assert_eq!(
        shown,
        [
            "main: Add images of 1.32.12 to openstack-scs2-1-32 (kubernetes.yaml)".to_owned(),
            "main: Add images of 1.34.0, 4, 7-8 to openstack-scs2-1-34 (kubernetes.yaml)"
                .to_owned(),
            format!("main: Move openstack-scs2-1-33 to v1.33.12 ({lists})"),
            format!("maint/scs2-1-34: Move openstack-scs2-1-34 to v1.34.8 ({all})"),
        ]
    );
    hosted.server.clear_log();
    let again = hosted.outcomes();
    assert!(
        again
            .iter()
            .all(|outcome| outcome.ends_with(": up-to-date")),
        "{again:?}"
    );
    assert!(hosted.server.mutations().is_empty());
}

#[test]
fn what_the_default_branch_blocks_is_blocked_on_every_base_branch() {
    for has_config in [true, false] {
        let hosted = Hosted::of("[new-patch]", BRANCHES);
        let main = hosted.server.state().head("main").unwrap();
        hosted.server.state().set_head("maint/scs2-1-34", main);
        if !has_config {
            hosted
                .server
                .state()
                .push("maint/scs2-1-34", &[("csctl-matrix.yaml", None)]);
        }
        // It becomes known after the branch was made.
        let config = format!(
            "{}blocked:\n- {{version: v1.34.8, reason: CVE-2026-90002}}\n",
            hosted.config
        );
        hosted
            .server
            .state()
            .push("main", &[("csctl-matrix.yaml", Some(&config))]);
        hosted.outcomes();
        let state = hosted.server.state();
        let of_branch = |base: &str| -> Vec<String> {
            let open = state.open_pulls().into_iter();
            let own = open.filter(|pull| pull.base_branch == base);
            own.map(|pull| pull.title.clone()).collect()
        };
        assert_eq!(
            of_branch("maint/scs2-1-34"),
            ["Move openstack-scs2-1-34 to v1.34.7"]
        );
    }
}

#[test]
fn a_base_branch_that_cannot_be_read_stops_no_other() {
    let hosted = Hosted::of("[new-patch]", BRANCHES);
    let main = hosted.server.state().head("main").unwrap();
    hosted.server.state().set_head("maint/scs2-1-34", main);
    hosted.server.state().push(
        "maint/scs2-1-34",
        &[("csctl-matrix.yaml", Some("minors: ["))],
    );
    let said = hosted.run(&[]);
    let open = hosted.server.state().open_pulls().len();
    assert_eq!(open, 3, "{}\n{}", said.stdout, said.stderr);
    assert_eq!(said.status, 1);
}

#[test]
fn a_fault_is_not_hidden_by_a_ceiling() {
    let hosted = Hosted::of(
        "[new-patch]",
        &format!("  atMost: {{opened: 1}}\n{BRANCHES}"),
    );
    let main = hosted.server.state().head("main").unwrap();
    hosted.server.state().set_head("maint/scs2-1-34", main);
    let limited = hosted.run(&[]);
    assert_eq!(limited.status, 5, "{}", limited.stderr);
    hosted.server.state().push(
        "maint/scs2-1-34",
        &[("csctl-matrix.yaml", Some("minors: ["))],
    );
    let said = hosted.run(&[]);
    assert!(said.stdout.contains("ceiling"), "{}", said.stdout);
    assert_eq!(said.status, 1, "{}", said.stderr);
}

#[test]
fn a_base_branch_without_a_configuration_of_its_own_gets_what_is_its_own() {
    let hosted = Hosted::of("[new-patch]", BRANCHES);
    let main = hosted.server.state().head("main").unwrap();
    hosted.server.state().set_head("maint/scs2-1-34", main);
    hosted
        .server
        .state()
        .push("maint/scs2-1-34", &[("csctl-matrix.yaml", None)]);
    let said = hosted.run(&[]);
    let state = hosted.server.state();
    let lines: Vec<&str> = state
        .open_pulls()
        .iter()
        .filter(|pull| pull.base_branch != "main")
        .map(|pull| pull.head_branch.as_str())
        .collect();
    assert_eq!(lines.len(), 1, "{lines:?}\n{}", said.stderr);
}
