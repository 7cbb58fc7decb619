//! Method `build`: images are built by a stand-in for Packer and uploaded to a stand-in for a store. The faults of the plugin that csctl
//! has are promises here: right URLs, Swift, a source tree that stays as it is, certificates, names with versions, checksums, errors on
//! stderr, secrets that nobody sees.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{FERROL, csctl, names_in};
use crate::support::bucket::{Bucket, KEY, refusal};
use crate::support::program::{Copy, Said, install_script, program};
use crate::support::server::{Reply, refusing_url};

const SECRET: &str = "very-secret-key-of-the-bucket";

const LIST: &str = "# Images of the stack
apiVersion: openstack.infrastructure.clusterstack.x-k8s.io/v1alpha1
openStackNodeImages:
- url: \"\"
  imageDir: control-plane # Packer's
  createOpts: # as the cloud wants it
    name: control-plane-v1.30.4
    disk_format: qcow2
    container_format: bare
    visibility: shared
    properties:
      os_purpose: k8snode
- imageDir: worker
  url: https://old.example.org/worker
  createOpts:
    container_format: bare
    disk_format: raw
    name: worker-v1.30.4
";

/// Refuses an output directory that exists, as Packer does, and notes how it was called.
const PACKER: &str = r#"
echo "$*" >>"$PACKER_LOG"
[ "$1" = build ] || exit 0
for word in "$@"; do
  case $word in
    build_name=*) name=${word#build_name=} ;;
    output_directory=*) output=${word#output_directory=} ;;
  esac
  template=$word
done
if [ -e "$output" ]; then echo "Output directory exists" >&2; exit 1; fi
mkdir "$output"
echo "==> building $name with $AWS_SECRET_ACCESS_KEY"
if [ -e "$template/fails" ]; then echo "the machine does not start" >&2; exit 3; fi
if [ -e "$template/hangs" ]; then echo $$ >"$PACKER_LOG.pid"; while [ ! -e "$PACKER_LOG.go" ]; do sleep 0.1; done; fi
if [ -e "$template/elsewhere" ]; then echo >"$output/disk-0"; exit 0; fi
cat "$template/content" >"$output/$name"
"#;

/// A stack, a store, and everything that a call needs.
struct Site {
    copy: Copy,
    bucket: Bucket,
    place: TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self {
            copy: Copy::of("layout-a"),
            bucket: Bucket::start(),
            place: TempDir::new().unwrap(),
        };
        install_script(&site.path("bin/packer"), PACKER);
        for folder in ["release", "tmp"] {
            fs::create_dir(site.path(folder)).unwrap();
        }
        site.write("csctl.yaml", &csctl("ferrol", "v1.30.4", "build"));
        site.write("node-images/config.yaml", LIST);
        for (name, text) in [
            ("control-plane", "packer {\n  required_plugins {\n  }\n}\n"),
            ("worker", "source {}\n"),
        ] {
            site.write(&format!("node-images/{name}/image.pkr.hcl"), text);
            site.write(
                &format!("node-images/{name}/content"),
                &format!("image {name}\n"),
            );
        }
        site.registry(&format!("  accessKey: {KEY}\n  secretKey: {SECRET}\n"));
        site
    }

    /// A path beside the repository.
    fn path(&self, place: &str) -> PathBuf {
        self.place.path().join(place)
    }

    /// Writes a file of the stack.
    fn write(&self, place: &str, text: &str) {
        self.copy.write(&format!("{FERROL}/{place}"), text);
    }

    fn registry(&self, keys: &str) {
        self.registry_at("S3", &self.bucket.url(), keys);
    }

    fn registry_at(&self, kind: &str, endpoint: &str, keys: &str) {
        let text =
            format!("type: {kind}\nconfig:\n  endpoint: {endpoint}\n  bucket: images\n{keys}");
        fs::write(self.path("registry.yaml"), text).unwrap();
    }

    fn command(&self) -> Command {
        let (stack, release) = (self.copy.path(FERROL), self.path("release"));
        let mut command = program(&["create-node-images"]);
        command
            .args([stack, release, self.path("registry.yaml")])
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.path("bin").display()),
            )
            .env("TMPDIR", self.path("tmp"))
            .env("PACKER_LOG", self.path("packer.log"))
            .env("NO_PROXY", "*")
            .current_dir(self.place.path());
        command
    }

    /// Runs it. Whatever happens, no secret is shown, nothing temporary is left, and the stack stays as it is.
    fn run(&self) -> Said {
        self.run_as(self.command())
    }

    fn run_as(&self, mut command: Command) -> Said {
        let before = self.copy.files();
        let said = Said::from(command.output().unwrap());
        assert!(
            !said.stdout.contains(SECRET) && !said.stderr.contains(SECRET),
            "{}{}",
            said.stdout,
            said.stderr
        );
        assert_eq!(self.copy.files(), before);
        if let Ok(left) = fs::read_dir(self.path("tmp")) {
            assert_eq!(left.count(), 0, "{}", said.stderr);
        }
        said
    }

    /// Runs it where it must be refused, and returns the error.
    #[track_caller]
    fn refused(&self, expected: &str) -> String {
        let said = self.run();
        assert_eq!(said.stdout, "");
        let message = said.failure(1);
        assert!(
            message.contains("error: ") && message.contains("\n  hint: "),
            "{message}"
        );
        assert!(message.contains(expected), "{expected} is not in {message}");
        assert_eq!(names_in(&self.path("release")), [""; 0], "{message}");
        message
    }

    /// The calls of Packer so far.
    fn calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("packer.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// The list that was released.
    fn released(&self) -> String {
        fs::read_to_string(self.path("release/node-images.yaml")).unwrap()
    }

    fn contents(&self) -> BTreeMap<String, String> {
        let objects = self.bucket.objects().into_iter();
        objects
            .map(|(name, object)| (name, String::from_utf8(object.body).unwrap()))
            .collect()
    }
}

fn sum(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

const FIRST: &str = "control-plane/control-plane-v1.30.4.qcow2";
const SECOND: &str = "worker/worker-v1.30.4.raw";

fn expected_objects() -> BTreeMap<String, String> {
    let first = sum("image control-plane\n");
    let second = sum("image worker\n");
    [
        (FIRST.to_owned(), "image control-plane\n".to_owned()),
        (
            format!("{FIRST}.CHECKSUM"),
            format!("{first}  control-plane-v1.30.4.qcow2\n"),
        ),
        (SECOND.to_owned(), "image worker\n".to_owned()),
        (
            format!("{SECOND}.CHECKSUM"),
            format!("{second}  worker-v1.30.4.raw\n"),
        ),
    ]
    .into()
}

#[test]
fn two_images_are_built_uploaded_and_named() {
    let site = Site::new();
    let said = site.run();
    assert!(
        said.stderr.contains("==> building control-plane with"),
        "{}",
        said.stderr
    );
    let length = "image worker\n".len();
    let uploaded = format!(
        "{SECOND}: uploaded, {length} bytes, SHA-256 {}",
        sum("image worker\n")
    );
    assert!(said.stderr.contains(&uploaded), "{}", said.stderr);
    let told = said.success();
    assert!(
        told.contains("release/node-images.yaml written from the images that "),
        "{told}"
    );
    assert!(!told.contains("==>"), "{told}");
    let calls = site.calls();
    let stack = site.copy.path(FERROL);
    let words: Vec<Vec<&str>> = calls.iter().map(|call| call.split(' ').collect()).collect();
    let template = |name: &str| stack.join("node-images").join(name).display().to_string();
    assert_eq!(words.len(), 3, "{calls:?}");
    assert_eq!(words[0], ["init", &template("control-plane")]);
    for (call, name) in [(&words[1], "control-plane"), (&words[2], "worker")] {
        assert_eq!(
            call[..4],
            ["build", "-var", &format!("build_name={name}"), "-var"]
        );
        assert!(
            call[4].starts_with(&format!("output_directory={}", site.path("tmp").display())),
            "{call:?}"
        );
        assert_eq!(call[5..], [template(name)]);
    }
    assert_ne!(words[1][4], words[2][4]);
    assert_eq!(site.contents(), expected_objects());
    assert_eq!(site.bucket.open_uploads(), 0);
    let base = format!("{}/images", site.bucket.url());
    let expected = LIST
        .replace(
            "\"\"\n  imageDir: control-plane # Packer's",
            &format!("\"{base}/{FIRST}\""),
        )
        .replace(
            "- imageDir: worker\n  url: https://old.example.org/worker",
            &format!("- url: {base}/{SECOND}"),
        );
    assert_eq!(site.released(), expected);
    // The URL was asked as the operator asks it, before the list was written.
    let heads = site.bucket.log().into_iter().filter(|one| {
        one.method == "HEAD" && !one.headers.iter().any(|(name, _)| name == "authorization")
    });
    assert_eq!(heads.count(), 2);
}

#[test]
fn a_second_run_builds_and_uploads_nothing() {
    let site = Site::new();
    site.run().success();
    let first = site.released();
    fs::remove_file(site.path("release/node-images.yaml")).unwrap();
    fs::remove_file(site.path("packer.log")).unwrap();
    site.bucket.clear_log();
    let said = site.run();
    assert!(
        said.stderr
            .contains(&format!("{FIRST}: is there already, ")),
        "{}",
        said.stderr
    );
    said.success();
    assert_eq!(site.calls(), [""; 0]);
    assert_eq!(site.bucket.writes(), [""; 0]);
    assert_eq!(site.released(), first);
}

/// Where the store keeps no metadata, the content alone tells whether an image is the same.
#[test]
fn a_store_without_metadata_is_compared_by_content() {
    let site = Site::new();
    site.bucket.drop_metadata();
    site.run().success();
    fs::remove_file(site.path("release/node-images.yaml")).unwrap();
    site.bucket.clear_log();
    let said = site.run();
    assert!(
        said.stderr.contains("not uploaded again"),
        "{}",
        said.stderr
    );
    said.success();
    assert_eq!(site.bucket.writes(), [""; 0]);
    assert_eq!(site.calls().len(), 6);
    // One whose checksum got lost is compared with what the store serves, and gets it back.
    fs::remove_file(site.path("release/node-images.yaml")).unwrap();
    site.bucket.remove(&format!("{FIRST}.CHECKSUM"));
    site.run().success();
    assert_eq!(site.contents(), expected_objects());
    // Another content, of the same size and of another one, takes nobody's place.
    fs::remove_file(site.path("release/node-images.yaml")).unwrap();
    for (content, how) in [
        ("IMAGE control-plane\n", "has another content"),
        ("more", "has another size"),
    ] {
        site.write("node-images/control-plane/content", content);
        site.refused(&format!("{FIRST} is there already and {how}"));
        assert_eq!(site.contents(), expected_objects());
    }
}

#[test]
fn an_image_of_another_template_is_refused_before_anything_is_built() {
    let site = Site::new();
    site.run().success();
    fs::remove_file(site.path("release/node-images.yaml")).unwrap();
    fs::remove_file(site.path("packer.log")).unwrap();
    site.write("node-images/worker/content", "changed\n");
    site.refused(&format!(
        "{SECOND} is there already and was built from another template"
    ));
    assert_eq!(site.calls(), [""; 0]);
    assert_eq!(site.contents(), expected_objects());
    // With another name it is another image, and the older release keeps its own.
    site.write(
        "node-images/config.yaml",
        &LIST.replace("worker-v1.30.4", "worker-v1.30.4-2"),
    );
    site.run().success();
    let contents = site.contents();
    assert_eq!(contents["worker/worker-v1.30.4-2.raw"], "changed\n");
    assert_eq!(contents[SECOND], "image worker\n");
}

/// A way to make a call that cannot succeed.
type Breakage = fn(&Site);

/// Breaks a call in each way by itself: it is refused with this message, and nothing is built or uploaded.
fn each_is_refused(ways: &[(Breakage, &str)]) {
    for (break_site, expected) in ways {
        let site = Site::new();
        break_site(&site);
        site.refused(expected);
        assert_eq!(site.calls(), [""; 0], "{expected}");
        assert_eq!(site.bucket.objects().len(), 0, "{expected}");
        assert_eq!(site.bucket.open_uploads(), 0, "{expected}");
    }
}

#[test]
fn the_source_tree_is_checked_before_packer_starts() {
    each_is_refused(&[
        (
            |site| site.write("node-images/config.yaml", "a: b\n"),
            "config.yaml: `apiVersion` is missing",
        ),
        (
            |site| {
                fs::remove_file(site.copy.path(&format!("{FERROL}/node-images/config.yaml")))
                    .unwrap();
            },
            "config.yaml: No such file",
        ),
        (
            |site| {
                fs::remove_dir_all(site.copy.path(&format!("{FERROL}/node-images/worker")))
                    .unwrap();
            },
            "node-images/worker: is not a directory",
        ),
        (
            |site| {
                fs::remove_file(
                    site.copy
                        .path(&format!("{FERROL}/node-images/worker/image.pkr.hcl")),
                )
                .unwrap();
            },
            "has no Packer template",
        ),
    ]);
}

#[test]
fn the_registry_is_checked_before_packer_starts() {
    each_is_refused(&[
        (
            |site| fs::remove_file(site.path("registry.yaml")).unwrap(),
            "registry.yaml: the registry file cannot be read: No such file",
        ),
        (
            |site| site.registry_at("FTP", "x", ""),
            "registry.yaml: `type` is neither S3 nor Swift",
        ),
        (
            |site| site.registry(""),
            "registry.yaml: there are no keys for the store",
        ),
        (
            |site| site.registry(&format!("  accessKey: other\n  secretKey: {SECRET}\n")),
            "does not take the keys: InvalidAccessKeyId",
        ),
        (
            |site| {
                site.registry_at(
                    "S3",
                    &refusing_url(),
                    &format!("  accessKey: {KEY}\n  secretKey: {SECRET}\n"),
                );
            },
            "connection refused",
        ),
        (
            |site| {
                site.bucket
                    .fail("POST", "uploads", 9, refusal(403, "AccessDenied"));
            },
            "does not let the keys write the bucket images: 403 AccessDenied",
        ),
        (
            |site| {
                site.bucket
                    .fail("GET", "list-type", 9, refusal(404, "NoSuchBucket"));
            },
            "has no bucket images",
        ),
    ]);
}

#[test]
fn the_machine_is_checked_before_packer_starts() {
    each_is_refused(&[
        (
            |site| fs::remove_file(site.path("bin/packer")).unwrap(),
            "there is no program `packer` on the PATH",
        ),
        (
            |site| fs::remove_dir(site.path("tmp")).unwrap(),
            "cannot make a directory for what is built",
        ),
    ]);
}

#[test]
fn unknown_keys_of_the_registry_file_are_left_to_others() {
    let site = Site::new();
    site.registry(&format!(
        "  accessKey: {KEY}\n  secretKey: {SECRET}\n  unknown: key\n"
    ));
    site.run().success();
}

#[test]
fn without_a_registry_file_nothing_is_done() {
    let site = Site::new();
    for last in [&[][..], &[""]] {
        let mut command = program(&["create-node-images"]);
        command
            .args([site.copy.path(FERROL), site.path("release")])
            .args(last);
        let message = site.run_as(command).failure(1);
        assert!(
            message.starts_with("error: method `build` needs a registry file\n  hint: "),
            "{message}"
        );
    }
}

#[test]
fn a_bucket_that_is_missing_is_told() {
    let site = Site::new();
    let keys = format!("  accessKey: {KEY}\n  secretKey: {SECRET}\n");
    site.registry(&keys);
    let text = fs::read_to_string(site.path("registry.yaml")).unwrap();
    fs::write(
        site.path("registry.yaml"),
        text.replace("bucket: images", "bucket: other"),
    )
    .unwrap();
    site.refused("has no bucket other");
    assert_eq!(site.calls(), [""; 0]);
}

#[test]
fn keys_come_from_the_environment_or_a_file_too() {
    for is_file in [false, true] {
        let site = Site::new();
        site.registry("");
        let mut command = site.command();
        command
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SESSION_TOKEN", "token-of-the-session");
        if is_file {
            fs::write(site.path("secret"), format!("{SECRET}\n")).unwrap();
            command.env("AWS_SECRET_ACCESS_KEY_FILE", site.path("secret"));
        } else {
            command.env("AWS_SECRET_ACCESS_KEY", SECRET);
        }
        let said = site.run_as(command);
        if !is_file {
            // Packer has the environment, and prints the secret.
            assert!(
                said.stderr.contains("==> building worker with ***"),
                "{}",
                said.stderr
            );
        }
        said.success();
        let log = site.bucket.log();
        let token = log[0]
            .headers
            .iter()
            .find(|(name, _)| name == "x-amz-security-token");
        assert_eq!(token.unwrap().1, "token-of-the-session");
    }
    // Keys of the file go first, and without the token of others.
    let site = Site::new();
    let mut command = site.command();
    command
        .env("AWS_ACCESS_KEY_ID", "other")
        .env("AWS_SECRET_ACCESS_KEY", "other-secret")
        .env("AWS_SESSION_TOKEN", "other-token");
    site.run_as(command).success();
    let mut headers = site.bucket.log().into_iter().flat_map(|one| one.headers);
    assert!(!headers.any(|(name, _)| name == "x-amz-security-token"));
}

#[test]
fn swift_is_downloaded_from_its_own_url() {
    let site = Site::new();
    let keys = format!("  accessKey: {KEY}\n  secretKey: {SECRET}\n  projectID: 7f3\n");
    site.registry_at("Swift", &site.bucket.url(), &keys);
    site.run().success();
    let url = format!(
        "url: {}/swift/v1/AUTH_7f3/images/{SECOND}\n",
        site.bucket.url()
    );
    assert!(site.released().contains(&url), "{}", site.released());
    let site = Site::new();
    let endpoint = format!("{}/swift/v1", site.bucket.url());
    site.registry_at("Swift", &endpoint, &keys);
    site.refused("config.endpoint is that of Swift or Keystone");
    assert_eq!(site.calls(), [""; 0]);
}

#[test]
fn an_image_that_is_not_public_is_not_released() {
    let site = Site::new();
    site.bucket.make_private();
    site.refused(&format!("{FIRST} is not public: it answers 403"));
    // Nothing has to be built again once it is.
    assert_eq!(site.calls().len(), 2);
    assert!(site.contents().contains_key(&format!("{FIRST}.CHECKSUM")));
}

#[test]
fn what_packer_does_wrong_is_told_and_nothing_of_it_is_uploaded() {
    for (flag, expected) in [
        (
            "fails",
            "error: `packer build worker` ended with status 3\n",
        ),
        (
            "elsewhere",
            "error: Packer left no file `worker` in its output directory; found: disk-0\n",
        ),
    ] {
        let site = Site::new();
        site.write(&format!("node-images/worker/{flag}"), "");
        let message = site.refused(expected);
        assert_eq!(
            message.contains("the machine does not start\n"),
            flag == "fails"
        );
        // The first image is whole, and the next run goes on with the second one.
        let names: Vec<String> = site.contents().into_keys().collect();
        assert_eq!(names, [FIRST.to_owned(), format!("{FIRST}.CHECKSUM")]);
        let before = site.calls().len();
        fs::remove_file(
            site.copy
                .path(&format!("{FERROL}/node-images/worker/{flag}")),
        )
        .unwrap();
        site.run().success();
        assert_eq!(site.calls().len(), before + 1);
        assert_eq!(site.contents(), expected_objects());
    }
}

/// An upload is stopped at each of its steps; the next run finishes it, and nothing half-done is taken for whole.
#[test]
fn an_interrupted_upload_is_finished_by_the_next_run() {
    for (method, part_of_path) in [
        ("PUT", "partNumber"),
        ("POST", "uploadId"),
        ("PUT", ".CHECKSUM"),
    ] {
        let site = Site::new();
        let only = LIST.replace(
            "- imageDir: worker\n  url: https://old.example.org/worker",
            "- url: https://given.example.org/worker",
        );
        site.write("node-images/config.yaml", &only);
        site.bucket
            .fail(method, part_of_path, 1, refusal(403, "AccessDenied"));
        site.refused("403 AccessDenied");
        assert_eq!(site.bucket.open_uploads(), 0, "{method} {part_of_path}");
        let is_there = site.contents().contains_key(FIRST);
        assert_eq!(is_there, part_of_path == ".CHECKSUM");
        let before = site.calls().len();
        site.run().success();
        let again = site.calls().len() - before;
        assert_eq!(
            again,
            if is_there { 0 } else { 2 },
            "{method} {part_of_path}"
        );
        let expected = expected_objects();
        assert_eq!(site.contents()[FIRST], expected[FIRST]);
        let beside = format!("{FIRST}.CHECKSUM");
        assert_eq!(site.contents()[&beside], expected[&beside]);
    }
}

#[test]
fn a_part_is_sent_again_where_the_store_stumbles() {
    let site = Site::new();
    site.bucket.fail("PUT", "partNumber", 1, Reply::status(503));
    site.bucket
        .fail("PUT", "partNumber", 1, Reply::drop_connection());
    site.run().success();
    assert_eq!(site.contents(), expected_objects());
    assert_eq!(site.bucket.open_uploads(), 0);
}

/// The program while its Packer hangs.
struct Hanging {
    program: Child,
    /// The number of Packer's process.
    packer: String,
}

fn start_and_hang(site: &Site) -> Hanging {
    site.write("node-images/control-plane/hangs", "");
    let mut command = site.command();
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    let program = quiet.spawn().unwrap();
    let pid = site.path("packer.log.pid");
    wait_until(|| fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')));
    Hanging {
        program,
        packer: fs::read_to_string(&pid).unwrap(),
    }
}

#[test]
fn somebody_who_was_faster_is_not_overwritten() {
    let site = Site::new();
    let mut child = start_and_hang(&site).program;
    site.bucket.put(FIRST, "theirs\n");
    fs::write(site.path("packer.log.go"), "").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(site.contents()[FIRST], "theirs\n");
    assert_eq!(site.bucket.open_uploads(), 0);
    assert_eq!(names_in(&site.path("release")), [""; 0]);
}

fn wait_until(is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "it does not come"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_running(number: &str) -> bool {
    let stat = Path::new("/proc").join(number.trim()).join("stat");
    fs::read_to_string(stat).is_ok_and(|stat| !stat.contains(") Z "))
}

#[cfg(target_os = "linux")]
#[test]
fn packer_dies_with_the_program_and_nothing_is_left() {
    for signal in ["TERM", "KILL"] {
        let site = Site::new();
        let Hanging {
            program: mut child,
            packer: number,
        } = start_and_hang(&site);
        assert!(is_running(&number));
        let sent = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        child.wait().unwrap();
        wait_until(|| !is_running(&number));
        if signal == "TERM" {
            assert_eq!(names_in(&site.path("tmp")), [""; 0]);
        }
        assert_eq!(names_in(&site.path("release")), [""; 0]);
        assert_eq!(site.bucket.objects().len(), 0);
    }
}
