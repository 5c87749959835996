//! What providers ask before they send anything is answered as they want it.

use kafka_edge_signatures::{Settings, consent};
use serde_json::Value;

use crate::vectors::handshakes;

#[test]
fn every_handshake_is_answered() {
    let mut answered = 0;
    for exchange in handshakes() {
        let secrets: Vec<_> = exchange.secrets.iter().map(String::as_str).collect();
        if exchange.provider == "cloudevents" {
            let headers = exchange.request.with(|request| consent(request, None)).unwrap();
            let headers: Vec<_> =
                headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            assert_eq!(headers, exchange.answer.headers);
            continue;
        }
        let settings =
            Settings { provider: Some(exchange.provider.clone()), ..Settings::default() };
        let handshake = settings.handshake().unwrap_or_else(|| panic!("{}", exchange.provider));
        let answer = exchange.request.with(|request| handshake.answer(request, &secrets));
        let answer = answer.unwrap_or_else(|| panic!("{}", exchange.provider));
        if answer.content_type == "application/json" {
            let [found, wanted] = [&answer.body, &exchange.answer.body]
                .map(|body| serde_json::from_str::<Value>(body).unwrap());
            assert_eq!(found, wanted, "{}", exchange.provider);
        } else {
            assert_eq!(answer.body, exchange.answer.body, "{}", exchange.provider);
        }
        answered += 1;
    }
    assert!(answered >= 8, "{answered}");
}

#[test]
fn an_event_is_no_handshake() {
    for vector in crate::vectors::vectors() {
        if let Some(handshake) = vector.settings().handshake() {
            let answer = vector.with_request(|request| handshake.answer(request, &["secret"]));
            assert_eq!(answer, None, "{vector}");
        }
    }
}
