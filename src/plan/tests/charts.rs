//! Addon charts: ranges and their locks, lists and dependencies that have to agree, repositories that nobody can ask.

use super::*;
use crate::policy::{Addons, ChangeClass};

const CHART: &str = "scs/cluster-addon/csi/Chart.yaml";
const LOCK: &str = "scs/cluster-addon/csi/Chart.lock";
const IMAGES: &str = "scs/node-images.yaml";
const ROWS: &str = "scs/versions.yaml";

/// What `HashReq` of Helm 3.19 gives for a chart that asks for the first and a lock of the second.
const DIGESTS: [(&str, &str, &str); 14] = [
    (
        "2.34.0",
        "2.34.0",
        "c3ee063f1f74617455887cec80204456c11ac2b7567d96759b7b2806fbd31764",
    ),
    (
        "2.34.2",
        "2.34.2",
        "5060254dac01a04a7a7f5db695790bd0242ff9556ebc82cd9662e71f82c34e93",
    ),
    (
        "~2.34.0",
        "2.34.0",
        "eef26dcf5527be2b4ff471e03c2d5516823c83c581ec1f9df81f283586adb983",
    ),
    (
        "~2.34.0",
        "2.34.2",
        "0ea21f2265a60da4dca54a7eb2a6162e86e76c8c348a3be8034cd76f67353943",
    ),
    (
        ">=2.34.0 <2.34.2",
        "2.34.0",
        "bdbcb70796cbbfc9e07bb405a4efa35144744429fdd8afecf329acbc5373bc41",
    ),
    (
        ">=2.34.0 <2.34.2",
        "2.34.1",
        "df8c46d792026174a3f3b44559b96e9399951ebfe4ac5282ebe74662e538a0da",
    ),
    (
        "2.33.x",
        "2.33.1",
        "8479116e1bade592ebd26c12a220f39b53da3524e347362d3ed307e1e77eaf86",
    ),
    (
        "2.34.x",
        "2.34.2",
        "dddbe65fefb17728a375ae6c4972990f562c90d4b2746681e0081b18b9ca00c5",
    ),
    (
        "2.x",
        "2.35.0",
        "54987b6ea3166b3f5e1e87afccd78be31d9ff3d39206e95f5e1cdf1205604399",
    ),
    (
        "2.x",
        "2.34.2",
        "4b41db774be07924e489f15b827f995352e674031bd9880063ce58492418a523",
    ),
    (
        "2.34",
        "v2.34.0",
        "742aa9131adf11e9c57e1467486781c8fc367724e97621451f48c282761ec4cd",
    ),
    (
        "2.34",
        "v2.34.2",
        "324bc1c263130058f3324c8cd63c81168fd494ddd2c74c4ccd0ad3f4b670d335",
    ),
    (
        "=2.33.1",
        "2.33.1",
        "1f1c79d40182deca7e7b82b292cb779ae39cbe4854feca1197d35c71aeb2a809",
    ),
    (
        "=2.34.2",
        "2.34.2",
        "e222a86fc845e45a2db91faa90b9f0b190b7d4fdc057075ccf0fcd62e5c1ee49",
    ),
];

/// A chart that depends on the storage driver.
fn asking(version: &str) -> String {
    from(CHARTS, version)
}

fn from(repository: &str, version: &str) -> String {
    format!(
        "apiVersion: v2\nname: csi\ndependencies:\n- name: openstack-cinder-csi\n  version: \"{version}\" # the driver\n  repository: \"{repository}\"\n"
    )
}

fn lock(asked: &str, locked: &str) -> String {
    let mut digests = DIGESTS.iter();
    let found = digests.find(|digest| (digest.0, digest.1) == (asked, locked));
    let (_, _, digest) = found.unwrap();
    lock_with(locked, digest)
}

fn lock_with(locked: &str, digest: &str) -> String {
    format!(
        "dependencies:\n- name: openstack-cinder-csi\n  repository: {CHARTS}\n  version: {locked}\ndigest: sha256:{digest}\ngenerated: \"2026-03-20T10:00:00Z\"\n"
    )
}

/// The stack scs at v1.34.5, with these files.
fn stack(files: &[(&str, &str)]) -> Tree {
    let own = csctl("v1.34.5");
    let mut all = vec![("scs/csctl.yaml", own.as_str())];
    all.extend(files);
    tree(&all)
}

/// A world in which the driver has these versions.
fn driver(versions: &[&str]) -> Catalog {
    let mut world = world(&["v1.34.5", "v1.35.1"]);
    let versions = versions.iter().map(|version| version.parse().unwrap());
    world.chart_repositories.push(ChartRepository {
        url: CHARTS.to_owned(),
        charts: [("openstack-cinder-csi".to_owned(), versions.collect())].into(),
    });
    world
}

fn usual() -> Catalog {
    driver(&[
        "2.33.1",
        "2.33.7",
        "2.34.0",
        "2.34.1",
        "2.34.2",
        "2.34.3-rc.1",
        "2.35.0",
    ])
}

fn held(plan: &Plan) -> Vec<String> {
    let skips = plan.stacks[0].skipped.iter();
    let skips = skips.filter(|skip| skip.subject.to_string().starts_with("openstack-"));
    skips
        .map(|skip| format!("{}: {}", skip.subject, skip.reason()))
        .collect()
}

#[test]
fn a_lock_goes_to_the_newest_version_that_the_range_takes() {
    for (before, after) in [
        (("2.34.0", "2.34.0"), ("2.34.2", "2.34.2")),
        (("~2.34.0", "2.34.0"), ("~2.34.0", "2.34.2")),
        (
            (">=2.34.0 <2.34.2", "2.34.0"),
            (">=2.34.0 <2.34.2", "2.34.1"),
        ),
        (("2.34", "v2.34.0"), ("2.34", "v2.34.2")),
        (("2.33.x", "2.33.1"), ("2.34.x", "2.34.2")),
        (("=2.33.1", "2.33.1"), ("=2.34.2", "2.34.2")),
        (("2.x", "2.35.0"), ("2.x", "2.34.2")),
    ] {
        let files = [(CHART, asking(before.0)), (LOCK, lock(before.0, before.1))];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let planned = plan_of(&stack(&files), &usual());
        let mut written = written(&planned);
        let chart = written.remove(CHART).unwrap_or_else(|| asking(before.0));
        assert_eq!(chart, asking(after.0), "{before:?}");
        assert_eq!(written[LOCK], lock(after.0, after.1), "{before:?}");
        let again = plan_of(&planned.applied_to(&stack(&files)), &usual());
        assert!(!again.has_changes(), "{before:?}");
    }
}

#[test]
fn what_a_range_excludes_is_held_with_its_place() {
    let range = ">=2.34.0 <2.34.2";
    let files = stack(&[(CHART, &asking(range)), (LOCK, &lock(range, "2.34.1"))]);
    let plan = plan_of(&files, &usual());
    assert!(!plan.has_changes());
    assert_eq!(
        held(&plan),
        [format!(
            "openstack-cinder-csi 2.34.2: Chart.yaml asks for {range} ({CHART}:5)"
        )]
    );
}

#[test]
fn the_matrix_and_the_reasons_speak_of_what_is_locked() {
    let files = stack(&[
        (CHART, &asking("~2.34.0")),
        (LOCK, &lock("~2.34.0", "2.34.0")),
    ]);
    let plan = plan_of(&files, &usual());
    let line = &plan.stacks[0].lines[0];
    assert_eq!(line.classes, [ChangeClass::Addons].into());
    assert_eq!(
        words(&line.reasons),
        ["openstack-cinder-csi 2.34.0 -> 2.34.2: the newest for 1.34"]
    );
}

#[test]
fn a_range_of_another_minor_is_moved_or_held() {
    for (before, after) in [
        ("2.33.x", "2.34.x"),
        ("~2.33.0", "~2.34.0"),
        (">=2.33.0, <2.34.0-0", ">=2.34.0, <2.35.0-0"),
        ("=v2.33.1", "=v2.34.2"),
    ] {
        let plan = plan_of(&stack(&[(CHART, &asking(before))]), &usual());
        assert_eq!(written(&plan), [(CHART, asking(after))].into(), "{before}");
        assert_eq!(held(&plan), Vec::<String>::new(), "{before}");
        let classes = &plan.stacks[0].lines[0].classes;
        assert_eq!(*classes, [ChangeClass::Repair].into(), "{before}");
    }
    for range in ["~2.33.4", "^2.35", "2.33.x || 2.32.x", ">=2.33.1 <2.34"] {
        let plan = plan_of(&stack(&[(CHART, &asking(range))]), &usual());
        assert!(!plan.has_changes(), "{range}");
        assert_eq!(
            held(&plan),
            [format!(
                "openstack-cinder-csi for 1.34: Chart.yaml asks for {range} ({CHART}:5), which has no version for 1.34"
            )]
        );
    }
}

#[test]
fn a_range_that_nothing_locks_may_become_the_chart_of_another_minor() {
    for (range, is_said) in [("2.x", true), ("^2.34", true), ("~2.34.0", false)] {
        let plan = plan_of(&stack(&[(CHART, &asking(range))]), &usual());
        assert!(!plan.has_changes(), "{range}");
        let expected = format!(
            "openstack-cinder-csi 2.34.2: Chart.yaml asks for {range} ({CHART}:5) and nothing locks it: Helm takes 2.35.0, for 1.35"
        );
        let expected: Vec<String> = Some(expected).into_iter().filter(|_| is_said).collect();
        assert_eq!(held(&plan), expected);
    }
}

#[test]
fn a_number_without_quotes_is_what_helm_reads() {
    let unquoted = |version: &str| asking(version).replace('"', "");
    let moved = |minor: &str, chart: &str, versions: &[&str]| {
        let own = csctl(&format!("v{minor}.5"));
        let files = tree(&[("scs/csctl.yaml", &own), (CHART, chart)]);
        let plan = plan_of(&files, &driver(versions));
        written(&plan).remove(CHART)
    };
    // Helm reads 2.40 as 2.4, and finds nothing.
    assert_eq!(
        moved("1.40", &unquoted("2.40"), &["2.40.1"]),
        Some(unquoted("2.40.x"))
    );
    assert_eq!(
        moved("1.40", &unquoted("2.39"), &["2.40.1"]),
        Some(unquoted("2.40.x"))
    );
    assert_eq!(
        moved("1.34", &unquoted("2.33"), &["2.34.1"]),
        Some(unquoted("2.34"))
    );
    assert_eq!(moved("1.40", &asking("2.40"), &["2.40.1"]), None);
}

#[test]
fn build_metadata_alone_is_no_update_and_spelling_stays() {
    let world = driver(&["2.34.0", "2.34.1", "2.34.1+build.7", "2.34.2-rc.1"]);
    for standing in ["2.34.1", "v2.34.1", "2.34.1+build.2"] {
        let rows = format!("- kubernetes: 1.34.5\n  cinder_csi: {standing}\n");
        let files = stack(&[(CHART, &asking(standing)), (ROWS, &rows)]);
        assert!(!plan_of(&files, &world).has_changes(), "{standing}");
    }
    let rows = "- kubernetes: 1.34.5\n  cinder_csi: v2.34.0\n";
    let files = stack(&[(CHART, &asking("2.34.0")), (ROWS, rows)]);
    let plan = plan_of(&files, &driver(&["v2.34.0", "v2.34.1"]));
    let files = written(&plan);
    assert_eq!(files[CHART], asking("2.34.1"));
    assert_eq!(files[ROWS], rows.replace("2.34.0", "2.34.1"));
}

#[test]
fn each_of_two_dependencies_on_one_chart_has_its_own_range() {
    let text = |first: &str| {
        format!(
            "apiVersion: v2\nname: csi\ndependencies:\n- name: openstack-cinder-csi\n  alias: ssd\n  version: {first}\n  repository: {CHARTS}\n- name: openstack-cinder-csi\n  alias: hdd\n  condition: hdd.enabled\n  version: '>=2.34.0 <2.34.2'\n  repository: {CHARTS}\n- name: cilium\n  version: 1.x\n  repository: https://helm.cilium.io\n"
        )
    };
    // `HashReq` of Helm 3.19 on the same dependencies.
    let lock = |first: &str, second: &str, digest: &str| {
        format!(
            "dependencies:\r\n- name: openstack-cinder-csi\r\n  repository: {CHARTS}\r\n  version: {first}\r\n- name: openstack-cinder-csi\r\n  repository: {CHARTS}\r\n  version: {second}\r\n- name: cilium\r\n  repository: https://helm.cilium.io\r\n  version: 1.18.1\r\ndigest: sha256:{digest}\r\n"
        )
    };
    let before = lock(
        "2.34.0",
        "2.34.0",
        "c2941bfd8f2b831ce175f89edd17fea369d602d4dcb4fa4072eec3d4bb775a67",
    );
    let files = stack(&[(CHART, &text("2.34.0")), (LOCK, &before)]);
    let plan = plan_of(&files, &usual());
    let files = written(&plan);
    assert_eq!(files[CHART], text("2.34.2"));
    assert_eq!(
        files[LOCK],
        lock(
            "2.34.2",
            "2.34.1",
            "e138213c12d2b8a39babea7ef9f1f4b4010371b7f72000d339eb2e204b454604"
        )
    );
    assert_eq!(
        held(&plan),
        [format!(
            "openstack-cinder-csi 2.34.2: Chart.yaml asks for >=2.34.0 <2.34.2 ({CHART}:11)"
        )]
    );
}

#[test]
fn a_lock_that_did_not_fit_stays_and_is_told() {
    let stale = lock_with("2.34.0", &"0".repeat(64));
    let files = stack(&[(CHART, &asking("2.34.1")), (LOCK, &stale)]);
    let plan = plan_of(&files, &usual());
    assert_eq!(written(&plan), [(CHART, asking("2.34.2"))].into());
    assert!(words(&plan.stacks[0].notes).contains(&format!(
        "{LOCK} did not fit its Chart.yaml before, and is left alone: run `helm dependency update scs/cluster-addon/csi`"
    )));
    let files = stack(&[(CHART, &asking("~2.34.0")), (LOCK, &stale)]);
    let plan = plan_of(&files, &usual());
    assert!(!plan.has_changes());
    let held = find_skip(&plan, "openstack-cinder-csi 2.34.2");
    assert_eq!(
        held.reason(),
        format!("{LOCK} does not fit its Chart.yaml, and is left alone")
    );
    assert_eq!(
        held.hint().as_deref(),
        Some("helm dependency update scs/cluster-addon/csi")
    );
}

#[test]
fn a_repository_that_nobody_can_ask_is_named() {
    for (repository, words) in [
        (
            "@cpo",
            "the repository `@cpo` is an alias of Helm's configuration; write its URL",
        ),
        (
            "alias:cpo",
            "the repository `alias:cpo` is an alias of Helm's configuration; write its URL",
        ),
        (
            "file://../csi",
            "the repository `file://../csi` is a directory; Helm takes the chart that is there",
        ),
        ("stable", "invalid repository URL `stable`"),
    ] {
        let plan = plan_of(&stack(&[(CHART, &from(repository, "2.34.0"))]), &usual());
        assert!(!plan.has_changes(), "{repository}");
        assert_eq!(
            held(&plan),
            [format!(
                "openstack-cinder-csi for 1.34: {words} ({CHART}:5)"
            )]
        );
    }
    let mut world = usual();
    world.chart_repositories[0].url = "oci://registry.example.org/charts".to_owned();
    let chart = |version| from("oci://registry.example.org/charts/", version);
    let plan = plan_of(&stack(&[(CHART, &chart("2.34.0"))]), &world);
    assert_eq!(written(&plan), [(CHART, chart("2.34.2"))].into());
    let plan = plan_of(&stack(&[(CHART, &asking("latest"))]), &usual());
    assert!(held(&plan)[0].contains("asks for latest"));
}

#[test]
fn a_list_ahead_of_the_index_holds_both() {
    let rows = "- kubernetes: 1.34.5\n  cinder_csi: 2.34.5\n";
    let reason = |held: &str| {
        format!("openstack-cinder-csi {held}, and {CHARTS} has nothing newer than 2.34.2 for 1.34")
    };
    let files = stack(&[(CHART, &asking("2.34.1")), (ROWS, rows)]);
    let plan = plan_of(&files, &usual());
    assert!(!plan.has_changes());
    assert_eq!(
        held(&plan),
        [format!(
            "{}; {CHART}:5 stays too",
            reason(&format!("2.34.5: {ROWS}:2 names it"))
        )]
    );
    let files = stack(&[
        (CHART, &asking("2.34.5")),
        (ROWS, "- kubernetes: 1.34.5\n  cinder_csi: 2.34.1\n"),
    ]);
    let plan = plan_of(&files, &usual());
    assert!(!plan.has_changes());
    assert_eq!(
        held(&plan),
        [format!(
            "{}; {ROWS}:2 stays too",
            reason(&format!("2.34.5: {CHART}:5 names it"))
        )]
    );
    let agreeing = stack(&[(CHART, &asking("2.34.5")), (ROWS, rows)]);
    let plan = plan_of(&agreeing, &usual());
    assert!(!plan.has_changes());
    assert_eq!(held(&plan), [reason(&format!("2.34.5: {ROWS}:2 names it"))]);
}

#[test]
fn a_list_says_what_the_dependency_gets() {
    let range = ">=2.34.0 <2.34.2";
    let rows = |version: &str| {
        format!(
            "- kubernetes: 1.33.5\n  cinder_csi: 2.33.1\n- kubernetes: 1.34.5\n  cinder_csi: {version}\n"
        )
    };
    let files = stack(&[
        (CHART, &asking(range)),
        (LOCK, &lock(range, "2.34.0")),
        (ROWS, &rows("2.34.0")),
    ]);
    let plan = plan_of(&files, &usual());
    let files = written(&plan);
    assert_eq!(files[LOCK], lock(range, "2.34.1"));
    let expected = rows("2.34.1").replace("2.33.1", "2.33.7");
    assert_eq!(files[ROWS], expected);
}

#[test]
fn a_dependency_stays_in_the_range_of_the_stack_s_own_file() {
    let own = |range: &str| {
        format!(
            "provider: openstack\nclusterStackName: scs\nkubernetesVersion: 1.34\naddons:\n  csi: '{range}' # the driver\n"
        )
    };
    let path = "scs/1-34/stack.yaml";
    let chart = "scs/1-34/cluster-addon/csi/Chart.yaml";
    let files = |range: &str| tree(&[(path, &own(range)), (chart, &asking("2.34.0"))]);
    let plan = plan_of(&files(">=2.34.0 <2.34.2"), &usual());
    assert_eq!(written(&plan), [(chart, asking("2.34.1"))].into());
    assert_eq!(
        held(&plan),
        [format!(
            "openstack-cinder-csi 2.34.2: stack.yaml asks for >=2.34.0 <2.34.2 ({path}:5)"
        )]
    );
    let plan = plan_of(&files("2.33.x"), &usual());
    assert_eq!(
        written(&plan),
        [(chart, asking("2.34.2")), (path, own("2.34.x"))].into()
    );
}

#[test]
fn a_chart_never_goes_down_but_to_its_minor() {
    let repairs = (&Policy::default(), &Wishes::only(ChangeClass::Repair));
    let rows = |version: &str| format!("- kubernetes: 1.34.5\n  cinder_csi: {version}\n");
    for (chart, row) in [("2.34.2", "2.34.1"), ("2.34.1", "2.34.2")] {
        let files = stack(&[(CHART, &asking(chart)), (ROWS, &rows(row))]);
        for world in [driver(&["2.34.0"]), world(&["v1.34.5"]), usual()] {
            let plan = wished_plan(&files, &world, repairs, None);
            assert!(!plan.has_changes(), "{chart} {row}");
        }
    }
    let offline = world(&["v1.34.5"]);
    let files = stack(&[(CHART, &asking("2.35.0")), (ROWS, &rows("2.34.1"))]);
    let plan = wished_plan(&files, &offline, repairs, None);
    assert_eq!(written(&plan), [(CHART, asking("2.34.1"))].into());
    let files = stack(&[(CHART, &asking("2.34.1")), (ROWS, &rows("2.33.1"))]);
    let plan = wished_plan(&files, &offline, repairs, None);
    assert_eq!(written(&plan), [(ROWS, rows("2.34.1"))].into());
}

#[test]
fn a_tree_moves_to_a_minor_with_its_ranges_or_not_at_all() {
    let move_with = |range: &str| {
        let images = node_images(&["v1.34.5"]);
        let files = stack(&[(CHART, &asking(range)), (IMAGES, &images)]);
        plan_with(&files, &usual(), &Policy::default(), Some("1.35"))
    };
    for (before, after) in [("2.34.x", "2.35.x"), ("~2.34.0", "~2.35.0")] {
        let plan = move_with(before);
        let files = written(&plan);
        assert_eq!(files["scs/csctl.yaml"], csctl("v1.35.1"));
        assert_eq!(files[CHART], asking(after));
    }
    let plan = move_with("~2.34.1");
    assert!(!plan.has_changes());
    assert_eq!(
        find_skip(&plan, "1.35").reason(),
        format!("cannot switch the stack to it: Chart.yaml asks for ~2.34.1 ({CHART}:5)")
    );
}

#[test]
fn charts_that_are_left_move_with_their_minor_alone() {
    let leave = Policy {
        addons: Addons::Leave,
        ..Policy::default()
    };
    let rows = "- kubernetes: 1.34.5\n  cinder_csi: 2.34.0\n";
    let images = node_images(&["v1.34.5"]);
    let files = stack(&[(CHART, &asking("~2.34.0")), (ROWS, rows), (IMAGES, &images)]);
    let plan = plan_with(&files, &usual(), &leave, None);
    assert!(!plan.has_changes() && held(&plan).is_empty());
    let plan = plan_with(&files, &usual(), &leave, Some("1.35"));
    assert_eq!(written(&plan)[CHART], asking("~2.35.0"));
}
