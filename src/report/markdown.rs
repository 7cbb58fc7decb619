//! Markdown for pull requests and issues, from Handlebars templates. Texts from outside are escaped: a version tag or a URL
//! never becomes a link, a mention or HTML.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};
use similar::TextDiff;

use super::{compact, text};
use crate::catalog::Catalog;
use crate::check::Findings;
use crate::gate::TestReport;
use crate::markup::{CompiledTemplate, escape};
use crate::overview::Overview;
use crate::plan::{FileAction, Plan};
use crate::pull::{DoctorReport, PullReport};
use crate::release::{LineNotes, ListReport, NotesReport, NotesState, UnreadableTag, sections};
use crate::stack::FileExplanation;
use crate::version::ReleaseTag;

static PLAN: LazyLock<CompiledTemplate> =
    LazyLock::new(|| own(include_str!("markdown/plan.md.hbs")));
static SHOW: LazyLock<CompiledTemplate> =
    LazyLock::new(|| own(include_str!("markdown/show.md.hbs")));
static PULL_REQUESTS: LazyLock<CompiledTemplate> =
    LazyLock::new(|| own(include_str!("markdown/pull-requests.md.hbs")));
static DOCTOR: LazyLock<CompiledTemplate> =
    LazyLock::new(|| own(include_str!("markdown/doctor.md.hbs")));
static CHECK: LazyLock<CompiledTemplate> =
    LazyLock::new(|| own(include_str!("markdown/check.md.hbs")));
static TESTS: LazyLock<CompiledTemplate> =
    LazyLock::new(|| own(include_str!("markdown/tests.md.hbs")));
static EXPLANATION: LazyLock<CompiledTemplate> =
    LazyLock::new(|| own(include_str!("markdown/explain.md.hbs")));
static RELEASES: LazyLock<CompiledTemplate> =
    LazyLock::new(|| own(include_str!("markdown/releases.md.hbs")));
static NOTES: LazyLock<CompiledTemplate> =
    LazyLock::new(|| own(include_str!("markdown/release-notes.md.hbs")));
static CATALOG: LazyLock<CompiledTemplate> =
    LazyLock::new(|| own(include_str!("markdown/catalog.md.hbs")));

/// Returns a plan.
pub(crate) fn plan(plan: &Plan) -> String {
    let stacks: Vec<Value> = plan
        .stacks
        .iter()
        .filter(|stack| {
            let changes = stack.lines.iter().any(|line| !line.classes.is_empty());
            let shortfalls = stack.unknown.len() + stack.out_of_reach.len() + stack.faults.len();
            changes || !stack.skipped.is_empty() || shortfalls > 0
        })
        .map(|stack| {
            let lines: Vec<Value> = stack
                .lines
                .iter()
                .filter(|line| !line.classes.is_empty())
                .map(|line| {
                    json!({
                        "line": line.line,
                        "classes": line.classes.iter().map(|class| class.name()).collect::<Vec<_>>().join(", "),
                        "from": line.default_before,
                        "to": line.default_after,
                        "next": line.release.as_ref().and_then(|release| release.next.as_ref()),
                        "isAtLeast": line.release.as_ref().is_some_and(|release| release.is_at_least),
                        "reasons": line.reasons,
                    })
                })
                .collect();
            json!({ "title": stack.title, "lines": lines, "skipped": stack.skipped, "notes": stack.notes,
                    "unknown": stack.unknown,
                    "outOfReach": stack.out_of_reach.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "faults": stack.faults.iter().map(ToString::to_string).collect::<Vec<_>>() })
        })
        .collect();
    let files: Vec<Value> = plan.files.iter().map(|file| json!({ "path": file.path, "what": file_words(&file.action), "diff": diff(&file.action) })).collect();
    render(
        &PLAN,
        &json!({
            "stacks": stacks,
            "files": files,
            "asOf": plan.as_of,
            "nothing": text::nothing_words(plan),
        }),
    )
}

fn file_words(action: &FileAction) -> &'static str {
    match action {
        FileAction::Edit { .. } => "changed",
        FileAction::Create { .. } => "new",
        FileAction::Copy { .. } => "copied",
        FileAction::Remove => "removed",
    }
}

/// The changed lines alone: what a fenced block shows. A fence in the text would end the block, so it is broken up.
fn diff(action: &FileAction) -> Option<String> {
    let FileAction::Edit { before, after } = action else {
        return None;
    };
    let text = TextDiff::from_lines(&**before, &**after)
        .unified_diff()
        .context_radius(1)
        .to_string();
    Some(text.replace("```", "``\u{200b}`"))
}

/// Returns the matrix of every stack.
pub(crate) fn show(overview: &Overview, next: &str) -> String {
    let stacks: Vec<Value> = overview
        .stacks
        .iter()
        .map(|stack| {
            let lines: Vec<Value> = stack
                .lines
                .iter()
                .map(|shown| {
                    let line = &shown.matrix;
                    json!({
                        "minor": line.line.minor,
                        "default": line.default.map(crate::version::KubernetesVersion::plain),
                        "listed": compact(&line.listed()),
                        "unlisted": compact(&line.unlisted()),
                        "released": line.released,
                        "state": text::state(shown).join("; "),
                    })
                })
                .collect();
            let missing = text::also_out(&stack.missing);
            json!({
                "title": stack.title,
                "unknown": stack.unknown,
                "lines": lines,
                "missing": missing,
            })
        })
        .collect();
    let closing = text::closing(overview, next);
    let standard = Some(overview.standard).filter(|standard| standard.figures().is_some());
    render(
        &SHOW,
        &json!({
            "stacks": stacks,
            "asOf": overview.as_of,
            "standard": standard,
            "closing": closing,
        }),
    )
}

/// Returns what is published.
pub(crate) fn listed_releases(report: &ListReport) -> String {
    let unreadable: Vec<String> = report
        .unreadable
        .iter()
        .map(UnreadableTag::to_string)
        .collect();
    let lines: Vec<Value> = report
        .lines
        .iter()
        .map(|line| {
            let releases: Vec<Value> = line
                .releases
                .iter()
                .map(|release| {
                    let sources = release.sources.iter().map(|source| source.name());
                    json!({
                        "version": release.version,
                        "kubernetes": release.kubernetes,
                        "day": release.day,
                        "digest": release.digest.as_ref().map(ToString::to_string),
                        "sources": sources.collect::<Vec<_>>().join(", "),
                        "fault": release.fault,
                    })
                })
                .collect();
            json!({ "line": line.line, "releases": releases })
        })
        .collect();
    render(
        &RELEASES,
        &json!({ "lines": lines, "unreadable": unreadable, "gaps": report.gaps }),
    )
}

/// Returns what changed since the last releases.
pub(crate) fn release_notes(report: &NotesReport) -> String {
    let lines: Vec<String> = report.lines.iter().map(line_notes).collect();
    lines.join("\n")
}

/// Returns what changed in one line, as a block of a changelog.
pub(crate) fn line_notes(notes: &LineNotes) -> String {
    let (heading, follows, to_do) = match &notes.state {
        NotesState::First(first) => (heading(&first.tag, first.day), None, &[][..]),
        NotesState::Changed(next) => {
            let follows = Some(next.last.to_string());
            (heading(&next.tag, next.day), follows, &next.to_do[..])
        }
        NotesState::Unchanged { .. } | NotesState::Unknown { .. } => {
            (notes.line.to_string(), None, &[][..])
        }
    };
    let said = match &notes.state {
        NotesState::First(_) => Some("The first release.".to_owned()),
        NotesState::Unchanged { last } => Some(format!("Nothing changed since {last}.")),
        NotesState::Unknown { reason, hint } => Some(format!("Unknown: {reason}; {hint}.")),
        NotesState::Changed(_) => None,
    };
    render(
        &NOTES,
        &json!({
            "heading": heading,
            "follows": follows,
            "said": said,
            "toDo": to_do,
            "sections": sections(&notes.state),
        }),
    )
}

fn heading(tag: &ReleaseTag, day: Option<Date>) -> String {
    match day {
        Some(day) => format!("{tag} - {day}"),
        None => tag.to_string(),
    }
}

/// Returns what the values of one file are.
pub(crate) fn explanation(explanation: &FileExplanation) -> String {
    render(&EXPLANATION, explanation)
}

/// Returns what became of the pull requests of a run.
pub(crate) fn pull_requests(report: &PullReport) -> String {
    let outcomes: Vec<Value> = report
        .outcomes
        .iter()
        .map(|outcome| {
            json!({
                "key": outcome.key,
                "number": outcome.number,
                "told": text::pull_outcome(outcome, report),
            })
        })
        .collect();
    render(
        &PULL_REQUESTS,
        &json!({"outcomes": outcomes, "cost": text::pull_cost(report)}),
    )
}

/// Returns what `doctor` found.
pub(crate) fn doctor(report: &DoctorReport) -> String {
    let data = json!({
        "repository": report.repository,
        "summary": report.summary(),
        "checks": report.checks,
    });
    render(&DOCTOR, &data)
}

/// Returns the findings of a check.
pub(crate) fn check(findings: &Findings) -> String {
    let data = json!({
        "findings": findings.findings,
        "summary": text::findings_summary(findings),
        "rulesPage": super::sarif::RULES_PAGE,
    });
    render(&CHECK, &data)
}

/// Returns the results of tests.
pub(crate) fn tests(report: &TestReport) -> String {
    let lines: Vec<Value> = report
        .lines
        .iter()
        .map(|line| {
            let results = &line.report.results;
            let rows: Vec<Value> = results
                .iter()
                .map(|one| json!({ "name": one.name, "state": one.state, "words": one.words() }))
                .collect();
            let failed = results.iter().filter(|result| !result.state.is_harmless());
            let said: Vec<Value> = failed
                .filter_map(|one| {
                    // As in `diff`, a fence in the output would end its block.
                    let output = one.output.as_ref()?.replace("```", "``\u{200b}`");
                    Some(json!({ "name": one.name, "output": output }))
                })
                .collect();
            json!({
                "line": line.line,
                "from": line.default_before.filter(|before| Some(*before) != line.default_after),
                "to": line.default_after,
                "results": rows,
                "reason": line.report.reason(),
                "kept": line.held_default(),
                "said": said,
            })
        })
        .collect();
    render(&TESTS, &json!({ "lines": lines }))
}

/// Returns a catalog.
pub(crate) fn catalog(catalog: &Catalog) -> String {
    render(&CATALOG, catalog)
}

fn own(text: &str) -> CompiledTemplate {
    CompiledTemplate::own(text, escape)
}

fn render(template: &CompiledTemplate, data: &impl Serialize) -> String {
    template
        .fill(data)
        .expect("impossible: the templates are part of the program and tested")
}
