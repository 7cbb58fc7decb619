//! Asks the forge what it knows of a commit's checks. What the answers are worth is said in `gate`.

use jiff::Timestamp;

use crate::config::{CheckName, Checks};
use crate::gate::{Attempt, ChecksInput, Readable, TestResult, judge_checks};
use crate::io::forge::{CheckRun, CommitStatus, ForgeError, GitHub, Protection};

/// A commit whose checks are read, and the branch that it is to go to.
#[derive(Debug, Clone, Copy)]
pub struct Checked<'c> {
    pub base: &'c str,
    pub commit: &'c str,
}

/// Reads and judges the checks of a commit. A refusal is a result; other faults are errors. What its branch requires is asked where nobody
/// has asked yet.
pub async fn read_checks(
    forge: &GitHub,
    Checked { base, commit }: Checked<'_>,
    wanted: &Checks,
    known: &mut Option<Protection>,
    now: Timestamp,
) -> Result<Vec<TestResult>, ForgeError> {
    let mut required = Readable::Known(Vec::new());
    let mut runs = Readable::Known(Vec::new());
    let mut statuses = Readable::Known(Vec::new());
    // Nothing is asked where nothing is waited for: the token may lack the rights.
    if *wanted != Checks::None {
        // The runs come first: they tell the names of apps that requirements have by number.
        let all_runs = readable(forge.check_runs(commit).await, "checks=read")?;
        let protection = match known.take() {
            Some(protection) => protection,
            None => forge.protection(base).await?,
        };
        required = requirements(known.insert(protection).clone(), &all_runs);
        runs = each(all_runs, attempt_of_run);
        let all_statuses = readable(forge.statuses(commit).await, "statuses=read")?;
        statuses = each(all_statuses, attempt_of_status);
    }
    Ok(judge_checks(ChecksInput {
        commit,
        wanted,
        required: &required,
        runs: &runs,
        statuses: &statuses,
        now,
    }))
}

/// Takes a refusal for a list that cannot be read.
fn readable<T>(answer: Result<Vec<T>, ForgeError>, right: &str) -> Result<Readable<T>, ForgeError> {
    match answer {
        Ok(list) => Ok(Readable::Known(list)),
        // What it needs is in GitHub's own words then.
        Err(error @ ForgeError::Forbidden { needs: Some(_), .. }) => {
            Ok(Readable::Refused(error.to_string()))
        }
        Err(error @ (ForgeError::Forbidden { .. } | ForgeError::NotFound(_))) => {
            Ok(Readable::Refused(format!("{error} (needs {right})")))
        }
        Err(error) => Err(error),
    }
}

/// Requirements name an app by its number, people by its name, which check runs tell.
fn requirements(protection: Protection, runs: &Readable<CheckRun>) -> Readable<CheckName> {
    if !protection.is_known {
        return Readable::Refused(
            protection
                .unknown_because
                .unwrap_or_else(|| "the forge does not say which they are".to_owned()),
        );
    }
    let seen = match runs {
        Readable::Known(runs) => &runs[..],
        Readable::Refused(_) => &[],
    };
    let required = protection.required_checks.into_iter();
    let names = required.map(|check| CheckName {
        name: check.context,
        app: check.app_id.map(|id| app_name(seen, id)),
    });
    Readable::Known(names.collect())
}

/// Returns the name of an app; its number where none of its runs tells.
fn app_name(runs: &[CheckRun], id: i64) -> String {
    let mut apps = runs.iter().filter_map(|run| run.app.as_ref());
    apps.find(|app| app.id == Some(id))
        .and_then(|app| app.slug.clone())
        .unwrap_or_else(|| id.to_string())
}

fn each<T, R>(list: Readable<T>, read: fn(T) -> R) -> Readable<R> {
    match list {
        Readable::Known(list) => Readable::Known(list.into_iter().map(read).collect()),
        Readable::Refused(why) => Readable::Refused(why),
    }
}

fn attempt_of_run(run: CheckRun) -> Attempt {
    // Rules may name an app by its number alone.
    let app = run
        .app
        .and_then(|app| app.slug.or(app.id.map(|id| id.to_string())));
    Attempt {
        id: Some(run.id),
        name: run.name,
        app,
        commit: run.head,
        status: run.status,
        conclusion: run.conclusion,
        since: run.started_at,
    }
}

fn attempt_of_status(status: CommitStatus) -> Attempt {
    Attempt {
        id: Some(status.id),
        name: status.context,
        app: None,
        commit: None,
        status: status.state,
        conclusion: None,
        since: status.updated_at,
    }
}
