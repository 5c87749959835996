//! What is printed once everything runs.

use crate::arguments::Topic;
use std::fmt;
use std::net::SocketAddr;

/// What there is to tell.
#[derive(Debug)]
pub(crate) struct Banner<'a> {
    pub(crate) address: SocketAddr,
    /// Whether everybody may call.
    pub(crate) open: bool,
    /// Where a webhook can be seen to arrive.
    pub(crate) callback: Option<String>,
    /// The topic for the examples.
    pub(crate) topic: &'a str,
    pub(crate) kafka: String,
    pub(crate) data: String,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, topic, .. } = self;
        writeln!(f, "\nkafka-edge listens on http://{address}\n")?;
        if self.open {
            if let Some(callback) = &self.callback {
                writeln!(f, "  curl http://{address}/webhook/{topic}/{callback}")?;
            }
            writeln!(f, "  curl http://{address}/producer/{topic}/hello-world")?;
            writeln!(f, "  curl http://{address}/consumer/{topic}")?;
        } else {
            writeln!(
                f,
                "  Every endpoint but /healthz and /readyz refuses to serve, because others"
            )?;
            writeln!(
                f,
                "  can reach this address. `--variable open_access=true` opens it to all."
            )?;
        }
        writeln!(f, "\n  Kafka  {}", self.kafka)?;
        writeln!(f, "  data   {}", self.data)?;
        writeln!(f, "\nCtrl-C ends it.")
    }
}

/// The topics in words.
pub(crate) fn topics(topics: &[Topic]) -> String {
    let each = topics.iter().map(|Topic { name, partitions }| match partitions {
        1 => format!("{name} (1 partition)"),
        many => format!("{name} ({many} partitions)"),
    });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(open: bool) -> String {
        let banner = Banner {
            address: "127.0.0.1:3000".parse().unwrap(),
            open,
            callback: Some("http://127.0.0.1:3001/callback".to_owned()),
            topic: "t",
            kafka: "somewhere".to_owned(),
            data: "in memory".to_owned(),
        };
        banner.to_string()
    }

    #[test]
    fn lines_can_be_pasted_where_calls_are_served() {
        assert!(banner(true).contains("curl http://127.0.0.1:3000/producer/t/hello-world\n"));
        assert!(
            banner(true)
                .contains("curl http://127.0.0.1:3000/webhook/t/http://127.0.0.1:3001/callback\n")
        );
        assert!(!banner(false).contains("curl"));
        assert!(banner(false).contains("open_access=true"));
    }
}
