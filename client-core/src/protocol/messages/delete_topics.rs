//! DeleteTopics (key 20), versions 1 to 6: delete topics.
//!
//! 4 is flexible. 5 adds error messages and may be answered with `THROTTLING_QUOTA_EXCEEDED` (KIP-599). 6 lets topics be named by id, in a
//! list of its own.
//!
//! Left out: version 0, which brokers 4.x have dropped. Both lists of topics are ignorable here, so that a request may be made before its version
//! is known, by filling in both.

use alloc::string::String;
use alloc::vec::Vec;

use crate::protocol::schema::schema;
use crate::protocol::uuid::Uuid;

schema! {
    /// Deletes topics.
    pub struct DeleteTopicsRequest {
        /// The topics, from version 6 on.
        topics: Vec<DeleteTopicState> => since(6), ignorable();
        /// The topics' names, up to version 5.
        topic_names: Vec<String> => since(0), until(5), ignorable();
        /// How long the broker may wait until they are gone, in milliseconds.
        timeout_ms: i32 => since(0);
    }

    /// A topic to delete.
    pub struct DeleteTopicState {
        /// Its name; null when it is named by id.
        name: Option<String> => since(6), nullable_since(6);
        /// Its id; zero when it is named by name.
        topic_id: Uuid => since(6);
    }

    /// What became of each topic.
    pub struct DeleteTopicsResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(1), ignorable();
        /// The results, by topic.
        responses: Vec<DeletableTopicResult> => since(0);
    }

    /// What became of one topic.
    pub struct DeletableTopicResult {
        /// Its name; null when only its id is known.
        name: Option<String> = Some(String::new()) => since(0), nullable_since(6);
        /// Its id.
        topic_id: Uuid => since(6), ignorable();
        /// 0, or why it was not deleted.
        error_code: i16 => since(0);
        /// The same in words.
        error_message: Option<String> => since(5), nullable_since(5), ignorable();
    }
}
