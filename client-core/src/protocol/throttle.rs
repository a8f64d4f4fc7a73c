//! How long a response asks the client to be silent (KIP-219).

use super::message::Response;
use crate::time::Duration;

impl Response {
    /// How long nothing more is to be sent on the connection that this response, of a request of this version, came on. Zero when
    /// no quota is used up, and for versions whose brokers have waited themselves before they answered: of those the field is a
    /// report. The versions are those of the Java client.
    #[must_use]
    pub const fn throttle_time(&self, version: i16) -> Duration {
        let (since, millis) = match self {
            Self::Produce(response) => (6, response.throttle_time_ms),
            Self::Fetch(response) => (8, response.throttle_time_ms),
            Self::ListOffsets(response) => (3, response.throttle_time_ms),
            Self::Metadata(response) => (6, response.throttle_time_ms),
            Self::FindCoordinator(response) => (2, response.throttle_time_ms),
            Self::ApiVersions(response) => (2, response.throttle_time_ms),
            Self::InitProducerId(response) => (1, response.throttle_time_ms),
            Self::CreateTopics(response) => (3, response.throttle_time_ms),
            Self::DeleteTopics(response) => (2, response.throttle_time_ms),
            Self::DeleteRecords(response) => (1, response.throttle_time_ms),
            Self::DescribeConfigs(response) => (2, response.throttle_time_ms),
            Self::CreatePartitions(response) => (1, response.throttle_time_ms),
            Self::IncrementalAlterConfigs(response) => (0, response.throttle_time_ms),
            // They have no such field: quotas are a principal's, and this is who is being found out.
            Self::SaslHandshake(_) | Self::SaslAuthenticate(_) => return Duration::ZERO,
        };
        if version < since || millis < 0 { Duration::ZERO } else { Duration::from_millis(millis as u64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ApiVersionsResponse, FetchResponse, ProduceResponse, SaslAuthenticateResponse};

    #[test]
    fn only_versions_whose_brokers_answer_at_once_make_clients_wait() {
        let produce = Response::from(ProduceResponse { throttle_time_ms: 1_500, ..Default::default() });
        assert_eq!(produce.throttle_time(5), Duration::ZERO);
        assert_eq!(produce.throttle_time(6), Duration::from_millis(1_500));
        let fetch = Response::from(FetchResponse { throttle_time_ms: i32::MAX, ..Default::default() });
        assert_eq!(fetch.throttle_time(7), Duration::ZERO);
        assert_eq!(fetch.throttle_time(8), Duration::from_millis(i32::MAX.unsigned_abs().into()));
        let nonsense = Response::from(ApiVersionsResponse { throttle_time_ms: -1, ..Default::default() });
        assert_eq!(nonsense.throttle_time(4), Duration::ZERO);
        let sasl = Response::from(SaslAuthenticateResponse::default());
        assert_eq!(sasl.throttle_time(2), Duration::ZERO);
    }
}
