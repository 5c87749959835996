//! The export of `wasi:http/handler@0.3.0`.

use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Request, Response};
use spin_sdk::wasip3::{wit_future, wit_stream};
use spin_sdk::wit_bindgen;

struct Handler;

spin_sdk::wasip3::http::service::export!(Handler);

impl Guest for Handler {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (status, body) = match request.get_path_with_query().as_deref() {
            Some("/healthz") => (200, r#"{"status":"ok"}"#),
            _ => (404, r#"{"error":"Not found","status":404}"#),
        };
        let headers = [("content-type".to_owned(), b"application/json".to_vec())];
        let headers = Fields::from_list(&headers).map_err(|_| ErrorCode::ConfigurationError)?;
        let (mut writer, contents) = wit_stream::new();
        let (done, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(headers, Some(contents), trailers);
        response.set_status_code(status).map_err(|()| ErrorCode::ConfigurationError)?;
        wit_bindgen::spawn(async move {
            writer.write_all(body.into()).await;
            drop(writer);
            let _ = done.write(Ok(None)).await;
        });
        Ok(response)
    }
}
