//! Stacks whose files have the same texts are read, edited and shown as if each were alone: what is worked out for one text serves
//! all files that have it, each under its own path.

use std::fs;
use std::path::Path;

use csctl_matrix::catalog::Catalog;
use csctl_matrix::io::catalog::read_file;
use csctl_matrix::plan::{Plan, PlanInput, Selection, plan};
use csctl_matrix::policy::{Policy, Wishes};
use csctl_matrix::stack::{Content, Tree, discover};

use crate::support::program::{Copy, catalog};

const LAYOUTS: [&str; 6] = [
    "layout-a",
    "layout-b",
    "layout-c",
    "layout-d",
    "docker",
    "values-map",
];

/// The files of a repository of `testdata`, below a directory.
fn files_of(layout: &str, directory: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(layout);
    let mut files = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let below = path.strip_prefix(&root).unwrap().display();
                files.push((format!("{directory}/{below}"), text));
            }
        }
    }
    assert!(files.len() > 3, "{layout}");
    files
}

fn tree_of(files: &[(String, String)]) -> Tree {
    let mut tree = Tree::default();
    for (path, text) in files {
        tree.insert(path, Content::Text(text.as_str().into()));
    }
    tree
}

fn planned(files: &[(String, String)], catalog: &Catalog) -> Plan {
    let tree = tree_of(files);
    plan(PlanInput {
        tree: &tree,
        discovery: &discover(&tree),
        catalog,
        policy: &Policy::default(),
        wishes: &Wishes::default(),
        selection: &Selection::default(),
    })
}

/// Plans copies of a repository together, and each alone; returns the one plan and what the others come to.
fn together_and_alone(copies: &[Vec<(String, String)>]) -> (Plan, Plan) {
    let catalog = read_file(Path::new(&catalog())).unwrap();
    let together = planned(&copies.concat(), &catalog);
    let mut alone = planned(&copies[0], &catalog);
    for files in &copies[1..] {
        let own = planned(files, &catalog);
        alone.stacks.extend(own.stacks);
        alone.files.extend(own.files);
    }
    (together, alone)
}

#[test]
fn equal_texts_are_planned_as_each_alone() {
    for layout in LAYOUTS {
        let copies: Vec<_> = (0..4)
            .map(|number| files_of(layout, &format!("copy{number}")))
            .collect();
        let (together, alone) = together_and_alone(&copies);
        assert_eq!(together, alone, "{layout}");
    }
    // What is compared is something.
    let (together, _) = together_and_alone(&[files_of("layout-c", "a"), files_of("layout-c", "b")]);
    assert!(together.files.len() > 3, "{}", together.files.len());
}

#[test]
fn texts_that_differ_in_one_byte_stay_apart() {
    for layout in LAYOUTS {
        let mut copies: Vec<_> = (0..4)
            .map(|number| files_of(layout, &format!("copy{number}")))
            .collect();
        for (_, text) in &mut copies[1] {
            text.push('\n');
        }
        for (_, text) in &mut copies[2] {
            // Another digit, in a checksum or in a version.
            *text = text.replacen("34.6", "34.5", 1);
        }
        let (together, alone) = together_and_alone(&copies);
        assert_eq!(together, alone, "{layout}");
    }
}

#[test]
fn a_fault_names_the_file_it_is_in() {
    let mut copies: Vec<_> = (0..3)
        .map(|number| files_of("layout-c", &format!("copy{number}")))
        .collect();
    for files in &mut copies[1..] {
        for (path, text) in files {
            if path.ends_with("/kubernetes.yaml") {
                text.push_str("a: [\n");
            }
        }
    }
    let (together, alone) = together_and_alone(&copies);
    assert_eq!(together, alone);
    let stacks = together.stacks.iter();
    let named: Vec<&str> = stacks
        .flat_map(|stack| &stack.out_of_reach)
        .map(|fault| fault.file.as_str())
        .collect();
    assert_eq!(
        named,
        [
            "copy1/providers/openstack/scs2/kubernetes.yaml",
            "copy2/providers/openstack/scs2/kubernetes.yaml"
        ]
    );
}

#[test]
fn diffs_of_equal_changes_name_their_own_files() {
    let repository = Copy::of("layout-c");
    let twin = Copy::of("layout-c");
    for (path, text) in files_of("layout-c", "twin") {
        repository.write(&path, &text);
    }
    let both = repository.run(&["plan", "--catalog", &catalog()]).stdout;
    let one = twin.run(&["plan", "--catalog", &catalog()]).stdout;
    let diff_of = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| line.starts_with(['+', '-', '@']));
        lines.map(str::to_owned).collect()
    };
    let alone = diff_of(&one);
    let of_twin: Vec<String> = alone
        .iter()
        .map(|line| match line.split_once("/providers/") {
            Some((side, rest)) if line.starts_with(['+', '-']) => {
                format!("{side}/twin/providers/{rest}")
            }
            _ => line.clone(),
        })
        .collect();
    assert!(alone.len() > 8, "{one}");
    assert_eq!(diff_of(&both), [alone, of_twin].concat());
}
