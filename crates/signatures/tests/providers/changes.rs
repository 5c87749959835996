//! Each vector, changed in one way.

use kafka_edge_signatures::Failure;

use crate::vectors::{Vector, vectors};

/// All vectors, changed; those that are still believed are returned.
fn believed(change: impl Fn(&mut Vector) -> bool) -> Vec<String> {
    let mut tried = 0;
    let believed = vectors().into_iter().filter_map(|mut vector| {
        if !change(&mut vector) {
            return None;
        }
        tried += 1;
        vector.check(vector.now).is_ok().then(|| vector.to_string())
    });
    let believed = believed.collect();
    assert!(tried > 30, "{tried}");
    believed
}

/// Providers that send a secret and sign nothing.
const TOKENS: [&str; 2] = ["okta", "microsoft-graph"];

fn signs(vector: &Vector) -> bool {
    let token = vector.request.headers.iter().any(|(name, _)| name == "x-gitlab-token");
    !TOKENS.contains(&vector.provider.as_str()) && !token
}

/// The headers that a scheme reads, by what happens without them.
fn is_needed(vector: &Vector, place: usize) -> bool {
    let mut without = vector.clone();
    without.request.headers.remove(place);
    without.check(vector.now).is_err()
}

#[test]
fn a_changed_body_is_refused() {
    // Pub/Sub's token says nothing about the body, and Twilio's GET has none.
    let changed = believed(|vector| {
        let Some(body) = &mut vector.request.body else { return false };
        let signed = signs_body(&vector.provider) && !body.is_empty();
        let json = body.starts_with(['{', '[']);
        // Within the JSON, so that fields that are signed alone are reached, too.
        *body = match json {
            true => body.replace(['1', 'e'], "7"),
            false => format!("{body}7"),
        };
        signed && signs(vector)
    });
    assert!(changed.is_empty(), "{changed:?}");
}

fn signs_body(provider: &str) -> bool {
    !matches!(provider, "google-pubsub" | "jwt" | "mailgun")
}

#[test]
fn a_wrong_secret_is_refused() {
    let wrong = believed(|vector| {
        let text = |secret: &String| {
            // Of the same form, in another order.
            let (prefix, key) = secret.split_at(secret.rfind('_').map_or(0, |at| at + 1));
            format!("{prefix}{}", key.chars().rev().collect::<String>())
        };
        let plain =
            !vector.secrets.iter().any(|secret| secret.len() % 4 == 0 && secret.ends_with('='));
        if vector.secrets.is_empty() || vector.secrets.iter().any(|s| s.starts_with("-----")) {
            return false;
        }
        vector.secrets = vector.secrets.iter().map(text).collect();
        let secrets: Vec<_> = vector.secrets.iter().map(String::as_str).collect();
        plain && vector.settings().verifier(&secrets).is_ok()
    });
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_missing_header_is_refused_and_named() {
    for vector in vectors() {
        for place in 0..vector.request.headers.len() {
            if !is_needed(&vector, place) {
                continue;
            }
            let mut without = vector.clone();
            without.request.headers.remove(place);
            let failure = without.check(vector.now).unwrap_err();
            let expected = matches!(
                failure,
                Failure::MissingHeader(_)
                    // Another scheme of the same provider, or another hash.
                    | Failure::MissingField(_)
                    | Failure::Mismatch
                    | Failure::BodyDigest
            );
            assert!(expected, "{vector}: {failure:?}");
        }
    }
}

#[test]
fn a_header_that_is_there_twice_is_none() {
    for vector in vectors() {
        for place in 0..vector.request.headers.len() {
            if is_needed(&vector, place) {
                let mut twice = vector.clone();
                let header = twice.request.headers[place].clone();
                twice.request.headers.push(header);
                assert!(twice.check(vector.now).is_err(), "{vector}");
            }
        }
    }
}

#[test]
fn a_signature_in_another_encoding_is_refused() {
    for vector in vectors().iter().filter(|vector| signs(vector)) {
        for place in 0..vector.request.headers.len() {
            let value = &vector.request.headers[place].1;
            if !is_needed(vector, place) || value.len() < 40 {
                continue;
            }
            let mut other = vector.clone();
            // Every byte in hexadecimal digits, which no sender does.
            other.request.headers[place].1 =
                value.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(other.check(vector.now).is_err(), "{vector}");
        }
    }
}

#[test]
fn old_and_future_signatures_are_refused_where_the_sender_has_limits() {
    let (mut old, mut future) = (0, 0);
    for vector in vectors() {
        if let Some(age) = vector.window.age {
            let failure = vector.check(vector.now + age + 3_600);
            assert_eq!(failure, Err(Failure::TooOld), "{vector}");
            old += 1;
        } else if vector.provider == "webflow" {
            // Its documents give five minutes, which its package does not check.
            assert_eq!(vector.check(vector.now + 301), Err(Failure::TooOld), "{vector}");
        } else {
            assert_eq!(vector.check(vector.now + 1_000_000), Ok(()), "{vector}");
        }
        match vector.window.future {
            Some(limit) => {
                let failure = vector.check(vector.now - limit - 3_600);
                assert_eq!(failure, Err(Failure::InTheFuture), "{vector}");
                future += 1;
            }
            None => assert_eq!(vector.check(vector.now - 1_000), Ok(()), "{vector}"),
        }
    }
    assert!(old > 10 && future > 10, "{old} {future}");
}

#[test]
fn repeats_are_known_by_the_providers_id() {
    for vector in vectors() {
        if vector.provider != "jwt" {
            assert_eq!(vector.found_id(), vector.id, "{vector}");
        }
    }
}
