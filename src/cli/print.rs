//! Prints outcomes: data to stdout, everything else to stderr, and nothing of it as a secret or as more than a text.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;

use super::shown_json::ShownJson;
use super::{Color, Paging, screen};
use crate::command::{Data, Outcome};
use crate::error::{CommandError, Status};
use crate::io::http::conceal;
use crate::report::terminal::{Form, Look, render, styled};

const ESCAPED: &str = "characters that a terminal or a CI system would act on are shown escaped, so a diff with them does not apply; --format json has \
                       them as they are";

/// Prints help, a version, or what is wrong with the arguments, and returns the exit status.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // 2 is clap's own status for a fault of usage.
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    // A fault repeats arguments, which a CI system may have from anybody.
    let plain = error.render().to_string();
    let safe = shown(&plain);
    // A reader that went away is no fault of ours.
    let _ = if safe == plain {
        // clap knows the right stream and its colours.
        error.print()
    } else {
        write!(std::io::stderr(), "{safe}")
    };
    ExitCode::from(code)
}

/// Prints what a command has to say, and returns its exit status.
pub(super) fn outcome(
    result: Result<Outcome, CommandError>,
    color: Color,
    paging: Paging,
) -> ExitCode {
    let choice = match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    let mut stderr = anstream::AutoStream::new(std::io::stderr(), choice);
    let status = match result {
        Ok(outcome) => {
            let written = print_data(&outcome, choice, paging);
            say(&mut stderr, &outcome);
            match written {
                // A reader that went away, as `head` does, has what it wanted.
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    let message = format!("cannot write the output: {error}");
                    say_error(&mut stderr, &message, std::iter::empty());
                    Status::Error
                }
                Ok(printed) => {
                    if printed.is_escaped {
                        let _ = writeln!(stderr, "note: {ESCAPED}");
                    }
                    outcome.status.unwrap_or(Status::Done)
                }
                Err(_) => outcome.status.unwrap_or(Status::Done),
            }
        }
        Err(error) => {
            let hints = error.hints().iter().map(String::as_str);
            say_error(&mut stderr, &error.to_string(), hints);
            Status::Error
        }
    };
    ExitCode::from(status.code())
}

/// What became of the data.
struct Printed {
    is_escaped: bool,
}

fn print_data(
    outcome: &Outcome,
    choice: anstream::ColorChoice,
    paging: Paging,
) -> std::io::Result<Printed> {
    let choice = match outcome.form {
        Form::Styled => choice,
        Form::Plain | Form::Json | Form::Commands | Form::Script => {
            // Nothing of these is styled by the program, so nothing may be taken out of them.
            anstream::ColorChoice::AlwaysAnsi
        }
    };
    let text = match &outcome.data {
        Data::Text(text) => Cow::Borrowed(text.as_str()),
        Data::Json(value) if !std::io::stdout().is_terminal() => {
            let mut out = ShownJson::new(std::io::stdout().lock());
            value.write_json(&mut out)?;
            out.flush()?;
            // JSON has a spelling of its own for every sign.
            return Ok(Printed { is_escaped: false });
        }
        // A pager wants to know how long it is.
        Data::Json(value) => {
            let mut bytes = Vec::new();
            value.write_json(&mut bytes)?;
            Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
        }
    };
    let rendered = render(&conceal(&text), outcome.form);
    if paging == Paging::Never || !is_paged(&rendered.text, choice) {
        print_text(&rendered.text, choice)?;
    }
    Ok(Printed {
        is_escaped: rendered.is_escaped,
    })
}

fn print_text(text: &str, choice: anstream::ColorChoice) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    let is_auto = choice == anstream::ColorChoice::Auto;
    if is_auto && anstream::AutoStream::choice(&stdout) == anstream::ColorChoice::Never {
        // The stream would write each piece between two colours by itself.
        let plain = anstream::adapter::strip_str(text).to_string();
        stdout.write_all(plain.as_bytes())?;
    } else {
        anstream::AutoStream::new(&mut stdout, choice).write_all(text.as_bytes())?;
    }
    stdout.flush()
}

/// Shows a text in the pager where there is one for it. One that cannot be started shows nothing, so the text is printed then.
fn is_paged(text: &str, choice: anstream::ColorChoice) -> bool {
    let Some(pager) = screen::pager(text) else {
        return false;
    };
    // The pager writes to the same terminal, so colours are those that stdout would get.
    let choice = match choice {
        anstream::ColorChoice::Auto => anstream::AutoStream::choice(&std::io::stdout()),
        asked => asked,
    };
    let shown = match choice {
        anstream::ColorChoice::Never => pager.show(&anstream::adapter::strip_str(text).to_string()),
        _ => pager.show(text),
    };
    shown.is_ok()
}

/// Says on stderr what there is to say beside the data. That stderr is gone is no reason to fail.
fn say(stderr: &mut impl Write, outcome: &Outcome) {
    for notice in &outcome.notices {
        let _ = writeln!(stderr, "{}", shown(notice));
    }
    for warning in &outcome.warnings {
        let _ = writeln!(stderr, "warning: {}", shown(warning));
    }
    for (fault, hint) in &outcome.faults {
        say_error(stderr, fault, std::iter::once(hint.as_str()));
    }
}

fn say_error<'h>(stderr: &mut impl Write, message: &str, hints: impl Iterator<Item = &'h str>) {
    let label = render(&styled(Look::Alarm, "error"), Form::Styled);
    let _ = writeln!(stderr, "{}: {}", label.text, shown(message));
    for hint in hints {
        let _ = writeln!(stderr, "  hint: {}", shown(hint));
    }
}

fn shown(text: &str) -> String {
    render(&conceal(text), Form::Plain).text
}
