//! `cargo xtask kafka`: starts, shows and stops a real Apache Kafka on loopback.

use super::Verb;
use crate::args;
use crate::error::{Error, Result};
use crate::kafka::{Cluster, Options};
use lexopt::prelude::*;
use std::process::ExitCode;

pub(super) const VERB: Verb = Verb {
    name: "kafka",
    usage: "kafka up|down|status [--brokers 1|3] [--version V] [--name NAME]",
    about: "a real Apache Kafka on loopback, with plaintext, SASL and TLS listeners: one name=address line each",
    run,
};

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut action = None;
    let mut options = Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("brokers") => options.brokers = args::value(&mut args, "brokers", "1 or 3")?,
            Long("version") => options.version = args::text(&mut args)?,
            Long("name") => options.name = args::text(&mut args)?,
            Value(ref word) if action.is_none() => action = Some(word.to_string_lossy().into_owned()),
            Short(_) | Long(_) | Value(_) => return Err(args::unknown("kafka", &arg)),
        }
    }
    options.check()?;
    match action.as_deref() {
        Some("up") => print!("{}", Cluster::up(&options)?.report()),
        Some("down") => Cluster::down(&options.name)?,
        Some("status") => return status(&options.name),
        Some(other) => return Err(Error::new(format!("kafka {other}: expected up, down or status"))),
        None => return Err(Error::new("kafka: expected up, down or status").help(VERB.usage)),
    }
    Ok(ExitCode::SUCCESS)
}

fn status(name: &str) -> Result<ExitCode> {
    let Some(cluster) = Cluster::load(name)? else {
        eprintln!("xtask: no cluster named `{name}` is running; `cargo xtask kafka up` starts one");
        return Ok(ExitCode::FAILURE);
    };
    let dead = cluster.dead_brokers();
    if dead.is_empty() {
        print!("{}", cluster.report());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "xtask: broker {dead:?} of cluster `{name}` has ended; its log is in {}",
        cluster.logs().display()
    );
    Ok(ExitCode::FAILURE)
}
