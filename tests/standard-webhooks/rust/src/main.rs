//! Verifies requests with the crate: a line of standard input for each.

use std::io::stdin;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use standardwebhooks::Webhook;

fn verify(line: &str) -> Result<(), String> {
    let parts: Vec<_> = line.split('\t').collect();
    let [secret, id, timestamp, signatures, body] = parts[..] else {
        return Err("not a request".into());
    };
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signatures)]
    {
        let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
        headers.insert(name, value);
    }
    let body = STANDARD.decode(body).map_err(|error| error.to_string())?;
    let webhook = Webhook::new(secret).map_err(|error| error.to_string())?;
    webhook.verify(&body, &headers).map_err(|error| error.to_string())
}

fn main() {
    for line in stdin().lines().map_while(Result::ok) {
        match verify(&line) {
            Ok(()) => println!("ok"),
            Err(error) => println!("{error}"),
        }
    }
}
