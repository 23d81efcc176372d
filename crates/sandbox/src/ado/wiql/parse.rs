//! From words to a query.

use super::super::fields::{FieldDef, find};
use super::super::reply::Refusal;
use super::syntax;
use super::token::{Token, split};
use boardsync_core::model::Timestamp;

/// A flat query.
#[derive(Clone, Debug)]
pub struct Query {
    /// Reference names of the selected columns.
    pub columns: Vec<String>,
    pub condition: Condition,
    /// Reference name and whether descending.
    pub order: Vec<(String, bool)>,
    pub as_of: Option<Timestamp>,
}

/// The WHERE clause.
#[derive(Clone, Debug)]
pub enum Condition {
    Always,
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        field: FieldDef,
        operator: Operator,
        values: Vec<Operand>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    In,
    NotIn,
    Under,
    NotUnder,
    Contains,
    NotContains,
}

/// The right-hand side of a comparison.
#[derive(Clone, Debug)]
pub enum Operand {
    Text(String),
    Number(f64),
    Me,
    Project,
    /// `@today` plus so many days.
    Today(i64),
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    catalogue: &'a [FieldDef],
}

/// Parses a flat query.
pub fn parse(text: &str, catalogue: &[FieldDef]) -> Result<Query, Refusal> {
    let mut parser = Parser {
        tokens: split(text)?,
        at: 0,
        catalogue,
    };
    parser.query()
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, Refusal> {
        self.need("SELECT")?;
        let mut columns = Vec::new();
        if !self.sign("*") {
            loop {
                columns.push(self.field()?.reference);
                if !self.sign(",") {
                    break;
                }
            }
        }
        self.need("FROM")?;
        if !self.word("WorkItems") {
            return Err(syntax(
                "The sandbox knows flat queries FROM WorkItems only.",
            ));
        }
        let condition = if self.word("WHERE") {
            self.any()?
        } else {
            Condition::Always
        };
        let mut order = Vec::new();
        if self.word("ORDER") {
            self.need("BY")?;
            loop {
                let field = self.field()?.reference;
                let down = self.word("DESC");
                if !down {
                    self.word("ASC");
                }
                order.push((field, down));
                if !self.sign(",") {
                    break;
                }
            }
        }
        let mut as_of = None;
        if self.word("ASOF") {
            let at = match self.next() {
                Some(Token::Text(text)) => super::evaluate::instant(&text),
                _ => None,
            };
            as_of = Some(at.ok_or_else(|| syntax("ASOF needs a date."))?);
        }
        match self.next() {
            None => Ok(Query {
                columns,
                condition,
                order,
                as_of,
            }),
            Some(token) => Err(syntax(format!("Unexpected {token:?} at the end."))),
        }
    }

    fn any(&mut self) -> Result<Condition, Refusal> {
        let mut parts = vec![self.all()?];
        while self.word("OR") {
            parts.push(self.all()?);
        }
        Ok(Condition::Any(parts))
    }

    fn all(&mut self) -> Result<Condition, Refusal> {
        let mut parts = vec![self.one()?];
        while self.word("AND") {
            parts.push(self.one()?);
        }
        Ok(Condition::All(parts))
    }

    fn one(&mut self) -> Result<Condition, Refusal> {
        if self.word("NOT") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.sign("(") {
            let inner = self.any()?;
            if !self.sign(")") {
                return Err(syntax("A parenthesis is not closed."));
            }
            return Ok(inner);
        }
        let field = self.field()?;
        let operator = self.operator()?;
        let mut values = Vec::new();
        if matches!(operator, Operator::In | Operator::NotIn) {
            if !self.sign("(") {
                return Err(syntax("IN needs a list in parentheses."));
            }
            loop {
                values.push(self.operand()?);
                if !self.sign(",") {
                    break;
                }
            }
            if !self.sign(")") {
                return Err(syntax("The list of IN is not closed."));
            }
        } else {
            values.push(self.operand()?);
        }
        Ok(Condition::Compare {
            field,
            operator,
            values,
        })
    }

    fn operator(&mut self) -> Result<Operator, Refusal> {
        match self.next() {
            Some(Token::Sign(sign)) => Ok(match sign {
                "=" => Operator::Equal,
                "<>" => Operator::NotEqual,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterEqual,
                "<" => Operator::Less,
                "<=" => Operator::LessEqual,
                other => return Err(syntax(format!("Unexpected {other}."))),
            }),
            Some(Token::Word(word)) => {
                let not = word.eq_ignore_ascii_case("NOT");
                let word = match (not, word) {
                    (false, word) => word,
                    (true, _) => match self.next() {
                        Some(Token::Word(word)) => word,
                        _ => return Err(syntax("NOT needs an operator.")),
                    },
                };
                Ok(match (word.to_ascii_uppercase().as_str(), not) {
                    ("IN", false) => Operator::In,
                    ("IN", true) => Operator::NotIn,
                    ("UNDER", false) => Operator::Under,
                    ("UNDER", true) => Operator::NotUnder,
                    ("CONTAINS", false) => Operator::Contains,
                    ("CONTAINS", true) => Operator::NotContains,
                    _ => return Err(syntax(format!("Unknown operator {word}."))),
                })
            }
            _ => Err(syntax("An operator is missing.")),
        }
    }

    fn operand(&mut self) -> Result<Operand, Refusal> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Operand::Text(text)),
            Some(Token::Number(number)) => Ok(Operand::Number(number)),
            Some(Token::Sign("-")) => match self.next() {
                Some(Token::Number(number)) => Ok(Operand::Number(-number)),
                _ => Err(syntax("A number is missing.")),
            },
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => {
                Ok(Operand::Text("True".to_owned()))
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => {
                Ok(Operand::Text("False".to_owned()))
            }
            Some(Token::Macro(name)) => match name.as_str() {
                "me" => Ok(Operand::Me),
                "project" => Ok(Operand::Project),
                "today" => Ok(Operand::Today(self.shift()?)),
                _ => Err(syntax(format!("The macro @{name} is not known."))),
            },
            _ => Err(syntax("A value is missing.")),
        }
    }

    fn shift(&mut self) -> Result<i64, Refusal> {
        let factor = if self.sign("+") {
            1
        } else if self.sign("-") {
            -1
        } else {
            return Ok(0);
        };
        match self.next() {
            Some(Token::Number(days)) => Ok(factor * days as i64),
            _ => Err(syntax("@today needs a number of days.")),
        }
    }

    fn field(&mut self) -> Result<FieldDef, Refusal> {
        match self.next() {
            Some(Token::Field(name)) => {
                let found = find(self.catalogue, &name).cloned();
                found.ok_or_else(|| syntax(format!("The field {name} does not exist.")))
            }
            Some(Token::Word(word)) => Err(syntax(format!("The field {word} is not in brackets."))),
            _ => Err(syntax("A field is missing.")),
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&mut self, wanted: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w.eq_ignore_ascii_case(wanted));
        self.at += usize::from(hit);
        hit
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if *s == wanted);
        self.at += usize::from(hit);
        hit
    }

    fn need(&mut self, wanted: &str) -> Result<(), Refusal> {
        if self.word(wanted) {
            Ok(())
        } else {
            Err(syntax(format!("{wanted} is missing.")))
        }
    }
}
