//! Fills a catalog from its sources, and reads and writes catalog files. It draws no conclusions: a source that gives no
//! answer is named as such, and the others still answer.
#![expect(
    clippy::disallowed_types,
    reason = "catalog files are read here, on the io floor"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::future::{OptionFuture, join, join_all, join4};
use jiff::civil::Date;
use tokio::sync::watch;

use super::files::other_kind;
use super::http::HttpClient;
use super::image_store::StoreAnswer;
use super::kubernetes::Released;
use super::no_answer::NoAnswer;
use super::{atomic, end_of_life, helm, image_store, kubernetes, registry, s3, vulnerabilities};
use crate::catalog::{
    CATALOG_SCHEMA, Catalog, CatalogRequest, ImagePattern, SourceKind, StoreListing, StoreRequest,
    known_end_of_life,
};
use crate::version::Minor;
use crate::yaml::check_depth;

/// The largest catalog that is read, in bytes; one of a thousand stores has a few megabytes.
pub(super) const FILE_LIMIT: usize = 64 << 20;

const FILE_COMMENT: &str = "# What was offered on one day; written by `csctl-matrix catalog fetch`. A plan made from this file \
                            needs no network.\n";

/// A catalog file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CatalogFileError {
    /// The file cannot be opened or read.
    #[error("cannot read the catalog file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the catalog file {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// There is something else than a file, which may have no end.
    #[error("cannot read the catalog file {}: it is {kind}, not a file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The content is no text.
    #[error("{name}: the catalog is not UTF-8 text; is it the right file?")]
    NoText {
        /// The file or the URL.
        name: String,
    },
    /// The file is far too large.
    #[error("the catalog file {} is larger than {FILE_LIMIT} bytes; is it the right file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The content is not a catalog.
    #[error("{name}:{line}: {reason}; run `csctl-matrix catalog fetch` to write the file again")]
    Content {
        /// The file or the URL.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The form is that of another version of this program.
    #[error(
        "{name}: the catalog has schema {found}, but this version reads {CATALOG_SCHEMA}; run `csctl-matrix catalog fetch` to write the file again"
    )]
    Schema {
        /// The file or the URL.
        name: String,
        /// The schema of the file.
        found: u64,
    },
}

/// Asks every source of the request at the same time, and puts the answers in a fixed order. What has not answered when the time
/// of the settings is over is unreachable.
pub async fn fetch(request: &CatalogRequest, client: &HttpClient, as_of: Date) -> Catalog {
    let timed = &client.for_sources();
    let minors: BTreeSet<Minor> = request
        .stores
        .values()
        .flat_map(|store| &store.minors)
        .copied()
        .collect();
    let (said, released) = watch::channel(Released::default());
    let stores = request
        .stores
        .iter()
        .map(|(pattern, store)| look_at_store(timed, pattern, store, &released));
    let charts = request
        .charts
        .iter()
        .map(|(url, charts)| async move { (url.as_str(), helm::look(timed, url, charts).await) });
    // Without a minor there is nothing whose releases or last day could be of interest.
    let wanted = !minors.is_empty();
    let upstream: OptionFuture<_> = wanted
        .then(|| {
            join(
                kubernetes::look(
                    timed,
                    request.sources.kubernetes.as_deref(),
                    &minors,
                    as_of,
                    &said,
                ),
                end_of_life::look(timed, request.sources.end_of_life.as_deref()),
            )
        })
        .into();
    let known: OptionFuture<_> = request
        .vulnerabilities
        .as_ref()
        .map(|wanted| vulnerabilities::look(timed, wanted, as_of))
        .into();
    let (stores, charts, upstream, known) =
        join4(join_all(stores), join_all(charts), upstream, known).await;
    let mut catalog = Catalog::empty(as_of);
    add_stores(&mut catalog, stores);
    add_charts(&mut catalog, charts);
    if let Some((releases, days)) = upstream {
        add_upstream(&mut catalog, releases, days);
    }
    if let Some(known) = known {
        catalog.vulnerabilities = known.found;
        catalog.unreachable.extend(known.unreachable);
    }
    catalog
        .unreachable
        .sort_by(|a, b| (&a.source, &a.url, &a.reason).cmp(&(&b.source, &b.url, &b.reason)));
    catalog
}

async fn look_at_store(
    client: &HttpClient,
    pattern: &ImagePattern,
    request: &StoreRequest,
    released: &watch::Receiver<Released>,
) -> StoreAnswer {
    match request.listing {
        // A registry tells its tags, whatever the configuration says of listing.
        _ if pattern.is_container_image() => registry::look(client, pattern, request).await,
        StoreListing::None if pattern.has_date() => image_store::refuse_dated(pattern, request),
        StoreListing::None => image_store::look(client, pattern, request, released).await,
        StoreListing::S3 => s3::look(client, pattern, request).await,
    }
}

fn add_stores(catalog: &mut Catalog, stores: Vec<StoreAnswer>) {
    for answer in stores {
        catalog.image_stores.push(answer.store);
        catalog.unreachable.extend(answer.unreachable);
    }
}

fn add_charts(catalog: &mut Catalog, charts: Vec<(&str, helm::ChartAnswer)>) {
    for (url, answer) in charts {
        catalog.chart_repositories.extend(answer.repository);
        let failed = answer
            .fault
            .map(|fault| fault.into_unreachable(SourceKind::ChartRepository, url, BTreeSet::new()));
        catalog.unreachable.extend(failed);
    }
}

fn add_upstream(
    catalog: &mut Catalog,
    releases: kubernetes::Releases,
    days: Result<BTreeMap<Minor, Date>, NoAnswer>,
) {
    catalog.kubernetes = releases.found;
    let fault = releases.fault.map(|fault| {
        fault.into_unreachable(SourceKind::Releases, kubernetes::SOURCE, BTreeSet::new())
    });
    catalog.unreachable.extend(fault);
    match days {
        Ok(days) => catalog.end_of_life.extend(days),
        Err(fault) => catalog.unreachable.push(fault.into_unreachable(
            SourceKind::EndOfLife,
            end_of_life::SOURCE,
            BTreeSet::new(),
        )),
    }
}

/// Reads a catalog file.
pub fn read_file(path: &Path) -> Result<Catalog, CatalogFileError> {
    let content = read_content(path)?;
    parse(&path.display().to_string(), &content)
}

/// Reads the content of a catalog file; errors call it by this name. Unknown fields are errors: a field that is not understood could
/// be the one that matters. A file without end-of-life days is taken to mean those that the project knows.
pub(super) fn parse(name: &str, content: &[u8]) -> Result<Catalog, CatalogFileError> {
    let Ok(text) = std::str::from_utf8(content) else {
        return Err(CatalogFileError::NoText {
            name: name.to_owned(),
        });
    };
    if let Err(error) = check_depth(text) {
        return Err(CatalogFileError::Content {
            name: name.to_owned(),
            line: error.line(),
            reason: error.message(),
        });
    }
    match serde_yaml::from_str::<Catalog>(text) {
        Ok(mut catalog) if catalog.schema == CATALOG_SCHEMA => {
            if catalog.end_of_life.is_empty() {
                catalog.end_of_life = known_end_of_life();
            }
            Ok(catalog)
        }
        Ok(catalog) => Err(CatalogFileError::Schema {
            name: name.to_owned(),
            found: catalog.schema.into(),
        }),
        Err(error) => Err(explain(name, text, &error)),
    }
}

/// Reads a catalog file as far as the limit.
fn read_content(path: &Path) -> Result<Vec<u8>, CatalogFileError> {
    let kind = fs::metadata(path).map_err(|source| CatalogFileError::read(path, source))?;
    // A pipe or device that nobody writes to would be waited for without end.
    if let Some(kind) = other_kind(kind.file_type())
        && !is_handed_over(path)
    {
        return Err(CatalogFileError::NoFile {
            path: path.to_owned(),
            kind,
        });
    }
    let bytes = read_bytes(path).map_err(|source| CatalogFileError::read(path, source))?;
    if bytes.len() > FILE_LIMIT {
        return Err(CatalogFileError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}

/// Reads a file up to the limit, and one byte more where there is one.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(FILE_LIMIT).unwrap_or(u64::MAX);
    File::open(path)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl CatalogFileError {
    fn read(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }
}

/// Tells whether a path stands for something that the shell opened for this program, as a pipe: to read it does not wait for
/// somebody to open the other end.
fn is_handed_over(path: &Path) -> bool {
    let ways = ["/dev/stdin", "/dev/fd", "/proc/self/fd"];
    ways.iter().any(|way| path.starts_with(way))
}

/// Says whether the file is of another schema, which explains every other fault in it.
fn explain(name: &str, text: &str, error: &serde_yaml::Error) -> CatalogFileError {
    #[derive(serde::Deserialize)]
    struct Schema {
        schema: u64,
    }
    match serde_yaml::from_str::<Schema>(text) {
        Ok(Schema { schema }) if schema != u64::from(CATALOG_SCHEMA) => CatalogFileError::Schema {
            name: name.to_owned(),
            found: schema,
        },
        Ok(_) | Err(_) => CatalogFileError::Content {
            name: name.to_owned(),
            line: error.location().map_or(1, |location| location.line()),
            reason: message_of(error),
        },
    }
}

/// Returns the parser's message without the place at its end, which the error names by itself.
pub(super) fn message_of(error: &serde_yaml::Error) -> String {
    let text = without_content(error.to_string());
    match text.split_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}

/// Leaves out the text that a message repeats where it is the whole file: that is another one, which may be long, or a secret.
fn without_content(message: String) -> String {
    const WHOLE: &str = "invalid type: string \"";
    match message.rsplit_once("\", expected the keys of ") {
        Some((start, wanted)) if start.starts_with(WHOLE) => {
            format!("it is a text, and not the keys of {wanted}")
        }
        _ => message,
    }
}

/// Reads a catalog file with its content, as it is published.
pub(crate) fn read_to_publish(path: &Path) -> Result<(Catalog, Bytes), CatalogFileError> {
    let content = read_content(path)?;
    let catalog = parse(&path.display().to_string(), &content)?;
    Ok((catalog, content.into()))
}

/// Returns the text of a catalog file.
pub fn to_text(catalog: &Catalog) -> Result<String, serde_yaml::Error> {
    let text = serde_yaml::to_string(catalog)?;
    Ok(format!("{FILE_COMMENT}{text}"))
}

/// Writes a catalog file, all of it or nothing.
pub fn write_file(path: &Path, catalog: &Catalog) -> Result<(), CatalogFileError> {
    to_text(catalog)
        .map_err(io::Error::other)
        .and_then(|text| atomic::write(path, text.as_bytes()))
        .map_err(|source| CatalogFileError::Write {
            path: path.to_owned(),
            source,
        })
}
