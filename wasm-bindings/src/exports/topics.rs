//! Topics by number, so that no topic name crosses the boundary with a record.

use client_core::Error;
use client_core::ids::TopicName;
use litemap::LiteMap;

/// The topics that JavaScript has named or has been told of.
#[derive(Default)]
pub(super) struct Topics {
    names: Vec<TopicName>,
    handles: LiteMap<TopicName, u32>,
}

impl Topics {
    /// The handle of a topic that the application names.
    pub(super) fn handle(&mut self, name: &str) -> Result<u32, Error> {
        if let Some(handle) = self.handles.get(name) {
            return Ok(*handle);
        }
        TopicName::problem(name).map_or_else(
            || Ok(self.handle_of(&TopicName::from(name))),
            |problem| {
                Err(Error::InvalidArgument {
                    argument: "topic".into(),
                    problem: format!("Kafka refuses the name {name:?} because {problem}").into(),
                })
            },
        )
    }

    /// The handle of a topic that the client names.
    pub(super) fn handle_of(&mut self, name: &TopicName) -> u32 {
        if let Some(handle) = self.handles.get(name) {
            return *handle;
        }
        let handle = self.names.len() as u32;
        self.names.push(name.clone());
        self.handles.insert(name.clone(), handle);
        handle
    }

    /// The name behind a handle.
    pub(super) fn name(&self, handle: u32) -> Option<&TopicName> {
        self.names.get(handle as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_keeps_its_handle() {
        let mut topics = Topics::default();
        assert_eq!((topics.handle("a"), topics.handle("b"), topics.handle("a")), (Ok(0), Ok(1), Ok(0)));
        assert_eq!(topics.name(1).map(TopicName::as_str), Some("b"));
        assert_eq!(topics.name(2), None);
        assert!(matches!(topics.handle("no spaces"), Err(Error::InvalidArgument { .. })));
    }
}
