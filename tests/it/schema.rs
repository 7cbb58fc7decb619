//! What the program writes with `--format json` fits the committed schemas, on every repository of the test data. That the
//! schemas are those of the program's types is tested beside the types, in `src/schema.rs`.

use std::collections::BTreeSet;

use crate::support::program::{self, project, repositories, run};
use serde_json::{Map, Value};

/// Keywords that say nothing of the value. One that is neither here nor checked below fails the test, so that nothing is left
/// unchecked unseen.
const SAID: [&str; 7] = [
    "$schema",
    "$id",
    "$defs",
    "title",
    "description",
    "default",
    // The program's own reading of such texts is tested where they are read.
    "pattern",
];

struct Schema {
    root: Value,
}

impl Schema {
    fn read(name: &str) -> Self {
        let path = project().join(format!("docs/schema/{name}.schema.json"));
        let text = std::fs::read_to_string(path).unwrap();
        Self {
            root: serde_json::from_str(&text).unwrap(),
        }
    }

    /// Fails where the value is not what the schema says, or has a field that it does not describe.
    fn check(&self, value: &Value) {
        if let Err(error) = self.fits(&self.root, value, "$") {
            panic!("{}: {error}", self.root["title"]);
        }
    }

    fn fits(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let known = self.of_one(schema, value, at)?;
        let Some(fields) = value.as_object() else {
            return Ok(());
        };
        match fields.keys().find(|field| !known.contains(*field)) {
            Some(field) => Err(format!("{at}.{field} is not described")),
            None => Ok(()),
        }
    }

    /// Checks a value and returns the fields that are described.
    fn of_one(&self, schema: &Value, value: &Value, at: &str) -> Result<BTreeSet<String>, String> {
        let mut known = BTreeSet::new();
        let empty = Map::new();
        for (keyword, rule) in schema.as_object().unwrap_or(&empty) {
            let holds = match keyword.as_str() {
                "$ref" => {
                    let place = rule.as_str().unwrap().trim_start_matches('#');
                    known.extend(self.of_one(self.root.pointer(place).unwrap(), value, at)?);
                    true
                }
                "type" => is_of_type(rule, value),
                "const" => rule == value,
                "enum" => rule.as_array().unwrap().contains(value),
                "minItems" => value
                    .as_array()
                    .is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
                "minimum" => value.is_null() || value.as_f64() >= rule.as_f64(),
                "maximum" => value.is_null() || value.as_f64() <= rule.as_f64(),
                "required" => rule
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|key| value.get(key.as_str().unwrap()).is_some()),
                "format" => rule != "date" || value.is_null() || is_day(value),
                "oneOf" | "anyOf" => {
                    let tried = rule.as_array().unwrap().iter();
                    let fitting: Vec<_> = tried
                        .filter_map(|one| self.of_one(one, value, at).ok())
                        .collect();
                    let count = fitting.len();
                    known.extend(fitting.into_iter().flatten());
                    count == 1 || (count > 1 && keyword == "anyOf")
                }
                "properties" | "additionalProperties" | "items" | "uniqueItems" => {
                    known.extend(self.members((keyword, rule), schema, value, at)?);
                    true
                }
                other => SAID.contains(&other),
            };
            if !holds {
                return Err(format!("{at}: {value} against {keyword} {rule}"));
            }
        }
        Ok(known)
    }

    /// Checks the members of a map or list and returns the fields that are described.
    fn members(
        &self,
        (keyword, rule): (&str, &Value),
        schema: &Value,
        value: &Value,
        at: &str,
    ) -> Result<Vec<String>, String> {
        let mut known = Vec::new();
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            if keyword == "items" {
                self.fits(rule, item, &format!("{at}[{index}]"))?;
            }
        }
        for (key, member) in value.as_object().into_iter().flatten() {
            let named = schema["properties"].get(key);
            let rule = match keyword {
                "properties" => named,
                "additionalProperties" if named.is_none() && rule.is_object() => Some(rule),
                _ => None,
            };
            if let Some(rule) = rule {
                self.fits(rule, member, &format!("{at}.{key}"))?;
                known.push(key.clone());
            }
        }
        Ok(known)
    }
}

fn is_of_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("type {other} is not checked"),
    };
    let names = rule
        .as_array()
        .map_or_else(|| vec![rule], |names| names.iter().collect());
    names.into_iter().any(|name| is(name.as_str().unwrap()))
}

fn is_day(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok())
}

fn said(repository: &str, arguments: &[&str]) -> Value {
    let root = project()
        .join("testdata")
        .join(repository)
        .display()
        .to_string();
    let catalog = program::catalog();
    let mut all = vec!["-C", &root];
    all.extend(arguments);
    all.extend(["--offline", "--catalog", &catalog, "--format", "json"]);
    // A repository with a broken stack ends with an error, and says all it knows.
    serde_json::from_str(&run(&all).stdout).unwrap()
}

#[test]
fn plans_fit_their_schema() {
    let schema = Schema::read("plan");
    for repository in repositories() {
        schema.check(&said(&repository, &["plan"]));
        schema.check(&said(&repository, &["plan", "--switch", "1.35"]));
    }
}

#[test]
fn matrices_fit_their_schema() {
    let schema = Schema::read("show");
    for repository in repositories() {
        schema.check(&said(&repository, &["show"]));
        schema.check(&said(&repository, &["show", "--references"]));
    }
}

#[test]
fn findings_fit_their_schema() {
    let schema = Schema::read("check");
    for repository in repositories() {
        schema.check(&said(&repository, &["check", "--with", "strict"]));
    }
}

#[test]
fn what_doctor_finds_fits_its_schema() {
    let clone = program::Copy::of("layout-c");
    let remote = "pullRequests: {repository: acme/cluster-stacks}\n";
    clone.write("csctl-matrix.yaml", remote).commit();
    let catalog = program::catalog();
    let said = clone.run(&[
        "doctor",
        "--offline",
        "--catalog",
        &catalog,
        "--format",
        "json",
    ]);
    assert_eq!(said.status, 3, "{}", said.stderr);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(report["checks"].as_array().unwrap().len() >= 4, "{report}");
    Schema::read("doctor").check(&report);
}

#[test]
fn catalogs_fit_their_schema() {
    let schema = Schema::read("catalog");
    for repository in repositories() {
        schema.check(&said(&repository, &["catalog", "show"]));
    }
}

#[test]
fn requests_fit_their_schema() {
    let schema = Schema::read("request");
    for repository in repositories() {
        let path = project().join("testdata").join(&repository);
        let text = program::run(&["catalog", "request", path.to_str().unwrap()]).stdout;
        schema.check(&serde_yaml::from_str(&text).unwrap());
    }
}

#[test]
fn documented_configurations_fit_their_schema() {
    let schema = Schema::read("config");
    let page = std::fs::read_to_string(project().join("docs/configuration.md")).unwrap();
    for example in page.split("```yaml\n").skip(1) {
        let (example, _) = example.split_once("```").unwrap();
        schema.check(&serde_yaml::from_str(example).unwrap());
    }
    let printed = run(&[
        "-C",
        &project().join("testdata/layout-c").display().to_string(),
        "init",
        "--print",
    ]);
    schema.check(&serde_yaml::from_str(&printed.success()).unwrap());
    for wrong in [
        "imges: all",
        "blocked: [{version: v1.34.5}]",
        "minors: []",
        "os: 1",
        "retention: some",
    ] {
        let value: Value = serde_yaml::from_str(wrong).unwrap();
        assert!(schema.fits(&schema.root, &value, "$").is_err(), "{wrong}");
    }
}

type Damage = fn(&mut Value);

#[test]
fn what_does_not_fit_is_found() {
    let schema = Schema::read("plan");
    let plan = said("layout-c", &["plan"]);
    let damages: [Damage; 5] = [
        |plan| plan["asOf"] = "yesterday".into(),
        |plan| plan["files"][0]["action"] = "rename".into(),
        |plan| plan["stacks"][0]["lines"][0]["classes"][0] = "something".into(),
        |plan| plan["stacks"][0]["more"] = 1.into(),
        |plan| drop(plan["stacks"][0].as_object_mut().unwrap().remove("title")),
    ];
    for damage in damages {
        let mut plan = plan.clone();
        damage(&mut plan);
        assert!(schema.fits(&schema.root, &plan, "$").is_err());
    }
}
