//! Bodies in and out.

use crate::answer::{Answer, with_status};
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Request, RequestOptions, Response, Scheme};
use spin_sdk::wasip3::wit_future;

/// The request's body, as it comes.
pub(crate) fn echo(request: Request) -> Answer {
    let (_, result) = wit_future::new(|| Ok(()));
    let (contents, trailers) = Request::consume_body(request, result);
    let (response, _sent) = Response::new(Fields::new(), Some(contents), trailers);
    Ok(response)
}

/// Sends the request on to the URL in `x-url`, body and all, with the three
/// timeouts of `x-timeouts` in milliseconds (connect, first byte, between
/// bytes), and answers with what comes back.
pub(crate) async fn fetch(request: Request) -> Answer {
    let incoming = request.get_headers();
    let header = |name: &str| {
        let values = incoming.get(name);
        let value = values.into_iter().next();
        value.map(|value| String::from_utf8(value).expect("a header in UTF-8"))
    };
    let url = header("x-url").expect("x-url");
    let (scheme, rest) = url.split_once("://").expect("an absolute URL");
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    };
    let options = RequestOptions::new();
    if let Some(timeouts) = header("x-timeouts") {
        let mut timeouts = timeouts.split(',').map(|ms| {
            let ms: u64 = ms.parse().expect("milliseconds");
            Some(ms * 1_000_000)
        });
        let mut next = || timeouts.next().expect("three timeouts");
        options.set_connect_timeout(next()).expect("an option");
        options.set_first_byte_timeout(next()).expect("an option");
        options.set_between_bytes_timeout(next()).expect("an option");
    }
    let method = request.get_method();
    let (_, result) = wit_future::new(|| Ok(()));
    let (contents, trailers) = Request::consume_body(request, result);
    let headers = [("x-from".to_owned(), b"guest".to_vec())];
    let headers = Fields::from_list(&headers).expect("a header");
    let (outgoing, _sent) = Request::new(headers, Some(contents), trailers, Some(options));
    let scheme = match scheme {
        "https" => Scheme::Https,
        _ => Scheme::Http,
    };
    outgoing.set_method(&method).expect("a method");
    outgoing.set_scheme(Some(&scheme)).expect("a scheme");
    outgoing.set_authority(Some(authority)).expect("an authority");
    outgoing.set_path_with_query(Some(path)).expect("a path");
    match client::send(outgoing).await {
        Ok(response) => pass_on(response),
        Err(code) => with_status(502, format!("{code:?}")),
    }
}

fn pass_on(response: Response) -> Result<Response, ErrorCode> {
    let status = response.get_status_code();
    let (_, result) = wit_future::new(|| Ok(()));
    let (contents, trailers) = Response::consume_body(response, result);
    let (answer, _sent) = Response::new(Fields::new(), Some(contents), trailers);
    answer.set_status_code(status).expect("a status");
    Ok(answer)
}
