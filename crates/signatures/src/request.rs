//! A request whose sender is to be found out.

/// The parts of a request that a signature may cover.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    pub method: &'a str,
    /// The path and query as they were sent.
    pub target: &'a str,
    /// The address to which the sender sent it, with path and query. It is `None`
    /// where nobody knows it.
    pub url: Option<&'a str>,
    /// In the order in which they arrived, with names in any case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// With content encodings undone.
    pub body: &'a [u8],
}

impl<'a> SignedRequest<'a> {
    /// The only header with this name, as text. A header that is there twice is no
    /// header: which of the two its reader takes is not known.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        match values.next() {
            None => std::str::from_utf8(value).ok(),
            Some(_) => None,
        }
    }

    /// The query without its question mark.
    pub fn query(&self) -> &'a str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The first value of a parameter of the query, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query().as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}
