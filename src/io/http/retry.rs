//! Asks again after faults that pass, at the pace the server wants. It never repeats a request that could change something.

use http::header;
use tokio::time::{Instant, sleep, sleep_until};

use super::transport::{Transport, host_of};
use super::{Answer, Ask, HttpError, HttpSettings};

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
    loop {
        if let Some(until) = transport.hosts.find_rest(&host) {
            sleep_until(until).await;
        }
        let sent = Instant::now();
        let answer = transport.follow(ask).await;
        note_silence(transport, &host, sent, &answer);
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
                // A host that breaks an answer off is there, and may answer the next request.
                if matches!(
                    error,
                    HttpError::Unreachable { .. } | HttpError::TooSlow { .. }
                ) {
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
                // The pause holds for every request to the host; this one rests at the top of the loop.
                if let Some(wanted) = wanted {
                    transport.hosts.rest(host.clone(), Instant::now() + wanted);
                } else {
                    sleep(pause).await;
                }
            }
        }
        attempt += 1;
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
        Ok(_) => transport.hosts.mark_heard(host),
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
