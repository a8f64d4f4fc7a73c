//! Quotas that are used up: the reply says for how long, and comes at once (KIP-219).
//!
//! Deviation from Apache Kafka: no rate is measured; a fault says which requests meet a quota, and what that costs.

use client_core::protocol::Response;
use client_core::time::Duration;

/// Writes into a reply for how long its link is not read. Replies of authentication have no room for it, and no quota.
pub(super) fn announce(response: &mut Response, time: Duration) {
    let millis = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    *match response {
        Response::Produce(response) => &mut response.throttle_time_ms,
        Response::Fetch(response) => &mut response.throttle_time_ms,
        Response::ListOffsets(response) => &mut response.throttle_time_ms,
        Response::Metadata(response) => &mut response.throttle_time_ms,
        Response::FindCoordinator(response) => &mut response.throttle_time_ms,
        Response::ApiVersions(response) => &mut response.throttle_time_ms,
        Response::InitProducerId(response) => &mut response.throttle_time_ms,
        Response::CreateTopics(response) => &mut response.throttle_time_ms,
        Response::DeleteTopics(response) => &mut response.throttle_time_ms,
        Response::DeleteRecords(response) => &mut response.throttle_time_ms,
        Response::DescribeConfigs(response) => &mut response.throttle_time_ms,
        Response::CreatePartitions(response) => &mut response.throttle_time_ms,
        Response::IncrementalAlterConfigs(response) => &mut response.throttle_time_ms,
        Response::SaslHandshake(_) | Response::SaslAuthenticate(_) => return,
    } = millis;
}
