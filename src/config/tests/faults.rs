//! What is wrong with a configuration, with its line, in exact words.

use crate::config::Config;

/// A configuration with a mistake, and the line, the message and the beginning of the hint that it gives.
const FAULTS: &[(&str, usize, &str, &str)] = &[
    (
        "images: all\nadons: leave\n",
        2,
        "unknown key `adons`; did you mean `addons`?",
        "valid keys: `images`, `retention`, ",
    ),
    (
        "images: some\n",
        1,
        "invalid value `some` for `images`: expected `all`, `newest`, `newest=3` or `from=v1.34.4`",
        KEYS,
    ),
    (
        "images: all\nstandard: scs-0210\n",
        2,
        "invalid value `scs-0210` for `standard`: expected one of scs-0210/v2, scs-0210/v3-draft, scs-0210/v2-2024-10, \
         scs-0210/v2-2024-02, scs-0210/v1, none",
        KEYS,
    ),
    (
        "sources:\n  vulnerabilities:\n    feed: kubernetes.io\n",
        3,
        "invalid URL `kubernetes.io` for `sources.vulnerabilities.feed`",
        "use an http:// or https:// URL",
    ),
    (
        "gate:\n  checks: e2e\n",
        2,
        "invalid value `e2e` for `gate.checks`: expected `required`, `none` or a list such as [e2e]",
        KEYS,
    ),
    (
        "gate:\n  checks: {name: e2e}\n",
        2,
        "`gate.checks` must be `required`, `none` or a list of names, not a map",
        KEYS,
    ),
    (
        "gate:\n  checks: []\n",
        2,
        "`gate.checks` is empty",
        "write a list such as [e2e-1.34, lint]",
    ),
    (
        "gate:\n  checks:\n  - e2e\n  - {name: e2e, app: ci}\n  - e2e\n",
        5,
        "`gate.checks[2]` repeats e2e",
        "write a list such as [e2e-1.34, lint]",
    ),
    (
        "gate:\n  checks:\n  - {app: ci}\n",
        3,
        "`gate.checks[0]`: missing key `name`",
        "add `name:`",
    ),
    (
        "gate:\n  command: x\n",
        2,
        "`gate`: unknown key `command`; did you mean `commands`?",
        "valid keys: `checks`, `commands`",
    ),
    (
        "gate:\n  commands:\n  - name: e2e\n    run: ' '\n",
        4,
        "`gate.commands[0].run` is empty",
        "write the command for the shell",
    ),
    (
        "gate:\n  commands:\n  - {name: e2e, run: a}\n  - {name: e2e, run: b}\n",
        4,
        "`gate.commands[1].name` is `e2e`, as another command's",
        "give each command its own name",
    ),
    (
        "gate:\n  commands:\n  - {name: \"a\\nb\", run: a}\n",
        3,
        "`gate.commands[0].name` begins or ends with a space, or contains a line break",
        "reports show the command under this name",
    ),
    (
        "gate:\n  commands:\n  - {name: e2e, run: a, timeout: 30}\n",
        3,
        "invalid value `30` for `gate.commands[0].timeout`: expected seconds, minutes or hours such as `90s`, `30m` or `2h`",
        KEYS,
    ),
    (
        "gate:\n  commands:\n  - {name: e2e, run: a, timeout: 25h}\n",
        3,
        "invalid value `25h` for `gate.commands[0].timeout`: must be at most `24h`",
        KEYS,
    ),
    (
        "gate:\n  commands:\n  - {name: e2e, run: a, needs: [defaults]}\n",
        3,
        "invalid value `defaults` for `gate.commands[0].needs[0]`: expected one of `default`, `images`, `addons`",
        KEYS,
    ),
    (
        "images: 3\n",
        1,
        "invalid value `3` for `images`: expected `all`, `newest`, `newest=3` or `from=v1.34.4`",
        KEYS,
    ),
    (
        "images: newest=0\n",
        1,
        "invalid value `newest=0` for `images`: expected a number above 0 after `newest=`",
        KEYS,
    ),
    (
        "images: from=1.34\n",
        1,
        "invalid value `from=1.34` for `images`: `1.34` is not a Kubernetes version such as v1.34.7",
        KEYS,
    ),
    (
        "images: [all]\n",
        1,
        "`images` must be a single value, not a list",
        KEYS,
    ),
    (
        "retention: Keep\n",
        1,
        "invalid value `Keep` for `retention`: expected one of `trim`, `keep`",
        KEYS,
    ),
    (
        "retention: {}\n",
        1,
        "`retention` must be a single value, not a map",
        KEYS,
    ),
    (
        "endOfLife: dorp\n",
        1,
        "invalid value `dorp` for `endOfLife`: expected one of `keep`, `drop`, `follow`",
        KEYS,
    ),
    (
        "\nmirrors: 3\n",
        2,
        "`mirrors` must be a list, not a single value",
        KEYS,
    ),
    (
        "mirrors:\n- from: https://s/\n",
        2,
        "`mirrors[0]`: missing key `to`",
        "add `to:`",
    ),
    (
        "mirrors:\n- from: https://s/\n  to: mirror\n",
        3,
        "invalid URL `mirror` for `mirrors[0].to`",
        "use an http:// or https:// URL without a user name",
    ),
    (
        "mirrors:\n- from: ftp://s/\n  to: http://m/\n",
        2,
        "invalid URL `ftp://s/` for `mirrors[0].from`",
        "use an http:// or https:// URL without a user name",
    ),
    (
        "- images: all\n",
        1,
        "the file must be a map, not a list",
        KEYS,
    ),
    (
        "all\n",
        1,
        "the file must be a map, not a single value",
        KEYS,
    ),
    (
        "imageStore:\n  pattern: https://s/x.qcow2\n",
        2,
        "invalid value `https://s/x.qcow2` for `imageStore.pattern`: expected an image URL with `{version}` in it",
        KEYS,
    ),
    (
        "imageStore:\n  patern: x\n",
        2,
        "`imageStore`: unknown key `patern`; did you mean `pattern`?",
        "valid keys: `pattern`, `listing`",
    ),
    (
        "imageStore: x\n",
        1,
        "`imageStore` must be a map, not a single value",
        KEYS,
    ),
    (
        "imageStore:\n  listing: s4\n",
        2,
        "invalid value `s4` for `imageStore.listing`: expected one of `none`, `s3`",
        KEYS,
    ),
    (
        "minimumAge: 3\n",
        1,
        "invalid value `3` for `minimumAge`: expected days or weeks such as `3d` or `2w`",
        KEYS,
    ),
    (
        "minimumAge: -3d\n",
        1,
        "invalid value `-3d` for `minimumAge`: expected days or weeks such as `3d` or `2w`",
        KEYS,
    ),
    (
        "minimumAge: 400d\n",
        1,
        "invalid value `400d` for `minimumAge`: must be at most 365 days",
        KEYS,
    ),
    (
        "minors: 1.34\n",
        1,
        "`minors` must be a list of minors or a map with `from` and `to`, not a single value",
        KEYS,
    ),
    (
        "minors: []\n",
        1,
        "`minors` is empty",
        "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}",
    ),
    (
        "minors: [1.34, '1.34']\n",
        1,
        "`minors` lists 1.34 twice",
        "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}",
    ),
    (
        "minors: [1.34.5]\n",
        1,
        "invalid value `1.34.5` for `minors[0]`: expected a Kubernetes minor such as 1.34",
        KEYS,
    ),
    (
        "minors: {from: 1.35, to: 1.34}\n",
        1,
        "`minors` starts at 1.35, after its end 1.34",
        "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}",
    ),
    (
        "minors: {form: 1.35}\n",
        1,
        "`minors`: unknown key `form`; did you mean `from`?",
        "valid keys: `from`, `to`",
    ),
    (
        "minors: {}\n",
        1,
        "`minors` needs `from` or `to`",
        "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}",
    ),
    (
        "os: ubuntu-2404\n",
        1,
        "`os` must be a list, not a single value",
        KEYS,
    ),
    (
        "os: [Ubuntu]\n",
        1,
        "invalid value `Ubuntu` for `os[0]`: expected an operating-system release such as ubuntu-2404",
        KEYS,
    ),
    (
        "os: []\n",
        1,
        "`os` is empty",
        "write a list such as [ubuntu-2404], or remove the key to allow any",
    ),
    (
        "os: [ubuntu-2404, ubuntu-2404]\n",
        1,
        "`os` lists ubuntu-2404 twice",
        "write a list such as [ubuntu-2404], or remove the key to allow any",
    ),
    (
        "blocked: v1.34.5\n",
        1,
        "`blocked` must be a list, not a single value",
        KEYS,
    ),
    (
        "blocked: [v1.34.5]\n",
        1,
        "`blocked[0]` must be a map, not a single value",
        KEYS,
    ),
    (
        "blocked:\n- version: v1.34\n  reason: x\n",
        2,
        "invalid value `v1.34` for `blocked[0].version`: expected a Kubernetes version such as v1.34.7",
        KEYS,
    ),
    (
        "blocked:\n- version: v1.34.5\n",
        2,
        "`blocked[0]`: missing key `reason`",
        "add `reason:`",
    ),
    (
        "blocked:\n- version: v1.34.5\n  reason: ' '\n",
        3,
        "`blocked[0].reason` is empty; v1.34.5 needs a reason",
        "say why it is blocked",
    ),
    (
        "blocked:\n- version: v1.34.5\n  reason:\n",
        3,
        "`blocked[0].reason` must be a single value, not empty",
        KEYS,
    ),
    (
        "blocked:\n- version: v1.34.5\n  reason: x\n  on: May\n",
        4,
        "invalid value `May` for `blocked[0].on`: expected a date such as 2026-06-30",
        KEYS,
    ),
    (
        "blocked:\n- version: v1.34.5\n  reason: x\n- version: 1.34.5\n  reason: y\n",
        4,
        "v1.34.5 is blocked twice, first on line 2",
        "remove one of the two",
    ),
    (
        "blocked:\n- version: v1.34.5\n  reason: x\npinned:\n- version: v1.34.5\n  until: 2026-06-30\n",
        5,
        "v1.34.5 is pinned, but blocked on line 2",
        "run `csctl-matrix unpin v1.34.5` or `csctl-matrix unblock v1.34.5`",
    ),
    (
        "pinned:\n- version: v1.34.5\n",
        2,
        "`pinned[0]`: missing key `until`",
        "add `until:`",
    ),
    (
        "pinned:\n- version: v1.34.5\n  until: 2026-06-31\n",
        3,
        "invalid value `2026-06-31` for `pinned[0].until`: expected a date such as 2026-06-30",
        KEYS,
    ),
    (
        "pinned:\n- version: v1.34.5\n  until: 2026-06-30\n- version: v1.34.4\n  until: 2026-06-30\n",
        4,
        "v1.34.4 is pinned, but so is v1.34.5 of the same minor on line 2",
        "remove one of the two",
    ),
    (
        "minors: [1.33]\npinned:\n- version: v1.34.5\n  until: 2026-06-30\n",
        3,
        "v1.34.5 is pinned, but `minors` is 1.33",
        "add its minor to `minors`, or remove the pin",
    ),
    (
        "stacks:\n  openstack/scs:\n    minors: [1.33]\npinned:\n- version: v1.34.5\n  stack: openstack/scs\n  until: 2026-06-30\n",
        5,
        "v1.34.5 is pinned, but `minors` is 1.33",
        "add its minor to `minors`, or remove the pin",
    ),
    (
        "stacks: [openstack/scs]\n",
        1,
        "`stacks` must be a map, not a list",
        KEYS,
    ),
    (
        "stacks:\n  openstack/scs:\n    image: all\n",
        3,
        "`stacks[\"openstack/scs\"]`: unknown key `image`; did you mean `images`?",
        "valid keys: `images`, `retention`, `addons`, `endOfLife`, `minimumAge`, `minors`, `os`",
    ),
    (
        "stacks:\n  openstack/scs:\n    blocked: []\n",
        3,
        "`stacks[\"openstack/scs\"]`: unknown key `blocked`",
        "valid keys: `images`, `retention`, `addons`, `endOfLife`, `minimumAge`, `minors`, `os`",
    ),
    (
        "sources:\n  kubernetes: api.github.com\n",
        2,
        "invalid URL `api.github.com` for `sources.kubernetes`",
        "use an http:// or https:// URL without a user name",
    ),
    (
        "sources:\n  endOfLife: https://u:p@x/\n",
        2,
        "`sources.endOfLife` contains a user name or a password",
        "use an http:// or https:// URL without a user name",
    ),
    (
        "imageStore:\n  pattern: https://u:p@x/{os}-kube-v{version}.qcow2\n",
        2,
        "`imageStore.pattern` contains a user name or a password",
        "use an http:// or https:// URL without a user name",
    ),
    (
        "imageStore:\n  pattern: ftp://x/{os}-kube-v{version}.qcow2\n",
        2,
        "invalid URL `ftp://x/{os}-kube-v{version}.qcow2` for `imageStore.pattern`",
        "use an http:// or https:// URL without a user name",
    ),
    (
        "branches:\n- base: {{stack}}\n",
        2,
        "a value that begins with `{{` needs quotes",
        "write it in quotes, as in base: '{{stack}}-{{minor}}'",
    ),
    (
        "branches:\n- base: '{{stak}}'\n",
        2,
        "invalid value `{{stak}}` for `branches[0].base`: unknown placeholder `{{stak}}`; did you mean `{{stack}}`? Use one of provider, stack, minor, minorDashed",
        KEYS,
    ),
    (
        "branches:\n- base: a b\n",
        2,
        "invalid value `a b` for `branches[0].base`: git does not allow this branch name",
        KEYS,
    ),
    (
        "branches:\n- files: [x]\n",
        2,
        "`branches[0]`: missing key `base`",
        "add `base:`",
    ),
    (
        "branches:\n- base: main\n  files: ['../x']\n",
        3,
        "invalid value `../x` for `branches[0].files[0]`: expected a glob of files below the repository's root",
        KEYS,
    ),
    (
        "branches:\n- base: main\n  minors: []\n",
        3,
        "`branches[0].minors` is empty",
        "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}",
    ),
    (
        "images: all\nretention: keep\nimages: all\n",
        3,
        "duplicate key `images` (first on line 1)",
        "remove one of the two",
    ),
    (
        "images: all\n---\nimages: all\n",
        3,
        "the file has more than one YAML document",
        "keep one, without the `---` between them",
    ),
    (
        "imageStore:\n\tlisting: s3\n",
        2,
        "the line is indented with a tab",
        "indent with spaces; YAML allows no tabs here",
    ),
    (
        "images: [\n",
        1,
        "invalid YAML: unclosed bracket '['",
        "check quotes, brackets and indentation on this line and the one above",
    ),
    (
        "images: 'all\n",
        1,
        "invalid YAML: unclosed quote",
        "check quotes, brackets and indentation on this line and the one above",
    ),
    (
        "images: &a all\naddons: *a\n",
        2,
        "`addons`: YAML aliases are not supported here",
        "write the value out",
    ),
    (
        "? [a]\n: b\n",
        1,
        "a key must be plain text, not a list, a map or empty",
        KEYS,
    ),
    (
        "'': x\n",
        1,
        "unknown key ``",
        "valid keys: `images`, `retention`, ",
    ),
];

/// The hint where nothing more is known.
const KEYS: &str = "see docs/configuration.md for the keys and their values";

#[test]
fn mistakes_are_named_with_their_line() {
    for (text, line, message, hint) in FAULTS {
        let error = Config::parse(text).unwrap_err();
        assert_eq!((error.line, &*error.message), (*line, *message), "{text}");
        assert!(error.hint.starts_with(hint), "{text}: {}", error.hint);
    }
}
