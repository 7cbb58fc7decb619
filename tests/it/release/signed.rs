//! `release publish --sign`: what cosign is told, by a script in its place, and what becomes of a release that it does not sign.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::layout_c;
use super::publishing::{CUSTOM, TAG, written};
use crate::support::program::{self, Copy, Said};
use crate::support::registry::{Door, Kept, LOGIN, Registry};
use csctl_matrix::version::Sha256;

/// Writes down what it is told.
const SCRIPT: &str = r#"
here=$(dirname "$0")
for argument in "$@"; do echo "$argument" >> "$here/arguments"; done
echo "$COSIGN_EXPERIMENTAL $COSIGN_PASSWORD" > "$here/environment"
if [ -n "$DOCKER_CONFIG" ]; then
  cat "$DOCKER_CONFIG/config.json" > "$here/config"
  echo "$DOCKER_CONFIG" > "$here/place"
  stat -c '%a' "$DOCKER_CONFIG" "$DOCKER_CONFIG/config.json" > "$here/modes"
fi
echo "signing as told" >&2
"#;

/// A directory with a cosign.
struct Signer(TempDir);

impl Signer {
    fn start(end: &str) -> Self {
        let folder = TempDir::new().unwrap();
        program::install_script(&folder.path().join("cosign"), &format!("{SCRIPT}{end}"));
        Self(folder)
    }

    fn told(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_default()
    }

    fn publish(&self, copy: &Copy, registry: &Registry, options: &[&str]) -> Said {
        self.command(copy, registry, options)
            .output()
            .unwrap()
            .into()
    }

    fn command(&self, copy: &Copy, registry: &Registry, options: &[&str]) -> Command {
        let root = copy.root().display().to_string();
        let first = ["-C", &root, "release", "publish", "--no-git-tag", "--sign"];
        let mut command = program::program(&[&first[..], &CUSTOM, options].concat());
        let repository = format!("{}/team/stacks", registry.host());
        let (user, password) = LOGIN.split_once(':').unwrap();
        command
            .env("NO_PROXY", "*")
            .env("PATH", format!("{}:/usr/bin:/bin", self.0.path().display()))
            .env("OCI_REPOSITORY", repository)
            .env("OCI_USERNAME", user)
            .env("OCI_PASSWORD", password)
            .env("COSIGN_PASSWORD", "of-the-key");
        command
    }
}

fn with_referrers(door: Door) -> Registry {
    let registry = Registry::start(door);
    registry.kept.lock().unwrap().has_referrers = true;
    registry
}

fn digest(kept: &Kept) -> String {
    format!("sha256:{}", Sha256::of(&kept.manifests[TAG]))
}

#[test]
fn a_release_is_signed_by_its_digest_and_without_a_tag() {
    let copy = layout_c();
    let registry = with_referrers(Door::Basic);
    let signer = Signer::start("");
    let said = signer.publish(
        &copy,
        &registry,
        &["--sign-key", "cosign.key", "--format", "json"],
    );
    assert!(said.stderr.contains("signing as told"), "{}", said.stderr);
    let report = said.json();
    assert_eq!(report["releases"][0]["signed"], true);
    let digest = digest(&registry.kept.lock().unwrap());
    let place = format!("{}/team/stacks@{digest}", registry.host());
    let arguments = signer.told("arguments");
    let arguments: Vec<&str> = arguments.lines().collect();
    assert_eq!(
        arguments,
        [
            "sign",
            "--yes",
            "--registry-referrers-mode=oci-1-1",
            "--key=cosign.key",
            &place
        ]
    );
    assert_eq!(signer.told("environment"), "1 of-the-key\n");
    // The login is in a file that nobody else reads, and that is gone.
    let config: Value = serde_json::from_str(&signer.told("config")).unwrap();
    let pair = "bWU6czNjcmV0LXdvcmQtMDEyMw==";
    assert_eq!(
        config,
        json!({ "auths": { registry.host(): { "auth": pair } } })
    );
    assert_eq!(signer.told("modes"), "700\n600\n");
    let place = signer.told("place");
    assert!(!fs::exists(place.trim()).unwrap(), "{place}");
    // A release that is there gets no second one.
    let said = signer.publish(&copy, &registry, &[]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(said.stderr.contains("is not signed now"), "{}", said.stderr);
    assert_eq!(signer.told("arguments").lines().count(), 5);
}

#[test]
fn what_is_not_signed_gets_no_tag_and_is_signed_by_the_next_run() {
    let copy = layout_c();
    let registry = with_referrers(Door::Basic);
    let error = Signer::start("exit 7")
        .publish(&copy, &registry, &[])
        .failure(1);
    assert!(
        error.contains("`cosign sign` ended with status 7"),
        "{error}"
    );
    assert!(error.contains("run it again"), "{error}");
    assert!(registry.tags().is_empty());
    // It was there for cosign to be signed.
    assert_eq!(registry.kept.lock().unwrap().manifests.len(), 3);
    let signer = Signer::start("");
    signer
        .publish(&copy, &registry, &["--no-attestations"])
        .success();
    assert_eq!(registry.tags(), [TAG]);
    assert!(
        signer
            .told("arguments")
            .ends_with(&format!("@{}\n", digest(&registry.kept.lock().unwrap())))
    );
}

#[test]
fn without_cosign_or_references_nothing_is_published() {
    let copy = layout_c();
    let registry = with_referrers(Door::Open);
    let folder = Signer(TempDir::new().unwrap());
    let error = folder.publish(&copy, &registry, &[]).failure(1);
    assert!(error.contains("cosign is not installed"), "{error}");
    assert_eq!(written(&registry).len(), 0);

    // cosign would write a tag there.
    let plain = Registry::start(Door::Open);
    let signer = Signer::start("");
    let error = signer
        .publish(&copy, &plain, &["--no-attestations"])
        .failure(1);
    assert!(
        error.contains("would be a tag, which stops csctl"),
        "{error}"
    );
    assert_eq!(written(&plain).len(), 0);
    assert_eq!(signer.told("arguments"), "");
}

#[test]
fn a_login_that_cannot_be_handed_over_leaves_no_tag() {
    let copy = layout_c();
    let registry = with_referrers(Door::Basic);
    let signer = Signer::start("");
    let mut command = signer.command(&copy, &registry, &[]);
    let said: Said = command.env("TMPDIR", "/dev/null").output().unwrap().into();
    let error = said.failure(1);
    assert!(
        error.contains("cannot hand the login over to cosign"),
        "{error}"
    );
    assert!(registry.tags().is_empty());
    assert_eq!(signer.told("arguments"), "");
}

#[test]
fn a_dry_run_signs_nothing() {
    let copy = layout_c();
    let registry = with_referrers(Door::Open);
    let signer = Signer::start("");
    let said = signer.publish(&copy, &registry, &["--dry-run"]).success();
    assert!(said.contains("signed         with cosign"), "{said}");
    assert_eq!(signer.told("arguments"), "");
}
