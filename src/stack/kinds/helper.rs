//! Helpers of the class chart (`templates/_helpers.tpl`): they put names of images together for its manifests. Their text is never
//! written; an image that stands in it holds the default.

use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::stack::facts::FaultKind;
use crate::stack::group::{self, ImagePart};
use crate::stack::series::{SeriesMatch, SeriesSet};
use crate::stack::stated::{Reading, ValueRef};
use crate::version::KubernetesVersion;

#[derive(Debug)]
pub(super) struct Helper;

impl FileKind for Helper {
    fn name(&self) -> &'static str {
        "template helper"
    }

    fn role(&self) -> Role {
        Role::ClassTemplate
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        let is_here = place.starts_with("cluster-class/templates/") && is_helper(place);
        is_here && (text.contains(".Values.") || super::names_a_version(text))
    }

    fn is_yaml(&self) -> bool {
        false
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        for (index, line) in file.text().lines().enumerate() {
            let keys = group::values_in(line).into_iter();
            let manifest = format!("{}:{index}", file.path());
            facts.value_refs.extend(keys.map(|value| ValueRef {
                template: Some(line.trim().to_owned()),
                is_doubtful: true,
                ..ValueRef::new(manifest.clone(), value, ImagePart::Name, Reading::Piece)
            }));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        _: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        refuse_literals(file, wanted)
    }
}

/// Tells whether a file is a helper by its name.
fn is_helper(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, ending)| ending == "tpl")
}

/// Refuses a new default where an image of the old one stands in a helper, or is what a variable of a template gets.
pub(super) fn refuse_literals(file: &Document, wanted: &Wanted<'_>) -> Result<(), Fault> {
    let Some(before) = wanted
        .default_before
        .filter(|_| wanted.default != wanted.default_before)
    else {
        return Ok(());
    };
    if !wanted.wishes.wants(wanted.default_class(before)) {
        return Ok(());
    }
    let mut found = literals(file, wanted.series).into_iter();
    match found.find(|literal| literal.version == before) {
        Some(literal) => Err(literal.fault),
        None => Ok(()),
    }
}

/// An image that stands in a helper, or that a variable gets.
pub(in crate::stack) struct Literal {
    pub(in crate::stack) version: KubernetesVersion,
    pub(in crate::stack) fault: Fault,
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')')
}

pub(in crate::stack) fn literals(file: &Document, series: &SeriesSet) -> Vec<Literal> {
    let mut found = Vec::new();
    for (index, line) in file.text().lines().enumerate() {
        // Fields of a manifest are read by its own kind, what a variable gets is read here alone.
        let is_code = is_helper(file.path()) || line.contains(":=");
        let is_comment = line.contains("/*");
        for word in line.split(ends_word).filter(|_| is_code && !is_comment) {
            let has_number = word.bytes().any(|byte| byte.is_ascii_digit());
            // To look through the series takes its time, and an image has a version.
            if !has_number || series.find(word) == SeriesMatch::None {
                continue;
            }
            if let Some(version) = group::version_of(word) {
                let message = format!(
                    "`{word}` names the image of {version}: it stands in the code of a template"
                );
                let hint = "move it to the values of the chart, or change it by hand";
                let fault = Fault {
                    kind: FaultKind::Unmovable,
                    ..Fault::new(file.path(), index + 1, message, hint)
                };
                found.push(Literal { version, fault });
            }
        }
    }
    found
}
