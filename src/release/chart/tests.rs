//! Charts as Helm packages them.

use jiff::Timestamp;

use super::super::archive::pack;
use super::*;
use crate::version::Sha256;

fn files(list: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let pairs = list.iter();
    pairs
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_owned()))
        .collect()
}

fn load(list: &[(&str, &str)]) -> Chart {
    Chart::load(&files(list)).unwrap()
}

fn paths(chart: &Chart) -> Vec<String> {
    let members = chart.members().into_iter();
    members.map(|member| member.path).collect()
}

fn chart_file(chart: &Chart) -> String {
    let members = chart.members();
    String::from_utf8(members[0].content.clone()).unwrap()
}

const PLAIN: &str = "apiVersion: v2\nname: c\nversion: v1\n";

/// The size and the checksum are those of csctl's archive of openstack/scs2, at commit a931cdb of the public repository.
#[test]
fn a_chart_file_has_the_bytes_that_helm_gives_it() {
    let mut chart = load(&[(
        "Chart.yaml",
        "# The class.\napiVersion: v2\ndescription: \"This chart installs and configures:\n\n  * Openstack scs2 Cluster Class\n\n  \
         \"\nname: openstack-scs2-1-34-cluster-class\ntype: application\nversion: v9\nunknown: gone\n",
    )]);
    chart.set_version("v1");
    let text = chart_file(&chart);
    assert_eq!(text.len(), 168, "{text}");
    let sum = Sha256::of(text.as_bytes());
    assert!(sum.hex().starts_with("434ae222"), "{sum} {text}");
}

/// The order is that of csctl's archive of the example stack openstack/ferrol.
#[test]
fn members_stand_in_the_order_of_helm() {
    let inner = load(&[
        (
            "Chart.yaml",
            "apiVersion: v2\nname: metrics-server\nversion: 3.12.0\n",
        ),
        ("values.yaml", ""),
        ("templates/NOTES.txt", ""),
        ("templates/_helpers.tpl", ""),
        (".helmignore", ""),
        ("README.md", ""),
        ("ci/ci-values.yaml", ""),
    ]);
    let archive = pack(&inner.members(), Timestamp::UNIX_EPOCH).unwrap();
    let mut all = files(&[
        (
            "Chart.yaml",
            "apiVersion: v2\nname: c\nversion: v1\ndependencies:\n- name: metrics-server\n  repository: \"\"\n",
        ),
        (
            "Chart.lock",
            "dependencies: []\ndigest: sha256:ab\ngenerated: \"2026-01-01T00:00:00Z\"\n",
        ),
        ("values.yaml", "a: 1\n"),
        ("values.schema.json", "{}"),
        ("templates/b.yaml", ""),
        ("templates/a-b/x.yaml", ""),
        ("templates/a/x.yaml", ""),
        ("templates/.hidden", ""),
        ("crds/x.yaml", ""),
        (".helmignore", "*.swp\n"),
        ("x.swp", ""),
        ("charts/_left", ""),
        ("charts/.left", ""),
        ("charts/metrics-server-3.12.0.tgz.prov", ""),
    ]);
    all.insert("charts/metrics-server-3.12.0.tgz".to_owned(), archive);
    let chart = Chart::load(&all).unwrap();
    assert!(chart.missing().is_empty());
    assert_eq!(
        paths(&chart),
        [
            "c/Chart.yaml",
            "c/Chart.lock",
            "c/values.yaml",
            "c/values.schema.json",
            "c/templates/a/x.yaml",
            "c/templates/a-b/x.yaml",
            "c/templates/b.yaml",
            "c/.helmignore",
            "c/charts/metrics-server-3.12.0.tgz.prov",
            "c/crds/x.yaml",
            "c/charts/metrics-server/Chart.yaml",
            "c/charts/metrics-server/values.yaml",
            "c/charts/metrics-server/templates/NOTES.txt",
            "c/charts/metrics-server/templates/_helpers.tpl",
            "c/charts/metrics-server/.helmignore",
            "c/charts/metrics-server/README.md",
            "c/charts/metrics-server/ci/ci-values.yaml",
        ]
    );
}

#[test]
fn fields_are_those_that_helm_knows() {
    let chart = load(&[(
        "Chart.yaml",
        "version: 1.30\nappVersion: 1.30\nname: c\napiVersion: v2\nkeywords: [a, b]\nannotations:\n  b: x\n  a: 'true'\n\
         maintainers:\n- url: https://example.org\n  name: A\n  other: gone\ndeprecated: false\ndependencies:\n\
         - version: 2.30\n  name: d\n  enabled: true\n  tags: [t]\n  import-values: [data]\n",
    )]);
    assert_eq!(
        chart_file(&chart),
        "annotations:\n  a: \"true\"\n  b: x\napiVersion: v2\nappVersion: \"1.3\"\ndependencies:\n- enabled: true\n  \
         import-values:\n  - data\n  name: d\n  repository: \"\"\n  tags:\n  - t\n  version: \"2.3\"\nkeywords:\n- a\n- b\n\
         maintainers:\n- name: A\n  url: https://example.org\nname: c\nversion: \"1.3\"\n"
    );
    assert_eq!(chart.missing(), ["d"]);
}

#[test]
fn vendored_charts_are_sorted_by_their_names() {
    let chart = load(&[
        ("Chart.yaml", PLAIN),
        ("charts/1/Chart.yaml", "name: z\nversion: 1.0.0\n"),
        ("charts/2/Chart.yaml", "name: a\nversion: 1.0.0\n"),
    ]);
    assert_eq!(
        paths(&chart),
        [
            "c/Chart.yaml",
            "c/charts/a/Chart.yaml",
            "c/charts/z/Chart.yaml"
        ]
    );
    // A chart without a version of its form is one of the first.
    let members = chart.members();
    assert!(members[1].content.starts_with(b"apiVersion: v1\n"));
}

#[test]
fn a_chart_of_version_1_has_its_dependencies_in_another_file() {
    let chart = load(&[
        ("Chart.yaml", "apiVersion: v1\nname: c\nversion: v1\n"),
        ("Chart.lock", "digest: x\n"),
        ("requirements.yaml", "dependencies:\n- name: d\n"),
        ("requirements.lock", "digest: y\n"),
    ]);
    assert_eq!(
        paths(&chart),
        ["c/Chart.yaml", "c/requirements.lock", "c/requirements.yaml"]
    );
    assert_eq!(chart.missing(), ["d"]);
}

#[test]
fn what_helm_refuses_is_refused() {
    for (list, file, words) in [
        (&[("values.yaml", "")][..], "Chart.yaml", "missing"),
        (
            &[("Chart.yaml", "apiVersion: v2\n")],
            "Chart.yaml",
            "name is required",
        ),
        (
            &[("Chart.yaml", "name: c/d\n")],
            "Chart.yaml",
            "name is invalid",
        ),
        (
            &[("Chart.yaml", "name: c\ntype: other\n")],
            "Chart.yaml",
            "application or library",
        ),
        (
            &[(
                "Chart.yaml",
                "apiVersion: v2\nname: c\ndependencies:\n- name: d\n- name: d\n",
            )],
            "Chart.yaml",
            "more than one dependency",
        ),
        (&[("Chart.yaml", "a: [\n")], "Chart.yaml", "did not find"),
        (
            &[("Chart.yaml", PLAIN), ("values.schema.json", "no")],
            "values.schema.json",
            "no JSON",
        ),
        (
            &[("Chart.yaml", PLAIN), ("charts/d/values.yaml", "")],
            "charts/d/Chart.yaml",
            "missing",
        ),
        (
            &[("Chart.yaml", PLAIN), ("charts/d.tgz", "no")],
            "charts/d.tgz",
            "no archive",
        ),
        (
            &[("Chart.yaml", PLAIN), (".helmignore", "a/**")],
            ".helmignore",
            "double-star",
        ),
    ] {
        let error = Chart::load(&files(list)).unwrap_err();
        assert_eq!(error.file, file, "{error:?}");
        assert!(error.message.contains(words), "{error:?}");
    }
}

#[test]
fn byte_order_marks_are_taken_off() {
    let chart = load(&[
        ("Chart.yaml", "\u{feff}name: c\nversion: v1\n"),
        ("values.yaml", "\u{feff}a: 1\n"),
    ]);
    assert_eq!(chart.members()[1].content, b"a: 1\n");
}
