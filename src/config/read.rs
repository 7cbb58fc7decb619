//! Reads values out of YAML nodes through serde, so that every error has its line and our own words. Scalars are texts and
//! never numbers: `1.30` stays `1.30`.

use std::fmt::{self, Display};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::{Config, ConfigError};
use crate::spelling::did_you_mean;
use crate::yaml::{File, Node, Path, YamlError};

const HINT: &str = "see docs/configuration.md for the keys and their values";

/// Parses a text; nothing where it has no content.
pub(super) fn parse_yaml(text: &str) -> Result<Option<File>, ConfigError> {
    let file = File::parse(text).map_err(|error| yaml_error(text, &error))?;
    if file.is_template() {
        let line = text.lines().position(|line| line.contains("{{"));
        let message = "a value that begins with `{{` needs quotes";
        let hint = "write it in quotes, as in base: '{{stack}}-{{minor}}'";
        return Err(ConfigError::new(line.map_or(1, |at| at + 1), message, hint));
    }
    if let [_, second, ..] = file.documents() {
        let message = "the file has more than one YAML document";
        let hint = "keep one, without the `---` between them";
        return Err(ConfigError::new(second.line(), message, hint));
    }
    // Most readers take the last of two without a word.
    if let Some(twice) = file.duplicate_keys().first() {
        let message = format!(
            "duplicate key `{}` (first on line {})",
            twice.key, twice.first_line
        );
        return Err(ConfigError::new(
            twice.line,
            message,
            "remove one of the two",
        ));
    }
    let has_content = file.documents().first().is_some_and(|root| !root.is_null());
    Ok(has_content.then_some(file))
}

/// The parser's own words are kept for what has no simpler ones.
fn yaml_error(text: &str, error: &YamlError) -> ConfigError {
    let line = error.line();
    let written = text.lines().nth(line - 1).unwrap_or_default();
    // Parsers say of a tab only that a token is not allowed.
    let indent = &written[..written.len() - written.trim_start().len()];
    if indent.contains('\t') {
        let hint = "indent with spaces; YAML allows no tabs here";
        return ConfigError::new(line, "the line is indented with a tab", hint);
    }
    match error {
        YamlError::Syntax { message, .. } => ConfigError::new(
            line,
            format!("invalid YAML: {message}"),
            "check quotes, brackets and indentation on this line and the one above",
        ),
        _ => ConfigError::new(line, error.message(), error.hint()),
    }
}

/// Reads a configuration.
pub(super) fn read(root: &Node) -> Result<Config, ConfigError> {
    let value = Place {
        node: root,
        line: root.line(),
        path: Path::root(),
    };
    serde::Deserialize::deserialize(value).map_err(ValueError::into_config_error)
}

/// What is wrong with a value, and where.
#[derive(Debug)]
struct ValueError {
    line: Option<usize>,
    path: Option<Path>,
    message: String,
    hint: Option<String>,
    form: Form,
}

/// How a message goes with the name of its place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// It follows the place: `gate: unknown key`.
    Sentence,
    /// The place is its subject: `must be a list`.
    Predicate,
    /// It says why a value is wrong: `expected a whole number`.
    Reason,
    /// The same, once the value is known.
    ReasonOf(String),
}

impl ValueError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            line: None,
            path: None,
            message: message.into(),
            hint: None,
            form: Form::Sentence,
        }
    }

    /// Returns the error of a value of another form.
    fn of_form(found: &str, expected: &str) -> Self {
        Self {
            form: Form::Predicate,
            ..Self::new(format!("must be {expected}, not {found}"))
        }
    }

    fn of_reason(reason: impl Into<String>) -> Self {
        Self {
            form: Form::Reason,
            ..Self::new(reason)
        }
    }

    /// Says where it is, unless that was said already, closer to it.
    fn at(mut self, line: usize, path: &Path) -> Self {
        self.line.get_or_insert(line);
        self.path.get_or_insert_with(|| path.clone());
        self
    }

    /// Says which value is wrong and where. Serde gives a reason without either: the value that was read last has it.
    fn of_value(mut self, value: &Place<'_>) -> Self {
        if self.form == Form::Reason
            && self.path.is_none()
            && let Some(text) = value.node.as_str()
        {
            self.form = Form::ReasonOf(text.to_owned());
        }
        self.at(value.line, &value.path)
    }

    fn into_config_error(self) -> ConfigError {
        let place = self.path.filter(|path| *path != Path::root());
        let name = place.map_or_else(|| "the file".to_owned(), |path| format!("`{path}`"));
        let message = match self.form {
            Form::Predicate => format!("{name} {}", self.message),
            Form::ReasonOf(value) => {
                format!("invalid value `{value}` for {name}: {}", self.message)
            }
            Form::Sentence | Form::Reason if name == "the file" => self.message,
            Form::Sentence | Form::Reason => format!("{name}: {}", self.message),
        };
        ConfigError {
            line: self.line.unwrap_or(1),
            message,
            hint: self.hint.unwrap_or_else(|| HINT.to_owned()),
        }
    }
}

impl Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ValueError {}

impl serde::de::Error for ValueError {
    fn custom<T: Display>(message: T) -> Self {
        Self::of_reason(message.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        // `of_value` adds the value itself, once its place is known.
        Self::of_reason(format!("expected {expected}"))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Map => "a map",
            Unexpected::Seq => "a list",
            Unexpected::Unit | Unexpected::Option => "empty",
            _ => "a single value",
        };
        Self::of_form(found, &expected.to_string())
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let meant = did_you_mean(field, known.iter().copied());
        Self {
            hint: Some(format!("valid keys: {}", quoted(known))),
            ..Self::new(format!("unknown key `{field}`{meant}"))
        }
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::of_reason(format!("expected one of {}", quoted(known)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            hint: Some(format!("add `{field}:`")),
            ..Self::new(format!("missing key `{field}`"))
        }
    }
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// A node with its place.
#[derive(Clone)]
struct Place<'n> {
    node: &'n Node,
    /// The line of its key, or its own in a list.
    line: usize,
    path: Path,
}

impl<'n> Place<'n> {
    fn wrong(&self, expected: &str) -> ValueError {
        let found = if self.node.is_map() {
            "a map"
        } else if self.node.is_seq() {
            "a list"
        } else if self.node.is_null() {
            "empty"
        } else {
            "a single value"
        };
        ValueError::of_form(found, expected).at(self.line, &self.path)
    }

    /// Refuses what is not read here. An alias would give a value two places, and an edit of one would change the other.
    fn check(&self) -> Result<(), ValueError> {
        if self.node.is_alias() {
            let error = ValueError {
                hint: Some("write the value out".to_owned()),
                ..ValueError::new("YAML aliases are not supported here")
            };
            return Err(error.at(self.line, &self.path));
        }
        if self.node.has_other_keys() {
            let error = ValueError::new("a key must be plain text, not a list, a map or empty");
            return Err(error.at(self.line, &self.path));
        }
        Ok(())
    }

    fn text(&self) -> Result<&'n str, ValueError> {
        self.check()?;
        match self.node.as_str() {
            Some(text) if !self.node.is_null() => Ok(text),
            Some(_) | None => Err(self.wrong("a single value")),
        }
    }

    fn placed<T>(&self, read: Result<T, ValueError>) -> Result<T, ValueError> {
        read.map_err(|error| error.of_value(self))
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

impl<'de> Deserializer<'de> for Place<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
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

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let text = self.text()?;
        self.placed(visitor.visit_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        // `images:` with nothing behind it is as good as no key.
        // An alias of nothing goes on, and is refused as all aliases are.
        if self.node.is_null() && !self.node.is_alias() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.check()?;
        // A list of which every item is commented out is empty.
        if !self.node.is_seq() && !self.node.is_null() {
            return Err(self.wrong("a list"));
        }
        self.placed(visitor.visit_seq(self.items()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
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
    ) -> Result<V::Value, ValueError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let text = self.text()?;
        self.placed(visitor.visit_enum(Word(text)))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.text()? {
            // `yes` and `on` are truths to readers of YAML 1.1 alone, so that nobody may rely on them here.
            "true" => self.placed(visitor.visit_bool(true)),
            "false" => self.placed(visitor.visit_bool(false)),
            _ => self.placed(Err(ValueError::of_reason("expected `true` or `false`"))),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.text()?.parse() {
            Ok(number) => self.placed(visitor.visit_u32(number)),
            Err(_) => self.placed(Err(ValueError::of_reason("expected a whole number"))),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        ignored_any
    }
}

struct Items<'v, 'n> {
    list: &'v Place<'n>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let Some(node) = self.list.node.items().get(self.next) else {
            return Ok(None);
        };
        let item = Place {
            node,
            line: node.line(),
            path: self.list.path.clone().index(self.next),
        };
        self.next += 1;
        // One of the two is used up by reading, the other one says where an error is.
        item.placed(seed.deserialize(item.clone())).map(Some)
    }
}

struct Entries<'v, 'n> {
    map: &'v Place<'n>,
    members: Vec<(&'n str, &'n Node, &'n Node)>,
    next: usize,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ValueError> {
        let Some((key, node, _)) = self.members.get(self.next) else {
            return Ok(None);
        };
        let read = seed.deserialize((*key).into_deserializer());
        let placed = read.map_err(|error: ValueError| error.at(node.line(), &self.map.path));
        placed.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ValueError> {
        let Some((key, node, value)) = self.members.get(self.next) else {
            return Err(ValueError::custom("the map has no further value"));
        };
        self.next += 1;
        let member = Place {
            node: value,
            line: node.line(),
            path: self.map.path.clone().key(*key),
        };
        member.placed(seed.deserialize(member.clone()))
    }
}

/// A word of a few.
struct Word<'t>(&'t str);

impl<'de> EnumAccess<'de> for Word<'_> {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), ValueError> {
        let word = seed.deserialize(self.0.into_deserializer())?;
        Ok((word, self))
    }
}

impl<'de> VariantAccess<'de> for Word<'_> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, ValueError> {
        Err(ValueError::custom("expected a single word"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, ValueError> {
        Err(ValueError::custom("expected a single word"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ValueError> {
        Err(ValueError::custom("expected a single word"))
    }
}
