//! `/webhook` and `/webhooks`.

use http::Method;
use kafka_edge_sim::{Answer, Script, local};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, request};

#[tokio::test(start_paused = true)]
async fn a_callback_is_registered_once_and_shown_its_secret_once() {
    local(async {
        let gateway = Gateway::open();
        let (status, new) = gateway.get("/webhook/t/https://h.test/a//b?c=d&topic=e").await;
        assert_eq!((status, &new["topic"]), (201, &json!("t")));
        assert_eq!(new["callback_url"], "https://h.test/a//b?c=d&topic=e");
        let id = new["webhook_id"].as_str().unwrap();
        assert!(id.starts_with("webhook_"), "{id}");
        assert!(new["secret"].as_str().unwrap().starts_with("whsec_"));

        let folded = "/webhook/t/https:/h.test/a//b?c=d&topic=e";
        let encoded = "/webhook/t/https%3A%2F%2Fh.test%2Fa%2F%2Fb%3Fc%3Dd%26topic%3De";
        for target in [folded, encoded] {
            let (status, again) = gateway.get(target).await;
            assert_eq!((status, again["webhook_id"].as_str()), (200, Some(id)), "{target}");
            assert!(again.get("secret").is_none(), "{again}");
        }
        let (_, list) = gateway.get("/webhooks").await;
        assert_eq!(list["webhooks"].as_array().unwrap().len(), 1);
        assert_eq!(list["webhooks"][0]["webhook_id"], id);
        assert!(!list.to_string().contains("whsec_"), "{list}");

        let (status, one) = gateway.get(&format!("/webhooks/{id}")).await;
        assert_eq!((status, &one["callback_url"]), (200, &new["callback_url"]));
        assert!(one["partitions"].is_array() && one.get("secret").is_none(), "{one}");

        assert_eq!(gateway.call(Method::DELETE, &format!("/webhooks/{id}")).await.0, 204);
        assert_eq!(
            gateway.refused(&format!("/webhooks/{id}"), 404).await.0,
            "Subscription not found"
        );
        assert_eq!(gateway.call(Method::DELETE, &format!("/webhooks/{id}")).await.0, 404);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_body_registers_too() {
    local(async {
        let gateway = Gateway::open();
        let register =
            async |body: &str| gateway.post("/webhooks", "application/json", body).await.taken();
        let body = r#"{"topic":"t","callback_url":"https://h.test/","from":"earliest"}"#;
        assert_eq!(register(body).await.0, 201);
        assert_eq!(register(body).await.0, 200);
        for (body, detail) in [
            ("", "body"),
            ("[]", "body"),
            (r#"{"topic":"t"}"#, "callback_url"),
            (r#"{"topic":"t","callback_url":"https://h.test/","form":"latest"}"#, "form"),
            (r#"{"topic":"t","callback_url":"https://h.test/","from":"now"}"#, "from"),
            (r#"{"topic":"..","callback_url":"https://h.test/"}"#, "topic"),
        ] {
            let (status, json) = register(body).await;
            assert_eq!((status, json["detail"].as_str()), (400, Some(detail)), "{body}");
        }
        let unknown = register(r#"{"topic":"none","callback_url":"https://h.test/"}"#).await;
        assert_eq!((unknown.0, &unknown.1["error"]), (404, &json!("Topic not found")));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_is_not_public_is_refused() {
    local(async {
        let gateway = Gateway::open();
        for url in [
            "http://localhost/",
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://0.0.0.0:8080/",
            "https%3A%2F%2F127.0.0.1%2F",
            "ftp://h.test/",
            "h.test",
            "",
        ] {
            let (sentence, _) = gateway.refused(&format!("/webhook/t/{url}"), 400).await;
            assert_eq!(sentence, "Invalid webhook URL", "{url}");
        }
        assert_eq!(gateway.get("/webhooks").await.1, json!({"webhooks": []}));

        let open = Gateway::open();
        open.world.set_variable("webhook_allow_private", "true");
        assert_eq!(open.get("/webhook/t/http://127.0.0.1:8000/").await.0, 201);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_due_is_delivered_on_demand() {
    local(async {
        let gateway = Gateway::open();
        let callback = Script::new();
        callback.on("POST /hook", [Answer::body(200, "")]);
        gateway.world.set_upstream(callback.upstream());
        assert_eq!(gateway.get("/webhook/t/https://h.test/hook").await.0, 201);
        gateway.log.append("t", 0, "a");

        let deliver = async |target: &str| gateway.call(Method::POST, target).await;
        let (status, json) = deliver("/webhooks/deliver?budget=5").await;
        let round = &json["webhooks"][0];
        assert_eq!((status, &round["delivered"], &round["failed"]), (200, &json!(1), &json!(0)));
        assert_eq!(round["topic"], "t");
        assert_eq!(callback.count("POST /hook"), 1);
        let body: Value = serde_json::from_slice(&callback.seen()[0].body).unwrap();
        assert_eq!((&body["message"], &body["offset"]), (&json!("a"), &json!(0)));

        for target in ["/webhooks/deliver?budget=61", "/webhooks/deliver?budget=x"] {
            let (status, json) = deliver(target).await;
            assert_eq!((status, json["detail"].as_str()), (400, Some("budget")), "{target}");
        }
        assert_eq!(gateway.get("/webhooks/deliver").await.0, 405);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_produce_is_delivered_after_its_answer() {
    local(async {
        let gateway = Gateway::open();
        let callback = Script::new();
        callback.on("POST /hook", [Answer::body(204, "")]);
        gateway.world.set_upstream(callback.upstream());
        assert_eq!(gateway.get("/webhook/t/https://h.test/hook").await.0, 201);

        let answer = gateway.send(request(Method::GET, "/producer/t/m")).await;
        assert_eq!((answer.taken().0, callback.count("POST /hook")), (200, 0));
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        assert_eq!(callback.count("POST /hook"), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_on_a_topic_made_anew_is_shown_and_mended_by_a_seek() {
    local(async {
        let gateway = Gateway::open();
        let callback = Script::new();
        callback.on("POST /hook", [Answer::body(204, "")]);
        gateway.world.set_upstream(callback.upstream());
        (0..5).for_each(|_| _ = gateway.log.append("t", 0, "old"));
        let id = gateway.get("/webhook/t/https://h.test/hook").await.1["webhook_id"].clone();
        let path = format!("/webhooks/{}", id.as_str().unwrap());
        gateway.log.create_topic("t", 2);
        gateway.log.append("t", 0, "new");

        let deliver = async || {
            let (_, round) = gateway.call(Method::POST, "/webhooks/deliver").await;
            round["webhooks"][0].clone()
        };
        let round = deliver().await;
        let why = "Position 5 lies beyond the end of partition 0 of t, which is 1; a seek moves the \
                   webhook";
        assert_eq!((&round["delivered"], &round["error"]), (&json!(0), &json!(why)));
        let partitions = async || gateway.get(&path).await.1["partitions"].clone();
        assert_eq!(partitions().await[0]["beyond_end"], true);
        assert!(partitions().await[1].get("beyond_end").is_none());

        let seek = format!("{path}/seek");
        for (to, detail) in [
            (json!({"to": "now"}), "to"),
            (json!({}), "body"),
            (json!({"topic": "t", "to": "latest"}), "topic"),
            (json!({"offsets": {"x": 0}}), "offsets.x"),
            (json!({"offsets": {"0": "1"}}), "offsets.0"),
            (json!({"offsets": {"7": 0}}), "offsets"),
        ] {
            let (status, json) = gateway.post_json(&seek, &to).await;
            assert_eq!((status, json["detail"].as_str()), (400, Some(detail)), "{to}");
        }
        let unknown = gateway.post_json("/webhooks/webhook_0/seek", &json!({"to": "latest"})).await;
        assert_eq!(unknown.0, 404);
        let (status, moved) = gateway.post_json(&seek, &json!({"to": "earliest"})).await;
        let expected = json!({"webhook_id": id, "offsets": {"0": 0, "1": 0}});
        assert_eq!((status, moved), (200, expected));
        assert_eq!(deliver().await["delivered"], 1);
        assert!(partitions().await[0].get("beyond_end").is_none());
    })
    .await;
}
