//! The list of tags of a repository, page by page.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{OciError, Repository};
use crate::io::http::{Answer, Ask};

/// How many tags a page is asked to have. Registries may give fewer.
const PER_PAGE: usize = 1000;

/// How many pages are read; far beyond any repository of releases.
const MAX_PAGES: usize = 50;

const PAGE_LIMIT: usize = 4 << 20;

/// The tags of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TagList {
    /// Each of them once, in order.
    pub(crate) tags: BTreeSet<String>,
    /// Why there may be more.
    pub(crate) gap: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Repository<'_> {
    /// Lists the tags. A repository that the registry does not know has none yet.
    pub(crate) async fn tags(&self) -> Result<TagList, OciError> {
        let first = format!("{}/tags/list?n={PER_PAGE}", self.url);
        let mut list = TagList::default();
        let mut asked = BTreeSet::new();
        let mut next = Some(first.clone());
        while let Some(url) = next {
            if asked.len() >= MAX_PAGES {
                list.gap = Some(format!("there are more than {MAX_PAGES} pages of tags"));
                break;
            }
            if !asked.insert(url.clone()) {
                list.gap = Some("a page of tags leads back to an earlier one".to_owned());
                break;
            }
            let answer = self.send(Ask::get(&url, PAGE_LIMIT)).await?;
            if answer.status == 404 && url == first {
                break;
            }
            next = list.add(&url, &answer)?;
        }
        Ok(list)
    }

    /// Returns the page after a tag, for registries that do not link to it.
    fn page_after(url: &str, tag: &str) -> Option<String> {
        let mut next = url::Url::parse(url).ok()?;
        next.set_query(None);
        next.query_pairs_mut()
            .append_pair("n", &PER_PAGE.to_string())
            .append_pair("last", tag);
        Some(next.into())
    }
}

impl TagList {
    /// Adds a page, and returns where the next one is.
    fn add(&mut self, url: &str, answer: &Answer) -> Result<Option<String>, OciError> {
        if answer.status != 200 {
            return Err(OciError::status(url, answer));
        }
        let page: Page = serde_json::from_slice(&answer.body)
            .map_err(|_| OciError::content(url, "it is not a list of tags"))?;
        let tags = page.tags.unwrap_or_default();
        let count = tags.len();
        let last = tags.last().cloned();
        let before = self.tags.len();
        self.tags.extend(tags);
        let linked = answer
            .next_page(url)
            .map_err(|reason| OciError::content(url, format!("the next page of tags {reason}")))?;
        if linked.is_some() {
            return Ok(linked);
        }
        // A full page without a link may be the last, or all that a registry without links gives at once.
        let is_full = count >= PER_PAGE && self.tags.len() > before;
        let last = last.filter(|_| is_full);
        Ok(last.and_then(|last| Repository::page_after(url, &last)))
    }
}
