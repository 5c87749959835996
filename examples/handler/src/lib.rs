//! A component of another author with an HTTP API of its own: a mailbox, which
//! is a topic of Kafka. `cargo dev --with` runs it with the gateway plugged in.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod bindings;

use bindings::exports::wasi::http::handler::Guest;
use bindings::kafka_edge::api::consumer;
use bindings::kafka_edge::api::producer::{self, ProducerRecord};
use bindings::kafka_edge::api::subscriptions;
use bindings::kafka_edge::api::types::{Error, Start};
use bindings::wasi::http::types::{ErrorCode, Fields, Method, Request, Response};
use bindings::{wit_future, wit_stream};

/// Where the mail lies.
const TOPIC: &str = "test-topic";

/// How long to wait for mail, in milliseconds.
const WAIT: u32 = 1000;

struct Mailbox;

impl Guest for Mailbox {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (status, body) = match answer(request).await {
            Ok(answer) => answer,
            Err(error) => (502, format!("{error:?}").into_bytes()),
        };
        response(status, body)
    }
}

async fn answer(request: Request) -> Result<(u16, Vec<u8>), Error> {
    match request.get_method() {
        Method::Post => {
            let mail = body(request).await;
            put(mail).await?;
            Ok((201, b"it is in the mailbox\n".to_vec()))
        }
        Method::Get => match take().await? {
            Some(mail) => Ok((200, mail)),
            None => Ok((404, b"the mailbox is empty\n".to_vec())),
        },
        Method::Put => {
            let url = String::from_utf8_lossy(&body(request).await).into_owned();
            let registered = subscriptions::register(TOPIC.to_owned(), url, Start::Latest).await?;
            Ok((201, registered.subscription.id.into_bytes()))
        }
        _ => Ok((405, b"POST, GET or PUT\n".to_vec())),
    }
}

async fn put(mail: Vec<u8>) -> Result<(), Error> {
    let record = ProducerRecord {
        key: None,
        value: Some(mail),
        headers: Vec::new(),
        partition: None,
        timestamp: None,
    };
    producer::send(TOPIC.to_owned(), record).await?;
    Ok(())
}

async fn take() -> Result<Option<Vec<u8>>, Error> {
    let group = "mailbox".to_owned();
    let mail = consumer::next(TOPIC.to_owned(), group, Start::Earliest, WAIT).await?;
    Ok(mail.and_then(|record| record.value))
}

async fn body(request: Request) -> Vec<u8> {
    let (_read, result) = wit_future::new(|| Ok(()));
    let (contents, _trailers) = Request::consume_body(request, result);
    contents.collect().await
}

fn response(status: u16, body: Vec<u8>) -> Result<Response, ErrorCode> {
    let (mut writer, contents) = wit_stream::new();
    let (_none, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(contents), trailers);
    response.set_status_code(status).map_err(|()| ErrorCode::ConfigurationError)?;
    wit_bindgen::spawn(async move {
        // A caller that hangs up wants no more of it.
        let _left = writer.write_all(body).await;
    });
    Ok(response)
}
