//! One connection: CN1 to CN10, CN13, CN15 to CN17.

mod opening;
mod reconnecting;
mod throttled;
mod unused;
mod violations;

use crate::support::{Delivering, Dialogue, measured, partition, replies, secs};
use client_core::io::{
    ConfigChange, ConfigOperation, ConfigResource, ConfigResourceType, NewPartitions, NewTopic,
};
use client_core::protocol::{ApiVersionsRequest, InitProducerIdRequest, MetadataRequest};
use client_core::{
    AdminCommand, Completion, ConnectionState, DisconnectCause, Error, Input, LifecycleState, OffsetSpec,
    StartOffset, TraceKind,
};
use std::collections::BTreeSet;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

// ---- whose bytes are these ----

/// What belongs to an older generation is ignored and counted, never parsed.
#[test]
fn cn2_an_old_generation_is_history() {
    let mut d = Dialogue::producer("b1").started();
    let old = d.connection("b1");
    d.we_end("b1", DisconnectCause::Reset);
    d.wait(secs(1));
    let new = d.they_connect("b1");
    assert_eq!((new.broker, new.generation), (old.broker, old.generation + 1));
    d.we_accept("b1");
    let asked = d.they_send::<ApiVersionsRequest>("b1");
    d.input(Input::Received { connection: old, bytes: vec![0xff; 50].into() });
    d.input(Input::Disconnected { connection: old, cause: DisconnectCause::Closed });
    d.input(Input::Connected { connection: old });
    assert_eq!(d.client.inspect().counters().stale_inputs, 3);
    assert_eq!(d.connection_state("b1"), ConnectionState::Negotiating);
    assert!(d.view("b1").buffer().is_empty());
    d.we_answer(&asked, replies::versions());
    assert_eq!(d.connection_state("b1"), ConnectionState::Ready);
}

/// The number of a broker that is gone does not come back with the same generations.
#[test]
fn cn2_names_of_connections_are_never_used_again() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_max_age = secs(1));
    d.cluster.topic("t", &[1]);
    d = d.started();
    // Brokers come and go; the harness knows each name that a connection ever had.
    for number in 2..12 {
        let host = format!("b{number}");
        d.cluster = crate::support::cluster::Cluster::new(&format!("b1 {host}"));
        d.cluster.topic("t", &[2]);
        d.wait(secs(1));
        d.serve();
        let record = d.send("t", "x");
        d.serve();
        assert_eq!(d.record_offset(record), 0, "{host} leads now");
        d.cluster = crate::support::cluster::Cluster::new("b1");
        for _ in 0..2 {
            d.wait(secs(1));
            d.serve();
        }
    }
}

/// A driver that says things twice, or out of order, is ignored.
#[test]
fn cn1_a_driver_may_repeat_itself() {
    let mut d = Dialogue::producer("b1");
    d.expects_rejections = true;
    d.start();
    let connection = d.they_connect("b1");
    d.input(Input::Received { connection, bytes: vec![1, 2, 3].into() });
    assert_eq!(d.connection_state("b1"), ConnectionState::Connecting, "bytes before the connection is open");
    d.we_accept("b1");
    d.input(Input::Connected { connection });
    assert_eq!(d.connection_state("b1"), ConnectionState::Negotiating);
    d.serve();
    d.input(Input::Connected { connection });
    assert_eq!(d.state(), LifecycleState::Started);
    let rejected = d.traces().filter(|kind| matches!(kind, TraceKind::TransitionRejected { .. })).count();
    assert_eq!(rejected, 2, "and said so");
}

/// A whole session: start, produce, stop. Returns what can be compared.
fn produce_session(delivery: Delivering) -> Dialogue {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d.delivery = delivery;
    let start = d.start();
    let record = d.send("t", "once");
    serve_and_wait(&mut d, |d| d.record(record).is_some());
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert_eq!(d.record_offset(record), 0, "{delivery:?}");
    assert_eq!(d.cluster.values("t", 0), ["once"], "{delivery:?}: exactly one copy");
    d.stop();
    d
}

/// The same for a consumer: start, look the offset up, fetch, stop.
fn fetch_session(delivery: Delivering) -> Dialogue {
    let mut d = Dialogue::consumer("b1");
    d.cluster.topic("t", &[1]);
    d.cluster.log("t", 0).write(&["a", "b"]);
    d.delivery = delivery;
    d.command(|client, now| {
        client.consumer(now).unwrap().assign(&[(partition("t", 0), StartOffset::Earliest)]).unwrap();
    });
    d.start();
    let mut values = Vec::new();
    serve_and_wait(&mut d, |d| {
        while let Some(batch) = d.command(|client, now| client.consumer(now).unwrap().take()) {
            values.extend(replies::values(&batch.batch));
        }
        !values.is_empty()
    });
    assert_eq!(values, ["a", "b"], "{delivery:?}");
    d.serve();
    d.stop();
    d
}

/// The same for an admin client: start, a life of a topic, stop.
fn admin_session(delivery: Delivering) -> Dialogue {
    let mut d = Dialogue::admin("b1");
    d.delivery = delivery;
    d.start();
    let topic = ConfigResource { kind: ConfigResourceType::Topic, name: "t".into() };
    let change = ConfigChange { name: "x".into(), operation: ConfigOperation::Delete, value: None };
    let commands = [
        AdminCommand::CreateTopics { topics: vec![NewTopic::named("t")], validate_only: false },
        AdminCommand::CreatePartitions {
            topics: vec![NewPartitions { topic: "t".into(), total_count: 2, assignments: Vec::new() }],
            validate_only: false,
        },
        AdminCommand::DescribeConfigs { resources: vec![(topic.clone(), None)] },
        AdminCommand::IncrementalAlterConfigs {
            resources: vec![(topic, vec![change])],
            validate_only: false,
        },
        AdminCommand::ListOffsets {
            partitions: vec![(partition("t", 1), OffsetSpec::Latest)],
            read_committed: true,
        },
        AdminCommand::DeleteRecords { partitions: vec![(partition("t", 1), 0)] },
        AdminCommand::DeleteTopics { topics: vec!["t".into()] },
    ];
    for command in commands {
        let asked = d.ask_for(command.clone(), None);
        serve_and_wait(&mut d, |d| d.ended(asked).is_some());
        let Ok(Completion::Admin(results)) = d.result(asked) else { panic!("{:?}", d.result(asked)) };
        // What was carried out, and asked again because the answer was cut off, has been done already.
        let done = ["TOPIC_ALREADY_EXISTS", "INVALID_PARTITIONS", "UNKNOWN_TOPIC_OR_PARTITION"];
        let good = |result: &Result<_, Error>| {
            result.as_ref().is_ok() || done.contains(&result.as_ref().unwrap_err().code())
        };
        assert!(
            good(&results[0].result.as_ref().map(drop).map_err(Clone::clone)),
            "{delivery:?}: {command:?}: {results:?}"
        );
    }
    assert!(d.cluster.topics.is_empty(), "{delivery:?}: created and deleted");
    d.stop();
    d
}

fn serve_and_wait(d: &mut Dialogue, mut done: impl FnMut(&mut Dialogue) -> bool) {
    for _ in 0..50 {
        d.serve();
        if done(d) {
            return;
        }
        d.wait_for_deadline();
    }
    panic!("it takes too long");
}

/// Cut the broker's bytes at every offset of every reply of a full session: everything goes on, and nothing happens twice. Both
/// when the connection breaks off and when it is closed in order.
#[test]
fn cn3_replies_may_be_cut_anywhere() {
    let mut told = String::new();
    type Session = (&'static str, fn(Delivering) -> Dialogue, &'static [&'static str]);
    let managed = &[
        "ApiVersions",
        "CreatePartitions",
        "CreateTopics",
        "DeleteRecords",
        "DeleteTopics",
        "DescribeConfigs",
        "IncrementalAlterConfigs",
        "ListOffsets",
        "Metadata",
    ];
    let sessions: [Session; 3] = [
        ("producer", produce_session, &["ApiVersions", "InitProducerId", "Metadata", "Produce"]),
        ("consumer", fetch_session, &["ApiVersions", "Fetch", "ListOffsets", "Metadata"]),
        ("admin client", admin_session, managed),
    ];
    for (role, session, apis) in sessions {
        let whole = session(Delivering::Whole);
        let answered: BTreeSet<&str> = whole.traces().filter_map(api_of_response).collect();
        assert_eq!(answered.iter().copied().collect::<Vec<_>>(), apis, "a full session of a {role}");
        let bytes: usize = received(&whole).iter().map(Vec::len).sum();
        for cut in 0..bytes {
            for delivery in [Delivering::CutAfter(cut), Delivering::CloseAfter(cut)] {
                let d = session(delivery);
                let counters = d.client.inspect().counters();
                assert!(counters.connects >= 2, "cut after {cut}");
                // A cut within a message leaves something to throw away.
                let violated = d.traces().any(|kind| matches!(kind, TraceKind::ProtocolViolated { .. }));
                assert!(!violated, "cut after {cut}: what comes next is read as if nothing had been");
                assert_eq!(d.unanswered(), 0, "cut after {cut}: each request was answered or failed");
            }
        }
        let replies = received(&whole).len();
        told += &format!(
            "CN3: {role}: cut at each of {bytes} offsets of {replies} replies, broken off and closed\n"
        );
    }
    measured("CN3", &told);
}

fn api_of_response(kind: &TraceKind) -> Option<&'static str> {
    if let TraceKind::ResponseReceived { api, .. } = kind { Some(api) } else { None }
}

/// Where bytes are cut means nothing.
#[test]
fn cn4_cn15_any_chunking_gives_the_same_frames() {
    for session in [produce_session, fetch_session, admin_session] {
        let whole = received(&session(Delivering::Whole));
        for size in [1, 2, 3, 4, 5, 7, 16, 61] {
            assert_eq!(received(&session(Delivering::Chunks(size))), whole, "in chunks of {size}");
        }
    }
}

/// Many frames in one piece.
#[test]
fn cn4_frames_may_come_glued_together() {
    let mut d = Dialogue::producer("b1");
    let start = d.start();
    d.handshake("b1");
    let metadata = d.they_send::<MetadataRequest>("b1");
    let producer_id = d.they_send::<InitProducerIdRequest>("b1");
    let mut glued = d.encoded(&metadata, replies::metadata("b1", &[]));
    glued.extend(d.encoded(&producer_id, replies::producer_id(7)));
    glued.extend([0, 0]);
    d.we_send(metadata.connection, glued.into());
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert_eq!(d.view("b1").buffer(), [0, 0], "the beginning of the next one");
}

/// The frames that the client took from its connections.
fn received(d: &Dialogue) -> Vec<Vec<u8>> {
    let frame = |kind: &TraceKind| match kind {
        TraceKind::ResponseReceived { frame, .. } => Some(frame.to_vec()),
        _ => None,
    };
    d.traces().filter_map(frame).collect()
}
