//! Method `matrix` keeps what an entry states of its image in the cloud, in every kind of list, and adds nothing of its own.

use std::fs;

use crate::support::program::Copy;
use csctl_matrix::stack::validate_node_images;

use super::{FERROL, SCS, SCS2, create, csctl, refused, release};

const API: &str =
    "apiVersion: openstack.infrastructure.clusterstack.x-k8s.io/v1alpha1\nopenStackNodeImages:\n";

/// The text that the method writes.
fn written(copy: &Copy, stack: &str) -> String {
    let release = release();
    create(copy, stack, release.path()).success();
    let text = fs::read_to_string(release.path().join("node-images.yaml")).unwrap();
    assert_eq!(validate_node_images(&text).unwrap(), [""; 0]);
    text
}

/// Layout A's stack with one list, of this text.
fn with_list(list: &str) -> Copy {
    let copy = Copy::of("layout-a");
    fs::remove_file(copy.path(&format!("{FERROL}/node-images.yaml"))).unwrap();
    copy.write(&format!("{FERROL}/node-images/config.yaml"), list);
    copy.write(
        &format!("{FERROL}/csctl.yaml"),
        &csctl("ferrol", "v1.30.4", "matrix"),
    );
    copy
}

#[test]
fn a_list_of_node_images_keeps_its_options() {
    let copy = with_list(&format!(
        "{API}- url: https://images.example.org/ubuntu-2204-kube-v1.30.4.tar
  imageDir: not-released
  createOpts:
    properties: {{os_purpose: k8snode, hw_boot: 'true', note: \"a: b\", empty:}}
    tags: [node-image, '1.30']
    protected: false
    min_disk: 0
    min_ram: 2048
    os_hidden: true
    id: 6d2a
    visibility: community
    name: ubuntu-capi-image-v1.30.4
    disk_format: raw
    container_format: ovf
"
    ));
    let expected = format!(
        "{API}  - url: https://images.example.org/ubuntu-2204-kube-v1.30.4.tar
    createOpts:
      name: ubuntu-capi-image-v1.30.4
      disk_format: raw
      container_format: ovf
      visibility: community
      id: 6d2a
      os_hidden: true
      min_disk: 0
      min_ram: 2048
      protected: false
      tags:
        - node-image
        - \"1.30\"
      properties:
        os_purpose: k8snode
        hw_boot: \"true\"
        note: \"a: b\"
"
    );
    assert_eq!(written(&copy, FERROL), expected);
}

#[test]
fn what_nobody_states_is_as_ever() {
    let copy = with_list(&format!(
        "{API}- url: https://images.example.org/ubuntu-2204-kube-v1.30.4.img
  createOpts:
    name: ubuntu-capi-image-v1.30.4
"
    ));
    let expected = format!(
        "{API}  - url: https://images.example.org/ubuntu-2204-kube-v1.30.4.img
    createOpts:
      name: ubuntu-capi-image-v1.30.4
      disk_format: qcow2
      container_format: bare
      visibility: private
"
    );
    assert_eq!(written(&copy, FERROL), expected);
}

#[test]
fn a_list_of_the_image_manager_keeps_its_options() {
    let copy = Copy::of("layout-c");
    copy.write(
        &format!("{SCS2}/csctl.yaml"),
        &csctl("scs2", "v1.34.6", "matrix"),
    );
    let place = format!("{SCS2}/kubernetes.yaml");
    let list = copy.read(&place).replace(
        "      - version: 'v1.34.3'\n",
        "      - version: 'v1.34.3'\n        visibility: shared\n        hidden: true\n        meta: {os_distro: other, own: 7}\n",
    );
    copy.write(&place, &list);
    let text = written(&copy, SCS2);
    let entries: Vec<&str> = text.split("  - url: ").skip(1).collect();
    let of = |version: &str| {
        let name = format!("name: ubuntu-capi-image-{version}\n");
        let found = entries.iter().find(|entry| entry.contains(&name));
        found.unwrap().split_once("visibility").unwrap().1
    };
    let meta = "        architecture: x86_64
        hw_disk_bus: virtio
        hw_rng_model: virtio
        hypervisor_type: qemu
        os_distro: ubuntu
        os_purpose: k8snode
        provided_until: none
        replace_frequency: never
        uuid_validity: none
";
    let common = "      min_disk: 20
      min_ram: 2048
      tags:
        - node-image
      properties:
";
    assert_eq!(of("v1.34.5"), format!(": public\n{common}{meta}"));
    let other = meta.replace("os_distro: ubuntu", "os_distro: other");
    assert_eq!(
        of("v1.34.3"),
        format!(": shared\n      os_hidden: true\n{common}{other}        own: \"7\"\n")
    );
}

/// A manifest of ORC, whose fields have names of their own.
fn orc_image(version: &str, resource: &str) -> String {
    format!(
        "---
apiVersion: openstack.k-orc.cloud/v1alpha1
kind: Image
metadata:
  name: ubuntu-capi-image-{version}
spec:
  resource:{resource}
    content:
      diskFormat: qcow2
      download:
        url: https://images.example.org/ubuntu-2404-kube-{version}.qcow2
"
    )
}

#[test]
fn a_list_of_orc_images_keeps_its_options() {
    let stated = "
    visibility: shared
    protected: true
    tags: [node-image]
    properties:
      architecture: x86_64
      minDiskGB: 20
      minMemoryMB: 2048
      hardware:
        diskBus: virtio
        cpuCores: 2
      operatingSystem:
        distro: ubuntu
        version: \"24.04\"";
    let list = orc_image("v1.34.5", "") + &orc_image("v1.34.6", stated);
    let copy = Copy::of("layout-c");
    fs::remove_file(copy.path(&format!("{SCS2}/kubernetes.yaml"))).unwrap();
    copy.write(&format!("{SCS2}/image.yaml"), &list);
    copy.write(
        &format!("{SCS2}/csctl.yaml"),
        &csctl("scs2", "v1.34.6", "matrix"),
    );
    let expected = format!(
        "{API}  - url: https://images.example.org/ubuntu-2404-kube-v1.34.5.qcow2
    createOpts:
      name: ubuntu-capi-image-v1.34.5
      disk_format: qcow2
      container_format: bare
      visibility: private
  - url: https://images.example.org/ubuntu-2404-kube-v1.34.6.qcow2
    createOpts:
      name: ubuntu-capi-image-v1.34.6
      disk_format: qcow2
      container_format: bare
      visibility: shared
      min_disk: 20
      min_ram: 2048
      protected: true
      tags:
        - node-image
      properties:
        architecture: x86_64
        hw_cpu_cores: \"2\"
        hw_disk_bus: virtio
        os_distro: ubuntu
        os_version: \"24.04\"
"
    );
    assert_eq!(written(&copy, SCS2), expected);
}

/// The first list decides; another one of the same image fills in what that leaves open, and one of another image nothing.
#[test]
fn lists_of_the_same_image_complete_each_other() {
    let copy = Copy::of("layout-a");
    let url = "https://images.example.org/ubuntu-2204-kube-v1.30.4.qcow2";
    let entry = |url: &str, more: &str| {
        format!(
            "{API}- url: {url}\n  createOpts:\n    name: ubuntu-capi-image-v1.30.4\n    disk_format: qcow2\n    container_format: bare\n{more}"
        )
    };
    copy.write(
        &format!("{FERROL}/csctl.yaml"),
        &csctl("ferrol", "v1.30.4", "matrix"),
    );
    copy.write(
        &format!("{FERROL}/node-images.yaml"),
        &entry(url, "    visibility: shared\n"),
    );
    let more = "    visibility: public\n    min_disk: 20\n";
    let place = format!("{FERROL}/node-images/config.yaml");
    copy.write(&place, &entry(url, more));
    let both = written(&copy, FERROL);
    assert!(both.contains("min_disk: 20\n"), "{both}");
    let options = both.matches("visibility:").count();
    assert_eq!(options, 1, "{both}");
    copy.write(&place, &entry(&url.replace("images.", "others."), more));
    let one = written(&copy, FERROL);
    assert!(one.matches("url:").count() == 1, "{one}");
    assert!(one.contains("shared") != one.contains("min_disk"), "{one}");
}

#[test]
fn an_option_of_another_type_is_told_with_its_place() {
    let entry = |option: &str| {
        format!(
            "{API}- url: https://images.example.org/ubuntu-2204-kube-v1.30.4.qcow2\n  createOpts:\n    name: ubuntu-capi-image-v1.30.4\n    {option}\n"
        )
    };
    for (option, expected) in [
        (
            "min_disk: twenty",
            "config.yaml:6: `min_disk` is `twenty`, and a whole number is needed",
        ),
        (
            "min_ram: -1",
            "`min_ram` is `-1`, and a whole number is needed",
        ),
        (
            "protected: maybe",
            "`protected` is `maybe`, and true or false is needed",
        ),
        (
            "tags: node",
            "`tags` is `node`, and a list of texts is needed",
        ),
        (
            "properties: [a]",
            "`properties` is something else, and a map of texts is needed",
        ),
        (
            "properties: {a: {b: c}}",
            "`a` is something else, and a plain value is needed",
        ),
        (
            "visibility: [a]",
            "`visibility` is something else, and a plain value is needed",
        ),
    ] {
        refused(&with_list(&entry(option)), FERROL, expected);
    }
}

/// A list in the directory above, as layout D has it.
#[test]
fn a_shared_list_keeps_its_options() {
    let copy = Copy::of("layout-d");
    copy.write(
        &format!("{SCS}/csctl.yaml"),
        &csctl("scs", "v1.34.6", "matrix"),
    );
    let text = written(&copy, SCS);
    assert!(text.contains("      visibility: private\n      min_disk: 20\n"));
    assert!(text.contains("        os_purpose: k8snode\n"), "{text}");
}
