//! The admin client: which broker is asked for what, what is asked again, and how each part of a command ends.

use crate::support::{Dialogue, partition, replies, secs};
use client_core::io::{
    ConfigChange, ConfigOperation, ConfigResource, ConfigResourceType, NewPartitions, NewTopic,
};
use client_core::protocol::*;
use client_core::{
    AdminCommand, AdminFound, AdminResult, AdminSubject, Completion, DisconnectCause, Error, LifecycleState,
    OffsetSpec, OperationId,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

impl Dialogue {
    fn results(&self, operation: OperationId) -> Vec<AdminResult> {
        match self.result(operation) {
            Ok(Completion::Admin(results)) => results,
            other => panic!("{operation} ended with {other:?}"),
        }
    }

    /// The code of each part's error, or `OK`.
    fn codes(&self, operation: OperationId) -> Vec<&'static str> {
        self.results(operation)
            .iter()
            .map(|part| part.result.as_ref().map_or_else(Error::code, |_| "OK"))
            .collect()
    }

    /// Asks, and lets the cluster answer.
    fn asked(&mut self, command: AdminCommand) -> OperationId {
        let operation = self.ask_for(command, None);
        self.serve();
        operation
    }
}

fn create(names: &[&str]) -> AdminCommand {
    let topics = names.iter().map(|name| NewTopic { num_partitions: 3, ..NewTopic::named(name) });
    AdminCommand::CreateTopics { topics: topics.collect(), validate_only: false }
}

fn delete(names: &[&str]) -> AdminCommand {
    AdminCommand::DeleteTopics { topics: names.iter().map(|name| (*name).into()).collect() }
}

fn offsets(wanted: &[(&str, i32, OffsetSpec)]) -> AdminCommand {
    let partitions = wanted.iter().map(|(topic, number, offset)| (partition(topic, *number), *offset));
    AdminCommand::ListOffsets { partitions: partitions.collect(), read_committed: false }
}

fn resource(kind: ConfigResourceType, name: &str) -> ConfigResource {
    ConfigResource { kind, name: name.into() }
}

/// A started admin client beside three brokers, of which the second is the controller.
fn admin() -> Dialogue {
    let mut d = Dialogue::admin("b1 b2 b3");
    d.cluster.controller = 2;
    d.started()
}

#[test]
fn topics_are_created_described_and_deleted() {
    let mut d = admin();
    let created = d.asked(create(&["one", "two"]));
    assert_eq!(d.codes(created), ["OK", "OK"]);

    let described = d.asked(AdminCommand::DescribeTopics { topics: vec!["two".into()] });
    let [AdminResult { result: Ok(AdminFound::Topic(topic)), .. }] = &d.results(described)[..] else {
        panic!("{:?}", d.results(described));
    };
    assert_eq!((topic.topic.as_str(), topic.partitions.len(), topic.is_internal), ("two", 3, false));
    assert_eq!(topic.topic_id.as_deref(), Some("BwcHBwcHBwcHBwcHBwcHBw"));
    assert_eq!(topic.partitions[2].leader, Some(1));

    let new = NewPartitions { topic: "two".into(), total_count: 4, assignments: Vec::new() };
    let command = AdminCommand::CreatePartitions { topics: vec![new], validate_only: false };
    let more = d.asked(command.clone());
    assert_eq!((d.codes(more), d.cluster.topics["two"].len()), (vec!["OK"], 4));
    let again = d.asked(command);
    let text = d.results(again)[0].result.as_ref().unwrap_err().to_string();
    assert!(text.starts_with("CreatePartitions of two (so it is): INVALID_PARTITIONS: "), "{text}");

    let listed = d.asked(AdminCommand::ListTopics { include_internal: false });
    let [AdminResult { subject: AdminSubject::Cluster, result: Ok(AdminFound::Topics(topics)) }] =
        &d.results(listed)[..]
    else {
        panic!("{:?}", d.results(listed));
    };
    let names: Vec<&str> = topics.iter().map(|topic| topic.topic.as_str()).collect();
    assert_eq!(names, ["one", "two"]);

    let gone = d.asked(delete(&["one", "two"]));
    assert_eq!((d.codes(gone), d.cluster.topics.len()), (vec!["OK", "OK"], 0));
}

/// Each part has its own end, in the order in which they were named; a broker that finds fault with one does the others.
#[test]
fn parts_end_one_by_one() {
    let mut d = admin();
    d.cluster.topic("old", &[1]);
    let mut command = create(&["new", "old", "none"]);
    if let AdminCommand::CreateTopics { topics, .. } = &mut command {
        topics[2].num_partitions = 0;
    }
    let created = d.asked(command);
    assert_eq!(d.codes(created), ["OK", "TOPIC_ALREADY_EXISTS", "INVALID_PARTITIONS"]);
    let subjects = d.results(created).into_iter().map(|part| part.subject).collect::<Vec<_>>();
    assert_eq!(subjects, ["new", "old", "none"].map(|name| AdminSubject::Topic(name.into())));
    let gone = d.asked(delete(&["new", "never"]));
    assert_eq!(d.codes(gone), ["OK", "UNKNOWN_TOPIC_OR_PARTITION"]);
    let nothing = d.asked(delete(&[]));
    assert_eq!(d.results(nothing), []);
}

#[test]
fn a_check_changes_nothing() {
    let mut d = admin();
    let topics = vec![NewTopic::named("t")];
    let checked = d.asked(AdminCommand::CreateTopics { topics, validate_only: true });
    assert_eq!((d.codes(checked), d.cluster.topics.len()), (vec!["OK"], 0));
}

/// A broker that finds the client's knowledge out of date says so of the whole reply; the client begins anew, and the command goes on.
#[test]
fn a_command_outlives_a_new_beginning() {
    let mut d = Dialogue::admin("b1").started();
    d.cluster.topic("t", &[1]);
    let asked = d.ask_for(AdminCommand::DescribeTopics { topics: vec!["t".into()] }, None);
    let metadata = d.they_send::<MetadataRequest>("b1");
    let error_code = ErrorCode::RebootstrapRequired.code();
    d.we_answer(&metadata, MetadataResponse { error_code, ..replies::metadata("b1", &[]) });
    assert_eq!(d.ended(asked), None);
    while d.ended(asked).is_none() {
        d.serve();
        if d.ended(asked).is_none() {
            d.wait_for_deadline();
        }
    }
    assert_eq!(d.codes(asked), ["OK"]);
    assert!(d.now().since(client_core::Instant::ZERO) < secs(2));
}

/// What contradicts itself is refused before anybody is asked.
#[test]
fn a_topic_has_an_assignment_or_numbers() {
    let mut d = admin();
    let replica_assignment = vec![(0, vec![1, 2])];
    let both = NewTopic { replica_assignment, num_partitions: 1, ..NewTopic::named("t") };
    let command = AdminCommand::CreateTopics { topics: vec![both], validate_only: false };
    let refused = d.command(|client, now| client.admin(now).unwrap().request(command, None));
    assert_eq!(refused.unwrap_err().code(), "INVALID_ARGUMENT");
    d.expect_nothing();
}

/// The controller has moved: metadata says where to, and the command goes there.
#[test]
fn a_command_follows_the_controller() {
    let mut d = admin();
    d.asked(create(&["first"]));
    d.cluster.controller = 3;
    let created = d.asked(create(&["second"]));
    assert_eq!(d.ended(created), None, "the one that was the controller refuses");
    d.wait(secs(2));
    d.serve();
    d.wait(secs(2));
    d.serve();
    assert_eq!(d.codes(created), ["OK"]);
    assert!(d.view("b3").in_flight().is_empty() && d.cluster.topics.contains_key("second"));
}

/// The reply to a creation gets lost: asked again, the broker says that the topic is there. So does Java's client.
#[test]
fn a_lost_reply_is_asked_for_again() {
    let mut d = admin();
    d.asked(create(&["first"]));
    let created = d.ask_for(create(&["t"]), None);
    let connection = d.connection("b2");
    d.serve_and_lose(connection);
    assert_eq!(d.ended(created), None);
    d.wait(secs(1));
    d.serve();
    assert_eq!(d.codes(created), ["TOPIC_ALREADY_EXISTS"]);
    assert_eq!(d.cluster.topics["t"].len(), 3, "created once");
}

/// A broker that does not answer: the command ends at its limit, to the microsecond, and says what stood in the way.
#[test]
fn a_command_ends_at_its_limit() {
    for limit in [None, Some(secs(3))] {
        let mut d = admin();
        d.cluster.admin_errors.extend([ErrorCode::ThrottlingQuotaExceeded; 10_000]);
        let created = d.ask_for(create(&["t", "u"]), limit);
        let end = d.now() + limit.unwrap_or(secs(60));
        while d.ended(created).is_none() {
            d.serve();
            d.wait_for_deadline();
        }
        assert_eq!((d.now(), d.codes(created)), (end, vec!["TIMEOUT", "TIMEOUT"]));
        let text = d.results(created)[0].result.as_ref().unwrap_err().to_string();
        assert!(
            text.starts_with("createTopics() did not end within ") && text.contains("THROTTLING_QUOTA"),
            "{text}"
        );
        assert_eq!(d.client.inspect().waiters(), 0);
    }
}

/// What has ended by then keeps its end.
#[test]
fn only_what_has_not_ended_runs_out_of_time() {
    let mut d = admin();
    d.cluster.topic("t", &[1, 3]);
    d.cluster.set_black_hole("b3", true);
    let command = offsets(&[("t", 0, OffsetSpec::Latest), ("t", 1, OffsetSpec::Latest)]);
    let found = d.ask_for(command, Some(secs(5)));
    while d.ended(found).is_none() {
        d.serve();
        d.wait_for_deadline();
    }
    assert_eq!(d.codes(found), ["OK", "TIMEOUT"]);
}

/// Each partition's leader is asked about it, once per request; two questions about one partition are two requests.
#[test]
fn offsets_come_from_leaders() {
    let mut d = admin();
    d.cluster.topic("t", &[1, 2, 3]);
    d.cluster.log("t", 1).write(&["a", "b"]);
    let wanted = [
        ("t", 2, OffsetSpec::Latest),
        ("t", 1, OffsetSpec::Latest),
        ("t", 1, OffsetSpec::Earliest),
        ("t", 0, OffsetSpec::Latest),
    ];
    let found = d.asked(offsets(&wanted));
    let found: Vec<(i32, i64)> = d
        .results(found)
        .iter()
        .map(|part| match &part.result {
            Ok(AdminFound::Offset(found)) => (found.partition.partition, found.offset),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, [(2, 0), (1, 2), (1, 0), (0, 0)]);
    let sent = d.client.inspect().counters().requests_sent;
    // The topics are nobody's business afterwards.
    d.wait(secs(250));
    assert_eq!(d.client.inspect().counters().requests_sent, sent);
}

/// A leader that is one no more says so; the new one is looked up.
#[test]
fn a_question_follows_the_leader() {
    let mut d = admin();
    d.cluster.topic("t", &[3]);
    d.cluster.log("t", 0).write(&["a", "b", "c"]);
    let command = AdminCommand::DeleteRecords { partitions: vec![(partition("t", 0), 2)] };
    let deleted = d.ask_for(command, None);
    while !d.has_request("b3") || !d.next_is::<DeleteRecordsRequest>("b3") {
        assert!(d.serve_one());
    }
    d.cluster.elect("t", 0, 1);
    d.serve();
    assert_eq!(d.ended(deleted), None);
    d.wait(secs(1));
    d.serve();
    let [AdminResult { result: Ok(AdminFound::LowWatermark(low)), .. }] = d.results(deleted)[..] else {
        panic!("{:?}", d.results(deleted));
    };
    assert_eq!((low, d.cluster.log("t", 0).start), (2, 2));
}

/// A broker that has not heard of a topic may hear of it in a moment: it is asked three times more, then believed.
#[test]
fn a_topic_may_be_news_to_a_broker() {
    let commands =
        [AdminCommand::DescribeTopics { topics: vec!["t".into()] }, offsets(&[("t", 0, OffsetSpec::Latest)])];
    for command in commands {
        for appears in [true, false] {
            let mut d = admin();
            let asked = d.asked(command.clone());
            assert_eq!(d.ended(asked), None, "not yet");
            if appears {
                d.cluster.topic("t", &[1]);
            }
            let begun = d.now();
            while d.ended(asked).is_none() {
                d.wait_for_deadline();
                d.serve();
            }
            assert_eq!(d.codes(asked), [if appears { "OK" } else { "UNKNOWN_TOPIC_OR_PARTITION" }]);
            assert!(d.now().since(begun) < secs(1), "{command:?}: {:?}", d.now().since(begun));
        }
    }
}

/// A broker's own settings come from that broker, everything else from any; one that is not there is waited for.
#[test]
fn settings_come_from_those_who_know() {
    let mut d = admin();
    let resources = [
        resource(ConfigResourceType::Broker, "3"),
        resource(ConfigResourceType::Topic, "7"),
        resource(ConfigResourceType::Broker, ""),
        resource(ConfigResourceType::Broker, "2"),
    ];
    let command =
        AdminCommand::DescribeConfigs { resources: resources.iter().map(|it| (it.clone(), None)).collect() };
    let asked = d.asked(command);
    let of = |part: &AdminResult| match &part.result {
        Ok(AdminFound::Configs(configs)) => configs[0].value.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    let found: Vec<String> = d.results(asked).iter().map(of).collect();
    assert_eq!((found[0].as_str(), found[3].as_str()), ("3", "2"));

    let change = ConfigChange { name: "of".into(), operation: ConfigOperation::Set, value: Some("x".into()) };
    let resources = vec![(resources[1].clone(), vec![change]), (resources[2].clone(), Vec::new())];
    let changed = d.asked(AdminCommand::IncrementalAlterConfigs { resources, validate_only: false });
    assert_eq!(d.codes(changed), ["OK", "INVALID_REQUEST"]);
    let text = d.results(changed)[1].result.as_ref().unwrap_err().to_string();
    assert!(text.starts_with("IncrementalAlterConfigs of all of Broker: "), "{text}");

    let resources = vec![(resource(ConfigResourceType::Broker, "9"), None)];
    let nowhere = d.ask_for(AdminCommand::DescribeConfigs { resources }, Some(secs(4)));
    while d.ended(nowhere).is_none() {
        d.serve();
        d.wait_for_deadline();
    }
    let error = d.results(nowhere)[0].result.clone().unwrap_err();
    let Error::Timeout { cause: Some(cause), .. } = error else { panic!("{error}") };
    assert_eq!(cause.code(), "BROKER_NOT_AVAILABLE");
}

#[test]
fn the_cluster_describes_itself() {
    let mut d = admin();
    let asked = d.asked(AdminCommand::DescribeCluster);
    let [AdminResult { result: Ok(AdminFound::Cluster(cluster)), .. }] = &d.results(asked)[..] else {
        panic!("{:?}", d.results(asked));
    };
    assert_eq!((cluster.cluster_id.as_deref(), cluster.controller), (Some("test"), Some(2)));
    let brokers: Vec<(i32, &str)> = cluster.brokers.iter().map(|it| (it.node_id, it.host.as_str())).collect();
    assert_eq!(brokers, [(1, "b1"), (2, "b2"), (3, "b3")]);
}

/// A broker too old for a command: nothing is asked twice.
#[test]
fn an_old_broker_is_an_error_at_once() {
    let mut d = Dialogue::admin("b1");
    d.start();
    d.they_connect("b1");
    d.we_accept("b1");
    let asked = d.they_send::<ApiVersionsRequest>("b1");
    d.we_answer(&asked, replies::versions_without(ApiKey::IncrementalAlterConfigs));
    d.serve();
    let resources = vec![(resource(ConfigResourceType::Topic, "t"), Vec::new())];
    let changed = d.asked(AdminCommand::IncrementalAlterConfigs { resources, validate_only: false });
    assert_eq!(d.codes(changed), ["UNSUPPORTED_VERSION"]);
}

/// A reply that leaves something out is no answer to it.
#[test]
fn an_answer_that_is_missing_is_an_error() {
    let mut d = Dialogue::admin("b1").started();
    let created = d.ask_for(create(&["t"]), None);
    let asked = d.they_send::<CreateTopicsRequest>("b1");
    assert_eq!((asked.body.timeout_ms, asked.body.topics[0].num_partitions), (30_000, 3));
    d.we_answer(&asked, CreateTopicsResponse::default());
    assert_eq!(d.codes(created), ["MALFORMED_REPLY"]);
}

/// stop() lets what is under way end, as Java's close() does; at its limit it ends with the client.
#[test]
fn lc8_a_stop_waits_for_commands() {
    for in_time in [true, false] {
        let mut d = admin();
        let created = d.ask_for(create(&["t"]), None);
        let stop = d.stop_within(secs(2));
        assert_eq!((d.state(), d.ended(stop)), (LifecycleState::Stopping, None));
        let late = d.command(|client, now| client.admin(now).unwrap().request(create(&["u"]), None));
        assert_eq!(late, Err(Error::NotStarted { call: "createTopics()" }));
        if in_time {
            d.serve();
            assert_eq!(d.codes(created), ["OK"]);
        } else {
            d.wait(secs(2));
            assert_eq!(d.result(created), Err(Error::Stopped));
        }
        assert_eq!((d.result(stop), d.state()), (Ok(Completion::Done), LifecycleState::Idle));
    }
}

/// Whoever gives up is told so alone; what comes back for it is nobody's.
#[test]
fn lc4_a_command_can_be_given_up() {
    let mut d = admin();
    let operations = [d.ask_for(create(&["t"]), None), d.ask_for(create(&["u"]), None)];
    d.cancel(operations[0]);
    assert_eq!(d.result(operations[0]), Err(Error::Cancelled));
    d.serve();
    assert_eq!(d.codes(operations[1]), ["OK"]);
    // A stop need not wait for what nobody waits for.
    let created = d.ask_for(create(&["v"]), None);
    let stop = d.stop();
    d.cancel(created);
    assert_eq!(d.result(stop), Ok(Completion::Done));
}

/// The broker is gone for a while: the command waits for it, and does not ask more often than it connects.
#[test]
fn a_command_waits_for_its_broker() {
    let mut d = admin();
    d.asked(create(&["first"]));
    d.cluster.set_up("b2", false);
    d.we_end("b2", DisconnectCause::Reset);
    let created = d.asked(create(&["t"]));
    let begun = d.now();
    let sent = d.client.inspect().counters().requests_sent;
    while d.now().since(begun) < secs(20) {
        d.serve();
        d.wait_for_deadline();
    }
    assert_eq!(d.ended(created), None);
    assert!(d.client.inspect().counters().requests_sent - sent < 60, "metadata once a second at most");
    d.cluster.set_up("b2", true);
    for _ in 0..4 {
        d.wait(secs(1));
        d.serve();
    }
    assert_eq!(d.codes(created), ["OK"]);
}
