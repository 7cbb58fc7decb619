//! What can go wrong between a request and its answer. A status such as 404 or 500 is an answer, not an error.

use std::error::Error as _;
use std::io;
use std::time::Duration;

const NO_CONNECTION: &str = "no connection in time";
const NO_ANSWER: &str = "no answer in time";

/// A request that got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The text is no http or https URL.
    #[error("invalid URL `{url}`: {reason}")]
    BadUrl {
        /// The text.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no connection, and the cache does not know the answer.
    #[error("{url} is not in the cache and --offline is set; run once without --offline")]
    NotCached {
        /// The URL.
        url: String,
    },
    /// The host could not be reached, in this request or in one before it.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The URL.
        url: String,
        /// What happened: `connection refused`.
        reason: String,
    },
    /// The connection broke in the middle of the answer.
    #[error("the answer from {url} broke off: {reason}")]
    BrokenOff {
        /// The URL.
        url: String,
        /// What happened.
        reason: String,
        /// Whether any of the answer had come.
        has_begun: bool,
    },
    /// The answer is longer than anything that is expected there.
    #[error("the answer from {url} is longer than {limit} bytes")]
    TooLarge {
        /// The URL.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The time for all sources together is over.
    #[error("no answer from {url} within {} (--timeout)", in_words(*limit))]
    OutOfTime {
        /// The URL.
        url: String,
        /// The time that there was.
        limit: Duration,
    },
    /// The answer trickles.
    #[error("the answer from {url} is too slow: less than {bytes_per_second} bytes per second")]
    TooSlow {
        /// The URL.
        url: String,
        /// The least that was expected.
        bytes_per_second: u64,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects to {target}, which is not followed: {reason}")]
    Redirect {
        /// The URL that was asked first.
        url: String,
        /// Where it points.
        target: String,
        /// Why it is not followed.
        reason: &'static str,
    },
    /// A secret would have travelled readable by others.
    #[error("not sending a token to {url} over plain http; use https")]
    PlainToken {
        /// The URL.
        url: String,
    },
    /// The client could not be set up.
    #[error(
        "cannot set up TLS for {url}: {reason}; check the system's CA certificates or set SSL_CERT_FILE"
    )]
    Setup {
        /// The URL that needed it.
        url: String,
        /// What happened.
        reason: String,
    },
}

impl HttpError {
    /// Returns the URL that was asked, without user names and passwords.
    pub fn url(&self) -> &str {
        match self {
            Self::BadUrl { url, .. }
            | Self::NotCached { url }
            | Self::Unreachable { url, .. }
            | Self::BrokenOff { url, .. }
            | Self::TooLarge { url, .. }
            | Self::OutOfTime { url, .. }
            | Self::TooSlow { url, .. }
            | Self::Redirect { url, .. }
            | Self::PlainToken { url }
            | Self::Setup { url, .. } => url,
        }
    }

    /// Returns what happened without the URL: `connection refused`.
    pub fn reason(&self) -> String {
        match self {
            Self::BadUrl { reason, .. }
            | Self::Unreachable { reason, .. }
            | Self::Setup { reason, .. } => reason.clone(),
            Self::NotCached { .. } => "not in the cache and --offline is set".to_owned(),
            Self::BrokenOff { reason, .. } => format!("the answer broke off: {reason}"),
            Self::TooLarge { limit, .. } => format!("the answer is longer than {limit} bytes"),
            Self::OutOfTime { limit, .. } => {
                format!("no answer within {} (--timeout)", in_words(*limit))
            }
            Self::TooSlow {
                bytes_per_second, ..
            } => format!("the answer is too slow: less than {bytes_per_second} bytes per second"),
            Self::Redirect { target, reason, .. } => {
                format!("redirects to {target}, which is not followed: {reason}")
            }
            Self::PlainToken { .. } => "a token is not sent over plain http".to_owned(),
        }
    }

    /// Tells whether asking again may help.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::BrokenOff { .. })
    }

    /// Tells whether the host refused a connection or closed it unused, as hosts do that have too many.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Unreachable { .. } => !self.is_silence(),
            Self::BrokenOff { has_begun, .. } => !has_begun,
            _ => false,
        }
    }

    /// Returns what went wrong before there was any answer.
    pub(super) fn without_answer(url: &str, error: &reqwest::Error) -> Self {
        match Self::of_transport(url, error) {
            Self::BrokenOff { url, reason, .. } => Self::BrokenOff {
                url,
                reason,
                has_begun: false,
            },
            other => other,
        }
    }

    /// Says that there was no answer in time.
    pub(super) fn silent(url: &str) -> Self {
        Self::Unreachable {
            url: redact(url),
            reason: NO_ANSWER.to_owned(),
        }
    }

    /// Tells whether the host let the request wait in vain.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Self::Unreachable { reason, .. } if reason == NO_ANSWER || reason == NO_CONNECTION)
    }

    /// Says what a fault of the transport means for the one who asked for `url`.
    pub(super) fn of_transport(url: &str, error: &reqwest::Error) -> Self {
        let shown = redact(url);
        if error.is_timeout() {
            let reason = if error.is_connect() {
                NO_CONNECTION
            } else {
                NO_ANSWER
            };
            return Self::Unreachable {
                url: shown,
                reason: reason.to_owned(),
            };
        }
        if error.is_connect() {
            return Self::Unreachable {
                url: shown,
                reason: connect_reason(error),
            };
        }
        Self::BrokenOff {
            url: shown,
            reason: "the connection was closed early".to_owned(),
            has_begun: true,
        }
    }
}

/// Returns a time as it is written on the command line: `2m`, `90s`.
fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{time:?}"),
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// Finds the cause of a failed connection in the chain of sources, which differs between name lookup, TCP and TLS.
fn connect_reason(error: &reqwest::Error) -> String {
    let mut last = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        last = cause.to_string();
        // The connector tells a failed lookup in words alone.
        if last.contains("dns error") {
            return "unknown host name".to_owned();
        }
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            match cause.kind() {
                io::ErrorKind::ConnectionRefused => return "connection refused".to_owned(),
                io::ErrorKind::ConnectionReset => return "connection reset".to_owned(),
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    return "no route to the host".to_owned();
                }
                _ => {}
            }
        }
        source = cause.source();
    }
    match last.split_once("invalid peer certificate: ") {
        Some((_, fault)) => certificate_reason(fault),
        None => last,
    }
}

/// Says what is wrong with a certificate. The words that are known are those of `rustls::CertificateError`.
fn certificate_reason(fault: &str) -> String {
    let (what, advice) = if fault.starts_with("UnknownIssuer") {
        (
            "its certificate is signed by an unknown CA",
            "if the host has its own CA, set SSL_CERT_FILE",
        )
    } else if fault.contains("Expired") || fault.contains("expired") {
        (
            "its certificate has expired",
            "renew it, or check the clock of this machine",
        )
    } else if fault.contains("NotValidYet") || fault.contains("not valid yet") {
        (
            "its certificate is not valid yet",
            "check the clock of this machine",
        )
    } else if fault.contains("NotValidForName") || fault.contains("not valid for name") {
        ("its certificate is for another host", "check the URL")
    } else if fault.contains("CaUsedAsEndEntity") {
        (
            "it uses a CA's certificate as its own",
            "give the server a certificate that the CA has signed",
        )
    } else if fault.starts_with("Revoked") {
        ("its certificate was revoked", "renew it")
    } else {
        (
            "its certificate is invalid",
            "inspect it with openssl s_client -connect HOST:443",
        )
    };
    format!("{what}; {advice}")
}

/// Returns the URL without user name and password, as it may be shown.
pub(crate) fn redact(url: &str) -> String {
    let Ok(mut parsed) = url::Url::parse(url) else {
        return url.to_owned();
    };
    if parsed.username().is_empty() && parsed.password().is_none() {
        return url.to_owned();
    }
    let hidden = parsed
        .set_password(None)
        .and_then(|()| parsed.set_username("***"));
    if hidden.is_err() {
        return "(a URL with a password)".to_owned();
    }
    parsed.to_string()
}

/// Returns the URL without query, which may carry a signature, and without user name and password.
pub(super) fn redact_target(url: &url::Url) -> String {
    let mut plain = url.clone();
    plain.set_query(None);
    redact(plain.as_str())
}
