//! What pull requests say, and what no text from outside can make them say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::date;

use super::*;
use crate::matrix::{Patch, StoreState};
use crate::plan::facts::{FileReason, SkipReason, SkipSubject};
use crate::plan::{Note, Reason, Skip};
use crate::stack::{Fault, Layout};
use crate::standard::Standard;
use crate::version::StackLine;

fn line_name() -> StackLine {
    "openstack-scs2-1-34".parse().unwrap()
}

fn key(class: ChangeClass) -> PullKey {
    PullKey {
        base: "main".to_owned(),
        line: line_name(),
        class,
    }
}

/// A matrix of these patches, the last being the default.
fn matrix(versions: &[&str]) -> LineMatrix {
    let patch = |version: &&str| Patch {
        version: version.parse().unwrap(),
        os: Vec::new(),
        is_default: Some(version) == versions.last(),
        is_listed: true,
        is_available: true,
        fault: None,
        published: None,
        blocked: None,
    };
    let patches: Vec<Patch> = versions.iter().map(patch).collect();
    LineMatrix {
        line: line_name(),
        has_source: true,
        default: patches.last().map(|patch| patch.version),
        patches,
        charts: BTreeMap::new(),
        released: None,
        end_of_life: Some(date(2026, 10, 27)),
        is_end_of_life: false,
        store: StoreState::Answered,
    }
}

fn line(before: &[&str], after: &[&str]) -> LinePlan {
    let (before, after) = (matrix(before), matrix(after));
    LinePlan {
        line: line_name(),
        classes: [ChangeClass::NewPatch].into(),
        default_before: before.default,
        default_after: after.default,
        before: Some(before),
        after: Some(after),
        release: None,
        fixes: Vec::new(),
        meets: Vec::new(),
        reasons: Vec::new(),
    }
}

fn stack() -> StackPlan {
    StackPlan {
        out_of_reach: Vec::new(),
        unknown: Vec::new(),
        unknown_minors: std::collections::BTreeSet::new(),
        is_blind: false,
        title: "openstack/scs2".to_owned(),
        directory: "providers/openstack/scs2".to_owned(),
        layout: Layout::OneTreeWithImageList,
        outside: Vec::new(),
        lines: Vec::new(),
        skipped: Vec::new(),
        notes: Vec::new(),
        faults: Vec::new(),
    }
}

fn edit(path: &str, before: &str, after: &str) -> FileChange {
    let action = FileAction::Edit {
        before: Arc::from(before),
        after: Arc::from(after),
    };
    FileChange {
        path: path.to_owned(),
        action,
        edits: Vec::new(),
    }
}

/// A reason with words from outside.
fn reason(words: &str) -> Reason {
    Reason::Due {
        subject: words.to_owned(),
        due: date(2026, 6, 12),
        standard: Standard::V2,
        days_late: None,
    }
}

/// A note with words from outside.
fn note(words: &str) -> Note {
    Note::WrongName(Fault::new(words, None, words, words))
}

/// Something skipped, with words from outside.
fn skip(subject: &str, words: &str) -> Skip {
    Skip {
        subject: SkipSubject::Reference(subject.to_owned()),
        why: SkipReason::File(FileReason::FileCannotMove(Fault::new(
            subject, None, words, words,
        ))),
    }
}

/// What a pull request is made of.
struct Given {
    key: PullKey,
    line: LinePlan,
    stack: StackPlan,
    files: Vec<FileChange>,
    tests: Vec<(String, TestState)>,
    templates: Templates,
}

impl Given {
    fn new() -> Self {
        Self {
            key: key(ChangeClass::NewPatch),
            line: line(&["v1.34.6"], &["v1.34.6", "v1.34.8"]),
            stack: stack(),
            files: vec![edit("kubernetes.yaml", "a: 1\n", "a: 2\n")],
            tests: Vec::new(),
            templates: Templates::default(),
        }
    }

    fn input(&self) -> BodyInput<'_> {
        BodyInput {
            key: &self.key,
            line: &self.line,
            stack: &self.stack,
            files: &self.files,
            tests: &self.tests,
            after: None,
            stop_label: "stop",
            again_label: "again",
        }
    }

    fn body(&self) -> String {
        body(&self.templates, self.input()).unwrap()
    }
}

#[test]
fn only_rows_that_moved_are_shown_and_the_support_of_the_minor() {
    let mut given = Given::new();
    given.line = line(
        &["v1.34.1", "v1.34.6"],
        &["v1.34.1", "v1.34.6", "v1.34.7", "v1.34.8"],
    );
    let text = given.body();
    for row in [
        "| v1.34.6 | default | listed |",
        "| v1.34.7 | - | listed |",
        "| v1.34.8 | - | default |",
        "default v1.34.6 → v1.34.8",
        "Kubernetes 1.34 is supported until 2026-10-27.",
    ] {
        assert!(text.contains(row), "{row}: {text}");
    }
    assert!(!text.contains("v1.34.1 |"), "{text}");
    given.line = line(&["v1.34.8"], &["v1.34.8"]);
    let text = given.body();
    assert!(text.contains("default stays v1.34.8"), "{text}");
    assert!(!text.contains("| patch |"), "{text}");
    given.line.after.as_mut().unwrap().is_end_of_life = true;
    let text = given.body();
    assert!(text.contains("reached end of life on 2026-10-27"), "{text}");
}

#[test]
fn what_a_person_has_to_change_and_what_is_not_known_is_said() {
    let mut given = Given::new();
    given.stack.out_of_reach = vec![crate::stack::Fault::new(
        "csctl.yaml",
        9,
        "`etcdVersion` shows it too",
        "write it out",
    )];
    let component = || crate::plan::ComponentBump {
        changed: false,
        previous: None,
        next: None,
    };
    given.line.release = Some(crate::plan::Release {
        previous: None,
        next: Some(crate::version::StackVersion::stable(2)),
        is_at_least: true,
        cluster_addon: component(),
        node_image: component(),
        csctl: None,
        directory: String::new(),
    });
    let text = given.body();
    let told = "\nTo change by hand, as the program could not:\n\n- csctl.yaml:9: ";
    assert!(text.contains(told), "{text}");
    assert!(text.contains("to be released as at least **v2**"), "{text}");
}

#[test]
fn titles_say_what_the_change_does() {
    let mut given = Given::new();
    let mut title = |class, before: &[&str], after: &[&str]| {
        given.key = key(class);
        given.line = line(before, after);
        super::title(&given.templates, given.input()).unwrap()
    };
    let name = "openstack-scs2-1-34";
    let (old, new) = (["v1.34.6"], ["v1.34.6", "v1.34.8"]);
    let grown = ["v1.34.5", "v1.34.6"];
    for (class, before, after, expected) in [
        (
            ChangeClass::NewPatch,
            &old[..],
            &new[..],
            format!("Move {name} to v1.34.8"),
        ),
        (
            ChangeClass::NewPatch,
            &old,
            &grown,
            format!("Add images of 1.34.5 to {name}"),
        ),
        (
            ChangeClass::OsRelease,
            &old,
            &old,
            format!("Take rebuilt images of 1.34 into {name}"),
        ),
        (
            ChangeClass::NewMinor,
            &old,
            &new,
            format!("Add Kubernetes 1.34 as {name}"),
        ),
        (
            ChangeClass::Removal,
            &grown,
            &old,
            format!("Remove 1.34.5 from {name}"),
        ),
        (
            ChangeClass::Addons,
            &old,
            &old,
            format!("Update the addon charts of {name}"),
        ),
        (
            ChangeClass::Repair,
            &old,
            &old,
            format!("Repair contradictions in {name}"),
        ),
    ] {
        assert_eq!(title(class, before, after), expected);
    }
}

#[test]
fn the_text_is_the_same_on_every_day_that_something_is_late() {
    let on = |days| {
        let mut given = Given::new();
        given.line.reasons = vec![Reason::Due {
            subject: "v1.34.8".to_owned(),
            due: date(2026, 6, 12),
            standard: Standard::V2,
            days_late: Some(days),
        }];
        let commit = commit_message(&given.templates, given.input()).unwrap();
        (given.body(), commit)
    };
    let first = on(1);
    assert!(
        first
            .0
            .contains("v1.34.8 due 2026-06-12 under scs-0210, late"),
        "{}",
        first.0
    );
    assert_eq!(on(2), first);
    assert_eq!(on(30), first);
}

#[test]
fn texts_from_outside_are_no_markup_wherever_they_stand() {
    let bad = "x <img src=y> @admin #1 [a](http://b) `c` | d\n# e <!-- csctl-matrix:v1 {} -->";
    let mut given = Given::new();
    given.line.reasons = vec![reason(bad)];
    given.stack.notes = vec![note(bad)];
    given.stack.skipped = vec![skip(bad, bad)];
    given.tests = vec![(bad.to_owned(), TestState::Failed)];
    given.files = vec![edit(bad, "```\n", "``` <b>\n")];
    let text = given.body();
    // Only in the fenced diff do characters stand as they are, and the fence cannot be ended from within.
    let (before, diff) = text.split_once("```diff").unwrap();
    for active in ["<img", "@admin", "#1", "[a]", "http://", "\n# e", "<!--"] {
        assert!(!before.contains(active), "{active}: {before}");
    }
    let (inside, _) = diff.split_once("\n```\n").unwrap();
    assert!(!inside.contains("```"), "{inside}");
    assert!(crate::pull::HiddenBlock::find(&text).is_none());
}

#[test]
fn what_matters_least_goes_first_where_a_body_would_be_too_long() {
    let mut given = Given::new();
    given.line.reasons = vec![reason("the reason")];
    given.stack.notes = vec![note("the note")];
    given.stack.skipped = vec![skip("v1.34.9", "the hold")];
    let parts = [
        "```diff",
        "the note",
        "the hold",
        "kubernetes.yaml",
        "the reason",
    ];
    let left = |given: &Given| -> Vec<&str> {
        let text = given.body();
        assert!(text.len() <= LONGEST_BODY);
        let is_cut = text.contains("Parts of this text were left out");
        let left: Vec<&str> = parts
            .into_iter()
            .filter(|part| text.contains(part))
            .collect();
        assert_eq!(is_cut, left.len() < parts.len());
        left
    };
    assert_eq!(left(&given), parts);
    given.files = vec![edit("kubernetes.yaml", "", &"a: 1\n".repeat(LONGEST_BODY))];
    assert_eq!(left(&given), parts[1..]);
    let last = given.stack.notes.clone();
    let many = (0..LONGEST_BODY / 4).map(|n| note(&format!("n {n}")));
    given.stack.notes.extend(many);
    assert_eq!(left(&given), parts[2..]);
    given.stack.notes = last;
    let hold = given.stack.skipped[0].clone();
    let holds = |count| vec![hold.clone(); count];
    given.stack.skipped = holds(LONGEST_BODY / 4);
    assert_eq!(left(&given), parts[3..]);
    given.stack.skipped = holds(1);
    let path = |n| edit(&format!("kubernetes.yaml-{n}"), "a", "b");
    given.files = (0..LONGEST_BODY / 4).map(path).collect();
    assert_eq!(left(&given), parts[4..]);
    // Nothing helps: what is left is cut where a character ends.
    given.line.reasons = vec![reason(&"ä".repeat(LONGEST_BODY))];
    assert!(given.body().len() <= LONGEST_BODY);
}

#[test]
fn templates_of_a_repository_take_the_place_of_ours_and_their_faults_are_named() {
    let mut given = Given::new();
    let mut own = TemplateConfig {
        title: Some(":seedling: {{action}}\nmore".to_owned()),
        body: Some("{{class}} of {{line}}: {{#each rows}}{{version}} {{/each}}".to_owned()),
        commit: Some("{{action}}  \n\nRefs: {{base}}\n".to_owned()),
    };
    given.templates = Templates::compile(&own).unwrap();
    let title = super::title(&given.templates, given.input()).unwrap();
    assert_eq!(title, ":seedling: Move openstack-scs2-1-34 to v1.34.8");
    assert_eq!(
        given.body(),
        "new-patch of openstack-scs2-1-34: v1.34.6 v1.34.8"
    );
    let commit = commit_message(&given.templates, given.input()).unwrap();
    assert_eq!(commit, "Move openstack-scs2-1-34 to v1.34.8\n\nRefs: main");
    own.body = Some("{{unknown rows}}".to_owned());
    let unfilled = Templates::compile(&own).unwrap();
    let error = body(&unfilled, given.input()).unwrap_err();
    assert!(
        error.to_string().starts_with("the body template: "),
        "{error}"
    );
    own.body = Some("{{#if rows}}".to_owned());
    let error = Templates::compile(&own).unwrap_err();
    assert!(
        error.to_string().starts_with("the body template: "),
        "{error}"
    );
    let names: BTreeSet<&str> = [error.which].into();
    assert_eq!(names, ["body"].into());
}
