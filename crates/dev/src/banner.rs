//! What is printed once everything runs.

use crate::arguments::Topic;
use crate::variables::Variables;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

/// The contents of the banner.
#[derive(Debug)]
pub(crate) struct Banner<'a> {
    pub(crate) address: SocketAddr,
    /// Below which path the gateway works: empty, or `/kafka`.
    pub(crate) base_path: &'a str,
    pub(crate) callers: Callers,
    /// The file of somebody else's component, if that answers the requests.
    pub(crate) component: Option<&'a Path>,
    /// Where a webhook can be seen to arrive.
    pub(crate) callback: Option<String>,
    /// The topic for the examples, if one is known to be there.
    pub(crate) topic: Option<&'a str>,
    pub(crate) kafka: String,
    pub(crate) data: String,
    /// Where state is kept, if not with the rest.
    pub(crate) state: Option<String>,
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    Everybody,
    /// Callers with one of the credentials in the variable.
    Listed,
    Nobody,
}

impl Callers {
    pub(crate) fn of(variables: &Variables) -> Self {
        let value = |name| variables.get(name).map_or("", |value| value.trim());
        match (value("open_access"), value("credentials")) {
            ("true", _) => Self::Everybody,
            (_, "") => Self::Nobody,
            _ => Self::Listed,
        }
    }
}

/// A URL without the user name and the password that it may hold.
pub(crate) fn without_secrets(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => format!("{scheme}://…{}", &rest[at..]),
        None => url.to_owned(),
    }
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, base_path, topic, .. } = self;
        let gateway = format!("http://{address}{base_path}");
        writeln!(f, "\nkafka-edge listens on {gateway}\n")?;
        if let Some(component) = self.component {
            writeln!(f, "  Requests go to {}.", component.display())?;
            if let Some(callback) = &self.callback {
                writeln!(f, "  Deliveries to {callback} are shown here.")?;
            }
        } else if let (Callers::Everybody, None) = (self.callers, topic) {
            writeln!(f, "  curl {gateway}/topics")?;
        } else if let (Callers::Everybody, Some(topic)) = (self.callers, topic) {
            if let Some(callback) = &self.callback {
                writeln!(f, "  curl {gateway}/webhook/{topic}/{callback}")?;
            }
            writeln!(f, "  curl {gateway}/producer/{topic}/hello-world")?;
            writeln!(f, "  curl {gateway}/consumer/{topic}")?;
        } else if self.callers == Callers::Listed {
            writeln!(f, "  Callers need one of the credentials in the variable `credentials`.")?;
            if let Some(callback) = &self.callback {
                writeln!(f, "  Deliveries to {callback} are shown here.")?;
            }
        } else {
            writeln!(f, "  Nobody may call any endpoint but /healthz and /readyz.")?;
            writeln!(f, "  `--variable open_access=true` lets in everyone who can reach it.")?;
        }
        writeln!(f, "\n  Kafka  {}", self.kafka)?;
        writeln!(f, "  data   {}", self.data)?;
        if let Some(state) = &self.state {
            writeln!(f, "  state  {state}")?;
        }
        writeln!(f, "\nCtrl-C ends it.")
    }
}

/// The topics in words.
pub(crate) fn topics(topics: &[Topic]) -> String {
    let each = topics.iter().map(|Topic { name, partitions }| match partitions {
        1 => format!("{name} (1 partition)"),
        many => format!("{name} ({many} partitions)"),
    });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(callers: Callers) -> String {
        banner_of(callers, None)
    }

    fn banner_of(callers: Callers, component: Option<&str>) -> String {
        let banner = Banner {
            address: "127.0.0.1:3000".parse().unwrap(),
            base_path: "",
            callers,
            component: component.map(Path::new),
            callback: Some("http://127.0.0.1:3001/callback".to_owned()),
            topic: Some("t"),
            kafka: "somewhere".to_owned(),
            data: "in memory".to_owned(),
            state: None,
        };
        banner.to_string()
    }

    #[test]
    fn lines_can_be_pasted_where_calls_are_served() {
        assert!(
            banner(Callers::Everybody)
                .contains("curl http://127.0.0.1:3000/producer/t/hello-world\n")
        );
        assert!(
            banner(Callers::Everybody)
                .contains("curl http://127.0.0.1:3000/webhook/t/http://127.0.0.1:3001/callback\n")
        );
        assert!(!banner(Callers::Nobody).contains("curl"));
        assert!(banner(Callers::Nobody).contains("open_access=true"));
        assert!(!banner(Callers::Listed).contains("curl"));
        assert!(banner(Callers::Listed).contains("`credentials`"));
        assert!(banner(Callers::Listed).contains("http://127.0.0.1:3001/callback"));
    }

    #[test]
    fn the_gateways_own_calls_are_not_told_where_another_component_answers() {
        let banner = banner_of(Callers::Everybody, Some("shop.wasm"));
        assert!(banner.contains("Requests go to shop.wasm.\n") && !banner.contains("curl"));
        assert!(banner.contains("http://127.0.0.1:3001/callback"));
    }

    #[test]
    fn who_may_call_follows_from_the_variables() {
        for (open, credentials, callers) in [
            ("true", "", Callers::Everybody),
            (" true ", "[]", Callers::Everybody),
            ("false", " ", Callers::Nobody),
            ("", r#"[{"name":"a"}]"#, Callers::Listed),
        ] {
            let named = [("open_access", open), ("credentials", credentials)];
            let variables = named.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(Callers::of(&variables.into()), callers, "{open} {credentials}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for (url, shown) in [
            ("http://localhost:8082/a@b", "http://localhost:8082/a@b"),
            ("http://me:hu@sh@localhost:8082/x", "http://…@localhost:8082/x"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
