//! The export of `kafka-edge:api/actions`.

use super::{Answer, answering, grant};
use crate::bindings::exports::kafka_edge::api::actions::{
    Action, ActionRun, Error, Guest, Outcome, Published, PutAction, RecordPlace, Status,
};
use crate::{Component, services};
use kafka_edge::services::actions as service;
use kafka_edge::services::produce::once::Once;

/// The functions that do the same to the services are one function here, to be there
/// once.
#[derive(Clone, Copy)]
enum Verb {
    Create,
    Put,
    Patch,
    Delete,
}

fn change(
    verb: Verb,
    identifier: String,
    text: String,
    tag: Option<String>,
) -> Answer<service::Changed> {
    let changing = async move {
        let condition = match &tag {
            None => service::Condition::None,
            Some(tag) => service::Condition::Tags(std::slice::from_ref(tag)),
        };
        let text = text.as_bytes();
        let change = match verb {
            Verb::Create => service::Change::Create(text),
            Verb::Put => service::Change::Put(text),
            Verb::Patch => service::Change::Patch(text),
            Verb::Delete => service::Change::Delete,
        };
        Ok(services().await?.actions.change(&identifier, change, condition).await?)
    };
    answering(changing)
}

fn made(changed: service::Changed) -> Result<Action, Error> {
    changed.view.map(Into::into).ok_or(Error::UnknownAction)
}

fn all() -> Answer<Vec<service::ActionView>> {
    answering(async move { Ok(services().await?.actions.list().await?) })
}

fn report(run_id: String, node_and_report: Option<(String, String)>) -> Answer<ActionRun> {
    answering(async move {
        let report = node_and_report.as_ref().map(|(node, text)| (node.as_str(), text.as_bytes()));
        Ok(services().await?.actions.report(&run_id, report, &grant()).await?.into())
    })
}

impl Guest for Component {
    async fn create(settings: String) -> Result<Action, Error> {
        made(change(Verb::Create, String::new(), settings, None).await?)
    }

    async fn list() -> Result<Vec<Action>, Error> {
        Ok(all().await?.into_iter().map(Into::into).collect())
    }

    async fn get(identifier: String) -> Result<Action, Error> {
        Ok(service::find(all().await?, &identifier)?.into())
    }

    async fn put(
        identifier: String,
        settings: String,
        tag: Option<String>,
    ) -> Result<PutAction, Error> {
        let changed = change(Verb::Put, identifier, settings, tag).await?;
        Ok(PutAction { is_new: changed.is_new, action: made(changed)? })
    }

    async fn patch(
        identifier: String,
        patch: String,
        tag: Option<String>,
    ) -> Result<Action, Error> {
        made(change(Verb::Patch, identifier, patch, tag).await?)
    }

    async fn delete(identifier: String, tag: Option<String>) -> Result<(), Error> {
        change(Verb::Delete, identifier, String::new(), tag).await.map(drop)
    }

    fn run(identifier: String, outputs: String, key: Option<String>) -> Answer<Published> {
        answering(async move {
            let once = key.as_deref().map(|key| Once { key, caller: "" });
            let services = services().await?;
            let outputs = outputs.as_bytes();
            Ok(services.actions.run(&identifier, outputs, once, &grant()).await?.into())
        })
    }

    fn get_run(run_id: String) -> Answer<ActionRun> {
        report(run_id, None)
    }

    fn report(run_id: String, node_run_id: String, report_text: String) -> Answer<ActionRun> {
        report(run_id, Some((node_run_id, report_text)))
    }
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
