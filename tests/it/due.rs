//! What `show` and `plan` say is due and fixed, through the command line: under the standard of the configuration, against
//! worlds that know vulnerabilities and worlds that do not answer.

use crate::support::program::{Copy, Said, catalog};
use crate::support::server::{Reply, Server};
use crate::support::store::{FEED, StoreServer};
use serde_json::Value;

const DAY: &str = "2026-06-15";

/// `layout-c` with the catalog of the test data.
fn from_file(copy: &Copy, arguments: &[&str]) -> Said {
    let catalog = catalog();
    let mut all = arguments.to_vec();
    all.extend(["--catalog", &catalog]);
    copy.run(&all)
}

/// `layout-c` with a world on loopback.
fn from_world(copy: &Copy, world: &StoreServer, arguments: &[&str]) -> Said {
    let mirrors = world.mirror_arguments();
    let mut all = arguments.to_vec();
    all.extend(["--as-of", DAY]);
    all.extend(mirrors.iter().map(String::as_str));
    copy.run(&all)
}

/// A world in which 1.34 has new patches that fix a vulnerability.
fn world() -> StoreServer {
    let world = StoreServer::start();
    let base = "https://images.example.org/openstack-k8s-capi-images/ubuntu-2404-kube-v1.34";
    for version in ["1.34.6", "1.34.7", "1.34.8"] {
        let file = format!("ubuntu-2404-kube-v{version}.qcow2");
        let url = format!("{base}/{file}");
        world.file(&url, "QFI", "application/octet-stream", "2026-05-13");
        let sums = format!("{}  {file}\n", "a1".repeat(32));
        world.file(
            &format!("{url}.CHECKSUM"),
            &sums,
            "text/plain",
            "2026-05-13",
        );
    }
    for (version, day) in [
        ("v1.34.0", "2025-08-27"),
        ("v1.34.6", "2026-03-18"),
        ("v1.34.7", "2026-04-15"),
        ("v1.34.8", "2026-05-12"),
    ] {
        world.release(version, day);
    }
    world.vulnerability("CVE-2026-0001", 9.8, &[("v1.34.0", "v1.34.7")]);
    world.vulnerability("CVE-2026-0002", 4.4, &[("0", "v1.34.6")]);
    world.end_of_life("1.34", "2026-10-27");
    world
}

fn line<'v>(json: &'v Value, minor: &str) -> &'v Value {
    let lines = json["stacks"][0]["lines"].as_array().unwrap();
    let is_it = |line: &&Value| line["line"].as_str().unwrap().ends_with(minor);
    lines.iter().find(is_it).unwrap()
}

#[test]
fn show_has_deadlines_as_data() {
    let copy = Copy::of("layout-c");
    let json = from_file(&copy, &["show", "--format", "json"]).json();
    assert_eq!(json["standard"], "scs-0210/v2");
    let deadlines = line(&json, "1-34")["deadlines"].as_array().unwrap();
    let said: Vec<String> = deadlines
        .iter()
        .map(|one| format!("{} {} {}", one["rule"], one["due"], one["state"]).replace('"', ""))
        .collect();
    assert_eq!(
        said,
        [
            "critical-vulnerability 2026-04-29 {late:47}",
            "latest-patch 2026-05-16 {late:30}",
            "latest-patch 2026-06-12 {late:3}",
            "latest-patch 2026-07-10 {upcoming:25}",
            "end-of-life 2026-10-27 {upcoming:134}",
            "latest-minor 2025-12-27 met",
        ]
    );
    let minor = &line(&json, "1-35")["deadlines"][0];
    assert_eq!(
        (&minor["subject"], &minor["since"]),
        (&"1.35".into(), &"2025-12-17".into())
    );
    let ended = line(&json, "1-32")["deadlines"].as_array().unwrap();
    assert_eq!(ended[0]["rule"], "end-of-life");
    assert!(ended.iter().all(|one| one["rule"] != "latest-patch"));
}

#[test]
fn the_configuration_names_the_standard() {
    let copy = Copy::of("layout-c");
    let state = |standard: &str| {
        copy.write("csctl-matrix.yaml", &format!("standard: {standard}\n"));
        let shown = from_file(&copy, &["show", "--minor", "1.34", "--format", "markdown"]);
        let shown = shown.success();
        let row = shown
            .lines()
            .find(|line| line.starts_with("| 1.34"))
            .unwrap();
        let cells: Vec<&str> = row.split(" | ").collect();
        (*cells.last().unwrap()).to_owned()
    };
    assert_eq!(
        state("scs-0210/v2"),
        "CVE-2026-90001 (8.8) due since 2026-04-29; 2 behind, 1.34.7 due since 2026-05-16; 1.34.9 skipped |"
    );
    assert_eq!(
        state("scs-0210/v1"),
        "2 behind, 1.34.7 due since 2026-04-22; 1.34.9 skipped |"
    );
    assert_eq!(state("none"), "2 behind, newest 1.34.8; 1.34.9 skipped |");
    let json = from_file(&copy, &["show", "--format", "json"]).json();
    assert_eq!(line(&json, "1-34").get("deadlines"), None);
    let plan = from_file(&copy, &["plan", "--minor", "1.34"]).success();
    assert!(
        plan.contains("why    v1.34.8 fixes CVE-2026-90001 (8.8)\n"),
        "{plan}"
    );
    assert!(!plan.contains(" due "), "{plan}");
    copy.write("csctl-matrix.yaml", "images: all\nstandard: scs-0210/v5\n");
    let error = from_file(&copy, &["show"]).failure(1);
    assert!(
        error.contains("csctl-matrix.yaml:2: ") && error.contains("expected one of scs-0210/v2, "),
        "{error}"
    );
}

#[test]
fn a_plan_says_what_it_fixes_and_which_deadline_it_meets() {
    let (copy, world) = (Copy::of("layout-c"), world());
    let arguments = ["plan", "--minor", "1.34", "--change", "new-patch"];
    let plan = from_world(&copy, &world, &arguments).success();
    let reasons: Vec<&str> = plan
        .lines()
        .filter(|line| line.starts_with("why"))
        .collect();
    assert_eq!(
        reasons[..3],
        [
            "why    v1.34.8 fixes CVE-2026-0001 (9.8), due 2026-05-26, 20 days late",
            "why    v1.34.8 fixes CVE-2026-0002 (4.4)",
            "why    v1.34.7 due 2026-05-16 under scs-0210, 30 days late",
        ]
    );
    let json = from_world(
        &copy,
        &world,
        &[&arguments[..], &["--format", "json"]].concat(),
    )
    .json();
    let planned = line(&json, "1-34");
    assert_eq!(
        planned["fixes"][0],
        serde_json::json!({"id": "CVE-2026-0001", "score": 9.8, "summary": "Summary of CVE-2026-0001", "due": "2026-05-26"})
    );
    let met: Vec<&str> = planned["meets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["subject"].as_str().unwrap())
        .collect();
    assert_eq!(met, ["v1.34.7", "CVE-2026-0001 (9.8)", "v1.34.8"]);
    let markdown = [&arguments[..], &["--format", "markdown"]].concat();
    let markdown = from_world(&copy, &world, &markdown).success();
    assert!(
        markdown.contains("v1.34.8 fixes CVE-2026-0001 (9.8), due 2026-05-26"),
        "{markdown}"
    );
}

#[test]
fn what_is_not_known_is_said_and_keeps_nothing_from_being_planned() {
    let (copy, world) = (Copy::of("layout-c"), world());
    world.fault(FEED, Reply::page(200));
    let plan = from_world(&copy, &world, &["plan", "--minor", "1.34"]).success();
    let note =
        format!("note   incomplete list of what v1.34.8 fixes: {FEED}: the answer is a web page\n");
    assert!(plan.contains(&note), "{plan}");
    assert!(
        plan.contains("v1.34.7 due 2026-05-16 under scs-0210"),
        "{plan}"
    );
    let shown = from_world(&copy, &world, &["show", "--minor", "1.34"]).success();
    let note = format!("note   what is due is not fully known: {FEED}: the answer is a web page\n");
    assert!(shown.contains(&note), "{shown}");
    world.heal();
    world.fault("https://api.github.com/", Reply::status(500));
    let shown = from_world(&copy, &world, &["show", "--minor", "1.34"]).success();
    assert!(shown.contains("2 behind, newest 1.34.8"), "{shown}");
    assert!(
        shown.contains("note   what is due is not fully known: https://api.github.com/"),
        "{shown}"
    );
}

#[test]
fn the_configuration_says_where_vulnerabilities_are_asked_for() {
    let (copy, world) = (Copy::of("layout-c"), world());
    copy.write(
        "csctl-matrix.yaml",
        "sources: {vulnerabilities: {feed: none}}\n",
    );
    let plan = from_world(&copy, &world, &["plan", "--minor", "1.34"]).success();
    assert!(!plan.contains("CVE-"), "{plan}");
    let asked = |path: &str| world.log().iter().any(|one| one.path.contains(path));
    assert!(!asked("kubernetes.io/docs") && !asked("mitre"));
    let other = Server::start(|request| match &*request.path {
        "/feed" => Reply::ok("{\"items\": [{\"id\": \"CVE-2026-7777\"}]}"),
        "/records/CVE-2026-7777" => Reply::ok(
            "{\"containers\": {\"cna\": {\"affected\": [{\"product\": \"Kubernetes\", \"versions\":
             [{\"status\": \"affected\", \"version\": \"1.34.6\"}]}]}}}",
        ),
        _ => Reply::status(404),
    });
    let url = other.url();
    let text =
        format!("sources:\n  vulnerabilities:\n    feed: {url}/feed\n    records: {url}/records\n");
    copy.write("csctl-matrix.yaml", &text);
    let plan = from_world(&copy, &world, &["plan", "--minor", "1.34"]).success();
    assert!(
        plan.contains("why    v1.34.8 fixes CVE-2026-7777\n"),
        "{plan}"
    );
}

#[test]
fn a_catalog_file_makes_the_same_plan_as_the_world() {
    let (copy, world) = (Copy::of("layout-c"), world());
    let file = copy.path("world.yaml").display().to_string();
    let fetched = from_world(&copy, &world, &["catalog", "fetch", "-o", &file]).success();
    assert!(fetched.contains(", 2 vulnerabilities"), "{fetched}");
    let plan = |more: &[&str]| {
        copy.run(&[&["plan", "--format", "json"], more].concat())
            .success()
    };
    let live = from_world(&copy, &world, &["plan", "--format", "json"]).success();
    // Commands that are named to people carry on where the facts came from.
    let of_file = plan(&["--catalog", &file]).replace(&format!(" --catalog {file}"), "");
    let of_world = live.replace(&format!(" --as-of {DAY}"), "");
    let mirrors = format!(" {}", world.mirror_arguments().join(" "));
    assert!(of_world.contains(&mirrors), "{of_world}");
    assert_eq!(of_file, of_world.replace(&mirrors, ""));
    let shown = copy
        .run(&[
            "catalog",
            "show",
            "--catalog",
            &file,
            "--format",
            "markdown",
        ])
        .success();
    assert!(
        shown.contains("| CVE-2026-0001 | 9.8 | 2026-04-16 | &gt;=1.34.0 &lt;=1.34.7 |"),
        "{shown}"
    );
}
