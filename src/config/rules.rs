//! Rules for single values: addresses, cron, time zones, WIQL conditions. Pure.

use super::diagnostic::nearest;
use crate::model::Timestamp;
use std::path::PathBuf;

/// Returns the address without a trailing slash, or what is wrong with it and what to do.
pub(super) fn service_url(address: &str) -> Result<String, (String, String)> {
    let wrong = |what: &str, help: &str| Err((what.to_owned(), help.to_owned()));
    let Ok(url) = url::Url::parse(address) else {
        return wrong(
            "`url` is not a complete address",
            "start it with https:// and name a host",
        );
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(
            "`url` holds a user name or password",
            "remove everything up to the @; tokens belong into pat and token",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(
            "`url` has a part behind ? or #",
            "end it behind the organisation, collection or host",
        );
    }
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => {
            return wrong(
                "`url` names no host",
                "start it with https:// and name a host",
            );
        }
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => {
            return wrong(
                "`url` would send the token unencrypted",
                "use https://; plain http is only allowed to this machine",
            );
        }
        _ => return wrong("`url` must begin with https://", "use https://"),
    }
    let ado_root = url.host_str() == Some("dev.azure.com");
    let parts = url
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .count();
    if ado_root && parts != 1 {
        return wrong(
            "`url` must end with the organisation",
            "write https://dev.azure.com/ORGANISATION; projects are named per pair",
        );
    }
    let address = url.as_str().trim_end_matches('/');
    let of_the_api = ["/api", "/api/v2", "/api/v3", "/_apis"];
    if let Some(path) = of_the_api.iter().find(|path| address.ends_with(*path)) {
        return wrong(
            &format!("`url` ends with {path}, which is not part of the service's address"),
            &format!("leave {path} out; boardsync adds the paths of the requests"),
        );
    }
    Ok(address.to_owned())
}

/// Returns a text as it was typed within double quotes, where TOML has made control characters of some of its backslashes.
/// `None`: it holds others as well. Example: a line break between `Fabrikam` and `ew` is `Fabrikam\new`.
pub(super) fn as_typed(text: &str) -> Option<String> {
    let mut typed = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => typed.push_str("\\n"),
            '\t' => typed.push_str("\\t"),
            '\r' => typed.push_str("\\r"),
            '\u{8}' => typed.push_str("\\b"),
            '\u{c}' => typed.push_str("\\f"),
            '\u{1b}' => typed.push_str("\\e"),
            c if c.is_control() => return None,
            c => typed.push(c),
        }
    }
    Some(typed)
}

/// Returns the expression with six fields, or croner's reason.
pub(super) fn cron(expression: &str) -> Result<String, String> {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let six = match fields.len() {
        5 => format!("0 {}", fields.join(" ")),
        _ => fields.join(" "),
    };
    parse_cron(&six)
        .map(|_| six)
        .map_err(|error| error.to_string().trim_end_matches('.').to_owned())
}

fn parse_cron(six: &str) -> Result<croner::Cron, croner::errors::CronError> {
    croner::parser::CronParser::builder()
        .seconds(croner::parser::Seconds::Required)
        .build()
        .parse(six)
}

/// Returns the `times`-th moment after this one at which a line of six fields is due; `None`: never.
pub(super) fn next_of_cron(line: &str, after: Timestamp, times: u32) -> Option<Timestamp> {
    let cron = parse_cron(line).ok()?;
    let mut at = chrono::DateTime::from_timestamp_millis(after.0)?;
    for _ in 0..times {
        at = cron.find_next_occurrence(&at, false).ok()?;
    }
    Some(Timestamp(at.timestamp_millis()))
}

/// Returns the zone of an IANA name, or what to do.
pub(super) fn time_zone(name: &str) -> Result<chrono_tz::Tz, String> {
    name.parse().map_err(|_| {
        let near = nearest(name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
        near.map_or_else(
            || "use an IANA name such as \"Europe/Berlin\" or \"UTC\"".to_owned(),
            |near| format!("did you mean \"{near}\"?"),
        )
    })
}

/// Returns whether the text is digits only (ids of lists and workspaces).
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// Returns whether the text is a UUID, as `0f7c1c5e-5d0e-4e58-9d3f-000000000001`.
pub(super) fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    let hex = text.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    hex && lengths.eq([8, 4, 4, 4, 12])
}

/// Returns whether the text can be an ADO field reference name: words of letters, digits and `_`, joined by dots.
pub(super) fn is_reference_name(text: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text.contains('.') && text.split('.').all(word)
}

/// Returns what is wrong with a WIQL condition and what to do; `None` when nothing is seen.
///
/// Only the shape is checked. The condition is put in brackets and joined with AND, so a bracket
/// that closes too early or a clause behind WHERE would change the meaning of the whole query.
pub(super) fn condition_fault(condition: &str) -> Option<(String, String)> {
    let fault = |what: &str, help: &str| Some((what.to_owned(), help.to_owned()));
    let mut quote: Option<char> = None;
    let mut depth = 0_i32;
    let mut words = vec![String::new()];
    for c in condition.chars() {
        match quote {
            Some(open) => {
                if c == open {
                    quote = None;
                }
                continue;
            }
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '[' => quote = Some(']'),
            None if c == '(' => depth += 1,
            None if c == ')' => depth -= 1,
            None => {}
        }
        if depth < 0 {
            return fault(
                "`where` closes a parenthesis that it did not open",
                "balance the parentheses",
            );
        }
        if c.is_alphanumeric() {
            if let Some(word) = words.last_mut() {
                word.extend(c.to_uppercase());
            }
        } else {
            words.push(String::new());
        }
    }
    if quote == Some(']') {
        return fault("`where` has a [ without a ]", "close the field name");
    }
    if quote.is_some() {
        return fault(
            "`where` has a quote that is not closed",
            "close it; a quote inside a text is doubled: 'it''s'",
        );
    }
    if depth != 0 {
        return fault(
            "`where` has a parenthesis that is not closed",
            "balance the parentheses",
        );
    }
    for word in words.iter().map(String::as_str) {
        let help = match word {
            "ORDER" | "ASOF" | "MODE" => {
                "give only a condition; order and time are boardsync's own"
            }
            "SELECT" | "FROM" | "WHERE" => {
                "give only what would stand behind WHERE: [System.WorkItemType] = 'Bug'"
            }
            _ => continue,
        };
        return fault(&format!("`where` holds the word {word}"), help);
    }
    None
}

/// Reads the path out of a `DATABASE_URL`: a bare path, or one behind `sqlite:` or `file:`. The error never repeats the
/// address, which may hold a password.
pub(super) fn database_path(url: &str) -> Result<PathBuf, (String, String)> {
    let scheme = url.split_once(':').map(|(scheme, rest)| {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        (scheme.to_ascii_lowercase(), path)
    });
    let path = match scheme {
        Some((scheme, path)) if matches!(scheme.as_str(), "sqlite" | "file") => {
            path.split_once('?').map_or(path, |(path, _)| path)
        }
        // One letter is a drive; anything with another character is the name of a file.
        Some((scheme, _))
            if scheme.len() > 1
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-".contains(c)) =>
        {
            return Err((
                format!("`{scheme}:` is not a kind of database that boardsync can use"),
                "it keeps its state in one SQLite file: set DATABASE_URL to its path or to sqlite:PATH, or unset it and \
                 write [state] path = \"PATH\""
                    .to_owned(),
            ));
        }
        Some(_) | None => url.split_once('?').map_or(url, |(path, _)| path),
    };
    if path.is_empty() {
        return Err((
            "no path".to_owned(),
            "set DATABASE_URL to the path of a SQLite file, or unset it".to_owned(),
        ));
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn address_loses_its_slash_and_plain_http_stays_on_this_machine() {
        let good = |address: &str| service_url(address).unwrap();
        assert_eq!(
            good("https://dev.azure.com/contoso/"),
            "https://dev.azure.com/contoso"
        );
        assert_eq!(
            good("https://tfs.local/tfs/Col/"),
            "https://tfs.local/tfs/Col"
        );
        assert_eq!(good("http://127.0.0.1:80/x"), "http://127.0.0.1/x");
        assert_eq!(good("http://[::1]:8080"), "http://[::1]:8080");
        for bad in [
            "http://example.org",
            "http://localhost.example.org",
            "ftp://example.org",
            "dev.azure.com/contoso",
            "https://u:p@example.org",
            "https://example.org?x=1",
            "https://dev.azure.com",
            "https://dev.azure.com/contoso/Fabrikam",
        ] {
            assert!(service_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_database_address_is_a_path_or_is_refused_without_being_repeated() {
        for (url, path) in [
            ("boardsync.db", "boardsync.db"),
            ("/var/lib/b.db", "/var/lib/b.db"),
            ("sqlite:b.db?mode=rwc", "b.db"),
            ("sqlite://b.db", "b.db"),
            ("sqlite:///srv/b.db", "/srv/b.db"),
            ("file:///srv/b.db", "/srv/b.db"),
            ("C:\\b.db", "C:\\b.db"),
            ("./a:b.db", "./a:b.db"),
        ] {
            assert_eq!(database_path(url).unwrap(), Path::new(path), "{url}");
        }
        for url in [
            "postgres://u:hunter2@db/x",
            "MySQL://u:hunter2@db/x",
            "libsql:hunter2",
            "sqlite:",
        ] {
            let (what, help) = database_path(url).unwrap_err();
            assert!(!format!("{what} {help}").contains("hunter2"), "{what}");
        }
    }

    #[test]
    fn five_field_cron_starts_at_second_zero() {
        assert_eq!(cron("*/5 * * * *").unwrap(), "0 */5 * * * *");
        assert_eq!(cron("30 */5 * * * *").unwrap(), "30 */5 * * * *");
        assert!(cron("61 * * * * *").is_err());
        assert!(cron("soon").is_err());
    }

    #[test]
    fn the_next_cycles_of_a_cron_line_are_told_ahead() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let next = |times| next_of_cron("0 0 9 * * *", at("2026-11-29T10:00:00Z"), times);
        assert_eq!(next(1), Some(at("2026-11-30T09:00:00Z")));
        assert_eq!(next(3), Some(at("2026-12-02T09:00:00Z")));
        assert_eq!(
            next_of_cron("0 0 0 30 2 *", at("2026-11-29T10:00:00Z"), 1),
            None
        );
    }

    #[test]
    fn condition_may_not_leave_its_brackets_or_add_clauses() {
        for good in [
            "[System.WorkItemType] IN ('User Story','Bug')",
            "[System.Title] <> 'it''s (open, order by'",
            "[Custom.Mode] = 'x' AND ([A.B] = 1 OR [A.C] = 2)",
        ] {
            assert_eq!(condition_fault(good), None, "{good}");
        }
        for bad in [
            "[A.B] = 1) OR (1 = 1",
            "([A.B] = 1",
            "[A.B] = 'x",
            "[A.B = 1",
            "[A.B] = 1 ORDER BY [A.B]",
            "[A.B] = 1 asof '2024-01-01'",
            "WHERE [A.B] = 1",
        ] {
            assert!(condition_fault(bad).is_some(), "{bad}");
        }
    }
}
