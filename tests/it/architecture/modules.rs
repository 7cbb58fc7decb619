//! Reads which module of the crate uses which: `use` with groups and renames, `super::super::x`, and paths in the middle of code. What
//! a module takes from another one's imports is followed to where it comes from. Tests inside of a file are left out.

use std::collections::{BTreeMap, BTreeSet};

/// A path as segments; that of a module begins below the crate.
type Path = Vec<String>;

/// The modules of a crate, each with what it uses.
pub struct Modules {
    all: BTreeMap<Path, Module>,
}

#[derive(Default)]
struct Module {
    /// The names that its imports give it.
    imports: BTreeMap<String, Path>,
    /// The paths that it uses, from the crate on.
    used: BTreeSet<Path>,
}

impl Modules {
    /// Reads files; a path is relative to `src`, such as `stack/kinds/csctl.rs`.
    pub fn read<'t>(files: impl Iterator<Item = (&'t str, &'t str)>) -> Self {
        let mut all = BTreeMap::new();
        for (path, text) in files {
            let own = module_of(path);
            let module = Reader::read(&own, text);
            all.insert(own, module);
        }
        Self { all }
    }

    /// Returns the modules that a module uses, by their paths.
    pub fn used_by(&self, module: &str) -> BTreeSet<String> {
        let own: Path = module.split("::").map(str::to_owned).collect();
        let used = self.all[&own].used.iter();
        used.filter_map(|path| self.resolve(path, 0))
            .filter(|found| *found != own)
            .map(|found| found.join("::"))
            .collect()
    }

    /// Returns the paths of all modules.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.all.keys().map(|path| path.join("::"))
    }

    /// Finds the circles between the modules directly below each module; what is below those counts as theirs. A module that is
    /// only the front of those below it is none of them.
    pub fn circles(&self) -> Vec<BTreeSet<String>> {
        let mut edges: BTreeMap<Path, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (own, module) in &self.all {
            for found in module.used.iter().filter_map(|path| self.resolve(path, 0)) {
                let shared = own.iter().zip(&found).take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (own.get(shared), found.get(shared)) {
                    let inside = edges.entry(own[..shared].to_vec()).or_default();
                    inside.entry(from.clone()).or_default().insert(to.clone());
                }
            }
        }
        let mut circles = Vec::new();
        for (parent, inside) in &edges {
            let mut seen = BTreeSet::new();
            for start in inside.keys() {
                if seen.contains(start) {
                    continue;
                }
                let back = |other: &&String| reachable(inside, other).contains(start);
                let forth = reachable(inside, start);
                let circle: BTreeSet<&String> = forth.iter().filter(back).collect();
                seen.extend(circle.iter().copied().cloned());
                if circle.len() > 1 {
                    let full = |name: &&String| [parent.as_slice(), &[(*name).clone()]].concat();
                    circles.push(circle.iter().map(|name| full(name).join("::")).collect());
                }
            }
        }
        circles
    }

    /// Finds the module that a path from the crate on leads into.
    fn resolve(&self, path: &[String], depth: usize) -> Option<Path> {
        // Imports of two modules may name each other.
        if depth > 8 {
            return None;
        }
        let mut at: Path = Vec::new();
        for (index, segment) in path.iter().enumerate() {
            let mut below = at.clone();
            below.push(segment.clone());
            if self.all.contains_key(&below) {
                at = below;
                continue;
            }
            let imported = self.all.get(&at).and_then(|here| here.imports.get(segment));
            return match imported {
                Some(target) => {
                    self.resolve(&[target.as_slice(), &path[index + 1..]].concat(), depth + 1)
                }
                None => Some(at).filter(|at| !at.is_empty()),
            };
        }
        Some(at).filter(|at| !at.is_empty())
    }
}

fn reachable(edges: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for next in edges.get(&name).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    found
}

fn module_of(path: &str) -> Path {
    let parts = path.trim_end_matches(".rs").split('/');
    parts
        .filter(|part| *part != "mod")
        .map(str::to_owned)
        .collect()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Path,
    Mark(char),
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    module: Module,
    /// The modules around: that of the file, and those that are written in it.
    around: Vec<Path>,
    /// How many braces were open before each module that is written in the file.
    opened: Vec<usize>,
    depth: usize,
}

impl Reader {
    fn read(own: &[String], text: &str) -> Module {
        let mut reader = Self {
            tokens: tokens(text),
            at: 0,
            module: Module::default(),
            around: vec![own.to_vec()],
            opened: Vec::new(),
            depth: 0,
        };
        while reader.at < reader.tokens.len() {
            reader.step();
        }
        reader.module
    }

    fn step(&mut self) {
        if self.skips_test() {
            return;
        }
        match self.tokens[self.at].clone() {
            Token::Mark('{') => {
                self.depth += 1;
                self.at += 1;
            }
            Token::Mark('}') => {
                self.depth -= 1;
                if self.opened.last() == Some(&self.depth) {
                    self.opened.pop();
                    self.around.pop();
                }
                self.at += 1;
            }
            Token::Word(word) if word == "mod" => self.module(),
            Token::Word(word) if word == "use" => {
                self.at += 1;
                self.tree(&[]);
            }
            Token::Word(word) if ["crate", "self", "super"].contains(&word.as_str()) => self.path(),
            Token::Word(_) | Token::Path | Token::Mark(_) => self.at += 1,
        }
    }

    /// Skips what only tests have: the item after `#[cfg(test)]`.
    fn skips_test(&mut self) -> bool {
        let mark = |c| Token::Mark(c);
        let word = |text: &str| Token::Word(text.to_owned());
        let test = [
            mark('#'),
            mark('['),
            word("cfg"),
            mark('('),
            word("test"),
            mark(')'),
            mark(']'),
        ];
        if !self.tokens[self.at..].starts_with(&test) {
            return false;
        }
        self.at += test.len();
        let mut depth = 0;
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') if depth == 1 => break,
                Token::Mark('}') => depth -= 1,
                Token::Mark(';') if depth == 0 => break,
                Token::Word(_) | Token::Path | Token::Mark(_) => {}
            }
        }
        true
    }

    fn module(&mut self) {
        let name = self.tokens.get(self.at + 1).cloned();
        let opens = self.tokens.get(self.at + 2) == Some(&Token::Mark('{'));
        self.at += 1;
        if let (Some(Token::Word(name)), true) = (name, opens) {
            let mut inner = self.here().clone();
            inner.push(name);
            self.around.push(inner);
            self.opened.push(self.depth);
            self.depth += 1;
            self.at += 2;
        }
    }

    fn here(&self) -> &Path {
        self.around.last().unwrap()
    }

    /// Reads a path in the middle of code.
    fn path(&mut self) {
        let mut path = Vec::new();
        while let Some(Token::Word(word)) = self.tokens.get(self.at) {
            path.push(word.clone());
            self.at += 1;
            if self.tokens.get(self.at) != Some(&Token::Path) {
                break;
            }
            self.at += 1;
        }
        if path.len() > 1 {
            let path = self.absolute(&path);
            self.module.used.insert(path);
        }
    }

    /// Reads what `use` names, with everything in its groups.
    fn tree(&mut self, before: &[String]) {
        let mut path = before.to_vec();
        loop {
            match self.tokens.get(self.at).cloned() {
                Some(Token::Word(word)) => {
                    path.push(word);
                    self.at += 1;
                }
                Some(Token::Mark('*')) => {
                    self.at += 1;
                    self.uses(&path, None);
                    return;
                }
                Some(Token::Mark('{')) => {
                    self.at += 1;
                    while self.tokens.get(self.at) != Some(&Token::Mark('}')) {
                        self.tree(&path);
                        if self.tokens.get(self.at) == Some(&Token::Mark(',')) {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                _ => return,
            }
            match self.tokens.get(self.at).cloned() {
                Some(Token::Path) => self.at += 1,
                Some(Token::Word(word)) if word == "as" => {
                    let name = self.tokens.get(self.at + 1).cloned();
                    self.at += 2;
                    if let Some(Token::Word(name)) = name {
                        self.uses(&path, Some(name));
                    }
                    return;
                }
                _ => {
                    self.uses(&path, None);
                    return;
                }
            }
        }
    }

    fn uses(&mut self, path: &[String], name: Option<String>) {
        let mut path = path.to_vec();
        // `a::{self}` names `a`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = name.or_else(|| path.last().cloned());
        let path = self.absolute(&path);
        if self.around.len() == 1
            && let Some(name) = name
        {
            self.module.imports.insert(name, path.clone());
        }
        self.module.used.insert(path);
    }

    /// Returns the path from the crate on. One without `crate`, `self` or `super` begins here, or in another crate, which nothing of
    /// this one's is found in.
    fn absolute(&self, path: &[String]) -> Path {
        let mut from = self.here().clone();
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => from.clear(),
                "self" => {}
                "super" => {
                    from.pop();
                }
                _ => break,
            }
            rest = after;
        }
        from.extend(rest.iter().cloned());
        from
    }
}

/// Splits a text into words and marks, without comments, texts, letters in quotes and lifetimes.
fn tokens(text: &str) -> Vec<Token> {
    let all: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < all.len() {
        let c = all[at];
        let next = all.get(at + 1).copied().unwrap_or(' ');
        if c == '/' && next == '/' {
            at = until(&all, at, |rest| rest[0] == '\n');
        } else if c == '/' && next == '*' {
            at = after_comment(&all, at);
        } else if c == '"' {
            at = after_text(&all, at + 1);
        } else if c == '\'' {
            at = after_quote(&all, at);
        } else if c == ':' && next == ':' {
            found.push(Token::Path);
            at += 2;
        } else if c.is_alphanumeric() || c == '_' {
            let end = until(&all, at, |rest| {
                !rest[0].is_alphanumeric() && rest[0] != '_'
            });
            let word: String = all[at..end].iter().collect();
            at = after_raw(&all, end, &word).unwrap_or_else(|| {
                found.push(Token::Word(word));
                end
            });
        } else {
            if !c.is_whitespace() {
                found.push(Token::Mark(c));
            }
            at += 1;
        }
    }
    found
}

fn until(all: &[char], from: usize, ends: impl Fn(&[char]) -> bool) -> usize {
    (from..all.len())
        .find(|at| ends(&all[*at..]))
        .unwrap_or(all.len())
}

fn after_comment(all: &[char], from: usize) -> usize {
    let mut depth = 0;
    let mut at = from;
    while at + 1 < all.len() {
        match (all[at], all[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    all.len()
}

fn after_text(all: &[char], from: usize) -> usize {
    let mut at = from;
    while at < all.len() && all[at] != '"' {
        at += if all[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Skips a letter in quotes; of a lifetime, the quote alone.
fn after_quote(all: &[char], from: usize) -> usize {
    match (all.get(from + 1), all.get(from + 2)) {
        (Some('\\'), _) => until(all, from + 3, |rest| rest[0] == '\'') + 1,
        (Some(_), Some('\'')) => from + 3,
        _ => from + 1,
    }
}

/// Skips a raw text whose prefix was read: `r#"..."#`.
fn after_raw(all: &[char], from: usize, prefix: &str) -> Option<usize> {
    if !["r", "br"].contains(&prefix) {
        return None;
    }
    let hashes = all[from..].iter().take_while(|c| **c == '#').count();
    if all.get(from + hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    Some(until(all, from + hashes + 1, |rest| rest.starts_with(&end)) + end.len())
}

#[test]
fn every_form_of_a_path_is_seen() {
    for (text, used) in [
        ("use crate::b::X;", "b"),
        ("use crate::{b::X, c};", "b c"),
        (
            "pub(crate) use crate::{b::{self, X}, c::{d::{Y as Z}}};",
            "b c::d",
        ),
        ("use crate::{\n    b,\n    c::*,\n};", "b c"),
        ("use super::super::b::X;", "b"),
        (
            "fn f() -> crate::b::X { super::super::c::d::g() }",
            "b c::d",
        ),
        (
            "mod inner { use super::super::super::b; fn f() { super::e::g() } }",
            "a::own::e b",
        ),
        ("mod inner {} use super::e::X;", "a::e"),
        ("use e::X; use std::fs;", "a::own::e"),
        (
            "fn f<'a>(x: &'a str) { match 'x' { '\\'' => crate::b::f(\"crate::c\"), _ => 0 } }",
            "b",
        ),
        (
            "// crate::b::x\n/* crate::b /* x */ crate::c */ //! use crate::c;\n",
            "",
        ),
        ("const A: &str = r#\"use crate::b; \" crate::c::x\"#;", ""),
        (
            "#[cfg(test)]\nmod tests { use crate::b; }\nuse crate::c;",
            "c",
        ),
        ("#[cfg(test)]\nmod tests;\nuse crate::c;", "c"),
        ("use super::Shown;", "c::d"),
        ("use super::shown; fn f() { shown::x() }", "c::d"),
    ] {
        let files = [
            (
                "a.rs",
                "pub use e::X as Other; use crate::c::d::{Shown, self as shown};",
            ),
            ("a/own.rs", text),
            ("a/own/e.rs", ""),
            ("a/e.rs", ""),
            ("b.rs", ""),
            ("c.rs", ""),
            ("c/d.rs", ""),
        ];
        let used_by = Modules::read(files.into_iter()).used_by("a::own");
        let found = Vec::from_iter(used_by);
        assert_eq!(found.join(" "), used, "{text}");
    }
}

#[test]
fn a_circle_is_found_at_every_depth() {
    let files = [
        ("a.rs", "pub use b::X;"),
        ("a/b.rs", "use super::c::Y;"),
        ("a/c.rs", "mod d;"),
        ("a/c/d.rs", "use crate::a::X; use super::e;"),
        ("a/c/e.rs", "fn f() { crate::a::c::d::g() }"),
        ("a/f.rs", "use super::b; use super::c;"),
    ];
    let circles = Modules::read(files.into_iter()).circles();
    let circles: Vec<String> = circles
        .into_iter()
        .map(|circle| Vec::from_iter(circle).join(" "))
        .collect();
    assert_eq!(circles, ["a::b a::c", "a::c::d a::c::e"]);
}
