//! What a connection says and hears: agrees on versions, sends requests, matches replies.

use super::authenticating::{redacted_request, redacted_response};
use super::{CHECKED_API_VERSIONS, Connection, ConnectionState, InFlight, Settings};
use crate::cx::{Cx, Effect, Outgoing, Owner, Target};
use crate::error::{CloseReason, Error};
use crate::ids::NodeId;
use crate::io::{Output, Timer};
use crate::protocol::{
    ApiKey, ApiVersionsRequest, ErrorCode, MetadataResponse, Request, Response, ResponseHeader, VersionRange,
};
use crate::time::Instant;
use crate::trace::TraceKind;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bytes::Bytes;
use litemap::LiteMap;

impl Connection {
    // ---- agreeing on versions ----

    pub(super) fn send_api_versions(&mut self, version: i16, settings: &Settings, cx: &mut Cx) {
        // Both or neither: a broker takes a cluster without a node for the wrong one.
        let meant = self.meant(settings).filter(|_| version >= CHECKED_API_VERSIONS);
        self.meant_for = meant.map(|(_, node)| node);
        let body = Request::ApiVersions(ApiVersionsRequest {
            cluster_id: meant.map(|(cluster, _)| cluster.into()),
            node_id: meant.map_or(-1, |(_, node)| node.0),
            client_software_name: "kafka-wasm".into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
        });
        self.write_own(body, version, settings, cx);
        self.refresh_timers(settings, cx);
    }

    /// Which broker of which cluster is meant to be at the other end, where brokers compare that with who they are (KIP-1242).
    pub(super) fn meant<'a>(&self, settings: &'a Settings) -> Option<(&'a str, NodeId)> {
        let cluster =
            settings.cluster_id.as_deref().filter(|_| settings.rebootstraps && settings.checks_nodes)?;
        Some((cluster, self.node?))
    }

    /// Asks a broker that was connected to before anybody knew who it should be: as a configured address, or under another number. It must
    /// not stay, or what is meant for the right one would go to it for as long as the connection lasts.
    pub(crate) fn check_node(&mut self, settings: &Settings, cx: &mut Cx) {
        let meant = self.meant(settings).map(|(_, node)| node);
        let may_ask = self.state == ConnectionState::Ready && !self.is_throttled(cx.now);
        if may_ask && meant.is_some() && meant != self.meant_for {
            self.send_api_versions(CHECKED_API_VERSIONS, settings, cx);
        }
    }

    pub(super) fn handle_api_versions(
        &mut self,
        response: &crate::protocol::ApiVersionsResponse,
        asked_version: i16,
        settings: &Settings,
        cx: &mut Cx,
    ) {
        if response.error_code == ErrorCode::RebootstrapRequired.code() {
            return self.give_up(CloseReason::Misrouted, settings, cx);
        }
        if self.state != ConnectionState::Negotiating {
            // It was asked who it is, and had nothing against what it heard.
            return;
        }
        let mut ranges: LiteMap<ApiKey, VersionRange> = LiteMap::new();
        for api in &response.api_keys {
            if let Ok(key) = ApiKey::try_from(api.api_key) {
                ranges.insert(key, VersionRange::new(api.min_version, api.max_version));
            }
        }
        if response.error_code == ErrorCode::UnsupportedVersion.code() {
            // KIP-511: the broker is older than we are, and has said which versions it does speak.
            let theirs = ranges.get(&ApiKey::ApiVersions).copied().unwrap_or(VersionRange::new(0, 0));
            match ApiKey::ApiVersions.versions().highest_common(theirs) {
                // Only ever downwards: a broker that refuses what it has just offered is not asked for ever.
                Some(version) if version < asked_version => {
                    self.send_api_versions(version, settings, cx);
                }
                _ => self.give_up(
                    CloseReason::UnsupportedVersion { api: ApiKey::ApiVersions.name() },
                    settings,
                    cx,
                ),
            }
            return;
        }
        if response.error_code != 0 {
            self.violated(
                format!("ApiVersions was answered with error {}", response.error_code),
                settings,
                cx,
            );
            return;
        }
        self.versions = ranges;
        self.connect_timer.cancel(Timer::Connect(self.broker), cx);
        if settings.sasl.is_some() {
            self.begin_authentication("versions known, credentials set", settings, cx);
        } else {
            self.become_ready("versions known", settings, cx);
        }
    }

    /// From now on requests can be sent.
    pub(super) fn become_ready(&mut self, cause: &str, settings: &Settings, cx: &mut Cx) {
        self.transition(ConnectionState::Ready, cause, cx);
        self.ready_since.get_or_insert(cx.now);
        self.wanted = true;
        cx.effect(Effect::Ready);
        self.check_node(settings, cx);
        self.send_queued(settings, cx);
    }

    // ---- sending ----

    /// Sends a request whose reply is for the connection itself.
    pub(super) fn write_own(&mut self, body: Request, version: i16, settings: &Settings, cx: &mut Cx) {
        let outgoing = Outgoing {
            owner: Owner::Connection,
            target: Target::Broker(self.broker),
            body,
            timeout: settings.request_timeout,
            until: None,
            expects_reply: true,
        };
        self.write(outgoing, version, settings, cx);
    }

    /// Whether a request can be sent at once.
    pub(super) fn may_send(&self, now: Instant) -> bool {
        self.state == ConnectionState::Ready
            && self.queued.is_empty()
            && !self.session_is_over(now)
            && !self.is_throttled(now)
    }

    /// Sends what has waited, as far as that is possible.
    pub(super) fn send_queued(&mut self, settings: &Settings, cx: &mut Cx) {
        while self.state == ConnectionState::Ready && !self.queued.is_empty() && !self.is_throttled(cx.now) {
            if self.session_is_over(cx.now) {
                self.begin_authentication("the session is about to end", settings, cx);
            } else if let Some(queued) = self.queued.pop_front() {
                self.send(queued.outgoing, settings, cx);
            }
        }
    }

    pub(super) fn send(&mut self, outgoing: Outgoing, settings: &Settings, cx: &mut Cx) {
        let api = outgoing.body.api_key();
        let ours = spoken(api);
        let theirs = self.versions.get(&api).copied();
        match theirs.and_then(|theirs| ours.highest_common(theirs)) {
            Some(version) => self.write(outgoing, version, settings, cx),
            None => {
                let error = Error::UnsupportedVersion {
                    api: api.name(),
                    ours: (ours.min, ours.max),
                    theirs: theirs.map(|range| (range.min, range.max)),
                };
                self.answer(outgoing.owner, Err(error), cx);
            }
        }
    }

    pub(super) fn write(&mut self, outgoing: Outgoing, version: i16, settings: &Settings, cx: &mut Cx) {
        let api = outgoing.body.api_key();
        let correlation_id = self.next_correlation_id;
        let frame = match outgoing.body.encode(version, correlation_id, Some(&settings.client_id)) {
            Ok(frame) => frame,
            Err(error) => {
                let text = format!("{} version {version} cannot be encoded: {error}", api.name());
                self.answer(outgoing.owner, Err(Error::Internal(text)), cx);
                return;
            }
        };
        // Correlation ids wrap around and stay non-negative (CN17).
        self.next_correlation_id = correlation_id.wrapping_add(1) & i32::MAX;
        cx.counters.requests_sent += 1;
        let connection = self.id();
        cx.trace(|| TraceKind::RequestSent {
            connection,
            api: api.name(),
            api_key: api.code(),
            api_version: version,
            correlation_id,
            frame: redacted_request(&outgoing.body, version, correlation_id, settings)
                .unwrap_or_else(|| frame.to_bytes()),
            expects_reply: outgoing.expects_reply,
        });
        for bytes in frame.into_segments() {
            cx.outputs.push_back(Output::Send { connection, bytes });
        }
        if outgoing.expects_reply {
            self.in_flight.push_back(InFlight {
                owner: outgoing.owner,
                api,
                version,
                correlation_id,
                sent_at: cx.now,
                timeout: outgoing.timeout,
            });
        } else {
            // In use, though nothing is in flight: the time until it counts as idle begins anew.
            self.idle_timer.cancel(Timer::Idle(self.broker), cx);
            cx.effect(Effect::Written { owner: outgoing.owner });
        }
    }

    // ---- receiving ----

    pub(super) fn handle_frame(&mut self, frame: Bytes, settings: &Settings, cx: &mut Cx) {
        let correlation_id = match ResponseHeader::correlation_id_of(&frame) {
            Ok(correlation_id) => correlation_id,
            Err(error) => {
                self.violated(error.to_string(), settings, cx);
                return;
            }
        };
        let Some(request) = self.in_flight.front().cloned() else {
            self.violated(
                format!("expected nothing, got a reply with correlation id {correlation_id}"),
                settings,
                cx,
            );
            return;
        };
        if request.correlation_id != correlation_id {
            let expected = request.correlation_id;
            let text =
                format!("expected a reply with correlation id {expected}, got one with {correlation_id}");
            self.violated(text, settings, cx);
            return;
        }
        let connection = self.id();
        let is_secret = request.api == ApiKey::SaslAuthenticate;
        cx.trace(|| {
            let frame = if is_secret { redacted_response(request.version, &frame) } else { frame.clone() };
            let mut whole = Vec::with_capacity(frame.len() + 4);
            whole.extend_from_slice(&u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes());
            whole.extend_from_slice(&frame);
            TraceKind::ResponseReceived {
                connection,
                api: request.api.name(),
                api_key: request.api.code(),
                api_version: request.version,
                correlation_id,
                frame: whole.into(),
            }
        });
        match Response::decode(request.api, request.version, frame) {
            Ok((_, response)) => {
                if let Some(reason) = wrong_cluster(&response, settings) {
                    return self.give_up(reason, settings, cx);
                }
                self.in_flight.pop_front();
                cx.counters.responses_received += 1;
                self.obey_throttle(response.throttle_time(request.version), cx);
                match (request.owner, response) {
                    (Owner::Connection, Response::ApiVersions(response)) => {
                        self.handle_api_versions(&response, request.version, settings, cx);
                    }
                    (Owner::Connection, Response::SaslHandshake(response)) => {
                        self.handle_handshake(&response, settings, cx);
                    }
                    (Owner::Connection, Response::SaslAuthenticate(response)) => {
                        self.handle_authenticate(response, settings, cx);
                    }
                    (owner, response) => self.answer(owner, Ok(response), cx),
                }
            }
            Err(error) => {
                let text = format!("the reply to {} cannot be decoded: {error}", request.api.name());
                self.violated(text, settings, cx);
            }
        }
    }

    /// The other end broke the protocol: nothing it says on this connection can be trusted any more.
    pub(super) fn violated(&mut self, problem: String, settings: &Settings, cx: &mut Cx) {
        let connection = self.id();
        cx.trace(|| TraceKind::ProtocolViolated { connection, problem: problem.clone() });
        self.give_up(CloseReason::ProtocolViolation(problem), settings, cx);
    }
}

/// A broker whose metadata is of another cluster: what it says must not be mixed with what is known, nor may it get what was meant for
/// a broker of the known one.
fn wrong_cluster(response: &Response, settings: &Settings) -> Option<CloseReason> {
    let Response::Metadata(MetadataResponse { cluster_id: Some(found), .. }) = response else { return None };
    let expected = settings.cluster_id.as_ref().filter(|expected| *expected != found)?;
    Some(CloseReason::WrongCluster { expected: expected.clone(), found: found.clone() })
}

/// The versions this client speaks: those of the codec, without the ones whose use needs more than the codec.
pub(super) const fn spoken(api: ApiKey) -> VersionRange {
    let range = api.versions();
    match api {
        // 13 names topics by id only; until a refresh has told the id, the name must do.
        ApiKey::Produce => VersionRange::new(range.min, 12),
        ApiKey::Fetch => VersionRange::new(range.min, 12),
        ApiKey::ListOffsets
        | ApiKey::Metadata
        | ApiKey::FindCoordinator
        | ApiKey::SaslHandshake
        | ApiKey::ApiVersions
        | ApiKey::InitProducerId
        | ApiKey::SaslAuthenticate
        | ApiKey::CreateTopics
        | ApiKey::DeleteTopics
        | ApiKey::DeleteRecords
        | ApiKey::DescribeConfigs
        | ApiKey::CreatePartitions
        | ApiKey::IncrementalAlterConfigs => range,
    }
}
