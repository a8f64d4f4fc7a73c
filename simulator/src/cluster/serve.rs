//! From bytes on a link to requests, and from answers to bytes.

use super::fault::Effects;
use super::link::{LinkClosed, LinkId, LinkState, ReadyReply, Then, WaitingFetch, WaitingReply};
use super::sasl::{Admission, FAILED_AUTHENTICATION_DELAY, Listener, Said, Session};
use super::state::Answer;
use super::{
    Cluster, ClusterOutput, api_versions, fetch, find_coordinator, init_producer_id, list_offsets, metadata,
    produce, sasl, throttle, topics_admin,
};
use alloc::string::ToString;
use alloc::vec::Vec;
use bytes::Bytes;
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, ErrorCode, Request, RequestHeader, Response};
use client_core::time::{Duration, Instant};

/// One request under way.
struct Asked {
    link: LinkId,
    node_id: NodeId,
    api: ApiKey,
    version: i16,
    correlation_id: i32,
    effects: Effects,
}

impl Cluster {
    /// Answers what can be answered on a link now.
    pub(super) fn advance(&mut self, now: Instant, id: LinkId) {
        while let Some(link) = self.links.get_mut(&id) {
            let silent = self.state.nodes.get(&link.node_id).is_none_or(|node| node.silent);
            if silent || !matches!(link.state, LinkState::Reading) {
                return;
            }
            match link.decoder.next_frame() {
                Ok(None) => return,
                Ok(Some(frame)) => {
                    link.used_at = now;
                    let node_id = link.node_id;
                    self.serve(now, id, node_id, frame);
                }
                Err(error) => self.close(id, LinkClosed::InvalidFrame(error)),
            }
        }
    }

    fn serve(&mut self, now: Instant, link: LinkId, node_id: NodeId, frame: Bytes) {
        let header = match RequestHeader::decode(&frame) {
            Ok((header, _)) => header,
            Err(error) => return self.close(link, LinkClosed::InvalidRequest(error.to_string())),
        };
        let api_key = header.request_api_key;
        let version = header.request_api_version;
        let offered =
            ApiKey::try_from(api_key).ok().and_then(|api| Some((api, self.state.config.offered(api)?)));
        let Some((api, versions)) = offered else {
            return self.close(link, LinkClosed::UnsupportedApi { api_key });
        };
        if let Some(node) = self.state.nodes.get_mut(&node_id) {
            node.count(api).requests += 1;
        }
        let mut asked = Asked {
            link,
            node_id,
            api,
            version,
            correlation_id: header.correlation_id,
            effects: Effects::default(),
        };
        if !versions.contains(version) {
            if api != ApiKey::ApiVersions {
                return self.close(link, LinkClosed::UnsupportedVersion { api, version });
            }
            asked.version = 0;
            let response = self.state.api_versions_unsupported();
            return self.answer(now, &asked, Answer::Reply(response));
        }
        let admission = self.links.get(&link).map_or(Admission::Expired, |it| it.session.admits(api, now));
        match admission {
            Admission::Welcome | Admission::Refused => {}
            Admission::Ignored => {
                return self.refuse(now, &asked, None, LinkClosed::NotAuthenticated { api });
            }
            Admission::Expired => return self.close(link, LinkClosed::SessionExpired),
        }
        let request = match Request::decode(frame) {
            Ok((_, request)) => request,
            Err(error) => return self.close(link, LinkClosed::InvalidRequest(error.to_string())),
        };
        if admission == Admission::Refused {
            return match failed(version, &request, ErrorCode::IllegalSaslState) {
                Answer::Reply(response) => {
                    self.refuse(now, &asked, Some(response), LinkClosed::NotAuthenticated { api });
                }
                Answer::Nothing | Answer::Close(_) => {
                    self.refuse(now, &asked, None, LinkClosed::NotAuthenticated { api });
                }
            };
        }
        asked.effects = self.faults.meet(node_id, api);
        if asked.effects.any()
            && let Some(node) = self.state.nodes.get_mut(&node_id)
        {
            node.count(api).faults += 1;
        }
        match asked.effects.error.map(|error| failed(version, &request, error)) {
            // Nobody is let in by mistake.
            Some(Answer::Reply(response)) if is_about_users(api) && self.state.listener.is_some() => {
                self.refuse(now, &asked, Some(response), LinkClosed::AuthenticationFailed);
            }
            Some(answer) => self.answer(now, &asked, answer),
            None => self.carry_out(now, &asked, request),
        }
    }

    fn carry_out(&mut self, now: Instant, asked: &Asked, request: Request) {
        let &Asked { node_id, version, .. } = asked;
        let answer = match request {
            Request::ApiVersions(request) => {
                let response = self.state.api_versions(node_id, version, &request);
                let is_sound =
                    matches!(&response, Response::ApiVersions(response) if response.error_code == 0);
                if let Some(link) = self.links.get_mut(&asked.link).filter(|_| is_sound) {
                    link.session.greet();
                }
                Answer::Reply(response)
            }
            Request::Metadata(request) => Answer::Reply(self.state.metadata(version, &request)),
            Request::Produce(request) => self.state.produce(node_id, version, &request),
            Request::ListOffsets(request) => {
                Answer::Reply(self.state.list_offsets(node_id, version, &request))
            }
            Request::InitProducerId(request) => {
                Answer::Reply(self.state.init_producer_id(node_id, version, &request))
            }
            Request::FindCoordinator(request) => {
                Answer::Reply(self.state.find_coordinator(version, &request))
            }
            Request::SaslHandshake(request) => {
                return self.ask_session(now, asked, |session, listener, _| {
                    session.handshake(listener, &request.mechanism, now)
                });
            }
            Request::SaslAuthenticate(request) => {
                return self.ask_session(now, asked, |session, listener, locked_out| {
                    session.authenticate(listener, &request.auth_bytes, (asked.link.0, now), locked_out)
                });
            }
            Request::CreateTopics(request) => Answer::Reply(self.state.create_topics(&request)),
            Request::DeleteTopics(request) => Answer::Reply(self.state.delete_topics(version, &request)),
            Request::CreatePartitions(request) => Answer::Reply(self.state.create_partitions(&request)),
            Request::DeleteRecords(request) => Answer::Reply(self.state.delete_records(node_id, &request)),
            // Not offered, so nobody gets so far.
            Request::DescribeConfigs(_) | Request::IncrementalAlterConfigs(_) => {
                Answer::Close(ErrorCode::UnsupportedVersion)
            }
            Request::Fetch(request) => {
                let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
                let Some(response) = self.state.fetch(node_id, version, &request, wait.is_zero()) else {
                    let waiting = WaitingFetch {
                        until: now + wait,
                        version,
                        correlation_id: asked.correlation_id,
                        request,
                        effects: asked.effects,
                    };
                    return self.set_state(asked.link, LinkState::Fetching(waiting));
                };
                Answer::Reply(response)
            }
        };
        self.answer(now, asked, answer);
    }

    /// Lets the link's session answer.
    fn ask_session(
        &mut self,
        now: Instant,
        asked: &Asked,
        say: impl FnOnce(&mut Session, Option<&Listener>, bool) -> Said,
    ) {
        let Some(link) = self.links.get_mut(&asked.link) else { return };
        let locked_out = self.state.nodes.get(&asked.node_id).is_some_and(|node| node.locked_out);
        match say(&mut link.session, self.state.listener.as_ref(), locked_out) {
            Said::Answer(response) => self.answer(now, asked, Answer::Reply(response)),
            Said::Refusal(response) => {
                self.refuse(now, asked, Some(response), LinkClosed::AuthenticationFailed);
            }
        }
    }

    /// Lets whoever could not say who it is wait for a while, answers if there is an answer, and closes the link.
    fn refuse(&mut self, now: Instant, asked: &Asked, response: Option<Response>, why: LinkClosed) {
        let mut reply = ReadyReply { api: asked.api, bytes: Bytes::new(), then: Then::Close(why) };
        if let Some(response) = response {
            match response.encode(asked.version, asked.correlation_id) {
                Ok(frame) => reply.bytes = self.spoil(asked, frame.to_bytes()).bytes,
                Err(error) => return self.close(asked.link, LinkClosed::InvalidReply(error.to_string())),
            }
        }
        let until = now + asked.effects.delay.unwrap_or_default() + FAILED_AUTHENTICATION_DELAY;
        self.set_state(
            asked.link,
            LinkState::Replying(WaitingReply { until, reply: Some(reply), throttle: None }),
        );
    }

    /// Answers a waiting Fetch if it need not wait any longer.
    pub(super) fn try_fetch(&mut self, now: Instant, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let LinkState::Fetching(waiting) = &link.state else { return };
        let due = now >= waiting.until;
        let Some(response) = self.state.fetch(link.node_id, waiting.version, &waiting.request, due) else {
            return;
        };
        let asked = Asked {
            link: id,
            node_id: link.node_id,
            api: ApiKey::Fetch,
            version: waiting.version,
            correlation_id: waiting.correlation_id,
            effects: waiting.effects,
        };
        link.state = LinkState::Reading;
        self.answer(now, &asked, Answer::Reply(response));
    }

    /// Encodes an answer and sends it, or holds it back if a fault says so.
    fn answer(&mut self, now: Instant, asked: &Asked, answer: Answer) {
        let reply = match answer {
            Answer::Nothing => None,
            Answer::Close(error) => {
                return self.close(asked.link, LinkClosed::SilentRequestFailed(error));
            }
            Answer::Reply(mut response) => {
                if let Some(time) = asked.effects.throttle {
                    throttle::announce(&mut response, time);
                }
                match response.encode(asked.version, asked.correlation_id) {
                    Ok(frame) => Some(self.spoil(asked, frame.to_bytes())),
                    Err(error) => return self.close(asked.link, LinkClosed::InvalidReply(error.to_string())),
                }
            }
        };
        match asked.effects.delay {
            Some(delay) => {
                let waiting = WaitingReply { until: now + delay, reply, throttle: asked.effects.throttle };
                self.set_state(asked.link, LinkState::Replying(waiting));
            }
            None => self.send(now, asked.link, reply, asked.effects.throttle),
        }
    }

    fn spoil(&self, asked: &Asked, frame: Bytes) -> ReadyReply {
        let (bytes, closes) = match asked.effects.spoil {
            Some(spoil) => spoil.apply(&frame, self.state.seed ^ asked.link.0),
            None => (frame, false),
        };
        let then = if closes { Then::Close(LinkClosed::Fault) } else { Then::GoOn };
        ReadyReply { api: asked.api, bytes, then }
    }

    /// Sends a held-back reply whose time has come.
    pub(super) fn try_reply(&mut self, now: Instant, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let LinkState::Replying(waiting) = &mut link.state else { return };
        if now < waiting.until {
            return;
        }
        let (reply, throttle) = (waiting.reply.take(), waiting.throttle);
        link.state = LinkState::Reading;
        self.send(now, id, reply, throttle);
    }

    /// Reads again from a link whose time of silence is over.
    pub(super) fn try_read(&mut self, now: Instant, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if let LinkState::Muted(until) = link.state
            && until <= now
        {
            link.state = LinkState::Reading;
        }
    }

    fn send(&mut self, now: Instant, id: LinkId, reply: Option<ReadyReply>, throttle: Option<Duration>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if let Some(time) = throttle {
            link.state = LinkState::Muted(now + time);
        }
        let Some(ReadyReply { api, bytes, then }) = reply else { return };
        link.used_at = now;
        if !bytes.is_empty() {
            if let Some(node) = self.state.nodes.get_mut(&link.node_id) {
                node.count(api).replies += 1;
            }
            self.outputs.push_back(ClusterOutput::Send { link: id, bytes });
        }
        if let Then::Close(why) = then {
            self.close(id, why);
        }
    }

    fn set_state(&mut self, id: LinkId, state: LinkState) {
        if let Some(link) = self.links.get_mut(&id) {
            link.state = state;
        }
    }
}

const fn is_about_users(api: ApiKey) -> bool {
    matches!(api, ApiKey::SaslHandshake | ApiKey::SaslAuthenticate)
}

/// The answer when everything that was asked has failed with this error.
fn failed(version: i16, request: &Request, error: ErrorCode) -> Answer {
    let response: Response = match request {
        Request::Produce(request) => return produce::failed(request, error),
        Request::ApiVersions(_) => api_versions::failed(error),
        Request::Metadata(request) => metadata::failed(version, request, error),
        Request::Fetch(request) => fetch::failed(version, request, error),
        Request::ListOffsets(request) => list_offsets::failed(request, error),
        Request::InitProducerId(_) => init_producer_id::failed(error),
        Request::FindCoordinator(request) => find_coordinator::failed(version, request, error),
        Request::SaslHandshake(_) => sasl::handshake_failed(error, Vec::new()),
        Request::CreateTopics(request) => topics_admin::create_topics_failed(request, error),
        Request::DeleteTopics(request) => topics_admin::delete_topics_failed(version, request, error),
        Request::CreatePartitions(request) => topics_admin::create_partitions_failed(request, error),
        Request::DeleteRecords(request) => topics_admin::delete_records_failed(request, error),
        Request::DescribeConfigs(_) | Request::IncrementalAlterConfigs(_) => return Answer::Close(error),
        Request::SaslAuthenticate(_) => sasl::authenticate_failed(error, None),
    };
    Answer::Reply(response)
}
