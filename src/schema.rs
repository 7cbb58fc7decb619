//! The committed JSON Schemas of the data that the program writes, in `docs/schema`, are those of its types. After a change of
//! a type, `UPDATE_SCHEMAS=1 cargo test --lib schema` writes them anew.

use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::catalog::{Catalog, RequestFile};
use crate::check::Findings;
use crate::config::Config;
use crate::gate::TestReport;
use crate::overview::Overview;
use crate::plan::Plan;
use crate::pull::DoctorReport;
use crate::release::{
    BuildReport, ListReport, NextReport, NotesReport, PublishReport, VerifyReport,
};
use crate::stack::FileExplanation;

fn schema<T: JsonSchema>(settings: SchemaSettings, name: &str, title: &str) -> Schema {
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    let repository = env!("CARGO_PKG_REPOSITORY");
    let id = format!("{repository}/raw/main/docs/schema/{name}.schema.json");
    schema.insert("$id".to_owned(), id.into());
    schema.insert("title".to_owned(), title.into());
    schema
}

/// The schema of an output, which has every field that the program writes.
fn output<T: JsonSchema>(name: &str, title: &str) -> Schema {
    schema::<T>(SchemaSettings::draft2020_12().for_serialize(), name, title)
}

#[test]
fn committed_schemas_are_those_of_the_types() {
    check(
        "plan",
        &output::<Plan>("plan", "csctl-matrix plan --format json"),
    );
    check(
        "show",
        &output::<Overview>("show", "csctl-matrix show --format json"),
    );
    check(
        "explain",
        &output::<FileExplanation>("explain", "csctl-matrix show --explain FILE --format json"),
    );
    check(
        "check",
        &output::<Findings>("check", "csctl-matrix check --format json"),
    );
    check(
        "test",
        &output::<TestReport>("test", "csctl-matrix test --format json"),
    );
    check(
        "doctor",
        &output::<DoctorReport>("doctor", "csctl-matrix doctor --format json"),
    );
    check(
        "release-build",
        &output::<BuildReport>("release-build", "csctl-matrix release build --format json"),
    );
    check(
        "release-list",
        &output::<ListReport>("release-list", "csctl-matrix release list --format json"),
    );
    check(
        "release-next",
        &output::<NextReport>("release-next", "csctl-matrix release next --format json"),
    );
    check(
        "release-notes",
        &output::<NotesReport>("release-notes", "csctl-matrix release notes --format json"),
    );
    check(
        "release-publish",
        &output::<PublishReport>(
            "release-publish",
            "csctl-matrix release publish --format json",
        ),
    );
    check(
        "release-verify",
        &output::<VerifyReport>(
            "release-verify",
            "csctl-matrix release verify --format json",
        ),
    );
    // People write catalog files too: no field but the known ones.
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let title = "The catalog of csctl-matrix: catalog show --format json, and catalog files";
    check("catalog", &schema::<Catalog>(settings, "catalog", title));
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let title = "What repositories need of their sources: csctl-matrix catalog request";
    check(
        "request",
        &schema::<RequestFile>(settings, "request", title),
    );
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let title = "The configuration of csctl-matrix: csctl-matrix.yaml";
    check("config", &schema::<Config>(settings, "config", title));
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test reads what is committed, and writes it when asked"
)]
fn check(name: &str, schema: &Schema) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    let path = folder.join(format!("{name}.schema.json"));
    let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
    // Links of the program's documentation.
    let text = text.replace("[`", "`").replace("`]", "`");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "{} is not what the types say; write it anew with `UPDATE_SCHEMAS=1 cargo test --lib schema`",
        path.display()
    );
}
