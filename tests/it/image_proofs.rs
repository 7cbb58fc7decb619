//! What proves an image, by what its store publishes: an MD5 file beside it, or nothing at all. (`.CHECKSUM` files and registries are
//! the usual case, in `catalog_store` and `catalog_shapes`.)

use std::time::Duration;

use crate::support::program::{Copy, Said};
use crate::support::server::{Reply, Request, Server};
use crate::support::store::StoreServer;
use csctl_matrix::catalog::{Catalog, CatalogRequest, ImageProof, SourceKind, StoreRequest};
use csctl_matrix::io::catalog::{fetch, read_file, write_file};
use csctl_matrix::io::http::{HttpClient, HttpSettings};
use csctl_matrix::io::verify::verify;

const PATTERN: &str = "https://img.example/kvm/{os}-kube-v{version}-kvm.qcow2.bz2";
const CONTENT: &str = "abc";
/// Source: the test suite of RFC 1321.
const SUM: &str = "900150983cd24fb0d6963f7d28e17f72";

const BASE: &str = "https://images.example.org/k8s/";
const LIST: &str = "providers/openstack/demo/images.yaml";
const CSCTL: &str = "providers/openstack/demo/csctl.yaml";

/// Returns the patch of an image's path; the store has images of 1.34 for Ubuntu 24.04 alone.
fn patch_of(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    name.strip_prefix("ubuntu-2404-kube-v1.34.")?
        .split('-')
        .next()
}

fn is_md5(path: &str) -> bool {
    path.strip_suffix(".md5").is_some()
}

/// A store with the patches 0 to 6, in which every `.md5` file is written in another way.
fn md5_store(request: &Request) -> Reply {
    let missing = Reply::status(404);
    let Some(patch) = patch_of(&request.path) else {
        return missing;
    };
    if !matches!(patch, "0" | "1" | "2" | "3" | "4" | "5" | "6") {
        return missing;
    }
    let Some(image_path) = request.path.strip_suffix(".md5") else {
        return image(request);
    };
    let file = image_path.rsplit('/').next().unwrap();
    match patch {
        "0" => Reply::ok(format!("{SUM}  {file}\n")),
        "1" => Reply::ok(format!("{SUM} *{file}\n")),
        "2" => Reply::ok(format!("MD5 ({file}) = {}\n", SUM.to_uppercase())),
        "3" => Reply::ok(format!("{SUM}\n")),
        "4" => Reply::ok(format!("{SUM}{SUM}  {file}\n")),
        "5" => Reply::ok(format!("{SUM}  another-{file}\n")),
        _ => missing,
    }
}

/// Answers for the image alone: whatever stands beside it is not there.
fn image(request: &Request) -> Reply {
    if request.path.strip_suffix(".bz2").is_none() {
        return Reply::status(404);
    }
    Reply::ok(CONTENT)
        .with("Content-Type", "application/octet-stream")
        .with("Last-Modified", "Thu, 12 Mar 2026 11:00:00 GMT")
}

fn request(proof: ImageProof) -> CatalogRequest {
    let store = StoreRequest {
        minors: ["1.34".parse().unwrap()].into(),
        os_releases: ["ubuntu-2404".parse().unwrap()].into(),
        proof,
        ..StoreRequest::default()
    };
    CatalogRequest {
        stores: [(PATTERN.parse().unwrap(), store)].into(),
        ..CatalogRequest::default()
    }
}

fn client(server: &Server) -> HttpClient {
    let hosts = ["img.example", "api.github.com", "raw.githubusercontent.com"];
    let mirrors = hosts.map(|host| format!("https://{host}/={}/{host}/", server.url()));
    HttpClient::new(HttpSettings {
        mirrors: mirrors
            .map(|mirror| mirror.parse().unwrap())
            .into_iter()
            .collect(),
        retry_pause: Duration::from_millis(5),
        system_proxy: false,
        ..HttpSettings::default()
    })
}

async fn fetch_from(server: &Server, proof: ImageProof) -> Catalog {
    let day = "2026-04-01".parse().unwrap();
    fetch(&request(proof), &client(server), day).await
}

fn versions(catalog: &Catalog) -> Vec<String> {
    let images = catalog.image_stores[0].images.iter();
    images.map(|image| image.version.to_string()).collect()
}

fn faulty(catalog: &Catalog) -> Vec<String> {
    let images = catalog.image_stores[0].faulty.iter();
    images
        .map(|image| format!("{}: {}", image.version, image.reason))
        .collect()
}

#[tokio::test]
async fn an_md5_file_proves_an_image_where_the_store_has_such_files() {
    let server = Server::start(md5_store);
    let catalog = fetch_from(&server, ImageProof::Md5File).await;
    assert_eq!(
        versions(&catalog),
        ["v1.34.0", "v1.34.1", "v1.34.2", "v1.34.3"]
    );
    for image in &catalog.image_stores[0].images {
        assert_eq!(image.md5.as_ref().unwrap().hex(), SUM, "{}", image.url);
        assert!(image.sha256.is_none() && !image.unproved, "{}", image.url);
        assert_eq!(image.built.unwrap().to_string(), "2026-03-12");
    }
    let found = faulty(&catalog);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(
        found[0],
        "v1.34.4: the checksum has 64 digits instead of 32"
    );
    let other = "another-ubuntu-2404-kube-v1.34.5-kvm.qcow2.bz2";
    assert_eq!(
        found[1],
        format!("v1.34.5: the checksum file is for another file, `{other}`")
    );
    assert!(
        found[2].starts_with("v1.34.6: no checksum: ") && found[2].ends_with(".md5 answers 404"),
        "{found:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.yaml");
    write_file(&path, &catalog).unwrap();
    assert_eq!(read_file(&path).unwrap(), catalog);
}

#[tokio::test]
async fn a_store_is_asked_for_the_files_that_it_has_and_no_others() {
    let server = Server::start(md5_store);
    // Its `.md5` files are no `.CHECKSUM` files: without being told, nothing of it counts.
    let catalog = fetch_from(&server, ImageProof::ChecksumFile).await;
    assert_eq!(versions(&catalog), [""; 0]);
    let asked_for = |ending: &str| {
        let log = server.log();
        log.iter().filter(|ask| ask.path.ends_with(ending)).count()
    };
    assert!(asked_for(".CHECKSUM") > 0 && asked_for(".md5") == 0);
    server.clear_log();
    fetch_from(&server, ImageProof::Md5File).await;
    assert!(asked_for(".CHECKSUM") == 0 && asked_for(".md5") > 0);
    server.clear_log();
    let catalog = fetch_from(&server, ImageProof::None).await;
    assert_eq!(asked_for(".CHECKSUM") + asked_for(".md5"), 0);
    assert_eq!((versions(&catalog).len(), faulty(&catalog).len()), (7, 0));
    let images = &catalog.image_stores[0].images;
    assert!(images.iter().all(|image| image.unproved), "{images:?}");
    assert!(images.iter().all(|image| image.checksum().is_none()));
}

#[tokio::test]
async fn a_page_in_the_place_of_an_image_is_none_without_checksums_either() {
    let server = Server::start(|request| match patch_of(&request.path) {
        Some("0") => image(request),
        _ => Reply::ok("<!DOCTYPE html><title>Not here</title>").with("Content-Type", "text/html"),
    });
    let catalog = fetch_from(&server, ImageProof::None).await;
    assert_eq!(versions(&catalog), ["v1.34.0"]);
}

#[tokio::test]
async fn a_store_without_checksums_that_refuses_head_is_asked_for_the_first_byte() {
    let server = Server::start(|request| {
        if request.method == "HEAD" {
            return Reply::status(405);
        }
        match patch_of(&request.path) {
            Some("0" | "1") => image(request),
            _ => Reply::status(404),
        }
    });
    let catalog = fetch_from(&server, ImageProof::None).await;
    assert_eq!(versions(&catalog), ["v1.34.0", "v1.34.1"]);
    let mut failed = catalog.unreachable.iter();
    assert!(failed.all(|source| source.kind != SourceKind::ImageStore));
}

#[tokio::test]
async fn content_that_is_not_what_its_md5_file_says_is_found_by_a_download() {
    let server = Server::start(|request| match patch_of(&request.path) {
        Some("0") if is_md5(&request.path) => Reply::ok(SUM),
        Some("1") if is_md5(&request.path) => Reply::ok("0".repeat(32)),
        Some("0" | "1") => image(request),
        _ => Reply::status(404),
    });
    let mut catalog = fetch_from(&server, ImageProof::Md5File).await;
    assert_eq!(versions(&catalog), ["v1.34.0", "v1.34.1"]);
    let wanted = request(ImageProof::Md5File);
    verify(&mut catalog, &wanted, &client(&server)).await;
    assert_eq!(versions(&catalog), ["v1.34.0"]);
    let zeros = "0".repeat(32);
    let told = format!("v1.34.1: its content has the checksum {SUM}, its .md5 says {zeros}");
    assert_eq!(faulty(&catalog), [told]);
}

/// A stack at v1.34.6 with one list of openstack-image-manager, and what its configuration says of its store.
fn stack(checksum: &str, config: &str) -> Copy {
    let copy = Copy::of("layout-c");
    std::fs::remove_dir_all(copy.path("providers")).unwrap();
    copy.write("csctl-matrix.yaml", config);
    copy.write(CSCTL, "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  clusterStackName: demo\n  kubernetesVersion: v1.34.6\n  provider:\n    apiVersion: openstack.csctl.clusterstack.x-k8s.io/v1alpha1\n    type: openstack\n");
    copy.write(LIST, &list(&[("1.34.6", checksum)]));
    copy
}

fn list(images: &[(&str, &str)]) -> String {
    let head = "images:\n  - name: ubuntu-capi-image\n    enable: true\n    format: qcow2\n    login: ubuntu\n    min_disk: 20\n    min_ram: 1024\n    status: active\n    visibility: public\n    multi: false\n    separator: \"-\"\n    meta:\n      architecture: x86_64\n      hw_disk_bus: scsi\n      hw_rng_model: virtio\n      hypervisor_type: qemu\n      os_distro: ubuntu\n      os_purpose: k8snode\n      provided_until: none\n      replace_frequency: never\n      uuid_validity: none\n    versions:\n";
    let entry = |(version, checksum): &(&str, &str)| {
        format!(
            "      - version: v{version}\n        url: {BASE}ubuntu-2404-kube-v{version}.qcow2\n{checksum}        build_date: 2026-05-13\n"
        )
    };
    let entries: String = images.iter().map(entry).collect();
    format!("{head}{entries}")
}

fn md5_line(sum: &str) -> String {
    format!("        checksum: md5:{sum}\n")
}

/// A store with the images of v1.34.6 and v1.34.7, each with this beside it.
fn world(beside: Option<&str>) -> StoreServer {
    let world = StoreServer::start();
    for version in ["1.34.6", "1.34.7"] {
        let url = format!("{BASE}ubuntu-2404-kube-v{version}.qcow2");
        world.file(&url, CONTENT, "application/octet-stream", "2026-05-13");
        if let Some(text) = beside {
            world.file(&format!("{url}.md5"), text, "text/plain", "2026-05-13");
        }
    }
    world
}

fn run(copy: &Copy, world: &StoreServer, words: &[&str]) -> Said {
    let mirrors = world.mirror_arguments();
    let day = ["--minor", "1.34", "--as-of", "2026-06-15"];
    let mut arguments: Vec<&str> = words.iter().chain(&day).copied().collect();
    arguments.extend(mirrors.iter().map(String::as_str));
    copy.run(&arguments)
}

#[test]
fn a_list_with_md5_sums_gets_the_md5_sum_of_the_next_image() {
    let copy = stack(&md5_line(SUM), "imageStore: {proof: md5}\n");
    let world = world(Some(SUM));
    let said = run(&copy, &world, &["plan"]).success();
    assert!(said.contains("image and checksum proved"), "{said}");
    run(&copy, &world, &["update", "--images", "newest=2"]).success();
    let sums = md5_line(SUM);
    let images = [("1.34.6", sums.as_str()), ("1.34.7", sums.as_str())];
    let (mut ascending, mut descending) = (images, images);
    ascending.sort_unstable();
    descending.reverse();
    let written = copy.read(LIST);
    assert!(
        written == list(&ascending) || written == list(&descending),
        "{written}"
    );
    assert!(copy.read(CSCTL).contains("kubernetesVersion: v1.34.7"));
}

#[test]
fn a_list_with_sha_512_sums_gets_the_sha_512_sum_of_the_next_image() {
    let sum = "b".repeat(128);
    let line = format!("        checksum: sha512:{sum}\n");
    let copy = stack(&line, "");
    let world = world(None);
    for version in ["1.34.6", "1.34.7"] {
        let file = format!("ubuntu-2404-kube-v{version}.qcow2");
        let text = format!("SHA512 ({file}) = {sum}\n");
        let url = format!("{BASE}{file}.CHECKSUM");
        world.file(&url, &text, "text/plain", "2026-05-13");
    }
    run(&copy, &world, &["update", "--images", "newest=2"]).success();
    let written = copy.read(LIST);
    assert_eq!(written.matches(&line).count(), 2, "{written}");
    assert!(copy.read(CSCTL).contains("kubernetesVersion: v1.34.7"));
}

#[test]
fn an_image_that_has_another_md5_sum_than_the_list_says_is_a_rebuilt_one() {
    let copy = stack(&md5_line(&"0".repeat(32)), "imageStore: {proof: md5}\n");
    let world = world(Some(SUM));
    let said = run(&copy, &world, &["plan"]).success();
    assert!(said.contains("with another checksum"), "{said}");
    run(&copy, &world, &["update", "--change", "os-release"]).success();
    let written = copy.read(LIST);
    assert_eq!(written.matches(&md5_line(SUM)).count(), 1, "{written}");
    assert!(!written.contains(&"0".repeat(32)), "{written}");
}

#[test]
fn a_list_with_sha_256_sums_does_not_take_an_image_with_an_md5_sum() {
    let sum = format!("        checksum: sha256:{}\n", "a".repeat(64));
    let copy = stack(&sum, "imageStore: {proof: md5}\n");
    let said = run(&copy, &world(Some(SUM)), &["plan"]).success();
    assert!(said.contains("gives no SHA-256 checksum"), "{said}");
}

#[test]
fn images_that_nothing_proves_are_listed_and_said_to_be_so() {
    let copy = stack("", "imageStore: {proof: none}\n");
    let world = world(None);
    let told = format!("nothing proves the images from {BASE}");
    let found = copy.run(&["check"]).stdout;
    assert!(
        found.contains("warning[image-unproved]") && found.contains(&told),
        "{found}"
    );
    let said = run(&copy, &world, &["plan"]).success();
    assert!(
        said.contains("image is there, and nothing proves it"),
        "{said}"
    );
    let said = run(&copy, &world, &["update", "--images", "newest=2"]).success();
    assert!(said.contains(&format!("note   {told}")), "{said}");
    let written = copy.read(LIST);
    assert!(
        written.contains("kube-v1.34.7.qcow2") && !written.contains("checksum"),
        "{written}"
    );
    // A plan without a change says it as well.
    let said = run(&copy, &world, &["plan"]).success();
    assert!(said.contains(&told), "{said}");
}

#[test]
fn a_list_with_checksums_does_not_take_an_image_that_nothing_proves() {
    let copy = stack(&md5_line(SUM), "imageStore: {proof: none}\n");
    let said = run(&copy, &world(None), &["plan"]).success();
    assert!(said.contains("gives no MD5 checksum"), "{said}");
}

#[test]
fn an_unknown_proof_is_told_with_those_there_are() {
    let copy = stack("", "imageStore: {proof: sha1}\n");
    let said = copy.run(&["check"]).failure(1);
    for proof in ["`checksum`", "`md5`", "`none`"] {
        assert!(said.contains(proof), "{said}");
    }
    assert!(!said.contains("`digest`"), "{said}");
}
