//! `runup token`.

use tokio::time::Instant;

use super::mending::{context, metadata_proxy};
use super::preparing::findings;
use super::print;
use super::waiting::waited_for;
use crate::check::{Check, Evidence};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::finding::Circumstances;
use crate::finding::policy::Policy;
use crate::log::Console;
use crate::plan::Retry;
use crate::preflight::Outcome;
use crate::report;

/// Prints a token of the metadata server.
pub fn token(check: Check, retry: Retry, environment: Environment, console: &Console) -> ExitCode {
    let circumstances = Circumstances {
        metadata_proxy: metadata_proxy(&environment),
        ..Circumstances::default()
    };
    let context = context(environment, None, retry);
    let begin = Instant::now();
    let checks = vec![check];
    let outcomes = waited_for(checks, &context, retry, &Policy::default(), begin, console);
    match outcomes.map(|mut outcomes| outcomes.pop()) {
        Err(code) => code,
        Ok(Some(Outcome {
            result: Ok(Evidence::Metadata(proven)),
            ..
        })) => print(&format!("{}\n", proven.proof.token.text.reveal()), console),
        Ok(outcome) => {
            let outcomes: Vec<_> = outcome.into_iter().collect();
            let found = findings(&outcomes, &circumstances);
            for finding in &found {
                console.say(&report::block(finding));
            }
            ExitCode::of_several(found.iter().map(|finding| finding.exit)).unwrap_or(ExitCode::Bug)
        }
    }
}
