//! Findings for machines that show them at the line: SARIF 2.1.0, which code-scanning services read, and the workflow commands
//! of GitHub Actions, which need no upload.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::check::{Finding, Findings, rules};

/// Where the rules are explained.
pub(super) const RULES_PAGE: &str =
    concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/rules.md");

/// Returns the findings as a SARIF log with one run.
/// Source: OASIS, Static Analysis Results Interchange Format 2.1.0.
pub(crate) fn sarif(findings: &Findings) -> Value {
    let known: Vec<Value> = rules()
        .map(|rule| {
            json!({
                "id": rule.name,
                "shortDescription": { "text": rule.finds },
                "fullDescription": { "text": rule.reason },
                "helpUri": format!("{RULES_PAGE}#{}", rule.name),
                "defaultConfiguration": { "level": rule.severity },
            })
        })
        .collect();
    let results: Vec<Value> = findings.findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "csctl-matrix",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": known,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let mut place = json!({ "artifactLocation": { "uri": uri(&finding.file) } });
    // A finding of a whole file is shown at its first line: services pass over results without one.
    place["region"] = json!({ "startLine": finding.line.unwrap_or(1) });
    json!({
        "ruleId": finding.rule,
        // Severities are spelled as SARIF spells its levels.
        "level": finding.severity,
        "message": { "text": finding.message },
        "locations": [{ "physicalLocation": place }],
    })
}

/// Everything but the unreserved characters of RFC 3986 and the slash between folders.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Returns a path as a relative URI.
fn uri(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// Returns the findings as workflow commands of GitHub Actions, a line each, which become annotations at the line.
pub(crate) fn github(findings: &Findings) -> String {
    findings.findings.iter().map(annotation).collect()
}

fn annotation(finding: &Finding) -> String {
    format!(
        "::{} file={},line={},title={}::{}\n",
        finding.severity,
        property(&finding.file),
        finding.line.unwrap_or(1),
        property(finding.rule),
        data(&finding.message)
    )
}

/// Escapes a message as the runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property, which ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_finding_ends_its_command() {
        assert_eq!(property("a,b:c%\n"), "a%2Cb%3Ac%25%0A");
        assert_eq!(data("50%: x, y\r\nz"), "50%25: x, y%0D%0Az");
        assert_eq!(uri("a b/ä#.yaml"), "a%20b/%C3%A4%23.yaml");
    }
}
