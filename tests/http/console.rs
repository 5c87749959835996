//! `/console` and `/caller`.

use http::Method;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use kafka_edge_sim::local;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/console");

/// What everything may be in the component, compressed.
const MOST_BYTES: usize = 60 * 1024;

fn names() -> Vec<String> {
    let files = std::fs::read_dir(FOLDER).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

fn text(name: &str) -> String {
    std::fs::read_to_string(format!("{FOLDER}/{name}")).unwrap()
}

fn path(name: &str) -> String {
    if name == "index.html" { "/console".into() } else { format!("/console/{name}") }
}

#[tokio::test(start_paused = true)]
async fn every_file_is_served_with_a_strict_policy_and_compressed_if_the_client_takes_it() {
    local(async {
        let gateway = Gateway::closed();
        let mut bytes = 0;
        for name in names() {
            let plain = gateway.send(request(Method::GET, &path(&name))).await;
            assert_eq!(plain.status, 200, "{name}");
            assert_eq!(plain.header(&CONTENT_ENCODING), None, "{name}");
            let mut get = request(Method::GET, &path(&name));
            get.headers.push(header("accept-encoding", b"gzip, br"));
            let small = gateway.send(get).await;
            assert_eq!(small.header(&CONTENT_ENCODING), Some("gzip"), "{name}");
            assert!(small.whole_body().starts_with(&[0x1f, 0x8b]), "{name}");
            bytes += small.whole_body().len();
            let content_type = match name.rsplit_once('.').unwrap().1 {
                "html" => "text/html; charset=utf-8",
                "css" => "text/css; charset=utf-8",
                "js" => "text/javascript; charset=utf-8",
                "svg" => "image/svg+xml",
                other => panic!("{other}"),
            };
            for response in [plain, small] {
                assert_eq!(response.header(&CONTENT_TYPE), Some(content_type), "{name}");
                assert_eq!(response.header(&X_CONTENT_TYPE_OPTIONS), Some("nosniff"), "{name}");
                assert_eq!(response.header(&X_FRAME_OPTIONS), Some("DENY"), "{name}");
                assert_eq!(response.header(&REFERRER_POLICY), Some("no-referrer"), "{name}");
                let policy = response.header(&CONTENT_SECURITY_POLICY).unwrap();
                let rules: Vec<_> = policy.split("; ").collect();
                assert!(rules.contains(&"default-src 'none'"), "{policy}");
                assert!(rules.contains(&"script-src 'self'"), "{policy}");
                assert!(rules.contains(&"style-src 'self'"), "{policy}");
                assert!(rules.contains(&"frame-ancestors 'none'"), "{policy}");
                assert!(rules.contains(&"require-trusted-types-for 'script'"), "{policy}");
                assert!(!policy.contains("unsafe"), "{policy}");
            }
            let head = gateway.send(request(Method::HEAD, &path(&name))).await;
            assert_eq!(head.status, 200, "{name}");
        }
        println!("the console: {bytes} bytes of {MOST_BYTES}, compressed");
        assert!(bytes <= MOST_BYTES, "{bytes} bytes");
        for missing in ["/console/", "/console/none.js", "/console/index.html/x"] {
            assert_eq!(gateway.get(missing).await.0, 404, "{missing}");
        }
        assert!(gateway.world.store().is_empty());
    })
    .await;
}

#[test]
fn no_file_asks_another_host_or_makes_markup_of_text() {
    for name in names() {
        let text = text(&name);
        let text = text.replace("http://www.w3.org/2000/svg", "");
        let forbidden = [
            "http://",
            "https://",
            "//cdn",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "srcdoc",
            "eval(",
            "new Function",
            "import(",
            "@import",
            "url(",
            "localStorage",
            "document.cookie",
        ];
        for word in forbidden {
            assert!(!text.contains(word), "{name} has {word}");
        }
        if name == "index.html" {
            assert!(!text.contains(" style=") && !text.contains("<style"), "{name}");
            assert!(!text.contains(" on") && !text.contains("<script>"), "{name}");
            assert_eq!(text.matches("<link rel=\"stylesheet\"").count(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_caller_learns_what_it_may_do() {
    local(async {
        let gateway = Gateway::open();
        let caller = |name: Value, allow: &[&str], topics: &[&str]| {
            json!({"name": name, "allow": allow, "topics": topics})
        };
        let all = ["produce", "consume", "webhooks", "admin", "metrics"];
        let (status, open) = gateway.get("/caller").await;
        assert_eq!((status, open), (200, caller(Value::Null, &all, &["*"])));

        gateway.world.set_variable("open_access", "");
        let credentials = json!([
            {"name": "reader", "secret": "secret-of-the-reader", "allow": ["consume"],
                "topics": ["orders", "logs.*"]},
            {"name": "root", "secret": "secret-of-the-root", "allow": ["admin"]},
            {"name": "both", "secret": "secret-of-the-both", "allow": ["webhooks", "produce"],
                "topics": ["*", "orders"]},
        ]);
        gateway.world.set_variable("credentials", &credentials.to_string());
        let gateway = gateway.restarted();
        for (secret, expected) in [
            ("secret-of-the-reader", caller("reader".into(), &["consume"], &["orders", "logs.*"])),
            ("secret-of-the-root", caller("root".into(), &["admin"], &[])),
            ("secret-of-the-both", caller("both".into(), &["produce", "webhooks"], &["*"])),
        ] {
            let mut get = request(Method::GET, "/caller");
            let bearer = format!("Bearer {secret}");
            get.headers.push(header(AUTHORIZATION.as_str(), bearer.as_bytes()));
            assert_eq!(gateway.send(get).await.taken(), (200, expected));
        }
        // This is what brings the browser's own dialogue.
        let nobody = gateway.send(request(Method::GET, "/caller")).await;
        assert_eq!(nobody.status, 401);
        assert!(nobody.header(&WWW_AUTHENTICATE).unwrap().starts_with("Basic realm="));

        gateway.world.set_variable("credentials", "");
        gateway.world.set_variable("kafka_credentials", "passthrough");
        let gateway = gateway.restarted();
        let mut get = request(Method::GET, "/caller");
        get.headers.push(header(AUTHORIZATION.as_str(), b"Basic T05FOmh1c2g="));
        let expected = caller(Value::Null, &["produce", "consume"], &["*"]);
        assert_eq!(gateway.send(get).await.taken(), (200, expected));
        assert!(gateway.world.store().is_empty());
    })
    .await;
}
