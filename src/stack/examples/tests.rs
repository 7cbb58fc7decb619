//! What is an example of a stack in the READMEs that people write, and what only looks like one.

use super::*;
use proptest::prelude::*;

fn line() -> StackLine {
    "openstack-demo-1-34".parse().unwrap()
}

fn explained_with(text: &str, form: TextForm, release: Option<u32>) -> Explained {
    let line = line();
    let subject = ExampleSubject {
        line: &line,
        default: Some("v1.34.6".parse().unwrap()),
        release,
    };
    explain_examples(text, form, &subject)
}

/// The values of the examples in a README of openstack-demo at v1.34.6, whose newest release is v2.
fn claimed(text: &str) -> Vec<&str> {
    let found = explained_with(text, TextForm::Markdown, Some(2));
    let values = found.examples.iter().flat_map(|example| &example.values);
    values.map(|value| &text[value.range.clone()]).collect()
}

/// Why the first place with this word is no example; fails where it is one.
fn why_not(text: &str, word: &str) -> String {
    let found = explained_with(text, TextForm::Markdown, Some(2));
    let mut unclaimed = found.unclaimed.iter();
    let meant = unclaimed.find(|part| &text[part.range.clone()] == word);
    let meant = meant.unwrap_or_else(|| panic!("{word} is claimed or not seen: {found:#?}"));
    meant.reason.to_string()
}

fn fenced(code: &str) -> String {
    format!("Make one:\n\n```yaml\n{code}```\n")
}

const CLASS: &str = "openstack-demo-1-34-v2";
const BOTH: [&str; 2] = [CLASS, "v1.34.6"];

#[test]
fn a_cluster_is_known_by_its_class_in_both_versions_of_the_api() {
    let of_beta1 = "apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\nspec:\n  topology:\n    class: openstack-demo-1-34-v2\n    version: v1.34.6\n";
    let of_beta2 = "kind: Cluster\napiVersion: cluster.x-k8s.io/v1beta2\nspec:\n  topology:\n    classRef:\n      name: openstack-demo-1-34-v2\n    version: v1.34.6\n";
    assert_eq!(claimed(&fenced(of_beta1)), BOTH);
    assert_eq!(claimed(&fenced(of_beta2)), BOTH);
    let found = explained_with(&fenced(of_beta2), TextForm::Markdown, None);
    let places: Vec<(usize, String)> = found.examples[0]
        .values
        .iter()
        .map(|value| (value.line, value.at()))
        .collect();
    assert_eq!(
        places,
        [
            (9, "spec.topology.classRef.name".to_owned()),
            (10, "spec.topology.version".to_owned())
        ]
    );
}

#[test]
fn parts_of_a_cluster_are_known_by_their_topology() {
    for code in [
        "spec:\n  topology:\n    class: openstack-demo-1-34-v2\n    version: v1.34.6\n",
        "topology:\n  class: openstack-demo-1-34-v2\n  version: v1.34.6\n",
        "  topology:\n    classRef: {name: openstack-demo-1-34-v2}\n    version: v1.34.6\n",
        "class: openstack-demo-1-34-v2\nversion: v1.34.6\n",
        "  ...\n  topology:\n    ...\n    class: openstack-demo-1-34-v2\n    <more>\n    version: v1.34.6\n",
        "spec:\n\ttopology:\n\t\tclass: openstack-demo-1-34-v2\n\t\tversion: v1.34.6\n",
        "    class: openstack-demo-1-34-v2\n    version: v1.34.6\n  clusterNetwork: {}\n",
        "topology:\n  class: openstack-demo-1-34-v2 # the release\n  version: \"v1.34.6\"   # of it\n",
        "topology:\n  class: 'openstack-demo-1-34-v2'\n  image: @none\n  version: v1.34.6\n",
        "metadata:\n  name: {{ .name }}\nspec:\n  topology:\n    {{- if .x }}\n    replicas: {{ .n }}\n    {{- end }}\n    class: openstack-demo-1-34-v2\n    version: v1.34.6\n",
        "a: b\n---\nkind: Cluster\nspec: {topology: {class: openstack-demo-1-34-v2, version: v1.34.6}}\n",
        "{\"spec\": {\"topology\": {\"class\": \"openstack-demo-1-34-v2\", \"version\": \"v1.34.6\"}}}\n",
    ] {
        assert_eq!(claimed(&fenced(code)), BOTH, "{code}");
    }
}

#[test]
fn a_version_may_stand_before_its_class() {
    let code = "topology:\n  version: v1.34.6\n  workers: {}\n  class: openstack-demo-1-34-v2\n";
    assert_eq!(claimed(&fenced(code)), ["v1.34.6", CLASS]);
}

#[test]
fn code_is_found_wherever_markdown_has_it() {
    let code = "topology:\n  class: openstack-demo-1-34-v2\n  version: v1.34.6\n";
    let indented =
        |by: &str| format!("{by}{}", code.trim_end().replace('\n', &format!("\n{by}"))) + "\n";
    for text in [
        format!("~~~\n{code}~~~\n"),
        format!("````yaml title=\"x\"\n{code}````\n"),
        format!(
            "1. First\n\n   - then:\n\n     ```yaml\n{}     ```\n",
            indented("     ")
        ),
        format!("> Note\n>\n> ```yml\n{}> ```\n", indented("> ")),
        format!("Like this:\n\n{}\nand on.\n", indented("    ")),
        format!("Like this:\n\n{}\n", indented("\t")),
        format!("<details><summary>Example</summary>\n\n```yaml\n{code}```\n\n</details>\n"),
        format!("```yaml\n{code}"),
        format!("```yaml\n{code}```\n").replace('\n', "\r\n"),
        format!("\u{feff}---\ntitle: x\n---\n# T\n\n```yaml\n{code}```\n"),
        format!("\u{1f680} Größe\n\n```yaml\nname: ä\n{code}```\n"),
    ] {
        assert_eq!(claimed(&text), BOTH, "{text}");
    }
}

#[test]
fn here_documents_and_patches_are_read_as_what_they_hold() {
    let body = "kind: Cluster\nspec:\n  topology:\n    class: openstack-demo-1-34-v2\n    version: v1.34.6\n";
    for text in [
        format!("```bash\ncat <<EOF | kubectl apply -f -\n{body}EOF\nkubectl get x\n```\n"),
        format!("```sh\nkubectl apply -f - <<'END'\n{body}END\n```\n"),
        format!("```console\n$ kubectl apply -f - <<EOF\n{body}EOF\ncluster created\n```\n"),
        "```sh\nkubectl patch cluster a --type merge \\\n  -p '{\"spec\":{\"topology\":{\"class\":\"openstack-demo-1-34-v2\",\"version\":\"v1.34.6\"}}}'\n```\n".to_owned(),
    ] {
        assert_eq!(claimed(&text), BOTH, "{text}");
    }
}

#[test]
fn what_belongs_to_others_is_left_alone() {
    for (code, word, reason) in [
        (
            "kind: HelmChart\nspec:\n  chart: ingress\n  version: 4.13.2\n",
            "4.13.2",
            "it belongs to a HelmChart",
        ),
        (
            "dependencies:\n  - name: postgresql\n    version: 1.28.3\n",
            "1.28.3",
            "the code is not a Cluster, a ClusterStack, or a command that names a release of the stack",
        ),
        (
            "kind: Cluster\nspec:\n  topology:\n    class: openstack-other-1-34-v2\n    version: v1.34.6\n",
            "v1.34.6",
            "the Cluster's class is openstack-other-1-34-v2, not a release of the stack",
        ),
        (
            "kind: Cluster\nspec:\n  topology:\n    class: ${CLASS}\n    version: v1.34.6\n",
            "v1.34.6",
            "the Cluster's class is ${CLASS}, not a release of the stack",
        ),
        (
            "kind: Cluster\nspec:\n  topology:\n    version: v1.34.6\n",
            "v1.34.6",
            "the Cluster names no class, so it may be of any stack",
        ),
        (
            "kind: Cluster\napiVersion: postgresql.cnpg.io/v1\nspec:\n  topology:\n    class: openstack-demo-1-34-v2\n",
            CLASS,
            "it belongs to a Cluster",
        ),
        (
            "kind: ClusterStack\nspec:\n  provider: openstack\n  name: other\n  kubernetesVersion: \"1.34\"\n",
            "1.34",
            "the ClusterStack is of openstack/other, not of the stack",
        ),
        (
            "kind: ClusterStack\nspec:\n  provider: openstack\n  name: demo\n  versions: [v2]\n",
            "v2",
            "the ClusterStack does not state its minor",
        ),
        (
            "topology:\n  class: openstack-demo-1-34-v1\n  class: openstack-demo-1-34-v2\n",
            CLASS,
            "it has a duplicate key",
        ),
        (
            "topology:\n-  class: openstack-demo-1-34-v1\n+  class: openstack-demo-1-34-v2\n",
            CLASS,
            "the code shows a change that was made",
        ),
        (
            "topology:\n  # class: openstack-demo-1-34-v2\n  class: x\n",
            CLASS,
            "it stands in a comment",
        ),
    ] {
        let text = fenced(code);
        assert_eq!(claimed(&text), [""; 0], "{code}");
        assert_eq!(why_not(&text, word), reason, "{code}");
    }
}

#[test]
fn a_version_beside_a_class_alone_may_be_that_of_anything() {
    let text = fenced("class: openstack-demo-1-34-v2\nversion: 0.3.1\n");
    assert_eq!(claimed(&text), [CLASS]);
}

#[test]
fn a_cluster_stack_is_known_by_provider_and_name() {
    for code in [
        "apiVersion: clusterstack.x-k8s.io/v1alpha1\nkind: ClusterStack\nspec:\n  provider: openstack\n  name: demo\n  kubernetesVersion: \"1.34\"\n  versions:\n    - v2\n",
        "spec:\n  name: demo\n  provider: openstack\n  kubernetesVersion: '1.34'\n  ...\n  versions: [ v2 ]\n",
    ] {
        assert_eq!(claimed(&fenced(code)), ["1.34", "v2"], "{code}");
    }
}

#[test]
fn prose_tables_and_links_are_no_examples() {
    let text = "# demo v1.34.6\n\n[![b](https://x/openstack-demo-1-34-v2.svg)](https://x)\n\n\
        | release | Kubernetes |\n|---|---|\n| `openstack-demo-1-34-v2` | v1.34.7 |\n\n\
        Since `v1.34.5` it is faster; version: v1.34.4 was not.\n\n\
        <!-- class: openstack-demo-1-34-v1 -->\n\n<pre>v1.34.3</pre>\n";
    assert_eq!(claimed(text), [""; 0]);
    assert_eq!(why_not(text, "v1.34.6"), "it stands in a heading");
    assert_eq!(
        why_not(text, "openstack-demo-1-34-v2.svg"),
        "it stands in a sentence"
    );
    assert_eq!(why_not(text, CLASS), "it stands in a table");
    assert_eq!(why_not(text, "v1.34.7"), "it stands in a table");
    assert_eq!(why_not(text, "v1.34.5"), "it stands in a sentence, as code");
    assert_eq!(why_not(text, "v1.34.4"), "it stands in a sentence");
    assert_eq!(why_not(text, "openstack-demo-1-34-v1"), "it stands in HTML");
    assert_eq!(why_not(text, "v1.34.3"), "it stands in HTML");
}

#[test]
fn what_stands_below_a_change_log_is_the_past_until_the_next_part() {
    let code = "```yaml\ntopology:\n  class: openstack-demo-1-34-v2\n  version: v1.34.6\n```\n";
    for text in [
        format!("## Changelog\n\n### v2\n\n{code}"),
        format!("Release notes\n=====\n\n{code}"),
        format!("## History\n\n## v2 (2026-05-01)\n\n{code}"),
        format!("<details>\n<summary><b>Change log</b></summary>\n\n{code}\n</details>\n"),
        format!("<h2>Older releases</h2>\n\n{code}"),
    ] {
        assert_eq!(claimed(&text), [""; 0], "{text}");
        assert!(
            why_not(&text, CLASS).starts_with("it stands below the heading `"),
            "{text}"
        );
    }
    for text in [
        format!("## Changelog\n\n- v1\n\n## Usage\n\n{code}"),
        format!("## Changelog\n\n### v1\n\n# Usage\n\n{code}"),
        format!("<details>\n<summary>History</summary>\n\nx\n\n</details>\n\n{code}"),
    ] {
        assert_eq!(claimed(&text), BOTH, "{text}");
    }
}

#[test]
fn commands_that_name_the_current_release_are_examples() {
    for command in [
        "helm pull oci://registry.example.org/openstack-demo-1-34-v2 --untar",
        "kubectl get clusterclass openstack-demo-1-34-v2",
        "export CLUSTERSTACK=openstack-demo-1-34-v2",
        "RELEASE=\"openstack-demo-1-34-v2\" ./install.sh",
        "kubectl get \\\n  clusterclass openstack-demo-1-34-v2",
        "tar xf openstack-demo-1-34-v2.tgz # as v1 was",
    ] {
        assert_eq!(
            claimed(&format!("```sh\n{command}\n```\n")),
            [CLASS],
            "{command}"
        );
    }
    assert_eq!(
        claimed("```\n$ anything openstack-demo-1-34-v2\n```\n"),
        [CLASS]
    );
    assert_eq!(
        claimed("Then\n\n- `kubectl get clusterclass openstack-demo-1-34-v2`\n"),
        [CLASS]
    );
    assert_eq!(
        claimed("```sh\nmake openstack-demo-1-34-$VERSION\n```\n"),
        ["openstack-demo-1-34-$VERSION"]
    );
}

#[test]
fn commands_of_other_releases_and_what_commands_said_stay() {
    for (code, reason) in [
        (
            "helm pull oci://r/openstack-demo-1-34-v1",
            "the command names another release than the current one",
        ),
        (
            "helm pull oci://r/openstack-demo-1-33-v2",
            "the command names another release than the current one",
        ),
        (
            "diff openstack-demo-1-34-v2 openstack-demo-1-34-v1",
            "the code is not a Cluster, a ClusterStack, or a command that names a release of the stack",
        ),
        (
            "sed s/openstack-demo-1-34-v1/openstack-demo-1-34-v2/ x",
            "the command names several releases",
        ),
        (
            "make openstack-demo-1-34-v2 K=v1.34.6",
            "the command names a Kubernetes version beside the release",
        ),
        (
            "$ kubectl get clusterclass\nopenstack-demo-1-34-v2  3d",
            "it is what a command said",
        ),
        (
            "# kubectl get openstack-demo-1-34-v2",
            "it stands in a comment",
        ),
        (
            "kubectl get x # openstack-demo-1-34-v2",
            "it stands in a comment",
        ),
        (
            "openstack-demo-1-34-v2   3d",
            "the code is not a Cluster, a ClusterStack, or a command that names a release of the stack",
        ),
    ] {
        let text = format!("```sh\n{code}\n```\n");
        assert_eq!(claimed(&text), [""; 0], "{code}");
        let start = code.find("openstack-").unwrap();
        let word = code[start..].split([' ', '\n', '/']).next().unwrap();
        assert_eq!(why_not(&text, word), reason, "{code}");
    }
    let output = "```console\n$ kubectl get cluster a -o yaml\nkind: Cluster\nspec:\n  topology:\n    class: openstack-demo-1-34-v2\n    version: v1.34.6\n```\n";
    assert_eq!(claimed(output), [""; 0]);
    assert_eq!(
        claimed("Last week `kubectl get clusterclass openstack-demo-1-34-v2` failed.\n"),
        [""; 0]
    );
}

fn cluster(class: &str, version: &str) -> String {
    fenced(&format!(
        "topology:\n  class: {class}\n  version: {version}\n"
    ))
}

#[test]
fn an_older_example_beside_a_current_one_is_there_on_purpose() {
    let current = cluster(CLASS, "v1.34.6");
    for older in [
        cluster("openstack-demo-1-33-v4", "v1.33.9"),
        cluster("openstack-demo-1-34-v1", "v1.34.5"),
        cluster("openstack-demo-1-33-v0-sha.abc1234", "v1.33.9"),
    ] {
        for text in [
            format!("{older}\nto\n\n{current}"),
            format!("{current}\n{older}"),
        ] {
            assert_eq!(claimed(&text), BOTH, "{text}");
        }
    }
}

#[test]
fn a_number_beside_an_open_name_of_the_current_state_is_an_older_one() {
    let open = cluster("openstack-demo-1-34-$VERSION", "v1.34.6");
    let older = cluster("openstack-demo-1-34-v1", "v1.34.5");
    let text = format!("{open}\n{older}");
    let found = explained_with(&text, TextForm::Markdown, None);
    assert_eq!(found.examples.len(), 1);
    // Two of the same release contradict each other: one of them was forgotten.
    let forgotten = cluster("openstack-demo-1-34-$VERSION", "v1.34.5");
    assert_eq!(claimed(&format!("{open}\n{forgotten}")).len(), 4);
}

#[test]
fn an_older_example_by_itself_was_forgotten_unless_the_text_says_so() {
    let older = cluster("openstack-demo-1-33-v0-sha.abc1234", "v1.33.9");
    let values = ["openstack-demo-1-33-v0-sha.abc1234", "v1.33.9"];
    assert_eq!(claimed(&older), values);
    for said in ["A cluster to upgrade from:", "The previous minor:"] {
        let text = older.replace("Make one:", said);
        assert_eq!(claimed(&text), [""; 0], "{text}");
    }
    for commented in [
        older.replace("topology:\n", "# an older release\ntopology:\n"),
        older.replace("v1.33.9\n", "v1.33.9 # the previous minor\n"),
        older.replace(
            "  version",
            "  # as it was in the previous minor\n  version",
        ),
    ] {
        assert_eq!(claimed(&commented), [""; 0], "{commented}");
    }
    let elsewhere = older.replace("  version", "  size: 1 # the old size\n  version");
    assert_eq!(claimed(&elsewhere), values);
    // What is current is an example whatever stands before it.
    let current =
        cluster(CLASS, "v1.34.6").replace("Make one:", "Upgrade from the previous minor:");
    assert_eq!(claimed(&current), BOTH);
}

#[test]
fn without_known_releases_the_highest_number_of_an_example_is_the_current_one() {
    let text = format!(
        "{}\n```sh\nhelm pull oci://r/openstack-demo-1-34-v7\nhelm pull oci://r/openstack-demo-1-34-v6\n```\n\nv9 is openstack-demo-1-34-v9.\n",
        cluster("openstack-demo-1-34-v7", "v1.34.6")
    );
    let found = explained_with(&text, TextForm::Markdown, None);
    let values = found.examples.iter().flat_map(|example| &example.values);
    let values: Vec<&str> = values.map(|value| &text[value.range.clone()]).collect();
    assert_eq!(
        values,
        [
            "openstack-demo-1-34-v7",
            "v1.34.6",
            "openstack-demo-1-34-v7"
        ]
    );
}

#[test]
fn a_manifest_is_read_document_by_document() {
    let text = "# a\nkind: ClusterStack\nspec: {provider: openstack, name: demo, kubernetesVersion: \"1.34\", versions: [v2]}\n---\nkind: ClusterStack\nspec: {provider: openstack, name: other, kubernetesVersion: \"1.34\"}\n---\nkind: Cluster\nspec:\n  topology: {class: openstack-demo-1-34-v2, version: v1.34.6}\n";
    let found = explained_with(text, TextForm::Manifest, Some(2));
    let values: Vec<(&str, usize)> = found
        .examples
        .iter()
        .flat_map(|example| &example.values)
        .map(|value| (&text[value.range.clone()], value.place.as_ref().unwrap().0))
        .collect();
    assert_eq!(values, [("1.34", 0), ("v2", 0), (CLASS, 2), ("v1.34.6", 2)]);
    let of_file = find_in_manifest(
        &File::parse(text).unwrap(),
        &ExampleSubject {
            line: &line(),
            default: None,
            release: Some(2),
        },
    );
    assert_eq!(of_file, found.examples);
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(\\PC|\n|\r\n|\t|```|openstack-demo-1-34-v2|topology:|  class: |<<EOF|\\$ |v1.34.6|> |- ){0,60}") {
        for form in [TextForm::Markdown, TextForm::Manifest] {
            let found = explained_with(&text, form, None);
            for value in found.examples.iter().flat_map(|example| &example.values) {
                prop_assert!(text.is_char_boundary(value.range.start) && text.is_char_boundary(value.range.end));
                prop_assert!(value.range.start < value.range.end);
            }
        }
    }
}
