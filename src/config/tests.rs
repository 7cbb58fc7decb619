//! What a configuration says, what is wrong with it in exact words, and what edits of it change: bytes are compared.

use super::*;

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
    assert_eq!(config.image_store.listing, Listing::S3);
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
    let images = |options: &Config| {
        let policy = file.policy(options);
        assert_eq!(policy.addons, Addons::Leave);
        [policy.images, policy.for_stack("openstack/scs").images].map(|list| list.to_string())
    };
    assert_eq!(images(&Config::default()), ["all", "newest=2"]);
    assert_eq!(images(&options), ["newest=1", "newest=1"]);
}

/// A text that is no configuration, and the line, the message and the beginning of the hint that it gives.
const FAULTS: &[(&str, usize, &str, &str)] = &[
    (
        "images: all\nadons: leave\n",
        2,
        "there is no key `adons`; did you mean `addons`?",
        "there are `images`, `retention`, ",
    ),
    (
        "images: some\n",
        1,
        "`images`: `some` is no list policy; write `all`, `newest`, `newest=3` or `from=v1.34.4`",
        KEYS,
    ),
    (
        "images: all\nstandard: scs-0210\n",
        2,
        "`standard`: unknown standard `scs-0210`; use one of scs-0210/v2, scs-0210/v3-draft, scs-0210/v2-2024-10, \
         scs-0210/v2-2024-02, scs-0210/v1, none",
        KEYS,
    ),
    (
        "sources:\n  vulnerabilities:\n    feed: kubernetes.io\n",
        3,
        "`sources.vulnerabilities.feed`: `kubernetes.io` is no URL",
        "write it with https:// or http://",
    ),
    (
        "gate:\n  checks: e2e\n",
        2,
        "`gate.checks`: `e2e` is neither `required` nor `none`; a name stands in a list: [e2e]",
        KEYS,
    ),
    (
        "gate:\n  checks: {name: e2e}\n",
        2,
        "`gate.checks` is a map; `required`, `none` or a list of names is needed",
        KEYS,
    ),
    (
        "gate:\n  checks: []\n",
        2,
        "`gate.checks` names no check",
        "write a list such as [e2e-1.34, lint]",
    ),
    (
        "gate:\n  checks:\n  - e2e\n  - {name: e2e, app: ci}\n  - e2e\n",
        5,
        "`gate.checks[2]` names e2e again",
        "write a list such as [e2e-1.34, lint]",
    ),
    (
        "gate:\n  checks:\n  - {app: ci}\n",
        3,
        "`gate.checks[0]`: `name` is missing",
        "add `name:` to it",
    ),
    (
        "gate:\n  command: x\n",
        2,
        "`gate`: there is no key `command`; did you mean `commands`?",
        "there are `checks`, `commands`",
    ),
    (
        "gate:\n  commands:\n  - name: e2e\n    run: ' '\n",
        4,
        "`gate.commands[0].run` is empty",
        "write what the shell is to run",
    ),
    (
        "gate:\n  commands:\n  - {name: e2e, run: a}\n  - {name: e2e, run: b}\n",
        4,
        "`gate.commands[1].name` is `e2e`, as that of another command",
        "give each command a name of its own",
    ),
    (
        "gate:\n  commands:\n  - {name: \"a\\nb\", run: a}\n",
        3,
        "`gate.commands[0].name` begins or ends with a space, or has a line break in it",
        "results speak of the command by its name",
    ),
    (
        "gate:\n  commands:\n  - {name: e2e, run: a, timeout: 30}\n",
        3,
        "`gate.commands[0].timeout`: `30` is no time; write seconds, minutes or hours, such as `90s`, `30m` or `2h`",
        KEYS,
    ),
    (
        "gate:\n  commands:\n  - {name: e2e, run: a, timeout: 25h}\n",
        3,
        "`gate.commands[0].timeout`: `25h` is longer than a day, `24h`",
        KEYS,
    ),
    (
        "gate:\n  commands:\n  - {name: e2e, run: a, needs: [defaults]}\n",
        3,
        "`gate.commands[0].needs[0]`: `defaults` is none of `default`, `images`, `addons`",
        KEYS,
    ),
    (
        "images: 3\n",
        1,
        "`images`: `3` is no list policy; write `all`, `newest`, `newest=3` or `from=v1.34.4`",
        KEYS,
    ),
    (
        "images: newest=0\n",
        1,
        "`images`: `0` is no number of images",
        KEYS,
    ),
    (
        "images: from=1.34\n",
        1,
        "`images`: `1.34` is not a Kubernetes version such as v1.34.7",
        KEYS,
    ),
    (
        "images: [all]\n",
        1,
        "`images` is a list; a plain value is needed",
        KEYS,
    ),
    (
        "retention: Keep\n",
        1,
        "`retention`: `Keep` is none of `trim`, `keep`",
        KEYS,
    ),
    (
        "retention: {}\n",
        1,
        "`retention` is a map; a plain value is needed",
        KEYS,
    ),
    (
        "endOfLife: dorp\n",
        1,
        "`endOfLife`: `dorp` is none of `keep`, `drop`, `follow`",
        KEYS,
    ),
    (
        "\nmirrors: 3\n",
        2,
        "`mirrors` is a plain value; a list is needed",
        KEYS,
    ),
    (
        "mirrors:\n- from: https://s/\n",
        2,
        "`mirrors[0]`: `to` is missing",
        "add `to:` to it",
    ),
    (
        "mirrors:\n- from: https://s/\n  to: mirror\n",
        3,
        "`mirrors[0].to`: `mirror` is no URL",
        "write it with https:// or http://, and without a user name",
    ),
    (
        "mirrors:\n- from: ftp://s/\n  to: http://m/\n",
        2,
        "`mirrors[0].from`: `ftp://s/` is no URL",
        "write it with https:// or http://, and without a user name",
    ),
    (
        "- images: all\n",
        1,
        "the file is a list; a map is needed",
        KEYS,
    ),
    (
        "all\n",
        1,
        "the file is a plain value; a map is needed",
        KEYS,
    ),
    (
        "imageStore:\n  pattern: https://s/x.qcow2\n",
        2,
        "`imageStore.pattern`: no `{version}` in the image pattern `https://s/x.qcow2`",
        KEYS,
    ),
    (
        "imageStore:\n  patern: x\n",
        2,
        "`imageStore`: there is no key `patern`; did you mean `pattern`?",
        "there are `pattern`, `listing`",
    ),
    (
        "imageStore: x\n",
        1,
        "`imageStore` is a plain value; a map is needed",
        KEYS,
    ),
    (
        "imageStore:\n  listing: s4\n",
        2,
        "`imageStore.listing`: `s4` is none of `none`, `s3`",
        KEYS,
    ),
    (
        "minimumAge: 3\n",
        1,
        "`minimumAge`: `3` is no age; write days or weeks, such as `3d` or `2w`",
        KEYS,
    ),
    (
        "minimumAge: -3d\n",
        1,
        "`minimumAge`: `-3d` is no age; write days or weeks, such as `3d` or `2w`",
        KEYS,
    ),
    (
        "minimumAge: 400d\n",
        1,
        "`minimumAge`: `400d` is longer than 365 days, and no patch would become a default",
        KEYS,
    ),
    (
        "minors: 1.34\n",
        1,
        "`minors` is a plain value; a list of minors or a map with `from` and `to` is needed",
        KEYS,
    ),
    (
        "minors: []\n",
        1,
        "`minors` names no minor",
        "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}",
    ),
    (
        "minors: [1.34, '1.34']\n",
        1,
        "`minors` names 1.34 twice",
        "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}",
    ),
    (
        "minors: [1.34.5]\n",
        1,
        "`minors[0]`: `1.34.5` is not a Kubernetes minor such as 1.34",
        KEYS,
    ),
    (
        "minors: {from: 1.35, to: 1.34}\n",
        1,
        "`minors` goes from 1.35 to 1.34, which is before it",
        "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}",
    ),
    (
        "minors: {form: 1.35}\n",
        1,
        "`minors`: there is no key `form`; did you mean `from`?",
        "there are `from`, `to`",
    ),
    (
        "minors: {}\n",
        1,
        "`minors` has neither `from` nor `to`",
        "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}",
    ),
    (
        "os: ubuntu-2404\n",
        1,
        "`os` is a plain value; a list is needed",
        KEYS,
    ),
    (
        "os: [Ubuntu]\n",
        1,
        "`os[0]`: `Ubuntu` is not an operating-system release such as ubuntu-2404",
        KEYS,
    ),
    (
        "os: []\n",
        1,
        "`os` names no operating-system release",
        "write a list such as [ubuntu-2404], or leave the key out: then any will do",
    ),
    (
        "os: [ubuntu-2404, ubuntu-2404]\n",
        1,
        "`os` names ubuntu-2404 twice",
        "write a list such as [ubuntu-2404], or leave the key out: then any will do",
    ),
    (
        "blocked: v1.34.5\n",
        1,
        "`blocked` is a plain value; a list is needed",
        KEYS,
    ),
    (
        "blocked: [v1.34.5]\n",
        1,
        "`blocked[0]` is a plain value; a map is needed",
        KEYS,
    ),
    (
        "blocked:\n- version: v1.34\n  reason: x\n",
        2,
        "`blocked[0].version`: `v1.34` is not a Kubernetes version such as v1.34.7",
        KEYS,
    ),
    (
        "blocked:\n- version: v1.34.5\n",
        2,
        "`blocked[0]`: `reason` is missing",
        "add `reason:` to it",
    ),
    (
        "blocked:\n- version: v1.34.5\n  reason: ' '\n",
        3,
        "`blocked[0].reason` is empty; v1.34.5 needs a reason",
        "say why, for those who read it in a year",
    ),
    (
        "blocked:\n- version: v1.34.5\n  reason:\n",
        3,
        "`blocked[0].reason` is empty; a plain value is needed",
        KEYS,
    ),
    (
        "blocked:\n- version: v1.34.5\n  reason: x\n  on: May\n",
        4,
        "`blocked[0].on`: `May` is no day; write it as 2026-06-30",
        KEYS,
    ),
    (
        "blocked:\n- version: v1.34.5\n  reason: x\n- version: 1.34.5\n  reason: y\n",
        4,
        "v1.34.5 is blocked twice; first on line 2",
        "leave one of the two",
    ),
    (
        "blocked:\n- version: v1.34.5\n  reason: x\npinned:\n- version: v1.34.5\n  until: 2026-06-30\n",
        5,
        "v1.34.5 is pinned, and blocked on line 2",
        "csctl-matrix unpin v1.34.5, or csctl-matrix unblock v1.34.5",
    ),
    (
        "pinned:\n- version: v1.34.5\n",
        2,
        "`pinned[0]`: `until` is missing",
        "add `until:` to it",
    ),
    (
        "pinned:\n- version: v1.34.5\n  until: 2026-06-31\n",
        3,
        "`pinned[0].until`: `2026-06-31` is no day; write it as 2026-06-30",
        KEYS,
    ),
    (
        "pinned:\n- version: v1.34.5\n  until: 2026-06-30\n- version: v1.34.4\n  until: 2026-06-30\n",
        4,
        "v1.34.4 is pinned, and v1.34.5 of the same minor on line 2",
        "leave one of the two",
    ),
    (
        "minors: [1.33]\npinned:\n- version: v1.34.5\n  until: 2026-06-30\n",
        3,
        "v1.34.5 is pinned, and `minors` is 1.33",
        "add its minor to `minors`, or remove the pin",
    ),
    (
        "stacks:\n  openstack/scs:\n    minors: [1.33]\npinned:\n- version: v1.34.5\n  stack: openstack/scs\n  until: 2026-06-30\n",
        5,
        "v1.34.5 is pinned, and `minors` is 1.33",
        "add its minor to `minors`, or remove the pin",
    ),
    (
        "stacks: [openstack/scs]\n",
        1,
        "`stacks` is a list; a map is needed",
        KEYS,
    ),
    (
        "stacks:\n  openstack/scs:\n    image: all\n",
        3,
        "`stacks[\"openstack/scs\"]`: there is no key `image`; did you mean `images`?",
        "there are `images`, `retention`, `addons`, `endOfLife`, `minimumAge`, `minors`, `os`",
    ),
    (
        "stacks:\n  openstack/scs:\n    blocked: []\n",
        3,
        "`stacks[\"openstack/scs\"]`: there is no key `blocked`",
        "there are `images`, `retention`, `addons`, `endOfLife`, `minimumAge`, `minors`, `os`",
    ),
    (
        "sources:\n  kubernetes: api.github.com\n",
        2,
        "`sources.kubernetes`: `api.github.com` is no URL",
        "write it with https:// or http://, and without a user name",
    ),
    (
        "sources:\n  endOfLife: https://u:p@x/\n",
        2,
        "`sources.endOfLife` carries a user name or a password",
        "write it with https:// or http://, and without a user name",
    ),
    (
        "branches:\n- base: {{stack}}\n",
        2,
        "a text that begins with `{{` is no plain text in YAML",
        "put it between quotes: base: '{{stack}}-{{minor}}'",
    ),
    (
        "branches:\n- base: '{{stak}}'\n",
        2,
        "`branches[0].base`: `{{stak}}` is no name of the template; there are provider, stack, minor, minorDashed",
        KEYS,
    ),
    (
        "branches:\n- base: a b\n",
        2,
        "`branches[0].base`: `a b` is no branch name that git takes",
        KEYS,
    ),
    (
        "branches:\n- files: [x]\n",
        2,
        "`branches[0]`: `base` is missing",
        "add `base:` to it",
    ),
    (
        "branches:\n- base: main\n  files: ['../x']\n",
        3,
        "`branches[0].files[0]`: `../x` is no glob of files below the repository's root",
        KEYS,
    ),
    (
        "branches:\n- base: main\n  minors: []\n",
        3,
        "`branches[0].minors` names no minor",
        "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}",
    ),
    (
        "images: all\nretention: keep\nimages: all\n",
        3,
        "`images` stands twice: on line 1 and on line 3",
        "leave one of the two",
    ),
    (
        "images: all\n---\nimages: all\n",
        3,
        "the file has a second document",
        "leave one, and no `---` between",
    ),
    (
        "imageStore:\n\tlisting: s3\n",
        2,
        "the line is indented with a tab",
        "indent with spaces; YAML takes no tabs there",
    ),
    (
        "images: [\n",
        1,
        "this is not YAML: unclosed bracket '['",
        "look at quotes, brackets and indentation on this line and the one above",
    ),
    (
        "images: 'all\n",
        1,
        "this is not YAML: unclosed quote",
        "look at quotes, brackets and indentation on this line and the one above",
    ),
    (
        "images: &a all\naddons: *a\n",
        2,
        "`addons`: an alias is not read here",
        "write the value out",
    ),
    (
        "? [a]\n: b\n",
        1,
        "a key is a list, a map or empty; a plain text is needed",
        KEYS,
    ),
    (
        "'': x\n",
        1,
        "there is no key ``",
        "there are `images`, `retention`, ",
    ),
];

/// The hint where nothing more is known.
const KEYS: &str = "docs/configuration.md lists the keys; nothing runs on half a configuration";

#[test]
fn mistakes_are_named_with_their_line() {
    for (text, line, message, hint) in FAULTS {
        let error = Config::parse(text).unwrap_err();
        assert_eq!((error.line, &*error.message), (*line, *message), "{text}");
        assert!(error.hint.starts_with(hint), "{text}: {}", error.hint);
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
    assert_eq!(
        error.message,
        "v1.34.4 is pinned until 2026-06-30, which has passed"
    );
    assert!(
        error
            .hint
            .starts_with("csctl-matrix unpin v1.34.4 --stack openstack/scs, or ")
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
        let Edited::Changed(after) = block(&before, &record).unwrap() else { panic!("nothing changed") };
        let read = config(&after);
        proptest::prop_assert_eq!(read.blocked.last(), Some(&record));
        let other: serde_yaml::Value = serde_yaml::from_str(&after).unwrap();
        let list = other["blocked"].as_sequence().unwrap();
        proptest::prop_assert_eq!(list.last().unwrap()["reason"].as_str(), Some(&*record.reason));
        for line in before.lines().map(str::trim_end).filter(|line| line.contains('#') && !line.contains('~')) {
            let kept = after.lines().any(|other| other.trim_end() == line || other.ends_with("# flow"));
            proptest::prop_assert!(kept, "{line} is gone\n{after}");
        }
        proptest::prop_assert_eq!(block(&after, &record).unwrap(), Edited::Unchanged);
        if !before.starts_with('{') {
            let Edited::Changed(again) = unblock(&after, record.version, record.os.as_ref()).unwrap() else { panic!("nothing changed") };
            proptest::prop_assert_eq!(config(&again), config(&before));
        }
    }
}
