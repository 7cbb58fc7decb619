//! Edits of a configuration's text: blocks and pins come and go, and everything else stays as it is, byte for byte. The new
//! text is read again and has to say exactly what was meant. Files are written elsewhere.

use std::fmt::Write as _;

use super::{Config, ConfigError, read};
use crate::policy::{Block, Pin};
use crate::version::{KubernetesVersion, OsRelease};
use crate::yaml::{Context, File, KeyPlace, KeyValue, Node, Path, Shape, YamlError, scalar};

const BLOCKED: &str = "blocked";
const PINNED: &str = "pinned";

/// What an edit comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigEdit {
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
pub fn block(text: &str, block: &Block) -> Result<ConfigEdit, EditError> {
    let config = Config::parse(text)?;
    if let Some(index) = find_block(&config, block.version, block.os.as_ref()) {
        let found = &config.blocked[index];
        // Who blocks and when is not compared: it is the same decision.
        if found.reason == block.reason {
            return Ok(ConfigEdit::Unchanged);
        }
        let os = block.os.as_ref();
        return Err(EditError {
            message: format!("{} is already blocked: {}", block.subject(), found.why()),
            hint: format!(
                "to give another reason, first run `csctl-matrix unblock {}{}`",
                block.version,
                os.map_or_else(String::new, |os| format!(" --os {os}"))
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
) -> Result<ConfigEdit, EditError> {
    let config = Config::parse(text)?;
    let Some(index) = find_block(&config, version, os) else {
        let others: Vec<String> = config
            .blocked
            .iter()
            .filter(|block| block.version == version)
            .map(Block::subject)
            .collect();
        if others.is_empty() {
            return Ok(ConfigEdit::Unchanged);
        }
        return Err(EditError {
            message: format!("only {} is blocked", others.join(", ")),
            hint: "name the same image, with --os or without".to_owned(),
        });
    };
    let mut meant = config;
    meant.blocked.remove(index);
    remove(text, BLOCKED, index, &meant)
}

/// Adds a pin, or gives the pin of the same version another day or reason.
pub fn pin(text: &str, pin: &Pin) -> Result<ConfigEdit, EditError> {
    let config = Config::parse(text)?;
    if let Some(index) = find_pin(&config, pin.version, pin.stack.as_deref()) {
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

fn pin_again(
    text: &str,
    mut config: Config,
    index: usize,
    pin: &Pin,
) -> Result<ConfigEdit, EditError> {
    let before = config.pinned[index].clone();
    // A pin that is only made longer keeps its reason.
    let reason = pin.reason.clone().or(before.reason.clone());
    if before.until == pin.until && before.reason == reason {
        return Ok(ConfigEdit::Unchanged);
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
            editor.insert_key(
                0,
                &path,
                KeyPlace::After("version"),
                KeyValue::new("reason", reason),
            )?;
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
) -> Result<ConfigEdit, EditError> {
    let config = Config::parse(text)?;
    let Some(index) = find_pin(&config, version, stack) else {
        let others: Vec<&str> = config
            .pinned
            .iter()
            .filter(|pin| pin.version == version)
            .map(|pin| pin.stack.as_deref().unwrap_or("all stacks"))
            .collect();
        if others.is_empty() {
            return Ok(ConfigEdit::Unchanged);
        }
        return Err(EditError {
            message: format!("{version} is pinned in {}", others.join(", ")),
            hint: "name the same stack with --stack, or leave --stack out".to_owned(),
        });
    };
    let mut meant = config;
    meant.pinned.remove(index);
    remove(text, PINNED, index, &meant)
}

fn find_block(
    config: &Config,
    version: KubernetesVersion,
    os: Option<&OsRelease>,
) -> Option<usize> {
    config
        .blocked
        .iter()
        .position(|block| block.version == version && block.os.as_ref() == os)
}

fn find_pin(config: &Config, version: KubernetesVersion, stack: Option<&str>) -> Option<usize> {
    config
        .pinned
        .iter()
        .position(|pin| pin.version == version && pin.stack.as_deref() == stack)
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
fn proved(text: String, meant: &Config) -> Result<ConfigEdit, EditError> {
    match Config::parse(&text) {
        Ok(config) if config == *meant && is_yaml(&text) => Ok(ConfigEdit::Changed(text)),
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
        message: "cannot edit this file safely".to_owned(),
        hint: "edit it by hand; nothing was written".to_owned(),
    }
}

type Fields<'f> = [(&'f str, String)];

/// Adds a record to a list that may not be there yet.
fn add(
    text: &str,
    key: &str,
    fields: &Fields<'_>,
    meant: &Config,
) -> Result<ConfigEdit, EditError> {
    let Some(file) = read::parse_yaml(text)? else {
        return proved(append(text, "", &block_list(key, fields)), meant);
    };
    let root = &file.documents()[0];
    let list = root.get(key);
    if let Some(list) = list.filter(|list| !list.items().is_empty()) {
        return add_to(&file, &Path::root().key(key), list, fields, meant);
    }
    let new = match list {
        None if root.is_flow() => {
            let list = format!("{key}: [{}]", flow_item(fields));
            return add_to_flow_root(text, root, &list, meant);
        }
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
            let found = root.entries().find(|(name, _, _)| *name == key);
            let (_, node, _) = found.ok_or_else(by_hand)?;
            fill(text, node, list, fields)
        }
    };
    proved(new, meant)
}

/// Adds a record to a list with others, in the shape of one of them.
fn add_to(
    file: &File,
    path: &Path,
    list: &Node,
    fields: &Fields<'_>,
    meant: &Config,
) -> Result<ConfigEdit, EditError> {
    let mut refused = by_hand();
    // From the last on, beside which the new record will stand.
    for (like, sibling) in list.items().iter().enumerate().rev() {
        let mut shape = Shape::like(like);
        for (name, _, _) in sibling.entries() {
            if !fields.iter().any(|(field, _)| *field == name) {
                // `os` or `by` of another record says nothing of this one.
                shape = shape.without(name);
            }
        }
        for (name, value) in fields {
            shape = shape.set(*name, value.as_str());
        }
        let mut editor = file.edit();
        let made = editor.append_item(0, path, &shape).map(drop);
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
    let (before, after) = text.split_at(next_line(text, end_item.range().end));
    let lines = block_item(indent, fields);
    proved(append(before, "", &lines) + after, meant)
}

/// Adds a list to a file that is one map between braces.
fn add_to_flow_root(
    text: &str,
    root: &Node,
    list: &str,
    meant: &Config,
) -> Result<ConfigEdit, EditError> {
    let comma = if root.entries().next().is_some() {
        ", "
    } else {
        ""
    };
    // The map's own brace is the last one that is not part of a comment, which only reading the result can tell. After a
    // trailing comma a blank is enough.
    for (at, _) in text.rmatch_indices('}') {
        for separator in [comma, " "] {
            let new = format!("{}{separator}{list}{}", &text[..at], &text[at..]);
            if Config::parse(&new).is_ok_and(|config| config == *meant) {
                return proved(new, meant);
            }
        }
    }
    Err(by_hand())
}

/// Fills a key that has no value yet.
fn fill(text: &str, key: &Node, empty: &Node, fields: &Fields<'_>) -> String {
    let mut cleared = text.to_owned();
    // `~` and `null` have to go before a list can stand below the key.
    if empty.as_str().is_some() {
        cleared.replace_range(empty.range(), "");
    }
    let indent = format!("{}  ", indent_of(&cleared, key.range().start));
    let (before, after) = cleared.split_at(next_line(&cleared, key.range().end));
    append(before, "", &block_item(&indent, fields)) + after
}

/// Removes a record, with its list where it is the last, and with everything where that is the last.
fn remove(text: &str, key: &str, index: usize, meant: &Config) -> Result<ConfigEdit, EditError> {
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
    // The last key goes as lines: no block map can be empty, and a file without content is a configuration as well.
    let entry = root.entries().next().filter(|_| !root.is_flow());
    let (_, key, list) = entry.ok_or_else(by_hand)?;
    let byte_order_mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let line = text[..key.range().start].rfind('\n').map_or(0, |at| at + 1);
    let start = line.max(byte_order_mark);
    let end = next_line(text, list.range().end);
    proved(format!("{}{}", &text[..start], &text[end..]), meant)
}

/// Returns where the line after this place begins, or the text's end.
fn next_line(text: &str, place: usize) -> usize {
    let end = text[place..].find('\n');
    end.map_or(text.len(), |end| place + end + 1)
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
        let value = written(key, value, Context::Block);
        let _ = writeln!(item, "{indent}{lead}{key}: {value}");
    }
    item
}

fn flow_item(fields: &Fields<'_>) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key}: {}", written(key, value, Context::Flow)))
        .collect();
    format!("{{{}}}", fields.join(", "))
}

/// A day is written as days are; every other value is a text.
fn written(key: &str, value: &str, context: Context) -> String {
    if matches!(key, "on" | "until") {
        value.to_owned()
    } else {
        scalar(value, context)
    }
}

/// Returns the blanks before the line of this place, up to a dash or a word.
fn indent_of(text: &str, place: usize) -> &str {
    let start = text[..place].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].trim_start_matches('\u{feff}');
    &line[..line.len() - line.trim_start_matches(' ').len()]
}
