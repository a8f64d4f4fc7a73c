//! `cargo xtask kafka`: starts, shows and stops a real Apache Kafka on loopback.

use super::Verb;
use crate::args;
use crate::error::{Error, Result};
use crate::kafka::{Cluster, Disturbance, Options};
use lexopt::prelude::*;
use std::process::ExitCode;

pub(super) const VERB: Verb = Verb {
    name: "kafka",
    usage: "kafka up|down|status|kill N|freeze N|thaw N|restart N [--brokers 1|3] [--version V] [--name NAME]",
    about: "a real Apache Kafka on loopback, with plaintext, SASL and TLS listeners: one name=address line each",
    run,
};

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut action = None;
    let mut broker = None;
    let mut options = Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("brokers") => options.brokers = args::value(&mut args, "brokers", "1 or 3")?,
            Long("version") => options.version = args::text(&mut args)?,
            Long("name") => options.name = args::text(&mut args)?,
            Long("proxied") => {
                for port in args::text(&mut args)?.split(',') {
                    options.proxied.push(port.parse().map_err(|_| {
                        Error::new(format!("--proxied {port}: expected a port number for each broker"))
                    })?);
                }
            }
            Long("min-in-sync") => {
                options.min_in_sync_replicas = args::value(&mut args, "min-in-sync", "a number of replicas")?;
            }
            Value(ref word) if action.is_some() && broker.is_none() => {
                let found = word.to_string_lossy();
                broker = Some(found.parse::<usize>().map_err(|_| {
                    Error::new(format!("kafka: expected the number of a broker, found `{found}`"))
                })?);
            }
            Value(ref word) if action.is_none() => action = Some(word.to_string_lossy().into_owned()),
            Short(_) | Long(_) | Value(_) => return Err(args::unknown("kafka", &arg)),
        }
    }
    options.check()?;
    let disturbance = action.as_deref().and_then(disturbance);
    match (disturbance, broker) {
        (Some(disturbance), Some(broker)) => {
            Cluster::disturb(&options.name, broker, disturbance)?;
            return Ok(ExitCode::SUCCESS);
        }
        (Some(_), None) => return Err(Error::new("kafka: which broker? 1, 2 or 3").help(VERB.usage)),
        (None, Some(broker)) => {
            return Err(Error::new(format!("kafka: broker {broker} of what?")).help(VERB.usage));
        }
        (None, None) => {}
    }
    match action.as_deref() {
        Some("up") => print!("{}", Cluster::up(&options)?.report()),
        Some("down") => Cluster::down(&options.name)?,
        Some("status") => return status(&options.name),
        Some(other) => {
            return Err(Error::new(format!(
                "kafka {other}: expected up, down, status, kill, freeze, thaw or restart"
            )));
        }
        None => return Err(Error::new("kafka: expected up, down or status").help(VERB.usage)),
    }
    Ok(ExitCode::SUCCESS)
}

fn disturbance(action: &str) -> Option<Disturbance> {
    match action {
        "kill" => Some(Disturbance::Kill),
        "freeze" => Some(Disturbance::Freeze),
        "thaw" => Some(Disturbance::Thaw),
        "restart" => Some(Disturbance::Restart),
        _ => None,
    }
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
