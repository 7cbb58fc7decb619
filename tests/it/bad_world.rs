//! Worlds with something wrong in them, through the command line: what is not proved is not written, what is not known is held
//! back with its URL, and the rest goes on. More of servers that never answer is in `catalog_http.rs` and `catalog_sources.rs`, with
//! shorter times than the command line has.

use std::fs;

use crate::support::program::{self, Copy, Said, catalog, differing, project};
use crate::support::server::{self, Reply, Server, refusing_url};
use crate::support::store::{IMAGES, StoreServer, checksum_url};
use csctl_matrix::catalog::Catalog;

const STACK: &str = "providers/openstack/scs2";
const BASE: &str = "https://images.example.org/openstack-k8s-capi-images/";

fn seen() -> Catalog {
    let text = fs::read_to_string(project().join("testdata/catalog.yaml")).unwrap();
    serde_yaml::from_str(&text).unwrap()
}

/// The world of `testdata/catalog.yaml`, its first image store at the place of OSISM's.
pub(crate) fn world() -> StoreServer {
    let (world, catalog) = (StoreServer::start(), seen());
    for image in &catalog.image_stores[0].images {
        let (os, version) = (image.os.clone().unwrap().to_string(), image.version.plain());
        let (sum, day) = (image.sha256.clone().unwrap(), image.built.unwrap());
        world.image(&os, &version, &sum.to_string(), &day.to_string());
    }
    for (version, day) in [
        ("1.33.12", "2026-05-13"),
        ("1.34.9", "2026-06-10"),
        ("1.35.5", "2026-05-14"),
    ] {
        world.pointer(day, "ubuntu-2404", version);
    }
    for repository in &catalog.chart_repositories {
        for (name, versions) in &repository.charts {
            let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
            world.chart(&repository.url, name, &versions);
        }
    }
    for release in &catalog.kubernetes {
        world.release(&release.version.to_string(), &release.published.to_string());
    }
    for (minor, day) in &catalog.end_of_life {
        world.end_of_life(&minor.to_string(), &day.to_string());
    }
    world
}

/// `layout-c` with its images at the place of OSISM's.
pub(crate) fn repository() -> Copy {
    let copy = Copy::of("layout-c");
    for (place, bytes) in copy.files() {
        let text = String::from_utf8(bytes).unwrap();
        copy.write(&place, &text.replace(BASE, IMAGES));
    }
    copy
}

fn run(copy: &Copy, world: &StoreServer, arguments: &[&str]) -> Said {
    let mirrors = world.mirror_arguments();
    let mut all = arguments.to_vec();
    all.extend(["--as-of", "2026-06-15"]);
    all.extend(mirrors.iter().map(String::as_str));
    copy.run(&all)
}

/// The checksum that `testdata/catalog.yaml` gives for a version.
fn sum_of(version: &str) -> String {
    let images = seen().image_stores.remove(0).images;
    let found = images
        .into_iter()
        .find(|image| image.version.plain() == version);
    found.unwrap().sha256.unwrap().to_string()
}

/// The files that name images: where nothing is proved they stay as they are.
const IMAGE_FILES: [&str; 4] = [
    "csctl.yaml",
    "image.yaml",
    "kubernetes.yaml",
    "versions.yaml",
];

fn image_facts(copy: &Copy) -> Vec<String> {
    IMAGE_FILES
        .iter()
        .map(|file| copy.read(&format!("{STACK}/{file}")))
        .collect()
}

fn list(copy: &Copy) -> String {
    copy.read(&format!("{STACK}/kubernetes.yaml"))
}

fn default(copy: &Copy) -> String {
    let text = copy.read(&format!("{STACK}/csctl.yaml"));
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("kubernetesVersion: "));
    line.unwrap().to_owned()
}

/// Returns the old and the new lines of a text's change.
fn changed_lines<'t>(before: &'t str, after: &'t str) -> (Vec<&'t str>, Vec<&'t str>) {
    let without = |text: &'t str, other: &str| -> Vec<&'t str> {
        let known: Vec<&str> = other.lines().collect();
        text.lines()
            .filter(|line| !known.contains(line))
            .map(str::trim)
            .collect()
    };
    (without(before, after), without(after, before))
}

#[test]
fn a_world_gives_the_same_files_as_its_catalog() {
    let (asked, read, world) = (repository(), repository(), world());
    let file = fs::read_to_string(catalog()).unwrap().replace(BASE, IMAGES);
    // Published releases are told by tags, and the copy has no repository around it.
    let file = file.split("stackReleases:").next().unwrap();
    let place = asked.root().join("../catalog.yaml").display().to_string();
    fs::write(&place, file).unwrap();
    run(&asked, &world, &["update"]).success();
    read.run(&["update", "--catalog", &place]).success();
    assert_eq!(differing(&asked.files(), &read.files()), [""; 0]);
    assert_eq!(default(&asked), "v1.34.8");
}

/// v1.34.9 is announced and not there; v1.34.2 is a gap.
#[test]
fn the_default_moves_to_an_image_that_is_there() {
    let (copy, world) = (repository(), world());
    let said = run(&copy, &world, &["update"]).success();
    assert!(
        said.contains("skip   v1.34.9: announced by last-1.34"),
        "{said}"
    );
    assert_eq!(default(&copy), "v1.34.8");
    assert!(list(&copy).contains("'v1.34.8'"));
    for missing in ["v1.34.2", "v1.34.9"] {
        assert!(!list(&copy).contains(missing), "{missing}");
    }
}

#[test]
fn a_world_of_web_pages_is_no_world() {
    let (copy, world) = (repository(), world());
    let before = image_facts(&copy);
    world.fault("https://", Reply::page(200));
    let said = run(&copy, &world, &["update"]).ended(1);
    assert!(
        said.contains("unknown   node images of 1.32, 1.33, 1.34: https://nbg1."),
        "{said}"
    );
    assert!(said.contains("web page"), "{said}");
    assert!(
        said.contains("unknown   openstack-cinder-csi for 1.34: https://kubernetes.github.io/"),
        "{said}"
    );
    assert_eq!(image_facts(&copy), before);
    assert_eq!(run(&copy, &world, &["plan", "--exit-code"]).status, 1);
}

#[test]
fn a_page_never_becomes_a_checksum() {
    for reply in [Reply::page(200), Reply::page(404), Reply::ok("")] {
        let (copy, world) = (repository(), world());
        world.fault(&checksum_url("1.34.8"), reply);
        let said = run(&copy, &world, &["update"]).success();
        assert!(said.contains("skip   v1.34.8: "), "{said}");
        assert_eq!(default(&copy), "v1.34.7");
        assert!(!list(&copy).contains("v1.34.8"));
    }
}

#[test]
fn half_a_checksum_is_none() {
    let (copy, world) = (repository(), world());
    let half = &sum_of("1.34.8")[..32];
    let text = format!("{half}  ubuntu-2404-kube-v1.34.8.qcow2\n");
    world.file(&checksum_url("1.34.8"), &text, "text/plain", "2026-05-13");
    let said = run(&copy, &world, &["update"]).success();
    assert!(said.contains("skip   v1.34.8: "), "{said}");
    assert_eq!(default(&copy), "v1.34.7");
    for (place, bytes) in copy.files() {
        assert!(!String::from_utf8(bytes).unwrap().contains(half), "{place}");
    }
}

/// A connection that breaks says nothing about the image: neither that it is there, nor that it is not.
#[test]
fn a_cut_connection_is_no_answer() {
    let (copy, world) = (repository(), world());
    let whole = format!("{}  ubuntu-2404-kube-v1.34.8.qcow2\n", sum_of("1.34.8"));
    let cut = Reply::ok(&whole.as_bytes()[..40]).cut(whole.len());
    world.fault(&checksum_url("1.34.8"), cut);
    let said = run(&copy, &world, &["update"]).success();
    assert!(said.contains("unknown   node images of 1.34: "), "{said}");
    assert!(
        said.contains("1.34.8.qcow2.CHECKSUM: the answer broke off"),
        "{said}"
    );
    assert!(!list(&copy).contains("v1.34.8"));
    assert_eq!(default(&copy), "v1.34.7");
    assert!(!said.contains("no image yet"), "{said}");
    // What was not known is known the next time.
    world.heal();
    run(&copy, &world, &["update"]).success();
    assert_eq!(default(&copy), "v1.34.8");
}

#[test]
fn a_login_page_elsewhere_is_no_image() {
    let (copy, world) = (repository(), world());
    let elsewhere = Server::start(|_| Reply::page(200));
    let before = image_facts(&copy);
    world.fault(
        IMAGES,
        Reply::redirect(&format!("{}/login", elsewhere.url())),
    );
    let said = run(&copy, &world, &["update", "--addons", "leave"]).success();
    assert!(
        said.contains("unknown   node images of 1.32, 1.33, 1.34: "),
        "{said}"
    );
    assert_eq!(image_facts(&copy), before);
}

#[test]
fn a_server_in_trouble_is_not_an_empty_store() {
    let (copy, world) = (repository(), world());
    let before = image_facts(&copy);
    world.fault(IMAGES, Reply::status(500));
    let said = run(&copy, &world, &["update", "--addons", "leave"]).success();
    assert!(
        said.contains("unknown   node images of 1.32, 1.33, 1.34: https://nbg1."),
        "{said}"
    );
    assert!(said.contains("500"), "{said}");
    assert_eq!(image_facts(&copy), before);
}

#[test]
fn an_image_uploaded_again_is_held_until_asked_for() {
    let (copy, world) = (repository(), world());
    run(&copy, &world, &["update"]).success();
    let (files, before) = (copy.files(), list(&copy));
    let (old, new) = (sum_of("1.34.5"), "c0ffee".repeat(11)[..64].to_owned());
    world.image("ubuntu-2404", "1.34.5", &new, "2026-06-11");

    let said = run(&copy, &world, &["update"]).success();
    let hold =
        "skip   v1.34.5: its image was uploaded again on 2026-06-11, with another checksum\n";
    assert!(said.contains(hold), "{said}");
    assert!(
        said.contains(" plan openstack/scs2 --change os-release --as-of 2026-06-15 --mirror "),
        "{said}"
    );
    assert_eq!(differing(&copy.files(), &files), [""; 0]);
    assert_eq!(run(&copy, &world, &["plan", "--exit-code"]).status, 4);

    run(&copy, &world, &["update", "--change", "os-release"]).success();
    assert_eq!(
        differing(&copy.files(), &files),
        [format!("{STACK}/kubernetes.yaml")]
    );
    let after = list(&copy);
    let (removed, added) = changed_lines(&before, &after);
    assert_eq!(removed, [format!("checksum: \"sha256:{old}\"")]);
    assert_eq!(
        added,
        [
            format!("checksum: \"sha256:{new}\""),
            "build_date: 2026-06-11".to_owned()
        ]
    );
    assert_eq!(before.lines().count(), after.lines().count());
}

/// The default's image stands in image.yaml too, which has to follow.
#[test]
fn the_default_uploaded_again_changes_in_both_places() {
    let (copy, world) = (repository(), world());
    run(&copy, &world, &["update"]).success();
    let files = copy.files();
    let (old, new) = (sum_of("1.34.8"), "c0ffee".repeat(11)[..64].to_owned());
    world.image("ubuntu-2404", "1.34.8", &new, "2026-06-11");
    run(&copy, &world, &["update"]).success();
    assert_eq!(differing(&copy.files(), &files), [""; 0]);
    run(&copy, &world, &["update", "--change", "os-release"]).success();
    let changed = ["image.yaml", "kubernetes.yaml"].map(|file| format!("{STACK}/{file}"));
    assert_eq!(differing(&copy.files(), &files), changed);
    for place in changed {
        assert!(
            copy.read(&place).contains(&new) && !copy.read(&place).contains(&old),
            "{place}"
        );
    }
}

#[test]
fn a_build_date_stays_while_its_image_does() {
    let (copy, world) = (repository(), world());
    run(&copy, &world, &["update"]).success();
    let files = copy.files();
    // The store copied the same bytes to another place, as stores do.
    world.image("ubuntu-2404", "1.34.5", &sum_of("1.34.5"), "2026-06-11");
    for arguments in [&["update"][..], &["update", "--change", "os-release"]] {
        run(&copy, &world, arguments).success();
        assert_eq!(differing(&copy.files(), &files), [""; 0]);
    }
}

#[test]
fn an_image_that_is_gone_stays_listed() {
    let (copy, world) = (repository(), world());
    run(&copy, &world, &["update"]).success();
    let files = copy.files();
    for version in ["1.34.3", "1.34.8"] {
        world.remove_image("ubuntu-2404", version);
    }
    run(&copy, &world, &["update"]).success();
    assert_eq!(differing(&copy.files(), &files), [""; 0]);
}

#[test]
fn a_store_that_moved_away_removes_nothing() {
    let (copy, world) = (repository(), world());
    let before = image_facts(&copy);
    let moved = StoreServer::start();
    let said = run(&copy, &moved, &["update"]).ended(1);
    assert!(
        said.contains("has none of the images that are listed; has the store moved?"),
        "{said}"
    );
    assert_eq!(image_facts(&copy), before);
    run(&copy, &world, &["update"]).success();
    assert_ne!(image_facts(&copy), before);
}

#[test]
fn without_a_network_everything_is_unknown() {
    let copy = repository();
    let before = image_facts(&copy);
    let nobody = refusing_url();
    let hosts = [
        "nbg1.your-objectstorage.com",
        "kubernetes.github.io",
        "api.github.com",
        "raw.githubusercontent.com",
    ];
    let mirrors = hosts.map(|host| format!("https://{host}/={nobody}/{host}/"));
    let arguments = mirrors.iter().flat_map(|mirror| ["--mirror", mirror]);
    let arguments: Vec<&str> = ["update"].into_iter().chain(arguments).collect();
    let said = copy.run(&arguments).ended(1);
    assert!(
        said.contains("unknown   node images of 1.32, 1.33, 1.34: "),
        "{said}"
    );
    assert!(said.contains("refused"), "{said}");
    assert_eq!(image_facts(&copy), before);
}

#[test]
fn offline_an_empty_cache_knows_nothing() {
    let copy = repository();
    let before = image_facts(&copy);
    let said = copy
        .run(&["update", "--offline", "--as-of", "2026-06-15"])
        .ended(1);
    assert!(
        said.contains("unknown   node images of 1.32, 1.33, 1.34: "),
        "{said}"
    );
    assert_eq!(image_facts(&copy), before);
}

#[test]
fn offline_a_filled_cache_gives_the_same_plan() {
    let (copy, world) = (repository(), world());
    for format in ["text", "json", "markdown"] {
        let online = run(&copy, &world, &["plan", "--format", format]).success();
        world.clear_log();
        let offline = run(&copy, &world, &["plan", "--format", format, "--offline"]).success();
        assert_eq!(without_commands(&offline), without_commands(&online));
        assert_eq!(world.log().len(), 0, "somebody was asked");
    }
}

#[test]
fn a_catalog_fetched_gives_the_same_plan() {
    let (copy, world) = (repository(), world());
    let place = copy.root().join("../seen.yaml").display().to_string();
    let said = run(&copy, &world, &["catalog", "fetch", "-o", &place]).success();
    assert!(said.starts_with(&format!("{place} written: ")), "{said}");
    let asked = run(&copy, &world, &["plan"]).success();
    let planned = copy.run(&["plan", "--catalog", &place]).success();
    assert_eq!(without_commands(&planned), without_commands(&asked));
}

/// Hosts of the world at which nobody answers.
fn nobody() -> Vec<String> {
    let nobody = refusing_url();
    let hosts = [
        "nbg1.your-objectstorage.com",
        "kubernetes.github.io",
        "api.github.com",
        "raw.githubusercontent.com",
        "kubernetes.io",
    ];
    let mirrors = hosts.map(|host| format!("https://{host}/={nobody}/{host}/"));
    let arguments = mirrors
        .into_iter()
        .flat_map(|mirror| ["--mirror".to_owned(), mirror]);
    arguments.collect()
}

/// A catalog without any answer does not take the place of one with some.
#[test]
fn a_catalog_stays_where_nobody_answers() {
    let (copy, world) = (repository(), world());
    let place = copy.root().join("../seen.yaml").display().to_string();
    run(&copy, &world, &["catalog", "fetch", "-o", &place]).success();
    let before = fs::read_to_string(&place).unwrap();
    let fetch = |more: &[String], output: &str| {
        let fetch = ["catalog", "fetch", "-o", output].into_iter();
        let all: Vec<&str> = fetch.chain(more.iter().map(String::as_str)).collect();
        let said = copy.run(&all);
        assert_eq!(said.stdout, "");
        said.failure(1)
    };
    let empty = copy.path("../empty").display().to_string();
    let offline = ["--offline", "--cache-dir", &empty].map(str::to_owned);
    for more in [nobody(), offline.to_vec()] {
        let message = fetch(&more, &place);
        assert!(
            message.starts_with("error: no source answered: "),
            "{message}"
        );
        assert!(
            message.contains(&format!("; {place} is unchanged\n  hint: ")),
            "{message}"
        );
        assert_eq!(fs::read_to_string(&place).unwrap(), before);
    }
    let none = copy.root().join("../none.yaml");
    for output in [none.display().to_string(), "-".to_owned()] {
        let message = fetch(&nobody(), &output);
        assert!(message.contains("; nothing was written\n"), "{message}");
    }
    assert!(!none.exists());
    // One answer is something to keep.
    world.fault("https://nbg1.", Reply::status(500));
    world.fault("https://api.github.com", Reply::status(500));
    world.fault("https://raw.githubusercontent.com", Reply::status(500));
    run(&copy, &world, &["catalog", "fetch", "-o", &place]).success();
    assert_ne!(fs::read_to_string(&place).unwrap(), before);
}

#[test]
fn a_catalog_goes_to_standard_output_alone() {
    let (copy, world) = (repository(), world());
    let place = copy.root().join("../seen.yaml").display().to_string();
    run(&copy, &world, &["catalog", "fetch", "-o", &place]).success();
    let said = run(&copy, &world, &["catalog", "fetch", "-o", "-"]);
    assert!(said.stderr.contains("catalog written: "), "{}", said.stderr);
    assert_eq!(said.success(), fs::read_to_string(&place).unwrap());
    let here = fs::read_dir(copy.root()).unwrap();
    let odd = here.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name == "-" || name.to_string_lossy().starts_with(".csctl-matrix")
    });
    assert_eq!(odd.count(), 0);
}

#[test]
fn a_catalog_without_days_means_those_that_the_program_knows() {
    let copy = repository();
    let place = copy.root().join("../catalog.yaml").display().to_string();
    let file = fs::read_to_string(catalog()).unwrap();
    let (before, rest) = file.split_once("endOfLife:\n").unwrap();
    let after: String = rest
        .split_inclusive('\n')
        .skip_while(|line| line.starts_with(' '))
        .collect();
    fs::write(&place, format!("{before}{after}")).unwrap();
    let shown = |place: &str| copy.run(&["show", "--catalog", place]).success();
    assert!(!fs::read_to_string(&place).unwrap().contains("endOfLife"));
    assert!(shown(&place).contains("end of life"), "{}", shown(&place));
    // Commands that are named to people name the file.
    assert_eq!(shown(&place).replace(&place, &catalog()), shown(&catalog()));
}

#[cfg(unix)]
#[test]
fn a_catalog_that_has_no_end_is_not_read() {
    use std::process::{Command, Stdio};
    let copy = repository();
    let pipe = copy.root().join("../pipe").display().to_string();
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let folder = copy.root().display().to_string();
    for (place, kind) in [
        ("/dev/zero", "a device"),
        (pipe.as_str(), "a FIFO"),
        (folder.as_str(), "a directory"),
    ] {
        let message = copy.run(&["plan", "--catalog", place]).failure(1);
        let expected =
            format!("error: cannot read the catalog file {place}: it is {kind}, not a file\n");
        assert!(message.starts_with(&expected), "{message}");
    }
    // What the shell hands over is read as far as the limit.
    let mut plan = program::program(&["-C", &folder, "plan", "--catalog", "/dev/stdin"]);
    let endless = fs::OpenOptions::new().read(true).open("/dev/zero").unwrap();
    let said: Said = plan.stdin(endless).output().unwrap().into();
    let message = said.failure(1);
    assert!(
        message.contains("/dev/stdin is larger than 67108864 bytes"),
        "{message}"
    );
    let mut cat = Command::new("cat")
        .arg(catalog())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said: Said = plan
        .stdin(cat.stdout.take().unwrap())
        .output()
        .unwrap()
        .into();
    cat.wait().unwrap();
    assert!(said.success().contains("openstack-scs2-1-34"));
}

/// A plan without the commands that it suggests, which repeat the options it was made with.
fn without_commands(plan: &str) -> String {
    plan.lines()
        .map(|line| line.split("csctl-matrix -C ").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_catalog_file_that_is_none_stops_everything() {
    let copy = repository();
    let place = copy.root().join("../catalog.yaml").display().to_string();
    let good = fs::read_to_string(catalog()).unwrap();
    let cases = [
        ("schema: 1\nasOf: [\n".to_owned(), ":2: "),
        (
            "<!DOCTYPE html>\n<html><body>Not here</body></html>\n".to_owned(),
            ":1: ",
        ),
        (String::new(), ":1: "),
        // libyaml would take hours for it.
        (
            format!("schema: 1\na: {}", "{a: ".repeat(200_000)),
            ":2: nested more than 100 levels deep",
        ),
        // What a wrong file says is not repeated: it may be a secret.
        (
            "a-token-of-somebody\n".to_owned(),
            ":1: it is a text, and not the keys of a catalog",
        ),
        (
            good.replace("schema: 1\n", "schema: 7\n"),
            ": the catalog has schema 7, but this version reads 1",
        ),
        (good.replace("asOf:", "as_of:"), ":3: unknown field `as_of`"),
        (
            good.replace("        built: 2026-04-03\n", "        bulit: 2026-04-03\n"),
            ": imageStores[0].images[0]: unknown field `bulit`",
        ),
        (
            good.replacen("ed9c6946", "<html>", 1),
            "invalid value: string \"<html>92ac99216a3b2b696a2bb1a355e74c39643f38e49fbd1df4738fe579\", expected a SHA-256 checksum",
        ),
        (
            good.replacen("built: 2026-04-03", "built: 2026-04-31", 1),
            ": imageStores[0].images[0].built: ",
        ),
    ];
    let before = copy.files();
    for (content, expected) in cases {
        fs::write(&place, &content).unwrap();
        for command in ["plan", "show", "update"] {
            let said = copy.run(&[command, "--catalog", &place]);
            assert_eq!(said.stdout, "");
            let message = said.failure(1);
            assert!(
                message.starts_with(&format!("error: {place}:")),
                "{message}"
            );
            assert!(message.contains(expected), "{expected} is not in {message}");
            assert!(
                message.contains("\n  hint: create one with csctl-matrix catalog fetch"),
                "{message}"
            );
        }
    }
    fs::remove_file(&place).unwrap();
    let message = copy.run(&["update", "--catalog", &place]).failure(1);
    assert!(
        message.starts_with(&format!("error: cannot read the catalog file {place}: ")),
        "{message}"
    );
    assert_eq!(differing(&before, &copy.files()), [""; 0]);
}

/// What has answered is planned with, and the silence of the rest is said first.
#[test]
fn the_time_for_all_sources_can_be_set() {
    let (copy, world) = (repository(), world());
    world.fault(IMAGES, server::Reply::hang());
    let before = copy.files();
    let said = run(&copy, &world, &["plan", "--timeout", "1s"]);
    assert!(
        said.stdout.contains("no answer within 1s (--timeout)"),
        "{} {}",
        said.stdout,
        said.stderr
    );
    assert!(said.stdout.contains("unknown"), "{}", said.stdout);
    // The run is over before it would be time for a line.
    assert!(!said.stderr.contains("waiting for"), "{}", said.stderr);
    assert_eq!(differing(&before, &copy.files()), [""; 0]);
    for (time, expected) in [
        ("2", "expected seconds, minutes or hours"),
        ("25h", "must be at most `24h`"),
        ("none", "expected seconds, minutes or hours"),
    ] {
        let message = run(&copy, &world, &["plan", "--timeout", time]).failure(2);
        assert!(message.contains(expected), "{message}");
    }
}
