//! The field cases: small repositories made after public reports, each with a script that runs the program in them. They are not
//! part of this repository; where they are absent the test says so. What a case has to say, and what it must never say, stands
//! below, by the number of the case.

use crate::support::program;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What one case says.
struct Expected {
    case: &'static str,
    says: &'static [&'static str],
    never: &'static [&'static str],
}

const fn expect(
    case: &'static str,
    says: &'static [&'static str],
    never: &'static [&'static str],
) -> Expected {
    Expected { case, says, never }
}

const EXPECTED: [Expected; 40] = [
    expect("00", &["+  version: 2.34.2", "check 0"], &["skip"]),
    expect(
        "02",
        &["gives no SHA-512 checksum", "image.yaml:11"],
        &["\n+"],
    ),
    expect(
        "05",
        &[
            "image.yaml:4: `node-image` names the image of v1.34.6",
            "put the version into `metadata.name`",
        ],
        &["\n+"],
    ),
    expect(
        "06",
        &[
            "+controlPlaneImage: node-image-v1.34.8",
            "+workerImage: node-image-v1.34.8",
            "+    url: https://img.example.org/capi/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.8.qcow2",
            "+      value: b124bfc8d5f8",
        ],
        &[],
    ),
    expect(
        "07",
        &[
            "ubuntu-2404-kube-v1.34.8.qcow2",
            "ubuntu-2404-kube-v1.34.8-arm64.qcow2",
            "ubuntu-2404-kube-v1.34.7-arm64.qcow2",
        ],
        &["not in the store"],
    ),
    expect(
        "10",
        &["check before 0", "+  version: 2.34.2", "check after 0"],
        &[],
    ),
    expect(
        "12",
        &["openstack-cloud-controller-manager 2.34.2: Chart.yaml asks for >=2.34.0 <2.34.2"],
        &["\n+"],
    ),
    expect(
        "13",
        &["did not fit its Chart.yaml before, and is left alone"],
        &["wrote   providers/openstack/demo/cluster-addon/Chart.lock"],
    ),
    expect("14", &["has packaged charts", "chart-archive"], &[]),
    expect("15", &["-> v1.34.8", "v1.34.7.qcow2"], &["answers 403"]),
    expect(
        "17",
        &[
            "gives no digest, which providers/docker/demo/cluster-class/templates/worker.yaml:8 asks for",
        ],
        &["\n+"],
    ),
    expect(
        "18",
        &["+  version: 2.34.2", "+digest: sha256:7f1aa397"],
        &["Chart.yaml\n"],
    ),
    expect(
        "19",
        &[
            "+      imageName: ubuntu-2404-kube-v1.34.8",
            "+      template: ubuntu-2404-kube-v1.34.8",
        ],
        &[],
    ),
    expect(
        "20",
        &["+  kubernetesVersion: v1.34.8", "check 0"],
        &["skip"],
    ),
    expect(
        "21",
        &["image-manager-form", "1 error in 1 stack"],
        &["skip"],
    ),
    expect(
        "22",
        &["check before 0", "+        version: v1.34.8", "check 0"],
        &[],
    ),
    expect(
        "24",
        &[
            "-> v1.34.8",
            "skip   v1.34.5: the listed image is not in the store",
        ],
        &[],
    ),
    expect("25", &["+      - version: v1.34.8", "check 0"], &[]),
    expect("26", &["+      - version: v1.34.8", "check 0"], &[]),
    expect("27", &["becomes v11 ", "release-tag"], &[]),
    expect("31", &["nothing to change", "check 0"], &["\n+"]),
    expect("32", &["+  version: 2.34.2", "+  occm: 2.34.2"], &["skip"]),
    expect(
        "33",
        &[
            "list-image-name",
            "kubernetes.yaml creates `node-image v<version>`",
        ],
        &["no findings"],
    ),
    expect(
        "35",
        &[
            "the sparse checkout leaves it out",
            "openstack/demo was not written",
        ],
        &[],
    ),
    expect(
        "36",
        &[" M providers/openstack/demo/csctl.yaml"],
        &["release/", "fixtures/"],
    ),
    expect(
        "37",
        &[
            "skip   v1.34.8: released 2026-05-12, and `minimumAge` is 7d: not the default before 2026-05-19",
        ],
        &["+  kubernetesVersion: v1.34.8"],
    ),
    expect(
        "39",
        &[
            "the next page of tags answers 404",
            "+  kubernetesVersion: v1.34.1",
            "exit 0",
        ],
        &["no source answered"],
    ),
    expect(
        "40",
        &["answers 401 and gives no token to the public", "exit 1"],
        &["nothing to change"],
    ),
    expect(
        "41",
        &["no image of rockylinux (providers/openstack/demo/cluster-class/values.yaml:3)"],
        &["\n+"],
    ),
    expect(
        "42",
        &[
            "+  name: node-image-v1.34.8",
            "v1.34.8.qcow2",
            "+  sha256: b124bfc8d5f8",
        ],
        &[],
    ),
    expect("43", &["ubuntu-2404-kube-v1.34.8-20260514.qcow2"], &[]),
    expect("44", &["+  version: 2.34.1"], &[]),
    expect(
        "49",
        &["+                    image: quay.io/capk/ubuntu-2404-container-disk:v1.34.3"],
        &[],
    ),
    expect("50", &["v1.34.8.qcow2.CHECKSUM"], &[]),
    expect(
        "53",
        &["kubernetes.yaml is a symbolic link, which is not written through"],
        &["wrote"],
    ),
    expect(
        "58",
        &[
            "ubuntu-2404-kube-v1.34.7-arm64.qcow2",
            "name: node-image-v1.34.7-arm64",
        ],
        &[],
    ),
    expect(
        "61",
        &["+    name: node-image-v1.34.8", "check before 0"],
        &["kube-vip:v1.34"],
    ),
    expect(
        "62",
        &["+  kubernetesVersion: v1.34.8"],
        &["openstack-demo-3-", "values.yaml"],
    ),
    expect(
        "64",
        &[
            "+      name: openstack-demo-1-34-v3",
            "+    version: v1.34.8",
        ],
        &["\n+|", "\n-|"],
    ),
    expect("73", &["check before 0", "check 0"], &["README"]),
];

fn cases() -> Option<PathBuf> {
    program::upstream().map(|upstream| upstream.join("field-cases/cases"))
}

fn has_python() -> bool {
    let found = Command::new("python3").arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

/// Runs a case and returns what it said.
fn run(case: &Path) -> String {
    let output = Command::new("bash")
        .arg(case.join("run.sh"))
        .env("BIN", env!("CARGO_BIN_EXE_csctl-matrix"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn every_field_case_ends_as_it_should() {
    let Some(cases) = cases() else { return };
    let mut wrong = Vec::new();
    for entry in fs::read_dir(cases).unwrap() {
        let case = entry.unwrap().path();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        if case.join("server.py").exists() && !has_python() {
            eprintln!("skipped: {name} needs python3");
            continue;
        }
        let Some(expected) = EXPECTED.iter().find(|one| name.starts_with(one.case)) else {
            eprintln!("skipped: nothing is known of {name}");
            continue;
        };
        let said = run(&case);
        let lacks = expected.says.iter().filter(|text| !said.contains(**text));
        wrong.extend(lacks.map(|text| format!("{name} does not say {text}\n{said}")));
        let says = expected.never.iter().filter(|text| said.contains(**text));
        wrong.extend(says.map(|text| format!("{name} says {text}\n{said}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every tree that was released once is read and planned: nothing of it keeps its stacks from being looked at.
#[test]
fn every_released_tree_is_planned() {
    let catalog = program::catalog();
    let mut planned = 0;
    let trees = program::histories().into_iter();
    for entry in trees.flat_map(|history| fs::read_dir(history.join("trees")).unwrap()) {
        let tree = entry.unwrap().path().display().to_string();
        let plan = program::run(&[
            "-C",
            &tree,
            "plan",
            "--catalog",
            &catalog,
            "--format",
            "json",
        ]);
        assert!(plan.stderr.is_empty() || !plan.stdout.is_empty(), "{tree}");
        let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
        let stacks = plan["stacks"].as_array().unwrap();
        assert!(!stacks.is_empty(), "{tree}");
        planned += 1;
        for stack in stacks {
            let none = Vec::new();
            assert_eq!(stack["faults"].as_array().unwrap_or(&none), &none, "{tree}");
            let by_hand = stack["outOfReach"].as_array().unwrap_or(&none);
            assert_eq!(by_hand, &none, "{tree}");
        }
    }
    assert!(planned >= 3, "{planned}");
}
