//! `doctor`: is the state sound, and would it survive the loss of its database? Changes nothing.

mod files;
mod items;
mod state;

use super::{Context, Failure, hints, next, note, print, print_json, setup};
use crate::cli::{DoctorArgs, ExitCode};
use crate::render;
use crate::store::Store;
use serde_json::json;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// As it should be.
    Ok,
    /// Worth a look.
    Warn,
    /// Broken, or about to be.
    Fail,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        }
    }
}

/// One line of the examination.
struct Finding {
    check: &'static str,
    level: Level,
    found: String,
    /// What to do; empty: nothing.
    advice: String,
}

/// The examination so far.
#[derive(Default)]
struct Chart(Vec<Finding>);

impl Chart {
    fn add(&mut self, check: &'static str, level: Level, found: impl Into<String>, advice: &str) {
        self.0.push(Finding {
            check,
            level,
            found: found.into(),
            advice: advice.to_owned(),
        });
    }

    fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.add(check, Level::Ok, found, "");
    }
}

/// Examines everything. Leaves with 3 when something is worth a look or broken.
pub async fn doctor(context: &Context, args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref())?;
    let mut chart = Chart::default();
    files::examine(&config, &mut chart);
    let store = match Store::open_read_only(&config.state.path) {
        Ok(store) => {
            state::examine(&config, &store, &mut chart)?;
            store
        }
        // A damaged database is told above. The items are then looked at as if it were lost.
        Err(_) => Store::open_in_memory()?,
    };
    let mut relinked = Vec::new();
    let mut unreachable = None;
    if args.offline {
        chart.ok("services", "not asked (--offline)");
    } else {
        match items::examine(&config, store, &mut chart).await {
            Ok(rows) => relinked = rows,
            Err(failure) => {
                let found = failure.message.replace('\n', "; ");
                chart.add(
                    "services",
                    Level::Fail,
                    found,
                    "mend that, or look at the files only: --offline",
                );
                unreachable = Some(failure.code);
            }
        }
    }
    let worst = chart.0.iter().map(|finding| finding.level).max();
    if context.global.json {
        let findings: Vec<_> = chart
            .0
            .iter()
            .map(|finding| {
                json!({ "check": finding.check, "level": finding.level.word().to_lowercase(),
                        "found": finding.found, "advice": finding.advice })
            })
            .collect();
        print_json(&json!({ "format_version": 1, "findings": findings, "would_relink": relinked }));
    } else {
        let rows: Vec<Vec<String>> = chart
            .0
            .iter()
            .map(|finding| {
                vec![
                    finding.level.word().to_owned(),
                    finding.check.to_owned(),
                    // Before a cell is broken into lines.
                    hints::with_program(&finding.found).into_owned(),
                    hints::with_program(&finding.advice).into_owned(),
                ]
            })
            .collect();
        let headers = ["", "check", "found", "what to do"];
        print(&render::table(&headers, &rows, &context.style));
    }
    if let Some(code) = unreachable {
        return Ok(code);
    }
    let bad = chart.0.iter().filter(|one| one.level != Level::Ok).count();
    if context.global.quiet && bad > 0 {
        let bad = render::plural(bad, "finding needs a look", "findings need a look");
        note(&format!(
            "{bad}; `{}` names what\n",
            next(context, "doctor")
        ));
    }
    Ok(match worst {
        Some(Level::Ok) | None => ExitCode::Done,
        Some(Level::Warn | Level::Fail) => ExitCode::Partial,
    })
}
