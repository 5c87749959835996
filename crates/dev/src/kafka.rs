//! The Kafka REST server behind the gateway.

use crate::arguments::Topic;
use crate::error::StartError;
use kafka_edge_emulator::{Emulator, Options, Server, TopicError};
use std::path::Path;

/// The embedded server at work; it stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Kafka {
    server: Server,
    cluster_id: String,
    topics: Vec<Topic>,
}

impl Kafka {
    /// Starts it on a port of the system's choice, with its records in a
    /// folder or in memory, and makes the topics that are missing.
    pub(crate) async fn start(wanted: &[Topic], folder: Option<&Path>) -> Result<Self, StartError> {
        let failed = |error: &dyn ToString| StartError::Kafka(error.to_string());
        let options = Options { data_dir: folder.map(Path::to_owned), ..Options::quick() };
        let cluster_id = options.cluster_id.clone();
        let emulator = Emulator::new(options).map_err(|error| failed(&error))?;
        for Topic { name, partitions } in wanted {
            match emulator.create_topic(name, *partitions) {
                Ok(()) | Err(TopicError::Exists(_)) => {}
                Err(error) => return Err(failed(&format!("topic {name}: {error}"))),
            }
        }
        // One that was there already keeps its partitions.
        let known = emulator.topics().into_iter();
        let topics = known.map(|(name, partitions)| Topic { name, partitions });
        let is_wanted = |known: &Topic| wanted.iter().any(|topic| topic.name == known.name);
        let topics = topics.filter(is_wanted).collect();
        let server = Server::bind("127.0.0.1:0", emulator).await.map_err(|error| failed(&error))?;
        Ok(Self { server, cluster_id, topics })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.local_addr())
    }

    pub(crate) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// Those that were asked for, as they are.
    pub(crate) fn topics(&self) -> &[Topic] {
        &self.topics
    }

    pub(crate) async fn stop(self) {
        self.server.shutdown().await;
    }
}
