//! The few GraphQL mutations and queries that the stand-in for GitHub knows. It looks for their names and reads the variables; it
//! parses no GraphQL.

use git2::Oid;
use serde_json::{Value, json};

use super::rest::{json_reply, problem};
use super::state::{Pull, State};
use crate::support::server::Reply;

/// Tells whether a body asks for a change.
pub fn is_mutation(body: &Value) -> bool {
    let query = body["query"].as_str().unwrap_or_default();
    query.trim_start().starts_with("mutation")
}

fn failed(kind: &str, message: &str) -> Reply {
    let body = json!({"data": null, "errors": [{"type": kind, "message": message, "path": []}]});
    json_reply(200, &body)
}

fn unknown_field(name: &str) -> Reply {
    let body = json!({"errors": [{
        "message": format!("Field '{name}' doesn't exist on type 'Mutation'"),
        "extensions": {"code": "undefinedField", "typeName": "Mutation", "fieldName": name},
    }]});
    json_reply(200, &body)
}

pub fn answer(state: &mut State, login: &str, body: &Value) -> Reply {
    let query = body["query"].as_str().unwrap_or_default();
    let input = &body["variables"]["input"];
    let has = |name: &str| query.contains(name);
    if has("viewer") {
        return json_reply(
            200,
            &json!({"data": {"viewer": {"login": login, "databaseId": 41}}}),
        );
    }
    if has("updateRefs") {
        return update_refs(state, login, input);
    }
    if let Some(ids) = body["variables"]["ids"].as_array() {
        return nodes(state, ids);
    }
    if has("isInMergeQueue") {
        let number = body["variables"]["number"].as_u64().unwrap_or(0);
        let pull = state.pulls.iter().find(|pull| pull.number == number);
        let found = pull.map(|pull| json!({"isInMergeQueue": pull.in_queue}));
        return json_reply(
            200,
            &json!({"data": {"repository": {"pullRequest": found}}}),
        );
    }
    if is_mutation(body) && state.settings.denied.contains("pull_requests=write") {
        return failed("FORBIDDEN", "Resource not accessible by integration");
    }
    let id = input["pullRequestId"].as_str().unwrap_or_default();
    let number = id.strip_prefix("PR_").and_then(|text| text.parse().ok());
    let pull = state.pulls.iter().find(|pull| Some(pull.number) == number);
    let Some(pull) = pull.cloned() else {
        return failed(
            "NOT_FOUND",
            &format!("Could not resolve to a node with the global id of '{id}'"),
        );
    };
    if has("markPullRequestReadyForReview") || has("convertPullRequestToDraft") {
        let is_draft = has("convertPullRequestToDraft");
        if is_draft && !state.settings.supports_drafts {
            return failed(
                "UNPROCESSABLE",
                "Draft pull requests are not supported in this repository.",
            );
        }
        state.pull_mut(pull.number).draft = is_draft;
        state.settle(login);
        return done("isDraft", &json!(is_draft));
    }
    if has("enablePullRequestAutoMerge") {
        return enable(state, pull.number, input);
    }
    if has("disablePullRequestAutoMerge") {
        state.pull_mut(pull.number).auto_merge = None;
        return done("isDraft", &json!(pull.draft));
    }
    problem(501, "the stand-in has no such operation")
}

/// Pull requests by their names in GraphQL, with null for what is not there.
fn nodes(state: &State, ids: &[Value]) -> Reply {
    let nodes: Vec<Value> = ids
        .iter()
        .map(|id| {
            let is_named = |pull: &&Pull| *id == format!("PR_{}", pull.number);
            state.pulls.iter().find(is_named).map_or(Value::Null, |pull| {
                json!({"__typename": "PullRequest", "number": pull.number, "isInMergeQueue": pull.in_queue})
            })
        })
        .collect();
    json_reply(200, &json!({"data": {"nodes": nodes}}))
}

fn done(field: &str, value: &Value) -> Reply {
    json_reply(
        200,
        &json!({"data": {"result": {"pullRequest": {field: value}}}}),
    )
}

fn enable(state: &mut State, number: u64, input: &Value) -> Reply {
    let pull = state.pull(number).clone();
    if !state.settings.allow_auto_merge {
        return failed(
            "UNPROCESSABLE",
            "Pull request Auto merge is not allowed for this repository",
        );
    }
    if let Some(head) = input["expectedHeadOid"].as_str()
        && head != pull.head.to_string()
    {
        return failed(
            "UNPROCESSABLE",
            "Pull request Head branch was modified. Review and try the merge again.",
        );
    }
    if state.find_obstacle(number).is_none() {
        return failed(
            "UNPROCESSABLE",
            "Pull request Pull request is in clean status",
        );
    }
    let method = input["mergeMethod"].as_str().unwrap_or("MERGE");
    state.pull_mut(number).auto_merge = Some(method.to_lowercase());
    done("isDraft", &json!(pull.draft))
}

/// All refs are moved, or none.
fn update_refs(state: &mut State, login: &str, input: &Value) -> Reply {
    if !state.settings.knows_update_refs {
        return unknown_field("updateRefs");
    }
    if state.settings.denied.contains("contents=write") {
        return failed("FORBIDDEN", "Resource not accessible by integration");
    }
    let updates = input["refUpdates"].as_array().cloned().unwrap_or_default();
    let oid = |value: &Value| value.as_str().and_then(|text| Oid::from_str(text).ok());
    let mut moves = Vec::new();
    for update in &updates {
        let name = update["name"].as_str().unwrap_or_default();
        let Some(branch) = name.strip_prefix("refs/heads/") else {
            return failed("UNPROCESSABLE", "Invalid ref name");
        };
        let now = state.head(branch).unwrap_or(Oid::ZERO_SHA1);
        if oid(&update["beforeOid"]).is_some_and(|before| before != now) {
            return failed(
                "UNPROCESSABLE",
                &format!("Reference {name} does not point to the expected object"),
            );
        }
        let Some(after) = oid(&update["afterOid"]) else {
            return failed("UNPROCESSABLE", "Invalid object");
        };
        if !after.is_zero() && state.git.find_commit(after).is_err() {
            return failed("UNPROCESSABLE", "Object does not exist");
        }
        let is_forced = !now.is_zero() && !after.is_zero() && !state.is_fast_forward(now, after);
        if is_forced && (update["force"] != true || state.rules_of(branch).no_force_push) {
            return failed("UNPROCESSABLE", "Cannot force-push to this branch");
        }
        moves.push((branch.to_owned(), now, after));
    }
    for (branch, now, after) in moves {
        if !after.is_zero() {
            state.set_head(&branch, after);
        } else if !now.is_zero() {
            state.remove_head(&branch);
        }
    }
    state.settle(login);
    json_reply(
        200,
        &json!({"data": {"updateRefs": {"clientMutationId": null}}}),
    )
}
