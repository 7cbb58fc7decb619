//! Rules of csctl's plugin for OpenStack: what csctl.yaml asks it to do. csctl calls it where `config.provider.config` has a key.

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::{LineView, View};
use crate::node_images::Method;
use crate::stack::{NODE_IMAGES_CONFIG as LIST, Role, SourceFile, find_provider};
use crate::yaml::{Node, Path};

pub(super) const RULES: [Rule; 1] = [Rule {
    name: "plugin-method",
    group: Group::Tree,
    severity: Severity::Error,
    finds: "csctl.yaml names no valid method of the OpenStack plugin, or one whose node-images/config.yaml is missing.",
    reason: "csctl calls the plugin with it, and no release is built.",
    find: Search::Stack(plugin_method),
}];

fn plugin_method(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines().filter(|line| {
        find_provider(&line.tree.provider).is_some_and(|known| known.releases_images)
    }) {
        let mut files = line.tree.files_for(Role::CsctlConfig);
        found.extend(files.find_map(|file| wrong_method(view, line, file)));
    }
    found
}

fn wrong_method(view: &View<'_>, line: LineView<'_>, file: &SourceFile) -> Option<Contradiction> {
    let path = ["config", "provider", "config"]
        .iter()
        .fold(Path::root(), |path, key| path.key(*key));
    let config = file.documents().first()?.at(&path)?;
    // Without a key csctl calls no plugin.
    config.entries().next()?;
    let node = config.get("method");
    let written = node.and_then(Node::as_str);
    let problem = match written.and_then(Method::parse) {
        Some(method) => missing_list(view, line, method)?,
        None => Problem {
            case: if written.is_some() {
                "unknown-method"
            } else {
                "missing-method"
            },
            message: match written {
                Some(word) => format!("invalid value `{word}` for `method`"),
                None => "`config.provider.config` has no `method`".to_owned(),
            },
            hint: format!(
                "write `get` or `build`, which need {LIST}, or `matrix` for all patch images of the minor"
            ),
        },
    };
    let place = node.unwrap_or(config);
    let found = Contradiction {
        at: Some(path.key("method").to_string()),
        ..Contradiction::in_file(file.path(), Some(place.line()), problem.message)
    };
    Some(found.of(line.minor).case(problem.case).hinted(problem.hint))
}

struct Problem {
    case: &'static str,
    message: String,
    hint: String,
}

/// Says that the list that a method copies or builds is not there.
fn missing_list(view: &View<'_>, line: LineView<'_>, method: Method) -> Option<Problem> {
    let path = format!("{}/{LIST}", line.tree.directory);
    // The directory of a stack at the root is empty, and no path begins with a slash.
    let list = path.trim_start_matches('/');
    let needs_list = matches!(method, Method::Get | Method::Build);
    if !needs_list || view.input.tree.find(list).is_some() {
        return None;
    }
    Some(Problem {
        case: "missing-list",
        message: format!(
            "method `{}` needs {LIST}, which does not exist",
            method.name()
        ),
        hint: format!("write {list}, or use method `matrix`"),
    })
}
