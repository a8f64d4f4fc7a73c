//! The transition tables: drawn in the documentation, and complete. CN1.

use crate::support::sasl::SaslServer;
use crate::support::{Dialogue, secs};
use client_core::connection::TRANSITIONS as CONNECTION;
use client_core::lifecycle::TRANSITIONS as LIFECYCLE;
use client_core::{
    ConnectionState, CredentialSource, Credentials, DisconnectCause, Entropy, Error, LifecycleState,
    Mechanism, Sasl, edge,
};
use std::collections::BTreeSet;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DOCUMENT: &str = include_str!("../../../docs/state-machines.md");

/// The drawings in docs/state-machines.md are those of the tables.
#[test]
fn the_documentation_draws_the_tables() {
    let drawings =
        [edge::mermaid(LIFECYCLE, LifecycleState::name), edge::mermaid(CONNECTION, ConnectionState::name)];
    for drawing in drawings {
        let block = format!("```mermaid\n{drawing}```\n");
        assert!(
            DOCUMENT.contains(&block),
            "docs/state-machines.md lacks this drawing, or draws it otherwise:\n{block}"
        );
    }
}

/// Every move that the tables have is made in some dialogue. Every move that is made is in a table: the harness fails on a
/// rejected one.
#[test]
fn cn1_every_legal_move_happens() {
    let expected: BTreeSet<_> = LIFECYCLE
        .iter()
        .map(|edge| ("lifecycle", edge.from.name(), edge.to.name()))
        .chain(CONNECTION.iter().map(|edge| ("connection", edge.from.name(), edge.to.name())))
        .collect();
    let mut made = BTreeSet::new();

    let fail = |d: &mut Dialogue| d.command(|client, now| client.fail(now, Error::Internal("x".into())));
    for step in 0..4 {
        let mut d = Dialogue::producer("b1");
        if step > 0 {
            d.start();
        }
        if step > 1 {
            d.serve();
        }
        if step > 2 {
            d.send("unknown", "x");
            d.stop();
        }
        fail(&mut d);
        made.extend(d.moves());
    }
    let mut d = Dialogue::producer_with("b1 b2", |config, _| config.connections_max_idle = secs(20));
    d.cluster.topic("t", &[2]);
    d.start();
    d.they_connect("b1");
    d.we_refuse("b1");
    d.they_connect("b2");
    d.we_accept("b2");
    d.we_end("b2", DisconnectCause::Reset);
    d.stop();
    d.start();
    d.serve();
    // b2 refuses once; what was to be sent has failed by the time its wait is over, and nobody needs it any more.
    d.cluster.set_up("b2", false);
    d.send("t", "x");
    d.serve();
    d.wait(secs(25));
    d.serve();
    d.stop_within(secs(1));
    d.wait(secs(1));
    made.extend(d.moves());

    let mut d = Dialogue::producer("b1");
    d.start();
    d.they_connect("b1");
    d.we_refuse("b1");
    d.wait_for_deadline();
    made.extend(d.moves());

    let mut d = Dialogue::producer_with("b1", |config, _| {
        let credentials = CredentialSource::Fixed(Credentials::password("alice", "secret-4711"));
        let entropy = Some(Entropy([1; 32]));
        config.sasl = Some(Sasl { mechanism: Mechanism::Plain, credentials, entropy });
    });
    let mut server = SaslServer::new();
    server.lifetime = 10_000;
    d.cluster.sasl = Some(server);
    d.start();
    d.serve();
    d.wait(secs(10));
    d.send("t", "x");
    d.lose_everything();
    made.extend(d.moves());

    assert_eq!(expected.difference(&made).collect::<Vec<_>>(), [] as [&(_, _, _); 0], "never made");
    assert_eq!(made.difference(&expected).collect::<Vec<_>>(), [] as [&(_, _, _); 0], "not in the tables");
}

/// Each pair of states is in the table at most once, every state can be reached and left (but for the last one of a life).
#[test]
fn cn1_the_tables_are_sound() {
    for from in LifecycleState::ALL {
        for to in LifecycleState::ALL {
            let edges = LIFECYCLE.iter().filter(|edge| edge.from == from && edge.to == to).count();
            assert!(edges <= 1 && (from != to || edges == 0), "{from:?} -> {to:?}");
        }
        let is_last = from == LifecycleState::Fenced;
        assert_eq!(LIFECYCLE.iter().any(|edge| edge.from == from), !is_last, "{from:?} can be left");
        assert!(LIFECYCLE.iter().any(|edge| edge.to == from), "{from:?} can be reached");
    }
    for from in ConnectionState::ALL {
        for to in ConnectionState::ALL {
            let edges = CONNECTION.iter().filter(|edge| edge.from == from && edge.to == to).count();
            assert!(edges <= 1 && (from != to || edges == 0), "{from:?} -> {to:?}");
        }
        assert!(CONNECTION.iter().any(|edge| edge.from == from), "{from:?} can be left");
        assert!(CONNECTION.iter().any(|edge| edge.to == from), "{from:?} can be reached");
        // Whatever has a socket can lose it.
        let can_be_lost =
            CONNECTION.iter().any(|edge| edge.from == from && edge.to == ConnectionState::Disconnected);
        assert!(!from.has_socket() || can_be_lost, "{from:?} can be lost");
    }
}
