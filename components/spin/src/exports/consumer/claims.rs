//! Claims records and acknowledges them.

use std::time::Duration;

use super::{Acknowledgement, ClaimedRecord, Error, PageRequest, next_of, take};
use crate::exports::grant;
use crate::services;
use kafka_edge::error::Error as ServiceError;
use kafka_edge::services::consume::{Ack, Acknowledged, Disposal};
use kafka_edge::{limits, names};

pub(super) async fn claim(page: PageRequest, lease: Duration) -> Result<Vec<ClaimedRecord>, Error> {
    let ack = Ack::Manual { lease: limits::check_lease(lease)? };
    let claimed = take(next_of(page, ack)?).await?.into_iter().filter_map(|mut consumed| {
        let acquired = consumed.acquired.take()?;
        Some(ClaimedRecord {
            record: consumed.into(),
            receipt: acquired.receipt,
            delivery_count: acquired.delivery_count,
        })
    });
    Ok(claimed.collect())
}

pub(super) async fn acknowledge(
    group: String,
    receipts: Vec<String>,
    disposal: Result<Disposal, ServiceError>,
) -> Result<Vec<Acknowledgement>, Error> {
    let disposal = disposal?;
    names::check_group(&group)?;
    limits::check_receipts(receipts.len())?;
    let consume = &services().await?.consume;
    let acknowledged = consume.acknowledge(&group, &grant(), &receipts, disposal).await?;
    let answers = acknowledged.into_iter().map(|acknowledged| match acknowledged {
        Acknowledged::Done => Acknowledgement::Done,
        Acknowledged::DoneBefore => Acknowledgement::DoneBefore,
        Acknowledged::Expired => Acknowledgement::Expired,
        Acknowledged::Unknown => Acknowledgement::Unknown,
        Acknowledged::Undelivered => Acknowledgement::Undelivered,
    });
    Ok(answers.collect())
}
