//! Edits of a configuration's text: blocks and pins come and go, and everything else stays as it is, byte for byte. The new
//! text is read again and has to say exactly what was meant. Files are written elsewhere.

use std::fmt::Write as _;

use super::{Config, ConfigError, read};
use crate::policy::{Block, Pin};
use crate::version::{KubernetesVersion, OsRelease};
use crate::yaml::{File, Node, Path, Place, Shape, YamlError, scalar};

const BLOCKED: &str = "blocked";
const PINNED: &str = "pinned";

/// What an edit comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// The text says it already.
    Unchanged,
    /// The new text.
    Changed(String),
}

/// Why an edit is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EditError {
    /// What is in the way.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// Adds a block.
pub fn block(text: &str, block: &Block) -> Result<Edited, EditError> {
    let config = Config::parse(text)?;
    let same = |other: &&Block| other.version == block.version && other.os == block.os;
    if let Some(found) = config.blocked.iter().find(same) {
        if found.reason == block.reason {
            return Ok(Edited::Unchanged);
        }
        let os = block.os.as_ref().map(|os| format!(" --os {os}"));
        return Err(EditError {
            message: format!("{} is blocked already: {}", block.subject(), found.why()),
            hint: format!(
                "to give another reason, first csctl-matrix unblock {}{}",
                block.version,
                os.unwrap_or_default()
            ),
        });
    }
    let mut fields = vec![("version", block.version.to_string())];
    fields.extend(block.os.as_ref().map(|os| ("os", os.to_string())));
    fields.push(("reason", block.reason.clone()));
    fields.extend(block.by.clone().map(|by| ("by", by)));
    fields.extend(block.on.map(|day| ("on", day.to_string())));
    let mut meant = config;
    meant.blocked.push(block.clone());
    add(text, BLOCKED, &fields, &meant)
}

/// Takes a block away: that of the whole version, or that of one operating system.
pub fn unblock(
    text: &str,
    version: KubernetesVersion,
    os: Option<&OsRelease>,
) -> Result<Edited, EditError> {
    let config = Config::parse(text)?;
    let same = |block: &Block| block.version == version && block.os.as_ref() == os;
    let Some(index) = config.blocked.iter().position(same) else {
        let others = config
            .blocked
            .iter()
            .filter(|block| block.version == version);
        let others: Vec<String> = others.map(Block::subject).collect();
        if others.is_empty() {
            return Ok(Edited::Unchanged);
        }
        return Err(EditError {
            message: format!("what is blocked is {}", others.join(", ")),
            hint: "name the same image: with --os, or without it".to_owned(),
        });
    };
    let mut meant = config;
    meant.blocked.remove(index);
    remove(text, BLOCKED, index, &meant)
}

/// Adds a pin, or gives the pin of the same version another day or reason.
pub fn pin(text: &str, pin: &Pin) -> Result<Edited, EditError> {
    let config = Config::parse(text)?;
    let same = |other: &Pin| other.version == pin.version && other.stack == pin.stack;
    if let Some(index) = config.pinned.iter().position(same) {
        return pin_again(text, config, index, pin);
    }
    let mut fields = vec![("version", pin.version.to_string())];
    fields.extend(pin.stack.clone().map(|stack| ("stack", stack)));
    fields.extend(pin.reason.clone().map(|reason| ("reason", reason)));
    fields.push(("until", pin.until.to_string()));
    let mut meant = config;
    meant.pinned.push(pin.clone());
    add(text, PINNED, &fields, &meant)
}

fn pin_again(text: &str, mut config: Config, index: usize, pin: &Pin) -> Result<Edited, EditError> {
    let before = config.pinned[index].clone();
    let reason = pin.reason.clone().or(before.reason.clone());
    if before.until == pin.until && before.reason == reason {
        return Ok(Edited::Unchanged);
    }
    let file = File::parse(text)?;
    let path = Path::root().key(PINNED).index(index);
    let mut editor = file.edit();
    editor.set(0, &path.clone().key("until"), &pin.until.to_string())?;
    match &reason {
        Some(reason) if before.reason.is_some() => {
            editor.set(0, &path.key("reason"), reason)?;
        }
        Some(reason) => {
            editor.insert_key(0, &path, Place::After("version"), ("reason", reason))?;
        }
        None => {}
    }
    config.pinned[index].until = pin.until;
    config.pinned[index].reason = reason;
    proved(editor.finish()?, &config)
}

/// Takes a pin away: that of one stack, or that of all.
pub fn unpin(
    text: &str,
    version: KubernetesVersion,
    stack: Option<&str>,
) -> Result<Edited, EditError> {
    let config = Config::parse(text)?;
    let same = |pin: &Pin| pin.version == version && pin.stack.as_deref() == stack;
    let Some(index) = config.pinned.iter().position(same) else {
        let others = config.pinned.iter().filter(|pin| pin.version == version);
        let others: Vec<&str> = others
            .map(|pin| pin.stack.as_deref().unwrap_or("all stacks"))
            .collect();
        if others.is_empty() {
            return Ok(Edited::Unchanged);
        }
        return Err(EditError {
            message: format!("{version} is pinned in {}", others.join(", ")),
            hint: "name the same stack with --stack, or none".to_owned(),
        });
    };
    let mut meant = config;
    meant.pinned.remove(index);
    remove(text, PINNED, index, &meant)
}

impl From<ConfigError> for EditError {
    fn from(error: ConfigError) -> Self {
        Self {
            message: format!("line {}: {error}", error.line),
            hint: error.hint,
        }
    }
}

impl From<YamlError> for EditError {
    fn from(error: YamlError) -> Self {
        Self {
            message: error.to_string(),
            hint: format!("{}; nothing was written", error.hint()),
        }
    }
}

/// Returns a new text, if it says what is meant and nothing else.
fn proved(text: String, meant: &Config) -> Result<Edited, EditError> {
    match Config::parse(&text) {
        Ok(config) if config == *meant && is_yaml(&text) => Ok(Edited::Changed(text)),
        Ok(_) => Err(by_hand()),
        Err(error) => Err(EditError {
            message: format!("nothing was written: {error}"),
            hint: error.hint,
        }),
    }
}

/// Asks a second parser, which shares no code with ours.
fn is_yaml(text: &str) -> bool {
    serde_yaml::from_str::<serde_yaml::Value>(text).is_ok()
}

fn by_hand() -> EditError {
    EditError {
        message: "the file is written in a way that cannot be edited safely".to_owned(),
        hint: "make this edit by hand; nothing was written".to_owned(),
    }
}

type Fields<'f> = [(&'f str, String)];

/// Adds a record to a list that may not be there yet.
fn add(text: &str, key: &str, fields: &Fields<'_>, meant: &Config) -> Result<Edited, EditError> {
    let Some(file) = read::parse_yaml(text)? else {
        return proved(append(text, "", &block_list(key, fields)), meant);
    };
    let root = &file.documents()[0];
    let list = root.get(key);
    if let Some(list) = list.filter(|list| !list.items().is_empty()) {
        return add_to(&file, (key, list), fields, meant);
    }
    let text = match list {
        None if root.is_flow() => return add_to_flow_root(text, root, (key, fields), meant),
        None => {
            let first = root.entries().next().map(|(_, key, _)| key.range().start);
            append(
                text,
                indent_of(text, first.unwrap_or(0)),
                &block_list(key, fields),
            )
        }
        // `[]`: the first item goes behind the bracket.
        Some(list) if list.is_seq() => {
            let (before, after) = text.split_at(list.range().start + 1);
            format!("{before}{}{after}", flow_item(fields))
        }
        Some(list) => {
            let key = root.entries().find(|(name, _, _)| *name == key);
            let key = key.map(|(_, node, _)| node).ok_or_else(by_hand)?;
            fill(text, key, list, fields)
        }
    };
    proved(text, meant)
}

/// Adds a record to a list with others, in the shape of one of them.
fn add_to(
    file: &File,
    (key, list): (&str, &Node),
    fields: &Fields<'_>,
    meant: &Config,
) -> Result<Edited, EditError> {
    let path = Path::root().key(key);
    let mut refused = by_hand();
    for (like, sibling) in list.items().iter().enumerate().rev() {
        let mut shape = Shape::like(like);
        for (name, _, _) in sibling.entries() {
            if !fields.iter().any(|(field, _)| *field == name) {
                shape = shape.without(name);
            }
        }
        for (name, value) in fields {
            shape = shape.set(*name, value.as_str());
        }
        let mut editor = file.edit();
        let made = editor.append_item(0, &path, &shape).map(drop);
        match made.and_then(|()| editor.finish()) {
            Ok(text) => return proved(text, meant),
            Err(error) => refused = error.into(),
        }
    }
    let Some(end_item) = list.items().last().filter(|_| !list.is_flow()) else {
        return Err(refused);
    };
    // No record can be copied, as where all reasons are written over several lines: a new one stands behind the last.
    let text = file.text();
    let start = end_item.range().start;
    let indent = indent_of(text, start);
    let end = text[end_item.range().end..].find('\n');
    let at = end.map_or(text.len(), |end| end_item.range().end + end + 1);
    let (before, after) = text.split_at(at);
    let lines = block_item(indent, fields);
    proved(append(before, "", &lines) + after, meant)
}

/// Adds a list to a file that is one map between braces.
fn add_to_flow_root(
    text: &str,
    root: &Node,
    (key, fields): (&str, &Fields<'_>),
    meant: &Config,
) -> Result<Edited, EditError> {
    let list = format!("{key}: [{}]", flow_item(fields));
    let comma = if root.entries().next().is_some() {
        ", "
    } else {
        ""
    };
    for (at, _) in text.rmatch_indices('}') {
        for comma in [comma, " "] {
            let new = format!("{}{comma}{list}{}", &text[..at], &text[at..]);
            if Config::parse(&new).is_ok_and(|config| config == *meant) {
                return proved(new, meant);
            }
        }
    }
    Err(by_hand())
}

/// Fills a key that has no value yet.
fn fill(text: &str, key: &Node, empty: &Node, fields: &Fields<'_>) -> String {
    let mut text = text.to_owned();
    if empty.as_str().is_some() {
        text.replace_range(empty.range(), "");
    }
    let from = key.range().end;
    let end = text[from..].find('\n');
    let at = end.map_or(text.len(), |end| from + end + 1);
    let indent = format!("{}  ", indent_of(&text, key.range().start));
    let (before, after) = text.split_at(at);
    append(before, "", &block_item(&indent, fields)) + after
}

/// Removes a record, with its list where it is the last, and with everything where that is the last.
fn remove(text: &str, key: &str, index: usize, meant: &Config) -> Result<Edited, EditError> {
    let file = File::parse(text)?;
    let root = &file.documents()[0];
    let count = root.get(key).map_or(0, |list| list.items().len());
    if count > 1 {
        let mut editor = file.edit();
        editor.remove_item(0, &Path::root().key(key), index)?;
        return proved(editor.finish()?, meant);
    }
    if root.entries().count() > 1 {
        let mut editor = file.edit();
        editor.remove_key(0, &Path::root(), key)?;
        return proved(editor.finish()?, meant);
    }
    let entry = root.entries().next().filter(|_| !root.is_flow());
    let (_, key, list) = entry.ok_or_else(by_hand)?;
    let start = text[..key.range().start].rfind('\n').map_or(0, |at| at + 1);
    let start = start.max(text.len() - text.trim_start_matches('\u{feff}').len());
    let end = text[list.range().end..].find('\n');
    let end = end.map_or(text.len(), |end| list.range().end + end + 1);
    proved(format!("{}{}", &text[..start], &text[end..]), meant)
}

/// Puts lines at the end of a text: its line breaks are kept, and so is a missing one at its end.
fn append(text: &str, indent: &str, lines: &str) -> String {
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let content = text.trim_start_matches('\u{feff}');
    let has_end = content.is_empty() || content.ends_with('\n');
    let mut new = text.to_owned();
    if !has_end {
        new.push_str(ending);
    }
    for line in lines.lines() {
        new.push_str(indent);
        new.push_str(line);
        new.push_str(ending);
    }
    if !has_end {
        new.truncate(new.len() - ending.len());
    }
    new
}

fn block_list(key: &str, fields: &Fields<'_>) -> String {
    format!("{key}:\n{}", block_item("  ", fields))
}

fn block_item(indent: &str, fields: &Fields<'_>) -> String {
    let mut item = String::new();
    for (index, (key, value)) in fields.iter().enumerate() {
        let lead = if index == 0 { "- " } else { "  " };
        let value = written(key, value, false);
        let _ = writeln!(item, "{indent}{lead}{key}: {value}");
    }
    item
}

fn flow_item(fields: &Fields<'_>) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key}: {}", written(key, value, true)))
        .collect();
    format!("{{{}}}", fields.join(", "))
}

/// A day is written as days are; every other value is a text.
fn written(key: &str, value: &str, in_flow: bool) -> String {
    if matches!(key, "on" | "until") {
        value.to_owned()
    } else {
        scalar(value, in_flow)
    }
}

/// Returns the blanks before the line of this place, up to a dash or a word.
fn indent_of(text: &str, place: usize) -> &str {
    let start = text[..place].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].trim_start_matches('\u{feff}');
    &line[..line.len() - line.trim_start_matches(' ').len()]
}
