//! Words of the query language.

use super::super::reply::Refusal;
use super::syntax;

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// `[Field Name]`.
    Field(String),
    /// `'text'`, quotes undoubled.
    Text(String),
    /// A number.
    Number(f64),
    /// A bare word, original case.
    Word(String),
    /// `@Me`, `@today`; without the sign, lower case.
    Macro(String),
    /// `=`, `<>`, `>=`, `<=`, `>`, `<`, `(`, `)`, `,`, `+`, `-`, `*`.
    Sign(&'static str),
}

const SIGNS: [&str; 12] = [
    "<>", ">=", "<=", "=", ">", "<", "(", ")", ",", "+", "-", "*",
];

/// Splits a query into words.
pub fn split(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '[' => {
                let inner = rest.trim_start_matches('[');
                let (name, after) = inner
                    .split_once(']')
                    .ok_or_else(|| syntax("A bracket is not closed."))?;
                (Token::Field(name.trim().to_owned()), after)
            }
            '\'' | '"' => quoted(rest, first)?,
            '@' => {
                let (word, after) = word(rest.trim_start_matches('@'));
                (Token::Macro(word.to_lowercase()), after)
            }
            c if c.is_ascii_digit() => {
                let end = rest
                    .find(|c: char| !c.is_ascii_digit() && c != '.')
                    .unwrap_or(rest.len());
                let (digits, after) = rest.split_at(end);
                (
                    Token::Number(
                        digits
                            .parse()
                            .map_err(|_| syntax(format!("Not a number: {digits}.")))?,
                    ),
                    after,
                )
            }
            c if c.is_alphabetic() || c == '_' => {
                let (word, after) = word(rest);
                (Token::Word(word.to_owned()), after)
            }
            _ => {
                let sign = SIGNS.iter().find(|s| rest.starts_with(**s));
                let sign = sign.ok_or_else(|| syntax(format!("Unexpected character {first}.")))?;
                (
                    Token::Sign(sign),
                    rest.get(sign.len()..).unwrap_or_default(),
                )
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')
        .unwrap_or(text.len());
    text.split_at(end)
}

fn quoted(text: &str, quote: char) -> Result<(Token, &str), Refusal> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            out.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            out.push(quote);
            chars.next();
        } else {
            return Ok((Token::Text(out), text.get(at + 1..).unwrap_or_default()));
        }
    }
    Err(syntax("A quoted text is not closed."))
}
