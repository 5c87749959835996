//! The variables that determine what is reported, and how.

use super::variables::Variables;
use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::telemetry::{Level, LogFormat, Settings};

const VARIABLES: [&str; 2] = ["log_format", "log_level"];

pub async fn load(host: &impl Host) -> Result<Settings> {
    let variables = Variables::read(host, VARIABLES.into()).await?;
    parse(variables.text("log_format").as_deref(), variables.text("log_level").as_deref())
}

pub fn parse(format: Option<&str>, level: Option<&str>) -> Result<Settings> {
    let format = match format.map(str::trim) {
        None | Some("") => Settings::DEFAULT.format,
        Some("logfmt") => LogFormat::Logfmt,
        Some("json") => LogFormat::Json,
        Some(_) => {
            return Err(
                ErrorKind::Unconfigured("log_format is neither logfmt nor json".into()).into()
            );
        }
    };
    let level = match level.map(str::trim) {
        None | Some("") => Settings::DEFAULT.level,
        Some("error") => Level::Error,
        Some("warn") => Level::Warn,
        Some("info") => Level::Info,
        Some("debug") => Level::Debug,
        Some(_) => {
            return Err(ErrorKind::Unconfigured(
                "log_level is none of error, warn, info and debug".into(),
            )
            .into());
        }
    };
    Ok(Settings { format, level })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn what_is_not_set_is_the_default() {
        for unset in [None, Some(""), Some(" ")] {
            assert_eq!(parse(unset, unset), Ok(Settings::DEFAULT));
        }
        let settings = Settings { format: LogFormat::Json, level: Level::Debug };
        assert_eq!(parse(Some("json"), Some(" debug ")), Ok(settings));
        for level in [Level::Error, Level::Warn, Level::Info, Level::Debug] {
            assert_eq!(parse(None, Some(level.name())).unwrap().level, level);
        }
    }

    #[test]
    fn what_is_malformed_is_named() {
        for (format, level, name) in
            [(Some("xml"), None, "log_format"), (None, Some("all"), "log_level")]
        {
            let Err(ErrorKind::Unconfigured(sentence)) =
                parse(format, level).map_err(Error::into_kind)
            else {
                panic!("{name}")
            };
            assert!(sentence.contains(name), "{sentence}");
        }
    }
}
