//! Subscriptions in the document of a set-up.

use http::Method;
use kafka_edge_sim::{Answer, SECRETS_KEY, Script, local};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::moving::{OTHER_KEY, PASSPHRASE, apply, elsewhere, empty, export, made, sealed};

const HOOK: &str = "/subscriptions/webhook_1";

/// A gateway with one subscription, the callback, and the secret of the subscription.
async fn set_up(auth: Value) -> (Gateway, Script, String) {
    let (gateway, callback) = (empty(SECRETS_KEY), Script::always(Answer::body(200, "")));
    gateway.world.set_upstream(callback.upstream());
    let settings = json!({"topics": ["t"], "callback_url": "https://h.test/hook", "auth": auth,
        "sign": ["v1", "v1a"]});
    let told = made(&gateway, Method::PUT, HOOK, settings).await;
    (gateway, callback, told["secret"].as_str().unwrap().to_owned())
}

fn moved(from: &Gateway, callback: &Script) -> Gateway {
    let to = elsewhere(from, OTHER_KEY);
    to.world.set_upstream(callback.upstream());
    to
}

async fn deliver(gateway: &Gateway) {
    let (status, json) = gateway.post_json("/subscriptions/deliver", &json!({})).await;
    assert_eq!(status, 200, "{json}");
}

/// The request that came last to the callback: its id, its credentials, and its first
/// signature.
fn last(callback: &Script) -> (String, String, String) {
    let request = callback.seen().pop().expect("a request");
    let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
    let signature = header("webhook-signature").split(' ').next().unwrap().to_owned();
    (header("webhook-id"), header("authorization"), signature)
}

#[tokio::test(start_paused = true)]
async fn it_delivers_elsewhere_with_the_same_ids_secrets_and_credentials() {
    local(async {
        let (from, callback, secret) = set_up(json!({"bearer": "hunter2"})).await;
        let document = sealed(&from).await;
        let to = moved(&from, &callback);
        assert_eq!(
            apply(&to, &document, Some(PASSPHRASE)).await,
            ["subscription/webhook_1: create"]
        );
        // Both have it now, and the clocks of both worlds are at the same time.
        from.log.append("t", 0, "one");
        deliver(&from).await;
        let expected = last(&callback);
        deliver(&to).await;
        assert_eq!(callback.seen().len(), 2);
        assert_eq!(last(&callback), expected);
        assert_eq!(expected.1, "Bearer hunter2");
        assert!(!document.to_string().contains(&secret));

        // The keys of v1a are made anew: nobody gives them away.
        let keys = async |gateway: &Gateway| gateway.get(HOOK).await.1["public_keys"].clone();
        assert_ne!(keys(&from).await, keys(&to).await);
        assert_eq!(keys(&to).await.as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_its_secrets_it_is_switched_off_until_it_has_all() {
    local(async {
        let (from, callback, _) = set_up(json!({"bearer": "hunter2"})).await;
        let document = export(&from, "").await;
        let to = moved(&from, &callback);
        // One of its neighbours is delivered to, so that what is due is kept in mind.
        for number in 2..22 {
            let settings =
                json!({"topics": ["t"], "callback_url": format!("https://h.test/{number}")});
            made(&to, Method::PUT, &format!("/subscriptions/webhook_{number}"), settings).await;
        }
        let told = apply(&to, &document, None).await;
        assert_eq!(told, ["subscription/webhook_1: create, needs a secret"]);
        let (_, shown) = to.get(HOOK).await;
        assert_eq!((&shown["secret_gone"], &shown["state"]), (&json!(true), &json!("active")));
        from.log.append("t", 0, "one");
        deliver(&to).await;
        let of_hook = || {
            let seen = callback.seen();
            seen.iter().filter(|request| request.uri.path() == "/hook").count()
        };
        assert_eq!((of_hook(), callback.seen().len()), (0, 20));
        assert_eq!(to.get(HOOK).await.1["totals"]["failed"], 0, "nothing is tried");
        let told = apply(&to, &document, None).await;
        assert_eq!(told, ["subscription/webhook_1: unchanged, needs a secret"]);

        // It has two.
        made(&to, Method::PATCH, HOOK, json!({"auth": {"bearer": "given"}})).await;
        deliver(&to).await;
        assert_eq!(of_hook(), 0);
        let (status, json) = to.post_json("/secrets/rewrap", &json!({})).await;
        assert_eq!((status, &json["webhooks"]["key_gone"]), (200, &json!(0)), "{json}");
        let rotated = made(&to, Method::POST, &format!("{HOOK}/rotate"), json!({})).await;
        assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"), "{rotated}");
        assert_eq!(rotated.get("secret_overlaps_until"), None, "there was none before: {rotated}");
        assert_eq!(rotated.get("secret_gone"), None, "{rotated}");
        deliver(&to).await;
        assert_eq!(of_hook(), 1);
        assert_eq!(last(&callback).1, "Bearer given");
        assert_eq!(apply(&to, &document, None).await, ["subscription/webhook_1: unchanged"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_document_gives_those_secrets_alone_that_are_missing() {
    local(async {
        let (from, callback, secret) = set_up(json!({"bearer": "hunter2"})).await;
        let (plain, encrypted) = (export(&from, "").await, sealed(&from).await);
        let to = moved(&from, &callback);
        apply(&to, &plain, None).await;
        let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        made(&to, Method::PATCH, HOOK, json!({"secret": own})).await;
        let told = apply(&to, &encrypted, Some(PASSPHRASE)).await;
        assert_eq!(told, ["subscription/webhook_1: replace"]);
        let told = apply(&to, &encrypted, Some(PASSPHRASE)).await;
        assert_eq!(told, ["subscription/webhook_1: unchanged"]);
        // What came last is its own secret, and the credentials of the document.
        let again = sealed(&to).await;
        let twin = elsewhere(&from, SECRETS_KEY);
        twin.world.set_upstream(callback.upstream());
        apply(&twin, &again, Some(PASSPHRASE)).await;
        from.log.append("t", 0, "one");
        deliver(&from).await;
        let of_other = last(&callback);
        deliver(&twin).await;
        let of_own = last(&callback);
        assert_eq!(of_own.1, "Bearer hunter2");
        assert_ne!(of_own.2, of_other.2, "it signs by its own secret");
        assert_ne!(own, secret);

        // Credentials of another kind come along with the document.
        let other = json!({"auth": {"basic": {"user": "ada", "password": "b"}}});
        made(&from, Method::PATCH, HOOK, json!({"auth": null})).await;
        made(&from, Method::PATCH, HOOK, other).await;
        let told = apply(&to, &sealed(&from).await, Some(PASSPHRASE)).await;
        assert_eq!(told, ["subscription/webhook_1: replace"]);
        from.log.append("t", 0, "two");
        deliver(&to).await;
        assert_eq!(last(&callback).1, "Basic YWRhOmI=");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_is_paused_and_resumed_by_the_document_and_what_was_disabled_stays_so() {
    local(async {
        let (gateway, _, _) = set_up(Value::Null).await;
        let active = export(&gateway, "").await;
        made(&gateway, Method::POST, &format!("{HOOK}/pause"), json!({})).await;
        let paused = export(&gateway, "").await;
        assert_eq!(paused["entries"][0]["settings"]["paused"], json!(true));
        let state = async || gateway.get(HOOK).await.1["state"].clone();
        assert_eq!(apply(&gateway, &active, None).await, ["subscription/webhook_1: replace"]);
        assert_eq!(state().await, "active");
        assert_eq!(apply(&gateway, &paused, None).await, ["subscription/webhook_1: replace"]);
        assert_eq!(state().await, "paused");
        made(&gateway, Method::POST, &format!("{HOOK}/resume"), json!({})).await;

        // The callback says that it is gone.
        gateway.world.set_upstream(Script::always(Answer::body(410, "")).upstream());
        gateway.log.append("t", 0, "one");
        deliver(&gateway).await;
        assert_eq!(state().await, "disabled");
        assert_eq!(export(&gateway, "").await, active, "it is no part of the set-up");
        for document in [&active, &paused] {
            let told = apply(&gateway, document, None).await;
            assert_eq!(told, ["subscription/webhook_1: unchanged"]);
            assert_eq!(state().await, "disabled");
        }
        let told = gateway.world.reported();
        let told = told.iter().filter(|line| line.contains("webhook_1")).count();
        assert!(told > 0, "each change is an event for the operator");
    })
    .await;
}
