//! Pages of other origins.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, VARY,
};
use http::{HeaderName, Method};
use kafka_edge::http::{Caller, ENDPOINTS, Response};
use kafka_edge_sim::local;

use crate::gateway::{Gateway, header, request};

const NAMED: &str = "https://app.test";
const OTHER: &str = "https://other.test";
const BASIC: &str = "Basic YWxsOjAxMjM0NTY3ODlhYmNkZWY=";

fn gateway(origins: &str) -> Gateway {
    let gateway = Gateway::open();
    gateway.world.set_variable("cors_origins", origins);
    gateway
}

async fn call(
    gateway: &Gateway,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
) -> Response {
    let mut call = request(method, target);
    call.headers.extend(headers.iter().map(|(name, value)| header(name, value.as_bytes())));
    gateway.send(call).await
}

fn allowed(response: &Response) -> (Option<&str>, Option<&str>) {
    let value = |name: HeaderName| response.header(&name);
    (value(ACCESS_CONTROL_ALLOW_ORIGIN), value(ACCESS_CONTROL_ALLOW_CREDENTIALS))
}

#[tokio::test(start_paused = true)]
async fn a_page_may_read_what_its_origin_allows() {
    local(async {
        for (origins, origin, expected) in [
            ("", NAMED, (None, None)),
            (NAMED, NAMED, (Some(NAMED), Some("true"))),
            (NAMED, OTHER, (None, None)),
            ("*", OTHER, (Some("*"), None)),
            ("*, https://app.test", NAMED, (Some(NAMED), Some("true"))),
        ] {
            let gateway = gateway(origins);
            // Errors are to be read, too.
            for target in ["/topics", "/nowhere", "/topics/none", "/consumer/t?wait=0&group=g"] {
                let response = call(&gateway, Method::GET, target, &[("Origin", origin)]).await;
                assert_eq!(allowed(&response), expected, "{origins} {origin} {target}");
                let exposed = response.header(&ACCESS_CONTROL_EXPOSE_HEADERS);
                assert_eq!(exposed.is_some(), expected.0.is_some());
                assert_eq!(response.header(&VARY), origins.contains("//").then_some("origin"));
            }
            let without = call(&gateway, Method::GET, "/topics", &[]).await;
            assert_eq!(allowed(&without), (None, None));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_route_answers_a_preflight_for_its_own_methods() {
    local(async {
        let gateway = gateway(NAMED);
        for listed in ENDPOINTS {
            let declaration = &listed.declaration;
            let path = declaration.path.replace(['{', '}', '*'], "");
            for method in declaration.methods {
                let response = call(
                    &gateway,
                    Method::OPTIONS,
                    &path,
                    &[
                        ("Origin", NAMED),
                        ("Access-Control-Request-Method", method.as_str()),
                        ("Access-Control-Request-Headers", "authorization,Kafka-Header-X"),
                    ],
                )
                .await;
                assert_eq!(response.status, 204, "{path}");
                assert_eq!(allowed(&response), (Some(NAMED), Some("true")), "{path}");
                let methods = response.header(&ACCESS_CONTROL_ALLOW_METHODS).unwrap();
                assert!(methods.split(", ").any(|known| known == method.as_str()), "{methods}");
                let headers = response.header(&ACCESS_CONTROL_ALLOW_HEADERS);
                assert_eq!(headers, Some("authorization, kafka-header-x"), "{path}");
            }
        }
        let odd = [
            ("Origin", NAMED),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "a b"),
        ];
        let response = call(&gateway, Method::OPTIONS, "/producer/t", &odd).await;
        assert_eq!(response.header(&ACCESS_CONTROL_ALLOW_HEADERS), None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_foreign_page_cannot_use_what_the_browser_remembers() {
    local(async {
        for origins in [NAMED, "", "*"] {
            let gateway = gateway(origins);
            gateway.log.create_topic("topic", 1);
            let mut written = 0;
            for listed in ENDPOINTS {
                let declaration = &listed.declaration;
                let path = declaration.path.replace(['{', '}', '*'], "");
                // A source may take Basic, although the call itself needs no credential.
                let reads_one = declaration.caller != Caller::Anyone || path.starts_with("/in/");
                let changes = !declaration.safe && reads_one;
                assert!(changes || !path.starts_with("/producer/"), "{path}");
                let method = declaration.methods[0].clone();
                for (headers, refused) in [
                    (&[("authorization", BASIC), ("sec-fetch-site", "cross-site")][..], changes),
                    (
                        &[
                            ("authorization", BASIC),
                            ("sec-fetch-site", "cross-site"),
                            ("origin", OTHER),
                        ],
                        changes,
                    ),
                    (
                        &[
                            ("authorization", BASIC),
                            ("sec-fetch-site", "cross-site"),
                            ("origin", NAMED),
                        ],
                        changes && origins != NAMED,
                    ),
                    (&[("authorization", BASIC), ("sec-fetch-site", "same-site")], changes),
                    // No page can send a token that it does not know.
                    (&[("authorization", "Bearer x"), ("sec-fetch-site", "cross-site")], false),
                    (&[("authorization", BASIC), ("sec-fetch-site", "same-origin")], false),
                    (&[("authorization", BASIC), ("sec-fetch-site", "none")], false),
                    (&[("authorization", BASIC)], false),
                    (&[("sec-fetch-site", "cross-site")], false),
                ] {
                    let before = gateway.log.end("topic", 0);
                    let response = call(&gateway, method.clone(), &path, headers).await;
                    assert_eq!(response.status == 403, refused, "{path} {headers:?}");
                    let is_written = gateway.log.end("topic", 0) > before;
                    assert!(!refused || !is_written, "{path} {headers:?}");
                    written += usize::from(is_written);
                }
            }
            assert!(written > 0, "nothing that changes something was tried");
        }
    })
    .await;
}
