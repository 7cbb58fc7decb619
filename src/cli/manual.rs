//! The command line of `man`: a manual page for each command.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use super::{Call, Cli, examples};
use crate::command::{Format, Outcome};
use crate::error::CommandError;
use crate::io::write_atomically;

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Install the manual pages for one user
  $ csctl-matrix man ~/.local/share/man/man1"
))]
pub(super) struct ManArgs {
    /// Existing directory to write the pages to
    #[arg(value_name = "DIRECTORY", value_hint = clap::ValueHint::DirPath)]
    target: PathBuf,
}

impl ManArgs {
    pub(super) fn run(&self, call: &Call) -> Result<Outcome, CommandError> {
        let directory = call.directory.join(&self.target);
        let pages = pages()
            .map_err(|error| CommandError::new(format!("cannot make manual pages: {error}")))?;
        for page in &pages {
            let path = directory.join(&page.name);
            write_atomically(&path, &page.text).map_err(|error| {
                CommandError::new(format!("cannot write {}: {error}", path.display()))
                    .hinted("name an existing directory that you may write to")
            })?;
        }
        let count = pages.len();
        Ok(Outcome::of(
            format!(
                "{count} manual pages written to {}\n",
                self.target.display()
            ),
            Format::Text,
        ))
    }
}

struct Page {
    /// `csctl-matrix-plan.1`.
    name: String,
    text: Vec<u8>,
}

fn pages() -> std::io::Result<Vec<Page>> {
    // `help` would get a page for every command it explains.
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add_pages(&program, &mut pages)?;
    Ok(pages)
}

fn add_pages(command: &Command, pages: &mut Vec<Page>) -> std::io::Result<()> {
    let man = Man::new(command.clone()).manual("csctl-matrix");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    text.extend(examples_section(command).into_bytes());
    pages.push(Page {
        name: man.get_filename(),
        text,
    });
    command
        .get_subcommands()
        .filter(|child| !child.is_hide_set())
        .try_for_each(|child| add_pages(child, pages))
}

/// The examples as they are typed: `clap_mangen` would fill them into paragraphs of a section called EXTRA.
fn examples_section(command: &Command) -> String {
    let Some(help) = command.get_after_help() else {
        return String::new();
    };
    let text = help.to_string();
    // `.SH` writes a heading of its own; `\&` keeps a line that begins with a dot from being a request of roff.
    let lines = text.lines().skip(1).map(|line| {
        let typed = line.strip_prefix("  ").unwrap_or(line);
        let escaped = typed
            // First, as the other two add backslashes: roff shows typographic signs otherwise, which no shell takes.
            .replace('\\', "\\e")
            .replace('-', "\\-")
            .replace('\'', "\\(aq");
        format!("\\&{escaped}\n")
    });
    format!(".SH EXAMPLES\n.EX\n{}.EE\n", lines.collect::<String>())
}
