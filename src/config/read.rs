//! Reads values out of YAML nodes through serde, so that every fault has its line and our own words. Scalars are texts and
//! never numbers: `1.30` stays `1.30`.

use std::fmt::{self, Display};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::{Config, ConfigError, find_nearest};
use crate::yaml::{File, Node, Path, YamlError};

const HINT: &str = "docs/configuration.md lists the keys; nothing runs on half a configuration";

/// Parses a text; nothing where it has no content.
pub(super) fn parse_yaml(text: &str) -> Result<Option<File>, ConfigError> {
    let file = File::parse(text).map_err(|error| yaml_error(text, &error))?;
    if file.is_template() {
        let line = text.lines().position(|line| line.contains("{{"));
        let message = "a text that begins with `{{` is no plain text in YAML";
        let hint = "put it between quotes: base: '{{stack}}-{{minor}}'";
        return Err(ConfigError::new(line.map_or(1, |at| at + 1), message, hint));
    }
    if let [_, second, ..] = file.documents() {
        let hint = "leave one, and no `---` between";
        return Err(ConfigError::new(
            second.line(),
            "the file has a second document",
            hint,
        ));
    }
    let twice = file.duplicate_keys();
    if let Some(twice) = twice.first() {
        let message = format!(
            "`{}` stands twice: on line {} and on line {}",
            twice.key, twice.first_line, twice.line
        );
        return Err(ConfigError::new(
            twice.line,
            message,
            "leave one of the two",
        ));
    }
    let has_content = file.documents().first().is_some_and(|root| !root.is_null());
    Ok(has_content.then_some(file))
}

/// The parser's own words are kept for what has no simpler ones.
fn yaml_error(text: &str, error: &YamlError) -> ConfigError {
    let line = error.line();
    let written = text.lines().nth(line - 1).unwrap_or_default();
    let indent = &written[..written.len() - written.trim_start().len()];
    if indent.contains('\t') {
        let hint = "indent with spaces; YAML takes no tabs there";
        return ConfigError::new(line, "the line is indented with a tab", hint);
    }
    match error {
        YamlError::Syntax { message, .. } => ConfigError::new(
            line,
            format!("this is not YAML: {message}"),
            "look at quotes, brackets and indentation on this line and the one above",
        ),
        _ => ConfigError::new(line, error.message(), error.hint()),
    }
}

/// Reads a configuration.
pub(super) fn read(root: &Node) -> Result<Config, ConfigError> {
    let value = Value {
        node: root,
        line: root.line(),
        path: Path::root(),
    };
    let value_path = Path::root();
    serde::Deserialize::deserialize(value).map_err(|fault: Fault| {
        let path = fault.path.as_ref().unwrap_or(&value_path);
        let name = if *path == Path::root() {
            "the file".to_owned()
        } else {
            format!("`{path}`")
        };
        let message = match fault.form {
            Form::Predicate => format!("{name} {}", fault.message),
            Form::Sentence if *path == Path::root() => fault.message,
            Form::Sentence => format!("{name}: {}", fault.message),
        };
        ConfigError {
            line: fault.line.unwrap_or(1),
            message,
            hint: fault.hint.unwrap_or_else(|| HINT.to_owned()),
        }
    })
}

/// What is wrong with a value, and where.
#[derive(Debug)]
struct Fault {
    line: Option<usize>,
    path: Option<Path>,
    message: String,
    hint: Option<String>,
    form: Form,
}

/// How a message goes with the name of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// It stands by itself.
    Sentence,
    /// The place is its subject.
    Predicate,
}

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self {
            line: None,
            path: None,
            message: message.into(),
            hint: None,
            form: Form::Sentence,
        }
    }

    /// Returns the fault of a value of another form.
    fn of_form(found: &str, expected: &str) -> Self {
        Self {
            form: Form::Predicate,
            ..Self::new(format!("is {found}; {expected} is needed"))
        }
    }

    /// Says where it is, unless that was said already, closer to it.
    fn at(mut self, line: usize, path: &Path) -> Self {
        self.line.get_or_insert(line);
        self.path.get_or_insert_with(|| path.clone());
        self
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Map => "a map",
            Unexpected::Seq => "a list",
            Unexpected::Unit | Unexpected::Option => "empty",
            _ => "a plain value",
        };
        Self::of_form(found, &expected.to_string())
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let near = find_nearest(field, known.iter().copied());
        let meant = near.map(|near| format!("; did you mean `{near}`?"));
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        Self {
            hint: Some(format!("there are {}", known.join(", "))),
            ..Self::new(format!(
                "there is no key `{field}`{}",
                meant.unwrap_or_default()
            ))
        }
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        Self::new(format!("`{word}` is none of {}", known.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            hint: Some(format!("add `{field}:` to it")),
            ..Self::new(format!("`{field}` is missing"))
        }
    }
}

/// A node with its place.
struct Value<'n> {
    node: &'n Node,
    /// The line of its key, or its own in a list.
    line: usize,
    path: Path,
}

impl<'n> Value<'n> {
    fn wrong(&self, expected: &str) -> Fault {
        let found = if self.node.is_map() {
            "a map"
        } else if self.node.is_seq() {
            "a list"
        } else if self.node.is_null() {
            "empty"
        } else {
            "a plain value"
        };
        Fault::of_form(found, expected).at(self.line, &self.path)
    }

    /// Refuses what is not read here: aliases, and keys that are no plain texts.
    fn check(&self) -> Result<(), Fault> {
        if self.node.is_alias() {
            let fault = Fault {
                hint: Some("write the value out".to_owned()),
                ..Fault::new("an alias is not read here")
            };
            return Err(fault.at(self.line, &self.path));
        }
        if self.node.has_other_keys() {
            let fault = Fault::new("a key is a list, a map or empty; a plain text is needed");
            return Err(fault.at(self.line, &self.path));
        }
        Ok(())
    }

    fn text(&self) -> Result<&'n str, Fault> {
        self.check()?;
        match self.node.as_str() {
            Some(text) if !self.node.is_null() => Ok(text),
            Some(_) | None => Err(self.wrong("a plain value")),
        }
    }

    fn placed<T>(&self, read: Result<T, Fault>) -> Result<T, Fault> {
        read.map_err(|fault| fault.at(self.line, &self.path))
    }

    fn items(&self) -> Items<'_, 'n> {
        Items {
            list: self,
            next: 0,
        }
    }

    fn entries(&self) -> Entries<'_, 'n> {
        Entries {
            map: self,
            members: self.node.own_entries().collect(),
            next: 0,
        }
    }
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check()?;
        let read = if self.node.is_map() {
            visitor.visit_map(self.entries())
        } else if self.node.is_seq() {
            visitor.visit_seq(self.items())
        } else if self.node.is_null() {
            visitor.visit_unit()
        } else {
            visitor.visit_str(self.node.as_str().unwrap_or_default())
        };
        self.placed(read)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.text()?;
        self.placed(visitor.visit_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() && !self.node.is_alias() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check()?;
        if !self.node.is_seq() && !self.node.is_null() {
            return Err(self.wrong("a list"));
        }
        self.placed(visitor.visit_seq(self.items()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check()?;
        if !self.node.is_map() && !self.node.is_null() {
            return Err(self.wrong("a map"));
        }
        self.placed(visitor.visit_map(self.entries()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let text = self.text()?;
        self.placed(visitor.visit_enum(Word(text)))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text()? {
            "true" => self.placed(visitor.visit_bool(true)),
            "false" => self.placed(visitor.visit_bool(false)),
            text => {
                let fault = Fault::new(format!("`{text}` is neither `true` nor `false`"));
                Err(fault.at(self.line, &self.path))
            }
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.text()?;
        let number = text.parse().map_err(|_| {
            let fault = Fault::new(format!("`{text}` is no whole number"));
            fault.at(self.line, &self.path)
        })?;
        self.placed(visitor.visit_u32(number))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        ignored_any
    }
}

struct Items<'v, 'n> {
    list: &'v Value<'n>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.list.node.items().get(self.next) else {
            return Ok(None);
        };
        let path = self.list.path.clone().index(self.next);
        self.next += 1;
        let line = node.line();
        let value = Value {
            node,
            line,
            path: path.clone(),
        };
        let read = seed.deserialize(value);
        read.map(Some).map_err(|fault| fault.at(line, &path))
    }
}

struct Entries<'v, 'n> {
    map: &'v Value<'n>,
    members: Vec<(&'n str, &'n Node, &'n Node)>,
    next: usize,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some((key, node, _)) = self.members.get(self.next) else {
            return Ok(None);
        };
        let read = seed.deserialize((*key).into_deserializer());
        let placed = read.map_err(|fault: Fault| fault.at(node.line(), &self.map.path));
        placed.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, node, value)) = self.members.get(self.next) else {
            return Err(Fault::custom("a value is asked for that is not there"));
        };
        self.next += 1;
        let (line, path) = (node.line(), self.map.path.clone().key(*key));
        let value = Value {
            node: value,
            line,
            path: path.clone(),
        };
        seed.deserialize(value)
            .map_err(|fault| fault.at(line, &path))
    }
}

/// A word of a few.
struct Word<'t>(&'t str);

impl<'de> EnumAccess<'de> for Word<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let word = seed.deserialize(self.0.into_deserializer())?;
        Ok((word, self))
    }
}

impl<'de> VariantAccess<'de> for Word<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Fault> {
        Err(Fault::custom("a word is needed"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(Fault::custom("a word is needed"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fault> {
        Err(Fault::custom("a word is needed"))
    }
}
