//! `GET /console`: a page for people.
//!
//! Its files are in `src/console/`, and `build.rs` compresses them. They hold nothing
//! but themselves, so that everyone may have them; what they show comes from the calls
//! of this API, with the credential of who looks at them.

use http::Method;
use http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::refusal::{Refusal, RefusalKind};
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;

/// The name, the content type and the compressed text of each file.
static FILES: &[(&str, &str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

const PAGE: &str = "index.html";

/// Everything comes from here, nothing is in the markup but text, and no script makes
/// markup of text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

fn file<B>(request: &Request<B>, name: &str) -> Result<Response, Refusal> {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    let (_, content_type, text) = found.ok_or(RefusalKind::NoSuchPath)?;
    Ok(Response::compressed(request, content_type, text)
        .with_header(CONTENT_SECURITY_POLICY, POLICY)
        .with_header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with_header(X_FRAME_OPTIONS, "DENY")
        .with_header(REFERRER_POLICY, "no-referrer"))
}

pub(super) struct GetConsole;

impl Endpoint for GetConsole {
    const DECLARATION: Declaration = Declaration {
        name: "getConsole",
        methods: &[Method::GET],
        path: "/console",
        caller: Caller::Anyone,
        safe: true,
        about: "A page that shows and steers all of this, for a browser",
        query: QueryRule::NONE,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        file(call.request, PAGE)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail("The page holds nothing of the gateway; it asks for a credential itself.")
            .gives_text("text/html", "The page")
            .example("/console");
    }
}

pub(super) struct GetConsoleFile;

impl Endpoint for GetConsoleFile {
    const DECLARATION: Declaration = Declaration {
        name: "getConsoleFile",
        path: "/console/{file}",
        about: "A script, a style sheet or a picture of that page",
        ..GetConsole::DECLARATION
    };

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        let name = call.path_raw("file").to_owned();
        file(call.request, &name)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives_text("text/css", "The file")
            .gives_text("text/javascript", "The file")
            .gives_text("image/svg+xml", "The file")
            .fails(404, "There is no such file")
            .example("/console/console.css");
    }
}
