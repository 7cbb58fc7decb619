//! `release build --vendor`: charts come into the release from their repositories, each proved by the digest that its repository names.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::{build, layout_c, member, members, output, release};
use crate::support::program::{Copy, Said};
use crate::support::server::{Reply, Server};
use csctl_matrix::version::Sha256;

const CUSTOM: [&str; 4] = ["--mode", "custom", "--cluster-stack-version", "v7"];
const TAG: &str = "openstack-scs2-1-34-v7";
const ADDONS: &str = "openstack-scs2-1-34-cluster-addon-v7.tgz";

/// A server of charts: an index in each directory, an OCI registry below `/v2`.
struct Charts {
    server: Server,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Charts {
    fn start() -> Self {
        let files: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
        let offered = files.clone();
        let server = Server::start(move |request| {
            let files = offered.lock().unwrap();
            let path = request.path.split('?').next().unwrap();
            files
                .get(path)
                .map_or_else(|| Reply::status(404), |body| Reply::ok(body.clone()))
        });
        Self { server, files }
    }

    fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.files
            .lock()
            .unwrap()
            .insert(path.to_owned(), body.into());
    }

    /// Puts an index with these versions of a chart; returns the digest of the last archive.
    fn repository(&self, place: &str, name: &str, versions: &[&str]) -> Sha256 {
        let mut index = format!("apiVersion: v1\nentries:\n  {name}:\n");
        let mut last = Sha256::of(b"");
        for version in versions {
            let archive = archive(name, version);
            last = Sha256::of(&archive);
            index += &format!(
                "  - name: {name}\n    version: {version}\n    digest: {}\n    urls: [{name}-{version}.tgz]\n",
                last.hex()
            );
            self.put(&format!("/{place}/{name}-{version}.tgz"), archive);
        }
        self.put(&format!("/{place}/index.yaml"), index);
        last
    }

    fn url(&self) -> String {
        self.server.url()
    }
}

/// The archive of a small chart, made with GNU tar.
pub(super) fn archive(name: &str, version: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join(name);
    std::fs::create_dir(&chart).unwrap();
    let text = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    std::fs::write(chart.join("Chart.yaml"), text).unwrap();
    let output = std::process::Command::new("tar")
        .args(["czf", "-", "--mtime=@0", name])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}

/// A repository with one addon that asks for a chart.
fn asking(dependency: &str) -> Copy {
    let copy = layout_c();
    let addons = "providers/openstack/scs2/cluster-addon";
    for other in ["ccm", "csi", "metrics-server"] {
        copy.write(
            &format!("{addons}/{other}/Chart.yaml"),
            &format!("apiVersion: v2\nname: {other}\nversion: v1\n"),
        );
    }
    let chart = format!("apiVersion: v2\nname: cni\nversion: v1\ndependencies:\n{dependency}");
    copy.write(&format!("{addons}/cni/Chart.yaml"), &chart)
        .commit();
    copy
}

fn vendor(copy: &Copy, options: &[&str]) -> Said {
    let cache = copy.cache();
    build(
        copy,
        &[&CUSTOM[..], &["--vendor", "--cache-dir", &cache], options].concat(),
    )
}

#[test]
fn a_range_is_resolved_and_locked_with_helm_s_digest() {
    let charts = Charts::start();
    charts.repository(
        "cilium",
        "cilium",
        &["1.18.9", "1.19.0", "1.19.2", "1.20.0-rc.1", "1.20.0"],
    );
    let url = format!("{}/cilium", charts.url());
    let copy = asking(&format!(
        "- name: cilium\n  repository: {url}\n  version: ~1.19.0\n"
    ));
    let before = copy.files();
    let said = vendor(&copy, &[]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(
        !said.stderr.contains("downloads the dependencies"),
        "{}",
        said.stderr
    );
    let built = release(&copy, TAG);
    let archives = members(&built[ADDONS]);
    let found = archives
        .iter()
        .find(|(path, _)| path == "cni/charts/cilium-1.19.2.tgz");
    assert_eq!(found.unwrap().1, archive("cilium", "1.19.2"));
    let lock = member(&built, ADDONS, "cni/Chart.lock");
    let seconds = copy.git(&["log", "-1", "--format=%cI"]);
    assert!(seconds.starts_with("2026-05-01T00:00:00"), "{seconds}");
    let digest = lock
        .lines()
        .find_map(|line| line.strip_prefix("digest: sha256:"))
        .unwrap();
    // As `HashReq` of Helm writes both lists, without white space.
    let json = format!(
        "[[{{\"name\":\"cilium\",\"version\":\"~1.19.0\",\"repository\":\"{url}\"}}],\
         [{{\"name\":\"cilium\",\"version\":\"1.19.2\",\"repository\":\"{url}\"}}]]"
    );
    assert_eq!(digest, Sha256::of(json.as_bytes()).hex());
    assert!(
        lock.ends_with("generated: \"2026-05-01T00:00:00Z\"\n"),
        "{lock}"
    );
    assert_eq!(copy.files(), before);
    // The same again, from another server's answers in the cache or not.
    assert!(
        vendor(&copy, &[])
            .success()
            .contains("already, with the same files")
    );
}

#[test]
fn a_lock_says_which_version_is_taken() {
    let charts = Charts::start();
    charts.repository("cilium", "cilium", &["1.19.0", "1.19.2"]);
    let url = format!("{}/cilium", charts.url());
    let copy = asking(&format!(
        "- name: cilium\n  repository: {url}\n  version: ~1.19.0\n"
    ));
    let lock = "providers/openstack/scs2/cluster-addon/cni/Chart.lock";
    let text = format!(
        "dependencies:\n- name: cilium\n  repository: {url}\n  version: 1.19.0\ndigest: sha256:x\n"
    );
    copy.write(lock, &text).commit();
    vendor(&copy, &[]).success();
    let built = release(&copy, TAG);
    assert!(
        members(&built[ADDONS])
            .iter()
            .any(|(path, _)| path == "cni/charts/cilium-1.19.0.tgz")
    );
    assert_eq!(member(&built, ADDONS, "cni/Chart.lock"), text);
    copy.write(lock, &text.replace("1.19.0", "1.18.0")).commit();
    let said = vendor(&copy, &["--force"]).failure(1);
    assert!(
        said.contains("Chart.lock has cilium 1.18.0, and ~1.19.0 is asked for"),
        "{said}"
    );
}

#[test]
fn what_is_not_proved_is_not_released() {
    let charts = Charts::start();
    charts.repository("cilium", "cilium", &["1.19.2"]);
    let url = format!("{}/cilium", charts.url());
    let index =
        String::from_utf8(charts.files.lock().unwrap()["/cilium/index.yaml"].clone()).unwrap();
    let digest = index.lines().find(|line| line.contains("digest:")).unwrap();
    for (version, change, words) in [
        (
            "1.19.2",
            Some(("/cilium/cilium-1.19.2.tgz", b"other bytes".to_vec())),
            "has the digest",
        ),
        (
            "1.19.2",
            Some((
                "/cilium/index.yaml",
                index.replace(digest, "    other: x").into_bytes(),
            )),
            "names no digest of cilium 1.19.2",
        ),
        ("1.21.0", None, "has no cilium 1.21.0"),
    ] {
        charts.repository("cilium", "cilium", &["1.19.2"]);
        if let Some((path, body)) = change {
            charts.put(path, body);
        }
        let copy = asking(&format!(
            "- name: cilium\n  repository: {url}\n  version: {version}\n"
        ));
        let said = vendor(&copy, &[]).failure(1);
        assert!(
            said.contains("cluster-addon/cni asks for cilium") && said.contains(words),
            "{said}"
        );
        assert!(!output(&copy).exists());
    }
    for (repository, words) in [
        ("\"@cilium\"", "which nobody can download from"),
        ("file://../other", "which nobody can download from"),
        (
            "http://127.0.0.1:9/none",
            "cluster-addon/cni asks for cilium",
        ),
    ] {
        let copy = asking(&format!(
            "- name: cilium\n  repository: {repository}\n  version: 1.19.2\n"
        ));
        let said = vendor(&copy, &[]).failure(1);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn charts_of_a_registry_are_proved_by_their_manifest() {
    let charts = Charts::start();
    let archive = archive("cilium", "1.19.2");
    let digest = Sha256::of(&archive);
    charts.put(
        "/v2/charts/cilium/tags/list",
        r#"{"name":"charts/cilium","tags":["1.19.0","1.19.2","latest"]}"#,
    );
    let manifest = format!(
        "{{\"schemaVersion\":2,\"layers\":[{{\"mediaType\":\"application/vnd.cncf.helm.chart.content.v1.tar+gzip\",\"size\":{},\
         \"digest\":\"sha256:{}\"}}]}}",
        archive.len(),
        digest.hex()
    );
    charts.put("/v2/charts/cilium/manifests/1.19.2", manifest);
    let blob = format!("/v2/charts/cilium/blobs/sha256:{}", digest.hex());
    charts.put(&blob, archive.clone());
    let host = charts.url().replace("http://", "oci://");
    let copy = asking(&format!(
        "- name: cilium\n  repository: {host}/charts\n  version: 1.19.x\n"
    ));
    vendor(&copy, &[]).success();
    let built = release(&copy, TAG);
    let found = members(&built[ADDONS])
        .into_iter()
        .find(|(path, _)| path == "cni/charts/cilium-1.19.2.tgz");
    assert_eq!(found.unwrap().1, archive);
    charts.put(&blob, b"other bytes".to_vec());
    let other = asking(&format!(
        "- name: cilium\n  repository: {host}/charts\n  version: 1.19.x\n"
    ));
    let said = vendor(&other, &[]).failure(1);
    assert!(said.contains("has the digest"), "{said}");
}
