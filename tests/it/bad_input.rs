//! Repositories with something wrong in them, through the command line: a clear message with file, line and hint, status 6,
//! the sick stack untouched, and every other stack planned and written as if it were alone.

use std::fs;
use std::path::Path;

use crate::support::program::{self, Copy, catalog, differing};

const SICK: &str = "providers/openstack/sick/1-34";
const GOOD: &str = "providers/openstack/good/1-34";
const CSCTL: &str = "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1
config:
  clusterStackName: sick
  kubernetesVersion: v1.34.6
  provider:
    apiVersion: openstack.csctl.clusterstack.x-k8s.io/v1alpha1
    type: openstack
";

/// A repository with the sound stack `good`, and with `sick`, which is the same under another name.
fn two_stacks() -> Copy {
    let copy = Copy::of("broken");
    for entry in fs::read_dir(copy.path("providers/openstack")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "good" {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    for (place, bytes) in copy.files() {
        let text = String::from_utf8(bytes).unwrap();
        if place.starts_with(GOOD) {
            copy.write(
                &place.replace("good", "sick"),
                &text.replace("good", "sick"),
            );
        }
    }
    copy
}

/// The same with one file of `sick` that says something else.
fn sick(place: &str, content: impl AsRef<[u8]>) -> Copy {
    let copy = two_stacks();
    let path = copy.path(SICK).join(place);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    copy
}

/// Plans and updates; returns what `plan` said about `sick`, after checking everything else.
fn refusal(copy: &Copy) -> String {
    let before = copy.files();
    let planned = copy.run(&["plan", "--catalog", &catalog()]);
    assert!(
        planned.stdout.contains("openstack-good-1-34   new patch"),
        "{}",
        planned.stdout
    );
    let is_told = ["   not planned\n", "by hand   providers/openstack/sick/"]
        .iter()
        .any(|words| planned.stdout.contains(words));
    assert!(is_told, "{}", planned.stdout);
    let message = planned.failure(6);
    assert!(message.contains("\n  hint: "), "{message}");
    assert_eq!(differing(&before, &copy.files()), [""; 0], "a plan wrote");

    let updated = copy.run(&["update", "--catalog", &catalog()]);
    let refused = updated.failure(6);
    let rest = refused.strip_prefix(&message);
    let left_out =
        "error: openstack/sick was not written: one of its files has to be changed by hand\n";
    assert!(
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(left_out)),
        "{refused}"
    );
    let written = differing(&before, &copy.files());
    assert!(!written.is_empty(), "the sound stack was not written");
    for place in &written {
        assert!(place.starts_with(GOOD), "{place} of a stack at fault");
    }
    message
}

/// The refusal of a stack with that file must begin so, after `error: ` and the stack's directory.
#[track_caller]
fn refuses(place: &str, content: impl AsRef<[u8]>, expected: &str) {
    let message = refusal(&sick(place, content));
    let rest = message.strip_prefix(&format!("error: {SICK}/"));
    assert!(
        rest.is_some_and(|rest| rest.starts_with(expected)),
        "{message}"
    );
}

/// The same state without the sick stack gives the same files as with it.
#[test]
fn a_sick_stack_changes_nothing_for_the_others() {
    let with = sick("csctl.yaml", "config: [");
    let without = two_stacks();
    fs::remove_dir_all(without.path("providers/openstack/sick")).unwrap();
    refusal(&with);
    without.run(&["update", "--catalog", &catalog()]).success();
    fs::remove_dir_all(with.path("providers/openstack/sick")).unwrap();
    assert_eq!(differing(&with.files(), &without.files()), [""; 0]);
}

#[test]
fn every_fault_of_the_broken_repository_is_told_with_file_and_line() {
    let copy = Copy::of("broken");
    let said = copy.run(&["plan", "--catalog", &catalog()]);
    for stack in ["openstack-good-1-34", "openstack-crlf-1-34"] {
        assert!(said.stdout.contains(&format!("{stack}   new patch")));
    }
    let errors: Vec<String> = said
        .failure(6)
        .lines()
        .filter_map(|line| line.strip_prefix("error: providers/openstack/"))
        .map(str::to_owned)
        .collect();
    let expected = [
        "duplicatekeys/1-34/kubernetes.yaml:33: duplicate key `checksum`, first on line 32",
        "emptycsctl/1-34/csctl.yaml:1: the file is empty",
        "listformap/1-34/csctl.yaml:3: `config` is a list, a map is needed",
        "unreadableyaml/1-34/csctl.yaml:4: unclosed quote",
        "urlwithoutversion/1-34/node-images/config.yaml:3: no Kubernetes version in \
         `https://images.example.org/openstack-k8s-capi-images/ubuntu-2404-kube-latest.qcow2`",
    ];
    assert_eq!(errors, expected);
}

#[test]
fn a_broken_csctl_yaml_is_told_with_its_line() {
    let with_version = |value: &str| CSCTL.replace("v1.34.6", value);
    let cases = [
        (String::new(), "csctl.yaml:1: the file is empty"),
        ("# later\n".to_owned(), "csctl.yaml:1: the file is empty"),
        ("[]\n".to_owned(), "csctl.yaml:1: `config` is missing"),
        (
            "config: 1\n".to_owned(),
            "csctl.yaml:1: `config` is a plain value, a map is needed",
        ),
        ("config:\n\tname: sick\n".to_owned(), "csctl.yaml:2: "),
        (
            with_version("{minor: v1.34}"),
            "csctl.yaml:4: `config.kubernetesVersion` is a map, a plain value is needed",
        ),
        (
            with_version("[v1.34.6]"),
            "csctl.yaml:4: `config.kubernetesVersion` is a list, a plain value is needed",
        ),
        (
            with_version("null"),
            "csctl.yaml:4: invalid Kubernetes version `null` for `config.kubernetesVersion`",
        ),
        (
            with_version("v1.34.6-rc.1"),
            "csctl.yaml:4: invalid Kubernetes version `v1.34.6-rc.1` for `config.kubernetesVersion`",
        ),
        (
            CSCTL.replace("type: openstack", "type: [openstack]"),
            "csctl.yaml:7: `config.provider.type` is a list, a plain value is needed",
        ),
        (
            format!("{CSCTL}    type: openstack\n"),
            "csctl.yaml:8: duplicate key `type`, first on line 7",
        ),
    ];
    for (content, expected) in cases {
        refuses("csctl.yaml", content, expected);
    }
}

/// The operator could not read the releases of such a stack, which `check` finds; it is planned all the same.
#[test]
fn a_name_with_a_dash_is_planned_and_told() {
    let copy = sick("csctl.yaml", CSCTL.replace("Name: sick", "Name: sick-one"));
    let said = copy
        .run(&["update", "sick-one", "--catalog", &catalog()])
        .success();
    assert!(
        said.contains("openstack-sick-one-1-34   new patch"),
        "{said}"
    );
    assert!(
        said.contains("the cluster stack's name `sick-one` contains a dash"),
        "{said}"
    );
    assert!(copy.read(&format!("{SICK}/csctl.yaml")).contains("v1.34.8"));
}

/// csctl takes a version with its `v` alone.
#[test]
fn a_version_that_csctl_refuses_is_written_as_it_takes_it() {
    let copy = sick("csctl.yaml", CSCTL.replace("v1.34.6", "1.34.6"));
    copy.run(&["update", "sick", "--catalog", &catalog()])
        .success();
    assert_eq!(
        copy.read(&format!("{SICK}/csctl.yaml")),
        CSCTL.replace("v1.34.6", "v1.34.8")
    );
}

/// Nobody here knows which releases a distribution makes.
#[test]
fn a_version_of_a_distribution_holds_the_default() {
    let text = CSCTL.replace("v1.34.6", "v1.34.6+rke2r1");
    let copy = sick("csctl.yaml", &text);
    let said = copy
        .run(&["update", "sick", "--catalog", &catalog()])
        .success();
    assert!(
        said.contains("`v1.34.6+rke2r1` is a version of a distribution"),
        "{said}"
    );
    assert_eq!(copy.read(&format!("{SICK}/csctl.yaml")), text);
}

/// An Ansible playbook of that name is no cluster stack.
#[test]
fn a_csctl_yaml_of_another_tool_is_no_stack() {
    let copy = two_stacks();
    copy.write(
        "playbooks/csctl.yaml",
        "- hosts: all\n  tasks:\n    - name: fetch v1.34.6\n",
    );
    copy.write(
        "tool/csctl.yaml",
        "apiVersion: example.org/v1\nconfig: {version: v1.34.6}\n",
    );
    let said = copy.run(&["plan", "--catalog", &catalog()]).success();
    assert!(
        !said.contains("playbooks") && !said.contains("tool/"),
        "{said}"
    );
}

/// csctl wants three parts, but a repository may name its minor alone: a float is a minor, and stays one.
#[test]
fn a_float_is_a_minor() {
    let copy = sick("csctl.yaml", CSCTL.replace("v1.34.6", "1.34"));
    fs::remove_dir_all(copy.path(SICK).join("node-images")).unwrap();
    copy.run(&["update", "sick", "--catalog", &catalog()])
        .success();
    assert_eq!(
        copy.read(&format!("{SICK}/csctl.yaml")),
        CSCTL.replace("v1.34.6", "1.34")
    );
}

#[test]
fn a_broken_list_of_versions_is_told_with_its_line() {
    let cases = [
        (
            "kubernetes: 1.34.6\n",
            "versions.yaml:1: the document is a map, a list is needed",
        ),
        (
            "'kubernetes: many'\n",
            "versions.yaml:1: the document is a plain value, a list is needed",
        ),
        (
            "- kubernetes: 1.34.6\n- occm: 2.34.1\n",
            "versions.yaml:2: `[1]` has no `kubernetes`",
        ),
        (
            "- kubernetes: {}\n",
            "versions.yaml:1: `[0]` has no `kubernetes`",
        ),
        ("- kubernetes: 1.34\n", "versions.yaml:1: "),
    ];
    for (content, expected) in cases {
        refuses("versions.yaml", content, expected);
    }
}

#[test]
fn a_broken_list_of_node_images_is_told_with_its_line() {
    let list = |text: &str| format!("apiVersion: x/v1\nopenStackNodeImages:{text}\n");
    let place = "node-images/config.yaml";
    let cases = [
        (
            " {url: https://s.example/kube-v1.34.6.qcow2}",
            "node-images/config.yaml:2: `openStackNodeImages` is a map, a list is needed",
        ),
        (
            "\n- createOpts: {name: a}",
            "node-images/config.yaml:3: a node image has no `url`",
        ),
        (
            "\n- url: [a]",
            "node-images/config.yaml:3: a node image has no `url`",
        ),
        (
            "\n- null",
            "node-images/config.yaml:3: a node image has no `url`",
        ),
        (
            "\n- url: https://s.example/latest.qcow2",
            "node-images/config.yaml:3: no Kubernetes version in `https://s.example/latest.qcow2`",
        ),
    ];
    for (text, expected) in cases {
        refuses(place, list(text), expected);
    }
}

#[test]
fn a_broken_image_manager_list_is_told_with_its_line() {
    const GOOD_ENTRY: &str =
        "  - version: v1.34.5\n    url: https://s.example/ubuntu-2404-kube-v1.34.5.qcow2\n";
    let list = |text: &str| format!("images:\n- name: a\n  versions:\n{GOOD_ENTRY}{text}");
    let cases = [
        (
            "images: {versions: []}\n".to_owned(),
            "kubernetes.yaml:1: `images` is a map, a list is needed",
        ),
        (
            "images:\n- versions: {a: b}\n".to_owned(),
            "kubernetes.yaml:2: `images[0].versions` is a map, a list is needed",
        ),
        (
            list("  - version: v1.34.6\n"),
            "kubernetes.yaml:6: v1.34.6 has no `url`",
        ),
        (
            list("  - version: v1.34.6\n    url: https://s.example/latest.qcow2\n"),
            "kubernetes.yaml:6: no Kubernetes version in `https://s.example/latest.qcow2`",
        ),
        (
            list("  - version: v1.34\n    url: https://s.example/ubuntu-2404-kube-v1.34.6.qcow2\n"),
            "kubernetes.yaml:6: an entry has no Kubernetes version in full",
        ),
        (
            list("  - url: https://s.example/ubuntu-2404-kube-v1.34.6.qcow2\n"),
            "kubernetes.yaml:6: an entry has no Kubernetes version in full",
        ),
        (
            list("    url: https://s.example/a\n"),
            "kubernetes.yaml:6: duplicate key `url`, first on line 5",
        ),
    ];
    for (content, expected) in cases {
        refuses("kubernetes.yaml", content, expected);
    }
}

#[test]
fn a_list_of_other_images_is_left_alone() {
    let text = "images:\n- name: Flatcar\n  versions:\n  - version: stable\n    url: https://s.example/flatcar.img\n";
    let copy = sick("images.yaml", text);
    copy.run(&["update", "--catalog", &catalog()]).success();
    assert_eq!(copy.read(&format!("{SICK}/images.yaml")), text);
}

#[test]
fn a_huge_file_is_not_read() {
    let copy = two_stacks();
    let file = fs::File::create(copy.path(SICK).join("values.yaml")).unwrap();
    file.set_len(60_000_000).unwrap();
    let started = std::time::Instant::now();
    let said = copy.run(&["plan", "--catalog", &catalog()]);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    let message = said.failure(6);
    let expected = format!(
        "error: {SICK}/values.yaml: the file has 60 MB, more than the 8 MB that are read\n  hint: "
    );
    assert!(message.starts_with(&expected), "{message}");
    // Git keeps sparse files small; the same file in a revision is not read either.
    let copy = copy.commit();
    let said = copy.run(&["plan", "--rev", "HEAD", "--catalog", &catalog()]);
    assert!(said.failure(6).starts_with(&expected));
}

#[test]
fn bytes_that_are_no_text_are_told() {
    refuses(
        "csctl.yaml",
        b"config:\n  clusterStackName: \xff\xfe\n",
        "csctl.yaml: the file is not UTF-8 text",
    );
    refuses(
        "README.md",
        b"v1.34.6 \xc3\x28",
        "README.md: the file is not UTF-8 text",
    );
    refuses(
        "csctl.yaml",
        CSCTL.replace("sick", "si\0ck"),
        "csctl.yaml:3: ",
    );
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    fn linked(target: &Path, place: &str) -> Copy {
        let copy = two_stacks();
        let path = copy.path(SICK).join(place);
        fs::remove_file(&path).ok();
        symlink(target, path).unwrap();
        copy
    }

    #[test]
    fn a_file_outside_is_not_read_through_a_link() {
        let outside = tempfile::TempDir::new().unwrap();
        let secret = outside.path().join("csctl.yaml");
        fs::write(&secret, "password: hunter2").unwrap();
        for target in [secret.as_path(), Path::new("../../../../../csctl.yaml")] {
            let copy = linked(target, "csctl.yaml");
            fs::write(copy.root().join("../csctl.yaml"), "password: hunter2").unwrap();
            let message = refusal(&copy);
            assert!(!message.contains("hunter2"));
            assert!(message.contains("/csctl.yaml: the symbolic link leads out of the repository"));
        }
        assert_eq!(fs::read_to_string(secret).unwrap(), "password: hunter2");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_told() {
        for target in ["nowhere.yaml", "csctl.yaml"] {
            let message = refusal(&linked(Path::new(target), "csctl.yaml"));
            assert!(
                message.contains("/csctl.yaml: the symbolic link leads nowhere"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_directory_outside_is_not_entered() {
        let outside = Copy::of("broken");
        let copy = two_stacks();
        symlink(
            outside.path("providers/openstack/good"),
            copy.path("providers/openstack/other"),
        )
        .unwrap();
        let before = outside.files();
        let said = copy.run(&["update", "--catalog", &catalog()]).success();
        assert!(!said.contains("other"), "{said}");
        assert_eq!(differing(&before, &outside.files()), [""; 0]);
    }

    /// A link within the repository is read, and never written through nor replaced.
    #[test]
    fn a_link_inside_is_read_and_not_written() {
        let copy = linked(
            Path::new("../../good/1-34/node-images/config.yaml"),
            "node-images.yaml",
        );
        let before = copy.files();
        assert!(
            copy.run(&["plan", "--catalog", &catalog()])
                .success()
                .contains("sick/1-34/node-images.yaml")
        );
        let message = copy.run(&["update", "--catalog", &catalog()]).failure(1);
        let expected = format!(
            "error: {SICK}/node-images.yaml is a symbolic link, which is not written through; nothing was written\n  hint: "
        );
        assert!(message.starts_with(&expected), "{message}");
        assert_eq!(differing(&before, &copy.files()), [""; 0]);
    }

    /// A new minor takes links over as links: the bytes of a file outside never get into the repository.
    #[test]
    fn links_are_copied_as_links() {
        let outside = tempfile::TempDir::new().unwrap();
        fs::write(outside.path().join("token"), "hunter2").unwrap();
        let copy = two_stacks();
        let addon = copy.path(SICK).join("cluster-addon");
        symlink(outside.path().join("token"), addon.join("values.yaml")).unwrap();
        symlink("ccm", addon.join("same")).unwrap();
        copy.run(&["update", "sick", "--add", "1.35", "--catalog", &catalog()])
            .success();
        let made = copy.path("providers/openstack/sick/1-35/cluster-addon");
        assert_eq!(
            fs::read_link(made.join("values.yaml")).unwrap(),
            outside.path().join("token")
        );
        assert_eq!(fs::read_link(made.join("same")).unwrap(), Path::new("ccm"));
    }

    /// The place of a new minor may be taken by a link that leads elsewhere.
    #[test]
    fn a_new_minor_is_not_made_behind_a_link() {
        let outside = tempfile::TempDir::new().unwrap();
        let copy = two_stacks();
        symlink(outside.path(), copy.path("providers/openstack/sick/1-35")).unwrap();
        let before = copy.files();
        let arguments = ["update", "sick", "--add", "1.35", "--catalog", &catalog()];
        let message = copy.run(&arguments).failure(1);
        assert!(
            message.contains("providers/openstack/sick/1-35 is a symbolic link"),
            "{message}"
        );
        assert_eq!(differing(&before, &copy.files()), [""; 0]);
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}

#[test]
fn line_endings_stay_as_they_are() {
    let copy = Copy::of("broken");
    let before = copy.files();
    copy.run(&["update", "openstack/crlf", "--catalog", &catalog()])
        .success();
    let after = copy.files();
    let written = differing(&before, &after);
    assert!(written.len() >= 3, "{written:?}");
    for place in &written {
        let text = String::from_utf8(after[place].clone()).unwrap();
        let (all, windows) = (text.matches('\n').count(), text.matches("\r\n").count());
        assert!(
            all > 0 && all == windows,
            "{place}: {windows} of {all} lines"
        );
    }
}

#[test]
fn a_missing_final_newline_stays_missing() {
    let copy = two_stacks();
    for place in [
        "csctl.yaml",
        "node-images/config.yaml",
        "cluster-addon/ccm/Chart.yaml",
    ] {
        let place = format!("{SICK}/{place}");
        let text = copy.read(&place);
        copy.write(&place, text.trim_end());
    }
    let before = copy.files();
    copy.run(&["update", "openstack/sick", "--catalog", &catalog()])
        .success();
    let after = copy.files();
    let written = differing(&before, &after);
    assert_eq!(written.len(), 3, "{written:?}");
    for place in written {
        assert!(!after[&place].ends_with(b"\n"), "{place} got a newline");
    }
}

#[test]
fn text_in_any_language_stays_as_it_is() {
    let note = "# Größe: mindestens 20 GB — 镜像 🚀\n";
    let copy = sick("csctl.yaml", format!("{note}{CSCTL}"));
    let place = format!("{SICK}/node-images/config.yaml");
    let list = copy
        .read(&place)
        .replace("visibility: private", "visibility: private # für alle: ✓");
    copy.write(&place, &list);
    copy.run(&["update", "--catalog", &catalog()]).success();
    assert!(copy.read(&format!("{SICK}/csctl.yaml")).starts_with(note));
    let written = copy.read(&place);
    assert!(written.contains("visibility: private # für alle: ✓\n"));
    assert!(written.contains("ubuntu-2404-kube-v1.34.8.qcow2"));
}

#[test]
fn a_list_of_thousands_is_read_and_edited() {
    use std::fmt::Write as _;
    let base = "https://images.example.org/openstack-k8s-capi-images/ubuntu-2404-kube-v1";
    let mut list = "images:\n- name: ubuntu-capi-image\n  versions:\n".to_owned();
    for number in 0..5000 {
        let (minor, patch) = (35 + number / 100, number % 100);
        write!(
            list,
            "  - version: v1.{minor}.{patch}\n    url: {base}.{minor}/ubuntu-2404-kube-v1.{minor}.{patch}.qcow2\n    \
             checksum: sha256:{number:064x}\n    build_date: 2026-01-01\n"
        )
        .unwrap();
    }
    let copy = sick("kubernetes.yaml", &list);
    copy.run(&["update", "sick", "--minor", "1.34", "--catalog", &catalog()])
        .success();
    let written = copy.read(&format!("{SICK}/kubernetes.yaml"));
    let (heading, entries) = list.split_at(list.find("  - version").unwrap());
    let new = written
        .strip_prefix(heading)
        .and_then(|rest| rest.strip_suffix(entries))
        .unwrap();
    assert!(new.matches("  - version: v1.34.").count() >= 6, "{new}");
    assert_eq!(new.lines().count() % 4, 0, "{new}");
}

#[test]
fn an_unknown_stack_gets_the_names_of_those_there_are() {
    let copy = Copy::of("layout-d");
    for command in ["plan", "show", "update"] {
        let message = copy
            .run(&[command, "scs9", "--catalog", &catalog()])
            .failure(1);
        let expected = "error: no cluster stack `scs9`\n  hint: there are docker/scs, openstack/hcp, openstack/scs\n";
        assert_eq!(message, expected);
    }
}

#[test]
fn a_directory_without_stacks_is_told() {
    let empty = tempfile::TempDir::new().unwrap();
    fs::create_dir(empty.path().join("providers")).unwrap();
    let place = empty.path().display().to_string();
    let message = program::run(&["-C", &place, "plan"]).failure(1);
    let expected = format!(
        "error: no cluster stack found in {place}\n  hint: a cluster stack has a csctl.yaml"
    );
    assert!(message.starts_with(&expected), "{message}");

    let missing = format!("{place}/missing");
    let message = program::run(&["-C", &missing, "plan"]).failure(1);
    assert!(
        message.starts_with(&format!("error: cannot read {missing}: ")),
        "{message}"
    );
    assert!(message.ends_with("\n  hint: use -C to name the directory\n"));

    let file = empty.path().join("file");
    fs::write(&file, "").unwrap();
    let message = program::run(&["-C", &file.display().to_string(), "plan"]).failure(1);
    assert!(message.contains("file: not a directory"), "{message}");
}

#[test]
fn nothing_runs_on_half_a_configuration() {
    let cases: [(&[u8], &str); 7] = [
        (
            b"images: all\nadons: leave\n",
            "csctl-matrix.yaml:2: unknown key `adons`; did you mean `addons`?",
        ),
        (
            b"images: some\n",
            "csctl-matrix.yaml:1: invalid value `some` for `images`",
        ),
        (
            b"images: 3\n",
            "csctl-matrix.yaml:1: invalid value `3` for `images`",
        ),
        (
            b"\nmirrors: 3\n",
            "csctl-matrix.yaml:2: `mirrors` must be a list, not a single value",
        ),
        (
            b"imageStore:\n  pattern: https://s/x.qcow2\n",
            "csctl-matrix.yaml:2: ",
        ),
        (
            b"- images: all\n",
            "csctl-matrix.yaml:1: the file must be a map, not a list",
        ),
        (
            b"images: \xff\n",
            "csctl-matrix.yaml: the file is not UTF-8 text",
        ),
    ];
    let copy = two_stacks();
    for (content, expected) in cases {
        fs::write(copy.path("csctl-matrix.yaml"), content).unwrap();
        let before = copy.files();
        for command in ["plan", "show", "update"] {
            let said = copy.run(&[command, "--catalog", &catalog()]);
            assert_eq!(said.stdout, "", "{expected}");
            let message = said.failure(1);
            assert!(
                message.starts_with(&format!("error: {expected}")),
                "{message}"
            );
            assert!(message.contains("\n  hint: "), "{message}");
        }
        assert_eq!(differing(&before, &copy.files()), [""; 0]);
    }
}

#[test]
fn faults_are_in_the_json_too() {
    let copy = sick("csctl.yaml", CSCTL.replace("v1.34.6", "[]"));
    let said = copy.run(&["plan", "--format", "json", "--catalog", &catalog()]);
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let stacks = plan["stacks"].as_array().unwrap();
    let sick = stacks
        .iter()
        .find(|stack| stack["title"] == "openstack/sick")
        .unwrap();
    assert_eq!(sick["faults"][0]["file"], format!("{SICK}/csctl.yaml"));
    assert_eq!(sick["faults"][0]["line"], 4);
    assert!(said.failure(6).contains("csctl.yaml:4: "));
}

#[test]
fn a_file_of_a_known_name_that_nobody_can_read_is_told_and_not_passed_over() {
    for (layout, file) in [
        ("layout-c", "providers/openstack/scs2/versions.yaml"),
        (
            "broken",
            "providers/openstack/good/1-34/node-images/config.yaml",
        ),
    ] {
        is_told_as_unreadable(layout, file);
    }
}

fn is_told_as_unreadable(layout: &str, list: &str) {
    let copy = Copy::of(layout);
    for text in ["a: [\n", "- kubernetes: [1.34.6\n", "- '1.34.6\n"] {
        copy.write(list, text);
        for command in [&["plan", "--catalog", &catalog()][..], &["check"]] {
            let said = copy.run(command);
            let told = said.stdout + &said.stderr;
            assert!(told.contains(&format!("{list}:1")), "{command:?}: {told}");
            assert_ne!(said.status, 0, "{command:?}: {told}");
        }
    }
}
