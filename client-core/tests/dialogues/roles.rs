//! The lines of a client's life, for every role alike and at every step: LC1 to LC14. What is special to a role is in the other files.

use crate::support::{Dialogue, partition, secs};
use client_core::config::RoleName;
use client_core::io::{AdminCommand, NewTopic};
use client_core::{
    Completion, DisconnectCause, Error, Event, Input, LifecycleState, OperationId, StartOffset, StartOutcome,
    Status,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

impl Dialogue {
    /// A client of this role, beside a cluster with the topic `t`. A new role is a line here and in `occupy`.
    fn of(role: RoleName, hosts: &str) -> Self {
        let mut d = match role {
            RoleName::Producer => Self::producer(hosts),
            RoleName::Consumer => Self::consumer(hosts),
            RoleName::Admin => Self::admin(hosts),
        };
        d.cluster.topic("t", &[1]);
        d
    }

    /// Gives a started client something to do that takes a while: when the cluster does not answer, for ever.
    fn occupy(&mut self, role: RoleName) {
        match role {
            RoleName::Producer => {
                self.send("t", "x");
            }
            RoleName::Consumer => self.command(|client, now| {
                let wanted = [(partition("t", 0), StartOffset::Earliest)];
                client.consumer(now).unwrap().assign(&wanted).unwrap();
            }),
            RoleName::Admin => {
                let topics = vec![NewTopic::named("made")];
                self.ask_for(AdminCommand::CreateTopics { topics, validate_only: false }, None);
            }
        }
    }

    /// An operation that every role has, and that only an answer about an unknown topic, or time, can end.
    fn ask(&mut self) -> OperationId {
        self.command(|client, now| client.partitions_for(now, "unknown", None)).unwrap()
    }

    /// Whatever the world still says about connections that are no more is ignored, and a day passes without a sign of life.
    fn is_quiet(&mut self, late: &[client_core::ConnectionId]) {
        self.forget();
        for connection in late.iter().copied() {
            self.input(Input::Connected { connection });
            self.input(Input::Received { connection, bytes: vec![0; 100].into() });
            self.input(Input::Disconnected { connection, cause: DisconnectCause::Closed });
        }
        assert_eq!(self.wait(secs(86_400)), 0, "LC10: woken");
        self.expect_nothing();
        assert!(self.events().is_empty(), "LC10: {:?}", self.events());
    }

    fn open(&self) -> Vec<client_core::ConnectionId> {
        self.open_connections().into_iter().map(|(connection, _)| connection).collect()
    }

    /// The client works: it starts, does what its role does, and stops.
    fn works(mut self, role: RoleName) {
        self = self.started();
        self.occupy(role);
        self.serve();
        let stop = self.stop();
        self.serve();
        assert_eq!(self.result(stop), Ok(Completion::Done));
        assert_eq!(self.state(), LifecycleState::Idle);
    }
}

/// Runs a test for every role, at each step of starting: the client has been started by `begin`, and the cluster has taken so many
/// steps. Also at the step before the first.
fn at_each_step<S>(begin: impl Fn(&mut Dialogue) -> S, check: impl Fn(RoleName, Dialogue, S)) {
    for role in RoleName::ALL {
        for steps in 0.. {
            let mut d = Dialogue::of(role, "b1 b2");
            let begun = begin(&mut d);
            for _ in 0..steps {
                d.serve_one();
            }
            if d.state() != LifecycleState::Starting {
                assert!(steps > 2, "starting has steps");
                break;
            }
            check(role, d, begun);
        }
    }
}

/// Callers come at each step; they get one start between them, which costs what a lone start costs.
#[test]
fn lc1_callers_of_every_step_share_one_start() {
    for role in RoleName::ALL {
        let mut lone = Dialogue::of(role, "b1");
        lone.start();
        lone.serve();
        let cost = lone.client.inspect().counters();

        let mut d = Dialogue::of(role, "b1");
        let mut starts = vec![d.start()];
        while d.state() == LifecycleState::Starting {
            for start in &starts {
                assert_eq!(d.ended(start.operation), None, "told before it is true");
            }
            starts.push(d.start());
            assert_eq!(starts.last().unwrap().outcome, StartOutcome::AlreadyStarting);
            assert!(d.serve_one(), "something happens until it is started");
        }
        assert!(starts.iter().all(|start| d.result(start.operation) == Ok(Completion::Done)));
        let counters = d.client.inspect().counters();
        assert_eq!((counters.bootstraps, counters.connects), (1, 1));
        assert_eq!(counters.requests_sent, cost.requests_sent, "one of each request");
    }
}

/// Whoever calls start() again gets a success and causes nothing: no output, no request, no timer.
#[test]
fn lc2_starting_again_sends_nothing() {
    for role in RoleName::ALL {
        let mut d = Dialogue::of(role, "b1").started();
        d.occupy(role);
        d.serve();
        let before = (d.client.inspect().counters(), d.client.poll_timeout());
        d.forget();
        for _ in 0..100 {
            let start = d.start();
            assert_eq!(start.outcome, StartOutcome::AlreadyStarted);
            assert_eq!(d.result(start.operation), Ok(Completion::Done));
        }
        assert!(d.events().is_empty());
        assert_eq!((d.client.inspect().counters(), d.client.poll_timeout()), before);
    }
}

/// From any step on nobody answers any more; every connection breaks and none comes; or what comes is nonsense.
#[test]
fn lc3_lc10_a_start_that_fails_at_any_step_leaves_nothing() {
    let limited = |d: &mut Dialogue| [d.start_within(secs(5)), d.start_within(secs(5))];
    let failed = |role: RoleName, mut d: Dialogue, starts: [client_core::Start; 2]| {
        assert_eq!(d.state(), LifecycleState::Idle);
        let error = d.result(starts[0].operation);
        assert!(error.is_err());
        assert_eq!(d.result(starts[1].operation), error, "everybody hears the same");
        assert_eq!(d.statuses().last(), Some(&Status::Idle));
        d.is_quiet(&[]);
        d.cluster.set_up("b1", true);
        d.cluster.set_up("b2", true);
        d.works(role);
    };
    at_each_step(limited, |role, mut d, starts| {
        d.wait(secs(5));
        assert_eq!(d.error_code(starts[0].operation), "TIMEOUT");
        failed(role, d, starts);
    });
    at_each_step(limited, |role, mut d, starts| {
        d.cluster.set_up("b1", false);
        d.cluster.set_up("b2", false);
        d.lose_everything();
        while d.state() == LifecycleState::Starting {
            d.serve();
            d.wait_for_deadline();
        }
        assert_eq!(d.error_code(starts[0].operation), "TIMEOUT");
        failed(role, d, starts);
    });
    at_each_step(limited, |role, mut d, starts| {
        while d.state() == LifecycleState::Starting {
            for (connection, open) in d.open_connections() {
                // The one before it may have ended the start.
                let Some(host) = d.host(connection) else { continue };
                if !open {
                    d.we_accept(&host);
                }
                d.input(Input::Received { connection, bytes: vec![0xff; 8].into() });
            }
            if d.state() == LifecycleState::Starting {
                d.wait_for_deadline();
            }
        }
        assert!(
            ["TIMEOUT", "MALFORMED_REPLY", "NO_BROKERS_AVAILABLE"]
                .contains(&d.error_code(starts[0].operation))
        );
        failed(role, d, starts);
    });
}

/// One of two callers leaves at any step, and the other one gets its start; both leave, and it is abandoned.
#[test]
fn lc4_a_caller_leaves_at_any_step() {
    let two = |d: &mut Dialogue| [d.start(), d.start()];
    at_each_step(two, |role, mut d, [first, second]| {
        d.cancel(first.operation);
        assert_eq!(d.result(first.operation), Err(Error::Cancelled));
        assert_eq!((d.state(), d.ended(second.operation)), (LifecycleState::Starting, None));
        d.serve();
        assert_eq!(d.result(second.operation), Ok(Completion::Done));
        assert_eq!(d.client.inspect().counters().bootstraps, 1);
        d.stop();
        d.works(role);
    });
    at_each_step(two, |role, mut d, [first, second]| {
        let late = d.open();
        d.cancel(second.operation);
        d.cancel(first.operation);
        assert_eq!(d.result(first.operation), Err(Error::Cancelled));
        assert_eq!(d.state(), LifecycleState::Idle, "never a stale Starting");
        d.is_quiet(&late);
        d.works(role);
    });
}

/// stop() at any step: the callers hear it, nothing stays open, no success comes late.
#[test]
fn lc5_a_stop_interrupts_a_start_at_any_step() {
    at_each_step(
        |d| [d.start(), d.start()],
        |role, mut d, starts| {
            let late = d.open();
            let stop = d.stop();
            for start in starts {
                assert_eq!(d.result(start.operation), Err(Error::Stopped));
            }
            assert_eq!((d.result(stop), d.state()), (Ok(Completion::Done), LifecycleState::Idle));
            d.is_quiet(&late);
            d.works(role);
        },
    );
}

/// Each start is a real one: another bootstrap, another connection, and work gets done.
#[test]
fn lc6_a_start_after_a_stop_is_a_real_one() {
    for role in RoleName::ALL {
        let mut d = Dialogue::of(role, "b1");
        for round in 1..=3 {
            d = d.started();
            d.occupy(role);
            d.serve();
            let counters = d.client.inspect().counters();
            assert_eq!((counters.bootstraps, counters.connects), (round, round));
            d.stop();
            d.serve();
            assert_eq!(d.state(), LifecycleState::Idle);
        }
    }
}

/// Several stops in one breath, while there is work and when there is none, and on a client that is idle already.
#[test]
fn lc7_stops_end_together() {
    for role in RoleName::ALL {
        let mut d = Dialogue::of(role, "b1");
        let stops = [d.stop(), d.stop()];
        assert!(stops.iter().all(|stop| d.result(*stop) == Ok(Completion::Done)));
        assert!(d.moves().is_empty() && d.events().is_empty(), "nothing to stop");
        d.expect_nothing();
        for busy in [false, true] {
            d = d.started();
            if busy {
                d.occupy(role);
            }
            let stops = [d.stop(), d.stop_within(secs(60)), d.stop()];
            let ended: Vec<bool> = stops.iter().map(|stop| d.ended(*stop).is_some()).collect();
            assert!(ended.iter().all(|it| *it == ended[0]), "together: {ended:?}");
            d.serve();
            assert!(stops.iter().all(|stop| d.result(*stop) == Ok(Completion::Done)));
            let again = d.stop();
            assert_eq!(d.result(again), Ok(Completion::Done));
        }
    }
}

/// Every broker is gone, in the middle of something: stop() ends at its limit, without one in time, and so does what was under way.
#[test]
fn lc8_a_stop_ends_with_every_broker_gone() {
    for role in RoleName::ALL {
        for limit in [Some(secs(2)), None] {
            let mut d = Dialogue::of(role, "b1 b2").started();
            d.occupy(role);
            let asked = d.ask();
            d.cluster.set_up("b1", false);
            d.cluster.set_up("b2", false);
            d.lose_everything();
            let before = d.now();
            let stop = if let Some(limit) = limit { d.stop_within(limit) } else { d.stop() };
            while d.ended(stop).is_none() {
                d.serve();
                d.wait_for_deadline();
            }
            assert_eq!(d.result(stop), Ok(Completion::Done));
            assert!(d.now().since(before) <= limit.unwrap_or(secs(121)), "{role:?} {limit:?}: {}", d.now());
            assert!(d.result(asked).is_err(), "what was asked has a definite end");
            let failed = d.records_ended();
            assert_eq!(failed, usize::from(role == RoleName::Producer), "and so has every record");
            d.is_quiet(&[]);
        }
    }
}

/// Before a start and after a stop calls fail at once, and say why.
#[test]
fn lc9_a_client_that_does_not_run_says_so_at_once() {
    for role in RoleName::ALL {
        let mut d = Dialogue::of(role, "b1");
        for _ in 0..2 {
            let refused = d.command(|client, now| client.partitions_for(now, "t", None));
            assert_eq!(refused, Err(Error::NotStarted { call: "partitionsFor()" }));
            d.expect_nothing();
            d = d.started();
            d.stop();
            d.forget();
        }
    }
}

/// A stop at any moment of a busy life: nothing is open, nothing is planned, nobody waits; and nothing comes back.
#[test]
fn lc10_nothing_is_left_after_a_stop_at_any_moment() {
    for role in RoleName::ALL {
        for steps in 0..12 {
            let mut d = Dialogue::of(role, "b1 b2").started();
            d.occupy(role);
            let asked = d.ask();
            for _ in 0..steps {
                d.serve_one();
            }
            let late = d.open();
            let stop = d.stop_within(secs(1));
            d.wait(secs(1));
            assert_eq!(d.result(stop), Ok(Completion::Done));
            assert_eq!(d.result(asked), Err(Error::Stopped));
            let inspect = d.client.inspect();
            let counters = inspect.counters();
            assert_eq!((inspect.sockets(), inspect.waiters()), (0, 0));
            assert_eq!((counters.timers, counters.operations), (0, 0));
            d.is_quiet(&late);
        }
    }
}

/// A client with nothing to do sleeps until its metadata is old, hour after hour. (That nobody is woken more than twice at one
/// instant is checked after every step of every dialogue.)
#[test]
fn lc11_an_idle_client_wakes_up_for_due_timers_only() {
    for role in RoleName::ALL {
        let mut d = Dialogue::of(role, "b1").started();
        for _ in 0..12 {
            let due = d.client.poll_timeout().expect("metadata ages").at;
            assert_eq!(d.wait(due.since(d.now()) - client_core::Duration::from_micros(1)), 0, "woken early");
            assert_eq!(d.wait(client_core::Duration::from_micros(1)), 1, "woken when it is due");
            d.serve();
        }
        assert!(
            d.now().since(client_core::Instant::ZERO) >= secs(3_000),
            "not more often than every few minutes"
        );
    }
}

/// What cannot be mended reaches whoever waits and whoever calls later; at any step of starting, and while it works.
#[test]
fn lc13_a_broken_client_fails_every_call() {
    let broken = || Error::Internal("the driver is gone".into());
    let check = |mut d: Dialogue, waiting: &[OperationId]| {
        let late = d.open();
        d.command(|client, now| client.fail(now, broken()));
        assert_eq!(d.state(), LifecycleState::Fenced);
        for operation in waiting {
            assert_eq!(d.result(*operation), Err(broken()));
        }
        assert!(d.events().contains(&Event::Fatal(broken())));
        for _ in 0..2 {
            let start = d.start();
            assert_eq!((start.outcome, d.result(start.operation)), (StartOutcome::Refused, Err(broken())));
            assert_eq!(d.command(|client, now| client.partitions_for(now, "t", None)), Err(broken()));
            let stop = d.stop();
            assert_eq!(d.result(stop), Ok(Completion::Done));
        }
        d.is_quiet(&late);
    };
    at_each_step(|d| d.start(), |_, d, start| check(d, &[start.operation]));
    for role in RoleName::ALL {
        let mut d = Dialogue::of(role, "b1").started();
        d.occupy(role);
        let asked = d.ask();
        check(d, &[asked]);
    }
}

/// Nobody listens for an hour: a start with a limit ends at it, to the microsecond; one without goes on, says so, and succeeds.
#[test]
fn lc14_a_start_outlasts_a_cluster_that_is_down() {
    for role in RoleName::ALL {
        let mut d = Dialogue::of(role, "b1 b2");
        d.cluster.set_up("b1", false);
        d.cluster.set_up("b2", false);
        let (patient, limited) = (d.start(), d.start_within(secs(7)));
        while d.now().since(client_core::Instant::ZERO) < secs(3_600) {
            d.serve();
            let deadline = d.wait_for_deadline();
            let is_over = d.ended(limited.operation).is_some();
            assert_eq!(is_over, deadline.at.since(client_core::Instant::ZERO) >= secs(7), "{deadline:?}");
        }
        assert_eq!(d.error_code(limited.operation), "TIMEOUT");
        assert_eq!((d.state(), d.ended(patient.operation)), (LifecycleState::Starting, None));
        let statuses = d.statuses();
        assert!(statuses.contains(&Status::Offline));
        let attempts =
            |status: &Status| matches!(status, Status::Reconnecting { attempt, .. } if *attempt > 1_000);
        assert!(statuses.iter().any(attempts), "attempts are counted");
        d.cluster.set_up("b2", true);
        d.wait(secs(2));
        d.serve();
        assert_eq!(d.result(patient.operation), Ok(Completion::Done));
        assert_eq!(d.statuses().last(), Some(&Status::Connected));
    }
}
