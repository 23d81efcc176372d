//! Which addresses may become links and images, and how they are spelt.

use std::rc::Rc;

/// Scheme of the link that stands for a mentioned Azure DevOps identity; its GUID follows.
pub(super) const MENTION_SCHEME: &str = "ado-user:";

/// Schemes that a link may have. One side's `file:` or `ssh:` opens something on the machine of whoever clicks it on the
/// other side. Addresses without a scheme (relative, `#x`) are let through.
pub(super) const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// The spelling of a link's address in canonical form, or `None` when it may not be a link.
pub(super) fn link(url: &str) -> Option<Rc<str>> {
    let spelt = spell(url);
    let safe = match scheme(&spelt) {
        None => !spelt.is_empty(),
        Some(name) if name == "ado-user" => mention(&spelt).is_some(),
        Some(name) => SCHEMES.contains(&name.as_str()),
    };
    (safe && stands(&spelt)).then(|| Rc::from(spelt))
}

/// The spelling of an image's address in canonical form, or `None` when it may not be an image.
pub(super) fn image(url: &str) -> Option<String> {
    let spelt = spell(url);
    let safe = match scheme(&spelt).as_deref() {
        None => !spelt.is_empty(),
        Some("http" | "https") => true,
        Some("data") => spelt
            .get(..11)
            .is_some_and(|start| start.eq_ignore_ascii_case("data:image/")),
        Some(_) => false,
    };
    (safe && stands(&spelt)).then_some(spelt)
}

/// Whether the HTML writer's second wall keeps an address. It drops one that is neither a URL nor relative (a host with
/// `%3C`, or none at all); such a link would be in the Markdown and gone from the HTML.
fn stands(url: &str) -> bool {
    match url::Url::parse(url) {
        Ok(_) | Err(url::ParseError::RelativeUrlWithoutBase) => true,
        Err(_) => false,
    }
}

/// Whether an address says neither where it leads from anywhere nor whom it mentions in ClickUp.
pub(super) fn is_relative(url: &str) -> bool {
    url::Url::parse(url) == Err(url::ParseError::RelativeUrlWithoutBase)
        && !url.starts_with("#user_mention#")
}

/// The GUID of a mention link.
pub(super) fn mention(url: &str) -> Option<&str> {
    url.strip_prefix(MENTION_SCHEME).filter(|id| is_guid(id))
}

/// Whether `id` is spelt like an identity GUID. Loose about groups, strict about characters.
pub(super) fn is_guid(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Whether a link that shows `text` is what both services make of the bare address by themselves.
pub(super) fn is_bare(text: &str, url: &str) -> bool {
    let shown = spell(text);
    let web = |rest: &str| rest == shown || rest.strip_suffix('/') == Some(shown.as_str());
    shown == url
        || url.strip_prefix("mailto:") == Some(shown.as_str())
        || (shown.starts_with("www.") && url.strip_prefix("http://").is_some_and(web))
}

/// The first bare web address in a text that the services would link by themselves: where it starts, and the address.
pub(super) fn find(text: &str) -> Option<(usize, &str)> {
    let mut from = 0;
    while let Some(rest) = text.get(from..) {
        let at = ["https://", "http://"]
            .iter()
            .filter_map(|start| rest.find(start))
            .min()?
            + from;
        let (before, tail) = text.split_at_checked(at)?;
        let stop = |c: char| c.is_whitespace() || c.is_control() || "<>\"`\\{}|^[]".contains(c);
        let reach = tail.find(stop).unwrap_or(tail.len());
        let address = tail
            .get(..reach)?
            .trim_end_matches(|c: char| ".,;:!?)'*_~".contains(c));
        let host = address.split_once("://").map_or("", |(_, host)| host);
        let whole =
            host.starts_with(char::is_alphanumeric) && !before.ends_with(char::is_alphanumeric);
        if whole && link(address).is_some_and(|url| *url == *address) {
            return Some((at, address));
        }
        from = at + 4; // past "http"
    }
    None
}

/// The lower-case scheme of an address, if it has one.
fn scheme(url: &str) -> Option<String> {
    let (name, _) = url.split_once(':')?;
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic());
    if starts && bytes.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
        return Some(name.to_ascii_lowercase());
    }
    // A colon before any slash, question mark or hash in a name that is no scheme: browsers may still repair it.
    (!name.contains(['/', '?', '#', '%'])).then(|| "unknown".to_owned())
}

fn spell(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for c in url.trim().chars() {
        if c.is_control() || matches!(c, '\u{200b}' | '\u{feff}') {
            continue;
        }
        if c.is_whitespace() || "<>\"`\\{}|^[]".contains(c) {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}
