//! Catalogs that others make: who reads one sees how old it is. A job that stopped making them looks like a world without news.

use jiff::civil::Date;

use super::{Outcome, Repository, SourceSettings};
use crate::catalog::Catalog;
use crate::error::CommandError;
use crate::io::catalog_place::CatalogPlace;

/// After so many days somebody should look after the job that makes a shared catalog.
const OLD: i32 = 7;

/// What to do about a catalog that is too old or too new.
pub(super) const ADVICE: &str = "look after the job that runs csctl-matrix catalog fetch";

impl Repository {
    /// Reads a catalog that was made already.
    pub(super) fn read_catalog(
        &self,
        place: &CatalogPlace,
        sources: &SourceSettings,
    ) -> Result<Catalog, CommandError> {
        let catalog = super::block_on(place.read(&sources.http))?.map_err(|error| {
            let hint = error.hint();
            CommandError::new(error).hinted(hint)
        })?;
        if place.is_shared()
            && let Some(doubt) = doubt(place, catalog.as_of, sources.today)
        {
            // Read once in each run: a second reading would say the same.
            let _ = self.doubt.set(doubt);
        }
        Ok(catalog)
    }

    /// Returns why the catalog that was read may not be that of today.
    pub(super) fn catalog_doubt(&self) -> Option<&str> {
        self.doubt.get().map(String::as_str)
    }

    /// Returns the same with what to do about it.
    pub(super) fn catalog_warning(&self) -> Option<String> {
        let doubt = self.catalog_doubt()?;
        Some(format!("{doubt}; {ADVICE}"))
    }
}

impl Outcome {
    /// Warns of a shared catalog that is not of these days.
    pub(super) fn with_catalog_doubt(mut self, repository: &Repository) -> Self {
        self.warnings.extend(repository.catalog_warning());
        self
    }
}

/// Returns what is wrong with the day of a catalog.
fn doubt(place: &CatalogPlace, seen: Date, today: Date) -> Option<String> {
    let age = (today - seen).get_days();
    if age > OLD {
        Some(format!(
            "the catalog {place} was seen on {seen}, {age} days ago; what came later is not known"
        ))
    } else if age < -1 {
        // Clocks of two machines may be on two days.
        Some(format!(
            "the catalog {place} says that it was seen on {seen}, which is still to come"
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn a_catalog_of_another_time_is_doubted() {
        let place: CatalogPlace = OsString::from("https://c.example/a.yaml")
            .try_into()
            .unwrap();
        let doubt =
            |seen: &str| doubt(&place, seen.parse().unwrap(), "2026-06-15".parse().unwrap());
        for seen in ["2026-06-08", "2026-06-15", "2026-06-16"] {
            assert_eq!(doubt(seen), None, "{seen}");
        }
        assert_eq!(
            doubt("2025-06-15").unwrap(),
            "the catalog https://c.example/a.yaml was seen on 2025-06-15, 365 days ago; what came later is not known"
        );
        assert_eq!(
            doubt("2026-06-17").unwrap(),
            "the catalog https://c.example/a.yaml says that it was seen on 2026-06-17, which is still to come"
        );
    }
}
