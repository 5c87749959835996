//! The export of `kafka-edge:api/follower`: records as a stream.

use std::time::Duration;

use spin_sdk::wit_bindgen::{self, FutureReader, StreamReader, StreamResult, StreamWriter};

use crate::bindings::exports::kafka_edge::api::follower::{
    Error, FollowRequest, FollowedRecord, Guest,
};
use crate::bindings::{wit_future, wit_stream};
use crate::exports::convert::time;
use crate::exports::{Answer, answering, topics};
use crate::host::SpinHost;
use crate::{Component, SpinLog, services};
use kafka_edge::access::AllowedTopic;
use kafka_edge::error::Error as ServiceError;
use kafka_edge::services::consume::Ack;
use kafka_edge::services::stream::{Cursor, Stream, StreamMode};
use kafka_edge::{limits, names};
use kafka_edge_wasi03::starting_tasks;

/// How long to wait for records before checking again whether the reader is
/// still there.
const READER_CHECK_INTERVAL: Duration = Duration::from_secs(15);

type RecordStream = Stream<SpinHost, SpinLog>;

impl Guest for Component {
    fn follow(
        request: FollowRequest,
    ) -> Answer<(StreamReader<FollowedRecord>, FutureReader<Result<(), Error>>)> {
        answering(follow(request))
    }
}

async fn follow(
    request: FollowRequest,
) -> Result<(StreamReader<FollowedRecord>, FutureReader<Result<(), Error>>), Error> {
    let cursor = request.cursor.clone();
    let (topics, reader) = reader(request)?;
    let resumed = cursor.map(|text| {
        let cursor = Cursor::parse(&text, &topics);
        cursor.ok_or_else(|| ServiceError::invalid("cursor", "Not a cursor of these topics"))
    });
    let mut stream = services().await?.streams.open(topics, reader, resumed.transpose()?);
    stream.begin().await?;
    let (writer, records) = wit_stream::new();
    let (failed, end) = wit_future::new(|| Ok(()));
    wit_bindgen::spawn(starting_tasks(async move {
        let end = write(stream, writer).await;
        // A reader that dropped the future does not want the result.
        let _ = failed.write(end.map_err(Error::from)).await;
    }));
    Ok((records, end))
}

fn reader(request: FollowRequest) -> Result<(Vec<AllowedTopic>, StreamMode), Error> {
    let topics = topics(request.topics)?;
    let ack = match request.lease {
        Some(lease) => Ack::Manual { lease: limits::check_lease(time(lease))? },
        None => Ack::Auto,
    };
    let from = request.start.into();
    let reader = match request.group {
        Some(name) => {
            names::check_group(&name)?;
            StreamMode::Group { name, from, ack }
        }
        None if ack == Ack::Auto => StreamMode::Tail { from },
        None => {
            return Err(ServiceError::invalid("lease", "Only a group claims records").into());
        }
    };
    Ok((topics, reader))
}

/// Writes until the reader drops the stream, which is not an error.
async fn write(
    mut stream: RecordStream,
    mut writer: StreamWriter<FollowedRecord>,
) -> Result<(), ServiceError> {
    // A write of nothing waits until the reader reads. So Kafka is not asked
    // for records while the reader is slow or gone.
    while writer.write(Vec::new()).await.0 != StreamResult::Dropped {
        let page = stream.next(READER_CHECK_INTERVAL).await?;
        let records = page.records.iter().map(|consumed| {
            let cursor = stream.pass(consumed);
            let mut consumed = consumed.clone();
            let (receipt, delivery_count) = consumed
                .acquired
                .take()
                .map(|acquired| (acquired.receipt, acquired.delivery_count))
                .unzip();
            FollowedRecord { record: consumed.into(), cursor, receipt, delivery_count }
        });
        let records: Vec<_> = records.collect();
        if records.is_empty() {
            continue;
        }
        if !writer.write_all(records).await.is_empty() {
            // The reader has gone, and another write would trap.
            break;
        }
        page.delivered();
    }
    Ok(())
}
