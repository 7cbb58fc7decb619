//! The policy from end to end: decisions are written with the program, byte for byte where they are seen, and plans follow them.

use std::fs;

use crate::support::program::{Copy, Said, catalog, differing};

const CONFIG: &str = "csctl-matrix.yaml";
const STACK: &str = "providers/openstack/scs2";

/// The repository with one stack at v1.34.6, whose store offers v1.34.0 to v1.34.8.
fn copy() -> Copy {
    Copy::of("layout-c")
}

fn with(text: &str) -> Copy {
    let copy = copy();
    copy.write(CONFIG, text);
    copy
}

impl Copy {
    fn block(&self, arguments: &[&str]) -> Said {
        let decided = ["--by", "Jana", "--as-of", "2026-06-01"];
        self.run(&[&["block"], arguments, &decided].concat())
    }

    fn planned(&self, arguments: &[&str]) -> Said {
        let catalog = catalog();
        self.run(&[&["plan", "--catalog", &catalog], arguments].concat())
    }

    fn update(&self) -> String {
        let said = self.run(&["update", "--catalog", &catalog(), "--allow-dirty"]);
        said.success()
    }
}

/// The lines that are held, or noted, or given as a reason.
fn lines<'t>(text: &'t str, label: &str) -> Vec<&'t str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(label));
    lines.map(str::trim_start).collect()
}

#[test]
fn a_blocked_default_leaves_everything_and_says_why() {
    let copy = copy();
    copy.block(&["v1.34.6", "--reason", "kubelet: leaks #1"])
        .success();
    let plan = copy.planned(&["--minor", "1.34"]).success();
    let why = lines(&plan, "why ");
    assert!(
        why.contains(&"v1.34.6 leaves: blocked, kubelet: leaks #1 (Jana, 2026-06-01)"),
        "{plan}"
    );
    assert!(
        why.iter()
            .any(|line| line.starts_with("the default leaves v1.34.6 for v1.34.8"))
    );
    assert!(lines(&plan, "note").iter().any(|line| {
        line.starts_with("clusters of openstack-scs2-1-34 on v1.34.6 must be upgraded to v1.34.8")
    }));
    assert!(
        lines(&plan, "skip").contains(&"v1.34.6: blocked: kubelet: leaks #1 (Jana, 2026-06-01)")
    );
    assert!(plan.starts_with("openstack-scs2-1-34   "), "{plan}");
    copy.update();
    for file in [
        "csctl.yaml",
        "versions.yaml",
        "image.yaml",
        "kubernetes.yaml",
        "README.md",
    ] {
        let text = copy.read(&format!("{STACK}/{file}"));
        assert!(!text.contains("1.34.6"), "{file}:\n{text}");
    }
    let again = copy.planned(&[]).success();
    assert!(again.contains("nothing to change"), "{again}");
}

#[test]
fn a_block_is_followed_without_an_answer_of_the_store() {
    let copy = copy();
    copy.write("world.yaml", "schema: 1\nasOf: 2026-06-15\n");
    copy.block(&["v1.34.6", "--reason", "bad"]).success();
    let world = copy.path("world.yaml").display().to_string();
    let said = copy.run(&["update", "--catalog", &world, "--allow-dirty"]);
    said.ended(6);
    assert!(
        copy.read(&format!("{STACK}/csctl.yaml"))
            .contains("v1.34.5")
    );
    let image = copy.read(&format!("{STACK}/image.yaml"));
    assert!(image.contains("kube-v1.34.5.qcow2") && !image.contains("1.34.6"));
    for version in ["v1.34.1", "v1.34.3", "v1.34.5"] {
        copy.block(&[version, "--reason", "bad"]).success();
    }
    let before = copy.files();
    let said = copy.run(&["update", "--catalog", &world, "--allow-dirty"]);
    let error = said.failure(1);
    assert!(
        error.contains("csctl.yaml:4: v1.34.5 is blocked, and nothing else of 1.34 may be the default: bad (Jana, 2026-06-01)"),
        "{error}"
    );
    assert!(
        error.contains(" unblock v1.34.5, or use another minor: csctl-matrix -C "),
        "{error}"
    );
    assert_eq!(differing(&before, &copy.files()), [""; 0]);
}

#[test]
fn a_block_of_one_image_takes_that_of_another_system() {
    let copy = copy();
    copy.block(&["v1.34.8", "--os", "ubuntu-2404", "--reason", "bad image"])
        .success();
    let plan = copy.planned(&["--minor", "1.34"]).success();
    assert!(plan.contains("v1.34.6 -> v1.34.7"), "{plan}");
    assert!(
        lines(&plan, "skip")
            .contains(&"v1.34.8 on ubuntu-2404: blocked: bad image (Jana, 2026-06-01)"),
        "{plan}"
    );
    let shown = copy.run(&["show", "--catalog", &catalog()]).success();
    assert!(shown.contains("1.34.8 blocked"), "{shown}");
    let json = copy
        .run(&["show", "--catalog", &catalog(), "--format", "json"])
        .json();
    let text = json.to_string();
    assert!(
        text.contains(r#""blocked":"bad image (Jana, 2026-06-01)""#),
        "{text}"
    );
}

#[test]
fn pins_ages_minors_and_systems_hold_back() {
    let held = |config: &str, expected: &str, heading: &str| {
        let plan = with(config).planned(&["--minor", "1.34"]).success();
        assert!(lines(&plan, "skip").contains(&expected), "{config}\n{plan}");
        let first = plan.lines().next().unwrap();
        assert!(first.contains(heading), "{config}\n{plan}");
    };
    held(
        "minimumAge: 60d\n",
        "v1.34.8: released 2026-05-12, and `minimumAge` is 60d: not the default before 2026-07-11",
        "v1.34.6 -> v1.34.7",
    );
    held(
        "minimumAge: 60d\nstacks:\n  openstack/scs2:\n    minimumAge: 0d\n",
        "v1.34.9: announced by last-1.34, image answers 404",
        "v1.34.6 -> v1.34.8",
    );
    held(
        "pinned:\n- version: v1.34.5\n  until: 2026-06-15\n  reason: until the fix\n",
        "v1.34.8: default pinned to v1.34.5 until 2026-06-15: until the fix",
        "v1.34.6 -> v1.34.5",
    );
    held(
        "pinned: [{version: v1.34.2, stack: openstack/scs2, until: 2026-06-30}]\n",
        "v1.34.2: pinned until 2026-06-30, and no image of it may be used: the default is v1.34.6",
        "openstack-scs2-1-34   new patch, addons   becomes",
    );
    held(
        "os: [ubuntu-2204]\n",
        "v1.34.8: available on ubuntu-2404 only, and `os` is ubuntu-2204",
        "openstack-scs2-1-34   addons",
    );
    held(
        "minors: [1.33]\n",
        "1.34: left alone, as `minors` is 1.33",
        "openstack/scs2   nothing to change",
    );
}

#[test]
fn what_is_wrong_with_a_stack_or_a_day_stops_everything() {
    for (config, message, hint) in [
        (
            "stacks:\n  openstack/scs:\n    images: all\n",
            "csctl-matrix.yaml:2: no cluster stack `openstack/scs`; did you mean `openstack/scs2`?",
            "there are openstack/scs2",
        ),
        (
            "pinned:\n- version: v1.34.5\n  until: 2026-06-14\n",
            "csctl-matrix.yaml:3: the pin of v1.34.5 ended on 2026-06-14",
            "run `csctl-matrix unpin v1.34.5` or `csctl-matrix pin v1.34.5 --until DATE`",
        ),
    ] {
        let said = with(config).planned(&[]);
        assert_eq!(said.stdout, "");
        assert_eq!(
            said.failure(1),
            format!("error: {message}\n  hint: {hint}\n")
        );
    }
}

/// A file before, the command, and the file after.
const EDITS: &[(&str, &[&str], &str)] = &[
    (
        "# top\nimages: all # tail\n",
        &["block", "v1.34.5", "--reason", "bad"],
        "# top\nimages: all # tail\nblocked:\n  - version: v1.34.5\n    reason: bad\n    by: Jana\n    on: 2026-06-01\n",
    ),
    (
        "images: all\r\n# end",
        &[
            "block",
            "v1.34.5",
            "--os",
            "ubuntu-2404",
            "--reason",
            "a: b #c",
        ],
        "images: all\r\n# end\r\nblocked:\r\n  - version: v1.34.5\r\n    os: ubuntu-2404\r\n    reason: \"a: b #c\"\r\n    by: Jana\r\n    on: 2026-06-01",
    ),
    (
        "blocked:\n# why: see the minutes\n- version: 'v1.33.1' # first\n  reason: 'old'\n  on: 2025-01-01\n\nimages: all\n",
        &["block", "v1.34.5", "--reason", "it's \"bad\"\nand größer"],
        "blocked:\n# why: see the minutes\n- version: 'v1.33.1' # first\n  reason: 'old'\n  on: 2025-01-01\n- version: 'v1.34.5'\n  reason: \"it's \\\"bad\\\"\\nand größer\"\n  on: 2026-06-01\n  by: Jana\n\nimages: all\n",
    ),
    (
        "blocked: [{version: v1.33.1, reason: old}] # flow\n",
        &["block", "v1.34.5", "--reason", "a, b"],
        "blocked: [{version: v1.33.1, reason: old}, {version: v1.34.5, reason: \"a, b\", by: Jana, \"on\": 2026-06-01}] # flow\n",
    ),
    (
        "blocked: [] # none\nimages: all\n",
        &["block", "v1.34.5", "--reason", "[x]"],
        "blocked: [{version: v1.34.5, reason: \"[x]\", by: Jana, on: 2026-06-01}] # none\nimages: all\n",
    ),
    (
        "blocked: # none yet\n  # nothing\nimages: all\n",
        &["block", "v1.34.5", "--reason", "yes"],
        "blocked: # none yet\n  - version: v1.34.5\n    reason: \"yes\"\n    by: Jana\n    on: 2026-06-01\n  # nothing\nimages: all\n",
    ),
    (
        "{images: all}\n",
        &["block", "v1.34.5", "--reason", "bad"],
        "{images: all, blocked: [{version: v1.34.5, reason: bad, by: Jana, on: 2026-06-01}]}\n",
    ),
    (
        "blocked:\n- version: v1.33.1\n  reason: |\n    two\n    lines\nimages: all\n",
        &["block", "v1.34.5", "--reason", "bad"],
        "blocked:\n- version: v1.33.1\n  reason: |\n    two\n    lines\n- version: v1.34.5\n  reason: bad\n  by: Jana\n  on: 2026-06-01\nimages: all\n",
    ),
    (
        "blocked:\n- version: v1.33.1\n  reason: a\n# between\n- version: v1.34.5\n  reason: b # c\n# after\nimages: all\n",
        &["unblock", "v1.34.5"],
        "blocked:\n- version: v1.33.1\n  reason: a\n# between\n# after\nimages: all\n",
    ),
    (
        "# top\nblocked:\n- version: v1.34.5\n  reason: b\n# after\nimages: all\n",
        &["unblock", "1.34.5"],
        "# top\n# after\nimages: all\n",
    ),
    (
        "# top\nblocked:\n- version: v1.34.5\n  os: ubuntu-2404\n  reason: b\n# after\n",
        &["unblock", "v1.34.5", "--os", "ubuntu-2404"],
        "# top\n# after\n",
    ),
    (
        "images: all\n",
        &[
            "pin",
            "v1.34.4",
            "--until",
            "2026-06-30",
            "--stack",
            "openstack/scs2",
        ],
        "images: all\npinned:\n  - version: v1.34.4\n    stack: openstack/scs2\n    until: 2026-06-30\n",
    ),
    (
        "pinned:\n- {version: v1.34.4, until: 2026-01-01} # long ago\n",
        &[
            "pin",
            "v1.34.4",
            "--until",
            "2026-06-30",
            "--reason",
            "the fix",
        ],
        "pinned:\n- {version: v1.34.4, reason: the fix, until: 2026-06-30} # long ago\n",
    ),
    (
        "pinned:\n- version: v1.34.4\n  until: 2026-06-30\n- version: v1.33.4\n  until: 2026-06-30",
        &["unpin", "v1.33.4"],
        "pinned:\n- version: v1.34.4\n  until: 2026-06-30",
    ),
];

fn run_edit(copy: &Copy, command: &[&str]) -> Said {
    let more: &[&str] = match command[0] {
        "block" => &["--by", "Jana", "--as-of", "2026-06-01"],
        "pin" => &["--as-of", "2026-06-01"],
        _ => &[],
    };
    copy.run(&[command, more].concat())
}

#[test]
fn decisions_change_their_own_lines_alone_and_once() {
    for (before, command, after) in EDITS {
        let copy = with(before);
        let said = run_edit(&copy, command).success();
        assert!(
            said.contains("See what follows: csctl-matrix -C "),
            "{said}"
        );
        assert_eq!(copy.read(CONFIG), *after, "{command:?}");
        let again = run_edit(&copy, command).success();
        assert!(again.ends_with("; nothing to write\n"), "{again}");
        assert_eq!(copy.read(CONFIG), *after, "{command:?} again");
    }
}

#[test]
fn the_first_decision_makes_the_file() {
    let copy = copy();
    copy.block(&["v1.34.5", "--reason", "bad"]).success();
    let text = copy.read(CONFIG);
    let first = "# yaml-language-server: $schema=https://";
    assert!(
        text.starts_with(first) && text.contains("\nblocked:\n  - version: v1.34.5\n"),
        "{text}"
    );
    copy.run(&["unblock", "v1.34.5"]).success();
    assert_eq!(copy.read(CONFIG).lines().count(), 1);
}

#[test]
fn git_says_who_decided() {
    let copy = copy();
    copy.commit();
    copy.git(&["config", "user.name", "Jana Weber"]);
    copy.git(&["config", "user.email", "jana@example.org"]);
    copy.run(&["block", "v1.34.5", "--reason", "bad"]).success();
    let text = copy.read(CONFIG);
    assert!(
        text.contains("    by: Jana Weber <jana@example.org>\n    on: 20"),
        "{text}"
    );
}

/// A file with one block.
const BLOCKED: &str = "blocked:\n- {version: v1.34.5, reason: bad}\n";
/// A file, a command that it contradicts, and the error.
const CONTRADICTIONS: &[(&str, &[&str], &str)] = &[
    (
        "pinned:\n- {version: v1.34.5, until: 2026-06-30}\n",
        &["block", "v1.34.5", "--reason", "bad"],
        "nothing was written: v1.34.5 is pinned, but blocked on line 4",
    ),
    (
        BLOCKED,
        &["pin", "v1.34.5", "--until", "2026-06-30"],
        "nothing was written: v1.34.5 is pinned, but blocked on line 2",
    ),
    (
        BLOCKED,
        &["block", "v1.34.5", "--reason", "worse"],
        "v1.34.5 is already blocked: bad",
    ),
    (
        BLOCKED,
        &["block", "v1.34.6", "--reason", " "],
        "the reason is empty",
    ),
    (
        BLOCKED,
        &["unblock", "v1.34.5", "--os", "ubuntu-2404"],
        "only v1.34.5 is blocked",
    ),
    (
        "pinned:\n- {version: v1.34.4, until: 2026-06-30}\n",
        &["pin", "v1.34.5", "--until", "2026-06-30"],
        "nothing was written: v1.34.5 is pinned, but so is v1.34.4 of the same minor on line 2",
    ),
    (
        "minors: [1.33]\n",
        &["pin", "v1.34.5", "--until", "2026-06-30"],
        "nothing was written: v1.34.5 is pinned, but `minors` is 1.33",
    ),
    (
        "images: all\n",
        &["pin", "v1.34.5", "--until", "2026-05-31"],
        "2026-05-31 has passed; today is 2026-06-01",
    ),
    (
        "images: all\n",
        &["pin", "v1.34.5", "--until", "2026-06-30", "--stack", "scs2"],
        "no cluster stack `scs2`",
    ),
    (
        "pinned:\n- {version: v1.34.4, stack: openstack/scs2, until: 2026-06-30}\n",
        &["unpin", "v1.34.4"],
        "v1.34.4 is pinned in openstack/scs2",
    ),
    (
        "imges: all\n",
        &["unpin", "v1.34.4"],
        "csctl-matrix.yaml:1: unknown key `imges`",
    ),
];

#[test]
fn contradictions_are_refused_and_nothing_is_written() {
    for (before, command, message) in CONTRADICTIONS {
        let copy = with(before);
        let error = run_edit(&copy, command).failure(1);
        assert!(
            error.contains(message) && error.contains("\n  hint: "),
            "{command:?}: {error}"
        );
        assert_eq!(copy.read(CONFIG), *before);
    }
    let copy = with(BLOCKED);
    #[cfg(unix)]
    {
        let elsewhere = copy.path("elsewhere.yaml");
        fs::rename(copy.path(CONFIG), &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, copy.path(CONFIG)).unwrap();
        let error = copy.block(&["v1.34.6", "--reason", "bad"]).failure(1);
        assert!(error.contains("is a symbolic link"), "{error}");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), BLOCKED);
    }
}

#[test]
fn init_writes_a_first_file_and_never_over_one() {
    let copy = copy();
    let printed = copy.run(&["init", "--print"]).success();
    assert!(!copy.path(CONFIG).exists());
    copy.run(&["init"]).success();
    assert_eq!(copy.read(CONFIG), printed);
    for found in [
        "openstack/scs2",
        "#os: [ubuntu-2404]",
        "from: \"1.32\", to: \"1.34\"",
        "{os}-kube-v{version}.qcow2",
    ] {
        assert!(printed.contains(found), "{found}\n{printed}");
    }
    let with_config = copy.planned(&["--format", "json"]).json();
    fs::remove_file(copy.path(CONFIG)).unwrap();
    assert_eq!(with_config, copy.planned(&["--format", "json"]).json());
    copy.write(CONFIG, "images: all\n");
    let error = copy.run(&["init"]).failure(1);
    assert!(error.contains("csctl-matrix.yaml exists"), "{error}");
    assert_eq!(copy.read(CONFIG), "images: all\n");
}
