//! The export of `kafka-edge:api/actions`.

use super::{answering, grant};
use crate::bindings::exports::kafka_edge::api::actions::{
    Action, ActionRun, Error, Guest, Outcome, Published, PutAction, RecordPlace, Status,
};
use crate::{Component, services};
use kafka_edge::services::actions as service;
use kafka_edge::services::produce::once::Once;

impl Guest for Component {
    async fn create(settings: String) -> Result<Action, Error> {
        answering(
            async move { Ok(services().await?.actions.create(settings.as_bytes()).await?.into()) },
        )
        .await
    }

    async fn list() -> Result<Vec<Action>, Error> {
        answering(async move {
            let actions = services().await?.actions.list().await?;
            Ok(actions.into_iter().map(Into::into).collect())
        })
        .await
    }

    async fn get(identifier: String) -> Result<Action, Error> {
        answering(async move { Ok(services().await?.actions.get(&identifier).await?.into()) }).await
    }

    async fn put(
        identifier: String,
        settings: String,
        tag: Option<String>,
    ) -> Result<PutAction, Error> {
        answering(async move {
            let (settings, tag) = (settings.as_bytes(), condition(tag.as_ref()));
            let put = services().await?.actions.put(&identifier, settings, tag).await?;
            Ok(PutAction { action: put.view.into(), is_new: put.is_new })
        })
        .await
    }

    async fn patch(
        identifier: String,
        patch: String,
        tag: Option<String>,
    ) -> Result<Action, Error> {
        answering(async move {
            let (patch, tag) = (patch.as_bytes(), condition(tag.as_ref()));
            Ok(services().await?.actions.patch(&identifier, patch, tag).await?.into())
        })
        .await
    }

    async fn delete(identifier: String, tag: Option<String>) -> Result<(), Error> {
        answering(async move {
            let tag = condition(tag.as_ref());
            Ok(services().await?.actions.delete(&identifier, tag).await?)
        })
        .await
    }

    async fn run(
        identifier: String,
        outputs: String,
        key: Option<String>,
    ) -> Result<Published, Error> {
        answering(async move {
            let once = key.as_deref().map(|key| Once { key, caller: "" });
            let services = services().await?;
            let outputs = outputs.as_bytes();
            Ok(services.actions.run(&identifier, outputs, once, &grant()).await?.into())
        })
        .await
    }

    async fn get_run(run_id: String) -> Result<ActionRun, Error> {
        answering(
            async move { Ok(services().await?.actions.get_run(&run_id, &grant()).await?.into()) },
        )
        .await
    }

    async fn report(
        run_id: String,
        node_run_id: String,
        report: String,
    ) -> Result<ActionRun, Error> {
        answering(async move {
            let services = services().await?;
            let report = report.as_bytes();
            Ok(services.actions.report(&run_id, &node_run_id, report, &grant()).await?.into())
        })
        .await
    }
}

fn condition(tag: Option<&String>) -> service::Condition<'_> {
    tag.map_or(service::Condition::None, |tag| service::Condition::Tags(std::slice::from_ref(tag)))
}

impl From<service::ActionView> for Action {
    fn from(view: service::ActionView) -> Self {
        Self {
            identifier: view.identifier,
            settings: view.settings.to_string(),
            created: view.created,
            tag: view.tag,
        }
    }
}

impl From<service::Published> for Published {
    fn from(published: service::Published) -> Self {
        let reports = published.reports.into_iter();
        Self {
            run_id: published.run_id,
            node_run_id: published.node_run_id,
            topic: published.topic.into_name(),
            reports: reports.map(|report| report.map(Into::into).map_err(Into::into)).collect(),
            is_repeat: published.is_repeat,
        }
    }
}

impl From<service::RunView> for ActionRun {
    fn from(run: service::RunView) -> Self {
        let place = |(partition, offset)| RecordPlace { partition, offset };
        Self {
            run_id: run.run_id,
            node_run_id: run.node_run_id,
            action: run.action,
            topic: run.topic,
            created: run.created,
            kept_until: run.kept_until,
            status: match run.status {
                service::Status::InProgress => Status::InProgress,
                service::Status::Completed => Status::Completed,
            },
            outcome: run.result.map(|result| match result {
                service::RunResult::Success => Outcome::Success,
                service::RunResult::Failed => Outcome::Failed,
                service::RunResult::Cancelled => Outcome::Cancelled,
            }),
            output: run.output,
            updated: run.updated,
            records: run.places.into_iter().map(|known| known.map(place)).collect(),
        }
    }
}
