//! `init`: writes a first csctl-matrix.yaml, made of what the repository has. It writes over no file.

use super::unfinished::told;
use super::{Format, Outcome, Place, Repository};
use crate::config::{CONFIG_FILE, Start, start_text};
use crate::error::CommandError;
use crate::io::replace_text;
use crate::matrix::minors_of;
use crate::stack::SourceFile;

/// What to write.
#[derive(Debug, Clone)]
pub(crate) struct InitRequest {
    /// The repository.
    pub place: Place,
    /// Whether the text is printed and no file is written.
    pub print: bool,
}

/// Writes a first configuration.
pub(crate) fn run(request: &InitRequest) -> Result<Outcome, CommandError> {
    told(&request.place, start(request))
}

fn start(request: &InitRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.place)?;
    let text = start_text(&look(&repository));
    if request.print {
        return Ok(Outcome::of(text, Format::Text));
    }
    let path = repository.root.join(CONFIG_FILE);
    replace_text(&path, None, &text).map_err(|error| {
        CommandError::new(error)
            .hinted("nothing was written; print it with csctl-matrix init --print")
    })?;
    let data = format!(
        "{} written; edit or remove any line of it\n",
        path.display()
    );
    Ok(Outcome::of(data, Format::Text))
}

/// Finds what a configuration may speak of.
fn look(repository: &Repository) -> Start {
    let found = repository.discovery.map(&repository.tree, |stack| {
        let image_lists = stack.files().flat_map(SourceFile::image_lists);
        let os = image_lists
            .flat_map(|image_list| &image_list.entries)
            .filter_map(|entry| entry.os.clone());
        let series = stack.series.all().iter();
        Start {
            stacks: [stack.title()].into(),
            stores: series.filter_map(|one| one.store.clone()).collect(),
            os: os.collect(),
            minors: minors_of(stack).into_iter().collect(),
        }
    });
    found.into_iter().fold(Start::default(), |mut all, one| {
        all.stacks.extend(one.stacks);
        all.stores.extend(one.stores);
        all.os.extend(one.os);
        all.minors.extend(one.minors);
        all
    })
}
