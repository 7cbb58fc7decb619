//! Holds the code to `docs/architecture.md`: imports run downwards, the pure floors have no effects, the map names every floor.

mod modules;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use modules::Modules;

/// The floors from the ground up. A floor may use those before it, and itself.
const FLOORS: [&[&str]; 17] = [
    &[
        "version",
        "markup",
        "parallel",
        "release_digest",
        "spelling",
        "template",
    ],
    &["catalog"],
    &["standard"],
    &["policy"],
    &["yaml"],
    &["config"],
    &["stack"],
    &["matrix", "node_images"],
    &["plan"],
    &["release"],
    &["check"],
    &["overview"],
    &["gate", "pull"],
    &["io"],
    &["error", "report"],
    &["command"],
    &["cli", "schema"],
];

/// What a pure floor must not know.
const EFFECTS: [&str; 9] = [
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "tokio",
    "reqwest",
    "git2::",
    "octocrab",
    "Zoned::now",
];

#[test]
fn imports_run_downwards() {
    let sources = sources();
    let modules = Modules::read(texts(&sources));
    for module in modules.names() {
        let own = floor_of(first(&module));
        for used in modules.used_by(&module) {
            let is_below = floor_of(first(&used)) <= own;
            assert!(is_below, "{module} uses {used}, which is above it");
        }
    }
}

/// A module and those below it are one room, so that the registry of rules may name families made of rules.
#[test]
fn inside_a_floor_no_modules_use_each_other() {
    let mut sources = sources();
    sources.retain(|(file, _)| !is_test(file));
    let modules = Modules::read(texts(&sources));
    let circles = modules.circles();
    assert!(circles.is_empty(), "modules use each other: {circles:?}");
}

fn is_test(file: &Path) -> bool {
    let mut parts = file.components();
    parts.any(|part| {
        ["tests", "tests.rs"]
            .map(OsStr::new)
            .contains(&part.as_os_str())
    })
}

fn texts(sources: &[(PathBuf, String)]) -> impl Iterator<Item = (&str, &str)> {
    let all = sources.iter();
    all.map(|(file, text)| (file.to_str().unwrap(), text.as_str()))
}

fn first(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

#[test]
fn pure_floors_have_no_effects() {
    let io = floor_of("io");
    for (file, text) in sources()
        .into_iter()
        .filter(|(file, _)| floor_of(&module_of(file)) < io)
    {
        let code = text.split("#[cfg(test)]").next().unwrap();
        for line in code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            let effect = EFFECTS.iter().find(|effect| line.contains(*effect));
            assert!(effect.is_none(), "{}: {line}", file.display());
        }
    }
}

/// What a test cannot stop before, it does not try out.
#[test]
fn an_update_changes_files_through_its_effects_alone() {
    let changes = [
        "fs::create",
        "fs::remove",
        "fs::rename",
        "fs::write",
        "fs::copy",
        "fs::hard_link",
        "fs::set_permissions",
        "unix::fs::symlink",
        "tempfile",
        "File::create",
        ".open(",
    ];
    let mut files = 0;
    for (file, text) in sources() {
        let is_tried = file == Path::new("io/update.rs") || file.starts_with("io/update");
        let is_apart = ["effects.rs", "tests.rs"]
            .iter()
            .any(|name| file.ends_with(name));
        if !is_tried || is_apart {
            continue;
        }
        files += 1;
        let change = changes.iter().find(|change| text.contains(*change));
        assert!(change.is_none(), "{}: {change:?}", file.display());
    }
    assert!(files > 5, "{files} files");
}

#[test]
fn the_map_names_every_floor_and_every_file_says_what_it_is_for() {
    let map = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for name in FLOORS.concat() {
        let inner = [
            "markup", "parallel", "spelling", "template", "error", "schema",
        ]
        .contains(&name);
        assert!(
            inner || map.contains(&format!("`{name}`")),
            "docs/architecture.md does not name {name}"
        );
    }
    for (file, text) in sources() {
        assert!(
            text.starts_with("//! "),
            "{} does not say what it is for",
            file.display()
        );
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let reasons = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let (_, after) = manifest.split_once("[dependencies]").unwrap();
    let crates = after
        .lines()
        .take_while(|line| !line.starts_with("[[") && !line.starts_with("[profile"))
        .filter(|line| !line.starts_with('['));
    let names: Vec<&str> = crates
        .filter_map(|line| Some(line.split_once(" = ")?.0))
        .collect();
    assert!(names.len() > 25, "{names:?}");
    for name in names {
        let has_reason = reasons.lines().any(|line| {
            line.split('|')
                .nth(1)
                .is_some_and(|cell| cell.split([',', ' ']).any(|word| word == name))
        });
        assert!(has_reason, "docs/dependencies.md has no line for {name}");
    }
}

fn floor_of(module: &str) -> usize {
    FLOORS
        .iter()
        .position(|floor| floor.contains(&module))
        .unwrap_or_else(|| panic!("{module} is on no floor"))
}

fn module_of(file: &Path) -> String {
    let first = file
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The library's files, relative to `src`.
fn sources() -> Vec<(PathBuf, String)> {
    let source = root().join("src");
    let mut found = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            let name = entry.strip_prefix(&source).unwrap().to_owned();
            if entry.is_dir() {
                folders.push(entry);
            } else if name.extension().is_some_and(|ending| ending == "rs")
                && !["main.rs", "lib.rs"]
                    .iter()
                    .any(|top| name == Path::new(top))
            {
                found.push((name, fs::read_to_string(&entry).unwrap()));
            }
        }
    }
    assert!(found.len() > 50, "{} files", found.len());
    found
}
