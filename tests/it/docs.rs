//! Every command line of the documentation, run where a reader would run it, against the world of `testdata/catalog.yaml` on
//! loopback. A transcript that no longer says what the program says fails; `UPDATE_DOCS=1 cargo test --test it docs::` writes it anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::program::{self, Copy, project};
use crate::support::registry::{Door, Registry};
use crate::support::store::StoreServer;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_yaml::Value;

/// The pages with transcripts: README.md, and all below docs.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![project().join("README.md")];
    let mut folders = vec![project().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

#[test]
fn every_transcript_says_what_the_program_says() {
    let world = world();
    let mut commands = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let (found, run) = replay(&text, &world);
        commands += run;
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&page, &found).unwrap();
            continue;
        }
        let name = page.strip_prefix(project()).unwrap().display();
        assert!(
            found == text,
            "{name} is out of date; UPDATE_DOCS=1 cargo test --test it docs::\n{}",
            difference(&text, &found)
        );
    }
    assert!(commands >= 15, "only {commands} command lines were found");
}

#[test]
fn every_command_and_option_is_documented() {
    let code: String = pages()
        .iter()
        .map(|page| code_of(&fs::read_to_string(page).unwrap()) + "\n")
        .collect();
    let words: BTreeSet<&str> = code.split(is_between_words).collect();
    let commands = commands(&[]);
    assert!(commands.len() >= 15, "{commands:?}");
    for command in commands {
        let line = format!("csctl-matrix {}", command.join(" "));
        assert!(code.contains(&line), "no page shows `{line}`");
        for option in options(&command) {
            assert!(
                words.contains(&*option),
                "no page shows {option} of `{line}` as code"
            );
        }
    }
}

#[test]
fn every_key_of_the_configuration_is_documented_with_an_example_that_holds() {
    let page = fs::read_to_string(project().join("docs/configuration.md")).unwrap();
    let sections: Vec<Section<'_>> = page.split("\n### `").skip(1).map(Section::read).collect();
    for path in schema_paths() {
        // What stands in a stack is documented where it stands for all.
        let path = path.strip_prefix("stacks.*.").unwrap_or(&path);
        let key = path.split(['.', '[']).next().unwrap();
        let section = sections.iter().find(|section| section.key == key);
        let section = section.unwrap_or_else(|| panic!("docs/configuration.md: no `{key}`"));
        assert!(
            section.documents(path),
            "docs/configuration.md: the section of `{key}` neither shows nor names {path}"
        );
    }
    let examples = sections.iter().flat_map(Section::examples);
    let count = examples
        .map(|example| {
            let read = csctl_matrix::config::Config::parse(example);
            read.unwrap_or_else(|error| panic!("{error}\n{example}"));
        })
        .count();
    assert!(count >= 14, "{count} examples");
}

/// The section of docs/configuration.md about one key.
struct Section<'p> {
    key: &'p str,
    text: &'p str,
}

impl<'p> Section<'p> {
    fn read(rest: &'p str) -> Self {
        let (key, text) = rest.split_once("`\n").unwrap();
        Self { key, text }
    }

    fn examples(&self) -> impl Iterator<Item = &'p str> {
        let blocks = self.text.split("```yaml\n").skip(1);
        blocks.map(|block| block.split_once("```").unwrap().0)
    }

    /// Whether an example has a value at this path, or the text names its last key as code.
    fn documents(&self, path: &str) -> bool {
        let mut shown = BTreeSet::new();
        for example in self.examples() {
            value_paths(&serde_yaml::from_str(example).unwrap(), "", &mut shown);
        }
        let last = path.rsplit(['.', '[', ']']).find(|key| !key.is_empty());
        shown.contains(path) || self.text.contains(&format!("`{}`", last.unwrap()))
    }
}

/// The paths of the keys in a value: `mirrors[].from`, and `stacks.*.images` in a map whose keys people choose.
fn value_paths(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Mapping(map) => {
            for (key, value) in map {
                let below = match (path, key.as_str().unwrap()) {
                    ("", key) => key.to_owned(),
                    ("stacks", _) => "stacks.*".to_owned(),
                    (path, key) => format!("{path}.{key}"),
                };
                into.insert(below.clone());
                value_paths(value, &below, into);
            }
        }
        Value::Sequence(list) => {
            for value in list {
                value_paths(value, &format!("{path}[]"), into);
            }
        }
        _ => {}
    }
}

/// The same paths, of everything that the schema of the configuration allows.
fn schema_paths() -> BTreeSet<String> {
    let text = fs::read_to_string(project().join("docs/schema/config.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut paths = BTreeSet::new();
    form_paths(&schema, &schema, "", &mut paths);
    assert!(
        paths.contains("mirrors[].from") && paths.len() > 40,
        "{paths:?}"
    );
    paths
}

fn form_paths(
    schema: &serde_json::Value,
    form: &serde_json::Value,
    path: &str,
    into: &mut BTreeSet<String>,
) {
    if let Some(name) = form["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return form_paths(schema, &schema["$defs"][name], path, into);
    }
    for (key, below) in form["properties"].as_object().into_iter().flatten() {
        let below_path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        into.insert(below_path.clone());
        form_paths(schema, below, &below_path, into);
    }
    for alternative in ["anyOf", "oneOf"] {
        for below in form[alternative].as_array().into_iter().flatten() {
            form_paths(schema, below, path, into);
        }
    }
    if form["items"].is_object() {
        form_paths(schema, &form["items"], &format!("{path}[]"), into);
    }
    if form["additionalProperties"].is_object() {
        let below = format!("{path}.*");
        form_paths(schema, &form["additionalProperties"], &below, into);
    }
}

/// The commands below one, as its help lists them: those that have no commands of their own.
fn commands(above: &[String]) -> Vec<Vec<String>> {
    let help = help(above);
    let Some((_, listed)) = help.split_once("Commands:\n") else {
        return vec![above.to_vec()];
    };
    let names = listed
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    names
        .flat_map(|name| commands(&[above, &[name.to_owned()]].concat()))
        .collect()
}

fn options(command: &[String]) -> BTreeSet<String> {
    let help = help(command);
    let listed = help.split_once("Options:\n").unwrap().1;
    let words = listed.split(is_between_words);
    words
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
        .collect()
}

fn help(command: &[String]) -> String {
    let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    arguments.push("--help");
    program::run(&arguments).success()
}

fn is_between_words(c: char) -> bool {
    !(c.is_alphanumeric() || c == '-')
}

/// What a page shows as code, a line each.
fn code_of(page: &str) -> String {
    let mut code = String::new();
    let mut is_in_block = false;
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_in_block = true,
            Event::End(TagEnd::CodeBlock) => is_in_block = false,
            Event::Text(text) if is_in_block => code.push_str(&text),
            Event::Code(text) => {
                code.push_str(&text);
                code.push('\n');
            }
            _ => {}
        }
    }
    code
}

/// Runs the console blocks of a page, and returns the page as it should be and the number of its command lines.
fn replay(page: &str, world: &StoreServer) -> (String, usize) {
    let reader = Reader::new(world);
    let mut out = String::new();
    let mut directory = String::from(".");
    let mut commands = 0;
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(fence) = line
            .strip_suffix("console")
            .filter(|fence| fence.starts_with("```"))
        else {
            continue;
        };
        directory.clear();
        directory.push('.');
        let mut shown: Vec<&str> = Vec::new();
        let mut command: Option<&str> = None;
        for line in lines.by_ref() {
            let next = line.strip_prefix("$ ");
            if next.is_some() || line == fence {
                if let Some(command) = command {
                    commands += 1;
                    out.push_str(&transcript(&reader, &mut directory, command, &shown));
                }
                shown.clear();
                command = next;
                if line == fence {
                    out.push_str(fence);
                    out.push('\n');
                    break;
                }
            } else {
                shown.push(line);
            }
        }
    }
    (out, commands)
}

/// A command with what it says. Where the page cuts a transcript with `...`, the lines around the cut have to be there.
fn transcript(
    reader: &Reader<'_>,
    directory: &mut String,
    command: &str,
    shown: &[&str],
) -> String {
    let said = reader.run(directory, command);
    let real: Vec<&str> = said.lines().collect();
    let kept = match shown.iter().position(|line| *line == "...") {
        Some(cut) => {
            let tail = shown.len() - cut - 1;
            let mut kept: Vec<&str> = real.iter().take(cut).copied().collect();
            kept.push("...");
            kept.extend(real.iter().skip(real.len().saturating_sub(tail)));
            kept
        }
        None => real,
    };
    let body: String = kept.iter().flat_map(|line| [*line, "\n"]).collect();
    format!("$ {command}\n{body}")
}

/// A reader's copy of the test data, in which the commands of one page are run in turn.
struct Reader<'w> {
    copy: Copy,
    /// The registry that the pages call registry.example.org.
    registry: Registry,
    world: &'w StoreServer,
}

impl<'w> Reader<'w> {
    fn new(world: &'w StoreServer) -> Self {
        let copy = Copy::of_path(&project().join("testdata"));
        fs::create_dir(copy.path("testdata")).unwrap();
        for entry in fs::read_dir(copy.root()).unwrap().map(Result::unwrap) {
            if entry.file_name() != "testdata" {
                fs::rename(entry.path(), copy.path("testdata").join(entry.file_name())).unwrap();
            }
        }
        copy.commit();
        let registry = Registry::start(Door::Open);
        Self {
            copy,
            registry,
            world,
        }
    }

    fn run(&self, directory: &mut String, command: &str) -> String {
        let command = command.replace("cargo run --", "csctl-matrix");
        if command == "cargo test" {
            return String::new();
        }
        if let Some(place) = command.strip_prefix("cd ") {
            place.clone_into(directory);
            return String::new();
        }
        let asks = ["show", "plan", "update", "catalog"]
            .iter()
            .any(|verb| command.contains(&format!(" {verb}")));
        let is_ours = command.starts_with("csctl-matrix ")
            && asks
            // It asks nobody.
            && !command.contains(" catalog request");
        let command = if command.contains("registry.example.org") {
            self.with_registry(&command)
        } else {
            command
        };
        let line = if is_ours && !command.contains("--catalog") && !command.contains("--offline") {
            let (ours, rest) = command
                .split_once(" |")
                .map_or((&*command, String::new()), |(a, b)| (a, format!(" |{b}")));
            format!("{ours} {}{rest}", self.world_arguments())
        } else {
            command
        };
        let programs = Path::new(env!("CARGO_BIN_EXE_csctl-matrix"))
            .parent()
            .unwrap()
            .display()
            .to_string();
        // Decisions carry their day.
        let decides = ["csctl-matrix block ", "csctl-matrix pin "];
        let line = if decides.iter().any(|start| line.starts_with(start)) {
            format!("{line} --as-of 2026-06-15")
        } else {
            line
        };
        let output = Command::new("sh")
            .args(["-c", &format!("{{ {line}; }} 2>&1")])
            .current_dir(self.copy.path(directory))
            .env_clear()
            .env("PATH", format!("{programs}:/usr/local/bin:/usr/bin:/bin"))
            .env("XDG_CACHE_HOME", self.copy.cache())
            .output()
            .unwrap();
        // Commands that are named to people carry the arguments of the run; a reader has none of these.
        let said = String::from_utf8(output.stdout).unwrap();
        let unquoted = self.world_arguments().replace('\'', "");
        said.replace(&format!(" {unquoted}"), "")
    }

    /// Leads a command to the registry.
    fn with_registry(&self, command: &str) -> String {
        let mirror = format!(
            " --mirror https://registry.example.org/={}/",
            self.registry.server.url()
        );
        let (ours, rest) = command.split_at(command.find(" |").unwrap_or(command.len()));
        format!("{ours}{mirror}{rest}")
    }

    fn world_arguments(&self) -> String {
        let mirrors: Vec<String> = self
            .world
            .mirrors()
            .iter()
            .map(|mirror| format!("--mirror '{mirror}'"))
            .collect();
        format!("--as-of 2026-06-15 {}", mirrors.join(" "))
    }
}

/// Serves what the catalog file offers.
pub fn world() -> StoreServer {
    let world = StoreServer::start();
    let text = fs::read_to_string(project().join("testdata/catalog.yaml")).unwrap();
    let catalog: Value = serde_yaml::from_str(&text).unwrap();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let list = |value: &Value, key: &str| value[key].as_sequence().cloned().unwrap_or_default();
    for image in list(&catalog, "imageStores")
        .iter()
        .flat_map(|store| list(store, "images"))
    {
        let (url, sum, day) = (
            text(&image, "url"),
            text(&image, "sha256"),
            text(&image, "built"),
        );
        if url.contains("://") {
            let file = url.rsplit('/').next().unwrap();
            world.file(&url, "QFI", "application/octet-stream", &day);
            world.file(
                &format!("{url}.CHECKSUM"),
                &format!("{sum}  {file}\n"),
                "text/plain",
                &day,
            );
        }
    }
    for repository in list(&catalog, "chartRepositories") {
        for (chart, versions) in repository["charts"].as_mapping().unwrap() {
            let versions: Vec<&str> = versions
                .as_sequence()
                .unwrap()
                .iter()
                .map(|v| v.as_str().unwrap())
                .collect();
            world.chart(
                &text(&repository, "url"),
                chart.as_str().unwrap(),
                &versions,
            );
        }
    }
    for release in list(&catalog, "kubernetes") {
        world.release(&text(&release, "version"), &text(&release, "published"));
    }
    for known in list(&catalog, "vulnerabilities") {
        add_vulnerability(&world, &known);
    }
    for (minor, day) in catalog["endOfLife"].as_mapping().unwrap() {
        world.end_of_life(minor.as_str().unwrap(), day.as_str().unwrap());
    }
    world
}

/// Serves a vulnerability whose ranges are `<=1.2.3` or `>=1.2.0 <=1.2.3`.
fn add_vulnerability(world: &StoreServer, known: &Value) {
    let texts = |key: &str| -> Vec<&str> {
        let list = known[key].as_sequence().into_iter().flatten();
        list.map(|text| text.as_str().unwrap()).collect()
    };
    let mut affected: Vec<(&str, &str)> = Vec::new();
    for text in texts("affected") {
        let (from, through) = text.split_once("<=").unwrap();
        let from = from.trim().trim_start_matches(">=");
        affected.push((if from.is_empty() { "0" } else { from }, through));
    }
    affected.extend(texts("unread").into_iter().map(|text| (text, "")));
    let text = |key: &str| known[key].as_str().unwrap();
    world
        .vulnerability(text("id"), known["score"].as_f64().unwrap(), &affected)
        .describe_vulnerability(text("id"), text("summary"), text("published"));
}

fn difference(before: &str, after: &str) -> String {
    similar::TextDiff::from_lines(before, after)
        .unified_diff()
        .to_string()
}
