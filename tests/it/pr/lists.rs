//! What a run asks of a forge with many pull requests: lists, page by page, and single ones only where something is to be changed or a
//! list leaves something open.

use serde_json::{Value, json};

use crate::support::github::{Fault, PERSON, Pull};
use crate::support::hosted::{BRANCH, Hosted, KEYS, PATCH, all, of, outcomes};
use crate::support::program::Said;

const OPEN: &str = "GET /pulls?state=open&sort=created&direction=desc&per_page=100&page=";
const CLOSED: &str = "GET /pulls?state=closed&sort=created&direction=desc&per_page=100&page=";
const QUEUES: &str = "POST /graphql";

/// The request that looks for the pull requests of [`BRANCH`].
fn one_branch() -> String {
    format!("head=acme%3A{}", BRANCH.replace('/', "%2F"))
}

/// What was asked of the API, as `GET /pulls?...`.
fn asked(hosted: &Hosted) -> Vec<String> {
    let log = hosted.server.log();
    log.iter()
        .filter(|request| !request.path.contains(".git/"))
        .map(|request| {
            let path = request.path.replace("/repos/acme/cluster-stacks", "");
            format!("{} {path}", request.method)
        })
        .collect()
}

fn without_checks() -> Hosted {
    Hosted::with("gate: {checks: none}\n")
}

/// People open so many pull requests of their own.
fn open_others(hosted: &Hosted, count: u32) {
    let mut state = hosted.server.state();
    for nth in 0..count {
        state.open_from_fork(&format!("fork{nth}"), "main", "main");
    }
}

fn numbers(hosted: &Hosted) -> Vec<u64> {
    let state = hosted.server.state();
    let own = |pull: &&Pull| pull.head_branch.starts_with("csctl-matrix/");
    state
        .pulls
        .iter()
        .filter(own)
        .map(|pull| pull.number)
        .collect()
}

#[test]
fn a_run_with_nothing_to_do_asks_for_pages_and_not_for_each_pull_request() {
    let hosted = without_checks();
    hosted.outcomes();
    open_others(&hosted, 120);
    let lists = [format!("{OPEN}1"), format!("{OPEN}2"), QUEUES.to_owned()];
    for from_cache in [0, 2] {
        hosted.server.clear_log();
        let said = hosted.run(&[]);
        assert_eq!(outcomes(&said), all("up-to-date"));
        assert_eq!(asked(&hosted), lists);
        // GraphQL has no validators.
        assert_eq!(said.json()["fromCache"], from_cache);
    }
}

#[test]
fn a_dry_run_of_new_changes_asks_for_pages_alone() {
    let hosted = without_checks();
    open_others(&hosted, 120);
    hosted.server.clear_log();
    assert_eq!(outcomes(&hosted.run(&["--dry-run"])), all("opened"));
    let lists = [format!("{OPEN}1"), format!("{OPEN}2"), format!("{CLOSED}1")];
    assert_eq!(asked(&hosted), lists);
}

#[test]
fn what_is_required_is_asked_once_for_a_base_branch() {
    let hosted = Hosted::start();
    hosted.outcomes();
    hosted.server.clear_log();
    assert_eq!(hosted.outcomes(), all("up-to-date"));
    let asked = asked(&hosted);
    let count = |what: &str| asked.iter().filter(|path| path.contains(what)).count();
    assert_eq!(count("/rules/branches/main"), 1, "{asked:#?}");
    assert_eq!(count("/check-runs"), KEYS.len());
}

#[test]
fn what_is_written_is_looked_at_right_before() {
    let hosted = without_checks();
    hosted.outcomes();
    let number = hosted.number();
    hosted.server.state().label(number, "csctl-matrix/again");
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
    let asked = asked(&hosted);
    let look = asked.iter().rposition(|path| path.contains(&one_branch()));
    let write = asked.iter().position(|path| path.starts_with("DELETE "));
    assert!(look.unwrap() < write.unwrap(), "{asked:#?}");
    // The others are not looked at.
    let others = asked.iter().filter(|path| path.contains("head=acme"));
    assert!(others.clone().all(|path| path.contains(&one_branch())));
}

#[test]
fn a_page_without_an_answer_is_no_list_without_pull_requests() {
    let hosted = without_checks();
    hosted.outcomes();
    let before = (numbers(&hosted), hosted.server.state().branches());
    open_others(&hosted, 120);
    // Those of the program are on the second page.
    hosted.server.faults(
        "GET",
        "state=open&sort=created&direction=desc&per_page=100&page=2",
        1..20,
        Fault::Status(502),
    );
    hosted.server.clear_log();
    let said = hosted.run(&[]);
    assert_eq!(said.status, 1, "{}", said.stdout);
    assert!(said.stderr.contains("502"), "{}", said.stderr);
    assert_eq!(hosted.server.mutations(), [""; 0]);
    hosted.server.clear_script();
    assert_eq!(hosted.outcomes(), all("up-to-date"));
    assert_eq!((numbers(&hosted), hosted.server.state().branches()), before);
}

#[test]
fn where_closed_ones_are_not_listed_each_branch_is_looked_up() {
    let hosted = without_checks();
    hosted.outcomes();
    for number in numbers(&hosted) {
        hosted.server.state().close(number, PERSON);
    }
    hosted
        .server
        .faults("GET", "state=closed", 1..20, Fault::Status(502));
    assert_eq!(hosted.outcomes(), all("silenced"));
    assert!(
        asked(&hosted)
            .iter()
            .any(|path| path.contains(&one_branch()))
    );
    // Who does not answer for one branch either leaves it as it is.
    let look = one_branch();
    hosted
        .server
        .faults("GET", &look, 1..20, Fault::Status(502));
    hosted.server.clear_log();
    let said = hosted.run(&[]);
    assert_eq!(said.status, 1);
    assert_eq!(of(&outcomes(&said), PATCH), "failed");
    assert_eq!(
        of(&outcomes(&said), "openstack-scs2-1-33 addons"),
        "silenced"
    );
    assert_eq!(hosted.server.mutations(), [""; 0]);
}

#[test]
fn rule_13_one_that_slips_from_page_to_page_is_found_and_no_second_one_is_opened() {
    for options in [&[][..], &["--dry-run"]] {
        let hosted = without_checks();
        hosted.outcomes();
        let number = numbers(&hosted).into_iter().max().unwrap();
        // The newest of the program's own is the first of the second page, until one before it is closed.
        open_others(&hosted, 100);
        hosted
            .server
            .before("GET", "per_page=100&page=2", 1, move |state| {
                state.close(number + 1, PERSON);
            });
        hosted.server.clear_log();
        assert_eq!(outcomes(&hosted.run(options)), all("up-to-date"));
        assert!(hosted.server.unused().is_empty());
        assert_eq!(hosted.server.mutations(), [""; 0]);
        let looks = asked(&hosted);
        let looks = looks.iter().filter(|path| path.contains("head=acme"));
        assert_eq!(looks.count(), 1, "it alone is looked up");
    }
}

#[test]
fn one_that_is_listed_twice_is_one() {
    let hosted = without_checks();
    hosted.outcomes();
    // The oldest on the first page is the program's newest, and comes again when another one is opened.
    open_others(&hosted, 99);
    hosted
        .server
        .before("GET", "per_page=100&page=2", 1, |state| {
            state.open_from_fork("ada", "main", "main");
        });
    hosted.server.clear_log();
    assert_eq!(hosted.outcomes(), all("up-to-date"));
    assert!(hosted.server.unused().is_empty());
    assert_eq!(
        asked(&hosted),
        [format!("{OPEN}1"), format!("{OPEN}2"), QUEUES.to_owned()]
    );
}

#[test]
fn one_of_a_fork_s_branch_of_the_same_name_is_nobody_s_answer() {
    let hosted = without_checks();
    hosted.outcomes();
    let number = hosted.number();
    let mut state = hosted.server.state();
    state.close(number, PERSON);
    let theirs = state.open_from_fork("ada", BRANCH, "main");
    drop(state);
    assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
    assert!(hosted.server.state().pull(theirs).is_open);
}

#[test]
fn a_queue_is_seen_in_lists_and_a_forge_that_does_not_tell_of_one_is_asked_for_each() {
    let hosted = without_checks();
    hosted.outcomes();
    let number = hosted.number();
    hosted.server.state().pull_mut(number).in_queue = true;
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "queued");
    assert_eq!(asked(&hosted), [format!("{OPEN}1"), QUEUES.to_owned()]);
    let answers: [Value; 3] = [
        json!({"data": {"nodes": [null, null, null, null, null]}}),
        json!({"data": {"nodes": []}}),
        json!({"data": null, "errors": [{"type": "NOT_FOUND", "message": "Could not resolve to a node"}]}),
    ];
    for answer in answers {
        hosted
            .server
            .fault("POST", "/graphql", 1, Fault::AnswerAfter(200, answer));
        let ended = hosted.outcomes();
        assert_eq!(of(&ended, PATCH), "queued");
        assert_eq!(of(&ended, "openstack-scs2-1-33 addons"), "up-to-date");
        assert!(hosted.server.unused().is_empty());
    }
    // A GitHub Enterprise without queues has none, and is asked no more.
    let unknown = json!({"errors": [{"message": "Field 'isInMergeQueue' doesn't exist on type 'PullRequest'"}]});
    hosted
        .server
        .fault("POST", "/graphql", 1, Fault::AnswerAfter(200, unknown));
    hosted.server.clear_log();
    assert_eq!(hosted.outcomes(), all("up-to-date"));
    assert_eq!(asked(&hosted), [format!("{OPEN}1"), QUEUES.to_owned()]);
}

#[test]
fn a_limit_that_is_used_up_while_lists_are_read_stops_the_run() {
    let hosted = without_checks();
    for path in ["state=closed", "state=open"] {
        hosted
            .server
            .fault("GET", path, 1, Fault::UsedUp(403, 40_000));
        let said: Said = hosted.run(&[]);
        assert_eq!(said.status, 5, "{path}: {}", said.stderr);
        assert_eq!(hosted.server.mutations(), [""; 0]);
        hosted.server.clear_script();
    }
}
