//! What no dialogue reaches: two thousand million requests on one connection.

use super::{Connection, Settings};
use crate::cx::{Cx, Effect, Outgoing, Owner, Target};
use crate::ids::BrokerId;
use crate::io::{Address, Output};
use crate::protocol::{
    ApiKey, ApiVersion, ApiVersionsResponse, MetadataRequest, MetadataResponse, Request, Response,
};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use alloc::vec::Vec;

fn settings() -> Settings {
    Settings {
        client_id: "test".into(),
        connect_timeout: Duration::from_secs(10),
        request_timeout: Duration::from_secs(30),
        reconnect_backoff: Duration::from_millis(50),
        reconnect_backoff_max: Duration::from_secs(1),
        max_idle: Duration::from_secs(540),
        max_frame_size: 1 << 20,
        sasl: None,
        rebootstraps: true,
        cluster_id: None,
        checks_nodes: false,
        #[cfg(feature = "exhibits")]
        defect: None,
    }
}

fn metadata(number: u64) -> Outgoing {
    Outgoing {
        owner: Owner::Metadata(number),
        target: Target::Any,
        body: Request::Metadata(MetadataRequest::default()),
        timeout: Duration::from_secs(30),
        until: None,
        expects_reply: true,
    }
}

/// Numbers of requests go up to 2^31 - 1, then begin at 0 again; replies still find their requests, in order.
#[test]
fn cn17_correlation_ids_wrap_around() {
    let (settings, rng, mut cx) = (settings(), Rng::new(1), Cx::new(Instant::ZERO));
    let address = Address { host: "b1".into(), port: 9092 };
    let mut connection = Connection::new(BrokerId(1), address, 0, &settings, &rng);
    // The first request opens it, and waits.
    connection.submit(metadata(0), &settings, &mut cx);
    connection.next_correlation_id = i32::MAX - 1;
    connection.handle_connected(&settings, &mut cx);
    let versions = ApiKey::ALL.into_iter().map(|key| ApiVersion {
        api_key: key.code(),
        min_version: key.versions().min,
        max_version: key.versions().max,
    });
    let versions = ApiVersionsResponse { api_keys: versions.collect(), ..Default::default() };
    let version = ApiKey::ApiVersions.versions().max;
    let frame = Response::from(versions).encode(version, i32::MAX - 1).expect("it can be encoded");
    connection.handle_received(frame.to_bytes(), &settings, &mut cx);
    for number in 1..4 {
        connection.submit(metadata(number), &settings, &mut cx);
    }
    let numbers: Vec<i32> = connection.in_flight.iter().map(|request| request.correlation_id).collect();
    assert_eq!(numbers, [i32::MAX, 0, 1, 2]);

    let version = connection.in_flight[0].version;
    for number in numbers {
        let reply =
            Response::from(MetadataResponse::default()).encode(version, number).expect("it can be encoded");
        connection.handle_received(reply.to_bytes(), &settings, &mut cx);
    }
    let answered: Vec<u64> = cx
        .effects
        .iter()
        .filter_map(|effect| {
            let Effect::Reply { owner: Owner::Metadata(number), result: Ok(_) } = effect else { return None };
            Some(*number)
        })
        .collect();
    assert_eq!(answered, [0, 1, 2, 3]);
    assert!(
        !cx.outputs.iter().any(|output| matches!(output, Output::Close { .. })),
        "nobody broke the protocol"
    );
}
