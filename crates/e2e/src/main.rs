//! `cargo run -p kafka-edge-e2e -- --url URL`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use kafka_edge_e2e::{Ability, Options, Outcome, consume_together, run};
use lexopt::prelude::*;

const HELP: &str = "\
Plays scenarios against a gateway, over HTTP.

  --url URL             where it is: http://127.0.0.1:3000
  --token SECRET        of a credential that is allowed everything; with none,
                        the gateway is expected to be open to everybody
  --prefix PREFIX       of the topics PREFIX1 (one partition) and PREFIX3
                        (three), which must be there; e2e- by default
  --skip ABILITY        what the gateway cannot do; may be given several times
  --only PART           scenarios whose names contain this; several times
  --consumers NUMBER    afterwards, have so many consumers of one group take ten
                        records each, together; --only - plays nothing else
  --repeats             these may get records twice, but lose none
  --listen ADDRESS      where callbacks are received; 127.0.0.1:0 by default
  --callback-url URL    how the gateway reaches that, if not at the same address
";

#[tokio::main]
async fn main() -> ExitCode {
    match play().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether all went well.
async fn play() -> Result<bool> {
    let Some(Asked { options, consumers, repeats }) = asked()? else { return Ok(true) };
    let report = run(&options, |name, outcome| match outcome {
        Outcome::Passed(time) => println!("ok    {name} ({:.1} s)", time.as_secs_f64()),
        Outcome::Skipped(ability) => println!("skip  {name}: without {ability}"),
        Outcome::Failed(reason) => println!("FAIL  {name}: {reason}"),
    })
    .await?;
    let (failed, skipped) = (report.failed().len(), report.skipped().len());
    println!("{} passed, {failed} failed, {skipped} skipped", report.passed());
    for ability in Ability::ALL {
        let without: Vec<_> =
            report.skipped().into_iter().filter(|(_, why)| *why == ability).collect();
        if !without.is_empty() {
            println!("  {:>3}  without {ability}: {}", without.len(), ability.about());
        }
    }
    let mut is_right = failed == 0;
    if consumers > 0 {
        let consumed = consume_together(&options, consumers, consumers * 10).await?;
        println!("{consumed}");
        is_right &= consumed.is_right(repeats);
    }
    Ok(is_right)
}

struct Asked {
    options: Options,
    consumers: usize,
    /// Whether consumers may get records twice.
    repeats: bool,
}

/// None: help was asked for and given.
fn asked() -> Result<Option<Asked>> {
    let mut options = Options::new("");
    let (mut consumers, mut repeats) = (0, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("url") => options.url = parser.value()?.string()?,
            Long("token") => options.token = Some(parser.value()?.string()?),
            Long("prefix") => options.prefix = parser.value()?.string()?,
            Long("skip") => {
                let name = parser.value()?.string()?;
                let known = || Ability::ALL.map(Ability::name).join(", ");
                let ability = Ability::named(&name);
                options.without.push(
                    ability.with_context(|| format!("--skip {name}: it is one of {}", known()))?,
                );
            }
            Long("only") => options.only.push(parser.value()?.string()?),
            Long("repeats") => repeats = true,
            Long("consumers") => consumers = parser.value()?.parse()?,
            Long("listen") => options.listen = parser.value()?.parse()?,
            Long("callback-url") => options.callback_url = Some(parser.value()?.string()?),
            Short('h') | Long("help") => {
                let abilities = Ability::ALL.map(Ability::name).join(", ");
                print!("{HELP}\nAbilities: {abilities}\n");
                return Ok(None);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(Asked { options, consumers, repeats }))
}
