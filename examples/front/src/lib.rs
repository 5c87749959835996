//! Answers HTTP for a component whose tool chain has no `wasi:http` of WASI 0.3: it reads
//! the request to its end, gives it to `example:front/service`, and writes the answer.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod bindings;

use bindings::example::front::service::{self, Answer};
use bindings::exports::wasi::http::handler::Guest;
use bindings::wasi::http::types::{ErrorCode, Fields, Method, Request, Response};
use bindings::{wit_future, wit_stream};

struct Front;

impl Guest for Front {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let method = name(request.get_method());
        let path = request.get_path_with_query().unwrap_or_else(|| "/".to_owned());
        let body = body(request).await;
        response(service::handle(method, path, body).await)
    }
}

fn name(method: Method) -> String {
    let known = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => return name,
    };
    known.to_owned()
}

async fn body(request: Request) -> Vec<u8> {
    let (_read, result) = wit_future::new(|| Ok(()));
    let (contents, _trailers) = Request::consume_body(request, result);
    contents.collect().await
}

fn response(answer: Answer) -> Result<Response, ErrorCode> {
    let (mut writer, contents) = wit_stream::new();
    let (_none, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(contents), trailers);
    response.set_status_code(answer.status).map_err(|()| ErrorCode::ConfigurationError)?;
    wit_bindgen::spawn(async move {
        // A caller that hangs up wants no more of it.
        let _left = writer.write_all(answer.body).await;
    });
    Ok(response)
}
