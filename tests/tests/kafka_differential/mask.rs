//! What cannot be equal on two brokers is made equal: addresses, ids that are given out, explanations in words.

use client_core::protocol::{ApiKey, Response, Uuid};

/// The same answer without what differs from broker to broker. Errors stay, and whether there is a value stays.
pub(crate) fn mask(mut response: Response, producers: &[i64]) -> Response {
    match &mut response {
        Response::ApiVersions(response) => {
            // Only what both may offer: the upper bounds of our APIs. Real brokers speak more of them.
            response.api_keys.retain_mut(|api| {
                api.min_version = 0;
                // Settings of topics and brokers the simulated cluster does not have.
                ApiKey::try_from(api.api_key).is_ok_and(|api| {
                    !matches!(api, ApiKey::DescribeConfigs | ApiKey::IncrementalAlterConfigs)
                })
            });
            response.api_keys.sort_by_key(|api| api.api_key);
            response.supported_features.clear();
            response.finalized_features.clear();
            response.finalized_features_epoch = -1;
        }
        Response::Metadata(response) => {
            for broker in &mut response.brokers {
                address(&mut broker.node_id, &mut broker.host, &mut broker.port);
                broker.rack = None;
            }
            if let Some(cluster_id) = &mut response.cluster_id {
                *cluster_id = "cluster".into();
            }
            number(&mut response.controller_id);
            response
                .topics
                .sort_by(|one, other| (&one.name, one.topic_id).cmp(&(&other.name, other.topic_id)));
            for topic in &mut response.topics {
                id(&mut topic.topic_id);
                topic.partitions.sort_by_key(|partition| partition.partition_index);
                for partition in &mut topic.partitions {
                    number(&mut partition.leader_id);
                    partition.replica_nodes.iter_mut().for_each(number);
                    partition.isr_nodes.iter_mut().for_each(number);
                    partition.offline_replicas.iter_mut().for_each(number);
                }
            }
        }
        Response::Produce(response) => {
            for topic in &mut response.responses {
                id(&mut topic.topic_id);
                for partition in &mut topic.partition_responses {
                    partition.error_message = None;
                    partition.record_errors.clear();
                }
            }
        }
        Response::Fetch(response) => {
            for topic in &mut response.responses {
                id(&mut topic.topic_id);
            }
        }
        Response::ListOffsets(response) => {
            response.topics.sort_by(|one, other| one.name.cmp(&other.name));
            for topic in &mut response.topics {
                topic.partitions.sort_by_key(|partition| partition.partition_index);
            }
        }
        Response::InitProducerId(response) => {
            if let Some(place) = producers.iter().position(|&producer| producer == response.producer_id) {
                response.producer_id = place as i64;
            }
        }
        // In any order.
        Response::SaslHandshake(response) => response.mechanisms.sort(),
        // Here the words are compared as well: clients show them. The others are asked by other clients' tests.
        Response::SaslAuthenticate(_)
        | Response::CreateTopics(_)
        | Response::DeleteTopics(_)
        | Response::DeleteRecords(_)
        | Response::DescribeConfigs(_)
        | Response::CreatePartitions(_)
        | Response::IncrementalAlterConfigs(_) => {}
        Response::FindCoordinator(response) => {
            address(&mut response.node_id, &mut response.host, &mut response.port);
            words(&mut response.error_message);
            for coordinator in &mut response.coordinators {
                address(&mut coordinator.node_id, &mut coordinator.host, &mut coordinator.port);
                words(&mut coordinator.error_message);
            }
        }
    }
    response
}

fn address(node_id: &mut i32, host: &mut String, port: &mut i32) {
    number(node_id);
    number(port);
    if !host.is_empty() {
        *host = "host".into();
    }
}

fn number(number: &mut i32) {
    *number = (*number).min(0);
}

fn id(id: &mut Uuid) {
    if !id.is_zero() {
        *id = Uuid([1; 16]);
    }
}

fn words(text: &mut Option<String>) {
    if text.is_some() {
        *text = Some("words".into());
    }
}
