//! `show --explain FILE`: which values of one file are the stack's, and why the others are not. It asks no source.

use super::unfinished::told;
use super::{Format, Outcome, Place, Repository, to_json};
use crate::error::CommandError;
use crate::report;
use crate::stack::{Content, EXPLANATION_SCHEMA, FileExplanation, SourceFile, Stack, explain_file};

/// Explains one file; its path is relative to the repository's root, or to the directory that the command runs in.
pub(crate) fn run(place: &Place, file: &str, format: Format) -> Result<Outcome, CommandError> {
    told(place, explain(place, file, format))
}

fn explain(place: &Place, file: &str, format: Format) -> Result<Outcome, CommandError> {
    let repository = Repository::open(place)?;
    let path = repository.find_file(file)?;
    let stacks = repository.discovery.read(&repository.tree);
    let releases = match &repository.git {
        Some(git) => git.stack_releases().map_err(CommandError::new)?,
        None => Vec::new(),
    };
    let mut explanation = FileExplanation {
        schema: EXPLANATION_SCHEMA,
        file: path.clone(),
        stack: None,
        kinds: Vec::new(),
        unread: None,
        values: Vec::new(),
    };
    let owner = stacks.iter().find_map(|stack| {
        let mut files = stack.files();
        Some((stack, files.find(|own| own.path() == path)?))
    });
    match owner {
        Some((stack, own)) => {
            let line = line_of(stack, own);
            let of_line = releases
                .iter()
                .filter(|release| line.as_deref() == Some(&*release.tag.line.to_string()));
            let number = of_line.filter_map(|release| release.tag.version.stable_number());
            explanation.stack = Some(stack.title());
            let kinds = own.kinds().iter();
            explanation.kinds = kinds.map(|kind| kind.name().to_owned()).collect();
            explanation.values = explain_file(stack, own, number.max());
        }
        None => explanation.unread = Some(why_unread(&repository, &stacks, &path)),
    }
    let data = match format {
        Format::Text => report::text::explanation(&explanation),
        Format::Markdown => report::markdown::explanation(&explanation),
        Format::Json => to_json(&explanation)?,
    };
    Ok(Outcome::of(data, format))
}

/// Returns the stack line of the source tree that a file is of.
fn line_of(stack: &Stack, file: &SourceFile) -> Option<String> {
    let mut trees = stack.trees.iter();
    let own = trees.find(|tree| tree.files.iter().any(|own| own.path() == file.path()))?;
    own.line().map(|line| line.to_string())
}

fn why_unread(repository: &Repository, stacks: &[Stack], path: &str) -> String {
    if repository.config.ignored().matches(path) {
        return "csctl-matrix.yaml ignores it (`ignore`)".to_owned();
    }
    let mut faults = stacks.iter().flat_map(|stack| &stack.faults);
    if let Some(fault) = faults.find(|fault| fault.file == path) {
        return format!("it cannot be read: {fault}");
    }
    match repository.tree.find(path) {
        Some(Content::Unreadable(reason)) => reason.clone(),
        Some(Content::Text(_) | Content::Unread) | None => {
            "csctl-matrix knows no file of this kind".to_owned()
        }
    }
}
