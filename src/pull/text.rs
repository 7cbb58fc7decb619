//! What a pull request says: its title, its body and the message of its commit, from Handlebars templates that a repository can
//! replace. Texts from outside are escaped; what is least important goes first where a body would be too long for a forge.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::PullKey;
use crate::config::TemplateConfig;
use crate::gate::TestState;
use crate::markup::{CompiledTemplate, escape};
use crate::matrix::LineMatrix;
use crate::plan::{FileAction, FileChange, LinePlan, Reason, StackPlan};
use crate::policy::ChangeClass;
use crate::version::{KubernetesVersion, compact};

static TITLE: LazyLock<CompiledTemplate> =
    // Titles and commit messages are no Markdown: an escape would be seen.
    LazyLock::new(|| CompiledTemplate::own(include_str!("text/title.hbs"), str::to_owned));
static BODY: LazyLock<CompiledTemplate> =
    LazyLock::new(|| CompiledTemplate::own(include_str!("text/body.md.hbs"), escape));
static COMMIT: LazyLock<CompiledTemplate> =
    LazyLock::new(|| CompiledTemplate::own(include_str!("text/commit.hbs"), str::to_owned));

/// GitHub takes 65,536 characters; some are left for the hidden block and for what people add.
const LONGEST_BODY: usize = 45_000;

/// The templates of a repository, where it has its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Templates {
    title: Option<CompiledTemplate>,
    body: Option<CompiledTemplate>,
    commit: Option<CompiledTemplate>,
}

impl Templates {
    /// Compiles those of a configuration.
    pub(crate) fn compile(config: &TemplateConfig) -> Result<Self, TextError> {
        Ok(Self {
            title: compile("title", config.title.as_deref(), str::to_owned)?,
            body: compile("body", config.body.as_deref(), escape)?,
            commit: compile("commit message", config.commit.as_deref(), str::to_owned)?,
        })
    }
}

fn compile(
    which: &'static str,
    text: Option<&str>,
    escape: fn(&str) -> String,
) -> Result<Option<CompiledTemplate>, TextError> {
    let compiled = text
        .map(|text| CompiledTemplate::compile(text, escape))
        .transpose();
    compiled.map_err(|reason| TextError { which, reason })
}

/// A template that cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {which} template: {reason}")]
pub(crate) struct TextError {
    /// Which: `title`, `body` or `commit message`.
    pub(crate) which: &'static str,
    /// What is wrong with it.
    pub(crate) reason: String,
}

/// What a pull request tells about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyInput<'a> {
    /// What it is about.
    pub(crate) key: &'a PullKey,
    /// The change of its stack line.
    pub(crate) line: &'a LinePlan,
    /// The stack, for holds and notes.
    pub(crate) stack: &'a StackPlan,
    /// The files it changes.
    pub(crate) files: &'a [FileChange],
    /// The results of the gate, by name, with their words.
    pub(crate) tests: &'a [(String, TestState)],
    /// An earlier pull request that a person closed.
    pub(crate) after: Option<u64>,
    /// The label that makes the program leave it alone.
    pub(crate) stop_label: &'a str,
    /// The label that asks for it again.
    pub(crate) again_label: &'a str,
}

/// Returns the title. A template that gives none is passed over, as a forge takes no pull request without a title.
pub(crate) fn title(templates: &Templates, input: BodyInput<'_>) -> Result<String, TextError> {
    let facts = facts(input);
    for template in templates.title.iter().chain([&*TITLE]) {
        let title = first_line(&fill("title", template, &facts)?);
        if !title.is_empty() {
            return Ok(title);
        }
    }
    Ok(input.key.line.to_string())
}

/// Returns the message of the commit, without trailers. A template that gives none is passed over.
pub(crate) fn commit_message(
    templates: &Templates,
    input: BodyInput<'_>,
) -> Result<String, TextError> {
    let facts = facts(input);
    for template in templates.commit.iter().chain([&*COMMIT]) {
        let text = fill("commit message", template, &facts)?;
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let message = lines.join("\n").trim().to_owned();
        if !message.is_empty() {
            return Ok(message);
        }
    }
    Ok(input.key.line.to_string())
}

/// Returns the body, without its hidden block. Where it is too long, the diff goes first, then notes, holds and the list of
/// files.
pub(crate) fn body(templates: &Templates, input: BodyInput<'_>) -> Result<String, TextError> {
    let template = templates.body.as_ref().unwrap_or(&BODY);
    let mut facts = facts(input);
    for dropped in [
        None,
        Some("diff"),
        Some("notes"),
        Some("skipped"),
        Some("files"),
    ] {
        if let Some(name) = dropped {
            facts[name] = Value::Null;
            facts["isCut"] = Value::Bool(true);
        }
        let text = fill("body", template, &facts)?;
        // GitHub counts characters, of which there are never more than bytes.
        if text.len() <= LONGEST_BODY {
            return Ok(text.trim().to_owned());
        }
    }
    // A template of the repository may be too long by itself.
    let text = fill("body", template, &facts)?;
    Ok(cut(&text, LONGEST_BODY))
}

fn fill(
    which: &'static str,
    template: &CompiledTemplate,
    facts: &Value,
) -> Result<String, TextError> {
    let filled = template.fill(facts);
    filled.map_err(|reason| TextError { which, reason })
}

fn first_line(text: &str) -> String {
    // GitHub takes titles of 256 characters.
    const LONGEST: usize = 250;
    let line = text.trim().lines().next().unwrap_or_default().trim();
    cut(line, LONGEST)
}

/// Returns the beginning of a text, of at most so many bytes and of whole characters.
fn cut(text: &str, longest: usize) -> String {
    let ends = text.char_indices().map(|(start, c)| start + c.len_utf8());
    let end = ends.take_while(|end| *end <= longest).last().unwrap_or(0);
    text[..end].to_owned()
}

fn facts(input: BodyInput<'_>) -> Value {
    let (line, key) = (input.line, input.key);
    let release = line.release.as_ref();
    let matrix = line.after.as_ref().or(line.before.as_ref());
    json!({
        "key": key.to_string(),
        "base": key.base,
        "provider": key.line.provider,
        "stack": key.line.name,
        "line": key.line,
        "minor": key.line.minor,
        "class": key.class.name(),
        "action": action(input),
        "from": line.default_before,
        "to": line.default_after,
        "moves": line.default_before != line.default_after,
        "next": release.and_then(|release| release.next.as_ref()),
        "isAtLeast": release.is_some_and(|release| release.is_at_least),
        "rows": rows(line),
        "endOfLife": matrix.and_then(|matrix| matrix.end_of_life),
        "isEndOfLife": matrix.is_some_and(|matrix| matrix.is_end_of_life),
        "reasons": line.reasons.iter().map(Reason::lasting).collect::<Vec<_>>(),
        "skipped": input.stack.skipped,
        "outOfReach": input.stack.out_of_reach.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "notes": input.stack.notes,
        "tests": input.tests.iter().map(|(name, state)| json!({ "name": name, "state": state })).collect::<Vec<_>>(),
        "files": input.files.iter().map(|file| &file.path).collect::<Vec<_>>(),
        "diff": diff(input.files),
        "after": input.after,
        "stopLabel": input.stop_label,
        "againLabel": input.again_label,
        "isCut": false,
    })
}

/// What the change does, for a title: `Add v1.34.8 to openstack-scs2-1-34`.
fn action(input: BodyInput<'_>) -> String {
    let line = input.line;
    let (before, after) = (listed(line.before.as_ref()), listed(line.after.as_ref()));
    let default = line
        .default_after
        .filter(|after| Some(*after) != line.default_before);
    let added = only(&after, &before);
    let (name, minor) = (&line.line, line.line.minor);
    match input.key.class {
        ChangeClass::NewPatch => match default {
            Some(default) => format!("Move {name} to {default}"),
            None if added.is_empty() => format!("Update the patches of {name}"),
            None => format!("Add images of {added} to {name}"),
        },
        ChangeClass::OsRelease => match default {
            Some(default) => format!("Move {name} to {default} on another operating system"),
            None => format!("Take rebuilt images of {minor} into {name}"),
        },
        ChangeClass::NewMinor => format!("Add Kubernetes {minor} as {name}"),
        ChangeClass::Removal => match only(&before, &after) {
            removed if removed.is_empty() => format!("Remove {minor} from {}", input.stack.title),
            removed => format!("Remove {removed} from {name}"),
        },
        ChangeClass::Addons => format!("Update the addon charts of {name}"),
        ChangeClass::Repair => format!("Repair contradictions in {name}"),
    }
}

fn listed(matrix: Option<&LineMatrix>) -> Vec<KubernetesVersion> {
    matrix.map(LineMatrix::listed).unwrap_or_default()
}

/// Names the versions that are here and not there: `1.34.4-7`.
fn only(here: &[KubernetesVersion], there: &[KubernetesVersion]) -> String {
    let left = here.iter().filter(|version| !there.contains(version));
    compact(&left.copied().collect::<Vec<_>>())
}

/// The rows of the matrix that moved: one per patch, with its state before and after.
fn rows(line: &LinePlan) -> Vec<Value> {
    let matrices = [&line.before, &line.after].into_iter().flatten();
    let patches = matrices.flat_map(|matrix| &matrix.patches);
    let versions: BTreeSet<KubernetesVersion> = patches.map(|patch| patch.version).collect();
    versions
        .into_iter()
        .filter_map(|version| {
            let before = patch_word(line.before.as_ref(), version);
            let after = patch_word(line.after.as_ref(), version);
            let row = json!({ "version": version, "before": before, "after": after });
            (before != after).then_some(row)
        })
        .collect()
}

fn patch_word(matrix: Option<&LineMatrix>, version: KubernetesVersion) -> &'static str {
    let mut patches = matrix.into_iter().flat_map(|matrix| &matrix.patches);
    match patches.find(|patch| patch.version == version) {
        Some(patch) if patch.is_default => "default",
        Some(patch) if patch.is_listed => "listed",
        Some(_) | None => "-",
    }
}

/// The changed lines alone. A fence in the text would end the block, so it is broken up.
fn diff(files: &[FileChange]) -> Option<String> {
    let mut out = String::new();
    for file in files {
        if let FileAction::Edit { before, after } = &file.action {
            let path = &file.path;
            let (from, to) = (format!("a/{path}"), format!("b/{path}"));
            let hunks = similar::TextDiff::from_lines(&**before, &**after)
                .unified_diff()
                .context_radius(1)
                .header(&from, &to)
                .to_string();
            out.push_str(&hunks);
        }
    }
    (!out.is_empty()).then(|| out.replace("```", "``\u{200b}`"))
}

#[cfg(test)]
mod tests;
