//! `--verify-images` downloads what would be listed and believes its content, not its checksum file.

use crate::support::program::Copy;
use crate::support::store::StoreServer;
use sha2::Digest;

const BASE: &str = "https://images.example.org/openstack-k8s-capi-images/ubuntu-2404-kube-v1.34/";

#[test]
fn an_image_that_is_not_what_its_checksum_says_is_held() {
    let world = StoreServer::start();
    let right = sum("content of seven");
    serve(&world, "1.34.7", "content of seven", &right);
    serve(&world, "1.34.8", "content of eight", &right);
    let copy = Copy::of("layout-c");
    let mirrors = world.mirror_arguments();
    let mut arguments = vec!["plan", "--minor", "1.34", "--as-of", "2026-06-15"];
    arguments.extend(mirrors.iter().map(String::as_str));

    let trusting = copy.run(&arguments).success();
    assert!(trusting.contains("v1.34.6 -> v1.34.8"), "{trusting}");

    arguments.push("--verify-images");
    let verifying = copy.run(&arguments).success();
    assert!(verifying.contains("v1.34.6 -> v1.34.7"), "{verifying}");
    let held = format!(
        "v1.34.8: its content has the checksum {}, its .CHECKSUM says {right}",
        sum("content of eight")
    );
    assert!(verifying.contains(&held), "{verifying}");
    let downloads = world
        .log()
        .iter()
        .filter(|ask| {
            ask.method == "GET" && !ask.path.contains("CHECKSUM") && ask.path.contains("qcow2")
        })
        .count();
    assert_eq!(
        downloads, 2,
        "each image that is not listed is downloaded once"
    );
}

fn serve(world: &StoreServer, version: &str, content: &str, sum: &str) {
    let file = format!("ubuntu-2404-kube-v{version}.qcow2");
    world.file(
        &format!("{BASE}{file}"),
        content,
        "application/octet-stream",
        "2026-05-13",
    );
    world.file(
        &format!("{BASE}{file}.CHECKSUM"),
        &format!("{sum}  {file}\n"),
        "text/plain",
        "2026-05-13",
    );
}

fn sum(content: &str) -> String {
    let digest = sha2::Sha256::digest(content.as_bytes());
    digest
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
