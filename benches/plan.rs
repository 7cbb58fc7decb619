//! Plans of made-up repositories, from texts to the plan as a value: `cargo bench --bench plan`.

#[path = "support/texts.rs"]
mod support;

use csctl_matrix::plan::{Plan, PlanInput, Selection, plan};
use csctl_matrix::policy::{Policy, Wishes};
use csctl_matrix::stack::{ExampleSubject, TextForm, discover, find_examples};
use csctl_matrix::version::StackLine;
use divan::Bencher;

fn main() {
    divan::main();
}

#[divan::bench(args = [100, 1000], sample_count = 10)]
fn nothing_changes(bencher: Bencher<'_, '_>, stacks: usize) {
    let plan = measure(bencher, stacks, 40);
    assert!(!plan.has_changes() && plan.faults().next().is_none());
}

#[divan::bench(args = [100, 1000], sample_count = 10)]
fn every_stack_changes(bencher: Bencher<'_, '_>, stacks: usize) {
    let plan = measure(bencher, stacks, 41);
    assert_eq!((plan.files.len(), plan.faults().count()), (stacks * 3, 0));
}

/// Finding the examples of a README of 140 lines.
#[divan::bench]
fn examples_of_a_readme(bencher: Bencher<'_, '_>) {
    let example = "Text.\n\n```yaml\nkind: Cluster\nspec:\n  topology:\n    class: openstack-s1-1-34-v2\n    version: v1.34.39\n```\n\n| a | b |\n|---|---|\n| v1.34.1 | c |\n\n";
    let text = example.repeat(10);
    let line = StackLine {
        provider: "openstack".to_owned(),
        name: "s1".to_owned(),
        minor: support::MINOR,
    };
    let subject = ExampleSubject {
        line: &line,
        default: None,
        release: Some(2),
    };
    let find = || find_examples(&text, TextForm::Markdown, &subject);
    assert_eq!(find().len(), 10);
    bencher.bench(find);
}

/// Measures finding, reading and planning all stacks, and returns the plan.
fn measure(bencher: Bencher<'_, '_>, stacks: usize, offered: u32) -> Plan {
    let tree = support::tree(stacks);
    let catalog = support::catalog(offered);
    let (policy, wishes) = (Policy::default(), Wishes::default());
    let selection = Selection::default();
    let make = || {
        let discovery = discover(&tree);
        plan(PlanInput {
            tree: &tree,
            discovery: &discovery,
            catalog: &catalog,
            policy: &policy,
            wishes: &wishes,
            selection: &selection,
        })
    };
    bencher.bench(make);
    make()
}
