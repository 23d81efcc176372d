//! Recognises what must not be shown in a line of a configuration file. Pure, on text alone, because a
//! file with a syntax error has no keys yet and may hold a token all the same.

use super::diagnostic::nearest;

/// Replaces control characters, so that a file cannot drive the terminal. Lengths in bytes stay.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            // U+009B and its like are control characters too, of two bytes.
            c if c.is_control() => out.extend(std::iter::repeat_n('?', c.len_utf8())),
            c => out.push(c),
        }
    }
    out
}

/// Returns where the key ends, when the line assigns something whose name says that it is secret;
/// 0 when it only mentions such a name and the rest could be anything.
pub(super) fn secret_key_end(line: &str) -> Option<usize> {
    const WORDS: [&str; 6] = ["pat", "token", "secret", "password", "passwd", "apikey"];
    let mut start = None;
    let with_end = line
        .char_indices()
        .chain(std::iter::once((line.len(), ' ')));
    for (at, c) in with_end {
        if c.is_ascii_alphanumeric() {
            start.get_or_insert(at);
            continue;
        }
        let Some(from) = start.take() else { continue };
        let word = line.get(from..at).unwrap_or_default().to_ascii_lowercase();
        // A plural, a joined name or a slip (`pats`, `mytoken`, `tokn`) is a misspelt key, its value a likely token.
        let suspicious = WORDS.contains(&word.as_str())
            || word == "pats"
            || WORDS.iter().skip(1).any(|secret| word.contains(secret))
            || nearest(&word, WORDS.into_iter().skip(1)).is_some();
        if !suspicious || inside_value(line.get(..from).unwrap_or_default()) {
            continue;
        }
        let rest = line.get(at..).unwrap_or_default();
        let rest =
            rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-\"' \t".contains(c));
        let alone = rest.is_empty() && !line.contains('=');
        if alone {
            return Some(0);
        }
        if rest.starts_with(['=', ':', '.']) {
            let end = at + usize::from(matches!(c, '"' | '\''));
            return Some(end.min(line.len()));
        }
    }
    None
}

/// Returns whether the text ends inside a quoted value: an odd quote that stands behind `=`, `[` or `,`.
fn inside_value(before: &str) -> bool {
    ['"', '\''].into_iter().any(|quote| {
        before.matches(quote).count() % 2 == 1
            && before
                .rsplit_once(quote)
                .is_some_and(|(key, _)| key.trim_end().ends_with(['=', '[']))
    })
}

/// Returns whether a line begins a key, a table or a comment, and so cannot continue a value above it.
pub(super) fn starts_something(line: &str) -> bool {
    let line = line.trim_start();
    if line.starts_with(['[', '#']) {
        return true;
    }
    let key = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let rest = key.trim_start();
    key.len() < line.len() && rest.starts_with('=') && !rest.starts_with("==") && rest.trim() != "="
}

/// Stars out runs that look like a token: `pk_...`, or 32 and more letters and digits mixed. Byte lengths stay.
pub(super) fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    let flush = |run: &mut String, out: &mut String| {
        let digits = run.chars().any(|c| c.is_ascii_digit());
        let letters = run.chars().any(|c| c.is_ascii_alphabetic());
        let long = run.len() >= 32 && digits && letters;
        let clickup = run.starts_with("pk_") && run.len() > 6;
        if long || clickup {
            out.extend(std::iter::repeat_n('*', run.len()));
        } else {
            out.push_str(run);
        }
        run.clear();
    };
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            run.push(c);
        } else {
            flush(&mut run, &mut out);
            out.push(c);
        }
    }
    flush(&mut run, &mut out);
    out
}

/// Returns whether a value holds what looks like a token and like nothing else that a configuration may hold: a personal
/// access token has 52 small letters and digits, or 84 characters with `AZDO` among them (learn.microsoft.com, personal
/// access token format, 2024-07); ClickUp's begin with `pk_`.
pub(super) fn is_token_like(value: &str) -> bool {
    let mut words = value.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.any(|word| {
        let digits = word.chars().any(|c| c.is_ascii_digit());
        let letters = word.chars().any(|c| c.is_ascii_lowercase());
        let small = !word.chars().any(|c| c.is_ascii_uppercase() || c == '_');
        word.starts_with("pk_") && word.len() >= 20 && digits
            || word.len() == 52 && digits && letters && small
            || word.len() == 84 && word.contains("AZDO")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_is_shown_and_the_length_stays() {
        let text = "\u{1b}[2J\u{9b}2J\u{85}\tz\u{fc}\0";
        let shown = printable(text);
        assert_eq!(shown, "?[2J??2J?? z\u{fc}?");
        assert_eq!(shown.len(), text.len());
    }

    #[test]
    fn text_that_looks_like_a_token_is_starred_out_anywhere() {
        let pat = "a1b2".repeat(13);
        for text in [format!("url = \"{pat}\""), "x pk_12_ABCDEF".to_owned()] {
            let redacted = redact(&text);
            assert!(redacted.contains("****"), "{redacted}");
            assert!(!redacted.contains(&pat) && !redacted.contains("ABCDEF"));
            assert_eq!(redacted.len(), text.len());
        }
        assert!(is_token_like(&format!("https://dev.azure.com/{pat}")));
        assert!(is_token_like("pk_12345678_ABCDEFGHIJKLMNOP"));
        for name in [
            "pk_area",
            "Contoso",
            "9012345",
            "v1.f2b0c0b1e5a94b7c8d8e3c1f6a5b4c3d",
        ] {
            assert!(!is_token_like(name), "{name}");
        }
        let harmless = "Microsoft.VSTS.Scheduling.StoryPoints 901100200300";
        assert_eq!(redact(harmless), harmless);
    }
}
