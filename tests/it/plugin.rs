//! `create-node-images`, as csctl calls it of its provider plugins: under the plugin's name and as a command. What it writes is
//! whole and acceptable to csctl's OpenStack plugin, or it writes nothing.

mod build;
mod options;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::program::{self, Copy, Said, program};
use csctl_matrix::stack::validate_node_images;
use serde_yaml::Value;
use tempfile::TempDir;

const FERROL: &str = "providers/openstack/ferrol/1-30";
const SCS2: &str = "providers/openstack/scs2";
const SCS: &str = "providers/openstack/scs/1-34";

/// A list of images as csctl's OpenStack plugin wants it.
const LIST: &str = "apiVersion: openstack.infrastructure.clusterstack.x-k8s.io/v1alpha1
openStackNodeImages:
- url: https://images.example.org/ubuntu-2204-kube-v1.30.4.qcow2
  createOpts:
    name: ubuntu-capi-image-v1.30.4
    disk_format: qcow2
    container_format: bare
";

/// A full csctl.yaml for one of layout D's stacks, whose own names a minor alone.
fn csctl(name: &str, version: &str, method: &str) -> String {
    format!(
        "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  kubernetesVersion: {version}\n  clusterStackName: {name}\n  \
         provider:\n    type: openstack\n    apiVersion: openstack.csctl.clusterstack.x-k8s.io/v1alpha1\n    config:\n      \
         method: {method}\n"
    )
}

/// The release directory that csctl makes before it calls a plugin.
fn release() -> TempDir {
    TempDir::new().unwrap()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn create(copy: &Copy, stack: &str, release: &Path) -> Said {
    let (stack, release) = (copy.path(stack), release.display().to_string());
    program::run(&[
        "create-node-images",
        &stack.display().to_string(),
        &release,
        "",
    ])
}

/// Runs on a stack that must be refused: the message goes to stderr, with a hint, and the release directory stays empty.
#[track_caller]
fn refused(copy: &Copy, stack: &str, expected: &str) {
    let release = release();
    let said = create(copy, stack, release.path());
    assert_eq!(said.stdout, "");
    let message = said.failure(1);
    assert!(
        message.starts_with("error: ") && message.contains("\n  hint: "),
        "{message}"
    );
    assert!(message.contains(expected), "{expected} is not in {message}");
    assert_eq!(names_in(release.path()), [""; 0], "{message}");
}

/// Refuses `ferrol` with another text of its list.
#[track_caller]
fn refuses_list(list: &str, expected: &str) {
    let copy = Copy::of("layout-a");
    copy.write(&format!("{FERROL}/node-images/config.yaml"), list);
    refused(&copy, FERROL, expected);
}

/// The versions in a list's URLs, after csctl's own rules have accepted it.
fn versions_in(release: &Path) -> Vec<String> {
    let text = fs::read_to_string(release.join("node-images.yaml")).unwrap();
    assert_eq!(validate_node_images(&text).unwrap(), [""; 0]);
    let list: Value = serde_yaml::from_str(&text).unwrap();
    let images = list["openStackNodeImages"].as_sequence().unwrap();
    let version = |image: &Value| {
        let url = image["url"].as_str().unwrap();
        let version = url
            .rsplit_once("-kube-")
            .unwrap()
            .1
            .trim_end_matches(".qcow2");
        let name = format!("ubuntu-capi-image-{version}");
        assert_eq!(image["createOpts"]["name"].as_str().unwrap(), name);
        assert_eq!(
            image["createOpts"]["disk_format"].as_str().unwrap(),
            "qcow2"
        );
        assert_eq!(
            image["createOpts"]["container_format"].as_str().unwrap(),
            "bare"
        );
        version.to_owned()
    };
    images.iter().map(version).collect()
}

#[test]
fn get_copies_the_list_byte_for_byte() {
    let copy = Copy::of("layout-a");
    let texts = [
        copy.read(&format!("{FERROL}/node-images/config.yaml")),
        format!("# Größe: 20 GB\r\n{}", LIST.replace('\n', "\r\n")),
        LIST.trim_end().to_owned(),
        LIST.replace(
            "    name",
            "    imageDir: x\n    properties: {os_purpose: k8snode}\n    min_disk: 20\n    name",
        ),
    ];
    for text in texts {
        copy.write(&format!("{FERROL}/node-images/config.yaml"), &text);
        let release = release();
        let said = create(&copy, FERROL, release.path());
        assert_eq!(said.stderr, "");
        let expected = format!(
            "{}/node-images.yaml written from ",
            release.path().display()
        );
        assert!(said.success().starts_with(&expected));
        assert_eq!(
            fs::read_to_string(release.path().join("node-images.yaml")).unwrap(),
            text
        );
        assert_eq!(names_in(release.path()), ["node-images.yaml"]);
    }
}

#[test]
fn get_refuses_what_csctl_refuses() {
    let without = |line: &str| LIST.replace(line, "");
    let api = "apiVersion: openstack.infrastructure.clusterstack.x-k8s.io/v1alpha1\n";
    let options = &LIST[LIST.find("  createOpts").unwrap()..];
    let cases = [
        (without(api), "`apiVersion` is missing"),
        (
            format!("{api}openStackNodeImages: []\n"),
            "an image in `openStackNodeImages` is missing",
        ),
        (
            api.to_owned(),
            "an image in `openStackNodeImages` is missing",
        ),
        (
            without(options),
            "`openStackNodeImages[0].createOpts` is missing",
        ),
        (
            without("    name: ubuntu-capi-image-v1.30.4\n"),
            "`openStackNodeImages[0].createOpts.name` is missing",
        ),
        (
            without("    disk_format: qcow2\n"),
            "`openStackNodeImages[0].createOpts.disk_format` is missing",
        ),
        (
            without("    container_format: bare\n"),
            "`openStackNodeImages[0].createOpts.container_format` is missing",
        ),
        (format!("{LIST}- null\n"), "openStackNodeImages[1]"),
        (format!("{LIST}-\n"), "openStackNodeImages[1]"),
        (
            LIST.replace("createOpts:", "createOpts: [a]\n  other:"),
            "openStackNodeImages[0].createOpts",
        ),
        (
            LIST.replace("bare", "bare\n    min_disk: twenty"),
            "openStackNodeImages[0].createOpts",
        ),
        (
            LIST.replace("name: ubuntu-capi-image-v1.30.4", "name: null"),
            "`openStackNodeImages[0].createOpts.name` is missing",
        ),
        (
            LIST.replace("name: ubuntu-capi-image-v1.30.4", "name: 1.30"),
            "openStackNodeImages[0].createOpts: a text is needed",
        ),
        (
            LIST.replace("disk_format: qcow2", "disk_format:"),
            "`openStackNodeImages[0].createOpts.disk_format` is missing",
        ),
        (
            LIST.replace("openStackNodeImages:", "openStackNodeImages: ["),
            "config.yaml",
        ),
        ("- a\n".to_owned(), "config.yaml"),
        (String::new(), "config.yaml"),
    ];
    for (list, expected) in cases {
        refuses_list(&list, expected);
    }
    let copy = Copy::of("layout-a");
    fs::write(
        copy.path(&format!("{FERROL}/node-images/config.yaml")),
        b"apiVersion: \xff",
    )
    .unwrap();
    refused(&copy, FERROL, "node-images/config.yaml");
    fs::remove_file(copy.path(&format!("{FERROL}/node-images/config.yaml"))).unwrap();
    refused(&copy, FERROL, "node-images/config.yaml: No such file");
}

#[test]
fn get_takes_an_image_without_url_and_warns() {
    let copy = Copy::of("layout-a");
    for url in ["''", "null", ""] {
        let list = LIST.replace(
            "https://images.example.org/ubuntu-2204-kube-v1.30.4.qcow2",
            url,
        );
        copy.write(&format!("{FERROL}/node-images/config.yaml"), &list);
        let release = release();
        let said = create(&copy, FERROL, release.path());
        assert_eq!(
            said.stderr,
            "warning: ubuntu-capi-image-v1.30.4 has no url; the operator cannot import it\n"
        );
        said.success();
        assert_eq!(
            fs::read_to_string(release.path().join("node-images.yaml")).unwrap(),
            list
        );
    }
}

#[test]
fn what_csctl_yaml_says_wrongly_is_told() {
    let good = csctl("ferrol", "v1.30.4", "get");
    let cases = [
        (
            good.replace("method: get", "method: guess"),
            "config.provider.config.method is `guess`, which is not a method",
        ),
        (
            good.replace("method: get", "other: get"),
            "config.provider.config.method is missing",
        ),
        (
            good.replace("    config:\n      method: get\n", ""),
            "config.provider.config.method is missing",
        ),
        (
            good.replace("method: get", "method: build"),
            "config.yaml: no image has an `imageDir`, so that there is nothing to build",
        ),
        (
            good.replace("type: openstack", "type: docker"),
            "releases for provider docker have no node-images.yaml",
        ),
        (
            good.replace("type: openstack", "type: OpenStack"),
            "config.provider.type is `OpenStack`, which is not a provider's name",
        ),
        (
            good.replace("v1.30.4", "v1.30"),
            "config.kubernetesVersion is `v1.30`, which csctl does not accept",
        ),
        (
            good.replace("v1.30.4", "1.30"),
            "which csctl does not accept",
        ),
        (
            good.replace("clusterStackName: ferrol", "clusterStackName: null"),
            "config.clusterStackName is missing",
        ),
        (
            good.replace("type: openstack", "type: ~"),
            "which is not a provider's name",
        ),
        (
            good.replace("clusterStackName: ferrol", "other: ferrol"),
            "config.clusterStackName is missing",
        ),
        ("config: [\n".to_owned(), "csctl.yaml: "),
        (String::new(), "csctl.yaml: "),
    ];
    let copy = Copy::of("layout-a");
    for (text, expected) in cases {
        assert_ne!(text, good);
        copy.write(&format!("{FERROL}/csctl.yaml"), &text);
        refused(&copy, FERROL, expected);
    }
    fs::remove_file(copy.path(&format!("{FERROL}/csctl.yaml"))).unwrap();
    refused(&copy, FERROL, "csctl.yaml: No such file");
    refused(
        &copy,
        "providers/openstack/nowhere",
        "csctl.yaml: No such file",
    );
}

#[test]
fn the_release_directory_is_csctls_to_make() {
    let copy = Copy::of("layout-a");
    let place = release();
    let missing = place.path().join("missing");
    let message = create(&copy, FERROL, &missing).failure(1);
    assert!(
        message.starts_with(&format!(
            "error: {} is not a directory\n  hint: ",
            missing.display()
        )),
        "{message}"
    );
    assert!(!missing.exists());
    fs::write(&missing, "a file").unwrap();
    create(&copy, FERROL, &missing).failure(1);
    assert_eq!(fs::read_to_string(missing).unwrap(), "a file");
}

/// The project's catalog fills the lists; the plugin then writes exactly what they name of the stack's minor.
#[test]
fn matrix_writes_all_images_of_the_minor() {
    let catalog = program::catalog();
    let cases = [
        ("layout-a", FERROL, "ferrol", "v1.30.6"),
        ("layout-c", SCS2, "scs2", "v1.34.8"),
        ("layout-d", SCS, "scs", "v1.34.8"),
    ];
    for (layout, stack, name, version) in cases {
        let copy = Copy::of(layout);
        copy.run(&["update", "--end-of-life", "follow", "--catalog", &catalog])
            .success();
        copy.write(
            &format!("{stack}/csctl.yaml"),
            &csctl(name, version, "matrix"),
        );
        let release = release();
        create(&copy, stack, release.path()).success();
        let shown = copy
            .run(&[
                "show",
                stack,
                "--references",
                "--format",
                "json",
                "--catalog",
                &catalog,
            ])
            .json();
        let minor = version.rsplit_once('.').unwrap().0;
        let image_lists = shown["stacks"][0]["imageLists"].as_array().unwrap();
        let entries = image_lists
            .iter()
            .flat_map(|image_list| image_list["entries"].as_array().unwrap());
        let mut listed: Vec<String> = entries
            .map(|entry| entry["version"].as_str().unwrap().to_owned())
            .filter(|listed| listed.rsplit_once('.').unwrap().0 == minor)
            .collect();
        listed.sort();
        listed.dedup();
        assert!(listed.len() >= 3, "{layout}: {listed:?}");
        assert_eq!(versions_in(release.path()), listed, "{layout}");
        assert_eq!(names_in(release.path()), ["node-images.yaml"]);
    }
}

#[test]
fn matrix_refuses_what_it_cannot_write() {
    let copy = Copy::of("layout-c");
    copy.write(
        &format!("{SCS2}/csctl.yaml"),
        &csctl("scs2", "v1.36.1", "matrix"),
    );
    refused(
        &copy,
        SCS2,
        "no list of the stack names an image for Kubernetes 1.36",
    );

    let copy = Copy::of("layout-c");
    copy.write(
        &format!("{SCS2}/csctl.yaml"),
        &csctl("scs2", "v1.34.6", "matrix"),
    );
    let list = copy.read(&format!("{SCS2}/kubernetes.yaml"));
    copy.write(
        &format!("{SCS2}/kubernetes.yaml"),
        &list.replace("v1.34.5.qcow2", "v1.34.5.tar"),
    );
    refused(&copy, SCS2, "the disk format of ");
    copy.write(
        &format!("{SCS2}/kubernetes.yaml"),
        &list.replace("versions:", "versions: ["),
    );
    refused(&copy, SCS2, "kubernetes.yaml:");

    let copy = Copy::of("layout-a");
    copy.write(
        &format!("{FERROL}/csctl.yaml"),
        &csctl("ferrol", "v1.30.4", "matrix"),
    );
    let place = format!("{FERROL}/node-images/config.yaml");
    let text = copy.read(&place).replace(
        "name: ubuntu-capi-image-v1.30.4",
        "name: ubuntu-capi-image v1.30.4",
    );
    copy.write(&place, &text);
    fs::remove_file(copy.path(&format!("{FERROL}/node-images.yaml"))).unwrap();
    refused(
        &copy,
        FERROL,
        "the image name `ubuntu-capi-image v1.30.4` is not a valid Kubernetes name (RFC 1123)",
    );
}

#[test]
fn an_existing_file_is_replaced() {
    let copy = Copy::of("layout-a");
    let release = release();
    let target = release.path().join("node-images.yaml");
    fs::write(&target, "old\n".repeat(10_000)).unwrap();
    create(&copy, FERROL, release.path()).success();
    let text = copy.read(&format!("{FERROL}/node-images/config.yaml"));
    assert_eq!(fs::read_to_string(&target).unwrap(), text);
    // A refusal leaves what was there.
    copy.write(
        &format!("{FERROL}/node-images/config.yaml"),
        "openStackNodeImages: []\n",
    );
    create(&copy, FERROL, release.path()).failure(1);
    assert_eq!(fs::read_to_string(&target).unwrap(), text);
    assert_eq!(names_in(release.path()), ["node-images.yaml"]);
    // A directory in its place cannot be replaced.
    fs::remove_file(&target).unwrap();
    fs::create_dir(&target).unwrap();
    copy.write(&format!("{FERROL}/node-images/config.yaml"), &text);
    let message = create(&copy, FERROL, release.path()).failure(1);
    assert!(
        message.starts_with(&format!("error: cannot write {}: ", target.display())),
        "{message}"
    );
    assert_eq!(names_in(release.path()), ["node-images.yaml"]);
}

#[cfg(unix)]
#[test]
fn the_file_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let copy = Copy::of("layout-a");
    let (release, usual) = (release(), release());
    create(&copy, FERROL, release.path()).success();
    fs::write(usual.path().join("usual"), "").unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        mode(release.path().join("node-images.yaml")),
        mode(usual.path().join("usual"))
    );
}

/// csctl looks for `csctl-openstack` in the current directory, then on the PATH.
#[cfg(unix)]
#[test]
fn the_plugin_goes_by_its_name() {
    let copy = Copy::of("layout-a");
    let bin = TempDir::new().unwrap();
    let call = |name: &str, release: &Path| -> Said {
        let plugin = bin.path().join(name);
        if !plugin.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_csctl-matrix"), &plugin).unwrap();
        }
        let mut command = Command::new(plugin);
        command.env_clear().current_dir(copy.root());
        command
            .arg("create-node-images")
            .arg(FERROL)
            .arg(release)
            .arg("");
        command.output().unwrap().into()
    };
    let place = release();
    call("csctl-openstack", place.path()).success();
    assert_eq!(
        fs::read_to_string(place.path().join("node-images.yaml")).unwrap(),
        copy.read(&format!("{FERROL}/node-images/config.yaml"))
    );
    let place = release();
    let message = call("csctl-docker", place.path()).failure(1);
    assert!(
        message.contains(
            "csctl.yaml: the provider is openstack, this is the plugin for docker\n  hint: "
        ),
        "{message}"
    );
    assert_eq!(names_in(place.path()), [""; 0]);
}

#[test]
fn paths_are_those_of_the_current_directory() {
    let copy = Copy::of("layout-a");
    fs::create_dir(copy.path("release")).unwrap();
    for arguments in [
        &["create-node-images", FERROL, "release"][..],
        &[
            "create-node-images",
            FERROL,
            "./release",
            "registry.example.org/images",
        ],
    ] {
        let output = program(arguments)
            .current_dir(copy.root())
            .output()
            .unwrap();
        let said = Said::from(output).success();
        assert!(
            said.contains("release/node-images.yaml written from "),
            "{said}"
        );
        fs::remove_file(copy.path("release/node-images.yaml")).unwrap();
    }
    // csctl may be called in the stack's own directory.
    let output = program(&["create-node-images", ".", "../../../../release", ""])
        .current_dir(copy.path(FERROL))
        .output()
        .unwrap();
    Said::from(output).success();
    assert!(copy.path("release/node-images.yaml").is_file());
}

#[test]
fn matrix_works_in_the_stacks_own_directory() {
    let copy = Copy::of("layout-d");
    copy.write(
        &format!("{SCS}/csctl.yaml"),
        &csctl("scs", "v1.34.6", "matrix"),
    );
    let place = release();
    let release = place.path().display().to_string();
    let output = program(&["create-node-images", ".", &release, ""])
        .current_dir(copy.path(SCS))
        .output()
        .unwrap();
    Said::from(output).success();
    assert_eq!(versions_in(place.path()), ["v1.34.6"]);
}

#[test]
fn too_few_arguments_are_wrong_usage() {
    program::run(&["create-node-images"]).failure(2);
    program::run(&["create-node-images", "a"]).failure(2);
    program::run(&["create-node-images", "a", "b", "c", "d"]).failure(2);
}

/// The whole way, where csctl is installed.
#[cfg(unix)]
#[test]
fn csctl_itself_takes_the_plugin() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|folder| folder.join("csctl").is_file()) {
        println!("skipped: csctl is not on the PATH");
        return;
    }
    let (copy, bin) = (Copy::of("layout-a"), TempDir::new().unwrap());
    std::os::unix::fs::symlink(
        env!("CARGO_BIN_EXE_csctl-matrix"),
        bin.path().join("csctl-openstack"),
    )
    .unwrap();
    let folders = [bin.path().to_owned()]
        .into_iter()
        .chain(std::env::split_paths(&path));
    let output = Command::new("csctl")
        .args(["create", FERROL, "--output", "release", "--mode", "hash"])
        .env("PATH", std::env::join_paths(folders).unwrap())
        .current_dir(copy.commit().root())
        .output()
        .unwrap();
    let said = Said::from(output);
    assert_eq!(said.status, 0, "{}{}", said.stdout, said.stderr);
    let written = program::files_of(&copy.path("release"));
    let list = written
        .iter()
        .find(|(place, _)| place.ends_with("node-images.yaml"));
    assert_eq!(
        list.unwrap().1,
        copy.read(&format!("{FERROL}/node-images/config.yaml"))
            .as_bytes()
    );
}
