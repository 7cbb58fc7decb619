//! A plan, and what an update wrote: per stack the lines that change, the diff, the reasons, what is skipped.

mod diff;
mod reasons;
mod stat;

use std::fmt::Write as _;

use diff::KnownDiffs;

use super::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, labelled, styled};
use crate::matrix::LineMatrix;
use crate::plan::{
    ComponentBump, FileAction, FileChange, LinePlan, Plan, Release, Skip, StackPlan,
};

/// How a plan is shown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PlanView<'a> {
    /// The command that writes it, where it can be written.
    pub(crate) next: Option<&'a str>,
    /// What is shown of each file.
    pub(crate) detail: Detail,
    /// The width of the screen, where it is known.
    pub(crate) width: Option<usize>,
}

/// What a plan shows of each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Detail {
    /// A unified diff.
    #[default]
    Diff,
    /// The number of lines that change.
    Stat,
}

/// Returns a plan.
pub(crate) fn plan(plan: &Plan, view: PlanView<'_>) -> String {
    let diffs = KnownDiffs::default();
    let shown = crate::parallel::map(&plan.stacks, 64, |stack| {
        let files = plan.files_of(stack);
        let text = stack_plan(stack, &files, view, &diffs);
        let summary = if text.is_empty() {
            String::new()
        } else {
            stack_summary(stack, files.len())
        };
        ShownStack { text, summary }
    });
    let mut out = String::new();
    for stack in &shown {
        out.push_str(&stack.text);
    }
    for stack in &shown {
        out.push_str(&stack.summary);
    }
    out + &closing(plan, view.next)
}

/// What is said of one stack.
struct ShownStack {
    text: String,
    /// What is said of it again below all stacks.
    summary: String,
}

/// `openstack/scs2: 3 stack lines change in 8 files; 1 skipped`.
fn stack_summary(stack: &StackPlan, files: usize) -> String {
    let lines = changed_lines(stack).count();
    let what = match (lines, files) {
        (0, 0) => state(stack).to_owned(),
        (0, files) => format!("{} change", counted(files, "file")),
        (1, files) => format!("1 stack line changes in {}", counted(files, "file")),
        (lines, files) => format!("{lines} stack lines change in {}", counted(files, "file")),
    };
    let skipped = match stack.skipped.len() {
        0 => String::new(),
        count => format!("; {count} skipped"),
    };
    let by_hand = match stack.out_of_reach.len() {
        0 => String::new(),
        count => format!("; {count} to change by hand"),
    };
    format!("{}: {what}{by_hand}{skipped}\n", stack.title)
}

/// What is to be said of a stack of which nothing changes.
fn state(stack: &StackPlan) -> &'static str {
    if !stack.faults.is_empty() {
        "not planned"
    } else if stack.is_blind {
        "unknown"
    } else {
        "nothing to change"
    }
}

fn changed_lines(stack: &StackPlan) -> impl Iterator<Item = &LinePlan> {
    stack.lines.iter().filter(|line| !line.classes.is_empty())
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// How many files would change, and the command that writes them; apart those of stacks that `update` leaves as they are.
fn closing(plan: &Plan, next: Option<&str>) -> String {
    let incomplete = plan.incomplete_files().len();
    let mut out = match (plan.files.len() - incomplete, next) {
        // "Nothing to change" would contradict what is said of the incomplete stacks below.
        (0, _) if incomplete > 0 => String::new(),
        (0, _) => nothing(plan),
        (1, Some(next)) => format!("1 file would change. Write it: {next}\n"),
        (1, None) => "1 file would change.\n".to_owned(),
        (count, Some(next)) => format!("{count} files would change. Write them: {next}\n"),
        (count, None) => format!("{count} files would change.\n"),
    };
    if incomplete > 0 {
        let titles: Vec<&str> = plan.incomplete().map(|stack| &*stack.title).collect();
        let stacks = titles.join(", ");
        let files = if incomplete == 1 { "file" } else { "files" };
        let writing = next.map_or_else(String::new, |next| {
            format!(". Write them: {next} --partial")
        });
        // Writing to a text does not fail, here and below.
        let _ = writeln!(
            out,
            "{incomplete} {files} would change in {stacks}, besides what has to be changed by hand{writing}"
        );
    }
    out
}

/// Returns what an update wrote.
pub(crate) fn update(plan: &Plan) -> String {
    let mut out = String::new();
    for stack in &plan.stacks {
        let first = first_lines(stack);
        if !first.is_empty() {
            let _ = writeln!(out, "{}", styled(BOLD, &stack.title));
            out.push_str(&first);
        }
        changed_lines(stack).for_each(|line| out.push_str(&line_heading(line)));
        let files = plan.files_of(stack);
        for file in files
            .iter()
            .filter(|file| !matches!(file.action, FileAction::Copy { .. }))
        {
            let what = match file.action {
                FileAction::Edit { .. } => "wrote  ",
                FileAction::Create { .. } | FileAction::Copy { .. } => "made   ",
                FileAction::Remove => "removed",
            };
            let _ = writeln!(out, "  {what} {}", file.path);
        }
        out.push_str(&copies(&files));
        stack
            .skipped
            .iter()
            .for_each(|hold| out.push_str(&skip_line("skip", hold)));
        stack
            .notes
            .iter()
            .for_each(|note| out.push_str(&labelled("note", YELLOW, &note.to_string())));
    }
    out + &match plan.files.len() {
        0 => nothing(plan),
        1 => "1 file written. Look at it: git diff\n".to_owned(),
        count => format!("{count} files written. Look at them: git diff\n"),
    }
}

fn nothing(plan: &Plan) -> String {
    format!("{}\n", nothing_words(plan))
}

/// What a plan without changes means: that nothing is new is said only where everything is known.
pub(crate) fn nothing_words(plan: &Plan) -> &'static str {
    if plan.is_blind() {
        "unknown: no source answered"
    } else if plan.has_unknown() {
        "nothing to change in what is known; the rest is unknown (see above)"
    } else if plan.faults().next().is_some() {
        "nothing to change in what could be planned"
    } else {
        "nothing to change"
    }
}

/// What comes first of a stack: what is not known, and what a person has to change.
fn first_lines(stack: &StackPlan) -> String {
    let mut out = String::new();
    for unknown in &stack.unknown {
        out.push_str(&skip_line("unknown", unknown));
    }
    for fault in &stack.out_of_reach {
        out.push_str(&labelled("by hand", RED, &fault.to_string()));
        let _ = writeln!(out, "          {}", styled(DIM, &fault.hint));
    }
    out
}

fn stack_plan(
    stack: &StackPlan,
    files: &[&FileChange],
    view: PlanView<'_>,
    diffs: &KnownDiffs,
) -> String {
    let changed: Vec<&LinePlan> = changed_lines(stack).collect();
    let first = first_lines(stack);
    let says_nothing = changed.is_empty() && files.is_empty() && stack.skipped.is_empty();
    if says_nothing && first.is_empty() && stack.faults.is_empty() && stack.notes.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    if changed.is_empty() && files.is_empty() {
        let _ = writeln!(out, "{}   {}", styled(BOLD, &stack.title), state(stack));
    } else if !first.is_empty() {
        let _ = writeln!(out, "{}", styled(BOLD, &stack.title));
    }
    out.push_str(&first);
    for line in &changed {
        out.push_str(&line_heading(line));
    }
    if !files.is_empty() {
        out.push('\n');
        match view.detail {
            Detail::Diff => files
                .iter()
                .for_each(|file| out.push_str(&diffs.of_file(file))),
            Detail::Stat => out.push_str(&stat::stat(files, view.width)),
        }
        out.push_str(&copies(files));
        out.push('\n');
    }
    for line in &changed {
        out.push_str(&reasons::reasons(line));
    }
    stack
        .skipped
        .iter()
        .for_each(|hold| out.push_str(&skip_line("skip", hold)));
    stack
        .notes
        .iter()
        .for_each(|note| out.push_str(&labelled("note", YELLOW, &note.to_string())));
    out.push('\n');
    out
}

/// `openstack-scs2-1-34   new patch   v1.34.7 -> v1.34.8   becomes v3 (...)`.
fn line_heading(line: &LinePlan) -> String {
    let classes: Vec<String> = line
        .classes
        .iter()
        .map(|class| class.name().replace('-', " "))
        .collect();
    let mut heading = format!(
        "{}   {}",
        styled(BOLD, &line.line.to_string()),
        classes.join(", ")
    );
    match (line.default_before, line.default_after) {
        (Some(before), Some(after)) if before != after => {
            let _ = write!(heading, "   {before} -> {after}");
        }
        (None, Some(after)) => {
            let _ = write!(heading, "   {after}");
        }
        (Some(_) | None, Some(_) | None) => {}
    }
    if has_source(line.before.as_ref()) && !has_source(line.after.as_ref()) {
        heading.push_str("   its source tree is removed");
    }
    if let Some(release) = &line.release {
        let _ = write!(heading, "   {}", release_words(release));
    }
    heading + "\n"
}

fn has_source(line: Option<&LineMatrix>) -> bool {
    line.is_some_and(|line| line.has_source)
}

fn release_words(release: &Release) -> String {
    let components = format!(
        "{}, {}",
        component("addons", &release.cluster_addon),
        component("node images", &release.node_image)
    );
    match (&release.previous, &release.next) {
        (_, None) => {
            format!("becomes the next release ({components}; no published release found)")
        }
        (_, Some(next)) if release.is_at_least => {
            format!("becomes at least {next} ({components}; the clone may lack tags)")
        }
        (None, Some(next)) => format!("becomes {next}, the first release"),
        (Some(_), Some(next)) => format!("becomes {next} ({components})"),
    }
}

fn component(name: &str, bump: &ComponentBump) -> String {
    match (&bump.previous, &bump.next) {
        (Some(previous), Some(next)) if previous != next => format!("{name} {previous} -> {next}"),
        (Some(_), Some(next)) => format!("{name} stay {next}"),
        (_, _) if bump.changed => format!("{name} go up"),
        (_, _) => format!("{name} stay"),
    }
}

fn skip_line(label: &str, skip: &Skip) -> String {
    let text = format!("{}: {}", skip.subject, skip.reason());
    let mut out = labelled(label, YELLOW, &text);
    if let Some(hint) = skip.hint() {
        let indent = " ".repeat(label.len() + 3);
        let _ = writeln!(out, "{indent}{}", styled(DIM, &hint));
    }
    out
}

fn copies(files: &[&FileChange]) -> String {
    let count = files
        .iter()
        .filter(|file| matches!(file.action, FileAction::Copy { .. }))
        .count();
    match count {
        0 => String::new(),
        1 => "and 1 file copied as it is\n".to_owned(),
        count => format!("and {count} files copied as they are\n"),
    }
}
