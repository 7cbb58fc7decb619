//! Bumps that people made by hand, in repositories of our own and in a public one, done again through the command line, with the
//! image store and the chart repository of that day served from loopback.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::github::{GitHubServer, PERSON, TOKEN};
use crate::support::program::{self, Copy, Said, differing, files_of, histories, upstream};
use crate::support::store::{self, CHARTS, StoreServer};
use serde_yaml::Value;

/// The image stores that the repositories name.
const STORES: [&str; 3] = [
    "https://images.example.org/openstack-k8s-capi-images/",
    "https://swift.services.a.regiocloud.tech/swift/v1/AUTH_b182637428444b9aa302bb8d5a5a418c/openstack-k8s-capi-images/",
    store::IMAGES,
];

/// The choices of the people who made the bump, as options: a case names them, or says them in words.
fn options(case: &Value) -> Vec<&str> {
    if let Some(options) = case["options"].as_sequence() {
        return options.iter().filter_map(Value::as_str).collect();
    }
    match case["id"].as_str().unwrap() {
        "layout-a-values-and-node-images" | "layout-a-two-node-image-files" => {
            vec!["--images", "newest", "--addons", "leave"]
        }
        "layout-c-next-minor" => vec!["--end-of-life", "drop"],
        // 1.32 had ended some weeks before, and people went on with it.
        "layout-c-lists" => vec!["--end-of-life", "follow"],
        _ => Vec::new(),
    }
}

#[test]
fn every_case_comes_out_as_its_people_wrote_it() {
    for history in histories() {
        let cases: Vec<Value> = serde_yaml::from_str(&read(&history.join("cases.yaml"))).unwrap();
        assert!(cases.len() >= 2, "{}: {cases:?}", history.display());
        for case in &cases {
            replay(&history, case);
        }
    }
}

fn replay(history: &Path, case: &Value) {
    let text = |key: &str| case[key].as_str().unwrap_or_default();
    let id = text("id");
    let world = StoreServer::start();
    serve(history, &world, &case["offered"]);
    let before = history.join("trees").join(text("before"));
    let copy = Copy::of_path(&before);

    let mirrors = world.mirror_arguments();
    let mut arguments = vec!["update", text("stack"), "--as-of", text("now")];
    arguments.extend(options(case));
    arguments.extend(mirrors.iter().map(String::as_str));
    if let Some(minor) = case["minor"].as_str() {
        arguments.extend(["--switch", minor]);
    }
    let said = copy.run(&arguments);
    assert_eq!(said.status, 0, "{id}: {}{}", said.stdout, said.stderr);

    let (found, expected) = (copy.files(), expected(history, case));
    if text("expect") == "exact" {
        let wrong = differing(&found, &expected);
        assert!(wrong.is_empty(), "{id}: {wrong:?} differ\n{}", said.stdout);
    } else {
        lists_but_for_the_forgotten(&copy, &expected, text("stack"));
    }

    let again = copy.run(&arguments).success();
    assert!(
        again.ends_with("nothing to change\n"),
        "{id}, second run:\n{again}"
    );
    assert_eq!(
        differing(&copy.files(), &found),
        [""; 0],
        "{id}: the second run changed something"
    );
    merged_one_by_one(case, (&world, &before), &found);
}

/// The files after the bump: a whole tree, or the changed ones over those before.
fn expected(history: &Path, case: &Value) -> BTreeMap<String, Vec<u8>> {
    let text = |key: &str| case[key].as_str().unwrap_or_default();
    let trees = history.join("trees");
    if case["changed"].is_null() {
        return files_of(&trees.join(text("after")));
    }
    let mut files = files_of(&trees.join(text("before")));
    let changed = files_of(&history.join(text("changed")));
    assert!(changed.len() >= 5, "{}", text("id"));
    files.extend(changed);
    files
}

/// The same bump as pull requests: merged one after the other, they come to the same files.
fn merged_one_by_one(
    case: &Value,
    (world, before): (&StoreServer, &Path),
    wanted: &BTreeMap<String, Vec<u8>>,
) {
    let text = |key: &str| case[key].as_str().unwrap_or_default();
    let id = text("id");
    let files = files_of(before);
    let pairs: Vec<(&str, Option<&str>)> = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), Some(std::str::from_utf8(bytes).unwrap())))
        .collect();
    let forge = GitHubServer::start_with(&pairs);
    let copy = Copy::of_path(before);
    let policy: String = options(case)
        .chunks(2)
        .map(|pair| match pair {
            ["--end-of-life", value] => format!("endOfLife: {value}\n"),
            [name, value] => format!("{}: {value}\n", name.trim_start_matches("--")),
            _ => unreachable!(),
        })
        .collect();
    let config = format!(
        "pullRequests:\n  repository: acme/cluster-stacks\n  api: {}\n  author: {{name: Bot, email: b@example.org}}\n\
         gate: {{checks: none}}\n{policy}",
        forge.url()
    );
    copy.write("csctl-matrix.yaml", &config).commit();
    forge
        .state()
        .push("main", &[("csctl-matrix.yaml", Some(&config))]);
    let mirrors = world.mirror_arguments();
    let run = || -> Said {
        let mut command = program::pr(&copy.root(), &forge.git_url(), TOKEN);
        command.args(["--as-of", text("now")]).args(&mirrors);
        command.output().unwrap().into()
    };
    let mut merged = 0;
    loop {
        let said = run().success();
        forge.clear_log();
        run().success();
        assert_eq!(forge.mutations(), [""; 0], "{id}: a second run\n{said}");
        let mut state = forge.state();
        let Some(number) = state.open_pulls().first().map(|pull| pull.number) else {
            break;
        };
        state.pull_mut(number).draft = false;
        state.merge(number, PERSON, "squash").unwrap();
        merged += 1;
        assert!(merged < 20, "{id}: it never ends\n{said}");
    }
    assert!(merged > 0, "{id}");
    let state = forge.state();
    let head = state.head("main").unwrap();
    let found: BTreeMap<String, Vec<u8>> = wanted
        .keys()
        .filter_map(|path| Some((path.clone(), state.file(head, path)?.into_bytes())))
        .collect();
    assert_eq!(differing(&found, wanted), [""; 0], "{id}");
}

/// `versions.yaml` is as the people wrote it; `kubernetes.yaml` has one entry more, the one they forgot.
fn lists_but_for_the_forgotten(
    copy: &Copy,
    expected: &std::collections::BTreeMap<String, Vec<u8>>,
    stack: &str,
) {
    let of = |name: &str| String::from_utf8(expected[&format!("{stack}/{name}")].clone()).unwrap();
    assert_eq!(
        copy.read(&format!("{stack}/versions.yaml")),
        of("versions.yaml")
    );
    let written = copy.read(&format!("{stack}/kubernetes.yaml"));
    let start = written
        .find("      - version: 'v1.32.13'\n")
        .expect("the forgotten entry is there");
    let end = written[start + 1..].find("      - version:").unwrap() + start + 1;
    assert_eq!(written[start..end].lines().count(), 4);
    assert_eq!(
        written[..start].to_owned() + &written[end..],
        of("kubernetes.yaml")
    );
}

/// Serves what a case says was offered that day.
fn serve(history: &Path, world: &StoreServer, offered: &Value) {
    let images = &offered["images"];
    if let Some(file) = images["file"].as_str() {
        let list: Value = serde_yaml::from_str(&read(&history.join(file))).unwrap();
        for image in list["images"].as_sequence().unwrap() {
            let day = image["build_date"].as_str().unwrap_or("2026-03-20");
            let sum = image["checksum"]
                .as_str()
                .unwrap()
                .trim_start_matches("sha256:");
            serve_image(world, image["url"].as_str().unwrap(), sum, day);
        }
    }
    for version in images["versions"].as_sequence().into_iter().flatten() {
        let (os, version) = (
            images["os"].as_str().unwrap(),
            version.as_str().unwrap().trim_start_matches('v'),
        );
        let (minor, patch) = version.rsplit_once('.').unwrap();
        let sum = format!("{:064x}", patch.parse::<u64>().unwrap() + 0xabc0);
        for base in STORES {
            serve_image(
                world,
                &format!("{base}{os}-kube-v{minor}/{os}-kube-v{version}.qcow2"),
                &sum,
                "2025-01-01",
            );
        }
    }
    for (chart, versions) in offered["charts"].as_mapping().into_iter().flatten() {
        let versions: Vec<&str> = versions
            .as_sequence()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        world.chart(CHARTS, chart.as_str().unwrap(), &versions);
    }
}

fn serve_image(world: &StoreServer, url: &str, sum: &str, day: &str) {
    let (folder, file) = url.rsplit_once('/').unwrap();
    let (base, _) = folder.rsplit_once('/').unwrap();
    let version = file.rsplit_once("-v").unwrap().1.trim_end_matches(".qcow2");
    let (minor, _) = version.rsplit_once('.').unwrap();
    world.file(url, "QFI", "application/octet-stream", day);
    world.file(
        &format!("{url}.CHECKSUM"),
        &format!("{sum}  {file}\n"),
        "text/plain",
        day,
    );
    let series = folder.rsplit('/').next().unwrap();
    world.file(
        &format!("{base}/last-{minor}"),
        &format!("{day} {series}/{file}\n"),
        "text/plain",
        day,
    );
}

fn read(path: &Path) -> String {
    #![expect(clippy::disallowed_methods, reason = "a test reads the case file")]
    std::fs::read_to_string(path).unwrap()
}

/// Lock files that Helm wrote are written anew with their charts: their digest is computed as Helm does, or they were left alone.
#[test]
fn lock_files_written_by_helm_are_kept_in_step() {
    let Some(upstream) = upstream() else { return };
    let mut written = 0;
    for tree in std::fs::read_dir(upstream.join("trees"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let copy = Copy::of_path(&tree);
        let locks = copy
            .files()
            .into_keys()
            .filter(|path| path.ends_with("Chart.lock"))
            .count();
        if locks == 0 {
            continue;
        }
        let world = StoreServer::start();
        for minor in 27..=31 {
            let version = format!("2.{minor}.99");
            world.chart(CHARTS, "openstack-cloud-controller-manager", &[&version]);
            world.chart(CHARTS, "openstack-cinder-csi", &[&version]);
        }
        let mirrors = world.mirror_arguments();
        let mut arguments = vec!["plan", "--format", "json", "--as-of", "2026-01-01"];
        arguments.extend(["--end-of-life", "follow"]);
        arguments.extend(mirrors.iter().map(String::as_str));
        let plan = copy.run(&arguments).json();
        let files = plan["files"].as_array().unwrap();
        let changed = files
            .iter()
            .filter(|file| file["path"].as_str().unwrap().ends_with("Chart.lock"));
        written += changed.count();
    }
    // Of the lock files with such charts, two did not fit their charts when they were committed.
    assert!(written >= 10, "{written} lock files would be written");
}
