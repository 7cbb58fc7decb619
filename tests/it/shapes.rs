//! Shapes of charts and lists that say one thing at several places: what belongs together moves together, and what cannot move
//! holds the default, with its file and line, and is found by `check`.

use std::fmt::Write as _;

use crate::support::program::{Copy, Said, catalog};

const STACK: &str = "providers/openstack/demo";
const VALUES: &str = "providers/openstack/demo/cluster-class/values.yaml";
const IMAGE: &str = "providers/openstack/demo/cluster-class/templates/image.yaml";
const MACHINE: &str = "providers/openstack/demo/cluster-class/templates/machine.yaml";
const LIST: &str = "providers/openstack/demo/node-images/config.yaml";
const MANAGED: &str = "providers/openstack/demo/images.yaml";
const CSCTL: &str = "providers/openstack/demo/csctl.yaml";
const STORE: &str = "https://images.example.org/openstack-k8s-capi-images/ubuntu-2404-kube-v1.34";
const SUM_6: &str = "e0ef9c0ae728f7f251194ad61e9e5102fe5c909e83c48e44b29d0c2468685136";
const SUM_8: &str = "3b7ff8ac9c53c235237f3bbcfbd3d85621657b75f46c0a1e6b87d7675b3ed144";

fn url(version: &str) -> String {
    format!("{STORE}/ubuntu-2404-kube-v{version}.qcow2")
}

/// A stack at v1.34.6 with a list of its one image, and other files; the world has v1.34.8.
fn stack(files: &[(&str, String)]) -> Copy {
    let copy = Copy::of("layout-c");
    std::fs::remove_dir_all(copy.path("providers")).unwrap();
    copy.write(CSCTL, "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  clusterStackName: demo\n  kubernetesVersion: v1.34.6\n  provider:\n    apiVersion: openstack.csctl.clusterstack.x-k8s.io/v1alpha1\n    type: openstack\n");
    let chart =
        "apiVersion: v2\nname: openstack-demo-1-34-cluster-class\ntype: application\nversion: v1\n";
    copy.write(&format!("{STACK}/cluster-class/Chart.yaml"), chart);
    copy.write(LIST, &node_images(&["ubuntu-capi-image-v1.34.6"]));
    for (path, text) in files {
        copy.write(path, text);
    }
    copy
}

fn node_images(names: &[&str]) -> String {
    let mut text = "apiVersion: openstack.infrastructure.clusterstack.x-k8s.io/v1alpha1\nopenStackNodeImages:\n".to_owned();
    for name in names {
        let _ = write!(
            text,
            "- url: {}\n  createOpts:\n    name: {name}\n    disk_format: qcow2\n    container_format: bare\n",
            url("1.34.6")
        );
    }
    text
}

/// An ORC image.
fn orc(name: &str, url: &str, sum: &str) -> String {
    format!(
        "apiVersion: openstack.k-orc.cloud/v1alpha1\nkind: Image\nmetadata:\n  name: {name}\nspec:\n  resource:\n    content:\n      diskFormat: qcow2\n      download:\n        url: {url}\n        hash:\n          algorithm: sha256\n          value: {sum}\n"
    )
}

fn machine(name: &str) -> String {
    format!(
        "apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\nkind: OpenStackMachineTemplate\nmetadata:\n  name: worker\nspec:\n  template:\n    spec:\n      image:\n        imageRef:\n          name: {name}\n"
    )
}

fn update(copy: &Copy) -> Said {
    let catalog = catalog();
    copy.run(&["update", "--images", "from=v1.34.6", "--catalog", &catalog])
}

fn check(copy: &Copy) -> String {
    copy.run(&["check"]).stdout
}

/// The default stays, nothing of these files changes, the plan says where and why, and `check` finds it.
fn is_held(copy: &Copy, files: &[&str], told: &str) {
    let before: Vec<String> = files.iter().map(|file| copy.read(file)).collect();
    let said = update(copy).success();
    assert!(said.contains(told), "{told}\n{said}");
    assert!(
        copy.read(CSCTL).contains("kubernetesVersion: v1.34.6"),
        "{said}"
    );
    let after: Vec<String> = files.iter().map(|file| copy.read(file)).collect();
    assert_eq!(before, after);
    assert!(check(copy).contains("image-cannot-follow"), "{told}");
}

/// The default moves, and the file with it: each text gives way to the other.
fn moves(copy: &Copy, file: &str, texts: &[(&str, &str)]) {
    let expected = texts
        .iter()
        .fold(copy.read(file), |text, (from, to)| text.replace(from, to));
    update(copy).success();
    assert!(copy.read(CSCTL).contains("kubernetesVersion: v1.34.8"));
    assert_eq!(copy.read(file), expected);
    assert_eq!(check(copy), "no findings in 1 stack\n");
}

const VERSION: (&str, &str) = ("v1.34.6", "v1.34.8");
const SUM: (&str, &str) = (SUM_6, SUM_8);

#[test]
fn an_image_that_a_template_puts_together_is_held() {
    let mirrored = orc(
        "node-image-v1.34.6",
        "\"{{ .Values.mirror }}/ubuntu-2404-kube-v1.34.6.qcow2\"",
        SUM_6,
    );
    let copy = stack(&[
        (IMAGE, mirrored),
        (VALUES, "mirror: https://m.example.org\n".into()),
    ]);
    is_held(
        &copy,
        &[IMAGE],
        "image.yaml:10: `{{ .Values.mirror }}/ubuntu-2404-kube-v1.34.6.qcow2` cannot follow: a template puts the image together",
    );
    // What Helm calls is not known.
    let named = machine("\"ubuntu-2404-kube-{{ .Values.release | trim }}\"");
    let copy = stack(&[(MACHINE, named), (VALUES, "release: v1.34.6\n".into())]);
    is_held(
        &copy,
        &[MACHINE, VALUES],
        "values.yaml:1: `v1.34.6` cannot follow: a template puts the image together",
    );
}

#[test]
fn an_image_that_is_put_together_of_values_moves_with_its_version() {
    let named = machine("\"{{ .Values.prefix }}-{{ .Values.kubernetes.version }}\"");
    let values = "prefix: ubuntu-2404-kube\nkubernetes:\n  version: v1.34.6\n".to_owned();
    moves(
        &stack(&[(MACHINE, named), (VALUES, values)]),
        VALUES,
        &[VERSION],
    );
    let helper = format!("{STACK}/cluster-class/templates/_helpers.tpl");
    let text = "{{- define \"os.image\" -}}\nubuntu-2404-kube-{{ .Values.os.kube }}\n{{- end -}}\n";
    let copy = stack(&[
        (&helper, text.to_owned()),
        (MACHINE, machine("{{ include \"os.image\" $ }}")),
        (VALUES, "os:\n  kube: v1.34.6\n".into()),
    ]);
    moves(&copy, VALUES, &[VERSION]);
}

#[test]
fn an_image_in_the_code_of_a_template_is_held() {
    let helper = format!("{STACK}/cluster-class/templates/_helpers.tpl");
    let text = "{{- define \"os.image\" -}}\nubuntu-2404-kube-v1.34.6\n{{- end -}}\n";
    let copy = stack(&[
        (&helper, text.to_owned()),
        (MACHINE, machine("{{ include \"os.image\" $ }}")),
    ]);
    is_held(
        &copy,
        &[&helper],
        "_helpers.tpl:2: `ubuntu-2404-kube-v1.34.6` names the image of v1.34.6: it stands in the code",
    );
    let assigned = format!(
        "{{{{- $image := \"ubuntu-2404-kube-v1.34.6\" }}}}\n{}",
        machine("{{ $image }}")
    );
    let copy = stack(&[(MACHINE, assigned)]);
    is_held(
        &copy,
        &[MACHINE],
        "machine.yaml:1: `ubuntu-2404-kube-v1.34.6` names the image",
    );
}

#[test]
fn what_stands_beside_a_value_that_a_template_reads_goes_with_it() {
    let named = machine("{{ .Values.image.name }}");
    let values = format!("image:\n  name: ubuntu-2404-kube-v1.34.6\n  sha256: {SUM_6}\n");
    moves(
        &stack(&[(MACHINE, named), (VALUES, values)]),
        VALUES,
        &[VERSION, SUM],
    );
}

#[test]
fn a_list_that_is_no_list_of_the_stack_s_images_does_not_grow() {
    let read = machine("{{ index .Values.images 0 }}");
    let first = "images:\n  - ubuntu-2404-kube-v1.34.6\n".to_owned();
    moves(
        &stack(&[(MACHINE, read), (VALUES, first)]),
        VALUES,
        &[VERSION],
    );
    let blocked = "image: ubuntu-2404-kube-v1.34.6\nblockedImages:\n  - ubuntu-2404-kube-v1.34.0\n  - ubuntu-2404-kube-v1.34.1\n";
    moves(&stack(&[(VALUES, blocked.into())]), VALUES, &[VERSION]);
    let pools = "workers:\n  - ubuntu-2404-kube-v1.34.6\n  - ubuntu-2404-kube-v1.34.6\n";
    moves(&stack(&[(VALUES, pools.into())]), VALUES, &[VERSION]);
    let path = "upgradePath:\n  - ubuntu-2404-kube-v1.34.5\n  - ubuntu-2404-kube-v1.34.6\n";
    let copy = stack(&[(VALUES, path.into())]);
    is_held(
        &copy,
        &[VALUES],
        "cannot follow: it is one of several versions",
    );
}

#[test]
fn url_and_checksum_in_different_files_are_held() {
    let manifest = orc(
        "node-image-v1.34.6",
        &url("1.34.6"),
        "\"{{ .Values.sum }}\"",
    );
    let copy = stack(&[(IMAGE, manifest), (VALUES, format!("sum: {SUM_6}\n"))]);
    is_held(
        &copy,
        &[IMAGE, VALUES],
        "image.yaml:13: `{{ .Values.sum }}` cannot follow: its checksum or digest, or what names it, stands in another place",
    );
    let manifest = orc(
        "\"node-image-{{ .Values.kubernetesVersion }}\"",
        "\"https://images.example.org/x/ubuntu-2404-kube-{{ .Values.kubernetesVersion }}.qcow2\"",
        SUM_6,
    );
    let copy = stack(&[
        (IMAGE, manifest),
        (VALUES, "kubernetesVersion: v1.34.6\n".into()),
    ]);
    is_held(
        &copy,
        &[IMAGE, VALUES],
        "values.yaml:1: `v1.34.6` cannot follow: its checksum or digest, or what names it, stands in another place",
    );
}

#[test]
fn an_orc_image_that_values_name_without_a_version_is_held() {
    let manifest = orc("\"{{ .Values.image }}\"", &url("1.34.6"), SUM_6);
    let copy = stack(&[
        (IMAGE, manifest),
        (MACHINE, machine("\"{{ .Values.image }}\"")),
        (VALUES, "image: node-image\n".into()),
    ]);
    is_held(
        &copy,
        &[IMAGE, VALUES],
        "values.yaml:1: `node-image` cannot follow: an ORC image is known by it",
    );
}

#[test]
fn an_orc_image_of_values_that_others_read_too_moves_whole() {
    let manifest = orc(
        "\"{{ .Values.image.name }}\"",
        "\"{{ .Values.image.url }}\"",
        "\"{{ .Values.image.hash }}\"",
    );
    let values = format!(
        "image:\n  name: node-image-v1.34.6\n  url: {}\n  hash: {SUM_6}\n",
        url("1.34.6")
    );
    let copy = stack(&[
        (IMAGE, manifest),
        (MACHINE, machine("\"{{ .Values.image.name }}\"")),
        (VALUES, values),
    ]);
    moves(&copy, VALUES, &[VERSION, SUM]);
}

#[test]
fn checksums_go_with_their_image_whatever_their_keys_are() {
    let url = url("1.34.6");
    for values in [
        format!("image:\n  url: {url}\n  sha: {SUM_6}\n"),
        format!("image:\n  url: {url}\n  hash:\n    algo: sha256\n    digest: {SUM_6}\n"),
        format!(
            "image:\n  name: ubuntu-2404-kube-v1.34.6\n  file: ubuntu-2404-kube-v1.34.6.qcow2\n  checksum: {SUM_6}\n"
        ),
        format!("image:\n  url: {url}\nimageChecksum: {SUM_6}\n"),
    ] {
        moves(&stack(&[(VALUES, values)]), VALUES, &[VERSION, SUM]);
    }
}

#[test]
fn lists_and_maps_of_several_versions_in_values_are_left() {
    for values in [
        "nodeImages:\n  - name: ubuntu-2404-kube-v1.34.6\n  - name: ubuntu-2404-kube-v1.34.5\n",
        "imagesByVersion:\n  v1.34.5: ubuntu-2404-kube-v1.34.5\n  v1.34.6: ubuntu-2404-kube-v1.34.6\n",
    ] {
        let copy = stack(&[(VALUES, values.to_owned())]);
        is_held(
            &copy,
            &[VALUES],
            "cannot follow: it is one of several versions",
        );
    }
}

#[test]
fn a_value_of_another_version_is_nobody_s() {
    let values = "image: ubuntu-2404-kube-v1.34.6\nupgradeFrom: ubuntu-2404-kube-v1.33.8\npreviousImage: ubuntu-2404-kube-v1.34.5\n";
    let copy = stack(&[(VALUES, values.to_owned())]);
    moves(&copy, VALUES, &[VERSION]);
}

#[test]
fn two_names_of_one_version_are_two_images() {
    let values = "images:\n  controlPlane:\n    name: cp-image-v1.34.6\n  worker:\n    name: worker-image-v1.34.6\n";
    let list = node_images(&["cp-image-v1.34.6", "worker-image-v1.34.6"]);
    let copy = stack(&[(LIST, list), (VALUES, values.to_owned())]);
    moves(&copy, VALUES, &[VERSION]);
    let list = copy.read(LIST);
    for name in ["cp-image", "worker-image"] {
        for patch in [6, 7, 8] {
            let entry = format!("name: {name}-v1.34.{patch}\n");
            assert_eq!(list.matches(&entry).count(), 1, "{entry}\n{list}");
        }
    }
}

#[test]
fn another_operating_system_is_no_new_patch() {
    let copy = stack(&[
        (MACHINE, machine("\"{{ .Values.image }}\"")),
        (VALUES, "image: ubuntu-2204-kube-v1.34.6\n".into()),
    ]);
    let said = update(&copy).success();
    let told = "available on ubuntu-2404 only, and the stack's images are on ubuntu-2204";
    assert!(said.contains(told), "{said}");
    assert_eq!(copy.read(VALUES), "image: ubuntu-2204-kube-v1.34.6\n");
    assert!(copy.read(CSCTL).contains("v1.34.6"));
}

/// A list of openstack-image-manager with one image.
fn managed(name: &str, purpose: &str, entries: &[(&str, &str, &str)]) -> String {
    let mut text = format!(
        "  - name: {name}\n    format: qcow2\n    login: ubuntu\n    min_disk: 20\n    min_ram: 2048\n    status: active\n    visibility: public\n    multi: false\n    meta:\n      architecture: x86_64\n      hw_disk_bus: scsi\n      hw_rng_model: virtio\n      os_distro: ubuntu\n      os_purpose: {purpose}\n      replace_frequency: never\n      uuid_validity: none\n      provided_until: none\n    tags: []\n    versions:\n"
    );
    for (version, url, sum) in entries {
        let _ = write!(
            text,
            "      - version: '{version}'\n        url: {url}\n        checksum: \"{sum}\"\n        build_date: 2026-04-09\n"
        );
    }
    text
}

#[test]
fn image_lists_of_other_systems_are_nobody_s() {
    let cirros = managed(
        "Cirros",
        "minimal",
        &[
            (
                "0.6.2",
                "https://dl.example.org/cirros/0.6.2/cirros-0.6.2-x86_64-disk.img",
                "sha256:aa",
            ),
            (
                "0.6.3",
                "https://dl.example.org/cirros/0.6.3/cirros-0.6.3-x86_64-disk.img",
                "sha256:bb",
            ),
        ],
    );
    let own = managed(
        "ubuntu-capi-image",
        "k8snode",
        &[("v1.34.6", &url("1.34.6"), &format!("sha256:{SUM_6}"))],
    );
    let copy = stack(&[(MANAGED, format!("images:\n{own}{cirros}"))]);
    let catalog = catalog();
    let said = copy.run(&["update", "--images", "newest=1", "--catalog", &catalog]);
    let said = said.success();
    assert!(
        said.contains("v1.34.6 -> v1.34.8") && !said.contains("0-6"),
        "{said}"
    );
    assert!(copy.read(MANAGED).ends_with(&cirros));
}

#[test]
fn a_list_by_another_algorithm_holds_the_default() {
    for (sum, told) in [
        (
            format!("sha512:{}", "a".repeat(128)),
            "gives no SHA-512 checksum",
        ),
        (format!("md5:{}", "a".repeat(32)), "gives no MD5 checksum"),
    ] {
        let own = managed(
            "ubuntu-capi-image",
            "k8snode",
            &[("v1.34.6", &url("1.34.6"), &sum)],
        );
        let text = format!("images:\n{own}");
        let copy = stack(&[(MANAGED, text.clone())]);
        let said = update(&copy).success();
        assert!(said.contains(told), "{said}");
        assert_eq!(copy.read(MANAGED), text);
        assert!(copy.read(CSCTL).contains("v1.34.6"));
    }
}

#[test]
fn what_a_new_entry_says_of_its_image_is_its_own() {
    let list = node_images(&["ubuntu-capi-image-v1.34.6"])
        + &format!(
            "    properties:\n      kubernetes_version: v1.34.6\n      image_source: {}\n      os_hash_value: {SUM_6}\n",
            url("1.34.6")
        );
    let copy = stack(&[(LIST, list)]);
    update(&copy).success();
    let written = copy.read(LIST);
    let entry = format!(
        "    properties:\n      kubernetes_version: v1.34.8\n      image_source: {}\n      os_hash_value: {SUM_8}\n",
        url("1.34.8")
    );
    assert!(written.ends_with(&entry), "{written}");
}

#[test]
fn a_repair_makes_all_edits_of_one_image_or_none() {
    let sum_5 = "730688720820a7c3169e60e57682f1aab8b17a3d422e385d59bbe55c7c37f87e";
    let copy = stack(&[(IMAGE, orc("node-image-v1.34.5", &url("1.34.5"), sum_5))]);
    let catalog = catalog();
    copy.run(&["check", "--fix", "--catalog", &catalog])
        .success();
    assert_eq!(
        copy.read(IMAGE),
        orc("node-image-v1.34.6", &url("1.34.6"), SUM_6)
    );
}

#[test]
fn other_kinds_that_name_the_image_move_or_hold() {
    let bastion = "apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\nkind: OpenStackClusterTemplate\nmetadata:\n  name: cluster\nspec:\n  template:\n    spec:\n      bastion:\n        spec:\n          image:\n            filter:\n              name: ubuntu-capi-image-v1.34.6\n";
    moves(
        &stack(&[(MACHINE, bastion.to_owned())]),
        MACHINE,
        &[VERSION],
    );
    let import = "apiVersion: openstack.k-orc.cloud/v1alpha1\nkind: Image\nmetadata:\n  name: node-image-v1.34.6\nspec:\n  managementPolicy: unmanaged\n  import:\n    filter:\n      name: ubuntu-capi-image-v1.34.6\n";
    moves(&stack(&[(IMAGE, import.to_owned())]), IMAGE, &[VERSION]);
    let unknown = "apiVersion: infrastructure.cluster.x-k8s.io/v1alpha1\nkind: ProxmoxMachineTemplate\nmetadata:\n  name: worker\nspec:\n  template:\n    spec:\n      templateSelector:\n        matchTags: [ubuntu-2404-kube-v1.34.6]\n";
    let copy = stack(&[(MACHINE, unknown.to_owned())]);
    is_held(
        &copy,
        &[MACHINE],
        "machine.yaml:9: `ubuntu-2404-kube-v1.34.6` cannot follow: which field of this kind",
    );
}

#[test]
fn a_default_that_enum_limits_and_an_image_in_a_patch_are_held() {
    let class = "apiVersion: cluster.x-k8s.io/v1beta1\nkind: ClusterClass\nmetadata:\n  name: demo\nspec:\n  variables:\n    - name: image\n      schema:\n        openAPIV3Schema:\n          type: string\n          default: ubuntu-capi-image-v1.34.6\n          enum: [ubuntu-capi-image-v1.34.5, ubuntu-capi-image-v1.34.6]\n";
    let copy = stack(&[(MACHINE, class.to_owned())]);
    is_held(
        &copy,
        &[MACHINE],
        "machine.yaml:11: `ubuntu-capi-image-v1.34.6` cannot follow: `enum` beside it",
    );
    let patch = "apiVersion: cluster.x-k8s.io/v1beta1\nkind: ClusterClass\nmetadata:\n  name: demo\nspec:\n  patches:\n    - name: image\n      definitions:\n        - jsonPatches:\n            - op: add\n              path: /spec/template/spec/image\n              valueFrom:\n                template: |\n                  filter:\n                    name: ubuntu-capi-image-v1.34.6\n";
    let copy = stack(&[(MACHINE, patch.to_owned())]);
    is_held(
        &copy,
        &[MACHINE],
        "cannot follow: it stands inside a longer text",
    );
}

#[test]
fn an_image_that_is_left_at_another_version_is_named() {
    let values = "image: ubuntu-2404-kube-v1.34.6\npools:\n  old: ubuntu-2404-kube-v1.34.5\n";
    let copy = stack(&[(VALUES, values.into())]);
    let said = update(&copy).success();
    let told = format!(
        "note   {VALUES}:3 stays: `ubuntu-2404-kube-v1.34.5` names the image of v1.34.5, and the default was v1.34.6\n"
    );
    assert!(said.contains(&told), "{said}");
    assert_eq!(copy.read(VALUES), values.replace("v1.34.6", "v1.34.8"));
    let found = copy.run(&["check", "--with", "strict"]).stdout;
    assert!(
        found.contains("values.yaml:3   warning[image-other-version]\n"),
        "{found}"
    );
}

/// A Metal3 machine template.
fn metal3(url: &str, sum: &str) -> String {
    format!(
        "apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\nkind: Metal3MachineTemplate\nmetadata:\n  name: worker\nspec:\n  template:\n    spec:\n      image:\n        url: {url}\n        checksum: {sum}\n        checksumType: sha256\n        format: qcow2\n"
    )
}

#[test]
fn the_checksum_that_a_machine_template_reads_goes_with_its_url() {
    let read = metal3(
        "'{{ .Values.image.url }}'",
        "'{{ .Values.image.checksum }}'",
    );
    let url = url("1.34.6");
    for sum in [SUM_6.to_owned(), format!("{url}.sha256")] {
        let values = format!("image:\n  url: {url}\n  checksum: {sum}\n");
        let copy = stack(&[(MACHINE, read.clone()), (VALUES, values)]);
        moves(&copy, VALUES, &[VERSION, SUM]);
    }
    // Another template reads the same URL, and has a checksum of its own.
    let other = IMAGE.replace("image.yaml", "other.yaml");
    let copy = stack(&[
        (MACHINE, read),
        (&other, metal3("'{{ .Values.image.url }}'", SUM_6)),
        (
            VALUES,
            format!("image:\n  url: {url}\n  checksum: {SUM_6}\n"),
        ),
    ]);
    is_held(&copy, &[MACHINE, &other, VALUES], "values.yaml:2: ");
    let literal = metal3("'{{ .Values.imageUrl }}'", SUM_6);
    let values = format!("imageUrl: {url}\n");
    let copy = stack(&[(MACHINE, literal), (VALUES, values)]);
    is_held(
        &copy,
        &[MACHINE, VALUES],
        "values.yaml:1: `.../ubuntu-2404-kube-v1.34.6.qcow2` cannot follow: its checksum or digest, or what names it, stands in another place",
    );
}

#[test]
fn a_container_image_of_values_comes_from_its_own_registry() {
    const VALUES: &str = "providers/docker/scs/cluster-class/values.yaml";
    let machine = |image: &str| {
        format!(
            "apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\nkind: DockerMachineTemplate\nmetadata:\n  name: worker\nspec:\n  template:\n    spec:\n      customImage: \"{image}\"\n"
        )
    };
    let values =
        "node:\n  repository: registry.scs.community/docker.io/kindest/node\n  tag: v1.33.4\n";
    let both = "{{ .Values.node.repository }}:{{ .Values.node.tag }}";
    let pinned = format!("{both}@sha256:{SUM_6}");
    for (image, tag) in [(both, "v1.33.7"), (&pinned, "v1.33.4")] {
        let copy = Copy::of("docker");
        let template = "providers/docker/scs/cluster-class/templates/machine.yaml";
        copy.write(template, &machine(image)).write(VALUES, values);
        // Under a digest that stands in the template the tag stays; then nothing says where the image comes from.
        let said = update(&copy).stdout;
        assert_eq!(copy.read(VALUES), values.replace("v1.33.4", tag), "{said}");
        let csctl = copy.read("providers/docker/scs/csctl.yaml");
        assert!(csctl.contains(tag), "{said}");
    }
}
