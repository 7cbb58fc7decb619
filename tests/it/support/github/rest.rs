//! The REST part of the stand-in for GitHub: routes, and objects as GitHub writes them. Pacing, faults and tokens are not here.

use git2::Oid;
use serde_json::{Value, json};

use super::state::{BranchRules, CheckRun, Comment, Pull, Review, State, Status, email};
use crate::support::server::{Reply, Request};

/// A request on its way to its route.
pub struct Call<'a> {
    pub method: &'a str,
    /// The parts of the path below `/repos/OWNER/REPO`, decoded.
    pub parts: Vec<&'a str>,
    pub request: &'a Request,
    pub body: Value,
    pub login: &'a str,
    /// The URL of the API, without a slash at its end.
    pub base: String,
}

impl Call<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.body[name].as_str().map(str::to_owned)
    }
}

pub fn json_reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        body: serde_json::to_vec(body).unwrap(),
        ..Reply::default()
    }
    .with("Content-Type", "application/json; charset=utf-8")
}

/// An error as GitHub words it.
pub fn problem(status: u16, message: &str) -> Reply {
    let body = json!({
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": status.to_string(),
    });
    json_reply(status, &body)
}

fn invalid(errors: &Value) -> Reply {
    let body = json!({
        "message": "Validation Failed",
        "errors": errors,
        "documentation_url": "https://docs.github.com/rest",
        "status": "422",
    });
    json_reply(422, &body)
}

fn not_found() -> Reply {
    problem(404, "Not Found")
}

/// Cuts a list into pages and links them.
fn page(call: &Call<'_>, wrapper: Option<&str>, items: Vec<Value>) -> Reply {
    let number = |name: &str, otherwise: usize| {
        let text = call.request.query(name);
        text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let size = number("per_page", 30).clamp(1, 100);
    let at = number("page", 1).max(1);
    let total = items.len();
    let last = total.div_ceil(size).max(1);
    let items: Vec<Value> = items.into_iter().skip((at - 1) * size).take(size).collect();
    let body = match wrapper {
        Some(name) => json!({ "total_count": total, name: items }),
        None => json!(items),
    };
    let reply = json_reply(200, &body);
    if at >= last {
        return reply;
    }
    let path = call.request.path.split('?').next().unwrap();
    let link = |page: usize| {
        let mut url = url::Url::parse(&format!("http://x{}", call.request.path)).unwrap();
        let others: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| name != "page")
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(others)
            .append_pair("page", &page.to_string());
        let origin = call.base.trim_end_matches("/api/v3");
        format!("<{origin}{path}?{}>", url.query().unwrap())
    };
    let text = format!(
        "{}; rel=\"next\", {}; rel=\"last\"",
        link(at + 1),
        link(last)
    );
    reply.with("Link", &text)
}

/// The permission that a route needs: `checks=read`.
pub fn permission(call: &Call<'_>) -> &'static str {
    let is_write = call.method != "GET" && call.method != "HEAD";
    match call.parts.as_slice() {
        ["commits", _, "check-runs"] => "checks=read",
        ["commits", _, "statuses"] => "statuses=read",
        ["branches", _, "protection", ..] => "administration=read",
        ["pulls", ..] | ["issues", _, "comments"] if !is_write => "pull_requests=read",
        ["pulls", _, "merge"] => "contents=write",
        ["pulls" | "issues" | "labels", ..] if is_write => "pull_requests=write",
        _ if is_write => "contents=write",
        _ => "metadata=read",
    }
}

pub fn route(state: &mut State, call: &Call<'_>) -> Reply {
    match (call.method, call.parts.as_slice()) {
        ("GET", []) => {
            let reply = json_reply(200, &repository_json(state, &call.base));
            match state.settings.scopes {
                Some(scopes) => reply.with("X-OAuth-Scopes", scopes),
                None => reply,
            }
        }
        (_, ["pulls", ..]) => pulls(state, call),
        (_, ["issues" | "labels", ..]) => issues(state, call),
        (_, ["git", rest @ ..]) => git(state, call, rest),
        ("GET", ["branches", branch]) => branch_reply(state, branch),
        ("GET", ["branches", branch, "protection"]) => protection(state, branch),
        ("GET", ["rules", "branches", branch]) => {
            let rules = rules_json(&state.rules_of(branch));
            page(call, None, rules)
        }
        ("GET", ["compare", range]) => compare(state, range),
        ("GET", ["commits", oid, kind @ ("check-runs" | "statuses")]) => {
            let Some(oid) = find_commit(state, oid) else {
                return problem(422, &format!("No commit found for SHA: {oid}"));
            };
            if *kind == "check-runs" {
                let runs = state.check_runs.iter().filter(|run| run.head == oid);
                page(
                    call,
                    Some("check_runs"),
                    runs.rev().map(check_json).collect(),
                )
            } else {
                let found = state.statuses.iter().filter(|status| status.head == oid);
                page(call, None, found.rev().map(status_json).collect())
            }
        }
        _ => problem(501, "the stand-in has no such route"),
    }
}

fn find_commit(state: &State, oid: &str) -> Option<Oid> {
    let oid = Oid::from_str(oid).ok()?;
    state.git.find_commit(oid).ok().map(|commit| commit.id())
}

/// How one commit stands to another; commits and files are left out, as on a page after the last.
fn compare(state: &State, range: &str) -> Reply {
    let commits = range.split_once("...");
    let commits = commits.and_then(|(a, b)| Some((find_commit(state, a)?, find_commit(state, b)?)));
    let Some((from, to)) = commits else {
        return not_found();
    };
    if state.git.merge_base(from, to).is_err() {
        return problem(404, "No common ancestor between the two commits.");
    }
    let (ahead, behind) = state.git.graph_ahead_behind(to, from).unwrap();
    let status = match (ahead, behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        (_, _) => "diverged",
    };
    let body = json!({
        "status": status, "ahead_by": ahead, "behind_by": behind, "total_commits": ahead, "commits": [],
    });
    json_reply(200, &body)
}

// Pull requests.

fn pulls(state: &mut State, call: &Call<'_>) -> Reply {
    let number = call.parts.get(1).and_then(|text| text.parse::<u64>().ok());
    let Some(number) = number else {
        return match call.method {
            "GET" => list_pulls(state, call),
            "POST" => create_pull(state, call),
            _ => not_found(),
        };
    };
    if !state.pulls.iter().any(|pull| pull.number == number) {
        return not_found();
    }
    match (call.method, &call.parts[2..]) {
        ("GET", []) => {
            let reply = json_reply(200, &pull_json(state, number, &call.base, true));
            let pull = state.pull_mut(number);
            pull.unknown_for = pull.unknown_for.saturating_sub(1);
            reply
        }
        ("PATCH", []) => update_pull(state, call, number),
        ("GET", ["reviews"]) => {
            let reviews = state
                .reviews
                .iter()
                .filter(|review| review.number == number);
            page(call, None, reviews.map(review_json).collect())
        }
        ("PUT", ["merge"]) => merge(state, call, number),
        _ => problem(501, "the stand-in has no such route"),
    }
}

fn list_pulls(state: &State, call: &Call<'_>) -> Reply {
    let wanted = call.request.query("state").unwrap_or("open".to_owned());
    let head = call.request.query("head");
    // GitHub ignores a head that does not name its owner.
    let head = head.filter(|head| head.contains(':'));
    let base = call.request.query("base");
    let found = state.pulls.iter().rev().filter(|pull| {
        let is_in_state = match wanted.as_str() {
            "open" => pull.is_open,
            "closed" => !pull.is_open,
            _ => true,
        };
        is_in_state
            && head
                .as_ref()
                .is_none_or(|head| *head == format!("{}:{}", pull.head_owner, pull.head_branch))
            && base.as_ref().is_none_or(|base| *base == pull.base_branch)
    });
    let numbers: Vec<u64> = found.map(|pull| pull.number).collect();
    let items = numbers
        .into_iter()
        .map(|number| pull_json(state, number, &call.base, false));
    page(call, None, items.collect())
}

fn create_pull(state: &mut State, call: &Call<'_>) -> Reply {
    let (Some(head), Some(base), Some(title)) =
        (call.text("head"), call.text("base"), call.text("title"))
    else {
        return problem(422, "Invalid request.");
    };
    let head = head.split_once(':').map_or(head.as_str(), |(_, head)| head);
    for (field, branch) in [("head", head), ("base", &base)] {
        if state.head(branch).is_none() {
            let error = json!([{"resource": "PullRequest", "field": field, "code": "invalid"}]);
            return invalid(&error);
        }
    }
    let is_draft = call.body["draft"].as_bool().unwrap_or(false);
    if is_draft && !state.settings.supports_drafts {
        return problem(
            422,
            "Draft pull requests are not supported in this repository.",
        );
    }
    match state.add_pull(call.login, head, &base, &title) {
        Ok(number) => {
            let pull = state.pull_mut(number);
            pull.body = call.text("body").unwrap_or_default();
            pull.draft = is_draft;
            json_reply(201, &pull_json(state, number, &call.base, true))
        }
        Err(message) => invalid(&json!([
            {"resource": "PullRequest", "code": "custom", "message": message}
        ])),
    }
}

fn update_pull(state: &mut State, call: &Call<'_>, number: u64) -> Reply {
    if let Some(base) = call.text("base") {
        if state.head(&base).is_none() {
            return invalid(&json!([
                {"resource": "PullRequest", "field": "base", "code": "invalid"}
            ]));
        }
        state.change_base(number, &base);
    }
    let pull = state.pull(number).clone();
    let title = call.text("title").unwrap_or(pull.title);
    let body = call.text("body").unwrap_or(pull.body);
    state.edit(number, &title, &body);
    match call.text("state").as_deref() {
        Some("closed") if pull.is_open => state.close(number, call.login),
        Some("open") if !pull.is_open => {
            if let Err(message) = state.reopen(number) {
                return invalid(&json!([
                    {"resource": "PullRequest", "code": "custom", "field": "state", "message": message}
                ]));
            }
        }
        _ => {}
    }
    json_reply(200, &pull_json(state, number, &call.base, true))
}

fn merge(state: &mut State, call: &Call<'_>, number: u64) -> Reply {
    let pull = state.pull(number).clone();
    if !pull.is_open {
        return problem(405, "Pull Request is not mergeable");
    }
    if call
        .text("sha")
        .is_some_and(|sha| sha != pull.head.to_string())
    {
        return problem(
            409,
            "Head branch was modified. Review and try the merge again.",
        );
    }
    let method = call.text("merge_method").unwrap_or("merge".to_owned());
    match state.merge(number, call.login, &method) {
        Ok(oid) => json_reply(
            200,
            &json!({"sha": oid.to_string(), "merged": true, "message": "Pull Request successfully merged"}),
        ),
        Err(message) => problem(405, &message),
    }
}

// Issues: what pull requests share with them.

fn issues(state: &mut State, call: &Call<'_>) -> Reply {
    match (call.method, call.parts.as_slice()) {
        ("GET", ["labels", name]) => match state.labels.get(*name) {
            Some(_) => json_reply(200, &label_json(state, name)),
            None => not_found(),
        },
        ("POST", ["labels"]) => create_label(state, call),
        ("PATCH", ["issues", "comments", id]) => update_comment(state, call, id),
        (_, ["issues", number, rest @ ..]) => {
            let number = number.parse().unwrap_or(0);
            if state.pulls.iter().any(|pull| pull.number == number) {
                issue(state, call, number, rest)
            } else {
                not_found()
            }
        }
        _ => problem(501, "the stand-in has no such route"),
    }
}

fn issue(state: &mut State, call: &Call<'_>, number: u64, rest: &[&str]) -> Reply {
    match (call.method, rest) {
        ("GET", []) => {
            let pull = state.pull(number);
            let closed_by = pull.closed.as_ref().map(|(_, login)| user_json(login));
            let body = json!({
                "number": number,
                "title": pull.title,
                "state": if pull.is_open { "open" } else { "closed" },
                "closed_by": closed_by,
                "pull_request": {"url": format!("{}/pulls/{number}", call.base)},
            });
            json_reply(200, &body)
        }
        ("GET", ["comments"]) => {
            let found = state.comments.iter().filter(|known| known.number == number);
            page(call, None, found.map(comment_json).collect())
        }
        ("POST", ["comments"]) => {
            let body = call.text("body").unwrap_or_default();
            state.comment(number, call.login, &body);
            json_reply(201, &comment_json(state.comments.last().unwrap()))
        }
        ("POST", ["labels"]) => {
            let names = call.body["labels"].as_array().cloned().unwrap_or_default();
            for name in names.iter().filter_map(Value::as_str) {
                state.label(number, name);
            }
            labels_reply(state, number)
        }
        ("DELETE", ["labels", name]) => {
            let labels = &state.pull(number).labels;
            if !labels.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                return problem(404, "Label does not exist");
            }
            state.unlabel(number, name);
            labels_reply(state, number)
        }
        _ => problem(501, "the stand-in has no such route"),
    }
}

fn labels_reply(state: &State, number: u64) -> Reply {
    let labels = state.pull(number).labels.iter();
    let labels: Vec<Value> = labels.map(|name| label_json(state, name)).collect();
    json_reply(200, &json!(labels))
}

fn create_label(state: &mut State, call: &Call<'_>) -> Reply {
    let Some(name) = call.text("name") else {
        return problem(422, "Invalid request.");
    };
    if state.labels.contains_key(&name) {
        return invalid(&json!([
            {"resource": "Label", "code": "already_exists", "field": "name"}
        ]));
    }
    let color = call.text("color").unwrap_or_default();
    let description = call.text("description").unwrap_or_default();
    state.labels.insert(name.clone(), (color, description));
    json_reply(201, &label_json(state, &name))
}

fn update_comment(state: &mut State, call: &Call<'_>, id: &str) -> Reply {
    let id: u64 = id.parse().unwrap_or(0);
    let Some(comment) = state.comments.iter_mut().find(|known| known.id == id) else {
        return not_found();
    };
    comment.body = call.text("body").unwrap_or_default();
    json_reply(200, &comment_json(comment))
}

// Git's objects and refs.

fn git(state: &mut State, call: &Call<'_>, rest: &[&str]) -> Reply {
    match (call.method, rest) {
        ("GET", ["ref", name]) => match branch_of(name).and_then(|name| state.head(name)) {
            Some(oid) => json_reply(200, &ref_json(name, oid)),
            None => not_found(),
        },
        ("POST", ["refs"]) => create_ref(state, call),
        ("PATCH", ["refs", name]) => update_ref(state, call, name),
        ("DELETE", ["refs", name]) => match branch_of(name) {
            Some(name) if state.head(name).is_some() => {
                state.remove_head(name);
                state.settle(call.login);
                Reply::status(204)
            }
            _ => problem(422, "Reference does not exist"),
        },
        ("POST", ["blobs"]) => create_blob(state, call),
        ("POST", ["trees"]) => create_tree(state, call),
        ("POST", ["commits"]) => create_commit(state, call),
        ("GET", ["commits", oid]) => match find_commit(state, oid) {
            Some(oid) => json_reply(200, &commit_json(state, oid)),
            None => not_found(),
        },
        _ => problem(501, "the stand-in has no such route"),
    }
}

fn branch_of(name: &str) -> Option<&str> {
    name.strip_prefix("heads/")
}

fn create_ref(state: &mut State, call: &Call<'_>) -> Reply {
    let (name, oid) = (call.text("ref"), call.text("sha"));
    let name = name.as_deref().and_then(|name| name.strip_prefix("refs/"));
    let Some(branch) = name.and_then(branch_of) else {
        return problem(422, "Reference name must start with 'refs/'");
    };
    let Some(oid) = oid.and_then(|oid| find_commit(state, &oid)) else {
        return problem(422, "Object does not exist");
    };
    if state.head(branch).is_some() {
        return problem(422, "Reference already exists");
    }
    state.set_head(branch, oid);
    state.settle(call.login);
    json_reply(201, &ref_json(&format!("heads/{branch}"), oid))
}

fn update_ref(state: &mut State, call: &Call<'_>, name: &str) -> Reply {
    let Some((branch, from)) =
        branch_of(name).and_then(|branch| Some((branch, state.head(branch)?)))
    else {
        return problem(422, "Reference does not exist");
    };
    let Some(oid) = call.text("sha").and_then(|oid| find_commit(state, &oid)) else {
        return problem(422, "Object does not exist");
    };
    if !state.is_fast_forward(from, oid) {
        if call.body["force"] != true {
            return problem(422, "Update is not a fast forward");
        }
        if state.rules_of(branch).no_force_push {
            return problem(422, "Cannot force-push to this branch");
        }
    }
    state.set_head(branch, oid);
    state.settle(call.login);
    json_reply(200, &ref_json(name, oid))
}

fn create_blob(state: &State, call: &Call<'_>) -> Reply {
    use base64::Engine as _;
    let text = call.text("content").unwrap_or_default();
    let content = if call.body["encoding"] == "base64" {
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap()
    } else {
        text.into_bytes()
    };
    let oid = state.git.blob(&content).unwrap();
    json_reply(201, &json!({"sha": oid.to_string()}))
}

fn create_tree(state: &State, call: &Call<'_>) -> Reply {
    let base = match call.text("base_tree").map(|base| Oid::from_str(&base)) {
        Some(Ok(oid)) => match state.git.find_object(oid, None) {
            Ok(object) => object.peel_to_tree().unwrap(),
            Err(_) => return not_found(),
        },
        _ => return problem(422, "Invalid tree info"),
    };
    let mut update = git2::build::TreeUpdateBuilder::new();
    for entry in call.body["tree"].as_array().unwrap() {
        let path = entry["path"].as_str().unwrap();
        let mode = match entry["mode"].as_str().unwrap() {
            "100755" => git2::FileMode::BlobExecutable,
            _ => git2::FileMode::Blob,
        };
        if entry["sha"].is_null() && entry["content"].is_null() {
            if base.get_path(std::path::Path::new(path)).is_err() {
                return problem(422, "GitRPC::BadObjectState");
            }
            update.remove(path);
            continue;
        }
        let blob = match entry["content"].as_str() {
            Some(text) => state.git.blob(text.as_bytes()).unwrap(),
            None => Oid::from_str(entry["sha"].as_str().unwrap()).unwrap(),
        };
        update.upsert(path, blob, mode);
    }
    let oid = update.create_updated(&state.git, &base).unwrap();
    json_reply(201, &json!({"sha": oid.to_string()}))
}

fn create_commit(state: &mut State, call: &Call<'_>) -> Reply {
    let second = state.tick().as_second();
    let oid_of = |value: &Value| Oid::from_str(value.as_str().unwrap_or_default()).ok();
    let tree = oid_of(&call.body["tree"]).and_then(|oid| state.git.find_tree(oid).ok());
    let Some(tree) = tree else {
        return problem(422, "Tree SHA does not exist");
    };
    let parents = call.body["parents"].as_array().cloned().unwrap_or_default();
    let parents: Vec<_> = parents
        .iter()
        .filter_map(|parent| state.git.find_commit(oid_of(parent)?).ok())
        .collect();
    let author = &call.body["author"];
    let is_own = author["name"].is_string();
    let name = author["name"].as_str().unwrap_or(call.login);
    let address = author["email"].as_str().map(str::to_owned);
    let address = address.unwrap_or_else(|| email(call.login));
    let time = git2::Time::new(second, 0);
    let author = git2::Signature::new(name, &address, &time).unwrap();
    let message = call.text("message").unwrap_or_default();
    let parents: Vec<_> = parents.iter().collect();
    let oid = state
        .git
        .commit(None, &author, &author, &message, &tree, &parents)
        .unwrap();
    drop(tree);
    if state.settings.signs && !is_own {
        state.verified.insert(oid);
    }
    json_reply(201, &commit_json(state, oid))
}

// Objects as GitHub writes them.

pub fn user_json(login: &str) -> Value {
    let kind = if login.ends_with("[bot]") {
        "Bot"
    } else {
        "User"
    };
    json!({"login": login, "id": login.len(), "type": kind})
}

fn repository_json(state: &State, base: &str) -> Value {
    let (owner, name, settings) = (&state.owner, &state.repository, &state.settings);
    let can = |permission: &str| !settings.denied.contains(permission);
    json!({
        "id": 1,
        "node_id": "R_1",
        "name": name,
        "full_name": format!("{owner}/{name}"),
        "owner": user_json(owner),
        "private": settings.is_private,
        "fork": settings.is_fork,
        "archived": settings.is_archived,
        "default_branch": state.default_branch,
        "url": format!("{base}/repos/{owner}/{name}"),
        "clone_url": format!("{}/{owner}/{name}.git", base.trim_end_matches("/api/v3")),
        "permissions": {
            "admin": can("administration=read"),
            "push": can("contents=write"),
            "pull": true,
        },
        "allow_auto_merge": settings.allow_auto_merge,
        "allow_merge_commit": settings.merge_methods.contains(&"merge"),
        "allow_squash_merge": settings.merge_methods.contains(&"squash"),
        "allow_rebase_merge": settings.merge_methods.contains(&"rebase"),
        "delete_branch_on_merge": settings.delete_branch_on_merge,
    })
}

fn pull_json(state: &State, number: u64, base: &str, is_full: bool) -> Value {
    let pull = state.pull(number);
    let url = format!(
        "{base}/repos/{}/{}/pulls/{number}",
        state.owner, state.repository
    );
    let labels: Vec<Value> = pull
        .labels
        .iter()
        .map(|name| label_json(state, name))
        .collect();
    let auto_merge = pull.auto_merge.as_ref().map(|method| {
        let by = pull.auto_merge_by.as_ref().unwrap_or(&pull.author);
        json!({"merge_method": method, "enabled_by": user_json(by)})
    });
    let side = |owner: &str, branch: &str, oid: Oid| {
        json!({
            "label": format!("{owner}:{branch}"),
            "ref": branch,
            "sha": oid.to_string(),
            "user": user_json(owner),
            "repo": {"name": state.repository, "full_name": format!("{owner}/{}", state.repository)},
        })
    };
    let mut object = json!({
        "id": number * 1000,
        "node_id": format!("PR_{number}"),
        "number": number,
        "url": url,
        "html_url": format!("https://github.com/{}/{}/pull/{number}", state.owner, state.repository),
        "state": if pull.is_open { "open" } else { "closed" },
        "locked": false,
        "title": pull.title,
        "body": if pull.body.is_empty() { Value::Null } else { json!(pull.body) },
        "user": user_json(&pull.author),
        "labels": labels,
        "draft": pull.draft,
        "created_at": pull.created.to_string(),
        "updated_at": pull.updated.to_string(),
        "closed_at": pull.closed.as_ref().map(|(at, _)| at.to_string()),
        "merged_at": pull.merged.as_ref().map(|(at, ..)| at.to_string()),
        "merge_commit_sha": pull.merged.as_ref().map(|(.., oid)| oid.to_string()),
        "head": side(&pull.head_owner, &pull.head_branch, pull.head),
        "base": side(&state.owner, &pull.base_branch, pull.base),
        "auto_merge": auto_merge,
    });
    if is_full {
        let is_known = pull.unknown_for == 0;
        object["merged"] = json!(pull.merged.is_some());
        object["merged_by"] = json!(pull.merged.as_ref().map(|(_, login, _)| user_json(login)));
        object["mergeable"] = json!(is_known.then(|| !state.has_conflict(number)));
        object["mergeable_state"] = json!(if is_known {
            merge_state(state, pull)
        } else {
            "unknown"
        });
    }
    object
}

fn merge_state(state: &State, pull: &Pull) -> &'static str {
    if state.has_conflict(pull.number) {
        "dirty"
    } else if pull.draft {
        "draft"
    } else if state.find_obstacle(pull.number).is_some() {
        "blocked"
    } else {
        "clean"
    }
}

fn label_json(state: &State, name: &str) -> Value {
    let (color, description) = state.labels.get(name).cloned().unwrap_or_default();
    json!({
        "id": name.len(), "name": name, "color": color, "description": description, "default": false,
    })
}

fn comment_json(comment: &Comment) -> Value {
    json!({
        "id": comment.id,
        "body": comment.body,
        "user": user_json(&comment.author),
        "created_at": comment.created.to_string(),
    })
}

fn check_json(run: &CheckRun) -> Value {
    json!({
        "id": run.id,
        "head_sha": run.head.to_string(),
        "name": run.name,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started.to_string(),
        "app": {"id": run.app.0, "slug": run.app.1},
    })
}

fn status_json(status: &Status) -> Value {
    json!({
        "id": status.id,
        "context": status.context,
        "state": status.state,
        "created_at": status.updated.to_string(),
        "updated_at": status.updated.to_string(),
    })
}

fn review_json(review: &Review) -> Value {
    json!({
        "id": review.id,
        "user": user_json(&review.author),
        "state": review.state,
        "commit_id": review.commit.to_string(),
    })
}

fn ref_json(name: &str, oid: Oid) -> Value {
    json!({
        "ref": format!("refs/{name}"),
        "node_id": "REF_1",
        "object": {"type": "commit", "sha": oid.to_string()},
    })
}

fn commit_json(state: &State, oid: Oid) -> Value {
    let commit = state.git.find_commit(oid).unwrap();
    let is_verified = state.verified.contains(&oid);
    let author = commit.author();
    json!({
        "sha": oid.to_string(),
        "tree": {"sha": commit.tree_id().to_string()},
        "message": commit.message().unwrap(),
        "parents": commit.parent_ids().map(|oid| json!({"sha": oid.to_string()})).collect::<Vec<_>>(),
        "author": {"name": author.name().unwrap(), "email": author.email().unwrap()},
        "committer": {"name": author.name().unwrap(), "email": author.email().unwrap()},
        "verification": {
            "verified": is_verified,
            "reason": if is_verified { "valid" } else { "unsigned" },
        },
    })
}

fn branch_reply(state: &State, branch: &str) -> Reply {
    let Some(oid) = state.head(branch) else {
        return problem(404, "Branch not found");
    };
    let rules = state.rules_of(branch);
    let mut object = json!({
        "name": branch,
        "commit": {"sha": oid.to_string()},
        "protected": rules.is_classic,
    });
    if rules.is_classic && !state.settings.denied.contains("contents=write") {
        object["protection"] = json!({
            "enabled": true,
            "required_status_checks": checks_json(&rules),
        });
    }
    json_reply(200, &object)
}

fn checks_json(rules: &BranchRules) -> Value {
    let checks: Vec<Value> = rules
        .required_checks
        .iter()
        .map(|(name, app)| json!({"context": name, "app_id": app}))
        .collect();
    let names: Vec<&String> = rules.required_checks.iter().map(|(name, _)| name).collect();
    json!({"enforcement_level": "non_admins", "strict": false, "contexts": names, "checks": checks})
}

fn protection(state: &State, branch: &str) -> Reply {
    if state.head(branch).is_none() {
        return problem(404, "Branch not found");
    }
    let rules = state.rules_of(branch);
    if !rules.is_classic {
        return problem(404, "Branch not protected");
    }
    let mut object = json!({
        "allow_force_pushes": {"enabled": !rules.no_force_push},
        "required_signatures": {"enabled": rules.signed},
    });
    if !rules.required_checks.is_empty() {
        object["required_status_checks"] = checks_json(&rules);
    }
    if rules.required_reviews > 0 {
        object["required_pull_request_reviews"] =
            json!({"required_approving_review_count": rules.required_reviews});
    }
    json_reply(200, &object)
}

/// The rules of rulesets. Source: "Get rules for a branch" of GitHub's REST API.
fn rules_json(rules: &BranchRules) -> Vec<Value> {
    if rules.is_classic {
        return Vec::new();
    }
    let mut found = Vec::new();
    if !rules.required_checks.is_empty() {
        let checks: Vec<Value> = rules
            .required_checks
            .iter()
            .map(|(name, app)| match app {
                Some(app) => json!({"context": name, "integration_id": app}),
                None => json!({"context": name}),
            })
            .collect();
        found.push(json!({
            "type": "required_status_checks",
            "parameters": {
                "required_status_checks": checks, "strict_required_status_checks_policy": false,
            },
        }));
    }
    if rules.required_reviews > 0 {
        let parameters = json!({"required_approving_review_count": rules.required_reviews});
        found.push(json!({"type": "pull_request", "parameters": parameters}));
    }
    for (is_set, name) in [
        (rules.signed, "required_signatures"),
        (rules.no_force_push, "non_fast_forward"),
        (rules.merge_queue, "merge_queue"),
    ] {
        if is_set {
            found.push(json!({"type": name}));
        }
    }
    for rule in &mut found {
        rule["ruleset_id"] = json!(1);
        rule["ruleset_source_type"] = json!("Repository");
    }
    found
}
