//! Text for terminals: the answer first, reasons beside facts, the next command last. It reads the same without colour.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use similar::TextDiff;

use super::compact;
use crate::catalog::Catalog;
use crate::command::show::{Show, StackShow};
use crate::matrix::{LineMatrix, StoreState};
use crate::plan::{
    ComponentBump, FileAction, FileChange, Hold, LinePlan, Plan, Release, StackPlan,
};

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Returns a plan; `next` is the command that writes it.
pub fn plan(plan: &Plan, next: &str) -> String {
    let mut out = String::new();
    for stack in &plan.stacks {
        out.push_str(&stack_plan(stack, &files_of(plan, stack)));
    }
    out + &match plan.files.len() {
        0 => "nothing to change\n".to_owned(),
        1 => format!("1 file would change. Write it: {next}\n"),
        count => format!("{count} files would change. Write them: {next}\n"),
    }
}

/// Returns what an update wrote.
pub fn update(plan: &Plan) -> String {
    let mut out = String::new();
    for stack in &plan.stacks {
        let lines = stack.lines.iter().filter(|line| !line.classes.is_empty());
        lines.for_each(|line| out.push_str(&line_heading(line)));
        let files = files_of(plan, stack);
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
            .holds
            .iter()
            .for_each(|hold| out.push_str(&hold_line(hold)));
        stack
            .notes
            .iter()
            .for_each(|note| out.push_str(&labelled("note", YELLOW, note)));
    }
    out + &match plan.files.len() {
        0 => "nothing to change\n".to_owned(),
        1 => "1 file written. Look at it: git diff\n".to_owned(),
        count => format!("{count} files written. Look at them: git diff\n"),
    }
}

fn files_of<'p>(plan: &'p Plan, stack: &StackPlan) -> Vec<&'p FileChange> {
    let below = |file: &&FileChange| {
        stack.directory.is_empty()
            || file
                .path
                .strip_prefix(&stack.directory)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    plan.files.iter().filter(below).collect()
}

fn stack_plan(stack: &StackPlan, files: &[&FileChange]) -> String {
    let changed: Vec<&LinePlan> = stack
        .lines
        .iter()
        .filter(|line| !line.classes.is_empty())
        .collect();
    if changed.is_empty() && files.is_empty() && stack.holds.is_empty() && stack.faults.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    if changed.is_empty() && files.is_empty() {
        let state = if stack.faults.is_empty() {
            "nothing to change"
        } else {
            "not planned"
        };
        let _ = writeln!(out, "{}   {state}", styled(BOLD, &stack.title));
    }
    for line in &changed {
        out.push_str(&line_heading(line));
    }
    if !files.is_empty() {
        out.push('\n');
        for file in files {
            out.push_str(&file_diff(file));
        }
        out.push_str(&copies(files));
        out.push('\n');
    }
    for line in &changed {
        line.reasons
            .iter()
            .for_each(|reason| out.push_str(&labelled("why ", GREEN, reason)));
    }
    stack
        .holds
        .iter()
        .for_each(|hold| out.push_str(&hold_line(hold)));
    stack
        .notes
        .iter()
        .for_each(|note| out.push_str(&labelled("note", YELLOW, note)));
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
    if let Some(release) = &line.release {
        let _ = write!(heading, "   {}", release_words(release));
    }
    heading + "\n"
}

fn release_words(release: &Release) -> String {
    let components = format!(
        "{}, {}",
        component("addons", &release.cluster_addon),
        component("node images", &release.node_image)
    );
    match (&release.previous, &release.next) {
        (_, None) => {
            format!("becomes the next release ({components}; no published release is known)")
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

fn labelled(label: &str, style: Style, text: &str) -> String {
    format!("{}   {text}\n", styled(style, label))
}

fn hold_line(hold: &Hold) -> String {
    let mut out = labelled(
        "held",
        YELLOW,
        &format!("{}: {}", hold.subject, hold.reason),
    );
    if let Some(hint) = &hold.hint {
        let _ = writeln!(out, "       {}", styled(DIM, hint));
    }
    out
}

/// A unified diff that `git apply` takes, but for copies and removed files, which are told in a line each.
fn file_diff(file: &FileChange) -> String {
    match &file.action {
        FileAction::Edit { before, after } => unified(
            before,
            after,
            &format!("a/{}", file.path),
            &format!("b/{}", file.path),
        ),
        FileAction::Create { from, after } => {
            let heading = format!("new file {}, after {from}\n", file.path);
            styled(BOLD, &heading) + &unified("", after, "/dev/null", &format!("b/{}", file.path))
        }
        FileAction::Copy { .. } => String::new(),
        FileAction::Remove => styled(BOLD, &format!("removed {}\n", file.path)),
    }
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

fn unified(before: &str, after: &str, from: &str, to: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header(from, to)
        .to_string();
    let colour = |line: &str| {
        let style = match line.as_bytes().first() {
            _ if line.starts_with("---") || line.starts_with("+++") => BOLD,
            Some(b'-') => RED,
            Some(b'+') => GREEN,
            Some(b'@') => CYAN,
            Some(_) | None => return line.to_owned(),
        };
        let (content, ending) = line.split_at(line.trim_end_matches(['\r', '\n']).len());
        styled(style, content) + ending
    };
    text.split_inclusive('\n').map(colour).collect()
}

/// Returns the matrix of every stack.
pub fn show(show: &Show, catalog: &Catalog) -> String {
    let mut out = String::new();
    for stack in &show.stacks {
        out.push_str(&stack_heading(stack, catalog));
        if !stack.lines.is_empty() {
            out.push('\n');
            out.push_str(&stack_table(&stack.lines));
        }
        for site in &stack.sites {
            let _ = writeln!(
                out,
                "  {}:{}  {}  {}",
                site.file, site.line, site.at, site.value
            );
        }
        for roster in &stack.rosters {
            for entry in &roster.entries {
                let url = entry.url.as_deref().unwrap_or_default();
                let _ = writeln!(
                    out,
                    "  {}:{}  {}  {} {url}",
                    roster.file, entry.line, roster.at, entry.name
                );
            }
        }
        out.push('\n');
    }
    out + &match show.pending_lines {
        0 => "every stack line is up to date\n".to_owned(),
        1 => "1 stack line to update (csctl-matrix plan)\n".to_owned(),
        count => format!("{count} stack lines to update (csctl-matrix plan)\n"),
    }
}

fn stack_heading(stack: &StackShow, catalog: &Catalog) -> String {
    let store = stack.image_store.as_deref().map_or_else(
        || "no image store known".to_owned(),
        |pattern| {
            let read: Option<crate::catalog::ImagePattern> = pattern.parse().ok();
            format!(
                "images from {}",
                read.as_ref()
                    .map_or(pattern, |pattern| pattern.base_or_name())
            )
        },
    );
    let sources: Vec<&LineMatrix> = stack.lines.iter().filter(|line| line.has_source).collect();
    let set = match sources[..] {
        [line] if !stack.layout.has_directory_per_minor() => {
            format!(", set to {}", line.line.minor)
        }
        _ => String::new(),
    };
    let faults = match stack.faults.len() {
        0 => String::new(),
        1 => "   1 fault".to_owned(),
        count => format!("   {count} faults"),
    };
    format!(
        "{}   {}{set}   {store}, {}{faults}\n",
        styled(BOLD, &stack.title),
        stack.layout.describe(),
        catalog.as_of
    )
}

const HEADINGS: [&str; 8] = [
    "minor",
    "default",
    "listed",
    "in the store",
    "ccm",
    "csi",
    "released",
    "state",
];

fn stack_table(lines: &[LineMatrix]) -> String {
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(HEADINGS);
    for line in lines {
        table.add_row(row(line));
    }
    let text = table.to_string();
    let mut out = String::new();
    for line in text.lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
    out
}

fn row(line: &LineMatrix) -> [String; 8] {
    let or_dash = |text: String| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text
        }
    };
    let chart = |name: &str| or_dash(line.charts.get(name).cloned().unwrap_or_default());
    let listed = line.listed();
    let unlisted = line.unlisted();
    let store = match line.store {
        StoreState::Unreachable => "no answer".to_owned(),
        StoreState::Unknown => "not asked".to_owned(),
        StoreState::Answered if unlisted.is_empty() => "nothing more".to_owned(),
        StoreState::Answered => format!("+{}", compact(&unlisted)),
    };
    let listed_count = if listed.is_empty() {
        "none".to_owned()
    } else {
        format!("{} ({})", compact(&listed), listed.len())
    };
    [
        line.line.minor.to_string(),
        or_dash(
            line.default
                .map(crate::version::KubernetesVersion::plain)
                .unwrap_or_default(),
        ),
        listed_count,
        store,
        chart("openstack-cloud-controller-manager"),
        chart("openstack-cinder-csi"),
        or_dash(
            line.released
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        state(line),
    ]
}

/// What a maintainer wants to know of a line first.
pub(crate) fn state(line: &LineMatrix) -> String {
    let mut words = Vec::new();
    if line.is_end_of_life
        && let Some(day) = line.end_of_life
    {
        words.push(format!("end of life since {day}"));
    }
    if line.default.is_none() && !line.has_source && !line.unlisted().is_empty() {
        words.push("new minor".to_owned());
    }
    let newest = line
        .patches
        .iter()
        .filter(|patch| patch.is_offered)
        .map(|patch| patch.version)
        .max();
    if let (Some(default), Some(newest)) = (line.default, newest) {
        let newer = line
            .patches
            .iter()
            .filter(|patch| patch.is_offered && patch.version > default)
            .count();
        if newest > default {
            words.push(format!("{newer} behind, newest {}", newest.plain()));
        }
    }
    let faulty = line
        .patches
        .iter()
        .find(|patch| patch.fault.is_some() && !patch.is_offered);
    if let Some(patch) = faulty {
        words.push(format!("{} held", patch.version.plain()));
    }
    match (words.is_empty(), line.store) {
        (true, StoreState::Answered) => words.push("up to date".to_owned()),
        (_, StoreState::Unreachable) => words.push("store gave no answer".to_owned()),
        (true, StoreState::Unknown) => words.push("store not asked".to_owned()),
        (false, StoreState::Answered | StoreState::Unknown) => {}
    }
    words.join("; ")
}

/// Returns what a catalog holds, in a line.
pub fn catalog_summary(catalog: &Catalog) -> String {
    let images: usize = catalog
        .image_stores
        .iter()
        .map(|store| store.images.len())
        .sum();
    let charts: usize = catalog
        .chart_repositories
        .iter()
        .map(|repository| repository.charts.len())
        .sum();
    let failed = catalog.unreachable.len();
    let answer = match failed {
        0 => String::new(),
        1 => ", 1 source without an answer".to_owned(),
        count => format!(", {count} sources without an answer"),
    };
    format!(
        "{images} node images, {charts} charts, {} Kubernetes releases{answer}",
        catalog.kubernetes.len()
    )
}

/// Returns a catalog.
pub fn catalog(catalog: &Catalog) -> String {
    let mut out = format!(
        "{}   {}\n",
        styled(BOLD, &format!("seen {}", catalog.as_of)),
        catalog_summary(catalog)
    );
    for store in &catalog.image_stores {
        let _ = writeln!(out, "\n{}", styled(BOLD, store.pattern.as_str()));
        for minor in &store.searched {
            let mut versions: Vec<_> = store
                .images
                .iter()
                .map(|image| image.version)
                .filter(|version| version.minor() == *minor)
                .collect();
            versions.sort_unstable();
            versions.dedup();
            let found = if versions.is_empty() {
                "none".to_owned()
            } else {
                compact(&versions)
            };
            let _ = writeln!(out, "  {:<6} {found}", minor.to_string());
        }
        for image in &store.faulty {
            out.push_str(&labelled(
                "held",
                YELLOW,
                &format!("{}: {}", image.version, image.reason),
            ));
        }
    }
    for repository in &catalog.chart_repositories {
        let _ = writeln!(out, "\n{}", styled(BOLD, &repository.url));
        for (chart, versions) in &repository.charts {
            let newest = versions
                .iter()
                .max()
                .map_or_else(|| "none".to_owned(), ToString::to_string);
            let _ = writeln!(
                out,
                "  {chart}   {} versions, newest {newest}",
                versions.len()
            );
        }
    }
    for failed in &catalog.unreachable {
        out.push_str(&labelled(
            "held",
            YELLOW,
            &format!("{}: {}", failed.url, failed.reason),
        ));
    }
    out
}
