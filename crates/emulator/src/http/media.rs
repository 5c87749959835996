//! Media types: which an answer gets, and which a request may have.

use super::error::RestError;

/// A media type of an answer.
pub(crate) type Media = &'static str;

pub(crate) const JSON: Media = "application/json";
pub(crate) const V2: Media = "application/vnd.kafka.v2+json";

/// Chooses among `offered` by an `Accept` header. The first is the default.
pub(crate) fn negotiate(accept: Option<&str>, offered: &[Media]) -> Result<Media, RestError> {
    let Some(accept) = accept.filter(|a| !a.trim().is_empty()) else {
        return Ok(offered[0]);
    };
    let mut ranges: Vec<(&str, f32)> = accept.split(',').map(range_and_quality).collect();
    // Stable, so that equal ranges keep their order.
    ranges.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (range, quality) in ranges {
        if quality <= 0.0 {
            continue;
        }
        if let Some(media) = offered.iter().find(|media| covers(range, media)) {
            return Ok(media);
        }
    }
    Err(RestError::not_acceptable())
}

fn range_and_quality(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let quality = parts.find_map(|p| p.strip_prefix("q=")).and_then(|q| q.parse().ok());
    (range, quality.unwrap_or(1.0))
}

fn covers(range: &str, media: &str) -> bool {
    match range.strip_suffix("/*") {
        Some("*") => true,
        Some(main) => media.split('/').next() == Some(main),
        None => range.eq_ignore_ascii_case(media),
    }
}

/// Refuses a content type that is not among `consumed`. None at all is fine.
pub(crate) fn require_content_type(
    content_type: Option<&str>,
    consumed: &[&str],
) -> Result<(), RestError> {
    let Some(content_type) = content_type else { return Ok(()) };
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if consumed.iter().any(|media| media.eq_ignore_ascii_case(essence)) {
        Ok(())
    } else {
        Err(RestError::unsupported_media_type())
    }
}
