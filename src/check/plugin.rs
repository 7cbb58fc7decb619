//! Rules of csctl's plugin for OpenStack: what csctl.yaml asks it to do. csctl calls it where `config.provider.config` has a key.

use super::finding::Found;
use super::rule::{Group, Rule, Search, Severity};
use super::view::{Line, View};
use crate::node_images::Method;
use crate::stack::{NODE_IMAGES_CONFIG as LIST, Role, SourceFile, find_provider};
use crate::yaml::{Node, Path};

pub(super) const RULES: [Rule; 1] = [Rule {
    name: "plugin-method",
    group: Group::Tree,
    severity: Severity::Error,
    finds: "csctl.yaml names no method of the OpenStack plugin, or one whose node-images/config.yaml is not there.",
    reason: "csctl calls the plugin with it, and the release is not made.",
    find: Search::Stack(plugin_method),
}];

fn plugin_method(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines().filter(|line| {
        find_provider(&line.tree.provider).is_some_and(|known| known.releases_images)
    }) {
        let mut files = line.tree.files_for(Role::CsctlConfig);
        found.extend(files.find_map(|file| wrong_method(view, line, file)));
    }
    found
}

fn wrong_method(view: &View<'_>, line: Line<'_>, file: &SourceFile) -> Option<Found> {
    let path = ["config", "provider", "config"]
        .iter()
        .fold(Path::root(), |path, key| path.key(*key));
    let config = file.documents().first()?.at(&path)?;
    // Without a key csctl calls no plugin.
    config.entries().next()?;
    let node = config.get("method");
    let written = node.and_then(Node::as_str);
    let at = path.key("method").to_string();
    let tell = |message: String, hint: String| {
        let place = node.unwrap_or(config);
        let told = Found::in_file(file.path(), Some(place.line()), message);
        let told = Found {
            at: Some(at.clone()),
            ..told
        };
        Some(told.of(line.minor).hinted(hint))
    };
    let Some(method) = written.and_then(Method::parse) else {
        let message = match written {
            Some(word) => format!("`{word}` is no method of the plugin"),
            None => "`config.provider.config` names no method of the plugin".to_owned(),
        };
        let hint = format!(
            "write `get`, which copies {LIST}, `build`, or `matrix` for all patch images of the minor"
        );
        return tell(message, hint);
    };
    let list = format!("{}/{LIST}", line.tree.directory);
    let needs_list = matches!(method, Method::Get | Method::Build);
    if !needs_list || view.input.tree.find(list.trim_start_matches('/')).is_some() {
        return None;
    }
    let message = format!(
        "method `{}` copies {LIST}, which is not there",
        method.name()
    );
    let hint = format!("write {list}, or use method `matrix`");
    tell(message, hint)
}
