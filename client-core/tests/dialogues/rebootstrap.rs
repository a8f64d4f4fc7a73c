//! Losing sight of the cluster, and finding it again: CN11 (KIP-899, KIP-1102, KIP-1242).

use crate::support::cluster::Cluster;
use crate::support::{Dialogue, ms, partition, replies, secs};
use client_core::protocol::{
    ApiVersionsRequest, ErrorCode, InitProducerIdRequest, MetadataRequest, MetadataResponse, ProduceRequest,
};
use client_core::{
    CloseReason, Completion, ConnectionState, DisconnectCause, Error, MetadataRecovery, Status, TraceKind,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A producer that has written to t-0, which b2 leads. Only b1 is configured.
fn writing() -> Dialogue {
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_max_age = secs(3_600));
    d.cluster = Cluster::new("b1 b2");
    d.cluster.compares_nodes = true;
    d.cluster.topic("t", &[2]);
    d = d.started();
    d.send("t", "first");
    d.serve();
    d.forget();
    d
}

impl Dialogue {
    /// Lets time pass and the cluster answer, step by step, for so long.
    fn live(&mut self, time: client_core::Duration) {
        let end = self.now() + time;
        self.serve();
        while self.client.poll_timeout().is_some_and(|deadline| deadline.at <= end) {
            self.wait_for_deadline();
            self.serve();
        }
        let rest = end.since(self.now());
        self.wait(rest);
        self.serve();
    }

    /// Metadata is wanted, and the one who is asked has nothing to say.
    fn metadata_without_brokers(&mut self, host: &str) {
        let asked = self.they_send::<MetadataRequest>(host);
        self.we_answer(&asked, MetadataResponse::default());
    }

    fn rebootstraps(&self) -> usize {
        self.traces().filter(|kind| matches!(kind, TraceKind::Rebootstrapped { .. })).count()
    }

    /// The errors by which connections ended.
    fn causes(&self) -> Vec<&'static str> {
        let cause = |status: &Status| match status {
            Status::Reconnecting { cause, .. } => Some(cause.code()),
            _ => None,
        };
        self.statuses().iter().filter_map(cause).collect()
    }
}

// ---- the configured addresses ----

/// KIP-1102: a known broker that answers everything but metadata is given so much time, and no more.
#[test]
fn cn11_metadata_that_does_not_come_ends_in_a_rebootstrap() {
    let mut d = Dialogue::producer_with("b1", |config, _| {
        config.metadata_max_age = secs(30);
        config.rebootstrap_trigger = secs(20);
    });
    d.cluster = Cluster::new("b2");
    d = d.started();
    d.wait(secs(30));
    d.serve();
    assert_eq!(d.connection_state("b2"), ConnectionState::Ready);
    d.forget();
    d.wait(secs(30));
    let began = d.now();
    while d.rebootstraps() == 0 {
        d.metadata_without_brokers("b2");
        if !d.has_request("b2") {
            d.wait_for_deadline();
        }
        assert!(d.now().since(began) <= secs(20), "no later");
    }
    assert_eq!(d.now().since(began), secs(20), "no sooner");
    assert_eq!(d.they_close("b2"), CloseReason::Rebootstrap);
    assert_eq!(d.view("b2").node(), None);
    d.they_connect("b1");
    d.we_accept("b1");
    let asked = d.they_send::<ApiVersionsRequest>("b1");
    assert_eq!((asked.body.cluster_id.as_deref(), asked.body.node_id), (None, -1), "whoever is there");
    d.we_answer(&asked, replies::versions());
    d.cluster = Cluster::new("b3");
    d.cluster.topic("t", &[1]);
    d.serve();
    let record = d.send("t", "x");
    d.serve();
    assert_eq!(d.record_offset(record), 0);
    assert!(d.view_of("b2").is_none(), "forgotten");
    d.wait(secs(5));
    assert_eq!(d.rebootstraps(), 1);
}

/// Metadata that comes again in time changes nothing.
#[test]
fn cn11_metadata_that_comes_late_keeps_everything() {
    let mut d = Dialogue::producer_with("b1", |config, _| {
        config.metadata_max_age = secs(30);
        config.rebootstrap_trigger = secs(20);
    })
    .started();
    for _ in 0..3 {
        d.wait(secs(30));
        let began = d.now();
        while d.now().since(began) < secs(19) {
            d.metadata_without_brokers("b1");
            if !d.has_request("b1") {
                d.wait_for_deadline();
            }
        }
        d.serve();
    }
    assert_eq!(d.rebootstraps(), 0);
    assert_eq!(d.view("b1").id().generation, 1);
}

/// KIP-1102: a broker may want it at once. Every connection is made anew, the one that said so, too.
#[test]
fn cn11_a_broker_may_want_a_rebootstrap() {
    let mut d = writing();
    let (one, two) = (d.connection("b1"), d.connection("b2"));
    let record = d.send("t", "x");
    let produce = d.they_send::<ProduceRequest>("b2");
    d.command(|client, now| client.partitions_for(now, "other", None)).unwrap();
    let asked = d.they_send::<MetadataRequest>("b1");
    let refused =
        MetadataResponse { error_code: ErrorCode::RebootstrapRequired.code(), ..Default::default() };
    d.we_answer(&asked, refused);
    assert_eq!(
        [d.they_close("b1"), d.they_close("b2")],
        [CloseReason::Rebootstrap, CloseReason::Rebootstrap]
    );
    // What was in flight had arrived, and is sent again: it is written once.
    d.cluster.answer("b2", &produce.body.into(), true);
    d.serve();
    assert_eq!(d.record_offset(record), 1);
    assert_eq!(d.cluster.values("t", 0), ["first", "x"]);
    assert_eq!(d.connection("b1").generation, one.generation + 1);
    assert!(d.connection("b2") != two);
    assert_eq!(d.statuses(), [Status::Connected], "all is well again");
}

/// A broker that wants it again and again gets it less and less often.
#[test]
fn cn9_rebootstraps_are_bounded() {
    let mut d = writing();
    d.command(|client, now| client.partitions_for(now, "other", None)).unwrap();
    let began = d.now();
    let mut asked = 0;
    while d.now().since(began) < secs(60) {
        if d.has_request("b1") && d.next_is::<MetadataRequest>("b1") {
            let request = d.they_send::<MetadataRequest>("b1");
            let error_code = ErrorCode::RebootstrapRequired.code();
            d.we_answer(&request, MetadataResponse { error_code, ..Default::default() });
            asked += 1;
        } else if !d.serve_one() {
            d.wait_for_deadline();
        }
    }
    assert!((5..=12).contains(&d.rebootstraps()), "{} rebootstraps in a minute", d.rebootstraps());
    assert!(asked <= 100, "{asked} metadata requests in a minute");
    d.live(secs(120));
    let record = d.send("t", "x");
    d.live(secs(1));
    assert!(d.record(record).is_some_and(Result::is_ok), "and once it is content, all is well");
}

/// Before the start is over, it is no failure either.
#[test]
fn a_start_goes_on_after_a_rebootstrap() {
    let mut d = Dialogue::consumer("b1");
    let start = d.start();
    d.handshake("b1");
    let asked = d.they_send::<MetadataRequest>("b1");
    let error_code = ErrorCode::RebootstrapRequired.code();
    d.we_answer(&asked, MetadataResponse { error_code, ..Default::default() });
    assert_eq!(d.ended(start.operation), None);
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// Without recovery the configured addresses are for the beginning only.
#[test]
fn cn11_without_recovery_known_brokers_are_asked_for_ever() {
    let mut d = Dialogue::producer_with("b1", |config, _| {
        config.metadata_recovery = MetadataRecovery::None;
        config.rebootstrap_trigger = secs(10);
        config.metadata_max_age = secs(5);
    });
    d.cluster = Cluster::new("b2");
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "x");
    d.serve();
    d.live(secs(6));
    d.cluster.set_up("b2", false);
    d.lose_everything();
    let before = d.attempts().get("b1").map_or(0, Vec::len);
    d.live(secs(60));
    assert_eq!(d.attempts().get("b1").map_or(0, Vec::len), before);
    assert_eq!(d.rebootstraps(), 0);
    d.cluster.set_up("b2", true);
    let record = d.send("t", "y");
    d.live(secs(3));
    assert!(d.record(record).is_some_and(Result::is_ok));
    // A broker's wish is an error like any other.
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_recovery = MetadataRecovery::None);
    let start = d.start();
    d.handshake("b1");
    let asked = d.they_send::<MetadataRequest>("b1");
    let error_code = ErrorCode::RebootstrapRequired.code();
    d.we_answer(&asked, MetadataResponse { error_code, ..Default::default() });
    assert_eq!(d.error_code(start.operation), "REBOOTSTRAP_REQUIRED");
}

/// A stop leaves no wish for it behind (LC10: the harness counts the timers).
#[test]
fn lc10_a_stop_forgets_that_metadata_did_not_come() {
    let mut d = writing();
    d.command(|client, now| client.partitions_for(now, "other", None)).unwrap();
    d.metadata_without_brokers("b1");
    let stop = d.stop();
    d.serve();
    assert_eq!(d.result(stop), Ok(Completion::Done));
}

// ---- whom the client means ----

/// KIP-1242: the first connection cannot say whom it means; later ones say it, where brokers understand it.
#[test]
fn a_connection_says_whom_it_means() {
    let mut d = Dialogue::producer("b1");
    d.cluster = Cluster::new("b1 b2");
    d.cluster.topic("t", &[2]);
    d.start();
    d.they_connect("b1");
    d.we_accept("b1");
    let asked = d.they_send::<ApiVersionsRequest>("b1");
    assert_eq!((asked.version, asked.body.cluster_id.as_deref(), asked.body.node_id), (4, None, -1));
    d.we_answer(&asked, replies::versions_comparing());
    // Metadata says who it should be: then it is asked.
    let asked = d.they_send::<MetadataRequest>("b1");
    let id = d.they_send::<InitProducerIdRequest>("b1");
    d.we_answer(&asked, replies::metadata("b1 b2", &[("t", &[2])]));
    d.we_answer(&id, replies::producer_id(7));
    let asked = d.they_send::<ApiVersionsRequest>("b1");
    assert_eq!((asked.version, asked.body.cluster_id.as_deref(), asked.body.node_id), (5, Some("test"), 1));
    d.we_answer(&asked, replies::versions_comparing());
    assert_eq!(d.connection_state("b1"), ConnectionState::Ready);
    d.expect_nothing();
    d.send("t", "x");
    while d.view_of("b2").is_none_or(|view| view.state() == ConnectionState::Disconnected) {
        d.serve_one();
    }
    d.they_connect("b2");
    d.we_accept("b2");
    let asked = d.they_send::<ApiVersionsRequest>("b2");
    assert_eq!((asked.version, asked.body.cluster_id.as_deref(), asked.body.node_id), (5, Some("test"), 2));
    // An older broker: it says so, and is asked as it wants. The next one is not troubled.
    d.we_answer(&asked, replies::versions_unsupported(4));
    let asked = d.they_send::<ApiVersionsRequest>("b2");
    assert_eq!((asked.version, asked.body.cluster_id.as_deref(), asked.body.node_id), (4, None, -1));
    d.we_answer(&asked, replies::versions());
    assert_eq!(d.connection_state("b2"), ConnectionState::Ready);
    d.wait(secs(2));
    d.we_end("b1", DisconnectCause::Reset);
    d.wait(secs(1));
    d.they_connect("b1");
    d.we_accept("b1");
    assert_eq!(d.they_send::<ApiVersionsRequest>("b1").version, 4);
}

/// The configured address leads to another broker than metadata names there: that is found out, too.
#[test]
fn a_configured_address_is_compared_as_soon_as_it_can_be() {
    let mut d = Dialogue::producer("b1 b2");
    d.cluster = Cluster::new("b1 b2");
    d.cluster.compares_nodes = true;
    d.cluster.topic("t", &[1, 2]);
    d.cluster.lies_about("b1");
    d.start();
    d.live(secs(1));
    assert!(d.causes().contains(&"REBOOTSTRAP_REQUIRED"), "{:?}", d.causes());
    d.send("t/1", "x");
    d.live(secs(2));
    assert_eq!(d.cluster.values("t", 1), ["x"]);
    let record = d.send("t/0", "y");
    d.live(secs(5));
    assert_eq!(d.record(record), None, "nobody is taken for b1");
    assert_ne!(d.connection_state("b1"), ConnectionState::Ready);
}

/// Who cannot follow a broker's word does not ask for it.
#[test]
fn without_recovery_nobody_is_meant() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_recovery = MetadataRecovery::None);
    d.cluster.compares_nodes = true;
    d = d.started();
    d.wait(secs(2));
    d.we_end("b1", DisconnectCause::Reset);
    d.they_connect("b1");
    d.we_accept("b1");
    assert_eq!(d.they_send::<ApiVersionsRequest>("b1").version, 4);
}

/// A broker that is somebody else says so; the client begins anew, and finds the right one.
#[test]
fn a_misrouted_connection_leads_to_a_rebootstrap() {
    let mut d = writing();
    d.wait(secs(2));
    // Node 2 has another address now, and b2 is node 3.
    d.cluster.rename("b1 b3 b2");
    d.we_end("b2", DisconnectCause::Reset);
    let record = d.send("t", "x");
    d.live(secs(1));
    assert_eq!(d.record_offset(record), 1);
    assert!(d.causes().contains(&"REBOOTSTRAP_REQUIRED"), "{:?}", d.causes());
    assert_eq!(d.rebootstraps(), 1);
    assert!(d.view_of("b3").is_some());
}

/// Where metadata itself leads astray, beginning anew does not help: others must not suffer from it.
#[test]
fn cn9_cn10_a_route_that_stays_wrong_disturbs_others_less_and_less() {
    let mut d = Dialogue::producer("b1");
    d.cluster = Cluster::new("b1 b2");
    d.cluster.compares_nodes = true;
    d.cluster.topic("t", &[2, 1]);
    d = d.started();
    // What stands at b2 is not who metadata says.
    d.cluster.lies_about("b2");
    d.send("t/0", "nobody takes it");
    let mut slowest = secs(0);
    let began = d.now();
    while d.now().since(began) < secs(60) {
        let record = d.send("t/1", "y");
        let before = d.now();
        while d.record(record).is_none() {
            d.serve();
            if d.record(record).is_none() {
                d.wait_for_deadline();
            }
        }
        assert!(d.record(record).is_some_and(Result::is_ok), "{:?}", d.record(record));
        slowest = slowest.max(d.now().since(before));
        d.live(ms(100));
    }
    let attempts = d.attempts()["b2"].len();
    assert!((5..=12).contains(&d.rebootstraps()), "{} rebootstraps in a minute", d.rebootstraps());
    assert!((20..=120).contains(&attempts), "{attempts} attempts to reach b2 in a minute");
    assert!(slowest <= ms(200), "{slowest:?} for a record that has nothing to do with it");
}

// ---- another cluster ----

/// A cluster that was made anew at the same addresses: nothing of the old one is mixed with it. The producer gets another id.
#[test]
fn another_cluster_at_the_configured_address_takes_over() {
    let mut d = Dialogue::producer("b1");
    d.cluster.compares_nodes = true;
    d.cluster.topic("t", &[1]);
    d.cluster.log("t", 0).epoch = 99;
    d = d.started();
    for value in ["a", "b"] {
        d.send("t", value);
        d.serve();
    }
    d.forget();
    let mut anew = Cluster::new("b1");
    anew.id = "anew".into();
    anew.compares_nodes = true;
    anew.topic("t", &[1]);
    d.cluster = anew;
    // Numbered for the old cluster, and in flight to it.
    let record = d.send("t", "c");
    d.lose_everything();
    d.live(secs(2));
    assert_eq!(d.record_offset(record), 0);
    assert_eq!(d.cluster.values("t", 0), ["c"]);
    assert_eq!(d.cluster.log("t", 0).batches[0].base_sequence(), 0, "numbers begin anew");
    let known = d.client.inspect().cluster();
    assert_eq!(known.cluster_id.as_deref(), Some("anew"));
    assert_eq!(known.partition(&partition("t", 0)).unwrap().leader_epoch, 1, "not the other cluster's");
    assert!(d.traces().any(|kind| matches!(kind, TraceKind::ClusterChanged { .. })));
    let told = d.causes();
    assert!(
        told.iter().any(|code| ["INCONSISTENT_CLUSTER_ID", "REBOOTSTRAP_REQUIRED"].contains(code)),
        "{told:?}"
    );
}

/// The same where brokers do not compare: metadata shows it.
#[test]
fn metadata_of_another_cluster_is_not_mixed_with_what_is_known() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_max_age = secs(5));
    d.cluster.topic("t", &[1]);
    d = d.started();
    let record = d.send("t", "a");
    d.serve();
    assert_eq!(d.record_offset(record), 0);
    d.wait(secs(5));
    let asked = d.they_send::<MetadataRequest>("b1");
    let mut other = replies::metadata("b1 b9", &[("t", &[2])]);
    other.cluster_id = Some("other".into());
    d.we_answer(&asked, other);
    let expected = CloseReason::WrongCluster { expected: "test".into(), found: "other".into() };
    assert_eq!(d.they_close("b1"), expected);
    assert!(d.client.inspect().cluster().topics.is_empty(), "nothing is known, rather than a mixture");
    assert!(d.view_of("b9").is_none());
    let error = d.statuses().into_iter().find_map(|status| match status {
        Status::Reconnecting { cause, .. } => Some(cause),
        _ => None,
    });
    let error = error.expect("the application is told");
    assert!(error.to_string().contains("cluster other and not to test"), "{error}");
    // It is the configured address: what it leads to is meant.
    d.cluster.id = "other".into();
    d.serve();
    d.they_send_nothing_but::<InitProducerIdRequest>();
    let record = d.send("t", "b");
    d.serve();
    assert!(d.record(record).is_some_and(Result::is_ok));
}

/// An address that only metadata has named, and that now belongs to somebody else's cluster, is left alone; the configured one is asked.
#[test]
fn a_foreign_broker_is_left_alone() {
    let mut d = Dialogue::consumer_with("b1", |config, _| config.metadata_max_age = secs(5));
    d.cluster = Cluster::new("b2 b3");
    d = d.started();
    d.wait(secs(5));
    d.they_connect("b2");
    d.we_accept("b2");
    let asked = d.they_send::<ApiVersionsRequest>("b2");
    d.we_answer(&asked, replies::versions());
    let asked = d.they_send::<MetadataRequest>("b2");
    let mut foreign = replies::metadata("b2 b8 b9", &[]);
    foreign.cluster_id = Some("foreign".into());
    d.we_answer(&asked, foreign);
    assert!(matches!(d.they_close("b2"), CloseReason::WrongCluster { .. }));
    assert_eq!(d.rebootstraps(), 0);
    assert!(d.view_of("b8").is_none());
    assert_eq!(d.client.inspect().cluster().nodes.len(), 2, "what was known stays known");
    d.serve();
    assert_eq!(d.client.inspect().cluster().cluster_id.as_deref(), Some("test"));
}

/// A start after a stop expects nothing of the cluster before.
#[test]
fn lc6_a_start_may_find_another_cluster() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d.cluster.log("t", 0).epoch = 99;
    d = d.started();
    d.send("t", "a");
    d.serve();
    d.stop();
    d.cluster = Cluster::new("b1");
    d.cluster.id = "anew".into();
    d.cluster.topic("t", &[1]);
    let start = d.start();
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    let record = d.send("t", "b");
    d.serve();
    assert_eq!(d.record_offset(record), 0);
    assert_eq!(d.rebootstraps(), 0);
    assert_eq!(d.client.inspect().cluster().partition(&partition("t", 0)).unwrap().leader_epoch, 1);
}

/// Brokers too old to name their cluster are believed.
#[test]
fn a_cluster_without_an_id_is_believed() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_max_age = secs(5)).started();
    d.wait(secs(5));
    let asked = d.they_send::<MetadataRequest>("b1");
    let mut nameless = replies::metadata("b1", &[]);
    nameless.cluster_id = None;
    d.we_answer(&asked, nameless);
    assert_eq!(d.connection_state("b1"), ConnectionState::Ready);
    assert_eq!(d.client.inspect().cluster().cluster_id.as_deref(), Some("test"));
}

/// What these errors say of themselves.
#[test]
fn the_errors_say_what_to_do() {
    let mut d = writing();
    let connection = d.connection("b1");
    for (reason, code) in [
        (CloseReason::Misrouted, "REBOOTSTRAP_REQUIRED"),
        (CloseReason::WrongCluster { expected: "a".into(), found: "b".into() }, "INCONSISTENT_CLUSTER_ID"),
        (CloseReason::Rebootstrap, "CONNECTION_LOST"),
    ] {
        let cause = client_core::LossCause::Local(reason);
        let error = Error::Connection { connection, address: "b1:9092".into(), cause };
        assert_eq!(error.code(), code);
        assert!(error.retriable(), "{error}");
    }
    d.stop();
}
