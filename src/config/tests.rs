//! What a configuration says, what is wrong with it in exact words, and what edits of it change: bytes are compared.

use super::*;

mod faults;

fn config(text: &str) -> Config {
    Config::parse(text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", error.line))
}

const FULL: &str = "\
images: newest=3
retention: keep
addons: leave
endOfLife: drop
minimumAge: 2w
minors: {from: 1.30, to: '1.35'}
os: [ubuntu-2404, ubuntu-2204]
blocked:
  - version: 1.34.5
    os: ubuntu-2404
    reason: \"kubelet: leaks # memory\"
    by: A <a@example.org>
    on: 2026-05-02
pinned:
  - {version: v1.33.4, stack: openstack/scs2, until: 2026-06-30}
stacks:
  openstack/scs2:
    images: all
    minimumAge: 0d
    minors:
    - 1.30
    - \"1.33\"
    os:
imageStore:
  pattern: https://s/{os}-kube-v{version}.qcow2
  listing: s3
mirrors:
- from: https://s/
  to: http://m/
sources:
  kubernetes: https://github.example.org/api
  endOfLife: http://mirror.example.org/schedule.yaml
  vulnerabilities: {feed: https://mirror.example.org/feed.json, records: https://mirror.example.org/cve}
standard: scs-0210/v1
branches:
  - base: main
    files: ['*.md']
  - base: maint/{{stack}}-{{minorDashed}}
    minors: [1.34]
";

#[test]
fn reads_what_it_documents() {
    let config = config(FULL);
    assert_eq!(config.images, Some(ImagesToList::Newest(3)));
    assert_eq!(config.image_store.listing, StoreListing::S3);
    assert_eq!(config.mirrors[0].to, "http://m/");
    assert_eq!(config.minors.unwrap().to_string(), "1.30 to 1.35");
    assert_eq!(config.blocked[0].subject(), "v1.34.5 on ubuntu-2404");
    let own = &config.stacks["openstack/scs2"];
    assert_eq!(own.minors.as_ref().unwrap().to_string(), "1.30, 1.33");
    assert_eq!((own.os.as_ref(), own.retention), (None, None));
    assert_eq!(config.branches.len(), 2);
    assert_eq!(config.standard, Some(crate::standard::Standard::V1));
    let asked = config.sources.vulnerabilities.request().unwrap();
    assert_eq!(asked.records, "https://mirror.example.org/cve");
}

#[test]
fn vulnerabilities_are_asked_for_unless_the_file_says_none() {
    let asked = |text: &str| config(text).sources.vulnerabilities.request();
    assert_eq!(asked(""), Some(VulnerabilityRequest::default()));
    assert_eq!(asked("sources: {vulnerabilities: {feed: none}}\n"), None);
    let standard = config("standard: scs-0210/v1\n");
    let none = Config::default();
    assert_eq!(standard.policy(&none), none.policy(&standard));
    assert_ne!(standard.policy(&none), none.policy(&none));
}

#[test]
fn reads_what_a_change_has_to_pass() {
    let text = "gate:\n  checks: [e2e-1.34, {name: lint, app: ci}]\n  commands:\n  - {name: a, run: x, timeout: 90s, needs: [addons]}\n  - {name: b, run: y}\n";
    let gate = config(text).gate;
    let Checks::Names(names) = &gate.checks else {
        panic!("{:?}", gate.checks)
    };
    let names: Vec<String> = names.iter().map(CheckName::to_string).collect();
    assert_eq!(names, ["e2e-1.34", "lint (ci)"]);
    let times = gate.commands.iter().map(|one| one.timeout.to_string());
    assert_eq!(times.collect::<Vec<_>>(), ["90s", "30m"]);
    assert_eq!(gate.commands[0].needs, [Need::Addons].into());
    assert_eq!(config("gate: {checks: none}\n").gate.checks, Checks::None);
    assert_eq!(config("gate:\n").gate.checks, Checks::Required);
}

#[test]
fn what_says_nothing_is_the_default() {
    for text in [
        "",
        "\n",
        "# nothing yet\n",
        "\u{feff}",
        "---\n",
        "~\n",
        "images:\nblocked:\n# - version: v1.34.5\nstacks:\nimageStore:\n",
        "{}",
    ] {
        assert_eq!(config(text), Config::default(), "{text:?}");
    }
    let windows = format!("\u{feff}{}", FULL.replace('\n', "\r\n"));
    assert_eq!(config(&windows), config(FULL));
}

#[test]
fn options_win_over_the_file_and_over_what_it_says_of_stacks() {
    let file = config("images: all\naddons: leave\nstacks: {openstack/scs: {images: newest=2}}\n");
    let options = Config {
        images: Some(ImagesToList::Newest(1)),
        ..Config::default()
    };
    for (options, images) in [
        (&Config::default(), ["all", "newest=2"]),
        (&options, ["newest=1", "newest=1"]),
    ] {
        let policy = file.policy(options);
        let of_stack = policy.for_stack("openstack/scs");
        assert_eq!(policy.addons, Addons::Leave);
        assert_eq!(
            [policy.images, of_stack.images].map(|list| list.to_string()),
            images
        );
    }
}

#[test]
fn a_file_of_brackets_is_refused_and_not_followed() {
    let deep = format!("minors: {}", "[".repeat(100_000));
    let error = Config::parse(&deep).unwrap_err();
    assert_eq!(error.line, 1);
    let one = "- {version: v1.34.0, os: ubuntu-2404, reason: x}\n";
    let error = Config::parse(&format!("blocked:\n{}", one.repeat(20_000))).unwrap_err();
    assert_eq!(error.line, 3);
}

#[test]
fn pins_expire_and_stacks_have_to_exist() {
    let text = "stacks:\n  openstack/scs2:\n    images: all\npinned:\n- version: v1.34.4\n  stack: openstack/scs\n  until: 2026-06-30\n";
    let config = config(text);
    let day = |day: &str| config.check_day(text, day.parse().unwrap());
    assert_eq!(day("2026-06-30"), Ok(()));
    let error = day("2026-07-01").unwrap_err();
    assert_eq!(error.line, 7);
    assert_eq!(error.message, "the pin of v1.34.4 ended on 2026-06-30");
    assert!(
        error
            .hint
            .starts_with("run `csctl-matrix unpin v1.34.4 --stack openstack/scs` or ")
    );
    let titles = |titles: &[&str]| {
        let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
        config
            .check_stacks(text, &titles)
            .map_err(|error| (error.line, error.message))
    };
    assert_eq!(titles(&["openstack/scs", "openstack/scs2"]), Ok(()));
    assert_eq!(
        titles(&["openstack/scs"]).unwrap_err(),
        (
            2,
            "no cluster stack `openstack/scs2`; did you mean `openstack/scs`?".to_owned()
        )
    );
    assert_eq!(
        titles(&["openstack/scs2"]).unwrap_err().0,
        6,
        "the pin is named at its line"
    );
}

/// Files as people write them, in which a decision finds its place.
const FILES: [&str; 9] = [
    "",
    "# top\nimages: all # tail",
    "blocked:\n- version: v1.33.1 # first\n  reason: 'old'\n  by: \"A\"\n# end\nimages: all\n",
    "blocked:\n  - reason: >-\n      long\n      text\n    version: v1.33.1\n\n# end\n",
    "blocked: [{version: v1.33.1, reason: old}] # flow\nimages: all\n",
    "blocked: [\n  {version: v1.33.1, reason: old},\n  {version: v1.33.2, reason: old},\n]\n",
    "blocked: []\n",
    "blocked: ~ # nothing\nminors: [1.30]\n",
    "{images: all}\n",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_reason_is_read_back_and_leaves_again(
        reason in "(?s)[a-z'\"#:,{}\\[\\]&*!|>%@`\\\\ \\-?\n\t\u{85}\u{2028}äß日🙂.]{1,24}|\\PC{1,24}",
        by in proptest::option::of("[a-zA-Z <>@.:#]{1,12}"),
        os in proptest::bool::ANY,
        file in 0..FILES.len(),
        windows in proptest::bool::ANY,
    ) {
        proptest::prop_assume!(!reason.trim().is_empty());
        let before = if windows { FILES[file].replace('\n', "\r\n") } else { FILES[file].to_owned() };
        let record = Block {
            version: "v1.34.5".parse().unwrap(),
            os: os.then(|| "ubuntu-2404".parse().unwrap()),
            reason,
            by,
            on: Some("2026-05-02".parse().unwrap()),
        };
        let ConfigEdit::Changed(after) = block(&before, &record).unwrap() else { panic!("nothing changed") };
        let read = config(&after);
        proptest::prop_assert_eq!(read.blocked.last(), Some(&record));
        let other: serde_yaml::Value = serde_yaml::from_str(&after).unwrap();
        let list = other["blocked"].as_sequence().unwrap();
        proptest::prop_assert_eq!(list.last().unwrap()["reason"].as_str(), Some(&*record.reason));
        for line in before.lines().map(str::trim_end).filter(|line| line.contains('#') && !line.contains('~')) {
            let kept = after.lines().any(|other| other.trim_end() == line || other.ends_with("# flow"));
            proptest::prop_assert!(kept, "{line} is gone\n{after}");
        }
        proptest::prop_assert_eq!(block(&after, &record).unwrap(), ConfigEdit::Unchanged);
        if !before.starts_with('{') {
            let ConfigEdit::Changed(again) = unblock(&after, record.version, record.os.as_ref()).unwrap() else { panic!("nothing changed") };
            proptest::prop_assert_eq!(config(&again), config(&before));
        }
    }
}
