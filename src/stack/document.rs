//! A file as a text that was parsed: what kinds of files read facts from and write edits for.

use std::sync::Arc;

use super::addon::MinorBoundCharts;
use super::commons::Commons;
use super::configured::ConfiguredReference;
use super::facts::Fault;
use super::role::Role;
use crate::yaml::{self, KnownTexts, Node};

/// A file's text and its parsed form.
#[derive(Debug, Clone)]
pub struct Document {
    path: String,
    text: Arc<str>,
    yaml: Option<Arc<yaml::File>>,
    role: Role,
    commons: Arc<Commons>,
    configured: Vec<Arc<ConfiguredReference>>,
}

impl Document {
    /// Returns a text that is not YAML.
    pub(super) fn plain(path: &str, text: &Arc<str>, role: Role, commons: &Arc<Commons>) -> Self {
        Self {
            path: path.to_owned(),
            text: text.clone(),
            yaml: None,
            role,
            commons: Arc::clone(commons),
            configured: Vec::new(),
        }
    }

    /// Returns the file with the references that the configuration has in it.
    pub(super) fn with_configured(
        &self,
        configured: Vec<Arc<ConfiguredReference>>,
    ) -> Result<Self, Fault> {
        // A pattern is sought in any text, so that a file with patterns alone need not be YAML.
        let needs_yaml = configured.iter().any(|one| one.path().is_some());
        let file = Self {
            configured,
            ..self.clone()
        };
        if needs_yaml { file.parsed() } else { Ok(file) }
    }

    /// Parses it as YAML, unless that was done.
    pub(super) fn parsed(mut self) -> Result<Self, Fault> {
        if self.yaml.is_none() {
            let parsed =
                parse(&self.path, &self.text, self.texts()).map_err(|fault| fault.of(self.role))?;
            // Equal texts are one from here on.
            self.text = Arc::clone(parsed.shared_text());
            self.yaml = Some(parsed);
        }
        Ok(self)
    }

    /// Returns the file as it reads with another text, which was parsed already.
    pub(super) fn with_yaml(&self, yaml: Arc<yaml::File>) -> Self {
        Self {
            text: yaml.shared_text().clone(),
            yaml: Some(yaml),
            ..self.clone()
        }
    }

    /// Returns its path, relative to the repository's root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns its text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns the parsed text of a YAML file.
    pub fn yaml(&self) -> Option<&yaml::File> {
        self.yaml.as_deref()
    }

    /// Returns the parsed text of a YAML file, which files of the same text share.
    pub(super) fn shared_yaml(&self) -> Option<&Arc<yaml::File>> {
        self.yaml.as_ref()
    }

    /// Returns the documents of a YAML file.
    pub fn documents(&self) -> &[Node] {
        self.yaml().map_or(&[], yaml::File::documents)
    }

    /// Returns what the file is for, in the words of the first kind that claims it.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Returns the configured references in it.
    pub(crate) fn configured(&self) -> &[Arc<ConfiguredReference>] {
        &self.configured
    }

    /// Returns the addon charts that belong to a minor.
    pub fn charts(&self) -> &MinorBoundCharts {
        &self.commons.charts
    }

    /// Returns the texts of the repository that were read.
    pub(super) fn texts(&self) -> &KnownTexts {
        &self.commons.texts
    }
}

/// Tells whether a text holds three numbers between dots or dashes, as every version does. It is cheap.
pub(super) fn names_a_version(text: &str) -> bool {
    let mut run = 0;
    let mut numbers = 0;
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            run += 1;
        } else if run > 0 && matches!(byte, b'.' | b'-') {
            numbers += 1;
            run = 0;
        } else {
            if run > 0 && numbers >= 2 {
                return true;
            }
            (run, numbers) = (0, 0);
        }
        if run > 0 && numbers >= 2 {
            return true;
        }
    }
    false
}

/// Tells of a branch of a template that fits nowhere and names a version; one without versions has no facts to lose.
fn unread_version(path: &str, file: &yaml::File) -> Option<Fault> {
    let line = file.unread_lines().into_iter().flatten().find(|line| {
        let text = file.text().lines().nth(line - 1).unwrap_or_default();
        names_a_version(text)
    })?;
    Some(Fault::new(
        path,
        line,
        "this branch of the template makes no YAML, and it names a version",
        "indent the lines of the branch as those around it",
    ))
}

fn parse(path: &str, text: &Arc<str>, texts: &KnownTexts) -> Result<Arc<yaml::File>, Fault> {
    let file = texts
        .parse(text)
        .map_err(|error| Fault::of_yaml(path, &error))?;
    if let Some(fault) = unread_version(path, &file) {
        return Err(fault);
    }
    match file.duplicate_keys().first() {
        // Both branches of a template's condition may set a key; the editor refuses to touch such a key.
        Some(_) if file.is_template() => Ok(file),
        Some(duplicate) => {
            let (first, line) = (duplicate.first_line, duplicate.line);
            let message = format!("duplicate key `{}`, first on line {first}", duplicate.key);
            Err(Fault::new(
                path,
                line,
                message,
                format!("remove line {first} or line {line}"),
            ))
        }
        None => Ok(file),
    }
}
