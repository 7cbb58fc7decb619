//! The end-of-life days as Kubernetes publishes them. Where they cannot be read, the project's own table stands.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::http::{Ask, HttpClient};
use super::no_answer::NoAnswer;
use crate::version::Minor;

/// The name of this source in the catalog.
pub(crate) const SOURCE: &str = crate::catalog::END_OF_LIFE_SOURCE;

const URL: &str =
    "https://raw.githubusercontent.com/kubernetes/website/main/data/releases/schedule.yaml";

const BODY_LIMIT: usize = 1 << 20;

/// The part of the schedule that is read.
#[derive(Deserialize)]
struct Schedule {
    schedules: Vec<Series>,
}

/// One minor. Both values are read as texts: as a number `1.30` would be `1.3`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Series {
    release: String,
    #[serde(default)]
    end_of_life_date: Option<String>,
}

/// Reads the published days, from their public place where no other is given.
pub(crate) async fn look(
    client: &HttpClient,
    url: Option<&str>,
) -> Result<BTreeMap<Minor, Date>, NoAnswer> {
    let place = url.unwrap_or(URL);
    let answer = client.ask(Ask::get(place, BODY_LIMIT)).await?;
    if answer.status != 200 {
        return Err(NoAnswer::of_status(place, answer.status));
    }
    parse(&answer.body).map_err(|reason| NoAnswer::new(place, reason))
}

fn parse(content: &[u8]) -> Result<BTreeMap<Minor, Date>, String> {
    let schedule: Schedule = serde_yaml::from_slice(content)
        .map_err(|error| format!("is not the release schedule: {error}"))?;
    // What cannot be read leaves the day of the project's own table.
    let days = schedule.schedules.iter().filter_map(|series| {
        let day = series.end_of_life_date.as_deref()?.parse().ok()?;
        Some((series.release.parse().ok()?, day))
    });
    Ok(days.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_is_not_a_fraction() {
        let text = "schedules:\n- release: 1.30\n  endOfLifeDate: 2025-06-28\n  next: {release: 1.30.1}\n\
                    - release: 1.3\n  endOfLifeDate: 2017-01-01\n- release: '1.36'\n  endOfLifeDate: '2027-06-28'\n\
                    - release: 1.37\n- release: next\n  endOfLifeDate: soon\n";
        let days = parse(text.as_bytes()).unwrap();
        let days: Vec<String> = days
            .iter()
            .map(|(minor, day)| format!("{minor} {day}"))
            .collect();
        assert_eq!(
            days,
            ["1.3 2017-01-01", "1.30 2025-06-28", "1.36 2027-06-28"]
        );
        assert!(parse(b"<html>").is_err());
    }
}
