//! Asks again after faults that pass, at the pace the server wants. It never repeats a request that could change something.

use std::time::Duration;

use http::header;
use tokio::time::{Instant, sleep, sleep_until};

use super::transport::{Transport, host_of};
use super::{Answer, Ask, HttpError, HttpSettings};

/// How often a request is repeated that a host refused while it answered others: it took them for too many.
const CROWDED: u32 = 5;

/// Sends a request and repeats it where that may help.
pub(super) async fn exchange(
    transport: &Transport,
    settings: &HttpSettings,
    ask: &Ask,
) -> Result<Answer, HttpError> {
    // A mirror has a host of its own: the one that is really asked may rest or be down.
    let host = host_of(&transport.rewrite(ask, &ask.url));
    let retries = if ask.is_repeatable() {
        settings.retries
    } else {
        0
    };
    let mut attempt = 0;
    let mut crowded = 0;
    loop {
        if let Some(until) = transport.hosts.find_rest(&host) {
            sleep_until(until).await;
        }
        let sent = Instant::now();
        let answer = transport.follow(ask).await;
        note_silence(transport, &host, sent, &answer);
        let others_served = transport.hosts.has_served_since(&host, sent);
        if others_served && retries > 0 && crowded < CROWDED && is_refused(&answer) {
            let wanted = answer.as_ref().ok().and_then(Answer::retry_after);
            if wanted.is_none_or(|wanted| wanted <= settings.longest_pause) {
                let pause = settings.retry_pause.saturating_mul(1 << crowded);
                rest_or_sleep(transport, &host, wanted, pause).await;
                crowded += 1;
                continue;
            }
        }
        // A shift by 32 bits or more would overflow.
        let pause = settings.retry_pause.saturating_mul(1 << attempt.min(10));
        let is_given_up = transport
            .hosts
            .find_silence(&host)
            .is_some_and(|since| since.elapsed() >= settings.patience);
        let is_last = attempt >= retries || transport.hosts.is_troubled(&host) || is_given_up;
        match answer {
            // Another request may have given the host up in the meantime.
            Err(error) if error.is_transient() && !is_last && !transport.is_down(&error) => {
                sleep(pause).await;
            }
            Err(error) => {
                // A host that refuses one of many, or breaks an answer off, is there, and may answer the next request.
                let is_full = others_served && error.is_refusal();
                if is_no_host(&error) && !is_full {
                    let down = host_of(error.url());
                    transport.hosts.mark_down(down, &error.reason());
                }
                return Err(error);
            }
            Ok(answer) if !is_passing(&answer) => return Ok(answer),
            Ok(answer) => {
                let wanted = answer.retry_after();
                let too_long = wanted.is_some_and(|wanted| wanted > settings.longest_pause);
                if is_last || too_long {
                    transport.hosts.mark_troubled(host);
                    return Ok(answer);
                }
                rest_or_sleep(transport, &host, wanted, pause).await;
            }
        }
        attempt += 1;
    }
}

/// Lets the host rest for as long as it wants; where it does not say so, this request alone pauses.
async fn rest_or_sleep(
    transport: &Transport,
    host: &str,
    wanted: Option<Duration>,
    pause: Duration,
) {
    match wanted {
        // The pause holds for every request to the host; this one rests at the top of the loop.
        Some(wanted) => transport
            .hosts
            .rest(host.to_owned(), Instant::now() + wanted),
        None => sleep(pause).await,
    }
}

fn is_no_host(error: &HttpError) -> bool {
    matches!(
        error,
        HttpError::Unreachable { .. } | HttpError::TooSlow { .. }
    )
}

/// Tells whether the host did not take the request, as hosts do that have too many.
fn is_refused(answer: &Result<Answer, HttpError>) -> bool {
    match answer {
        Ok(answer) => matches!(answer.status, 429 | 503) && is_passing(answer),
        Err(error) => error.is_refusal(),
    }
}

/// Remembers whether the host let a request wait in vain: all of its silence together is waited out once, not for each repetition.
fn note_silence(
    transport: &Transport,
    host: &str,
    sent: Instant,
    answer: &Result<Answer, HttpError>,
) {
    match answer {
        Err(error) if error.is_silence() => transport.hosts.mark_silent(host_of(error.url()), sent),
        Err(_) => {}
        Ok(answer) => {
            transport.hosts.mark_heard(host);
            if !is_passing(answer) {
                transport.hosts.mark_served(host);
            }
        }
    }
}

/// Tells whether the fault may pass soon. GitHub says 403 with a pause when it is asked too fast; a budget that is used up
/// comes back in an hour, not in a second.
fn is_passing(answer: &Answer) -> bool {
    let is_used_up = answer
        .headers
        .get("x-ratelimit-remaining")
        .is_some_and(|left| left == "0");
    match answer.status {
        408 | 429 | 500 | 502..=504 => !is_used_up,
        403 => !is_used_up && answer.headers.contains_key(header::RETRY_AFTER),
        _ => false,
    }
}
