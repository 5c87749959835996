//! `/producer`.

use bytes::Bytes;
use http::Method;
use kafka_edge::error::ErrorKind;
use kafka_edge_sim::local;
use serde_json::json;

use crate::gateway::{Gateway, Taken, header, request};

#[tokio::test(start_paused = true)]
async fn the_rest_of_the_path_is_written() {
    local(async {
        let gateway = Gateway::open();
        let (status, json) = gateway.get("/producer/t/hello-world").await;
        assert_eq!(status, 200);
        assert_eq!(
            json,
            json!({"topic": "t", "message": "hello-world", "partition": 0, "offset": 0, "timestamp": null})
        );
        let target = "/producer/t//a/b%2F/gr%C3%BCn+?key=k%00&partition=1&timestamp=1970-01-01T00:00:00.007Z";
        let (_, json) = gateway.get(target).await;
        assert_eq!(
            json,
            json!({"topic": "t", "message": "/a/b//grün+", "partition": 1, "offset": 0,
                "timestamp": "1970-01-01T00:00:00.007Z"})
        );
        let (_, json) = gateway.get("/producer/t/%ff%00").await;
        assert_eq!((&json["message"], &json["encoding"]), (&json!("/wA="), &json!("base64")));
        assert_eq!((gateway.log.end("t", 0), gateway.log.end("t", 1)), (2, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_body_is_written_byte_for_byte_with_its_headers() {
    local(async {
        let gateway = Gateway::open();
        let mut post = request(Method::POST, "/producer/t?key=a+b&partition=1");
        post.headers.extend([
            header("Kafka-Header-trace", b"\xff"),
            header("content-type", b"application/json; charset=utf-8"),
            header("x-other", b"no"),
        ]);
        post.body = Bytes::from_static(b"{ \"a\" : 1 }\n");
        let (status, json) = gateway.send(post).await.taken();
        assert_eq!((status, &json["partition"], &json["offset"]), (200, &json!(1), &json!(0)));
        assert!(json.get("message").is_none());

        let (_, read) = gateway.get("/consumer/t").await;
        assert_eq!((&read["message"], &read["key"]), (&json!("{ \"a\" : 1 }\n"), &json!("a b")));
        assert_eq!(
            read["headers"],
            json!([
                {"name": "content-type", "value": "application/json; charset=utf-8"},
                {"name": "trace", "value": "/w==", "encoding": "base64"},
            ])
        );

        let empty = gateway.send(request(Method::POST, "/producer/t?partition=1")).await;
        assert_eq!(empty.taken().0, 200);
        let (_, read) = gateway.get("/consumer/t").await;
        assert_eq!((&read["message"], &read["offset"]), (&json!(""), &json!(1)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn lines_are_records_with_a_report_each() {
    local(async {
        let gateway = Gateway::open();
        let body = concat!(
            "{\"message\":\"a\"}\n",
            "no record\n",
            "{\"message\":\"b\",\"partition\":7}\n",
            "{\"message\":null,\"key\":\"k\"}",
        );
        let response = gateway.post("/producer/t", "application/x-ndjson; a=b", body).await;
        let (status, reports) = response.taken();
        assert_eq!((status, reports.as_array().unwrap().len()), (200, 4));
        assert_eq!((&reports[0]["offset"], &reports[3]["offset"]), (&json!(0), &json!(1)));
        assert_eq!((&reports[1]["status"], &reports[1]["detail"]), (&json!(400), &json!("line")));
        assert_eq!(
            (&reports[2]["status"], &reports[2]["detail"]),
            (&json!(400), &json!("partition"))
        );
        assert_eq!(gateway.log.calls("produce"), 1);
        assert_eq!(gateway.log.end("t", 0), 2);

        let tombstone = gateway.get("/consumer/t").await;
        assert_eq!(tombstone.1["message"], "a");
        let tombstone = gateway.get("/consumer/t").await.1;
        assert_eq!((&tombstone["message"], &tombstone["key"]), (&json!(null), &json!("k")));

        let all_bad = gateway.post("/producer/t", "application/x-ndjson", "x\ny\n").await;
        let (status, reports) = all_bad.taken();
        assert_eq!((status, reports.as_array().unwrap().len()), (200, 2));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn errors_reach_the_caller_as_they_are() {
    local(async {
        let gateway = Gateway::open();
        assert_eq!(gateway.refused("/producer/none/m", 404).await.0, "Topic not found");
        let lines =
            gateway.post("/producer/none", "application/x-ndjson", "{\"message\":1}\n").await;
        assert_eq!(lines.taken().0, 404);
        assert_eq!(gateway.refused("/producer/t/m?partition=2", 400).await.1, "partition");

        for (error, status) in [
            (ErrorKind::OutcomeUnknown { detail: "x".into() }, 504),
            (ErrorKind::Unreachable { detail: "x".into() }, 503),
            (ErrorKind::TooLarge { size: 2, limit: 1 }, 413),
        ] {
            gateway.log.set_failure(Some(error.clone().into()));
            let (sentence, _) = gateway.refused("/producer/t/m", status).await;
            assert_eq!(sentence, error.to_string());
        }
    })
    .await;
}
