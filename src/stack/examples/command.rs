//! Command lines in the code of a text: which lines are commands, and which releases of a stack they name. What a command said when
//! somebody ran it is no command.

use std::ops::Range;

use super::name::{self, NamedRelease};
use super::why_not::WhyNot;
use crate::version::{KubernetesVersion, Minor, StackLine};

/// What begins a command where no prompt does. A word that is none of these may be anything.
const PROGRAMS: [&str; 34] = [
    "cat",
    "clusterctl",
    "cosign",
    "crane",
    "csctl",
    "csctl-matrix",
    "curl",
    "docker",
    "echo",
    "env",
    "export",
    "flux",
    "gh",
    "git",
    "glab",
    "grep",
    "helm",
    "jq",
    "k9s",
    "kubectl",
    "kustomize",
    "ls",
    "make",
    "mkdir",
    "nerdctl",
    "openstack",
    "oras",
    "podman",
    "regctl",
    "sed",
    "skopeo",
    "tar",
    "wget",
    "yq",
];

/// A line of code, with those that a backslash joins to it.
#[derive(Debug)]
pub(super) struct CodeLine {
    /// Its bytes in the code: what a command says, without prompt and comment.
    pub(super) range: Range<usize>,
    pub(super) kind: LineKind,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind {
    Command,
    Output,
    Comment,
    Other,
}

/// What a command names.
pub(super) enum CommandNames {
    /// One release of the stack, once or more.
    Release(Vec<(Range<usize>, NamedRelease)>),
    /// Nothing that could be followed.
    Nothing(WhyNot),
}

/// Splits code into its lines.
pub(super) fn lines(code: &str) -> Vec<CodeLine> {
    let has_prompts = has_prompts(code);
    let mut found = Vec::new();
    for range in joined_lines(code) {
        let line = &code[range.clone()];
        let content = line.trim_start();
        let prompt = prompt_length(content);
        let kind = match prompt {
            Some(_) => LineKind::Command,
            None if has_prompts => LineKind::Output,
            None if content.starts_with('#') => LineKind::Comment,
            None if is_command(content) => LineKind::Command,
            None => LineKind::Other,
        };
        let start = range.end - content.len() + prompt.unwrap_or(0);
        let end = match kind {
            LineKind::Command => start + length_without_comment(&code[start..range.end]),
            LineKind::Output | LineKind::Comment | LineKind::Other => range.end,
        };
        if end < range.end {
            let kind = LineKind::Comment;
            found.push(CodeLine {
                range: end..range.end,
                kind,
            });
        }
        found.push(CodeLine {
            range: start..end,
            kind,
        });
    }
    found
}

/// Tells whether the code shows what somebody typed at a prompt, so that its other lines are what was said.
pub(super) fn has_prompts(code: &str) -> bool {
    code.lines()
        .any(|line| prompt_length(line.trim_start()).is_some())
}

/// Reads which release of the stack a command names.
pub(super) fn read(command: &str, line: &StackLine) -> Option<CommandNames> {
    let names = name::find(command, line);
    let (first, rest) = names.split_first()?;
    if rest.iter().any(|(_, release)| *release != first.1) {
        return Some(CommandNames::Nothing(WhyNot::SeveralReleases));
    }
    let mut words = command.split(|c| !name::is_name_char(c));
    // To move the release alone would leave the version beside it behind.
    if words.any(|word| is_version_of(word, first.1.minor)) {
        return Some(CommandNames::Nothing(WhyNot::VersionBeside));
    }
    Some(CommandNames::Release(names))
}

fn is_version_of(word: &str, minor: Minor) -> bool {
    let version = word.parse::<KubernetesVersion>();
    version.is_ok_and(|version| version.minor() == minor)
}

/// Finds JSON between single quotes in a command, as `kubectl patch` takes it.
pub(super) fn quoted_json(code: &str, command: &Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = command.start;
    while let Some(offset) = code[at..command.end].find("'{") {
        let start = at + offset + 1;
        let Some(length) = code[start..command.end].find('\'') else {
            break;
        };
        at = start + length + 1;
        found.push(start..start + length);
    }
    found
}

/// Finds the bodies of the here-documents in code: what a shell hands to a command.
pub(super) fn here_documents(code: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let end = at + line.len();
        match open {
            Some((word, start)) if line.trim() == word => {
                found.push(start..at);
                open = None;
            }
            Some(_) => {}
            None => open = delimiter(line).map(|word| (word, end)),
        }
        at = end;
    }
    // One that is not ended goes on to the end of what is shown.
    found.extend(open.map(|(_, start)| start..code.len()));
    found
}

/// Returns the word that ends the here-document which begins on this line.
fn delimiter(line: &str) -> Option<&str> {
    let (_, behind) = line.split_once("<<")?;
    let quoted = behind
        .strip_prefix('-')
        .unwrap_or(behind)
        .trim_start_matches(' ');
    let open = quoted.trim_start_matches(['"', '\'', '\\']);
    let length = open
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(open.len());
    let word = &open[..length];
    // Behind the first two signs of `<<<` stands no word, and behind those of `1<<2` a number.
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        .then_some(word)
}

fn joined_lines(code: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut is_continued = false;
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let content = line.trim_end();
        let range = at..at + content.len();
        match found.last_mut().filter(|_| is_continued) {
            Some(last) => last.end = range.end,
            None => found.push(range),
        }
        is_continued = content.ends_with('\\');
        at += line.len();
    }
    found
}

/// Returns the length of a prompt: `$ `, `% `, or `user@host:~$ `.
fn prompt_length(line: &str) -> Option<usize> {
    if line.starts_with("$ ") || line.starts_with("% ") {
        return Some(2);
    }
    let end = line
        .find(['$', '#'])
        .filter(|end| line[*end + 1..].starts_with(' '))?;
    let before = &line[..end];
    let is_prompt = before.contains('@') && !before.trim_end().contains(' ');
    is_prompt.then_some(end + 2)
}

/// Tells whether a line begins with a program, a path of one, or an assignment.
fn is_command(line: &str) -> bool {
    let command = line.strip_prefix("sudo ").unwrap_or(line);
    let first = command.split_whitespace().next().unwrap_or_default();
    let is_path = first.starts_with("./") || first.starts_with("../");
    let is_script = first
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ending == "sh");
    let is_assignment = first
        .split_once('=')
        .is_some_and(|(name, _)| is_variable(name));
    is_assignment || is_path || is_script || PROGRAMS.contains(&first)
}

fn is_variable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Returns the length of a command up to its comment.
fn length_without_comment(command: &str) -> usize {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in command.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return at,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None | Some(_), _) => {}
        }
        before = c;
    }
    command.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(code: &str) -> Vec<(LineKind, &str)> {
        let found = lines(code).into_iter();
        found.map(|line| (line.kind, &code[line.range])).collect()
    }

    #[test]
    fn commands_are_told_from_comments_and_other_lines() {
        let code = "# first\nkubectl get x # why\nA=b \\\n  c\nNAME   AGE\n./run.sh a#b\n";
        assert_eq!(
            kinds(code),
            [
                (LineKind::Comment, "# first"),
                (LineKind::Comment, "# why"),
                (LineKind::Command, "kubectl get x "),
                (LineKind::Command, "A=b \\\n  c"),
                (LineKind::Other, "NAME   AGE"),
                (LineKind::Command, "./run.sh a#b"),
            ]
        );
    }

    #[test]
    fn where_there_are_prompts_the_rest_is_output() {
        for prompt in ["$ ", "  $ ", "me@host:~$ ", "root@host:/# "] {
            let code = format!("{prompt}anything x\nkubectl y\n");
            assert_eq!(
                kinds(&code),
                [
                    (LineKind::Command, "anything x"),
                    (LineKind::Output, "kubectl y")
                ],
                "{prompt}"
            );
        }
    }

    #[test]
    fn here_documents_end_with_their_word() {
        let bodies = |code: &'static str| -> Vec<&str> {
            let found = here_documents(code).into_iter();
            found.map(|body| &code[body]).collect()
        };
        assert_eq!(bodies("cat <<EOF | x\na: b\nEOF\nc\n"), ["a: b\n"]);
        assert_eq!(
            bodies("x <<-'E_1' >y\n\ta\n\tE_1\nx << \"B\"\nb\n"),
            ["\ta\n", "b\n"]
        );
        assert_eq!(bodies("grep x <<< word\n"), [""; 0]);
        assert_eq!(bodies("echo $((1<<2))\n"), [""; 0]);
    }
}
